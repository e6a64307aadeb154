//! Runs that are kept in a history, its trend, and the bisection of builds.

use crate::support::{Place, expect_code, share_the_machine, stderr, stdout};
use serde_json::Value;
use std::path::PathBuf;

/// Two cases of 50 ms each.
const TWO: &str = r#"
[target]
throughput = "200/s"
latency = "1s"
[matrix]
queue = "noop"
maxsize = [10, 20]
concurrency = 2
rate = "100/s"
duration = "50ms"
[run]
warmup = "0s"
control = "0s"
repeats = 1
"#;

#[test]
fn runs_are_appended_and_their_trend_is_shown() {
    let place = Place::new();
    place.write("two.toml", TWO);
    for _ in 0..2 {
        let ran = place.run(&["run", "two.toml", "--output", "r.json", "--history", "kept"]);
        assert!(matches!(ran.status.code(), Some(0 | 5)), "{}", stderr(&ran));
        assert!(stderr(&ran).contains("history: kept/history.jsonl"), "{}", stderr(&ran));
    }
    let path = place.path().join("kept/history.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "a line for each case");
    assert!(lines.iter().all(|line| line["version"] == 1 && line["scenario"] == "two"));
    assert_eq!((&lines[0]["run"], lines[0]["run"] == lines[2]["run"]), (&lines[1]["run"], false));

    let shown = place.run(&["trend", "kept", "--output", "t.html", "--output", "t.json"]);
    expect_code(&shown, 0);
    assert!(stdout(&shown).contains("2 series") && stdout(&shown).contains("no change"), "{}", stdout(&shown));
    assert!(std::fs::read_to_string(place.path().join("t.html")).unwrap().contains("Trend of enqueue.trimmed_mean"));
    std::fs::write(&path, text.clone() + "{\"version\":1,").unwrap();
    let torn = place.run(&["trend", "kept/history.jsonl", "--metric", "accepted", "--format", "json"]);
    expect_code(&torn, 0);
    assert!(stderr(&torn).contains("line 5 was cut short"), "{}", stderr(&torn));
    std::fs::write(&path, format!("x\n{text}")).unwrap();
    for (args, said) in [
        (&["trend", "kept"][..], "kept/history.jsonl:1: not a line of a history"),
        (&["trend", "none"], "none/history.jsonl: cannot open it"),
        (&["trend", "kept", "--metric", "enqeue.p99"], "enqueue.p99"),
        (&["trend", "kept", "--format", "junit"], "possible values: table, json, html"),
        (&["trend", "kept", "--alpha", "90%"], "write 0.1% to 50%"),
        (&["run", "two.toml", "--history", "two.toml/under"], "write to its directory"),
    ] {
        let refused = place.run(args);
        expect_code(&refused, 2);
        assert!(stderr(&refused).contains(said), "{args:?}: {}", stderr(&refused));
    }
}

/// A build that puts another queue under load than it is told to.
#[cfg(unix)]
fn bad_build(place: &Place, name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let own = env!("CARGO_BIN_EXE_queue-load");
    let script = format!("#!/bin/sh\nsed -u 's/\"queue\":\"noop\"/\"queue\":\"builtin\"/' | '{own}' worker\n");
    let path = place.write(name, script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[cfg(unix)]
#[test]
fn what_cannot_be_bisected_is_refused() {
    let place = Place::new();
    let own = env!("CARGO_BIN_EXE_queue-load");
    for args in [&["bisect", "none.toml", "--good", own, "--bad", own][..], &["bisect", "two.toml", "--good", own]] {
        expect_code(&place.run(args), 2);
    }
    place.write("two.toml", TWO);
    let missing = place.run(&["bisect", "two.toml", "--good", own, "--bad", "none"]);
    expect_code(&missing, 2);
    assert!(stderr(&missing).contains("`none`: cannot find it"), "{}", stderr(&missing));
}

#[cfg(unix)]
#[test]
#[ignore = "takes real time"]
fn the_first_bad_build_is_found_by_interleaved_runs() {
    let place = Place::new();
    let own = env!("CARGO_BIN_EXE_queue-load");
    // 300 logs a repeat, and every nanosecond counts.
    let gated = TWO.replace("100/s", "1500/s").replace("50ms", "100ms").replace("[10, 20]", "1000");
    place.write("gated.toml", gated + "invalid_retries = 5\n[gate]\nignore_below = \"1ns\"\n");
    std::os::unix::fs::symlink(own, place.path().join("second")).unwrap();
    let bad = bad_build(&place, "bad");
    let _shared = share_the_machine();
    let args = ["bisect", "gated.toml", "second", "--good", own, "--bad", bad.to_str().unwrap()];
    let found = place.command(&args).args(["--repeats", "10", "--confirm", "0", "--format", "json"]).output().unwrap();
    let result: Value = serde_json::from_slice(&found.stdout).unwrap_or_else(|_| panic!("{}", stderr(&found)));
    let steps = result["steps"].as_array().unwrap();
    assert_eq!(steps[0]["program"], bad.to_str().unwrap(), "first of all, whether there is anything to find");
    match found.status.code() {
        Some(0) => assert_eq!(
            (&result["outcome"], &result["first_bad"], &result["last_good"]),
            (&"found".into(), &bad.to_str().unwrap().into(), &"second".into())
        ),
        // A busy machine may leave a comparison undecided.
        Some(5) => assert_ne!(result["outcome"], "found"),
        _ => panic!("{}", stderr(&found)),
    }
}
