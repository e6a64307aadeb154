//! The counts that must add up.

use std::sync::atomic::{AtomicU64, Ordering};

/// A consistent snapshot of a queue's counts: records since its start, unless a field says otherwise.
///
/// `enqueued = delivered + sink_errors + abandoned + evicted + depth + in_hand`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Accepted into the queue.
    pub enqueued: u64,
    /// Refused because the queue was full, under `drop` and `sample`; under `drop-oldest` only where all places were
    /// taken by records that are just being written.
    pub dropped: u64,
    /// Refused by the decision of `sample`, while there was room.
    pub sampled_out: u64,
    /// Returned by `try_log` under `block` because the queue was full: the caller still has them.
    pub would_block: u64,
    /// Accepted, but with part of it left out, because it was larger than its slot while the text budget was used up.
    pub cut: u64,
    /// Delivered to the sink: its write returned Ok and, if it buffers, so did the flush after it.
    pub delivered: u64,
    /// Accepted but not delivered, because the sink's write or flush failed or panicked.
    pub sink_errors: u64,
    /// Flushes, not records, that failed or panicked.
    pub flush_errors: u64,
    /// Accepted, but not known to be delivered when the deadline of a shutdown passed.
    pub abandoned: u64,
    /// Accepted, and removed to make room for a newer record, under `drop-oldest`.
    pub evicted: u64,
    /// In the queue now; at most `maxsize`.
    pub depth: u64,
    /// Taken by the worker and not yet settled; at most `batch_size`.
    pub in_hand: u64,
    /// The highest `depth` so far.
    pub depth_high_water: u64,
}

/// How a shutdown ended. The counts are the queue's totals since its start, so a second shutdown returns the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Shutdown {
    /// Records delivered to the sink.
    pub delivered: u64,
    /// Records that were accepted but not known to be delivered by the deadline. The record that the sink was writing
    /// (or the batch, if the sink buffers) may still arrive.
    pub abandoned: u64,
    /// Records that the sink failed to deliver.
    pub sink_errors: u64,
    /// Whether the worker had settled every record, and dropped the sink, before the deadline.
    pub completed: bool,
}

/// The outcome of the records that the worker took. Written by the worker, and by a shutdown that gives up on it.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    pub(super) delivered: u64,
    pub(super) sink_errors: u64,
    pub(super) flush_errors: u64,
    pub(super) abandoned: u64,
    pub(super) in_hand: u64,
    /// The worker has ended.
    pub(super) finished: bool,
    /// A shutdown has given up. The records in hand are `abandoned`, and the worker must not settle them any more: they
    /// would be counted twice.
    pub(super) written_off: bool,
}

/// The records of the batch in hand that were delivered one by one and are not yet in [`Deliveries`]: the worker adds to
/// it without a lock. Everything else happens under the lock of the deliveries.
///
/// The count and the end share one word, so that a shutdown which gives up knows exactly how many records were delivered
/// before it, and at most the one that the sink was writing is delivered after it.
#[derive(Debug, Default)]
pub(super) struct Hand(AtomicU64);

/// The bit of [`Hand`] that says that its batch was written off.
const WRITTEN_OFF: u64 = 1 << 63;

impl Hand {
    /// Counts one record more; for the worker.
    #[inline]
    pub(super) fn add(&self) {
        // `Release`, with the `Acquire` of `delivered`: who sees the count also sees what the sink did.
        self.0.fetch_add(1, Ordering::Release);
    }

    /// Whether the batch was written off.
    #[inline]
    pub(super) fn is_written_off(&self) -> bool {
        self.0.load(Ordering::Relaxed) & WRITTEN_OFF != 0
    }

    /// Records that were delivered one by one; none once they are settled.
    pub(super) fn delivered(&self) -> u64 {
        let word = self.0.load(Ordering::Acquire);
        if word & WRITTEN_OFF == 0 { word } else { 0 }
    }

    /// Passes them on to be settled; for the worker, before a write-off.
    pub(super) fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }

    /// Passes them on to be settled, for the last time.
    pub(super) fn write_off(&self) -> u64 {
        self.0.fetch_or(WRITTEN_OFF, Ordering::Acquire)
    }
}

/// The outcome of a record in the worker's hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Delivered,
    SinkError,
}

impl Deliveries {
    /// Settles `records` of the records in hand; does nothing once they are written off.
    pub(super) fn settle(&mut self, records: u64, outcome: Settled) {
        if self.written_off {
            return;
        }
        self.in_hand -= records;
        match outcome {
            Settled::Delivered => self.delivered += records,
            Settled::SinkError => self.sink_errors += records,
        }
    }

    /// Gives up on the records in hand and on the `queued` ones behind them.
    pub(super) fn write_off(&mut self, queued: u64) {
        self.abandoned += queued + self.in_hand;
        self.in_hand = 0;
        self.written_off = true;
    }

    pub(super) fn shutdown(&self) -> Shutdown {
        Shutdown {
            delivered: self.delivered,
            abandoned: self.abandoned,
            sink_errors: self.sink_errors,
            completed: self.finished && !self.written_off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_after_a_write_off_counts_no_more() {
        let hand = Hand::default();
        (0..2).for_each(|_| hand.add());
        assert_eq!((hand.delivered(), hand.take(), hand.delivered()), (2, 2, 0));
        hand.add();
        assert_eq!((hand.is_written_off(), hand.write_off(), hand.is_written_off()), (false, 1, true));
        hand.add();
        assert_eq!(hand.delivered(), 0, "it was passed on");
    }
}
