//! The program as its user meets it.

use crate::support::{Place, expect_code, measured, stderr, stdout};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// 200 logs in 100 ms into the control, below the target's load so that only the promise's latency is judged.
const QUICK: &str = r#"
[target]
throughput = "2k/s"
[matrix]
queue = "noop"
concurrency = 2
rate = "1k/s"
duration = "100ms"
[run]
warmup = "0s"
repeats = 1
"#;

/// One case that takes a minute.
const LONG: &str = r#"
[matrix]
queue = "noop"
duration = ["50ms", "60s"]
concurrency = 1
[run]
warmup = "0s"
repeats = 1
order = "as-written"
"#;

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn bad_input_is_refused_with_all_its_errors_before_anything_runs() {
    let place = Place::new();
    place.write("empty.toml", "");
    place.write("bytes.toml", b"\xff\xfe");
    place.write(
        "many.toml",
        "[matrix]\nconcurency = 1\nduration = 5\nrate = -1\nmaxsize = 0\nconcurrency = 99999999999999999999\nstrategy = \"dorp\"\nsample_rate = nan\n[run]\nrepeats = \"three\"\n",
    );
    place.write("both.toml", "[matrix]\nrate = 1\ntotal_rate = 1\n");
    place.write("queue.toml", "[matrix]\nqueue = \"biultin\"\n");
    place.write("deep.toml", format!("[matrix]\nmaxsize = {}{}\n", "[".repeat(5_000), "]".repeat(5_000)));
    let numbers = (1..=317).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    place.write("cases.toml", format!("[matrix]\nmaxsize = [{numbers}]\nconcurrency = [{numbers}]\n"));
    std::fs::create_dir(place.path().join("directory.toml")).unwrap();
    let cases: [(&[&str], &[&str]); 10] = [
        (&["missing.toml"], &["missing.toml"]),
        (&["none-*.toml"], &["none-*.toml"]),
        (&["directory.toml"], &["directory.toml", "director"]),
        (&["empty.toml"], &["empty.toml", "empty"]),
        (&["bytes.toml"], &["bytes.toml:1:1", "UTF-8"]),
        (&["both.toml"], &["both.toml", "total_rate"]),
        (&["queue.toml"], &["queue.toml:2:", "builtin"]),
        (&["deep.toml"], &["deep.toml"]),
        (&["cases.toml"], &["100,489", "100,000"]),
        (
            &["many.toml", "missing.toml"],
            &[
                "many.toml:2:1",
                "concurrency",
                "many.toml:3:",
                "5s",
                "many.toml:4:",
                "many.toml:5:",
                "many.toml:6:",
                "10,000",
                "many.toml:7:",
                "drop",
                "many.toml:8:",
                "many.toml:10:",
                "missing.toml",
            ],
        ),
    ];
    for (args, expected) in cases {
        for verb in ["run", "list", "validate"] {
            let output = place.run(&[&[verb], args].concat());
            expect_code(&output, 2);
            assert_eq!(stdout(&output), "", "{verb} {args:?}");
            for word in expected {
                assert!(stderr(&output).contains(word), "{verb} {args:?}: no `{word}` in {}", stderr(&output));
            }
        }
    }
    assert_eq!(place.files("reports"), [""; 0]);
}

#[test]
fn bad_overrides_and_filters_are_refused() {
    let place = Place::new();
    place.write("quick.toml", QUICK);
    for (args, word) in [
        (["--concurrency", "0"], "--concurrency"),
        (["--concurrency", "1,,2"], "--concurrency"),
        (["--duration", "2"], "2s"),
        (["--strategy", "bogus"], "drop"),
        (["--queue", "nope"], "noop"),
        (["--filter", "strategy"], "--filter"),
        (["--filter", "maxsize=77"], "no case matches"),
        (["--output", "report.xyz"], ".json"),
    ] {
        let output = place.run(&[&["run", "quick.toml"][..], &args].concat());
        expect_code(&output, 2);
        assert!(stderr(&output).contains(word), "{args:?}: {}", stderr(&output));
    }
    let output = place.command(&["run", "quick.toml"]).env("LOAD_TEST_OVERFLOW", "bogus").output().unwrap();
    expect_code(&output, 2);
    assert!(stderr(&output).contains("LOAD_TEST_OVERFLOW"), "{}", stderr(&output));
}

#[test]
fn the_errors_of_files_overrides_variables_and_filters_are_said_together() {
    let place = Place::new();
    place.write("bad.toml", "[matrix]\nmaxsize = 0\n");
    let args = ["list", "bad.toml", "missing.toml", "--concurrency", "0", "--filter", "nope"];
    let output = place.command(&args).env("LOAD_TEST_DURATION", "-1").output().unwrap();
    expect_code(&output, 2);
    for word in ["5 errors", "--concurrency", "LOAD_TEST_DURATION", "--filter", "bad.toml:2:11", "missing.toml"] {
        assert!(stderr(&output).contains(word), "no `{word}` in {}", stderr(&output));
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_cannot_be_meant_is_not_passed_over_in_silence() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    place.write("quick.toml", QUICK);
    let output = place.command(&["list", "quick.toml"]).env("LOAD_TEST_CONCURENCY", "5").output().unwrap();
    expect_code(&output, 0);
    assert!(stderr(&output).contains("did you mean `LOAD_TEST_CONCURRENCY`?"), "{}", stderr(&output));
    let rubbish = std::ffi::OsStr::from_bytes(b"\xff");
    let output = place.command(&["list", "quick.toml"]).env("LOAD_TEST_CONCURRENCY", rubbish).output().unwrap();
    expect_code(&output, 2);
    assert!(stderr(&output).contains("LOAD_TEST_CONCURRENCY"), "{}", stderr(&output));
}

#[test]
fn a_hostile_file_name_reaches_no_terminal() {
    let place = Place::new();
    let name = "a\u{1b}[31m\u{202e}.toml";
    place.write(name, QUICK);
    for args in [&["validate", name][..], &["list", name, name], &["show", name], &["run", name, "--reports-dir", name]]
    {
        let output = place.run(args);
        let said = stdout(&output) + &stderr(&output);
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{args:?}: {said:?}");
    }
}

#[test]
fn a_reports_directory_that_cannot_be_used_is_found_before_the_run() {
    let place = Place::new();
    place.write("long.toml", LONG);
    place.write("occupied", "a file");
    for directory in ["occupied", "occupied/below", "/proc/nowhere"] {
        let output = place.run(&["run", "long.toml", "--reports-dir", directory]);
        expect_code(&output, 2);
        assert!(stderr(&output).contains("--reports-dir"), "{}", stderr(&output));
    }
    let output = place.run(&["run", "long.toml", "--output", "occupied/report.json"]);
    expect_code(&output, 2);
}

#[test]
fn list_says_what_would_run_and_how_long_it_takes() {
    let place = Place::new();
    place.write("quick.toml", QUICK);
    let output = place.run(&["list", "quick.toml", "--strategy", "drop,block", "--format", "json"]);
    expect_code(&output, 0);
    let listing = json(&output.stdout);
    assert_eq!(listing["cases"].as_array().unwrap().len(), 2);
    assert_eq!(listing["repeats"], 2);
    assert!(listing["estimate_ns"].as_u64().unwrap() > 200_000_000);
    assert!(stderr(&output).contains("overridden: strategy = drop,block (--strategy)"), "{}", stderr(&output));
    let table = stdout(&place.run(&["list", "quick.toml"]));
    assert!(table.contains("1 case, 1 repeat, about"), "{table}");
    assert_eq!(place.files("."), ["quick.toml"], "nothing was run");
}

#[test]
fn validate_answers() {
    let place = Place::new();
    place.write("quick.toml", QUICK);
    let output = place.run(&["validate", "quick.toml"]);
    expect_code(&output, 0);
    assert_eq!(stdout(&output), "quick.toml: ok, 1 case\n");
}

#[test]
fn help_names_every_exit_code() {
    let help = stdout(&Place::new().run(&["--help"]));
    for code in ["0 ", "1 ", "2 ", "3 ", "5 ", "130"] {
        assert!(help.contains(&format!("\n  {code}")), "{code}: {help}");
    }
}

#[test]
fn the_worker_refuses_rubbish_in_the_words_of_the_protocol() {
    let output = Place::new().command(&["worker"]).stdin(Stdio::null()).output().unwrap();
    let message = json(&output.stdout);
    assert_eq!(message["error"]["kind"], "bad_request");
    assert_ne!(output.status.code(), Some(0));
}

#[test]
#[ignore = "takes real time"]
fn a_run_prints_the_result_alone_and_saves_what_it_printed() {
    let place = Place::new();
    place.write("quick.toml", QUICK);
    let output = place.run(&["run", "quick.toml", "--format", "json", "--output", "r.json", "--invalid-retries", "5"]);
    // A busy machine may spoil even this; what may not happen is a failure.
    assert!(matches!(output.status.code(), Some(0 | 5)), "{}", stderr(&output));
    let report = json(&output.stdout);
    assert_eq!(output.stdout, std::fs::read(place.path().join("r.json")).unwrap());
    let case = &report["cases"][0];
    let spoiled = case["set_aside"].as_array().unwrap().len();
    let ledger = if spoiled > 0 && case["repeats"].as_array().unwrap().is_empty() {
        &case["set_aside"][0]["measured"]["ledger"]
    } else {
        &case["repeats"][0]["ledger"]
    };
    assert_eq!(ledger["scheduled"], 200, "{case}");
    let shown = place.run(&["show", "r.json", "--format", "json"]);
    assert_eq!(shown.stdout, output.stdout);
    assert_eq!(place.files("."), ["quick.toml", "r.json"], "no journal is left");
}

#[test]
#[ignore = "takes real time"]
fn a_report_that_cannot_be_saved_is_still_shown_and_can_be_had_again() {
    let place = Place::new();
    place.write("quick.toml", QUICK);
    let mut command = place.command(&["run", "quick.toml", "--output", "r.json", "--duration", "2s"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.by_ref().map(Result::unwrap).find(|line| line.contains("about")).expect("the run begins");
    // A directory in the place of the report: it cannot be put there.
    std::fs::create_dir(place.path().join("r.json")).unwrap();
    let said: String = lines.map(|line| line.unwrap() + "\n").collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(stdout(&output).contains("Total logs attempted:"), "{}", stdout(&output));
    assert!(said.contains("queue-load show r.journal"), "{said}");
    let shown = place.run(&["show", "r.journal", "--format", "json"]);
    expect_code(&shown, 0);
    assert_eq!(json(&shown.stdout)["interrupted"], false, "the whole plan was run");
}

#[test]
#[ignore = "takes real time"]
fn a_case_can_be_had_as_json_and_from_each_scenario_that_has_it() {
    let place = Place::new();
    place.write("one.toml", QUICK);
    place.write("two.toml", QUICK);
    place.run(&["run", "one.toml", "two.toml", "--output", "r.json"]);
    let report = json(&std::fs::read(place.path().join("r.json")).unwrap());
    let id = report["cases"][0]["id"].as_str().unwrap();
    let cases = json(&place.run(&["show", "r.json", "--case", id, "--format", "json"]).stdout);
    assert_eq!(cases, report["cases"], "both scenarios have that case");
    let text = stdout(&place.run(&["show", "r.json", "--case", id]));
    assert!(text.contains("scenario one") && text.contains("scenario two"), "{text}");
}

#[test]
#[ignore = "takes real time"]
fn a_case_that_must_fail_exits_3() {
    let place = Place::new();
    let slow = QUICK.replace("\"noop\"", "\"builtin\"\nmaxsize = 1\nsink_delay = \"20ms\"");
    place.write("slow.toml", slow);
    let Some(output) = measured(&place, &["run", "slow.toml", "--invalid-retries", "5"], 3) else { return };
    let table = stdout(&output);
    for words in ["fail", "Total logs attempted: 200", "Successfully enqueued:", "Dropped:", "Avg enqueue latency:"] {
        assert!(table.contains(words), "no `{words}` in {table}");
    }
}

#[test]
#[ignore = "takes real time"]
fn ctrl_c_saves_what_is_finished_and_leaves_no_process_behind() {
    let place = Place::new();
    place.write("long.toml", LONG);
    // A shell that started these tests in its background may have them ignore the signal.
    let mut command = std::process::Command::new("env");
    command.arg("--default-signal=INT").arg(env!("CARGO_BIN_EXE_queue-load")).current_dir(place.path());
    command.args(["run", "long.toml", "--output", "r.json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // The first of the two repeats is finished, and with it in the journal.
    lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("[1/2]")).expect("the first repeat ends");
    let journal = std::fs::read_to_string(place.path().join("r.journal")).unwrap();
    let repeats = journal.lines().filter(|line| line.contains("\"outcome\"")).count();
    assert_eq!(repeats, 1, "{journal}");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    lines.for_each(|line| drop(line.unwrap()));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let report = json(&std::fs::read(place.path().join("r.json")).unwrap());
    assert_eq!(report["interrupted"], true);
    assert_eq!(place.files("."), ["long.toml", "r.journal", "r.json"], "it can go on");
}

#[test]
#[ignore = "takes real time"]
fn what_was_finished_before_the_plug_was_pulled_can_be_shown() {
    let place = Place::new();
    place.write("long.toml", LONG);
    let mut command = place.command(&["run", "long.toml", "--output", "r.json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("[1/2]")).expect("the first repeat ends");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.files("."), ["long.toml", "r.journal"]);
    let shown = place.run(&["show", "r.journal", "--format", "json"]);
    expect_code(&shown, 0);
    let report = json(&shown.stdout);
    assert_eq!(report["interrupted"], true);
    let first = &report["cases"][0];
    let kept = first["repeats"].as_array().unwrap().len() + first["set_aside"].as_array().unwrap().len();
    assert_eq!(kept, 1, "{first}");
}

/// Six repeats of 200 logs.
const SIX: &str = "[target]\nthroughput = \"2k/s\"\n[matrix]\nqueue = \"noop\"\nstrategy = [\"drop\", \"block\"]\nconcurrency = 2\ntotal_rate = \"2k/s\"\nduration = \"100ms\"\n[run]\nwarmup = \"0s\"\ncontrol = \"50ms\"\nrepeats = 3\ninvalid_retries = 0\n";

/// Case, round and try of all that a report has, sorted.
fn repeats_of(report: &serde_json::Value) -> Vec<String> {
    let mut all = Vec::new();
    for case in report["cases"].as_array().unwrap() {
        let aside = case["set_aside"].as_array().unwrap().iter().map(|aside| &aside["measured"]);
        let of_case = case["repeats"].as_array().unwrap().iter().chain(aside).chain(case["errors"].as_array().unwrap());
        all.extend(of_case.map(|one| format!("{} {} {}", case["id"], one["repeat"], one["attempt"])));
    }
    all.sort();
    all
}

#[test]
#[ignore = "takes real time"]
fn a_run_that_was_killed_goes_on_where_it_stopped() {
    let place = Place::new();
    place.write("six.toml", SIX);
    expect_report(&place, &["run", "six.toml", "--output", "undisturbed.json"]);
    let mut child = place.command(&["run", "six.toml", "--output", "r.json"]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("[2/6]")).expect("the second repeat ends");
    let busy = place.run(&["run", "six.toml", "--output", "r.json", "--resume"]);
    expect_code(&busy, 2);
    assert!(stderr(&busy).contains("still running"), "{}", stderr(&busy));
    child.kill().unwrap();
    child.wait().unwrap();
    // A line that was cut short by the kill.
    let journal = place.path().join("r.journal");
    let whole = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, whole.clone() + "{\"repeat\":{\"case\":0,").unwrap();

    place.write("six.toml", SIX.replace("2k/s", "3k/s"));
    let refused = place.run(&["run", "--resume", "r.journal"]);
    expect_code(&refused, 2);
    assert!(stderr(&refused).contains("these have changed: scenario six.toml"), "{}", stderr(&refused));
    place.write("six.toml", SIX);
    let refused = place.run(&["run", "six.toml", "--output", "r.json", "--maxsize", "7", "--resume"]);
    expect_code(&refused, 2);
    assert!(stderr(&refused).contains("override maxsize, which was not given and is `7`"), "{}", stderr(&refused));
    assert!(std::fs::read_to_string(&journal).unwrap().ends_with("\"case\":0,"), "a refusal changes nothing");

    let resumed = place.run(&["run", "--resume", "r.journal"]);
    assert!(stderr(&resumed).contains("continuing r.journal"), "{}", stderr(&resumed));
    let report = json(&std::fs::read(place.path().join("r.json")).unwrap());
    let undisturbed = json(&std::fs::read(place.path().join("undisturbed.json")).unwrap());
    assert_eq!(repeats_of(&report), repeats_of(&undisturbed));
    assert_eq!((&report["interrupted"], undisturbed.get("sittings")), (&serde_json::json!(false), None));
    let sittings: Vec<usize> =
        report["sittings"].as_array().unwrap().iter().map(|one| one["repeats"].as_array().unwrap().len()).collect();
    assert!(sittings.len() == 2 && sittings[0] >= 2 && sittings.iter().sum::<usize>() == 6, "{sittings:?}");
    assert_eq!(place.files("."), ["r.json", "six.toml", "undisturbed.json"]);
    expect_code(&place.run(&["show", "r.json"]), 0);
}

/// Runs the program; the verdict depends on the machine, but there is one.
fn expect_report(place: &Place, args: &[&str]) {
    let output = place.run(args);
    assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{}", stderr(&output));
}

#[test]
#[ignore = "takes real time"]
fn a_worker_does_not_outlive_its_runner() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let place = Place::new();
    place.write("long.toml", LONG);
    let mut command = place.command(&["run", "long.toml", "--output", "r.json", "--filter", "duration=60s"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let worker = poll(|| std::fs::read_to_string(&children).ok()?.split_whitespace().next().map(str::to_owned));
    child.kill().unwrap();
    child.wait().unwrap();
    poll(|| (!is_running(&worker)).then_some(()));
}

/// Asks until there is an answer, for ten seconds at most.
fn poll<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed().as_secs() < 10, "no answer");
        std::thread::yield_now();
    }
}

/// Whether the process is there, and not a zombie that nobody has fetched.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}
