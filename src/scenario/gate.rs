//! `[gate]`: what a run that is held against a baseline has to prove.

use crate::units::Ratio;
use serde::{Deserialize, Serialize};

/// `[gate]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateSettings {
    /// Smallest slow-down that counts as one, as a share of the baseline.
    pub min_effect: Ratio,
    /// Chance of a false alarm over all cases of the gate.
    pub alpha: Ratio,
}

impl Default for GateSettings {
    /// 10 % at a family-wise 1 %.
    fn default() -> GateSettings {
        GateSettings { min_effect: Ratio::from_percent(10), alpha: Ratio::from_percent(1) }
    }
}
