//! Why cases did not pass.

use crate::render::parts::columns::mark;
use crate::render::parts::text::wrap;
use crate::render::sanitise;
use crate::report::{CaseRecord, Report};
use crate::verdict::Outcome;

/// Most cases whose reasons are listed.
const MAX_CASES: usize = 20;
/// Most reasons of a case.
const MAX_REASONS: usize = 6;
/// Most lines of a child's stderr.
const MAX_STDERR: usize = 3;
/// Longest reason, in characters.
const MAX_TEXT: usize = 400;

/// A paragraph per case that did not pass or of which there is something else to know, the worst first. `labels` name the
/// cases.
pub(in crate::render) fn lines(report: &Report, labels: &[String], width: usize) -> String {
    let is_open = |case: &CaseRecord| case.verdict.outcome != Outcome::Pass || !case.verdict.notes.is_empty();
    let mut open: Vec<(&CaseRecord, &String)> =
        report.cases.iter().zip(labels).filter(|(case, _)| is_open(case)).collect();
    open.sort_by_key(|(case, _)| std::cmp::Reverse(case.verdict.outcome));
    let mut text = String::new();
    for (case, label) in open.iter().take(MAX_CASES) {
        let mark = mark(case.verdict.outcome).map_or(String::new(), |mark| format!("{mark} "));
        text.push_str(&wrap(&format!("{mark}{}: {label}", case.verdict.outcome.word()), width, 4));
        text.push('\n');
        text.push_str(&of_case(case, width));
    }
    if open.len() > MAX_CASES {
        let rest = open[MAX_CASES..].iter().filter(|(case, _)| case.verdict.outcome != Outcome::Pass).count();
        let noted = open.len() - MAX_CASES - rest;
        let more = [(rest, "more cases that did not pass"), (noted, "more cases with a note")];
        text.extend(
            more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("and {count} {what}\n")),
        );
    }
    text
}

/// The reasons and the notes of one case, indented.
pub(in crate::render) fn of_case(case: &CaseRecord, width: usize) -> String {
    let mut lines: Vec<String> = case.verdict.reasons.iter().take(MAX_REASONS).cloned().collect();
    if case.verdict.reasons.len() > MAX_REASONS {
        lines.push(format!("and {} more", case.verdict.reasons.len() - MAX_REASONS));
    }
    if let Some(error) = case.errors.first() {
        let skipped = error.stderr_tail.len().saturating_sub(MAX_STDERR);
        lines.extend(error.stderr_tail.iter().skip(skipped).map(|line| format!("stderr: {line}")));
    }
    lines.extend(case.verdict.notes.iter().map(|note| format!("note: {note}")));
    let shown = lines.iter().map(|line| wrap(&format!("    {}", sanitise(line, MAX_TEXT)), width, 6));
    shown.map(|line| line + "\n").collect()
}
