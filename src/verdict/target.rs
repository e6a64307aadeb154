//! The target as checks: the latency, the accepted share, and the ledger rules that hold for every queue.

use super::check::{Checked, Evaluation, Subject, latency};
use super::reason::{Observed, Shortfall};
use super::{CheckOrigin, CheckResult, Outcome, Pooled, Unit};
use crate::scenario::{Comparison, LatencyName, Parameters, Strategy, Target};
use crate::units::Ratio;

/// Parts that make a whole in a [`Ratio`].
const MILLION: u128 = 1_000_000;
/// Nanoseconds of a second.
const NANOS: u128 = 1_000_000_000;

/// The checks that every queue must pass: the target's, the ledger's, and the producers'.
pub(super) fn judge(parameters: &Parameters, target: &Target, pooled: &Pooled) -> Vec<Checked> {
    let mut results = vec![target_latency(target, pooled), accepted(target.min_accepted, pooled), closes(pooled)];
    let ledger = pooled.ledger();
    results.extend([
        zero("lost", ledger.lost(), pooled),
        zero("duplicated", ledger.duplicated, pooled),
        zero("undecidable", ledger.undecidable, pooled),
        zero("phantom", ledger.phantom, pooled),
        pooled.producers().judge(),
    ]);
    if parameters.strategy == Strategy::Block {
        // A caller that waits for room is never refused. A queue that drops all the same breaks its strategy. This is a
        // failure and not a contradiction, since such queues exist.
        results.push(must_be_zero("block", "dropped", "dropped == 0 under block", ledger.dropped, pooled));
    }
    results
}

/// Whether the case offers less than the throughput at which the promise must be shown; exact.
#[must_use]
pub fn below_target_load(parameters: &Parameters, target: &Target) -> bool {
    let asked = u128::from(target.throughput.logs());
    let periods = u128::from(target.throughput.seconds());
    if let Some(trace) = &parameters.trace {
        return u128::from(trace.logs) * NANOS * periods < asked * u128::from(parameters.duration.0);
    }
    let offered = u128::from(parameters.concurrency) * u128::from(parameters.rate.logs());
    offered * periods < asked * u128::from(parameters.rate.seconds())
}

fn target_latency(target: &Target, pooled: &Pooled) -> Checked {
    let evaluation = latency(pooled, target.statistic, LatencyName::Enqueue, Comparison::Less, target.latency);
    let subject = format!("{}(enqueue)", target.statistic);
    evaluation.of(Subject {
        name: CheckOrigin::Target.name_of("latency").into(),
        expression: format!("{subject} < {}", target.latency).into(),
        subject: subject.into(),
        limit: target.latency.0 as f64,
        unit: Unit::Nanoseconds,
    })
}

/// The share of the scheduled logs that were accepted within the window. Logs that the generator did not send count
/// against the queue only if the share is too low without them, too.
fn accepted(least: Ratio, pooled: &Pooled) -> Checked {
    let ledger = pooled.ledger();
    let enough =
        |offered: u64| u128::from(ledger.enqueued_in_window) * MILLION >= u128::from(offered) * u128::from(least.ppm());
    let evaluation = if pooled.repeats() == 0 {
        Evaluation::unknown(Shortfall::NoValidRepeat)
    } else if ledger.scheduled == 0 {
        Evaluation::unknown(Shortfall::NothingOffered)
    } else {
        let observed = Observed::Accepted { accepted: ledger.enqueued_in_window, offered: ledger.scheduled };
        let unsent = ledger.unsent_generator;
        match (enough(ledger.scheduled), enough(ledger.scheduled.saturating_sub(unsent))) {
            (false, true) => Evaluation::untold(observed, Shortfall::Unsent { observed, unsent }),
            (holds, _) => Evaluation::plain(observed, holds),
        }
    };
    evaluation.of(Subject {
        name: CheckOrigin::Target.name_of("accepted").into(),
        subject: "accepted / offered".into(),
        expression: format!("accepted / offered >= {least}").into(),
        limit: f64::from(least.ppm()) / MILLION as f64,
        unit: Unit::Share,
    })
}

/// The contradictions already stand among the reasons of the case, so this check adds no reason.
fn closes(pooled: &Pooled) -> Checked {
    let faults = pooled.faults();
    let (outcome, said) = match (faults.first(), pooled.repeats()) {
        (Some(first), _) => (Outcome::Error, Some(first.to_string().into())),
        (None, 0) => (Outcome::Invalid, Some(Shortfall::NoValidRepeat.to_string().into())),
        (None, _) => (Outcome::Pass, None),
    };
    let result = CheckResult {
        name: CheckOrigin::Ledger.name_of("closes").into(),
        subject: "ledger".into(),
        expression: "the ledger closes".into(),
        observed: (outcome != Outcome::Invalid).then_some(faults.len() as f64),
        limit: Some(0.0),
        unit: Unit::Violations,
        outcome,
        reason: said,
    };
    Checked { result, reason: None }
}

/// A count that must be 0 in every repeat, and has its own check in the ledger.
fn zero(count: &str, sum: u64, pooled: &Pooled) -> Checked {
    must_be_zero(count, count, &format!("{count} == 0"), sum, pooled)
}

/// A count that must be 0 in every repeat, so in their sum.
fn must_be_zero(name: &str, subject: &str, expression: &str, sum: u64, pooled: &Pooled) -> Checked {
    let evaluation = match pooled.repeats() {
        0 => Evaluation::unknown(Shortfall::NoValidRepeat),
        _ => Evaluation::plain(Observed::Count(sum), sum == 0),
    };
    evaluation.of(Subject {
        name: CheckOrigin::Ledger.name_of(name).into(),
        subject: subject.into(),
        expression: expression.into(),
        limit: 0.0,
        unit: Unit::Logs,
    })
}
