//! A gate's decision as annotations of GitHub Actions: one for the whole, then one for each case that decided it.

use crate::compare::{CaseDecision, Change, GateDecision, GateOutcome};
use crate::render::formats::github::{Annotation, MOST, line};
use crate::render::parts::headline::Headline;
use crate::render::parts::{last_line, shift};

/// Longest message, in characters.
const LONGEST: usize = 1_000;
/// Longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// The decision as workflow commands, one a line. A step shows ten of each kind, so no more are written.
pub(super) fn gate(decision: &GateDecision) -> String {
    let whole = Headline::of_gate(decision.outcome).command();
    let title = format!("queue-load gate: {}", decision.outcome.word());
    let first = line(whole, None, &title, &last_line::of_decision(decision));
    let others = of_cases(decision, whole).into_iter().map(|annotation| annotation.line);
    std::iter::once(first).chain(others).collect::<Vec<_>>().join("\n") + "\n"
}

/// An annotation for each case that decided. `whole` is the kind of the annotation for the whole run.
pub(in crate::render) fn of_cases(decision: &GateDecision, whole: &str) -> Vec<Annotation> {
    let mut annotations = Vec::new();
    // A removed case has no annotation if its removal was allowed.
    let removed = if decision.outcome == GateOutcome::Pass { &[][..] } else { &[Change::Removed][..] };
    for (command, changes) in [
        ("error", &[&[Change::Regressed][..], removed].concat()[..]),
        ("warning", &[Change::Inconclusive, Change::Incomparable][..]),
    ] {
        let room = MOST - usize::from(whole == command);
        let cases = decision.cases.iter().filter(|case| changes.contains(&case.change)).take(room);
        annotations.extend(cases.map(|case| {
            let title = format!("{}: {}", case.change.word(), case.id.terminal(LONGEST_TITLE));
            Annotation { command, line: line(command, None, &title, &why(case)) }
        }));
    }
    annotations
}

/// The reason, and the numbers that decided, one on each line.
fn why(case: &CaseDecision) -> String {
    let numbers = shift::open(case).into_iter().map(|shift| format!("{} {}", shift.metric, shift.line()));
    let reason = Some(case.reason.terminal(LONGEST)).filter(|reason| !reason.is_empty());
    reason.into_iter().chain(numbers).collect::<Vec<_>>().join("\n")
}
