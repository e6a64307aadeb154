//! The report as it is saved. Within a `schema_version`, fields are only added, and a reader ignores fields that it
//! does not know. Every name contains its unit. An unknown value is null.

use super::gating::{Calibration, Confirmation, GateRecord};
use super::maximum::Maximum;
use super::partition::{Merged, PartitionRecord};
use super::stages::StageRecord;
use super::surroundings::{ControlRecord, LagRatio, MachineRecord};
use crate::measure::{
    Cost, Fairness, Ledger, LevelLedger, MemorySeries, OutcomeSource, Rates, Recovery, Series, SteadyEnds, Threads,
};
use crate::observed::ByLatency;
use crate::run::Yardstick;
use crate::scenario::{ExternalQueue, GateSettings, Override, Parameters, RunSettings, Scenario, Target, Value};
use crate::units::Nanos;
use crate::untrusted::Untrusted;
use crate::verdict::{CaseVerdict, PlanVerdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema that this version writes, and the newest that it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// One invocation, as saved. The `digest` is not part of it: it covers bytes, so the writer makes it and the reader
/// checks it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The program that wrote it.
    pub tool: Tool,
    /// When the run began: RFC 3339, UTC.
    pub created_at: Untrusted,
    /// Whether the user interrupted it before the plan was finished.
    pub interrupted: bool,
    /// The scenarios.
    pub scenarios: Vec<ScenarioRecord>,
    /// The environment in which it ran.
    pub environment: Environment,
    /// The results of the cases, in the order of the plan.
    pub cases: Vec<CaseRecord>,
    /// The verdict on the whole report.
    pub verdict: PlanVerdict,
    /// How fast the machine was during the run; null in older reports.
    pub yardstick: Option<Yardstick>,
    /// Cases that looked regressed and were run again, each with its evidence, in the order in which they ran.
    #[cfg_attr(feature = "internals", schemars(default))]
    pub confirmations: Vec<Confirmation>,
    /// The decision of a gate; null if the run was not compared with a baseline.
    pub gate: Option<GateRecord>,
    /// Which repeats ran when, of a run that was stopped and resumed; empty if it never was.
    #[cfg_attr(feature = "internals", schemars(default))]
    pub sittings: Vec<Sitting>,
    /// The highest rates that `find-max` found, one for each search; empty for a run.
    #[cfg_attr(feature = "internals", schemars(default))]
    pub maxima: Vec<Maximum>,
    /// Which part of a plan this is; null: all of it.
    #[cfg_attr(feature = "internals", schemars(default))]
    pub partition: Option<PartitionRecord>,
    /// The parts that it was merged from; null if it was not.
    #[cfg_attr(feature = "internals", schemars(default))]
    pub merged: Option<Merged>,
}

/// One stretch of a run that was stopped and resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Sitting {
    /// When it began: RFC 3339, UTC.
    pub began_at: Untrusted,
    /// The repeats that ran in it, in order, those that were discarded or broke as well.
    pub repeats: Vec<RepeatName>,
}

/// Which repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct RepeatName {
    /// Id of its case.
    pub case: Untrusted,
    /// Round, from 0.
    pub repeat: u32,
    /// Which try of this repeat, from 0.
    pub attempt: u32,
}

/// The program that wrote the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Tool {
    /// Its name.
    pub name: Untrusted,
    /// Its version.
    pub version: Untrusted,
}

/// A scenario as resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct ScenarioRecord {
    /// Its name.
    pub name: Untrusted,
    /// The author's description.
    pub description: Option<Untrusted>,
    /// The file as given.
    pub file: Untrusted,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: Untrusted,
    /// The promise.
    pub target: Target,
    /// How the cases were run.
    pub run: RunSettings,
    /// The values of each axis, as in the file, overrides applied.
    pub matrix: BTreeMap<Untrusted, Vec<Untrusted>>,
    /// Further expectations.
    pub checks: Vec<CheckRecord>,
    /// What a comparison with a baseline must prove.
    #[serde(default)]
    pub gate: GateSettings,
    /// The overrides from the command line and the environment.
    pub overrides: Vec<Override>,
    /// Cases that were left out because their queue does not support them, with the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Untrusted>,
    /// The queues that external programs put under load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<ProgramRecord>,
}

/// The program of a queue, as written in the scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct ProgramRecord {
    /// Name of the queue.
    pub queue: Untrusted,
    /// The program and its arguments.
    pub command: Vec<Untrusted>,
    /// Its working directory, relative to the scenario's directory; null means that directory.
    pub working_dir: Option<Untrusted>,
    /// Names of the environment variables that it was given. Their values may be secrets and are not saved.
    pub env: Vec<Untrusted>,
}

impl ProgramRecord {
    fn of(queue: &ExternalQueue) -> Self {
        Self {
            queue: queue.name.clone(),
            command: queue.command.clone(),
            working_dir: queue.working_dir.clone(),
            env: queue.env.iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// A check as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct CheckRecord {
    /// The text of `expect`.
    pub expression: Untrusted,
    /// The text of `where`; null: all cases.
    pub applies_to: Option<Untrusted>,
}

impl ScenarioRecord {
    /// What is kept of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let values = scenario.matrix.axes.iter().map(|axis| {
            let values = axis.values.iter().map(Value::text).collect();
            (axis.axis.name.into(), values)
        });
        let checks = scenario.checks.iter().map(|check| CheckRecord {
            expression: check.expression.clone(),
            applies_to: (!check.selector.clauses().is_empty()).then(|| check.selector.text()),
        });
        Self {
            name: scenario.name.clone(),
            description: scenario.description.clone(),
            file: scenario.file.clone(),
            sha256: scenario.sha256.as_str().into(),
            target: scenario.target.clone(),
            run: scenario.run.clone(),
            matrix: values.collect(),
            checks: checks.collect(),
            gate: scenario.gate,
            queues: scenario.queues.iter().map(ProgramRecord::of).collect(),
            overrides: scenario.overrides.clone(),
            left_out: Vec::new(),
        }
    }
}

/// The environment of a run. A value that cannot be read is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Environment {
    /// Operating system and architecture, such as `linux x86_64`.
    pub platform: Untrusted,
    /// Model of the CPU.
    pub cpu_model: Option<Untrusted>,
    /// CPUs that this process may use.
    pub cores: Option<u64>,
    /// Memory of the machine in bytes.
    pub memory_bytes: Option<u64>,
    /// Release of the kernel.
    pub kernel: Option<Untrusted>,
    /// Compiler that built the program.
    pub rustc: Option<Untrusted>,
    /// Profile that it was built with.
    pub profile: Option<Untrusted>,
    /// Frequency governor of the first CPU.
    pub governor: Option<Untrusted>,
    /// Whether the machine is a virtual one.
    pub virtualised: Option<bool>,
    /// Clock source of the repeats: `tsc` or `os`.
    pub clock_source: Option<Untrusted>,
    /// Cost of two clock readings and one recorded value in nanoseconds, the median over the valid repeats.
    pub instrument_floor_ns: Option<f64>,
    /// Commit of the working directory.
    pub git_commit: Option<Untrusted>,
    /// Whether the working directory differs from that commit.
    pub git_dirty: Option<bool>,
    /// Version of each queue that ran, by name.
    pub queue_versions: BTreeMap<Untrusted, Untrusted>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct CaseRecord {
    /// Canonical id.
    pub id: Untrusted,
    /// Name of its scenario.
    pub scenario: Untrusted,
    /// The value of every axis.
    pub parameters: Parameters,
    /// The valid repeats.
    pub repeats: Vec<RepeatRecord>,
    /// Repeats that the generator or the machine spoiled.
    pub set_aside: Vec<SetAsideRecord>,
    /// Repeats that gave no measurement.
    pub errors: Vec<ErrorRecord>,
    /// The valid repeats pooled; null without one.
    pub summary: Option<Summary>,
    /// Its verdict.
    pub verdict: CaseVerdict,
    /// How well its repeats agree; null if it was not calibrated.
    #[serde(default)]
    pub calibration: Option<Calibration>,
}

/// One repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct RepeatRecord {
    /// Round, from 0.
    pub repeat: u32,
    /// Which try of this repeat, from 0.
    pub attempt: u32,
    /// How the outcome of a call is known.
    pub outcome_source: OutcomeSource,
    /// The counts.
    pub ledger: Ledger,
    /// The times.
    pub latency: LatencySet,
    /// Pairs of a bound in nanoseconds and the number of `enqueue` calls that took longer, ascending; read by
    /// [`calls_over`]. Empty in older reports.
    ///
    /// [`calls_over`]: super::calls_over
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow_calls: Vec<(u64, u64)>,
    /// The same for `response_ideal`, including logs that were never sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow_responses: Vec<(u64, u64)>,
    /// The same for `delivery`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow_deliveries: Vec<(u64, u64)>,
    /// `lag` during the window over before; null where there is none.
    #[serde(default)]
    pub lag_ratio: Option<LagRatio>,
    /// `timer_lag` during the window over before; null where there is none.
    #[serde(default)]
    pub timer_lag_ratio: Option<LagRatio>,
    /// The rates.
    pub rates: Rates,
    /// What it cost.
    pub cost: Cost,
    /// The machine during the repeat.
    pub machine: MachineRecord,
    // Both are boxed: a comparison does not keep them, and they are a quarter of a repeat.
    /// The control before it; null if there was none.
    #[serde(default)]
    pub control: Option<Box<ControlRecord>>,
    /// The second control, as long as the window, which runs after a late repeat; null if there was none.
    #[serde(default)]
    pub control_after: Option<Box<ControlRecord>>,
    /// Counts and percentiles of `enqueue` over time.
    pub series: Series,
    /// The memory of the process over time; null where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemorySeries>,
    /// The stages of the window; empty if it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageRecord>,
    /// The ledger of each level; empty if the levels were not told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelLedger>,
    /// How long the queue took to recover from a spike; null if there was none to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    // Boxed, too: hardly any repeat has one.
    /// What was decided about a warm-up or a window that ends when the load is steady; null without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steadiness: Option<Box<SteadyEnds>>,
    /// How evenly the producers were served; null where it is not known.
    #[serde(default)]
    pub fairness: Option<Fairness>,
    /// Where its threads ran; null where it is not known.
    #[serde(default)]
    pub threads: Option<Threads>,
    /// The queue's own counters.
    pub queue_counters: BTreeMap<Untrusted, u64>,
    /// Version of the queue.
    pub queue_version: Untrusted,
    /// Where the queue's counters and ours disagree.
    pub disagreements: Vec<Untrusted>,
}

impl RepeatRecord {
    /// The length of its window in nanoseconds, given that of its case: shorter if it ended when the load was steady.
    #[must_use]
    pub(crate) fn window_ns(&self, planned: Nanos) -> u64 {
        let window = self.steadiness.as_ref().and_then(|steadiness| steadiness.window);
        window.map_or(planned.0, |window| window.length_ns.min(planned.0))
    }
}

/// A discarded repeat, and the reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct SetAsideRecord {
    /// The reasons, one line each.
    pub reasons: Vec<Untrusted>,
    /// The kind of each reason, as in a [`CaseVerdict`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reason_codes: Vec<Untrusted>,
    /// Its measurement.
    pub measured: RepeatRecord,
}

/// A repeat that gave no measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct ErrorRecord {
    /// Round, from 0.
    pub repeat: u32,
    /// Which try of this repeat, from 0.
    pub attempt: u32,
    /// What kind of failure.
    pub kind: Untrusted,
    /// The error message.
    pub message: Untrusted,
    /// The last lines of the child's stderr.
    pub stderr_tail: Vec<Untrusted>,
}

/// Statistics of every latency; those that could not be observed are null.
pub type LatencySet = ByLatency<LatencySummary>;

/// Statistics of a latency. A statistic is null if there are too few values: mean, trimmed mean, deviation and extremes
/// need 10 values, and a quantile needs 10 values above it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct LatencySummary {
    /// Number of values.
    pub count: u64,
    /// Arithmetic mean, from the exact sum.
    pub mean_ns: Option<f64>,
    /// Mean of the fastest 95 %.
    pub trimmed_mean_ns: Option<f64>,
    /// Standard deviation of the sample.
    pub stddev_ns: Option<f64>,
    /// Smallest value.
    pub min_ns: Option<u64>,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90 of a hundred are at most this.
    pub p90_ns: Option<u64>,
    /// 99 of a hundred are at most this.
    pub p99_ns: Option<u64>,
    /// 999 of a thousand are at most this.
    pub p99_9_ns: Option<u64>,
    /// 9,999 of ten thousand are at most this.
    pub p99_99_ns: Option<u64>,
    /// Largest value.
    pub max_ns: Option<u64>,
    /// Of `count`: lower bounds, of logs that were never sent.
    pub censored: u64,
    /// The whole distribution: HdrHistogram V2, compressed, base64. Only for pooled repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<Untrusted>,
}

/// The valid repeats of a case: counts summed, latencies pooled, rates averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Summary {
    /// Number of repeats.
    pub repeats: u64,
    /// The counts, summed.
    pub ledger: Ledger,
    /// The times, pooled.
    pub latency: LatencySet,
    /// `lag` during the windows over before; null where there is none.
    #[serde(default)]
    pub lag_ratio: Option<LagRatio>,
    /// `timer_lag` during the windows over before; null where there is none.
    #[serde(default)]
    pub timer_lag_ratio: Option<LagRatio>,
    /// The rates, averaged.
    pub rates: Rates,
    /// What they cost.
    pub cost: CostSummary,
    /// The stages of the window, pooled; empty if it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageRecord>,
    /// The ledger of each level; empty if the levels were not told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelLedger>,
    /// The longest recovery from a spike; null if there was none to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

/// What the repeats of a case cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct CostSummary {
    /// CPU seconds per million attempted logs, by thread group: the mean over the repeats that know it.
    pub cpu_s_per_million: BTreeMap<Untrusted, f64>,
    /// Largest peak of memory in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Largest growth of memory over the window, in bytes per second; null where no repeat knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_slope_bytes_per_s: Option<f64>,
    /// Largest number of records in the queue at once, over all repeats.
    pub depth_high_water: Option<u64>,
    /// Longest drain.
    pub drain_max_ns: u64,
}
