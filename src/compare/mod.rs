//! Reports -> what changed between them, and whether a gate lets it pass.
//!
//! [`compare`] informs: every metric of every case, with its uncertainty. [`gate`] decides, by the same evidence: what it
//! says of a case is what a comparison says of it. Both take reports that were read, and neither prints.

mod model;

pub use crate::report::{
    CaseDecision, Change, Difference, Effect, Finding, FindingKind, GateDecision, GateOutcome, Steadiness, Tail,
    TailBound,
};
pub use model::{
    CaseComparison, ChangeCounts, Comparison, Estimate, MetricComparison, MetricUnit, Options, Settings, Side,
};

use crate::report::Report;

/// Holds a report against a baseline, case by case and metric by metric.
#[must_use]
pub fn compare(base: &Report, new: &Report, options: &Options) -> Comparison {
    let decision = gate(base, new, &options.settings);
    Comparison {
        base: Side::of(base, "BASE"),
        new: Side::of(new, "NEW"),
        across: None,
        ignored: Vec::new(),
        attribution: Vec::new(),
        counts: ChangeCounts::default(),
        cases: Vec::new(),
        decision,
    }
}

/// Decides whether a report may replace a baseline.
#[must_use]
pub fn gate(_base: &Report, _new: &Report, settings: &Settings) -> GateDecision {
    GateDecision {
        outcome: GateOutcome::Incomparable,
        reason: "nothing was compared".into(),
        alpha: settings.alpha,
        min_effect: settings.min_effect,
        cases: Vec::new(),
        suspects: Vec::new(),
        differences: Vec::new(),
        yardstick: Steadiness::default(),
        notes: Vec::new(),
    }
}
