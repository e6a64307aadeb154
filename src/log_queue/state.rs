//! The decisions under the queue's lock: who waits, who is promised a place, whether the queue is full, and which
//! records the worker takes when.
//!
//! Nothing here calls user code. Wakers are only cloned here. They are handed out to be woken or dropped after the lock is
//! released: dropping a waker can drop a task that waits in this queue, and its cancellation would need the lock again.

use super::config::Strategy;
use super::core::{Core, MOST_PRODUCERS, sleep};
use super::lane::{Lane, Run, discard_run, merge};
use super::pool::Pool;
use super::producer::{LEASE, Producer};
use super::queue::Reason;
use super::sync::{Ordering, fence, spin_loop, yield_now};
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// The nap of a worker that has records to wait for and does not know how fast they come.
const NAP: Duration = Duration::from_millis(1);
/// The longest nap of one that does.
const LONG_NAP: Duration = Duration::from_millis(10);
/// The shortest one.
const SHORT_NAP: Duration = Duration::from_micros(50);
/// The longest sleep of a worker that has nothing to do.
const DEEP: Duration = Duration::from_millis(50);
/// A caller that waited gets as many places at once as the worker empties in this time, up to a lease. The others wait so
/// much longer. A slow sink therefore hands over single places.
const LOT: Duration = Duration::from_micros(100);
/// After this many looks without a new record, the worker sleeps for longer than a nap.
const QUIET: u32 = 16;

/// What the worker should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Take a batch.
    Take,
    /// Look again at once: a caller is just about to hand over a record.
    Look,
    /// Sleep for this long, or until called since the queue fills up.
    Nap(Duration),
    /// Sleep for this long, or until called since a batch is complete: no record came for a while.
    Rest(Duration),
    /// Sleep until called.
    Park,
    /// Closed and empty.
    Exit,
}

/// The outcome of an attempt to enter a record.
#[derive(Debug)]
pub(super) enum Turn {
    /// The attempt has ended.
    Done(Result<Place, Reason>),
    /// There is no room yet. The caller must drop the replaced waker, if any, without holding the lock.
    Wait(Option<Waker>),
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Whether the caller has waited for it.
    pub(super) waited: bool,
    /// Others still wait, and this record completes a batch: the worker must be called once it is written.
    pub(super) calls: bool,
}

impl Place {
    /// A place that was free.
    pub(super) const FREE: Self = Self { waited: false, calls: false };
}

/// The state under the queue's lock; see the module.
pub(super) struct State {
    producers: Vec<Arc<Producer>>,
    /// The worker's position in the chain of each producer.
    lanes: Vec<Lane>,
    /// Waiters without a place, in order of arrival. While there are any, the gate is closed.
    waiting: BTreeMap<u64, Waker>,
    next_ticket: u64,
    /// Waiters that have not taken their promised places yet, and the number of places of each. `promised` is the sum.
    lots: BTreeMap<u64, u64>,
    promised: u64,
    closed: bool,
    draws: u64,
    pub(super) high_water: u64,
    /// Records that were removed to make room.
    pub(super) evicted: u64,
    pace: Pace,
    /// For new producers.
    quick: bool,
}

/// The timing of the worker's looks.
#[derive(Debug)]
struct Pace {
    /// The time of the last look. `ready` is the number of records that could be taken then.
    looked: Option<Instant>,
    ready: u64,
    /// The last look before the one that found the oldest record: the record came later than this.
    since: Option<Instant>,
    nap: Duration,
    /// The time from record to record, on average since the last look; `None` if none came.
    interval: Option<Duration>,
    /// Number of looks in a row that found no new record.
    quiet: u32,
    parked: bool,
    /// The time of the last look that took a batch, and the size of the batch.
    took: Option<(Instant, u64)>,
    /// Time for a record, from one batch to the next; `None` before the second batch.
    per_record: Option<Duration>,
    /// What is left of a batch that the worker takes in parts.
    rest: u64,
    /// What is in the queue is due, whether or not it is a batch.
    hurry: bool,
}

impl State {
    /// See [`Producer::is_quick`] for `quick`.
    pub(super) fn new(quick: bool) -> Self {
        let pace = Pace {
            looked: None,
            ready: 0,
            since: None,
            nap: NAP,
            interval: None,
            quiet: 0,
            parked: false,
            took: None,
            per_record: None,
            rest: 0,
            hurry: false,
        };
        Self {
            producers: Vec::new(),
            lanes: Vec::new(),
            waiting: BTreeMap::new(),
            next_ticket: 0,
            lots: BTreeMap::new(),
            promised: 0,
            closed: false,
            draws: 0,
            high_water: 0,
            evicted: 0,
            pace,
            quick,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn producers(&self) -> &[Arc<Producer>] {
        &self.producers
    }

    /// A producer that belongs to nobody, or a new one.
    pub(super) fn register(&mut self, core: &Core) -> Option<Arc<Producer>> {
        let free = self.producers.iter().find(|producer| producer.adopt()).map(Arc::clone);
        let registered = free.or_else(|| self.add(&core.pool));
        // The shared producer does not count: hardly anybody uses it.
        core.producers.store(self.producers.len() as u32 - 1, Ordering::Relaxed);
        registered
    }

    /// A new producer; `None` if there are too many.
    pub(super) fn add(&mut self, pool: &Pool) -> Option<Arc<Producer>> {
        let chunk = (self.producers.len() < MOST_PRODUCERS).then(|| pool.take())??;
        let producer = Arc::new(Producer::new(pool, chunk, self.quick));
        self.producers.push(Arc::clone(&producer));
        self.lanes.push(Lane::new(chunk));
        Some(producer)
    }

    /// Records accepted since the start.
    pub(super) fn claimed(&self) -> u64 {
        self.producers.iter().map(|producer| producer.claimed()).sum()
    }

    /// Records in the queue. While the lock is held none can leave, so the number was exact at the end of the count.
    pub(super) fn depth(&mut self, core: &Core) -> u64 {
        let depth = self.claimed() - core.taken();
        self.high_water = self.high_water.max(depth);
        depth
    }

    // For callers.

    /// Claims a place for a record, without waiting.
    pub(super) fn offer(&mut self, core: &Core, producer: &Producer) -> Result<(), Reason> {
        if self.closed {
            return Err(Reason::Closed);
        }
        if self.acquire(core, core.lent_to) {
            producer.claim_directly();
            return Ok(());
        }
        if core.config.strategy == Strategy::Block {
            producer.counts.would_block.add();
            return Err(Reason::Full);
        }
        if core.config.strategy == Strategy::DropOldest && self.evict(core) {
            producer.claim_directly();
            core.call_now();
            return Ok(());
        }
        if core.room(core.maxsize()) == 0 {
            producer.counts.dropped.add();
            core.worker.full_at.store(core.taken() + 1, Ordering::Release);
            return Err(Reason::Full);
        }
        // Only `sample` gets here: the queue is nearly full.
        if !self.draw(core) {
            producer.counts.sampled_out.add();
            return Err(Reason::SampledOut);
        }
        // Beyond `lent_to`, credits are given out only under the lock, so there still is room.
        let granted = core.grant(1, core.maxsize());
        debug_assert_eq!(granted, 1);
        producer.claim_directly();
        Ok(())
    }

    /// Takes one credit: a free one, or an idle one of a producer. If there is none, the queue holds at least `limit`
    /// records.
    fn acquire(&mut self, core: &Core, limit: u64) -> bool {
        // A free place belongs to the callers that wait.
        if !self.waiting.is_empty() {
            return false;
        }
        let mut looks = 0_u32;
        loop {
            if core.grant(1, limit) == 1 {
                return true;
            }
            let idle: u64 = self.producers.iter().map(|producer| producer.reclaim()).sum();
            if idle > 0 {
                core.ungrant(idle - 1);
                return true;
            }
            // No record can leave meanwhile. So if the count says that the queue is full, it was full at the end of the
            // count.
            if self.depth(core) + self.promised >= limit {
                return false;
            }
            // A caller has taken credits and will store them where others see them a few instructions later: look
            // again.
            looks += 1;
            if looks.is_multiple_of(64) { yield_now() } else { spin_loop() }
        }
    }

    /// Removes the oldest record and gives out its credit again; false if there is none that is completely written.
    fn evict(&mut self, core: &Core) -> bool {
        let mut runs = Vec::new();
        let taken = merge(core, &self.producers, &mut self.lanes, 1, &mut runs);
        for run in runs {
            discard_run(core, run);
        }
        // The credit is given out before the record leaves: otherwise another caller could find the place free in
        // between.
        core.regrant(taken);
        self.leave(core, taken);
        self.evicted += taken;
        taken > 0
    }

    /// Whether to keep the next record that `sample` may thin out. The draw depends only on the seed and on the number
    /// of draws before it, not on time or threads.
    fn draw(&mut self, core: &Core) -> bool {
        self.draws += 1;
        // The upper 53 bits, as a number in 0..1 without rounding.
        let uniform = (splitmix64(core.config.seed, self.draws) >> 11) as f64 / (1_u64 << 53) as f64;
        uniform < core.config.sample_rate
    }

    /// Under `block`, claims a place or makes the caller wait; called again whenever `waker` was woken. It is taken if it is
    /// needed. The ticket belongs to the caller, who returns it with [`State::cancel`] if it gives up. The next waiters'
    /// wakers are put into `next`, to be woken.
    pub(super) fn turn(
        &mut self,
        core: &Core,
        producer: &Producer,
        ticket: &mut Option<u64>,
        waker: &mut Option<Waker>,
        next: &mut Vec<Waker>,
    ) -> Turn {
        // Closing has removed all waiters and voided all promises, so the ticket stands for nothing.
        if self.closed {
            *ticket = None;
            return Turn::Done(Err(Reason::Closed));
        }
        let Some(own) = *ticket else {
            if self.acquire(core, core.lent_to) {
                producer.claim_directly();
                return Turn::Done(Ok(Place::FREE));
            }
            core.close_gate();
            self.waiting.insert(self.next_ticket, waker.take().expect("the caller's own"));
            *ticket = Some(self.next_ticket);
            self.next_ticket += 1;
            return Turn::Wait(None);
        };
        if let Some(kept) = self.waiting.get_mut(&own) {
            let other = waker.take_if(|waker| !kept.will_wake(waker));
            return Turn::Wait(other.map(|other| mem::replace(kept, other)));
        }
        // The ticket neither waits nor was cancelled or voided, so places are promised to it: one for this record, the
        // others for the next ones.
        *ticket = None;
        let lent = self.redeem(own) - 1;
        producer.claim_directly();
        // Many tasks of one thread may each come with a lot, and none of them log again soon.
        let kept = lent.min(LEASE.saturating_sub(producer.credits()));
        producer.lend(kept);
        self.pass_on(core, lent - kept, next);
        let calls = !self.waiting.is_empty() && self.depth(core) >= core.complete;
        Turn::Done(Ok(Place { waited: true, calls }))
    }

    /// Takes a ticket back. Returns its own waker, to be dropped, and the next waiters', to be woken.
    pub(super) fn cancel(&mut self, core: &Core, ticket: u64) -> (Option<Waker>, Vec<Waker>) {
        if let Some(own) = self.waiting.remove(&ticket) {
            self.open_if_nobody_waits(core);
            return (Some(own), Vec::new());
        }
        // Closing has set `promised` to 0: there is no promise to take back.
        if self.closed {
            return (None, Vec::new());
        }
        let lot = self.redeem(ticket);
        let mut next = Vec::new();
        self.pass_on(core, lot, &mut next);
        (None, next)
    }

    /// Gives promised places to the next waiters. Otherwise they would stay free, with nobody woken for them.
    fn pass_on(&mut self, core: &Core, places: u64, next: &mut Vec<Waker>) {
        if places > 0 {
            core.ungrant(places);
            self.promise(core, next);
            self.open_if_nobody_waits(core);
        }
    }

    /// Ends a promise, and returns its number of places.
    fn redeem(&mut self, ticket: u64) -> u64 {
        let lot = self.lots.remove(&ticket).expect("a ticket that does not wait has a lot");
        self.promised -= lot;
        lot
    }

    /// Promises the free places to those who wait, in the order of their arrival, and adds their wakers to `wakers`. Each
    /// gets a whole lot while there are that many: waking a thread costs more than ten records, and the next in line get
    /// theirs from the next batch.
    fn promise(&mut self, core: &Core, wakers: &mut Vec<Waker>) {
        let lot = self.lot();
        while !self.waiting.is_empty() {
            let granted = core.grant(lot, core.maxsize());
            let Some((ticket, waker)) = (granted > 0).then(|| self.waiting.pop_first()).flatten() else { return };
            self.lots.insert(ticket, granted);
            self.promised += granted;
            wakers.push(waker);
        }
    }

    /// How many places a caller that waited gets at once.
    pub(super) fn lot(&self) -> u64 {
        self.pace.lot()
    }

    fn open_if_nobody_waits(&mut self, core: &Core) {
        if self.waiting.is_empty() && !self.closed && core.config.strategy == Strategy::Block {
            core.open_gate();
        }
    }

    /// Stops accepting records, voids all promises and takes back all credits: afterwards no record is claimed any more.
    /// Returns the wakers of all waiters.
    pub(super) fn close(&mut self, core: &Core) -> BTreeMap<u64, Waker> {
        core.close_gate();
        if !self.closed {
            self.closed = true;
            self.lots.clear();
            core.ungrant(mem::take(&mut self.promised));
            core.ungrant(self.producers.iter().map(|producer| producer.revoke()).sum());
        }
        mem::take(&mut self.waiting)
    }

    // For the worker.

    /// What the worker should do next. The answer is recorded for the callers, so the worker must do exactly that.
    pub(super) fn step(&mut self, core: &Core, now: Instant) -> Step {
        let step = self.next_step(core, now);
        let asleep = match step {
            Step::Take | Step::Look | Step::Exit => sleep::AWAKE,
            Step::Nap(_) => sleep::NAP,
            Step::Rest(_) => sleep::DEEP,
            Step::Park => sleep::PARKED,
        };
        core.worker.sleep.store(asleep, Ordering::Release);
        self.pace.parked = step == Step::Park;
        if step == Step::Park {
            // Either this sees a caller's record, or the caller, who has a fence as well, sees that the worker has parked.
            fence(Ordering::SeqCst);
            if self.ready() > 0 {
                core.worker.sleep.store(sleep::AWAKE, Ordering::Release);
                return Step::Look;
            }
        }
        step
    }

    fn ready(&self) -> u64 {
        self.producers.iter().zip(&self.lanes).map(|(producer, lane)| lane.ready(producer)).sum()
    }

    fn next_step(&mut self, core: &Core, now: Instant) -> Step {
        let ready = self.ready();
        if self.closed && ready == 0 {
            // A record may be claimed and not yet written.
            return if self.claimed() == core.taken() { Step::Exit } else { Step::Look };
        }
        let pace = &mut self.pace;
        // A parked worker was woken by a record that has just come.
        let last = if pace.parked { now } else { pace.looked.unwrap_or(now) };
        pace.looked = Some(now);
        pace.quiet = if ready == pace.ready { pace.quiet.saturating_add(1) } else { 0 };
        pace.rest = pace.rest.min(ready);
        let arrived = ready.saturating_sub(mem::replace(&mut pace.ready, ready));
        pace.interval =
            (arrived > 0).then(|| now.saturating_duration_since(last) / arrived.min(u32::MAX.into()) as u32);
        let timeout = core.config.batch_timeout;
        // Promised places that are not used go to the callers that wait.
        if pace.quiet > 0 && ready < core.complete && !self.waiting.is_empty() {
            let idle: u64 = self.producers.iter().map(|producer| producer.reclaim()).sum();
            if idle > 0 {
                core.ungrant(idle);
                return Step::Take;
            }
        }
        let pace = &mut self.pace;
        if ready == 0 {
            (pace.since, pace.hurry) = (None, false);
            return if timeout < NAP { Step::Park } else { pace.sleep(core, !self.waiting.is_empty(), timeout) };
        }
        let since = *pace.since.get_or_insert(last);
        let left = timeout.saturating_sub(now.saturating_duration_since(since));
        let due = self.closed || ready >= core.complete || pace.rest > 0 || pace.hurry || left.is_zero();
        if due { Step::Take } else { pace.sleep(core, !self.waiting.is_empty(), left) }
    }

    /// Makes what is in the queue due.
    #[cfg(feature = "log")]
    pub(super) fn hurry(&mut self) {
        self.pace.hurry = true;
    }

    /// Takes the oldest records, up to a batch or `most`, and says how many. What is left of the batch is due at once. The
    /// waiters that are promised the free places have their wakers put into `wakers`.
    pub(super) fn take(&mut self, core: &Core, most: u64, runs: &mut Vec<Run>, wakers: &mut Vec<Waker>) -> u64 {
        self.depth(core);
        self.pace.adapt(core.maxsize());
        let batch = if self.pace.rest > 0 { self.pace.rest } else { core.complete };
        let part = batch.min(most);
        let taken = merge(core, &self.producers, &mut self.lanes, part, runs);
        self.leave(core, taken);
        self.pace.note_batch(taken, if taken == part { batch - part } else { 0 });
        self.promise(core, wakers);
        self.open_if_nobody_waits(core);
        taken
    }

    /// Lets `records` leave the queue: from now on there is room for as many more.
    fn leave(&mut self, core: &Core, records: u64) {
        // `Release`: a caller that finds room through this also sees that the worker is done with the old records.
        core.worker.taken.store(core.taken() + records, Ordering::Release);
    }

    /// Discards all records in the queue; only after [`State::close`].
    pub(super) fn discard(&mut self, core: &Core) -> u64 {
        let depth = self.depth(core);
        self.leave(core, depth);
        depth
    }

    /// Frees the memory outside of their slots of records that nobody will read. Only when no thread uses the queue any
    /// more.
    pub(super) fn release_all(&mut self, core: &Core) {
        for (producer, lane) in self.producers.iter().zip(&mut self.lanes) {
            lane.release(core, producer);
        }
    }
}

impl Pace {
    /// How to sleep, for at most `longest`; `urgent` if callers wait.
    fn sleep(&self, core: &Core, urgent: bool, longest: Duration) -> Step {
        match (urgent, self.quiet.checked_sub(QUIET)) {
            (true, _) => Step::Nap(self.nap.min(longest)),
            (false, None) => Step::Nap(self.nap.max(self.expected(core)).min(longest)),
            (false, Some(looks)) => Step::Rest(DEEP.min(NAP * 2_u32.pow(looks.min(10))).min(longest)),
        }
    }

    /// In which time, at the rate since the last look, a batch becomes complete or an eighth of the queue fills up. Zero if
    /// the rate is not known, or if looks have to be frequent.
    fn expected(&self, core: &Core) -> Duration {
        let Some(interval) = self.interval.filter(|_| self.nap == NAP) else { return Duration::ZERO };
        let records = core.complete.saturating_sub(self.ready).min(core.maxsize() / 8);
        interval.saturating_mul(records.min(u32::MAX.into()) as u32).min(LONG_NAP)
    }

    /// This many records were taken at the last look; of their batch, up to `rest` are left.
    fn note_batch(&mut self, taken: u64, rest: u64) {
        if self.ready == taken {
            self.since = None;
        }
        self.ready -= taken.min(self.ready);
        self.rest = rest.min(self.ready);
        let Some(now) = self.looked.filter(|_| taken > 0) else { return };
        if let Some((before, records)) = self.took.replace((now, taken)) {
            self.per_record = Some(now.saturating_duration_since(before) / records.min(u32::MAX.into()) as u32);
        }
    }

    /// How many places a caller that waited gets at once.
    fn lot(&self) -> u64 {
        let of = |per_record: Duration| LOT.as_nanos() as u64 / (per_record.as_nanos() as u64).max(1);
        self.per_record.map_or(LEASE, of).clamp(1, LEASE)
    }

    /// Makes naps shorter if the queue fills up during one.
    fn adapt(&mut self, maxsize: u64) {
        if self.ready >= maxsize / 4 {
            self.nap = (self.nap / 2).max(SHORT_NAP);
        } else if self.ready < maxsize / 16 {
            self.nap = (self.nap * 2).min(NAP);
        }
    }
}

/// The `index`-th output of the splitmix64 generator with this seed.
fn splitmix64(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
