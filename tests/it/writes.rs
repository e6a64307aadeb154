//! Every file that the program writes, on a full disk and in a directory that cannot be written: the exit code, the system's
//! words with the file's name, nothing half written, and what was there before as it was.

use crate::support::{Place, expect_code, share_the_machine, stderr, stdout};
use crate::surroundings::{SHORT, as_nobody, kept, limited, report, set_mode};
use serde_json::Value;
use std::collections::BTreeMap;

const OLD: &str = "old";
/// What writing ends with where files may not grow.
const FULL: &str = "File too large (os error 27)";
const DENIED: &str = "Permission denied (os error 13)";
const HISTORY: &str = r#"{"version":1,"run":"a","created_at":"2026-01-01T00:00:00Z","tool":"0","commit":null,"kernel":null,"machine":"m","scenario":"s","case":"c","queue_version":null,"outcome":"pass","repeats":3,"metrics":{"enqueue.trimmed_mean":1.0}}"#;

/// What each verb writes below `d` that runs no repeat: its arguments, and the file that its error names.
fn verbs(golden: &str) -> Vec<(Vec<&str>, &'static str)> {
    vec![
        (vec!["show", golden, "--output", "d/r.json"], "d/r.json"),
        (vec!["show", golden, "--output", "d/r.html"], "d/r.html"),
        (vec!["compare", golden, golden, "--output", "d/c.html"], "d/c.html"),
        (vec!["gate", golden, golden, "--output", "d/g.xml"], "d/g.xml"),
        (vec!["trend", "h.jsonl", "--output", "d/t.html"], "d/t.html"),
        (vec!["record", "app.log", "--output", "d/t.csv"], "d/t.csv"),
        (vec!["init", "d/x.toml", "--force"], "d/scenario.schema.json"),
        (vec!["man", "--dir", "d"], "d/queue-load.1"),
    ]
}

/// A place with what these verbs read, and with an old file wherever one of them writes.
fn place() -> Place {
    let place = Place::new();
    set_mode(place.path(), 0o755);
    place.write("short.toml", SHORT);
    place.write("h.jsonl", format!("{HISTORY}\n"));
    let log = |n: u32| format!("{{\"time\":{},\"level\":\"info\",\"msg\":\"x\"}}\n", 1_700_000_000 + n);
    place.write("app.log", (0..200).map(log).collect::<String>());
    std::fs::create_dir(place.path().join("d")).unwrap();
    for (_, file) in verbs("") {
        place.write(file, OLD);
    }
    place.write("d/x.toml", OLD);
    place
}

/// The files below a directory, with what is in them.
fn contents(place: &Place, directory: &str) -> BTreeMap<String, String> {
    let read = |name: String| {
        let bytes = std::fs::read(place.path().join(directory).join(&name)).unwrap();
        (name, String::from_utf8_lossy(&bytes).into_owned())
    };
    place.files(directory).into_iter().map(read).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_what_was_there_and_nothing_half_written() {
    let (place, golden) = (place(), report());
    let before = contents(&place, "d");
    for (args, file) in verbs(&golden) {
        let output = limited(&place, 1, &args);
        expect_code(&output, 1);
        let said = stderr(&output);
        assert!(said.contains(FULL) && said.contains(file), "{args:?}: {said}");
        assert_eq!(contents(&place, "d"), before, "{args:?}");
    }
    // Files that were not there: the schema does not fit, or the scenario alone.
    std::fs::create_dir(place.path().join("new")).unwrap();
    for there in [&[][..], &["scenario.schema.json"]] {
        let output = limited(&place, 1, &["init", "new/x.toml"]);
        expect_code(&output, 1);
        assert!(stderr(&output).contains(FULL) && stderr(&output).contains("new/"), "{}", stderr(&output));
        assert_eq!(place.files("new"), there);
        expect_code(&place.run(&["init", "new/other.toml"]), 0);
        std::fs::remove_file(place.path().join("new/other.toml")).unwrap();
    }
}

#[test]
fn a_directory_that_cannot_be_written_keeps_what_was_there() {
    let (place, golden) = (place(), report());
    for file in ["d/h.jsonl", "d/r.base.json"] {
        place.write(file, OLD);
    }
    std::fs::create_dir_all(place.path().join("reports/baselines")).unwrap();
    place.write("reports/baselines/main.json", OLD);
    let before = contents(&place, "d");
    for (directory, mode) in [("reports", 0o777), ("d", 0o555), ("reports/baselines", 0o555)] {
        set_mode(&place.path().join(directory), mode);
    }
    let own = env!("CARGO_BIN_EXE_queue-load");
    let runs = [
        (vec!["run", "short.toml", "--history", "d/h.jsonl"], "d/h.jsonl"),
        (vec!["run", "short.toml", "--save-baseline", "main"], "reports/baselines"),
        (vec!["run", "short.toml", "--output", "d/r.html"], "d/r.html"),
        (vec!["run", "short.toml", "--ab-exec", own, "--insist", "--output", "d/r.json"], "d/r.json"),
    ];
    for (args, file) in verbs(&golden).into_iter().chain(runs) {
        let Some(mut command) = as_nobody(place.command(&args)) else { return };
        let output = command.output().unwrap();
        let said = stderr(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{args:?}: {said}");
        assert!(said.contains(DENIED) && said.contains(file), "{args:?}: {said}");
        assert!(!said.contains("[1/"), "before anything runs: {said}");
        assert_eq!(contents(&place, "d"), before, "{args:?}");
        assert_eq!(contents(&place, "reports/baselines")["main.json"], OLD, "{args:?}");
    }
}

/// A run of one repeat, as long as nothing but the machine has spoilt it: what is not valid does not become a baseline.
fn valid_run(place: &Place, args: &[&str]) -> std::process::Output {
    let args = [&["run", "short.toml", "--filter", "maxsize=10", "--invalid-retries", "5"][..], args].concat();
    place.command(&args).output().unwrap()
}

#[test]
#[ignore = "takes real time"]
#[cfg(target_os = "linux")]
fn a_run_whose_last_files_do_not_fit_keeps_its_report_and_what_was_there() {
    let _machine = share_the_machine();
    // A page is longer than the journal and the report of one repeat.
    let place = place();
    place.write("r.html", OLD);
    let one = ["run", "short.toml", "--filter", "maxsize=10", "--output", "r.json", "--output", "r.html"];
    let output = limited(&place, 42, &one);
    expect_code(&output, 1);
    assert!(stderr(&output).contains("r.html: cannot write it: File too large"), "{}", stderr(&output));
    let page = std::fs::read_to_string(place.path().join("r.html")).unwrap();
    assert_eq!((kept(&place, "r.json"), page.as_str()), (1, OLD));
    // A history that has room for a part of its new line, or for one or two of four.
    for (blocks, cases) in [(160, "maxsize=10"), (162, "maxsize=10,20,30,40")] {
        let length = 160 * 512 - if blocks == 160 { 100 } else { 0 };
        let filler = format!("{HISTORY}\n").repeat(length / (HISTORY.len() + 1));
        let path = place.write("full.jsonl", &filler);
        let args = ["run", "short.toml", "--filter", cases, "--output", "r.json", "--history", "full.jsonl"];
        let output = limited(&place, blocks, &args);
        expect_code(&output, 1);
        assert!(stderr(&output).contains("full.jsonl: cannot append to it: File too large"), "{}", stderr(&output));
        assert_eq!(std::fs::read_to_string(path).unwrap(), filler, "no line of a run that is not whole");
        expect_code(&place.command(&["trend", "full.jsonl"]).output().unwrap(), 0);
    }
}

#[test]
#[ignore = "takes real time"]
#[cfg(target_os = "linux")]
fn a_baseline_or_the_other_programs_report_that_does_not_fit_loses_no_result() {
    use std::os::unix::fs::symlink;
    const NO_SPACE: &str = "No space left on device (os error 28)";
    let _machine = share_the_machine();
    let place = place();
    std::fs::create_dir_all(place.path().join("reports/baselines")).unwrap();
    for file in ["reports/baselines/main.json", "ab.base.json"] {
        symlink("/dev/full", place.path().join(file)).unwrap();
    }
    let output = valid_run(&place, &["--output", "r.json", "--save-baseline", "main"]);
    let (code, said) = (output.status.code(), stderr(&output));
    // What is not valid is not saved, and that is said.
    let is_fit = !said.contains("baseline main not saved");
    assert!(!is_fit || (code == Some(1) && said.contains(NO_SPACE) && said.contains("baselines/main.json")), "{said}");
    assert_eq!(kept(&place, "r.json"), 1);
    let own = env!("CARGO_BIN_EXE_queue-load");
    let output = valid_run(&place, &["--ab-exec", own, "--insist", "--repeats", "1", "--output", "ab.json"]);
    expect_code(&output, 1);
    let said = stderr(&output);
    assert!(said.contains("ab.base.json") && said.contains(NO_SPACE) && said.contains("show ab.journal"), "{said}");
    assert!(!place.path().join("ab.json").exists(), "it would name a baseline that is not there");
    assert!(kept(&place, "ab.journal") >= 1);
}

#[test]
#[ignore = "takes real time"]
fn temporary_files_that_cannot_be_made_are_an_error_of_the_sink_that_needs_one() {
    let _machine = share_the_machine();
    let place = place();
    set_mode(place.path(), 0o777);
    set_mode(&place.path().join("d"), 0o555);
    for (sink, fails) in [("file", true), ("counting", false)] {
        let args = ["run", "short.toml", "--filter", "maxsize=10", "--sink", sink, "--format", "json"];
        let Some(mut command) = as_nobody(place.command(&args)) else { return };
        let output = command.env("TMPDIR", place.path().join("d")).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        let verdict = &report["cases"][0]["verdict"];
        assert_eq!(verdict["outcome"] == "error", fails, "{verdict}");
        if fails {
            expect_code(&output, 3);
            let reason = verdict["reasons"][0].as_str().unwrap();
            assert!(reason.contains(DENIED) && reason.contains("/d: "), "{reason}");
            assert_eq!(verdict["reason_codes"][0], "sink_failed");
        }
    }
}

#[test]
#[ignore = "takes real time"]
fn a_run_whose_reader_goes_away_ends_as_usual_and_saves() {
    let _machine = share_the_machine();
    let place = place();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place.command(&["run", "short.toml", "--output", "r.json"]).stdout(writer).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{}", stderr(&output));
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    assert_eq!(kept(&place, "r.json"), 4);
    let whole = place.command(&["show", "r.json"]).output().unwrap();
    assert!(stdout(&whole).contains("Total logs attempted:"), "{}", stdout(&whole));
}
