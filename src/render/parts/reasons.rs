//! Why cases did not pass.

use crate::render::View;
use crate::render::parts::columns::mark;
use crate::render::parts::paint::Tone;
use crate::render::parts::text::wrap;
use crate::report::{CaseRecord, Report};
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;

/// Largest number of cases whose reasons are listed.
const MAX_CASES: usize = 20;
/// Largest number of reasons of a case.
const MAX_REASONS: usize = 6;
/// Largest number of lines of a child's stderr.
const MAX_STDERR: usize = 3;
/// Longest reason, in characters.
const MAX_TEXT: usize = 400;

/// A paragraph for each case that did not pass or has notes, the worst first. `labels` name the cases.
pub(in crate::render) fn lines(report: &Report, labels: &[String], view: View) -> String {
    let is_open = |case: &CaseRecord| case.verdict.outcome != Outcome::Pass || !case.verdict.notes.is_empty();
    let mut open: Vec<(&CaseRecord, &String)> =
        report.cases.iter().zip(labels).filter(|(case, _)| is_open(case)).collect();
    open.sort_by_key(|(case, _)| std::cmp::Reverse(case.verdict.outcome));
    let mut text = String::new();
    for (case, label) in open.iter().take(MAX_CASES) {
        let mark = mark(case.verdict.outcome).map_or(String::new(), |mark| format!("{mark} "));
        let heading = wrap(&format!("{mark}{}: {label}", case.verdict.outcome.word()), view.width, 4);
        text.push_str(&view.paint(Some(Tone::of_outcome(case.verdict.outcome)), &heading));
        text.push('\n');
        text.push_str(&of_case(case, view.width));
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
    let told = |before: &str, text: &Untrusted| format!("{before}{}", text.terminal(MAX_TEXT));
    let reasons = case.verdict.reasons.iter().take(MAX_REASONS);
    let mut lines: Vec<String> = reasons.map(|reason| told("", reason)).collect();
    if case.verdict.reasons.len() > MAX_REASONS {
        lines.push(format!("and {} more", case.verdict.reasons.len() - MAX_REASONS));
    }
    if let Some(error) = case.errors.first() {
        let skipped = error.stderr_tail.len().saturating_sub(MAX_STDERR);
        lines.extend(error.stderr_tail.iter().skip(skipped).map(|line| told("stderr: ", line)));
    }
    lines.extend(case.verdict.notes.iter().map(|note| told("note: ", note)));
    let shown = lines.iter().map(|line| wrap(&format!("    {line}"), width, 6));
    shown.map(|line| line + "\n").collect()
}
