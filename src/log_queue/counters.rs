//! The counts that must add up.

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
