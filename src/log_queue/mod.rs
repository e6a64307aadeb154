//! An asynchronous logging queue: many producers, one background worker, one sink.
//!
//! A service passes its log records to a [`LogQueue`] and continues. A thread named `log-queue` delivers them to a
//! [`Sink`] in batches. The module imports nothing else of this crate and needs no async runtime: [`LogQueue::log`] is
//! a plain future, [`LogQueue::log_blocking`] is its form for threads, and [`LogQueue::try_log`] never waits.
//!
//! ```
//! use queue_load::log_queue::{Config, TallySink, Level, LogQueue, Record, Strategy};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sink = TallySink::new();
//! let config = Config { maxsize: 1_000, strategy: Strategy::Block, ..Config::default() };
//! let queue = LogQueue::start(config, sink.clone())?;
//!
//! queue.log_blocking(Record::new(Level::Info, "request served").with("path", "/").with("status", 200_u16))?;
//! if let Err(refused) = queue.try_log(Record::new(Level::Warn, "slow request").with("seconds", 1.5)) {
//!     eprintln!("not logged: {refused}");
//! }
//!
//! let end = queue.shutdown(Duration::from_secs(1));
//! assert!(end.completed);
//! assert_eq!((end.delivered, end.abandoned), (2, 0));
//! assert_eq!(sink.count(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # When the queue is full
//!
//! | [`Strategy`] | `try_log` | `log`, `log_blocking` | counted |
//! |---|---|---|---|
//! | `Drop` | returns the record | the same | `dropped` |
//! | `Block` | returns the record | wait for room, first come, first served | `would_block` (`try_log` only) |
//! | `Sample` | returns the record | the same | `dropped` |
//!
//! Under `Sample`, a record that arrives while the queue is at least 80 % full, but not full, is kept with probability
//! [`Config::sample_rate`]. A record that is not kept is counted as `sampled_out`.
//!
//! # What is bounded
//!
//! The queue never holds more than [`Config::maxsize`] records that are accepted and not yet taken by the worker
//! ([`Counters::depth`]). A place becomes free when the worker takes the record into its batch. So at most
//! [`Config::batch_size`] further records are in the worker's hand ([`Counters::in_hand`]). A waiter that was promised
//! a place keeps it until it is polled or dropped: a future of `log` that is kept but never polled again blocks that
//! place for others.
//!
//! # What is counted
//!
//! In every snapshot, `enqueued = delivered + sink_errors + abandoned + depth + in_hand` ([`LogQueue::counters`]).
//! Every offered record is either accepted or returned with a [`Reason`].
//!
//! # As the logger of a service
//!
//! With the feature `tracing`, `QueueLayer` puts the macros of `tracing` onto a queue; with the feature `log`, `QueueLogger`
//! those of `log`. A [`Guard`] in `main` delivers what is left at the end, and [`log_panics`] logs what ends it.
//!
//! **What the end of a process loses.** The guard loses nothing that the sink can write within its deadline. Nothing runs
//! after an abort, `std::process::exit` or a signal that is not handled: what was logged within the last
//! [`Config::batch_timeout`] may then be lost, and what the worker had in hand. What [`FileSink`] has written belongs to the
//! kernel, and survives all of them, though not a failure of the machine.
//!
//! # Why it is built this way
//!
//! * There is one mutex around a ring that is allocated, and its memory touched, at the start. A lock-free ring is
//!   faster under contention. But the fill level for `Sample`, the order of waiters and the exact counters would each
//!   be a second structure to keep consistent with it. Here, a call holds the lock for one move of the record and a few
//!   additions.
//! * Waking a parked thread costs the caller more than the rest of the call. So the worker is not woken for each
//!   record. It is woken only when a batch is complete, or for the first record after an idle time. After each batch,
//!   the worker lingers for one `batch_timeout`, so that steady traffic never pays for first records.
//! * A freed place is promised to the first waiter before the lock is released, so that no later call overtakes it. The
//!   waiter enters its record itself: a cancelled wait has entered nothing, and its place passes to the next waiter.
//! * Deliveries are counted under a separate lock, on separate cache lines: the worker takes that lock for each record,
//!   and must not slow down the callers.

mod config;
mod core;
mod counters;
mod format;
mod guard;
mod json;
mod lane;
mod local;
#[cfg(feature = "log")]
mod log_backend;
mod pool;
mod producer;
mod queue;
mod record;
#[cfg(any(feature = "log", feature = "tracing"))]
mod scratch;
mod shared;
mod sink;
mod slot;
mod state;
mod sync;
mod time;
#[cfg(feature = "tracing")]
mod tracing_layer;
mod wait;
mod worker;

#[cfg(all(test, loom_models))]
mod loom_tests;
#[cfg(all(test, not(loom_models)))]
mod state_tests;
#[cfg(all(test, not(loom_models)))]
mod tests;

pub use config::{Config, StartError, Strategy};
pub use counters::{Counters, Shutdown};
pub use guard::{Guard, log_panics};
#[cfg(feature = "log")]
pub use log_backend::{FilterError, QueueLogger};
pub use queue::{Accepted, DROP_DEADLINE, LogQueue, Reason, Refused};
pub use record::{Field, Fields, Level, Name, Record, Value};
pub use sink::{FileSink, NullSink, Sink, StdoutSink, TallySink};
pub use slot::{RecordFields, RecordRef};
#[cfg(feature = "tracing")]
pub use tracing_layer::QueueLayer;
