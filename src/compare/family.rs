//! Multiple tests: all questions about all cases share one family-wise error rate.

use super::Settings;
use super::align::Found;
use super::answers::{Answer, Answered, Level, MOST_REPEATS};
use super::normal;
use super::promises::{MOST_TESTS, Question, questions};
use super::rank::{self, RankTests};
use super::stalls::Stalls;
use super::steadiness::Speed;

/// Share of alpha that belongs to the one test of the whole report, that of stalls. As one among the tests of all cases it
/// would find a stall once in 10 s in half of all reports on nine cases; they can spare this much, as ten repeats reach far
/// below what is left to each of them.
pub(super) const STALLS: f64 = 1.0 / 3.0;

/// Chance with which a change is to be found that is large enough.
const POWER: f64 = 0.9;

/// The questions about a pair, answered.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) answered: Vec<Answered>,
    /// Metrics that the baseline has and the new report lacks.
    pub(super) vanished: Vec<&'static str>,
}

/// All pairs examined as one family.
pub(super) struct Family {
    pub(super) pairs: Vec<Examined>,
    pub(super) level: Level,
    pub(super) stalls: Stalls,
    pub(super) p_stalls: f64,
    pub(super) tests: RankTests,
}

impl Family {
    /// Asks every question about every pair, and adjusts what comes out for how many they are: the chance of any false
    /// alarm among all is at most alpha, of which [`STALLS`] belongs to the stalls of the whole report and the rest to the
    /// questions about cases (Bonferroni between the two, Holm 1979 among the latter).
    pub(super) fn examine(pairs: &[Option<(Found<'_>, Found<'_>)>], settings: &Settings, speed: Speed) -> Self {
        let mut tests = RankTests::default();
        let asked: Vec<(Vec<Question>, Vec<&'static str>)> = pairs
            .iter()
            .map(|pair| pair.map_or_else(Default::default, |(base, new)| questions(base, new, settings)))
            .collect();
        let answers: Vec<Vec<Answer<'_>>> = asked
            .iter()
            .map(|(questions, _)| {
                let answer = |question| Answer::of(question, speed, settings.alpha, &mut tests);
                questions.iter().filter_map(answer).collect()
            })
            .collect();
        let stalls = Stalls::of(pairs, settings);
        let all = || answers.iter().flatten();
        let rest = |chance: f64| (chance / (1.0 - STALLS)).min(1.0);
        let asked_before = usize::try_from(settings.least_family).unwrap_or(usize::MAX);
        let level = Level { alpha: settings.alpha, family: all().count().max(asked_before) };
        let adjusted = |chances: Vec<f64>| holm(&chances, level.family).into_iter().map(rest);
        let worse = adjusted(all().map(|answer| answer.p_worse).collect());
        let better = adjusted(all().map(|answer| answer.p_better).collect());
        let p_stalls = (stalls.p / STALLS).min(1.0);
        let mut adjusted = worse.zip(better);
        let pairs = answers.iter().zip(&asked).map(|(answers, (_, vanished))| {
            let answered = answers.iter().zip(&mut adjusted);
            let answered = answered.map(|(answer, (worse, better))| answer.decide(worse, better, level)).collect();
            Examined { answered, vanished: vanished.clone() }
        });
        Self { pairs: pairs.collect(), level, stalls, p_stalls, tests }
    }
}

/// The largest number of tests of a gate on this many cases.
#[must_use]
pub fn most_tests(cases: usize) -> usize {
    cases.saturating_mul(MOST_TESTS).saturating_add(1)
}

/// The smallest number of repeats on each side with which a gate on this many cases can find anything at all; `base` is
/// the number that the baseline already has. `None` if no number would be enough.
///
/// It assumes the largest possible family. Which tests there will be is not known before the run, and a run that turns
/// out too small has wasted its time.
#[must_use]
pub fn fewest_repeats(alpha: f64, cases: usize, base: Option<u64>) -> Option<u64> {
    let each = Level { alpha, family: cases.saturating_mul(MOST_TESTS) }.each();
    (1..=MOST_REPEATS).find(|repeats| rank::smallest_p(base.unwrap_or(*repeats), *repeats) <= each)
}

/// P-values adjusted for their number (Holm 1979): if those that are at most alpha afterwards are called significant,
/// the family-wise error rate is at most alpha. The family may be larger than what is adjusted: it then counts as if the
/// tests that are left out were the least significant ones.
pub(super) fn holm(chances: &[f64], family: usize) -> Vec<f64> {
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

/// What a family requires of its tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Demand {
    /// The family-wise error rate.
    pub(super) alpha: f64,
    /// Smallest change that counts, as a share.
    pub(super) min_effect: f64,
    /// Number of tests.
    pub(super) family: usize,
}

impl Demand {
    /// The largest p-value with which the strictest single test of the family is significant.
    fn asked(&self) -> f64 {
        self.alpha / self.family.max(1) as f64
    }

    /// Whether a test of this many repeats could ever be significant.
    pub(super) fn can_be_met(&self, base: usize, new: usize) -> bool {
        rank::smallest_p(base as u64, new as u64) <= self.asked()
    }

    /// Logarithm of the slow-down that is found in nine of ten gates. It must pass the test and exceed a threshold,
    /// which is given as a share.
    pub(super) fn detectable(&self, standard_error: f64, threshold: f64) -> f64 {
        let beta = normal::quantile(POWER);
        let by_effect = threshold.ln_1p() + beta * standard_error;
        by_effect.max(self.by_test(standard_error))
    }

    /// The same by the test alone.
    pub(super) fn by_test(&self, standard_error: f64) -> f64 {
        (normal::quantile(1.0 - self.asked()) + normal::quantile(POWER)) * standard_error
    }

    /// Whether only changes that are too large can be detected: larger than the least effect applied twice.
    pub(super) fn is_too_wide(&self, detectable: f64) -> bool {
        detectable > 2.0 * self.min_effect.ln_1p()
    }

    /// The smallest number of repeats on each side with which a test can be significant at all; `None` if a scenario
    /// cannot ask for that many.
    pub(super) fn fewest_repeats(&self) -> Option<u64> {
        (1..=MOST_REPEATS).find(|repeats| rank::smallest_p(*repeats, *repeats) <= self.asked())
    }

    /// The number of repeats on each side with which twice the least effect is found in nine of ten gates, given the
    /// spread of single repeats: n = 2 ((z_alpha/m + z_beta) spread / ln(1 + 2 min_effect))², and at least what a test
    /// needs.
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
