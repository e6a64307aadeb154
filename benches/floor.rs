//! Measures the cost of the instrument itself in nanoseconds per log: the mean of the fastest batch, on one thread.
//!
//! `cargo bench --bench floor`

use queue_load::internals::clock::{Clock, SystemClock};
use queue_load::internals::load::{Call, Reply};
use queue_load::internals::measure::encoding::Distribution;
use queue_load::internals::measure::recorder::Recorders;
use std::hint::black_box;
use std::time::Instant;

const BATCHES: u32 = 30;
const PER_BATCH: u32 = 100_000;

/// The time of one call of `work` in nanoseconds: the mean of the fastest batch.
fn fastest(mut work: impl FnMut()) -> f64 {
    let mut batch = || {
        let begin = Instant::now();
        (0..PER_BATCH).for_each(|_| work());
        begin.elapsed().as_nanos() as f64 / f64::from(PER_BATCH)
    };
    (0..BATCHES).map(|_| batch()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let clock = SystemClock::new();
    // `black_box` hides the reference from the optimiser, so that it cannot leave out a part of the recording.
    let mut distribution = Distribution::new();
    let distribution = black_box(&mut distribution);
    let recorders = Recorders::new(1, 0, 2_000_000_000);
    let call = |n: u64| Call {
        intended: n,
        ideal: n,
        start: n + 40,
        end: n + 140,
        reply: Reply::Enqueued { waited: Some(false) },
    };
    let mut at = 0;
    let rows: [(&str, f64); 7] = [
        ("std::time::Instant::now", fastest(|| _ = black_box(Instant::now()))),
        ("the clock", fastest(|| _ = black_box(clock.now()))),
        ("the clock, fenced", fastest(|| _ = black_box(clock.now_fenced()))),
        ("one value recorded", fastest(|| distribution.record(black_box(100)))),
        (
            "two readings of Instant, one value recorded",
            fastest(|| {
                let start = Instant::now();
                distribution.record(black_box(start.elapsed().as_nanos() as u64));
            }),
        ),
        (
            "harness floor: two readings of the clock, one value recorded",
            fastest(|| {
                let start = clock.now();
                distribution.record(black_box(clock.now() - start));
            }),
        ),
        (
            "a whole call recorded: four latencies and the series, under their lock",
            fastest(|| {
                at += 100;
                recorders.with(0, |recorder| recorder.record(black_box(&call(at))));
            }),
        ),
    ];
    for (what, nanoseconds) in rows {
        println!("{nanoseconds:8.1} ns  {what}");
    }
}
