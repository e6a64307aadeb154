//! Derives one decision about the whole report from the decisions about its cases.

use super::align::{Alignment, Pair};
use super::decide::lacks_tails;
use super::steadiness::SpeedOf;
use super::{
    CaseDecision, Change, CoverageChange, Difference, FindingKind, GateDecision, GateOutcome, GateReason, Options,
    Settings,
};
use super::{coverage, decide, differences, exact, maxima, power, steadiness};
use crate::report::Report;
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;
use std::collections::BTreeSet;

/// Decides on aligned reports. The cases of the decision are in the order of the pairs.
pub(super) fn decide_on(base: &Report, new: &Report, alignment: &Alignment<'_>, options: &Options) -> GateDecision {
    let settings = &options.settings;
    let (yardstick, speed) = steadiness::steadiness(base, new);
    let same_run = steadiness::interleaved(base, new);
    // Interleaved repeats met the CPUs as they were for both sides.
    let speed_of: &SpeedOf<'_> = &|old, fresh| if same_run { speed } else { speed.of_case(old, fresh) };
    let (cases, family) = match maxima::are_searches(base, new) {
        true => maxima::decide(base, new, &alignment.pairs, options),
        false => decide::decide(&alignment.pairs, options, speed_of),
    };
    let mut differences = differences::differences(base, new, &alignment.pairs);
    differences.iter_mut().for_each(|difference| difference.blocks_gate &= !settings.allowances.cross_machine);
    // If values of one axis are compared with each other, the cases are meant to differ.
    let coverage = match options.across {
        Some(_) => Vec::new(),
        None => coverage::changes(base, new, &alignment.pairs, settings),
    };
    let failures = match options.across {
        Some(_) => Failures::default(),
        None => Failures::of(&alignment.pairs, settings),
    };
    let mut notes = alignment.notes.clone();
    if options.across.is_none() {
        notes.extend(same_or_swapped(base, new));
    }
    notes.extend(interrupted(base, new));
    notes.extend(run_again(new));
    notes.extend(yardstick.reason.clone());
    let both = alignment.pairs.iter().filter_map(|pair| pair.both().map(|(old, fresh)| (old.case, fresh.case)));
    notes.extend(if same_run { None } else { steadiness::moved_in(both) });
    if lacks_tails(&alignment.pairs) {
        notes.push("a report is too old to hold counts of slow logs: not all tails are compared".into());
    }
    notes.extend(
        coverage
            .iter()
            .filter(|change| !change.fails)
            .map(|change| format!("{} (allowed)", coverage_text(change)).into()),
    );
    notes.extend(failures.known.iter().map(|text| format!("known failure, allowed: {}", text.as_given()).into()));
    let unlike = maxima::unlike(base, new);
    let found =
        Found { unlike, cases: &cases, differences: &differences, coverage: &coverage, failures: &failures, family };
    let (outcome, code, reason) = outcome(new, &found, &alignment.pairs, settings, speed_of);
    GateDecision {
        outcome,
        reason: reason.into(),
        reason_code: Some(code),
        alpha: settings.alpha,
        min_effect: settings.min_effect,
        suspects: cases.iter().filter(|case| may_be_settled(case)).map(|case| case.id.clone()).collect(),
        coverage,
        failures: failures.own,
        family: family as u64,
        cases,
        differences,
        yardstick,
        notes,
    }
}

/// Whether fresh repeats may change the decision on a case, or make one possible.
fn may_be_settled(case: &CaseDecision) -> bool {
    case.findings.iter().any(|finding| {
        let by_test = finding.kind.is_regression() && !finding.kind.is_exact();
        by_test || matches!(finding.kind, FindingKind::Spread | FindingKind::Unconfirmed)
    })
}

/// Warnings about common mistakes.
fn same_or_swapped(base: &Report, new: &Report) -> Option<Untrusted> {
    let is_same = base.cases == new.cases && !base.cases.is_empty();
    if is_same && base.created_at == new.created_at {
        return Some("both reports are of the same run: nothing is compared".into());
    }
    let time = |report: &Report| report.created_at.as_given().parse::<jiff::Timestamp>().ok();
    let swapped = time(base).zip(time(new)).is_some_and(|(old, fresh)| old > fresh);
    swapped.then(|| "the baseline is younger than the new report: are the two swapped?".into())
}

fn interrupted(base: &Report, new: &Report) -> Vec<Untrusted> {
    let sides = [(base, "the baseline"), (new, "the new report")];
    let cut = sides.into_iter().filter(|(report, _)| report.interrupted);
    cut.map(|(_, side)| format!("{side} was interrupted: it does not have all of its plan").into()).collect()
}

/// What a run decided on fresh repeats is not decided here once more.
fn run_again(new: &Report) -> Option<Untrusted> {
    let cases: BTreeSet<&Untrusted> =
        new.confirmations.iter().flat_map(|again| &again.cases).map(|case| &case.id).collect();
    let cases = (!cases.is_empty()).then(|| human::counted(cases.len() as u64, "case"))?;
    Some(format!("{cases} of the new report ran again; what is compared here are the first repeats alone").into())
}

/// Cases that fail by themselves.
#[derive(Default)]
struct Failures {
    /// They failed the same checks in the baseline, and that is allowed.
    known: Vec<Untrusted>,
    /// The others.
    own: Vec<Untrusted>,
}

impl Failures {
    fn of(pairs: &[Pair<'_>], settings: &Settings) -> Self {
        let mut failures = Self::default();
        for pair in pairs {
            let Some(new) = pair.new.filter(|new| new.case.verdict.outcome > Outcome::Invalid) else { continue };
            let why = new.case.verdict.reasons.first().map_or("", Untrusted::as_given);
            let text = format!("{}: {why}", new.case.id.as_given()).into();
            let is_known = pair.base.is_some_and(|base| exact::is_known_failure(base.case, new.case));
            match settings.allowances.known_failures && is_known {
                true => failures.known.push(text),
                false => failures.own.push(text),
            }
        }
        failures
    }
}

/// Everything that an outcome depends on.
struct Found<'a> {
    unlike: Option<&'static str>,
    cases: &'a [CaseDecision],
    differences: &'a [Difference],
    coverage: &'a [CoverageChange],
    failures: &'a Failures,
    family: usize,
}

/// The first outcome that applies, in the order of the exit codes.
fn outcome(
    new: &Report,
    found: &Found<'_>,
    pairs: &[Pair<'_>],
    settings: &Settings,
    speed: &SpeedOf<'_>,
) -> (GateOutcome, GateReason, String) {
    let cases = found.cases;
    let any = |change: Change| cases.iter().any(|case| case.change == change);
    let blocking: Vec<String> = found.differences.iter().filter(|d| d.blocks_gate).map(difference_text).collect();
    if !blocking.is_empty() {
        let reason = format!("not the same machine or build: {}", blocking.join(", "));
        let code = GateReason::EnvironmentDiffers;
        return (GateOutcome::Incomparable, code, reason + &overruled(code, found.coverage));
    }
    if let Some(why) = found.unlike {
        return (GateOutcome::Incomparable, GateReason::SearchAndRun, why.to_owned());
    }
    if !cases.iter().any(CaseDecision::is_of_both) {
        let why = "the two reports have no case in common".to_owned();
        return (GateOutcome::Incomparable, GateReason::NothingInCommon, why);
    }
    if any(Change::Regressed) {
        let why = summary(cases, Change::Regressed, "regressed");
        return (GateOutcome::Regressed, GateReason::CasesRegressed, why);
    }
    if let Some(why) = less_required(found.coverage) {
        return (GateOutcome::Regressed, GateReason::CoverageReduced, why);
    }
    if let Some(why) = failed_alone(&found.failures.own) {
        return (GateOutcome::Failed, GateReason::CasesFail, why);
    }
    if any(Change::Incomparable) {
        let why = summary(cases, Change::Incomparable, "cannot be compared");
        return (GateOutcome::Incomparable, GateReason::CasesIncomparable, why);
    }
    if any(Change::Inconclusive) {
        let why = summary(cases, Change::Inconclusive, "cannot be told");
        return (GateOutcome::Inconclusive, GateReason::CasesInconclusive, why);
    }
    if new.interrupted {
        let why = "the new report was interrupted before all of it was measured".to_owned();
        return (GateOutcome::Inconclusive, GateReason::NewReportInterrupted, why);
    }
    (GateOutcome::Pass, GateReason::NoRegression, passed(found, pairs, settings, speed))
}

/// Holds the decision on two saved reports to the verdict on the new one: if that is invalid as a whole, although none of
/// its cases is, the gate does not pass. In a run, that verdict stands beside the decision.
pub fn hold_to_verdict(decision: &mut GateDecision, new: &Report) {
    if decision.outcome == GateOutcome::Pass && new.verdict.outcome == Outcome::Invalid {
        let why = new.verdict.reasons.first().map_or("", Untrusted::as_given);
        decision.outcome = GateOutcome::Inconclusive;
        decision.reason = format!("the new report is invalid as a whole: {why}").into();
        decision.reason_code = Some(GateReason::NewReportInvalid);
    }
}

/// The first requirement that the new report lacks, and what overrules that; `None` if it lacks none that fails the gate.
pub(super) fn less_required(coverage: &[CoverageChange]) -> Option<String> {
    let mut failing = coverage.iter().filter(|change| change.fails);
    let first = failing.next()?;
    let more = failing.count();
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    Some(format!("{}{more}{}", coverage_text(first), overruled(GateReason::CoverageReduced, coverage)))
}

/// The number of cases that fail by themselves, and the first one; `None` if there is none.
pub(super) fn failed_alone(failures: &[Untrusted]) -> Option<String> {
    let (first, count) = (failures.first()?.as_given(), human::counted(failures.len() as u64, "case"));
    let by = GateReason::CasesFail.overruled_by(&[]).unwrap_or_default();
    Some(format!("{count} of the new report failed by itself: {first}; {by} accepts what failed before"))
}

/// The end of a sentence: which option overrules it.
fn overruled(code: GateReason, coverage: &[CoverageChange]) -> String {
    code.overruled_by(coverage).map_or_else(String::new, |by| format!("; {by} overrules this"))
}

fn difference_text(difference: &Difference) -> String {
    format!("{} {} → {}", difference.what.as_given(), or(&difference.base, "unknown"), or(&difference.new, "unknown"))
}

fn coverage_text(change: &CoverageChange) -> String {
    let (what, of) = (change.kind.words(), change.of.as_given());
    match change.new {
        None if change.base.is_none() => format!("{what}: {of}"),
        _ => format!("{what}: {of}: {} → {}", or(&change.base, "nothing"), or(&change.new, "nothing")),
    }
}

/// The text, or another one if there is none; for use inside a longer text.
fn or<'t>(text: &'t Option<Untrusted>, otherwise: &'t str) -> &'t str {
    text.as_ref().map_or(otherwise, Untrusted::as_given)
}

/// The number of cases, and the reason of the first one.
fn summary(cases: &[CaseDecision], change: Change, words: &str) -> String {
    let mut those = cases.iter().filter(|case| case.change == change);
    let count = those.clone().count();
    let Some(first) = those.next() else { return String::new() };
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    let all = human::counted(cases.len() as u64, "case");
    format!("{count} of {all} {words}: {}: {}{more}", first.id.as_given(), first.reason.as_given())
}

fn passed(found: &Found<'_>, pairs: &[Pair<'_>], settings: &Settings, speed: &SpeedOf<'_>) -> String {
    let counts = [Change::Improved, Change::Unchanged, Change::Added, Change::Removed].map(|change| {
        let count = found.cases.iter().filter(|case| case.change == change).count();
        (count > 0).then(|| format!("{count} {}", change.word()))
    });
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let known = match found.failures.known.len() {
        0 => String::new(),
        count => format!("; {}, allowed", human::counted(count as u64, "known failure")),
    };
    let power = match found.cases.iter().any(|case| !case.tests.is_empty()) {
        true => power::said(pairs, found.cases, found.family, settings, speed),
        // Of searches, the intervals say what would have been found.
        false => None,
    };
    let power = power.map_or_else(String::new, |said| format!("; {said}"));
    format!("no case regressed: {}{known}{power}", counts.join(", "))
}
