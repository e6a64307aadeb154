//! Counts what happened and measures how long it took, without assumptions about the queue.
//!
//! There are two observers, which do not communicate while the load runs: [`recorder`] sees the calls, [`sink`] sees
//! the deliveries. [`ledger`] compares them afterwards.

pub mod buckets;
pub mod encoding;
#[cfg(test)]
pub mod fixture;
pub mod fairness;
pub mod hdr;
pub mod jitter;
pub mod lag;
pub mod ledger;
pub mod levels;
pub mod model;
pub mod point;
pub mod punctuality;
pub mod recorder;
pub mod series;
pub mod sink;
pub mod slope;
pub mod stages;
pub mod stalls;
pub mod steady;
pub mod tracker;
mod values;

pub use levels::LevelLedger;
pub use model::*;
pub use point::{Point, PointTimes};
pub use stages::{Recovery, StageMeasurement};
pub use steady::{Settled, SteadyEnds, Trend};
