//! What callers and the worker share: the core, the deliveries, and how each side waits for the other.

use super::config::{Config, StartError, Strategy};
use super::core::Core;
use super::counters::{Counters, Deliveries, Hand, Settled, Shutdown};
use super::lane::Run;
use super::local::{self, with_producer};
use super::queue::{Accepted, Reason};
use super::record::{Fields, Record};
use super::state::{Place, Step, Turn};
use super::sync::{Apart, lock};
use super::time::{Ticker, ticks};
use super::worker::contain;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::task::Waker;
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

/// If both locks are needed, the lock of the core's state is taken first. Any other order could deadlock.
pub(super) struct Shared {
    pub(super) core: Core,
    worker: Arc<OnceLock<Thread>>,
    deliveries: Apart<Mutex<Deliveries>>,
    hand: Apart<Hand>,
    /// A shutdown waits here, under the lock of `deliveries`, for the worker's end.
    end: Condvar,
}

impl Shared {
    pub(super) fn new(config: Config) -> Result<Self, StartError> {
        let worker = Arc::new(OnceLock::<Thread>::new());
        let call = {
            let worker = Arc::clone(&worker);
            move || worker.get().into_iter().for_each(Thread::unpark)
        };
        Ok(Self {
            core: Core::new(config, Ticker::new(), call)?,
            worker,
            deliveries: Apart(Mutex::default()),
            hand: Apart::default(),
            end: Condvar::new(),
        })
    }

    // For callers.

    /// Enters the record if that needs no lock.
    ///
    /// It is inlined into the code that logs, so that the compiler uses what it knows there: names, kinds and lengths
    /// of fields.
    #[inline(always)]
    pub(super) fn enter_quickly<F: Fields>(&self, record: &Record<'_, F>) -> bool {
        if !record.is_plain() {
            // It would read the time for nothing.
            return false;
        }
        // Before the first look at the cache line of the chain: the fence in it would wait for that, and it is no longer in
        // the cache if the CPU was idle.
        let ticks = ticks();
        local::enter_quickly(&self.core, record, ticks)
    }

    /// Enters the record if there is room, after [`Self::enter_quickly`].
    pub(super) fn offer<F: Fields>(&self, record: &Record<'_, F>) -> Result<Accepted, Reason> {
        with_producer(&self.core, |producer| {
            self.core.offer(producer)?;
            self.core.enter(producer, record, None);
            Ok(Accepted { waited: false })
        })
    }

    /// One poll of a call that may wait, after [`Self::enter_quickly`]. `called` is when it began to wait, if it did.
    #[cold]
    #[inline(never)]
    pub(super) fn turn<F: Fields>(
        &self,
        ticket: &mut Option<u64>,
        record: &Record<'_, F>,
        called: Option<SystemTime>,
        waker: &Waker,
    ) -> Turn {
        if ticket.is_none()
            && let Some(done) = self.turn_at_once(record, called)
        {
            return Turn::Done(done.map(|()| Place::FREE));
        }
        let core = &self.core;
        // A waker is code of the user, which may log: it is cloned, dropped and woken without a lock.
        let mut own = Some(waker.clone());
        let mut next = Vec::new();
        let turn = with_producer(core, |producer| {
            let turn = lock(&core.state).turn(core, producer, ticket, &mut own, &mut next);
            match turn {
                Turn::Done(Ok(place)) => {
                    core.enter(producer, record, called);
                    if place.calls {
                        core.call_now();
                    }
                }
                Turn::Wait(_) => core.call_now(),
                Turn::Done(Err(_)) => {}
            }
            turn
        });
        wake(next);
        turn
    }

    /// What becomes of a record that need not wait, or must not; `None` if it waits for room.
    fn turn_at_once<F: Fields>(
        &self,
        record: &Record<'_, F>,
        called: Option<SystemTime>,
    ) -> Option<Result<(), Reason>> {
        let core = &self.core;
        with_producer(core, |producer| {
            let done = match core.config.strategy {
                Strategy::Drop | Strategy::DropOldest | Strategy::Sample => core.offer(producer),
                Strategy::Block if core.offer_quickly(producer) => Ok(()),
                // It makes room itself, so it would wait for itself.
                Strategy::Block if self.is_worker() => core.offer(producer),
                Strategy::Block => return None,
            };
            if done.is_ok() {
                core.enter(producer, record, called);
            }
            Some(done)
        })
    }

    /// Whether this is the worker's thread.
    pub(super) fn is_worker(&self) -> bool {
        self.worker.get().is_some_and(|worker| worker.id() == thread::current().id())
    }

    pub(super) fn cancel(&self, ticket: u64) {
        let (own, next) = lock(&self.core.state).cancel(&self.core, ticket);
        contain(|| drop(own));
        wake(next);
    }

    /// Has the worker deliver what is in the queue, although no batch is due yet.
    #[cfg(feature = "log")]
    pub(super) fn hurry(&self) {
        lock(&self.core.state).hurry();
        self.core.call_now();
    }

    /// With both locks held nothing leaves the queue and nothing is settled, so the counts fit together.
    pub(super) fn counters(&self) -> Counters {
        let mut state = lock(&self.core.state);
        let deliveries = self.deliveries();
        let one_by_one = self.hand.delivered();
        let depth = state.depth(&self.core);
        let sum = |count: fn(&super::producer::Counts) -> u64| -> u64 {
            state.producers().iter().map(|producer| count(&producer.counts)).sum()
        };
        Counters {
            enqueued: self.core.taken() + depth,
            dropped: sum(|counts| counts.dropped.get()),
            sampled_out: sum(|counts| counts.sampled_out.get()),
            would_block: sum(|counts| counts.would_block.get()),
            cut: sum(|counts| counts.cut.get()),
            delivered: deliveries.delivered + one_by_one,
            sink_errors: deliveries.sink_errors,
            flush_errors: deliveries.flush_errors,
            abandoned: deliveries.abandoned,
            evicted: state.evicted,
            depth,
            in_hand: deliveries.in_hand - one_by_one,
            depth_high_water: state.high_water,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.core.state).is_closed()
    }

    pub(super) fn close(&self) {
        let waiting = lock(&self.core.state).close(&self.core);
        self.core.call_now();
        wake(waiting.into_values());
    }

    /// Waits until the worker has ended or was written off, for at most `deadline`.
    pub(super) fn wait_for_end(&self, deadline: Duration) {
        let deliveries = self.deliveries();
        let going_on = |deliveries: &mut Deliveries| !deliveries.finished && !deliveries.written_off;
        // Whether the wait ended or timed out does not matter here: the deliveries say what happened.
        drop(self.end.wait_timeout_while(deliveries, deadline, going_on));
    }

    fn deliveries(&self) -> std::sync::MutexGuard<'_, Deliveries> {
        self.deliveries.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Gives up on everything that the worker has not settled, unless it has ended.
    pub(super) fn write_off(&self) -> Shutdown {
        let mut state = lock(&self.core.state);
        let mut deliveries = self.deliveries();
        if !deliveries.finished && !deliveries.written_off {
            deliveries.settle(self.hand.write_off(), Settled::Delivered);
            deliveries.write_off(state.discard(&self.core));
            self.end.notify_all();
        }
        deliveries.shutdown()
    }

    // For the worker.

    /// To be called by the worker's thread before anything else.
    pub(super) fn begin(&self) {
        // It is set once. Nobody can have called the thread before, since it counts as awake.
        let _ = self.worker.set(thread::current());
    }

    /// Sleeps until a batch is due and takes up to `most` records of it; false if there will be no further batch. The batch
    /// is empty if places were taken back for callers that wait: they must be woken, and there is nothing to deliver.
    pub(super) fn take(&self, most: u64, runs: &mut Vec<Run>, wakers: &mut Vec<Waker>) -> bool {
        loop {
            let mut state = lock(&self.core.state);
            match state.step(&self.core, Instant::now()) {
                Step::Exit => return false,
                Step::Take => {
                    // Under both locks: a snapshot must not see a record in neither place, or in both.
                    let mut deliveries = self.deliveries();
                    if deliveries.written_off {
                        return false;
                    }
                    deliveries.in_hand = state.take(&self.core, most, runs, wakers);
                    if deliveries.in_hand > 0 || !wakers.is_empty() {
                        return true;
                    }
                }
                Step::Look => {
                    drop(state);
                    thread::yield_now();
                }
                Step::Nap(time) | Step::Rest(time) => {
                    drop(state);
                    thread::park_timeout(time);
                }
                Step::Park => {
                    drop(state);
                    thread::park();
                }
            }
        }
    }

    /// Settles records in hand, among them those that were delivered one by one; false when they have been written off and
    /// the worker should end.
    pub(super) fn settle(&self, records: u64, outcome: Settled) -> bool {
        let mut deliveries = self.deliveries();
        if deliveries.written_off {
            return false;
        }
        deliveries.settle(self.hand.take(), Settled::Delivered);
        deliveries.settle(records, outcome);
        true
    }

    /// Settles one record of the batch as delivered. It counts in every snapshot from now on.
    #[inline]
    pub(super) fn delivered_one(&self) {
        self.hand.add();
    }

    /// Whether the records in hand have been written off.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.hand.is_written_off()
    }

    pub(super) fn count_flush_error(&self) {
        self.deliveries().flush_errors += 1;
    }

    pub(super) fn finish(&self) {
        self.deliveries().finished = true;
        self.end.notify_all();
    }
}

/// Wakes all of them, even if one panics.
fn wake(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        contain(|| waker.wake());
    }
}

#[cfg(all(test, not(loom_models)))]
mod tests {
    use super::*;
    use crate::log_queue::Level;
    use std::sync::mpsc::channel;

    #[test]
    fn who_gets_a_place_that_was_taken_back_is_woken_before_the_next_batch() {
        let config = Config {
            maxsize: 2,
            batch_size: 2,
            strategy: Strategy::Block,
            batch_timeout: Duration::MAX,
            ..Config::default()
        };
        let shared = Arc::new(Shared::new(config).expect("a valid config"));
        let producer = shared.core.register().expect("the first");
        for _ in 0..2 {
            shared.core.offer(&producer).expect("room");
            shared.core.enter(&producer, &Record::new(Level::Info, "one"), None);
        }
        let turn = |ticket: &mut Option<u64>| {
            lock(&shared.core.state).turn(
                &shared.core,
                &producer,
                ticket,
                &mut Some(Waker::noop().clone()),
                &mut Vec::new(),
            )
        };
        let (mut first, mut second) = (None, None);
        assert!(matches!((turn(&mut first), turn(&mut second)), (Turn::Wait(_), Turn::Wait(_))));
        let (mut runs, mut wakers) = (Vec::new(), Vec::new());
        assert!(shared.take(u64::MAX, &mut runs, &mut wakers));
        assert_eq!((runs.len(), wakers.len()), (1, 1), "both places are promised to the first");
        // It has its place and a credit, and has not written its record yet.
        assert!(matches!(turn(&mut first), Turn::Done(Ok(_))));
        let (send, taken) = channel();
        thread::spawn(move || {
            let (mut runs, mut wakers) = (Vec::new(), Vec::new());
            shared.take(u64::MAX, &mut runs, &mut wakers);
            let _ = send.send((runs.len(), wakers.len()));
        });
        assert_eq!(taken.recv_timeout(Duration::from_secs(60)), Ok((0, 1)), "the second is woken at once");
    }
}
