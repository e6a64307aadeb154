//! Sends the load: the producers, as tasks of a runtime or on lanes.

mod calls;
pub(in crate::worker) mod lanes;
pub(in crate::worker) mod producers;
pub(in crate::worker) mod tasks;
