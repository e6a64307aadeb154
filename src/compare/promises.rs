//! What a gate tests for each case: every promise that a report makes, as one number for each repeat.
//!
//! A number that is too noisy to be tested repeat by repeat (p99, p99.9) is tested as the *share* of the logs beyond
//! the baseline's own quantile. A count is far steadier than a high quantile, and it detects a stall that affects few
//! logs.

use super::align::Found;
use super::{MetricUnit, Settings};
use crate::report::{CaseRecord, LatencySummary, RepeatRecord, bound_from, calls_over};
use crate::scenario::Target;

/// How a promise is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The new repeats are worse than the baseline's, and the shift exceeds the margin.
    Moved,
    /// The new repeats are worse than the baseline's with the margin added. The baseline's share beyond its own
    /// quantile is fixed by that choice and hardly varies, so a test for any growth would be significant far too
    /// easily.
    Grown,
    /// More new repeats have any such log, and no repeat of the baseline had one.
    Appeared,
}

/// One promise of one pair of cases, ready to be tested.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) metric: &'static str,
    pub(super) unit: MetricUnit,
    pub(super) larger_is_worse: bool,
    pub(super) rule: Rule,
    /// Time that a slower machine stretches.
    pub(super) elastic: bool,
    /// Bound of a share of slow logs, in nanoseconds.
    pub(super) bound_ns: Option<u64>,
    /// A change for the worse counts if it is larger than this.
    pub(super) margin: f64,
    /// Sameness requires that a change for the worse by this much is ruled out. It is larger than the margin for
    /// numbers that move by more than the margin in identical code: see [`LEEWAY`] and [`SLOW_RULED_OUT`].
    pub(super) ruled_out: f64,
    /// One value a repeat.
    pub(super) base: Vec<f64>,
    /// One value a repeat.
    pub(super) new: Vec<f64>,
}

/// What matters in a case: the scale for its margins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stakes {
    min_effect: f64,
    /// Slow-down of a call that is ignored, in nanoseconds.
    ignore_below: f64,
    /// The target's latency, in nanoseconds.
    target: f64,
}

impl Stakes {
    /// The stakes of the baseline's scenario.
    pub(super) fn of(base: Found<'_>, settings: &Settings) -> Self {
        let target = base.scenario.map_or_else(Target::default, |scenario| scenario.target.clone()).latency.0 as f64;
        // A calibrated baseline knows by how much it differs from itself. A smaller change is not evidence.
        let noise = base.case.calibration.and_then(|calibration| calibration.difference);
        let noise = noise.filter(|noise| noise.is_finite()).map_or(0.0, f64::abs);
        Self {
            min_effect: settings.min_effect.max(noise),
            ignore_below: settings.ignore_below_ns.unwrap_or(target * OF_TARGET),
            target,
        }
    }

    fn relative(self, base: f64, least: f64) -> f64 {
        (self.min_effect * base.abs()).max(least)
    }
}

/// Share of the target's latency that is ignored, if `ignore_below` is not set.
const OF_TARGET: f64 = 0.01;
/// Margin of shares of the offered or attempted logs: a percentage point.
const POINT: f64 = 0.01;
/// Margin of the share of the worst-served producer: five points. It is the minimum over tasks, and varies more.
const LEAST_SERVED: f64 = 0.05;
/// A share of slow logs is the same if this much growth can be ruled out. It is the share that the mean of the fastest
/// 95 % leaves out: together, the two cover every log.
const SLOW_RULED_OUT: f64 = 0.05;
/// CPU seconds per million logs that are ignored: 1 µs per log, which is 1 % of a core at 10,000 logs/s.
const CPU: f64 = 1.0;
/// For times that differ by more than the margin in identical code, sameness requires that this many times the margin
/// is ruled out: a p99 moves with each millisecond that is stolen, CPU time with how often a worker is woken.
const LEEWAY: f64 = 2.0;
/// A longer wait is ignored up to this many times the slow-down of a call that is ignored. `enqueue` sees a call that
/// takes longer. The rest of a wait is for an earlier call of the task, and pauses of the machine make it longer.
const WAIT: f64 = 5.0;
/// Memory that is ignored, in bytes.
const MEMORY: f64 = 4_194_304.0;
/// A share of slow logs has grown if it is this many times the old one,
const FACTOR: f64 = 2.0;
/// and larger by this much beyond the baseline's p99 or the target,
const LEAST_GROWTH: f64 = 0.005;
/// or beyond the baseline's p99.9.
const LEAST_GROWTH_FAR: f64 = 0.002;

/// A promise that is one number of each repeat.
struct Promise {
    metric: &'static str,
    unit: MetricUnit,
    larger_is_worse: bool,
    of: fn(&RepeatRecord) -> Option<f64>,
    margin: fn(Stakes, f64) -> f64,
    /// Sameness requires that this many times the margin is ruled out.
    leeway: f64,
}

const fn time(metric: &'static str, of: fn(&RepeatRecord) -> Option<f64>, margin: fn(Stakes, f64) -> f64) -> Promise {
    Promise { metric, unit: MetricUnit::Nanoseconds, larger_is_worse: true, of, margin, leeway: 1.0 }
}

const fn worse_if_more(
    metric: &'static str,
    unit: MetricUnit,
    of: fn(&RepeatRecord) -> Option<f64>,
    margin: fn(Stakes, f64) -> f64,
) -> Promise {
    Promise { metric, unit, larger_is_worse: true, of, margin, leeway: 1.0 }
}

const fn worse_if_less(
    metric: &'static str,
    of: fn(&RepeatRecord) -> Option<f64>,
    margin: fn(Stakes, f64) -> f64,
) -> Promise {
    Promise { metric, unit: MetricUnit::Share, larger_is_worse: false, of, margin, leeway: 1.0 }
}

const fn cpu_time(metric: &'static str, of: fn(&RepeatRecord) -> Option<f64>) -> Promise {
    Promise { leeway: LEEWAY, ..worse_if_more(metric, MetricUnit::CpuPerMillion, of, |s, base| s.relative(base, CPU)) }
}

/// Name of the statistic that represents a case if only one is shown.
pub(super) const ENQUEUE: &str = "enqueue.trimmed_mean";

/// Name of the accepted share.
pub(super) const ACCEPTED: &str = "accepted";

const PROMISES: [Promise; 11] = [
    time(ENQUEUE, |r| r.latency.enqueue.trimmed_mean_ns, |s, base| s.relative(base, s.ignore_below)),
    // `response` without the generator's own lateness: with it, identical code differs by more than the target.
    time(
        "response_ideal.trimmed_mean",
        |r| r.latency.response_ideal.trimmed_mean_ns,
        |s, base| s.relative(base, WAIT * s.ignore_below),
    ),
    Promise {
        leeway: LEEWAY,
        ..time(
            "response_ideal.p99",
            |r| r.latency.response_ideal.p99_ns.map(|ns| ns as f64),
            |s, base| s.relative(base, s.target),
        )
    },
    // No caller waits for a delivery, so ten times the margin of a call is ignored.
    time(
        "delivery.trimmed_mean",
        |r| r.latency.delivery.trimmed_mean_ns,
        |s, base| s.relative(base, 10.0 * s.ignore_below),
    ),
    worse_if_less(ACCEPTED, |r| share(r.ledger.enqueued_in_window, r.ledger.scheduled), |_, _| POINT),
    worse_if_more(
        "dropped",
        MetricUnit::Share,
        |r| share(r.ledger.discarded(), r.ledger.attempted),
        |s, base| s.relative(base, POINT),
    ),
    worse_if_more(
        "sampled_out",
        MetricUnit::Share,
        |r| share(r.ledger.sampled_out, r.ledger.attempted),
        |s, base| s.relative(base, POINT),
    ),
    worse_if_less("least_served", |r| r.fairness.map(|fairness| fairness.least_share), |_, _| LEAST_SERVED),
    cpu_time("cpu", cpu),
    cpu_time("cpu.queue", queue_cpu),
    worse_if_more(
        "memory",
        MetricUnit::Bytes,
        |r| r.cost.peak_memory_bytes.map(|bytes| bytes as f64),
        |s, base| s.relative(base, MEMORY),
    ),
];

/// CPU time of all threads, if the queue's own is not known separately; otherwise `None`: most of the time of all
/// threads is the generator's polling.
fn cpu(repeat: &RepeatRecord) -> Option<f64> {
    let groups = &repeat.cost.cpu_s_per_million;
    (!groups.is_empty() && !groups.contains_key("queue")).then(|| groups.values().sum())
}

fn queue_cpu(repeat: &RepeatRecord) -> Option<f64> {
    repeat.cost.cpu_s_per_million.get("queue").copied()
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A latency whose slow logs are counted.
struct Counted {
    /// The name for each kind of bound, in the order of [`Bound::ALL`].
    metrics: [&'static str; 3],
    pairs: fn(&RepeatRecord) -> &[(u64, u64)],
    of: fn(&RepeatRecord) -> &LatencySummary,
    /// Reads the latency from the summary of a case.
    summary: fn(&CaseRecord) -> Option<&LatencySummary>,
}

const COUNTED: [Counted; 3] = [
    Counted {
        metrics: ["enqueue.over_p99", "enqueue.over_p99.9", "enqueue.over_target"],
        pairs: |r| &r.slow_calls,
        of: |r| &r.latency.enqueue,
        summary: |case| Some(&case.summary.as_ref()?.latency.enqueue),
    },
    Counted {
        metrics: ["response_ideal.over_p99", "response_ideal.over_p99.9", "response_ideal.over_target"],
        pairs: |r| &r.slow_responses,
        of: |r| &r.latency.response_ideal,
        summary: |case| Some(&case.summary.as_ref()?.latency.response_ideal),
    },
    Counted {
        metrics: ["delivery.over_p99", "delivery.over_p99.9", "delivery.over_target"],
        pairs: |r| &r.slow_deliveries,
        of: |r| &r.latency.delivery,
        summary: |case| Some(&case.summary.as_ref()?.latency.delivery),
    },
];

/// The bound beyond which a log counts as slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    P99,
    P99_9,
    Target,
}

impl Bound {
    const ALL: [Self; 3] = [Self::P99, Self::P99_9, Self::Target];

    fn least_growth(self) -> f64 {
        if self == Self::P99_9 { LEAST_GROWTH_FAR } else { LEAST_GROWTH }
    }
}

/// A count of a repeat.
type Count = fn(&RepeatRecord) -> u64;

/// Counts that must not appear if the baseline has none.
const APPEARING: [(&str, Count); 3] = [
    ("dropped.appeared", |r| r.ledger.discarded()),
    ("sampled_out.appeared", |r| r.ledger.sampled_out),
    ("reordered.appeared", |r| r.ledger.reordered),
];

/// The largest number of tests of one case.
pub(super) const MOST_TESTS: usize = PROMISES.len() + COUNTED.len() * Bound::ALL.len() + APPEARING.len();

/// All questions about a pair, and the metrics that the baseline has and the new repeats lack.
pub(super) fn questions(base: Found<'_>, new: Found<'_>, settings: &Settings) -> (Vec<Question>, Vec<&'static str>) {
    let stakes = Stakes::of(base, settings);
    let mut questions = Vec::with_capacity(MOST_TESTS);
    let mut vanished = Vec::new();
    for promise in &PROMISES {
        // A time of zero was not measured: no call is that fast.
        let known = |value: &f64| *value > 0.0 || promise.unit != MetricUnit::Nanoseconds;
        let of = |repeat: &RepeatRecord| (promise.of)(repeat).filter(known);
        let [old, fresh] = [base.case, new.case].map(|case| values(case, of));
        if old.len() == base.case.repeats.len() && fresh.len() < new.case.repeats.len() && !old.is_empty() {
            vanished.push(promise.metric);
        }
        questions.extend(moved(promise, old, fresh, stakes));
    }
    for counted in &COUNTED {
        questions.extend(tails(counted, base, new, stakes));
    }
    questions.extend(APPEARING.iter().filter_map(|(metric, of)| appeared(metric, *of, base.case, new.case)));
    (questions, vanished)
}

fn values(case: &CaseRecord, of: impl Fn(&RepeatRecord) -> Option<f64>) -> Vec<f64> {
    case.repeats.iter().filter_map(of).filter(|value| value.is_finite() && *value >= 0.0).collect()
}

fn moved(promise: &Promise, base: Vec<f64>, new: Vec<f64>, stakes: Stakes) -> Option<Question> {
    if base.is_empty() || new.is_empty() {
        return None;
    }
    let margin = (promise.margin)(stakes, middle(&base));
    Some(Question {
        metric: promise.metric,
        unit: promise.unit,
        larger_is_worse: promise.larger_is_worse,
        rule: Rule::Moved,
        elastic: matches!(promise.unit, MetricUnit::Nanoseconds | MetricUnit::CpuPerMillion),
        bound_ns: None,
        margin,
        ruled_out: promise.leeway * margin,
        base,
        new,
    })
}

/// The questions about the shares of slow logs of a latency; none if a report has no counts of them.
fn tails(counted: &Counted, base: Found<'_>, new: Found<'_>, stakes: Stakes) -> Vec<Question> {
    if !has_counts(counted, base.case) || !has_counts(counted, new.case) {
        return Vec::new();
    }
    let own = (counted.summary)(base.case);
    let of_bound = |(bound, metric): (Bound, &&'static str)| {
        let bound_ns = match bound {
            Bound::P99 => bound_from(own?.p99_ns?)?,
            Bound::P99_9 => bound_from(own?.p99_9_ns?)?,
            Bound::Target => stakes.target as u64,
        };
        let [old, fresh] = [base.case, new.case].map(|case| shares(counted, case, bound_ns));
        if old.is_empty() || fresh.is_empty() {
            return None;
        }
        let margin = ((FACTOR - 1.0) * middle(&old)).max(bound.least_growth());
        Some(Question {
            metric,
            unit: MetricUnit::Share,
            larger_is_worse: true,
            rule: Rule::Grown,
            elastic: false,
            bound_ns: Some(bound_ns),
            margin,
            ruled_out: margin.max(SLOW_RULED_OUT),
            base: old,
            new: fresh,
        })
    };
    Bound::ALL.into_iter().zip(&counted.metrics).filter_map(of_bound).collect()
}

/// Whether every repeat that timed a log has counted the slow ones.
fn has_counts(counted: &Counted, case: &CaseRecord) -> bool {
    !case.repeats.is_empty()
        && case.repeats.iter().all(|r| (counted.of)(r).count == 0 || !(counted.pairs)(r).is_empty())
}

/// Whether the slow logs of `response` were not counted, as in older reports.
pub(super) fn lacks_counts(case: &CaseRecord) -> bool {
    !case.repeats.is_empty() && !COUNTED.iter().all(|counted| has_counts(counted, case))
}

fn shares(counted: &Counted, case: &CaseRecord, bound_ns: u64) -> Vec<f64> {
    let share = |repeat: &RepeatRecord| {
        let all = (counted.of)(repeat).count;
        share(calls_over((counted.pairs)(repeat), all, bound_ns).min(all), all)
    };
    case.repeats.iter().filter_map(share).collect()
}

/// The bound by which a stall is seen, and the shares of the logs that waited longer, for each repeat of the baseline
/// and of the new side. The bound is the target, or the baseline's p99.9 if that is longer, multiplied by `times`.
pub(super) fn stalls(
    base: Found<'_>,
    new: Found<'_>,
    settings: &Settings,
    times: u64,
) -> Option<(u64, Vec<f64>, Vec<f64>)> {
    let counted = &COUNTED[1];
    if !has_counts(counted, base.case) || !has_counts(counted, new.case) {
        return None;
    }
    let target = Stakes::of(base, settings).target as u64;
    // Logs over the target are counted exactly. Any other bound is rounded to one of the fixed ones.
    let far = (counted.summary)(base.case).and_then(|summary| bound_from(summary.p99_9_ns?));
    let bound = far.filter(|far| *far > target).unwrap_or(target);
    let bound = if times == 1 { bound } else { bound_from(bound.saturating_mul(times))? };
    Some((bound, shares(counted, base.case, bound), shares(counted, new.case, bound)))
}

fn appeared(
    metric: &'static str,
    of: fn(&RepeatRecord) -> u64,
    base: &CaseRecord,
    new: &CaseRecord,
) -> Option<Question> {
    if base.repeats.is_empty() || new.repeats.is_empty() || base.repeats.iter().any(|repeat| of(repeat) > 0) {
        return None;
    }
    let counts = |case: &CaseRecord| case.repeats.iter().map(|repeat| of(repeat) as f64).collect();
    Some(Question {
        metric,
        unit: MetricUnit::Logs,
        larger_is_worse: true,
        rule: Rule::Appeared,
        elastic: false,
        bound_ns: None,
        margin: 0.0,
        ruled_out: 0.0,
        base: counts(base),
        new: counts(new),
    })
}

/// The median of some values; 0 without any.
pub(super) fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    super::rank::median(&sorted).unwrap_or(0.0)
}
