//! How long a cache line takes to another CPU and back: the core-to-core latency, as a round trip.
//!
//! Callers and worker of a queue share cache lines, so this is a part of each call that no queue can avoid. On real hardware it is
//! a constant. A virtual machine has its CPUs wherever the hypervisor puts them: neighbours at one moment, in different parts of
//! the processor at the next. That makes calls several times slower or faster from one second to another, in groups of repeats
//! that nothing else divides.

use crate::clock::{Clock, SystemClock};
use crate::measure::CoreToCore;
use crate::platform;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Pairs of CPUs that are measured at most.
const MOST_PAIRS: usize = 4;
/// Round trips that are timed together: reading the clock costs about as much as one.
const BLOCK: u64 = 32;
/// Time for a pair of CPUs, in nanoseconds.
const BUDGET_NS: u64 = 1_000_000;
/// A pair that has not come that far after this time, in nanoseconds, does not run at the same time: both CPUs are busy.
const PATIENCE_NS: u64 = 20_000_000;
/// Smallest number of blocks from which a value is taken.
const LEAST: usize = 10;
/// A longer round trip, in nanoseconds, is not one of two CPUs that were free: between two sockets it takes some 500.
const MOST_NS: u64 = 2_000;
/// Between two looks at the clock while waiting.
const SPINS: u32 = 1_000;
/// Between two looks at how far apart the CPUs are: a hypervisor leaves them apart for seconds.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The turn that ends the game. Any other says by its lowest bit who is next: 1 is the one who answers.
const OVER: u64 = u64::MAX;

/// What travels, alone on its cache line and on the one that is fetched with it.
#[repr(align(128))]
struct Line(AtomicU64);

/// The round trip of a cache line between two CPUs of this process, in nanoseconds: of a few pairs of CPUs the slowest. `None`
/// with one CPU, where threads cannot be moved to CPUs, and while other programs keep the CPUs busy. Takes up to 20 ms,
/// usually 2 ms.
#[must_use]
pub fn measure() -> Option<u64> {
    let allowed = platform::allowed_cpus().ok()??;
    pairs(&allowed).into_iter().filter_map(round_trip).max()
}

/// Whether the CPUs are as near each other as a round trip of `nearest_ns` nanoseconds, or nearly; waits for it until
/// `patience` is over or `is_over` says so. Yes, if that cannot be told.
pub fn wait_until_near(nearest_ns: u64, patience: Duration, is_over: impl Fn() -> bool) -> bool {
    let mut is_near = true;
    look(patience, |seen| {
        is_near = seen.is_none_or(|ns| CoreToCore::is_near(ns, nearest_ns));
        is_near || is_over()
    });
    is_near
}

/// Measures several times a second until `is_enough` of what is seen, or until `patience` is over. Nothing tells when a
/// hypervisor moves a CPU, so there is nothing to wait for but time.
pub fn look(patience: Duration, mut is_enough: impl FnMut(Option<u64>) -> bool) {
    let begun = Instant::now();
    while !is_enough(measure()) && begun.elapsed() < patience {
        thread::sleep(LOOK_EVERY);
    }
}

/// Neighbours in the list, spread over all of it.
fn pairs(cpus: &[usize]) -> Vec<[usize; 2]> {
    let all: Vec<[usize; 2]> = cpus.windows(2).map(|pair| [pair[0], pair[1]]).collect();
    let step = all.len().div_ceil(MOST_PAIRS).max(1);
    all.into_iter().step_by(step).collect()
}

fn round_trip([one, other]: [usize; 2]) -> Option<u64> {
    let line = Line(AtomicU64::new(0));
    thread::scope(|scope| {
        // Neither is this thread, whose CPUs stay what they are.
        let start = |name: &str| thread::Builder::new().name(name.into());
        let asking = start("ql-ask").spawn_scoped(scope, || {
            let blocks = platform::move_to_cpus(&[one]).map_or_else(|_| Vec::new(), |()| ask(&line.0));
            line.0.store(OVER, Ordering::Release);
            blocks
        });
        let answering = start("ql-answer").spawn_scoped(scope, || {
            platform::move_to_cpus(&[other]).is_ok_and(|()| {
                answer(&line.0);
                true
            })
        });
        let (blocks, answered) = (asking.ok()?.join().ok()?, answering.ok()?.join().ok()?);
        if answered { lower_quartile(blocks) } else { None }
    })
}

/// Asks until the budget is used up, and returns the time of each block.
fn ask(turn: &AtomicU64) -> Vec<u64> {
    let clock = SystemClock::new();
    let start = clock.now();
    let (mut before, mut blocks) = (start, Vec::new());
    // The time of a slow start does not count: the first block begins when an answer has come.
    let mut begun = false;
    loop {
        for _ in 0..BLOCK {
            let asked = turn.load(Ordering::Relaxed) + 1;
            turn.store(asked, Ordering::Release);
            let mut spins = 0;
            while turn.load(Ordering::Acquire) == asked {
                spins += 1;
                if spins % SPINS == 0 && clock.now().saturating_sub(start) > PATIENCE_NS {
                    return blocks;
                }
                spin_loop();
            }
        }
        let now = clock.now();
        if begun {
            blocks.push(now.saturating_sub(before));
        }
        (before, begun) = (now, true);
        let passed = now.saturating_sub(start);
        if passed > PATIENCE_NS || (passed > BUDGET_NS && blocks.len() >= LEAST) {
            return blocks;
        }
    }
}

/// Answers until it is over.
fn answer(turn: &AtomicU64) {
    loop {
        match turn.load(Ordering::Acquire) {
            OVER => return,
            // The end may come in between, and must not be overwritten.
            asked if asked % 2 == 1 => {
                let _ = turn.compare_exchange(asked, asked + 1, Ordering::AcqRel, Ordering::Relaxed);
            }
            _ => spin_loop(),
        }
    }
}

/// Of one round trip: a quarter of the blocks were at most as slow, however often the others were interrupted.
fn lower_quartile(mut blocks: Vec<u64>) -> Option<u64> {
    if blocks.len() < LEAST {
        return None;
    }
    blocks.sort_unstable();
    blocks.get(blocks.len() / 4).map(|ns| (ns / BLOCK).max(1)).filter(|ns| *ns <= MOST_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_spread_over_all_cpus() {
        for (cpus, expected) in [
            (vec![], vec![]),
            (vec![3], vec![]),
            (vec![0, 1], vec![[0, 1]]),
            (vec![2, 5, 7], vec![[2, 5], [5, 7]]),
            ((0..5).collect(), vec![[0, 1], [1, 2], [2, 3], [3, 4]]),
            ((0..16).collect(), vec![[0, 1], [4, 5], [8, 9], [12, 13]]),
        ] {
            assert_eq!(pairs(&cpus), expected, "{cpus:?}");
        }
    }

    #[test]
    fn each_question_is_answered_once_and_the_end_is_seen() {
        let turn = AtomicU64::new(0);
        let blocks = thread::scope(|scope| {
            let answering = scope.spawn(|| answer(&turn));
            let blocks = ask(&turn);
            let asked = turn.swap(OVER, Ordering::AcqRel);
            answering.join().unwrap();
            assert!(asked >= BLOCK * blocks.len() as u64 * 2, "{asked} turns, {} blocks", blocks.len());
            blocks
        });
        assert_eq!(turn.into_inner(), OVER);
        assert!(lower_quartile(blocks.clone()).is_none_or(|ns| blocks.len() >= LEAST && ns <= MOST_NS));
    }

    #[test]
    fn without_an_answer_the_question_ends() {
        assert_eq!(ask(&AtomicU64::new(0)), Vec::<u64>::new());
    }

    #[test]
    fn a_value_needs_enough_blocks_and_ignores_the_interrupted_ones() {
        assert_eq!(lower_quartile(vec![BLOCK * 40; LEAST - 1]), None);
        let blocks = [vec![BLOCK * 47; 4], vec![BLOCK * 90_000; 8]].concat();
        assert_eq!(lower_quartile(blocks), Some(47));
        assert_eq!(lower_quartile(vec![BLOCK * (MOST_NS + 1); LEAST]), None, "nobody is as far away");
    }

    #[test]
    fn only_cpus_that_are_apart_are_waited_for() {
        let looks = std::cell::Cell::new(0);
        let is_over = || looks.replace(looks.get() + 1) == 0;
        assert!(wait_until_near(u64::MAX, Duration::MAX, is_over));
        assert_eq!(looks.get(), 0);
        // No CPUs are as near as that, and where nothing can be told there is no wait.
        let is_near = wait_until_near(0, Duration::MAX, is_over);
        assert_eq!(looks.get(), u32::from(!is_near));
    }

    #[test]
    fn one_cpu_has_no_other() {
        let measured = thread::scope(|scope| {
            let alone =
                || platform::move_to_cpus(&[*platform::allowed_cpus().ok()??.first()?]).ok().map(|()| measure());
            scope.spawn(alone).join().unwrap()
        });
        assert!(matches!(measured, None | Some(None)), "{measured:?}");
    }
}
