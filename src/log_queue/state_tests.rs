//! Tests of the core without threads: examples, and random operations compared with a model.

#![expect(unsafe_code, reason = "what was taken is read as the worker reads it")]

use super::config::{Config, Strategy};
use super::core::{Core, MOST_PRODUCERS, sleep};
use super::lane::discard_run;
use super::pool::CHUNK;
use super::producer::{LEASE, Producer};
use super::queue::Reason;
use super::record::{Level, Record};
use super::slot::RecordRef;
use super::state::{Place, Step, Turn};
use super::sync::{Ordering, lock};
use super::time::{Ticker, Wall};
use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Default)]
struct Calls(AtomicUsize);

impl Calls {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.add();
    }
}

/// A core, the calls of its worker, and one producer or more.
struct Bench {
    core: Core,
    calls: Arc<Calls>,
    producers: Vec<Arc<Producer>>,
}

impl Bench {
    fn new(config: Config, producers: usize) -> Self {
        let calls = Arc::<Calls>::default();
        let counted = Arc::clone(&calls);
        let core = Core::new(config, Ticker::counting(), move || counted.add()).expect("a valid config");
        let producers = (0..producers).map(|_| core.register().expect("few enough")).collect();
        Self { core, calls, producers }
    }

    fn of(strategy: Strategy, maxsize: usize, batch_size: usize) -> Self {
        Self::new(Config { maxsize, strategy, batch_size, batch_timeout: HOUR, ..Config::default() }, 1)
    }

    fn offer(&self, producer: usize, number: u64) -> Result<(), Reason> {
        let producer = &self.producers[producer];
        self.core.offer(producer)?;
        self.enter(producer, number);
        Ok(())
    }

    fn enter(&self, producer: &Producer, number: u64) {
        self.core.enter(producer, &Record::at(SystemTime::UNIX_EPOCH, Level::Info, &number.to_string()), None);
    }

    fn turn(&self, producer: usize, ticket: &mut Option<u64>, number: u64, waker: &Waker) -> Turn {
        let producer = &self.producers[producer];
        let mut next = Vec::new();
        let is_blocking = self.core.config.strategy == Strategy::Block;
        let turn = match ticket.is_none() {
            true if !is_blocking => Turn::Done(self.core.offer(producer).map(|()| Place::FREE)),
            true if self.core.offer_quickly(producer) => Turn::Done(Ok(Place::FREE)),
            _ => lock(&self.core.state).turn(&self.core, producer, ticket, &mut Some(waker.clone()), &mut next),
        };
        next.into_iter().for_each(Waker::wake);
        match turn {
            Turn::Done(Ok(place)) => {
                self.enter(producer, number);
                if place.calls {
                    self.core.call_now();
                }
            }
            Turn::Wait(_) => self.core.call_now(),
            Turn::Done(Err(_)) => {}
        }
        turn
    }

    fn step(&self, now: Instant) -> Step {
        lock(&self.core.state).step(&self.core, now)
    }

    /// The numbers of the records of a batch, as the worker would read them.
    fn take(&self) -> Vec<u64> {
        self.take_up_to(u64::MAX)
    }

    fn take_up_to(&self, most: u64) -> Vec<u64> {
        let (mut runs, mut wakers) = (Vec::new(), Vec::new());
        let taken = lock(&self.core.state).take(&self.core, most, &mut runs, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
        let wall = Wall::fixed(SystemTime::UNIX_EPOCH);
        let mut numbers = Vec::new();
        for run in runs {
            for index in run.from..run.to {
                // SAFETY: the record was taken, and is released by the end of the run.
                let record = unsafe { RecordRef::new(self.core.pool.slot(run.chunk, index), &wall) };
                numbers.push(record.message().parse().expect("a number"));
            }
            self.core.pool.done(run.chunk, run.to - run.from);
        }
        assert_eq!(numbers.len() as u64, taken);
        numbers
    }

    fn depth(&self) -> u64 {
        lock(&self.core.state).depth(&self.core)
    }

    fn count(&self, count: fn(&Producer) -> u64) -> u64 {
        self.producers.iter().map(|producer| count(producer)).sum()
    }

    fn dropped(&self) -> u64 {
        self.count(|producer| producer.counts.dropped.get())
    }
}

/// Of each chain, a part is in the worker's hand, and eviction empties what comes after it: the chain has chunks in more places
/// than when records leave in their order.
#[test]
fn the_pool_is_large_enough_for_eviction_behind_a_batch_in_hand() {
    let producers = MOST_PRODUCERS - 1;
    let config = Config {
        maxsize: 2 * producers,
        batch_size: producers,
        strategy: Strategy::DropOldest,
        batch_timeout: HOUR,
        ..Config::default()
    };
    let bench = Bench::new(config, producers);
    let all = |number| (0..producers).for_each(|producer| assert_eq!(bench.offer(producer, number), Ok(())));
    all(0);
    let (mut hand, mut wakers) = (Vec::new(), Vec::new());
    lock(&bench.core.state).take(&bench.core, u64::MAX, &mut hand, &mut wakers);
    assert_eq!(hand.len(), producers);
    (1..=2 * u64::from(CHUNK)).for_each(all);
    hand.into_iter().for_each(|run| discard_run(&bench.core, run));
    assert_eq!(bench.depth(), 2 * producers as u64);
}

/// As after a suspend from which the machine comes back with a new counter.
#[test]
fn records_from_before_the_clock_went_back_are_delivered() {
    let bench = Bench::new(Config { batch_timeout: HOUR, ..Config::default() }, 2);
    let ahead = |number: u64| number + (1 << 40);
    for (producer, number) in [(0, 1), (0, 2), (1, 3), (1, 4)] {
        bench.offer(producer, number).expect("room");
    }
    // The shared producer has the first chunk, so this is record 3.
    let slot = bench.core.pool.slot(2, 0);
    // SAFETY: the record is published, and nobody else looks at it.
    unsafe {
        assert_ne!(slot.read(), 0, "a record");
        slot.write(ahead(slot.read()));
    }
    let mut taken = bench.take();
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3, 4]);
}

/// Offers `count` records to a queue of 1,000. Returns (depth, sampled_out, dropped).
fn sampled(sample_rate: f64, seed: u64, count: u64) -> (u64, u64, u64) {
    let config = Config { maxsize: 1_000, strategy: Strategy::Sample, sample_rate, seed, ..Config::default() };
    // The outcome is the same however many threads the calls come from.
    let bench = Bench::new(config, 3);
    let (mut sampled_out, mut dropped) = (0, 0);
    for n in 0..count {
        match bench.offer(n as usize / 7 % 3, n) {
            Ok(()) => {}
            Err(Reason::SampledOut) => sampled_out += 1,
            Err(Reason::Full) => dropped += 1,
            Err(Reason::Closed) => panic!("nobody closed it"),
        }
    }
    assert_eq!(bench.count(|producer| producer.counts.sampled_out.get()), sampled_out);
    assert_eq!(bench.dropped(), dropped);
    (bench.depth(), sampled_out, dropped)
}

#[test]
fn sample_keeps_everything_below_four_fifths() {
    assert_eq!(sampled(0.0, 42, 800), (800, 0, 0));
    assert_eq!(sampled(0.0, 42, 801), (800, 1, 0));
    // The threshold is rounded up, which shows in small queues.
    for (maxsize, kept) in [(1, 1), (2, 2), (4, 4), (5, 4), (6, 5), (9, 8), (10, 8)] {
        let config = Config { maxsize, strategy: Strategy::Sample, sample_rate: 0.0, ..Config::default() };
        let bench = Bench::new(config, 2);
        let accepted = (0..20).filter(|&n| bench.offer(n as usize % 2, n).is_ok()).count();
        assert_eq!(accepted, kept, "maxsize {maxsize}");
    }
}

#[test]
fn sample_thins_out_by_its_rate_and_seed() {
    let (depth, sampled_out, dropped) = sampled(0.1, 42, 2_800);
    // 2,000 records meet a nearly full queue with room to spare: 200 of them are expected to stay, give or take 40.
    assert!((960..=1_000).contains(&depth), "{depth}");
    assert_eq!(depth + sampled_out + dropped, 2_800);
    assert_eq!(sampled(0.1, 42, 2_800), (depth, sampled_out, dropped));
    assert_ne!(sampled(0.1, 43, 2_800), (depth, sampled_out, dropped));
}

#[test]
fn sample_drops_what_finds_the_queue_full() {
    assert_eq!(sampled(1.0, 42, 1_500), (1_000, 0, 500));
    let (depth, sampled_out, dropped) = sampled(0.5, 42, 5_000);
    assert_eq!(depth, 1_000);
    assert!((100..=300).contains(&sampled_out), "{sampled_out}");
    assert_eq!(dropped, 4_000 - sampled_out);
}

#[test]
fn credits_that_lie_idle_are_taken_back_before_anything_is_refused() {
    for maxsize in [1, 2, 63, 64, 100, 1_000] {
        let config = Config { maxsize, batch_timeout: HOUR, ..Config::default() };
        let bench = Bench::new(config, 4);
        // Each producer borrows credits, and uses one.
        let first = (0..4_usize).filter(|&producer| bench.offer(producer, producer as u64).is_ok()).count();
        assert_eq!(first, maxsize.min(4));
        let more = (0..2_000).filter(|&n| bench.offer(0, n).is_ok()).count();
        assert_eq!(more, maxsize - first, "maxsize {maxsize}");
        assert_eq!(bench.depth(), maxsize as u64);
    }
}

#[test]
fn a_polling_worker_is_called_by_nobody_until_the_queue_is_half_full() {
    let bench = Bench::of(Strategy::Drop, 1_000, 10);
    assert!(matches!(bench.step(Instant::now()), Step::Nap(_)));
    for n in 0..500 - LEASE {
        assert!(bench.offer(0, n).is_ok());
    }
    assert_eq!(bench.calls.count(), 0);
    (0..500).for_each(|n| assert!(bench.offer(0, n).is_ok()));
    assert_eq!(bench.calls.count(), 1, "once, although nobody has come");
    assert_eq!(bench.step(Instant::now()), Step::Take);
}

#[test]
fn a_worker_in_deep_sleep_is_called_for_a_batch_and_when_the_queue_is_full() {
    for (maxsize, strategy) in [(1_000, Strategy::Drop), (3, Strategy::Drop), (3, Strategy::Block)] {
        let bench = Bench::of(strategy, maxsize, 10);
        let deep = (0..100).map(|_| bench.step(Instant::now())).last();
        assert!(matches!(deep, Some(Step::Rest(time)) if time > Duration::from_millis(10)), "{deep:?}");
        assert!((0..40).filter(|&n| bench.offer(0, n).is_ok()).count() >= 3);
        assert_eq!(bench.calls.count(), 1);
        assert_eq!(bench.core.worker.sleep.load(Ordering::Relaxed), sleep::AWAKE);
    }
}

#[test]
fn a_worker_without_a_timeout_is_called_for_the_first_record_only() {
    let config = Config { batch_timeout: Duration::ZERO, ..Config::default() };
    let bench = Bench::new(config, 1);
    assert_eq!(bench.step(Instant::now()), Step::Park);
    (0..3).for_each(|n| assert!(bench.offer(0, n).is_ok()));
    assert_eq!(bench.calls.count(), 1);
    assert_eq!(bench.step(Instant::now()), Step::Take);
    assert_eq!(bench.take(), [0, 1, 2]);
    assert_eq!(bench.step(Instant::now()), Step::Park);
    assert!(bench.offer(0, 3).is_ok());
    assert_eq!(bench.calls.count(), 2);
}

#[test]
fn an_incomplete_batch_is_due_when_its_oldest_record_has_waited_long_enough() {
    let bench = Bench::of(Strategy::Drop, 10, 3);
    let start = Instant::now();
    assert!(matches!(bench.step(start), Step::Nap(_)));
    assert!(bench.offer(0, 0).is_ok());
    let found = start + Duration::from_millis(1);
    assert!(matches!(bench.step(found), Step::Nap(time) if time <= HOUR));
    let nearly = start + HOUR - Duration::from_millis(1);
    assert_eq!(bench.step(nearly), Step::Nap(Duration::from_millis(1)), "the rest of the hour");
    // It came after the look at the start, so an hour after that it has waited for no more than an hour.
    assert_eq!(bench.step(start + HOUR), Step::Take);

    // The wait of a record that a full batch leaves behind counts from no later than its own arrival.
    (1..4).for_each(|n| assert!(bench.offer(0, n).is_ok()));
    assert_eq!(bench.step(start + HOUR), Step::Take);
    assert_eq!(bench.take(), [0, 1, 2]);
    assert_eq!(bench.step(start + HOUR), Step::Take);
    assert_eq!(bench.take(), [3]);
    assert!(matches!(bench.step(start + HOUR), Step::Nap(_)));
}

#[test]
fn a_batch_timeout_of_zero_or_without_end_is_fine() {
    for (batch_timeout, due) in [(Duration::ZERO, true), (Duration::MAX, false)] {
        let bench = Bench::new(Config { batch_timeout, ..Config::default() }, 1);
        assert!(!matches!(bench.step(Instant::now()), Step::Take));
        assert!(bench.offer(0, 0).is_ok());
        assert_eq!(bench.step(Instant::now()) == Step::Take, due);
    }
}

#[test]
fn the_waker_of_the_latest_poll_is_the_one_that_is_woken() {
    let bench = Bench::of(Strategy::Block, 1, 1);
    assert!(bench.offer(0, 0).is_ok());
    let calls = [Arc::new(Calls::default()), Arc::new(Calls::default())];
    let wakers = calls.clone().map(Waker::from);
    let mut ticket = None;
    assert!(matches!(bench.turn(0, &mut ticket, 1, &wakers[0]), Turn::Wait(None)));
    // In Miri a table of functions has several addresses, and `will_wake` may not know a waker again.
    assert!(matches!(bench.turn(0, &mut ticket, 1, &wakers[0]), Turn::Wait(None)) || cfg!(miri));
    let Turn::Wait(Some(stale)) = bench.turn(0, &mut ticket, 1, &wakers[1]) else { panic!("no stale waker") };
    assert!(stale.will_wake(&wakers[0]) || cfg!(miri));
    assert_eq!(bench.take(), [0]);
    assert_eq!(calls.each_ref().map(|calls| calls.count()), [0, 1]);
}

#[test]
fn a_thread_whose_many_tasks_all_waited_holds_no_more_than_a_lease() {
    const TASKS: usize = 100;
    let places = TASKS * LEASE as usize;
    let bench = Bench::of(Strategy::Block, places, places);
    (0..places).for_each(|n| assert!(bench.offer(0, n as u64).is_ok()));
    let calls = Arc::<Calls>::default();
    let waker = Waker::from(Arc::clone(&calls));
    let mut tickets = [const { None }; TASKS];
    for ticket in &mut tickets {
        assert!(matches!(bench.turn(0, ticket, 0, &waker), Turn::Wait(None)));
    }
    assert_eq!(bench.take().len(), places);
    assert_eq!(calls.count(), TASKS, "each is promised a whole lease");
    for (n, ticket) in tickets.iter_mut().enumerate() {
        assert!(matches!(bench.turn(0, ticket, n as u64, &waker), Turn::Done(Ok(Place { waited: true, .. }))));
        assert_eq!(bench.depth(), n as u64 + 1);
        assert!(bench.producers[0].credits() <= LEASE);
    }
    assert_eq!((0..).take_while(|&n| bench.offer(0, n).is_ok()).count(), places - TASKS, "no place is lost");
    assert_eq!(bench.take(), (0..TASKS as u64).chain(0..(places - TASKS) as u64).collect::<Vec<_>>());
}

#[test]
fn a_slow_sink_hands_over_single_places_and_a_fast_one_whole_leases() {
    const BATCH: u64 = 10;
    for (per_record, expected) in [
        (Duration::ZERO, LEASE),
        (Duration::from_nanos(100), LEASE),
        (Duration::from_micros(1), 100),
        (Duration::from_micros(30), 3),
        (Duration::from_millis(1), 1),
        (HOUR, 1),
    ] {
        let bench = Bench::of(Strategy::Block, BATCH as usize, BATCH as usize);
        let start = Instant::now();
        for now in [start, start + per_record * BATCH as u32] {
            (0..BATCH).for_each(|n| assert!(bench.offer(0, n).is_ok()));
            assert_eq!(bench.step(now), Step::Take);
            assert_eq!(bench.take().len() as u64, BATCH);
        }
        assert_eq!(lock(&bench.core.state).lot(), expected, "{per_record:?}");
    }
}

#[test]
fn more_memory_than_there_is_is_refused() {
    let config = Config { maxsize: usize::MAX, ..Config::default() };
    let error = Core::new(config, Ticker::counting(), || ()).err().expect("refused");
    assert!(error.to_string().starts_with("no memory for 18446744073709551615 records"), "{error}");
}

/// Every operation of a caller comes from one of three producers.
const PRODUCERS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Op {
    Offer(usize),
    Wait(usize),
    Poll(usize, usize),
    Cancel(usize),
    /// The worker looks, and takes up to so many records.
    Work(u64),
    Close,
}

fn op() -> impl proptest::strategy::Strategy<Value = Op> {
    let producer = || 0..PRODUCERS;
    prop_oneof![
        8 => producer().prop_map(Op::Offer),
        6 => producer().prop_map(Op::Wait),
        5 => (0..8_usize, producer()).prop_map(|(index, producer)| Op::Poll(index, producer)),
        3 => (0..8_usize).prop_map(Op::Cancel),
        6 => prop_oneof![Just(1_u64), Just(3), Just(20), Just(u64::MAX)].prop_map(Op::Work),
        1 => Just(Op::Close),
    ]
}

/// A caller in `log`.
struct Waiter {
    number: u64,
    ticket: Option<u64>,
    calls: Arc<Calls>,
    /// Places that are promised to it.
    promised: usize,
}

/// The core under test, and the model that it is compared with.
struct Model {
    bench: Bench,
    strategy: Strategy,
    maxsize: usize,
    ring: VecDeque<u64>,
    waiters: Vec<Waiter>,
    /// For each producer, the credits that it got with promises since somebody began to wait.
    lent: [usize; PRODUCERS],
    closed: bool,
    /// The worker's last step if it sleeps, and the number of calls before that.
    asleep: Option<(Step, usize)>,
    /// What is left of a batch of which the worker has taken a part.
    rest: usize,
    next: u64,
    /// Time on the worker's clock.
    now: Instant,
    enqueued: u64,
    refused: u64,
}

impl Model {
    fn new(strategy: Strategy, maxsize: usize, batch_size: usize, batch_timeout: Duration) -> Self {
        let config = Config { maxsize, strategy, batch_size, batch_timeout, ..Config::default() };
        Self {
            bench: Bench::new(config, PRODUCERS),
            strategy,
            maxsize,
            ring: VecDeque::new(),
            waiters: Vec::new(),
            lent: [0; PRODUCERS],
            closed: false,
            asleep: None,
            rest: 0,
            next: 0,
            now: Instant::now(),
            enqueued: 0,
            refused: 0,
        }
    }

    fn promised(&self) -> usize {
        self.waiters.iter().map(|waiter| waiter.promised).sum()
    }

    fn somebody_waits(&self) -> bool {
        self.waiters.iter().any(|waiter| waiter.promised == 0 && waiter.ticket.is_some())
    }

    /// Places for a call from this producer that does not wait.
    fn free(&self, producer: usize) -> usize {
        match self.somebody_waits() {
            // Only credits that came with a promise.
            true => self.lent[producer],
            // Idle credits are taken back.
            false => self.maxsize - self.ring.len() - self.promised(),
        }
    }

    fn promise(&mut self) {
        let lent: usize = self.lent.iter().sum();
        let lot = lock(&self.bench.core.state).lot() as usize;
        let mut room = self.maxsize - self.ring.len() - self.promised() - lent;
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.promised == 0) {
            waiter.promised = room.min(lot);
            room -= waiter.promised;
        }
    }

    fn entered(&mut self, number: u64) {
        self.ring.push_back(number);
        self.enqueued += 1;
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Offer(producer) => self.offer(producer),
            Op::Wait(producer) => {
                if !self.somebody_waits() {
                    self.lent = [0; PRODUCERS];
                }
                self.waiters.push(Waiter { number: self.next, ticket: None, calls: Arc::default(), promised: 0 });
                self.next += 1;
                self.poll(self.waiters.len() - 1, producer, false);
            }
            Op::Poll(index, producer) if index < self.waiters.len() => self.poll(index, producer, true),
            Op::Cancel(index) if index < self.waiters.len() => {
                let ticket = self.waiters.remove(index).ticket.expect("a waiter has a ticket");
                let (_, next) = lock(&self.bench.core.state).cancel(&self.bench.core, ticket);
                next.into_iter().for_each(Waker::wake);
                self.promise();
            }
            Op::Poll(..) | Op::Cancel(_) => {}
            Op::Work(most) => self.work(most),
            Op::Close => {
                let waiting = lock(&self.bench.core.state).close(&self.bench.core);
                self.bench.core.call_now();
                waiting.into_values().for_each(Waker::wake);
                self.closed = true;
            }
        }
        self.check();
    }

    fn offer(&mut self, producer: usize) {
        let number = self.next;
        self.next += 1;
        match self.bench.offer(producer, number) {
            Ok(()) => {
                assert!(!self.closed && self.free(producer) > 0);
                if self.somebody_waits() {
                    self.lent[producer] -= 1;
                }
                self.entered(number);
            }
            Err(reason) => {
                assert_eq!(reason, if self.closed { Reason::Closed } else { Reason::Full });
                assert!(self.closed || self.free(producer) == 0);
                self.refused += u64::from(!self.closed);
            }
        }
    }

    fn poll(&mut self, index: usize, producer: usize, again: bool) {
        let free = self.free(producer);
        let waiter = &mut self.waiters[index];
        let waker = Waker::from(waiter.calls.clone());
        match self.bench.turn(producer, &mut waiter.ticket, waiter.number, &waker) {
            Turn::Wait(_) => {
                // Credits serve new calls, not a call that waits.
                assert!(!self.closed && waiter.promised == 0 && (again || free == 0));
                assert_eq!(self.strategy, Strategy::Block);
            }
            Turn::Done(Ok(Place { waited, .. })) => {
                assert!(!self.closed && waited == again && (waiter.promised > 0 || (!again && free > 0)));
                let waiter = self.waiters.remove(index);
                assert_eq!(waiter.ticket, None);
                self.entered(waiter.number);
                if self.somebody_waits() && waiter.promised == 0 {
                    self.lent[producer] -= 1;
                } else if self.somebody_waits() {
                    // What the producer cannot hold passes to the next.
                    self.lent[producer] = (self.lent[producer] + waiter.promised - 1).min(LEASE as usize);
                    self.promise();
                }
            }
            Turn::Done(Err(_)) => {
                assert_eq!(waiter.ticket, None);
                assert!(self.closed || (self.strategy == Strategy::Drop && free == 0));
                self.refused += u64::from(!self.closed);
                self.waiters.remove(index);
            }
        }
    }

    fn work(&mut self, most: u64) {
        // Only a call ends the sleep of a worker that has parked.
        if matches!(self.asleep, Some((Step::Park, calls)) if calls == self.bench.calls.count()) {
            return;
        }
        self.asleep = None;
        // A fast sink, a slow one, and one in between.
        const PACES: [Duration; 3] = [Duration::from_nanos(100), Duration::from_micros(30), Duration::from_millis(1)];
        self.now += PACES[(self.next % 3) as usize];
        match self.bench.step(self.now) {
            Step::Take => {
                let idle = self.bench.producers.iter().any(|producer| producer.credits() > 0);
                let taken_back = !idle && self.lent != [0; PRODUCERS];
                if taken_back {
                    self.lent = [0; PRODUCERS];
                }
                let complete = self.ring.len().min(self.bench.core.complete as usize);
                let whole = if self.rest > 0 { self.rest } else { complete };
                let part = whole.min(most.try_into().unwrap_or(usize::MAX));
                self.rest = whole - part;
                let batch = self.bench.take_up_to(most);
                let expected: Vec<u64> = self.ring.drain(..part).collect();
                assert!(!batch.is_empty() || taken_back);
                assert_eq!(batch, expected);
                if !self.closed {
                    self.promise();
                }
            }
            Step::Exit => assert!(self.closed && self.ring.is_empty()),
            Step::Look => panic!("nobody is about to publish"),
            sleep => {
                assert_eq!(self.rest, 0, "the rest of a batch waits for nothing");
                self.asleep = Some((sleep, self.bench.calls.count()));
            }
        }
    }

    fn check(&self) {
        let depth = self.bench.depth() as usize;
        assert_eq!(depth, self.ring.len());
        assert!(depth <= self.maxsize);
        let state = lock(&self.bench.core.state);
        assert!((self.ring.len()..=self.maxsize).contains(&(state.high_water as usize)));
        assert_eq!(state.claimed(), self.enqueued);
        drop(state);
        let would_block = self.bench.count(|producer| producer.counts.would_block.get());
        assert_eq!(self.bench.dropped() + would_block, self.refused);
        for waiter in &self.waiters {
            let woken = waiter.calls.count();
            assert!(woken <= 1);
            assert_eq!(woken == 1, waiter.promised > 0 || self.closed, "waiter {}", waiter.number);
        }
        if let Some((step, calls)) = self.asleep {
            let called = self.bench.calls.count() - calls;
            assert!(called <= 1, "called {called} times in one sleep");
            // No call of the worker is lost.
            let deep = matches!(step, Step::Rest(_));
            let waited_for = deep && self.somebody_waits();
            let needed = self.closed || waited_for || (step == Step::Park && !self.ring.is_empty());
            assert!(called == 1 || !needed, "{step:?}");
        }
        // No place stays free while someone waits for one.
        let used = self.ring.len() + self.promised() + self.lent.iter().sum::<usize>();
        assert!(self.closed || !self.somebody_waits() || used == self.maxsize);
    }

    /// Polls callers and lets the worker run until nothing is left to do.
    fn come_to_rest(mut self) {
        self.apply(Op::Close);
        while !self.waiters.is_empty() {
            self.apply(Op::Poll(0, 0));
        }
        while !self.ring.is_empty() {
            self.apply(Op::Work(u64::MAX));
        }
        assert_eq!(self.bench.step(self.now), Step::Exit);
    }
}

proptest! {
    #[test]
    fn random_operations_agree_with_the_model(
        block in any::<bool>(),
        eager in any::<bool>(),
        maxsize in prop_oneof![1..6_usize, 20..100_usize],
        batch_size in prop_oneof![1..8_usize, 30..80_usize],
        ops in proptest::collection::vec(op(), 0..if cfg!(miri) { 20 } else { 300 }),
    ) {
        let strategy = if block { Strategy::Block } else { Strategy::Drop };
        let batch_timeout = if eager { Duration::ZERO } else { HOUR };
        let mut model = Model::new(strategy, maxsize, batch_size, batch_timeout);
        for op in ops {
            model.apply(op);
        }
        model.come_to_rest();
    }
}
