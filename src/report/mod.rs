//! The saved report: the request, the environment, the measurements and the verdict.
//!
//! One JSON file per invocation. `build` makes it of what a run yielded, whether the run has just ended or is read
//! back from its journal; [`Report::to_bytes`] and [`read_verified`] are the only ways out of and into a file, so that
//! a report is never half there and one that was altered is known.

mod baseline;
pub(crate) mod build;
mod decision;
pub(crate) mod environment;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod gating;
mod kinds;
mod levels;
mod maximum;
mod likeness;
mod kept;
mod lines;
mod merge;
mod model;
pub(crate) mod name;
mod partition;
mod read;
#[cfg(feature = "internals")]
pub(crate) mod schema;
pub(crate) mod slow_calls;
mod stages;
mod statistics;
mod surroundings;
mod write;

pub use crate::measure::{
    CoreToCore, Cost, CpuShare, CpuShares, Fairness, Ledger, LevelLedger, Lost, MemorySeries, OutcomeSource, Point,
    PointTimes, Rates, Recovery, Series, Settled, SteadyEnds, Threads, Trend,
};
pub use crate::plan::PartitionMethod;
pub use crate::run::{Yardstick, YardstickReading};
pub use crate::scenario::{
    GateSettings, Order, Override, Parameters, RunSettings, Statistic, SteadySettings, Target, Until,
};
pub use crate::units::{Bytes, Nanos, Quantile, Rate, Ratio};
pub use crate::untrusted::Untrusted;
pub use crate::verdict::{
    CaseVerdict, CheckOrigin, CheckResult, ExitOutcome, Outcome, OutcomeCounts, PlanVerdict, Unit,
};
pub use baseline::{BaselineName, BaselineNameError, baseline_names, save_baseline};
pub(crate) use build::{CaseInput, ErrorInput, RepeatInput, ReportInput, SetAsideInput, build, judged, judged_whole};
pub use decision::{
    CaseDecision, Change, CoverageChange, Difference, Effect, Finding, GateDecision, GateOutcome, MetricTest,
    MetricUnit, Steadiness, Tail, TailBound,
};
pub(crate) use environment::{BuildFacts, collect_environment};
pub use error::ReportError;
pub use gating::{Calibration, Confirmation, GateRecord, GateRound};
pub(crate) use kept::Kept;
pub use kinds::{CoverageKind, FindingKind, GateReason};
pub use likeness::environment_differences;
pub use maximum::{Maximum, MaximumOutcome, Probe};
pub use merge::{MergeError, NamedShard, merge};
pub use model::{
    CaseRecord, CheckRecord, CostSummary, Environment, ErrorRecord, LatencySet, LatencySummary, ProgramRecord,
    RepeatName, RepeatRecord, Report, SCHEMA_VERSION, ScenarioRecord, SetAsideRecord, Sitting, Summary, Tool,
};
pub(crate) use name::{file_name, write_new};
pub use partition::{Merged, PartitionRecord, Shard};
pub use read::{MAX_REPORT_BYTES, ReadReport, read, read_verified};
pub(crate) use read::{is_stdin, read_kept, verified};
pub(crate) use slow_calls::{bound_from, calls_over};
pub use stages::StageRecord;
pub use surroundings::{ControlRecord, LagRatio, MachineRecord};
pub use write::{write, write_bytes};
