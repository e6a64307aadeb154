//! Observes everything about a repeat except its calls, and builds the measurement from all observations.

pub(in crate::worker) mod account;
pub(in crate::worker) mod floor;
pub(in crate::worker) mod jitter;
pub(in crate::worker) mod machine;
pub(in crate::worker) mod memory;
pub(in crate::worker) mod responsiveness;
pub(in crate::worker) mod settling;
pub(in crate::worker) mod whereabouts;
