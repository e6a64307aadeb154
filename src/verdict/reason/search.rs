//! What a search for the highest rate says of its case.

use super::ReasonCode;
use crate::units::human;
use std::fmt;

/// Why a search does not pass. Rates are totals over all tasks, in logs per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SearchReason {
    /// All holds up to the highest rate that the generator can offer.
    GeneratorIsTheLimit {
        /// That rate.
        per_second: f64,
    },
    /// The highest rate that holds is below the target's throughput.
    MaximumBelowTarget(MaximumBounds),
    /// Whether it is cannot be told.
    MaximumUndecided(MaximumBounds),
    /// Not even the lowest rate holds.
    NothingHolds {
        /// That rate.
        per_second: f64,
    },
    /// The highest rate that holds could not be found.
    MaximumUnknown {
        /// Runs that were tried.
        runs: u64,
        /// Those of them that could not tell.
        untold: u64,
    },
    /// The CPUs were farther apart than in other runs of the search, so the run is not counted.
    CpusApart {
        /// Round trip of a cache line between them, in nanoseconds.
        ns: u64,
        /// The shortest one of the search, in nanoseconds.
        nearest_ns: u64,
    },
}

/// Between which rates the highest one that holds lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaximumBounds {
    /// It is above this.
    pub low: f64,
    /// It is below this.
    pub high: f64,
    /// What the target asks for.
    pub target: f64,
}

impl SearchReason {
    /// What kind of reason it is.
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        match self {
            Self::GeneratorIsTheLimit { .. } => ReasonCode::GeneratorIsTheLimit,
            Self::MaximumBelowTarget(_) => ReasonCode::MaximumBelowTarget,
            Self::MaximumUndecided(_) => ReasonCode::MaximumUndecided,
            Self::NothingHolds { .. } => ReasonCode::NothingHolds,
            Self::MaximumUnknown { .. } => ReasonCode::MaximumUnknown,
            Self::CpusApart { .. } => ReasonCode::CpusApart,
        }
    }
}

impl fmt::Display for SearchReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GeneratorIsTheLimit { per_second } => {
                let rate = human::rate(*per_second);
                write!(f, "the generator is the limit: all holds up to {rate}, and it cannot offer more in time")
            }
            Self::MaximumBelowTarget(bounds) => write!(f, "the highest rate that holds is {bounds}"),
            Self::MaximumUndecided(bounds) => write!(
                f,
                "whether the target's throughput holds cannot be told: the highest rate that holds is {bounds}"
            ),
            Self::NothingHolds { per_second } => {
                write!(f, "nothing holds: not even {}, the lowest rate that was tried", human::rate(*per_second))
            }
            Self::MaximumUnknown { runs, untold } => {
                let [runs, untold] = [*runs, *untold].map(human::count);
                write!(f, "the highest rate that holds was not found: {untold} of {runs} runs could not tell")
            }
            Self::CpusApart { ns, nearest_ns } => write!(
                f,
                "the CPUs were farther apart than in other runs: a cache line took {} to another CPU and back instead of {}",
                human::latency(*ns as f64),
                human::latency(*nearest_ns as f64)
            ),
        }
    }
}

impl fmt::Display for MaximumBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high, target] = [self.low, self.high, self.target].map(human::rate);
        write!(f, "between {low} and {high}, and the target asks for {target}")
    }
}
