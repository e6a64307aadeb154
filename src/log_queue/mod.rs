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
//! | `DropOldest` | removes the oldest record and enters the new one | the same | `evicted` |
//! | `Sample` | returns the record | the same | `dropped` |
//!
//! Under `Sample`, a record that arrives while the queue is at least 80 % full, but not full, is kept with probability
//! [`Config::sample_rate`]. A record that is not kept is counted as `sampled_out`.
//!
//! # What is bounded
//!
//! Over all threads, the queue never holds more than [`Config::maxsize`] records that are accepted and not yet taken by
//! the worker ([`Counters::depth`]). It refuses a record for lack of room only if it holds exactly that many, or if the
//! rest is promised to callers that wait. A place becomes free when the worker takes the record into its batch. So at
//! most [`Config::batch_size`] further records are in the worker's hand ([`Counters::in_hand`]). Waiters are promised
//! places in the order in which they came: as many each as the worker empties in 100 µs, up to 128, one for the record and
//! the others for the next records of the same thread. A thread never holds more than 128 such places; the rest passes to the
//! next waiters. A waiter keeps its places until it is polled or dropped: a future of `log` that is kept but never polled
//! again blocks them for others.
//!
//! A record of up to 240 bytes lies in the queue's own memory, which is allocated at the start. A text takes its
//! length, rounded up to a multiple of 8. A field takes 8 bytes, 8 more for a static name, and 8 more for a number.
//! Larger records take a block of memory each, within [`Config::text_budget`].
//!
//! # What is in order
//!
//! If one call of `log` returns before another begins, in the sense of happens-before, its record is delivered first.
//! So the records of a thread are in order. So are those of an async task, whatever threads it runs on, and those of
//! two tasks if one waits for the other. (On x86-64 this relies on an invariant TSC. Elsewhere callers share a
//! counter.)
//!
//! # What is counted
//!
//! In every snapshot, `enqueued = delivered + sink_errors + abandoned + evicted + depth + in_hand` ([`LogQueue::counters`]).
//! Every offered record is either accepted or returned with a [`Reason`].
//!
//! # When it is delivered
//!
//! A batch is delivered when it is complete, or when its oldest record has waited for [`Config::batch_timeout`]. The worker
//! looks by itself: under traffic after 1 to 10 ms, sooner if the queue fills up meanwhile; when idle, every 50 ms; never
//! later than `batch_timeout` allows. A caller wakes the worker only if the queue has become half full, a caller has to wait
//! or is refused, or the worker has been idle; with a `batch_timeout` below a millisecond, whenever the worker has nothing
//! to do. If the process is aborted or killed, records accepted within the last `batch_timeout` may be lost, and those that a
//! sink has not written yet.
//!
//! # What is written
//!
//! [`FileSink`] and [`StdoutSink`] write one line for each record, in the [`Format`] that they are made with: JSON
//! ([`RecordRef::write_json`]), or text for people ([`RecordRef::write_text`]). Whatever a record contains, its line is one line, and
//! no control character of a text gets through as it is.
//!
//! docs/QUEUE.md says why it is built this way, and argues that it is correct.

mod bytes;
mod config;
mod core;
mod counters;
#[cfg(all(test, any(feature = "log", feature = "tracing")))]
mod fixture;
mod format;
mod guard;
mod json;
mod lane;
mod line;
mod local;
#[cfg(feature = "log")]
mod log_backend;
mod names;
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
mod text;
mod time;
#[cfg(feature = "tracing")]
mod tracing_layer;
mod wait;
mod worker;

#[cfg(all(test, loom_models))]
mod loom_tests;
#[cfg(all(test, not(loom_models)))]
mod racing_tests;
#[cfg(all(test, not(loom_models)))]
mod state_tests;
#[cfg(all(test, not(loom_models)))]
mod tests;

pub use config::{Config, StartError, Strategy};
pub use counters::{Counters, Shutdown};
pub use guard::{Guard, log_panics};
pub use line::{Format, FormatError};
#[cfg(feature = "log")]
pub use log_backend::{FilterError, QueueLogger};
pub use queue::{Accepted, DROP_DEADLINE, LogQueue, Reason, Refused};
pub use record::{Field, Fields, Level, Name, Record, Value};
pub use sink::{FileSink, NullSink, Sink, StdoutSink, TallySink};
pub use slot::{RecordFields, RecordRef};
#[cfg(feature = "tracing")]
pub use tracing_layer::QueueLayer;
