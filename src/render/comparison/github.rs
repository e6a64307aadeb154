//! A gate's decision as annotations of GitHub Actions: one for the whole, then one for each case that decided it.

use super::super::github::{MOST, line};
use super::super::sanitise;
use crate::compare::{Change, GateDecision, GateOutcome};

/// Longest message, in characters.
const LONGEST: usize = 1_000;
/// Longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// The decision as workflow commands, one a line. A step shows ten of each kind, so no more are written.
pub(super) fn gate(decision: &GateDecision) -> String {
    annotations(decision).join("\n") + "\n"
}

/// The same, one by one.
pub(in crate::render) fn annotations(decision: &GateDecision) -> Vec<String> {
    let whole = match decision.outcome {
        GateOutcome::Pass => "notice",
        GateOutcome::Regressed | GateOutcome::Failed => "error",
        GateOutcome::Inconclusive | GateOutcome::Incomparable => "warning",
    };
    let title = format!("queue-load gate: {}", decision.outcome.word());
    let mut lines = vec![line(whole, None, &title, &sanitise(&decision.reason, LONGEST))];
    for (command, changes) in
        [("error", &[Change::Regressed][..]), ("warning", &[Change::Inconclusive, Change::Incomparable][..])]
    {
        let room = MOST - usize::from(whole == command);
        let cases = decision.cases.iter().filter(|case| changes.contains(&case.change)).take(room);
        lines.extend(cases.map(|case| {
            let title = format!("{}: {}", case.change.word(), sanitise(&case.id, LONGEST_TITLE));
            line(command, None, &title, &sanitise(&case.reason, LONGEST))
        }));
    }
    lines
}
