//! A comparison as text for a terminal: first the changes, then the notes.

use super::rows::{self, MOST_CASES, mark};
use super::tested;
use crate::compare::{Change, ChangeCounts, Comparison, Difference, GateDecision, Side};
use crate::render::View;
use crate::render::parts::grid::{draw_toned, fit, width_of};
use crate::render::parts::paint::Tone;
use crate::render::parts::{last_line, text};
use crate::untrusted::Untrusted;

/// Smallest width of the layout.
const NARROWEST: usize = 40;
/// Longest line of untrusted text, in characters.
const LONGEST: usize = 1_000;
/// Largest number of cases whose reasons are listed.
const MOST_REASONS: usize = 30;

/// The comparison as text, at most as wide as the view if that has at least 60 columns.
pub(super) fn table(comparison: &Comparison, view: View) -> String {
    let view = view.wide(view.width.max(NARROWEST));
    let width = view.width;
    let mut out = heading(comparison, width);
    let attribution = comparison.attribution.iter();
    out.extend(attribution.map(|line| text::wrap(&line.terminal(LONGEST), width, 2) + "\n"));
    let (grid, names) = grid(comparison, view);
    let tested = tested::text(comparison, &names, view);
    for part in [grid, tested, reasons(comparison, &names, view), footnotes(comparison, width)] {
        if !part.is_empty() {
            out.push('\n');
            out.push_str(&part);
        }
    }
    let changes = text::wrap(&format!("Changes: {}", counts(&comparison.counts)), width, 2);
    out + "\n" + &changes + "\n"
}

/// A gate's decision in one line; `colour`: with its first word in colour.
#[must_use]
pub fn gate_line(decision: &GateDecision, colour: bool) -> String {
    match colour {
        true => last_line::of_decision_in_colour(decision) + "\n",
        false => last_line::of_decision(decision) + "\n",
    }
}

fn heading(comparison: &Comparison, width: usize) -> String {
    let side = |name: &str, side: &Side| {
        let (label, when) = (side.label.terminal(120), side.created_at.terminal(40));
        text::wrap(&format!("{name}: {label} ({when})"), width, 6) + "\n"
    };
    side("base", &comparison.base) + &side("new", &comparison.new)
}

/// The table, and the names of its cases: their values, or numbers if the values would be too wide.
fn grid(comparison: &Comparison, view: View) -> (String, Vec<String>) {
    let width = view.width;
    if comparison.cases.is_empty() {
        return ("no cases\n".into(), Vec::new());
    }
    let labels: Vec<String> = comparison.cases.iter().map(rows::label).collect();
    let (mut columns, mut left_out) = fit(rows::columns(comparison, &labels, "case"), width);
    let (mut names, mut legend) = (labels.clone(), String::new());
    // Numbers leave room for all columns. They are explained below the table.
    if width_of(&columns) > width || !left_out.is_empty() {
        names = (1..=labels.len()).map(|number| number.to_string()).collect();
        (columns, left_out) = fit(rows::columns(comparison, &names, "#"), width);
        for (label, number) in labels.iter().zip(1..).take(MOST_CASES) {
            legend.push_str(&text::wrap(&format!("#{number}: {label}"), width, 4));
            legend.push('\n');
        }
        names = names.iter().map(|number| format!("#{number}")).collect();
    }
    let mut out = draw_toned(&columns, view.colour) + "\n";
    if comparison.cases.len() > MOST_CASES {
        out.push_str(&format!("and {} more cases\n", comparison.cases.len() - MOST_CASES));
    }
    left_out.dedup();
    if !left_out.is_empty() {
        legend.push_str(&text::wrap(&format!("left out for lack of room: {}", left_out.join(", ")), width, 2));
        legend.push('\n');
    }
    if !legend.is_empty() {
        out.push('\n');
        out.push_str(&legend);
    }
    (out, names)
}

/// Every finding about each case that changed or is inconclusive.
fn reasons(comparison: &Comparison, names: &[String], view: View) -> String {
    let open: Vec<_> =
        comparison.cases.iter().zip(names).filter(|(case, _)| !case.decision.findings.is_empty()).collect();
    let mut out = String::new();
    for (case, name) in open.iter().take(MOST_REASONS) {
        for finding in &case.decision.findings {
            let line = format!("{} {name}: {}", mark(case.change), finding.text.terminal(LONGEST));
            let line = text::wrap(&line, view.width, 4);
            out.push_str(&(view.paint(Tone::of_change(case.change), &line) + "\n"));
        }
    }
    if open.len() > MOST_REASONS {
        out.push_str(&format!("and {} more cases with reasons\n", open.len() - MOST_REASONS));
    }
    out
}

/// The marks in the table, the differences besides the numbers, and the notes.
fn footnotes(comparison: &Comparison, width: usize) -> String {
    let decision = &comparison.decision;
    let mut lines: Vec<String> = Vec::new();
    let has = |change: Change| comparison.cases.iter().any(|case| case.metrics.iter().any(|m| m.change == change));
    if has(Change::Unchanged) {
        lines.push("~ no change that counts".into());
    }
    if !comparison.cases.is_empty() {
        lines.push("± half of the 95 % interval of the mean over the repeats".into());
        lines.push(
            "trimmed_mean: the mean of the fastest 95 %; a gate tests the metrics with a margin, the others only inform"
                .into(),
        );
    }
    lines.extend(tested::footnote(comparison).map(str::to_owned));
    lines.extend(decision.differences.iter().map(difference));
    lines.extend(decision.notes.iter().map(|note| format!("note: {}", note.terminal(LONGEST))));
    lines.iter().map(|line| text::wrap(line, width, 2) + "\n").collect()
}

pub(super) fn difference(difference: &Difference) -> String {
    let text = |side: &Option<Untrusted>| side.as_ref().map_or("unknown".into(), |text| text.terminal(200));
    let what = difference.what.terminal(200);
    format!("not the same on both sides: {what}: {} → {}", text(&difference.base), text(&difference.new))
}

pub(super) fn counts(counts: &ChangeCounts) -> String {
    let ChangeCounts { regressed, improved, inconclusive, incomparable, added, removed, unchanged } = *counts;
    let all = [
        (regressed, Change::Regressed),
        (improved, Change::Improved),
        (inconclusive, Change::Inconclusive),
        (incomparable, Change::Incomparable),
        (added, Change::Added),
        (removed, Change::Removed),
        (unchanged, Change::Unchanged),
    ];
    let said: Vec<String> = all
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, change)| format!("{count} {}", change.word()))
        .collect();
    if said.is_empty() { "no cases".into() } else { said.join(", ") }
}
