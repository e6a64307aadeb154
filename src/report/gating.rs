//! What a report holds for comparisons: the machine's speed, the spread of the repeats, and what came of a gate.

use super::decision::{GateDecision, GateOutcome};
use super::kinds::GateReason;
use super::model::CaseRecord;
use crate::run::Yardstick;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

/// How well the repeats of a case agree, by running the same code against itself: the mean of the fastest 95 % of
/// `enqueue` of each repeat. Shares are of 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Calibration {
    /// Valid repeats of the smaller side.
    pub repeats: u64,
    /// Standard deviation of the repeats over their mean; null below 3 repeats a side.
    pub spread: Option<f64>,
    /// By how much the one side seems slower than the other (geometric means), which is not true of either.
    pub difference: Option<f64>,
    /// Smallest slow-down that this number of repeats on each side finds in 9 of 10 gates.
    pub smallest_effect: Option<f64>,
    /// Repeats with which a slow-down of 20 % is found in 9 of 10 gates.
    pub proposed_repeats: Option<u64>,
}

/// Cases that looked regressed or could not be told, run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Confirmation {
    /// Which, from 1.
    pub round: u32,
    /// The fresh repeats.
    pub cases: Vec<CaseRecord>,
    /// How fast the machine was meanwhile.
    #[serde(default)]
    pub yardstick: Option<Yardstick>,
}

/// What came of comparing a run with a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct GateRecord {
    /// The baseline's file, or what took its place.
    pub baseline: Untrusted,
    /// Its digest.
    pub digest: Untrusted,
    /// What is decided in the end.
    pub outcome: GateOutcome,
    /// Why, in one line.
    pub reason: Untrusted,
    /// What kind of reason it is, by the words of docs/REASONS.md. Absent in reports that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<GateReason>,
    /// The decision on the run's own repeats, then one for each confirmation.
    pub rounds: Vec<GateRound>,
}

impl GateRecord {
    /// What was decided in the end, of every case what was said of it last; `None` without a round.
    #[must_use]
    pub fn decision(&self) -> Option<GateDecision> {
        let (first, later) = self.rounds.split_first()?;
        let mut decision = GateDecision {
            outcome: self.outcome,
            reason: self.reason.clone(),
            reason_code: self.reason_code,
            ..first.decision.clone()
        };
        for fresh in later.iter().flat_map(|round| &round.decision.cases) {
            if let Some(case) = decision.cases.iter_mut().find(|case| case.id == fresh.id) {
                case.clone_from(fresh);
            }
        }
        Some(decision)
    }
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct GateRound {
    /// 0: on the run's own repeats; else the number of the confirmation. It is on the fresh repeats alone; of a case that
    /// the round before could not tell, on those of that round too.
    pub round: u32,
    /// What is decided.
    pub decision: GateDecision,
}
