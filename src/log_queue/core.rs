//! The concurrent core: how a record gets a place and is written into its slot. It knows no threads, no waiting and no
//! sinks.
//!
//! This file has the path of a call while there is room. Everything else is decided in `state`, under a lock.

#![expect(
    unsafe_code,
    reason = "a claimed slot is written through a pointer; the claim makes the caller alone with it"
)]

use super::config::{Config, StartError, Strategy};
use super::pool::{CHUNK, Pool};
use super::producer::{Chain, LEASE, Producer};
use super::queue::Reason;
use super::record::{Fields, Record};
use super::slot::ROOM;
use super::state::State;
use super::sync::{Apart, AtomicU8, AtomicU32, AtomicU64, Mutex, Ordering, fence, lock};
use super::time::Ticker;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Largest number of producers with a chain of their own. Further threads share one chain, under a lock.
pub(super) const MOST_PRODUCERS: usize = match () {
    () if cfg!(all(test, loom_models)) => 3,
    () if cfg!(miri) => 16,
    () => 1024,
};

/// The bit of [`Core::granted`] that closes the gate: then nobody can take credits without the lock. It is set while
/// callers wait, so that nobody overtakes them, and when the queue is closed.
const GATE: u64 = 1 << 63;

/// If batches are due after less time than this, the worker is woken for single records.
const POLLED: Duration = Duration::from_millis(1);

/// What the worker is doing. It determines when a caller must wake it.
pub(super) mod sleep {
    /// The worker runs or has been called, and will look at all producers before it sleeps.
    pub const AWAKE: u8 = 0;
    /// The worker sleeps until the queue has filled by an eighth at the present rate, or for a millisecond.
    pub const NAP: u8 = 1;
    /// The worker sleeps for longer, since no record came for a while.
    pub const DEEP: u8 = 2;
    /// The worker sleeps until it is called for the next record.
    pub const PARKED: u8 = 3;
}

/// The concurrent core; see the module.
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) pool: Pool,
    pub(super) ticker: Ticker,
    /// Distinguishes the queues of a process.
    pub(super) id: u64,
    /// Up to this number of records, credits are lent without the lock: below the threshold of `sample` there is
    /// nothing to decide.
    pub(super) lent_to: u64,
    /// Number of records that make a batch complete.
    pub(super) complete: u64,
    /// Whether the worker is called for single records.
    eager: bool,
    /// Number of producers, for the size of leases.
    pub(super) producers: AtomicU32,
    /// Wakes the worker.
    call: Box<dyn Fn() + Send + Sync>,
    /// Credits given out since the start, minus those given back; and [`GATE`]. The number never exceeds `taken` +
    /// `maxsize`, which bounds the queue.
    granted: Apart<AtomicU64>,
    /// Written by the worker, once a batch.
    pub(super) worker: Apart<WorkerSide>,
    /// Bytes of records that do not fit into their slots.
    text: Apart<AtomicU64>,
    /// Threads that have registered know it as well: they move their chains under its lock.
    pub(super) state: Arc<Mutex<State>>,
    /// The producer of threads without one of their own. This lock is taken before the lock of `state`.
    pub(super) crowd: Mutex<Arc<Producer>>,
}

/// The values that the worker writes and callers read.
pub(super) struct WorkerSide {
    /// Records that have left the queue since the start: the worker has taken them, or they were discarded. Each makes
    /// room for one more.
    pub(super) taken: AtomicU64,
    /// One more than the value of `taken` at which the queue was last seen to be full; 0 before that. While `taken` is
    /// unchanged, the queue is still full.
    pub(super) full_at: AtomicU64,
    pub(super) sleep: AtomicU8,
}

/// Counts the queues of the process.
static QUEUES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

impl Core {
    pub(super) fn new(
        config: Config,
        ticker: Ticker,
        call: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        config.validate()?;
        let no_memory = || StartError::Memory(config.maxsize);
        let complete = config.batch_size.min(config.maxsize);
        let occupied = config.maxsize.checked_add(complete).ok_or_else(no_memory)?;
        // A chain may have two chunks that are not full: the first and the last. Eviction can leave two more, since it takes
        // records out between those in the worker's hand and the rest.
        let partial = if config.strategy == Strategy::DropOldest { 4 } else { 2 };
        let chunks = occupied / CHUNK as usize + partial * MOST_PRODUCERS + 3;
        let lent_to = match config.strategy {
            Strategy::Sample => config.maxsize - config.maxsize / 5,
            Strategy::Drop | Strategy::DropOldest | Strategy::Block => config.maxsize,
        };
        let pool = Pool::new(chunks, occupied).ok_or_else(no_memory)?;
        let eager = config.batch_timeout < POLLED;
        let mut state = State::new(ticker.tells_time() && !eager);
        let crowd = state.add(&pool).ok_or_else(no_memory)?;
        Ok(Self {
            pool,
            ticker,
            id: QUEUES.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            lent_to: lent_to as u64,
            complete: complete as u64,
            eager,
            producers: AtomicU32::new(0),
            call: Box::new(call),
            granted: Apart(AtomicU64::new(0)),
            worker: Apart(WorkerSide {
                taken: AtomicU64::new(0),
                full_at: AtomicU64::new(0),
                sleep: AtomicU8::new(sleep::AWAKE),
            }),
            text: Apart(AtomicU64::new(0)),
            state: Arc::new(Mutex::new(state)),
            crowd: Mutex::new(crowd),
            config,
        })
    }

    pub(super) fn maxsize(&self) -> u64 {
        self.config.maxsize as u64
    }

    pub(super) fn taken(&self) -> u64 {
        self.worker.taken.load(Ordering::Acquire)
    }

    // The path of a call while there is room.

    /// Claims a place for a record, if there is one.
    #[inline]
    pub(super) fn offer(&self, producer: &Producer) -> Result<(), Reason> {
        if self.offer_quickly(producer) { Ok(()) } else { self.offer_slowly(producer) }
    }

    /// Claims a place if that needs no lock.
    #[inline(always)]
    pub(super) fn offer_quickly(&self, chain: &Chain) -> bool {
        chain.claim() || self.borrow(chain)
    }

    /// Takes credits for the next records, and claims a place with one of them.
    #[inline(never)]
    fn borrow(&self, chain: &Chain) -> bool {
        let mut granted = self.granted.load(Ordering::Relaxed);
        let (lease, lent) = loop {
            if granted & GATE != 0 {
                return false;
            }
            let taken = self.taken();
            let Some(room) = (taken + self.lent_to).checked_sub(granted).filter(|&room| room > 0) else {
                return false;
            };
            let lease = self.lease(room);
            let more = granted + lease;
            match self.granted.compare_exchange_weak(granted, more, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break (lease, more - taken),
                Err(current) => granted = current,
            }
        };
        chain.lend(lease);
        if self.granted.load(Ordering::Acquire) & GATE != 0 {
            self.ungrant(chain.revoke());
            return false;
        }
        self.call_for(lent);
        // Another caller may have taken the credits meanwhile.
        chain.claim()
    }

    /// How many credits a producer takes at once. If few are left it takes one: others would have to take idle ones
    /// back.
    fn lease(&self, room: u64) -> u64 {
        let producers = u64::from(self.producers.load(Ordering::Relaxed)).max(1);
        (room / (2 * producers)).clamp(1, LEASE)
    }

    #[cold]
    fn offer_slowly(&self, producer: &Producer) -> Result<(), Reason> {
        if self.is_still_full() {
            producer.counts.dropped.add();
            self.call_now();
            return Err(Reason::Full);
        }
        let offered = lock(&self.state).offer(self, producer);
        if offered == Err(Reason::Full) {
            self.call_now();
        }
        offered
    }

    /// Whether nothing has left the queue since it was last seen to be full. Under `block` this is always false:
    /// promised places may be given back.
    fn is_still_full(&self) -> bool {
        matches!(self.config.strategy, Strategy::Drop | Strategy::Sample)
            && self.granted.load(Ordering::Acquire) & GATE == 0
            && self.worker.full_at.load(Ordering::Acquire) == self.taken() + 1
    }

    /// Enters a record that [is plain](Record::is_plain), if there is a place for it that needs no lock. `ticks` is the time of
    /// the call, if the chain's records are numbered by it.
    #[inline(always)]
    pub(super) fn enter_quickly<F: Fields>(&self, chain: &Chain, record: &Record<'_, F>, ticks: u64) -> bool {
        if !record.is_plain() || !chain.is_quick() || !self.offer_quickly(chain) {
            return false;
        }
        // SAFETY: the slot was claimed, and is read only after it was published.
        unsafe { record.write_whole(chain.next_slot(&self.pool), ticks) };
        chain.publish();
        chain.fetch_ahead();
        true
    }

    /// Writes the record into the place that was claimed last. `called` is when its caller began to wait, if it did.
    /// Nothing here calls code of a user.
    pub(super) fn enter<F: Fields>(&self, producer: &Producer, record: &Record<'_, F>, called: Option<SystemTime>) {
        let slot = producer.next_slot(&self.pool);
        let number = self.ticker.number();
        let mut time = record.time.or(called);
        if !self.ticker.tells_time() {
            time = time.or_else(|| Some(SystemTime::now()));
        }
        let words = record.words(time.is_some());
        // SAFETY: the slot was claimed by the caller, and is read only after it was published.
        let cut = unsafe {
            if words <= ROOM {
                record.write(slot, number, time)
            } else {
                self.write_large(record, slot, number, time, words)
            }
        };
        if cut {
            producer.counts.cut.add();
        }
        producer.publish();
        if self.eager {
            self.call_for_one();
        }
    }

    /// Writes a record that does not fit into its slot.
    ///
    /// # Safety
    ///
    /// The slot was claimed by the caller.
    unsafe fn write_large<F: Fields>(
        &self,
        record: &Record<'_, F>,
        slot: *mut u64,
        number: u64,
        time: Option<SystemTime>,
        words: usize,
    ) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            if self.reserve(words as u64 * 8) {
                record.write_spilled(slot, number, time, words)
            } else {
                record.write(slot, number, time)
            }
        }
    }

    /// Reserves memory for text outside of the slots; false if the budget is used up.
    fn reserve(&self, bytes: u64) -> bool {
        let within = |used: u64| used.checked_add(bytes).filter(|&used| used <= self.config.text_budget as u64);
        self.text.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }

    /// Gives back memory that [`Self::reserve`] has taken.
    pub(super) fn release_text(&self, bytes: u64) {
        self.text.fetch_sub(bytes, Ordering::Relaxed);
    }

    // When the worker is called.

    /// Calls the worker if `records` in the queue need it before it wakes up by itself.
    fn call_for(&self, records: u64) {
        let due = match self.worker.sleep.load(Ordering::Relaxed) {
            sleep::NAP => records >= (self.maxsize() / 2).max(1),
            sleep::DEEP => records >= self.complete.min((self.maxsize() / 2).max(1)),
            _ => false,
        };
        if due {
            self.call_now();
        }
    }

    /// Calls a worker that waits for the next record.
    fn call_for_one(&self) {
        // Either this sees that the worker has parked, or the worker, which has a fence as well, sees the record.
        fence(Ordering::SeqCst);
        if self.worker.sleep.load(Ordering::Relaxed) == sleep::PARKED {
            self.call_now();
        }
    }

    /// Calls the worker if it sleeps. From then on it counts as awake, so that records that follow before it runs do
    /// not pay for another call.
    pub(super) fn call_now(&self) {
        let asleep = self.worker.sleep.load(Ordering::Relaxed) != sleep::AWAKE;
        if asleep && self.worker.sleep.swap(sleep::AWAKE, Ordering::AcqRel) != sleep::AWAKE {
            (self.call)();
        }
    }

    // Credits, under the lock, but for those that come back from a closed gate.

    /// Credits that can be given out, up to `limit` records in the queue.
    pub(super) fn room(&self, limit: u64) -> u64 {
        (self.taken() + limit).saturating_sub(self.granted.load(Ordering::Acquire) & !GATE)
    }

    /// Gives out as many credits as there is room for, at most `most`, and says how many.
    pub(super) fn grant(&self, most: u64, limit: u64) -> u64 {
        let taken = self.taken();
        let granted_of = |granted: u64| most.min((taken + limit).saturating_sub(granted & !GATE));
        let more = |granted: u64| Some(granted_of(granted)).filter(|&new| new > 0).map(|new| granted + new);
        self.granted.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).map_or(0, granted_of)
    }

    /// Gives out credits of records that are about to leave the queue.
    pub(super) fn regrant(&self, credits: u64) {
        self.granted.fetch_add(credits, Ordering::AcqRel);
    }

    /// Takes credits back.
    pub(super) fn ungrant(&self, credits: u64) {
        self.granted.fetch_sub(credits, Ordering::AcqRel);
    }

    pub(super) fn close_gate(&self) {
        self.granted.fetch_or(GATE, Ordering::AcqRel);
    }

    pub(super) fn open_gate(&self) {
        self.granted.fetch_and(!GATE, Ordering::AcqRel);
    }

    /// A producer for a thread; `None` if there are too many.
    pub(super) fn register(&self) -> Option<Arc<Producer>> {
        lock(&self.state).register(self)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        lock(&self.state).release_all(self);
    }
}
