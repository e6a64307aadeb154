//! Measures the cost of the instrument itself: two readings of the clock and one recorded value.

use crate::clock::Clock;
use crate::measure::encoding::Distribution;

const BATCHES: u32 = 5;
const PER_BATCH: u32 = 4_000;

/// The cost of timing one call and recording it, in nanoseconds: the mean of the fastest of a few batches. Takes about
/// 1 ms. The value is reported, and never subtracted from anything.
pub fn measure(clock: &impl Clock) -> f64 {
    let mut distribution = Distribution::new();
    let mut batch = || {
        let begin = clock.now();
        for _ in 0..PER_BATCH {
            let start = clock.now();
            distribution.record(clock.now() - start);
        }
        (clock.now() - begin) as f64 / f64::from(PER_BATCH)
    };
    (0..BATCHES).map(|_| batch()).fold(f64::INFINITY, f64::min)
}
