//! Calls on their way to the recorders, a few at a time: one lock for many calls, and histograms that stay in the cache
//! while they are used.

use crate::load::Call;
use crate::measure::recorder::Recorders;
use std::cell::RefCell;

/// Number of calls that are recorded together: 3 KiB, which stay in the first-level cache.
const TOGETHER: usize = 64;

thread_local! {
    /// The calls of this thread that are not recorded yet. They belong to the thread and not to a task: memory of a task is
    /// fetched from another CPU whenever the task has moved.
    static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

/// Takes one more call; `sender` is this thread, whose recorder takes the calls when there are enough.
#[inline]
pub fn add(call: Call, recorders: &Recorders, sender: usize) {
    CALLS.with_borrow_mut(|calls| {
        calls.push(call);
        if calls.len() >= TOGETHER {
            record_all(calls, recorders, sender);
        }
    });
}

/// Records the calls of this thread. Whoever adds calls must see to it that they are recorded before the load ends: a task that
/// may go on on another thread does so before it yields this one, and a lane before it sleeps.
pub fn record(recorders: &Recorders, sender: usize) {
    CALLS.with_borrow_mut(|calls| record_all(calls, recorders, sender));
}

/// Forgets calls that a load left behind which panicked on this thread.
pub fn forget() {
    CALLS.with_borrow_mut(Vec::clear);
}

fn record_all(calls: &mut Vec<Call>, recorders: &Recorders, sender: usize) {
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
        let add = || add(CALL, &recorders, 0);
        (1..TOGETHER).for_each(|_| add());
        assert_eq!(recorded(&recorders), 0);
        add();
        assert_eq!(recorded(&recorders), TOGETHER as u64);
        add();
        (0..2).for_each(|_| record(&recorders, 0));
        assert_eq!(recorded(&recorders), TOGETHER as u64 + 1);
        add();
        forget();
        record(&recorders, 0);
        assert_eq!(recorded(&recorders), TOGETHER as u64 + 1, "what a panic left behind is forgotten");
    }
}
