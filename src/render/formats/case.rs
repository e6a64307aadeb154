//! One case in full.

use crate::measure::Ledger;
use crate::render::View;
use crate::render::parts::columns::{AT_LEAST, all_axes, mark};
use crate::render::parts::facts::facts;
use crate::render::parts::grid::{Column, draw, draw_toned, fit};
use crate::render::parts::headline::VERDICT;
use crate::render::parts::numbers::{self, NONE};
use crate::render::parts::paint::Tone;
use crate::render::parts::{curve, levels, reasons, stages, surroundings, text, totals};
use crate::report::{CaseRecord, LatencySet, LatencySummary, Report, Summary};
use crate::units::human;
use crate::verdict::{CheckResult, Outcome, Unit};

/// Everything that the report has about the case with this id, at most as wide as the view; `None` if there is no such
/// case.
#[must_use]
pub fn case(report: &Report, id: &str, view: View) -> Option<String> {
    let case = report.cases.iter().find(|case| case.id == id)?;
    let width = view.width.max(40);
    let mut out = text::wrap(&case.id.terminal(400), width, 2) + "\n";
    out.push_str(&text::wrap_items(&all_axes(case), width, 2));
    out.push_str(&format!(
        "\nrepeats: {} valid, {} discarded, {} broken\n",
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
        out.push_str(&staged(case, width));
    }
    out.push_str(&format!("\n{}\n", draw_toned(&fit(checks(&case.verdict.checks), width).0, view.colour)));
    out.push_str(&format!("\n{}", totals::lines(case.summary.iter())));
    let verdict = format!("{VERDICT}{}", case.verdict.outcome.word());
    let verdict = view.paint(Some(Tone::of_outcome(case.verdict.outcome)), &verdict);
    out.push_str(&format!("\n{verdict}\n{}", reasons::of_case(case, width)));
    out.push_str(&aside(case, width));
    let mut facts = facts(report);
    facts[0] = format!("environment: {}", facts[0]);
    out.push_str(&format!("\n{}\n", text::wrap_items(&facts, width, 2)));
    Some(out)
}

/// The statistics of each latency, one row for each.
pub(in crate::render) fn times(set: &LatencySet) -> Vec<Column> {
    let named: Vec<(&str, &LatencySummary)> =
        set.observed().map(|(name, statistics)| (name.name(), statistics)).collect();
    let column = |key, dispensable, value: fn(&LatencySummary) -> String| Column {
        key,
        header: key,
        right: true,
        dispensable,
        cells: named.iter().map(|(_, latency)| bounded(key, latency, value(latency))).collect(),
        ..Column::default()
    };
    let names = named.iter().map(|(name, _)| (*name).to_owned()).collect();
    vec![
        Column { key: "latency", header: "latency", cells: names, ..Column::default() },
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

/// If some of the values are lower bounds, so is the statistic.
fn bounded(key: &str, latency: &LatencySummary, text: String) -> String {
    let is_bound = latency.censored > 0 && text != NONE && !matches!(key, "count" | "censored");
    if is_bound { format!("{AT_LEAST}{text}") } else { text }
}

fn ledger(summary: &Summary, width: usize) -> String {
    let counts = counts(&summary.ledger);
    let counts: Vec<String> = counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    text::wrap_items(&counts, width, 2) + "\n"
}

/// The levels, the stages and the recovery; empty if the case has none.
fn staged(case: &CaseRecord, width: usize) -> String {
    let levels = levels::columns(case);
    let levels = if levels.is_empty() { String::new() } else { format!("\n{}\n", draw(&fit(levels, width).0)) };
    let columns = stages::columns(case);
    if columns.is_empty() {
        return levels;
    }
    let recovery = stages::recovery(case).map(|words| text::wrap(&words, width, 2) + "\n");
    format!("{levels}\n{}\n{}", draw(&fit(columns, width).0), recovery.unwrap_or_default())
}

/// Every count of a ledger, by name.
pub(in crate::render) fn counts(ledger: &Ledger) -> Vec<(String, String)> {
    // A count that ends in `_in_window` is a part of another count and has no row.
    let counts = Ledger::COUNTS.iter().filter(|(name, _)| !name.ends_with("_in_window"));
    counts.map(|(name, of)| (shown_name(name), human::count(of(ledger)))).collect()
}

/// `lost.silent` as `lost (silent)`.
fn shown_name(name: &str) -> String {
    name.split_once('.').map_or_else(|| name.to_owned(), |(whole, part)| format!("{whole} ({part})"))
}

/// Each check with its observed value, one row for each.
pub(in crate::render) fn checks(checks: &[CheckResult]) -> Vec<Column> {
    let column = |key, right, dispensable, value: fn(&CheckResult) -> String| Column {
        key,
        header: key,
        right,
        dispensable,
        cells: checks.iter().map(value).collect(),
        ..Column::default()
    };
    let tones = checks.iter().map(|check| Some(Tone::of_outcome(check.outcome))).collect();
    vec![
        column("check", false, Some(0), |check| check.name.terminal(20)),
        column("expected", false, None, |check| check.expression.terminal(36)),
        column("observed", true, None, |check| quantity(check.observed, check.unit)),
        Column { tones, ..column("outcome", false, None, |check| marked(check.outcome)) },
    ]
}

/// The word for an outcome, behind its mark.
fn marked(outcome: Outcome) -> String {
    match mark(outcome) {
        Some(mark) => format!("{mark} {}", outcome.word()),
        None => outcome.word().into(),
    }
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
        Unit::Bytes => human::bytes(value),
        Unit::BytesPerSecond => format!("{}/s", human::bytes(value)),
        Unit::NanosPerSecond => human::latency_slope(value),
        Unit::Records => human::number(value),
        Unit::Index => human::index(value),
    }
}

fn aside(case: &CaseRecord, width: usize) -> String {
    let line = |aside: &crate::report::SetAsideRecord| {
        let why: Vec<String> = aside.reasons.iter().map(|reason| reason.terminal(200)).collect();
        let number = aside.measured.repeat + 1;
        text::wrap(&format!("discarded, repeat {number}: {}", why.join("; ")), width, 4) + "\n"
    };
    case.set_aside.iter().take(20).map(line).collect()
}
