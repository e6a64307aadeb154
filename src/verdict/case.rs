//! Does a case keep the promise?

use super::check::{self, Checked};
use super::reason::{self, Reason};
use super::{CaseVerdict, Outcome, Pooled, SetAside, survivors, target};
use crate::scenario::{Check, Parameters, Target};
use std::collections::BTreeSet;

/// Everything that the verdict on a case depends on.
#[derive(Clone, Copy, Debug)]
pub struct CaseEvidence<'a> {
    /// What was run.
    pub parameters: &'a Parameters,
    /// The promise.
    pub target: &'a Target,
    /// All checks of the scenario, in its order; those whose `where` does not match the case are skipped.
    pub checks: &'a [Check],
    /// The valid repeats.
    pub pooled: &'a Pooled,
    /// The discarded repeats.
    pub set_aside: &'a [SetAside],
    /// Repeats, valid or discarded, that have no control although the plan asked for one.
    pub uncontrolled: u64,
    /// Why each repeat without a measurement broke.
    pub errors: &'a [Reason],
}

/// Judges a case on its valid repeats. The first rule that applies decides: a repeat that broke makes the case an
/// `error`; a check that fails makes it a `fail`, even if another check cannot be decided; without a valid repeat, or
/// if more repeats were discarded than are valid, the case is `invalid`.
#[must_use]
pub fn judge_case(evidence: &CaseEvidence<'_>) -> CaseVerdict {
    let mut checks = target::judge(evidence.parameters, evidence.target, evidence.pooled);
    let applying = (1..).zip(evidence.checks).filter(|(_, check)| check.selector.matches(evidence.parameters));
    checks.extend(applying.map(|(number, check)| check::judge(number, check, evidence.pooled)));
    let broken = !evidence.errors.is_empty();
    let worst = checks.iter().map(|check| check.result.outcome).max().unwrap_or(Outcome::Invalid);
    let valid = evidence.pooled.repeats();
    let outnumbered = survivors::outnumbered(valid, evidence.set_aside);
    let least = if outnumbered.is_some() { Outcome::Invalid } else { Outcome::Pass };
    let outcome = if broken { Outcome::Error } else { worst.max(least) };
    let mut reasons = reasons(evidence, &checks);
    reasons.extend(outnumbered);
    let mut notes = survivors::notes(valid, evidence.set_aside, evidence.uncontrolled);
    notes.extend(evidence.pooled.dispute());
    CaseVerdict {
        outcome,
        reasons: reason::sentences(&reasons),
        reason_codes: reason::codes(&reasons),
        notes,
        checks: checks.into_iter().map(|check| check.result).collect(),
        below_target_load: target::below_target_load(evidence.parameters, evidence.target),
    }
}

fn reasons(evidence: &CaseEvidence<'_>, checks: &[Checked]) -> Vec<Reason> {
    let mut reasons = evidence.errors.to_vec();
    reasons.extend(evidence.pooled.faults().iter().cloned().map(Reason::Contradiction));
    if evidence.pooled.repeats() == 0 {
        let why = evidence.set_aside.iter().flat_map(|aside| aside.reasons.iter().cloned());
        reasons.extend(why.map(|why| Reason::NoValidRepeat { why: Box::new(why) }));
        if reasons.is_empty() {
            reasons.push(Reason::NothingRun);
        }
    } else {
        let open = checks.iter().filter_map(|check| Some((check.result.outcome, check.reason.as_ref()?)));
        let mut open: Vec<(Outcome, &Reason)> = open.collect();
        open.sort_by_key(|(outcome, _)| std::cmp::Reverse(*outcome));
        reasons.extend(open.into_iter().map(|(_, reason)| reason.clone()));
    }
    // Two reasons of one kind may have one sentence, which is shown once.
    let mut seen = BTreeSet::new();
    reasons.retain(|reason| seen.insert((reason.code(), reason.sentence())));
    reasons
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::reason::ReasonCode;
    use super::*;
    use crate::measure::Measurement;
    use crate::measure::fixture::{constant, healthy};
    use crate::scenario::{Comparison, CountName, Expectation, Position, Selector, Statistic, Strategy};
    use crate::units::{Quantile, Rate};

    pub(in crate::verdict) fn check(expression: &str, expectation: Expectation) -> Check {
        Check {
            expression: expression.into(),
            expectation,
            selector: Selector::default(),
            position: Position { line: 1, column: 1 },
        }
    }

    pub(in crate::verdict) fn parameters() -> Parameters {
        Parameters { rate: Rate::of_whole(1_000), ..Parameters::default() }
    }

    pub(in crate::verdict) fn target() -> Target {
        Target::default()
    }

    fn judged_under(strategy: Strategy, measurements: &[Measurement]) -> CaseVerdict {
        let mut pooled = Pooled::default();
        for measurement in measurements {
            pooled.add(measurement);
        }
        judge_case(&CaseEvidence {
            parameters: &Parameters { strategy, ..parameters() },
            target: &target(),
            checks: &[],
            pooled: &pooled,
            set_aside: &[],
            uncontrolled: 0,
            errors: &[],
        })
    }

    fn judged(measurements: &[Measurement]) -> CaseVerdict {
        judged_with(measurements, &target(), &[], &[], &[])
    }

    fn judged_with(
        measurements: &[Measurement],
        target: &Target,
        checks: &[Check],
        set_aside: &[SetAside],
        errors: &[Reason],
    ) -> CaseVerdict {
        let mut pooled = Pooled::default();
        for measurement in measurements {
            pooled.add(measurement);
        }
        let parameters = parameters();
        let pooled = &pooled;
        let evidence =
            CaseEvidence { parameters: &parameters, target, checks, pooled, set_aside, uncontrolled: 0, errors };
        judge_case(&evidence)
    }

    #[test]
    fn counters_that_lie_are_noted_and_decide_nothing() {
        let honest = healthy(1_000);
        let liar = Measurement { disagreements: vec!["dropped: x".repeat(100).into()], ..honest.clone() };
        let verdict = judged(&[honest.clone(), liar.clone(), liar]);
        assert_eq!(verdict.outcome, judged(std::slice::from_ref(&honest)).outcome);
        let [note] = verdict.notes.as_slice() else { panic!("{:?}", verdict.notes) };
        let text = note.as_given();
        assert!(
            text.starts_with("the queue's own counters are wrong in 2 of 3 repeats; in the first, dropped: x"),
            "{text}"
        );
        assert!(text.len() < 300, "{text}");
        assert_eq!(judged(&[honest]).notes, [""; 0]);
    }

    fn outcome_of(verdict: &CaseVerdict, name: &str) -> Outcome {
        verdict.checks.iter().find(|check| check.name == name).unwrap().outcome
    }

    #[test]
    fn a_queue_that_keeps_the_promise_passes() {
        let verdict = judged(&[healthy(1_000), healthy(1_000)]);
        assert_eq!((verdict.outcome, verdict.reasons.len()), (Outcome::Pass, 0));
        assert_eq!(verdict.checks.len(), 8);
        assert!(verdict.checks.iter().all(|check| check.observed.is_some() && check.limit.is_some()));
    }

    #[test]
    fn the_bound_itself_is_not_under_the_bound() {
        for (ns, outcome) in [(99_999, Outcome::Pass), (100_000, Outcome::Fail)] {
            assert_eq!(judged(&[healthy(1_000).enqueue_taking(ns)]).outcome, outcome, "{ns}");
        }
    }

    #[test]
    fn a_queue_that_is_fast_because_it_refuses_fails() {
        let verdict = judged(&[healthy(1_000).dropping(880)]);
        assert_eq!(outcome_of(&verdict, "target.latency"), Outcome::Pass);
        assert_eq!(outcome_of(&verdict, "target.accepted"), Outcome::Fail);
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(verdict.reasons, ["`accepted / offered >= 99%` does not hold: it is 12.0% (120 of 1,000)"]);
    }

    #[test]
    fn the_accepted_share_is_exact() {
        assert_eq!(judged(&[healthy(1_000).dropping(10)]).outcome, Outcome::Pass);
        assert_eq!(judged(&[healthy(1_000).dropping(11)]).outcome, Outcome::Fail);
    }

    #[test]
    fn ten_thousand_of_a_hundred_thousand_fails_though_the_rate_is_kept() {
        let verdict = judged(&[healthy(1_000).dropping(900)]);
        assert_eq!(verdict.outcome, Outcome::Fail);
    }

    #[test]
    fn a_queue_that_starves_its_producers_fails() {
        let mut late = healthy(1_000);
        late.latency.lateness = constant(1_000, 20_000_000);
        let verdict = judged(&[healthy(1_000), late.clone().with_controls(100_000)]);
        assert_eq!((outcome_of(&verdict, "producers"), verdict.outcome), (Outcome::Fail, Outcome::Fail));
        assert!(
            verdict.reasons[0].as_given().starts_with("starves its producers: the p99 lateness is 20.0 ms"),
            "{verdict:?}"
        );
        // Without the control, nobody can be blamed.
        let verdict = judged(&[healthy(1_000), late]);
        assert_eq!((outcome_of(&verdict, "producers"), verdict.outcome), (Outcome::Invalid, Outcome::Invalid));
    }

    #[test]
    fn a_queue_that_drops_where_it_was_to_block_fails() {
        for (strategy, dropped, outcome) in [
            (Strategy::Block, 0, Some(Outcome::Pass)),
            (Strategy::Block, 1, Some(Outcome::Fail)),
            (Strategy::Drop, 1, None),
            (Strategy::Sample, 1, None),
        ] {
            let verdict = judged_under(strategy, &[healthy(1_000).dropping(dropped)]);
            let found = verdict.checks.iter().find(|check| check.name == "ledger.block");
            assert_eq!(found.map(|check| check.outcome), outcome, "{strategy:?} {dropped}");
            assert_eq!(verdict.outcome, outcome.unwrap_or(Outcome::Pass), "{strategy:?} {dropped}");
        }
        let verdict = judged_under(Strategy::Block, &[healthy(1_000).dropping(1)]);
        assert_eq!(verdict.reasons, ["`dropped == 0 under block` does not hold: it is 1"]);
    }

    #[test]
    fn refusing_everything_fails() {
        let verdict = judged(&[healthy(1_000).dropping(1_000)]);
        assert_eq!(outcome_of(&verdict, "target.latency"), Outcome::Invalid);
        assert_eq!(verdict.outcome, Outcome::Fail);
    }

    #[test]
    fn calls_that_return_after_the_window_are_not_accepted_in_it() {
        let mut late = healthy(1_000);
        late.ledger.enqueued_in_window = 989;
        assert_eq!(outcome_of(&judged(&[late]), "target.accepted"), Outcome::Fail);
    }

    #[test]
    fn the_queue_is_not_blamed_for_logs_that_the_generator_did_not_send() {
        let verdict = judged(&[healthy(1_000).dropping(5).with_unsent_generator_after(6)]);
        assert_eq!(verdict.outcome, Outcome::Invalid, "{:?}", verdict.reasons);
        let verdict = judged(&[healthy(1_000).dropping(20).with_unsent_generator_after(6)]);
        assert_eq!(verdict.outcome, Outcome::Fail);
    }

    impl Measurement {
        /// As `with_unsent_generator`, for a repeat that drops.
        fn with_unsent_generator_after(mut self, unsent: u64) -> Self {
            let rejected = self.latency.rejected.clone();
            self = self.with_unsent_generator(unsent);
            self.latency.rejected = rejected;
            self
        }
    }

    #[test]
    fn what_was_evicted_is_not_accepted_and_is_no_loss() {
        for (evicted, outcome) in [(0, Outcome::Pass), (10, Outcome::Pass), (11, Outcome::Fail), (1_000, Outcome::Fail)]
        {
            let verdict = judged_under(Strategy::DropOldest, &[healthy(1_000).evicting(evicted)]);
            assert_eq!(outcome_of(&verdict, "target.accepted"), outcome, "{evicted}");
            assert_eq!((outcome_of(&verdict, "ledger.lost"), verdict.outcome), (Outcome::Pass, outcome), "{evicted}");
        }
        let expected = "`accepted / offered >= 99%` does not hold: it is 90.0% (900 of 1,000)";
        assert_eq!(judged_under(Strategy::DropOldest, &[healthy(1_000).evicting(100)]).reasons, [expected]);
    }

    #[test]
    fn one_log_lost_in_one_repeat_fails() {
        let verdict = judged(&[healthy(1_000), healthy(1_000).losing(1)]);
        assert_eq!((outcome_of(&verdict, "ledger.lost"), verdict.outcome), (Outcome::Fail, Outcome::Fail));
    }

    #[test]
    fn a_loss_that_the_queue_admits_is_a_loss() {
        let mut admitted = healthy(1_000).losing(3);
        admitted.ledger.lost = crate::measure::Lost { admitted: 3, silent: 0 };
        assert_eq!(judged(&[admitted]).outcome, Outcome::Fail);
    }

    #[test]
    fn duplicates_phantoms_and_the_undecidable_fail() {
        type Spoil = fn(&mut Measurement);
        let spoils: [(&str, Spoil); 3] = [
            ("ledger.duplicated", |m| m.ledger.duplicated = 1),
            ("ledger.phantom", |m| m.ledger.phantom = 1),
            ("ledger.undecidable", |m| m.ledger.undecidable = 1),
        ];
        for (name, spoil) in spoils {
            let mut measurement = healthy(1_000);
            spoil(&mut measurement);
            let verdict = judged(&[measurement]);
            assert_eq!((outcome_of(&verdict, name), verdict.outcome), (Outcome::Fail, Outcome::Fail), "{name}");
        }
    }

    #[test]
    fn one_lost_and_another_repeated_does_not_cancel_out() {
        let mut measurement = healthy(1_000).losing(1);
        measurement.ledger.duplicated = 1;
        measurement.latency.delivery = constant(1_000, 500_000);
        let verdict = judged(&[measurement]);
        assert_eq!(outcome_of(&verdict, "ledger.lost"), Outcome::Fail);
        assert_eq!(outcome_of(&verdict, "ledger.duplicated"), Outcome::Fail);
        assert_eq!(verdict.outcome, Outcome::Fail);
    }

    #[test]
    fn a_ledger_that_does_not_close_is_an_error() {
        let mut measurement = healthy(1_000);
        measurement.ledger.delivered = 1_001;
        let verdict = judged(&[healthy(1_000), measurement]);
        assert_eq!(verdict.outcome, Outcome::Error);
        assert!(
            verdict.reasons[0].as_given().starts_with("the ledger does not close: enqueued = 1000"),
            "{:?}",
            verdict.reasons
        );
    }

    #[test]
    fn a_broken_repeat_comes_first() {
        let errors = [Reason::RepeatFailed { kind: "panicked".into(), message: "boom".into() }];
        let verdict = judged_with(&[healthy(1_000).losing(1)], &target(), &[], &[], &errors);
        assert_eq!((verdict.outcome, verdict.reasons[0].as_given()), (Outcome::Error, "panicked: boom"));
        assert_eq!(verdict.reason_codes, ["queue_panicked", "check_failed"]);
        assert_eq!(verdict.reasons.len(), 2);
    }

    #[test]
    fn without_a_valid_repeat_nothing_is_said_of_the_queue() {
        let late = [aside("the generator was late"), aside("the generator was late")];
        let verdict = judged_with(&[], &target(), &[], &late, &[]);
        assert_eq!(verdict.outcome, Outcome::Invalid);
        assert_eq!(verdict.reasons, ["no valid repeat: the generator was late"]);
        assert_eq!(verdict.reason_codes, ["no_valid_repeat"]);
        assert!(verdict.checks.iter().all(|check| check.outcome == Outcome::Invalid && check.observed.is_none()));
        assert_eq!(judged(&[]).reasons, ["no valid repeat: none was run"]);
    }

    fn aside(reason: &str) -> SetAside {
        SetAside {
            reasons: vec![Reason::Recorded { code: ReasonCode::Recorded, text: reason.into() }],
            unjudged: false,
        }
    }

    #[test]
    fn survivors_do_not_speak_for_a_case_whose_repeats_are_mostly_invalid() {
        let stolen = || aside("the machine was busy: 60.0% of its CPU time was stolen, more than 5%");
        for (valid, aside, losing, outcome) in [
            (3, 0, 0, Outcome::Pass),
            (3, 3, 0, Outcome::Pass),
            (3, 4, 0, Outcome::Invalid),
            (1, 2, 0, Outcome::Invalid),
            // A valid repeat that shows a failure fails the case, however few are valid.
            (1, 2, 1, Outcome::Fail),
        ] {
            let measurements = vec![healthy(1_000).losing(losing); valid];
            let aside: Vec<SetAside> = (0..aside).map(|_| stolen()).collect();
            let verdict = judged_with(&measurements, &target(), &[], &aside, &[]);
            assert_eq!(verdict.outcome, outcome, "{valid} {} {losing}", aside.len());
            assert_eq!(verdict.notes.len(), usize::from(!aside.is_empty()), "{:?}", verdict.notes);
            let said = verdict.reason_codes.iter().any(|code| code == "outnumbered");
            assert_eq!(verdict.reason_codes.len(), verdict.reasons.len());
            assert_eq!(said, aside.len() > valid, "{:?}", verdict.reasons);
        }
    }

    #[test]
    fn too_few_samples_for_the_target_are_invalid() {
        let p99 = Target { statistic: Statistic::Quantile(Quantile::P99), ..target() };
        for (measurements, target, outcome) in [
            (vec![healthy(9)], target(), Outcome::Invalid),
            (vec![healthy(10)], target(), Outcome::Pass),
            (vec![healthy(999)], p99.clone(), Outcome::Invalid),
            (vec![healthy(500), healthy(500)], p99, Outcome::Pass),
        ] {
            assert_eq!(judged_with(&measurements, &target, &[], &[], &[]).outcome, outcome);
        }
    }

    #[test]
    fn a_check_of_the_scenario_decides_too() {
        let expectation = Expectation::Count { of: CountName::Dropped.into(), comparison: Comparison::Equal, limit: 0 };
        let checks = [check("dropped == 0", expectation)];
        let verdict = judged_with(&[healthy(1_000).dropping(1)], &target(), &checks, &[], &[]);
        assert_eq!(outcome_of(&verdict, "check.1"), Outcome::Fail);
        assert_eq!(verdict.reasons, ["`dropped == 0` does not hold: it is 1"]);
    }

    #[test]
    fn a_failure_outweighs_what_cannot_be_told() {
        let verdict = judged(&[healthy(9).losing(1)]);
        assert_eq!(outcome_of(&verdict, "target.latency"), Outcome::Invalid);
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert!(verdict.reasons[0].as_given().starts_with("`lost == 0`"));
    }

    #[test]
    fn the_load_is_compared_exactly() {
        for (concurrency, rate, throughput, below) in [
            (10, (1_000, 1), (10_000, 1), false),
            (9, (1_000, 1), (10_000, 1), true),
            (3, (10_000, 3), (10_000, 1), false),
            (3, (3_333, 1), (10_000, 1), true),
            (10_000, (1_000_000, 1), (1_000_000_000_000_000, 1), true),
        ] {
            let parameters = Parameters { concurrency, rate: Rate::new(rate.0, rate.1).unwrap(), ..parameters() };
            let target = Target { throughput: Rate::new(throughput.0, throughput.1).unwrap(), ..target() };
            assert_eq!(target::below_target_load(&parameters, &target), below, "{concurrency} x {rate:?}");
        }
    }
}
