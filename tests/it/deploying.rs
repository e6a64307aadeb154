//! The commands in `deploy/`, run on this machine with the variables that their environments set.

use crate::support::{Place, share_the_machine, stderr};
use std::path::Path;
use std::process::Command;

const PARTS: u32 = 5;

/// Five cases, of which each part of a plan by time has one.
const FIVE: &str = r#"
[target]
throughput = "200/s"
latency = "1s"
[matrix]
queue = "noop"
maxsize = [10, 20, 30, 40, 50]
concurrency = 2
rate = "100/s"
duration = "50ms"
[run]
warmup = "0s"
control = "0s"
repeats = 1
invalid_retries = 0
"#;

fn deployed(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)).unwrap()
}

/// The block of YAML that follows `marker`, without its indentation.
fn block(text: &str, marker: &str) -> String {
    let (_, after) = text.split_once(marker).unwrap_or_else(|| panic!("there is no {marker}"));
    let lines: Vec<&str> = after.lines().skip(1).collect();
    let indent = lines[0].len() - lines[0].trim_start().len();
    let of_block = |line: &&&str| line.trim().is_empty() || line.len() - line.trim_start().len() >= indent;
    lines.iter().take_while(of_block).map(|line| format!("{}\n", line.get(indent..).unwrap_or(""))).collect()
}

/// A place where `queue-load` is on the path, and in `bin`.
fn place() -> Place {
    let place = Place::new();
    place.write("five.toml", FIVE);
    std::fs::create_dir(place.path().join("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_queue-load"), place.path().join("bin/queue-load")).unwrap();
    place
}

/// Runs a script as its environment would; the code must be 0, or what a busy machine leads to.
fn run(place: &Place, shell: &[&str], variables: &[(&str, String)], codes: &[i32]) {
    let _shared = share_the_machine();
    let path = format!("{}:{}", place.path().join("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).current_dir(place.path()).env("PATH", path).env("SCENARIO", "five.toml");
    for name in ["JOB_COMPLETION_INDEX", "CI_NODE_INDEX", "SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX"] {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().map(|(name, value)| (*name, value))).output().unwrap();
    assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{shell:?}: {}", stderr(&output));
}

fn all_is_merged(place: &Place, method: &str) {
    let text = std::fs::read(place.path().join("all.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(report["cases"].as_array().unwrap().len(), 5);
    let shards = report["merged"]["shards"].as_array().unwrap();
    assert_eq!(shards.len(), PARTS as usize);
    assert!(shards.iter().all(|shard| shard["partition"]["source"] == *method), "{method}");
}

#[test]
#[ignore = "takes real time"]
fn the_slurm_array_shares_a_plan_and_merges_it() {
    let (place, script) = (place(), deployed("slurm-array.sh"));
    let file = format!("{}/deploy/slurm-array.sh", env!("CARGO_MANIFEST_DIR"));
    assert!(script.contains(&format!("#SBATCH --array=1-{PARTS}\n")));
    for part in 1..=PARTS {
        let number = |number: u32| number.to_string();
        let variables = [
            ("SLURM_ARRAY_TASK_ID", number(part)),
            ("SLURM_ARRAY_TASK_MIN", number(1)),
            ("SLURM_ARRAY_TASK_MAX", number(PARTS)),
            ("SLURM_ARRAY_TASK_COUNT", number(PARTS)),
        ];
        run(&place, &["bash", &file, "five.toml"], &variables, &[0]);
    }
    let merge = script.split_once("--wrap '").and_then(|(_, rest)| rest.split_once('\'')).unwrap().0;
    run(&place, &["bash", "-c", merge], &[], &[0, 5]);
    all_is_merged(&place, "Slurm");
}

#[test]
#[ignore = "takes real time"]
fn the_indexed_job_shares_a_plan_and_merges_it() {
    let job = deployed("kubernetes-job.yaml");
    // Kubernetes does not tell a pod how many there are.
    assert!(job.contains(&format!("completions: {PARTS}\n")) && job.contains(&format!("value: \"{PARTS}\"\n")));
    let (place, script) = (place(), block(&job, "args:\n            - |"));
    for index in 0..PARTS {
        let variables = [("JOB_COMPLETION_INDEX", index.to_string()), ("QUEUE_LOAD_PARTITIONS", PARTS.to_string())];
        run(&place, &["sh", "-c", &script], &variables, &[0]);
    }
    let merge = job.lines().find_map(|line| line.strip_prefix("#   ")).unwrap();
    run(&place, &["sh", "-c", merge], &[], &[0, 5]);
    all_is_merged(&place, "Kubernetes");
}

#[test]
#[ignore = "takes real time"]
fn the_workflow_shares_a_plan_and_merges_it() {
    let workflow = deployed("github-workflow.yml");
    assert!(workflow.contains(&format!("PARTS: {PARTS}\n")) && workflow.contains("part: [1, 2, 3, 4, 5]\n"));
    let place = place();
    let (_, part) = workflow.split_once("name: Run this part").unwrap();
    let script = block(part, "run: |");
    for part in 1..=PARTS {
        let variables = [("PART", part.to_string()), ("PARTS", PARTS.to_string())];
        run(&place, &["bash", "-e", "-c", &script], &variables, &[0]);
    }
    let (_, merge) = workflow.split_once("name: Merge").unwrap();
    let summary = place.path().join("summary.md").display().to_string();
    run(&place, &["bash", "-e", "-c", &block(merge, "run: |")], &[("GITHUB_STEP_SUMMARY", summary)], &[0, 5]);
    all_is_merged(&place, "--partition");
    assert!(std::fs::read_to_string(place.path().join("summary.md")).unwrap().contains("queue-load"));
}
