//! How many calls of a repeat were slower than each of a few fixed bounds: as much of a distribution as a comparison of
//! tails needs, repeat by repeat.

use crate::measure::encoding::Distribution;
use crate::units::Nanos;

/// Bounds lie at quarters of an octave from here on, in nanoseconds.
const FIRST_OCTAVE: u32 = 3;
/// Up to about 70 s.
const LAST_OCTAVE: u32 = 36;
/// 2 to the power of 0, 1/4, 2/4 and 3/4.
const QUARTERS: [f64; 4] = [1.0, 1.189_207_115_002_721, std::f64::consts::SQRT_2, 1.681_792_830_507_429];

/// The fixed bounds in nanoseconds, ascending.
fn grid() -> impl Iterator<Item = u64> {
    let quarters = |octave: u32| QUARTERS.map(|factor| (factor * (1_u64 << octave) as f64).round() as u64);
    (FIRST_OCTAVE..=LAST_OCTAVE).flat_map(quarters)
}

/// The smallest fixed bound from a time on; `None` beyond the largest.
#[must_use]
pub fn bound_from(ns: u64) -> Option<u64> {
    grid().find(|bound| *bound >= ns)
}

/// Pairs of a bound in nanoseconds and how many calls took longer, ascending: at the fixed bounds and at the target's.
///
/// Bounds at which the count does not change are left out: what is not there has the count of the bound before it, and
/// before the first all calls are slower. A value counts as longer when its bucket (0.1 % wide) lies above the bound.
pub(super) fn slow_calls(distribution: &Distribution, target: Nanos) -> Vec<(u64, u64)> {
    let mut bounds: Vec<u64> = grid().chain([target.0]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let mut over = distribution.count();
    let mut buckets = distribution.buckets().peekable();
    let mut pairs = Vec::new();
    for bound in bounds {
        let before = over;
        while let Some(bucket) = buckets.next_if(|bucket| bucket.low_ns <= bound) {
            over -= bucket.count;
        }
        if over != before {
            pairs.push((bound, over));
        }
    }
    pairs
}

/// Reads how many of `all` calls took longer than a bound that is a fixed one or the target's.
#[must_use]
pub fn calls_over(pairs: &[(u64, u64)], all: u64, bound: u64) -> u64 {
    pairs.iter().take_while(|(at, _)| *at <= bound).last().map_or(all, |(_, over)| *over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Distribution {
        let mut distribution = Distribution::new();
        values.iter().for_each(|value| distribution.record(*value));
        distribution
    }

    #[test]
    fn bounds_are_a_quarter_of_an_octave_apart() {
        let bounds: Vec<u64> = grid().collect();
        assert_eq!((bounds[0], *bounds.last().unwrap()), (8, 115_571_923_291));
        assert!(bounds.windows(2).all(|pair| pair[0] < pair[1] && pair[1] as f64 / (pair[0] as f64) < 1.3));
        assert_eq!((bound_from(1_000), bound_from(1_024), bound_from(1_025)), (Some(1_024), Some(1_024), Some(1_218)));
        assert_eq!(bound_from(u64::MAX), None);
    }

    #[test]
    fn what_does_not_change_is_left_out() {
        let mut values = vec![100; 96];
        values.extend([1_000_000; 4]);
        let pairs = slow_calls(&of(&values), Nanos::from_micros(100));
        assert_eq!(pairs, [(108, 4), (1_048_576, 0)]);
        for (bound, over) in [(8, 100), (91, 100), (108, 4), (100_000, 4), (1_048_576, 0), (1 << 36, 0)] {
            assert_eq!(calls_over(&pairs, 100, bound), over, "{bound}");
        }
        assert_eq!((slow_calls(&of(&[]), Nanos(1)), calls_over(&[], 0, 8)), (vec![], 0));
    }

    proptest! {
        #[test]
        fn counts_are_those_of_counting(
            values in prop::collection::vec(0_u64..2_000, 0..200),
            target in 1_u64..2_000,
        ) {
            let pairs = slow_calls(&of(&values), Nanos(target));
            for bound in grid().take_while(|bound| *bound < 4_000).chain([target]) {
                let counted = values.iter().filter(|value| **value > bound).count() as u64;
                prop_assert_eq!(calls_over(&pairs, values.len() as u64, bound), counted);
            }
        }
    }
}
