//! An asynchronous logging queue: many producers, one background worker, one sink.
//!
//! A service hands its log records to a [`LogQueue`] and goes on; a thread named `log-queue` delivers them to a
//! [`Sink`] in batches. The room imports nothing else of this crate and needs no async runtime: [`LogQueue::log`] is a
//! plain future, [`LogQueue::log_blocking`] its form for threads, and [`LogQueue::try_log`] never waits.
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
//! | `Drop` | gives the record back | the same | `dropped` |
//! | `Block` | gives the record back | wait for room, first come, first served | `would_block` (`try_log` only) |
//! | `Sample` | gives the record back | the same | `dropped` |
//!
//! Under `Sample` a record that arrives while the queue is at least 80 % full, but not full, is kept with probability
//! [`Config::sample_rate`]; one that is not kept is counted as `sampled_out`.
//!
//! # What is bounded
//!
//! Records accepted and not yet taken by the worker never exceed [`Config::maxsize`]. A place is free again when the
//! worker takes the record into its batch, so at most [`Config::batch_size`] further records are in the worker's hand:
//! [`Counters::in_hand`], beside [`Counters::depth`]. A waiter to whom a place was promised holds that place until it
//! is polled or dropped: a future of `log` that is kept, but never polled again, keeps its place from the others.
//!
//! # What is counted
//!
//! At every moment, in every snapshot, `enqueued = delivered + sink_errors + abandoned + depth + in_hand`
//! ([`LogQueue::counters`]). Every record offered is either accepted or handed back with its [`Reason`].
//!
//! # Why it is built this way
//!
//! * One mutex around a ring allocated (and its memory touched) at the start. A lock-free ring is faster under
//!   contention, but the fullness that `Sample` needs, the order of waiters and exact counters would each be a second
//!   structure to keep in step with it. Here a call holds the lock for one move of the record and a few additions.
//! * Waking a parked thread costs its waker more than everything else in the call together. The worker is therefore
//!   not woken per record: only when a batch is complete, or for the first record after an idle spell, when nothing
//!   is timing it. After each batch the worker lingers for one `batch_timeout`, so that steady traffic never pays for
//!   first records.
//! * A freed place is promised to the first waiter before the lock is released, so that no later call overtakes it.
//!   The waiter enters its record itself: a wait that is cancelled has entered nothing, and its place passes on.
//! * Deliveries are counted under a lock of their own, on cache lines of their own, since the worker takes it for
//!   each record and must not slow the callers down.

mod config;
mod counters;
mod json;
mod queue;
mod record;
mod shared;
mod sink;
mod state;
mod wait;
mod worker;

#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod tests;

pub use config::{Config, StartError, Strategy};
pub use counters::{Counters, Shutdown};
pub use queue::{Accepted, DROP_DEADLINE, LogQueue, Reason, Refused};
pub use record::{Level, Record, Value};
pub use sink::{FileSink, NullSink, Sink, StdoutSink, TallySink};
