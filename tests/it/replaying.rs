//! A load that was recorded, from a log to a report.

use crate::support::{Place, expect_code, repeat_of, stderr, stdout};
use queue_load::internals::worker::protocol::{PROTOCOL_VERSION, Request};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

const SCENARIO: &str = "[target]\nthroughput = \"1/s\"\n[matrix]\nqueue = \"noop\"\nconcurrency = 3\n[load]\ntrace = \
                        \"a.csv\"\ntrace_scale = \"2x\"\n[run]\nwarmup = \"0s\"\nrepeats = 1\ninvalid_retries = 0\n";

fn with_stdin(mut command: Command, bytes: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(bytes);
    child.wait_with_output().unwrap()
}

/// 100 logs in 198 ms, every second one without a level.
fn log() -> String {
    let line = |n: u64| {
        let level = if n.is_multiple_of(2) { ",\"level\":\"WARN\"" } else { "" };
        format!("{{\"ts\":{}.{:03}{level},\"msg\":\"x\"}}\n", 1_767_323_045 + n / 500, 2 * n % 1_000)
    };
    (0..100).map(line).collect()
}

#[test]
fn a_log_is_recorded_and_replayed() {
    let place = Place::new();
    let recorded = with_stdin(place.command(&["record", "-", "--output", "a.csv"]), log().as_bytes());
    expect_code(&recorded, 0);
    assert_eq!((stderr(&recorded).as_str(), stdout(&recorded).as_str()), ("100 logs over 0.2 s\n", ""));
    place.write("app.log", log());
    let printed = place.run(&["record", "app.log", "--quiet"]);
    assert_eq!(stdout(&printed), std::fs::read_to_string(place.path().join("a.csv")).unwrap());
    assert!(stdout(&printed).starts_with("time,level,bytes\n0.000000000,warn,46\n0.002000000,,31\n"), "{printed:?}");
    place.write("s.toml", SCENARIO);
    let output = place.run(&["run", "s.toml", "--format", "json", "--quiet"]);
    assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let parameters = &report["cases"][0]["parameters"];
    assert_eq!((&parameters["duration_ns"], &parameters["trace"]["logs"]), (&100_000_000.into(), &100.into()));
    let id = report["cases"][0]["id"].as_str().unwrap();
    assert!(id.contains(&format!("trace={}@2x", &parameters["trace"]["sha256"].as_str().unwrap()[..12])), "{id}");
    let case = &report["cases"][0];
    let measured = case["repeats"].as_array().into_iter().chain(case["set_aside"].as_array()).flatten().next().unwrap();
    let ledger = measured.pointer("/ledger").or_else(|| measured.pointer("/measured/ledger")).unwrap();
    assert_eq!(ledger["scheduled"], 100, "{measured}");
    let listed = place.run(&["list", "s.toml"]);
    assert!(stdout(&listed).contains("trace"), "{}", stdout(&listed));
    let refused = place.run(&["find-max", "s.toml"]);
    expect_code(&refused, 2);
    assert!(stderr(&refused).contains("a search cannot change the rate of a trace"), "{}", stderr(&refused));
}

#[test]
fn a_trace_that_changed_is_not_replayed() {
    let place = Place::new();
    let file = place.write("a.csv", "time\n0\n0.001\n");
    let mut repeat = serde_json::to_value(repeat_of("noop")).unwrap();
    let trace = serde_json::json!({"file": file, "sha256": "0".repeat(64), "scale": "1x", "logs": 2});
    repeat["parameters"]["trace"] = trace;
    let repeat = serde_json::from_value(repeat).unwrap();
    let request = serde_json::to_string(&Request { protocol: PROTOCOL_VERSION, repeat }).unwrap();
    let mut child = place.command(&["worker"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Kept open: at its end, the worker would end too.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{request}\n").as_bytes()).unwrap();
    let said = stdout(&child.wait_with_output().unwrap());
    drop(stdin);
    assert!(said.contains("bad_request") && said.contains("has changed since the run began"), "{said}");
}

#[test]
fn what_cannot_be_recorded_is_said() {
    let place = Place::new();
    place.write("app.log", format!("{}plain\nplain\n", log()));
    place.write("empty.log", "");
    for (args, said) in [
        (
            &["record", "app.log"][..],
            "2 of 102 lines have no time that can be read, more than 1%; the first: app.log:101: is no JSON object",
        ),
        (&["record", "no.log"], "`no.log`: cannot read it: "),
        (&["record", "."], "`.`: cannot read it: "),
        (&["record", "empty.log"], "no line has a time"),
        (&["record", "app.log", "--time-key", "msg"], "no line has a time; the first: app.log:1: `x` is no time"),
        (&["record", "app.log", "--unit", "h"], "possible values: s, ms, us, ns"),
    ] {
        let output = place.run(args);
        expect_code(&output, 2);
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
    let output = place.run(&["record", "app.log", "--tolerate", "2%", "--bytes", "message"]);
    expect_code(&output, 0);
    assert!(stdout(&output).contains("0.002000000,,1\n"), "{}", stdout(&output));
    assert!(
        stderr(&output).contains("2 lines without a time, left out; the first: app.log:101"),
        "{}",
        stderr(&output)
    );
}
