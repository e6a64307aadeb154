//! The validated scenario: every value has its own type, and defaults are filled in.

use super::{
    Arrival, Catalog, Check, ContextFields, ExternalQueue, GateSettings, Lengths, Levels, Matrix, Override, Pacing,
    Payload, PhaseShift, Placement, Position, Producers, Selector, Stages, Trace,
};
use crate::units::as_text;
use crate::units::{Bytes, Nanos, Quantile, Rate, Ratio, UnitError};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One scenario file, validated.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name; else the file's stem.
    pub name: Untrusted,
    /// What it shows, in the author's words.
    pub description: Option<Untrusted>,
    /// The file as given.
    pub file: Untrusted,
    /// The file's text, as it was read.
    pub text: String,
    /// SHA-256 of the file's bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// The target.
    pub target: Target,
    /// The queues that other programs put under load.
    pub queues: Vec<ExternalQueue>,
    /// The values of each axis.
    pub matrix: Matrix,
    /// How the rate changes over the window; `None`: it does not.
    pub stages: Option<Stages>,
    /// The recorded load that is replayed; `None`: there is none.
    pub trace: Option<Trace>,
    /// The cases of the product that are left out.
    pub excludes: Vec<Exclude>,
    /// Cases that are added to the product.
    pub includes: Vec<Include>,
    /// How the cases are run.
    pub run: RunSettings,
    /// Further expectations.
    pub checks: Vec<Check>,
    /// The settings of a comparison with a baseline.
    pub gate: GateSettings,
    /// The values that the command line and the environment replaced.
    pub overrides: Vec<Override>,
    /// Notes for the user, such as values that occur twice; each with file and position.
    pub notes: Vec<String>,
}

impl Scenario {
    /// The queue with this name, if another program puts it under load; otherwise `None`.
    pub fn external(&self, queue: &str) -> Option<&ExternalQueue> {
        self.queues.iter().find(|external| external.name == queue)
    }

    /// The queues that this scenario may name: those of `own`, and those that it declares.
    pub fn catalog(&self, own: &Catalog) -> Catalog {
        own.with(&self.queues)
    }
}

/// `[[exclude]]`: leaves out every case of the product that its selector matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclude {
    /// Which cases.
    pub selector: Selector,
    /// Its position in the file.
    pub position: Position,
}

/// `[[include]]`: one case. The matrix gives the axes that it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The case.
    pub parameters: Parameters,
    /// Its position in the file.
    pub position: Position,
}

/// What happens when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The newest record is refused.
    Drop,
    /// The caller waits for room.
    Block,
    /// Records are thinned out as the queue fills.
    Sample,
    /// The oldest record in the queue makes room for the newest.
    DropOldest,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Strategy; 4] = [Strategy::Drop, Strategy::Block, Strategy::Sample, Strategy::DropOldest];

    /// As in a scenario: `drop`, `block`, `sample`, `drop-oldest`.
    pub const fn name(self) -> &'static str {
        match self {
            Strategy::Drop => "drop",
            Strategy::Block => "block",
            Strategy::Sample => "sample",
            Strategy::DropOldest => "drop-oldest",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the queue delivers to, inside the counting sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SinkKind {
    /// Nowhere: the record is only counted.
    Counting,
    /// To a temporary file, one line per record; the file is removed after the repeat.
    File,
}

impl SinkKind {
    /// All of them.
    pub const ALL: [SinkKind; 2] = [SinkKind::Counting, SinkKind::File];

    /// As in a scenario: `counting`, `file`.
    pub const fn name(self) -> &'static str {
        match self {
            SinkKind::Counting => "counting",
            SinkKind::File => "file",
        }
    }
}

impl fmt::Display for SinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for every axis of the matrix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Parameters {
    /// Name of the queue.
    pub queue: Untrusted,
    /// What happens when the queue is full.
    pub strategy: Strategy,
    /// Capacity in records.
    pub maxsize: u64,
    /// Number of tasks.
    pub concurrency: u32,
    /// Logs per second, per task.
    pub rate: Rate,
    /// Length of the window.
    #[serde(rename = "duration_ns")]
    pub duration: Nanos,
    /// Largest number of records that the queue's worker writes at once.
    pub batch_size: u64,
    /// Longest time that a record waits for its batch to fill.
    #[serde(rename = "batch_timeout_ns")]
    pub batch_timeout: Nanos,
    /// Under `sample`: the share of the logs that is kept when the queue is nearly full.
    pub sample_rate: Ratio,
    /// The sink.
    pub sink: SinkKind,
    /// Time that the sink takes per record.
    #[serde(rename = "sink_delay_ns")]
    pub sink_delay: Nanos,
    /// What each log carries.
    pub payload: Payload,
    /// Who sends the logs.
    #[serde(default)]
    pub producers: Producers,
    /// How producers wait for a due time.
    #[serde(default)]
    pub pacing: Pacing,
    /// On which CPUs producers and queue run.
    #[serde(default)]
    pub placement: Placement,
    /// When the logs of a task are due.
    #[serde(default)]
    pub arrival: Arrival,
    /// How the tasks' schedules are shifted against each other.
    #[serde(default)]
    pub phase: PhaseShift,
    /// Time that the built-in queue's sink takes after each batch.
    #[serde(default, rename = "batch_delay_ns")]
    pub batch_delay: Nanos,
    /// Which levels the logs have, and in which shares.
    #[serde(default)]
    pub level: Levels,
    /// The context of each task, which its logs carry.
    #[serde(default)]
    pub context: ContextFields,
    /// How the rate changes over the window, which they fill; left out where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Stages>,
    /// The recorded load that is replayed; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

impl Parameters {
    /// Logs per second over all tasks: concurrency x rate, or the mean of the trace.
    ///
    /// # Errors
    /// There is no task, or the product exceeds 10^15/s. Neither happens within the bounds of a scenario.
    pub fn offered(&self) -> Result<Rate, UnitError> {
        if let Some(trace) = &self.trace {
            return Ok(trace.mean_rate(self.duration, 1));
        }
        self.rate.over_tasks(self.concurrency)
    }

    /// The same as a floating-point number, of any parameters.
    pub fn offered_per_second(&self) -> f64 {
        match &self.trace {
            Some(trace) => trace.logs as f64 / self.duration.as_secs_f64(),
            None => self.rate.per_second() * f64::from(self.concurrency),
        }
    }

    /// The highest number of logs per second over all tasks, at any time of the window.
    pub(crate) fn highest_per_second(&self) -> f64 {
        if let Some(peak) = self.trace.as_ref().and_then(Trace::peak_per_second) {
            return peak;
        }
        let peak = self.stages.as_ref().map_or(1.0, |stages| stages.peak().as_f64());
        self.offered_per_second() * peak
    }
}

impl Default for Parameters {
    /// The default of every axis. No other place states them.
    fn default() -> Parameters {
        Parameters {
            queue: "builtin".into(),
            strategy: Strategy::Drop,
            maxsize: 1000,
            concurrency: 10,
            rate: Rate::of_whole(100),
            duration: Nanos::from_secs(30),
            batch_size: 10,
            batch_timeout: Nanos::from_secs(1),
            sample_rate: Ratio::from_percent(10),
            sink: SinkKind::Counting,
            sink_delay: Nanos::ZERO,
            payload: Payload { fields: 4, message: Lengths::Fixed(Bytes(64)) },
            producers: Producers::default(),
            pacing: Pacing::default(),
            placement: Placement::default(),
            arrival: Arrival::default(),
            phase: PhaseShift::default(),
            batch_delay: Nanos::ZERO,
            level: Levels::default(),
            context: ContextFields::default(),
            stages: None,
            trace: None,
        }
    }
}

/// The statistic of a latency distribution. Text: `mean`, `max`, `p99.9`; `median` is read as `p50`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statistic {
    /// Arithmetic mean.
    Mean,
    /// Largest value.
    Max,
    /// A quantile such as p50, p99.9.
    Quantile(Quantile),
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statistic::Mean => f.write_str("mean"),
            Statistic::Max => f.write_str("max"),
            Statistic::Quantile(quantile) => quantile.fmt(f),
        }
    }
}

/// Why a text is not a statistic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatisticError {
    /// Neither a name nor a quantile.
    #[error("unknown statistic `{0}` (write mean, max, or a quantile such as p50, p99, p99.9)")]
    Unknown(String),
    /// A quantile that does not exist.
    #[error(transparent)]
    Quantile(#[from] UnitError),
}

impl FromStr for Statistic {
    type Err = StatisticError;

    /// # Errors
    /// Neither `mean`, `max`, `median` nor a quantile between p0.0001 and p99.9999.
    fn from_str(text: &str) -> Result<Statistic, StatisticError> {
        match text {
            "mean" => Ok(Statistic::Mean),
            "max" => Ok(Statistic::Max),
            "median" => Ok(Statistic::Quantile(Quantile::P50)),
            other => {
                let rest = other.strip_prefix('p').unwrap_or("");
                if !rest.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(StatisticError::Unknown(crate::units::excerpt(other)));
                }
                Ok(Statistic::Quantile(other.parse()?))
            }
        }
    }
}

as_text!(Statistic);

/// The promise that every case must keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Target {
    /// Bound of the statistic of `enqueue`; the observed value must be below it.
    #[serde(rename = "latency_ns")]
    pub latency: Nanos,
    /// Which statistic of `enqueue`.
    pub statistic: Statistic,
    /// The offered rate over all tasks at which the latency must be shown.
    pub throughput: Rate,
    /// Least share of the offered logs that must be accepted within the window.
    pub min_accepted: Ratio,
}

impl Default for Target {
    /// Mean below 100 µs at 10,000 logs/s, of which 99 % are accepted.
    fn default() -> Target {
        Target {
            latency: Nanos::from_micros(100),
            statistic: Statistic::Mean,
            throughput: Rate::of_whole(10_000),
            min_accepted: Ratio::from_percent(99),
        }
    }
}

/// `[run]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct RunSettings {
    /// Length of the load before the window, which is not recorded.
    #[serde(rename = "warmup_ns")]
    pub warmup: Nanos,
    /// Repeats of each case.
    pub repeats: u32,
    /// Order of the cases within a round.
    pub order: Order,
    /// Seed of all random draws.
    pub seed: u64,
    /// Length of the control before each repeat; with zero there is no control.
    #[serde(rename = "control_ns", default = "usual_control")]
    pub control: Nanos,
    /// Longest time for the queue to drain; `None`: the longer of 10 s and 2 x `maxsize` x `sink_delay`.
    #[serde(rename = "drain_timeout_ns")]
    pub drain_timeout: Option<Nanos>,
    /// Largest number of times that an invalid repeat is run again.
    pub invalid_retries: u32,
    /// Whether cases that their queue does not support are left out. Otherwise the scenario is refused.
    pub skip_unsupported: bool,
    /// Longest time for one repeat; `None`: warm-up + duration + drain timeout + 30 s.
    #[serde(rename = "deadline_ns")]
    pub deadline: Option<Nanos>,
    /// Most memory for one repeat, that of its process and of those that it starts; `None`: no limit.
    #[serde(rename = "memory_limit_bytes", default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<Bytes>,
    /// A process per repeat; `false` is for debugging.
    pub isolate: bool,
    /// What ends when the load is steady, and what counts as that.
    #[serde(default, skip_serializing_if = "SteadySettings::is_usual")]
    pub steady: SteadySettings,
}

/// `until`, `warmup = "steady"` and `steady_…` of `[run]`: what ends when the load is steady, and what counts as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SteadySettings {
    /// The window ends when the load is steady; `duration` is then its longest time.
    pub window: bool,
    /// Before the warm-up, there is one that ends when the load is steady.
    pub warmup: bool,
    /// Longest time for that one.
    #[serde(rename = "longest_warmup_ns")]
    pub longest_warmup: Nanos,
    /// By how much the mean of `response` may move over the later half; null: it does not count.
    pub mean: Option<Ratio>,
    /// By how much the p99 of `response` may move.
    pub p99: Option<Ratio>,
    /// By how much the memory of the process may move.
    pub memory: Option<Ratio>,
}

impl SteadySettings {
    fn is_usual(&self) -> bool {
        *self == SteadySettings::default()
    }

    /// Whether anything ends when the load is steady.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.window || self.warmup
    }
}

impl Default for SteadySettings {
    fn default() -> SteadySettings {
        SteadySettings {
            window: false,
            warmup: false,
            longest_warmup: Nanos::from_secs(60),
            mean: Some(Ratio::from_percent(5)),
            p99: Some(Ratio::from_percent(10)),
            memory: Some(Ratio::from_percent(2)),
        }
    }
}

/// When a window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After the `duration` of its case.
    Duration,
    /// When the load is steady.
    Steady,
}

impl Until {
    /// All of them.
    pub const ALL: [Until; 2] = [Until::Duration, Until::Steady];

    /// As in a scenario: `duration`, `steady`.
    pub const fn name(self) -> &'static str {
        match self {
            Until::Duration => "duration",
            Until::Steady => "steady",
        }
    }
}

fn usual_control() -> Nanos {
    Nanos::from_millis(300)
}

impl Default for RunSettings {
    fn default() -> RunSettings {
        RunSettings {
            warmup: Nanos::from_millis(500),
            repeats: 3,
            order: Order::Shuffled,
            seed: 42,
            control: usual_control(),
            drain_timeout: None,
            invalid_retries: 2,
            skip_unsupported: false,
            deadline: None,
            memory_limit: None,
            isolate: true,
            steady: SteadySettings::default(),
        }
    }
}

/// Order of the cases within a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Drawn at random for each round, from the seed.
    Shuffled,
    /// As written in the scenario.
    AsWritten,
}

impl Order {
    /// All of them.
    pub const ALL: [Order; 2] = [Order::Shuffled, Order::AsWritten];

    /// As in a scenario: `shuffled`, `as-written`.
    pub const fn name(self) -> &'static str {
        match self {
            Order::Shuffled => "shuffled",
            Order::AsWritten => "as-written",
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics() {
        for text in ["mean", "max", "p50", "p99.9"] {
            let statistic: Statistic = text.parse().unwrap();
            assert_eq!(statistic.to_string(), text);
        }
        assert_eq!("median".parse(), Ok(Statistic::Quantile(Quantile::P50)));
        for text in ["", "p", "avg", "p0", "p100", "percentile"] {
            assert!(text.parse::<Statistic>().is_err(), "{text}");
        }
    }

    #[test]
    fn parameters_survive_json() {
        let parameters = Parameters::default();
        let json = serde_json::to_string(&parameters).unwrap();
        assert_eq!(
            json,
            "{\"queue\":\"builtin\",\"strategy\":\"drop\",\"maxsize\":1000,\"concurrency\":10,\
             \"rate\":\"100/s\",\"duration_ns\":30000000000,\"batch_size\":10,\
             \"batch_timeout_ns\":1000000000,\"sample_rate\":\"10%\",\"sink\":\"counting\",\
             \"sink_delay_ns\":0,\"payload\":\"4f+64B\",\"producers\":\"tasks\",\"pacing\":\"hybrid\",\
             \"placement\":\"none\",\"arrival\":\"uniform\",\"phase\":\"spread\",\"batch_delay_ns\":0,\
             \"level\":\"info\",\"context\":\"none\"}"
        );
        assert_eq!(serde_json::from_str::<Parameters>(&json).unwrap(), parameters);
        let older = json.split(",\"producers\"").next().unwrap().to_owned() + "}";
        assert_eq!(serde_json::from_str::<Parameters>(&older).unwrap(), parameters, "what an older report lacks");
    }
}
