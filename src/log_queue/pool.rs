//! The memory of a queue: slots in chunks, all allocated at the start.
//!
//! A chunk is either free, or a link of one producer's chain: the producer writes its slots one after the other, the worker
//! reads them in the same order. The last chunk that was freed is the first to be used again, so that a queue that is
//! nearly empty stays within a few chunks, which stay in the cache.

#![expect(unsafe_code, reason = "one block for all slots, whose pages are not touched before they are needed")]

use super::slot::WORDS;
use super::sync::{AtomicU32, AtomicU64, Ordering};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Records in a chunk.
pub(super) const CHUNK: u32 = if cfg!(all(test, loom_models)) { 2 } else { 32 };

/// Largest number of records whose memory is touched at the start, so that callers meet no page faults in it. In a longer
/// queue, faults are rare compared with the records between them.
const TOUCHED_RECORDS: usize = if cfg!(any(miri, all(test, loom_models))) { 0 } else { 1 << 16 };
/// So many more than the records that it is for, as chunks of many producers are not full.
const TOUCHED_BESIDES: usize = 1 << 13;

/// Size of a page, in words, at least.
const PAGE: usize = 512;

/// The slots, and the links between their chunks.
pub(super) struct Pool {
    slots: NonNull<u64>,
    layout: Layout,
    /// For each chunk, one more than the next chunk of its chain or of the free list; 0 ends the list.
    links: Box<[AtomicU32]>,
    /// For each chunk, the number of records that nobody needs any more, plus one if its chain has moved on.
    done: Box<[AtomicU32]>,
    /// The free list: one more than its first chunk, and in the upper half the number of changes. Without that number,
    /// a caller would not notice that a chunk was taken and freed again between its two looks (the ABA problem).
    free: AtomicU64,
    /// Chunks from this one on have never been used.
    fresh: AtomicU32,
    /// Shadows of the slots, so that loom notices two threads in one slot.
    #[cfg(all(test, loom_models))]
    shadows: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: whoever writes or reads a slot through a pointer from `slot` promises to be alone with it.
unsafe impl Send for Pool {}
// SAFETY: as above; everything else is atomic.
unsafe impl Sync for Pool {}

impl Pool {
    /// Allocates this many chunks, for about this many records; `None` if there is not enough memory.
    pub(super) fn new(chunks: usize, records: usize) -> Option<Self> {
        u32::try_from(chunks).ok().filter(|&chunks| chunks < u32::MAX / CHUNK)?;
        let layout = Layout::array::<[u64; WORDS]>(chunks * CHUNK as usize).ok()?.align_to(128).ok()?;
        let links = counters(chunks)?;
        let done = counters(chunks)?;
        // SAFETY: the layout is not empty.
        let slots = NonNull::new(unsafe { alloc_zeroed(layout) }.cast::<u64>())?;
        let used = (chunks * CHUNK as usize).min(records.saturating_add(TOUCHED_BESIDES));
        let touched = used.min(TOUCHED_RECORDS) * WORDS;
        for word in (0..touched).step_by(PAGE) {
            // SAFETY: within the block. Volatile, since the block is zero already.
            unsafe { slots.as_ptr().add(word).write_volatile(0) };
        }
        Some(Self {
            slots,
            layout,
            links,
            done,
            free: AtomicU64::new(0),
            fresh: AtomicU32::new(0),
            #[cfg(all(test, loom_models))]
            shadows: (0..chunks * CHUNK as usize).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        })
    }

    /// Takes a chunk. `None` if all are in use, which cannot happen in a queue that counts its records.
    pub(super) fn take(&self) -> Option<u32> {
        let mut free = self.free.load(Ordering::Acquire);
        while let Some(chunk) = (free as u32).checked_sub(1) {
            // Another caller may have taken the chunk by now. Then this link means nothing, and `free` has changed.
            let next = self.links[chunk as usize].load(Ordering::Relaxed);
            match self.free.compare_exchange_weak(free, changed(free, next), Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(self.emptied(chunk)),
                Err(current) => free = current,
            }
        }
        let within = |fresh: u32| ((fresh as usize) < self.links.len()).then_some(fresh + 1);
        let fresh = self.fresh.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).ok()?;
        Some(self.emptied(fresh))
    }

    fn emptied(&self, chunk: u32) -> u32 {
        self.done[chunk as usize].store(0, Ordering::Relaxed);
        chunk
    }

    /// Counts `records` of the chunk as no longer needed. The chain counts 1 when it moves on. The last of `CHUNK` + 1
    /// counts frees the chunk.
    pub(super) fn done(&self, chunk: u32, records: u32) {
        // `AcqRel`: the last one knows that every other reader of the slots is done, and passes that on with the chunk.
        // Otherwise a new owner could write while an old reader still reads.
        if self.done[chunk as usize].fetch_add(records, Ordering::AcqRel) + records == CHUNK + 1 {
            self.free_chunk(chunk);
        }
    }

    fn free_chunk(&self, chunk: u32) {
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            self.links[chunk as usize].store(free as u32, Ordering::Relaxed);
            let first = changed(free, chunk + 1);
            match self.free.compare_exchange_weak(free, first, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => free = current,
            }
        }
    }

    /// Continues the chain of `chunk` with `next`.
    pub(super) fn link(&self, chunk: u32, next: u32) {
        // This is read only after a record of `next` was published.
        self.links[chunk as usize].store(next + 1, Ordering::Relaxed);
    }

    /// The next chunk of the chain. It may only be called after a record in that chunk was published.
    pub(super) fn next(&self, chunk: u32) -> u32 {
        self.links[chunk as usize].load(Ordering::Relaxed) - 1
    }

    /// A slot of a chunk. The caller must be the only one that uses it.
    #[inline]
    pub(super) fn slot(&self, chunk: u32, index: u32) -> *mut u64 {
        debug_assert!((chunk as usize) < self.links.len() && index < CHUNK);
        // SAFETY: chunks come from `take` and lie within the block.
        unsafe { self.slots.as_ptr().add((chunk as usize * CHUNK as usize + index as usize) * WORDS) }
    }

    /// Tells loom that the slot is read, or written.
    #[inline]
    pub(super) fn witness(&self, chunk: u32, index: u32, writes: bool) {
        #[cfg(all(test, loom_models))]
        {
            let shadow = &self.shadows[(chunk * CHUNK + index) as usize];
            if writes { shadow.with_mut(|_| ()) } else { shadow.with(|_| ()) }
        }
        let _ = (chunk, index, writes);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: allocated with that layout, and nobody has a reference any more.
        unsafe { dealloc(self.slots.as_ptr().cast(), self.layout) };
    }
}

/// A list that now begins with `first`.
fn changed(list: u64, first: u32) -> u64 {
    ((list >> 32) + 1) << 32 | u64::from(first)
}

fn counters(length: usize) -> Option<Box<[AtomicU32]>> {
    let mut counters = Vec::new();
    counters.try_reserve_exact(length).ok()?;
    counters.resize_with(length, || AtomicU32::new(0));
    Some(counters.into_boxed_slice())
}

#[cfg(all(test, not(loom_models)))]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_free_when_its_records_are_done_and_the_chain_has_left_it() {
        let pool = Pool::new(2, 0).expect("memory");
        assert_eq!((pool.take(), pool.take(), pool.take()), (Some(0), Some(1), None));
        pool.done(0, CHUNK - 1);
        pool.done(0, 1);
        assert_eq!(pool.take(), None);
        pool.done(0, 1);
        assert_eq!((pool.take(), pool.take()), (Some(0), None));
        pool.done(1, 1);
        pool.done(1, CHUNK);
        pool.done(0, CHUNK + 1);
        assert_eq!([pool.take(), pool.take(), pool.take()], [Some(0), Some(1), None], "the last one first");
    }

    #[test]
    fn a_chunk_is_given_to_one_thread_at_a_time() {
        const ROUNDS: u32 = if cfg!(miri) { 50 } else { 20_000 };
        let pool = Pool::new(3, 0).expect("memory");
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        let chunk = pool.take().expect("two of three");
                        let slot = pool.slot(chunk, 0);
                        // SAFETY: this thread has taken the chunk.
                        unsafe {
                            assert_eq!(slot.read(), 0);
                            slot.write(1);
                            slot.write(0);
                        }
                        pool.done(chunk, CHUNK + 1);
                    }
                });
            }
        });
    }

    #[test]
    fn more_than_there_is_is_refused() {
        assert!(Pool::new(usize::MAX, usize::MAX).is_none());
        assert!(Pool::new(u32::MAX as usize, 0).is_none());
    }
}
