//! Queues that programs of their own put under load: `[queues.NAME]`, with programs that behave and programs that do not.

use crate::support::{Place, expect_code, stderr, stdout};
use queue_load::internals::load::Schedule;
use queue_load::internals::scenario::{Arrival, Parameters, PhaseShift};
use queue_load::internals::units::{Nanos, Rate};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether there is a Python to run drivers with.
fn has_python() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("skipped: there is no python3");
    }
    there
}

/// A shell script as a driver: `hello` says hello, and `asked` ends it there if that was all it was started for.
const PRELUDE: &str = r#"
say() { printf '%s\n' "$1"; }
hello() { say '{"hello":{"protocol":1,"name":"bad","version":"1","capabilities":{"strategies":["drop"]}}}'; }
begin() { hello; read -r request || exit 0; say '"started"'; }
"#;

/// A place with these scripts, each as `[queues.NAME]` of a scenario `s.toml` whose matrix names them all.
fn place_with(scripts: &[(&str, &str)], rest: &str) -> Place {
    let place = Place::new();
    let mut queues = String::new();
    for (name, script) in scripts {
        place.write(&format!("{name}.sh"), format!("{PRELUDE}{script}\n"));
        queues.push_str(&format!("[queues.{name}]\ncommand = [\"sh\", \"{name}.sh\"]\n"));
    }
    let names: Vec<&str> = scripts.iter().map(|(name, _)| *name).collect();
    place.write("s.toml", format!("{queues}[matrix]\nqueue = {names:?}\n{rest}"));
    place
}

const SHORT: &str = "rate = \"1k/s\"\nduration = \"10ms\"\n[run]\nwarmup = \"0s\"\nrepeats = 1\n";

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

/// The message of the error of each case, by queue.
fn errors(report: &Value) -> Vec<(String, String)> {
    let cases = report["cases"].as_array().unwrap().iter();
    let error = |case: &Value| {
        let message = case["errors"][0]["message"].as_str().unwrap_or("no error");
        (case["parameters"]["queue"].as_str().unwrap().to_owned(), message.to_owned())
    };
    cases.map(error).collect()
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    // A zombie is dead; its parent has not looked yet.
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

#[test]
fn whoever_breaks_the_protocol_is_an_error_and_the_run_goes_on() {
    let scripts = [
        ("rubbish", "begin; echo 'Segmentation fault'", "is not a message"),
        ("endless", "begin; exec tr '\\0' x < /dev/zero", "longer than 16777216 bytes"),
        (
            "dies",
            "begin; say '{\"progress\":{\"elapsed_ns\":1,\"attempted\":1,\"enqueued\":1,\"rejected\":0,\"delivered\":0,\"mean_enqueue_ns\":null}}'; exit 9",
            "status 9 without a result",
        ),
        ("killed", "begin; kill -9 $$", "killed by signal 9"),
        (
            "version",
            "say '{\"hello\":{\"protocol\":2,\"name\":\"bad\",\"version\":\"1\"}}'; read -r request",
            "version 2 of the protocol",
        ),
        ("half", "begin; printf '{\"result\":'", "in the middle of a line"),
        ("nan", "begin; say '{\"result\":{\"outcome_source\":\"call\",\"rates\":NaN}}'", "is not a message"),
        (
            "eager",
            "hello; say '{\"progress\":{\"elapsed_ns\":1,\"attempted\":1,\"enqueued\":1,\"rejected\":0,\"delivered\":0,\"mean_enqueue_ns\":null}}'; read -r request",
            "says progress where started",
        ),
        (
            "broken",
            "begin; say '{\"error\":{\"kind\":\"panicked\",\"message\":\"out of cheese\"}}'; exit 1",
            "the queue panicked: out of cheese",
        ),
        (
            "forks",
            "begin; sleep 600 & echo $! > pid; say '{\"error\":{\"kind\":\"internal\",\"message\":\"bye\"}}'",
            "still ran after the result|bye",
        ),
    ];
    let bad: Vec<(&str, &str)> = scripts.iter().map(|(name, script, _)| (*name, *script)).collect();
    let place = place_with(&bad, SHORT);
    let output = place.run(&["run", "s.toml", "--format", "json"]);
    expect_code(&output, 3);
    let found = errors(&report(&output));
    assert_eq!(found.len(), scripts.len());
    for (name, _, expected) in scripts {
        let (_, message) = found.iter().find(|(queue, _)| queue == name).unwrap();
        assert!(expected.split('|').any(|expected| message.contains(expected)), "{name}: {message}");
    }
    let pid = std::fs::read_to_string(place.path().join("pid")).unwrap();
    assert!(!is_alive(&pid), "process {pid} was left behind");
}

#[test]
#[cfg(unix)]
fn an_interrupt_while_a_program_says_nothing_ends_the_run_at_once() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::os::unix::fs::PermissionsExt;
    let silent = "echo $$ > pid; exec sleep 600";
    let place = place_with(&[("silent", silent)], SHORT);
    place.write("quick.toml", format!("[matrix]\nqueue = \"noop\"\n{SHORT}"));
    let program = place.write("other.sh", format!("#!/bin/sh\n{silent}\n"));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    for args in [&["run", "s.toml"][..], &["run", "quick.toml", "--ab-exec", "other.sh", "--insist"]] {
        let _ = std::fs::remove_file(place.path().join("pid"));
        let mut command = place.command(args);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        let begun = std::time::Instant::now();
        let pid = loop {
            let pid = std::fs::read_to_string(place.path().join("pid")).unwrap_or_default();
            if pid.ends_with('\n') {
                break pid;
            }
            assert!(begun.elapsed().as_secs() < 60, "{args:?}: the program is not started");
            std::thread::yield_now();
        };
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        expect_code(&output, 130);
        assert!(stderr(&output).contains("interrupted; nothing was run"), "{args:?}: {}", stderr(&output));
        assert!(!is_alive(&pid), "process {pid} was left behind");
    }
}

#[test]
fn whoever_hangs_is_ended_at_the_deadline_with_all_that_it_started() {
    let script = "begin; sleep 600 & echo $! > pid; exec sleep 600";
    let place = place_with(&[("hangs", script)], &format!("{SHORT}deadline = \"200ms\"\n"));
    let output = place.run(&["run", "s.toml", "--format", "json"]);
    expect_code(&output, 3);
    let found = errors(&report(&output));
    assert_eq!(found, [("hangs".to_owned(), "not finished at its deadline of 0.2 s".to_owned())]);
    let pid = std::fs::read_to_string(place.path().join("pid")).unwrap_or_default();
    assert!(pid.is_empty() || !is_alive(&pid), "process {pid} was left behind");
}

#[test]
fn a_result_that_cannot_be_true_is_an_error() {
    if !has_python() {
        return;
    }
    let own = repository().join("examples/own_driver.py");
    let lying = |how: &str| format!("exec 3>&1; python3 {} | sed -u '{how}'", own.display());
    let lies = [
        ("counts", lying(r#"s/"dropped": 0/"dropped": 1/"#), "attempted = 100, enqueued"),
        ("scheduled", lying(r#"s/"scheduled": 100/"scheduled": 99/"#), "scheduled = 99"),
        (
            "histogram",
            lying(r#"s/"lateness": {"values_ns": \[[0-9]*, /"lateness": {"values_ns": [/"#),
            "count(lateness) = 99",
        ),
        (
            "rate",
            lying(
                r#"s/"outcome_source"/"rates": {"offered_per_s": 1.5, "attempted_per_s": 1.5, "accepted_per_s": 1.5, "delivered_per_s": 1.5}, "outcome_source"/"#,
            ),
            "offered_per_s = 1.5",
        ),
        ("floor", lying(r#"s/"instrument_floor_ns": [0-9]*/"instrument_floor_ns": NaN/"#), "is not a message"),
        ("renamed", lying(r#"s/"queue_version": "1.0"/"queue_version": "2.0"/"#), "hello was of version `1.0`"),
        (
            "counter",
            lying(r#"s/"outcome_source": "call"/"outcome_source": "counter"/; s/"dropped": 0/"dropped": 1/"#),
            "queue_counters.dropped = null",
        ),
    ];
    let scripts: Vec<(&str, &str)> = lies.iter().map(|(name, script, _)| (*name, script.as_str())).collect();
    let rest = format!("producers = \"lanes\"\npacing = \"sleep\"\n{SHORT}");
    let place = place_with(&scripts, &rest);
    let output = place.run(&["run", "s.toml", "--format", "json"]);
    expect_code(&output, 3);
    let found = errors(&report(&output));
    for (name, _, expected) in &lies {
        let (_, message) = found.iter().find(|(queue, _)| queue == name).unwrap();
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_daemon_that_a_driver_leaves_behind_is_ended_and_named() {
    if !has_python() {
        return;
    }
    // It has a session of its own, no environment and no parent, and tells its number before the repeat begins.
    let script = format!(
        "mkfifo told; (env -i setsid sh -c 'echo $$ > told; exec sleep 600' > /dev/null 2>&1 < /dev/null &)\n\
         read -r pid < told; rm told; echo \"$pid\" >> pids; exec python3 {}",
        repository().join("examples/own_driver.py").display()
    );
    let place = place_with(&[("forks", &script)], &format!("producers = \"lanes\"\npacing = \"sleep\"\n{SHORT}"));
    let output = place.run(&["run", "s.toml", "--format", "json"]);
    let pids = std::fs::read_to_string(place.path().join("pids")).unwrap();
    // One was started when the program was asked what it can do.
    assert_eq!(pids.lines().count(), 2, "{pids}");
    for pid in pids.lines() {
        assert!(!is_alive(pid), "process {pid} was left behind");
    }
    expect_code(&output, 3);
    let (_, message) = errors(&report(&output)).remove(0);
    let expected = format!("process {} (sleep) still ran after the result", pids.lines().last().unwrap());
    assert_eq!(message, expected);
}

#[test]
fn the_example_counts_what_its_queue_does_to_its_logs() {
    if !has_python() {
        return;
    }
    let place = place_with(
        &[("mine", "exec python3 driver.py")],
        &format!("producers = \"lanes\"\npacing = \"sleep\"\n{SHORT}"),
    );
    let own = std::fs::read_to_string(repository().join("examples/own_driver.py")).unwrap();
    let changed = own.replace("queue.Queue(", "careless.Queue(").replace("\nimport ", "\nimport careless, ");
    assert!(changed.contains("careless.Queue("), "{own}");
    place.write("driver.py", changed);
    // Of ten tasks, 20 and 30 are of the same one.
    place.write(
        "careless.py",
        "import queue\n\
         class Queue(queue.Queue):\n\
         \x20   def put_nowait(self, log):\n\
         \x20       more = {3: [3, 3], 5: [5, 10**9], 20: [], 30: [30, 20]}\n\
         \x20       for one in more.get(log, [log]):\n\
         \x20           super().put_nowait(one)\n",
    );
    let output = place.run(&["run", "s.toml", "--format", "json"]);
    let report = report(&output);
    let case = &report["cases"][0];
    assert!(case["errors"].as_array().is_none_or(Vec::is_empty), "{}", case["errors"]);
    let aside = &case["set_aside"][0]["measured"];
    let ledger = if case["repeats"][0].is_null() { &aside["ledger"] } else { &case["repeats"][0]["ledger"] };
    let counts = ["delivered", "duplicated", "phantom", "reordered"].map(|name| ledger[name].as_u64().unwrap());
    assert_eq!(counts, [100, 1, 1, 1], "{ledger}");
}

#[test]
fn the_example_is_as_short_as_is_said_of_it() {
    let text = std::fs::read_to_string(repository().join("examples/own_driver.py")).unwrap();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.starts_with('#') && !line.starts_with("\"\"\"");
    assert_eq!(text.lines().filter(is_code).count(), 30);
}

#[test]
fn only_a_run_starts_programs() {
    let place = place_with(&[("mine", "touch started; begin; exit 1")], SHORT);
    for verb in ["validate", "list"] {
        expect_code(&place.run(&[verb, "s.toml"]), 0);
        assert!(!place.path().join("started").exists(), "{verb} started it");
    }
    let listed = stdout(&place.run(&["list", "s.toml"]));
    assert!(listed.contains("A run starts these programs:\n  mine: sh mine.sh\n"), "{listed}");
    expect_code(&place.run(&["run", "s.toml"]), 3);
    assert!(place.path().join("started").exists());
}

#[test]
fn a_program_that_is_not_there_is_an_error_before_anything_runs() {
    let place = place_with(&[("mine", "touch started; begin; exit 1")], SHORT);
    let text = std::fs::read_to_string(place.path().join("s.toml")).unwrap();
    let missing = "[queues.gone]\ncommand = [\"./gone\"]\nsetup = \"make gone\"\n[queues.nowhere]\ncommand = [\"no-such-program\"]\n";
    let text = text
        .replace("[matrix]", &format!("{missing}[matrix]"))
        .replace("[\"mine\"]", "[\"mine\", \"gone\", \"nowhere\"]");
    place.write("s.toml", text);
    let output = place.run(&["run", "s.toml"]);
    expect_code(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("s.toml:3:9: queues.gone: the program `./gone` is not in"), "{said}");
    assert!(said.contains("(set it up with `make gone`)"), "{said}");
    assert!(said.contains("queues.nowhere: the program `no-such-program` is not in PATH"), "{said}");
    let listed = stdout(&place.run(&["list", "s.toml"]));
    assert!(listed.contains("set it up with `make gone`"), "{listed}");
}

#[test]
fn a_program_that_is_not_set_up_says_so_before_anything_runs() {
    let script = "say '{\"error\":{\"kind\":\"not_built\",\"message\":\"the library is missing: run setup\"}}'; exit 1";
    let place = place_with(&[("unset", script), ("crashes", "echo ImportError >&2; exit 1")], SHORT);
    let output = place.run(&["run", "s.toml"]);
    expect_code(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("the library is missing: run setup"), "{said}");
    assert!(said.contains("its last words: ImportError"), "{said}");
}

#[test]
fn what_a_program_cannot_do_is_refused_or_left_out() {
    let place = place_with(
        &[("mine", "touch \"run-$$\"; begin; exit 1")],
        &format!("strategy = [\"drop\", \"block\"]\n{SHORT}"),
    );
    let output = place.run(&["run", "s.toml"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("queue `mine` has no strategy `block` (it has drop"), "{}", stderr(&output));
    let output = place.run(&["run", "s.toml", "--strategy", "drop", "--pacing", "sleep"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("queue `mine` has no pacing = sleep (it has hybrid"), "{}", stderr(&output));
    let output = place.run(&["run", "s.toml", "--skip-unsupported", "true", "--format", "json"]);
    expect_code(&output, 3);
    assert_eq!(report(&output)["cases"].as_array().unwrap().len(), 1);
    assert!(stderr(&output).contains("1 case is left out"), "{}", stderr(&output));
    let load = "[load]\nstages = [{ for = \"10ms\", rate = \"1x\" }]\n";
    let staged = place_with(&[("mine", "begin; exit 1")], &format!("{SHORT}{load}"));
    let output = staged.run(&["run", "s.toml"]);
    expect_code(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("load.stages: queue `mine` cannot change its rate in stages (leave out [load]"), "{said}");
    let replayed = place_with(&[("mine", "begin; exit 1")], "[load]\ntrace = \"a.csv\"\n");
    replayed.write("a.csv", "time\n0\n");
    let output = replayed.run(&["run", "s.toml"]);
    expect_code(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("load.trace: queue `mine` cannot replay a trace (leave out [load]"), "{said}");
    for (key, value) in [("until", "steady"), ("warmup", "steady")] {
        let output = place.run(&["run", "s.toml", "--strategy", "drop", &format!("--{key}"), value]);
        expect_code(&output, 2);
        let said = stderr(&output);
        let expected = format!("run.{key}: queue `mine` cannot tell when a load is steady (give the window");
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn a_program_runs_where_and_with_what_it_was_told() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("inner")).unwrap();
    place.write("inner/d.sh", format!("{PRELUDE}begin; echo \"$GIVEN|$1|$HOME_OF_TEST\" > told; exit 1\n"));
    place.write(
        "s.toml",
        format!(
            "[queues.mine]\ncommand = [\"sh\", \"d.sh\", \"a b\"]\nworking_dir = \"inner\"\nenv = {{ GIVEN = \"x y\" }}\n\
             [matrix]\nqueue = \"mine\"\n{SHORT}"
        ),
    );
    let output = place.command(&["run", "s.toml"]).env("HOME_OF_TEST", "inherited").output().unwrap();
    expect_code(&output, 3);
    let told = std::fs::read_to_string(place.path().join("inner/told")).unwrap();
    assert_eq!(told, "x y|a b|inherited\n");
    let [saved] = place.files("reports").try_into().expect("one report");
    for format in ["json", "table", "markdown", "csv", "html", "junit", "github"] {
        let shown = place.run(&["show", &format!("reports/{saved}"), "--format", format]);
        let shown = stdout(&shown) + &stderr(&shown);
        assert!(
            !shown.contains("x y") && !shown.contains("inherited"),
            "{format}: an environment is nobody's business"
        );
    }
}

#[test]
fn a_driver_in_python_has_the_schedule_of_our_own_worker() {
    if !has_python() {
        return;
    }
    let script = "import json, sys, queue_load_driver as d\n\
                  for line in sys.stdin: p = json.loads(line); print(json.dumps([list(d.dues(p, t, p['duration_ns'], 7)) for t in range(p['concurrency'])]))";
    let usual = Parameters { concurrency: 3, duration: Nanos::from_millis(40), ..Parameters::default() };
    let cases: Vec<Parameters> = [
        ("1000/s", Arrival::Uniform, PhaseShift::Spread),
        ("10000/3s", Arrival::Uniform, PhaseShift::Aligned),
        ("700/s", Arrival::Burst(7), PhaseShift::Spread),
        ("5000/s", Arrival::Poisson, PhaseShift::Spread),
        ("5000/s", Arrival::Poisson, PhaseShift::Aligned),
    ]
    .map(|(rate, arrival, phase)| Parameters { rate: rate.parse::<Rate>().unwrap(), arrival, phase, ..usual.clone() })
    .into();
    let place = Place::new();
    let lines: Vec<String> = cases.iter().map(|case| serde_json::to_string(case).unwrap()).collect();
    let input = place.write("input", lines.join("\n"));
    let output = Command::new("python3")
        .args(["-c", script])
        .env("PYTHONPATH", repository().join("drivers/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(std::fs::File::open(input).unwrap())
        .output()
        .unwrap();
    expect_code(&output, 0);
    for (case, line) in cases.iter().zip(stdout(&output).lines()) {
        let theirs: Vec<Vec<u64>> = serde_json::from_str(line).unwrap();
        let schedule = Schedule::of(case, case.duration, 7);
        let ours: Vec<Vec<u64>> = (0..3).map(|task| schedule.cursor(task).collect()).collect();
        assert_eq!(theirs, ours, "{:?}", case.arrival);
    }
}

/// The interpreter of the drivers that need more than the standard library; `None` where they were not set up.
fn set_up() -> Option<PathBuf> {
    let python = repository().join("drivers/python/.venv/bin/python");
    let there = python.exists();
    if !there {
        eprintln!("skipped: set fapilog up with drivers/python/setup");
    }
    there.then_some(python)
}

/// The ledgers of a driver's cases, by strategy, and whether its sink is slow and its queue small; each repeat's sums were checked by the runner, or it would
/// be an error. What the machine spoils is counted all the same.
fn conform(command: &[String], strategies: &[&str], axes: &str) -> Vec<(String, bool, Value)> {
    let place = Place::new();
    place.write(
        "s.toml",
        format!(
            "[queues.it]\ncommand = {command:?}\n[matrix]\nqueue = \"it\"\nstrategy = {strategies:?}\n\
             maxsize = [20, 1_000]\nsink_delay = [\"0s\", \"10ms\"]\nrate = \"100/s\"\nduration = \"400ms\"\n\
             pacing = \"sleep\"\n{axes}[[exclude]]\nmaxsize = 20\nsink_delay = \"0s\"\n\
             [[exclude]]\nmaxsize = 1_000\nsink_delay = \"10ms\"\n\
             [run]\nwarmup = \"100ms\"\nrepeats = 1\ninvalid_retries = 0\n"
        ),
    );
    let output = place.run(&["run", "s.toml", "--format", "json"]);
    let report = report(&output);
    let cases = report["cases"].as_array().unwrap().iter();
    let ledger = |case: &Value| {
        assert!(case["errors"].as_array().is_none_or(Vec::is_empty), "{}", case["errors"]);
        let repeat = if case["repeats"][0].is_null() { &case["set_aside"][0]["measured"] } else { &case["repeats"][0] };
        let strategy = case["parameters"]["strategy"].as_str().unwrap().to_owned();
        (strategy, case["parameters"]["sink_delay_ns"] != 0, repeat["ledger"].clone())
    };
    cases.map(ledger).collect()
}

fn check_conformance(name: &str, ledgers: &[(String, bool, Value)]) {
    assert!(!ledgers.is_empty());
    for (strategy, is_slow, ledger) in ledgers {
        let of = |count: &str| ledger[count].as_u64().unwrap_or_else(|| panic!("{name}: {count} of {ledger}"));
        assert_eq!(of("scheduled"), 400, "{name} {strategy}");
        assert_eq!((of("duplicated"), of("phantom"), of("undecidable")), (0, 0, 0), "{name} {strategy}: {ledger}");
        match (strategy.as_str(), is_slow) {
            ("block", false) => assert_eq!(of("dropped"), 0, "{name}: dropped although there was room: {ledger}"),
            ("drop", true) => assert!(of("dropped") > 0, "{name}: overload drops nothing: {ledger}"),
            ("sample", false) => assert!(of("sampled_out") > 200, "{name}: {ledger}"),
            _ => {}
        }
    }
}

#[test]
#[ignore = "takes real time"]
fn the_drivers_of_this_repository_conform() {
    if !has_python() {
        return;
    }
    let drivers = repository().join("drivers/python");
    let script = |name: &str| drivers.join(name).display().to_string();
    let command = vec!["python3".to_owned(), script("queuehandler_driver.py")];
    check_conformance("queuehandler", &conform(&command, &["drop", "block"], ""));
    let Some(python) = set_up() else { return };
    for (facade, pipeline, strategies) in [
        ("sync", "default", &["drop", "block", "sample"][..]),
        ("async", "bare", &["drop", "block"]),
        ("sync", "production", &["drop"]),
    ] {
        let words = [&script("fapilog_driver.py"), "--facade", facade, "--pipeline", pipeline];
        let command: Vec<String> =
            std::iter::once(python.display().to_string()).chain(words.map(str::to_owned)).collect();
        let axes = "batch_size = 10\nbatch_timeout = \"100ms\"\n";
        check_conformance(&format!("fapilog {facade} {pipeline}"), &conform(&command, strategies, axes));
    }
}
