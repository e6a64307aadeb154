//! The exact rank-sum test (Wilcoxon, Mann and Whitney), and the shift that belongs to it (Hodges and Lehmann).
//!
//! Neither assumes a distribution. If the code did not change, every split of the repeats into the two sides is equally
//! likely, and the test counts the splits. Ties get their midranks, and the splits of these midranks are counted, so
//! the test is exact with ties, too.

use super::normal;
use std::collections::HashMap;

/// Up to this many repeats on both sides together, the splits are counted. The work grows with the fourth power of
/// their number, so beyond it the normal approximation is used, which is accurate there.
const MOST_COUNTED: usize = 60;
/// Number of distributions that are cached. All cases without ties share one; reports full of ties must not fill the
/// memory.
const MOST_KEPT: usize = 256;

/// P-values: the probability of a rank sum at least as extreme if both sides came from one distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RankTest {
    /// For larger new values.
    pub(super) p_larger: f64,
    /// For smaller new values.
    pub(super) p_smaller: f64,
}

/// How far the new values lie above those of the base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shift {
    /// Median of all differences, new minus base.
    pub(super) estimate: f64,
    /// Its confidence interval, and the standard error that follows from the width; `None` if there are too few values
    /// for such an interval.
    pub(super) interval: Option<Interval>,
}

/// An interval that misses the true value on each side with at most the requested probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Half of its width divided by Student's quantile for its coverage.
    pub(super) standard_error: f64,
}

/// The test, with a cache of the distributions that it has counted.
#[derive(Debug, Default)]
pub(super) struct RankTests {
    /// By the midranks and the number of new values among them.
    kept: HashMap<(Vec<u32>, usize), Tails>,
    /// By the number of values on each side and the bits of the tail probability.
    cuts: HashMap<(usize, usize, u64), Option<(usize, f64)>>,
}

/// For each doubled rank sum, the share of the splits with at least, and with at most, that sum.
#[derive(Clone, Debug)]
struct Tails {
    at_least: Vec<f64>,
    at_most: Vec<f64>,
}

impl RankTests {
    /// Tests whether the new values are larger or smaller than those of the base. If a side has no values, both
    /// p-values are 1.
    pub(super) fn test(&mut self, base: &[f64], new: &[f64]) -> RankTest {
        if base.is_empty() || new.is_empty() {
            return RankTest { p_larger: 1.0, p_smaller: 1.0 };
        }
        let (ranks, sum) = doubled_midranks(base, new);
        if ranks.len() > MOST_COUNTED {
            return approximate(&ranks, sum, new.len());
        }
        let tails = self.tails(ranks, new.len());
        let place = sum as usize;
        RankTest { p_larger: tails.at_least[place], p_smaller: tails.at_most[place] }
    }

    /// The shift between the two sides, with an interval that misses the true value on each side with probability
    /// `tail`.
    pub(super) fn shift(&mut self, base: &[f64], new: &[f64], tail: f64) -> Option<Shift> {
        let mut differences: Vec<f64> = base.iter().flat_map(|b| new.iter().map(move |n| n - b)).collect();
        differences.sort_unstable_by(f64::total_cmp);
        let estimate = median(&differences)?;
        let interval = self.kept_cut(base.len(), new.len(), tail).map(|(outside, quantile)| {
            let (low, high) = (differences[outside], differences[differences.len() - 1 - outside]);
            Interval { low, high, standard_error: (high - low) / (2.0 * quantile) }
        });
        Some(Shift { estimate, interval })
    }

    /// The number of differences outside the interval on each side, and Student's quantile for its coverage.
    fn kept_cut(&mut self, base: usize, new: usize, tail: f64) -> Option<(usize, f64)> {
        let key = (base, new, tail.to_bits());
        if let Some(kept) = self.cuts.get(&key) {
            return *kept;
        }
        let cut = self.cut(base, new, tail);
        let cut = cut.map(|(outside, tail)| (outside, normal::student_quantile(tail, base + new - 2)));
        self.cuts.insert(key, cut);
        cut
    }

    /// The number of differences outside the interval on each side, and the probability of each side.
    fn cut(&mut self, base: usize, new: usize, tail: f64) -> Option<(usize, f64)> {
        if base == 0 || new == 0 {
            return None;
        }
        if base + new > MOST_COUNTED {
            let (n, m) = (base as f64, new as f64);
            let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
            let outside = (n * m / 2.0 - 0.5 - normal::quantile(1.0 - tail) * deviation).floor();
            return (outside >= 0.0).then_some((outside as usize, tail));
        }
        let ranks: Vec<u32> = (1..=(base + new) as u32).map(|rank| 2 * rank).collect();
        let tails = self.tails(ranks, new);
        // Smallest sum of ranks: 1 + 2 + … + new; doubled.
        let least = new * (new + 1);
        let below = |outside: usize| tails.at_most.get(least + 2 * outside).copied().filter(|p| *p <= tail);
        let outside = (0..=base * new / 2).take_while(|outside| below(*outside).is_some()).last()?;
        Some((outside, below(outside)?))
    }

    fn tails(&mut self, ranks: Vec<u32>, chosen: usize) -> &Tails {
        if self.kept.len() >= MOST_KEPT {
            self.kept.clear();
        }
        self.kept.entry((ranks, chosen)).or_insert_with_key(|(ranks, chosen)| Tails::count(ranks, *chosen))
    }
}

impl Tails {
    /// Counts the ways to choose `chosen` of the ranks, by their sum.
    fn count(ranks: &[u32], chosen: usize) -> Self {
        let most: usize = ranks.iter().map(|rank| *rank as usize).sum();
        let mut ways = vec![vec![0.0_f64; most + 1]; chosen + 1];
        ways[0][0] = 1.0;
        let mut reached = 0;
        for (index, rank) in ranks.iter().map(|rank| *rank as usize).enumerate() {
            reached += rank;
            // Largest size first: `ways[size - 1]` must not contain this rank yet, or it would be chosen twice.
            for size in (1..=chosen.min(index + 1)).rev() {
                let (smaller, larger) = ways.split_at_mut(size);
                let from = &smaller[size - 1][..=reached - rank];
                larger[0][rank..=reached].iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
        }
        let ways = &ways[chosen];
        let all: f64 = ways.iter().sum();
        // Each tail is summed from its own end. One minus the other tail would lose small p-values to rounding.
        let mut sum = 0.0;
        let mut add = |ways: &f64| {
            sum += ways;
            (sum / all).min(1.0)
        };
        let at_most: Vec<f64> = ways.iter().map(&mut add).collect();
        sum = 0.0;
        let mut at_least: Vec<f64> = ways
            .iter()
            .rev()
            .map(|ways| {
                sum += ways;
                (sum / all).min(1.0)
            })
            .collect();
        at_least.reverse();
        Self { at_least, at_most }
    }
}

/// The p-value of complete separation, which is the smallest for this many repeats: one divided by the number of
/// splits.
pub(super) fn smallest_p(base: u64, new: u64) -> f64 {
    (1..=new).fold(1.0, |p, k| p * k as f64 / (base + k) as f64)
}

/// Twice the midrank of every value, in order, and the sum over the new values. Doubled midranks are whole numbers and
/// can index a table.
fn doubled_midranks(base: &[f64], new: &[f64]) -> (Vec<u32>, u64) {
    let mut all: Vec<(f64, bool)> =
        base.iter().map(|value| (*value, false)).chain(new.iter().map(|value| (*value, true))).collect();
    // No value is NaN, since no report can have one: it would equal nothing, itself included, and tie with nothing.
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut sum) = (Vec::with_capacity(all.len()), 0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let first = ranks.len() as u32 + 1;
        let doubled = 2 * first + tied.len() as u32 - 1;
        sum += tied.iter().filter(|(_, is_new)| *is_new).count() as u64 * u64::from(doubled);
        ranks.extend(tied.iter().map(|_| doubled));
    }
    (ranks, sum)
}

/// The normal approximation, with the variance of the actual midranks and a continuity correction of half a rank.
fn approximate(ranks: &[u32], sum: u64, new: usize) -> RankTest {
    let (all, new) = (ranks.len() as f64, new as f64);
    let mean = ranks.iter().map(|rank| f64::from(*rank)).sum::<f64>() / all;
    let variance = ranks.iter().map(|rank| (f64::from(*rank) - mean).powi(2)).sum::<f64>() / (all - 1.0);
    let deviation = (variance * new * (all - new) / all).sqrt();
    if deviation == 0.0 {
        return RankTest { p_larger: 1.0, p_smaller: 1.0 };
    }
    let above = sum as f64 - new * mean;
    RankTest {
        p_larger: normal::upper_tail((above - 1.0) / deviation),
        p_smaller: normal::upper_tail((-above - 1.0) / deviation),
    }
}

/// The median of sorted values.
pub(super) fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By trying every split, on plain comparisons of values.
    fn by_enumeration(base: &[f64], new: &[f64]) -> RankTest {
        let all: Vec<f64> = base.iter().chain(new).copied().collect();
        let wins = |chosen: &dyn Fn(usize) -> bool| {
            let mut twice = 0;
            for (i, a) in all.iter().enumerate().filter(|(i, _)| chosen(*i)) {
                for (_, b) in all.iter().enumerate().filter(|(j, _)| !chosen(*j) && *j != i) {
                    twice += if a > b { 2 } else { i32::from(a == b) };
                }
            }
            twice
        };
        let observed = wins(&|i| i >= base.len());
        let (mut splits, mut larger, mut smaller) = (0.0, 0.0, 0.0);
        for mask in 0_u32..1 << all.len() {
            if mask.count_ones() as usize == new.len() {
                let seen = wins(&|i| mask >> i & 1 == 1);
                splits += 1.0;
                larger += f64::from(u8::from(seen >= observed));
                smaller += f64::from(u8::from(seen <= observed));
            }
        }
        RankTest { p_larger: larger / splits, p_smaller: smaller / splits }
    }

    proptest! {
        #[test]
        fn the_test_counts_the_splits(
            base in prop::collection::vec(0_u8..6, 1..5),
            new in prop::collection::vec(0_u8..6, 1..5),
        ) {
            let floats = |values: &[u8]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
            let (base, new) = (floats(&base), floats(&new));
            let (got, expected) = (RankTests::default().test(&base, &new), by_enumeration(&base, &new));
            prop_assert!((got.p_larger - expected.p_larger).abs() < 1e-12, "{got:?} {expected:?}");
            prop_assert!((got.p_smaller - expected.p_smaller).abs() < 1e-12, "{got:?} {expected:?}");
        }

        #[test]
        fn the_sides_mirror_each_other(
            base in prop::collection::vec(0.0_f64..10.0, 1..12),
            new in prop::collection::vec(0.0_f64..10.0, 1..12),
        ) {
            let mut tests = RankTests::default();
            let (one, other) = (tests.test(&base, &new), tests.test(&new, &base));
            prop_assert!((one.p_larger - other.p_smaller).abs() < 1e-12);
            let (one, other) = (tests.shift(&base, &new, 0.025).unwrap(), tests.shift(&new, &base, 0.025).unwrap());
            prop_assert!((one.estimate + other.estimate).abs() < 1e-9);
            prop_assert_eq!(one.interval.is_some(), other.interval.is_some());
        }
    }

    fn numbers(from: usize, to: usize) -> Vec<f64> {
        (from..to).map(|n| n as f64).collect()
    }

    #[test]
    fn complete_separation_has_the_smallest_p_value() {
        for (base, new, p) in [(10, 10, 1.0 / 184_756.0), (5, 5, 1.0 / 252.0), (3, 7, 1.0 / 120.0), (1, 1, 0.5)] {
            let test = RankTests::default().test(&numbers(0, base), &numbers(base, base + new));
            assert!((test.p_larger / p - 1.0).abs() < 1e-9, "{base} {new}: {test:?}");
            assert!((smallest_p(base as u64, new as u64) / p - 1.0).abs() < 1e-9);
            assert_eq!(test.p_smaller, 1.0);
        }
    }

    /// Tabled critical values of U for a tail of 2.5 %: 2 at 5 against 5, 23 at 10 against 10, 127 at 20 against 20.
    #[test]
    fn intervals_follow_the_tables() {
        let mut tests = RankTests::default();
        for (each, critical) in [(5, 2), (10, 23), (20, 127)] {
            assert_eq!(tests.cut(each, each, 0.025).unwrap().0, critical, "{each}");
        }
        assert_eq!(tests.cut(3, 3, 0.025), None, "20 splits have no tail of 2.5 %");
        let many = tests.cut(31, 31, 0.025).unwrap().0;
        let counted = {
            let ranks: Vec<u32> = (1..=62).map(|rank| 2 * rank).collect();
            let tails = Tails::count(&ranks, 31);
            (0..480).take_while(|outside| tails.at_most[31 * 32 + 2 * outside] <= 0.025).last().unwrap()
        };
        assert!(many.abs_diff(counted) <= 1, "{many} {counted}");
    }

    #[test]
    fn the_approximation_meets_the_count_where_it_takes_over() {
        let base = numbers(0, 30);
        let new: Vec<f64> = numbers(0, 30).iter().map(|n| n + 6.5).collect();
        let exact = RankTests::default().test(&base, &new);
        let (ranks, sum) = doubled_midranks(&base, &new);
        let approximate = approximate(&ranks, sum, new.len());
        assert!((approximate.p_larger / exact.p_larger - 1.0).abs() < 0.1, "{exact:?} {approximate:?}");
    }

    #[test]
    fn one_side_alone_proves_nothing() {
        let mut tests = RankTests::default();
        assert_eq!(tests.test(&[], &[1.0]), RankTest { p_larger: 1.0, p_smaller: 1.0 });
        assert_eq!(tests.shift(&[], &[1.0], 0.025), None);
        assert_eq!(tests.test(&[2.0; 10], &[2.0; 10]), RankTest { p_larger: 1.0, p_smaller: 1.0 });
    }
}
