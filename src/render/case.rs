//! One case in full.

use super::columns::{AT_LEAST, all_axes, mark};
use super::facts::facts;
use super::grid::{Column, draw, fit};
use super::headline::VERDICT;
use super::numbers::{self, NONE};
use super::{curve, latencies, reasons, sanitise, surroundings, text, totals};
use crate::measure::Ledger;
use crate::report::{CaseRecord, LatencySet, LatencySummary, Report, Summary};
use crate::units::human;
use crate::verdict::{CheckResult, Unit};

/// Everything that the report says of the case with that id, at most `width` columns wide; `None` if there is none.
#[must_use]
pub fn case(report: &Report, id: &str, width: usize) -> Option<String> {
    let case = report.cases.iter().find(|case| case.id == id)?;
    let width = width.max(40);
    let mut out = text::wrap(&sanitise(&case.id, 400), width, 2) + "\n";
    out.push_str(&text::wrap_items(&all_axes(case), width, 2));
    out.push_str(&format!(
        "\nrepeats: {} valid, {} set aside, {} broken\n",
        case.repeats.len(),
        case.set_aside.len(),
        case.errors.len()
    ));
    if let Some(summary) = &case.summary {
        out.push_str(&format!("\n{}\n", draw(&fit(times(&summary.latency), width).0)));
        let curves = curve::curves(&summary.latency, width);
        if !curves.is_empty() {
            out.push_str(&format!("\n{curves}"));
        }
        out.push_str(&format!("\n{}", surroundings::lines(case, width)));
        out.push_str(&format!("\n{}", ledger(summary, width)));
    }
    out.push_str(&format!("\n{}\n", draw(&fit(checks(&case.verdict.checks), width).0)));
    out.push_str(&format!("\n{}", totals::lines(case.summary.iter())));
    out.push_str(&format!("\n{VERDICT}{}\n{}", case.verdict.outcome.word(), reasons::of_case(case, width)));
    out.push_str(&aside(case, width));
    let mut facts = facts(report);
    facts[0] = format!("environment: {}", facts[0]);
    out.push_str(&format!("\n{}\n", text::wrap_items(&facts, width, 2)));
    Some(out)
}

/// Statistics of each latency, a row each.
pub(super) fn times(set: &LatencySet) -> Vec<Column> {
    let named: Vec<(&str, &LatencySummary)> = latencies::observed(set).collect();
    let column = |key, dispensable, value: fn(&LatencySummary) -> String| Column {
        key,
        header: key,
        right: true,
        dispensable,
        cells: named.iter().map(|(_, latency)| bounded(key, latency, value(latency))).collect(),
    };
    let names = named.iter().map(|(name, _)| (*name).to_owned()).collect();
    vec![
        Column { key: "latency", header: "latency", right: false, dispensable: None, cells: names },
        column("count", Some(5), |latency| numbers::count(latency.count)),
        column("mean", None, |latency| numbers::mean(latency.mean_ns)),
        column("p50", Some(4), |latency| numbers::time(latency.p50_ns)),
        column("p90", Some(2), |latency| numbers::time(latency.p90_ns)),
        column("p99", None, |latency| numbers::time(latency.p99_ns)),
        column("p99.9", Some(3), |latency| numbers::time(latency.p99_9_ns)),
        column("p99.99", Some(1), |latency| numbers::time(latency.p99_99_ns)),
        column("max", None, |latency| numbers::time(latency.max_ns)),
        column("censored", Some(0), |latency| numbers::count(latency.censored)),
    ]
}

/// A statistic over lower bounds is one itself.
fn bounded(key: &str, latency: &LatencySummary, text: String) -> String {
    let is_bound = latency.censored > 0 && text != NONE && !matches!(key, "count" | "censored");
    if is_bound { format!("{AT_LEAST}{text}") } else { text }
}

fn ledger(summary: &Summary, width: usize) -> String {
    let counts = counts(&summary.ledger);
    let counts: Vec<String> = counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    text::wrap_items(&counts, width, 2) + "\n"
}

/// Every count of a ledger, by name.
pub(super) fn counts(ledger: &Ledger) -> Vec<(&'static str, String)> {
    let counts = [
        ("scheduled", ledger.scheduled),
        ("attempted", ledger.attempted),
        ("unsent", ledger.unsent),
        ("unsent_generator", ledger.unsent_generator),
        ("enqueued", ledger.enqueued),
        ("dropped", ledger.dropped),
        ("sampled_out", ledger.sampled_out),
        ("delivered", ledger.delivered),
        ("lost (admitted)", ledger.lost.admitted),
        ("lost (silent)", ledger.lost.silent),
        ("duplicated", ledger.duplicated),
        ("reordered", ledger.reordered),
        ("phantom", ledger.phantom),
        ("undecidable", ledger.undecidable),
    ];
    counts.map(|(name, count)| (name, human::count(count))).into()
}

/// Each check with what was observed, a row each.
pub(super) fn checks(checks: &[CheckResult]) -> Vec<Column> {
    let column = |key, right, dispensable, value: fn(&CheckResult) -> String| Column {
        key,
        header: key,
        right,
        dispensable,
        cells: checks.iter().map(value).collect(),
    };
    vec![
        column("check", false, Some(0), |check| sanitise(&check.name, 20)),
        column("expected", false, None, |check| sanitise(&check.expression, 36)),
        column("observed", true, None, |check| quantity(check.observed, check.unit)),
        column("outcome", false, None, |check| match mark(check.outcome) {
            Some(mark) => format!("{mark} {}", check.outcome.word()),
            None => check.outcome.word().into(),
        }),
    ]
}

fn quantity(value: Option<f64>, unit: Unit) -> String {
    let Some(value) = value else {
        return NONE.into();
    };
    match unit {
        Unit::Nanoseconds => human::latency(value),
        Unit::Logs | Unit::Violations => human::count(value as u64),
        Unit::Share => human::share(value),
        Unit::LogsPerSecond => human::rate(value),
    }
}

fn aside(case: &CaseRecord, width: usize) -> String {
    let line = |aside: &crate::report::SetAsideRecord| {
        let why: Vec<String> = aside.reasons.iter().map(|reason| sanitise(reason, 200)).collect();
        let number = aside.measured.repeat + 1;
        text::wrap(&format!("set aside, repeat {number}: {}", why.join("; ")), width, 4) + "\n"
    };
    case.set_aside.iter().take(20).map(line).collect()
}
