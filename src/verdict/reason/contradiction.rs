//! How a measurement contradicts itself, or the plan.

use super::ReasonCode;
use crate::measure::encoding::EncodingError;
use crate::measure::levels::Open;
use crate::measure::{CpuShares, Recovery};
use crate::scenario::Strategy;

/// A way in which a measurement contradicts itself, or what the plan asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Contradiction {
    /// A count is larger than any real one can be.
    #[error("the ledger does not close: {name} = {value} is more than can be counted")]
    Uncountable {
        /// Which.
        name: &'static str,
        /// It.
        value: u64,
    },
    /// Two counts that must be the same are not.
    #[error("the ledger does not close: {what} = {value}, {other} = {expected}")]
    Unequal {
        /// The one.
        what: String,
        /// Its value.
        value: u64,
        /// What it must be the same as.
        other: &'static str,
        /// The value of that.
        expected: u64,
    },
    /// A part is larger than its whole.
    #[error("the ledger does not close: {part} = {value} is more than {whole} = {bound}")]
    Exceeds {
        /// The part.
        part: &'static str,
        /// Its value.
        value: u64,
        /// The whole.
        whole: &'static str,
        /// The value of that.
        bound: u64,
    },
    /// More deliveries were timed than there were, or too few of them.
    #[error("the ledger does not close: count(delivery) = {timed}, delivered = {delivered} of {deliveries} deliveries")]
    Deliveries {
        /// How many were timed.
        timed: u64,
        /// Logs delivered.
        delivered: u64,
        /// All deliveries, repetitions and intruders included.
        deliveries: u64,
    },
    /// A histogram cannot be read.
    #[error("{name}: {error}")]
    Unreadable {
        /// Which.
        name: String,
        /// Why not.
        error: EncodingError,
    },
    /// Drops are known from the queue's own counter, and there are more than it counted.
    #[error(
        "by its counter, dropped = {dropped} is more than queue_counters.dropped = {}",
        counted.map_or_else(|| "null".to_owned(), |counted| counted.to_string())
    )]
    DroppedUncounted {
        /// Drops in the ledger.
        dropped: u64,
        /// Drops by the queue's counter, where it has one.
        counted: Option<u64>,
    },
    /// Logs are counted as dropped and as lost, but only arrivals are known, which cannot tell the two apart.
    #[error("by delivery, nothing tells dropped = {dropped} from lost.silent = {silent}")]
    DroppedOrLost {
        /// Drops in the ledger.
        dropped: u64,
        /// Silent losses in the ledger.
        silent: u64,
    },
    /// More logs are said to be evicted than the queue's own counter has counted.
    #[error(
        "by its counter, evicted = {evicted} is more than queue_counters.evicted = {}",
        counted.map_or_else(|| "null".to_owned(), |counted| counted.to_string())
    )]
    EvictedUncounted {
        /// Evictions in the ledger.
        evicted: u64,
        /// Evictions by the queue's counter, where it has one.
        counted: Option<u64>,
    },
    /// Logs are counted as evicted and as lost, but only arrivals are known, which cannot tell the two apart.
    #[error("by delivery, nothing tells evicted = {evicted} from lost.silent = {silent}")]
    EvictedOrLost {
        /// Evictions in the ledger.
        evicted: u64,
        /// Silent losses in the ledger.
        silent: u64,
    },
    /// The sum of the waits is below the sum of the calls that they include.
    #[error("sum({name}) = {sum_ns} is below the time that the calls took, {service_ns}")]
    SumTooShort {
        /// The latency.
        name: &'static str,
        /// Its sum, in nanoseconds.
        sum_ns: u128,
        /// The sum of the calls, in nanoseconds.
        service_ns: u128,
    },
    /// For some time, more calls than waits reach it.
    #[error("{name} is below enqueue: more calls than logs took {ns} ns or longer")]
    TooFewLong {
        /// The latency.
        name: &'static str,
        /// That time, in nanoseconds.
        ns: u64,
    },
    /// A number that is not finite, or out of its range.
    #[error("{name} = {value} is impossible")]
    Impossible {
        /// Which.
        name: String,
        /// It.
        value: f64,
    },
    /// Shares of the CPUs that the process may use are out of their range.
    #[error("{whose}allowed = {allowed:?} is impossible")]
    ImpossibleShares {
        /// Empty for the window; the name and a dot for a control.
        whose: String,
        /// They.
        allowed: CpuShares,
    },
    /// There cannot be a share for each of that many tasks.
    #[error("fairness.tasks = {tasks} is impossible")]
    ImpossibleTasks {
        /// It.
        tasks: u64,
    },
    /// Jain's index is out of its range.
    #[error("fairness.jain = {jain} is impossible for {tasks} tasks")]
    ImpossibleJain {
        /// It.
        jain: f64,
        /// Number of tasks.
        tasks: u64,
    },
    /// The smallest share is above the mean.
    #[error("fairness.least_share = {least} is impossible where {most} of all logs were accepted")]
    ImpossibleLeastShare {
        /// It.
        least: f64,
        /// The mean.
        most: f64,
    },
    /// The watching thread lost more than it was late in all.
    #[error("{whose}stolen_ns is more than the sum of jitter, {sum_ns} ns")]
    StolenUnseen {
        /// As in [`Contradiction::ImpossibleShares`].
        whose: String,
        /// How late it was in all, in nanoseconds.
        sum_ns: u128,
    },
    /// The shares by CPU do not add up to a whole.
    #[error("threads.{name}: shares of a whole are expected, by CPU, ascending")]
    NoWhole {
        /// Which.
        name: &'static str,
    },
    /// One of two values that are only known together is missing.
    #[error("{whose}{one} and {other} are null only together")]
    OneMissing {
        /// As in [`Contradiction::ImpossibleShares`].
        whose: String,
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// There is a second control without a first one.
    #[error("control_after follows from a control, and there is none")]
    NoFirstControl,
    /// The counts of a control do not add up.
    #[error("the {name} does not close: scheduled = {scheduled}, attempted + unsent + unsent_generator = {parts:?}")]
    ControlParts {
        /// Which.
        name: &'static str,
        /// Logs that were due in it.
        scheduled: u64,
        /// What became of them.
        parts: [u64; 3],
    },
    /// The number of logs that were timed in a control is not the number that was sent.
    #[error("the {name} does not close: count(lateness) = {timed}, attempted = {attempted}")]
    ControlTimes {
        /// Which.
        name: &'static str,
        /// How many were timed.
        timed: u64,
        /// How many were sent.
        attempted: u64,
    },
    /// The series has more points than allowed.
    #[error("series has {points} points; at most {most} are allowed")]
    SeriesTooLong {
        /// Its points.
        points: usize,
        /// The most that there may be.
        most: usize,
    },
    /// More stages than a window can have.
    #[error("{stages} stages were measured; at most {most} are allowed")]
    TooManyStages {
        /// They.
        stages: usize,
        /// The most that there may be.
        most: usize,
    },
    /// Another number of stages than the plan asked for.
    #[error("{measured} stages were measured, {asked} were asked for")]
    AnotherStages {
        /// Stages in the measurement.
        measured: usize,
        /// Stages that the plan asked for.
        asked: usize,
    },
    /// The levels were told apart and nobody had asked for that, or they were not.
    #[error("{}", if *asked { "the ledger of each level is missing" } else { "levels were told apart, and there are none" })]
    AnotherLevels {
        /// Whether the plan asked for it.
        asked: bool,
    },
    /// The ledgers of the levels do not close.
    #[error(transparent)]
    LevelsOpen(Open),
    /// Another trace than the plan asked for, or none.
    #[error("{}", if *asked { "the trace that was asked for was not replayed" } else { "a trace was replayed, and none was asked for" })]
    AnotherTrace {
        /// Whether the plan asked for one.
        asked: bool,
    },
    /// The counts of a stage do not add up.
    #[error("stage {stage} does not close: {what} = {value}, {other} = {expected}")]
    StageOpen {
        /// Its number, from 1.
        stage: usize,
        /// The one count.
        what: &'static str,
        /// Its value.
        value: u64,
        /// What it must be the same as.
        other: &'static str,
        /// The value of that.
        expected: u64,
    },
    /// A recovery that does not follow from its parts.
    #[error("recovery = {recovery:?} is impossible")]
    ImpossibleRecovery {
        /// It.
        recovery: Recovery,
    },
    /// The schedule has another number of logs than the plan asked for.
    #[error("the ledger does not close: scheduled = {scheduled}, {due} logs were asked for")]
    AnotherLoad {
        /// Logs in the ledger.
        scheduled: u64,
        /// Logs that the plan asked for.
        due: u64,
    },
    /// Logs were sampled out under a strategy that does not sample.
    #[error("sampled_out = {count} under `{}`, which samples nothing", strategy.name())]
    SampledOut {
        /// How many.
        count: u64,
        /// The strategy that the plan asked for.
        strategy: Strategy,
    },
    /// Logs were evicted under a strategy that evicts nothing.
    #[error("evicted = {count} under `{}`, which evicts nothing", strategy.name())]
    Evicted {
        /// How many.
        count: u64,
        /// The strategy that the plan asked for.
        strategy: Strategy,
    },
    /// A rate is not the count divided by the length of the window.
    #[error("{name} = {rate}, but {count} logs in {seconds} s are {expected}")]
    AnotherRate {
        /// Which rate.
        name: &'static str,
        /// Its value, in logs/s.
        rate: f64,
        /// The count in the ledger.
        count: u64,
        /// Length of the window, in seconds.
        seconds: f64,
        /// The rate that follows from them, in logs/s.
        expected: f64,
    },
    /// Whether the load was steady was to be decided and was not, or the other way round.
    #[error("the {what}: whether its load was steady was {}", if *asked { "asked for, and is missing" } else { "not asked for" })]
    Undecided {
        /// The warm-up or the window.
        what: &'static str,
        /// Whether the plan asked for it.
        asked: bool,
    },
    /// The repeats hold more values than can be counted.
    #[error("the repeats cannot be pooled: {0}")]
    NotPooled(EncodingError),
}

impl Contradiction {
    /// What kind of reason it is.
    #[must_use]
    pub fn code(&self) -> ReasonCode {
        match self {
            Self::Uncountable { .. }
            | Self::Unequal { .. }
            | Self::Exceeds { .. }
            | Self::Deliveries { .. }
            | Self::AnotherLoad { .. }
            | Self::SampledOut { .. }
            | Self::Evicted { .. }
            | Self::AnotherRate { .. }
            | Self::AnotherStages { .. }
            | Self::AnotherTrace { .. }
            | Self::AnotherLevels { .. }
            | Self::LevelsOpen(_)
            | Self::StageOpen { .. } => ReasonCode::LedgerOpen,
            Self::ControlParts { .. } | Self::ControlTimes { .. } => ReasonCode::ControlOpen,
            Self::Unreadable { .. } => ReasonCode::HistogramUnreadable,
            Self::DroppedUncounted { .. }
            | Self::DroppedOrLost { .. }
            | Self::EvictedUncounted { .. }
            | Self::EvictedOrLost { .. } => ReasonCode::DropsUncounted,
            Self::SumTooShort { .. } | Self::TooFewLong { .. } => ReasonCode::WaitsTooShort,
            Self::Impossible { .. }
            | Self::ImpossibleShares { .. }
            | Self::ImpossibleTasks { .. }
            | Self::ImpossibleJain { .. }
            | Self::ImpossibleLeastShare { .. }
            | Self::StolenUnseen { .. }
            | Self::TooManyStages { .. }
            | Self::ImpossibleRecovery { .. }
            | Self::NoWhole { .. } => ReasonCode::NumberImpossible,
            Self::OneMissing { .. } | Self::NoFirstControl | Self::Undecided { .. } => ReasonCode::Incomplete,
            Self::SeriesTooLong { .. } => ReasonCode::SeriesTooLong,
            Self::NotPooled(_) => ReasonCode::NotPooled,
        }
    }
}
