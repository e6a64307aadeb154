//! The producers: one future for each logical task, on its absolute open-loop schedule.

use crate::adapter::Queue;
use crate::clock::Clock;
use crate::load::pacing::Pacer;
use crate::load::{Call, Contents, Entry, Phase, Producer, Reply, Schedule, Stamp, Step, Template};
use crate::measure::ledger::Told;
use crate::measure::recorder::Recorders;
use crate::measure::stalls::Stalls;
use crate::worker::observe::settling::Settling;
use crate::worker::send::calls;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Longest sleep of a task on tokio's timer in a window that may end early, in nanoseconds.
const LONGEST_SLEEP: u64 = 50_000_000;

/// A span of the load: when it begins on the clock of the load, and how long it is, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub start: u64,
    /// Its length.
    pub length: u64,
}

impl Span {
    /// Its end.
    pub fn end(&self) -> u64 {
        self.start + self.length
    }
}

/// How tasks wait for their due times.
#[derive(Clone, Debug)]
pub enum Waiting {
    /// A pacer that knows the schedule wakes the task.
    Paced(Arc<Pacer>),
    /// The task sleeps on tokio's timer, whose steps are 1 ms, and sends everything that is due at each wake-up.
    Timer {
        /// The shortest sleep, in nanoseconds.
        least: u64,
    },
    /// The lane on which the task runs resumes it.
    Lane,
}

/// Everything that the producers share.
#[derive(Debug)]
pub struct LoadState<Q, C> {
    /// The queue under load.
    pub queue: Q,
    /// The clock of the load.
    pub clock: C,
    /// What each log carries.
    pub template: Template,
    /// What differs from log to log; `None`: nothing does.
    pub contents: Option<Contents>,
    /// How tasks wait.
    pub waiting: Waiting,
    /// Schedule of the warm-up.
    pub warm_up_schedule: Schedule,
    /// The warm-up.
    pub warm_up: Span,
    /// Schedule of the window.
    pub window_schedule: Schedule,
    /// The window; the longest one, if it ends when the load is steady.
    pub window: Span,
    /// What the window is for: its logs are recorded, or it is a warm-up of its own.
    pub phase: Phase,
    /// Ends the window when the load is steady; `None`: it has its whole length.
    pub settling: Option<Settling>,
    /// The latencies of the window's calls.
    pub recorders: Recorders,
    /// The spans in which all sender threads were inside a call.
    pub stalls: Stalls,
}

/// What one task reports when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskResult {
    /// Which task.
    pub task: u32,
    /// What became of its schedule.
    pub tally: crate::load::Tally,
    /// The outcomes of its calls.
    pub told: Told,
    /// The outcomes of its calls during the warm-up.
    pub warm_up: Told,
    /// When its last call returned; 0 if it made none.
    pub last_return: u64,
}

thread_local! {
    static SENDER: Cell<usize> = const { Cell::new(0) };
    /// The due time that the task which just ran on this lane waits for; `None` if it waits for something else.
    static DUE: Cell<Option<u64>> = const { Cell::new(None) };
    /// When this lane resumed the task that runs now; afterwards, when that task last read the clock.
    static RESUMED_AT: Cell<u64> = const { Cell::new(0) };
}

/// Sets the time at which this lane resumes the next task.
pub fn resume_at(now: u64) {
    RESUMED_AT.set(now);
}

/// The last time that this lane, or the task that it resumed, has read from the clock.
pub fn last_read() -> u64 {
    RESUMED_AT.get()
}

/// Takes the due time that the task which just ran on this thread waits for; `None` if it waits for something else.
pub fn take_due() -> Option<u64> {
    DUE.take()
}

/// Says for which due time the task that runs on this thread is about to wait; `None` if it waits for something else.
pub fn wait_for(due: Option<u64>) {
    DUE.set(due);
}

/// Makes the calling thread sender number `index`. Each sender thread must do so before its first call, since `index`
/// selects its recorder and its slot in the stalls.
pub fn become_sender(index: usize) {
    SENDER.set(index);
}

impl<Q, C> LoadState<Q, C> {
    /// The end of the window, as far as it is known.
    #[inline]
    pub fn end(&self) -> u64 {
        self.settling.as_ref().map_or(self.window.end(), Settling::end)
    }
}

impl<Q: Queue, C: Clock> LoadState<Q, C> {
    /// Looks whether the load is steady, if that ends the window and a look is due.
    pub fn look(&self) {
        if let Some(settling) = &self.settling {
            settling.look(&self.clock, &self.recorders);
        }
    }

    /// The end of the window. On a manual clock nobody looks beside the producers whether the load is steady.
    #[inline]
    fn end_now(&self) -> u64 {
        if self.settling.is_some() && self.clock.manual().is_some() {
            self.look();
        }
        self.end()
    }

    /// Wakes the tasks that wait for logs which no longer belong to the window.
    pub fn release(&self) {
        if let Waiting::Paced(pacer) = &self.waiting {
            pacer.release();
        }
    }

    /// Runs one task through warm-up and window, whenever it is polled in the context that the queue has for it.
    pub async fn run_task(&self, task: u32) -> TaskResult {
        let mut course = pin!(self.course(task));
        poll_fn(|context| self.queue.within(task, || course.as_mut().poll(context))).await
    }

    async fn course(&self, task: u32) -> TaskResult {
        let mut result = TaskResult {
            task,
            tally: Default::default(),
            told: Told::default(),
            warm_up: Told::default(),
            last_return: 0,
        };
        let busy_until = self.run_warm_up(task, &mut result).await;
        let window = self.window;
        let mut producer = Producer::new(&self.window_schedule, task, window.start, window.length, busy_until);
        // The end of a call is recent enough to decide on the next step. That saves one clock reading for each log.
        let mut now = self.clock.now();
        loop {
            producer.end_at(self.end_now());
            match producer.step(now, |from, to| self.stalls.held(from, to)) {
                Step::Wait(until) => {
                    // Here, since no log of the task is due: recorded between two calls, they would make the second late.
                    self.record_calls();
                    now = self.wait(task, until).await;
                }
                Step::Send { sequence } => {
                    let call = self.call(&mut producer, self.phase, task, sequence, &mut result.told).await;
                    result.last_return = call.end;
                    // The task may have moved to another thread during the call, so `SENDER` is read here: each
                    // recorder must belong to one thread, or threads would wait for each other's lock between two
                    // calls.
                    calls::add(call, &self.recorders, SENDER.get());
                    now = self.give_others_a_turn(call.end).await;
                }
                Step::Done => break,
            }
        }
        self.record_calls();
        self.record_unsent(&producer);
        result.tally = producer.tally();
        result
    }

    /// Sends the warm-up until the window begins. Returns when the queue let go of the last call, on the ideal time
    /// line: a call that runs into the window delays the task's first logs, and that delay is the queue's.
    async fn run_warm_up(&self, task: u32, result: &mut TaskResult) -> u64 {
        let mut producer = Producer::new(&self.warm_up_schedule, task, self.warm_up.start, self.warm_up.length, 0);
        let mut now = self.clock.now();
        // Warm-up logs that are not sent by now are abandoned. They would compete with logs of the window that are due.
        while now < self.window.start {
            match producer.step(now, |from, to| self.stalls.held(from, to)) {
                Step::Wait(until) => now = self.wait(task, until).await,
                Step::Send { sequence } => {
                    let call = self.call(&mut producer, Phase::WarmUp, task, sequence, &mut result.warm_up).await;
                    now = self.give_others_a_turn(call.end).await;
                }
                Step::Done => break,
            }
        }
        producer.busy_until()
    }

    /// Lets the other tasks of the runtime run if this one has used up its budget: with a queue that never waits, it
    /// would otherwise never yield the thread. A lane takes turns by itself. Returns the time: still `now`, unless
    /// others ran.
    async fn give_others_a_turn(&self, now: u64) -> u64 {
        if matches!(self.waiting, Waiting::Lane) {
            return now;
        }
        let mut turn = pin!(tokio::task::coop::consume_budget());
        let mut taken = false;
        poll_fn(|context| {
            let poll = turn.as_mut().poll(context);
            if poll.is_pending() {
                self.record_calls();
                taken = true;
            }
            poll
        })
        .await;
        // After a turn `now` is stale. `step` would not see that others were blocked meanwhile, and would charge their
        // time to the generator.
        if taken { self.clock.now() } else { now }
    }

    /// Waits until about `until` and returns the current time, which may be earlier.
    async fn wait(&self, task: u32, until: u64) -> u64 {
        match &self.waiting {
            Waiting::Paced(pacer) => pacer.wait(&self.clock, task, until).await,
            Waiting::Timer { least } => {
                let mut span = until.saturating_sub(self.clock.now()).max(*least);
                if self.settling.is_some() {
                    span = span.min(LONGEST_SLEEP);
                }
                tokio::time::sleep(Duration::from_nanos(span)).await;
                self.clock.now()
            }
            Waiting::Lane => {
                let mut waited = false;
                poll_fn(|_| {
                    // The first poll tells the lane the due time. The second one comes from the lane, which has just
                    // read the clock.
                    if std::mem::replace(&mut waited, true) {
                        return Poll::Ready(RESUMED_AT.get());
                    }
                    wait_for(Some(until));
                    Poll::Pending
                })
                .await
            }
        }
    }

    /// Makes one call, times it, and counts its outcome. Each call is counted exactly once, when it has returned.
    async fn call(&self, producer: &mut Producer, phase: Phase, task: u32, sequence: u64, told: &mut Told) -> Call {
        // Before the clock is read: it is no part of the call.
        let content = self.contents.as_ref().map(|contents| contents.content(phase, task, sequence));
        let start = self.clock.now();
        let stamp = Stamp { phase, task, sequence, at: start };
        let entry = Entry::new(&self.template, stamp);
        let entry = content.map_or(entry, |content| entry.with(content));
        let (reply, end) = self.timed(start, self.queue.log(&entry)).await;
        let call = producer.returned(start, end, reply);
        match reply {
            Reply::Enqueued { .. } => {
                told.enqueued += 1;
                told.hash = told.hash.wrapping_add(stamp.hash());
                // By the ideal start: a log that the generator sent late must not count against the queue.
                told.enqueued_in_window += u64::from(call.ideal + call.service() <= self.end());
            }
            Reply::Dropped => told.dropped += 1,
            Reply::SampledOut => told.sampled_out += 1,
        }
        if let Some(content) = content {
            told.by_level[content.level as usize].count(reply);
        }
        call
    }

    /// Drives `call`, begun at `start`, to its end, and returns when that was. Each poll is entered in the stalls: only
    /// while it is polled does a call keep the thread from other tasks.
    async fn timed<R>(&self, start: u64, call: impl Future<Output = R>) -> (R, u64) {
        let mut call = pin!(call);
        let mut begun = Some(start);
        poll_fn(|context| {
            // Read at every poll: tokio may continue the call on another thread.
            let sender = SENDER.get();
            let entered = begun.take().unwrap_or_else(|| self.clock.now());
            self.stalls.enter(sender, entered);
            let poll = call.as_mut().poll(context);
            let now = self.clock.now();
            self.stalls.leave(sender, entered, now);
            RESUMED_AT.set(now);
            if poll.is_pending() {
                self.record_calls();
            }
            poll.map(|reply| (reply, now))
        })
        .await
    }

    /// Records the calls that this thread has made, before the task yields it: the task may go on on another one. A lane
    /// records them when nothing is due.
    fn record_calls(&self) {
        if !matches!(self.waiting, Waiting::Lane) {
            calls::record(&self.recorders, SENDER.get());
        }
    }

    /// Enters the logs that were never sent, so that `response` has one value for each scheduled log.
    fn record_unsent(&self, producer: &Producer) {
        // All intended times lie inside the window, so the subtractions below cannot underflow.
        let now = self.clock.now().max(self.end());
        let ideal = producer.pushed_to();
        self.recorders.with(SENDER.get(), |recorder| {
            producer.unsent().for_each(|intended| recorder.record_unsent(intended, now - intended, ideal - intended));
            producer.given_up().for_each(|intended| recorder.record_given_up(intended, now - intended));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::{About, Setup, Sink};
    use crate::clock::{LoadClock, ManualClock};
    use crate::plan::fixture::repeat;
    use crate::scenario::{Parameters, PhaseShift};
    use crate::units::{Nanos, Rate};
    use crate::worker::repeat::drive;

    /// Blocks its thread for a millisecond in every call.
    struct Blocks(LoadClock);

    impl Queue for Blocks {
        const ABOUT: About = About::new("blocks", "1");

        fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
            Ok(Self(sink.clock().clone()))
        }

        async fn log(&self, _: &Entry<'_>) -> Reply {
            self.0.pass(1_000_000);
            Reply::ACCEPTED
        }
    }

    thread_local! {
        /// The task whose context is entered.
        static INSIDE: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Takes 3 µs for a call, 7 µs to enter and 11 µs to leave the context of a task.
    struct Enters(LoadClock);

    impl Queue for Enters {
        const ABOUT: About = About { carries_context: true, ..About::new("enters", "1") };

        fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
            Ok(Self(sink.clock().clone()))
        }

        fn within<R>(&self, task: u32, work: impl FnOnce() -> R) -> R {
            self.0.pass(7_000);
            INSIDE.set(Some(task));
            let done = work();
            INSIDE.set(None);
            self.0.pass(11_000);
            done
        }

        async fn log(&self, entry: &Entry<'_>) -> Reply {
            assert_eq!(INSIDE.get(), Some(entry.stamp.task));
            assert_eq!(entry.context().len(), 6);
            self.0.pass(3_000);
            Reply::ACCEPTED
        }
    }

    #[test]
    fn a_task_logs_in_its_context_and_to_enter_it_is_not_timed() {
        let parameters = Parameters {
            concurrency: 2,
            rate: Rate::of_whole(1_000),
            duration: Nanos::from_secs(1),
            context: "2x3f+16B".parse().unwrap(),
            ..Parameters::default()
        };
        let clock = LoadClock::Manual(ManualClock::at(0));
        let none = Span { start: 0, length: 0 };
        let load = drive::share(
            &repeat(parameters),
            Enters(clock.clone()),
            clock.clone(),
            none,
            Waiting::Timer { least: 0 },
            1,
        );
        // All logs are overdue.
        clock.pass(1_000_000_000);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let results = [0, 1].map(|task| runtime.block_on(load.run_task(task)));
        assert_eq!(results.map(|result| result.tally.attempted), [1_000, 1_000]);
        assert_eq!(INSIDE.get(), None);
        let nothing = crate::measure::encoding::Distribution::new().encode();
        let enqueue = load.recorders.merge().unwrap().to_latencies(nothing).unwrap().enqueue;
        assert_eq!((enqueue.count, enqueue.min_ns, enqueue.max_ns), (2_000, Some(3_000), Some(3_000)));
    }

    /// Accepts the first log, and never answers the second.
    struct AnswersOnce;

    impl Queue for AnswersOnce {
        const ABOUT: About = About::new("answers-once", "1");

        fn build(_: &Setup, _: Sink) -> Result<Self, String> {
            Ok(Self)
        }

        async fn log(&self, entry: &Entry<'_>) -> Reply {
            if entry.stamp.sequence > 0 { std::future::pending().await } else { Reply::ACCEPTED }
        }
    }

    #[test]
    fn a_task_that_yields_its_thread_leaves_no_call_behind_there() {
        let parameters = Parameters {
            concurrency: 1,
            rate: Rate::of_whole(1_000),
            duration: Nanos::from_secs(1),
            ..Parameters::default()
        };
        let clock = LoadClock::Manual(ManualClock::at(0));
        let none = Span { start: 0, length: 0 };
        let load = drive::share(&repeat(parameters), AnswersOnce, clock.clone(), none, Waiting::Timer { least: 0 }, 1);
        clock.pass(1_000_000_000);
        let mut task = pin!(load.run_task(0));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(task.as_mut().poll(&mut context).is_pending());
        assert_eq!(load.recorders.so_far().enqueued, 1);
    }

    /// One task with 1,000 logs to send in a second, to a queue that takes a millisecond.
    fn one_task(clock: &LoadClock) -> LoadState<Blocks, LoadClock> {
        let parameters = Parameters {
            concurrency: 1,
            rate: Rate::of_whole(1_000),
            duration: Nanos::from_secs(1),
            ..Parameters::default()
        };
        let none = Span { start: 0, length: 0 };
        drive::share(&repeat(parameters), Blocks(clock.clone()), clock.clone(), none, Waiting::Timer { least: 0 }, 1)
    }

    #[test]
    fn a_task_rests_for_as_long_as_it_should_and_for_longer_if_nothing_is_due() {
        for (least, due, slept) in [(0, 2, 2), (5, 2, 5), (5, 7, 7)] {
            let least = least * 1_000_000;
            let clock = LoadClock::Manual(ManualClock::at(0));
            let load = LoadState { waiting: Waiting::Timer { least }, ..one_task(&clock) };
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let waited = runtime.block_on(async {
                let began = tokio::time::Instant::now();
                load.wait(0, due * 1_000_000).await;
                began.elapsed()
            });
            assert_eq!(waited.as_millis(), slept, "{least} ns, due after {due} ms");
        }
    }

    #[test]
    fn what_the_generator_never_sent_is_a_response_that_has_not_come_yet() {
        let clock = LoadClock::Manual(ManualClock::at(0));
        let load = one_task(&clock);
        // The generator wakes up only after its grace of 1 s is over.
        clock.pass(2_500_000_000);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let result = runtime.block_on(load.run_task(0));
        assert_eq!((result.tally.attempted, result.tally.unsent_generator), (0, 1_000));
        let nothing = crate::measure::encoding::Distribution::new().encode();
        let latencies = load.recorders.merge().unwrap().to_latencies(nothing).unwrap();
        let response = latencies.response;
        assert_eq!((response.count, response.censored), (1_000, 1_000));
        assert_eq!((response.min_ns, response.max_ns), (Some(1_501_000_000), Some(2_500_000_000)));
        assert_eq!(latencies.response_ideal.count, 0);
    }

    #[test]
    fn a_task_that_waits_for_its_turn_while_the_queue_has_the_thread_is_not_late() {
        let parameters = Parameters {
            concurrency: 2,
            rate: Rate::of_whole(1_000),
            duration: Nanos::from_secs(1),
            phase: PhaseShift::Aligned,
            ..Parameters::default()
        };
        let clock = LoadClock::Manual(ManualClock::at(0));
        let none = Span { start: 0, length: 0 };
        // All logs are due or overdue at once, so no task waits for a timer.
        let load = Arc::new(drive::share(
            &repeat(parameters),
            Blocks(clock.clone()),
            clock,
            none,
            Waiting::Timer { least: 0 },
            1,
        ));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let run = |task| {
            let load = Arc::clone(&load);
            runtime.spawn(async move { load.run_task(task).await })
        };
        let tasks = [0, 1].map(run);
        let results = tasks.map(|task| runtime.block_on(task).unwrap());
        // One thread and 1 ms for each call: 1,000 calls fit into the window; the queue is the reason for the rest.
        assert_eq!(results.iter().map(|result| result.tally.unsent_generator).sum::<u64>(), 0);
        assert_eq!(results.iter().map(|result| result.tally.attempted).sum::<u64>(), 1_000);
        assert_eq!(load.recorders.merge().unwrap().lateness().max_ns, Some(0));
    }
}
