//! The queues that can be put under load: the trait that a queue implements, the registry, and one file for each queue.
//!
//! This module exports everything that you need for your own queue.

pub mod builtin;
pub(crate) mod catalogue;
pub mod noop;
mod registry;

#[cfg(feature = "crossbeam")]
pub mod crossbeam;
#[cfg(feature = "ftlog")]
pub mod ftlog;
#[cfg(feature = "logforth")]
pub mod logforth;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "slog-async")]
pub mod slog_async;
#[cfg(feature = "spdlog-rs")]
pub mod spdlog_rs;
#[cfg(feature = "ticklog")]
pub mod ticklog;
#[cfg(feature = "tokio-mpsc")]
pub mod tokio_mpsc;
#[cfg(feature = "tracing-appender")]
pub mod tracing_appender;

#[cfg(any(feature = "crossbeam", feature = "tokio-mpsc"))]
mod channel;
#[cfg(any(
    feature = "ftlog",
    feature = "logforth",
    feature = "slog-async",
    feature = "spdlog-rs",
    feature = "ticklog"
))]
mod deadline;
#[cfg(any(feature = "opentelemetry", feature = "tracing-appender"))]
mod dispatch;
#[cfg(any(feature = "ftlog", feature = "tracing-appender"))]
mod lines;

pub use crate::load::{Context, Entry, Phase, Reply, Stamp, Typed};
pub use crate::measure::OutcomeSource;
pub use crate::measure::sink::CountingSink;
pub use crate::scenario::{
    Arrival, Lengths, Levels, Pacing, Parameters, Payload, PhaseShift, Placement, Producers, Shape, SinkKind, Stage,
    Stages, Strategy, Trace,
};
pub use crate::units::{Nanos, Rate, Ratio};
pub use registry::{Host, Registry};

use crate::clock::LoadClock;
use std::collections::BTreeMap;
use std::time::Duration;

/// The sink that a queue under load delivers to.
pub type Sink = CountingSink<LoadClock>;

/// The properties of a queue, known before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name in scenarios.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The strategies that it supports.
    pub strategies: &'static [Strategy],
    /// The strategies under which a call blocks its thread instead of yielding it while it waits.
    pub blocks_caller: &'static [Strategy],
    /// How the outcome of a call is known.
    pub outcome_source: OutcomeSource,
    /// Whether the `maxsize` of a case is its capacity, over all producers together.
    pub keeps_maxsize: bool,
    /// Whether an orderly shutdown promises to deliver all accepted records.
    pub shutdown_delivers: bool,
    /// Largest number of fields of a record, without the stamp. Macros fix the fields at compile time.
    pub most_fields: u32,
    /// Whether its records carry the context of the task that logs them ([`Entry::context`], or what [`Queue::within`]
    /// enters). A case with a context is refused for a queue that does not.
    pub carries_context: bool,
}

impl About {
    /// A queue that supports `drop`, never blocks its caller, returns the outcome of each call, keeps to
    /// `maxsize`, promises to deliver what it accepted, takes any number of fields, and carries no context. For other properties, use `..About::new(…)`.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            strategies: &[Strategy::Drop],
            blocks_caller: &[],
            outcome_source: OutcomeSource::Call,
            keeps_maxsize: true,
            shutdown_delivers: true,
            most_fields: u32::MAX,
            carries_context: false,
        }
    }
}

/// The input for building a queue.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The case.
    pub parameters: Parameters,
    /// Seed of the queue's random draws.
    pub seed: u64,
}

/// The queue's own report: what it counted, and how its shutdown went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its counters by name. `enqueued`, `dropped`, `sampled_out`, `evicted` and `delivered` are compared with ours; where
    /// [`About::outcome_source`] is the counter, `dropped` is the number of dropped logs.
    pub counters: BTreeMap<String, u64>,
    /// Records that it accepted and reports as not delivered.
    pub admitted: u64,
    /// Largest number of records in it at once; `None` if it does not report that.
    pub depth_high_water: Option<u64>,
}

/// A queue under load. Implement this to put your own under load.
///
/// Everything inside [`Self::log`] is timed as the caller's cost. So build the record there, as a service would.
/// Each record carries the entry's [`Stamp`], as two words or as text, and ends in [`CountingSink::deliver`].
pub trait Queue: Sized + Send + Sync + 'static {
    /// The properties of the queue.
    const ABOUT: About;

    /// Builds the queue so that it delivers to `sink`.
    ///
    /// # Errors
    /// Why it cannot be built, in words.
    fn build(setup: &Setup, sink: Sink) -> Result<Self, String>;

    /// Logs one record under the strategy of the case. If the call does not return the outcome of the record, the
    /// answer is [`Reply::UNKNOWN`], and [`About::outcome_source`] says how the outcome is known instead.
    fn log(&self, entry: &Entry<'_>) -> impl Future<Output = Reply> + Send;

    /// Carries on with a task: `work` makes some of its calls. A queue whose library keeps the context of a task beside its
    /// records, as `tracing` does with spans, enters it here, and makes it in [`Self::build`]. What happens before and after
    /// `work` is no part of a call, and is not timed. It may be called on another thread each time.
    ///
    /// The default enters nothing.
    fn within<R>(&self, task: u32, work: impl FnOnce() -> R) -> R {
        let _ = task;
        work()
    }

    /// Delivers the remaining records, for at most `deadline`, and returns the account. Called once, after the last
    /// call has returned.
    ///
    /// The default drops the queue, which must deliver the remaining records, and returns an empty account.
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

    /// The context of every task.
    pub fn context(&self) -> Context {
        Context::of(self.parameters.context)
    }

    /// Whether the case asks the queue to block while it is full.
    pub fn blocks(&self) -> bool {
        self.parameters.strategy == Strategy::Block
    }
}
