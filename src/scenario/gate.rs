//! `[gate]`: the settings of a comparison with a baseline.

use crate::units::{Nanos, Ratio};
use serde::{Deserialize, Serialize};

/// `[gate]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct GateSettings {
    /// Smallest slow-down that counts, as a share of the baseline.
    pub min_effect: Ratio,
    /// Probability of a false alarm over all cases of the gate.
    pub alpha: Ratio,
    /// Slow-downs of `enqueue` up to this time never count, whatever share of the baseline they are. Null: 1 % of the
    /// target's latency.
    #[serde(default, rename = "ignore_below_ns")]
    pub ignore_below: Option<Nanos>,
}

impl Default for GateSettings {
    /// A `min_effect` of 10 %, and a family-wise `alpha` of 1 %.
    fn default() -> GateSettings {
        GateSettings { min_effect: Ratio::from_percent(10), alpha: Ratio::from_percent(1), ignore_below: None }
    }
}
