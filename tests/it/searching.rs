//! `find-max` as its user meets it. That the search is right is tested without processes; here it runs.

use crate::support::{Place, expect_code, stderr, stdout};
use serde_json::Value;

/// A queue that can deliver 10 records in 5 ms: 2,000 logs/s.
const LIMITED: &str = r#"
[target]
throughput = "200/s"
[matrix]
queue = "builtin"
maxsize = 20
concurrency = 2
total_rate = ["200/s", "400/s"]
duration = "500ms"
batch_size = 10
batch_timeout = "10ms"
batch_delay = "5ms"
[run]
warmup = "100ms"
invalid_retries = 5
"#;

fn report(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join(name)).unwrap()).unwrap()
}

#[test]
#[ignore = "takes real time"]
fn a_limited_queue_is_found_out_saved_and_compared() {
    let place = Place::new();
    place.write("limited.toml", LIMITED);
    let output =
        place.run(&["find-max", "limited.toml", "--output", "r.json", "--output", "r.csv", "--output", "r.html"]);
    let report = report(&place, "r.json");
    let [maximum] = report["maxima"].as_array().unwrap().as_slice() else { panic!("the two rates are one search") };
    assert!(maximum["probes"].as_array().unwrap().len() >= 3, "{maximum}");
    // Far below its limit the machine cannot be too busy for the queue, so that is never what was found.
    if let Some(found) = maximum["max_per_s"].as_f64() {
        expect_code(&output, 0);
        assert!((200.0..2_300.0).contains(&found), "{found}");
        assert!(stdout(&output).contains("Highest rate over all tasks"), "{}", stdout(&output));
        assert!(stderr(&output).contains("the generator alone reaches"), "{}", stderr(&output));
    } else {
        expect_code(&output, 5);
    }
    let rows = std::fs::read_to_string(place.path().join("r.csv")).unwrap();
    assert!(rows.lines().count() > maximum["probes"].as_array().unwrap().len(), "a row for each run, and the heading");
    let page = std::fs::read_to_string(place.path().join("r.html")).unwrap();
    assert!(page.contains("Highest rates") && page.contains("latency by offered load"));
    // Nothing is worse than itself.
    let gate = place.run(&["gate", "r.json", "r.json"]);
    assert_ne!(gate.status.code(), Some(4), "{}", stdout(&gate));
    // A maximum may fall by everything, so a busy machine cannot make it regress.
    let output = place.run(&[
        "find-max",
        "limited.toml",
        "--no-curve",
        "--baseline",
        "r.json",
        "--max-fall",
        "100%",
        "--output",
        "n.json",
    ]);
    let gated = self::report(&place, "n.json");
    let outcome = gated["gate"]["outcome"].as_str().unwrap();
    assert!(["pass", "inconclusive"].contains(&outcome), "{outcome}: {}", stdout(&output));
    expect_code(&output, if gated["verdict"]["exit"] == "pass" { 0 } else { 5 });
}

#[test]
fn what_a_search_cannot_do_is_refused_before_anything_runs() {
    let place = Place::new();
    place.write("limited.toml", LIMITED);
    for (args, said) in [
        (&["find-max"][..], "required"),
        (&["find-max", "limited.toml", "--precision", "0%"], "write 0.1% to 100%"),
        (&["find-max", "limited.toml", "--max-runs", "1"], "is not in 2..=1000"),
        (&["find-max", "limited.toml", "--max-fall", "5%"], "--baseline <NAME|FILE>"),
        (&["find-max", "limited.toml", "--baseline", "b", "--max-fall", "0%"], "write 0.1% to 100%"),
        (&["find-max", "limited.toml", "--resume", "no.journal"], "no such journal"),
        (&["find-max", "limited.toml", "--queue", "bultin"], "did you mean `builtin`"),
    ] {
        let output = place.run(args);
        expect_code(&output, 2);
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
        assert_eq!(place.files("."), ["limited.toml"], "{args:?}");
    }
}
