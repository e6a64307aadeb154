//! A comparison as Markdown, for a pull request or a job's summary: changed cases first, the rest folded.

use super::rows::{self, mark};
use super::{table, tested};
use crate::compare::{CaseComparison, Change, Comparison};
use crate::render::formats::markdown::{code, fenced, folded};
use crate::render::parts::headline::Headline;
use crate::render::parts::last_line;
use crate::render::parts::marker::marker;
use crate::units::human;
use crate::untrusted::Untrusted;

/// Largest number of rows of a table: a comment on GitHub has at most 65,536 characters.
const MOST_ROWS: usize = 100;
/// Longest untrusted text, in characters.
const LONGEST: usize = 1_000;

/// The hidden first line, which names the scenarios of the new report.
pub(super) fn marked(comparison: Option<&Comparison>) -> Vec<u8> {
    comparison.map_or_else(Vec::new, |one| marker(one.new.scenarios.iter()).into_bytes())
}

/// The decision, then the comparison behind it.
pub(super) fn gate(comparison: &Comparison) -> String {
    let decision = &comparison.decision;
    let sign = Headline::of_gate(decision.outcome).sign();
    let word = decision.outcome.word();
    format!("## {sign} queue-load gate: {word}\n\n{}\n\n{}", code(&last_line::of_decision(decision)), body(comparison))
}

/// The comparison alone.
pub(super) fn comparison(comparison: &Comparison) -> String {
    format!("## queue-load: {}\n\n{}", table::counts(&comparison.counts), body(comparison))
}

fn body(comparison: &Comparison) -> String {
    let side = |name: &str, label: &Untrusted, when: &Untrusted| {
        format!("- {name}: {} ({})\n", label.markdown(120), when.markdown(40))
    };
    let mut out = side("base", &comparison.base.label, &comparison.base.created_at);
    out.push_str(&side("new", &comparison.new.label, &comparison.new.created_at));
    out.extend(comparison.attribution.iter().map(|line| format!("- **{}**\n", line.markdown(LONGEST))));
    out.push('\n');
    let asked = !comparison.asked.is_empty();
    let (same, changed): (Vec<&CaseComparison>, Vec<&CaseComparison>) =
        comparison.cases.iter().partition(|case| case.change == Change::Unchanged);
    out.push_str(&rows_of(&changed, asked));
    out.push_str(&tested_of(&changed));
    let found = changed.iter().flat_map(|case| case.decision.findings.iter().map(move |finding| (case, finding)));
    let reasons: Vec<String> = found
        .take(MOST_ROWS)
        .map(|(case, finding)| {
            format!("{} {}: {}", mark(case.change), rows::label(case), finding.text.terminal(LONGEST))
        })
        .collect();
    if !reasons.is_empty() {
        out.push_str(&fenced(&reasons.join("\n")));
    }
    if !same.is_empty() {
        out.push_str(&folded(
            &format!("{} unchanged", human::counted(same.len() as u64, "case")),
            &(rows_of(&same, asked) + &tested_of(&same)),
        ));
    }
    let decision = &comparison.decision;
    let mut notes: Vec<String> = decision.differences.iter().map(table::difference).collect();
    notes.extend(decision.notes.iter().map(|note| note.terminal(LONGEST)));
    if !notes.is_empty() {
        out.push_str(&folded("What else is to be known", &fenced(&notes.join("\n"))));
    }
    out
}

/// The tested metrics of these cases; empty if nothing was tested.
fn tested_of(cases: &[&CaseComparison]) -> String {
    let lines = tested::lines(cases);
    if lines.is_empty() { String::new() } else { fenced(&lines.join("\n")) }
}

fn rows_of(cases: &[&CaseComparison], asked: bool) -> String {
    if cases.is_empty() {
        return String::new();
    }
    let mut out = String::from("| change | case | metric | base | new | |\n| :-- | :-- | :-- | --: | --: | --: |\n");
    let all: usize = cases.iter().map(|case| rows::shown(case, asked).count().max(1)).sum();
    let metrics = cases.iter().flat_map(|case| rows::shown(case, asked).map(move |metric| (case, metric)));
    for (case, metric) in metrics.take(MOST_ROWS) {
        let change = if metric.confirmatory { case.change } else { metric.change };
        let label = code(&rows::label(case)).replace('|', "\\|");
        let value = |estimate: Option<f64>| rows::value(metric.unit, estimate);
        out.push_str(&format!(
            "| {} {} | {label} | {} | {} | {} | {} |\n",
            mark(change),
            change.word(),
            metric.metric,
            value(metric.base.value),
            value(metric.new.value),
            rows::moved(metric)
        ));
    }
    for case in cases.iter().filter(|case| rows::shown(case, asked).next().is_none()).take(MOST_ROWS) {
        let label = code(&rows::label(case)).replace('|', "\\|");
        out.push_str(&format!("| {} {} | {label} | – | – | – | – |\n", mark(case.change), case.change.word()));
    }
    if all > MOST_ROWS {
        out.push_str(&format!("\nand {} more\n", all - MOST_ROWS));
    }
    out + "\n"
}
