//! The queue itself, without threads: ring, waiters, admission, and when the worker should wake.
//!
//! Everything here runs under the queue's lock and calls no code of the user's. Wakers are cloned here, and handed out
//! to be woken or dropped once the lock is released: dropping one can drop a task, and with it a wait in this queue.

use super::config::{Config, StartError, Strategy};
use super::queue::{Accepted, Reason, Refused};
use super::record::{Level, Record};
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

/// Records whose memory is touched at the start, so that the first pass over the ring meets no page faults. In a
/// longer ring the faults are rare beside the records between them.
const TOUCHED_RECORDS: usize = 1 << 16;

/// What the worker is doing, and thus when a caller must wake it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sleep {
    /// It runs, or has been called, and will look at the ring before it sleeps.
    Awake,
    /// It sleeps with a timeout that is soon enough for any record; wake it for a complete batch.
    Timed,
    /// It sleeps until called; wake it for the first record.
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

/// Where an attempt to enter stands.
pub(super) enum Turn {
    /// It is over.
    Done(Result<Accepted, Refused>),
    /// There is no room yet. The waker that was replaced, if any, is to be dropped without the lock.
    Wait(Record, Option<Waker>),
}

/// See the module.
pub(super) struct State {
    config: Config,
    /// The number of records from which `sample` thins out.
    sample_from: usize,
    /// The number of records that make a batch complete.
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

    fn has_room(&self) -> bool {
        self.ring.len() + self.promised < self.config.maxsize
    }

    /// Enters the record or gives it back, at once.
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

    /// Whether to keep the next record that `sample` may thin out.
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

    /// Enters the record, or gives it back, or has its caller wait; called again whenever `waker` was woken. The
    /// ticket belongs to the caller, who returns it by [`State::cancel`] if it gives up.
    pub(super) fn turn(&mut self, ticket: &mut Option<u64>, record: Record, waker: &Waker) -> Turn {
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
        // Neither waiting nor cancelled nor closed: a place is promised to it.
        *ticket = None;
        self.promised -= 1;
        self.push(record);
        Turn::Done(Ok(Accepted { waited: true }))
    }

    /// Takes a ticket back. Gives its own waker, to be dropped, and that of the next waiter, to be woken.
    pub(super) fn cancel(&mut self, ticket: u64) -> (Option<Waker>, Option<Waker>) {
        if let Some(own) = self.waiting.remove(&ticket) {
            return (Some(own), None);
        }
        if self.closed {
            return (None, None);
        }
        self.promised -= 1;
        (None, self.promise())
    }

    /// Promises a free place, if there is one, to the first waiter, who is then to be woken.
    fn promise(&mut self) -> Option<Waker> {
        if !self.has_room() {
            return None;
        }
        let (_, waker) = self.waiting.pop_first()?;
        self.promised += 1;
        Some(waker)
    }

    /// Whether the worker must be woken, after a record was entered; it counts as awake from then on.
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

    /// What the worker should do. `lingered`: it has just slept for a full `batch_timeout` after its last batch. What
    /// it does next is noted, so it must do just that.
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

    /// Moves the oldest records into `batch`, and the wakers of those to whom their places are promised to `wakers`.
    pub(super) fn take(&mut self, batch: &mut Vec<Record>, wakers: &mut Vec<Waker>) {
        let size = self.ring.len().min(self.complete);
        batch.extend(self.ring.drain(..size));
        // With records left, `since` stays: too early by a little, so that none of them waits too long.
        if self.ring.is_empty() {
            self.since = None;
        }
        while let Some(waker) = self.promise() {
            wakers.push(waker);
        }
    }

    /// Accepts nothing more. Gives the wakers of all who wait; promises are void.
    pub(super) fn close(&mut self) -> BTreeMap<u64, Waker> {
        self.closed = true;
        self.promised = 0;
        mem::take(&mut self.waiting)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Empties the ring for good; the records are to be dropped without the lock.
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
