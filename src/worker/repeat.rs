//! Warm-up, window, drain: the course of one repeat.

use super::account::{self, Observed};
use super::machine::Snapshot;
use super::placement::Cpus;
use super::producers::{self, Ended, Layout, Load};
use super::protocol::{Failure, FailureKind, Message, Progress};
use super::tasks::{Shared, Span, TaskResult, Waiting};
use super::{floor, panics};
use crate::adapter::{Account, Queue, Setup, Sink};
use crate::clock::{Clock, LoadClock, SystemClock};
use crate::load::producer::GRACE;
use crate::load::{Schedule, Template};
use crate::measure::Measurement;
use crate::measure::recorder::Recorders;
use crate::measure::stalls::Stalls;
use crate::plan::PlannedRepeat;
use crate::scenario::SinkKind;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// From the build of the queue to the first log, in nanoseconds: time for all tasks to be spawned.
const HEAD_START: u64 = 20_000_000;

/// Between two progress messages, in nanoseconds.
const BETWEEN_PROGRESS: u64 = 250_000_000;

/// Beyond its deadline a shutdown gets this long to come back.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// Carries out one repeat with `Q`.
pub fn run<Q: Queue>(repeat: &PlannedRepeat, say: &mut dyn FnMut(Message)) -> Result<Measurement, Failure> {
    panics::watch();
    let clock = LoadClock::System(SystemClock::new());
    let floor_ns = floor::measure(&clock);
    let cpus = Cpus::share(repeat.parameters.placement).map_err(bad_request)?;
    cpus.go_to_queue().map_err(bad_request)?;
    let (queue, sink) = build::<Q>(repeat, &clock)?;
    cpus.go_to_producers().map_err(bad_request)?;
    say(Message::Started);

    let layout = Layout::of(&repeat.parameters, &Q::ABOUT, cpus.of_producers());
    let warm_up = Span { start: clock.now() + HEAD_START, length: repeat.warmup.0 };
    let waiting = layout.waiting(repeat.parameters.concurrency);
    let load = Arc::new(share(repeat, queue, clock.clone(), warm_up, waiting, layout.senders));
    sink.set_window_end(load.window.end());
    let (send, results) = mpsc::channel();
    let running = producers::start(&load, layout, &send)?;
    drop(send);

    let drain_until = load.window.end() + repeat.drain_timeout.0.max(GRACE);
    let course = Course { load: &load, sink: &sink, say, results: &results, done: Vec::new(), drain_until };
    let (tasks, before, after) = match course.follow() {
        Ok(observed) => observed,
        Err(failure) => {
            running.abandon();
            return Err(failure);
        }
    };
    running.end();
    let load = Arc::into_inner(load)
        .ok_or_else(|| Failure::new(FailureKind::Internal, "a task still holds the queue after its end"))?;
    let Shared { queue, recorders, window, .. } = load;
    let last_return = tasks.iter().map(|task| task.last_return).max().unwrap_or(0).max(window.end());
    let account = shut_down(queue, &sink, drain_until.saturating_sub(clock.now()))?;
    let drain_ns = clock.now().saturating_sub(last_return);
    let passed = after.since(&before);
    let clock = SystemClock::source();
    account::draw_up::<Q>(Observed { repeat, tasks, recorders, sink, account, passed, clock, floor_ns, drain_ns })
        .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

fn bad_request(why: String) -> Failure {
    Failure::new(FailureKind::BadRequest, why)
}

fn build<Q: Queue>(repeat: &PlannedRepeat, clock: &LoadClock) -> Result<(Q, Sink), Failure> {
    let not_built =
        |why: String| Failure::new(FailureKind::NotBuilt, format!("cannot build `{}`: {why}", Q::ABOUT.name));
    let parameters = &repeat.parameters;
    let inner = open_sink(parameters.sink).map_err(|error| not_built(format!("its sink: {error}")))?;
    let sink = Sink::new(clock.clone(), parameters.concurrency, parameters.sink_delay.0, inner);
    let setup = Setup { parameters: parameters.clone(), seed: repeat.seed };
    let built = catch_unwind(AssertUnwindSafe(|| Q::build(&setup, sink.clone())));
    let queue = built.unwrap_or_else(|_| Err(panics::first().unwrap_or_default())).map_err(not_built)?;
    Ok((queue, sink))
}

fn open_sink(kind: SinkKind) -> std::io::Result<Option<Box<dyn Write + Send>>> {
    match kind {
        SinkKind::Counting => Ok(None),
        SinkKind::File => {
            let path = std::env::temp_dir().join(format!("queue-load-{}.jsonl", std::process::id()));
            let file = std::fs::File::create_new(&path)?;
            // Without a name it is gone with the process, however that ends.
            #[cfg(unix)]
            std::fs::remove_file(&path)?;
            Ok(Some(Box::new(BufWriter::new(file))))
        }
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
) -> Shared<Q, LoadClock> {
    let parameters = &repeat.parameters;
    let window = Span { start: warm_up.end(), length: parameters.duration.0 };
    Shared {
        queue,
        template: Template::new(parameters.payload.fields, parameters.payload.message.0),
        waiting,
        warm_up_schedule: Schedule::of(parameters, repeat.warmup, repeat.seed),
        warm_up,
        window_schedule: Schedule::of(parameters, parameters.duration, repeat.seed),
        window,
        recorders: Recorders::new(senders, window.start, window.length),
        stalls: Stalls::new(senders),
        clock,
    }
}

/// The main thread's view while the load runs.
struct Course<'a, Q> {
    load: &'a Load<Q>,
    sink: &'a Sink,
    say: &'a mut dyn FnMut(Message),
    results: &'a Receiver<Ended>,
    done: Vec<TaskResult>,
    drain_until: u64,
}

impl<Q: Queue> Course<'_, Q> {
    /// Follows the load to the end of its last task; the snapshots are of the window's two ends.
    fn follow(mut self) -> Result<(Vec<TaskResult>, Snapshot, Snapshot), Failure> {
        let (window, drain_until) = (self.load.window, self.drain_until);
        self.until(window.start)?;
        let before = Snapshot::take();
        self.until(window.end())?;
        let after = Snapshot::take();
        self.until(drain_until)?;
        let (tasks, done) = (self.load.window_schedule.tasks() as usize, self.done.len());
        if done < tasks {
            let message =
                format!("{} of {tasks} tasks had a call in flight when the drain ran out of time", tasks - done);
            return Err(Failure::new(FailureKind::Hung, message));
        }
        Ok((self.done, before, after))
    }

    /// Collects results until `time`, or until there are no more to come and the window is over.
    fn until(&mut self, time: u64) -> Result<(), Failure> {
        loop {
            let now = self.load.clock.now();
            let all_done = self.done.len() == self.load.window_schedule.tasks() as usize;
            if now >= time || (all_done && now >= self.load.window.end()) {
                return Ok(());
            }
            let nap = Duration::from_nanos((time - now).min(BETWEEN_PROGRESS));
            match self.results.recv_timeout(nap) {
                Ok(Some(result)) => self.done.push(result),
                Ok(None) => return Err(Failure::new(FailureKind::Panicked, panics::first().unwrap_or_default())),
                Err(RecvTimeoutError::Timeout) => self.tell_progress(),
                // Every task has told its result.
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
        }));
    }
}

/// Shuts the queue down in a thread of its own: one that hangs must not take the account with it.
fn shut_down<Q: Queue>(queue: Q, sink: &Sink, left: u64) -> Result<Account, Failure> {
    let deadline = Duration::from_nanos(left);
    let (send, receive) = mpsc::channel();
    let shutdown = move || {
        let account = catch_unwind(AssertUnwindSafe(|| queue.shutdown(deadline)));
        let _ = send.send(account);
    };
    let started = thread::Builder::new().name("ql-shutdown".into()).spawn(shutdown);
    started.map_err(|error| Failure::new(FailureKind::Internal, format!("cannot start the shutdown: {error}")))?;
    let account = receive.recv_timeout(deadline + SHUTDOWN_GRACE);
    sink.stop_serving();
    match account {
        Ok(Ok(account)) => Ok(account),
        Ok(Err(_)) => Err(Failure::new(FailureKind::Panicked, panics::first().unwrap_or_default())),
        Err(_) => Err(Failure::new(FailureKind::Hung, "the shutdown of the queue did not come back")),
    }
}
