//! Why a check does not hold, or cannot be decided.

use crate::log_queue::Level;
use crate::scenario::{Counted, Figure, FigureUnit, LatencyName, Statistic};
use crate::units::human;
use crate::verdict::MIN_SAMPLES;
use std::fmt;

/// What keeps a check from holding. Its sentence is the check's `reason` in the report.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Shortfall {
    /// The value is not as expected.
    #[error("it is {0}")]
    Is(Observed),
    /// The case has no valid repeat.
    #[error("no valid repeat")]
    NoValidRepeat,
    /// Nothing was due.
    #[error("nothing was offered")]
    NothingOffered,
    /// That latency cannot be observed with this queue.
    #[error("{0} could not be observed")]
    NotObserved(LatencyName),
    /// The latency has too few values for that statistic.
    #[error("too few samples: {} ({})", human::count(*count), needed(*statistic))]
    TooFewSamples {
        /// How many it has.
        count: u64,
        /// The statistic.
        statistic: Statistic,
    },
    /// There was no spike, or there were too few logs before it.
    #[error("the recovery could not be observed: fewer than 20 logs before the spike")]
    RecoveryUnknown,
    /// A repeat does not know that figure.
    #[error("{0} could not be observed: {why}", why = missing(*.0))]
    FigureUnknown(Figure),
    /// The window ended before the queue had recovered, and before the limit.
    #[error("it is {observed}, when the window ended")]
    NotRecovered {
        /// The time until then.
        observed: Observed,
    },
    /// The count below the line is zero.
    #[error("{0} is 0: nothing to take a share of")]
    ShareOfNothing(Counted),
    /// The check is about a level that the logs do not have.
    #[error("no log of level {0} was sent")]
    NothingOfLevel(Level),
    /// The logs of that count cannot be told apart by level.
    #[error("{0} is not known: some logs were dropped and some lost, and nobody knows which")]
    UnknownByLevel(Counted),
    /// The outcome depends on values that are only lower bounds.
    #[error("it is {observed}, and {} logs that were never sent leave it undecided", human::count(*censored))]
    Censored {
        /// What was observed.
        observed: Observed,
        /// How many values are lower bounds.
        censored: u64,
    },
    /// Without the generator's own lateness the outcome would be another one.
    #[error("it is {observed}, but {} without the generator's own lateness", latency_or_unknown(*ideal_ns))]
    GeneratorsLateness {
        /// What was observed.
        observed: Observed,
        /// The same without the generator's lateness, in nanoseconds.
        ideal_ns: Option<f64>,
    },
    /// Without the logs that the generator did not send the outcome would be another one.
    #[error("it is {observed}, and the generator did not send {}", human::count(*unsent))]
    Unsent {
        /// What was observed.
        observed: Observed,
        /// Logs that the generator did not send.
        unsent: u64,
    },
}

/// An observed number, and what kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observed {
    /// A time in nanoseconds.
    Latency(f64),
    /// A time in nanoseconds that is a lower bound.
    AtLeast(f64),
    /// A number of logs.
    Count(u64),
    /// A share: 1 is the whole.
    Share(f64),
    /// The share of the logs that were accepted in time.
    Accepted {
        /// Logs that were accepted.
        accepted: u64,
        /// Logs that were due.
        offered: u64,
    },
    /// Logs per second.
    Rate(f64),
    /// A figure, in its unit.
    Figure(FigureUnit, f64),
}

impl Observed {
    /// The number, in the unit of the check.
    pub(in crate::verdict) fn value(self) -> f64 {
        match self {
            Self::Latency(value)
            | Self::AtLeast(value)
            | Self::Share(value)
            | Self::Rate(value)
            | Self::Figure(_, value) => value,
            Self::Count(count) => count as f64,
            Self::Accepted { accepted, offered } => accepted as f64 / offered as f64,
        }
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Latency(ns) => f.write_str(&human::latency(ns)),
            Self::AtLeast(ns) => write!(f, "at least {}", human::latency(ns)),
            Self::Count(count) => f.write_str(&human::count(count)),
            Self::Share(share) => f.write_str(&human::share(share)),
            Self::Accepted { accepted, offered } => {
                let [part, whole] = [accepted, offered].map(human::count);
                write!(f, "{} ({part} of {whole})", human::share(self.value()))
            }
            Self::Rate(rate) => f.write_str(&human::rate(rate)),
            Self::Figure(unit, value) => f.write_str(&in_unit(unit, value)),
        }
    }
}

fn in_unit(unit: FigureUnit, value: f64) -> String {
    match unit {
        FigureUnit::Bytes => human::bytes(value),
        FigureUnit::BytesPerSecond => format!("{}/s", human::bytes(value)),
        FigureUnit::Nanoseconds => human::latency(value),
        FigureUnit::NanosPerSecond => human::latency_slope(value),
        FigureUnit::Records => human::number(value),
        FigureUnit::Index => human::index(value),
    }
}

/// What a repeat lacks that does not know a figure.
fn missing(figure: Figure) -> &'static str {
    match figure {
        Figure::PeakMemory => "the memory of the process cannot be read",
        Figure::MemorySlope => "fewer than 10 readings of the memory",
        Figure::MedianSlope | Figure::TailSlope => "fewer than 10 bins of the window have logs",
        Figure::Drain => "the drain was not timed",
        Figure::QueueCpu => "the queue has no threads of its own, or their time cannot be read",
        Figure::ProcessCpu => "the CPU time of the process cannot be read",
        Figure::PeakDepth => "the queue does not tell it",
        Figure::MeanDepth => "a log was lost or evicted, or arrived too late to be timed",
        Figure::Jain => "there are fewer than two tasks, or nobody knows whose logs were dropped",
    }
}

fn needed(statistic: Statistic) -> String {
    match statistic {
        Statistic::Quantile(quantile) => format!("{quantile} needs {MIN_SAMPLES} above it"),
        Statistic::Mean | Statistic::Max => format!("{MIN_SAMPLES} are needed"),
    }
}

fn latency_or_unknown(ns: Option<f64>) -> String {
    ns.map_or_else(|| "unknown".to_owned(), human::latency)
}
