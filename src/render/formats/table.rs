//! The table for people.

use crate::render::View;
use crate::render::parts::columns::{ALL_CALLS, AT_LEAST, BELOW_LOAD, axes, metrics};
use crate::render::parts::grid::{Column, draw_toned, fit, width_of};
use crate::render::parts::headline::{Headline, VERDICT};
use crate::render::parts::paint::Tone;
use crate::render::parts::{gating, maxima, numbers, origin, reasons, text, totals};
use crate::report::{Report, ScenarioRecord};
use crate::verdict::{OutcomeCounts, PlanVerdict};

/// Smallest width of the layout. In a narrower terminal, lines may be too long.
const NARROWEST: usize = 40;

/// The whole report as text, at most as wide as the view if that has at least 60 columns.
///
/// Values that do not vary are given once, above the table. If the columns do not fit, some are left out and named below the
/// table, in this order: largest enqueue, sampled out, evicted, offered, p99 of enqueue, dropped, response. If that is not enough,
/// a number replaces the axes, and is explained below.
#[must_use]
pub fn table(report: &Report, view: View) -> String {
    let width = view.width.max(NARROWEST);
    let view = view.wide(width);
    let (axes, same) = axes(report);
    let labels = labels(report, &axes);
    let mut out = heading(report, &same, width);
    out.push_str(&grid(report, axes, &labels, view));
    out.push_str(&section(&maxima::lines(report, view)));
    out.push_str(&section(&reasons::lines(report, &labels, view)));
    out.push_str(&section(&totals::lines(report.cases.iter().filter_map(|case| case.summary.as_ref()))));
    out.push_str(&section(&gating::calibration(report, &labels, width)));
    out.push_str(&section(&gating::evidence(report, view)));
    out.push_str(&section(&verdict(report, view)));
    out
}

fn section(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n{text}") }
}

fn heading(report: &Report, same: &[String], width: usize) -> String {
    let tool = format!("{} {}", report.tool.name.terminal(40), report.tool.version.terminal(40));
    let mut out = text::wrap(&format!("{tool} · {}", report.created_at.terminal(40)), width, 2) + "\n";
    for scenario in &report.scenarios {
        out.push_str(&text::wrap(&promise(scenario), width, 2));
        out.push('\n');
        for left_out in &scenario.left_out {
            out.push_str(&text::wrap(&format!("not run: {}", left_out.terminal(200)), width, 2));
            out.push('\n');
        }
    }
    for line in origin::lines(report) {
        out.push_str(&(text::wrap(&line, width, 2) + "\n"));
    }
    if !same.is_empty() {
        out.push_str(&text::wrap_items(same, width, 2));
        out.push('\n');
    }
    out + "\n"
}

pub(in crate::render) fn promise(scenario: &ScenarioRecord) -> String {
    format!("{} ({}): {}", scenario.name.terminal(60), scenario.file.terminal(120), target(scenario))
}

/// The target of a scenario in one line.
pub(in crate::render) fn target(scenario: &ScenarioRecord) -> String {
    let target = &scenario.target;
    format!(
        "{}(enqueue) < {} at {}, accepted >= {}",
        target.statistic,
        target.latency,
        numbers::exact_rate(target.throughput),
        target.min_accepted
    )
}

fn grid(report: &Report, axes: Vec<Column>, labels: &[String], view: View) -> String {
    let width = view.width;
    if report.cases.is_empty() {
        return "no cases\n".into();
    }
    let all: Vec<Column> = axes.into_iter().chain(metrics(report)).collect();
    let (mut columns, mut left_out) = fit(all, width);
    let mut legend = String::new();
    if width_of(&columns) > width {
        let numbers = (1..=report.cases.len()).map(|number| number.to_string()).collect();
        let number = Column { key: "#", header: "#", right: true, cells: numbers, ..Column::default() };
        (columns, left_out) = fit(std::iter::once(number).chain(metrics(report)).collect(), width);
        for (label, number) in labels.iter().zip(1..) {
            legend.push_str(&text::wrap(&format!("#{number}: {label}"), width, 4));
            legend.push('\n');
        }
    }
    let mut out = draw_toned(&columns, view.colour) + "\n";
    legend.push_str(&footnotes(&columns, width));
    if !left_out.is_empty() {
        let names = left_out.join(", ");
        legend.push_str(&text::wrap(&format!("left out for lack of room: {names}"), width, 2));
        legend.push('\n');
    }
    out.push_str(&section(&legend));
    out
}

/// The meaning of each mark in the table.
pub(in crate::render) fn footnotes(columns: &[Column], width: usize) -> String {
    let cells = || columns.iter().flat_map(|column| &column.cells);
    [
        ('✗', "breaks a limit"),
        ('?', "cannot be told: too few samples, or spoiled by the generator or the machine"),
        ('!', "the run broke, or its numbers contradict each other"),
        (AT_LEAST, "at least: some logs were never sent, and count with their wait so far"),
        (ALL_CALLS, "refused calls included: the queue's calls do not tell which were accepted"),
        (BELOW_LOAD, "below target load: the case offers less than the target's throughput"),
        ('–', "no number: nothing measured, or too few samples"),
    ]
    .into_iter()
    .filter(|(mark, _)| cells().any(|cell| cell.contains(*mark)))
    .map(|(mark, meaning)| text::wrap(&format!("{mark} {meaning}"), width, 2) + "\n")
    .collect()
}

/// The labels of the cases: the axes that vary, as `axis=value` pairs; the id of a single case.
pub(in crate::render) fn labels(report: &Report, axes: &[Column]) -> Vec<String> {
    let of = |row: usize| {
        let told = axes.iter().filter(|column| column.dispensable.is_none());
        let pairs: Vec<_> = told.map(|column| format!("{}={}", column.key, column.cells[row])).collect();
        if pairs.is_empty() { report.cases[row].id.terminal(200) } else { pairs.join(", ") }
    };
    (0..report.cases.len()).map(of).collect()
}

/// The number of cases with each outcome: `1 pass, 3 fail`.
pub(in crate::render) fn counts(verdict: &PlanVerdict) -> String {
    let OutcomeCounts { pass, fail, invalid, error } = verdict.cases;
    let counts: Vec<String> = [(pass, "pass"), (fail, "fail"), (invalid, "invalid"), (error, "error")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if counts.is_empty() { "no cases".into() } else { counts.join(", ") }
}

/// The word for the whole report, and the outcomes of its cases. If there is a gate, the text says that these are the
/// cases by themselves.
pub(in crate::render) fn whole(report: &Report) -> String {
    let counts = counts(&report.verdict);
    let by_themselves = if report.gate.is_some() { "cases by themselves: " } else { "" };
    format!("{} ({by_themselves}{counts})", Headline::of(report).word())
}

fn verdict(report: &Report, view: View) -> String {
    let width = view.width;
    let reasons = report.verdict.reasons.iter();
    let mut out: String = reasons.map(|reason| text::wrap(&reason.terminal(400), width, 2) + "\n").collect();
    let whole = text::wrap(&format!("{VERDICT}{}", whole(report)), width, 2);
    out.push_str(&(view.paint(Some(Tone::of(Headline::of(report))), &whole) + "\n"));
    out + &gating::last_line(report, width)
}
