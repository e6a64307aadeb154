//! How strict each test of a family must be, what it can then find, and how many repeats that takes.

use super::{normal, rank};

/// Share of alpha that belongs to the one test of the whole report, that of stalls. As one among the tests of all cases it
/// would find a stall once in 10 s in only half of all reports on nine cases. The tests of cases can spare this much: ten
/// repeats reach far below what is left to each of them.
pub(super) const STALLS: f64 = 1.0 / 3.0;

/// Largest number of repeats that a scenario can ask for.
pub(super) const MOST_REPEATS: u64 = 1_000;

/// Chance with which a change is to be found that is large enough.
const POWER: f64 = 0.9;

/// The error rate of a family of tests, and how many tests share it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    /// The family-wise error rate of the whole report.
    pub(super) alpha: f64,
    /// Number of tests in this family.
    pub(super) family: usize,
    /// The part of alpha that belongs to this family.
    share: f64,
}

impl Level {
    /// The tests of cases in a gate: the test of stalls takes its share of alpha first.
    pub(super) const fn beside_stalls(alpha: f64, family: usize) -> Self {
        Self { alpha, family, share: 1.0 - STALLS }
    }

    /// Tests that have all of alpha.
    pub(super) const fn alone(alpha: f64, family: usize) -> Self {
        Self { alpha, family, share: 1.0 }
    }

    /// The largest p-value with which the strictest single test of the family is significant.
    pub(super) fn each(self) -> f64 {
        self.alpha * self.share / self.family.max(1) as f64
    }

    /// A p-value adjusted for all tests (Bonferroni): significant if it is at most alpha.
    pub(super) fn bonferroni(self, chance: f64) -> f64 {
        (chance * self.family.max(1) as f64 / self.share).min(1.0)
    }

    /// P-values adjusted for all tests, in the same order (Holm 1979): significant if they are at most alpha.
    pub(super) fn holm(self, chances: &[f64]) -> Vec<f64> {
        holm(chances, self.family).into_iter().map(|chance| (chance / self.share).min(1.0)).collect()
    }

    /// Whether a test of this many repeats could ever be significant.
    pub(super) fn can_be_met(self, base: usize, new: usize) -> bool {
        rank::smallest_p(base as u64, new as u64) <= self.each()
    }

    /// The smallest number of repeats on each side with which a test can be significant at all; `None` if a scenario
    /// cannot ask for that many. `base` is the number that the baseline already has.
    pub(super) fn fewest_repeats(self, base: Option<u64>) -> Option<u64> {
        let each = self.each();
        (1..=MOST_REPEATS).find(|repeats| rank::smallest_p(base.unwrap_or(*repeats), *repeats) <= each)
    }

    /// The size of a shift, in standard errors, that the test finds in nine of ten gates.
    pub(super) fn found_at(self) -> f64 {
        normal::quantile(1.0 - self.each()) + normal::quantile(POWER)
    }

    /// Logarithm of the slow-down that nine of ten gates find. It must pass the test and exceed a threshold, which is
    /// given as a share.
    pub(super) fn detectable(self, standard_error: f64, threshold: f64) -> f64 {
        let by_threshold = threshold.ln_1p() + normal::quantile(POWER) * standard_error;
        by_threshold.max(self.found_at() * standard_error)
    }

    /// The number of repeats on each side with which nine of ten gates find a slow-down, given as a share, if single
    /// repeats have this spread: n = 2 ((z_alpha/m + z_beta) spread / ln(1 + slowdown))², and at least what a test needs.
    pub(super) fn repeats_at(self, spread: f64, slowdown: f64) -> Option<u64> {
        let repeats = (2.0 * (self.found_at() * spread / slowdown.ln_1p()).powi(2)).ceil();
        let repeats = (repeats <= MOST_REPEATS as f64).then_some(repeats as u64)?;
        Some(repeats.max(self.fewest_repeats(None)?))
    }
}

/// P-values adjusted for their number (Holm 1979): if those that are at most alpha afterwards are called significant,
/// the family-wise error rate is at most alpha. The family may be larger than what is adjusted: it then counts as if the
/// tests that are left out were the least significant ones.
fn holm(chances: &[f64], family: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let mut adjusted = vec![1.0; chances.len()];
    let mut largest = 0.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        let left = (chances.len().max(family) - place) as f64;
        // Never below the adjusted value of a smaller p-value: Holm stops at the first test that is not significant.
        largest = largest.max((chances[index] * left).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: Level = Level::alone(0.01, 2);

    #[test]
    fn holm_by_hand() {
        for (chances, adjusted) in [
            (vec![], vec![]),
            (vec![0.01], vec![0.01]),
            (vec![0.01, 0.04, 0.03, 0.005], vec![0.03, 0.06, 0.06, 0.02]),
            (vec![0.5, 0.9], vec![1.0, 1.0]),
        ] {
            let got = holm(&chances, chances.len());
            assert!(got.iter().zip(&adjusted).all(|(a, b): (&f64, &f64)| (a - b).abs() < 1e-12), "{got:?}");
            assert_eq!(got.len(), adjusted.len());
        }
    }

    #[test]
    fn holm_in_a_larger_family_is_stricter() {
        let got = holm(&[0.001, 0.01], 10);
        assert!((got[0] - 0.01).abs() < 1e-12 && (got[1] - 0.09).abs() < 1e-12, "{got:?}");
    }

    proptest! {
        #[test]
        fn holm_lies_between_one_test_and_all(chances in prop::collection::vec(0.0_f64..1.0, 1..20)) {
            let count = chances.len() as f64;
            for (raw, adjusted) in chances.iter().zip(holm(&chances, 0)) {
                prop_assert!(*raw <= adjusted && adjusted <= (raw * count).min(1.0).max(*chances.iter().max_by(|a, b| a.total_cmp(b)).unwrap()));
            }
        }

        /// Adjusting the p-value or the level gives the same decision.
        #[test]
        fn a_share_of_alpha_makes_every_test_as_much_stricter(chance in 0.0_f64..0.001, family in 1_usize..1_000) {
            let beside = Level::beside_stalls(0.01, family);
            prop_assert_eq!(beside.bonferroni(chance) < 0.01, chance < beside.each());
            prop_assert!((beside.each() / Level::alone(0.01, family).each() - (1.0 - STALLS)).abs() < 1e-12);
            prop_assert_eq!(beside.holm(&[chance]), vec![beside.bonferroni(chance)]);
        }
    }

    #[test]
    fn five_against_five_are_enough_for_two_tests_and_not_for_three() {
        assert!(TWO.can_be_met(5, 5) && !TWO.can_be_met(4, 5));
        assert!(!Level::alone(0.01, 3).can_be_met(5, 5));
        assert!(!Level::beside_stalls(0.01, 2).can_be_met(5, 5));
        assert_eq!(TWO.fewest_repeats(None), Some(5));
        assert_eq!(TWO.fewest_repeats(Some(5)), Some(5));
        assert_eq!(TWO.fewest_repeats(Some(2)), Some(19), "at best p = 2 / ((n + 1) (n + 2))");
        assert_eq!(Level::alone(0.01, 1_000).fewest_repeats(None), Some(10));
    }

    #[test]
    fn ten_against_ten_find_twice_the_least_effect_up_to_a_spread_of_eleven_percent() {
        let finds = |spread: f64| TWO.detectable(spread * (2.0_f64 / 10.0).sqrt(), 0.1) <= 2.0 * 0.1_f64.ln_1p();
        assert!(finds(0.09) && finds(0.11) && !finds(0.115) && !finds(0.15));
    }

    #[test]
    fn the_number_of_repeats_follows_the_formula() {
        // 2 ((2.5758 + 1.2816) 0.15 / ln 1.2)² = 20.15
        assert_eq!(TWO.repeats_at(0.15, 0.2), Some(21));
        assert_eq!(TWO.repeats_at(0.01, 0.2), Some(5), "never fewer than the test needs");
        assert_eq!(TWO.repeats_at(2.0, 0.2), None, "more than can be asked for");
    }
}
