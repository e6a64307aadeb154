//! `[gate]`: what a run that is compared with a baseline must prove.

use crate::units::{Nanos, Ratio};
use serde::{Deserialize, Serialize};

/// `[gate]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateSettings {
    /// Smallest slow-down that counts as one, as a share of the baseline.
    pub min_effect: Ratio,
    /// Chance of a false alarm over all cases of the gate.
    pub alpha: Ratio,
    /// Slow-downs of `enqueue` up to this count as none, however large a share they are; null: 1 % of the target's
    /// latency.
    #[serde(default, rename = "ignore_below_ns")]
    pub ignore_below: Option<Nanos>,
}

impl Default for GateSettings {
    /// 10 % at a family-wise 1 %.
    fn default() -> GateSettings {
        GateSettings { min_effect: Ratio::from_percent(10), alpha: Ratio::from_percent(1), ignore_below: None }
    }
}
