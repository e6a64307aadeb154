//! The verdict on a whole run.

use super::reason::{self, Reason, Unfinished};
use super::{ExitOutcome, Outcome, OutcomeCounts, PlanVerdict};
use crate::untrusted::Untrusted;

/// What the verdict on the whole needs to know about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanCase<'a> {
    /// Name of its scenario.
    pub scenario: &'a Untrusted,
    /// Its outcome.
    pub outcome: Outcome,
    /// It offers less than the throughput of its scenario's target.
    pub below_target_load: bool,
}

/// Judges the whole run, which is as bad as its worst case. The run is `invalid` if it has no case, or if no case of a
/// scenario offers the throughput of its target: the promise was not put to the test.
#[must_use]
pub fn judge_plan(cases: &[PlanCase<'_>], interrupted: bool) -> PlanVerdict {
    let mut reasons = not_exercised(cases);
    if cases.is_empty() {
        reasons.push(Reason::NoCase);
    }
    let least = if reasons.is_empty() { Outcome::Pass } else { Outcome::Invalid };
    judged(cases, reasons, least, interrupted)
}

/// Judges a part of a plan: as [`judge_plan`], but another part may offer the throughput of the target, and have all the
/// cases. Whether any does is known when the parts are merged.
#[must_use]
pub fn judge_part(cases: &[PlanCase<'_>], interrupted: bool) -> PlanVerdict {
    let reasons = if cases.is_empty() { vec![Reason::EmptyPartition] } else { Vec::new() };
    judged(cases, reasons, Outcome::Pass, interrupted)
}

/// Judges a plan of which `missing` cases are not there: it never passes.
#[must_use]
pub fn judge_rest(cases: &[PlanCase<'_>], missing: u64, interrupted: bool) -> PlanVerdict {
    let reasons = vec![Reason::Partial { missing, cases: cases.len() as u64 + missing }];
    judged(cases, reasons, Outcome::Invalid, interrupted)
}

/// The worst of the cases, and at least `least`.
fn judged(cases: &[PlanCase<'_>], mut reasons: Vec<Reason>, least: Outcome, interrupted: bool) -> PlanVerdict {
    let mut counts = OutcomeCounts::default();
    for case in cases {
        *match case.outcome {
            Outcome::Pass => &mut counts.pass,
            Outcome::Invalid => &mut counts.invalid,
            Outcome::Fail => &mut counts.fail,
            Outcome::Error => &mut counts.error,
        } += 1;
    }
    let outcome = cases.iter().map(|case| case.outcome).max().unwrap_or(Outcome::Pass).max(least);
    if interrupted {
        reasons.insert(0, Reason::Interrupted(Unfinished::Plan));
    }
    let exit = match (interrupted, outcome) {
        (true, _) => ExitOutcome::Interrupted,
        (false, Outcome::Pass) => ExitOutcome::Pass,
        (false, Outcome::Invalid) => ExitOutcome::Invalid,
        (false, Outcome::Fail | Outcome::Error) => ExitOutcome::Failed,
    };
    let (reasons, reason_codes) = (reason::sentences(&reasons), reason::codes(&reasons));
    PlanVerdict { outcome, exit, cases: counts, reasons, reason_codes }
}

fn not_exercised(cases: &[PlanCase<'_>]) -> Vec<Reason> {
    let mut scenarios: Vec<(&Untrusted, bool)> = Vec::new();
    for case in cases {
        match scenarios.iter_mut().find(|(name, _)| *name == case.scenario) {
            Some((_, exercised)) => *exercised |= !case.below_target_load,
            None => scenarios.push((case.scenario, !case.below_target_load)),
        }
    }
    scenarios
        .into_iter()
        .filter(|(_, exercised)| !exercised)
        .map(|(scenario, _)| Reason::TargetNotExercised { scenario: scenario.clone() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> &'static Untrusted {
        Box::leak(Box::new(text.into()))
    }

    fn case(outcome: Outcome) -> PlanCase<'static> {
        PlanCase { scenario: name("one"), outcome, below_target_load: false }
    }

    #[test]
    fn the_worst_case_decides() {
        use Outcome::{Error, Fail, Invalid, Pass};
        for (outcomes, code) in [
            (vec![Pass, Pass], 0),
            (vec![Pass, Invalid], 5),
            (vec![Invalid, Fail], 3),
            (vec![Error, Invalid], 3),
            (vec![Pass, Fail, Error], 3),
            (vec![], 5),
        ] {
            let cases: Vec<_> = outcomes.iter().map(|outcome| case(*outcome)).collect();
            assert_eq!(judge_plan(&cases, false).exit.code(), code, "{outcomes:?}");
            assert_eq!(judge_plan(&cases, true).exit.code(), 130, "{outcomes:?}");
        }
    }

    #[test]
    fn the_cases_are_counted() {
        let cases = [case(Outcome::Pass), case(Outcome::Fail), case(Outcome::Pass), case(Outcome::Error)];
        let counts = judge_plan(&cases, false).cases;
        assert_eq!(counts, OutcomeCounts { pass: 2, fail: 1, invalid: 0, error: 1 });
    }

    /// (cases, interrupted, the codes)
    #[test]
    fn the_verdict_on_the_whole_has_codes() {
        let low = PlanCase { below_target_load: true, ..case(Outcome::Pass) };
        for (cases, interrupted, expected) in [
            (vec![case(Outcome::Fail)], false, &[][..]),
            (vec![], false, &["no_case"]),
            (vec![], true, &["interrupted", "no_case"]),
            (vec![low], true, &["interrupted", "target_not_exercised"]),
        ] {
            let verdict = judge_plan(&cases, interrupted);
            assert_eq!(verdict.reason_codes, expected, "{:?}", verdict.reasons);
            assert_eq!(verdict.reasons.len(), expected.len());
        }
        let mut verdict = judge_plan(&[low], false);
        verdict.say_first(&Reason::Interrupted(Unfinished::Confirmation));
        assert_eq!(verdict.reason_codes, ["interrupted", "target_not_exercised"]);
        assert_eq!(verdict.reasons[0], "interrupted: the run ended before what looked regressed was confirmed");
    }

    #[test]
    fn a_target_that_nobody_offers_is_not_shown() {
        let low = PlanCase { below_target_load: true, ..case(Outcome::Pass) };
        let other = PlanCase { scenario: name("two"), ..low };
        let verdict = judge_plan(&[low, low], false);
        assert_eq!((verdict.outcome, verdict.exit), (Outcome::Invalid, ExitOutcome::Invalid));
        assert_eq!(verdict.reasons, ["target not exercised: no case of one offers the target's throughput"]);
        assert_eq!(judge_plan(&[low, case(Outcome::Pass)], false).exit, ExitOutcome::Pass);
        assert_eq!(judge_plan(&[other, case(Outcome::Pass)], false).exit, ExitOutcome::Invalid);
        assert_eq!(judge_plan(&[low, PlanCase { outcome: Outcome::Fail, ..low }], false).exit, ExitOutcome::Failed);
    }
}
