//! Multiple tests: all questions about all cases share one family-wise error rate.

use super::Settings;
use super::align::Found;
use super::answers::{Answer, Answered};
use super::level::{Level, STALLS};
use super::promises::{MOST_TESTS, Question, questions};
use super::rank::RankTests;
use super::stalls::Stalls;
use super::steadiness::{Speed, SpeedOf};

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
    /// Asks every question about every pair, and adjusts the p-values for their number: the probability of any false
    /// alarm is at most alpha. The test of stalls has the share [`STALLS`] of alpha, the questions about cases share
    /// the rest (Bonferroni between the two, Holm 1979 among the latter).
    pub(super) fn examine(pairs: &[Option<(Found<'_>, Found<'_>)>], settings: &Settings, speed: &SpeedOf<'_>) -> Self {
        let mut tests = RankTests::default();
        let asked: Vec<(Vec<Question>, Vec<&'static str>)> = pairs
            .iter()
            .map(|pair| pair.map_or_else(Default::default, |(base, new)| questions(base, new, settings)))
            .collect();
        let answers: Vec<Vec<Answer<'_>>> = asked
            .iter()
            .zip(pairs)
            .map(|((questions, _), pair)| {
                let speed = pair.map_or_else(Speed::default, |(base, new)| speed(base.case, new.case));
                let answer = |question| Answer::of(question, speed, settings.alpha, &mut tests);
                questions.iter().filter_map(answer).collect()
            })
            .collect();
        let stalls = Stalls::of(pairs, settings);
        let all = || answers.iter().flatten();
        let asked_before = usize::try_from(settings.least_family).unwrap_or(usize::MAX);
        let level = Level::beside_stalls(settings.alpha, all().count().max(asked_before));
        let adjusted = |of: fn(&Answer<'_>) -> f64| level.holm(&all().map(of).collect::<Vec<f64>>());
        let (worse, better) = (adjusted(|answer| answer.p_worse), adjusted(|answer| answer.p_better));
        let p_stalls = (stalls.p / STALLS).min(1.0);
        let mut adjusted = worse.into_iter().zip(better);
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
    Level::beside_stalls(alpha, cases.saturating_mul(MOST_TESTS)).fewest_repeats(base)
}
