//! The handle that a service holds.

use super::config::{Config, StartError};
use super::counters::{Counters, Shutdown};
use super::record::{Fields, Record};
use super::shared::Shared;
use super::sink::Sink;
use super::wait::{Entry, Logging, block_on};
use super::worker::Worker;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long dropping the last handle waits for the queue to drain.
pub const DROP_DEADLINE: Duration = Duration::from_secs(1);

/// The record is in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Whether the caller had to wait for room.
    pub waited: bool,
}

/// The record was not entered and is returned here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refused<'a, F = ()> {
    /// Why it was refused.
    pub reason: Reason,
    /// The record, as it was given.
    pub record: Record<'a, F>,
}

/// Why a record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The queue was full.
    Full,
    /// The strategy `sample` thinned it out.
    SampledOut,
    /// The queue accepts nothing more.
    Closed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full => "the queue is full",
            Self::SampledOut => "sampled out",
            Self::Closed => "the queue is closed",
        })
    }
}

impl<F> fmt::Display for Refused<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<F: fmt::Debug> std::error::Error for Refused<'_, F> {}

/// A handle on a logging queue; clones share the queue. See the [module](super) for how it behaves.
///
/// If the last handle is dropped without a [`LogQueue::shutdown`], the queue is closed, and the drop waits until it has
/// drained, for at most [`DROP_DEADLINE`]. After that nothing is abandoned: the worker continues while the process
/// lives, and ends when the queue is empty. A sink that holds a handle on its own queue keeps the queue open until
/// `shutdown` is called.
#[derive(Clone)]
pub struct LogQueue {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
}

impl LogQueue {
    /// Allocates the queue and starts its worker, a thread named `log-queue`.
    ///
    /// # Errors
    ///
    /// A setting is out of bounds, or there is no memory for the queue and a batch, or no thread.
    pub fn start(config: Config, sink: impl Sink + 'static) -> Result<Self, StartError> {
        let shared = Arc::new(Shared::new(config)?);
        let worker = Worker::new(sink, &shared);
        thread::Builder::new()
            .name("log-queue".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || worker.run(&shared)
            })
            .map_err(StartError::Thread)?;
        Ok(Self { handle: Arc::new(Handle { shared }) })
    }

    /// Enters the record if that is possible at once; never waits for room.
    ///
    /// # Errors
    ///
    /// The record, if the queue was full, `sample` thinned it out, or the queue is closed.
    #[inline(always)]
    pub fn try_log<'a, F: Fields>(&self, record: Record<'a, F>) -> Result<Accepted, Refused<'a, F>> {
        if self.enters(&record) { Ok(Accepted { waited: false }) } else { self.try_slowly(record) }
    }

    /// Enters the record if that needs no lock.
    ///
    /// Where it does not, the record must be passed on by value. If its address were, the compiler would have to keep it
    /// in memory, and could not use what it knows about it.
    #[inline(always)]
    fn enters<F: Fields>(&self, record: &Record<'_, F>) -> bool {
        self.handle.shared.enter_quickly(record)
    }

    #[cold]
    #[inline(never)]
    fn try_slowly<'a, F: Fields>(&self, record: Record<'a, F>) -> Result<Accepted, Refused<'a, F>> {
        self.handle.shared.offer(&record).map_err(|reason| Refused { reason, record })
    }

    /// Enters the record; under `block` waits for room, first come, first served. Under the other strategies it is
    /// [`LogQueue::try_log`].
    ///
    /// If there is room, the call itself enters the record, and the future is done from the start. Otherwise the call
    /// allocates a place for the record, and the future waits or returns it. On the worker's own thread, in a sink or a waker,
    /// it does not wait: nobody else makes room. Such a record is returned, and counted as `would_block`.
    ///
    /// Cancel-safe: if the future is dropped before it is done, the record is dropped with it and was not entered, and
    /// no place is lost.
    ///
    /// # Errors
    ///
    /// The record, if the queue is closed or becomes closed; under `drop` and `sample` also if there is no room.
    #[inline(always)]
    pub fn log<'a, F: Fields>(&self, record: Record<'a, F>) -> impl Future<Output = Result<Accepted, Refused<'a, F>>> {
        if self.enters(&record) { Logging::Done } else { self.wait(record) }
    }

    #[cold]
    #[inline(never)]
    fn wait<'a, F: Fields>(&self, record: Record<'a, F>) -> Logging<'_, 'a, F> {
        Logging::Waiting(Box::new(Entry::new(&self.handle.shared, record)))
    }

    /// [`LogQueue::log`] for a thread outside a runtime: parks it while it waits.
    ///
    /// # Errors
    ///
    /// As [`LogQueue::log`].
    #[inline(always)]
    pub fn log_blocking<'a, F: Fields>(&self, record: Record<'a, F>) -> Result<Accepted, Refused<'a, F>> {
        if self.enters(&record) { Ok(Accepted { waited: false }) } else { self.block(record) }
    }

    #[cold]
    #[inline(never)]
    fn block<'a, F: Fields>(&self, record: Record<'a, F>) -> Result<Accepted, Refused<'a, F>> {
        block_on(Entry::new(&self.handle.shared, record))
    }

    /// The counts at this moment, consistent with each other.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.handle.shared.counters()
    }

    /// Whether this is the worker's thread, which runs the sink.
    pub(super) fn is_worker(&self) -> bool {
        self.handle.shared.is_worker()
    }

    /// Has the worker deliver what is in the queue, although no batch is due yet.
    #[cfg(feature = "log")]
    pub(super) fn hurry(&self) {
        self.handle.shared.hurry();
    }

    /// Stops accepting records. Callers that wait for room get their records back. Queued records are still delivered
    /// in the background.
    pub fn close(&self) {
        self.handle.shared.close();
    }

    /// Whether the queue has been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.handle.shared.is_closed()
    }

    /// Closes the queue and waits until everything is delivered, for at most `deadline`. Records that are not known to
    /// be delivered by then are abandoned, even if the sink hangs in a write. (A thread that hangs there cannot be
    /// ended. It lasts as long as that write and delivers nothing more.)
    ///
    /// Blocks its thread; in async code, call it from a thread for blocking work. A second call returns the same answer
    /// at once. If the sink calls it, it can only run into its deadline.
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        let shared = &self.handle.shared;
        shared.close();
        shared.wait_for_end(deadline);
        shared.write_off()
    }
}

impl fmt::Debug for LogQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogQueue").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
        // The worker itself drops the last handle if the sink held it; it cannot wait for its own end.
        if !self.shared.is_worker() {
            self.shared.wait_for_end(DROP_DEADLINE);
        }
    }
}
