//! Combines the decision on a run with the decisions on its confirmations into the final one.

use super::{CaseDecision, Change, GateDecision, GateOutcome};
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
pub fn settle(rounds: &[GateRound]) -> (GateOutcome, Untrusted) {
    let first = &rounds.first().expect("the run itself was decided on").decision;
    if rounds.len() < 2 || !matches!(first.outcome, GateOutcome::Regressed | GateOutcome::Inconclusive) {
        return (first.outcome, first.reason.clone());
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
    let (outcome, reason) = of_cases(first, rounds, &last);
    (outcome, format!("{again}: {}", reason.as_given()).into())
}

fn of_cases(
    first: &GateDecision,
    rounds: &[GateRound],
    last: &BTreeMap<&Untrusted, &CaseDecision>,
) -> (GateOutcome, Untrusted) {
    let of = |change: Change| last.values().filter(move |case| case.change == change);
    let text = |case: &&CaseDecision| format!("{}: {}", case.id.as_given(), case.reason.as_given());
    let shown = |change: Change| of(change).next().map_or_else(String::new, text);
    let regressed = of(Change::Regressed).count();
    if regressed > 0 {
        let count = human::counted(regressed as u64, "case");
        return (GateOutcome::Regressed, format!("{count} regressed: {}", shown(Change::Regressed)).into());
    }
    if first.coverage.iter().any(|change| change.fails) {
        return (GateOutcome::Regressed, first.reason.clone());
    }
    if let Some(failure) = first.failures.first() {
        return (GateOutcome::Failed, failure.clone());
    }
    if let Some(round) = rounds.iter().find(|round| round.decision.outcome == GateOutcome::Incomparable) {
        return (GateOutcome::Incomparable, round.decision.reason.clone());
    }
    if of(Change::Incomparable).next().is_some() {
        return (GateOutcome::Incomparable, shown(Change::Incomparable).into());
    }
    if of(Change::Inconclusive).next().is_some() {
        return (GateOutcome::Inconclusive, format!("cannot be told: {}", shown(Change::Inconclusive)).into());
    }
    (GateOutcome::Pass, "none of them regressed then".into())
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
    use crate::report::{Finding, FindingKind, Steadiness};

    fn case(id: &str, change: Change, kind: FindingKind) -> CaseDecision {
        CaseDecision {
            id: id.into(),
            change,
            reason: format!("because of {id}").into(),
            findings: vec![Finding { kind, text: Untrusted::default() }],
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

    #[test]
    fn the_last_word() {
        use Change::{Inconclusive as Open, Regressed as Worse, Unchanged as Same};
        use FindingKind::{Lost, Slower, Spread, TwoGroups};
        use GateOutcome::{Failed, Incomparable, Inconclusive, Pass, Regressed};
        let slower = || case("a", Worse, Slower);
        let same = || case("a", Same, TwoGroups);
        let open = || case("a", Open, Spread);
        let suspected = || round(0, Regressed, vec![slower(), case("b", Same, TwoGroups)]);
        let undecided = || round(0, Inconclusive, vec![open(), case("b", Same, TwoGroups)]);
        let failing = || {
            let mut round = undecided();
            round.decision.failures = vec!["b: it fails".into()];
            round
        };
        for (rounds, outcome, reason) in [
            (vec![round(0, Pass, vec![same()])], Pass, "pass of round 0"),
            (vec![round(0, Inconclusive, vec![])], Inconclusive, "inconclusive of round 0"),
            (vec![suspected()], Regressed, "regressed of round 0"),
            (
                vec![suspected(), round(1, Regressed, vec![slower()])],
                Regressed,
                "1 case was run again: 1 case regressed: a: because of a",
            ),
            (
                vec![suspected(), round(1, Pass, vec![same()])],
                Pass,
                "1 case was run again: none of them regressed then",
            ),
            (
                vec![suspected(), round(1, Inconclusive, vec![open()])],
                Inconclusive,
                "1 case was run again: cannot be told: a: because of a",
            ),
            (
                vec![suspected(), round(1, Incomparable, vec![same()])],
                Incomparable,
                "1 case was run again: incomparable of round 1",
            ),
            (
                vec![suspected(), round(1, Regressed, vec![slower()]), round(2, Pass, vec![same()])],
                Pass,
                "1 case was run again: none of them regressed then",
            ),
            (
                vec![undecided(), round(1, Pass, vec![same()])],
                Pass,
                "1 case was run again: none of them regressed then",
            ),
            (
                vec![undecided(), round(1, Regressed, vec![slower()])],
                Regressed,
                "1 case was run again: 1 case regressed: a: because of a",
            ),
            (
                vec![round(0, Regressed, vec![slower(), case("l", Worse, Lost)]), round(1, Pass, vec![same()])],
                Regressed,
                "1 case was run again: 1 case regressed: l: because of l",
            ),
            (
                vec![round(0, Regressed, vec![slower(), case("o", Open, Spread)]), round(1, Pass, vec![same()])],
                Inconclusive,
                "1 case was run again: cannot be told: o: because of o",
            ),
            (vec![failing(), round(1, Pass, vec![same()])], Failed, "1 case was run again: b: it fails"),
        ] {
            assert_eq!(settle(&rounds), (outcome, reason.into()), "{rounds:#?}");
        }
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
