//! The load: when each log is due, who sends it, how a sender waits for its time, and what a log carries.
//!
//! No code here knows a queue or keeps a statistic. [`schedule`] is pure arithmetic; [`producer`] walks a schedule and
//! computes the ideal start of each log; [`pacing`] turns due times into wake-ups.

pub(crate) mod context;
mod contents;
pub mod metronome;
pub mod pacing;
pub mod payload;
pub mod producer;
mod profile;
mod replay;
pub mod schedule;
#[cfg(test)]
mod stages_tests;

#[cfg(test)]
pub use contents::Content;
pub use contents::Contents;
pub use context::Context;
pub use payload::{Entry, Phase, Stamp, Template, Typed};
pub use producer::{Call, Producer, Reply, Step, Tally};
pub use schedule::Schedule;
#[cfg(feature = "internals")]
pub use schedule::{Cursor, Merged};
