//! Runs that are compared with something, as their user meets them. What the machine can tell just now is not tested
//! here: with so few repeats the answer is that it cannot be told.

use crate::support::{Place, expect_code, measured, stderr, stdout};
use serde_json::Value;
use std::process::Output;

/// 600 logs in 300 ms into the control, by two strategies.
const QUICK: &str = r#"
[target]
throughput = "2k/s"
[matrix]
queue = "noop"
strategy = ["drop", "block"]
concurrency = 2
rate = "1k/s"
duration = "300ms"
[run]
warmup = "0s"
repeats = 2
invalid_retries = 4
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("quick.toml", QUICK);
    place
}

fn report(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join(name)).unwrap()).unwrap()
}

/// Rounds of each case, whether or not the machine spoiled them.
fn rounds(report: &Value) -> Vec<usize> {
    let cases = report["cases"].as_array().unwrap();
    let round = |one: &Value| one["repeat"].as_u64().unwrap();
    let of_case = |case: &Value| {
        let valid = case["repeats"].as_array().unwrap().iter().map(round);
        let spoiled = case["set_aside"].as_array().unwrap().iter().map(|aside| round(&aside["measured"]));
        valid.chain(spoiled).collect::<std::collections::BTreeSet<u64>>().len()
    };
    cases.iter().map(of_case).collect()
}

/// Ends with 0, or with 5 because the machine spoiled a case.
fn expect_measured(output: &Output) {
    let spoiled = output.status.code() == Some(5) && stdout(output).contains("invalid");
    expect_code(output, if spoiled { 5 } else { 0 });
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_runs() {
    let place = place();
    place.write("shared.toml", QUICK.replace("repeats", "isolate = false\nrepeats"));
    for (args, code, expected) in [
        (&["--baseline", "main"][..], 6, "no baseline of this name and no such file"),
        (&["--baseline", "quick.toml"], 2, "not a report"),
        (&["--save-baseline", "../main"], 2, "not a name for a baseline"),
        (&["--save-baseline", ".main"], 2, "not a name for a baseline"),
        (&["--ab", "queue=noop"], 2, "two or more of its values"),
        (&["--ab", "speed=1,2"], 2, "no axis"),
        (&["--ab", "queue=noop,nope"], 2, "nope"),
        (&["--ab", "maxsize=1,2", "--maxsize", "3"], 2, "leave one out"),
        (&["--ab", "maxsize=5,6", "--filter", "maxsize=5"], 2, "differ in `maxsize` alone"),
        (&["--ab-exec", "nothing"], 2, "cannot find it"),
        (&["--ab-exec", "quick.toml"], 2, "cannot start"),
        (&["--ab-exec", "/bin/true"], 2, "exited with status 0 without a result"),
        (&["--calibrate", "--baseline", "main"], 2, "cannot be used with"),
        (&["--calibrate", "--ab", "maxsize=1,2"], 2, "cannot be used with"),
        (&["--confirm", "11"], 2, "11"),
    ] {
        let output = place.run(&[&["run", "quick.toml", "--insist"], args].concat());
        expect_code(&output, code);
        assert!(stderr(&output).contains(expected), "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{args:?}");
    }
    let own = env!("CARGO_BIN_EXE_queue-load");
    let output = place.run(&["run", "shared.toml", "--ab-exec", own]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("isolate"), "{}", stderr(&output));
    assert!(place.files("reports").iter().all(|name| !name.ends_with(".json")), "{:?}", place.files("reports"));
}

#[test]
fn too_few_repeats_are_refused_before_they_are_run() {
    let place = place();
    let own = env!("CARGO_BIN_EXE_queue-load");
    // Two cases, and four by the further axis.
    for (args, needed) in
        [(&["--ab-exec", own][..], 8), (&["--ab", "maxsize=5,6"], 9), (&["--ab-exec", own, "--repeats", "7"], 8)]
    {
        let output = place.run(&[&["run", "quick.toml"], args].concat());
        expect_code(&output, 2);
        let said = stderr(&output);
        let takes = format!("{needed} are needed, which take about ");
        assert!(said.contains("cannot prove anything in") && said.contains(&takes), "{args:?}: {said}");
        assert!(said.contains(&format!("--repeats {needed}; --insist runs it anyway")), "{args:?}: {said}");
    }
}

#[test]
#[ignore = "takes real time"]
fn too_few_repeats_of_a_baseline_are_no_base() {
    let place = place();
    let Some(_) = measured(&place, &["run", "quick.toml", "--save-baseline", "main"], 0) else { return };
    let output = place.run(&["run", "quick.toml", "--baseline", "main", "--repeats", "10"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("cannot prove anything in"), "2 in the baseline: {}", stderr(&output));
}

#[test]
#[ignore = "takes real time"]
fn a_case_that_the_baseline_has_is_not_left_out_unsaid() {
    let place = place();
    let Some(_) = measured(&place, &["run", "quick.toml", "--save-baseline", "main"], 0) else { return };
    let against = |args: &[&str]| place.run(&[&["run", "quick.toml", "--baseline", "main", "--insist"], args].concat());
    let fewer = against(&["--strategy", "drop"]);
    expect_code(&fewer, 4);
    assert!(
        stderr(&fewer).contains("case removed: ") && stderr(&fewer).contains("--allow-removed"),
        "{}",
        stderr(&fewer)
    );
    for allowed in [&["--strategy", "drop", "--allow-removed"][..], &["--filter", "strategy=drop"]] {
        let output = against(allowed);
        // Two repeats against two can prove nothing, but they are run.
        expect_code(&output, 5);
    }
}

#[test]
#[ignore = "takes real time"]
fn a_baseline_is_kept_and_compared_with() {
    let place = place();
    let args = ["run", "quick.toml", "--save-baseline", "main", "--output", "first.json"];
    let Some(saved) = measured(&place, &args, 0) else { return };
    assert!(stderr(&saved).contains("baseline main: reports/baselines/main.json"), "{}", stderr(&saved));
    assert_eq!(report(&place, "reports/baselines/main.json"), report(&place, "first.json"));

    let gated = place.run(&["run", "quick.toml", "--baseline", "main", "--insist", "--output", "second.json"]);
    // Two repeats against two can prove nothing among two cases.
    expect_code(&gated, 5);
    assert!(stdout(&gated).contains("gate against reports/baselines/main.json: inconclusive: "), "{}", stdout(&gated));
    let second = report(&place, "second.json");
    assert_eq!(second["gate"]["digest"], report(&place, "first.json")["digest"]);
    for moment in ["start", "middle", "end"] {
        assert!(second["yardstick"][moment]["spin_ns"].as_f64().unwrap() > 0.0, "{moment}");
    }
    let shown = place.run(&["show", "second.json"]);
    assert!(stdout(&shown).contains("gate against reports/baselines/main.json"), "{}", stdout(&shown));

    // What is worse, or not known to be better, does not become the measure.
    let both = ["run", "quick.toml", "--baseline", "main", "--save-baseline", "main", "--format", "json", "--quiet"];
    let kept = place.run(&[&both[..], &["--insist"]].concat());
    expect_code(&kept, 5);
    assert!(stderr(&kept).contains("baseline main not saved: "), "{}", stderr(&kept));
    assert!(stderr(&kept).contains("gate against "), "{}", stderr(&kept));
    assert_eq!(report(&place, "reports/baselines/main.json"), report(&place, "first.json"));

    let none = place.run(&["run", "quick.toml", "--baseline", "main", "--maxsize", "7"]);
    expect_code(&none, 6);
    assert!(stderr(&none).contains("no case in common"), "{}", stderr(&none));
}

#[test]
#[ignore = "takes real time"]
fn the_values_of_an_axis_are_compared_below_the_table() {
    let place = place();
    let output = place.run(&["run", "quick.toml", "--ab", "maxsize=5,6", "--insist", "--output", "r.json"]);
    expect_measured(&output);
    assert!(stdout(&output).contains("maxsize=5"), "{}", stdout(&output));
    let report = report(&place, "r.json");
    assert_eq!(rounds(&report), [2, 2, 2, 2]);
    assert_eq!(report["gate"], Value::Null);
}

#[test]
#[ignore = "takes real time"]
fn another_binary_is_interleaved_and_gives_a_report_of_its_own() {
    let place = place();
    let own = env!("CARGO_BIN_EXE_queue-load");
    let output = place.run(&["run", "quick.toml", "--ab-exec", own, "--insist", "--output", "r.json"]);
    expect_code(&output, 5);
    assert!(stderr(&output).contains("report on the other program: r.base.json"), "{}", stderr(&output));
    let (new, base) = (report(&place, "r.json"), report(&place, "r.base.json"));
    assert_eq!((rounds(&new), rounds(&base)), (vec![2, 2], vec![2, 2]));
    assert_eq!(new["gate"]["baseline"], "r.base.json");
    assert_eq!(new["gate"]["digest"], base["digest"]);
    assert_eq!(place.files("."), ["quick.toml", "r.base.json", "r.json"]);
}

#[test]
#[ignore = "takes real time"]
fn a_calibration_says_how_far_repeats_spread() {
    let place = place();
    let args =
        ["run", "quick.toml", "--calibrate", "--repeats", "3", "--filter", "strategy=drop", "--output", "r.json"];
    let Some(output) = measured(&place, &args, 0) else { return };
    assert!(stdout(&output).contains("the same code twice"), "{}", stdout(&output));
    let report = report(&place, "r.json");
    assert_eq!(rounds(&report), [6]);
    let calibration = &report["cases"][0]["calibration"];
    assert!(calibration["repeats"].as_u64().is_some_and(|repeats| repeats <= 3));
    assert_eq!(calibration["smallest_effect"], Value::Null, "3 against 3 can prove nothing");
}
