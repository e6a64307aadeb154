//! Producers on a few threads: each lane runs many logical tasks on one thread, without a timer for each.
//!
//! A lane walks the merged schedule of its tasks and resumes each task when it is due. A task that waits for room in
//! the queue is resumed when the queue wakes it, and does not delay the others. On a manual clock, a lane advances the
//! time whenever it has nothing left to do: the load is then simulated, exactly and without waiting.

use crate::adapter::Queue;
use crate::clock::Clock;
use crate::load::Schedule;
use crate::load::pacing::asleep;
use crate::scenario::Pacing;
use crate::worker::observe::settling::Settling;
use crate::worker::send::calls;
use crate::worker::send::tasks::{LoadState, TaskResult, become_sender, last_read, resume_at, take_due};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// Longest sleep of a lane that waits for its last calls to return, in nanoseconds. A wake-up ends the sleep earlier.
const NAP: u64 = 50_000_000;

/// Largest load of one lane, in logs/s, as long as there are CPUs for more lanes. A log costs a lane about 0.1 µs, so
/// this keeps it below half of a CPU, and it can catch up when it is late.
const MOST_PER_LANE: f64 = 2_000_000.0;

/// How long a lane with a larger load sleeps, in nanoseconds.
const REST: u64 = 200_000;

/// The number of lanes of a load: one for each 2 million logs/s, but no more than there are CPUs or tasks.
pub fn count(offered_per_s: f64, tasks: u32, cpus: usize) -> u32 {
    let wanted = (offered_per_s / MOST_PER_LANE).ceil().clamp(1.0, cpus.max(1) as f64);
    (wanted as u32).min(tasks)
}

/// Runs the tasks `lane`, `lane + lanes`, … on the calling thread until all are done; `tell` receives each result.
pub fn run<Q: Queue, C: Clock>(
    shared: Arc<LoadState<Q, C>>,
    lane: u32,
    lanes: u32,
    pacing: Pacing,
    mut tell: impl FnMut(TaskResult),
) {
    become_sender(lane as usize);
    calls::forget();
    let mut dues = all_due_times(&shared, lane, lanes).peekable();
    let resumed = Arc::new(Resumed::here());
    let mut places = places(&shared, (lane, lanes), &resumed);
    let place_of = |task: u32| ((task - lane) / lanes) as usize;
    let how = (pacing, rests(shared.window_schedule.per_second() / f64::from(lanes), pacing));
    // Only a window that may end early leaves tasks waiting for logs after its end.
    let (mut left, mut is_over) = (places.len(), shared.settling.is_none());
    let mut resume = |place: &mut Place<_>| {
        if let Some(result) = place.resume() {
            left -= 1;
            tell(result);
        }
        left == 0
    };
    // Each task runs once to its first wait. Without that, its state would not say what it waits for. `left` only
    // falls, so the last answer is the one that counts.
    let mut done = places.iter_mut().fold(false, |_, place| resume(place));
    while !done {
        // Woken calls come before due logs: the time until a call returns counts as the queue's, so the lane must not add
        // the calls of other tasks to it.
        resumed.take().into_iter().for_each(|task| {
            let place = &mut places[place_of(task)];
            // A stale wake-up must not resume a task whose call has returned and which now waits for a due time.
            if place.state == State::Calling {
                done = resume(place);
            }
        });
        let mut now = shared.clock.now();
        while let Some((_, task)) = dues.next_if(|&(due, _)| due <= now) {
            resume_at(now);
            let place = &mut places[place_of(task)];
            // A task that is still in a call is skipped. Its call ends later than this due time, and the task then
            // sends everything that has become due. So does a task that is resumed late: then it waits for a later log.
            if place.is_due(now) {
                done = resume(place);
                // Recent enough: the task has read the clock at the end of its call.
                now = last_read();
            }
        }
        if !done && !is_over && now >= shared.end() {
            is_over = true;
            resume_at(now);
            done = places.iter_mut().filter(|place| place.state == State::Waiting).fold(done, |_, place| resume(place));
        }
        if !done {
            calls::record(&shared.recorders, lane as usize);
            wait(&shared, (dues.peek().map(|&(due, _)| due), is_over), how, &resumed);
        }
    }
    calls::record(&shared.recorders, lane as usize);
}

/// Whether a sender with this load rests whenever it has caught up: a lane sleeps for [`REST`], instead of polling the clock
/// until the next log. More lanes would share this load if there were more CPUs. So polling would take time from the queue,
/// which has no CPU of its own, and would save a lateness that is small beside the 10 ms which a load may have.
pub fn rests(logs_per_s: f64, pacing: Pacing) -> bool {
    pacing == Pacing::Hybrid && logs_per_s > MOST_PER_LANE
}

/// The places of the lane's tasks, in their order.
fn places<Q: Queue, C: Clock>(
    shared: &Arc<LoadState<Q, C>>,
    (lane, lanes): (u32, u32),
    resumed: &Arc<Resumed>,
) -> Vec<Place<impl Future<Output = TaskResult> + use<Q, C>>> {
    let tasks = (lane..shared.window_schedule.tasks()).step_by(lanes as usize);
    let place = |task| {
        let shared = Arc::clone(shared);
        Place::new(Box::pin(async move { shared.run_task(task).await }), resumed, task)
    };
    tasks.map(place).collect()
}

/// Waits for the next log of the lane, for the end of the window unless that is over, or for a call that can continue.
fn wait<Q: Queue, C: Clock>(
    shared: &LoadState<Q, C>,
    (due, is_over): (Option<u64>, bool),
    how: (Pacing, bool),
    resumed: &Resumed,
) {
    // The end may become known while the lane sleeps.
    let until = || if is_over { due } else { Some(due.unwrap_or(u64::MAX).min(shared.end())) };
    let look = || {
        shared.look();
        shared.settling.as_ref().map_or(u64::MAX, Settling::next)
    };
    idle(&shared.clock, until, how, resumed, look);
}

/// When the logs of the lane are due, and of which task each is. Every due time of the warm-up lies before the window, so the
/// two schedules are in order one after the other.
fn all_due_times<Q, C>(
    shared: &LoadState<Q, C>,
    lane: u32,
    lanes: u32,
) -> impl Iterator<Item = (u64, u32)> + use<Q, C> {
    let spans = [(&shared.warm_up_schedule, shared.warm_up.start), (&shared.window_schedule, shared.window.start)];
    spans.map(|(schedule, start)| due_times(schedule, start, lane, lanes)).into_iter().flatten()
}

fn due_times(schedule: &Schedule, start: u64, lane: u32, lanes: u32) -> impl Iterator<Item = (u64, u32)> + use<> {
    schedule.merged(lane, lanes).map(move |(offset, task)| (start + offset, task))
}

/// Waits until `due`, or until a call can continue. Without a due time, it waits only for calls. On a manual clock nobody
/// looks beside the lane whether the load is steady, so it does so itself: `look` says when to look next.
fn idle(
    clock: &impl Clock,
    due: impl Fn() -> Option<u64>,
    (pacing, rests): (Pacing, bool),
    resumed: &Resumed,
    look: impl Fn() -> u64,
) {
    if let Some(manual) = clock.manual() {
        if !resumed.any() {
            let next = look();
            manual.advance_to(due().unwrap_or_else(|| clock.now() + NAP).min(next));
        }
        return;
    }
    loop {
        let (now, due) = (clock.now(), due());
        if resumed.any() || due.is_some_and(|due| now >= due) {
            return;
        }
        match due.map_or(NAP, |due| asleep(due - now, pacing)) {
            0 if rests => thread::park_timeout(Duration::from_nanos(REST)),
            0 => thread::yield_now(),
            span => thread::park_timeout(Duration::from_nanos(span)),
        }
    }
}

/// What a task is doing while it is not running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for its next log to be due.
    Waiting,
    /// Inside a call that has not returned.
    Calling,
    /// Nothing: it has ended.
    Done,
}

/// A task's place in its lane.
struct Place<F> {
    future: Pin<Box<F>>,
    waker: Waker,
    state: State,
    /// When the log is due for which it waits.
    due: u64,
}

impl<F: Future<Output = TaskResult>> Place<F> {
    fn new(future: Pin<Box<F>>, resumed: &Arc<Resumed>, task: u32) -> Self {
        let waker = Waker::from(Arc::new(TaskWaker { resumed: Arc::clone(resumed), task }));
        Self { future, waker, state: State::Waiting, due: 0 }
    }

    /// Whether it waits for a log that is due.
    fn is_due(&self, now: u64) -> bool {
        self.state == State::Waiting && self.due <= now
    }

    /// Runs the task until it has to wait.
    fn resume(&mut self) -> Option<TaskResult> {
        // A leftover due time would make a task that is inside a call look as if it waited for its schedule.
        let _ = take_due();
        match self.future.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            Poll::Ready(result) => {
                self.state = State::Done;
                Some(result)
            }
            Poll::Pending => {
                let due = take_due();
                self.state = if due.is_some() { State::Waiting } else { State::Calling };
                self.due = due.unwrap_or_default();
                None
            }
        }
    }
}

/// The tasks of a lane whose calls can continue.
struct Resumed {
    tasks: Mutex<Vec<u32>>,
    any: AtomicBool,
    lane: Thread,
}

impl Resumed {
    fn here() -> Self {
        Self { tasks: Mutex::default(), any: AtomicBool::new(false), lane: thread::current() }
    }

    fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    fn take(&self) -> Vec<u32> {
        if !self.any() {
            return Vec::new();
        }
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Cleared under the lock: a later wake-up sets it again, so none is lost.
        self.any.store(false, Ordering::Release);
        std::mem::take(&mut tasks)
    }
}

struct TaskWaker {
    resumed: Arc<Resumed>,
    task: u32,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut tasks = self.resumed.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(self.task);
        self.resumed.any.store(true, Ordering::Release);
        // Unlocked first: the lane would otherwise wake up only to wait for the lock.
        drop(tasks);
        self.resumed.lane.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::send::tasks::wait_for;

    #[test]
    fn lanes_are_as_many_as_the_load_needs_and_the_machine_has() {
        for (offered, tasks, cpus, lanes) in [
            (10_000.0, 10, 2, 1),
            (10e6, 1_000, 2, 2),
            (10e6, 1_000, 16, 5),
            (10e6, 3, 16, 3),
            (1e10, 10_000, 8, 8),
            (1.0, 1, 0, 1),
        ] {
            assert_eq!(count(offered, tasks, cpus), lanes, "{offered}/s from {tasks} tasks on {cpus} CPUs");
        }
    }

    #[test]
    fn a_lane_rests_where_the_cpus_are_too_few_and_polling_was_not_asked_for() {
        for (logs_per_s, pacing, expected) in [
            (10_000.0, Pacing::Hybrid, false),
            (2e6, Pacing::Hybrid, false),
            (5e6, Pacing::Hybrid, true),
            (5e6, Pacing::Spin, false),
            (5e6, Pacing::Sleep, false),
        ] {
            assert_eq!(rests(logs_per_s, pacing), expected, "{logs_per_s}/s, {pacing:?}");
        }
    }

    #[test]
    fn a_task_is_resumed_once_for_all_logs_that_are_due() {
        let result = TaskResult {
            task: 0,
            tally: Default::default(),
            told: Default::default(),
            warm_up: Default::default(),
            last_return: 0,
        };
        // It waits for a log that is due at 50, is then inside a call, and then ends.
        let mut waits = [Some(50), None].into_iter();
        let task = std::future::poll_fn(move |_| match waits.next() {
            Some(due) => {
                // None: it is inside a call.
                wait_for(due);
                Poll::Pending
            }
            None => Poll::Ready(result),
        });
        let mut place = Place::new(Box::pin(task), &Arc::new(Resumed::here()), 0);
        assert!(place.is_due(0), "it has not begun");
        assert_eq!(place.resume(), None);
        assert!(!place.is_due(49) && place.is_due(50));
        assert_eq!(place.resume(), None);
        assert!(!place.is_due(u64::MAX), "a call is not disturbed");
        assert_eq!(place.resume(), Some(result));
        assert!(!place.is_due(u64::MAX));
    }

    #[test]
    fn a_wake_up_is_kept_until_it_is_taken() {
        let resumed = Arc::new(Resumed::here());
        let waker = Waker::from(Arc::new(TaskWaker { resumed: Arc::clone(&resumed), task: 7 }));
        assert!(resumed.take().is_empty());
        waker.wake_by_ref();
        assert!(resumed.any());
        assert_eq!(resumed.take(), [7]);
        assert!(!resumed.any());
    }
}
