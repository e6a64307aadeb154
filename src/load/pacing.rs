//! Turns due times into wake-ups.

use super::schedule::Merged;
use crate::clock::Clock;
use crate::scenario::Pacing;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// `hybrid` sleeps until this long before the due time, in nanoseconds, and polls the clock for the rest.
///
/// A sleep with the smallest timer slack overshoots by 30 µs (p50) to 65 µs (p99). With a margin of 30 µs,
/// half of the wake-ups would be late; a longer one would take CPU time from the queue.
const SPIN: u64 = 60_000;

/// Longest single sleep, in nanoseconds. A stop is noticed only between sleeps, so this bounds how long it can take.
const NAP: u64 = 50_000_000;

/// Waits until `due` on `clock`, as `pacing` says: it sleeps in the kernel, or polls the clock and yields the core
/// between polls. A manual clock is advanced to `due` instead. Returns the current time, which is at or after `due`; it
/// is earlier only if `stop` was set.
pub fn sleep_until(clock: &impl Clock, due: u64, pacing: Pacing, stop: &AtomicBool) -> u64 {
    loop {
        let now = clock.now();
        if now >= due || stop.load(Ordering::Relaxed) {
            return now;
        }
        match (clock.manual(), asleep(due - now, pacing)) {
            (Some(clock), _) => clock.advance_to(due),
            // Lets another thread have the core, if one wants it.
            (None, 0) => std::thread::yield_now(),
            (None, span) => std::thread::sleep(Duration::from_nanos(span)),
        }
    }
}

/// How long to sleep when `left` nanoseconds remain until the due time; 0 means poll the clock now.
pub fn asleep(left: u64, pacing: Pacing) -> u64 {
    match pacing {
        Pacing::Sleep => left.min(NAP),
        Pacing::Hybrid => left.saturating_sub(SPIN).min(NAP),
        Pacing::Spin => 0,
    }
}

/// Wakes tasks when their logs are due. It runs on a thread of its own, because tokio's timer has steps of 1 ms.
///
/// The pacer knows the schedule, so tasks register nothing. It wakes a task that waits; for a task that is busy, the
/// wake-up is kept until the task waits. A wake-up may be spurious, so a task checks the clock after each one.
#[derive(Debug)]
pub struct Pacer {
    tasks: Vec<tokio::sync::Notify>,
    stop: AtomicBool,
    over: AtomicBool,
}

impl Pacer {
    /// A pacer for `tasks` tasks.
    pub fn new(tasks: u32) -> Arc<Self> {
        let tasks = (0..tasks).map(|_| tokio::sync::Notify::new()).collect();
        Arc::new(Self { tasks, stop: AtomicBool::new(false), over: AtomicBool::new(false) })
    }

    /// Wakes tasks at `start` + their due times until the schedule ends or [`Self::stop`] is called.
    pub fn run(&self, clock: &impl Clock, start: u64, schedule: Merged, pacing: Pacing) {
        let mut now = clock.now();
        for (offset, task) in schedule {
            let due = start + offset;
            // A due time in the past costs no clock reading: a late pacer catches up at full speed.
            if now < due {
                now = sleep_until(clock, due, pacing, &self.stop);
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            self.tasks[task as usize].notify_one();
        }
    }

    /// Waits until `due` on `clock` and returns the current time; earlier if [`Self::release`] is called. `due` must be a
    /// due time of the schedule that the pacer runs: nothing else wakes the task.
    pub async fn wait(&self, clock: &impl Clock, task: u32, due: u64) -> u64 {
        loop {
            let now = clock.now();
            if now >= due || self.over.load(Ordering::Acquire) {
                return now;
            }
            self.tasks[task as usize].notified().await;
        }
    }

    /// Wakes all tasks: nothing more is due.
    pub fn release(&self) {
        self.over.store(true, Ordering::Release);
        self.tasks.iter().for_each(tokio::sync::Notify::notify_one);
    }

    /// Makes [`Self::run`] return within 50 ms.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::load::Schedule;

    #[test]
    fn a_due_time_in_the_past_is_not_waited_for() {
        let clock = ManualClock::at(10);
        assert_eq!(sleep_until(&clock, 10, Pacing::Hybrid, &AtomicBool::new(false)), 10);
    }

    #[test]
    fn a_manual_clock_is_moved_to_the_due_time() {
        let clock = ManualClock::at(10);
        for pacing in Pacing::ALL {
            let due = clock.now() + 5_000_000_000;
            assert_eq!(sleep_until(&clock, due, *pacing, &AtomicBool::new(false)), due);
        }
    }

    #[test]
    fn only_hybrid_both_sleeps_and_polls() {
        let of = |left| Pacing::ALL.iter().map(|&pacing| asleep(left, pacing)).collect::<Vec<_>>();
        assert_eq!(Pacing::ALL, [Pacing::Hybrid, Pacing::Sleep, Pacing::Spin]);
        assert_eq!(of(1_000_000), [1_000_000 - SPIN, 1_000_000, 0]);
        assert_eq!(of(SPIN), [0, SPIN, 0]);
        assert_eq!(of(u64::MAX), [NAP, NAP, 0], "a stop is noticed in time");
    }

    #[test]
    fn a_stop_ends_the_sleep_early() {
        let clock = ManualClock::at(10);
        assert_eq!(sleep_until(&clock, u64::MAX, Pacing::Hybrid, &AtomicBool::new(true)), 10);
    }

    #[tokio::test]
    async fn a_wake_up_that_comes_before_the_wait_is_kept() {
        let clock = ManualClock::at(0);
        let pacer = Pacer::new(2);
        let schedule = Schedule::new(2, "1000/s".parse().unwrap(), "1ms".parse().unwrap());
        clock.advance(1_000_000);
        pacer.run(&clock, 0, schedule.merged(0, 1), Pacing::Hybrid);
        // The wake-up was sent before the task waited, and the clock still shows an earlier time than `due`.
        let wait = pacer.wait(&clock, 1, 1_500_000);
        let pass = async {
            clock.advance(500_000);
            pacer.tasks[1].notify_one();
        };
        tokio::join!(wait, pass);
        assert_eq!(clock.now(), 1_500_000);
    }

    #[tokio::test]
    async fn a_task_that_is_released_waits_no_longer() {
        let clock = ManualClock::at(10);
        let pacer = Pacer::new(1);
        let release = async { pacer.release() };
        let (woken, ()) = tokio::join!(pacer.wait(&clock, 0, u64::MAX), release);
        assert_eq!(woken, 10);
    }

    #[test]
    fn a_stopped_pacer_wakes_nobody() {
        let clock = ManualClock::at(0);
        let pacer = Pacer::new(1);
        pacer.stop();
        let schedule = Schedule::new(1, "1000/s".parse().unwrap(), "1s".parse().unwrap());
        pacer.run(&clock, 0, schedule.merged(0, 1), Pacing::Hybrid);
        assert_eq!(clock.now(), 0);
    }
}
