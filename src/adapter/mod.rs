//! What can be put under load: the trait that a queue implements, the registry, and one file for each queue.
//!
//! All that a queue of one's own needs is exported here.

pub mod builtin;
pub mod catalogue;
pub mod noop;
mod registry;

#[cfg(feature = "crossbeam")]
pub mod crossbeam;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "slog-async")]
pub mod slog_async;
#[cfg(feature = "spdlog-rs")]
pub mod spdlog_rs;
#[cfg(feature = "tokio-mpsc")]
pub mod tokio_mpsc;
#[cfg(feature = "tracing-appender")]
pub mod tracing_appender;

#[cfg(any(feature = "crossbeam", feature = "tokio-mpsc"))]
mod channel;
#[cfg(any(feature = "slog-async", feature = "spdlog-rs"))]
mod deadline;
#[cfg(any(feature = "opentelemetry", feature = "tracing-appender"))]
mod dispatch;

pub use crate::load::{Entry, Reply, Stamp, Typed};
pub use crate::measure::OutcomeSource;
pub use crate::scenario::Strategy;
pub use registry::{Host, Registry};

use crate::clock::LoadClock;
use crate::measure::sink::CountingSink;
use crate::scenario::Parameters;
use std::collections::BTreeMap;
use std::time::Duration;

/// The sink that a queue under load delivers to.
pub type Sink = CountingSink<LoadClock>;

/// What a queue says of itself before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The name that a scenario calls it by.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it can do when it is full.
    pub strategies: &'static [Strategy],
    /// Of those: the ones under which a call blocks its thread, instead of giving it back while it waits.
    pub blocks_caller: &'static [Strategy],
    /// How the outcome of a call is known.
    pub outcome_source: OutcomeSource,
    /// Whether an orderly shutdown promises to deliver what was accepted.
    pub shutdown_delivers: bool,
    /// Most fields that its records can have beside the stamp: macros fix them when the program is compiled.
    pub most_fields: u32,
}

impl About {
    /// A queue that can `drop`, never blocks its caller, says what became of each call, promises to deliver what it
    /// accepted, and takes any number of fields. What is different is said with `..About::new(…)`.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            strategies: &[Strategy::Drop],
            blocks_caller: &[],
            outcome_source: OutcomeSource::Call,
            shutdown_delivers: true,
            most_fields: u32::MAX,
        }
    }
}

/// What a queue is built from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The case.
    pub parameters: Parameters,
    /// Seed of whatever the queue draws at random.
    pub seed: u64,
}

/// What a queue counted and how its shutdown went, by its own word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its counters by name. `enqueued`, `dropped`, `sampled_out` and `delivered` are compared with ours; where
    /// [`About::outcome_source`] is the counter, `dropped` says how many logs were.
    pub counters: BTreeMap<String, u64>,
    /// Records that it accepted and says it did not deliver.
    pub admitted: u64,
    /// Most records that were in it at once; `None` if it does not say.
    pub depth_high_water: Option<u64>,
}

/// A queue under load. Implement this to put your own under load.
///
/// Everything inside [`Self::log`] is timed as the caller's cost, so it builds its record there, as a service would.
/// Each record carries the entry's [`Stamp`], as two words or as text, and ends in [`CountingSink::deliver`].
pub trait Queue: Sized + Send + Sync + 'static {
    /// What the queue is.
    const ABOUT: About;

    /// Builds the queue so that it delivers to `sink`.
    ///
    /// # Errors
    /// Why it cannot be built, in words.
    fn build(setup: &Setup, sink: Sink) -> Result<Self, String>;

    /// Logs one record, as the case's strategy asks. Where the call does not tell what became of the record, the answer
    /// is [`Reply::UNKNOWN`], and [`About::outcome_source`] says what tells instead.
    fn log(&self, entry: &Entry<'_>) -> impl Future<Output = Reply> + Send;

    /// Delivers what is left, for at most `deadline`, and gives account. Called once, after the last call has returned.
    ///
    /// Without one of its own, a queue is dropped, which must deliver what is left, and says nothing.
    fn shutdown(self, deadline: Duration) -> Account {
        let _ = deadline;
        drop(self);
        Account::default()
    }
}

#[cfg(test)]
mod tests;

impl Setup {
    /// The case's `maxsize`.
    pub fn maxsize(&self) -> usize {
        usize::try_from(self.parameters.maxsize).unwrap_or(usize::MAX)
    }

    /// Whether the case asks the queue to block while it is full.
    pub fn blocks(&self) -> bool {
        self.parameters.strategy == Strategy::Block
    }
}
