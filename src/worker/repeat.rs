//! Warm-up, window, drain: the course of one repeat.

use super::account::{self, Observed};
use super::jitter::JitterWatch;
use super::machine::{PRODUCER, Passed, Snapshot};
use super::protocol::{Failure, FailureKind, Message, Progress};
use super::tasks::{Shared, Span, TaskResult, Waiting, become_sender};
use super::{control, floor, panics, responsiveness};
use crate::adapter::{Account, Queue, Setup, Sink};
use crate::clock::{Clock, SystemClock};
use crate::load::pacing::{Pacer, sharpen_sleep};
use crate::load::producer::GRACE;
use crate::load::{Schedule, Template};
use crate::measure::Measurement;
use crate::measure::jitter::Jitter;
use crate::measure::lag::When;
use crate::measure::recorder::Recorders;
use crate::measure::stalls::Stalls;
use crate::plan::PlannedRepeat;
use crate::scenario::{Parameters, SinkKind};
use crate::units::Nanos;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};

/// From the making of a load to its first log, in nanoseconds: time for all tasks to be spawned.
const HEAD_START: u64 = 20_000_000;

/// Between two progress messages, in nanoseconds.
const BETWEEN_PROGRESS: u64 = 250_000_000;

/// Beyond its deadline a shutdown gets this long to come back.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// Logs per second, over all tasks, up to which each log gets a wake-up of its own.
const MOST_WAKE_UPS: f64 = 100_000.0;

type Load<Q> = Arc<Shared<Q, SystemClock>>;

/// What all loads of a repeat run on.
pub struct Bench {
    /// The clock.
    pub clock: SystemClock,
    /// The producers' runtime.
    pub runtime: Handle,
    /// Number of its threads.
    pub threads: usize,
    /// Cost of timing one call, in nanoseconds.
    pub floor_ns: f64,
}

/// Carries out one repeat with `Q`.
pub fn run<Q: Queue>(repeat: &PlannedRepeat, say: &mut dyn FnMut(Message)) -> Result<Measurement, Failure> {
    panics::watch();
    let clock = SystemClock::new();
    let floor_ns = floor::measure(&clock);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let runtime = start_runtime(threads)?;
    let bench = Bench { clock, runtime: runtime.handle().clone(), threads, floor_ns };
    let outcome = measure::<Q>(repeat, &bench, say);
    // A call that never returns must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// Control, idle phase, load, drain.
fn measure<Q: Queue>(
    repeat: &PlannedRepeat,
    bench: &Bench,
    say: &mut dyn FnMut(Message),
) -> Result<Measurement, Failure> {
    let control = control::run(repeat, bench)?;
    let (queue, sink) = build::<Q>(repeat, &bench.clock)?;
    let probes = responsiveness::start_idle(&bench.runtime, bench.clock.clone())?;
    say(Message::Started);
    let shared = share(repeat, queue, bench);
    let window = shared.window;
    sink.set_window_end(window.end());
    probes.listen(When::During, window);
    let drain_until = window.end() + repeat.drain_timeout.0.max(GRACE);
    let Driven { queue, recorders, tasks, passed, jitter } = drive(bench, shared, &sink, say, drain_until)?;
    let lags = probes.finish();
    let last_return = tasks.iter().map(|task| task.last_return).max().unwrap_or(0).max(window.end());
    let account = shut_down(queue, &sink, drain_until.saturating_sub(bench.clock.now()))?;
    let drain_ns = bench.clock.now().saturating_sub(last_return);
    let floor_ns = bench.floor_ns;
    let observed =
        Observed { repeat, tasks, recorders, sink, account, passed, jitter, lags, control, floor_ns, drain_ns };
    account::draw_up::<Q>(observed).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

/// A load that has run to its end, and the queue, which nobody calls any more.
pub struct Driven<Q> {
    /// The queue.
    pub queue: Q,
    /// What the calls took.
    pub recorders: Recorders,
    /// What the tasks told.
    pub tasks: Vec<TaskResult>,
    /// What the kernel says of the window.
    pub passed: Passed,
    /// What a watching thread says of the window.
    pub jitter: Option<Jitter>,
}

/// Runs a load on its queue: warm-up and window, until the last call has returned or `drain_until` has come.
pub fn drive<Q: Queue>(
    bench: &Bench,
    shared: Shared<Q, SystemClock>,
    sink: &Sink,
    say: &mut dyn FnMut(Message),
    drain_until: u64,
) -> Result<Driven<Q>, Failure> {
    let watch = JitterWatch::start(bench.clock.clone(), shared.window)?;
    let load = Arc::new(shared);
    let (send, results) = mpsc::channel();
    spawn_tasks(&bench.runtime, &load, send);
    let pacer = start_pacer(&load)?;
    let course = Course { load: &load, sink, say, results: &results, done: Vec::new(), drain_until };
    let observed = course.follow();
    if let Waiting::Paced(pacer) = &load.waiting {
        pacer.stop();
    }
    let (tasks, before, after) = observed?;
    if let Some(pacer) = pacer {
        let _ = pacer.join();
    }
    // A task lets go of what is shared before it tells its result.
    let Shared { queue, recorders, .. } = Arc::into_inner(load)
        .ok_or_else(|| Failure::new(FailureKind::Internal, "a task still holds the queue after its end"))?;
    Ok(Driven { queue, recorders, tasks, passed: after.since(&before), jitter: watch.finish() })
}

fn build<Q: Queue>(repeat: &PlannedRepeat, clock: &SystemClock) -> Result<(Q, Sink), Failure> {
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

/// The load that `repeat` asks for, on `queue`; it begins [`HEAD_START`] from now.
pub fn share<Q>(repeat: &PlannedRepeat, queue: Q, bench: &Bench) -> Shared<Q, SystemClock> {
    let clock = bench.clock.clone();
    let Parameters { concurrency, rate, duration, payload, .. } = &repeat.parameters;
    let warm_up = Span { start: clock.now() + HEAD_START, length: repeat.warmup.0 };
    let window = Span { start: warm_up.end(), length: duration.0 };
    let paced = rate.per_second() * f64::from(*concurrency) <= MOST_WAKE_UPS;
    Shared {
        queue,
        template: Template::new(payload.fields, payload.message.0),
        waiting: if paced { Waiting::Paced(Pacer::new(*concurrency)) } else { Waiting::Timer },
        warm_up_schedule: Schedule::new(*concurrency, *rate, Nanos(warm_up.length)),
        warm_up,
        window_schedule: Schedule::new(*concurrency, *rate, Nanos(window.length)),
        window,
        recorders: Recorders::new(bench.threads, window.start, window.length),
        stalls: Stalls::new(bench.threads),
        clock,
    }
}

fn start_runtime(threads: usize) -> Result<Runtime, Failure> {
    let next = AtomicUsize::new(0);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(PRODUCER)
        .on_thread_start(move || {
            sharpen_sleep();
            become_sender(next.fetch_add(1, Ordering::Relaxed) % threads);
        })
        .enable_time()
        .build()
        .map_err(|error| Failure::new(FailureKind::Internal, format!("cannot start the runtime: {error}")))
}

fn spawn_tasks<Q: Queue>(runtime: &Handle, load: &Load<Q>, send: Sender<Option<TaskResult>>) {
    for task in 0..load.window_schedule.tasks() {
        let (load, ending) = (Arc::clone(load), Ending { send: send.clone() });
        runtime.spawn(async move {
            let result = load.run_task(task).await;
            drop(load);
            let _ = ending.send.send(Some(result));
        });
    }
}

/// Tells of a task that ends by a panic.
struct Ending {
    send: Sender<Option<TaskResult>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.send.send(None);
        }
    }
}

fn start_pacer<Q: Queue>(load: &Load<Q>) -> Result<Option<thread::JoinHandle<()>>, Failure> {
    let Waiting::Paced(pacer) = &load.waiting else { return Ok(None) };
    let (pacer, clock) = (Arc::clone(pacer), load.clock.clone());
    let spans = [(load.warm_up, load.warm_up_schedule), (load.window, load.window_schedule)];
    let pace = move || {
        sharpen_sleep();
        spans.into_iter().for_each(|(span, schedule)| pacer.run(&clock, span.start, schedule.merged(0, 1)));
    };
    let started = thread::Builder::new().name("ql-pacer".into()).spawn(pace);
    started.map(Some).map_err(|error| Failure::new(FailureKind::Internal, format!("cannot start the pacer: {error}")))
}

/// The main thread's view while the load runs.
struct Course<'a, Q> {
    load: &'a Load<Q>,
    sink: &'a Sink,
    say: &'a mut dyn FnMut(Message),
    results: &'a Receiver<Option<TaskResult>>,
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
