//! Runs one load on its queue: warm-up and window, until the last call has returned.

use crate::adapter::{Queue, Sink};
use crate::clock::{Clock, LoadClock};
use crate::load::{Contents, Context, Phase, Schedule, Template};
use crate::measure::Settled;
use crate::measure::recorder::Recorders;
use crate::measure::stages::Watch;
use crate::measure::stalls::Stalls;
use crate::measure::steady::block_ns;
use crate::plan::PlannedRepeat;
use crate::worker::observe::jitter::{JitterWatch, Watched};
use crate::worker::observe::machine::{Passed, Snapshot};
use crate::worker::observe::settling::Settling;
use crate::worker::protocol::{Failure, FailureKind, Message, Progress};
use crate::worker::repeat::panics;
use crate::worker::repeat::placement::Cpus;
use crate::worker::send::producers::{Crew, Ended, Load};
use crate::worker::send::tasks::{LoadState, Span, TaskResult, Waiting};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Time from the creation of a load to its first log, in nanoseconds. All tasks must be spawned by then, or the first
/// logs would be late.
const HEAD_START: u64 = 20_000_000;

/// A longer time between two looks at the clock was a pause of this process (SIGSTOP, a closed lid), in nanoseconds.
const PAUSE: u64 = 1_000_000_000;

/// Time between two progress messages, in nanoseconds.
const BETWEEN_PROGRESS: u64 = 250_000_000;

/// What all loads of a repeat share.
pub struct Bench {
    /// The clock.
    pub clock: LoadClock,
    /// The producers' threads.
    pub crew: Crew,
    /// The CPUs that threads may use.
    pub cpus: Cpus,
    /// Cost of timing one call, in nanoseconds.
    pub floor_ns: f64,
}

impl Bench {
    /// The load that `repeat` asks for, on `queue`; it begins shortly.
    pub fn share<Q>(&self, repeat: &PlannedRepeat, queue: Q) -> LoadState<Q, LoadClock> {
        let layout = self.crew.layout();
        let waiting = layout.waiting(repeat.parameters.concurrency);
        let warm_up = Span { start: self.clock.now() + HEAD_START, length: repeat.warmup.0 };
        share(repeat, queue, self.clock.clone(), warm_up, waiting, layout.senders)
    }
}

/// Tells the sink when the window ends, also once that is known better, and what it counts apart: the stages
/// and the levels, if the load has any.
pub fn prepare<Q, C>(repeat: &PlannedRepeat, load: &LoadState<Q, C>, sink: &Sink) {
    sink.set_window_end(load.window.end());
    if let Some(settling) = &load.settling {
        let sink = sink.clone();
        settling.tell(move |span| sink.set_window_end(span.end()));
    }
    let schedule = &load.window_schedule;
    let stages = Watch::of(&repeat.parameters, load.window.start)
        .map(|watch| (watch, (0..schedule.tasks()).map(|task| schedule.stage_ends(task)).collect()));
    let levels = load.contents.clone().filter(|_| Contents::are_levels_told(&repeat.parameters) == Some(true));
    if stages.is_some() || levels.is_some() {
        sink.count_apart(stages, levels);
    }
}

/// What the producers of a repeat share.
pub fn share<Q>(
    repeat: &PlannedRepeat,
    queue: Q,
    clock: LoadClock,
    warm_up: Span,
    waiting: Waiting,
    senders: usize,
) -> LoadState<Q, LoadClock> {
    let parameters = &repeat.parameters;
    let window = Span { start: warm_up.end(), length: parameters.duration.0 };
    let steady = repeat.steady.filter(|steady| steady.window);
    let block = steady.map(|_| block_ns(window.length, parameters.offered_per_second()));
    let longest = Contents::longest(parameters).into();
    LoadState {
        queue,
        template: Template::new(parameters.payload.fields, longest).within(Context::of(parameters.context)),
        contents: Contents::of(parameters, repeat.seed),
        waiting,
        warm_up_schedule: Schedule::of(parameters, repeat.warmup, repeat.seed),
        warm_up,
        window_schedule: Schedule::of_window(parameters, repeat.seed),
        window,
        phase: Phase::Window,
        settling: steady.zip(block).map(|(steady, block)| Settling::new(window, block, steady)),
        recorders: Recorders::new(senders, window.start, window.length)
            .in_stages(Watch::of(parameters, window.start).as_ref())
            .in_blocks(window.start, block),
        stalls: Stalls::new(senders),
        clock,
    }
}

/// A finished load, and the queue, which nobody calls any more.
pub struct Driven<Q> {
    /// The queue.
    pub queue: Q,
    /// The latencies of the calls.
    pub recorders: Recorders,
    /// The reports of the tasks.
    pub tasks: Vec<TaskResult>,
    /// What the kernel reports about the window.
    pub passed: Passed,
    /// What the watching thread saw in the window; `None` if it panicked.
    pub watched: Option<Watched>,
    /// When the drain is over: later than was asked for by all pauses of this process, and earlier if the window was shorter
    /// than the longest one.
    pub drain_until: u64,
    /// The end of the window.
    pub end: u64,
    /// What was decided about the window, if it ends when the load is steady.
    pub settled: Option<Settled>,
}

/// Runs a load on its queue: warm-up and window, until the last call has returned or `drain_until` has come.
///
/// # Errors
/// The queue panicked or hung; a thread cannot be started.
pub fn drive<Q: Queue>(
    bench: &Bench,
    shared: LoadState<Q, LoadClock>,
    sink: &Sink,
    say: &mut dyn FnMut(Message),
    drain_until: u64,
) -> Result<Driven<Q>, Failure> {
    let watch = JitterWatch::start(bench.clock.clone(), shared.window)?;
    if let Some(settling) = &shared.settling {
        settling.tell(watch.shortener());
    }
    let load = Arc::new(shared);
    let (send, results) = mpsc::channel();
    let running = bench.crew.set_to_work(&load, &send)?;
    // The tasks hold the only senders now, so the channel closes when all of them have ended.
    drop(send);
    let looked = load.clock.now();
    let course = Course { load: &load, sink, say, results: &results, done: Vec::new(), drain_until, looked };
    let (tasks, before, after, drain_until) = course.follow()?;
    // Joins the lanes, which hold the load until they end: the queue can be taken out of it only after that.
    running.end();
    let load = Arc::into_inner(load)
        .ok_or_else(|| Failure::new(FailureKind::Internal, "a task still holds the queue after its end"))?;
    let (end, settled) = (load.end(), load.settling.as_ref().map(Settling::outcome));
    let LoadState { queue, recorders, .. } = load;
    let passed = after.since(&before, bench.cpus.numbers());
    Ok(Driven { queue, recorders, tasks, passed, watched: watch.finish(), drain_until, end, settled })
}

/// The main thread's view while the load runs.
struct Course<'a, Q> {
    load: &'a Load<Q>,
    sink: &'a Sink,
    say: &'a mut dyn FnMut(Message),
    results: &'a Receiver<Ended>,
    done: Vec<TaskResult>,
    drain_until: u64,
    /// When the clock was last looked at.
    looked: u64,
}

impl<Q: Queue> Course<'_, Q> {
    /// Follows the load to the end of its last task. The snapshots are taken at both ends of the window. The time is that
    /// at which the drain is over.
    fn follow(mut self) -> Result<(Vec<TaskResult>, Snapshot, Snapshot, u64), Failure> {
        let window = self.load.window;
        self.until(window.start)?;
        let before = Snapshot::take();
        self.until_the_end()?;
        let after = Snapshot::take();
        self.load.release();
        self.drain_until = self.drain_until.saturating_sub(window.end() - self.load.end());
        while !self.are_all_done() && self.look() < self.drain_until {
            self.until(self.drain_until)?;
        }
        let (tasks, done) = (self.load.window_schedule.tasks() as usize, self.done.len());
        // Each task reports exactly once, after its last call has returned. So a task that is missing has a call in
        // flight, and the counts of all its calls are missing with it: a ledger without them would close over a hang.
        if done < tasks {
            let message =
                format!("{} of {tasks} tasks had a call in flight when the drain ran out of time", tasks - done);
            return Err(panics::or_hung(message));
        }
        Ok((self.done, before, after, self.drain_until))
    }

    /// Follows the load to the end of the window. If that comes when the load is steady, this is where it is decided, beside
    /// the producers.
    fn until_the_end(&mut self) -> Result<(), Failure> {
        loop {
            self.load.look();
            let end = self.load.end();
            self.until(self.load.settling.as_ref().map_or(end, |settling| settling.next().min(end)))?;
            if self.look() >= self.load.end() {
                return Ok(());
            }
        }
    }

    fn are_all_done(&self) -> bool {
        self.done.len() == self.load.window_schedule.tasks() as usize
    }

    /// The time. A call in flight is not to blame for time in which this process was stopped, so the drain is over later
    /// by that.
    fn look(&mut self) -> u64 {
        let now = self.load.clock.now();
        let since = now.saturating_sub(self.looked);
        if since > PAUSE {
            self.drain_until = self.drain_until.saturating_add(since);
        }
        self.looked = now;
        now
    }

    /// Collects results until `time`, or until all have come and the window is over.
    fn until(&mut self, time: u64) -> Result<(), Failure> {
        loop {
            let now = self.look();
            if now >= time || (self.are_all_done() && now >= self.load.end()) {
                return Ok(());
            }
            let nap = Duration::from_nanos((time - now).min(BETWEEN_PROGRESS));
            match self.results.recv_timeout(nap) {
                Ok(Some(result)) => self.done.push(result),
                Ok(None) => return Err(Failure::new(FailureKind::Panicked, panics::first().unwrap_or_default())),
                Err(RecvTimeoutError::Timeout) => self.tell_progress(),
                // Every task has reported and the channel is closed. Receiving would return at once and keep this
                // thread busy.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(nap),
            }
        }
    }

    fn tell_progress(&mut self) {
        let so_far = self.load.recorders.so_far();
        let mean = (so_far.enqueue_ns).checked_div(u128::from(so_far.enqueued));
        (self.say)(Message::Progress(Progress {
            elapsed_ns: self.load.clock.now().saturating_sub(self.load.window.start),
            attempted: so_far.enqueued + so_far.rejected,
            enqueued: so_far.enqueued,
            rejected: so_far.rejected,
            delivered: self.sink.so_far(),
            mean_enqueue_ns: mean.map(|mean| mean as u64),
            enqueue_sum_ns: u64::try_from(so_far.enqueue_ns).ok(),
        }));
    }
}
