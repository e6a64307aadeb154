//! What a comparison says. Views receive it and decide nothing.

use crate::report::{CaseDecision, Change, GateDecision, MetricUnit, Report};
use crate::scenario::{Parameters, Selector};
use crate::units::Ratio;
use serde::Serialize;

/// How reports are decided on.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Chance of any false alarm over all tests of all cases.
    pub alpha: f64,
    /// Smallest change that counts, as a share: 0.1 is 10 %.
    pub min_effect: f64,
    /// Slow-downs of `enqueue` up to this count as none, in nanoseconds; `None`: 1 % of the target's latency.
    pub ignore_below_ns: Option<f64>,
    /// Reports of different machines or build profiles may be held against each other.
    pub allow_cross_machine: bool,
    /// Cases of the baseline may be missing.
    pub allow_removed: bool,
    /// Checks and targets may ask for less than the baseline's.
    pub allow_changed_checks: bool,
    /// Cases may fail that failed in the baseline by the same checks.
    pub allow_known_failures: bool,
    /// What the command line kept of the plan: only cases that it matches have to be there.
    pub filter: Selector,
}

impl Default for Settings {
    /// 1 % over all cases, 10 %, 1 % of the target's latency; nothing is allowed.
    fn default() -> Self {
        Self {
            alpha: 0.01,
            min_effect: 0.10,
            ignore_below_ns: None,
            allow_cross_machine: false,
            allow_removed: false,
            allow_changed_checks: false,
            allow_known_failures: false,
            filter: Selector::default(),
        }
    }
}

impl Settings {
    /// What the scenarios of a baseline ask for: the strictest of them. Those of the report that is decided on do not
    /// rule, or a change could loosen the gate that it has to pass.
    #[must_use]
    pub fn of(baseline: &Report) -> Self {
        let share = |ratio: Ratio| f64::from(ratio.ppm()) / 1e6;
        let gates = || baseline.scenarios.iter().map(|scenario| scenario.gate);
        let default = Self::default();
        let ignored = baseline.scenarios.iter().map(|scenario| {
            scenario.gate.ignore_below.map_or(scenario.target.latency.0 as f64 / 100.0, |time| time.0 as f64)
        });
        Self {
            // A larger alpha misses less.
            alpha: gates().map(|gate| gate.alpha).max().map_or(default.alpha, share),
            min_effect: gates().map(|gate| gate.min_effect).min().map_or(default.min_effect, share),
            ignore_below_ns: gates()
                .any(|gate| gate.ignore_below.is_some())
                .then(|| ignored.fold(f64::INFINITY, f64::min)),
            ..default
        }
    }
}

/// What is compared with what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// How it is decided.
    pub settings: Settings,
    /// Axes that need not agree.
    pub ignore: Vec<String>,
    /// Cases that differ in this axis are held against each other; the baseline's first value of it is the base.
    pub across: Option<String>,
    /// Only these cases.
    pub filter: Selector,
    /// Only these metrics, by name; empty: all.
    pub metrics: Vec<String>,
    /// What the two are called; empty: `BASE` and `NEW`.
    pub labels: (String, String),
}

/// One of the two reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// What it is called.
    pub label: String,
    /// When its run began: RFC 3339, UTC.
    pub created_at: String,
    /// Version of the program that wrote it.
    pub tool_version: String,
    /// Its cases.
    pub cases: u64,
}

impl Side {
    pub(super) fn of(report: &Report, label: &str) -> Self {
        Self {
            label: label.to_owned(),
            created_at: report.created_at.clone(),
            tool_version: report.tool.version.clone(),
            cases: report.cases.len() as u64,
        }
    }
}

/// A baseline and a report held against it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The baseline.
    pub base: Side,
    /// The report.
    pub new: Side,
    /// The axis of which one value is held against others.
    pub across: Option<String>,
    /// Axes that need not agree.
    pub ignored: Vec<String>,
    /// The metrics that were asked for; empty: all.
    pub asked: Vec<String>,
    /// To what the changes are confined, one line each; empty where no simple condition covers them.
    pub attribution: Vec<String>,
    /// How many cases changed how.
    pub counts: ChangeCounts,
    /// The cases: those that changed first.
    pub cases: Vec<CaseComparison>,
    /// What a gate would say, with differences between the two sides and notes.
    pub decision: GateDecision,
}

/// How many cases changed how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangeCounts {
    /// Worse.
    pub regressed: u64,
    /// Better.
    pub improved: u64,
    /// The repeats cannot tell.
    pub inconclusive: u64,
    /// Not measured alike.
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
    /// What tells it from the other cases, as `axis=value` pairs; of a single case, its id.
    pub label: String,
    /// Its values, the new report's where it has it.
    pub parameters: Parameters,
    /// Its place among the baseline's cases; null where the baseline lacks it.
    #[serde(skip)]
    pub base_index: Option<usize>,
    /// Its place among the new report's cases; null where that lacks it.
    #[serde(skip)]
    pub new_index: Option<usize>,
    /// What is said of it.
    pub change: Change,
    /// What a gate says of it, and why.
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
    /// It stands for the case where only one number is shown.
    pub confirmatory: bool,
    /// In the baseline.
    pub base: Estimate,
    /// In the new report.
    pub new: Estimate,
    /// New over base; null where the base is zero or unknown.
    pub ratio: Option<f64>,
    /// What is said of it.
    pub change: Change,
    /// Why nothing better can be said; null otherwise.
    pub reason: Option<String>,
    /// Repeats on each side that would be enough to tell; null where they are.
    pub repeats_needed: Option<u64>,
}

/// A number and how uncertain it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The middle of the repeats; null where there is none.
    pub value: Option<f64>,
    /// Half of the 95 % interval over repeats, in the same unit; null with fewer than two repeats.
    pub half_width: Option<f64>,
    /// Repeats that have the number.
    pub repeats: u64,
}
