//! Records what the callers observe. Each sender thread has its own recorder; they are merged at the end.

use super::encoding::{Distribution, EncodingError};
use super::model::{Latencies, Latency};
use super::series::SeriesRecorder;
use super::stages::{StageRecorder, Watch};
use super::steady::{BlockRecorder, BlockSum};
use crate::load::{Call, Reply};
use std::sync::Mutex;

/// The latencies and the series of the calls that one thread made.
#[derive(Clone, Debug)]
pub struct Recorder {
    unblocked: Distribution,
    blocked: Distribution,
    /// Accepted calls of which it is unknown whether they waited.
    undistinguished: Distribution,
    rejected: Distribution,
    response: Distribution,
    response_ideal: Distribution,
    lateness: Distribution,
    series: SeriesRecorder,
    /// The same for each stage of the window, if it has any.
    stages: Option<Box<StageRecorder>>,
    /// `response` by blocks, if the window ends when the load is steady.
    blocks: Option<Box<BlockRecorder>>,
}

/// Counts so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Accepted calls.
    pub enqueued: u64,
    /// Refused calls.
    pub rejected: u64,
    /// Sum of the service times of the accepted calls, in nanoseconds.
    pub enqueue_ns: u128,
}

impl Recorder {
    /// A recorder for a window that begins at `start` and lasts `span` nanoseconds. It is one of `recorders`.
    pub fn new(start: u64, span: u64, recorders: usize) -> Self {
        Self {
            unblocked: Distribution::new(),
            blocked: Distribution::new(),
            undistinguished: Distribution::new(),
            rejected: Distribution::new(),
            response: Distribution::new(),
            response_ideal: Distribution::new(),
            lateness: Distribution::new(),
            series: SeriesRecorder::new(start, span, recorders),
            stages: None,
            blocks: None,
        }
    }

    /// Records one call.
    #[inline]
    pub fn record(&mut self, call: &Call) {
        let service = call.service();
        // A call is in exactly one of the four: `verdict::faults` compares their counts with the ledger's, and a call in two
        // of them would make every honest measurement an error.
        match call.reply {
            Reply::Enqueued { waited } => {
                match waited {
                    Some(false) => self.unblocked.record(service),
                    Some(true) => self.blocked.record(service),
                    None => self.undistinguished.record(service),
                }
                self.series.record_enqueued(call.start, service);
            }
            Reply::Dropped | Reply::SampledOut => {
                self.rejected.record(service);
                self.series.record_rejected(call.start);
            }
        }
        // Of refused calls too: a log that was refused has waited as well, and without it a queue would look faster the more it
        // refuses.
        self.response.record(call.response());
        self.response_ideal.record(call.response_ideal());
        self.lateness.record(call.lateness());
        if let Some(stages) = &mut self.stages {
            stages.record(call);
        }
        if let Some(blocks) = &mut self.blocks {
            blocks.record(call);
        }
    }

    /// Records calls in their order, and empties the buffer.
    pub fn record_all(&mut self, calls: &mut Vec<Call>) {
        calls.drain(..).for_each(|call| self.record(&call));
    }

    /// Records a log that was due at `intended` and never sent. Its responses are at least the waits so far, real and
    /// ideal, in nanoseconds.
    pub fn record_unsent(&mut self, intended: u64, waited: u64, waited_ideal: u64) {
        self.response.record_censored(waited);
        self.response_ideal.record_censored(waited_ideal);
        if let Some(stages) = &mut self.stages {
            stages.record_unsent(intended, waited);
        }
    }

    /// Records a log that was due at `intended` and that the generator never sent; it has waited for `waited`
    /// nanoseconds. There is no ideal response: without the generator's fault there would have been a call.
    pub fn record_given_up(&mut self, intended: u64, waited: u64) {
        self.response.record_censored(waited);
        if let Some(stages) = &mut self.stages {
            stages.record_given_up(intended, waited);
        }
    }

    /// All but the blocks, which [`Recorders::block`] sums while the load runs: after it, nobody asks for them.
    fn add(&mut self, other: &Self) -> Result<(), EncodingError> {
        self.unblocked.add(&other.unblocked)?;
        self.blocked.add(&other.blocked)?;
        self.undistinguished.add(&other.undistinguished)?;
        self.rejected.add(&other.rejected)?;
        self.response.add(&other.response)?;
        self.response_ideal.add(&other.response_ideal)?;
        self.lateness.add(&other.lateness)?;
        self.series.add(&other.series);
        self.stages.iter_mut().zip(&other.stages).try_for_each(|(ours, theirs)| ours.add(theirs))
    }

    fn so_far(&self) -> SoFar {
        let accepted = [&self.unblocked, &self.blocked, &self.undistinguished];
        SoFar {
            enqueued: accepted.iter().map(|part| part.count()).sum(),
            rejected: self.rejected.count(),
            enqueue_ns: accepted.iter().map(|part| part.sum_ns()).sum(),
        }
    }

    /// The latencies in the form in which they are sent; `delivery` comes from the sink.
    ///
    /// # Errors
    /// More values than can be counted exactly.
    pub fn to_latencies(&self, delivery: Latency) -> Result<Latencies, EncodingError> {
        let mut enqueue = self.unblocked.clone();
        enqueue.add(&self.blocked)?;
        enqueue.add(&self.undistinguished)?;
        // One call of which it is unknown spoils both: without it, `unblocked` and `blocked` would not add up to `enqueue`, and
        // each would be a selection. So both are null, not almost right.
        let known = self.undistinguished.count() == 0;
        Ok(Latencies {
            enqueue: enqueue.encode(),
            unblocked: known.then(|| self.unblocked.encode()),
            blocked: known.then(|| self.blocked.encode()),
            rejected: self.rejected.encode(),
            response: self.response.encode(),
            response_ideal: self.response_ideal.encode(),
            delivery,
            lateness: self.lateness.encode(),
            lag_before: None,
            lag: None,
            timer_lag_before: None,
            timer_lag: None,
        })
    }

    /// The generator's own lateness so far.
    pub fn lateness(&self) -> Latency {
        self.lateness.encode()
    }

    /// What is kept apart for each stage; `None` if the window has none.
    pub fn stages(&self) -> Option<&StageRecorder> {
        self.stages.as_deref()
    }

    /// The series so far.
    pub fn series(&self) -> &SeriesRecorder {
        &self.series
    }
}

/// A recorder on its own cache lines, so that threads do not slow each other down. 128 bytes, since processors fetch lines of 64
/// bytes in pairs.
#[repr(align(128))]
#[derive(Debug)]
struct Shard(Mutex<Recorder>);

/// One [`Recorder`] for each sender thread. The locks are needed only for the progress display and for the merge; a
/// sender thread always finds its own lock free.
#[derive(Debug)]
pub struct Recorders {
    shards: Vec<Shard>,
}

impl Recorders {
    /// Recorders for `threads` sender threads and a window that begins at `start` and lasts `span` nanoseconds.
    pub fn new(threads: usize, start: u64, span: u64) -> Self {
        let empty = Recorder::new(start, span, threads);
        Self { shards: (0..threads.max(1)).map(|_| Shard(Mutex::new(empty.clone()))).collect() }
    }

    /// Keeps the stages of the window apart, if there is something to watch.
    #[must_use]
    pub fn in_stages(mut self, watch: Option<&Watch>) -> Self {
        for shard in &mut self.shards {
            let recorder = shard.0.get_mut().expect("nothing is recorded yet");
            recorder.stages = watch.map(|watch| Box::new(StageRecorder::new(watch)));
        }
        self
    }

    /// Keeps the latest blocks of `width` nanoseconds from `start` apart, if a width is given.
    #[must_use]
    pub fn in_blocks(mut self, start: u64, width: Option<u64>) -> Self {
        for shard in &mut self.shards {
            let recorder = shard.0.get_mut().expect("nothing is recorded yet");
            recorder.blocks = width.map(|width| Box::new(BlockRecorder::new(start, width)));
        }
        self
    }

    /// What all threads recorded of a block; it must be among the latest ones.
    pub fn block(&self, number: u64) -> BlockSum {
        let mut sum = BlockSum::default();
        for thread in 0..self.shards.len() {
            self.with(thread, |recorder| recorder.blocks.iter().for_each(|blocks| sum.add(number, blocks)));
        }
        sum
    }

    /// Calls `f` with the recorder of a sender thread.
    #[inline]
    pub fn with<R>(&self, thread: usize, f: impl FnOnce(&mut Recorder) -> R) -> R {
        f(&mut self.shards[thread].0.lock().expect("recording does not panic"))
    }

    /// Counts so far, over all threads.
    pub fn so_far(&self) -> SoFar {
        (0..self.shards.len()).map(|thread| self.with(thread, |recorder| recorder.so_far())).fold(
            SoFar::default(),
            |sum, part| SoFar {
                enqueued: sum.enqueued + part.enqueued,
                rejected: sum.rejected + part.rejected,
                enqueue_ns: sum.enqueue_ns + part.enqueue_ns,
            },
        )
    }

    /// Merges all recorders into one.
    ///
    /// # Errors
    /// More values than can be counted exactly.
    pub fn merge(&self) -> Result<Recorder, EncodingError> {
        let mut all = self.with(0, |recorder| recorder.clone());
        (1..self.shards.len()).try_for_each(|thread| self.with(thread, |recorder| all.add(recorder)))?;
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(reply: Reply, service: u64) -> Call {
        Call { intended: 100, ideal: 110, start: 150, end: 150 + service, reply }
    }

    fn delivery() -> Latency {
        Distribution::new().encode()
    }

    #[test]
    fn every_call_is_in_exactly_the_latencies_that_are_about_it() {
        let mut recorder = Recorder::new(0, 1_000, 1);
        recorder.record(&call(Reply::Enqueued { waited: Some(false) }, 1));
        recorder.record(&call(Reply::Enqueued { waited: Some(true) }, 2));
        recorder.record(&call(Reply::Dropped, 4));
        recorder.record(&call(Reply::SampledOut, 8));
        recorder.record_unsent(500, 1_000, 900);
        recorder.record_given_up(600, 2_000);
        let latencies = recorder.to_latencies(delivery()).unwrap();
        let sums = [
            &latencies.enqueue,
            &latencies.rejected,
            &latencies.response,
            &latencies.response_ideal,
            &latencies.lateness,
        ]
        .map(|latency| (latency.count, latency.sum_ns));
        assert_eq!(sums, [(2, 3), (2, 12), (6, 4 * 50 + 15 + 3_000), (5, 4 * 10 + 15 + 900), (4, 160)]);
        assert_eq!(latencies.unblocked.map(|latency| latency.sum_ns), Some(1));
        assert_eq!(latencies.blocked.map(|latency| latency.sum_ns), Some(2));
        assert_eq!(
            (latencies.response.censored, latencies.response_ideal.censored, latencies.lateness.censored),
            (2, 1, 0)
        );
    }

    #[test]
    fn what_cannot_be_told_apart_is_none() {
        let mut recorder = Recorder::new(0, 1_000, 1);
        recorder.record(&call(Reply::Enqueued { waited: Some(false) }, 1));
        recorder.record(&call(Reply::Enqueued { waited: None }, 2));
        let latencies = recorder.to_latencies(delivery()).unwrap();
        assert_eq!((latencies.enqueue.count, latencies.unblocked, latencies.blocked), (2, None, None));
    }

    #[test]
    fn merging_adds_all_threads() {
        let recorders = Recorders::new(3, 0, 1_000);
        for thread in 0..3 {
            recorders.with(thread, |recorder| recorder.record(&call(Reply::Enqueued { waited: Some(false) }, 7)));
        }
        recorders.with(2, |recorder| recorder.record(&call(Reply::Dropped, 1)));
        assert_eq!(recorders.so_far(), SoFar { enqueued: 3, rejected: 1, enqueue_ns: 21 });
        let merged = recorders.merge().unwrap();
        assert_eq!(merged.so_far(), recorders.so_far());
        assert_eq!(merged.series().to_series(u64::MAX).points[0].enqueued, 3);
    }
}
