//! The thread that delivers records.

#![expect(unsafe_code, reason = "records are read where they lie; the worker is alone with what it has taken")]

use super::config::Strategy;
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

/// Under `block`, a batch takes no more records than the sink writes in this time: their places are given out at once, and
/// who comes too late for one waits until all of them are written.
const WRITING: Duration = Duration::from_millis(1);
/// Or in so many times the time of a flush, where that is longer: small batches cost no more than a fifth of the sink's time.
const PER_FLUSH: u32 = 4;

/// A worker with its buffers.
pub(super) struct Worker<S> {
    sink: S,
    buffers: bool,
    /// The largest number of records to take at once.
    most: u64,
    runs: Vec<Run>,
    wakers: Vec<Waker>,
    wall: Wall,
    wall_set: Instant,
}

impl<S: Sink> Worker<S> {
    pub(super) fn new(sink: S, shared: &Shared) -> Self {
        let wall = Wall::new(&shared.core.ticker);
        let buffers = sink.buffers();
        let (runs, wakers) = (Vec::new(), Vec::new());
        // How long the sink takes is only known after the first record.
        let most = if shared.core.config.strategy == Strategy::Block { 1 } else { u64::MAX };
        Self { sink, buffers, most, runs, wakers, wall, wall_set: Instant::now() }
    }

    /// Delivers until the queue is closed and empty, or written off. The sink is dropped before the end is announced,
    /// so that a caller of `shutdown` can rely on a closed file.
    pub(super) fn run(mut self, shared: &Shared) {
        shared.begin();
        while shared.take(self.most, &mut self.runs, &mut self.wakers) {
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
        let began = Instant::now();
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
        let wrote = began.elapsed();
        let go_on = !shared.is_over() && self.flush(shared, held);
        if core.config.strategy == Strategy::Block {
            let records = runs.iter().map(|run| u64::from(run.to - run.from)).sum();
            self.most = most_at_once(records, wrote, began.elapsed() - wrote);
        }
        self.runs = runs;
        go_on
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

/// How many records to take at once, after a batch of `records`.
fn most_at_once(records: u64, wrote: Duration, flushed: Duration) -> u64 {
    let time = WRITING.max(flushed.saturating_mul(PER_FLUSH));
    let most = u128::from(records) * time.as_nanos() / wrote.as_nanos().max(1);
    u64::try_from(most).unwrap_or(u64::MAX).max(1)
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
pub(super) fn contain<T>(call: impl FnOnce() -> T) -> Option<T> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_records_are_taken_as_the_sink_writes_in_a_millisecond_or_in_four_flushes() {
        let most = |records, wrote, flushed| {
            most_at_once(records, Duration::from_micros(wrote), Duration::from_micros(flushed))
        };
        let cases = [
            ("a fast sink", most(512, 50, 0), 10_240),
            ("one that takes a tenth of a millisecond", most(512, 51_200, 0), 10),
            ("one that takes a millisecond", most(3, 3_000, 0), 1),
            ("one that hangs", most(1, 60_000_000, 0), 1),
            ("a flush that costs little", most(10, 1_000, 250), 10),
            ("a flush of five milliseconds", most(10, 1_000, 5_000), 200),
            ("a write that takes no time", most(10, 0, 0), 10_000_000),
            ("nothing written", most(0, 0, 0), 1),
        ];
        for (what, most, expected) in cases {
            assert_eq!(most, expected, "{what}");
        }
    }
}
