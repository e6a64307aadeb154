//! The thread that delivers records.

#![expect(unsafe_code, reason = "records are read where they lie; the worker is alone with what it has taken")]

use super::core::Core;
use super::counters::Settled;
use super::lane::Run;
use super::shared::Shared;
use super::sink::Sink;
use super::slot::{RecordRef, release};
use super::time::Wall;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Time between two settings of the wall clock by the system's clock.
const SET_CLOCK: Duration = Duration::from_secs(1);

/// The buffers of a worker.
pub(super) struct Worker<S> {
    sink: S,
    buffers: bool,
    runs: Vec<Run>,
    wakers: Vec<Waker>,
    wall: Wall,
    wall_set: Instant,
}

impl<S: Sink> Worker<S> {
    pub(super) fn new(sink: S, shared: &Shared) -> Self {
        let wall = Wall::new(&shared.core.ticker);
        Self { buffers: sink.buffers(), sink, runs: Vec::new(), wakers: Vec::new(), wall, wall_set: Instant::now() }
    }

    /// Delivers until the queue is closed and empty, or written off. The sink is dropped before the end is announced,
    /// so that a caller of `shutdown` can rely on a closed file.
    pub(super) fn run(mut self, shared: &Shared) {
        shared.begin();
        while shared.take(&mut self.runs, &mut self.wakers) {
            for waker in self.wakers.drain(..) {
                contain(|| waker.wake());
            }
            if self.runs.is_empty() {
                continue;
            }
            if self.wall_set.elapsed() >= SET_CLOCK {
                self.wall.set();
                self.wall_set = Instant::now();
            }
            let go_on = self.deliver(shared);
            self.runs.clear();
            if !go_on {
                break;
            }
        }
        contain(|| drop(self.sink));
        shared.finish();
    }

    /// Writes the batch and flushes; false if it was written off meanwhile.
    fn deliver(&mut self, shared: &Shared) -> bool {
        let core = &shared.core;
        let runs = mem::take(&mut self.runs);
        let mut held = 0;
        for run in &runs {
            let mut next = run.from;
            while next < run.to {
                // Many records share one `catch_unwind`: setting it up costs as much as a short write.
                if contain(|| self.write(shared, run, &mut next, &mut held)).is_none() {
                    // The sink has panicked at this record.
                    release_slot(core, core.pool.slot(run.chunk, next));
                    next += 1;
                    shared.settle(1, Settled::SinkError);
                }
            }
            core.pool.done(run.chunk, run.to - run.from);
        }
        self.runs = runs;
        !shared.is_over() && self.flush(shared, held)
    }

    /// Writes the records of a run from `next` on; adds those that the sink buffers to `held`.
    #[inline]
    fn write(&mut self, shared: &Shared, run: &Run, next: &mut u32, held: &mut u64) {
        while *next < run.to {
            let slot = shared.core.pool.slot(run.chunk, *next);
            if !shared.is_over() {
                // SAFETY: the record was published and taken, so it stays as it is until it is released below.
                let record = unsafe { RecordRef::new(slot, &self.wall) };
                match self.sink.write(&record) {
                    Ok(()) if self.buffers => *held += 1,
                    Ok(()) => shared.delivered_one(),
                    Err(_) => {
                        shared.settle(1, Settled::SinkError);
                    }
                }
            }
            release_slot(&shared.core, slot);
            *next += 1;
        }
    }

    fn flush(&mut self, shared: &Shared, held: u64) -> bool {
        let flushed = succeeds(|| self.sink.flush());
        if !flushed {
            shared.count_flush_error();
        }
        shared.settle(held, outcome(flushed))
    }
}

/// Frees the memory that the record has outside of its slot. Nobody reads the record after this.
#[inline]
fn release_slot(core: &Core, slot: *mut u64) {
    // SAFETY: only the worker looks at what it has taken, and each record passes here once.
    let text = unsafe { release(slot) };
    if text > 0 {
        core.release_text(text as u64);
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
