//! The metrics of a case: each as text, as a sort key, and as a degree of badness.

use crate::measure::Ledger;
use crate::render::parts::columns::axis_of;
use crate::render::parts::numbers;
use crate::report::{CaseRecord, LatencySet, LatencySummary, Report, Summary};
use crate::scenario::{Parameters, Statistic, Value};

/// A number of a case.
pub(super) struct Metric {
    /// Its name in a heading.
    pub name: &'static str,
    /// Its name in the table for a terminal.
    pub key: &'static str,
    /// Its value as it is printed.
    pub text: fn(&Summary) -> String,
    /// The number itself.
    pub value: fn(&Summary) -> Option<f64>,
    better: Better,
}

enum Better {
    /// A share: the larger, the better.
    High,
    /// A time on a logarithmic scale: the shorter, the better.
    Low,
}

/// The metrics that a target bounds come first, then those that a service notices.
const METRICS: [Metric; 10] = [
    Metric {
        name: "accepted",
        key: "accepted",
        text: |summary| numbers::share(summary.ledger.enqueued_in_window, summary.ledger.scheduled),
        value: |summary| accepted(&summary.ledger),
        better: Better::High,
    },
    time("enqueue mean", "mean", |s| numbers::mean(s.latency.enqueue.mean_ns), |s| s.latency.enqueue.mean_ns),
    time("enqueue p50", "p50", |s| text(&s.latency.enqueue, P50), |s| float(P50(&s.latency.enqueue))),
    time("enqueue p90", "p90", |s| text(&s.latency.enqueue, P90), |s| float(P90(&s.latency.enqueue))),
    time("enqueue p99", "p99", |s| text(&s.latency.enqueue, P99), |s| float(P99(&s.latency.enqueue))),
    time("enqueue p99.9", "p99.9", |s| text(&s.latency.enqueue, P99_9), |s| float(P99_9(&s.latency.enqueue))),
    time("enqueue max", "max", |s| text(&s.latency.enqueue, MAX), |s| float(MAX(&s.latency.enqueue))),
    time("response p99", "response", |s| text(&s.latency.response, P99), |s| float(P99(&s.latency.response))),
    time("delivery p99", "delivery", |s| text(&s.latency.delivery, P99), |s| float(P99(&s.latency.delivery))),
    time(
        "lag p99",
        "lag",
        |s| lag(&s.latency).map_or(numbers::NONE.into(), |lag| text(lag, P99)),
        |s| lag(&s.latency).and_then(|lag| float(P99(lag))),
    ),
];

const P50: fn(&LatencySummary) -> Option<u64> = |latency| latency.p50_ns;
const P99: fn(&LatencySummary) -> Option<u64> = |latency| latency.p99_ns;
const P90: fn(&LatencySummary) -> Option<u64> = |latency| latency.p90_ns;
const P99_9: fn(&LatencySummary) -> Option<u64> = |latency| latency.p99_9_ns;
const MAX: fn(&LatencySummary) -> Option<u64> = |latency| latency.max_ns;

const fn time(
    name: &'static str,
    key: &'static str,
    text: fn(&Summary) -> String,
    value: fn(&Summary) -> Option<f64>,
) -> Metric {
    Metric { name, key, text, value, better: Better::Low }
}

fn float(ns: Option<u64>) -> Option<f64> {
    ns.map(|ns| ns as f64)
}

/// A statistic. If some of the values are lower bounds, so is the statistic.
fn text(latency: &LatencySummary, statistic: fn(&LatencySummary) -> Option<u64>) -> String {
    let value = statistic(latency);
    let bound = if latency.censored > 0 && value.is_some() { "≥" } else { "" };
    format!("{bound}{}", numbers::time(value))
}

fn lag(set: &LatencySet) -> Option<&LatencySummary> {
    set.lag.as_ref()
}

fn accepted(ledger: &Ledger) -> Option<f64> {
    (ledger.scheduled > 0).then(|| ledger.enqueued_in_window as f64 / ledger.scheduled as f64)
}

impl Metric {
    /// Larger is worse; equal steps look equally bad.
    pub fn badness(&self, case: &CaseRecord) -> Option<f64> {
        let value = (self.value)(case.summary.as_ref()?)?;
        match self.better {
            Better::High => Some(-value),
            Better::Low => Some(value.max(1.0).log10()),
        }
    }
}

/// The metrics that any case has. Of `enqueue`: the mean, the p99, and the statistic that the target bounds.
pub(super) fn shown_metrics(report: &Report) -> Vec<&'static Metric> {
    let summaries = || report.cases.iter().filter_map(|case| case.summary.as_ref());
    let target = target_metric(report);
    let usual = |metric: &&Metric| !["p50", "p90", "p99.9", "max"].contains(&metric.key) || metric.name == target;
    let known = |metric: &&Metric| summaries().any(|summary| (metric.value)(summary).is_some());
    METRICS.iter().filter(usual).filter(known).collect()
}

/// The metric that the target of the first scenario bounds.
pub(super) fn target_metric(report: &Report) -> &'static str {
    let statistic = report.scenarios.first().map(|scenario| scenario.target.statistic);
    let key = statistic.map_or("mean".to_owned(), |statistic: Statistic| statistic.to_string());
    METRICS.iter().find(|metric| metric.key == key).map_or("enqueue mean", |metric| metric.name)
}

/// The sort key of an axis, if its text would sort wrongly.
pub(super) fn sort_key(parameters: &Parameters, column: &str) -> Option<f64> {
    if column == "offered" {
        return Some(f64::from(parameters.concurrency) * parameters.rate.per_second());
    }
    match axis_of(column)?.get(parameters) {
        Value::Count(count) => Some(count as f64),
        Value::Rate(rate) => Some(rate.per_second()),
        Value::Time(time) => Some(time.0 as f64),
        Value::Share(share) => Some(share.as_f64()),
        _ => None,
    }
}
