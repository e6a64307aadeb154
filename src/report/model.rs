//! The report as it is saved. Within a `schema_version` fields are only ever added, and a reader ignores those that it
//! does not know. Every name carries its unit; what is not known is null.

use super::gating::{Calibration, Confirmation, GateRecord};
use super::surroundings::{ControlRecord, LagRatio, MachineRecord};
use crate::measure::{Cost, Fairness, Ledger, OutcomeSource, Rates, Series, Threads};
use crate::run::Yardstick;
use crate::scenario::{ExternalQueue, GateSettings, Override, Parameters, RunSettings, Scenario, Target};
use crate::verdict::{CaseVerdict, PlanVerdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema that this version writes, and the newest that it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// One invocation, as saved. The `digest` is no part of it: it is made and checked where bytes are.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// When the run began: RFC 3339, UTC.
    pub created_at: String,
    /// The user ended it before the plan was finished.
    pub interrupted: bool,
    /// What was asked.
    pub scenarios: Vec<ScenarioRecord>,
    /// Where it ran.
    pub environment: Environment,
    /// What was measured, in the plan's order of cases.
    pub cases: Vec<CaseRecord>,
    /// What is said of the whole.
    pub verdict: PlanVerdict,
    /// How fast the machine was meanwhile; null in reports that are older than it.
    pub yardstick: Option<Yardstick>,
    /// Cases that looked regressed and were run again, each with its evidence, in the order in which they ran.
    pub confirmations: Vec<Confirmation>,
    /// What came of holding it against a baseline; null where it was held against none.
    pub gate: Option<GateRecord>,
}

/// What wrote the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A scenario as resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioRecord {
    /// Its name.
    pub name: String,
    /// What it shows, in the author's words.
    pub description: Option<String>,
    /// The file as given.
    pub file: String,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
    /// The promise.
    pub target: Target,
    /// How the cases were run.
    pub run: RunSettings,
    /// The values of each axis, as in the file, overrides applied.
    pub matrix: BTreeMap<String, Vec<String>>,
    /// Further expectations.
    pub checks: Vec<CheckRecord>,
    /// What a comparison with a baseline has to prove.
    #[serde(default)]
    pub gate: GateSettings,
    /// What the command line and the environment replaced.
    pub overrides: Vec<Override>,
    /// Cases that were left out since their queue cannot do what they ask, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The queues that programs of their own put under load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<ProgramRecord>,
}

/// The program of a queue, as written in the scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRecord {
    /// Name of the queue.
    pub queue: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it runs, seen from the scenario's directory; null: there.
    pub working_dir: Option<String>,
    /// Names of the variables that it was given. Their values may be secrets and are not kept.
    pub env: Vec<String>,
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
pub struct CheckRecord {
    /// The text of `expect`.
    pub expression: String,
    /// The text of `where`; null: all cases.
    pub applies_to: Option<String>,
}

impl ScenarioRecord {
    /// What is kept of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let values = scenario.matrix.axes.iter().map(|axis| {
            let values = axis.values.iter().map(ToString::to_string).collect();
            (axis.axis.name.to_owned(), values)
        });
        let checks = scenario.checks.iter().map(|check| CheckRecord {
            expression: check.expression.clone(),
            applies_to: (!check.selector.clauses().is_empty()).then(|| check.selector.to_string()),
        });
        Self {
            name: scenario.name.clone(),
            description: scenario.description.clone(),
            file: scenario.file.clone(),
            sha256: scenario.sha256.clone(),
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

/// Where it ran. What cannot be read is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Operating system and architecture, such as `linux x86_64`.
    pub platform: String,
    /// Model of the CPU.
    pub cpu_model: Option<String>,
    /// CPUs that this process may use.
    pub cores: Option<u64>,
    /// Memory of the machine in bytes.
    pub memory_bytes: Option<u64>,
    /// Release of the kernel.
    pub kernel: Option<String>,
    /// Compiler that built the program.
    pub rustc: Option<String>,
    /// Profile that it was built with.
    pub profile: Option<String>,
    /// Frequency governor of the first CPU.
    pub governor: Option<String>,
    /// Whether the machine is a virtual one.
    pub virtualised: Option<bool>,
    /// Clock source of the repeats: `tsc` or `os`.
    pub clock_source: Option<String>,
    /// Cost of two clock readings and one recorded value in nanoseconds, the median over the valid repeats.
    pub instrument_floor_ns: Option<f64>,
    /// Commit of the working directory.
    pub git_commit: Option<String>,
    /// Whether the working directory differs from that commit.
    pub git_dirty: Option<bool>,
    /// Version of each queue that ran, by name.
    pub queue_versions: BTreeMap<String, String>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Canonical id.
    pub id: String,
    /// Name of its scenario.
    pub scenario: String,
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
    /// What is said of it.
    pub verdict: CaseVerdict,
    /// How well its repeats agree; null where it was not calibrated.
    #[serde(default)]
    pub calibration: Option<Calibration>,
}

/// One repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Pairs of a bound in nanoseconds and how many calls of `enqueue` took longer, ascending; read by [`calls_over`].
    /// Empty in reports that are older than it.
    ///
    /// [`calls_over`]: super::calls_over
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow_calls: Vec<(u64, u64)>,
    /// The same of `response_ideal`, logs that were never sent included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow_responses: Vec<(u64, u64)>,
    /// The same of `delivery`.
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
    /// The machine meanwhile.
    pub machine: MachineRecord,
    /// The control that was run before it; null where there was none.
    #[serde(default)]
    pub control: Option<ControlRecord>,
    /// Another one, as long as the window, that was run after it because it was late; null where there was none.
    #[serde(default)]
    pub control_after: Option<ControlRecord>,
    /// Counts and percentiles of `enqueue` over time.
    pub series: Series,
    /// How evenly the producers were served; null where it is not known.
    #[serde(default)]
    pub fairness: Option<Fairness>,
    /// Where its threads ran; null where it is not known.
    #[serde(default)]
    pub threads: Option<Threads>,
    /// The queue's own counters.
    pub queue_counters: BTreeMap<String, u64>,
    /// Version of the queue.
    pub queue_version: String,
    /// Where the queue's counters and ours disagree.
    pub disagreements: Vec<String>,
}

/// A repeat that does not count, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetAsideRecord {
    /// What spoiled it, one line each.
    pub reasons: Vec<String>,
    /// The kind of each reason, as in a [`CaseVerdict`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reason_codes: Vec<String>,
    /// What it measured all the same.
    pub measured: RepeatRecord,
}

/// A repeat that gave no measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// Round, from 0.
    pub repeat: u32,
    /// Which try of this repeat, from 0.
    pub attempt: u32,
    /// What kind of failure.
    pub kind: String,
    /// In words.
    pub message: String,
    /// The last lines of the child's stderr.
    pub stderr_tail: Vec<String>,
}

/// Every latency; those that could not be observed are null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencySet {
    /// Call to return, accepted logs (all calls where `outcome_source` is not `call`).
    pub enqueue: LatencySummary,
    /// Of `enqueue`: found room at once.
    pub unblocked: Option<LatencySummary>,
    /// Of `enqueue`: had to wait.
    pub blocked: Option<LatencySummary>,
    /// Call to return, refused logs.
    pub rejected: LatencySummary,
    /// Intended start to return.
    pub response: LatencySummary,
    /// `response` less the generator's own lateness.
    pub response_ideal: LatencySummary,
    /// Call to sink.
    pub delivery: LatencySummary,
    /// The generator's own lateness.
    pub lateness: LatencySummary,
    /// Wake-up lag of a task on the producers' runtime while the queue idles.
    #[serde(default)]
    pub lag_before: Option<LatencySummary>,
    /// The same during the window.
    #[serde(default)]
    pub lag: Option<LatencySummary>,
    /// Overshoot of the runtime's own timer while the queue idles.
    #[serde(default)]
    pub timer_lag_before: Option<LatencySummary>,
    /// The same during the window.
    #[serde(default)]
    pub timer_lag: Option<LatencySummary>,
}

/// Statistics of a latency. Null where there are too few values: mean, trimmed mean, deviation and extremes need 10, a
/// quantile 10 above it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// Number of values.
    pub count: u64,
    /// Arithmetic mean, of exact sums.
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
    /// The whole distribution: HdrHistogram V2, compressed, base64. Only where repeats are pooled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<String>,
}

/// The valid repeats of a case: counts summed, latencies pooled, rates averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
}

/// What the repeats of a case cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostSummary {
    /// CPU seconds per million attempted logs, by thread group: the mean over the repeats that know it.
    pub cpu_s_per_million: BTreeMap<String, f64>,
    /// Largest peak of memory in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Most records that were in the queue at once, in any repeat.
    pub depth_high_water: Option<u64>,
    /// Longest drain.
    pub drain_max_ns: u64,
}
