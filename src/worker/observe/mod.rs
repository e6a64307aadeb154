//! What is seen of a repeat beside its calls, and the account of it all.

pub(in crate::worker) mod account;
pub(in crate::worker) mod floor;
pub(in crate::worker) mod jitter;
pub(in crate::worker) mod machine;
pub(in crate::worker) mod responsiveness;
pub(in crate::worker) mod whereabouts;
