//! Turning due times into wake-ups.

use super::schedule::Merged;
use crate::clock::Clock;
use crate::scenario::Pacing;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Sleeps end this long before the time asked for; the rest is spent polling the clock.
///
/// A sleep with the smallest timer slack overshoots by 30 µs (p50) to 65 µs (p99).
const SPIN: u64 = 60_000;

/// Longest single sleep, so that a stop is noticed.
const NAP: u64 = 50_000_000;

/// Waits until `due` on `clock` as `pacing` says: in the kernel, or polling the clock and giving way to whoever else
/// wants the core. A manual clock is moved there instead. Returns the time, which is at or after `due`; earlier only if `stop` was set.
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

/// How much of the time left until a due time may be slept, in nanoseconds; 0: poll the clock now.
pub fn asleep(left: u64, pacing: Pacing) -> u64 {
    match pacing {
        Pacing::Sleep => left.min(NAP),
        Pacing::Hybrid => left.saturating_sub(SPIN).min(NAP),
        Pacing::Spin => 0,
    }
}

/// Wakes tasks when their logs are due, from a thread of its own: tokio's timer has steps of a millisecond.
///
/// The pacer knows the schedule, so tasks register nothing: a task that waits is woken, and the wake-up of one that is
/// busy is kept for it. A wake-up may be spurious; a task looks at the clock after each.
#[derive(Debug)]
pub struct Pacer {
    tasks: Vec<tokio::sync::Notify>,
    stop: AtomicBool,
}

impl Pacer {
    /// A pacer for `tasks` tasks.
    pub fn new(tasks: u32) -> Arc<Self> {
        let tasks = (0..tasks).map(|_| tokio::sync::Notify::new()).collect();
        Arc::new(Self { tasks, stop: AtomicBool::new(false) })
    }

    /// Wakes tasks at `start` + their due times until the schedule ends or [`Self::stop`] is called.
    pub fn run(&self, clock: &impl Clock, start: u64, schedule: Merged, pacing: Pacing) {
        let mut now = clock.now();
        for (offset, task) in schedule {
            let due = start + offset;
            if now < due {
                now = sleep_until(clock, due, pacing, &self.stop);
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            self.tasks[task as usize].notify_one();
        }
    }

    /// Waits until `due` on `clock`, which must be a due time of the schedule that the pacer runs; returns the time.
    pub async fn wait(&self, clock: &impl Clock, task: u32, due: u64) -> u64 {
        loop {
            let now = clock.now();
            if now >= due {
                return now;
            }
            self.tasks[task as usize].notified().await;
        }
    }

    /// Ends [`Self::run`], within 50 ms.
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
        // The wake-up came before the task waited, and on a clock that now shows an earlier time than `due`.
        let wait = pacer.wait(&clock, 1, 1_500_000);
        let pass = async {
            clock.advance(500_000);
            pacer.tasks[1].notify_one();
        };
        tokio::join!(wait, pass);
        assert_eq!(clock.now(), 1_500_000);
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
