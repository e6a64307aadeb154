//! From the decisions about the cases to one about the whole.

use super::align::{Alignment, Pair};
use super::decide::{lacks_tails, percent};
use super::{CaseDecision, Change, Difference, FindingKind, GateDecision, GateOutcome, Options, Steadiness};
use super::{decide, differences, steadiness};
use crate::report::Report;
use crate::units::human;

/// Decides on aligned reports. The cases of the decision are in the order of the pairs.
pub(super) fn decide_on(base: &Report, new: &Report, alignment: &Alignment<'_>, options: &Options) -> GateDecision {
    let settings = &options.settings;
    let cases = decide::decide(&alignment.pairs, options);
    let mut differences = differences::differences(base, new, &alignment.pairs);
    differences.iter_mut().for_each(|difference| difference.blocks_gate &= !settings.allow_cross_machine);
    let yardstick = steadiness::steadiness(base, new, settings.yardstick_bound);
    let mut notes = alignment.notes.clone();
    notes.extend(further_notes(base, new, &alignment.pairs, &yardstick));
    let (outcome, reason) = outcome(new, &cases, &differences, &yardstick);
    let suspect = |case: &&CaseDecision| {
        let by_test = |kind| matches!(kind, FindingKind::Slower | FindingKind::Tail);
        case.change == Change::Regressed && case.findings.iter().any(|finding| by_test(finding.kind))
    };
    GateDecision {
        outcome,
        reason,
        alpha: settings.alpha,
        min_effect: settings.min_effect,
        suspects: cases.iter().filter(suspect).map(|case| case.id.clone()).collect(),
        cases,
        differences,
        yardstick,
        notes,
    }
}

fn further_notes(base: &Report, new: &Report, pairs: &[Pair<'_>], yardstick: &Steadiness) -> Vec<String> {
    let mut notes = Vec::new();
    for (report, side) in [(base, "the baseline"), (new, "the new report")] {
        if report.interrupted {
            notes.push(format!("{side} was interrupted: it does not have all of its plan"));
        }
    }
    notes.extend(yardstick.reason.clone());
    if lacks_tails(pairs) {
        notes.push("a report is too old to hold counts of slow calls: tails are not compared".into());
    }
    notes
}

/// The first that applies, by the order of the exit codes.
fn outcome(
    new: &Report,
    cases: &[CaseDecision],
    differences: &[Difference],
    yardstick: &Steadiness,
) -> (GateOutcome, String) {
    let of = |change: Change| cases.iter().filter(move |case| case.change == change);
    let blocking: Vec<String> = differences.iter().filter(|d| d.blocks_gate).map(difference_text).collect();
    if !blocking.is_empty() {
        let reason = format!("not the same machine or build: {}", blocking.join(", "));
        return (GateOutcome::Incomparable, reason + "; --allow-cross-machine overrules this");
    }
    let compared = cases.iter().filter(|case| !matches!(case.change, Change::Added | Change::Removed)).count();
    if compared == 0 {
        return (GateOutcome::Incomparable, "the two reports have no case in common".into());
    }
    if of(Change::Incomparable).next().is_some() {
        return (GateOutcome::Incomparable, summary(cases, Change::Incomparable, "cannot be compared"));
    }
    // The same numbers twice say nothing of a machine that changed between them.
    let is_identical = |case: &CaseDecision| case.effect.as_ref().is_some_and(|effect| effect.identical);
    let moved = yardstick.moved && !cases.iter().all(is_identical);
    let is_exact = |case: &CaseDecision| case.findings.iter().any(|finding| finding.kind.is_exact());
    let regressed = summary(cases, Change::Regressed, "regressed");
    if of(Change::Regressed).any(is_exact) || (!moved && of(Change::Regressed).next().is_some()) {
        return (GateOutcome::Regressed, regressed);
    }
    if let (true, Some(reason)) = (moved, &yardstick.reason) {
        return (GateOutcome::Inconclusive, reason.clone());
    }
    if of(Change::Inconclusive).next().is_some() {
        return (GateOutcome::Inconclusive, summary(cases, Change::Inconclusive, "cannot be told"));
    }
    let broken = cases.iter().find(|case| case.findings.iter().any(|f| f.kind == FindingKind::Unmeasured));
    if let Some(case) = broken {
        return (GateOutcome::Inconclusive, format!("{}: {}", case.id, case.reason));
    }
    if new.interrupted {
        return (GateOutcome::Inconclusive, "the new report was interrupted before all of it was measured".into());
    }
    (GateOutcome::Pass, passed(cases))
}

fn difference_text(difference: &Difference) -> String {
    let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "unknown".into());
    format!("{} {} → {}", difference.what, text(&difference.base), text(&difference.new))
}

/// How many cases, and what is said of the first.
fn summary(cases: &[CaseDecision], change: Change, words: &str) -> String {
    let mut those = cases.iter().filter(|case| case.change == change);
    let count = those.clone().count();
    let Some(first) = those.next() else { return String::new() };
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    let all = human::counted(cases.len() as u64, "case");
    format!("{count} of {all} {words}: {}: {}{more}", first.id, first.reason)
}

fn passed(cases: &[CaseDecision]) -> String {
    let counts = [Change::Improved, Change::Unchanged, Change::Added, Change::Removed].map(|change| {
        let count = cases.iter().filter(|case| case.change == change).count();
        (count > 0).then(|| format!("{count} {}", change.word()))
    });
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let worst = cases.iter().filter(|case| case.change == Change::Unchanged);
    let effects = worst.filter_map(|case| case.effect.as_ref()).filter(|effect| !effect.identical);
    let detectable = effects.filter_map(|effect| effect.detectable).fold(f64::NAN, f64::max);
    let power = match detectable.is_finite() {
        true => format!("; a slow-down of {} would have been found in any", percent(detectable)),
        false => String::new(),
    };
    format!("no case regressed: {}{power}", counts.join(", "))
}
