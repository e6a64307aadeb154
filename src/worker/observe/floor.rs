//! What the instrument itself costs: two readings of the clock and one recorded value.

use crate::clock::Clock;
use crate::measure::encoding::Distribution;

const BATCHES: u32 = 5;
const PER_BATCH: u32 = 4_000;

/// The cost in nanoseconds of timing one call and recording it: the fastest of a few batches. About a millisecond of
/// work. It is reported, and never subtracted from anything.
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
