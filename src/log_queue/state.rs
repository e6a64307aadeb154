//! The queue itself, without threads: ring, waiters, admission, and when the worker should wake.
//!
//! Everything here runs under the queue's lock and calls no user code. Wakers are only cloned here. They are handed out
//! to be woken or dropped after the lock is released: dropping a waker can drop a task that waits in this queue, and
//! its cancellation would need the lock again.

use super::config::{Config, StartError, Strategy};
use super::queue::{Accepted, Reason, Refused};
use super::record::{Level, Record};
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

/// Number of records whose memory is touched at the start, so that the first pass over the ring has no page faults in
/// the callers' time. In a longer ring, faults are rare compared with the records between them.
const TOUCHED_RECORDS: usize = 1 << 16;

/// What the worker is doing. It determines when a caller must wake it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sleep {
    /// It runs or has been called, and will look at the ring before it sleeps.
    Awake,
    /// It sleeps with a timeout that ends early enough for every record. Wake it only for a complete batch.
    Timed,
    /// It sleeps until called. Wake it for the first record.
    Untimed,
}

/// What the worker should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Take a batch.
    Take,
    /// Sleep, but not longer than this.
    SleepFor(Duration),
    /// Sleep until called.
    Sleep,
    /// Closed and empty.
    Exit,
}

/// The state of an attempt to enter a record.
pub(super) enum Turn {
    /// It is over.
    Done(Result<Accepted, Refused>),
    /// There is no room yet. The caller must drop the replaced waker, if any, without holding the lock.
    Wait(Record, Option<Waker>),
}

/// See the module.
pub(super) struct State {
    config: Config,
    /// Number of records from which `sample` thins out.
    sample_from: usize,
    /// Number of records that make a batch complete.
    complete: usize,
    ring: VecDeque<Record>,
    /// When the oldest record in the ring arrived, or earlier.
    since: Option<Instant>,
    /// Waiters without a place, in order of arrival. While there are any, no place is free.
    waiting: BTreeMap<u64, Waker>,
    next_ticket: u64,
    /// Places promised to waiters that have not come for them.
    promised: usize,
    sleep: Sleep,
    closed: bool,
    draws: u64,
    pub(super) counts: Counts,
}

/// The callers' side of the counters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) enqueued: u64,
    pub(super) dropped: u64,
    pub(super) sampled_out: u64,
    pub(super) would_block: u64,
    pub(super) high_water: usize,
}

impl State {
    pub(super) fn new(config: Config) -> Result<Self, StartError> {
        config.validate()?;
        let mut ring = VecDeque::new();
        ring.try_reserve_exact(config.maxsize).map_err(|_| StartError::Memory(config.maxsize))?;
        ring.resize_with(config.maxsize.min(TOUCHED_RECORDS), || Record::at(SystemTime::UNIX_EPOCH, Level::Trace, ""));
        ring.clear();
        Ok(Self {
            sample_from: config.maxsize - config.maxsize / 5,
            complete: config.batch_size.min(config.maxsize),
            ring,
            since: None,
            waiting: BTreeMap::new(),
            next_ticket: 0,
            promised: 0,
            sleep: Sleep::Awake,
            closed: false,
            draws: 0,
            counts: Counts::default(),
            config,
        })
    }

    /// The largest batch that [`State::take`] can give.
    pub(super) fn largest_batch(&self) -> usize {
        self.complete
    }

    pub(super) fn depth(&self) -> usize {
        self.ring.len()
    }

    /// Whether a newcomer finds a place. A promised place is taken: otherwise newcomers could overtake the waiter that
    /// was woken for it, and waiters could starve.
    fn has_room(&self) -> bool {
        self.ring.len() + self.promised < self.config.maxsize
    }

    /// Enters the record or returns it, without waiting.
    pub(super) fn offer(&mut self, record: Record) -> Result<Accepted, Refused> {
        match self.admit() {
            Ok(()) => {
                self.push(record);
                Ok(Accepted { waited: false })
            }
            Err(reason) => Err(Refused { reason, record }),
        }
    }

    fn admit(&mut self) -> Result<(), Reason> {
        if self.closed {
            return Err(Reason::Closed);
        }
        if !self.has_room() {
            match self.config.strategy {
                Strategy::Block => self.counts.would_block += 1,
                Strategy::Drop | Strategy::Sample => self.counts.dropped += 1,
            }
            return Err(Reason::Full);
        }
        if self.config.strategy == Strategy::Sample && self.ring.len() >= self.sample_from && !self.draw() {
            self.counts.sampled_out += 1;
            return Err(Reason::SampledOut);
        }
        Ok(())
    }

    /// Whether to keep the next record that `sample` may thin out. The draw depends only on the seed and on the number
    /// of draws before it, not on time or threads.
    fn draw(&mut self) -> bool {
        self.draws += 1;
        // The upper 53 bits, as a number in 0..1 without rounding.
        let uniform = (splitmix64(self.config.seed, self.draws) >> 11) as f64 / (1_u64 << 53) as f64;
        uniform < self.config.sample_rate
    }

    fn push(&mut self, record: Record) {
        if self.ring.is_empty() {
            self.since = Some(Instant::now());
        }
        self.ring.push_back(record);
        self.counts.enqueued += 1;
        self.counts.high_water = self.counts.high_water.max(self.ring.len());
    }

    /// Enters the record, returns it, or makes its caller wait; called again whenever `waker` was woken. The ticket
    /// belongs to the caller, who returns it with [`State::cancel`] if it gives up.
    pub(super) fn turn(&mut self, ticket: &mut Option<u64>, record: Record, waker: &Waker) -> Turn {
        // Closing has removed all waiters and voided all promises, so the ticket stands for nothing.
        if self.closed {
            *ticket = None;
        }
        let Some(own) = *ticket else {
            if self.closed || self.has_room() || self.config.strategy != Strategy::Block {
                return Turn::Done(self.offer(record));
            }
            self.waiting.insert(self.next_ticket, waker.clone());
            *ticket = Some(self.next_ticket);
            self.next_ticket += 1;
            return Turn::Wait(record, None);
        };
        if let Some(kept) = self.waiting.get_mut(&own) {
            let stale = (!kept.will_wake(waker)).then(|| mem::replace(kept, waker.clone()));
            return Turn::Wait(record, stale);
        }
        // The ticket is neither waiting nor cancelled nor void, so a place is promised to it.
        *ticket = None;
        self.promised -= 1;
        self.push(record);
        Turn::Done(Ok(Accepted { waited: true }))
    }

    /// Takes a ticket back. Returns its own waker, to be dropped, and the next waiter's, to be woken.
    pub(super) fn cancel(&mut self, ticket: u64) -> (Option<Waker>, Option<Waker>) {
        if let Some(own) = self.waiting.remove(&ticket) {
            return (Some(own), None);
        }
        // Closing has set `promised` to 0: there is no promise to take back.
        if self.closed {
            return (None, None);
        }
        // The promised place passes to the next waiter. Otherwise it would stay free, with nobody woken for it.
        self.promised -= 1;
        (None, self.promise())
    }

    /// Promises a free place, if there is one, to the first waiter, and returns the waker to wake.
    fn promise(&mut self) -> Option<Waker> {
        if !self.has_room() {
            return None;
        }
        let (_, waker) = self.waiting.pop_first()?;
        self.promised += 1;
        Some(waker)
    }

    /// Whether the worker must be woken after a record was entered. It counts as awake from then on, so that the
    /// records that follow before it runs do not pay for a wake-up again.
    pub(super) fn calls_worker(&mut self) -> bool {
        let call = match self.sleep {
            Sleep::Awake => false,
            Sleep::Timed => self.ring.len() >= self.complete,
            Sleep::Untimed => !self.ring.is_empty(),
        };
        if call {
            self.sleep = Sleep::Awake;
        }
        call
    }

    /// What the worker should do next. `lingered`: it has just slept for a full `batch_timeout` after its last batch.
    /// The answer is recorded for the callers, so the worker must do exactly that.
    pub(super) fn step(&mut self, now: Instant, lingered: bool) -> Step {
        let step = self.next_step(now, lingered);
        self.sleep = match step {
            Step::Take | Step::Exit => Sleep::Awake,
            Step::SleepFor(_) => Sleep::Timed,
            Step::Sleep => Sleep::Untimed,
        };
        step
    }

    fn next_step(&self, now: Instant, lingered: bool) -> Step {
        let timeout = self.config.batch_timeout;
        let Some(since) = self.since else {
            // After a batch the worker first sleeps with a timeout: while records keep coming, callers then wake it
            // only for complete batches. If none came in that time, it sleeps until called, so that an idle queue costs
            // nothing.
            return match (self.closed, lingered || timeout.is_zero()) {
                (true, _) => Step::Exit,
                (false, true) => Step::Sleep,
                (false, false) => Step::SleepFor(timeout),
            };
        };
        let left = timeout.saturating_sub(now.saturating_duration_since(since));
        if self.closed || self.ring.len() >= self.complete || left.is_zero() {
            Step::Take
        } else {
            Step::SleepFor(left)
        }
    }

    /// The worker is awake, whatever woke it.
    pub(super) fn awake(&mut self) {
        self.sleep = Sleep::Awake;
    }

    /// Moves the oldest records into `batch`. The waiters that are promised the free places have their wakers put into
    /// `wakers`.
    pub(super) fn take(&mut self, batch: &mut Vec<Record>, wakers: &mut Vec<Waker>) {
        let size = self.ring.len().min(self.complete);
        batch.extend(self.ring.drain(..size));
        // If records are left, `since` stays. It is then a little too early, so none of them waits longer than the
        // timeout.
        if self.ring.is_empty() {
            self.since = None;
        }
        while let Some(waker) = self.promise() {
            wakers.push(waker);
        }
    }

    /// Stops accepting records and voids all promises. Returns the wakers of all waiters.
    pub(super) fn close(&mut self) -> BTreeMap<u64, Waker> {
        self.closed = true;
        self.promised = 0;
        mem::take(&mut self.waiting)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Empties the ring for good. The caller must drop the records without holding the lock: there can be millions of
    /// them.
    pub(super) fn discard(&mut self) -> VecDeque<Record> {
        self.since = None;
        mem::take(&mut self.ring)
    }
}

/// The `index`-th output of the splitmix64 generator of that seed.
fn splitmix64(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
