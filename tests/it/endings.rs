//! How a process with a log queue ends: what an abort, a panic and an orderly end leave in the file. Each process is this
//! test binary again, started for one test, with the file's name in its environment.

use queue_load::log_queue::{Config, FileSink, Guard, Level, LogQueue, Record, RecordRef, Strategy, log_panics};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio, abort};
use std::thread;
use std::time::{Duration, SystemTime};

/// Names the file, in the process that is to end.
const FILE: &str = "QUEUE_LOAD_TEST_LOG";
/// The longest time that a record waits for its batch.
const BATCH_TIMEOUT: Duration = Duration::from_millis(200);
/// What the machine may take beyond that to run the worker.
const LATE: Duration = Duration::from_secs(1);
/// Longer than any queue takes to drain here.
const LIMIT: Duration = Duration::from_secs(60);

/// The file of the process that is to end; `None` in the one that watches.
fn own_file() -> Option<PathBuf> {
    std::env::var_os(FILE).map(PathBuf::from)
}

/// Starts this binary for the test of that name, and lets it end.
fn watch(test: &str, file: &Path) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("endings::{test}"), "--include-ignored", "--test-threads", "1"]);
    command.env(FILE, file).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
}

fn queue(file: &Path, batch_timeout: Duration) -> LogQueue {
    let config =
        Config { strategy: Strategy::Block, maxsize: 10_000, batch_size: 10_000, batch_timeout, ..Config::default() };
    LogQueue::start(config, FileSink::create(file).unwrap()).unwrap()
}

fn log(queue: &LogQueue, number: u64) {
    queue.log_blocking(Record::new(Level::Info, "test").with("number", number)).unwrap();
}

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(lines: &[Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["fields"]["number"].as_u64()).collect()
}

#[test]
fn an_abort_loses_nothing_that_was_delivered() {
    if let Some(file) = own_file() {
        let queue = queue(&file, Duration::from_millis(5));
        (0..1_000).for_each(|number| log(&queue, number));
        while queue.counters().delivered < 1_000 {
            thread::yield_now();
        }
        abort();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    assert!(!watch("an_abort_loses_nothing_that_was_delivered", &file).success());
    assert_eq!(numbers(&lines(&file)), (0..1_000).collect::<Vec<_>>());
}

#[test]
#[ignore = "takes real time"]
fn an_abort_loses_at_most_the_last_batch_timeout() {
    if let Some(file) = own_file() {
        let queue = queue(&file, BATCH_TIMEOUT);
        let begin = SystemTime::now();
        for number in 0.. {
            log(&queue, number);
            thread::sleep(Duration::from_millis(1));
            if begin.elapsed().unwrap() > 10 * BATCH_TIMEOUT {
                break;
            }
        }
        // A file of its own: what this process knows last.
        let nanoseconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        std::fs::write(file.with_extension("end"), nanoseconds.to_string()).unwrap();
        abort();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    assert!(!watch("an_abort_loses_at_most_the_last_batch_timeout", &file).success());
    let end: i128 = std::fs::read_to_string(file.with_extension("end")).unwrap().parse().unwrap();
    let lines = lines(&file);
    let numbers = numbers(&lines);
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "nothing is missing before the end");
    let last: jiff::Timestamp = lines.last().unwrap()["timestamp"].as_str().unwrap().parse().unwrap();
    let lost = Duration::from_nanos(u64::try_from(end - last.as_nanosecond()).unwrap());
    assert!(lost <= BATCH_TIMEOUT + LATE, "the records of the last {lost:?} are lost");
}

#[test]
fn a_panic_that_ends_main_is_in_the_log_with_all_before_it() {
    if let Some(file) = own_file() {
        let queue = queue(&file, LIMIT);
        let _guard = Guard::new(queue.clone(), LIMIT);
        log_panics(queue.clone(), LIMIT);
        (0..10).for_each(|number| log(&queue, number));
        panic!("the end of {}", "main");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    assert!(!watch("a_panic_that_ends_main_is_in_the_log_with_all_before_it", &file).success());
    let lines = lines(&file);
    assert_eq!((lines.len(), numbers(&lines)), (11, (0..10).collect()));
    let last = &lines[10];
    assert_eq!((&last["level"], &last["message"]), (&"error".into(), &"the end of main".into()));
    assert!(last["fields"]["location"].as_str().unwrap().starts_with("tests/it/endings.rs:"), "{last}");
    assert!(last["fields"]["thread"].is_string(), "{last}");
}

#[test]
fn a_sink_that_panics_does_not_feed_itself() {
    if let Some(file) = own_file() {
        let sink = |_: &RecordRef<'_>| -> std::io::Result<()> { panic!("a poisoned lock") };
        let queue = LogQueue::start(Config::default(), sink).unwrap();
        log_panics(queue.clone(), LIMIT);
        (0..10).for_each(|number| log(&queue, number));
        let end = queue.shutdown(LIMIT);
        std::fs::write(file, format!("{} {}", end.sink_errors, queue.counters().enqueued)).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counts");
    assert!(watch("a_sink_that_panics_does_not_feed_itself", &file).success());
    assert_eq!(std::fs::read_to_string(file).unwrap(), "10 10");
}

/// With a subscriber of the whole process: one that a thread has for itself takes nothing while it is at work already.
#[cfg(feature = "tracing")]
#[test]
fn values_may_log_while_a_span_records_them() {
    use tracing::field::{Empty, debug};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    struct Logs;
    impl std::fmt::Debug for Logs {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::info!("made");
            f.write_str("logs")
        }
    }
    if let Some(file) = own_file() {
        let queue = queue(&file, LIMIT);
        tracing_subscriber::registry().with(queue_load::log_queue::QueueLayer::new(queue.clone())).init();
        let (send, done) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let span = tracing::info_span!("request", first = ?Logs, later = Empty);
            let _in = span.enter();
            span.record("later", debug(Logs));
            tracing::info!(own = ?Logs, "last");
            send.send(())
        });
        done.recv_timeout(LIMIT).expect("the thread does not wait for itself");
        assert!(queue.shutdown(LIMIT).completed);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    assert!(watch("values_may_log_while_a_span_records_them", &file).success());
    let lines = lines(&file);
    let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["made", "made", "made", "last"]);
    let fields = &lines[3]["fields"];
    assert_eq!([&fields["own"], &fields["request.first"], &fields["request.later"]], ["logs"; 3], "{fields}");
}

#[test]
fn an_exit_without_a_guard_loses_what_was_not_delivered() {
    if let Some(file) = own_file() {
        let queue = queue(&file, LIMIT);
        (0..10).for_each(|number| log(&queue, number));
        std::process::exit(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    assert!(watch("an_exit_without_a_guard_loses_what_was_not_delivered", &file).success());
    assert!(lines(&file).is_empty(), "as the documentation says");
}
