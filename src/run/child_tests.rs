//! Tests [`ChildDriver`] with children that behave correctly and children that do not; each is a few lines of shell.

use super::child::{ChildCommand, ChildDriver, Limits};
use super::driver::{Driver, Interrupt};
use super::errors::{Fault, RepeatError};
use super::fixture::{self, HELLO, PROGRESS, STARTED};
use super::leftovers::is_alive;
use super::verify::Verify;
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::units::{Bytes, Nanos};
use crate::worker::protocol::{PROTOCOL_VERSION, Request};
use std::time::{Duration, Instant};

/// Messages that a script may send: `say "$HELLO"` and so on.
const PRELUDE: &str = "say() { printf '%s\\n' \"$1\"; }\n";
const GOOD: &str = "read -r request\nsay \"$HELLO\"; say \"$STARTED\"; say \"$PROGRESS\"; say \"$RESULT\"\n";
const BEGIN: &str = "say \"$HELLO\"; say \"$STARTED\"\n";

fn sh(script: &str) -> ChildCommand {
    let result = fixture::result_line(&fixture::measurement());
    let env = [("HELLO", HELLO), ("STARTED", STARTED), ("PROGRESS", PROGRESS), ("RESULT", &result)];
    ChildCommand {
        args: vec!["-c".into(), format!("{PRELUDE}{script}").into()],
        env: env.map(|(key, value)| (key.into(), value.into())).into(),
        ..ChildCommand::new("sh")
    }
}

fn believe() -> Verify {
    Verify::new(|_, _| Vec::<String>::new())
}

fn run_command(command: ChildCommand, limits: Limits) -> Result<Measurement, RepeatError> {
    let mut driver = ChildDriver::new(command, believe()).with_limits(limits);
    driver.run(&fixture::planned(0, 0), &Interrupt::new(), &mut |_| {})
}

/// Runs a script whose result must be refused.
fn refused(script: &str) -> RepeatError {
    refused_within(script, Limits::default())
}

fn refused_within(script: &str, limits: Limits) -> RepeatError {
    run_command(sh(script), limits).expect_err("must not be believed")
}

fn problem(error: &RepeatError) -> &str {
    match &error.fault {
        Fault::Protocol { problem, .. } => problem.as_given(),
        other => panic!("not a breach of the protocol: {other:?}, stderr {:?}", error.stderr_tail),
    }
}

/// The process ids that a script wrote to stderr.
fn pids(error: &RepeatError) -> Vec<u32> {
    error
        .stderr_tail
        .iter()
        .map(|line| line.as_given().parse().unwrap_or_else(|_| panic!("no pid: {line:?}")))
        .collect()
}

fn assert_gone(pids: &[u32]) {
    assert!(!pids.is_empty());
    for &pid in pids {
        assert!(!is_alive(pid), "process {pid} was left behind");
    }
}

fn impatient() -> Limits {
    Limits { farewell: Duration::ZERO, exit_grace: Duration::ZERO, leftover_grace: Duration::ZERO, ..Limits::default() }
}

/// It stops itself, and its own child continues it once it is seen to be stopped.
#[cfg(target_os = "linux")]
#[test]
fn a_child_that_was_stopped_alone_is_found_out() {
    let state = r#"grep -q "^State:.T" /proc/$$/status"#;
    let stop = format!("(until {state}; do :; done; sleep 0.2; kill -CONT $$) & kill -STOP $$; wait");
    for (script, is_stopped) in [(GOOD.to_owned(), false), (format!("{BEGIN}{stop}\nsay \"$RESULT\"\n"), true)] {
        let script = if is_stopped { format!("read -r request\n{script}") } else { script };
        let measurement = run_command(sh(&script), Limits::default()).expect("a result");
        assert_eq!(measurement.machine.paused_ns.is_some(), is_stopped, "{:?}", measurement.machine.paused_ns);
    }
}

#[test]
fn a_good_child_is_asked_and_believed() {
    let dir = tempfile::tempdir().expect("a directory");
    let script =
        format!("{GOOD}printf %s \"$request\" > request; printf %s \"$TMPDIR\" > scratch; touch \"$TMPDIR/x\"");
    let command = ChildCommand { working_dir: Some(dir.path().to_owned()), ..sh(&script) };
    let mut heard = Vec::new();
    let repeat = fixture::planned(3, 1);
    let answer = ChildDriver::new(command, believe()).run(&repeat, &Interrupt::new(), &mut |p| heard.push(p));
    assert_eq!(answer.expect("believed"), fixture::measurement());
    assert_eq!(heard.iter().map(|progress| progress.attempted).collect::<Vec<_>>(), [7]);
    let request = std::fs::read(dir.path().join("request")).expect("written");
    let request: Request = serde_json::from_slice(&request).expect("a request");
    assert_eq!(request, Request { protocol: PROTOCOL_VERSION, repeat });
    let scratch = std::fs::read_to_string(dir.path().join("scratch")).expect("written");
    assert!(scratch.contains("queue-load-"), "{scratch}");
    assert!(!std::path::Path::new(&scratch).exists(), "what the child left in {scratch} is gone with it");
}

#[test]
#[cfg(target_os = "linux")]
fn the_worker_is_this_very_binary() {
    // This binary is a test harness, which prints the names of its tests.
    let own = ChildCommand::worker().expect("known");
    assert_eq!(own.args, ["worker"]);
    let list = ChildCommand { args: vec!["--list".into()], ..own };
    let error = run_command(list, Limits::default()).expect_err("speaks no protocol");
    assert!(
        matches!(&error.fault, Fault::Protocol { excerpt, .. } if excerpt.as_given().ends_with(": test")),
        "{error:?}"
    );
}

#[test]
fn the_end_of_stdin_tells_a_child_to_stop_after_its_result() {
    // `cat` ends when its stdin ends. If stdin stayed open, the child would have to be killed.
    let at_once = Limits { farewell: Duration::ZERO, ..Limits::default() };
    run_command(sh(&format!("{GOOD}cat")), at_once).expect("ends by itself");
    run_command(sh(&format!("{GOOD}cat; exit 1")), at_once).expect("its answer to being told to stop is its own");
    let error = run_command(sh(&format!("{GOOD}cat; kill -SEGV $$")), at_once).expect_err("crashes");
    assert_eq!(error.fault, Fault::Exited { code: None, signal: Some(11), after_result: true });
}

#[test]
fn a_liar_is_caught() {
    let verify = Verify::new(|repeat, measurement| {
        assert_eq!(repeat.case, 0);
        vec![format!("scheduled {}", measurement.ledger.scheduled), "delivered 1".to_owned()]
    });
    let answer = ChildDriver::new(sh(GOOD), verify).run(&fixture::planned(0, 0), &Interrupt::new(), &mut |_| {});
    let error = answer.expect_err("caught");
    assert_eq!(problem(&error), "scheduled 1000; delivered 1");
}

#[test]
fn what_the_runner_sees_itself_is_not_taken_on_trust() {
    let mut long = fixture::planned(0, 0);
    (long.warmup, long.parameters.duration) = (Nanos::from_secs(20), Nanos::from_secs(40));
    let error = ChildDriver::new(sh(GOOD), believe()).run(&long, &Interrupt::new(), &mut |_| {}).expect_err("too soon");
    assert!(problem(&error).starts_with("the runner saw otherwise: the result came "), "{error:?}");
    assert!(problem(&error).ends_with(" after the request; warm-up and window alone take 60.0 s"), "{error:?}");

    let mut timeless = fixture::measurement();
    (timeless.latency.enqueue.sum_ns, timeless.latency.enqueue.max_ns) = (0, Some(0));
    let mut command = sh(GOOD);
    command.env.push(("RESULT".into(), fixture::result_line(&timeless).into()));
    let error = run_command(command, Limits::default()).expect_err("nothing was timed");
    assert!(problem(&error).ends_with("enqueue: all 900 calls took 0 ns, so that nothing was timed"), "{error:?}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = run_command(ChildCommand::new("/no/such/program"), Limits::default()).expect_err("not there");
    assert!(matches!(error.fault, Fault::Spawn { .. }), "{error:?}");
    assert!(error.fault.sentence().as_given().contains("/no/such/program"), "{error:?}");
}

#[test]
fn a_crash_shows_its_status_and_the_last_lines_of_stderr() {
    let error = refused(&format!("{BEGIN}echo one >&2; printf two >&2; exit 3"));
    assert_eq!(error.fault, Fault::Exited { code: Some(3), signal: None, after_result: false });
    assert_eq!(error.stderr_tail, ["one", "two"]);
}

#[test]
fn a_child_that_reads_nothing_and_says_nothing_is_one_that_exited() {
    let error = refused("exec <&-; exit 0");
    assert_eq!(error.fault, Fault::Exited { code: Some(0), signal: None, after_result: false });
}

#[test]
fn a_signal_is_told_from_a_status() {
    let error = refused(&format!("{BEGIN}kill -SEGV $$; sleep 1000"));
    assert_eq!(error.fault, Fault::Exited { code: None, signal: Some(11), after_result: false });
}

#[test]
fn a_crash_after_the_result_is_not_overlooked() {
    let patient = Limits { farewell: Duration::from_secs(1_000), ..Limits::default() };
    let error = refused_within(&format!("{GOOD}exit 7"), patient);
    assert_eq!(error.fault, Fault::Exited { code: Some(7), signal: None, after_result: true });
}

#[test]
fn what_the_child_says_of_itself_is_passed_on() {
    let kinds = [("not_built", "the queue could not be built: x"), ("panicked", "the queue panicked: x")];
    let more = [("hung", "the queue hung: x"), ("bad_request", "the driver refused the request: x")];
    for (kind, message) in kinds.into_iter().chain(more).chain([("internal", "the driver failed: x")]) {
        let error =
            refused(&format!("say \"$HELLO\"; say '{{\"error\":{{\"kind\":\"{kind}\",\"message\":\"x\"}}}}'; exit 1"));
        assert_eq!(error.fault.sentence(), message);
    }
}

#[test]
fn rubbish_is_refused_and_shown() {
    let error = refused(&format!("{BEGIN}echo Hello, world; sleep 1000"));
    assert!(problem(&error).contains("not a message"), "{error:?}");
    assert!(matches!(&error.fault, Fault::Protocol { excerpt, .. } if excerpt == "Hello, world"), "{error:?}");
}

#[test]
fn an_endless_line_is_refused_without_holding_it() {
    let limits = Limits { line_bytes: 100_000, ..Limits::default() };
    let error = refused_within(&format!("{BEGIN}head -c 1073741824 /dev/zero | tr '\\0' x; sleep 1000"), limits);
    assert_eq!(problem(&error), "a line of the child is longer than 100000 bytes");
    assert!(matches!(&error.fault, Fault::Protocol { excerpt, .. } if excerpt.as_given().len() < 1_000));
}

#[test]
fn a_flood_of_messages_is_refused() {
    let limits = Limits { messages: 1_000, ..Limits::default() };
    let error = refused_within(&format!("{BEGIN}while :; do say \"$PROGRESS\"; done"), limits);
    assert_eq!(problem(&error), "the child sends too many messages");
}

#[test]
fn the_end_of_output_without_a_result_is_an_exit() {
    let error = refused(&format!("{BEGIN}say \"$PROGRESS\""));
    assert_eq!(error.fault, Fault::Exited { code: Some(0), signal: None, after_result: false });
}

#[test]
fn a_result_without_its_line_feed_does_not_count() {
    let error = refused(&format!("{BEGIN}printf %s \"$RESULT\""));
    assert_eq!(problem(&error), "the child ended in the middle of a line");
}

#[test]
fn another_version_of_the_protocol_is_not_run() {
    let error = refused(r#"say '{"hello":{"protocol":99,"name":"x","version":"1"}}'; sleep 1000"#);
    assert_eq!(problem(&error), "the child speaks version 99 of the protocol, not 1");
}

#[test]
fn nothing_may_follow_the_result() {
    for more in ["say \"$RESULT\"", "say \"$PROGRESS\"", "echo", "printf x"] {
        let error = refused(&format!("{GOOD}{more}"));
        assert_eq!(problem(&error), "the child goes on after its last message", "{more}");
    }
}

#[test]
fn a_child_that_does_not_end_after_its_result_is_ended() {
    let error = refused_within(&format!("trap '' TERM\necho $$ >&2\n{GOOD}exec sleep 1000"), impatient());
    assert!(
        matches!(&error.fault, Fault::LeftBehind { what } if what.as_given().starts_with("the child (")),
        "{error:?}"
    );
    assert_gone(&pids(&error));
}

#[test]
fn a_child_that_closes_its_output_and_runs_on_is_ended() {
    let error = refused_within(&format!("{BEGIN}echo $$ >&2; exec >&-; exec sleep 1000"), impatient());
    assert_eq!(problem(&error), "the child closed its output without a result and ran on");
    assert_gone(&pids(&error));
}

#[test]
fn what_a_child_leaves_behind_is_found_and_killed() {
    for background in [
        "sleep 1000 & echo $! >&2",
        "sleep 1000 >/dev/null 2>&1 & echo $! >&2",
        "(trap '' TERM HUP; sleep 1000 & echo $! >&2)",
    ] {
        // Written before the result, so that it has arrived when the result has.
        let error = refused_within(
            &format!("{background}\n{GOOD}"),
            Limits { leftover_grace: Duration::ZERO, ..Limits::default() },
        );
        let pid = pids(&error)[0];
        assert!(
            matches!(&error.fault, Fault::LeftBehind { what } if what.as_given().contains(&pid.to_string())),
            "{error:?}"
        );
        assert_gone(&pids(&error));
    }
}

#[test]
fn a_process_in_a_session_of_its_own_is_found_and_killed_too() {
    // It reports its process id through its own pipe, so it has left the group before the child continues.
    for output in ["", ">/dev/null 2>&1"] {
        let escape = format!(
            "mkfifo \"$TMPDIR/pid\"\n\
             setsid sh -c 'echo $$ > \"$TMPDIR/pid\"; exec sleep 1000' {output} &\n\
             read -r pid < \"$TMPDIR/pid\"; echo \"$pid\" >&2\n"
        );
        for (ending, left_behind) in [(GOOD, true), ("exit 4", false)] {
            let limits = Limits { leftover_grace: Duration::ZERO, ..Limits::default() };
            let error = refused_within(&format!("{escape}{ending}"), limits);
            assert_eq!(matches!(error.fault, Fault::LeftBehind { .. }), left_behind, "{error:?}");
            assert_gone(&pids(&error));
        }
    }
}

#[test]
fn a_crash_takes_its_children_along() {
    let error = refused(&format!("{BEGIN}sleep 1000 & echo $! >&2; kill -KILL $$"));
    assert_eq!(error.fault, Fault::Exited { code: None, signal: Some(9), after_result: false });
    assert_gone(&pids(&error));
}

#[test]
fn a_flood_on_stderr_blocks_nobody_and_leaves_its_last_lines() {
    let error = refused(&format!("head -c 10000000 /dev/zero | tr '\\0' '\\n' >&2; {BEGIN}echo last >&2; exit 5"));
    assert_eq!(error.fault, Fault::Exited { code: Some(5), signal: None, after_result: false });
    assert_eq!(error.stderr_tail.len(), 20);
    assert_eq!(error.stderr_tail[19], "last");
}

/// A child that runs until it is interrupted: at its first progress, or at its result.
fn interrupted(script: &str) -> RepeatError {
    let interrupt = Interrupt::new();
    let raise = interrupt.clone();
    let limits = Limits { exit_grace: Duration::from_secs(1_000), ..Limits::default() };
    let mut driver = ChildDriver::new(sh(script), believe()).with_limits(limits);
    driver.run(&fixture::planned(0, 0), &interrupt, &mut |_| raise.raise()).expect_err("interrupted")
}

#[test]
fn an_interrupt_ends_the_child_and_its_children() {
    let endless = "trap '' TERM INT\nsleep 1000 & echo $! >&2; echo $$ >&2\n";
    for script in [
        format!("{endless}{BEGIN}say \"$PROGRESS\"; sleep 1000"),
        format!("{endless}{GOOD}sleep 1000"),
        format!("{endless}{BEGIN}say \"$PROGRESS\"; exec >&-; exec sleep 1000"),
    ] {
        let error = interrupted(&script);
        assert_eq!(error.fault, Fault::Interrupted, "{script}");
        assert_gone(&pids(&error));
    }
}

#[test]
fn a_panic_of_the_onlooker_leaves_no_child() {
    let dir = tempfile::tempdir().expect("a directory");
    let command = ChildCommand {
        working_dir: Some(dir.path().to_owned()),
        ..sh(&format!("echo $$ > pid; {BEGIN}say \"$PROGRESS\"; sleep 1000"))
    };
    let mut driver = ChildDriver::new(command, believe());
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        driver.run(&fixture::planned(0, 0), &Interrupt::new(), &mut |_| std::panic::resume_unwind(Box::new("seen")))
    }));
    assert!(caught.is_err());
    let pid = std::fs::read_to_string(dir.path().join("pid")).expect("written");
    assert_gone(&[pid.trim().parse().expect("a number")]);
}

#[test]
fn a_deadline_that_has_passed_ends_the_child_at_once() {
    let repeat = PlannedRepeat { deadline: Nanos(0), ..fixture::planned(0, 0) };
    let answer = ChildDriver::new(sh("sleep 1000"), believe()).run(&repeat, &Interrupt::new(), &mut |_| {});
    assert_eq!(answer.expect_err("late").fault, Fault::TimedOut { deadline_ns: 0 });
}

#[test]
#[ignore = "takes real time"]
fn a_hang_is_ended_at_its_deadline() {
    let repeat = PlannedRepeat { deadline: Nanos(200_000_000), ..fixture::planned(0, 0) };
    for script in [
        "sleep 1000 & echo $! >&2; echo $$ >&2; wait".to_owned(),
        format!("trap '' TERM\necho $$ >&2; {BEGIN}while :; do say \"$PROGRESS\"; done"),
        format!("echo $$ >&2; {BEGIN}exec sleep 1000"),
    ] {
        let started = Instant::now();
        let answer = ChildDriver::new(sh(&script), believe()).run(&repeat, &Interrupt::new(), &mut |_| {});
        let error = answer.expect_err("hangs");
        assert_eq!(error.fault, Fault::TimedOut { deadline_ns: 200_000_000 }, "{script}");
        assert_gone(&pids(&error));
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(10), "{took:?}");
    }
}

#[test]
#[ignore = "takes real time"]
#[cfg(target_os = "linux")]
fn what_holds_more_memory_than_it_may_is_ended_with_what_it_started() {
    // `tail` keeps the whole line in memory, in a process that the child starts.
    let repeat = PlannedRepeat { memory_limit: Some(Bytes(64 << 20)), ..fixture::planned(0, 0) };
    let script = format!("echo $$ >&2; {BEGIN}head -c 1G /dev/zero | tail -n 1 | cat");
    let answer = ChildDriver::new(sh(&script), believe()).run(&repeat, &Interrupt::new(), &mut |_| {});
    let error = answer.expect_err("over its limit");
    assert!(
        matches!(error.fault, Fault::MemoryExceeded { limit_bytes, seen_bytes } if limit_bytes == 64 << 20 && seen_bytes > limit_bytes),
        "{error:?}"
    );
    assert_gone(&pids(&error));
    ChildDriver::new(sh(GOOD), believe()).run(&repeat, &Interrupt::new(), &mut |_| {}).expect("holds less");
}

#[test]
#[ignore = "takes real time"]
#[cfg(target_os = "linux")]
fn memory_is_watched_until_the_child_is_gone() {
    let repeat = PlannedRepeat { memory_limit: Some(Bytes(64 << 20)), ..fixture::planned(0, 0) };
    let hold = "head -c 1G /dev/zero | tail -n 1 >/dev/null";
    // After its result, and after it has closed its output without one.
    for script in [format!("echo $$ >&2; {GOOD}{hold}"), format!("echo $$ >&2; {BEGIN}exec >&-; {hold}")] {
        let answer = ChildDriver::new(sh(&script), believe()).run(&repeat, &Interrupt::new(), &mut |_| {});
        let error = answer.expect_err("over its limit");
        assert!(matches!(error.fault, Fault::MemoryExceeded { .. }), "{script}: {error:?}");
        assert_gone(&pids(&error));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn memory_that_runs_out_takes_the_child_and_not_the_run() {
    // The child has this value before it gets its request.
    let error = refused("read -r request; cat /proc/self/oom_score_adj >&2; exit 3");
    assert_eq!(error.stderr_tail, ["1000"]);
}
