//! Statistics of a distribution: exact if possible, and only with enough samples.

use crate::measure::encoding::{Distribution, WHOLE};
use crate::scenario::{Comparison, Statistic};
use crate::units::Quantile;
use std::cmp::Ordering;

/// Number of values that a statistic needs: in all for a mean or an extreme, above it for a quantile.
pub const MIN_SAMPLES: u64 = 10;

/// Whether `count` values are enough for a quantile given in parts of [`WHOLE`].
#[must_use]
pub fn has_samples(count: u64, parts: u64) -> bool {
    let above = u128::from(count) * u128::from(WHOLE.saturating_sub(parts));
    above >= u128::from(MIN_SAMPLES) * u128::from(WHOLE)
}

/// A quantile in parts of [`WHOLE`].
pub(super) fn parts(quantile: Quantile) -> u64 {
    u64::from(quantile.ppm()) * (WHOLE / 1_000_000)
}

/// An observed time as an exact fraction, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    numerator: u128,
    denominator: u64,
}

impl Exact {
    pub(super) fn ns(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    fn order(self, limit_ns: u64) -> Ordering {
        self.numerator.cmp(&(u128::from(limit_ns) * u128::from(self.denominator)))
    }
}

/// What is known about a statistic: its true value lies between the two bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// With every censored value at its lower bound.
    pub(super) low: Exact,
    /// With every censored value at infinity; `None` is infinite.
    pub(super) high: Option<Exact>,
}

/// Whether a comparison holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Holds,
    Breaks,
    Undecided,
}

/// The statistic; `None` with too few samples.
pub(super) fn observe(distribution: &Distribution, statistic: Statistic) -> Option<Bounds> {
    let count = distribution.count();
    let enough = match statistic {
        Statistic::Mean | Statistic::Max => count >= MIN_SAMPLES,
        Statistic::Quantile(quantile) => has_samples(count, parts(quantile)),
    };
    if !enough {
        return None;
    }
    let whole = |ns: u64| Exact { numerator: u128::from(ns), denominator: 1 };
    let low = match statistic {
        Statistic::Mean => Exact { numerator: distribution.sum_ns(), denominator: count },
        Statistic::Max => whole(distribution.max_ns()?),
        Statistic::Quantile(quantile) => whole(distribution.quantile_ns(parts(quantile))?),
    };
    let high = match (distribution.censored(), statistic) {
        (0, _) => Some(low),
        (_, Statistic::Mean | Statistic::Max) => None,
        // It is not known which of the values are the censored ones. At worst they are the smallest ones: if they move
        // to infinity, every rank moves up by their number.
        (censored, Statistic::Quantile(quantile)) => {
            distribution.value_at_rank(distribution.rank_of(parts(quantile)) + censored).map(whole)
        }
    };
    Some(Bounds { low, high })
}

/// Whether the comparison holds for every true value between the bounds.
pub(super) fn compare(bounds: Bounds, comparison: Comparison, limit_ns: u64) -> Answer {
    let low = bounds.low.order(limit_ns);
    let high = bounds.high.map_or(Ordering::Greater, |high| high.order(limit_ns));
    let (at_low, at_high) = (comparison.holds(&low, &Ordering::Equal), comparison.holds(&high, &Ordering::Equal));
    let between = low != high && low != Ordering::Greater;
    match comparison {
        // An equality may hold between the bounds although it holds at neither of them.
        Comparison::Equal | Comparison::NotEqual if between => Answer::Undecided,
        _ if at_low && at_high => Answer::Holds,
        _ if !at_low && !at_high => Answer::Breaks,
        _ => Answer::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P50: Statistic = Statistic::Quantile(Quantile::P50);
    const P99: Statistic = Statistic::Quantile(Quantile::P99);

    fn of(values: impl IntoIterator<Item = u64>, censored: &[u64]) -> Distribution {
        let mut distribution = Distribution::new();
        values.into_iter().for_each(|value| distribution.record(value));
        censored.iter().for_each(|value| distribution.record_censored(*value));
        distribution
    }

    #[test]
    fn a_statistic_needs_its_samples() {
        for (count, statistic, known) in [
            (9, Statistic::Mean, false),
            (10, Statistic::Mean, true),
            (9, Statistic::Max, false),
            (10, Statistic::Max, true),
            (19, P50, false),
            (20, P50, true),
            (999, P99, false),
            (1_000, P99, true),
            (99_999, Statistic::Quantile(Quantile::P99_99), false),
            (100_000, Statistic::Quantile(Quantile::P99_99), true),
        ] {
            let observed = observe(&of(0..count, &[]), statistic);
            assert_eq!(observed.is_some(), known, "{count} {statistic:?}");
        }
    }

    #[test]
    fn a_mean_is_compared_without_rounding() {
        let mut just_under = vec![100; 999];
        just_under.push(99);
        let mean = observe(&of(just_under, &[]), Statistic::Mean).unwrap();
        assert_eq!(compare(mean, Comparison::Less, 100), Answer::Holds);
        let exactly = observe(&of([100; 1_000], &[]), Statistic::Mean).unwrap();
        assert_eq!(compare(exactly, Comparison::Less, 100), Answer::Breaks);
        assert_eq!(compare(exactly, Comparison::LessEqual, 100), Answer::Holds);
    }

    #[test]
    fn censored_values_are_lower_bounds() {
        use Answer::{Breaks, Holds, Undecided};
        use Comparison::{Equal, Greater, Less, NotEqual};
        // 100 values: 1 to 95, and five censored ones of 96 to 100.
        let cut = of(1..=95, &[96, 97, 98, 99, 100]);
        for (statistic, comparison, limit, answer) in [
            (Statistic::Mean, Less, 50, Breaks),
            (Statistic::Mean, Less, 51, Undecided),
            (Statistic::Mean, Greater, 50, Holds),
            (Statistic::Mean, Greater, 51, Undecided),
            (Statistic::Max, Less, 100, Breaks),
            (Statistic::Max, Less, 1_000, Undecided),
            (P50, Less, 50, Breaks),
            (P50, Less, 55, Undecided),
            (P50, Less, 56, Holds),
            (P50, Greater, 49, Holds),
            (P50, Greater, 60, Breaks),
            (P50, Equal, 52, Undecided),
            (P50, Equal, 49, Breaks),
            (P50, Equal, 56, Breaks),
            (P50, NotEqual, 52, Undecided),
            (P50, NotEqual, 49, Holds),
        ] {
            let bounds = observe(&cut, statistic).unwrap();
            assert_eq!(compare(bounds, comparison, limit), answer, "{statistic:?} {comparison:?} {limit}");
        }
    }
}
