//! Answers a question from the repeats: shown to be worse, shown to be the same, or neither.
//!
//! These are two one-sided tests (Schuirmann 1987). *Worse* requires that the test rejects "no change", at the
//! family-wise `alpha`, and that the shift exceeds the margin. *The same* requires that each test alone rejects a shift
//! of the margin at `alpha`. A gate passes only if sameness is shown for every metric. So the probability that it
//! passes although some promise is worse by more than its margin is at most `alpha`, without an adjustment
//! (intersection-union test, Berger 1982).

use super::level::{Level, MOST_REPEATS};
use super::promises::{Question, Rule, middle};
use super::rank::{Interval, RankTests, Shift};
use super::steadiness::Speed;
use super::{Change, MetricTest};
use statrs::distribution::{DiscreteCDF, Hypergeometric};

/// The result for one question, before the adjustment for the number of questions.
#[derive(Clone, Debug)]
pub(super) struct Answer<'q> {
    question: &'q Question,
    /// New minus base; larger is worse.
    shift: Shift,
    /// The shift if the machine slowed the new side down by everything that it moved.
    shift_at_best: f64,
    /// The upper bound of the shift if the machine sped the new side up by everything that it moved.
    bound_at_worst: Option<f64>,
    pub(super) p_worse: f64,
    /// `p_worse` if the machine had been the same.
    p_worse_unscaled: f64,
    pub(super) p_better: f64,
}

/// What is shown; if nothing is shown, why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Worse,
    Better,
    Same,
    /// The shift is worse than the margin, but it is not significant.
    Unconfirmed,
    /// The repeats spread too much.
    Spread,
    /// There are too few repeats to prove anything.
    TooFew,
    /// The result depends on how much the machine changed.
    Machine,
}

impl Shown {
    pub(super) fn change(self) -> Change {
        match self {
            Self::Worse => Change::Regressed,
            Self::Better => Change::Improved,
            Self::Same => Change::Unchanged,
            Self::Unconfirmed | Self::Spread | Self::TooFew | Self::Machine => Change::Inconclusive,
        }
    }
}

/// A question answered.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) test: MetricTest,
    /// How it was decided.
    pub(super) rule: Rule,
    pub(super) shown: Shown,
    /// Sameness requires that a change for the worse by this much is ruled out, in the metric's unit.
    pub(super) ruled_out: f64,
    /// Number of repeats on each side that would be enough; `None` if there are enough, or if no number would be.
    pub(super) repeats_needed: Option<u64>,
}

impl<'q> Answer<'q> {
    /// Tests a question on its repeats.
    pub(super) fn of(question: &'q Question, speed: Speed, alpha: f64, tests: &mut RankTests) -> Option<Self> {
        if question.base.iter().chain(&question.new).all(|value| *value == question.base[0]) {
            return Some(Self::nothing(question));
        }
        let sign = if question.larger_is_worse { 1.0 } else { -1.0 };
        let signed = |values: &[f64]| values.iter().map(|value| sign * value).collect::<Vec<_>>();
        let (base, new) = (signed(&question.base), signed(&question.new));
        // A slower machine stretches times. It does not change counts and shares.
        let speed = if question.elastic { speed } else { Speed::default() };
        let scaled = |values: &[f64], by: f64| values.iter().map(|value| value * by).collect::<Vec<_>>();
        let added = match question.rule {
            Rule::Grown => question.margin,
            Rule::Moved | Rule::Appeared => 0.0,
        };
        // An alarm must survive the worst that the machine did: the baseline is slowed down by as much before the test.
        let against: Vec<f64> = scaled(&base, speed.slower).iter().map(|value| value + added).collect();
        let p_worse = match question.rule {
            Rule::Appeared => appearing(&base, &new),
            Rule::Moved | Rule::Grown => tests.test(&against, &new).p_larger,
        };
        let p_worse_unscaled = match speed.slower > 1.0 {
            true => tests.test(&base, &new).p_larger,
            false => p_worse,
        };
        let shift = tests.shift(&base, &new, alpha)?;
        // Sameness must survive the opposite: a machine that became faster can hide a slow-down.
        let (at_best, at_worst) = match speed == Speed::default() {
            true => (shift, shift),
            false => (
                tests.shift(&scaled(&base, speed.slower), &new, alpha)?,
                tests.shift(&base, &scaled(&new, speed.faster), alpha)?,
            ),
        };
        Some(Self {
            question,
            shift,
            shift_at_best: at_best.estimate,
            bound_at_worst: at_worst.interval.map(|interval| interval.high),
            p_worse,
            p_worse_unscaled,
            p_better: tests.test(&scaled(&base, 1.0 / speed.faster), &new).p_smaller,
        })
    }

    /// All values are equal, as for counts that stay zero. There is nothing to test.
    fn nothing(question: &'q Question) -> Self {
        let still = Interval { low: 0.0, high: 0.0, standard_error: 0.0 };
        Self {
            question,
            shift: Shift { estimate: 0.0, interval: Some(still) },
            shift_at_best: 0.0,
            bound_at_worst: Some(0.0),
            p_worse: 1.0,
            p_worse_unscaled: 1.0,
            p_better: 1.0,
        }
    }

    /// Decides, with the p-values adjusted for the whole family.
    pub(super) fn decide(&self, p_worse: f64, p_better: f64, level: Level) -> Answered {
        let question = self.question;
        let shown = match question.rule {
            Rule::Appeared => self.has_appeared(p_worse, level.alpha),
            Rule::Moved | Rule::Grown => self.has_moved(p_worse, p_better, level),
        };
        let sign = if question.larger_is_worse { 1.0 } else { -1.0 };
        let interval = self.shift.interval.map(|interval| (sign * interval.low, sign * interval.high));
        let ends = interval.map(|(one, other)| (one.min(other), one.max(other)));
        let test = MetricTest {
            metric: question.metric.into(),
            unit: question.unit,
            larger_is_worse: question.larger_is_worse,
            bound_ns: question.bound_ns,
            base: middle(&question.base),
            new: match question.rule {
                Rule::Appeared => question.new.iter().sum(),
                Rule::Moved | Rule::Grown => middle(&question.new),
            },
            shift: sign * self.shift.estimate,
            shift_low: ends.map(|(low, _)| low),
            shift_high: ends.map(|(_, high)| high),
            margin: question.margin,
            p_worse: self.p_worse,
            p_worse_adjusted: p_worse,
            change: shown.change(),
        };
        Answered {
            test,
            rule: question.rule,
            shown,
            ruled_out: question.ruled_out,
            repeats_needed: self.repeats_needed(shown, level),
        }
    }

    fn has_appeared(&self, p_worse: f64, alpha: f64) -> Shown {
        if self.question.new.iter().all(|count| *count == 0.0) {
            return Shown::Same;
        }
        if p_worse <= alpha { Shown::Worse } else { Shown::Unconfirmed }
    }

    fn has_moved(&self, p_worse: f64, p_better: f64, level: Level) -> Shown {
        let margin = self.question.margin;
        // The alarm comes before sameness. With a leeway, `ruled_out` is beyond the margin, and both may be shown: called
        // the same, a regression between the two would pass.
        if p_worse <= level.alpha && self.shift_at_best > margin {
            return Shown::Worse;
        }
        if p_better <= level.alpha && self.shift.estimate < -margin {
            return Shown::Better;
        }
        let bound = self.shift.interval.map(|interval| interval.high);
        // A single hiccup makes a share of slow logs look larger. Only a growth that is significant by itself keeps the
        // question open: otherwise hiccups would make most gates inconclusive.
        let doubtful = self.question.rule == Rule::Grown && self.p_worse <= level.alpha && self.shift.estimate > margin;
        if doubtful {
            return Shown::Unconfirmed;
        }
        let ruled_out = self.question.ruled_out;
        if self.bound_at_worst.is_some_and(|bound| bound <= ruled_out) {
            return Shown::Same;
        }
        let Some(bound) = bound else { return Shown::TooFew };
        let unscaled = self.p_worse_unscaled <= level.each();
        if bound <= ruled_out || (unscaled && self.shift.estimate > margin) {
            return Shown::Machine;
        }
        // With so few repeats, even complete separation is not significant. The user must hear that, and not that the
        // repeats spread.
        if !level.can_be_met(self.question.base.len(), self.question.new.len()) {
            return Shown::TooFew;
        }
        if self.shift.estimate > margin { Shown::Unconfirmed } else { Shown::Spread }
    }

    /// The number of repeats at which the interval would end at the margin: it narrows with their square root.
    fn repeats_needed(&self, shown: Shown, level: Level) -> Option<u64> {
        if !matches!(shown, Shown::Unconfirmed | Shown::Spread | Shown::TooFew) {
            return None;
        }
        let now = self.question.base.len().min(self.question.new.len()) as u64;
        let fewest = level.fewest_repeats(None)?.max(now + 1);
        let Some(interval) = self.shift.interval.filter(|_| self.question.rule != Rule::Appeared) else {
            return Some(fewest);
        };
        let left = (self.question.ruled_out - self.shift.estimate).abs();
        let wide = interval.high - self.shift.estimate;
        if left <= 0.0 || wide <= 0.0 {
            return Some(fewest);
        }
        let wanted = (now as f64 * (wide / left).powi(2)).ceil();
        (wanted <= MOST_REPEATS as f64).then(|| fewest.max(wanted as u64))
    }
}

/// Fisher's exact test: the p-value of this many new repeats with any event, if the events could have hit either side.
fn appearing(base: &[f64], new: &[f64]) -> f64 {
    let with = |values: &[f64]| values.iter().filter(|count| **count > 0.0).count() as u64;
    at_least(with(new), new.len() as u64, with(base) + with(new), (base.len() + new.len()) as u64)
}

/// The probability that `drawn` of `population` items contain at least `seen` of the `all` marked ones.
pub(super) fn at_least(seen: u64, drawn: u64, all: u64, population: u64) -> f64 {
    if seen == 0 {
        return 1.0;
    }
    Hypergeometric::new(population, all, drawn).map_or(1.0, |chance| chance.sf(seen - 1).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::super::MetricUnit;
    use super::*;

    const ONE: Level = Level::beside_stalls(0.01, 1);

    fn question(rule: Rule, margin: f64, base: &[f64], new: &[f64]) -> Question {
        Question {
            metric: "enqueue.trimmed_mean",
            unit: MetricUnit::Nanoseconds,
            larger_is_worse: true,
            rule,
            elastic: true,
            bound_ns: None,
            margin,
            ruled_out: margin,
            base: base.to_vec(),
            new: new.to_vec(),
        }
    }

    fn spread(middle: f64, by: f64, count: usize) -> Vec<f64> {
        (0..count).map(|n| middle + by * (n as f64 / (count - 1) as f64 - 0.5)).collect()
    }

    fn shown(question: &Question, speed: Speed, level: Level) -> Shown {
        let answer = Answer::of(question, speed, level.alpha, &mut RankTests::default()).unwrap();
        answer.decide(level.bonferroni(answer.p_worse), level.bonferroni(answer.p_better), level).shown
    }

    #[test]
    fn worse_the_same_or_neither() {
        let still = Speed::default();
        for (what, margin, base, new, level, expected) in [
            ("over the margin", 100.0, spread(1e3, 50.0, 10), spread(1.2e3, 50.0, 10), ONE, Shown::Worse),
            ("under the margin", 1e3, spread(1e3, 50.0, 10), spread(1.4e3, 50.0, 10), ONE, Shown::Same),
            ("two groups under the margin", 1e3, spread(1e3, 9e2, 10), spread(1.1e3, 9e2, 10), ONE, Shown::Same),
            ("the same, too wide", 100.0, spread(1e3, 9e2, 10), spread(1e3, 9e2, 10), ONE, Shown::Spread),
            ("over it, too wide", 100.0, spread(1e3, 9e2, 10), spread(1.15e3, 9e2, 10), ONE, Shown::Unconfirmed),
            ("better", 100.0, spread(1e3, 50.0, 10), spread(8e2, 50.0, 10), ONE, Shown::Better),
            ("three are too few", 100.0, spread(1e3, 9.0, 3), spread(1e3, 9.0, 3), ONE, Shown::TooFew),
            (
                "five show sameness",
                100.0,
                spread(1e3, 9.0, 5),
                spread(1e3, 9.0, 5),
                Level::beside_stalls(0.01, 99),
                Shown::Same,
            ),
            (
                "five show no change of 99",
                100.0,
                spread(1e3, 9.0, 5),
                spread(2e3, 9.0, 5),
                Level::beside_stalls(0.01, 99),
                Shown::TooFew,
            ),
        ] {
            assert_eq!(shown(&question(Rule::Moved, margin, &base, &new), still, level), expected, "{what}");
        }
    }

    #[test]
    fn a_machine_explains_as_much_as_it_moved_and_no_more() {
        let of = |middle: f64| spread(middle, 10.0, 10);
        for (what, slower, faster, margin, new, expected) in [
            ("slower by more", 1.1, 1.0, 100.0, 1.4e3, Shown::Worse),
            ("slower by what the machine is", 1.2, 1.0, 100.0, 1.2e3, Shown::Machine),
            ("a faster machine could hide 20 %", 1.0, 1.2, 100.0, 1e3, Shown::Machine),
            ("which nobody would notice", 1.0, 1.2, 1e3, 1e3, Shown::Same),
            ("a slower machine hides nothing", 1.2, 1.0, 100.0, 1e3, Shown::Same),
        ] {
            let question = question(Rule::Moved, margin, &of(1e3), &of(new));
            assert_eq!(shown(&question, Speed { slower, faster }, ONE), expected, "{what}");
        }
    }

    #[test]
    fn events_that_are_new_are_counted_by_repeats() {
        let none = [0.0; 10];
        for (with, family, expected) in [
            (0, 1, Shown::Same),
            (1, 1, Shown::Unconfirmed),
            (10, 200, Shown::Worse),
            (6, 1, Shown::Worse),
            (6, 200, Shown::Unconfirmed),
        ] {
            let new: Vec<f64> = (0..10).map(|n| if n < with { 1e6 } else { 0.0 }).collect();
            let level = Level::beside_stalls(0.01, family);
            assert_eq!(shown(&question(Rule::Appeared, 0.0, &none, &new), Speed::default(), level), expected, "{with}");
        }
        // C(10,3) / C(20,3)
        assert!((at_least(3, 10, 3, 20) - 120.0 / 1140.0).abs() < 1e-9);
        assert_eq!(at_least(0, 10, 0, 20), 1.0);
    }

    #[test]
    fn a_share_has_to_grow_by_its_margin_beyond_doubt() {
        let base = spread(0.010, 0.004, 10);
        let many = Level::beside_stalls(0.01, 10_000);
        for (new, level, expected) in [
            (0.012, ONE, Shown::Same),
            (0.021, ONE, Shown::Same),
            (0.030, ONE, Shown::Worse),
            (0.030, many, Shown::Unconfirmed),
            (0.080, many, Shown::Unconfirmed),
        ] {
            let question = Question { ruled_out: 0.05, ..question(Rule::Grown, 0.01, &base, &spread(new, 0.004, 10)) };
            assert_eq!(shown(&question, Speed::default(), level), expected, "{new}");
        }
        let wide = Question {
            ruled_out: 0.05,
            ..question(Rule::Grown, 0.01, &spread(0.01, 0.15, 10), &spread(0.01, 0.15, 10))
        };
        assert_eq!(shown(&wide, Speed::default(), ONE), Shown::Spread, "5 points more cannot be ruled out");
    }

    #[test]
    fn the_number_of_repeats_that_would_be_enough() {
        let wide = question(Rule::Moved, 300.0, &spread(1e3, 9e2, 10), &spread(1e3, 9e2, 10));
        let answer = Answer::of(&wide, Speed::default(), 0.01, &mut RankTests::default()).unwrap();
        let needed = answer.decide(1.0, 1.0, ONE).repeats_needed.unwrap();
        assert!((11..60).contains(&needed), "{needed}");
        let many = question(Rule::Moved, 300.0, &spread(1e3, 9e2, needed as usize), &spread(1e3, 9e2, needed as usize));
        assert_eq!(shown(&many, Speed::default(), ONE), Shown::Same, "as many were enough");
    }
}
