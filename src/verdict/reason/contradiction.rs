//! How a measurement contradicts itself.

use super::ReasonCode;
use crate::measure::encoding::EncodingError;
use crate::measure::{CpuShares, Recovery};

/// A way in which a measurement contradicts itself.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Contradiction {
    /// A count is beyond what is ever counted.
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
    /// Deliveries were timed that there were not, or too few of those that there were.
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
    /// More drops than the queue's own counter has, from which they are known.
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
    /// Both dropped and lost, where only arrival is known.
    #[error("by delivery, nothing tells dropped = {dropped} from lost.silent = {silent}")]
    DroppedOrLost {
        /// Drops in the ledger.
        dropped: u64,
        /// Silent losses in the ledger.
        silent: u64,
    },
    /// The waits are in sum shorter than the calls that they hold.
    #[error("sum({name}) = {sum_ns} is below the time that the calls took, {service_ns}")]
    SumTooShort {
        /// The latency.
        name: &'static str,
        /// Its sum, in nanoseconds.
        sum_ns: u128,
        /// The sum of the calls, in nanoseconds.
        service_ns: u128,
    },
    /// More calls than waits are longer than some time.
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
        /// Of the window: nothing; of a control: its name and a dot.
        whose: String,
        /// They.
        allowed: CpuShares,
    },
    /// A number of tasks that cannot have had a share each.
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
    /// Shares by CPU that make no whole.
    #[error("threads.{name}: shares of a whole are expected, by CPU, ascending")]
    NoWhole {
        /// Which.
        name: &'static str,
    },
    /// Of two things that are known only together, one is missing.
    #[error("{whose}{one} and {other} are null only together")]
    OneMissing {
        /// As in [`Contradiction::ImpossibleShares`].
        whose: String,
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// The second control follows from the first, which is missing.
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
    /// Another number of logs of a control was timed than was sent.
    #[error("the {name} does not close: count(lateness) = {timed}, attempted = {attempted}")]
    ControlTimes {
        /// Which.
        name: &'static str,
        /// How many were timed.
        timed: u64,
        /// How many were sent.
        attempted: u64,
    },
    /// The series is longer than any is made.
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
            | Self::StageOpen { .. } => ReasonCode::LedgerOpen,
            Self::ControlParts { .. } | Self::ControlTimes { .. } => ReasonCode::ControlOpen,
            Self::Unreadable { .. } => ReasonCode::HistogramUnreadable,
            Self::DroppedUncounted { .. } | Self::DroppedOrLost { .. } => ReasonCode::DropsUncounted,
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
            Self::OneMissing { .. } | Self::NoFirstControl => ReasonCode::Incomplete,
            Self::SeriesTooLong { .. } => ReasonCode::SeriesTooLong,
            Self::NotPooled(_) => ReasonCode::NotPooled,
        }
    }
}
