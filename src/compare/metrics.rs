//! Every number of every case on both sides. A number that a gate tests has the result of that test; the others only
//! inform.

use super::align::{Alignment, Pair};
use super::level::Level;
use super::rank::{RankTests, median};
use super::samples::{self, Evidence, Samples};
use super::{CaseDecision, Change, Estimate, MetricComparison, MetricUnit, Options};
use crate::report::{CaseRecord, LatencySummary, RepeatRecord};
use crate::untrusted::Untrusted;

/// Smallest change of a share that counts: a percentage point.
const POINT: f64 = 0.01;

/// A number of a repeat.
struct Metric {
    name: &'static str,
    unit: MetricUnit,
    /// Whether a larger value is a worse one.
    larger_is_worse: bool,
    of: fn(&RepeatRecord) -> Option<f64>,
}

const fn time(name: &'static str, of: fn(&RepeatRecord) -> Option<f64>) -> Metric {
    Metric { name, unit: MetricUnit::Nanoseconds, larger_is_worse: true, of }
}

/// The name of the metric that stands for a case.
pub(crate) const CONFIRMATORY: &str = super::promises::ENQUEUE;

/// All metrics, in the order in which they are shown.
const METRICS: [Metric; 20] = [
    time(CONFIRMATORY, |repeat| repeat.latency.enqueue.trimmed_mean_ns),
    time("enqueue.mean", |repeat| repeat.latency.enqueue.mean_ns),
    time("enqueue.p50", |repeat| p50(&repeat.latency.enqueue)),
    time("enqueue.p99", |repeat| p99(&repeat.latency.enqueue)),
    time("enqueue.p99.9", |repeat| repeat.latency.enqueue.p99_9_ns.map(|ns| ns as f64)),
    time("response.mean", |repeat| repeat.latency.response.mean_ns),
    time("response.p50", |repeat| p50(&repeat.latency.response)),
    time("response.p99", |repeat| p99(&repeat.latency.response)),
    time("response_ideal.trimmed_mean", |repeat| repeat.latency.response_ideal.trimmed_mean_ns),
    time("response_ideal.p99", |repeat| p99(&repeat.latency.response_ideal)),
    time("delivery.trimmed_mean", |repeat| repeat.latency.delivery.trimmed_mean_ns),
    time("delivery.mean", |repeat| repeat.latency.delivery.mean_ns),
    time("delivery.p50", |repeat| p50(&repeat.latency.delivery)),
    time("delivery.p99", |repeat| p99(&repeat.latency.delivery)),
    Metric {
        name: "accepted",
        unit: MetricUnit::Share,
        larger_is_worse: false,
        of: |repeat| share(repeat.ledger.enqueued_in_window, repeat.ledger.scheduled),
    },
    Metric {
        name: "dropped",
        unit: MetricUnit::Share,
        larger_is_worse: true,
        of: |repeat| share(repeat.ledger.discarded(), repeat.ledger.attempted),
    },
    Metric {
        name: "least_served",
        unit: MetricUnit::Share,
        larger_is_worse: false,
        of: |repeat| repeat.fairness.map(|fairness| fairness.least_share),
    },
    Metric {
        name: "lost",
        unit: MetricUnit::Logs,
        larger_is_worse: true,
        of: |repeat| Some(repeat.ledger.lost.admitted.saturating_add(repeat.ledger.lost.silent) as f64),
    },
    Metric {
        name: "cpu",
        unit: MetricUnit::CpuPerMillion,
        larger_is_worse: true,
        of: |repeat| {
            let groups = &repeat.cost.cpu_s_per_million;
            (!groups.is_empty()).then(|| groups.values().sum())
        },
    },
    Metric {
        name: "memory",
        unit: MetricUnit::Bytes,
        larger_is_worse: true,
        of: |repeat| repeat.cost.peak_memory_bytes.map(|bytes| bytes as f64),
    },
];

fn p50(latency: &LatencySummary) -> Option<f64> {
    latency.p50_ns.map(|ns| ns as f64)
}

fn p99(latency: &LatencySummary) -> Option<f64> {
    latency.p99_ns.map(|ns| ns as f64)
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The names that `--metric` takes.
pub fn metric_names() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|metric| metric.name)
}

/// The unit of a metric, and whether a larger value is a worse one; `None` if there is no such metric.
pub(crate) fn metric_unit(name: &str) -> Option<(MetricUnit, bool)> {
    METRICS.iter().find(|metric| metric.name == name).map(|metric| (metric.unit, metric.larger_is_worse))
}

/// The median of each metric over the valid repeats of a case; one that no repeat has is left out.
pub(crate) fn medians(case: &CaseRecord) -> impl Iterator<Item = (&'static str, f64)> {
    METRICS.iter().filter_map(|metric| {
        let mut values: Vec<f64> =
            case.repeats.iter().filter_map(metric.of).filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        Some((metric.name, median(&values)?))
    })
}

/// Whether the user asked for a metric, by its name or the part before a dot: `enqueue` asks for all of its statistics.
fn is_asked(name: &str, asked: &[String]) -> bool {
    asked.is_empty()
        || asked.iter().any(|wanted| {
            name == wanted || name.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
}

/// A row of metrics for each pair.
pub(super) struct Table {
    rows: Vec<Vec<MetricComparison>>,
}

impl Table {
    pub(super) fn of(alignment: &Alignment<'_>, decisions: &[CaseDecision], options: &Options) -> Self {
        let mut tests = RankTests::default();
        let mut rows = vec![Vec::new(); alignment.pairs.len()];
        for metric in METRICS.iter().filter(|metric| is_asked(metric.name, &options.metrics)) {
            let column = column(metric, &alignment.pairs, decisions, options, &mut tests);
            rows.iter_mut().zip(column).for_each(|(row, cell)| row.extend(cell));
        }
        Self { rows }
    }

    pub(super) fn rows(self) -> impl Iterator<Item = Vec<MetricComparison>> {
        self.rows.into_iter()
    }
}

/// One metric of every pair; `None` where neither side has it.
fn column(
    metric: &Metric,
    pairs: &[Pair<'_>],
    decisions: &[CaseDecision],
    options: &Options,
    tests: &mut RankTests,
) -> Vec<Option<MetricComparison>> {
    let both = pairs.iter().zip(decisions).map(|(pair, decision)| {
        let (base, new) = pair.both().filter(|_| decision.change != Change::Incomparable)?;
        samples::evidence(tests, &values(metric, base.case, new.case))
    });
    let evidence: Vec<Option<Evidence>> = both.collect();
    let known = || evidence.iter().flatten();
    let (settings, level) = (&options.settings, Level::alone(options.settings.alpha, known().count()));
    let adjusted = |of: fn(&Evidence) -> f64| level.holm(&known().map(of).collect::<Vec<f64>>()).into_iter();
    let (mut larger, mut smaller) = (adjusted(|found| found.p_larger), adjusted(|found| found.p_smaller));
    let cell = |((pair, decision), evidence): ((&Pair<'_>, &CaseDecision), &Option<Evidence>)| {
        let adjusted = evidence.and_then(|_| Some((larger.next()?, smaller.next()?)));
        let side =
            |found: Option<super::align::Found<'_>>| found.map_or_else(Default::default, |f| estimate(metric, f.case));
        let (base, new) = (side(pair.base), side(pair.new));
        if base.value.is_none() && new.value.is_none() {
            return None;
        }
        let tested = decision.tests.iter().find(|test| test.metric == metric.name);
        let (change, repeats_needed) = match (tested, evidence, adjusted) {
            (Some(test), ..) => (test.change, decision.repeats_needed.filter(|_| test.change == Change::Inconclusive)),
            (_, Some(evidence), Some(adjusted)) => {
                judged(metric, evidence, adjusted, (level, settings.min_effect), pair)
            }
            _ => (one_sided(decision), None),
        };
        let ratio = new.value.zip(base.value).filter(|(_, base)| *base > 0.0).map(|(new, base)| new / base);
        let ratio = match (metric.name == CONFIRMATORY, &decision.effect) {
            (true, Some(effect)) => Some(effect.ratio),
            _ => ratio,
        };
        let confirmatory = metric.name == CONFIRMATORY;
        Some(MetricComparison {
            metric: metric.name,
            unit: metric.unit,
            confirmatory,
            base,
            new,
            ratio,
            change,
            reason: reason(decision, change),
            repeats_needed,
        })
    };
    pairs.iter().zip(decisions).zip(&evidence).map(cell).collect()
}

/// Times as logarithms; shares and counts as they are.
fn values(metric: &Metric, base: &CaseRecord, new: &CaseRecord) -> Samples {
    if is_ratio(metric) {
        return Samples::logarithms(base, new, metric.of);
    }
    let read =
        |case: &CaseRecord| case.repeats.iter().filter_map(metric.of).filter(|value| value.is_finite()).collect();
    Samples { base: read(base), new: read(new) }
}

fn is_ratio(metric: &Metric) -> bool {
    matches!(metric.unit, MetricUnit::Nanoseconds | MetricUnit::CpuPerMillion | MetricUnit::Bytes)
}

fn estimate(metric: &Metric, case: &CaseRecord) -> Estimate {
    let values: Vec<f64> = case.repeats.iter().filter_map(metric.of).filter(|value| value.is_finite()).collect();
    Estimate { value: samples::mean(&values), half_width: samples::half_width(&values), repeats: values.len() as u64 }
}

fn one_sided(decision: &CaseDecision) -> Change {
    match decision.change {
        Change::Added | Change::Removed => decision.change,
        _ => Change::Incomparable,
    }
}

/// Applies the rules of the confirmatory statistic. For shares, the smallest change that counts is a percentage point.
fn judged(
    metric: &Metric,
    evidence: &Evidence,
    (larger, smaller): (f64, f64),
    (level, min_effect): (Level, f64),
    pair: &Pair<'_>,
) -> (Change, Option<u64>) {
    let least = match metric.unit {
        MetricUnit::Nanoseconds | MetricUnit::CpuPerMillion | MetricUnit::Bytes => min_effect.ln_1p(),
        MetricUnit::Share | MetricUnit::Index => POINT,
        MetricUnit::Logs => 0.0,
    };
    let moved = evidence.shift.estimate;
    let (worse, better) = if metric.larger_is_worse {
        (larger <= level.alpha && moved > least, smaller <= level.alpha && moved < -least)
    } else {
        (smaller <= level.alpha && moved < -least, larger <= level.alpha && moved > least)
    };
    if worse || better {
        return (if worse { Change::Regressed } else { Change::Improved }, None);
    }
    let identical = pair.both().is_some_and(|(base, new)| base.case.repeats == new.case.repeats);
    let still = evidence.spread.is_some_and(|spread| spread == 0.0) && moved == 0.0;
    if identical || still {
        return (Change::Unchanged, None);
    }
    let repeats = pair.both().map_or(0, |(base, new)| base.case.repeats.len().min(new.case.repeats.len()));
    let could = level.can_be_met(repeats, repeats);
    let wide = match evidence.standard_error {
        // A change that only shows when it is larger than the least effect applied twice is not ruled out.
        Some(error) if is_ratio(metric) => level.detectable(error, min_effect) > 2.0 * min_effect.ln_1p(),
        Some(error) => error * 3.0 > least.max(POINT) && metric.unit == MetricUnit::Share,
        None => true,
    };
    if could && !wide {
        return (Change::Unchanged, None);
    }
    let needed =
        evidence.spread.filter(|_| is_ratio(metric)).and_then(|spread| level.repeats_at(spread, 2.0 * min_effect));
    (Change::Inconclusive, needed.or_else(|| level.fewest_repeats(None)).map(|needed| needed.max(repeats as u64 + 1)))
}

fn reason(decision: &CaseDecision, change: Change) -> Option<Untrusted> {
    let says = matches!(change, Change::Incomparable | Change::Inconclusive) && decision.change == change;
    says.then(|| decision.reason.clone()).filter(|reason| !reason.is_empty())
}
