//! What a search is asked for.

use crate::units::Ratio;
use serde::{Deserialize, Serialize};

/// Most runs of a search, where nothing else is said. A search of a queue with a sharp limit takes about eight.
pub const DEFAULT_MOST_RUNS: u32 = 20;

/// What a search is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchSettings {
    /// The search ends when its interval is at most this wide: the higher bound over the lower one, less 1.
    pub precision: Ratio,
    /// The search ends after this many runs, however wide its interval is. Those for the generator's own ceiling do not
    /// count.
    pub most_runs: u32,
    /// After a maximum is found, a few rates below it are run as well: they draw the load-latency curve, and decide nothing.
    pub curve: bool,
}

impl Default for SearchSettings {
    /// An interval of 5 %, at most 20 runs, and the curve.
    fn default() -> Self {
        Self { precision: Ratio::from_percent(5), most_runs: DEFAULT_MOST_RUNS, curve: true }
    }
}
