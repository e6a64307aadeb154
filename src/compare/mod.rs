//! Compares reports: what changed between them, and whether a gate accepts it.
//!
//! [`compare`] informs about every metric of every case, with its uncertainty. [`gate`] decides from the same evidence,
//! so both say the same about a case. Both take reports that were already read, and neither prints.

mod align;
mod answers;
mod assemble;
mod attribution;
pub(crate) mod calibrate;
mod coverage;
mod decide;
mod differences;
mod effect;
mod exact;
pub(crate) mod family;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod fooled_tests;
mod gate;
mod level;
mod machines;
mod maxima;
mod metrics;
mod model;
mod modes;
mod normal;
mod power;
mod promises;
mod rank;
mod samples;
pub(crate) mod settle;
mod stalls;
mod steadiness;
#[cfg(test)]
mod tests;

pub use crate::report::{
    CaseDecision, Change, CoverageChange, CoverageKind, Difference, Effect, Finding, FindingKind, GateDecision,
    GateOutcome, GateReason, MetricTest, MetricUnit, Steadiness, Tail, TailBound,
};
pub use crate::scenario::Selector;
pub(crate) use calibrate::calibrate;
pub(crate) use family::{fewest_repeats, most_tests};
pub use gate::hold_to_verdict;
pub use metrics::metric_names;
pub(crate) use metrics::{CONFIRMATORY, medians, metric_unit};
pub use model::{
    Allowances, CaseComparison, ChangeCounts, Comparison, Estimate, MetricComparison, Options, Settings, Side,
};
pub(crate) use settle::{Settled, settle, suspects, undecided};

use crate::report::Report;

/// Compares a report with a baseline, case by case and metric by metric.
#[must_use]
pub fn compare(base: &Report, new: &Report, options: &Options) -> Comparison {
    let alignment = align::align(base, new, options);
    let decision = gate::decide_on(base, new, &alignment, options);
    assemble::comparison(base, new, &alignment, decision, options)
}

/// Decides whether a report may replace a baseline.
#[must_use]
pub fn gate(base: &Report, new: &Report, settings: &Settings) -> GateDecision {
    let options = Options { settings: settings.clone(), ..Options::default() };
    let alignment = align::align(base, new, &options);
    let mut decision = gate::decide_on(base, new, &alignment, &options);
    decision.cases.sort_by_key(|case| case.change);
    decision
}
