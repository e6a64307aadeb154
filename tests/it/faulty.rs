//! Queues that break, each in the midst of a plan: every one has its verdict and its reason, and what comes after it is
//! measured as if nothing had been. They take real time, so they run only with `--ignored`.

use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use queue_load::report::{CaseRecord, Outcome, RepeatRecord, Report};
use queue_load::session::{ChildCommand, Session, Workers};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::support::{Place, about, share_the_machine};

/// In the environment of a process that carries out a repeat for a test.
const WORKER: &str = "QUEUE_LOAD_TEST_WORKER";

/// The log at which the faulty ones break.
const NTH: u64 = 20;

/// What is wrong with a queue. It has a worker, which delivers what the calls hand to it.
trait Fault: Send + Sync + 'static {
    const NAME: &'static str;
    /// Whether its shutdown waits for the worker.
    const WAITS: bool = true;
    /// In the call, given how many there were before.
    fn call(_nth: u64) {}
    /// In the worker.
    fn deliver(_nth: u64, stamp: Stamp, sink: &Sink) {
        sink.deliver(Some(stamp), |_| Ok(())).unwrap();
    }
    /// In the shutdown.
    fn shutdown() -> Account {
        Account::default()
    }
}

struct Faulty<F> {
    stamps: Mutex<Sender<Stamp>>,
    worker: JoinHandle<()>,
    calls: AtomicU64,
    fault: std::marker::PhantomData<F>,
}

impl<F: Fault> Queue for Faulty<F> {
    const ABOUT: About = about(F::NAME);

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        let (send, stamps): (Sender<Stamp>, Receiver<Stamp>) = channel();
        let work = move || (0..).zip(stamps).for_each(|(nth, stamp)| F::deliver(nth, stamp, &sink));
        let worker = thread::Builder::new().name("worker".into()).spawn(work).map_err(|error| error.to_string())?;
        Ok(Self { stamps: Mutex::new(send), worker, calls: AtomicU64::new(0), fault: std::marker::PhantomData })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        F::call(self.calls.fetch_add(1, Ordering::Relaxed));
        // Without a worker nobody takes it, and it says so to nobody.
        let _ = self.stamps.lock().unwrap().send(entry.stamp);
        Reply::Enqueued { waited: Some(false) }
    }

    fn shutdown(self, _: Duration) -> Account {
        drop(self.stamps);
        if F::WAITS {
            let _ = self.worker.join();
        }
        F::shutdown()
    }
}

fn forever() -> ! {
    loop {
        thread::park();
    }
}

macro_rules! faults {
    ($($(#[$doc:meta])* $type:ident = $name:literal { $($body:item)* })*) => {
        $(
            $(#[$doc])*
            struct $type;
            impl Fault for $type {
                const NAME: &'static str = $name;
                $($body)*
            }
        )*
        /// Their names, and then a queue with nothing wrong.
        const NAMES: &[&str] = &[$($name,)* "noop", "builtin"];
        fn register(queues: &mut queue_load::Queues) {
            $(queues.add::<Faulty<$type>>();)*
        }
    };
}

faults! {
    PanicsInCall = "panics-in-call" {
        fn call(nth: u64) { assert!(nth != NTH, "in the call"); }
    }
    PanicsInWorker = "panics-in-worker" {
        fn deliver(nth: u64, stamp: Stamp, sink: &Sink) {
            assert!(nth != NTH, "in the worker");
            sink.deliver(Some(stamp), |_| Ok(())).unwrap();
        }
    }
    /// While the record is written; the queue survives that, loses one record, and does not say so.
    PanicsInSink = "panics-in-sink" {
        fn deliver(nth: u64, stamp: Stamp, sink: &Sink) {
            let write = || sink.deliver(Some(stamp), |_| { assert!(nth != NTH, "in the sink"); Ok(()) });
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(write));
        }
    }
    PanicsInShutdown = "panics-in-shutdown" {
        fn shutdown() -> Account { panic!("in the shutdown") }
    }
    HangsInCall = "hangs-in-call" {
        fn call(nth: u64) { if nth == NTH { forever() } }
    }
    /// Its worker panics, and its calls wait for it from then on.
    HangsByPanic = "hangs-by-panic" {
        fn call(nth: u64) { if nth > 2 * NTH { forever() } }
        fn deliver(nth: u64, _: Stamp, _: &Sink) { assert!(nth != NTH, "in the worker") }
    }
    HangsInDrain = "hangs-in-drain" {
        fn shutdown() -> Account { forever() }
    }
    LeaksThreads = "leaks-threads" {
        fn shutdown() -> Account {
            (0..1_200).for_each(|_| drop(thread::spawn(|| forever())));
            Account::default()
        }
    }
    /// As much as it is let, up to 4 GiB.
    Allocates = "allocates" {
        fn call(nth: u64) {
            if nth == 0 {
                (0..512).for_each(|_| std::mem::forget(vec![1_u8; 8 << 20]));
                forever()
            }
        }
    }
    Aborts = "aborts" {
        fn call(nth: u64) { if nth == NTH { std::process::abort() } }
    }
    Exits = "exits" {
        fn call(nth: u64) { if nth == NTH { std::process::exit(0) } }
    }
    LiesInCounters = "lies-in-counters" {
        fn shutdown() -> Account {
            let counters = BTreeMap::from([("enqueued".to_owned(), 7), ("delivered".to_owned(), u64::MAX)]);
            Account { counters, admitted: u64::MAX, depth_high_water: Some(u64::MAX) }
        }
    }
    /// Gives its account before it has delivered, and takes 20 ms a record: most come after the account.
    DeliversLate = "delivers-late" {
        const WAITS: bool = false;
        fn deliver(_: u64, stamp: Stamp, sink: &Sink) {
            thread::sleep(Duration::from_millis(20));
            sink.deliver(Some(stamp), |_| Ok(())).unwrap();
        }
    }
    /// Prints what a runner would take for a message, were it on the worker's stdout.
    Prints = "prints" {
        fn call(_: u64) { println!("\"started\"") }
    }
}

/// 200 logs each, in the order of [`NAMES`].
fn scenario() -> String {
    format!(
        r#"
[target]
throughput = "2k/s"
[matrix]
queue = {NAMES:?}
sink = "file"
concurrency = 2
rate = "1k/s"
duration = "100ms"
[run]
warmup = "0s"
control = "50ms"
repeats = 1
order = "as-written"
drain_timeout = "3s"
memory_limit = "256MiB"
"#
    )
}

/// The only repeat of a case, whether or not a busy machine spoiled it.
fn ledger(case: &CaseRecord) -> &RepeatRecord {
    let aside = case.set_aside.first().map(|aside| &aside.measured);
    case.repeats.first().or(aside).unwrap_or_else(|| panic!("{}: {:?}", case.id.quoted(), case.errors))
}

fn check_broken(report: &Report) {
    for (name, code, words) in [
        (PanicsInCall::NAME, "queue_panicked", "in the call"),
        (PanicsInWorker::NAME, "queue_panicked", "in the worker in thread worker at "),
        (PanicsInSink::NAME, "queue_panicked", "in the sink"),
        (PanicsInShutdown::NAME, "queue_panicked", "in the shutdown"),
        (HangsInCall::NAME, "queue_hung", "had a call in flight when the drain ran out of time"),
        (HangsByPanic::NAME, "queue_panicked", "had a call in flight when the drain ran out of time"),
        (HangsInDrain::NAME, "queue_hung", "the shutdown of the queue did not come back"),
        (LeaksThreads::NAME, "queue_hung", "threads of the queue still ran after its shutdown"),
        (Allocates::NAME, "memory_exceeded", "over memory_limit = 256MiB"),
        (Aborts::NAME, "child_exited", "killed by signal 6"),
        (Exits::NAME, "child_exited", "exited with status 0 without a result"),
    ] {
        let verdict = &case(report, name).verdict;
        assert_eq!(verdict.reason_codes, [code], "{name}: {:?}", verdict.reasons);
        assert!(verdict.reasons[0].as_given().contains(words), "{name}: {:?}", verdict.reasons);
        assert_eq!(verdict.outcome, Outcome::Error, "{name}");
    }
}

fn case<'r>(report: &'r Report, name: &str) -> &'r CaseRecord {
    report.cases.iter().find(|case| case.parameters.queue == name).unwrap_or_else(|| panic!("no case of {name}"))
}

/// Carries out one repeat, in a process that a session has started for it. Otherwise no test.
#[test]
fn worker() {
    if std::env::var_os(WORKER).is_some() {
        let ended = Session::builder().queues(register).run();
        panic!("a repeat ends its process: {:?}", ended.err());
    }
}

/// [`worker`] in a process of its own, whatever the number of test threads: these queues end the process that they run in.
fn workers() -> Workers {
    let program = std::env::current_exe().unwrap();
    Workers::Command(ChildCommand {
        args: ["faulty::worker", "--exact", "--nocapture"].map(Into::into).into(),
        // A backtrace would take the time and the memory that are tried here.
        env: vec![(WORKER.into(), "1".into()), ("RUST_BACKTRACE".into(), "0".into())],
        preamble: true,
        ..ChildCommand::new(program)
    })
}

#[test]
#[ignore = "takes real time"]
fn every_fault_has_its_reason_and_the_plan_goes_on() {
    let place = Place::new();
    let file = place.write("faulty.toml", scenario());
    let _machine = share_the_machine();
    let session = Session::builder().scenario(file.display().to_string()).queues(register).workers(workers());
    let concluded = session.run().unwrap();
    let report = &concluded.report;
    assert_eq!(report.cases.len(), NAMES.len());
    assert!(!report.interrupted);
    check_broken(report);

    let late = case(report, DeliversLate::NAME);
    let counts = &ledger(late).ledger;
    assert!(counts.enqueued == 200 && counts.lost.silent > 0 && counts.phantom == 0, "{counts:?}");
    // A busy machine spoils the repeat.
    let expected = if late.repeats.is_empty() { Outcome::Invalid } else { Outcome::Fail };
    assert_eq!(late.verdict.outcome, expected);

    let liar = case(report, LiesInCounters::NAME);
    let seen = &ledger(liar).ledger;
    assert_eq!((seen.enqueued, seen.delivered, seen.lost.silent, seen.lost.admitted), (200, 200, 0, 0));
    assert_eq!(ledger(liar).disagreements.len(), 2, "{:?}", ledger(liar).disagreements);
    assert!(
        liar.repeats.is_empty() || liar.verdict.notes.iter().any(|note| note.as_given().contains("counters are wrong"))
    );

    for name in [Prints::NAME, "noop", "builtin"] {
        let sound = ledger(case(report, name));
        let counts = &sound.ledger;
        assert_eq!((counts.scheduled, counts.delivered, counts.lost.silent), (200, counts.enqueued, 0), "{name}");
        assert_eq!(sound.disagreements, [""; 0], "{name}");
    }
}
