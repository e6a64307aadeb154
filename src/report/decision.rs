//! The decision of a gate, as it is saved in the report of a run that was compared with a baseline.

use super::kinds::{CoverageKind, FindingKind, GateReason};
use crate::units::human;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

/// What a comparison says of a case or of one of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Worse, on evidence.
    Regressed,
    /// Better, on the same evidence.
    Improved,
    /// The repeats cannot tell.
    Inconclusive,
    /// The two were not measured alike.
    Incomparable,
    /// Only the new report has it.
    Added,
    /// Only the baseline has it.
    Removed,
    /// A change that matters would have been seen, and was not.
    Unchanged,
}

impl Change {
    /// All of them, those to look at first before the others.
    pub const ALL: [Self; 7] = [
        Self::Regressed,
        Self::Improved,
        Self::Inconclusive,
        Self::Incomparable,
        Self::Added,
        Self::Removed,
        Self::Unchanged,
    ];

    /// The word for it, as in the JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Inconclusive => "inconclusive",
            Self::Incomparable => "incomparable",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What a gate says of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// Nothing regressed, and a regression would have been seen.
    Pass,
    /// The new report's own verdict is `fail` or `error`, whatever the baseline's was.
    Failed,
    /// Some case regressed.
    Regressed,
    /// Nothing regressed as far as can be told, and not enough can be told.
    Inconclusive,
    /// The reports cannot be compared.
    Incomparable,
}

impl GateOutcome {
    /// The word for it, as in the JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Failed => "failed",
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
            Self::Incomparable => "incomparable",
        }
    }

    /// The exit code of a gate that ends so: 0, 3, 4, 5 or 6.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Failed => 3,
            Self::Regressed => 4,
            Self::Inconclusive => 5,
            Self::Incomparable => 6,
        }
    }
}

/// A decision about a whole report, with all that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct GateDecision {
    /// The decision.
    pub outcome: GateOutcome,
    /// Why, in one line.
    pub reason: Untrusted,
    /// What kind of reason it is, by the words of docs/REASONS.md. Absent in reports that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<GateReason>,
    /// Probability of any false alarm over all cases.
    pub alpha: f64,
    /// Smallest change that counts, as a share: 0.1 is 10 %.
    pub min_effect: f64,
    /// The cases: those to look at first before the others.
    pub cases: Vec<CaseDecision>,
    /// Ids of the new report's cases that regressed by a statistical test, or that the repeats cannot tell of: fresh
    /// repeats may settle both.
    pub suspects: Vec<Untrusted>,
    /// Requirements of the baseline that the new report no longer has, or has in another form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<CoverageChange>,
    /// Cases of the new report that fail by themselves, one line each, but for those that are allowed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Untrusted>,
    /// Number of tests that share alpha; 0 in reports that are older than it.
    #[serde(default)]
    pub family: u64,
    /// What differs between the two beside what was measured.
    pub differences: Vec<Difference>,
    /// Whether the machine was the same, by a fixed piece of work.
    pub yardstick: Steadiness,
    /// What else is to be known, one line each.
    pub notes: Vec<Untrusted>,
}

/// A decision about one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct CaseDecision {
    /// Id in the new report; of a removed case, in the baseline.
    pub id: Untrusted,
    /// The decision.
    pub change: Change,
    /// Why, in one line; empty for an unchanged case. Its code is the kind of the first of `findings` that leads to `change`.
    pub reason: Untrusted,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// The confirmatory statistic; null if it cannot be compared with the baseline's.
    pub effect: Option<Effect>,
    /// Shares of slow calls, one for each bound; only in reports that are older than `tests`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tails: Vec<Tail>,
    /// Every promise that was tested; empty in reports that are older than it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<MetricTest>,
    /// Repeats on each side that would be enough to tell; null where they are, or where no number would do.
    pub repeats_needed: Option<u64>,
}

impl CaseDecision {
    /// The finding that leads to the change; its text is the reason. `None` if the change follows from no finding: the case
    /// is unchanged, or only one side has it.
    #[must_use]
    pub fn cause(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.kind.implies() == self.change)
    }

    /// Whether both reports have the case.
    #[must_use]
    pub fn is_of_both(&self) -> bool {
        let is_new = self.findings.iter().any(|finding| finding.kind == FindingKind::AddedUnfit);
        !is_new && !matches!(self.change, Change::Added | Change::Removed)
    }
}

/// A requirement of the baseline that the new report does not have, or has less strictly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct CoverageChange {
    /// What happened to it.
    pub kind: CoverageKind,
    /// The case or the scenario that it is about.
    pub of: Untrusted,
    /// What the baseline has; null where it has nothing of the kind.
    pub base: Option<Untrusted>,
    /// What the new report has.
    pub new: Option<Untrusted>,
    /// It fails the gate.
    pub fails: bool,
}

/// One thing that was found about a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Finding {
    /// Which rule.
    pub kind: FindingKind,
    /// In one line, with the numbers.
    pub text: Untrusted,
    /// The metric that was tested. Absent where none was, and in reports that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Untrusted>,
}

impl Finding {
    /// A finding that is about no single metric.
    #[must_use]
    pub fn new(kind: FindingKind, text: impl Into<Untrusted>) -> Self {
        Self { kind, text: text.into(), metric: None }
    }
}

/// The confirmatory statistic on both sides: the mean of the fastest 95 % of `enqueue`, of each repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Effect {
    /// Repeats of the baseline.
    pub base_repeats: u64,
    /// Repeats of the new report.
    pub new_repeats: u64,
    /// Geometric mean over the baseline's repeats, nanoseconds.
    pub base_ns: f64,
    /// Geometric mean over the new repeats, nanoseconds.
    pub new_ns: f64,
    /// New over base: the median over all pairs of repeats (Hodges-Lehmann).
    pub ratio: f64,
    /// Lower end of its 95 % interval; null with too few repeats.
    pub ratio_low: Option<f64>,
    /// Upper end.
    pub ratio_high: Option<f64>,
    /// Probability of repeats that are slower by at least as much if nothing had changed: exact, one-sided.
    pub p_slower: f64,
    /// The same, over the whole family by Holm's method.
    pub p_slower_adjusted: f64,
    /// Probability of repeats that are faster by at least as much if nothing had changed.
    pub p_faster: f64,
    /// The same, over the whole family.
    pub p_faster_adjusted: f64,
    /// Change that had to be exceeded, as a share: the larger of the least effect and the calibrated noise.
    pub threshold: f64,
    /// Slow-down that would be found nine times in ten, as a share; null with too few repeats.
    pub detectable: Option<f64>,
    /// Spread of single repeats around the middle of their side, as a share; null with too few repeats.
    pub spread: Option<f64>,
    /// The two sides hold the same numbers.
    pub identical: bool,
}

/// One promise of a case, tested: a number of every repeat, by how much it moved from the baseline, and what that
/// proves.
///
/// It has regressed where `p_worse_adjusted` is at most alpha and the shift is worse than `margin`; it is unchanged
/// where the bound of the shift on the worse side lies within the margin; it is inconclusive where neither is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct MetricTest {
    /// Its name, such as `enqueue.trimmed_mean`.
    pub metric: Untrusted,
    /// Unit of all values but the chances.
    pub unit: MetricUnit,
    /// A larger value is a worse one; else a smaller one is.
    pub larger_is_worse: bool,
    /// Of a share of slow logs: the bound beyond which a log is slow, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_ns: Option<u64>,
    /// Middle of the baseline's repeats.
    pub base: f64,
    /// Middle of the new repeats; of logs that never were before, their number in all repeats.
    pub new: f64,
    /// New less base: the median over all pairs of repeats (Hodges-Lehmann).
    pub shift: f64,
    /// Lower end of its interval, one-sided at alpha; null with too few repeats.
    pub shift_low: Option<f64>,
    /// Upper end.
    pub shift_high: Option<f64>,
    /// How much worse it has to be to count.
    pub margin: f64,
    /// Probability of repeats that are worse by at least as much if nothing had changed: exact, one-sided.
    pub p_worse: f64,
    /// The same, over the whole family by Holm's method.
    pub p_worse_adjusted: f64,
    /// What follows.
    pub change: Change,
}

/// Unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub enum MetricUnit {
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// A share of a whole: 1 is all of it.
    #[serde(rename = "share")]
    Share,
    /// A number of logs.
    #[serde(rename = "logs")]
    Logs,
    /// CPU seconds per million logs.
    #[serde(rename = "s/million")]
    CpuPerMillion,
    /// Bytes.
    #[serde(rename = "bytes")]
    Bytes,
    /// An index from 0 to 1.
    #[serde(rename = "index")]
    Index,
}

impl MetricUnit {
    /// A value for people, with its unit.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        const MEBIBYTE: f64 = 1_048_576.0;
        match self {
            Self::Nanoseconds => human::latency(value),
            Self::Share => human::share(value),
            Self::Logs if value.fract() == 0.0 => human::count(value as u64),
            Self::Logs => format!("{value:.1}"),
            Self::CpuPerMillion => format!("{value:.3} s/M"),
            Self::Bytes => format!("{:.1} MiB", value / MEBIBYTE),
            Self::Index => format!("{value:.3}"),
        }
    }
}

/// The share of calls that were slower than a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Tail {
    /// Which bound.
    pub bound: TailBound,
    /// The bound, nanoseconds.
    pub bound_ns: u64,
    /// Share of the baseline's calls.
    pub base_share: f64,
    /// Share of the new calls.
    pub new_share: f64,
    /// Probability of repeats with shares that are larger by at least as much if they had just doubled or grown by half a
    /// percentage point, whichever is more; null where repeats have no shares.
    pub p: Option<f64>,
    /// The same, over the whole family by Holm's method.
    pub p_adjusted: Option<f64>,
    /// It grew by enough to matter.
    pub grew: bool,
    /// There are enough repeats to confirm that at all.
    pub confirmable: bool,
    /// It grew by enough, and the repeats confirm it.
    pub regressed: bool,
}

/// Which bound a share of slow calls is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TailBound {
    /// The baseline's own p99.
    BaselineP99,
    /// The target's latency.
    Target,
}

/// Something beside the numbers that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Difference {
    /// What, such as `cpu_model`, `kernel`, `profile`, `queue_version(builtin)`.
    pub what: Untrusted,
    /// In the baseline; null where it is not known.
    pub base: Option<Untrusted>,
    /// In the new report; null where it is not known.
    pub new: Option<Untrusted>,
    /// A gate refuses it.
    pub blocks_gate: bool,
}

/// Whether the machine stayed the same, by a fixed piece of work that every report carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Steadiness {
    /// Both reports have it.
    pub known: bool,
    /// It moved by more than the bound, within a report or between the two.
    pub moved: bool,
    /// Largest movement, as a share; null where nothing is known.
    pub largest: Option<f64>,
    /// What moved, or what is not known, in one line; null where it is known and still.
    pub reason: Option<Untrusted>,
}
