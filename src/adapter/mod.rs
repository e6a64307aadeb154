//! What can be put under load: the trait that a queue implements, the registry, and one file for each queue.

pub mod builtin;
pub mod noop;
mod registry;

pub use registry::{Host, Registry};

use crate::clock::LoadClock;
use crate::load::{Entry, Reply};
use crate::measure::OutcomeSource;
use crate::measure::sink::CountingSink;
use crate::scenario::{Parameters, Strategy};
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
    /// Its counters by name. `enqueued`, `dropped`, `sampled_out` and `delivered` are held against ours.
    pub counters: BTreeMap<String, u64>,
    /// Records that it accepted and says it did not deliver.
    pub admitted: u64,
    /// Most records that were in it at once; `None` if it does not say.
    pub depth_high_water: Option<u64>,
}

/// A queue under load. Implement this to put your own under load.
///
/// Everything inside [`Self::log`] is timed as the caller's cost, so it builds its record there, as a service would.
/// Each record carries the entry's [`Stamp`](crate::load::Stamp), as two words or as text, and ends in
/// [`CountingSink::deliver`].
pub trait Queue: Sized + Send + Sync + 'static {
    /// What the queue is.
    const ABOUT: About;

    /// Builds the queue so that it delivers to `sink`.
    ///
    /// # Errors
    /// Why it cannot be built, in words.
    fn build(setup: &Setup, sink: Sink) -> Result<Self, String>;

    /// Logs one record, as the case's strategy asks.
    fn log(&self, entry: &Entry<'_>) -> impl Future<Output = Reply> + Send;

    /// Delivers what is left, for at most `deadline`, and gives account. Called once, after the last call has returned.
    fn shutdown(self, deadline: Duration) -> Account;
}
