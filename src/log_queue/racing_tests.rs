//! A queue that is shut down at a random moment, while producers log and its sink is slow, stalls or fails: the ledger must
//! close in every snapshot and at the end. `cargo test` runs a few rounds; `just stress`, which includes this file from
//! `benches/log_queue.rs`, runs many.

use super::{Config, Counters, Level, LogQueue, Reason, Record, RecordRef, Shutdown, Sink, Strategy, Value};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

const PRODUCERS: u64 = if cfg!(miri) { 2 } else { 4 };
/// Most calls before the shutdown.
const MOST_CALLS: u64 = if cfg!(miri) { 40 } else { 600 };
/// Longer than any round takes.
const LIMIT: Duration = Duration::from_secs(60);

/// Random numbers that follow from a seed.
struct Draw(Xoshiro256PlusPlus);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn below(&mut self, most: u64) -> u64 {
        self.0.next_u64() % most
    }

    fn micros(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most))
    }
}

/// A sink that is sometimes slow, sometimes stalls, and sometimes fails.
struct Slow {
    draw: Draw,
    /// For each producer, the least number that may come next.
    next: [u64; PRODUCERS as usize],
    taken: Arc<AtomicU64>,
    wrong: Arc<AtomicU64>,
}

impl Sink for Slow {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        let number = if let Some(Value::U64(number)) = record.field("number") { number } else { u64::MAX };
        let (producer, sequence) = ((number >> 32) as usize, number & 0xFFFF_FFFF);
        match self.next.get_mut(producer) {
            Some(next) if *next <= sequence => *next = sequence + 1,
            _ => _ = self.wrong.fetch_add(1, Ordering::SeqCst),
        }
        match self.draw.below(300) {
            0 => thread::sleep(self.draw.micros(3_000)),
            1..=5 => thread::sleep(self.draw.micros(100)),
            6 => return Err(io::Error::other("drawn")),
            _ => {}
        }
        self.taken.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// How the calls of producers ended.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    accepted: u64,
    full: u64,
    sampled_out: u64,
}

/// Polls once and gives up.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Logs in every way until the queue is closed.
fn produce(queue: &LogQueue, producer: u64, made: &AtomicU64, mut draw: Draw) -> Calls {
    let mut calls = Calls::default();
    let long = "x".repeat(300);
    for sequence in 0.. {
        made.fetch_add(1, Ordering::SeqCst);
        let text = if draw.below(16) == 0 { long.as_str() } else { "short" };
        let record = Record::new(Level::Info, text).with("number", producer << 32 | sequence);
        let outcome = match draw.below(8) {
            0 => queue.try_log(record),
            1 => match at_once(queue.log(record)) {
                Some(outcome) => outcome,
                None => continue,
            },
            _ => queue.log_blocking(record),
        };
        match outcome.map_err(|refused| refused.reason) {
            Ok(_) => calls.accepted += 1,
            Err(Reason::Full) => calls.full += 1,
            Err(Reason::SampledOut) => calls.sampled_out += 1,
            Err(Reason::Closed) => break,
        }
        if sequence % 32 == 0 {
            assert_closes(&queue.counters());
        }
    }
    calls
}

fn assert_closes(c: &Counters) {
    let found = c.delivered + c.sink_errors + c.abandoned + c.evicted + c.depth + c.in_hand;
    assert_eq!(c.enqueued, found, "{c:?}");
}

/// Shuts the queue down in one of several ways, perhaps from two threads.
fn shut_down(queue: &LogQueue, draw: &mut Draw) -> Shutdown {
    let deadline = match draw.below(4) {
        0 => Duration::ZERO,
        1 => draw.micros(2_000),
        _ => LIMIT,
    };
    match draw.below(3) {
        0 => queue.close(),
        1 => {
            let other = draw.micros(4_000);
            let (one, both) = thread::scope(|scope| {
                let thread = scope.spawn(|| queue.shutdown(other));
                (queue.shutdown(deadline), thread.join().expect("returns"))
            });
            assert_eq!(one, both, "the first end is the end");
        }
        _ => {}
    }
    queue.shutdown(deadline)
}

/// One round. Returns the counts, and whether the shutdown saw everything through.
fn race(strategy: Strategy, seed: u64) -> (Counters, bool) {
    let mut draw = Draw::new(seed);
    let maxsize = 1 + draw.below(if cfg!(miri) { 8 } else { 100 }) as usize;
    let (taken, wrong, made) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default(), AtomicU64::new(0));
    let sink = Slow {
        draw: Draw::new(!seed),
        next: [0; PRODUCERS as usize],
        taken: Arc::clone(&taken),
        wrong: Arc::clone(&wrong),
    };
    let config = Config {
        maxsize,
        strategy,
        batch_size: 1 + draw.below(64) as usize,
        batch_timeout: draw.micros(2_000),
        text_budget: 2_000,
        seed,
        ..Config::default()
    };
    let queue = LogQueue::start(config, sink).expect("started");
    let before = draw.below(MOST_CALLS);
    let (end, calls) = thread::scope(|scope| {
        let (queue, made) = (&queue, &made);
        let threads: Vec<_> = (0..PRODUCERS)
            .map(|producer| scope.spawn(move || produce(queue, producer, made, Draw::new(seed ^ producer << 48))))
            .collect();
        while made.load(Ordering::SeqCst) < before {
            assert_closes(&queue.counters());
            thread::yield_now();
        }
        let end = shut_down(queue, &mut draw);
        let calls = threads.into_iter().map(|thread| thread.join().expect("the ledger closes"));
        (end, calls.collect::<Vec<_>>())
    });
    let c = queue.counters();
    let sum = |of: fn(&Calls) -> u64| calls.iter().map(of).sum::<u64>();
    assert_closes(&c);
    assert_eq!((c.depth, c.in_hand, c.enqueued), (0, 0, sum(|calls| calls.accepted)), "{c:?}");
    assert_eq!((c.dropped + c.would_block, c.sampled_out), (sum(|calls| calls.full), sum(|calls| calls.sampled_out)));
    assert_eq!((end.delivered, end.abandoned, end.sink_errors), (c.delivered, c.abandoned, c.sink_errors));
    assert_eq!((end, wrong.load(Ordering::SeqCst)), (queue.shutdown(LIMIT), 0), "in the order of each producer");
    assert!(c.depth_high_water <= maxsize as u64);
    // What was written off while it was written may have arrived.
    let taken = taken.load(Ordering::SeqCst);
    let possible = if end.completed { c.delivered..=c.delivered } else { c.delivered..=c.delivered + c.abandoned };
    assert!(possible.contains(&taken) && !(end.completed && c.abandoned > 0), "{taken} arrived, {c:?}");
    (c, end.completed)
}

/// Runs rounds under every strategy and says what they came to.
pub(super) fn rounds(each: u64) {
    for strategy in [Strategy::Drop, Strategy::Block, Strategy::Sample, Strategy::DropOldest] {
        let (mut all, mut completed) = (Counters::default(), 0);
        for seed in 0..each {
            let (c, is_completed) = race(strategy, seed);
            completed += u64::from(is_completed);
            all.enqueued += c.enqueued;
            all.delivered += c.delivered;
            all.evicted += c.evicted;
            all.abandoned += c.abandoned;
            all.sink_errors += c.sink_errors;
        }
        println!("shut down under load, {strategy}: {each} rounds, {completed} drained; {all:?}");
        // Both ends must have come about, and what they are about: otherwise the rounds show little.
        assert!(completed > 0 && completed < each && all.abandoned > 0, "{strategy}: {completed} of {each}, {all:?}");
        assert_eq!(all.evicted > 0, strategy == Strategy::DropOldest);
    }
}

#[test]
fn a_shutdown_at_any_moment_while_the_sink_is_slow_closes_the_ledger() {
    rounds(if cfg!(miri) { 12 } else { 60 });
}
