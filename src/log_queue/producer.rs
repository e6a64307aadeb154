//! One caller's side of the queue: its credits, its counts, and where it writes next.

#![expect(unsafe_code, reason = "while a thread logs, its chain is in memory of the thread")]

use super::pool::{CHUNK, Pool};
use super::slot::{WORDS, fetch};
use super::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::ops::Deref;
use std::ptr;

/// What one credit adds to [`Chain::word`].
const CREDIT: u64 = 1;
/// The part of [`Chain::word`] that counts credits.
const CREDITS: u64 = 0xFF;
/// What one claim adds to [`Chain::word`].
const CLAIM: u64 = CREDITS + 1;

/// The most credits that a producer holds. With more producers than CPUs, each runs until it has used its lease up, and then
/// another one has to be woken: so this is also the number of records between two changes of threads.
pub(super) const LEASE: u64 = if cfg!(all(test, loom_models)) { 2 } else { 128 };

/// Slots between the next one and the one whose cache lines are fetched.
const AHEAD: u32 = 3;

/// A chain of chunks with one writer, its owner: all that a call needs while there is room. Methods "for the owner" are for
/// its thread alone, the others for every thread that may see the chain.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Chain {
    /// Records claimed so far, and in the lower bits the credits that are left. Both share one word, so that a credit
    /// is either used by its owner or taken away by another thread, never both.
    word: AtomicU64,
    /// Records that are completely written.
    published: AtomicU64,
    /// The first slot of the chunk that is written to, the chunk, and how many of its slots are used; for the owner.
    first: AtomicPtr<u64>,
    chunk: AtomicU32,
    used: AtomicU32,
    /// Whether records are numbered by the TSC and the worker looks for them by itself. Kept here, so that a call needs
    /// no other cache line to know it.
    quick: AtomicBool,
}

/// A chain, and who owns it: one thread at a time; when that thread ends, the next new one.
///
/// The chain itself is *at home*, here, or *away*, where its owner has it at hand. It is moved by its owner, under the lock
/// of the queue's state; every other thread looks at it under that lock only.
///
/// It has cache lines of its own: while there is room, a call writes to no other shared cache line.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct Producer {
    home: Chain,
    /// The chain, if it is away. This is no atomic of loom: there, chains stay at home.
    away: std::sync::atomic::AtomicPtr<Chain>,
    owned: AtomicBool,
    pub(super) counts: Counts,
}

/// What a producer has counted. The owner adds, everybody reads.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) dropped: Count,
    pub(super) sampled_out: Count,
    pub(super) would_block: Count,
    pub(super) cut: Count,
}

/// A counter with one writer.
#[derive(Debug)]
pub(super) struct Count(AtomicU64);

impl Default for Count {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Count {
    /// Adds 1; for the owner.
    #[inline]
    pub(super) fn add(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Producer {
    /// A producer that belongs to the caller and will write to `chunk`. Its chain is at home.
    pub(super) fn new(pool: &Pool, chunk: u32, quick: bool) -> Self {
        let home = Chain {
            word: AtomicU64::new(0),
            published: AtomicU64::new(0),
            first: AtomicPtr::new(pool.slot(chunk, 0)),
            chunk: AtomicU32::new(chunk),
            used: AtomicU32::new(0),
            quick: AtomicBool::new(quick),
        };
        Self { home, away: Default::default(), owned: AtomicBool::new(true), counts: Counts::default() }
    }

    /// Takes over a producer that belongs to nobody.
    pub(super) fn adopt(&self) -> bool {
        // `Acquire`, with the `Release` below: the new owner sees everything that the last one wrote.
        !self.owned.load(Ordering::Relaxed) && !self.owned.swap(true, Ordering::Acquire)
    }

    /// Gives the producer up; for the owner. Its records will be delivered, and its credits can be taken back.
    pub(super) fn abandon(&self) {
        self.owned.store(false, Ordering::Release);
    }

    /// Moves the chain to `place`; for the owner, under the lock of the queue's state.
    ///
    /// # Safety
    ///
    /// Before `place` goes or is used for another chain, the owner calls [`Self::move_home`], or no thread looks at the
    /// producer's chain any more.
    pub(super) unsafe fn move_to(&self, place: &Chain) {
        place.copy(self);
        self.away.store(ptr::from_ref(place).cast_mut(), Ordering::Relaxed);
    }

    /// Moves the chain home; for the owner, under the lock of the queue's state.
    pub(super) fn move_home(&self) {
        self.home.copy(self);
        self.away.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// Whether the chain is at home.
    #[cfg(all(test, not(loom_models)))]
    pub(super) fn is_at_home(&self) -> bool {
        self.away.load(Ordering::Relaxed).is_null()
    }
}

impl Deref for Producer {
    type Target = Chain;

    /// The chain; for the owner, or under the lock of the queue's state.
    fn deref(&self) -> &Chain {
        // Relaxed: it was stored by this thread, or under the lock that this thread holds.
        // SAFETY: null, or a place that stays until the chain was moved home, as `move_to` asks for.
        unsafe { self.away.load(Ordering::Relaxed).as_ref() }.unwrap_or(&self.home)
    }
}

impl Chain {
    /// Room for a chain that is not at home.
    #[cfg(not(all(test, loom_models)))]
    pub(super) const fn room() -> Self {
        Self {
            word: AtomicU64::new(0),
            published: AtomicU64::new(0),
            first: AtomicPtr::new(ptr::null_mut()),
            chunk: AtomicU32::new(0),
            used: AtomicU32::new(0),
            quick: AtomicBool::new(false),
        }
    }

    /// Becomes a copy of `other`, which does not change meanwhile. Relaxed: the lock hands it over.
    fn copy(&self, other: &Self) {
        self.word.store(other.word.load(Ordering::Relaxed), Ordering::Relaxed);
        self.published.store(other.published.load(Ordering::Relaxed), Ordering::Relaxed);
        self.first.store(other.first.load(Ordering::Relaxed), Ordering::Relaxed);
        self.chunk.store(other.chunk.load(Ordering::Relaxed), Ordering::Relaxed);
        self.used.store(other.used.load(Ordering::Relaxed), Ordering::Relaxed);
        self.quick.store(other.quick.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Uses up a credit for a record; for the owner. False if there is none.
    #[inline]
    pub(super) fn claim(&self) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while word & CREDITS != 0 {
            // Relaxed: the threads only have to agree on the word itself. `publish` hands the record over.
            let used = word + CLAIM - CREDIT;
            match self.word.compare_exchange_weak(word, used, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(current) => word = current,
            }
        }
        false
    }

    /// Claims a record for a credit that was taken elsewhere. Under the queue's lock.
    pub(super) fn claim_directly(&self) {
        self.word.fetch_add(CLAIM, Ordering::Relaxed);
    }

    /// Adds credits; for the owner, who never has more than a lease.
    pub(super) fn lend(&self, credits: u64) {
        debug_assert!(self.credits() + credits <= LEASE, "more than a lease");
        // `Acquire`, with the `Release` of `revoke`: if the queue was closed and these credits were revoked before, the
        // owner sees the closed gate.
        self.word.fetch_add(credits * CREDIT, Ordering::Acquire);
    }

    /// Takes away all credits and says how many there were.
    pub(super) fn reclaim(&self) -> u64 {
        // Most producers have none, and keep their cache line. Credits that are lent after this look are found by the
        // next one.
        if self.word.load(Ordering::Relaxed) & CREDITS == 0 { 0 } else { self.revoke() }
    }

    /// As [`Self::reclaim`], for good: credits that are lent later find the gate closed.
    pub(super) fn revoke(&self) -> u64 {
        // `Release`, with the `Acquire` of `lend`: an owner who lends after this sees what was written before it.
        self.word.fetch_and(!CREDITS, Ordering::AcqRel) & CREDITS
    }

    /// Credits that are left.
    pub(super) fn credits(&self) -> u64 {
        self.word.load(Ordering::Relaxed) & CREDITS
    }

    /// Records claimed so far.
    pub(super) fn claimed(&self) -> u64 {
        self.word.load(Ordering::Acquire) / CLAIM
    }

    /// Whether records are numbered by the TSC and the worker looks for them by itself.
    #[inline(always)]
    pub(super) fn is_quick(&self) -> bool {
        self.quick.load(Ordering::Relaxed)
    }

    /// The slot of the record that was claimed last; for the owner.
    #[inline(always)]
    pub(super) fn next_slot(&self, pool: &Pool) -> *mut u64 {
        let mut used = self.used.load(Ordering::Relaxed);
        if used == CHUNK {
            self.next_chunk(pool);
            used = 0;
        }
        self.used.store(used + 1, Ordering::Relaxed);
        pool.witness(self.chunk.load(Ordering::Relaxed), used, true);
        self.first.load(Ordering::Relaxed).wrapping_add(used as usize * WORDS)
    }

    #[inline(never)]
    fn next_chunk(&self, pool: &Pool) {
        let Some(next) = pool.take() else {
            unreachable!("the pool has a chunk for every credit, and some for each producer");
        };
        pool.link(self.chunk.load(Ordering::Relaxed), next);
        self.chunk.store(next, Ordering::Relaxed);
        self.first.store(pool.slot(next, 0), Ordering::Relaxed);
        if self.is_quick() {
            (0..=AHEAD).for_each(|index| fetch(pool.slot(next, index)));
        }
    }

    /// Fetches a slot that will be needed soon: the worker read it last, so another CPU has its cache lines. For the owner,
    /// after a record.
    #[inline(always)]
    pub(super) fn fetch_ahead(&self) {
        let index = self.used.load(Ordering::Relaxed) + AHEAD;
        // Beyond this chunk, another producer may be writing.
        if index < CHUNK {
            fetch(self.first.load(Ordering::Relaxed).wrapping_add(index as usize * WORDS));
        }
    }

    /// Hands over the record that was written last; for the owner.
    #[inline]
    pub(super) fn publish(&self) {
        self.published.store(self.published.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// Records that can be read.
    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }
}
