//! The worker's side of the producers: where it reads next in each chain, and which record is the oldest of all.

#![expect(
    unsafe_code,
    reason = "published slots are read through pointers; the worker is alone with what it has taken"
)]

use super::core::Core;
use super::pool::CHUNK;
use super::producer::Producer;
use super::slot::{release, ticks_of};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Ticks by which a number is too large to be only that of another CPU's clock: a second or two.
const FAR: u64 = 1 << 32;

/// Where the worker reads next in the chain of one producer.
#[derive(Debug)]
pub(super) struct Lane {
    chunk: u32,
    used: u32,
    taken: u64,
}

/// Records in a row, taken from one chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) chunk: u32,
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Lane {
    pub(super) fn new(chunk: u32) -> Self {
        Self { chunk, used: 0, taken: 0 }
    }

    /// Records that can be taken.
    pub(super) fn ready(&self, producer: &Producer) -> u64 {
        producer.published() - self.taken
    }

    /// The number of the next record; there is one.
    fn head(&mut self, core: &Core) -> u64 {
        if self.used == CHUNK {
            let next = core.pool.next(self.chunk);
            core.pool.done(self.chunk, 1);
            (self.chunk, self.used) = (next, 0);
        }
        number(core, self.chunk, self.used)
    }

    /// Takes the next records while their numbers are below `limit`: at most `most`, and only from one chunk.
    fn take(&mut self, core: &Core, limit: u64, most: u64) -> Run {
        let from = self.used;
        let end = u64::from(from).saturating_add(most).min(CHUNK.into()) as u32;
        let below = |index: u32| number(core, self.chunk, index) < limit;
        // Numbers rise within a chain, so the last one often answers for all.
        let to = if below(end - 1) { end } else { (from + 1..end).find(|&index| !below(index)).unwrap_or(end) };
        self.used = to;
        self.taken += u64::from(to - from);
        Run { chunk: self.chunk, from, to }
    }

    /// Frees the memory that the remaining records have outside of their slots.
    pub(super) fn release(&mut self, core: &Core, producer: &Producer) {
        for _ in 0..self.ready(producer) {
            self.head(core);
            // SAFETY: the record is published, was not taken, and nobody reads it after this.
            unsafe { release(core.pool.slot(self.chunk, self.used)) };
            self.used += 1;
            self.taken += 1;
        }
    }
}

/// Frees records that were taken, without reading them.
pub(super) fn discard_run(core: &Core, run: Run) {
    for index in run.from..run.to {
        // SAFETY: the record was taken, and nobody else has the run.
        let text = unsafe { release(core.pool.slot(run.chunk, index)) };
        if text > 0 {
            core.release_text(text as u64);
        }
    }
    core.pool.done(run.chunk, run.to - run.from);
}

fn number(core: &Core, chunk: u32, index: u32) -> u64 {
    core.pool.witness(chunk, index, false);
    // SAFETY: callers ask for published records only.
    unsafe { ticks_of(core.pool.slot(chunk, index)) }
}

/// Whether the number is from before the clock went back, as it may after the machine was suspended: a published record has
/// none that is still to come. Otherwise the worker would wait for that time to come again.
fn is_of_another_time(core: &Core, number: u64) -> bool {
    number > core.ticker.cut().saturating_add(FAR)
}

/// Takes up to `most` records from all producers, in the order of their numbers, and says how many.
///
/// The order is right although callers go on logging: `cut` is read before the producers are, so every record with a
/// smaller number than `cut`, and every record before it, is visible by then. Later records wait for the next batch.
/// Without the cut, a record could be taken before an earlier one of a producer that was read too soon.
pub(super) fn merge(
    core: &Core,
    producers: &[Arc<Producer>],
    lanes: &mut [Lane],
    most: u64,
    runs: &mut Vec<Run>,
) -> u64 {
    let cut = core.ticker.cut();
    let mut ready: Vec<u64> = lanes.iter().zip(producers).map(|(lane, producer)| lane.ready(producer)).collect();
    let mut heads = BinaryHeap::new();
    for (index, lane) in lanes.iter_mut().enumerate().filter(|(index, _)| ready[*index] > 0) {
        heads.push(Reverse((lane.head(core), index)));
    }
    let mut taken = 0;
    while taken < most {
        let Some(Reverse((head, index))) = heads.pop() else { break };
        if head >= cut && !is_of_another_time(core, head) {
            break;
        }
        // Stops at the oldest record of another producer.
        let limit = heads.peek().map_or(cut, |Reverse((other, _))| cut.min(*other)).max(head.saturating_add(1));
        let run = lanes[index].take(core, limit, ready[index].min(most - taken));
        let length = u64::from(run.to - run.from);
        runs.push(run);
        taken += length;
        ready[index] -= length;
        if ready[index] > 0 {
            heads.push(Reverse((lanes[index].head(core), index)));
        }
    }
    taken
}
