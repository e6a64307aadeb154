//! The target as checks: the latency, the accepted share, and the ledger rules that hold for every queue.

use super::check::{Finding, latency};
use super::{CheckResult, Outcome, Pooled, Unit};
use crate::scenario::{Comparison, LatencyName, Parameters, Strategy, Target};
use crate::units::{Ratio, human};

/// A caller that waits for room is refused nothing. Where the queue drops all the same, it is not what it says: that is a
/// failure and no contradiction, since there are such queues.
const BLOCK: &str = "ledger.block";
/// Parts that make a whole in a [`Ratio`].
const MILLION: u128 = 1_000_000;

/// Every check that holds of every queue: the target's, the ledger's, and the producers'.
pub(super) fn judge(parameters: &Parameters, target: &Target, pooled: &Pooled) -> Vec<CheckResult> {
    let mut results = vec![target_latency(target, pooled), accepted(target.min_accepted, pooled), closes(pooled)];
    let ledger = pooled.ledger();
    results.extend([
        must_be_zero("lost", ledger.lost(), pooled),
        must_be_zero("duplicated", ledger.duplicated, pooled),
        must_be_zero("undecidable", ledger.undecidable, pooled),
        must_be_zero("phantom", ledger.phantom, pooled),
        pooled.producers().judge(),
    ]);
    if parameters.strategy == Strategy::Block {
        let found = must_be_zero("dropped", ledger.dropped, pooled);
        results.push(CheckResult { name: BLOCK.into(), expression: "dropped == 0 under block".into(), ..found });
    }
    results
}

/// Whether the case offers less than the throughput at which the promise must be shown; exact.
pub(super) fn below_target_load(parameters: &Parameters, target: &Target) -> bool {
    let offered = u128::from(parameters.concurrency) * u128::from(parameters.rate.logs());
    let asked = u128::from(target.throughput.logs());
    offered * u128::from(target.throughput.seconds()) < asked * u128::from(parameters.rate.seconds())
}

fn target_latency(target: &Target, pooled: &Pooled) -> CheckResult {
    let finding = latency(pooled, target.statistic, LatencyName::Enqueue, Comparison::Less, target.latency);
    let subject = format!("{}(enqueue)", target.statistic);
    CheckResult {
        name: "target.latency".into(),
        expression: format!("{subject} < {}", target.latency),
        subject,
        observed: finding.observed,
        limit: Some(target.latency.0 as f64),
        unit: Unit::Nanoseconds,
        outcome: finding.outcome,
        reason: finding.reason,
    }
}

/// The share of what was scheduled that was accepted within the window. What the generator did not send counts against
/// the queue only if the share is too low without it as well.
fn accepted(least: Ratio, pooled: &Pooled) -> CheckResult {
    let ledger = pooled.ledger();
    let enough =
        |offered: u64| u128::from(ledger.enqueued_in_window) * MILLION >= u128::from(offered) * u128::from(least.ppm());
    let finding = if pooled.repeats() == 0 {
        Finding::unknown("no valid repeat")
    } else if ledger.scheduled == 0 {
        Finding::unknown("nothing was offered")
    } else {
        let observed = ledger.enqueued_in_window as f64 / ledger.scheduled as f64;
        let shown = format!(
            "{} ({} of {})",
            human::share(observed),
            human::count(ledger.enqueued_in_window),
            human::count(ledger.scheduled)
        );
        let mut finding = Finding::plain(observed, enough(ledger.scheduled), &shown);
        if finding.outcome == Outcome::Fail && enough(ledger.scheduled.saturating_sub(ledger.unsent_generator)) {
            finding.outcome = Outcome::Invalid;
            let unsent = human::count(ledger.unsent_generator);
            finding.reason = Some(format!("it is {shown}, and the generator did not send {unsent}"));
        }
        finding
    };
    CheckResult {
        name: "target.accepted".into(),
        subject: "accepted / offered".into(),
        expression: format!("accepted / offered >= {least}"),
        observed: finding.observed,
        limit: Some(f64::from(least.ppm()) / MILLION as f64),
        unit: Unit::Share,
        outcome: finding.outcome,
        reason: finding.reason,
    }
}

fn closes(pooled: &Pooled) -> CheckResult {
    let faults = pooled.faults();
    let (outcome, reason) = match (faults.first(), pooled.repeats()) {
        (Some(first), _) => (Outcome::Error, Some(first.clone())),
        (None, 0) => (Outcome::Invalid, Some("no valid repeat".into())),
        (None, _) => (Outcome::Pass, None),
    };
    CheckResult {
        name: "ledger.closes".into(),
        subject: "ledger".into(),
        expression: "the ledger closes".into(),
        observed: (outcome != Outcome::Invalid).then_some(faults.len() as f64),
        limit: Some(0.0),
        unit: Unit::Violations,
        outcome,
        reason,
    }
}

/// A count that must be 0 in every repeat, which is to say in their sum.
fn must_be_zero(name: &str, sum: u64, pooled: &Pooled) -> CheckResult {
    let finding = match pooled.repeats() {
        0 => Finding::unknown("no valid repeat"),
        _ => Finding::plain(sum as f64, sum == 0, &human::count(sum)),
    };
    CheckResult {
        name: format!("ledger.{name}"),
        subject: name.into(),
        expression: format!("{name} == 0"),
        observed: finding.observed,
        limit: Some(0.0),
        unit: Unit::Logs,
        outcome: finding.outcome,
        reason: finding.reason,
    }
}
