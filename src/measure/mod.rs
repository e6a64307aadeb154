//! Counts what happened and how long it took; assumes nothing.
//!
//! Two observers, who never speak to each other while the load runs: [`recorder`] sees the calls, [`sink`] sees the
//! deliveries. [`ledger`] compares them when both are done.

pub mod buckets;
pub mod encoding;
#[cfg(test)]
pub mod fixture;
pub mod fairness;
pub mod hdr;
pub mod jitter;
pub mod lag;
pub mod ledger;
pub mod model;
pub mod punctuality;
pub mod recorder;
pub mod series;
pub mod sink;
pub mod stalls;
pub mod tracker;
mod values;

pub use model::*;
