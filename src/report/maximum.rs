//! The highest rate at which a queue keeps its promise, as it is saved.

use super::model::CaseRecord;
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;
use serde::{Deserialize, Serialize};

/// The result of one search. Rates are totals over all tasks, in logs per second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Maximum {
    /// Id of the searched case without its rate.
    pub search: Untrusted,
    /// Name of its scenario.
    pub scenario: Untrusted,
    /// Id of the case in [`Report::cases`](super::Report::cases) that shows the result: the highest rate that was tried
    /// and held, or the lowest that was tried if none held. Null if nothing was run.
    pub case: Option<Untrusted>,
    /// How the search ended.
    pub outcome: MaximumOutcome,
    /// The highest rate at which target and checks hold: the median of what is possible. Null unless it was found.
    pub max_per_s: Option<f64>,
    /// With 97.5 % probability the maximum is above this: if the generator is the limit, the highest rate that held. Null if
    /// the maximum may be below every rate that was tried.
    pub low_per_s: Option<f64>,
    /// With 97.5 % probability the maximum is below this: if nothing holds, the lowest rate that was tried. Null if the
    /// maximum may be above every rate that was tried.
    pub high_per_s: Option<f64>,
    /// Where the load-latency curve turns: the rate beyond which the p99 of `response` rises steeply. Null if it does not.
    pub knee_per_s: Option<f64>,
    /// The width of the interval that was asked for: 0.05 is 5 %.
    pub precision: f64,
    /// Checks that failed at the lowest rate that broke.
    pub limited_by: Vec<Untrusted>,
    /// Number of runs, those for the generator's ceiling and for the curve not counted.
    pub runs: u64,
    /// The highest rate at which the generator alone was in time. Null for a program of the user, whose generator cannot
    /// be run alone, and if the generator was in time at no rate.
    pub generator_per_s: Option<f64>,
    /// How near the CPUs were to each other in the runs that count: the round trip of a cache line, in nanoseconds. Null if it
    /// is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_to_core_ns: Option<u64>,
    /// Every run, in order; those for the curve come last.
    pub probes: Vec<Probe>,
    /// The evidence: a case for each rate that was tried, by rate.
    pub cases: Vec<CaseRecord>,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MaximumOutcome {
    /// The interval is as narrow as was asked for.
    Found,
    /// The most runs are used up; the interval is wider than was asked for.
    Wide,
    /// All holds up to the highest rate that the generator can offer: the queue's maximum is not known.
    GeneratorLimited,
    /// Not even the lowest rate holds.
    NothingHolds,
    /// Too many runs could not tell.
    Unknown,
    /// The search was interrupted.
    Unfinished,
}

impl MaximumOutcome {
    /// The word for it, as in the JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Wide => "wide",
            Self::GeneratorLimited => "generator_limited",
            Self::NothingHolds => "nothing_holds",
            Self::Unknown => "unknown",
            Self::Unfinished => "unfinished",
        }
    }
}

/// One run of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Probe {
    /// The offered rate over all tasks, in logs per second.
    pub rate_per_s: f64,
    /// Id of its case.
    pub case: Untrusted,
    /// Round of its repeat, which is unique within the search.
    pub repeat: u32,
    /// Its verdict by itself.
    pub outcome: Outcome,
}
