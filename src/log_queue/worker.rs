//! The thread that delivers.

use super::config::StartError;
use super::counters::Settled;
use super::record::Record;
use super::shared::Shared;
use super::sink::Sink;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// The buffers of a worker, allocated before it starts.
pub(super) struct Worker<S> {
    sink: S,
    buffers: bool,
    batch: Vec<Record>,
    wakers: Vec<Waker>,
}

impl<S: Sink> Worker<S> {
    pub(super) fn new(sink: S, largest_batch: usize) -> Result<Self, StartError> {
        let mut batch = Vec::new();
        batch.try_reserve_exact(largest_batch).map_err(|_| StartError::Memory(largest_batch))?;
        Ok(Self { buffers: sink.buffers(), sink, batch, wakers: Vec::new() })
    }

    /// Delivers until the queue is closed and empty, or written off. The sink is dropped before the end is announced,
    /// so that a caller of `shutdown` can rely on a closed file.
    pub(super) fn run(mut self, shared: &Shared) {
        while shared.take(&mut self.batch, &mut self.wakers) {
            for waker in self.wakers.drain(..) {
                contain(|| waker.wake());
            }
            let go_on = self.deliver(shared);
            self.batch.clear();
            if !go_on {
                break;
            }
        }
        contain(|| drop(self.sink));
        shared.finish();
    }

    /// Writes the batch and flushes; false if it was written off meanwhile.
    fn deliver(&mut self, shared: &Shared) -> bool {
        let mut held = 0;
        for record in &self.batch {
            let written = succeeds(|| self.sink.write(record));
            let go_on = if written && self.buffers {
                held += 1;
                shared.settle(0, Settled::Delivered)
            } else {
                shared.settle(1, outcome(written))
            };
            if !go_on {
                return false;
            }
        }
        let flushed = succeeds(|| self.sink.flush());
        if !flushed {
            shared.count_flush_error();
        }
        shared.settle(held, outcome(flushed))
    }
}

fn outcome(success: bool) -> Settled {
    if success { Settled::Delivered } else { Settled::SinkError }
}

fn succeeds(call: impl FnOnce() -> io::Result<()>) -> bool {
    matches!(contain(call), Some(Ok(())))
}

/// Runs user code; `None` if it panicked. The worker never looks at the state of that code, so a half-changed state
/// cannot affect it.
fn contain<T>(call: impl FnOnce() -> T) -> Option<T> {
    let payload = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => return Some(value),
        Err(payload) => payload,
    };
    // The payload is the user's, too, and may panic when it is dropped. The payload of that second panic is leaked:
    // dropping it could panic again.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(second);
    }
    None
}
