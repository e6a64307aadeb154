//! The accounting, compared with queues and schedules whose truth is known. What needs no time runs always; what puts a
//! real queue under load runs only with `--ignored`.

use queue_load::adapter::{About, Account, Queue, Setup, Sink};
use queue_load::internals::load::{Call, Entry, Phase, Producer, Reply, Schedule, Stamp, Step, Tally};
use queue_load::internals::measure::ledger::Told;
use queue_load::internals::measure::recorder::Recorders;
use queue_load::internals::measure::tracker::{Arrival, Arrivals, Tracker, WINDOW};
use queue_load::internals::measure::{Ledger, Measurement};
use queue_load::internals::plan::PlannedRepeat;
use queue_load::internals::units::Nanos;
use queue_load::internals::verdict::faults;
use queue_load::internals::worker::protocol::{FailureKind, Message};
use queue_load::internals::worker::{Queues, carry_out};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{about, repeat_of, take_the_machine};

const MS: u64 = 1_000_000;
const ACCEPTED: Reply = Reply::Enqueued { waited: Some(false) };

/// One task with a log every millisecond of 100 ms.
fn producer(busy_until: u64) -> Producer {
    Producer::new(&Schedule::new(1, "1000/s".parse().unwrap(), Nanos(100 * MS)), 0, 0, 100 * MS, busy_until)
}

#[test]
fn a_late_generator_stays_late_for_every_log_that_waits_behind() {
    let mut producer = producer(0);
    let lateness = |producer: &mut Producer, at: u64| {
        assert!(matches!(producer.step(at, |_, _| 0), Step::Send { .. }));
        producer.returned(at, at, ACCEPTED).lateness()
    };
    // Asleep until 3 ms: the logs due at 0, 1, 2 and 3 ms are sent at once, each as late as it is.
    let late: Vec<u64> = (0..4).map(|_| lateness(&mut producer, 3 * MS)).collect();
    assert_eq!(late, [3 * MS, 2 * MS, MS, 0]);
}

#[test]
fn the_queue_is_never_blamed_for_more_than_has_passed() {
    let mut held_too_long = producer(0);
    assert_eq!(held_too_long.step(5 * MS, |_, _| u64::MAX), Step::Send { sequence: 0 });
    let call = held_too_long.returned(5 * MS, 6 * MS, ACCEPTED);
    assert_eq!((call.ideal, call.lateness(), call.response_ideal()), (5 * MS, 0, 6 * MS));
    let mut let_go_early = producer(50 * MS);
    assert_eq!(let_go_early.step(2 * MS, |_, _| 0), Step::Send { sequence: 0 });
    assert_eq!(let_go_early.returned(2 * MS, 3 * MS, ACCEPTED).ideal, 2 * MS);
}

#[test]
fn the_window_of_arrivals_ends_where_it_says() {
    let mut tracker = Tracker::default();
    tracker.arrive(WINDOW, 0);
    // A word of 64 is taken over at once, by the numbers one window later.
    let arrivals = [0, 63, 64].map(|sequence| tracker.arrive(sequence, 0));
    assert_eq!(arrivals, [Arrival::Undecided, Arrival::Undecided, Arrival::New]);
}

#[test]
fn every_count_of_a_task_is_entered_and_added_up() {
    let tally = Tally { attempted: 60, unsent: 30, unsent_generator: 10 };
    let told = Told { enqueued: 40, hash: 7, enqueued_in_window: 39, dropped: 15, sampled_out: 5, ..Told::default() };
    let arrivals = Arrivals { unique: 40, hash: 7, ..Arrivals::default() };
    let mut ledger = Ledger::default();
    (0..2).for_each(|_| ledger.enter(100, &tally, &told, &arrivals));
    let expected = Ledger {
        scheduled: 200,
        attempted: 120,
        unsent: 60,
        unsent_generator: 20,
        enqueued: 80,
        enqueued_in_window: 78,
        dropped: 30,
        sampled_out: 10,
        delivered: 80,
        ..Ledger::default()
    };
    assert_eq!(ledger, expected);
}

#[test]
fn what_every_thread_recorded_is_in_the_merge() {
    let recorders = Recorders::new(3, 0, 100 * MS);
    let replies = [ACCEPTED, Reply::Enqueued { waited: Some(true) }, Reply::Dropped];
    for thread in 0..3 {
        for reply in replies {
            let call = Call { intended: 0, ideal: MS, start: 3 * MS, end: 4 * MS, reply };
            recorders.with(thread, |recorder| recorder.record(&call));
        }
        recorders.with(thread, |recorder| recorder.record_unsent(0, 9 * MS, 8 * MS));
    }
    let merged = recorders.merge().unwrap();
    let nothing = queue_load::internals::measure::encoding::Distribution::new().encode();
    let all = merged.to_latencies(nothing.clone()).unwrap();
    let (unblocked, blocked) = (all.unblocked.unwrap(), all.blocked.unwrap());
    assert_eq!((all.enqueue.count, unblocked.count, blocked.count, all.rejected.count), (6, 3, 3, 3));
    assert_eq!((all.lateness.count, all.lateness.sum_ns), (9, 9 * 2 * u128::from(MS)));
    assert_eq!((all.response.count, all.response.censored), (12, 3));
    assert_eq!(all.response.sum_ns, u128::from((9 * 4 + 3 * 9) * MS));
    assert_eq!((all.response_ideal.count, all.response_ideal.censored), (12, 3));
    assert_eq!(all.response_ideal.sum_ns, u128::from((9 * 2 + 3 * 8) * MS));
    let points = merged.series().to_series(u64::MAX).points;
    let of_series = (points.iter().map(|p| p.enqueued).sum::<u64>(), points.iter().map(|p| p.rejected).sum::<u64>());
    assert_eq!(of_series, (6, 3));

    let unknown = Recorders::new(2, 0, 100 * MS);
    let reply = Reply::Enqueued { waited: None };
    unknown.with(1, |recorder| recorder.record(&Call { intended: 0, ideal: 0, start: 0, end: MS, reply }));
    let all = unknown.merge().unwrap().to_latencies(nothing).unwrap();
    assert_eq!((all.enqueue.count, all.unblocked, all.blocked), (1, None, None));
}

/// What a queue with an exact book of its own does with each log.
trait Conduct: Send + Sync + 'static {
    const NAME: &'static str;
    /// The answer to the `nth` log, and how often it is delivered at once.
    fn answer(nth: u64) -> (Reply, u64);
    /// Time that each call takes, without keeping its thread.
    const TAKES: Duration = Duration::ZERO;
    /// Whether everything is delivered at the shutdown, and nothing before.
    const KEEPS: bool = false;
}

#[derive(Default)]
struct Book {
    nth: u64,
    enqueued: u64,
    dropped: u64,
    sampled_out: u64,
    delivered: u64,
    kept: Vec<Stamp>,
}

struct Bookkeeper<C> {
    sink: Sink,
    book: Mutex<Book>,
    conduct: std::marker::PhantomData<C>,
}

impl<C: Conduct> Queue for Bookkeeper<C> {
    const ABOUT: About = about(C::NAME);

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self { sink, book: Mutex::default(), conduct: std::marker::PhantomData })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        if !C::TAKES.is_zero() && entry.stamp.phase == Phase::Window {
            tokio::time::sleep(C::TAKES).await;
        }
        let mut book = self.book.lock().unwrap();
        let (reply, deliveries) = C::answer(book.nth);
        book.nth += 1;
        match reply {
            Reply::Enqueued { .. } => book.enqueued += 1,
            Reply::Dropped => book.dropped += 1,
            Reply::SampledOut => book.sampled_out += 1,
        }
        for _ in 0..deliveries {
            book.delivered += 1;
            match C::KEEPS {
                true => book.kept.push(entry.stamp),
                false => self.sink.deliver(Some(entry.stamp), |_| Ok(())).unwrap(),
            }
        }
        reply
    }

    fn shutdown(self, _: Duration) -> Account {
        let book = self.book.into_inner().unwrap();
        book.kept.iter().for_each(|stamp| self.sink.deliver(Some(*stamp), |_| Ok(())).unwrap());
        let counters = [
            ("enqueued", book.enqueued),
            ("dropped", book.dropped),
            ("sampled_out", book.sampled_out),
            ("delivered", book.delivered),
        ];
        let counters = counters.map(|(name, count)| (name.to_owned(), count)).into();
        Account { counters, ..Account::default() }
    }
}

/// Refuses every fifth log as dropped and every seventh as sampled out, and delivers every eleventh of the rest twice.
struct Mixed;
impl Conduct for Mixed {
    const NAME: &'static str = "mixed";
    fn answer(nth: u64) -> (Reply, u64) {
        match nth {
            _ if nth.is_multiple_of(5) => (Reply::Dropped, 0),
            _ if nth.is_multiple_of(7) => (Reply::SampledOut, 0),
            _ => (ACCEPTED, 1 + u64::from(nth.is_multiple_of(11))),
        }
    }
}

/// Accepts everything, and delivers it when it is shut down.
struct Keeps;
impl Conduct for Keeps {
    const NAME: &'static str = "keeps";
    const KEEPS: bool = true;
    fn answer(_: u64) -> (Reply, u64) {
        (ACCEPTED, 1)
    }
}

/// Accepts everything, after 60 ms.
struct Slow;
impl Conduct for Slow {
    const NAME: &'static str = "slow";
    const TAKES: Duration = Duration::from_millis(60);
    fn answer(_: u64) -> (Reply, u64) {
        (ACCEPTED, 1)
    }
}

/// Never comes back from a call of the window.
struct Hangs;
impl Conduct for Hangs {
    const NAME: &'static str = "hangs";
    const TAKES: Duration = Duration::from_secs(24 * 3600);
    fn answer(_: u64) -> (Reply, u64) {
        (ACCEPTED, 1)
    }
}

#[test]
#[ignore = "takes real time"]
fn a_call_that_never_returns_is_the_queues_hang() {
    let _alone = take_the_machine();
    let mut queues = Queues::with_own();
    queues.add::<Bookkeeper<Hangs>>();
    let repeat = PlannedRepeat { drain_timeout: Nanos::from_millis(100), ..repeat_of(Hangs::NAME) };
    let failure = carry_out(&queues, repeat, Box::new(|_| {})).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Hung);
    assert!(failure.message.as_given().contains("10 of 10 tasks"), "{:?}", failure.message);
}

/// Runs the queue for 500 logs; what it measured, and how many messages of progress there were.
fn measure<C: Conduct>() -> (Measurement, usize) {
    let _alone = take_the_machine();
    let mut queues = Queues::with_own();
    queues.add::<Bookkeeper<C>>();
    let mut repeat = repeat_of(C::NAME);
    // Long enough for a message of progress.
    repeat.warmup = Nanos::from_millis(600);
    let said = Arc::new(Mutex::new(0));
    let count = Arc::clone(&said);
    let say = move |message| *count.lock().unwrap() += usize::from(matches!(message, Message::Progress(_)));
    let measurement = carry_out(&queues, repeat, Box::new(say)).unwrap();
    assert_eq!(faults(&measurement), [], "{}", C::NAME);
    let ledger = &measurement.ledger;
    assert_eq!(ledger.scheduled, 500);
    let suspicion = (ledger.lost.silent, ledger.phantom, ledger.undecidable);
    assert_eq!(suspicion, (0, 0, 0), "{} is honest, and not suspected of anything", C::NAME);
    let said = *said.lock().unwrap();
    (measurement, said)
}

#[test]
#[ignore = "takes real time"]
fn an_honest_book_agrees_with_ours_warm_up_included() {
    let (measurement, said) = measure::<Mixed>();
    let ledger = &measurement.ledger;
    assert_eq!(measurement.disagreements, [""; 0]);
    assert!(ledger.dropped > 0 && ledger.sampled_out > 0 && ledger.duplicated > 0, "{ledger:?}");
    assert!(measurement.queue_counters["enqueued"] > ledger.enqueued, "the warm-up is in the queue's book");
    assert!(ledger.dropped.abs_diff(100) <= 10, "every fifth: {ledger:?}");
    assert!(ledger.sampled_out.abs_diff(57) <= 10, "every seventh of the others: {ledger:?}");
    assert!(ledger.delivered_in_window > 0, "{ledger:?}");
    assert!(said > 0, "it said how it goes");
    let soonest = measurement.latency.delivery.min_ns.unwrap();
    assert!(soonest < 10 * MS, "delivered inside the call, {soonest} ns after its beginning");
}

#[test]
#[ignore = "takes real time"]
fn what_is_delivered_after_the_window_is_not_in_its_rate() {
    let (measurement, _) = measure::<Keeps>();
    let ledger = &measurement.ledger;
    assert_eq!((ledger.delivered, ledger.delivered_in_window, ledger.lost.silent), (ledger.enqueued, 0, 0));
    assert_eq!(measurement.rates.delivered_per_s, 0.0);
}

#[test]
#[ignore = "takes real time"]
fn a_call_that_ends_after_the_window_is_not_in_the_accepted_rate() {
    // Ten tasks, 250 ms, 60 ms a call: each makes at most five, of which the last ends too late.
    let (measurement, _) = measure::<Slow>();
    let ledger = &measurement.ledger;
    assert!(ledger.unsent > 400 && ledger.unsent_generator == 0, "{ledger:?}");
    assert!(ledger.enqueued_in_window < ledger.enqueued, "{ledger:?}");
    // Logs that were never sent wait from their due time to the end: 125 ms and more in the mean.
    for latency in [&measurement.latency.response, &measurement.latency.response_ideal] {
        assert_eq!(latency.censored, ledger.unsent);
        let mean = latency.sum_ns / u128::from(latency.count);
        assert!(mean > u128::from(90 * MS), "mean response {mean} ns");
    }
}
