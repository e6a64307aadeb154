//! The program among pipes, full disks, signals and shells that behave as they do.

use crate::support::{Place, expect_code, share_the_machine, stderr, stdout};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
#[cfg(target_os = "linux")]
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// Four repeats of 200 logs.
const FOUR: &str = "[target]\nthroughput = \"2k/s\"\n[matrix]\nqueue = \"noop\"\nconcurrency = 2\nrate = \"1k/s\"\nduration = \"100ms\"\n[run]\nwarmup = \"0s\"\ncontrol = \"50ms\"\nrepeats = 4\ninvalid_retries = 0\n";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report.json")
}

fn with_stdin(mut command: Command, bytes: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that does not read it all closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(bytes);
    child.wait_with_output().unwrap()
}

#[test]
fn a_dash_is_stdin() {
    let place = Place::new();
    let listed = with_stdin(place.command(&["list", "-", "--format", "json"]), FOUR.as_bytes());
    expect_code(&listed, 0);
    let listing: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listing["repeats"], &listing["cases"][0]["scenario"]), (&4.into(), &"stdin".into()));
    let report = std::fs::read(golden()).unwrap();
    let golden = golden();
    let golden = golden.to_str().unwrap();
    let from_file = place.run(&["show", golden, "--format", "csv"]);
    let shown = with_stdin(place.command(&["show", "-", "--format", "csv"]), &report);
    assert_eq!(stdout(&shown), stdout(&from_file));
    for args in [["gate", golden, "-"], ["gate", "-", golden]] {
        let gated = with_stdin(place.command(&args), &report);
        assert!(stdout(&gated).starts_with("failed: 4 cases"), "{}", stderr(&gated));
    }
    place.write("app.log", "{\"time\":1700000000,\"level\":\"info\"}\n");
    let recorded = place.run(&["record", "app.log", "--output", "-"]);
    expect_code(&recorded, 0);
    assert_eq!(stdout(&recorded), stdout(&place.run(&["record", "app.log"])));
    assert_eq!(place.files("."), ["app.log"]);
    let refused = place.run(&["show", golden, "--output", "-"]);
    expect_code(&refused, 2);
    assert!(stderr(&refused).contains("stdout already gets --format"), "{}", stderr(&refused));
}

#[test]
fn what_is_no_scenario_is_called_by_its_name() {
    let place = Place::new();
    for bytes in [std::fs::read(golden()).unwrap(), [b"\xef\xbb\xbf", &std::fs::read(golden()).unwrap()[..]].concat()] {
        place.write("r.json", bytes);
        let output = place.run(&["run", "r.json"]);
        expect_code(&output, 2);
        let said = stderr(&output);
        assert!(said.contains("r.json: this is a report (`show`, `compare` and `gate` read it"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_nobody_can_read_is_no_success() {
    for args in [&["--help"][..], &["--version"], &["schema", "report"], &["queues"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = Place::new().command(args).stdout(full).output().unwrap();
        expect_code(&output, 1);
        assert!(stderr(&output).contains("cannot write to stdout"), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_gate_speaks_to_tools_too() {
    let place = Place::new();
    let golden = golden();
    let golden = golden.to_str().unwrap();
    let xml = stdout(&place.run(&["gate", golden, golden, "--format", "junit"]));
    assert!(xml.contains("<testsuite name=\"gate\"") && xml.contains("the run holds against its baseline"), "{xml}");
    assert!(xml.contains(" timestamp=\"20") && xml.contains(" time=\""), "{xml}");
    let page = stdout(&place.run(&["gate", golden, golden, "--format", "html"]));
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "{page:.500}");
    place.run(&["gate", golden, golden, "--output", "g.xml"]);
    assert!(std::fs::read_to_string(place.path().join("g.xml")).unwrap().starts_with("<?xml"));
    let refused = place.run(&["compare", golden, golden, "--format", "junit"]);
    expect_code(&refused, 2);
}

/// A gate reads only what it compares, unless a format needs all of the report.
#[test]
fn the_rows_of_a_gate_are_those_of_its_report() {
    let place = Place::new();
    let mut report: serde_json::Value = serde_json::from_slice(&std::fs::read(golden()).unwrap()).unwrap();
    let readings: Vec<u64> = (0..40).map(|n| 1_000_000 + n * 10).collect();
    report["cases"][0]["repeats"][0]["memory"] = serde_json::json!({"step_ns": 100_000_000, "bytes": readings});
    place.write("altered.json", report.to_string());
    place.run(&["show", "altered.json", "--output", "r.json"]);
    let shown = stdout(&place.run(&["show", "r.json", "--format", "csv"]));
    let header: Vec<&str> = shown.lines().next().unwrap().split(',').collect();
    let slope = header.iter().position(|name| *name == "memory_slope_bytes_per_s").unwrap();
    assert!(shown.lines().any(|row| row.split(',').nth(slope) == Some("100")), "{shown}");
    assert_eq!(stdout(&place.run(&["gate", "r.json", "r.json", "--format", "csv"])), shown);
}

#[test]
fn colour_comes_only_if_it_is_requested() {
    let place = Place::new();
    place.write("four.toml", FOUR);
    let golden = golden();
    let golden = golden.to_str().unwrap();
    // What a list has to mark is a program that is not there.
    place.write("absent.toml", "[queues.absent]\ncommand = [\"./absent\"]\n[matrix]\nqueue = \"absent\"\n");
    for args in [&["compare", golden, golden][..], &["gate", golden, golden], &["list", "absent.toml"]] {
        let plain = stdout(&place.run(&[args, &["--color", "never"]].concat()));
        assert!(!plain.contains('\u{1b}'), "{args:?}: {plain:?}");
        let coloured = stdout(&place.run(&[args, &["--color", "always"]].concat()));
        assert!(coloured.contains('\u{1b}'), "{args:?}: {coloured:?}");
    }
}

#[test]
fn a_number_that_is_no_whole_one_is_answered_with_the_one_that_is_meant() {
    let place = Place::new();
    place.write("four.toml", FOUR);
    for verb in ["list", "run"] {
        let refused = place.run(&[verb, "four.toml", "--maxsize", "10k"]);
        expect_code(&refused, 2);
        let said = stderr(&refused);
        assert!(said.contains("--maxsize: `10k` is not a whole number (write 10000)"), "{said}");
    }
}

#[test]
fn help_says_where_a_dash_may_stand() {
    for verb in ["validate", "list", "run", "show", "gate", "record"] {
        let help = stdout(&Place::new().run(&[verb, "--help"])).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("- is stdin") || help.contains("- for a report from stdin"), "{verb}: {help}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_split_on_one_cpu_is_refused_before_anything_runs() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let place = Place::new();
    place.write("four.toml", FOUR);
    // A thread of its own: what it starts inherits its CPU.
    let run = || {
        let allowed = sched_getaffinity(None).unwrap();
        let mut one = CpuSet::new();
        one.set((0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu)).unwrap());
        sched_setaffinity(None, &one).unwrap();
        place.run(&["run", "four.toml", "--placement", "split"])
    };
    let output = std::thread::scope(|scope| scope.spawn(run).join().unwrap());
    expect_code(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("needs two CPUs, and this process may use one: case "), "{said}");
    assert!(said.contains("placement=split"), "{said}");
    assert_eq!(place.files("."), ["four.toml"], "{said}");
}

#[test]
fn an_axis_of_one_value_is_not_compared_across() {
    let golden = golden();
    let output = Place::new().run(&["compare", golden.to_str().unwrap(), "--across", "sink"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("every case has sink=counting"), "{}", stderr(&output));
}

/// A run that has just finished its first repeat, started by `shell`, which has the program in `$0`.
fn begun(place: &Place, shell: &str) -> (Child, Lines<BufReader<ChildStderr>>) {
    place.write("four.toml", FOUR);
    let mut command = place.command(&[]);
    let program = command.get_program().to_owned();
    command = Command::new("sh");
    command.args(["-c", shell]).arg(program).current_dir(place.path());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("[1/4]")).expect("the first repeat ends");
    (child, lines)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn report(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join("r.json")).unwrap()).unwrap()
}

#[test]
#[ignore = "takes real time"]
fn a_signal_that_was_ignored_stays_ignored() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let place = Place::new();
    let run = "exec \"$0\" run four.toml --output r.json";
    let (mut child, lines) = begun(&place, &format!("trap '' HUP; {run}"));
    signal(&child, Signal::HUP);
    lines.for_each(|line| drop(line.unwrap()));
    assert_ne!(child.wait().unwrap().code(), Some(130));
    assert_eq!(report(&place)["interrupted"], false);
    let (mut child, lines) = begun(&place, run);
    signal(&child, Signal::HUP);
    lines.for_each(|line| drop(line.unwrap()));
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// The process that carries out the repeat in hand, once its load has begun.
#[cfg(target_os = "linux")]
fn worker_of(child: &Child) -> Pid {
    let read = |path: String| std::fs::read_to_string(path).unwrap_or_default();
    let begun = std::time::Instant::now();
    loop {
        let children = read(format!("/proc/{0}/task/{0}/children", child.id()));
        for worker in children.split_whitespace() {
            if threads_of(worker).iter().any(|id| read(format!("/proc/{worker}/task/{id}/comm")).starts_with("ql-pro"))
            {
                return Pid::from_raw(worker.parse().unwrap()).unwrap();
            }
        }
        assert!(begun.elapsed().as_secs() < 60, "no repeat begins");
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
fn threads_of(worker: &str) -> Vec<String> {
    let threads = std::fs::read_dir(format!("/proc/{worker}/task")).into_iter().flatten().flatten();
    threads.map(|thread| thread.file_name().into_string().unwrap()).collect()
}

/// What became of the case: which rounds ended, and the codes for which tries were discarded.
#[cfg(target_os = "linux")]
fn ended(place: &Place) -> (BTreeSet<u64>, Vec<String>) {
    let report = report(place);
    let of = |list: &str| report["cases"][0][list].as_array().cloned().unwrap_or_default();
    assert_eq!(of("errors"), Vec::<Value>::new());
    let rounds = of("repeats").into_iter().chain(of("set_aside").into_iter().map(|aside| aside["measured"].clone()));
    let codes = of("set_aside").iter().map(|aside| aside["reason_codes"].to_string()).collect();
    (rounds.filter_map(|one| one["repeat"].as_u64()).collect(), codes)
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes real time"]
fn a_repeat_that_was_paused_is_invalid_and_run_again() {
    let place = Place::new();
    let _machine = share_the_machine();
    let options = "--duration 500ms --rate 200 --deadline 5s --drain-timeout 1s --invalid-retries 5";
    let (mut child, mut lines) = begun(&place, &format!("exec \"$0\" run four.toml --output r.json {options}"));
    let worker = worker_of(&child);
    signal(&child, Signal::STOP);
    kill_process(worker, Signal::STOP).unwrap();
    // The pause itself: longer than the deadline, and than a queue may take to drain.
    std::thread::sleep(std::time::Duration::from_secs(6));
    kill_process(worker, Signal::CONT).unwrap();
    signal(&child, Signal::CONT);
    let said: String = lines.by_ref().map(|line| line.unwrap() + "\n").collect();
    child.wait().unwrap();
    let (rounds, codes) = ended(&place);
    // A machine that is busy may spoil other tries too; no round may be missing.
    assert_eq!(rounds, BTreeSet::from([0, 1, 2, 3]), "{said}");
    assert_eq!(codes.iter().filter(|codes| codes.contains("\"paused\"")).count(), 1, "{codes:?}\n{said}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes real time"]
fn a_cpu_that_is_taken_away_is_not_the_queues_fault() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).unwrap();
    let first = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu)).unwrap();
    let mut one = CpuSet::new();
    one.set(first);
    let place = Place::new();
    let _machine = share_the_machine();
    let run = "exec \"$0\" run four.toml --output r.json --duration 1s --rate 100k --producers lanes";
    let (mut child, mut lines) = begun(&place, run);
    let worker = worker_of(&child);
    for id in threads_of(&worker.as_raw_nonzero().to_string()) {
        // One that has ended meanwhile needs no CPU.
        let _ = sched_setaffinity(Pid::from_raw(id.parse().unwrap()), &one);
    }
    let said: String = lines.by_ref().map(|line| line.unwrap() + "\n").collect();
    child.wait().unwrap();
    let (rounds, _) = ended(&place);
    assert_eq!(rounds, BTreeSet::from([0, 1, 2, 3]), "{said}");
    let verdict = report(&place)["cases"][0]["verdict"].clone();
    assert!(!verdict["reason_codes"].to_string().contains("starves_producers"), "{verdict}\n{said}");
}
