//! A plan that several machines share, and the report that is merged from theirs.

use crate::support::{Place, expect_code, stderr, stdout};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

/// Five cases of 50 ms each.
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
repeats = 2
invalid_retries = 0
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("five.toml", FIVE);
    place
}

fn json(place: &Place, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join(file)).unwrap()).unwrap()
}

/// A busy machine may make a case invalid; nothing else is expected here.
fn ran(output: &Output) {
    assert!(matches!(output.status.code(), Some(0 | 5)), "{}\n{}", stdout(output), stderr(output));
}

fn part(place: &Place, part: &str, file: &str) {
    ran(&place.run(&["run", "five.toml", "--partition", part, "--output", file]));
}

#[test]
fn parts_of_a_plan_run_anywhere_and_merge_into_one_report() {
    let place = place();
    part(&place, "slice:1/3", "1.json");
    part(&place, "slice:2/3", "2.json");
    let _shared = crate::support::share_the_machine();
    let mut third = place.command(&["run", "five.toml", "--partition", "slice:env", "--output", "3.json"]);
    let third = third.env("JOB_COMPLETION_INDEX", "2").env("QUEUE_LOAD_PARTITIONS", "3").output().unwrap();
    ran(&third);
    let said = "partition 3/3 (slice, from Kubernetes) has 1 of the 5 cases of the plan";
    assert!(stderr(&third).contains(said), "{}", stderr(&third));
    assert!(stdout(&third).contains("partition 3/3 (slice, from Kubernetes): 1 of 5 cases"), "{}", stdout(&third));
    assert_eq!(json(&place, "3.json")["partition"]["source"], "Kubernetes");

    let merged = place.run(&["merge", "[123].json", "--output", "all.json", "--output", "all.html"]);
    ran(&merged);
    assert!(stdout(&merged).contains("merged from 3 parts: 5 of 5 cases"), "{}", stdout(&merged));
    let all = json(&place, "all.json");
    assert_eq!(all["merged"]["missing"], serde_json::json!([]));
    let maxsize = |case: &Value| case["parameters"]["maxsize"].as_u64().unwrap();
    let order: Vec<u64> = all["cases"].as_array().unwrap().iter().map(maxsize).collect();
    assert_eq!(order, [10, 20, 30, 40, 50], "the order of the plan");
    for shard in ["1.json", "2.json", "3.json"] {
        for case in json(&place, shard)["cases"].as_array().unwrap() {
            assert!(all["cases"].as_array().unwrap().contains(case), "every case is as it was measured");
        }
    }
    expect_code(&place.run(&["show", "all.json", "--case", "maxsize=10"]), 0);
    expect_code(&place.run(&["compare", "all.json", "all.json"]), 0);

    for (args, said) in [
        (&["merge", "1.json", "3.json"][..], "2 of 5 cases of the plan are missing: there is no report on 2/3"),
        (&["merge", "1.json", "2.json", "3.json", "1.json"], "1.json and 1.json overlap: both have the case"),
        (&["merge", "all.json"], "all.json: is merged already"),
        (&["merge", "none.json"], "none.json"),
        (&["gate", "1.json", "all.json"], "merge all parts first"),
        (&["gate", "all.json", "1.json", "--allow-removed"], "merge all parts first"),
    ] {
        let refused = place.run(args);
        expect_code(&refused, 2);
        assert!(stderr(&refused).contains(said), "{args:?}: {}", stderr(&refused));
    }
    let partial = place.run(&["merge", "1.json", "3.json", "--partial", "--output", "some.json"]);
    expect_code(&partial, 5);
    assert!(stdout(&partial).contains("partial: 2 of 5 cases of the plan are missing"), "{}", stdout(&partial));
    assert_eq!(json(&place, "some.json")["verdict"]["reason_codes"][0], "partial");
    expect_code(&place.run(&["gate", "some.json", "some.json"]), 5);
}

#[test]
fn a_part_that_makes_no_sense_is_refused_and_an_empty_one_is_no_failure() {
    let place = place();
    for (args, said) in [
        (&["--partition", "6/5"][..], "there is no partition 6 of 5"),
        (&["--partition", "two"], "write K/N"),
        (&["--partition", "env"], "nothing has numbered this job"),
        (&["--partition", "1/2", "--save-baseline", "main"], "merge all parts first"),
        (&["--partition", "1/2", "--ab", "maxsize=10,20"], "merge all parts first"),
    ] {
        let mut command = place.command(&[&["run", "five.toml"], args].concat());
        for name in ["JOB_COMPLETION_INDEX", "CI_NODE_INDEX", "SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX"] {
            command.env_remove(name);
        }
        let refused = command.output().unwrap();
        expect_code(&refused, 2);
        assert!(stderr(&refused).contains(said), "{args:?}: {}", stderr(&refused));
    }
    let empty = place.run(&["run", "five.toml", "--partition", "slice:9/9", "--output", "empty.json"]);
    expect_code(&empty, 0);
    assert!(stderr(&empty).contains("has none of the 5 cases of the plan: nothing is run"), "{}", stderr(&empty));
    assert!(stdout(&empty).contains("empty: this partition has no case"), "{}", stdout(&empty));
    let listed = place.run(&["list", "five.toml", "--partition", "slice:1/5"]);
    expect_code(&listed, 0);
    assert!(stderr(&listed).contains("has 1 of the 5 cases"), "{}", stderr(&listed));
    for format in ["json", "markdown", "csv", "html", "junit", "github", "hdr"] {
        expect_code(&place.run(&["show", "empty.json", "--format", format]), 0);
    }
}

#[test]
#[ignore = "takes real time"]
fn a_part_that_was_killed_goes_on_as_that_part_and_as_no_other() {
    let place = place();
    let mut child = place.command(&["run", "five.toml", "--partition", "slice:1/2", "--output", "r.json"]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("[2/6]")).expect("the second repeat ends");
    child.kill().unwrap();
    child.wait().unwrap();
    let other = place.run(&["run", "five.toml", "--partition", "slice:2/2", "--resume", "r.journal"]);
    expect_code(&other, 2);
    assert!(stderr(&other).contains("these have changed: --partition"), "{}", stderr(&other));
    ran(&place.run(&["run", "--resume", "r.journal"]));
    part(&place, "slice:2/2", "s.json");
    ran(&place.run(&["merge", "r.json", "s.json", "--output", "all.json"]));
    assert_eq!(json(&place, "all.json")["merged"]["shards"].as_array().unwrap().len(), 2);
}
