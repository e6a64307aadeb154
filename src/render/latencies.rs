//! The latencies of a set by their names.

use crate::report::{LatencySet, LatencySummary};

/// The names, in the order in which they are shown.
pub(super) const NAMES: [&str; 12] = [
    "enqueue",
    "unblocked",
    "blocked",
    "rejected",
    "response",
    "response_ideal",
    "delivery",
    "lateness",
    "lag_before",
    "lag",
    "timer_lag_before",
    "timer_lag",
];

/// The latency of that name; `None` where it could not be observed.
pub(super) fn get<'s>(set: &'s LatencySet, name: &str) -> Option<&'s LatencySummary> {
    match name {
        "enqueue" => Some(&set.enqueue),
        "unblocked" => set.unblocked.as_ref(),
        "blocked" => set.blocked.as_ref(),
        "rejected" => Some(&set.rejected),
        "response" => Some(&set.response),
        "response_ideal" => Some(&set.response_ideal),
        "delivery" => Some(&set.delivery),
        "lateness" => Some(&set.lateness),
        "lag_before" => set.lag_before.as_ref(),
        "lag" => set.lag.as_ref(),
        "timer_lag_before" => set.timer_lag_before.as_ref(),
        "timer_lag" => set.timer_lag.as_ref(),
        _ => None,
    }
}

/// Those that were observed, with their names.
pub(super) fn observed(set: &LatencySet) -> impl Iterator<Item = (&'static str, &LatencySummary)> {
    NAMES.iter().filter_map(|name| Some((*name, get(set, name)?)))
}
