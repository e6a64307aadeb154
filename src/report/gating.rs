//! What a report holds for comparisons: the machine's speed, the spread of the repeats, and what came of a gate.

use super::decision::GateOutcome;
use super::model::CaseRecord;
use serde::{Deserialize, Serialize};

/// How fast the machine was: the same fixed work at three moments of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Yardstick {
    /// Before the first repeat; null where it could not run.
    #[serde(default)]
    pub start: Option<YardstickReading>,
    /// Halfway through the repeats; null where the run was too short or ended before.
    #[serde(default)]
    pub middle: Option<YardstickReading>,
    /// After the last repeat; null where the run was cut short.
    #[serde(default)]
    pub end: Option<YardstickReading>,
}

impl Yardstick {
    /// The readings that there are, in order of time.
    pub fn readings(&self) -> impl Iterator<Item = YardstickReading> {
        [self.start, self.middle, self.end].into_iter().flatten()
    }
}

/// One reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct YardstickReading {
    /// A fixed number of arithmetic steps on one thread, in nanoseconds.
    pub spin_ns: Option<f64>,
    /// A message to another thread and its answer, each of which has to be woken up, in nanoseconds.
    pub ping_pong_ns: Option<f64>,
}

/// How well the repeats of a case agree, by running the same code against itself: the mean of the fastest 95 % of
/// `enqueue` of each repeat. Shares are of 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Valid repeats of the smaller side.
    pub repeats: u64,
    /// Standard deviation of the repeats over their mean; null below 3 repeats a side.
    pub spread: Option<f64>,
    /// By how much the one side seems slower than the other (geometric means), which is not true of either.
    pub difference: Option<f64>,
    /// Smallest slow-down that so many repeats a side find in 9 of 10 gates.
    pub smallest_effect: Option<f64>,
    /// Repeats with which a slow-down of 20 % is found in 9 of 10 gates.
    pub proposed_repeats: Option<u64>,
}

/// Cases that looked regressed, run again and judged on the fresh repeats alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Which, from 1.
    pub round: u32,
    /// The fresh repeats.
    pub cases: Vec<CaseRecord>,
    /// How fast the machine was meanwhile.
    #[serde(default)]
    pub yardstick: Option<Yardstick>,
}

/// What came of holding a run against a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateRecord {
    /// The baseline's file.
    pub baseline: String,
    /// Its digest.
    pub digest: String,
    /// What is decided in the end.
    pub outcome: GateOutcome,
    /// Why, in one line.
    pub reason: String,
    /// The decision on the run's own repeats, then one for each confirmation.
    pub decisions: Vec<GateDecisionRecord>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateDecisionRecord {
    /// 0: on the run's own repeats; else the number of the confirmation.
    pub round: u32,
    /// What is decided.
    pub outcome: GateOutcome,
    /// Why, in one line.
    pub reason: String,
    /// The cases that were held against the baseline.
    pub cases: Vec<GatedCase>,
}

/// A case as a gate sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatedCase {
    /// Its scenario.
    pub scenario: String,
    /// Its id.
    pub id: String,
    /// What is said of it: `improved`, `regressed`, `unchanged`, `inconclusive`, `incomparable`, `added`, `removed`.
    pub change: String,
    /// New over base, of the mean of the fastest 95 % of `enqueue`; null where there is none.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}
