//! What can be put under load: the list, the queues that are not built in, and a queue of one's own.

use queue_load::adapter::noop::Noop;
use queue_load::internals::adapter::{catalogue, not_built};
use queue_load::internals::run::{Journal, RepeatOutcome, RepeatRecord};
use queue_load::internals::worker::{Queues, simulate};
use queue_load::report::Environment;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Place, expect_code, repeat_of, share_the_machine, stderr, stdout};

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn listed() -> Vec<Value> {
    let output = Place::new().run(&["queues", "--format", "json"]);
    expect_code(&output, 0);
    serde_json::from_str(&stdout(&output)).unwrap()
}

#[test]
fn every_queue_is_listed_built_in_or_not() {
    let listed = listed();
    let mut expected: Vec<&str> = vec!["builtin", "noop"];
    expected.extend(catalogue::OPTIONAL.iter().map(|optional| optional.about.name));
    let mut names: Vec<&str> = listed.iter().map(|queue| queue["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let table = stdout(&Place::new().run(&["queues"]));
    let built: Vec<&str> = Queues::with_own().abouts().map(|about| about.name).collect();
    for queue in &listed {
        let name = queue["name"].as_str().unwrap();
        assert_eq!(queue["built_in"], built.contains(&name), "{name}");
        assert_eq!(queue["feature"].is_null(), ["builtin", "noop"].contains(&name), "{name}");
        let row = table.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{table}"));
        let said = if built.contains(&name) { "yes" } else { "no" };
        assert!(row.trim_end().ends_with(said) && row.contains(queue["version"].as_str().unwrap()), "{table}");
    }
}

#[test]
fn versions_are_those_of_the_lock_file() {
    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let crates = [
        ("tracing-appender", "tracing-appender"),
        ("slog-async", "slog-async"),
        ("opentelemetry", "opentelemetry_sdk"),
        ("spdlog-rs", "spdlog-rs"),
        ("tokio-mpsc", "tokio"),
        ("crossbeam", "crossbeam-channel"),
        ("ticklog", "ticklog"),
        ("ftlog", "ftlog"),
        ("logforth", "logforth-append-async"),
    ];
    for queue in listed() {
        let Some((_, package)) = crates.iter().find(|(name, _)| queue["name"] == *name) else {
            assert_eq!(queue["version"], env!("CARGO_PKG_VERSION"));
            continue;
        };
        let locked: Vec<_> =
            packages.iter().filter(|locked| locked["name"].as_str() == Some(package)).map(|p| &p["version"]).collect();
        assert_eq!(locked.len(), 1, "{package}");
        assert_eq!(queue["version"].as_str(), locked[0].as_str(), "{package}");
    }
}

#[test]
fn a_queue_that_is_not_built_in_is_refused_with_the_feature_that_it_needs() {
    let queues = Queues::with_own();
    let place = Place::new();
    for optional in not_built(&queues) {
        let name = optional.about.name;
        place.write("one.toml", format!("[matrix]\nqueue = [\"noop\", \"{name}\"]\n"));
        let output = place.run(&["run", "one.toml"]);
        expect_code(&output, 2);
        let said = stderr(&output);
        assert!(said.contains("one.toml:2") && said.contains("matrix.queue"), "{said}");
        assert!(said.contains(&format!("queue `{name}` is not built into this program")), "{said}");
        assert!(said.contains(&format!("--features {}", optional.feature)), "{said}");
    }
}

/// A scenario of every queue, with a strategy that few of them have.
fn all_queues() -> String {
    let names: Vec<String> = listed().iter().map(|queue| queue["name"].to_string()).collect();
    format!(
        "[matrix]\nqueue = [{}]\nstrategy = [\"drop\", \"sample\"]\nduration = \"100ms\"\nrate = \"1k/s\"\n\
         [run]\nskip_unsupported = true\nrepeats = 1\nwarmup = \"0s\"\n",
        names.join(", ")
    )
}

#[test]
fn what_is_not_supported_is_left_out_and_said() {
    let place = Place::new();
    place.write("all.toml", all_queues());
    let output = place.run(&["list", "all.toml", "--format", "json"]);
    expect_code(&output, 0);
    let listing: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let queues = Queues::with_own();
    // All that are built in can `drop`; only our own can `sample`.
    assert_eq!(listing["cases"].as_array().unwrap().len(), queues.abouts().count() + 2);
    let said = stderr(&output);
    for optional in &catalogue::OPTIONAL {
        let name = optional.about.name;
        let expected = match not_built(&queues).any(|missing| missing == optional) {
            true => format!("queue `{name}` is not built into this program: 2 cases are left out"),
            false => format!("queue `{name}` has no strategy `sample`: 1 case is left out"),
        };
        assert!(said.contains(&expected), "`{expected}` is not in {said}");
    }
}

#[test]
#[ignore = "takes real time"]
fn what_was_left_out_is_in_the_report() {
    let place = Place::new();
    place.write("all.toml", all_queues());
    let output = place.run(&["run", "all.toml", "--filter", "queue=noop", "--output", "r.json"]);
    let report: Value = serde_json::from_slice(&std::fs::read(place.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(report["scenarios"][0]["left_out"].as_array().unwrap().len(), catalogue::OPTIONAL.len());
    assert!(stdout(&output).contains("not run: queue `opentelemetry`"), "{}", stdout(&output));
}

#[test]
fn a_journal_of_a_program_with_other_queues_is_not_taken_for_ones_own() {
    let mut repeat = repeat_of("noop");
    let measurement = Box::new(simulate::<Noop>(&repeat).unwrap());
    // What another program left out is in this one's plan: its case 0 is our case 1.
    let scenario = "[matrix]\nqueue = [\"builtin\", \"noop\"]\n[run]\nrepeats = 1\n";
    let place = Place::new();
    let mut journal = |name: &str, case_id: &str| {
        let inputs = json!({"sources": [["s.toml", scenario]], "overrides": [], "filters": []});
        let header = json!({"inputs": inputs, "environment": Environment::default()});
        let mut journal = Journal::create(&place.path().join(name), "2026-01-01T00:00:00Z", header).unwrap();
        repeat.case_id = case_id.into();
        let outcome = RepeatOutcome::Measured(measurement.clone());
        journal.append(&RepeatRecord { repeat: repeat.clone(), outcome }).unwrap();
    };
    let ours = "concurrency=10 duration=30s maxsize=1000 queue=builtin rate=100/s strategy=drop";
    journal("ours.journal", ours);
    expect_code(&place.run(&["show", "ours.journal"]), 0);
    journal("theirs.journal", &ours.replace("builtin", "noop"));
    let output = place.run(&["show", "theirs.journal"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("use the program that wrote it"), "{}", stderr(&output));
}

/// The program of `examples/own_queue.rs`, which `cargo test` builds beside the tests.
fn own_program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples").join("own_queue");
    assert!(program.exists(), "build it with `cargo build --example own_queue`");
    program
}

#[test]
fn a_queue_of_ones_own_takes_twenty_lines() {
    let example = read("examples/own_queue.rs");
    let lines = example.lines().map(str::trim);
    let own: Vec<&str> =
        lines.filter(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with("use ")).collect();
    assert!(own.len() <= 20, "{} lines:\n{}", own.len(), own.join("\n"));
    // The README shows what is built and tested.
    let code = example.split_once("\n\n").unwrap().1;
    assert!(read("README.md").contains(code), "README.md does not have the example as it is");
}

#[test]
fn a_queue_of_ones_own_has_every_verb() {
    let output = Command::new(own_program()).args(["queues", "--format", "json"]).output().unwrap();
    expect_code(&output, 0);
    let queues: Vec<Value> = serde_json::from_str(&stdout(&output)).unwrap();
    let mine = queues.iter().find(|queue| queue["name"] == "mine").unwrap();
    assert_eq!((mine["built_in"].as_bool(), mine["feature"].is_null()), (Some(true), true), "{mine}");
}

#[test]
#[ignore = "takes real time"]
fn a_queue_of_ones_own_is_run() {
    let _shared = share_the_machine();
    let place = Place::new();
    place.write(
        "tiny.toml",
        "[matrix]\nqueue = \"mine\"\nduration = \"200ms\"\nrate = \"100/s\"\n[run]\nrepeats = 1\nwarmup = \"0s\"\n",
    );
    let run = Command::new(own_program())
        .args(["run", "tiny.toml", "--format", "json", "--output", "r.json", "--invalid-retries", "5"])
        .current_dir(place.path())
        .output()
        .unwrap();
    // It offers less than the target, so the plan cannot pass; on a busy machine it may fail. Its counts are judged.
    assert!(matches!(run.status.code(), Some(3 | 5)), "{}", stderr(&run));
    let report: Value = serde_json::from_str(&stdout(&run)).unwrap();
    let case = &report["cases"][0];
    let repeats = [&case["repeats"][0], &case["set_aside"][0]["measured"]];
    let ledger = &repeats.iter().find(|repeat| !repeat.is_null()).unwrap()["ledger"];
    assert_eq!((&ledger["scheduled"], &ledger["lost"]["silent"]), (&200.into(), &0.into()), "{ledger}");
    assert_eq!(ledger["delivered"], ledger["attempted"], "{ledger}");
}
