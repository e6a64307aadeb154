//! Finds the time in which the queue kept every sender from running.
//!
//! A call that blocks its thread delays all tasks on that thread. While at least one sender thread is free, that is up
//! to the scheduler. While every sender thread is inside a call, no task could have sent anything, and the delay is the
//! queue's. [`Stalls`] finds those spans: the thread whose call ends such a span knows when it began.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Shorter spans are ignored, in nanoseconds: finding them would cost every call a look at all threads.
const SHORTEST: u64 = 20_000;

/// Number of equal bins in which spans are kept.
const BINS: usize = 16_384;

/// Number of spans that are kept as they are.
const LATEST: usize = 4_096;

/// Marks a thread that is not inside a call.
const OUTSIDE: u64 = u64::MAX;

/// A thread's slot, on its own cache line: when it entered its call. The store is relaxed. If another thread sees it
/// some nanoseconds late, a span of at least [`SHORTEST`] shifts by as much.
#[repr(align(128))]
#[derive(Debug)]
struct Slot(AtomicU64);

/// Watches the calls of a fixed set of sender threads. Memory is constant: the latest spans are kept as they are; older
/// ones only as a sum for each of at most 16,384 bins, whose width doubles as the run goes on and within which the held
/// time counts as spread evenly.
#[derive(Debug)]
pub struct Stalls {
    slots: Vec<Slot>,
    /// When the last span ended. A question about a later time needs no lock.
    last_end: AtomicU64,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    width: u64,
    bins: Vec<u64>,
    /// Ascending, and never overlapping.
    latest: VecDeque<(u64, u64)>,
}

impl Stalls {
    /// For `threads` sender threads.
    pub fn new(threads: usize) -> Self {
        let slots = (0..threads).map(|_| Slot(AtomicU64::new(OUTSIDE))).collect();
        Self {
            slots,
            last_end: AtomicU64::new(0),
            held: Mutex::new(Held { width: 1_000_000, bins: Vec::new(), latest: VecDeque::new() }),
        }
    }

    /// The thread goes into a call at `now`.
    #[inline]
    pub fn enter(&self, thread: usize, now: u64) {
        self.slots[thread].0.store(now, Ordering::Relaxed);
    }

    /// The thread, inside since `entered`, comes out of its call at `now`.
    #[inline]
    pub fn leave(&self, thread: usize, entered: u64, now: u64) {
        if now.saturating_sub(entered) >= SHORTEST {
            self.end_of_long_call(entered, now);
        }
        self.slots[thread].0.store(OUTSIDE, Ordering::Relaxed);
    }

    #[cold]
    fn end_of_long_call(&self, entered: u64, now: u64) {
        let mut held = self.held.lock().expect("nothing panics while it holds the lock");
        // `OUTSIDE` is the largest value, so a single free thread makes it the maximum: then nobody was held.
        let last_to_enter = self.slots.iter().map(|slot| slot.0.load(Ordering::Relaxed)).max().unwrap_or(OUTSIDE);
        if last_to_enter != OUTSIDE {
            held.enter(last_to_enter.max(entered), now);
            self.last_end.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// How much of the span `from..to` every sender was inside a call, in nanoseconds.
    #[inline]
    pub fn held(&self, from: u64, to: u64) -> u64 {
        if to.saturating_sub(from) < SHORTEST || from >= self.last_end.load(Ordering::Relaxed) {
            return 0;
        }
        self.held.lock().expect("nothing panics while it holds the lock").between(from, to)
    }
}

impl Held {
    fn enter(&mut self, from: u64, to: u64) {
        // Several threads that come out one after the other report overlapping spans. Time is held only once.
        let from = from.max(self.latest.back().map_or(0, |&(_, end)| end));
        if from + SHORTEST > to {
            return;
        }
        if self.latest.len() == LATEST {
            self.latest.pop_front();
        }
        self.latest.push_back((from, to));
        while to / self.width >= BINS as u64 {
            self.widen();
        }
        let last = (to / self.width) as usize;
        if self.bins.len() <= last {
            self.bins.resize(last + 1, 0);
        }
        for bin in (from / self.width) as usize..=last {
            let start = bin as u64 * self.width;
            self.bins[bin] += to.min(start + self.width) - from.max(start);
        }
    }

    fn widen(&mut self) {
        self.width *= 2;
        self.bins = self.bins.chunks(2).map(|pair| pair.iter().sum()).collect();
    }

    fn between(&self, from: u64, to: u64) -> u64 {
        let exact_from = self.latest.front().map_or(0, |&(start, _)| start).clamp(from, to);
        let first = self.latest.partition_point(|&(_, end)| end <= exact_from);
        let overlap = |&(start, end): &(u64, u64)| end.min(to).saturating_sub(start.max(exact_from));
        let exact: u64 = self.latest.range(first..).take_while(|&&(start, _)| start < to).map(overlap).sum();
        // Until the list is full, it holds every span. A bin at its edge would count a part of one again.
        exact + if self.latest.len() == LATEST { self.binned(from, exact_from) } else { 0 }
    }

    fn binned(&self, from: u64, to: u64) -> u64 {
        let (first, last) = ((from / self.width) as usize, (to / self.width) as usize);
        (first..=last.min(self.bins.len().saturating_sub(1)))
            .map(|bin| {
                let start = bin as u64 * self.width;
                let overlap = to.min(start + self.width).saturating_sub(from.max(start));
                let held = self.bins.get(bin).copied().unwrap_or(0);
                (u128::from(held) * u128::from(overlap) / u128::from(self.width)) as u64
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn one_free_thread_means_nobody_is_held() {
        let stalls = Stalls::new(2);
        stalls.enter(0, 0);
        stalls.leave(0, 0, 10 * MS);
        assert_eq!(stalls.held(0, 20 * MS), 0);
    }

    #[test]
    fn the_span_in_which_all_are_inside_is_held() {
        let stalls = Stalls::new(2);
        stalls.enter(0, 0);
        stalls.enter(1, 4 * MS);
        stalls.leave(0, 0, 10 * MS);
        stalls.leave(1, 4 * MS, 30 * MS);
        assert_eq!(stalls.held(0, 40 * MS), 6 * MS);
        assert_eq!(stalls.held(5 * MS, 7 * MS), 2 * MS);
        assert_eq!(stalls.held(20 * MS, 40 * MS), 0);
    }

    #[test]
    fn recent_spans_are_exact_to_the_nanosecond() {
        let stalls = Stalls::new(1);
        for start in [100_000, 400_000] {
            stalls.enter(0, start);
            stalls.leave(0, start, start + 50_001);
        }
        assert_eq!(stalls.held(0, MS), 100_002);
        assert_eq!(stalls.held(120_001, 425_000), 30_000 + 25_000);
        assert_eq!(stalls.held(150_001, 400_000), 0);
    }

    #[test]
    fn back_to_back_calls_are_held_in_full() {
        let stalls = Stalls::new(1);
        for n in 0..100 {
            stalls.enter(0, n * MS);
            stalls.leave(0, n * MS, (n + 1) * MS);
        }
        assert_eq!(stalls.held(0, 100 * MS), 100 * MS);
    }

    #[test]
    fn a_span_that_two_threads_end_is_counted_once() {
        let stalls = Stalls::new(2);
        stalls.enter(0, 0);
        stalls.enter(1, 0);
        // Thread 0 has reported the end of its call, but is not yet marked as outside when thread 1 reports its end.
        stalls.end_of_long_call(0, 10 * MS);
        stalls.leave(1, 0, 10 * MS);
        stalls.leave(0, 0, 10 * MS);
        assert_eq!(stalls.held(0, 20 * MS), 10 * MS);
    }

    #[test]
    fn short_calls_are_nobodys_stall() {
        let stalls = Stalls::new(1);
        for n in 0..100 {
            stalls.enter(0, n * 1_000);
            stalls.leave(0, n * 1_000, (n + 1) * 1_000);
        }
        assert_eq!(stalls.held(0, MS), 0);
    }

    #[test]
    fn memory_stays_bounded_while_totals_stay_exact() {
        let stalls = Stalls::new(1);
        let day = 24 * 3_600 * 1_000 * MS;
        for n in 0..10_000 {
            let start = n * (day / 10_000);
            stalls.enter(0, start);
            stalls.leave(0, start, start + 5 * MS);
        }
        // At the boundary between the bins and the kept spans, a part of a bin is estimated.
        let total = stalls.held(0, day);
        assert!(total.abs_diff(50_000 * MS) <= 5 * MS, "{total}");
        let held = stalls.held.lock().unwrap();
        assert!(held.bins.len() <= BINS && held.latest.len() <= LATEST);
    }
}
