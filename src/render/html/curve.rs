//! A latency by percentile, from its histogram.

use super::axis::nines;
use crate::measure::encoding::histogram_buckets;
use crate::report::LatencySummary;
use crate::untrusted::Untrusted;

/// Values that must lie above a quantile before it is drawn, as with the statistics in the tables.
const ABOVE: f64 = 10.0;

/// A distribution as a curve: (number of nines, nanoseconds).
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Curve {
    /// From the smallest value to the last quantile that has enough values above it.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// At most `most` points of a distribution, evenly spread over the axis; empty if there are too few values or the
    /// histogram cannot be read.
    pub fn of(latency: &LatencySummary, most: u32) -> Self {
        let count = latency.count as f64;
        let text = latency.hdr.as_ref().map_or("", Untrusted::as_given);
        if count <= ABOVE || text.is_empty() {
            return Self::default();
        }
        let Ok(buckets) = histogram_buckets(text, latency.count) else {
            return Self::default();
        };
        let last = nines(1.0 - ABOVE / count);
        let mut points = Vec::new();
        let mut buckets = buckets.iter();
        let (mut below, mut value) = (0_u64, 0_u64);
        for index in 0..most {
            let at = last * f64::from(index) / f64::from(most - 1);
            let rank = ((1.0 - 10_f64.powf(-at)) * count).ceil().clamp(1.0, count);
            while (below as f64) < rank {
                let Some(bucket) = buckets.next() else { break };
                below += bucket.count;
                value = bucket.high_ns.min(latency.max_ns.unwrap_or(u64::MAX));
            }
            points.push((at, value as f64));
        }
        Self { points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::of;

    fn summary(values: impl Iterator<Item = u64>) -> LatencySummary {
        let latency = of(values);
        LatencySummary {
            count: latency.count,
            max_ns: latency.max_ns,
            hdr: Some(latency.hdr.into()),
            ..Default::default()
        }
    }

    #[test]
    fn a_curve_ends_where_ten_values_lie_above_it() {
        let curve = Curve::of(&summary(1..=1_000), 41);
        assert_eq!(curve.points.len(), 41);
        for (index, nines, ns) in [(0, 0.0, 1.0), (20, 1.0, 900.0), (40, 2.0, 990.0)] {
            let (at, value) = curve.points[index];
            assert!((at - nines).abs() < 1e-9 && value == ns, "{at} {value}");
        }
        assert!(curve.points.is_sorted_by(|a, b| a.1 <= b.1));
    }

    #[test]
    fn without_values_or_with_a_broken_histogram_there_is_none() {
        assert_eq!(Curve::of(&summary(1..=10), 40), Curve::default());
        let broken = LatencySummary { hdr: Some("no histogram".into()), ..summary(1..=100) };
        assert_eq!(Curve::of(&broken, 40), Curve::default());
        assert_eq!(Curve::of(&LatencySummary { count: 100, ..Default::default() }, 40), Curve::default());
    }
}
