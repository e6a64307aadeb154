//! The accounting of queues whose calls do not tell what became of a log, on the manual clock.

use queue_load::adapter::{About, Account, Entry, OutcomeSource, Queue, Reply, Setup, Sink, Strategy};
use queue_load::internals::measure::Measurement;
use queue_load::internals::verdict::faults;
use queue_load::internals::worker::simulate;
use std::sync::Mutex;
use std::time::Duration;

use crate::support::{about, repeat_of};

#[derive(Default)]
struct Book {
    nth: u64,
    enqueued: u64,
    dropped: u64,
}

/// A queue whose calls tell nothing: it drops every fourth log and loses every tenth of the others, from the very first
/// of the warm-up on.
struct Mute<S> {
    sink: Sink,
    book: Mutex<Book>,
    source: std::marker::PhantomData<S>,
}

trait Source: Send + Sync + 'static {
    const ABOUT: About;
}

struct Counts;
impl Source for Counts {
    const ABOUT: About = About { outcome_source: OutcomeSource::Counter, ..about("counts") };
}

struct Silent;
impl Source for Silent {
    const ABOUT: About = About {
        outcome_source: OutcomeSource::Delivery,
        strategies: &[Strategy::Drop, Strategy::Block],
        ..about("silent")
    };
}

impl<S: Source> Queue for Mute<S> {
    const ABOUT: About = S::ABOUT;

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self { sink, book: Mutex::default(), source: std::marker::PhantomData })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let mut book = self.book.lock().unwrap();
        book.nth += 1;
        if book.nth.is_multiple_of(4) {
            book.dropped += 1;
        } else {
            book.enqueued += 1;
            if !book.enqueued.is_multiple_of(10) {
                self.sink.deliver(Some(entry.stamp), |_| Ok(())).unwrap();
            }
        }
        Reply::UNKNOWN
    }

    fn shutdown(self, _: Duration) -> Account {
        let dropped = self.book.into_inner().unwrap().dropped;
        Account { counters: [("dropped".to_owned(), dropped)].into(), ..Account::default() }
    }
}

/// 100 logs of the warm-up and 500 of the window.
fn simulated<S: Source>(strategy: Strategy) -> Measurement {
    let mut repeat = repeat_of(S::ABOUT.name);
    repeat.parameters.strategy = strategy;
    let measurement = simulate::<Mute<S>>(&repeat).unwrap();
    assert_eq!(faults(&measurement), [], "{}", S::ABOUT.name);
    let latency = &measurement.latency;
    assert_eq!((latency.enqueue.count, latency.rejected.count), (500, 0), "all calls are in `enqueue`");
    assert_eq!((&latency.unblocked, &latency.blocked), (&None, &None));
    measurement
}

#[test]
fn a_counter_excuses_as_much_as_it_says_and_no_more() {
    let measurement = simulated::<Counts>(Strategy::Drop);
    let ledger = &measurement.ledger;
    // The warm-up has 75 accepted logs and loses 7 of them silently. The window drops 125 of 500 and loses 38 of 375; the
    // counter is spent on the warm-up's losses first, and what it says less is lost.
    assert_eq!(measurement.queue_counters["dropped"], 150);
    assert_eq!((ledger.attempted, ledger.delivered), (500, 337));
    assert_eq!((ledger.dropped, ledger.lost.silent), (125 - 7, 38 + 7));
    assert_eq!((ledger.enqueued, ledger.enqueued_in_window), (382, 382));
    assert_eq!(measurement.disagreements, [""; 0]);
}

#[test]
fn without_a_counter_the_strategy_says_what_a_missing_log_is() {
    let ledger = simulated::<Silent>(Strategy::Drop).ledger;
    assert_eq!((ledger.dropped, ledger.lost.silent, ledger.enqueued), (163, 0, 337));
    let ledger = simulated::<Silent>(Strategy::Block).ledger;
    assert_eq!((ledger.dropped, ledger.lost.silent, ledger.enqueued), (0, 163, 500));
}
