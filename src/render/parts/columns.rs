//! The columns of the table: one for each axis that varies, and one for each metric.

use crate::measure::{Ledger, OutcomeSource};
use crate::render::parts::grid::Column;
use crate::render::parts::numbers::{self, NONE};
use crate::render::parts::paint::Tone;
use crate::report::{CaseRecord, LatencySummary, Report, Summary};
use crate::scenario::{AXES, Axis, Parameters, STAGES, TRACE, Value};
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;

/// Longest untrusted text of a cell, in characters.
const MAX_CELL: usize = 24;

/// No text of levels or of a payload is longer. It is not cut: cases may differ at its end alone.
const MAX_SHARES: usize = 300;

/// Longest text of the stages, in characters.
const MAX_STAGES: usize = 60;

/// Longest text of the trace, in characters.
const MAX_TRACE: usize = 60;

/// A column that identifies a case: an axis, or a value that follows from axes.
struct Subject {
    key: &'static str,
    right: bool,
    /// The usual value. It is not shown if all cases have it.
    usual: Option<String>,
    value: Box<dyn Fn(&CaseRecord) -> String>,
}

/// Axes that stand above the table even with their defaults: they describe the queue and its logs.
const ALWAYS_SAID: [&str; 12] = [
    "queue",
    "strategy",
    "maxsize",
    "concurrency",
    "rate",
    "duration",
    "batch_size",
    "batch_timeout",
    "sample_rate",
    "sink",
    "sink_delay",
    "payload",
];

/// What identifies a case, in the order of the columns: the scenario, every axis, the offered rate after the rate, and the
/// stages or the trace.
fn subjects() -> Vec<Subject> {
    let scenario = |case: &CaseRecord| case.scenario.terminal(MAX_CELL);
    let mut subjects = vec![Subject { key: "scenario", right: false, usual: None, value: Box::new(scenario) }];
    for axis in &AXES {
        subjects.push(of_axis(axis));
        if axis.name == "rate" {
            let value = |case: &CaseRecord| human::rate(case.parameters.offered_per_second());
            subjects.push(Subject { key: "offered", right: true, usual: None, value: Box::new(value) });
        }
    }
    let usual = Some(NONE.to_owned());
    subjects.push(Subject { key: STAGES, right: false, usual: usual.clone(), value: Box::new(stages) });
    subjects.push(Subject { key: TRACE, right: false, usual, value: Box::new(trace) });
    subjects
}

fn stages(case: &CaseRecord) -> String {
    let stages = case.parameters.stages.as_ref();
    stages.map_or(NONE.into(), |stages| Untrusted::from(stages.to_string()).terminal(MAX_STAGES))
}

fn trace(case: &CaseRecord) -> String {
    let trace = case.parameters.trace.as_ref();
    trace.map_or(NONE.into(), |trace| Untrusted::from(format!("{} {trace}", trace.file.as_given())).terminal(MAX_TRACE))
}

fn of_axis(axis: &'static Axis) -> Subject {
    let default = axis.default();
    Subject {
        key: key(axis.name),
        right: matches!(default, Some(Value::Count(_) | Value::Rate(_) | Value::Time(_) | Value::Share(_))),
        usual: default.filter(|_| !ALWAYS_SAID.contains(&axis.name)).map(|default| default.text().terminal(MAX_CELL)),
        value: Box::new(|case| match axis.get(&case.parameters) {
            Value::Count(count) => human::count(count),
            Value::Rate(rate) => numbers::exact_rate(rate),
            value @ (Value::Level(_) | Value::Payload(_)) => value.text().terminal(MAX_SHARES),
            value => value.text().terminal(MAX_CELL),
        }),
    }
}

/// The axis that a column shows; `None` for another column.
pub(in crate::render) fn axis_of(column: &str) -> Option<&'static Axis> {
    AXES.iter().find(|axis| key(axis.name) == column)
}

/// The name of an axis in tables.
fn key(name: &'static str) -> &'static str {
    match name {
        "concurrency" => "tasks",
        "batch_size" => "batch size",
        "batch_timeout" => "batch timeout",
        "sample_rate" => "sample rate",
        "sink_delay" => "sink delay",
        _ => name,
    }
}

/// The axes that vary as columns, and the others as `axis value` texts.
pub(in crate::render) fn axes(report: &Report) -> (Vec<Column>, Vec<String>) {
    let (mut columns, mut same) = (Vec::new(), Vec::new());
    for Subject { key, right, usual, value } in subjects() {
        let cells: Vec<String> = report.cases.iter().map(value).collect();
        let Some(first) = cells.first() else { continue };
        if cells.iter().any(|cell| cell != first) {
            // The offered rate follows from tasks and rate, one of which varies too.
            let dispensable = (key == "offered").then_some(2);
            columns.push(Column { key, header: header(key), right, dispensable, cells, ..Column::default() });
        } else if key != "scenario" && usual.as_ref() != Some(first) {
            same.push(format!("{key} {first}"));
        }
    }
    if let Some(shards) = report.shard_of_each_case() {
        let cell = |index: usize| shards.get(index).map_or(NONE.into(), |shard| shard.machine.to_string());
        let cells = (0..report.cases.len()).map(cell).collect();
        columns.push(Column { key: "machine", header: "machine", right: true, cells, ..Column::default() });
    }
    (columns, same)
}

/// All axes of one case, and its stages or its trace if it has any.
pub(in crate::render) fn all_axes(case: &CaseRecord) -> Vec<String> {
    let Parameters { stages, trace, .. } = &case.parameters;
    let has = |key| (key != STAGES || stages.is_some()) && (key != TRACE || trace.is_some());
    let subjects = subjects();
    let told = subjects.iter().filter(|subject| has(subject.key));
    told.map(|subject| format!("{} {}", subject.key, (subject.value)(case))).collect()
}

fn header(key: &'static str) -> &'static str {
    match key {
        "batch size" => "batch\nsize",
        "batch timeout" => "batch\ntimeout",
        "sample rate" => "sample\nrate",
        "sink delay" => "sink\ndelay",
        _ => key,
    }
}

/// A measured column. Columns are left out in this order: the largest enqueue, sampled out, evicted, the offered rate (an
/// axis), the p99 of enqueue, dropped, the response. Accepted, the mean of enqueue, lost and the verdict always stay.
struct Metric {
    key: &'static str,
    header: &'static str,
    dispensable: Option<u8>,
    value: fn(&Summary) -> String,
}

const METRICS: [Metric; 9] = [
    Metric {
        key: "accepted",
        header: "accepted",
        dispensable: None,
        value: |summary| numbers::share(summary.ledger.enqueued_in_window, summary.ledger.scheduled),
    },
    Metric {
        key: "mean",
        header: "enqueue\nmean",
        dispensable: None,
        value: |summary| numbers::mean(summary.latency.enqueue.mean_ns),
    },
    Metric { key: "p99", header: "enqueue\np99", dispensable: Some(4), value: |summary| p99(&summary.latency.enqueue) },
    Metric {
        key: "max",
        header: "enqueue\nmax",
        dispensable: Some(0),
        value: |summary| numbers::time(summary.latency.enqueue.max_ns),
    },
    Metric {
        key: "response",
        header: "response\np99",
        dispensable: Some(6),
        value: |summary| p99(&summary.latency.response),
    },
    Metric {
        key: "dropped",
        header: "dropped",
        dispensable: Some(5),
        value: |summary| numbers::count(summary.ledger.dropped),
    },
    Metric {
        key: "sampled",
        header: "sampled\nout",
        dispensable: Some(1),
        value: |summary| numbers::count(summary.ledger.sampled_out),
    },
    Metric {
        key: "evicted",
        header: "evicted",
        dispensable: Some(1),
        value: |summary| numbers::count(summary.ledger.evicted),
    },
    Metric { key: "lost", header: "lost", dispensable: None, value: |summary| numbers::count(summary.ledger.lost()) },
];

/// The p99, marked as a lower bound if some logs were never sent.
fn p99(latency: &LatencySummary) -> String {
    let text = numbers::time(latency.p99_ns);
    if latency.censored > 0 && latency.p99_ns.is_some() { format!("{AT_LEAST}{text}") } else { text }
}

/// The mark before a lower bound.
pub(in crate::render) const AT_LEAST: char = '≥';
/// The mark after a number of `enqueue` that also covers refused calls.
pub(in crate::render) const ALL_CALLS: char = '‡';
/// The mark after the verdict of a case that offers less than the target's throughput.
pub(in crate::render) const BELOW_LOAD: char = '†';

/// The mark of an outcome, before its word and in cells.
pub(in crate::render) fn mark(outcome: Outcome) -> Option<char> {
    match outcome {
        Outcome::Pass => None,
        Outcome::Invalid => Some('?'),
        Outcome::Fail => Some('✗'),
        Outcome::Error => Some('!'),
    }
}

/// The measured columns. `sampled out` is one only if any log was sampled out, and `evicted` if any was evicted.
pub(in crate::render) fn metrics(report: &Report) -> Vec<Column> {
    let any =
        |of: fn(&Ledger) -> u64| report.cases.iter().filter_map(|c| c.summary.as_ref()).any(|s| of(&s.ledger) > 0);
    let (sampled, evicted) = (any(|ledger| ledger.sampled_out), any(|ledger| ledger.evicted));
    let shown =
        METRICS.iter().filter(|metric| (metric.key != "sampled" || sampled) && (metric.key != "evicted" || evicted));
    let mut columns: Vec<Column> = shown
        .map(|metric| Column {
            key: metric.key,
            header: metric.header,
            right: true,
            dispensable: metric.dispensable,
            cells: report.cases.iter().map(|case| measured(case, metric)).collect(),
            tones: report.cases.iter().map(|case| tone(case, metric)).collect(),
        })
        .collect();
    columns.push(Column {
        key: "verdict",
        header: "verdict",
        right: false,
        dispensable: None,
        cells: report.cases.iter().map(verdict).collect(),
        tones: report.cases.iter().map(|case| Some(Tone::of_outcome(case.verdict.outcome))).collect(),
    });
    columns
}

fn measured(case: &CaseRecord, metric: &Metric) -> String {
    let text = case.summary.as_ref().map_or(NONE.into(), metric.value);
    let text = if text != NONE && covers_all_calls(case, metric.key) { format!("{text}{ALL_CALLS}") } else { text };
    match outcome_of_metric(case, metric.key).and_then(mark) {
        Some(mark) => format!("{mark}{text}"),
        None => text,
    }
}

/// A number has a colour only if it has a mark.
fn tone(case: &CaseRecord, metric: &Metric) -> Option<Tone> {
    outcome_of_metric(case, metric.key).filter(|outcome| mark(*outcome).is_some()).map(Tone::of_outcome)
}

/// The outcome of a number: that of the worst check about it. Without a repeat there is no number.
pub(in crate::render) fn outcome_of_metric(case: &CaseRecord, key: &str) -> Option<Outcome> {
    case.summary.as_ref()?;
    let about = case.verdict.checks.iter().filter(|check| column_of(check.subject.as_given()) == Some(key));
    about.map(|check| check.outcome).max()
}

/// Whether a metric of `enqueue` also covers refused calls, because it is not known which calls were refused.
fn covers_all_calls(case: &CaseRecord, key: &str) -> bool {
    let is_of_enqueue = matches!(key, "mean" | "p99" | "max");
    let unknown = case.repeats.iter().any(|repeat| repeat.outcome_source != OutcomeSource::Call);
    is_of_enqueue && unknown && case.summary.as_ref().is_some_and(|s| s.ledger.dropped > 0 || s.ledger.sampled_out > 0)
}

fn verdict(case: &CaseRecord) -> String {
    let word = case.verdict.outcome.word();
    let below = if case.verdict.below_target_load { format!(" {BELOW_LOAD}") } else { String::new() };
    match mark(case.verdict.outcome) {
        Some(mark) => format!("{mark} {word}{below}"),
        None => format!("{word}{below}"),
    }
}

/// The column that shows what a check is about, if there is one.
fn column_of(subject: &str) -> Option<&'static str> {
    let counted = subject.split(" / ").next().unwrap_or(subject);
    match (subject, counted) {
        ("mean(enqueue)", _) => Some("mean"),
        ("p99(enqueue)", _) => Some("p99"),
        ("max(enqueue)", _) => Some("max"),
        ("p99(response)", _) => Some("response"),
        (_, "accepted") => Some("accepted"),
        (_, "dropped") => Some("dropped"),
        (_, "sampled_out") => Some("sampled"),
        (_, "evicted") => Some("evicted"),
        (_, "lost") => Some("lost"),
        _ => None,
    }
}
