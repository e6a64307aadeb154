//! Decisions of a gate for tests of the views.

use crate::report::{
    CaseDecision, Change, GateDecision, GateOutcome, GateRecord, GateRound, MetricTest, MetricUnit, Steadiness,
};

/// A test in nanoseconds, 90 ns and 120 ns around its shift, with a margin of 1 µs.
pub(in crate::render) fn test(metric: &str, base: f64, new: f64, change: Change) -> MetricTest {
    let shift = new - base;
    MetricTest {
        metric: metric.into(),
        unit: MetricUnit::Nanoseconds,
        larger_is_worse: true,
        bound_ns: None,
        base,
        new,
        shift,
        shift_low: Some(shift - 90.0),
        shift_high: Some(shift + 120.0),
        margin: 1_000.0,
        p_worse: 2e-5,
        p_worse_adjusted: 2e-5,
        change,
    }
}

/// A case with this change, caused by these tests.
pub(in crate::render) fn case(id: &str, change: Change, tests: Vec<MetricTest>) -> CaseDecision {
    CaseDecision {
        id: id.into(),
        change,
        reason: format!("{} for a reason", change.word()).into(),
        findings: Vec::new(),
        effect: None,
        tails: Vec::new(),
        tests,
        repeats_needed: None,
    }
}

/// A decision based on these cases.
pub(in crate::render) fn decision(outcome: GateOutcome, cases: Vec<CaseDecision>) -> GateDecision {
    GateDecision {
        outcome,
        reason: format!("{} as a whole", outcome.word()).into(),
        reason_code: None,
        alpha: 0.01,
        min_effect: 0.1,
        cases,
        suspects: Vec::new(),
        coverage: Vec::new(),
        failures: Vec::new(),
        family: 0,
        differences: Vec::new(),
        yardstick: Steadiness::default(),
        notes: Vec::new(),
    }
}

/// The record of a run that was compared with `base.json` and decided in this way, without a confirmation.
pub(in crate::render) fn record(decision: GateDecision) -> GateRecord {
    GateRecord {
        baseline: "base.json".into(),
        digest: "".into(),
        outcome: decision.outcome,
        reason: decision.reason.clone(),
        reason_code: decision.reason_code,
        rounds: vec![GateRound { round: 0, decision }],
    }
}
