//! Compares one expectation of a scenario with the pooled repeats of a case.

use super::reason::{Observed, Reason, Shortfall};
use super::statistic::{Answer, compare, observe};
use super::{CheckOrigin, CheckResult, Outcome, Pooled, Unit, levels};
use crate::scenario::{
    Check, Comparison, Counted, Expectation, Figure, FigureUnit, LatencyName, RECOVERY, RateName, Statistic,
};
use crate::units::Nanos;
use crate::untrusted::Untrusted;

/// A check, and the reason that it adds to its case.
pub(super) struct Checked {
    pub(super) result: CheckResult,
    /// `None` if the check holds, or if another reason says the same.
    pub(super) reason: Option<Reason>,
}

/// How a check is named and shown.
pub(super) struct Subject {
    pub(super) name: Untrusted,
    pub(super) subject: Untrusted,
    pub(super) expression: Untrusted,
    pub(super) limit: f64,
    pub(super) unit: Unit,
}

/// The value of the left-hand side, if it is known, and the outcome.
pub(super) struct Evaluation {
    pub(super) observed: Option<f64>,
    pub(super) outcome: Outcome,
    pub(super) why: Option<Shortfall>,
}

impl Evaluation {
    pub(super) fn unknown(why: Shortfall) -> Self {
        Self { observed: None, outcome: Outcome::Invalid, why: Some(why) }
    }

    /// The number is known, but does not decide the check.
    pub(super) fn untold(observed: Observed, why: Shortfall) -> Self {
        Self { observed: Some(observed.value()), outcome: Outcome::Invalid, why: Some(why) }
    }

    /// The number is known, and decides the check.
    pub(super) fn plain(observed: Observed, holds: bool) -> Self {
        let why = (!holds).then_some(Shortfall::Is(observed));
        let outcome = if holds { Outcome::Pass } else { Outcome::Fail };
        Self { observed: Some(observed.value()), outcome, why }
    }

    /// The check with this outcome.
    pub(super) fn of(self, subject: Subject) -> Checked {
        let Self { observed, outcome, why } = self;
        let Subject { name, subject, expression, limit, unit } = subject;
        let said = why.as_ref().map(|why| why.to_string().into());
        let reason = why.map(|why| match outcome {
            Outcome::Fail => Reason::CheckFailed { expression: expression.clone(), why },
            _ => Reason::CheckUndecided { expression: expression.clone(), why },
        });
        let limit = Some(limit);
        Checked {
            result: CheckResult { name, subject, expression, observed, limit, unit, outcome, reason: said },
            reason,
        }
    }
}

/// Judges the `number`-th check of the scenario (from 1).
pub(super) fn judge(number: usize, check: &Check, pooled: &Pooled) -> Checked {
    let (subject, limit, unit, evaluation) = match &check.expectation {
        Expectation::Latency { statistic, of, comparison, limit } => (
            format!("{}({})", statistic, of),
            limit.0 as f64,
            Unit::Nanoseconds,
            latency(pooled, *statistic, *of, *comparison, *limit),
        ),
        Expectation::Count { of, comparison, limit } => {
            (of.to_string(), *limit as f64, Unit::Logs, count(pooled, *of, *comparison, *limit))
        }
        Expectation::Share { of, to, comparison, limit } => {
            (format!("{} / {}", of, to), *limit, Unit::Share, share(pooled, (*of, *to), *comparison, *limit))
        }
        Expectation::Recovery { comparison, limit } => {
            (RECOVERY.to_owned(), limit.0 as f64, Unit::Nanoseconds, recovery(pooled, *comparison, *limit))
        }
        Expectation::Figure { of, comparison, limit } => {
            (of.to_string(), *limit, unit_of(*of), figure(pooled, *of, *comparison, *limit))
        }
        Expectation::Rate { of, comparison, limit } => {
            let limit = limit.per_second();
            (of.to_string(), limit, Unit::LogsPerSecond, rate(pooled, *of, *comparison, limit))
        }
    };
    let name = CheckOrigin::Scenario.name_of(number);
    evaluation.of(Subject {
        name: name.into(),
        subject: subject.into(),
        expression: check.expression.clone(),
        limit,
        unit,
    })
}

/// Judges a statistic of a latency. A check of `response` is also evaluated on `response_ideal`: if the two outcomes
/// differ, the generator's lateness made the difference, and the queue must not be blamed for it.
pub(super) fn latency(
    pooled: &Pooled,
    statistic: Statistic,
    name: LatencyName,
    comparison: Comparison,
    limit: Nanos,
) -> Evaluation {
    let Some(distributions) = pooled.distributions() else {
        return Evaluation::unknown(Shortfall::NoValidRepeat);
    };
    let Some(distribution) = distributions.get(name) else {
        return Evaluation::unknown(Shortfall::NotObserved(name));
    };
    let Some(bounds) = observe(distribution, statistic) else {
        return Evaluation::unknown(Shortfall::TooFewSamples { count: distribution.count(), statistic });
    };
    let observed = match distribution.censored() {
        0 => Observed::Latency(bounds.low.ns()),
        _ => Observed::AtLeast(bounds.low.ns()),
    };
    let answer = compare(bounds, comparison, limit.0);
    if answer == Answer::Undecided {
        return Evaluation::untold(observed, Shortfall::Censored { observed, censored: distribution.censored() });
    }
    if name == LatencyName::Response {
        let ideal = observe(&distributions.response_ideal, statistic);
        let same = ideal.is_some_and(|ideal| compare(ideal, comparison, limit.0) == answer);
        if !same {
            let ideal_ns = ideal.map(|ideal| ideal.low.ns());
            return Evaluation::untold(observed, Shortfall::GeneratorsLateness { observed, ideal_ns });
        }
    }
    Evaluation::plain(observed, answer == Answer::Holds)
}

/// Judges the longest recovery of the repeats. One that had not ended by the end of the window is longer than that.
fn recovery(pooled: &Pooled, comparison: Comparison, limit: Nanos) -> Evaluation {
    if pooled.repeats() == 0 {
        return Evaluation::unknown(Shortfall::NoValidRepeat);
    }
    let recoveries = pooled.recoveries();
    let Some(longest) = recoveries.longest else {
        return Evaluation::unknown(Shortfall::RecoveryUnknown);
    };
    let evaluation = match longest.recovered_ns {
        Some(ns) => Evaluation::plain(Observed::Latency(ns as f64), comparison.holds(&ns, &limit.0)),
        None if longest.watched_ns < limit.0 => {
            let observed = Observed::AtLeast(longest.watched_ns as f64);
            return Evaluation::untold(observed, Shortfall::NotRecovered { observed });
        }
        None => Evaluation::plain(Observed::AtLeast(longest.watched_ns as f64), comparison.holds(&u64::MAX, &limit.0)),
    };
    // A repeat that does not know cannot make good what another one shows.
    match evaluation.outcome {
        Outcome::Pass if recoveries.unknown > 0 => Evaluation::unknown(Shortfall::RecoveryUnknown),
        _ => evaluation,
    }
}

fn unit_of(figure: Figure) -> Unit {
    match figure.unit() {
        FigureUnit::Bytes => Unit::Bytes,
        FigureUnit::BytesPerSecond => Unit::BytesPerSecond,
        FigureUnit::Nanoseconds => Unit::Nanoseconds,
        FigureUnit::NanosPerSecond => Unit::NanosPerSecond,
        FigureUnit::Records => Unit::Records,
        FigureUnit::Index => Unit::Index,
    }
}

/// Judges a figure: every repeat must satisfy the check. What is observed is the value that is farthest from it.
fn figure(pooled: &Pooled, of: Figure, comparison: Comparison, limit: f64) -> Evaluation {
    if pooled.repeats() == 0 {
        return Evaluation::unknown(Shortfall::NoValidRepeat);
    }
    let farthest = match comparison {
        Comparison::Less | Comparison::LessEqual => pooled.figures().known(of).max_by(f64::total_cmp),
        Comparison::Greater | Comparison::GreaterEqual => pooled.figures().known(of).min_by(f64::total_cmp),
        Comparison::Equal | Comparison::NotEqual => {
            let breaks = pooled.figures().known(of).find(|value| !comparison.holds(value, &limit));
            breaks.or_else(|| pooled.figures().known(of).next())
        }
    };
    let Some(value) = farthest else {
        return Evaluation::unknown(Shortfall::FigureUnknown(of));
    };
    let evaluation = Evaluation::plain(Observed::Figure(of.unit(), value), comparison.holds(&value, &limit));
    // A repeat that does not know cannot make good what another one shows.
    match evaluation.outcome {
        Outcome::Pass if pooled.figures().all(of).any(|value| value.is_none()) => {
            Evaluation::unknown(Shortfall::FigureUnknown(of))
        }
        _ => evaluation,
    }
}

/// A count of the valid repeats.
fn counted(pooled: &Pooled, of: Counted) -> Result<u64, Shortfall> {
    if pooled.repeats() == 0 {
        return Err(Shortfall::NoValidRepeat);
    }
    match of.level {
        Some(level) => levels::count(pooled.levels(), pooled.ledger(), of, level),
        None => Ok(pooled.ledger().count(of.name)),
    }
}

fn count(pooled: &Pooled, of: Counted, comparison: Comparison, limit: u64) -> Evaluation {
    match counted(pooled, of) {
        Ok(observed) => Evaluation::plain(Observed::Count(observed), comparison.holds(&observed, &limit)),
        Err(why) => Evaluation::unknown(why),
    }
}

fn share(pooled: &Pooled, (of, to): (Counted, Counted), comparison: Comparison, limit: f64) -> Evaluation {
    let (part, whole) = match (counted(pooled, of), counted(pooled, to)) {
        (Ok(part), Ok(whole)) => (part, whole),
        (Err(why), _) | (_, Err(why)) => return Evaluation::unknown(why),
    };
    if whole == 0 {
        return Evaluation::unknown(Shortfall::ShareOfNothing(to));
    }
    let observed = part as f64 / whole as f64;
    Evaluation::plain(Observed::Share(observed), comparison.holds(&observed, &limit))
}

fn rate(pooled: &Pooled, name: RateName, comparison: Comparison, limit: f64) -> Evaluation {
    let Some(rates) = pooled.rates() else {
        return Evaluation::unknown(Shortfall::NoValidRepeat);
    };
    let observed = rates.get(name);
    Evaluation::plain(Observed::Rate(observed), comparison.holds(&observed, &limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Measurement;
    use crate::measure::fixture::{constant, healthy, of};
    use crate::scenario::CountName;
    use crate::units::{Quantile, Rate};

    const P99: Statistic = Statistic::Quantile(Quantile::P99);

    fn pooled(measurements: &[Measurement]) -> Pooled {
        let mut pooled = Pooled::default();
        for measurement in measurements {
            pooled.add(measurement);
        }
        assert_eq!(pooled.faults(), &[]);
        pooled
    }

    fn judged(expectation: Expectation, pooled: &Pooled) -> CheckResult {
        judge(1, &crate::verdict::case::tests::check("as written", expectation), pooled).result
    }

    fn response_p99_under(ns: u64) -> Expectation {
        let of = LatencyName::Response;
        Expectation::Latency { statistic: P99, of, comparison: Comparison::Less, limit: Nanos(ns) }
    }

    #[test]
    fn latencies_are_pooled_over_the_repeats() {
        let mut slow = healthy(1_000).enqueue_taking(30_000);
        slow.latency.response = constant(1_000, 40_000);
        let pooled = pooled(&[healthy(1_000), slow]);
        let mean = |limit| Expectation::Latency {
            statistic: Statistic::Mean,
            of: LatencyName::Enqueue,
            comparison: Comparison::LessEqual,
            limit: Nanos(limit),
        };
        let at = judged(mean(20_000), &pooled);
        assert_eq!((at.observed, at.outcome, at.subject.as_given()), (Some(20_000.0), Outcome::Pass, "mean(enqueue)"));
        let under = judged(mean(19_999), &pooled);
        assert_eq!(
            (under.outcome, under.reason.as_ref().map(Untrusted::as_given)),
            (Outcome::Fail, Some("it is 20.0 µs"))
        );
    }

    #[test]
    fn the_generators_lateness_is_not_the_queues() {
        let mut late = healthy(1_000);
        late.latency.response = constant(1_000, 2_000_000);
        let result = judged(response_p99_under(1_000_000), &pooled(std::slice::from_ref(&late)));
        assert_eq!(result.outcome, Outcome::Invalid);
        late.latency.response_ideal = constant(1_000, 1_500_000);
        assert_eq!(judged(response_p99_under(1_000_000), &pooled(&[late])).outcome, Outcome::Fail);
    }

    #[test]
    fn logs_that_were_never_sent_are_lower_bounds() {
        for (unsent, wait_ns, limit, outcome) in [
            (20, 5_000_000, 1_000_000, Outcome::Fail),
            (5, 0, 1_000_000, Outcome::Pass),
            (20, 500_000, 1_000_000, Outcome::Invalid),
        ] {
            let pooled = pooled(&[healthy(1_000).with_unsent(unsent, wait_ns)]);
            let result = judged(response_p99_under(limit), &pooled);
            assert_eq!(result.outcome, outcome, "{unsent} {wait_ns}: {:?}", result.reason);
        }
    }

    /// A repeat that recovered from its spike after this time, in ns; `None`: not within 2 s.
    fn recovering(recovered_ns: Option<u64>) -> Measurement {
        healthy(100).in_stages(&[100], recovered_ns)
    }

    #[test]
    fn the_longest_recovery_decides() {
        use Outcome::{Fail, Invalid, Pass};
        let unknown = || Measurement { recovery: None, ..recovering(None) };
        let of = |ms: u64| recovering(Some(ms * 1_000_000));
        for (repeats, expression, outcome, said) in [
            (vec![of(300), of(499)], "recovery < 500ms", Pass, None),
            (vec![of(300), of(500)], "recovery < 500ms", Fail, Some("it is 500 ms")),
            (vec![of(300), of(500)], "recovery <= 500ms", Pass, None),
            (vec![of(300), recovering(None)], "recovery < 2s", Fail, Some("it is at least 2.00 s")),
            (vec![recovering(None)], "recovery > 1s", Pass, None),
            (vec![recovering(None)], "recovery < 3s", Invalid, Some("it is at least 2.00 s, when the window ended")),
            (vec![of(300), unknown()], "recovery < 200ms", Fail, Some("it is 300 ms")),
            (
                vec![of(300), unknown()],
                "recovery < 500ms",
                Invalid,
                Some("the recovery could not be observed: fewer than 20 logs before the spike"),
            ),
            (vec![], "recovery < 500ms", Invalid, Some("no valid repeat")),
        ] {
            let result = judged(expression.parse().unwrap(), &pooled(&repeats));
            assert_eq!((result.outcome, result.subject.as_given()), (outcome, "recovery"), "{expression}");
            assert_eq!(result.reason.as_ref().map(Untrusted::as_given), said, "{expression}");
        }
    }

    /// A repeat whose queue held this number of records at once; `None`: it does not tell.
    fn holding(records: Option<u64>) -> Measurement {
        let mut measurement = healthy(100);
        measurement.cost.depth_high_water = records;
        measurement
    }

    #[test]
    fn a_figure_must_hold_in_every_repeat() {
        use Outcome::{Fail, Invalid, Pass};
        let untold = "max(depth) could not be observed: the queue does not tell it";
        for (repeats, expression, outcome, said) in [
            (vec![holding(Some(5)), holding(Some(9))], "max(depth) < 10", Pass, None),
            (vec![holding(Some(5)), holding(Some(9))], "max(depth) < 9", Fail, Some("it is 9")),
            (vec![holding(Some(5)), holding(Some(9))], "max(depth) > 5", Fail, Some("it is 5")),
            (vec![holding(Some(5)), holding(Some(9))], "max(depth) != 9", Fail, Some("it is 9")),
            (vec![holding(Some(5)), holding(None)], "max(depth) < 10", Invalid, Some(untold)),
            (vec![holding(Some(50)), holding(None)], "max(depth) < 10", Fail, Some("it is 50")),
            (vec![holding(None)], "max(depth) < 10", Invalid, Some(untold)),
            (vec![holding(None)], "max(memory) < 7MiB", Fail, Some("it is 7.63 MiB")),
            (vec![holding(None)], "cpu_per_million(queue) <= 500ms", Pass, None),
            (vec![holding(None)], "drain < 500us", Fail, Some("it is 1.00 ms")),
            (
                vec![holding(None)],
                "slope(memory) < 1MiB/s",
                Invalid,
                Some("slope(memory) could not be observed: fewer than 10 readings of the memory"),
            ),
            (vec![], "jain > 0.9", Invalid, Some("no valid repeat")),
        ] {
            let result = judged(expression.parse().unwrap(), &pooled(&repeats));
            assert_eq!(result.outcome, outcome, "{expression}: {:?}", result.reason);
            assert_eq!(result.reason.as_ref().map(Untrusted::as_given), said, "{expression}");
        }
    }

    #[test]
    fn every_figure_that_nobody_can_tell_is_no_pass() {
        let mut silent = healthy(100).losing(1);
        silent.cost.cpu_s_per_million.clear();
        (silent.cost.peak_memory_bytes, silent.cost.depth_high_water) = (None, None);
        let pooled = pooled(&[silent]);
        for of in Figure::ALL.iter().filter(|figure| **figure != Figure::Drain) {
            for comparison in Comparison::ALL.map(|(_, comparison)| comparison) {
                let result = judged(Expectation::Figure { of: *of, comparison, limit: 0.5 }, &pooled);
                assert_eq!((result.outcome, result.observed), (Outcome::Invalid, None), "{of} {comparison}");
            }
        }
    }

    #[test]
    fn too_few_samples_are_not_an_answer() {
        let result = judged(response_p99_under(1_000_000), &pooled(&[healthy(500), healthy(499)]));
        assert_eq!((result.observed, result.outcome), (None, Outcome::Invalid));
        assert_eq!(
            result.reason.as_ref().map(Untrusted::as_given),
            Some("too few samples: 999 (p99 needs 10 above it)")
        );
        let enough = judged(response_p99_under(1_000_000), &pooled(&[healthy(500), healthy(500)]));
        assert_eq!(enough.outcome, Outcome::Pass);
    }

    #[test]
    fn counts_are_sums_and_shares_are_of_sums() {
        let pooled = pooled(&[healthy(100).dropping(2), healthy(300).dropping(2)]);
        let dropped = |comparison, limit| {
            judged(Expectation::Count { of: CountName::Dropped.into(), comparison, limit }, &pooled)
        };
        assert_eq!(
            (dropped(Comparison::Equal, 4).outcome, dropped(Comparison::Less, 4).outcome),
            (Outcome::Pass, Outcome::Fail)
        );
        let share = |limit| {
            let (of, to) = (CountName::Dropped.into(), CountName::Attempted.into());
            judged(Expectation::Share { of, to, comparison: Comparison::LessEqual, limit }, &pooled)
        };
        assert_eq!((share(0.01).outcome, share(0.0099).outcome), (Outcome::Pass, Outcome::Fail));
        let nothing = Expectation::Share {
            of: CountName::Dropped.into(),
            to: CountName::SampledOut.into(),
            comparison: Comparison::Less,
            limit: 1.0,
        };
        assert_eq!(judged(nothing, &pooled).outcome, Outcome::Invalid);
    }

    #[test]
    fn a_count_may_be_that_of_a_level() {
        use Outcome::{Fail, Invalid, Pass};
        let levelled = || {
            let mut measurement = healthy(100).with_levels([0, 20, 75, 0, 5]).dropping(12);
            let debug = &mut measurement.levels[1];
            (debug.enqueued, debug.dropped, debug.delivered) = (Some(8), Some(12), 8);
            measurement
        };
        let untold = || {
            let mut measurement = levelled();
            measurement.levels.iter_mut().for_each(|of| (of.enqueued, of.dropped, of.lost) = (None, None, None));
            measurement
        };
        let unknown = "dropped(error) is not known: some logs were dropped and some lost, and nobody knows which";
        let none = "no log of level warn was sent";
        for (repeats, expression, outcome, said) in [
            (vec![levelled(), levelled()], "dropped(error) == 0", Pass, None),
            (vec![levelled(), levelled()], "dropped(debug) < 24", Fail, Some("it is 24")),
            (vec![levelled(), levelled()], "dropped(debug) / attempted(debug) == 60%", Pass, None),
            (vec![levelled()], "dropped(warn) == 0", Invalid, Some(none)),
            (vec![levelled()], "attempted(warn) == 0", Pass, None),
            (vec![levelled(), untold()], "dropped(error) == 0", Invalid, Some(unknown)),
            (vec![levelled(), untold()], "delivered(error) == 10", Pass, None),
            (vec![healthy(100).dropping(3)], "dropped(info) == 3", Pass, None),
            (vec![healthy(100)], "dropped(warn) == 0", Invalid, Some(none)),
            (vec![], "dropped(info) == 0", Invalid, Some("no valid repeat")),
        ] {
            let result = judged(expression.parse().unwrap(), &pooled(&repeats));
            assert_eq!(result.outcome, outcome, "{expression}: {:?}", result.reason);
            assert_eq!(result.reason.as_ref().map(Untrusted::as_given), said, "{expression}");
        }
    }

    #[test]
    fn rates_are_means_over_the_repeats() {
        let pooled = pooled(&[healthy(100), healthy(300)]);
        for (limit, outcome) in [(200, Outcome::Pass), (201, Outcome::Fail)] {
            let limit = Rate::of_whole(limit);
            let expectation = Expectation::Rate { of: RateName::Accepted, comparison: Comparison::GreaterEqual, limit };
            assert_eq!(judged(expectation, &pooled).outcome, outcome);
        }
    }

    #[test]
    fn what_the_queue_cannot_tell_is_not_judged() {
        let mut silent = healthy(100);
        silent.latency.unblocked = None;
        silent.latency.blocked = None;
        let expectation = Expectation::Latency {
            statistic: Statistic::Mean,
            of: LatencyName::Blocked,
            comparison: Comparison::Less,
            limit: Nanos(1),
        };
        let result = judged(expectation, &pooled(&[silent]));
        assert_eq!((result.outcome, result.observed), (Outcome::Invalid, None));
    }

    #[test]
    fn nothing_holds_without_a_repeat() {
        let none = Pooled::default();
        for expectation in [
            response_p99_under(1),
            Expectation::Count { of: CountName::Dropped.into(), comparison: Comparison::Equal, limit: 0 },
            Expectation::Rate {
                of: RateName::Accepted,
                comparison: Comparison::GreaterEqual,
                limit: Rate::of_whole(1),
            },
        ] {
            assert_eq!(judged(expectation, &none).outcome, Outcome::Invalid);
        }
    }

    #[test]
    fn a_tail_is_not_averaged_away() {
        let mut tail = healthy(1_000);
        let values: Vec<u64> = (0..1_000).map(|n| if n < 11 { 5_000_000 } else { 20_000 }).collect();
        tail.latency.response = of(values.clone());
        tail.latency.response_ideal = of(values);
        assert_eq!(judged(response_p99_under(1_000_000), &pooled(&[tail])).outcome, Outcome::Fail);
    }
}
