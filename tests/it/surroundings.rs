//! What may go wrong around a run: a full disk, a directory that cannot be written, a reader that goes away, signals, a
//! second run at the same place. Whatever happens, what was finished is in the journal or in the report.

use crate::support::{Place, expect_code, share_the_machine, stderr, stdout};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Short repeats, so that there are several to be interrupted.
pub const SHORT: &str = r#"
[target]
throughput = "200/s"
[matrix]
queue = "noop"
maxsize = [10, 20, 30, 40]
concurrency = 2
rate = "100/s"
duration = "50ms"
[run]
warmup = "0s"
control = "0s"
repeats = 1
invalid_retries = 0
"#;

/// A saved report.
pub fn report() -> String {
    format!("{}/tests/data/report.json", env!("CARGO_MANIFEST_DIR"))
}

fn place() -> Place {
    let place = Place::new();
    place.write("short.toml", SHORT);
    place
}

/// What a journal or a report holds: each result by its case, round and try. Fails if it cannot be shown.
fn results(place: &Place, file: &str) -> BTreeMap<String, Value> {
    let shown = place.command(&["show", file, "--format", "json"]).output().unwrap();
    expect_code(&shown, 0);
    let report: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let mut all = BTreeMap::new();
    for case in report["cases"].as_array().unwrap() {
        let of = |list: &str| case[list].as_array().unwrap().clone();
        let aside = of("set_aside").into_iter().map(|aside| aside["measured"].clone());
        for one in of("repeats").into_iter().chain(aside).chain(of("errors")) {
            let name = format!("{} {} {}", case["id"], one["repeat"], one["attempt"]);
            assert_eq!(all.insert(name, one), None, "twice: {case}");
        }
    }
    all
}

/// How many repeats a journal or a report holds; fails if it cannot be shown.
pub fn kept(place: &Place, file: &str) -> usize {
    results(place, file).len()
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let _ = kill_process(pid, signal);
}

#[test]
fn a_reader_that_goes_away_has_seen_enough() {
    let place = place();
    for args in [&["show", &report()][..], &["list", "short.toml"], &["compare", &report(), &report()], &["queues"]] {
        let usual = place.run(args).status.code();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), usual, "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_no_success() {
    let place = place();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [&["show", &report()][..], &["list", "short.toml"], &["compare", &report(), &report()], &["queues"]] {
        let output = place.command(args).stdout(full()).output().unwrap();
        expect_code(&output, 1);
        assert!(stderr(&output).contains("cannot write to stdout: "), "{args:?}: {}", stderr(&output));
    }
    // What cannot be said to the user is not worth a failure.
    let output = place.command(&["validate", "short.toml"]).stderr(full()).stdout(Stdio::piped()).output().unwrap();
    expect_code(&output, 0);
}

/// The program as a user who may not write where root may; `None`, and said so, where that cannot be tried.
pub fn as_nobody(mut command: Command) -> Option<Command> {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY).env("TMPDIR", "/tmp");
        let probe = Command::new(env!("CARGO_BIN_EXE_queue-load")).arg("--version").uid(NOBODY).gid(NOBODY).output();
        if !probe.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: the program cannot be run by another user here");
            return None;
        }
    }
    Some(command)
}

/// Sets the rights of a file.
pub fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_is_found_before_anything_runs() {
    let place = place();
    set_mode(place.path(), 0o755);
    let closed = place.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    set_mode(&closed, 0o555);
    for args in [
        &["run", "short.toml", "--output", "closed/r.json"][..],
        &["run", "short.toml", "--reports-dir", "closed"],
        &["run", "short.toml", "--reports-dir", "closed/below"],
        &["show", &report(), "--output", "closed/r.csv"],
    ] {
        let Some(mut command) = as_nobody(place.command(args)) else { return };
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("closed"), "{args:?}: {}", stderr(&output));
        assert_eq!(place.files("closed"), [""; 0], "{args:?}");
    }
}

/// Starts a run and waits for its first repeat to be finished.
fn started(place: &Place) -> (Child, impl Iterator<Item = String>) {
    let mut command = place.command(&["run", "short.toml", "--output", "r.json"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.by_ref().find(|line| line.starts_with("[1/4]")).expect("the first repeat ends");
    (child, lines)
}

#[test]
#[ignore = "takes real time"]
fn terminated_once_it_saves_and_twice_it_stops_at_once() {
    let _machine = share_the_machine();
    for (signals, name) in [(&[Signal::TERM][..], "once"), (&[Signal::INT, Signal::INT], "twice")] {
        let place = place();
        let (mut child, lines) = started(&place);
        signals.iter().for_each(|&which| signal(&child, which));
        lines.for_each(drop);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{name}");
        let files = place.files(".");
        // Two signals at once may be seen as one.
        let is_saved = name == "once" || files.contains(&"r.json".to_owned());
        // The journal stays: the run can go on from it.
        let expected = ["r.journal", "r.json", "short.toml"].into_iter().filter(|file| is_saved || *file != "r.json");
        assert_eq!(files, expected.collect::<Vec<_>>(), "{name}: nothing half written is left");
        assert!(kept(&place, if is_saved { "r.json" } else { "r.journal" }) >= 1, "{name}");
    }
}

/// Runs to the end; the verdict depends on the machine, but there is one.
fn to_its_end(place: &Place, args: &[&str]) {
    let output = place.command(args).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{args:?}: {}", stderr(&output));
}

/// Goes on with a run that was killed, or begins it anew where it had not begun; returns which. All that it had finished is
/// in the report as it was, and nothing is missing.
fn go_on(place: &Place, name: &str, all: &[String]) -> &'static str {
    let (journal, report) = (format!("{name}.journal"), format!("{name}.json"));
    let head = std::fs::read_to_string(place.path().join(&journal)).unwrap_or_default();
    let (how, before) = match (head.contains('\n'), place.files(".").contains(&report)) {
        (true, _) => ("resumed", results(place, &journal)),
        (false, true) => ("over", results(place, &report)),
        (false, false) => ("begun anew", BTreeMap::new()),
    };
    match how {
        "resumed" => to_its_end(place, &["run", "--resume", &journal]),
        "begun anew" => to_its_end(place, &["run", "short.toml", "--output", &report]),
        _ => {}
    }
    let after = results(place, &report);
    assert_eq!(after.keys().cloned().collect::<Vec<_>>(), all, "{how}");
    for (name, result) in before {
        assert_eq!(after[&name], result, "{how}: {name} is another");
    }
    how
}

#[test]
#[ignore = "takes real time"]
fn whatever_was_finished_when_it_was_killed_is_kept_and_gone_on_with_to_the_same_results() {
    let kills = std::env::var("QUEUE_LOAD_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(6);
    let mut draw = Xoshiro256PlusPlus::seed_from_u64(42);
    let _machine = share_the_machine();
    let undisturbed = place();
    to_its_end(&undisturbed, &["run", "short.toml", "--output", "r.json"]);
    let all: Vec<String> = results(&undisturbed, "r.json").into_keys().collect();
    assert_eq!(all.len(), 4);
    let mut ways = BTreeMap::<&str, u32>::new();
    for number in 0..kills {
        let place = place();
        let mut command = place.command(&["run", "short.toml", "--output", "r.json"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let after = Duration::from_millis(draw.next_u64() % 4_000);
        let killer = std::thread::spawn({
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            // A random moment is what is tried: nothing is waited for.
            move || {
                std::thread::sleep(after);
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        // Not reaped before the signal: its number is nobody else's.
        killer.join().unwrap();
        child.wait().unwrap();
        let finished = said.lines().filter(|line| line.starts_with('[')).count();
        let files = place.files(".");
        let kept = ["r.json", "r.journal"].into_iter().find(|name| files.iter().any(|file| file == name));
        let kept = kept.filter(|_| finished > 0).map_or(0, |name| self::kept(&place, name));
        assert!(kept >= finished, "kill {number} after {after:?}: {finished} finished, {kept} kept, {files:?}\n{said}");
        *ways.entry(go_on(&place, "r", &all)).or_default() += 1;
    }
    eprintln!("{kills} runs were killed: {ways:?}");
}

#[test]
#[ignore = "takes real time"]
#[cfg(target_os = "linux")]
fn the_temporary_files_of_a_killed_run_are_removed_by_the_next_one() {
    let place = place();
    let temporary = place.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let _machine = share_the_machine();
    let start = |output: &str| {
        let mut command = place.command(&["run", "short.toml", "--quiet", "--output", output]);
        command.env("TMPDIR", &temporary).stdout(Stdio::null()).spawn().unwrap()
    };
    let mut killed = start("killed.json");
    let begun = std::time::Instant::now();
    while place.files("tmp").is_empty() {
        assert!(begun.elapsed().as_secs() < 60, "no repeat begins");
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(place.files("tmp").len(), 1, "a killed run cannot remove it");
    start("next.json").wait().unwrap();
    assert_eq!(place.files("tmp"), [""; 0]);
    assert_eq!(kept(&place, "next.json"), 4);
}

/// Runs the program with no file allowed to grow over so many blocks of 512 bytes: writing fails as on a full disk.
pub fn limited(place: &Place, blocks: u32, args: &[&str]) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_queue-load")]).args(args);
    command.current_dir(place.path()).output().unwrap()
}

/// The run of `short.toml` with so little room.
fn with_room_for(place: &Place, blocks: u32) -> Output {
    limited(place, blocks, &["run", "short.toml", "--output", "r.json"])
}

#[test]
#[ignore = "takes real time"]
#[cfg(target_os = "linux")]
fn a_disk_that_is_full_loses_nothing_that_was_finished() {
    let _machine = share_the_machine();
    for blocks in [0, 1, 8, 16, 24, 32, 48] {
        let place = place();
        let output = with_room_for(&place, blocks);
        let (said, files) = (stderr(&output), place.files("."));
        let finished = said.lines().filter(|line| line.starts_with('[')).count();
        assert!(!said.contains("panicked"), "{blocks} blocks: {said}");
        assert!(!files.iter().any(|file| file.ends_with(".tmp")), "{blocks} blocks: {files:?}");
        match output.status.code() {
            // Nothing was run: the journal's head did not fit.
            Some(2) => assert_eq!(finished, 0, "{blocks} blocks: {said}"),
            Some(1) => {
                assert!(said.contains("File too large"), "{blocks} blocks: {said}");
                // The one that did not fit is shown, and named as lost.
                let kept = kept(&place, "r.journal");
                assert!(kept + 1 >= finished, "{blocks} blocks: {said}");
                let is_said = said.contains("the journal lacks the last repeats, too: only the output above has all");
                assert!(is_said || kept >= finished, "{blocks} blocks: {kept} of {finished} kept: {said}");
                assert!(stdout(&output).contains("Total logs attempted:"), "{blocks} blocks: {}", stdout(&output));
            }
            code => assert!(matches!(code, Some(0 | 3 | 5)) && kept(&place, "r.json") == 4, "{blocks} blocks: {said}"),
        }
    }
}

/// 400 logs of 1 KiB into a file, by queues that tell of a sink's error in different ways, or not at all.
const TO_A_FILE: &str = r#"
[target]
throughput = "2k/s"
[matrix]
queue = ["noop", "builtin", "tracing-appender", "slog-async"]
sink = "file"
payload = "4f+1KiB"
concurrency = 2
rate = "1k/s"
duration = "200ms"
[run]
warmup = "0s"
control = "0s"
repeats = 1
"#;

#[test]
#[ignore = "takes real time"]
#[cfg(target_os = "linux")]
fn a_disk_that_is_full_behind_a_queue_is_its_sinks_error_and_not_its_loss() {
    let _machine = share_the_machine();
    let place = place();
    place.write("short.toml", TO_A_FILE);
    // 64 KiB: enough for journal and report.
    let output = with_room_for(&place, 128);
    expect_code(&output, 3);
    let report: Value = serde_json::from_slice(&std::fs::read(place.path().join("r.json")).unwrap()).unwrap();
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let verdict = &case["verdict"];
        assert_eq!(
            (&verdict["outcome"], &verdict["reason_codes"][0]),
            (&"error".into(), &"sink_failed".into()),
            "{case}"
        );
        assert!(verdict["reasons"][0].as_str().unwrap().contains("File too large (os error 27)"), "{verdict}");
    }
}

#[test]
#[ignore = "takes real time"]
fn two_runs_at_one_place_keep_out_of_each_others_way() {
    let _machine = share_the_machine();
    for (args, reports) in [(&["run", "short.toml"][..], 2), (&["run", "short.toml", "--output", "reports/r.json"], 1)]
    {
        let place = place();
        std::fs::create_dir(place.path().join("reports")).unwrap();
        let start = || place.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
        for output in &both {
            assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{}", stderr(output));
        }
        let files = place.files("reports");
        assert_eq!(files.len(), reports, "{files:?}");
        for file in files {
            assert_eq!(kept(&place, &format!("reports/{file}")), 4, "{file}");
        }
    }
}

/// Files that may read the wall clock: it may be set at any time, so that no duration may come of it.
const WALL_CLOCK: [&str; 6] = [
    // When a report was begun: text alone.
    "session/mod.rs",
    // The time of a record that its user did not set.
    "log_queue/core.rs",
    "log_queue/slot.rs",
    "log_queue/time.rs",
    "log_queue/wait.rs",
    // Makes a name unlike others.
    "run/leftovers/mod.rs",
];

#[test]
fn no_duration_is_told_by_a_clock_that_may_be_set() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut text = String::new();
            File::open(&path).unwrap().read_to_string(&mut text).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            if ["SystemTime::now", "Timestamp::now", "Zoned::now"].iter().any(|clock| code.contains(clock)) {
                found.push(path.strip_prefix(&root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    let mut known = WALL_CLOCK.map(str::to_owned);
    known.sort();
    assert_eq!(found, known);
}
