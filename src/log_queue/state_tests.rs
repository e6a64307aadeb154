//! Tests of the state without threads: its rules one by one, then random operations against a simple model.

use super::config::{Config, Strategy};
use super::queue::{Accepted, Reason, Refused};
use super::record::{Level, Record};
use super::state::{State, Step, Turn};
use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Default)]
struct Calls(AtomicUsize);

impl Calls {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn record(number: u64) -> Record {
    Record::new(Level::Info, number.to_string())
}

fn number(record: &Record) -> u64 {
    record.message().parse().expect("a number")
}

fn state(strategy: Strategy, maxsize: usize, batch_size: usize) -> State {
    let batch_timeout = HOUR;
    State::new(Config { maxsize, strategy, batch_size, batch_timeout, ..Config::default() }).expect("a valid config")
}

fn take(state: &mut State) -> Vec<u64> {
    let (mut batch, mut wakers) = (Vec::new(), Vec::new());
    state.take(&mut batch, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
    batch.iter().map(number).collect()
}

/// Offers `count` records to a queue of 1,000 and gives (depth, sampled_out, dropped).
fn sampled(sample_rate: f64, seed: u64, count: u64) -> (usize, u64, u64) {
    let config = Config { maxsize: 1_000, strategy: Strategy::Sample, sample_rate, seed, ..Config::default() };
    let mut state = State::new(config).expect("a valid config");
    let (mut sampled_out, mut dropped) = (0, 0);
    for n in 0..count {
        match state.offer(record(n)) {
            Ok(_) => {}
            Err(Refused { reason: Reason::SampledOut, .. }) => sampled_out += 1,
            Err(Refused { reason: Reason::Full, .. }) => dropped += 1,
            Err(refused) => panic!("{refused}"),
        }
    }
    assert_eq!(state.counts.sampled_out, sampled_out);
    assert_eq!(state.counts.dropped, dropped);
    (state.depth(), sampled_out, dropped)
}

#[test]
fn sample_keeps_everything_below_four_fifths() {
    assert_eq!(sampled(0.0, 42, 800), (800, 0, 0));
    assert_eq!(sampled(0.0, 42, 801), (800, 1, 0));
    // Of small queues too: the threshold is rounded up.
    for (maxsize, kept) in [(1, 1), (2, 2), (4, 4), (5, 4), (6, 5), (9, 8), (10, 8)] {
        let config = Config { maxsize, strategy: Strategy::Sample, sample_rate: 0.0, ..Config::default() };
        let mut state = State::new(config).expect("a valid config");
        let accepted = (0..20).filter(|n| state.offer(record(*n)).is_ok()).count();
        assert_eq!(accepted, kept, "maxsize {maxsize}");
    }
}

#[test]
fn sample_thins_out_by_its_rate_and_seed() {
    let (depth, sampled_out, dropped) = sampled(0.1, 42, 2_800);
    // 2,000 records meet a nearly full queue with room to spare: 200 of them are expected to stay, give or take 40.
    assert!((960..=1_000).contains(&depth), "{depth}");
    assert_eq!(depth as u64 + sampled_out + dropped, 2_800);
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
fn the_worker_is_called_for_the_first_record_only_when_nothing_times_it() {
    let mut state = state(Strategy::Drop, 10, 3);
    assert_eq!(state.step(Instant::now(), false), Step::SleepFor(HOUR), "it lingers after a batch");
    assert!(state.offer(record(0)).is_ok());
    assert!(!state.calls_worker(), "its timeout is soon enough");
    assert_eq!(take(&mut state), [0]);

    assert_eq!(state.step(Instant::now(), true), Step::Sleep);
    assert!(state.offer(record(1)).is_ok());
    assert!(state.calls_worker());
    assert!(state.offer(record(2)).is_ok());
    assert!(!state.calls_worker(), "it has been called");
}

#[test]
fn the_worker_is_called_once_for_a_complete_batch() {
    let mut state = state(Strategy::Drop, 10, 3);
    assert_eq!(state.step(Instant::now(), false), Step::SleepFor(HOUR));
    let calls: Vec<bool> = (0..5)
        .map(|n| {
            assert!(state.offer(record(n)).is_ok());
            state.calls_worker()
        })
        .collect();
    assert_eq!(calls, [false, false, true, false, false]);
    assert_eq!(state.step(Instant::now(), false), Step::Take);
    assert_eq!(take(&mut state), [0, 1, 2]);
}

#[test]
fn a_full_queue_is_a_complete_batch() {
    let mut state = state(Strategy::Block, 2, 100);
    assert_eq!(state.step(Instant::now(), false), Step::SleepFor(HOUR));
    assert!(state.offer(record(0)).is_ok());
    assert!(!state.calls_worker());
    assert!(state.offer(record(1)).is_ok());
    assert!(state.calls_worker());
    assert_eq!(state.step(Instant::now(), false), Step::Take);
}

#[test]
fn an_incomplete_batch_is_due_when_its_oldest_record_has_waited_long_enough() {
    let mut state = state(Strategy::Drop, 10, 3);
    let before = Instant::now();
    assert!(state.offer(record(0)).is_ok());
    let after = Instant::now();
    let Step::SleepFor(left) = state.step(after, false) else { panic!("a batch that is not due") };
    assert!(left <= HOUR && left >= HOUR - (after - before), "{left:?}");
    assert!(matches!(state.step(before + HOUR - Duration::from_millis(1), false), Step::SleepFor(_)));
    assert_eq!(state.step(after + HOUR, false), Step::Take);

    // What is left behind by a full batch is timed from no later than its own arrival.
    (1..4).for_each(|n| assert!(state.offer(record(n)).is_ok()));
    assert_eq!(take(&mut state), [0, 1, 2]);
    assert_eq!(state.step(after + HOUR, false), Step::Take);
    assert_eq!(take(&mut state), [3]);
    assert_eq!(state.step(after + HOUR, false), Step::SleepFor(HOUR));
}

#[test]
fn a_batch_timeout_of_zero_or_without_end_is_fine() {
    for (batch_timeout, step) in [(Duration::ZERO, Step::Take), (Duration::MAX, Step::SleepFor(Duration::MAX))] {
        let mut state = State::new(Config { batch_timeout, ..Config::default() }).expect("a valid config");
        assert_eq!(state.step(Instant::now(), true), Step::Sleep);
        let now = Instant::now();
        assert!(state.offer(record(0)).is_ok());
        assert_eq!(state.step(now, false), step);
    }
}

#[test]
fn the_waker_of_the_latest_poll_is_the_one_that_is_woken() {
    let mut state = state(Strategy::Block, 1, 1);
    assert!(state.offer(record(0)).is_ok());
    let calls = [Arc::new(Calls::default()), Arc::new(Calls::default())];
    let wakers = calls.clone().map(Waker::from);
    let mut ticket = None;
    assert!(matches!(state.turn(&mut ticket, record(1), &wakers[0]), Turn::Wait(_, None)));
    assert!(matches!(state.turn(&mut ticket, record(1), &wakers[0]), Turn::Wait(_, None)));
    let Turn::Wait(_, Some(stale)) = state.turn(&mut ticket, record(1), &wakers[1]) else { panic!("no stale waker") };
    assert!(stale.will_wake(&wakers[0]));
    assert_eq!(take(&mut state), [0]);
    assert_eq!(calls.each_ref().map(|calls| calls.count()), [0, 1]);
}

#[test]
fn more_memory_than_there_is_is_refused() {
    let config = Config { maxsize: usize::MAX, ..Config::default() };
    let error = State::new(config).err().expect("refused");
    assert!(error.to_string().starts_with("no memory for 18446744073709551615 records"), "{error}");
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Offer,
    Wait,
    Poll(usize),
    Cancel(usize),
    Work,
    Close,
}

fn op() -> impl proptest::strategy::Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Offer),
        6 => Just(Op::Wait),
        5 => (0..8_usize).prop_map(Op::Poll),
        3 => (0..8_usize).prop_map(Op::Cancel),
        6 => Just(Op::Work),
        1 => Just(Op::Close),
    ]
}

/// A caller in `log`.
struct Waiter {
    number: u64,
    ticket: Option<u64>,
    calls: Arc<Calls>,
    promised: bool,
}

/// The state under test beside what it should be.
struct Model {
    state: State,
    strategy: Strategy,
    maxsize: usize,
    ring: VecDeque<u64>,
    waiters: Vec<Waiter>,
    closed: bool,
    /// The worker's last step, while it sleeps.
    asleep: Option<Step>,
    next: u64,
    enqueued: u64,
    refused: u64,
}

impl Model {
    fn new(strategy: Strategy, maxsize: usize, batch_size: usize) -> Self {
        Self {
            state: state(strategy, maxsize, batch_size),
            strategy,
            maxsize,
            ring: VecDeque::new(),
            waiters: Vec::new(),
            closed: false,
            asleep: None,
            next: 0,
            enqueued: 0,
            refused: 0,
        }
    }

    fn promised(&self) -> usize {
        self.waiters.iter().filter(|waiter| waiter.promised).count()
    }

    fn free(&self) -> usize {
        self.maxsize - self.ring.len() - self.promised()
    }

    fn promise(&mut self) {
        while self.free() > 0 {
            let Some(first) = self.waiters.iter_mut().find(|waiter| !waiter.promised) else {
                return;
            };
            first.promised = true;
        }
    }

    fn entered(&mut self, number: u64) {
        self.ring.push_back(number);
        self.enqueued += 1;
        if self.state.calls_worker() {
            assert!(self.asleep.take().is_some(), "called a worker that was awake");
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Offer => self.offer(),
            Op::Wait => {
                self.waiters.push(Waiter { number: self.next, ticket: None, calls: Arc::default(), promised: false });
                self.next += 1;
                self.poll(self.waiters.len() - 1, false);
            }
            Op::Poll(index) if index < self.waiters.len() => self.poll(index, true),
            Op::Cancel(index) if index < self.waiters.len() => {
                let ticket = self.waiters.remove(index).ticket.expect("a waiter has a ticket");
                if let (_, Some(next)) = self.state.cancel(ticket) {
                    next.wake();
                }
                self.promise();
            }
            Op::Poll(_) | Op::Cancel(_) => {}
            Op::Work => self.work(),
            Op::Close => {
                self.state.close().into_values().for_each(Waker::wake);
                self.closed = true;
                self.asleep = None;
                self.state.awake();
            }
        }
        self.check();
    }

    fn offer(&mut self) {
        let number = self.next;
        self.next += 1;
        match self.state.offer(record(number)) {
            Ok(accepted) => {
                assert!(!accepted.waited && !self.closed && self.free() > 0);
                self.entered(number);
            }
            Err(refused) => {
                let reason = if self.closed { Reason::Closed } else { Reason::Full };
                assert_eq!((refused.reason, super::state_tests::number(&refused.record)), (reason, number));
                assert!(self.closed || self.free() == 0);
                self.refused += u64::from(!self.closed);
            }
        }
    }

    fn poll(&mut self, index: usize, again: bool) {
        let free = self.free();
        let waiter = &mut self.waiters[index];
        let waker = Waker::from(waiter.calls.clone());
        match self.state.turn(&mut waiter.ticket, record(waiter.number), &waker) {
            Turn::Wait(back, _) => {
                assert_eq!(number(&back), waiter.number);
                assert!(!self.closed && !waiter.promised && free == 0 && self.strategy == Strategy::Block);
            }
            Turn::Done(Ok(Accepted { waited })) => {
                assert!(!self.closed && waited == again && (waiter.promised || (!again && free > 0)));
                let waiter = self.waiters.remove(index);
                assert_eq!(waiter.ticket, None);
                self.entered(waiter.number);
            }
            Turn::Done(Err(refused)) => {
                assert_eq!(number(&refused.record), waiter.number);
                assert_eq!(waiter.ticket, None);
                assert!(self.closed || (self.strategy == Strategy::Drop && free == 0));
                self.refused += u64::from(!self.closed);
                self.waiters.remove(index);
            }
        }
    }

    fn work(&mut self) {
        if self.asleep.is_some() {
            return;
        }
        // A timeout that always has passed: the worker sleeps on an empty ring only.
        match self.state.step(Instant::now(), true) {
            Step::Take => {
                let batch = take(&mut self.state);
                let expected: Vec<u64> = self.ring.drain(..batch.len()).collect();
                assert!(!batch.is_empty());
                assert_eq!(batch, expected);
                if !self.closed {
                    self.promise();
                }
            }
            Step::Exit => assert!(self.closed && self.ring.is_empty()),
            sleep => self.asleep = Some(sleep),
        }
    }

    fn check(&self) {
        assert_eq!(self.state.depth(), self.ring.len());
        assert!(self.state.depth() <= self.maxsize);
        assert!(self.state.counts.high_water <= self.maxsize && self.state.counts.high_water >= self.ring.len());
        assert_eq!(self.state.counts.enqueued, self.enqueued);
        assert_eq!(self.state.counts.dropped + self.state.counts.would_block, self.refused);
        for waiter in &self.waiters {
            let woken = waiter.calls.count();
            assert!(woken <= 1);
            assert_eq!(woken == 1, waiter.promised || self.closed, "waiter {}", waiter.number);
        }
        // No wake-up is lost.
        match self.asleep {
            Some(Step::Sleep) => assert!(self.ring.is_empty()),
            Some(Step::SleepFor(_)) => assert!(self.ring.len() < self.state.largest_batch()),
            _ => {}
        }
        // No place stays free while someone waits for one.
        assert!(self.closed || self.free() == 0 || self.waiters.iter().all(|waiter| waiter.promised));
    }

    /// Polls and works until nothing is left to do.
    fn come_to_rest(mut self) {
        self.apply(Op::Close);
        while !self.waiters.is_empty() {
            self.apply(Op::Poll(0));
        }
        while !self.ring.is_empty() {
            self.apply(Op::Work);
        }
    }
}

proptest! {
    #[test]
    fn random_operations_agree_with_the_model(
        block in any::<bool>(),
        maxsize in 1..6_usize,
        batch_size in 1..8_usize,
        ops in proptest::collection::vec(op(), 0..80),
    ) {
        let strategy = if block { Strategy::Block } else { Strategy::Drop };
        let mut model = Model::new(strategy, maxsize, batch_size);
        for op in ops {
            model.apply(op);
        }
        model.come_to_rest();
    }
}
