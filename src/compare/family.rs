//! Many tests at once: Holm's method, and how many repeats a test needs.

use super::normal;
use super::rank;

/// Chance with which a change is to be found that is large enough.
const POWER: f64 = 0.9;
/// Most repeats that a scenario can ask for.
const MOST_REPEATS: u64 = 1_000;

/// Chances adjusted for how many there are (Holm 1979): one that is at most alpha afterwards may be believed, and any
/// false alarm among all has at most the chance alpha.
pub(super) fn holm(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let mut adjusted = vec![1.0; chances.len()];
    let mut largest = 0.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        let left = (chances.len() - place) as f64;
        largest = largest.max((chances[index] * left).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

/// What a family asks of its tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Demand {
    /// Chance of any false alarm.
    pub(super) alpha: f64,
    /// Smallest change that counts, as a share.
    pub(super) min_effect: f64,
    /// Number of tests.
    pub(super) family: usize,
}

impl Demand {
    /// The chance that a single regression among all must not exceed.
    fn asked(&self) -> f64 {
        self.alpha / self.family.max(1) as f64
    }

    /// Whether so many repeats could ever be enough.
    pub(super) fn can_be_met(&self, base: usize, new: usize) -> bool {
        rank::smallest_p(base as u64, new as u64) <= self.asked()
    }

    /// Logarithm of the slow-down that is found nine times in ten: both the test and a threshold, given as a share, must
    /// be passed.
    pub(super) fn detectable(&self, standard_error: f64, threshold: f64) -> f64 {
        let beta = normal::quantile(POWER);
        let by_effect = threshold.ln_1p() + beta * standard_error;
        let by_test = (normal::quantile(1.0 - self.asked()) + beta) * standard_error;
        by_effect.max(by_test)
    }

    /// Whether what can be detected is too large: more than the square of the least effect.
    pub(super) fn is_too_wide(&self, detectable: f64) -> bool {
        detectable > 2.0 * self.min_effect.ln_1p()
    }

    /// The fewest repeats on each side with which a test can be passed at all; `None` beyond what can be asked for.
    pub(super) fn fewest_repeats(&self) -> Option<u64> {
        (1..=MOST_REPEATS).find(|repeats| rank::smallest_p(*repeats, *repeats) <= self.asked())
    }

    /// Repeats on each side with which twice the least effect is found nine times in ten, at a spread of single repeats:
    /// n = 2 ((z_alpha/m + z_beta) spread / ln(1 + 2 min_effect))², and at least what a test needs.
    pub(super) fn repeats_at(&self, spread: f64) -> Option<u64> {
        let wanted = (2.0 * self.min_effect).ln_1p();
        let quantiles = normal::quantile(1.0 - self.asked()) + normal::quantile(POWER);
        let repeats = (2.0 * (quantiles * spread / wanted).powi(2)).ceil();
        let repeats = (repeats <= MOST_REPEATS as f64).then_some(repeats as u64)?;
        Some(repeats.max(self.fewest_repeats()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: Demand = Demand { alpha: 0.01, min_effect: 0.1, family: 2 };

    #[test]
    fn holm_by_hand() {
        for (chances, adjusted) in [
            (vec![], vec![]),
            (vec![0.01], vec![0.01]),
            (vec![0.01, 0.04, 0.03, 0.005], vec![0.03, 0.06, 0.06, 0.02]),
            (vec![0.5, 0.9], vec![1.0, 1.0]),
        ] {
            let got = holm(&chances);
            assert!(got.iter().zip(&adjusted).all(|(a, b): (&f64, &f64)| (a - b).abs() < 1e-12), "{got:?}");
            assert_eq!(got.len(), adjusted.len());
        }
    }

    proptest! {
        #[test]
        fn holm_lies_between_one_test_and_all(chances in prop::collection::vec(0.0_f64..1.0, 1..20)) {
            let count = chances.len() as f64;
            for (raw, adjusted) in chances.iter().zip(holm(&chances)) {
                prop_assert!(*raw <= adjusted && adjusted <= (raw * count).min(1.0).max(*chances.iter().max_by(|a, b| a.total_cmp(b)).unwrap()));
            }
        }
    }

    #[test]
    fn five_against_five_are_enough_for_two_cases_and_not_for_three() {
        assert!(TWO.can_be_met(5, 5) && !TWO.can_be_met(4, 5));
        assert!(!Demand { family: 3, ..TWO }.can_be_met(5, 5));
        assert_eq!(TWO.fewest_repeats(), Some(5));
        assert_eq!(Demand { family: 1_000, ..TWO }.fewest_repeats(), Some(10));
    }

    #[test]
    fn ten_against_ten_can_tell_at_a_spread_of_nine_percent_and_not_at_fifteen() {
        let at = |spread: f64| TWO.is_too_wide(TWO.detectable(spread * (2.0_f64 / 10.0).sqrt(), 0.1));
        assert!(!at(0.09) && !at(0.11) && at(0.115) && at(0.15));
    }

    #[test]
    fn the_number_of_repeats_follows_the_formula() {
        // 2 ((2.5758 + 1.2816) 0.15 / ln 1.2)² = 20.15
        assert_eq!(TWO.repeats_at(0.15), Some(21));
        assert_eq!(TWO.repeats_at(0.01), Some(5), "never fewer than the test needs");
        assert_eq!(TWO.repeats_at(2.0), None, "more than can be asked for");
    }
}
