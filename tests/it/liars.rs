//! Queues that lie, put under real load: what they do must be in the ledger. They take real time, so they run only with
//! `--ignored`.

use queue_load::adapter::{About, Account, Queue, Setup, Sink};
use queue_load::internals::load::{Entry, Phase, Reply, Stamp};
use queue_load::internals::measure::Measurement;
use queue_load::internals::plan::PlannedRepeat;
use queue_load::internals::verdict::{Outcome, faults};
use queue_load::internals::worker::protocol::{Failure, FailureKind};
use queue_load::internals::worker::{Queues, carry_out};
use std::sync::Mutex;
use std::time::Duration;

use crate::support::{about, judge, repeat_of, take_the_machine};

const ACCEPTED: Reply = Reply::Enqueued { waited: Some(false) };

/// What a lying queue does with one log, given how many of the window came before it.
trait Lie: Send + Sync + 'static {
    const NAME: &'static str;
    fn treat(nth: u64, stamp: Stamp, sink: &Sink) -> Reply;
}

fn deliver(sink: &Sink, stamp: Stamp) {
    sink.deliver(Some(stamp), |_| Ok(())).unwrap();
}

struct Liar<L> {
    sink: Sink,
    seen: Mutex<u64>,
    lie: std::marker::PhantomData<L>,
}

impl<L: Lie> Queue for Liar<L> {
    const ABOUT: About = about(L::NAME);

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self { sink, seen: Mutex::new(0), lie: std::marker::PhantomData })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        if entry.stamp.phase == Phase::WarmUp {
            deliver(&self.sink, entry.stamp);
            return ACCEPTED;
        }
        let nth = {
            let mut seen = self.seen.lock().unwrap();
            *seen += 1;
            *seen - 1
        };
        L::treat(nth, entry.stamp, &self.sink)
    }

    fn shutdown(self, _: Duration) -> Account {
        Account::default()
    }
}

macro_rules! lies {
    ($($(#[$doc:meta])* $type:ident = $name:literal: |$nth:ident, $stamp:ident, $sink:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        struct $type;
        impl Lie for $type {
            const NAME: &'static str = $name;
            fn treat($nth: u64, $stamp: Stamp, $sink: &Sink) -> Reply { $body }
        }
    )*};
}

lies! {
    /// Quick, and refuses nine of ten.
    Refuses = "refuses": |nth, stamp, sink| if nth.is_multiple_of(10) { deliver(sink, stamp); ACCEPTED } else { Reply::Dropped };
    /// Says yes to all and forgets every hundredth.
    Forgets = "forgets": |nth, stamp, sink| { if !nth.is_multiple_of(100) { deliver(sink, stamp) }; ACCEPTED };
    /// Delivers every hundredth twice.
    Repeats = "repeats": |nth, stamp, sink| { deliver(sink, stamp); if nth.is_multiple_of(100) { deliver(sink, stamp) }; ACCEPTED };
    /// Forgets one of its first hundred and repeats another: the counts alone would close.
    Exchanges = "exchanges": |nth, stamp, sink| { if nth != 50 { deliver(sink, stamp) }; if nth == 51 { deliver(sink, stamp) }; ACCEPTED };
    /// Delivers what it said it refused.
    Contradicts = "contradicts": |nth, stamp, sink| { deliver(sink, stamp); if nth.is_multiple_of(100) { Reply::Dropped } else { ACCEPTED } };
    /// Delivers a log that nobody sent.
    Invents = "invents": |nth, stamp, sink| { deliver(sink, stamp); if nth == 7 { sink.deliver(None, |_| Ok(())).unwrap() }; ACCEPTED };
    /// Gives way under load.
    Panics = "panics": |nth, stamp, sink| { assert!(nth != 20, "the twenty-first log"); deliver(sink, stamp); ACCEPTED };
    /// Holds the thread for 5 ms in every call: nobody could keep the schedule.
    Holds = "holds": |_nth, stamp, sink| { std::thread::sleep(Duration::from_millis(5)); deliver(sink, stamp); ACCEPTED };
}

fn run<L: Lie>(change: impl FnOnce(&mut PlannedRepeat)) -> Result<Measurement, Failure> {
    let _alone = take_the_machine();
    let mut queues = Queues::with_own();
    queues.add::<Liar<L>>();
    let mut repeat = repeat_of(L::NAME);
    change(&mut repeat);
    carry_out(&queues, repeat, Box::new(|_| {}))
}

/// Runs the liar for 500 logs, and holds its ledger to the identities.
fn measure<L: Lie>() -> Measurement {
    let measurement = run::<L>(|_| {}).unwrap();
    assert_eq!(faults(&measurement), [], "{}", L::NAME);
    assert_eq!(measurement.ledger.scheduled, 500);
    measurement
}

#[test]
#[ignore = "takes real time"]
fn every_lie_is_in_the_ledger_and_none_passes() {
    let refuses = measure::<Refuses>();
    assert_eq!((refuses.ledger.enqueued, refuses.ledger.dropped, refuses.ledger.delivered), (50, 450, 50));
    let forgets = measure::<Forgets>();
    assert_eq!((forgets.ledger.enqueued, forgets.ledger.delivered, forgets.ledger.lost.silent), (500, 495, 5));
    let repeats = measure::<Repeats>();
    assert_eq!((repeats.ledger.delivered, repeats.ledger.duplicated), (500, 5));
    let exchanges = measure::<Exchanges>();
    assert_eq!((exchanges.ledger.lost.silent, exchanges.ledger.duplicated), (1, 1));
    let contradicts = measure::<Contradicts>();
    assert_eq!((contradicts.ledger.dropped, contradicts.ledger.phantom), (5, 5));
    let invents = measure::<Invents>();
    assert_eq!((invents.ledger.delivered, invents.ledger.phantom), (500, 1));
    for lie in [refuses, forgets, repeats, exchanges, contradicts, invents] {
        let verdict = judge(&lie);
        assert_eq!(verdict.outcome, Outcome::Fail, "{:?}", verdict.reasons);
    }
}

#[test]
#[ignore = "takes real time"]
fn a_panic_inside_a_call_is_told_in_its_own_words() {
    let failure = run::<Panics>(|_| {}).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Panicked);
    assert!(failure.message.as_given().contains("the twenty-first log"), "{:?}", failure.message);
}

#[test]
#[ignore = "takes real time"]
fn a_queue_that_holds_every_thread_is_at_fault_and_not_the_generator() {
    let measurement = run::<Holds>(|_| {}).unwrap();
    let ledger = &measurement.ledger;
    assert!(ledger.unsent > 100, "most logs were pushed past the window's end: {ledger:?}");
    assert_eq!(ledger.unsent_generator, 0);
    assert_eq!(measurement.latency.response.censored, ledger.unsent);
    let verdict = judge(&measurement);
    assert_eq!(verdict.outcome, Outcome::Fail, "{:?}", verdict.reasons);
}

#[test]
fn an_unknown_queue_is_a_bad_request() {
    let failure = carry_out(&Queues::with_own(), repeat_of("nope"), Box::new(|_| {})).unwrap_err();
    assert_eq!(failure.kind, FailureKind::BadRequest);
    assert!(failure.message.as_given().contains("nope"));
}
