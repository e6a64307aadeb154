//! Statistics of a distribution, as they stand in the report.

use super::model::{LatencySet, LatencySummary};
use crate::measure::encoding::{Distribution, WHOLE};
use crate::units::Quantile;
use crate::verdict::{Distributions, MIN_SAMPLES, has_samples};

/// Parts of [`WHOLE`] in a millionth.
const PARTS_PER_MILLIONTH: u64 = WHOLE / 1_000_000;

/// Statistics of every latency; `whole` keeps the histograms too.
pub(super) fn latency_set(distributions: &Distributions, whole: bool) -> LatencySet {
    distributions.map(|_, distribution| summary(distribution, whole))
}

/// Statistics of one distribution; `whole` keeps the histogram too.
pub(super) fn summary(distribution: &Distribution, whole: bool) -> LatencySummary {
    let count = distribution.count();
    let enough = count >= MIN_SAMPLES;
    let quantile = |quantile: Quantile| {
        let parts = u64::from(quantile.ppm()) * PARTS_PER_MILLIONTH;
        has_samples(count, parts).then(|| distribution.quantile_ns(parts)).flatten()
    };
    LatencySummary {
        count,
        mean_ns: enough.then(|| mean(distribution)),
        trimmed_mean_ns: enough.then(|| trimmed_mean(distribution)),
        stddev_ns: enough.then(|| standard_deviation(distribution)),
        min_ns: distribution.min_ns().filter(|_| enough),
        p50_ns: quantile(Quantile::P50),
        p90_ns: quantile(Quantile::P90),
        p99_ns: quantile(Quantile::P99),
        p99_9_ns: quantile(Quantile::P99_9),
        p99_99_ns: quantile(Quantile::P99_99),
        max_ns: distribution.max_ns().filter(|_| enough),
        censored: distribution.censored(),
        hdr: whole.then(|| distribution.encode_histogram().into()),
    }
}

fn mean(distribution: &Distribution) -> f64 {
    distribution.sum_ns() as f64 / distribution.count() as f64
}

/// Mean of the fastest 95 %, each value at the middle of its bucket; of the value at the cut, the share that fits.
/// Counted in twentieths of a value and half nanoseconds, so that nothing is rounded before the division.
fn trimmed_mean(distribution: &Distribution) -> f64 {
    let kept = u128::from(distribution.count()) * 19;
    let mut left = kept;
    let mut sum = 0_u128;
    for bucket in distribution.buckets() {
        let taken = left.min(u128::from(bucket.count) * 20);
        sum += taken * (u128::from(bucket.low_ns) + u128::from(bucket.high_ns));
        left -= taken;
        if left == 0 {
            break;
        }
    }
    sum as f64 / (2 * kept) as f64
}

/// Of the sample (n - 1), from the middles of the buckets: exact to a thousandth of the largest value.
fn standard_deviation(distribution: &Distribution) -> f64 {
    let count = distribution.count() as f64;
    let sum = distribution.sum_ns() as f64;
    let squares = distribution.sum_squares_ns2() - sum * (sum / count);
    (squares.max(0.0) / (count - 1.0)).sqrt()
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

    /// The fastest 95 % by sorting, a fraction of the value at the cut included.
    fn trimmed_by_sorting(values: &[u64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let kept = sorted.len() as f64 * 0.95;
        let sum: f64 =
            sorted.iter().enumerate().map(|(index, value)| (kept - index as f64).clamp(0.0, 1.0) * *value as f64).sum();
        sum / kept
    }

    fn close(a: f64, b: f64, relative: f64) -> bool {
        (a - b).abs() <= relative * a.abs().max(b.abs()) + 1e-9
    }

    proptest! {
        #[test]
        fn trimmed_mean_equals_sorting(values in prop::collection::vec(0_u64..2_000, 10..300)) {
            prop_assert!(close(trimmed_mean(&of(&values)), trimmed_by_sorting(&values), 1e-12));
        }

        #[test]
        fn trimmed_mean_of_large_values_is_exact_to_the_bucket(
            values in prop::collection::vec(0_u64..10_000_000_000, 10..300),
        ) {
            prop_assert!(close(trimmed_mean(&of(&values)), trimmed_by_sorting(&values), 1e-3));
        }

        #[test]
        fn deviation_equals_its_definition_to_the_bucket(values in prop::collection::vec(0_u64..1_000_000, 10..300)) {
            let mean = values.iter().sum::<u64>() as f64 / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (*value as f64 - mean).powi(2)).sum();
            let expected = (squares / (values.len() - 1) as f64).sqrt();
            let widest = values.iter().max().copied().unwrap_or(0) as f64 / 1_000.0;
            prop_assert!((standard_deviation(&of(&values)) - expected).abs() <= widest + 1e-6);
        }
    }

    #[test]
    fn a_mean_of_nanoseconds_keeps_its_fraction() {
        let values: Vec<u64> = (0..10).map(|n| if n < 6 { 11 } else { 12 }).collect();
        assert_eq!(summary(&of(&values), false).mean_ns, Some(11.4));
    }

    #[test]
    fn the_slowest_twentieth_does_not_move_the_trimmed_mean() {
        let mut values = vec![100; 95];
        values.extend([1_000_000; 5]);
        assert_eq!(summary(&of(&values), false).trimmed_mean_ns, Some(100.0));
    }

    #[test]
    fn what_has_too_few_samples_is_null() {
        let nine = summary(&of(&[7; 9]), false);
        assert_eq!((nine.count, nine.mean_ns, nine.trimmed_mean_ns, nine.stddev_ns), (9, None, None, None));
        assert_eq!((nine.min_ns, nine.p50_ns, nine.max_ns), (None, None, None));
        let ten = summary(&of(&[7; 10]), false);
        assert_eq!((ten.mean_ns, ten.min_ns, ten.max_ns, ten.p50_ns), (Some(7.0), Some(7), Some(7), None));
        let thousand = summary(&of(&[7; 1_000]), true);
        assert_eq!((thousand.p99_ns, thousand.p99_9_ns), (Some(7), None));
        assert!(thousand.hdr.is_some());
    }
}
