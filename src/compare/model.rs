//! The result of a comparison. Views receive it and decide nothing.

use crate::report::{CaseDecision, Change, GateDecision, MetricUnit, Report};
use crate::scenario::{Parameters, Selector};
use crate::units::Ratio;
use crate::untrusted::Untrusted;
use serde::Serialize;

/// What a gate accepts because the user allows it. The gate reports each use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Reports of different machines or build profiles may be compared.
    pub cross_machine: bool,
    /// Cases of the baseline may be missing.
    pub removed: bool,
    /// Checks and targets may be gone or less strict than the baseline's.
    pub changed_checks: bool,
    /// Cases may fail if they failed the same checks in the baseline.
    pub known_failures: bool,
}

/// The settings of a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Family-wise error rate: probability of any false alarm over all tests of all cases.
    pub alpha: f64,
    /// Smallest change that counts, as a share: 0.1 is 10 %.
    pub min_effect: f64,
    /// Slow-downs of `enqueue` up to this are ignored, in nanoseconds; `None`: 1 % of the target's latency.
    pub ignore_below_ns: Option<f64>,
    /// Exceptions that the user allows.
    pub allowances: Allowances,
    /// The filter of the command line: only cases that it matches must be there.
    pub filter: Selector,
    /// The error rate is shared by at least this many tests: the number of an earlier look, if its repeats are judged
    /// again. 0: by as many as there are.
    pub least_family: u64,
}

impl Default for Settings {
    /// 1 % over all cases, 10 %, 1 % of the target's latency; nothing is allowed.
    fn default() -> Self {
        Self {
            alpha: 0.01,
            min_effect: 0.10,
            ignore_below_ns: None,
            allowances: Allowances::default(),
            filter: Selector::default(),
            least_family: 0,
        }
    }
}

impl Settings {
    /// The settings of a baseline's scenarios, the strictest of each. Those of the new report do not apply: otherwise a
    /// change could loosen the gate that it must pass.
    #[must_use]
    pub fn of(baseline: &Report) -> Self {
        let share = |ratio: Ratio| f64::from(ratio.ppm()) / 1e6;
        let gates = || baseline.scenarios.iter().map(|scenario| scenario.gate);
        let default = Self::default();
        let ignored = baseline.scenarios.iter().map(|scenario| {
            scenario.gate.ignore_below.map_or(scenario.target.latency.0 as f64 / 100.0, |time| time.0 as f64)
        });
        Self {
            // The larger alpha is the stricter one: it misses fewer regressions.
            alpha: gates().map(|gate| gate.alpha).max().map_or(default.alpha, share),
            min_effect: gates().map(|gate| gate.min_effect).min().map_or(default.min_effect, share),
            ignore_below_ns: gates()
                .any(|gate| gate.ignore_below.is_some())
                .then(|| ignored.fold(f64::INFINITY, f64::min)),
            ..default
        }
    }
}

/// The options of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The settings of the decision.
    pub settings: Settings,
    /// Axes that need not agree.
    pub ignore: Vec<String>,
    /// Cases that differ in this axis are compared with each other. The baseline's first value of it is the base.
    pub across: Option<String>,
    /// Only these cases.
    pub filter: Selector,
    /// Only these metrics, by name; empty: all.
    pub metrics: Vec<String>,
    /// The labels of the two reports; if empty, `BASE` and `NEW`.
    pub labels: (String, String),
}

/// One of the two reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// What it is called.
    pub label: Untrusted,
    /// When its run began: RFC 3339, UTC.
    pub created_at: Untrusted,
    /// Version of the program that wrote it.
    pub tool_version: Untrusted,
    /// Its cases.
    pub cases: u64,
    /// The names of its scenarios.
    #[serde(skip)]
    pub scenarios: Vec<Untrusted>,
}

impl Side {
    pub(super) fn of(report: &Report, label: &str) -> Self {
        Self {
            label: label.into(),
            created_at: report.created_at.clone(),
            tool_version: report.tool.version.clone(),
            cases: report.cases.len() as u64,
            scenarios: report.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
        }
    }
}

/// A baseline and a report that is compared with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The baseline.
    pub base: Side,
    /// The report.
    pub new: Side,
    /// The axis of which one value is compared with others.
    pub across: Option<String>,
    /// Axes that need not agree.
    pub ignored: Vec<String>,
    /// The metrics that were requested; if empty, all.
    pub asked: Vec<String>,
    /// The conditions to which the changes are confined, one line each; empty if no simple condition covers them.
    pub attribution: Vec<Untrusted>,
    /// How many cases changed how.
    pub counts: ChangeCounts,
    /// The cases, with those that changed first.
    pub cases: Vec<CaseComparison>,
    /// The decision of a gate, with the differences between the two sides and notes.
    pub decision: GateDecision,
}

/// How many cases changed how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangeCounts {
    /// Worse.
    pub regressed: u64,
    /// Better.
    pub improved: u64,
    /// The repeats cannot decide.
    pub inconclusive: u64,
    /// Not measured in the same way.
    pub incomparable: u64,
    /// Only in the new report.
    pub added: u64,
    /// Only in the baseline.
    pub removed: u64,
    /// The same.
    pub unchanged: u64,
}

/// One case on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseComparison {
    /// Its label: the `axis=value` pairs that distinguish it from the other cases; the id of a single case.
    pub label: Untrusted,
    /// Its parameters; those of the new report if it has the case.
    pub parameters: Parameters,
    /// Its index among the baseline's cases; null if the baseline does not have it.
    #[serde(skip)]
    pub base_index: Option<usize>,
    /// Its index among the new report's cases; null if the new report does not have it.
    #[serde(skip)]
    pub new_index: Option<usize>,
    /// The kind of its change.
    pub change: Change,
    /// The decision of a gate on it, with the reasons.
    pub decision: CaseDecision,
    /// Its numbers.
    pub metrics: Vec<MetricComparison>,
}

/// One number of a case on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricComparison {
    /// Its name, such as `enqueue.p99`.
    pub metric: &'static str,
    /// Its unit.
    pub unit: MetricUnit,
    /// It represents the case if only one number is shown.
    pub confirmatory: bool,
    /// In the baseline.
    pub base: Estimate,
    /// In the new report.
    pub new: Estimate,
    /// New divided by base; null if the base is zero or unknown.
    pub ratio: Option<f64>,
    /// The kind of its change.
    pub change: Change,
    /// Why there is no clearer result; null otherwise.
    pub reason: Option<Untrusted>,
    /// Number of repeats on each side that would be enough; null if there are enough.
    pub repeats_needed: Option<u64>,
}

/// A number and its uncertainty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The median of the repeats; null if there is none.
    pub value: Option<f64>,
    /// Half the width of the 95 % interval over repeats, in the same unit; null with fewer than two repeats.
    pub half_width: Option<f64>,
    /// Repeats that have the number.
    pub repeats: u64,
}
