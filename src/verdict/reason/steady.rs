//! Why a warm-up or a window is not steady.

use crate::measure::Trend;
use crate::units::human;
use std::fmt;

/// A warm-up or a window that did not settle within its longest time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unsettled {
    /// Whether it is the warm-up.
    pub warmup: bool,
    /// How long it lasted, in nanoseconds.
    pub length_ns: u64,
    /// How much each value moved over the later half.
    pub trend: Trend,
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.warmup { "warm-up" } else { "window" };
        let Trend { mean, p99, memory } = self.trend;
        let moved =
            [("mean response", mean), ("p99 response", p99), ("memory", memory)].map(|(name, moved)| match moved {
                Some(moved) if moved < 0.0 => format!("the {name} fell by {}", human::share(-moved)),
                Some(moved) => format!("the {name} rose by {}", human::share(moved)),
                None => format!("the {name} is unknown"),
            });
        let length = human::latency(self.length_ns as f64);
        write!(f, "not steady: in the later half of the {what}, {length} in all, {}", moved.join(", "))
    }
}
