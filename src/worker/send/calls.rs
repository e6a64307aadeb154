//! Calls on their way to the recorders, a few at a time: one lock for many calls, and histograms that stay in the cache
//! while they are used.

use crate::load::Call;
use crate::measure::recorder::Recorders;
use std::cell::RefCell;

/// Number of calls that are recorded together: 3 KiB, which stay in the first-level cache.
const TOGETHER: usize = 64;

thread_local! {
    /// The calls of this lane. Its tasks take turns, so that none has many of its own.
    static OF_LANE: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

/// The calls of a task that are not recorded yet.
#[derive(Debug)]
pub enum Pending {
    /// They are with those of the other tasks of the lane.
    OfLane,
    /// A task that may move between threads keeps its own. It records them before it waits.
    OfTask(Vec<Call>),
}

impl Pending {
    /// Takes one more call; `sender` is the thread whose recorder takes the calls when there are enough.
    #[inline]
    pub fn add(&mut self, call: Call, recorders: &Recorders, sender: usize) {
        match self {
            Self::OfLane => OF_LANE.with_borrow_mut(|calls| add(calls, call, recorders, sender)),
            Self::OfTask(calls) => add(calls, call, recorders, sender),
        }
    }

    /// Records the calls of the task; those of a lane are left to [`record_lane`].
    pub fn record(&mut self, recorders: &Recorders, sender: usize) {
        if let Self::OfTask(calls) = self {
            record(calls, recorders, sender);
        }
    }
}

/// Forgets calls that a load left behind which panicked on this thread.
pub fn start_lane() {
    OF_LANE.with_borrow_mut(Vec::clear);
}

/// Records the calls of this lane.
pub fn record_lane(recorders: &Recorders, sender: usize) {
    OF_LANE.with_borrow_mut(|calls| record(calls, recorders, sender));
}

#[inline]
fn add(calls: &mut Vec<Call>, call: Call, recorders: &Recorders, sender: usize) {
    calls.push(call);
    if calls.len() >= TOGETHER {
        record(calls, recorders, sender);
    }
}

fn record(calls: &mut Vec<Call>, recorders: &Recorders, sender: usize) {
    if !calls.is_empty() {
        recorders.with(sender, |recorder| recorder.record_all(calls));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Reply;

    const CALL: Call = Call { intended: 1, ideal: 1, start: 1, end: 8, reply: Reply::ACCEPTED };

    fn recorded(recorders: &Recorders) -> u64 {
        recorders.so_far().enqueued
    }

    #[test]
    fn every_call_is_recorded_once_when_there_are_enough_or_when_it_is_time() {
        let recorders = Recorders::new(1, 0, 1_000);
        let mut pending = Pending::OfTask(Vec::new());
        (1..TOGETHER).for_each(|_| pending.add(CALL, &recorders, 0));
        assert_eq!(recorded(&recorders), 0);
        pending.add(CALL, &recorders, 0);
        assert_eq!(recorded(&recorders), TOGETHER as u64);
        pending.add(CALL, &recorders, 0);
        (0..2).for_each(|_| pending.record(&recorders, 0));
        assert_eq!(recorded(&recorders), TOGETHER as u64 + 1);
    }

    #[test]
    fn the_tasks_of_a_lane_share_what_is_recorded_together() {
        let recorders = Recorders::new(1, 0, 1_000);
        start_lane();
        let (mut one, mut other) = (Pending::OfLane, Pending::OfLane);
        one.add(CALL, &recorders, 0);
        other.add(CALL, &recorders, 0);
        one.record(&recorders, 0);
        assert_eq!(recorded(&recorders), 0);
        record_lane(&recorders, 0);
        assert_eq!(recorded(&recorders), 2);
        one.add(CALL, &recorders, 0);
        start_lane();
        record_lane(&recorders, 0);
        assert_eq!(recorded(&recorders), 2, "what a panic left behind is forgotten");
    }
}
