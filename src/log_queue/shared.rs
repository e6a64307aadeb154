//! What callers and worker share: the state, the deliveries, and two condition variables.

use super::config::{Config, StartError};
use super::counters::{Counters, Deliveries, Settled, Shutdown};
use super::queue::{Accepted, Refused};
use super::record::Record;
use super::state::{State, Step, Turn};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// If both locks are needed, the lock of `state` is taken first. Any other order could deadlock.
pub(super) struct Shared {
    state: Mutex<State>,
    /// The worker sleeps here, under the lock of `state`.
    call: Condvar,
    deliveries: Apart<Mutex<Deliveries>>,
    /// A shutdown waits here, under the lock of `deliveries`, for the worker's end.
    end: Condvar,
}

/// Keeps what the worker writes for each record off the cache lines that the callers use.
#[repr(align(128))]
struct Apart<T>(T);

/// No user code runs under these locks, so a panic cannot leave their contents half changed, and poisoning can be
/// ignored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(config: Config) -> Result<Self, StartError> {
        Ok(Self {
            state: Mutex::new(State::new(config)?),
            call: Condvar::new(),
            deliveries: Apart(Mutex::default()),
            end: Condvar::new(),
        })
    }

    // For callers.

    pub(super) fn offer(&self, record: Record) -> Result<Accepted, Refused> {
        let mut state = lock(&self.state);
        let offered = state.offer(record);
        self.release(state);
        offered
    }

    pub(super) fn turn(&self, ticket: &mut Option<u64>, record: Record, waker: &Waker) -> Turn {
        let mut state = lock(&self.state);
        let turn = state.turn(ticket, record, waker);
        self.release(state);
        turn
    }

    /// Unlocks, and only then wakes the worker if necessary: it would otherwise wake up only to wait for the lock.
    fn release(&self, mut state: MutexGuard<'_, State>) {
        let call = state.calls_worker();
        drop(state);
        if call {
            self.call.notify_one();
        }
    }

    pub(super) fn cancel(&self, ticket: u64) {
        let (own, next) = lock(&self.state).cancel(ticket);
        drop(own);
        if let Some(waker) = next {
            waker.wake();
        }
    }

    pub(super) fn counters(&self) -> Counters {
        let state = lock(&self.state);
        let deliveries = lock(&self.deliveries.0);
        Counters {
            enqueued: state.counts.enqueued,
            dropped: state.counts.dropped,
            sampled_out: state.counts.sampled_out,
            would_block: state.counts.would_block,
            delivered: deliveries.delivered,
            sink_errors: deliveries.sink_errors,
            flush_errors: deliveries.flush_errors,
            abandoned: deliveries.abandoned,
            depth: state.depth() as u64,
            in_hand: deliveries.in_hand,
            depth_high_water: state.counts.high_water as u64,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).is_closed()
    }

    pub(super) fn close(&self) {
        let waiting = lock(&self.state).close();
        self.call.notify_one();
        for waker in waiting.into_values() {
            waker.wake();
        }
    }

    /// Waits until the worker has ended or was given up, for `deadline` at most.
    pub(super) fn wait_for_end(&self, deadline: Duration) {
        let deliveries = lock(&self.deliveries.0);
        let going_on = |deliveries: &mut Deliveries| !deliveries.finished && !deliveries.written_off;
        // Whether the wait ended or timed out does not matter here: the deliveries say what happened.
        drop(self.end.wait_timeout_while(deliveries, deadline, going_on));
    }

    /// Gives up on everything that the worker has not settled, unless it has ended.
    pub(super) fn write_off(&self) -> Shutdown {
        let mut state = lock(&self.state);
        let mut deliveries = lock(&self.deliveries.0);
        let mut discarded = Default::default();
        if !deliveries.finished && !deliveries.written_off {
            deliveries.write_off(state.depth() as u64);
            discarded = state.discard();
            self.end.notify_all();
        }
        let shutdown = deliveries.shutdown();
        drop(deliveries);
        drop(state);
        drop(discarded);
        shutdown
    }

    // For the worker.

    pub(super) fn largest_batch(&self) -> usize {
        lock(&self.state).largest_batch()
    }

    /// Sleeps until a batch is due and takes it; false if there will be no further batch.
    pub(super) fn take(&self, batch: &mut Vec<Record>, wakers: &mut Vec<Waker>) -> bool {
        let mut state = lock(&self.state);
        let mut lingered = false;
        loop {
            match state.step(Instant::now(), lingered) {
                Step::Exit => return false,
                Step::Take => {
                    state.take(batch, wakers);
                    // Under both locks: a snapshot must not see a record in neither place, or in both.
                    lock(&self.deliveries.0).in_hand = batch.len() as u64;
                    return true;
                }
                Step::Sleep => state = self.call.wait(state).unwrap_or_else(PoisonError::into_inner),
                Step::SleepFor(time) => {
                    let slept = self.call.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner);
                    state = slept.0;
                    lingered = slept.1.timed_out();
                }
            }
            state.awake();
        }
    }

    /// Settles records in hand; false when they have been written off and the worker should end.
    pub(super) fn settle(&self, records: u64, outcome: Settled) -> bool {
        let mut deliveries = lock(&self.deliveries.0);
        deliveries.settle(records, outcome);
        !deliveries.written_off
    }

    pub(super) fn count_flush_error(&self) {
        lock(&self.deliveries.0).flush_errors += 1;
    }

    pub(super) fn finish(&self) {
        lock(&self.deliveries.0).finished = true;
        self.end.notify_all();
    }
}
