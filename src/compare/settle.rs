//! Combines the decision on a run with the decisions on its confirmations into the final one.

use super::gate::{failed_alone, less_required};
use super::{CaseDecision, Change, GateDecision, GateOutcome, GateReason};
use crate::report::GateRound;
use crate::units::human;
use crate::untrusted::Untrusted;
use std::collections::{BTreeMap, BTreeSet};

/// The final outcome, and the reason in one line. A case that was run again is judged by its last look; every other case
/// is judged by the run itself.
///
/// A case that regressed at first counts as regressed only if fresh repeats alone say so again: the first ones raised the
/// suspicion because they were slow, and would bias the decision. An inconclusive case is judged on all of its repeats
/// ([`undecided`]): the first ones raised no suspicion, and as the last look corrects for as many tests as the first
/// ([`Settings::least_family`](super::Settings::least_family)), the probability of a false alarm in it is at most alpha
/// (Bonferroni over the cases, whichever are looked at again).
///
/// # Panics
/// Without a round.
#[must_use]
pub fn settle(rounds: &[GateRound]) -> Settled {
    let first = &rounds.first().expect("the run itself was decided on").decision;
    if rounds.len() < 2 || !matches!(first.outcome, GateOutcome::Regressed | GateOutcome::Inconclusive) {
        return Settled { outcome: first.outcome, reason: first.reason.clone(), reason_code: first.reason_code };
    }
    let mut last: BTreeMap<&Untrusted, &CaseDecision> = BTreeMap::new();
    for round in rounds {
        for case in &round.decision.cases {
            // What arithmetic found (a lost log) is certain: fresh repeats cannot undo it.
            let certain = last.get(&case.id).is_some_and(|before| is_certain(before));
            if !certain {
                last.insert(&case.id, case);
            }
        }
    }
    let again: BTreeSet<&Untrusted> =
        rounds[1..].iter().flat_map(|round| &round.decision.cases).map(|case| &case.id).collect();
    let again = match again.len() {
        1 => "1 case was run again".to_owned(),
        more => format!("{more} cases were run again"),
    };
    // In the order of the run's own decision, so that a reason is about the case that views show first.
    let last: Vec<&CaseDecision> = first.cases.iter().filter_map(|case| last.get(&case.id).copied()).collect();
    let (outcome, reason_code, why) = of_cases(first, rounds, &last);
    Settled { outcome, reason: format!("{again}: {why}").into(), reason_code }
}

/// What is decided in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The decision.
    pub outcome: GateOutcome,
    /// Why, in one line.
    pub reason: Untrusted,
    /// What kind of reason it is; `None` if the rounds are of a build that is older than the codes.
    pub reason_code: Option<GateReason>,
}

fn of_cases(
    first: &GateDecision,
    rounds: &[GateRound],
    last: &[&CaseDecision],
) -> (GateOutcome, Option<GateReason>, String) {
    let of = |change: Change| last.iter().filter(move |case| case.change == change);
    let text = |case: &&CaseDecision| format!("{}: {}", case.id.as_given(), case.reason.as_given());
    let shown = |change: Change| of(change).next().map_or_else(String::new, text);
    let regressed = of(Change::Regressed).count();
    if regressed > 0 {
        let count = human::counted(regressed as u64, "case");
        let why = format!("{count} regressed: {}", shown(Change::Regressed));
        return (GateOutcome::Regressed, Some(GateReason::CasesRegressed), why);
    }
    if let Some(why) = less_required(&first.coverage) {
        return (GateOutcome::Regressed, Some(GateReason::CoverageReduced), why);
    }
    if let Some(why) = failed_alone(&first.failures) {
        return (GateOutcome::Failed, Some(GateReason::CasesFail), why);
    }
    if let Some(round) = rounds.iter().find(|round| round.decision.outcome == GateOutcome::Incomparable) {
        let decision = &round.decision;
        return (GateOutcome::Incomparable, decision.reason_code, decision.reason.as_given().to_owned());
    }
    if of(Change::Incomparable).next().is_some() {
        let why = shown(Change::Incomparable);
        return (GateOutcome::Incomparable, Some(GateReason::CasesIncomparable), why);
    }
    if of(Change::Inconclusive).next().is_some() {
        let why = format!("cannot be told: {}", shown(Change::Inconclusive));
        return (GateOutcome::Inconclusive, Some(GateReason::CasesInconclusive), why);
    }
    (GateOutcome::Pass, Some(GateReason::NotConfirmed), "no regression in any of them then".to_owned())
}

/// The cases for which fresh repeats may change the decision: those that look regressed, and those that are
/// inconclusive.
#[must_use]
pub fn suspects(decision: &GateDecision) -> BTreeSet<Untrusted> {
    match decision.outcome {
        GateOutcome::Regressed | GateOutcome::Inconclusive => decision.suspects.iter().cloned().collect(),
        GateOutcome::Pass | GateOutcome::Failed | GateOutcome::Incomparable => BTreeSet::new(),
    }
}

/// Of the suspects, those that no test calls regressed: the next look decides on them with the repeats of this one too.
#[must_use]
pub fn undecided(decision: &GateDecision) -> BTreeSet<Untrusted> {
    let open = decision.cases.iter().filter(|case| case.change == Change::Inconclusive).map(|case| case.id.clone());
    let suspects = suspects(decision);
    open.filter(|id| suspects.contains(id)).collect()
}

/// Whether the case regressed by arithmetic, which needs no confirmation.
fn is_certain(case: &CaseDecision) -> bool {
    case.change == Change::Regressed && case.findings.iter().any(|finding| finding.kind.is_exact())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CoverageChange, CoverageKind, Finding, FindingKind, Steadiness};

    fn case(id: &str, change: Change, kind: FindingKind) -> CaseDecision {
        CaseDecision {
            id: id.into(),
            change,
            reason: format!("because of {id}").into(),
            findings: vec![Finding::new(kind, Untrusted::default())],
            effect: None,
            tails: Vec::new(),
            tests: Vec::new(),
            repeats_needed: None,
        }
    }

    fn round(round: u32, outcome: GateOutcome, cases: Vec<CaseDecision>) -> GateRound {
        let by_test = |case: &&CaseDecision| case.change == Change::Regressed && !is_certain(case);
        let decision = GateDecision {
            outcome,
            reason: format!("{} of round {round}", outcome.word()).into(),
            reason_code: None,
            alpha: 0.01,
            min_effect: 0.1,
            suspects: cases.iter().filter(by_test).map(|case| case.id.clone()).collect(),
            coverage: Vec::new(),
            failures: Vec::new(),
            family: 0,
            cases,
            differences: Vec::new(),
            yardstick: Steadiness::default(),
            notes: Vec::new(),
        };
        GateRound { round, decision }
    }

    fn slower() -> CaseDecision {
        case("a", Change::Regressed, FindingKind::Slower)
    }

    fn same() -> CaseDecision {
        case("a", Change::Unchanged, FindingKind::TwoGroups)
    }

    fn open(id: &str) -> CaseDecision {
        case(id, Change::Inconclusive, FindingKind::Spread)
    }

    /// The case `a` on probation beside an unchanged one: by the run alone it regressed, or cannot be told.
    fn first(outcome: GateOutcome, a: CaseDecision) -> GateRound {
        round(0, outcome, vec![a, case("b", Change::Unchanged, FindingKind::TwoGroups)])
    }

    /// Each row: the rounds, and what is decided in the end, by which code and in which words.
    fn say(table: Vec<(Vec<GateRound>, GateOutcome, Option<GateReason>, &str)>) {
        for (rounds, outcome, reason_code, reason) in table {
            let expected = Settled { outcome, reason: reason.into(), reason_code };
            assert_eq!(settle(&rounds), expected, "{rounds:#?}");
        }
    }

    #[test]
    fn without_a_confirmation_the_run_itself_decides() {
        use GateOutcome::{Inconclusive, Pass, Regressed};
        say(vec![
            (vec![round(0, Pass, vec![same()])], Pass, None, "pass of round 0"),
            (vec![round(0, Inconclusive, vec![])], Inconclusive, None, "inconclusive of round 0"),
            (vec![first(Regressed, slower())], Regressed, None, "regressed of round 0"),
        ]);
    }

    #[test]
    fn what_was_run_again_is_judged_by_its_last_look() {
        use GateOutcome::{Incomparable, Inconclusive, Pass, Regressed};
        use GateReason::{CasesInconclusive, CasesRegressed, NotConfirmed};
        const REGRESSED: &str = "1 case was run again: 1 case regressed: a: because of a";
        const CLEARED: &str = "1 case was run again: no regression in any of them then";
        let suspected = || first(Regressed, slower());
        let undecided = || first(Inconclusive, open("a"));
        let worse = || round(1, Regressed, vec![slower()]);
        let fine = |number| round(number, Pass, vec![same()]);
        let told = "1 case was run again: cannot be told: a: because of a";
        let unlike = "1 case was run again: incomparable of round 1";
        say(vec![
            (vec![suspected(), worse()], Regressed, Some(CasesRegressed), REGRESSED),
            (vec![suspected(), fine(1)], Pass, Some(NotConfirmed), CLEARED),
            (vec![suspected(), round(1, Inconclusive, vec![open("a")])], Inconclusive, Some(CasesInconclusive), told),
            (vec![suspected(), round(1, Incomparable, vec![same()])], Incomparable, None, unlike),
            (vec![suspected(), worse(), fine(2)], Pass, Some(NotConfirmed), CLEARED),
            (vec![undecided(), fine(1)], Pass, Some(NotConfirmed), CLEARED),
            (vec![undecided(), worse()], Regressed, Some(CasesRegressed), REGRESSED),
        ]);
    }

    #[test]
    fn what_was_not_run_again_stays_as_it_was() {
        use GateOutcome::{Failed, Inconclusive, Pass, Regressed};
        use GateReason::{CasesFail, CasesInconclusive, CasesRegressed, CoverageReduced};
        let fine = || round(1, Pass, vec![same()]);
        let lost = case("l", Change::Regressed, FindingKind::Lost);
        let mut failing = first(Inconclusive, open("a"));
        failing.decision.failures = vec!["b: it fails".into()];
        let kind = CoverageKind::CheckRemoved;
        let mut lacking = first(Regressed, slower());
        let gone = CoverageChange { kind, of: "s".into(), base: Some("lost == 0".into()), new: None, fails: true };
        lacking.decision.coverage = vec![gone];
        say(vec![
            (
                vec![round(0, Regressed, vec![slower(), lost]), fine()],
                Regressed,
                Some(CasesRegressed),
                "1 case was run again: 1 case regressed: l: because of l",
            ),
            (
                vec![round(0, Regressed, vec![slower(), open("o")]), fine()],
                Inconclusive,
                Some(CasesInconclusive),
                "1 case was run again: cannot be told: o: because of o",
            ),
            (
                vec![failing, fine()],
                Failed,
                Some(CasesFail),
                "1 case was run again: 1 case of the new report failed by itself: b: it fails; --allow-known-failures \
                 accepts what failed before",
            ),
            (
                vec![lacking, fine()],
                Regressed,
                Some(CoverageReduced),
                "1 case was run again: check removed: s: lost == 0 → nothing; --allow-changed-checks overrules this",
            ),
        ]);
    }

    #[test]
    fn what_fresh_repeats_may_settle_is_run_again_and_nothing_else() {
        let of =
            |outcome| suspects(&round(0, outcome, vec![case("a", Change::Regressed, FindingKind::Slower)]).decision);
        assert_eq!(of(GateOutcome::Regressed).len(), 1);
        assert_eq!(of(GateOutcome::Inconclusive).len(), 1);
        for outcome in [GateOutcome::Pass, GateOutcome::Failed, GateOutcome::Incomparable] {
            assert!(of(outcome).is_empty(), "{outcome:?}");
        }
    }
}
