//! A recorded load as a schedule.

use crate::scenario::{Arrivals, Trace};
use crate::units::Nanos;
use std::sync::Arc;

/// The logs of a trace that are due within a window, dealt to the tasks in turn: of `C` tasks, task `i` sends the logs
/// `i`, `i + C`, `i + 2C`, … So the schedule depends on the trace and the number of tasks alone, and in the merged order
/// the logs come as they were recorded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Replay {
    arrivals: Arc<Arrivals>,
    /// Number of logs in the window.
    count: usize,
    tasks: u32,
}

impl Replay {
    /// A trace that was not read in this process has no logs, and its ledger then contradicts what was planned.
    pub(super) fn of(trace: &Trace, window: Nanos, tasks: u32) -> Self {
        let arrivals = trace.arrivals().cloned().unwrap_or_default();
        Self { count: arrivals.count_within(window), arrivals, tasks }
    }

    pub(super) fn peak_per_second(&self) -> f64 {
        self.arrivals.peak_per_second()
    }

    /// Number of logs of a task.
    pub(super) fn count(&self, task: u32) -> u64 {
        self.count.saturating_sub(task as usize).div_ceil(self.tasks as usize) as u64
    }

    /// The due times of one task.
    pub(super) fn of_task(&self, task: u32) -> Replayed {
        self.of_tasks(task, self.tasks)
    }

    /// The due times of the tasks `first`, `first + stride`, … in one order.
    pub(super) fn of_tasks(&self, first: u32, stride: u32) -> Replayed {
        Replayed {
            arrivals: Arc::clone(&self.arrivals),
            count: self.count,
            tasks: self.tasks,
            first,
            stride,
            task: first,
            round: 0,
        }
    }
}

/// Walks the due times of one task or of several. It reads one number for each log, and takes no lock.
#[derive(Clone, Debug)]
pub struct Replayed {
    arrivals: Arc<Arrivals>,
    count: usize,
    tasks: u32,
    first: u32,
    stride: u32,
    /// Whose turn it is.
    task: u32,
    /// Position of the first log of this round of all tasks.
    round: usize,
}

impl Replayed {
    /// When the next log is due, and whose it is; `None` after the last one.
    #[inline]
    pub(super) fn peek(&self) -> Option<(u64, u32)> {
        let index = self.round + self.task as usize;
        if index >= self.count || self.task >= self.tasks {
            return None;
        }
        self.arrivals.due(index).map(|due| (due, self.task))
    }

    /// Goes on to the next log.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.task = self.task.saturating_add(self.stride);
        if self.task >= self.tasks {
            self.task = self.first;
            self.round += self.tasks as usize;
        }
    }
}

impl Iterator for Replayed {
    type Item = (u64, u32);

    #[inline]
    fn next(&mut self) -> Option<(u64, u32)> {
        let next = self.peek()?;
        self.advance();
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use crate::load::Schedule;
    use crate::scenario::{Parameters, Trace};
    use crate::units::Nanos;
    use proptest::prelude::*;
    use std::fs;

    /// The parameters of a window that replays logs at these times, in milliseconds.
    fn replayed(times: &[u64], scale: &str, tasks: u32, window: Option<Nanos>) -> Parameters {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("arrivals.csv");
        let lines: String = times.iter().map(|ms| format!("{}.{:03}\n", ms / 1_000, ms % 1_000)).collect();
        fs::write(&file, format!("time\n{lines}")).unwrap();
        let trace = Trace::open(&file, scale.parse().unwrap()).unwrap();
        let duration = window.unwrap_or(trace.length());
        Parameters { concurrency: tasks, duration, trace: Some(trace.within(duration)), ..Parameters::default() }
    }

    const MS: u64 = 1_000_000;

    #[test]
    fn logs_are_due_as_recorded_and_dealt_in_turn() {
        let parameters = replayed(&[5, 5, 8, 9, 9, 25], "1x", 2, None);
        let schedule = Schedule::of_window(&parameters, 7);
        assert_eq!(parameters.duration, Nanos(21 * MS));
        assert_eq!(schedule.cursor(0).collect::<Vec<_>>(), [0, 3 * MS, 4 * MS]);
        assert_eq!(schedule.cursor(1).collect::<Vec<_>>(), [0, 4 * MS, 20 * MS]);
        let merged: Vec<_> = schedule.merged(0, 1).collect();
        assert_eq!(merged, [(0, 0), (0, 1), (3 * MS, 0), (4 * MS, 1), (4 * MS, 0), (20 * MS, 1)]);
    }

    #[test]
    fn twice_the_rate_halves_the_gaps_and_a_shorter_window_cuts_the_end() {
        let half = replayed(&[0, 10, 40], "2x", 1, None);
        assert_eq!(Schedule::of_window(&half, 0).cursor(0).collect::<Vec<_>>(), [0, 5 * MS, 20 * MS]);
        let cut = replayed(&[0, 10, 40], "0.5x", 1, Some(Nanos(80 * MS)));
        assert_eq!(Schedule::of_window(&cut, 0).cursor(0).collect::<Vec<_>>(), [0, 20 * MS]);
        assert_eq!(cut.trace.unwrap().logs, 2);
    }

    #[test]
    fn a_trace_that_was_not_read_has_no_logs() {
        let parameters = replayed(&[0, 10], "1x", 1, None);
        let sent = serde_json::to_string(&parameters).unwrap();
        let received: Parameters = serde_json::from_str(&sent).unwrap();
        assert_eq!(received, parameters);
        assert_eq!(Schedule::of_window(&received, 0).count(0), 0);
    }

    proptest! {
        #[test]
        fn every_log_is_sent_once_in_its_order(
            gaps in prop::collection::vec(0u64..50, 1..200),
            tasks in 1u32..20,
            lanes in 1u32..5,
        ) {
            let times: Vec<u64> = gaps.iter().scan(0, |time, gap| { *time += gap; Some(*time) }).collect();
            let schedule = Schedule::of_window(&replayed(&times, "1x", tasks, None), 0);
            let dues: Vec<u64> = times.iter().map(|time| (time - times[0]) * MS).collect();
            let merged: Vec<(u64, u32)> = schedule.merged(0, 1).collect();
            prop_assert_eq!(merged.iter().map(|(due, _)| *due).collect::<Vec<_>>(), dues);
            for task in 0..tasks {
                let own: Vec<u64> = schedule.cursor(task).collect();
                prop_assert_eq!(schedule.count(task), own.len() as u64);
                let of_merged: Vec<u64> = merged.iter().filter(|(_, whose)| *whose == task).map(|(due, _)| *due).collect();
                prop_assert_eq!(own, of_merged);
            }
            for lane in 0..lanes.min(tasks) {
                let own: Vec<(u64, u32)> = schedule.merged(lane, lanes).collect();
                let of_merged: Vec<_> = merged.iter().copied().filter(|(_, task)| task % lanes == lane).collect();
                prop_assert_eq!(own, of_merged);
            }
        }
    }
}
