//! From the decision on a run and those on its confirmations to the last word.

use super::{CaseDecision, Change, FindingKind, GateDecision, GateOutcome};
use crate::report::GateRound;
use crate::units::human;
use std::collections::BTreeSet;

/// The last word: a case that only looked regressed is judged by its last confirmation, every other case by the run
/// itself. Why, in one line.
///
/// # Panics
/// Without a round.
#[must_use]
pub fn settle(rounds: &[GateRound]) -> (GateOutcome, String) {
    let first = &rounds.first().expect("the run itself was decided on").decision;
    let confirmations: Vec<&GateDecision> = rounds[1..].iter().map(|round| &round.decision).collect();
    let Some(last) = confirmations.last().filter(|_| first.outcome == GateOutcome::Regressed) else {
        return (first.outcome, first.reason.clone());
    };
    let certain: Vec<&CaseDecision> = first.cases.iter().filter(|case| is_certain(case)).collect();
    let confirmed: BTreeSet<&str> = regressed(last).collect();
    let suspects = first.suspects.len();
    let again = format!("{suspects} {} run again", if suspects == 1 { "case was" } else { "cases were" });
    if !certain.is_empty() || (last.outcome == GateOutcome::Regressed && !confirmed.is_empty()) {
        let shown = last.cases.iter().find(|case| case.change == Change::Regressed).or(certain.first().copied());
        let text = shown.map_or_else(String::new, |case| format!(": {}: {}", case.id, case.reason));
        let all: BTreeSet<&str> =
            confirmed.iter().copied().chain(certain.iter().map(|case| case.id.as_str())).collect();
        let count = human::counted(all.len() as u64, "case");
        return (GateOutcome::Regressed, format!("{count} regressed ({again}, {} confirmed){text}", confirmed.len()));
    }
    if last.outcome != GateOutcome::Pass {
        let outcome = if last.outcome == GateOutcome::Regressed { GateOutcome::Inconclusive } else { last.outcome };
        return (outcome, format!("{again}: {}", last.reason));
    }
    let open = |case: &&CaseDecision| {
        matches!(case.change, Change::Inconclusive | Change::Incomparable)
            || case.findings.iter().any(|finding| finding.kind == FindingKind::Unmeasured)
    };
    if let Some(case) = first.cases.iter().find(open) {
        return (GateOutcome::Inconclusive, format!("{again} and did not regress, but {}: {}", case.id, case.reason));
    }
    (GateOutcome::Pass, format!("{again}, and none of them regressed then"))
}

/// The cases that still look regressed, which another confirmation may show to be wrong.
#[must_use]
pub fn suspects(decision: &GateDecision) -> BTreeSet<String> {
    match decision.outcome {
        GateOutcome::Regressed => decision.suspects.iter().cloned().collect(),
        GateOutcome::Pass | GateOutcome::Inconclusive | GateOutcome::Incomparable => BTreeSet::new(),
    }
}

fn regressed(decision: &GateDecision) -> impl Iterator<Item = &str> {
    decision.cases.iter().filter(|case| case.change == Change::Regressed).map(|case| case.id.as_str())
}

/// It regressed by arithmetic, which needs no confirmation.
fn is_certain(case: &CaseDecision) -> bool {
    case.change == Change::Regressed && case.findings.iter().any(|finding| finding.kind.is_exact())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Finding, Steadiness};

    fn case(id: &str, change: Change, kind: FindingKind) -> CaseDecision {
        CaseDecision {
            id: id.into(),
            change,
            reason: format!("because of {id}"),
            findings: vec![Finding { kind, text: String::new() }],
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
            reason: format!("{} of round {round}", outcome.word()),
            alpha: 0.01,
            min_effect: 0.1,
            suspects: cases.iter().filter(by_test).map(|case| case.id.clone()).collect(),
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
        use FindingKind::{Lost, Slower, Spread};
        use GateOutcome::{Incomparable, Inconclusive, Pass, Regressed};
        let slower = || case("a", Worse, Slower);
        let same = || case("a", Same, Slower);
        let suspected = || round(0, Regressed, vec![slower(), case("b", Same, Slower)]);
        for (rounds, outcome, reason) in [
            (vec![round(0, Pass, vec![same()])], Pass, "pass of round 0"),
            (vec![round(0, Inconclusive, vec![])], Inconclusive, "inconclusive of round 0"),
            (vec![suspected()], Regressed, "regressed of round 0"),
            (
                vec![suspected(), round(1, Regressed, vec![slower()])],
                Regressed,
                "1 case regressed (1 case was run again, 1 confirmed): a: because of a",
            ),
            (
                vec![suspected(), round(1, Pass, vec![same()])],
                Pass,
                "1 case was run again, and none of them regressed then",
            ),
            (
                vec![suspected(), round(1, Inconclusive, vec![case("a", Open, Spread)])],
                Inconclusive,
                "1 case was run again: inconclusive of round 1",
            ),
            (
                vec![suspected(), round(1, Incomparable, vec![])],
                Incomparable,
                "1 case was run again: incomparable of round 1",
            ),
            (
                vec![suspected(), round(1, Regressed, vec![slower()]), round(2, Pass, vec![same()])],
                Pass,
                "1 case was run again, and none of them regressed then",
            ),
            (
                vec![round(0, Regressed, vec![slower(), case("l", Worse, Lost)]), round(1, Pass, vec![same()])],
                Regressed,
                "1 case regressed (1 case was run again, 0 confirmed): l: because of l",
            ),
            (
                vec![round(0, Regressed, vec![slower(), case("o", Open, Spread)]), round(1, Pass, vec![same()])],
                Inconclusive,
                "1 case was run again and did not regress, but o: because of o",
            ),
        ] {
            assert_eq!(settle(&rounds), (outcome, reason.to_owned()), "{rounds:#?}");
        }
    }

    #[test]
    fn only_a_regression_has_suspects() {
        let of =
            |outcome| suspects(&round(0, outcome, vec![case("a", Change::Regressed, FindingKind::Slower)]).decision);
        assert_eq!(of(GateOutcome::Regressed).len(), 1);
        assert!(of(GateOutcome::Inconclusive).is_empty(), "the machine moved: another run would prove no more");
    }
}
