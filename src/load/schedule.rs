//! When each log is due: exact integer arithmetic, no drift however long it runs.

use crate::units::{Nanos, Rate};

/// The schedule of all tasks of a case: open loop, every due time known before the load begins.
///
/// Task `i` of `C` sends its `n`-th log `(n + i / C) / rate` seconds after the start: phases are spread evenly, so that
/// tasks do not fire in step. Due times are offsets from the start in nanoseconds, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    tasks: u32,
    /// The interval of the whole load (all tasks), in nanoseconds, as a fraction.
    numerator: u128,
    denominator: u128,
    span: u64,
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

impl Schedule {
    /// `tasks` tasks of `rate` each, for `span`. At least one task.
    pub fn new(tasks: u32, rate: Rate, span: Nanos) -> Self {
        Self {
            tasks: tasks.max(1),
            numerator: u128::from(rate.seconds()) * NANOS_PER_SECOND,
            denominator: u128::from(rate.logs()) * u128::from(tasks.max(1)),
            span: span.0,
        }
    }

    /// Number of tasks.
    pub fn tasks(&self) -> u32 {
        self.tasks
    }

    /// When the `n`-th log of `task` is due, in nanoseconds from the start. The end of the span is not looked at.
    pub fn due(&self, task: u32, n: u64) -> u128 {
        (u128::from(n) * u128::from(self.tasks) + u128::from(task)) * self.numerator / self.denominator
    }

    /// How many logs of `task` are due within the span.
    pub fn count(&self, task: u32) -> u64 {
        // Due times are floors, so log k of the whole load is due before the span's end if k * num < span * den.
        let logs = (u128::from(self.span) * self.denominator).div_ceil(self.numerator);
        let tasks = u128::from(self.tasks);
        u64::try_from((logs + tasks - 1).saturating_sub(u128::from(task)) / tasks).unwrap_or(u64::MAX)
    }

    /// The due times of one task, in order.
    pub fn cursor(&self, task: u32) -> Cursor {
        let first = u128::from(task) * self.numerator;
        let step = u128::from(self.tasks) * self.numerator;
        Cursor {
            due: (first / self.denominator) as u64,
            remainder: first % self.denominator,
            step: (step / self.denominator) as u64,
            step_remainder: step % self.denominator,
            denominator: self.denominator,
            left: self.count(task),
        }
    }

    /// The due times of the tasks `first`, `first + stride`, … merged into one order.
    pub fn merged(&self, first: u32, stride: u32) -> Merged {
        let tasks: Vec<u32> = (first..self.tasks).step_by(stride.max(1) as usize).collect();
        let cursors = tasks.iter().map(|&task| self.cursor(task)).collect();
        Merged { tasks, cursors, next: 0 }
    }
}

/// Walks the due times of one task: one addition a log.
#[derive(Clone, Debug)]
pub struct Cursor {
    due: u64,
    remainder: u128,
    step: u64,
    step_remainder: u128,
    denominator: u128,
    left: u64,
}

impl Cursor {
    /// When the next log is due, in nanoseconds from the start; `None` once all of the span's have been passed.
    #[inline]
    pub fn peek(&self) -> Option<u64> {
        (self.left > 0).then_some(self.due)
    }

    /// Goes on to the next log.
    #[inline]
    pub fn advance(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.due += self.step;
        self.remainder += self.step_remainder;
        if self.remainder >= self.denominator {
            self.remainder -= self.denominator;
            self.due += 1;
        }
    }

    /// How many logs are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl Iterator for Cursor {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let due = self.peek()?;
        self.advance();
        Some(due)
    }
}

/// The due times of several tasks in one order, as `(offset, task)`.
///
/// All tasks have the same interval and their phases ascend, so they come round in turn: no heap, no timer per task.
#[derive(Clone, Debug)]
pub struct Merged {
    tasks: Vec<u32>,
    cursors: Vec<Cursor>,
    next: usize,
}

impl Iterator for Merged {
    type Item = (u64, u32);

    #[inline]
    fn next(&mut self) -> Option<(u64, u32)> {
        let index = self.next;
        // The first task that has run dry ends the round: those behind it have later phases, so they are dry as well.
        let due = self.cursors.get_mut(index)?.next()?;
        self.next = if index + 1 == self.cursors.len() { 0 } else { index + 1 };
        Some((due, self.tasks[index]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedule(tasks: u32, rate: &str, span: &str) -> Schedule {
        Schedule::new(tasks, rate.parse().unwrap(), span.parse().unwrap())
    }

    #[test]
    fn a_thousand_a_second_is_due_every_millisecond() {
        let dues: Vec<u64> = schedule(1, "1000/s", "4ms").cursor(0).collect();
        assert_eq!(dues, [0, 1_000_000, 2_000_000, 3_000_000]);
    }

    #[test]
    fn phases_are_spread_over_the_interval() {
        let schedule = schedule(4, "1000/s", "1s");
        let firsts: Vec<_> = (0..4).map(|task| schedule.due(task, 0)).collect();
        assert_eq!(firsts, [0, 250_000, 500_000, 750_000]);
    }

    #[test]
    fn the_rate_is_per_task_and_the_count_is_exact() {
        for (tasks, rate, span, total) in [
            (10, "1000/s", "10s", 100_000),
            (1, "10k/s", "2s", 20_000),
            (3, "10000/3s", "10s", 100_000),
            (1_000, "10000/s", "1s", 10_000_000),
            (1, "1/s", "1s", 1),
            (7, "1/s", "100ms", 1),
        ] {
            let schedule = schedule(tasks, rate, span);
            let sum: u64 = (0..tasks).map(|task| schedule.count(task)).sum();
            assert_eq!(sum, total, "{tasks} x {rate} for {span}");
        }
    }

    #[test]
    fn no_drift_after_a_thousand_million_logs() {
        let schedule = schedule(3, "1000000/7s", "24h");
        let mut cursor = schedule.cursor(1);
        // Jump the cursor to within reach of log 10^9 by its own arithmetic, then walk.
        let skipped = 999_999_000_u64;
        let total = cursor.step_remainder * u128::from(skipped) + cursor.remainder;
        cursor.due += cursor.step * skipped + (total / cursor.denominator) as u64;
        cursor.remainder = total % cursor.denominator;
        (0..1_000).for_each(|_| cursor.advance());
        assert_eq!(u128::from(cursor.due), schedule.due(1, 1_000_000_000));
        // 10^9 intervals of 7 µs, less a third of one.
        assert_eq!(schedule.due(1, 1_000_000_000), 7_000_000_000_000 + 2_333);
    }

    proptest! {
        #[test]
        fn walking_equals_computing(tasks in 1u32..50, logs in 1u64..1_000_000, seconds in 1u64..60, span in 1u64..20_000_000) {
            let schedule = Schedule::new(tasks, Rate::new(logs, seconds).unwrap(), Nanos(span));
            for task in [0, tasks - 1] {
                let walked: Vec<u128> = schedule.cursor(task).take(500).map(u128::from).collect();
                let computed: Vec<u128> = (0..schedule.count(task).min(500)).map(|n| schedule.due(task, n)).collect();
                prop_assert_eq!(walked, computed);
            }
        }

        #[test]
        fn count_is_what_is_due_inside_the_span(tasks in 1u32..50, logs in 1u64..100_000, span in 1u64..200_000_000, task in 0u32..50) {
            let task = task % tasks;
            let schedule = Schedule::new(tasks, Rate::new(logs, 1).unwrap(), Nanos(span));
            let count = schedule.count(task);
            prop_assert!(schedule.due(task, count) >= u128::from(span));
            prop_assert!(count == 0 || schedule.due(task, count - 1) < u128::from(span));
        }

        #[test]
        fn merged_order_is_the_sorted_union(tasks in 1u32..40, logs in 1u64..50_000, span in 1u64..100_000_000, stride in 1u32..5) {
            let schedule = Schedule::new(tasks, Rate::new(logs, 1).unwrap(), Nanos(span));
            let first = (stride - 1).min(tasks - 1);
            let merged: Vec<u64> = schedule.merged(first, stride).map(|(due, _)| due).collect();
            let mut union: Vec<u64> = (first..tasks).step_by(stride as usize).flat_map(|task| schedule.cursor(task)).collect();
            union.sort_unstable();
            prop_assert_eq!(merged, union);
        }
    }
}
