//! The sender threads of a load: a runtime with a pacer, or lanes.

use super::lanes;
use super::machine::PRODUCER;
use super::protocol::{Failure, FailureKind};
use super::tasks::{Shared, TaskResult, Waiting, become_sender};
use crate::adapter::{About, Queue};
use crate::clock::LoadClock;
use crate::load::pacing::{Pacer, sharpen_sleep};
use crate::scenario::{self, Pacing, Parameters};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A load that runs on real threads.
pub type Load<Q> = Arc<Shared<Q, LoadClock>>;

/// What a task tells when it ends; `None`: it panicked.
pub type Ended = Option<TaskResult>;

/// Logs per second, over all tasks, up to which each log gets a wake-up of its own.
const MOST_WAKE_UPS: f64 = 100_000.0;

/// How the producers of a case are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Tasks or lanes.
    pub producers: scenario::Producers,
    /// How they wait.
    pub pacing: Pacing,
    /// Number of sender threads.
    pub senders: usize,
    paced: bool,
}

impl Layout {
    /// For a case of a queue, on so many CPUs.
    pub fn of(parameters: &Parameters, about: &About, cpus: usize) -> Self {
        let offered = parameters.rate.per_second() * f64::from(parameters.concurrency);
        let blocks = about.blocks_caller.contains(&parameters.strategy);
        let senders = match parameters.producers {
            scenario::Producers::Tasks => cpus,
            scenario::Producers::Lanes if blocks => parameters.concurrency as usize,
            scenario::Producers::Lanes => lanes::count(offered, parameters.concurrency, cpus) as usize,
        };
        Self { producers: parameters.producers, pacing: parameters.pacing, senders, paced: offered <= MOST_WAKE_UPS }
    }

    /// How a task waits for its due times.
    pub fn waiting(&self, tasks: u32) -> Waiting {
        match self.producers {
            scenario::Producers::Lanes => Waiting::Lane,
            scenario::Producers::Tasks if self.paced => Waiting::Paced(Pacer::new(tasks)),
            scenario::Producers::Tasks => Waiting::Timer,
        }
    }
}

/// Producers at work.
#[derive(Debug)]
pub enum Running {
    /// Tokio tasks, and the thread that wakes them.
    Tasks {
        /// Their runtime.
        runtime: tokio::runtime::Runtime,
        /// The thread that wakes them, where they do not wait on the runtime's timer.
        pacer: Option<PacerThread>,
    },
    /// Lanes.
    Lanes(Vec<JoinHandle<()>>),
}

/// A pacer at work.
#[derive(Debug)]
pub struct PacerThread {
    pacer: Arc<Pacer>,
    thread: JoinHandle<()>,
}

/// Starts the producers of a load; each task tells `send` when it ends.
///
/// # Errors
/// When a thread cannot be started.
pub fn start<Q: Queue>(load: &Load<Q>, layout: Layout, send: &Sender<Ended>) -> Result<Running, Failure> {
    match layout.producers {
        scenario::Producers::Tasks => {
            let runtime = start_runtime(layout.senders)?;
            spawn_tasks(&runtime, load, send);
            Ok(Running::Tasks { runtime, pacer: start_pacer(load, layout.pacing)? })
        }
        scenario::Producers::Lanes => {
            let lanes = 0..layout.senders as u32;
            lanes.map(|lane| start_lane(load, lane, layout, send)).collect::<Result<_, _>>().map(Running::Lanes)
        }
    }
}

impl Running {
    /// Ends the threads, once all tasks have ended; those that do not let go within a second are left behind.
    pub fn end(self) {
        match self {
            Self::Tasks { runtime, pacer } => {
                if let Some(PacerThread { pacer, thread }) = pacer {
                    pacer.stop();
                    let _ = thread.join();
                }
                runtime.shutdown_timeout(Duration::from_secs(1));
            }
            Self::Lanes(threads) => threads.into_iter().for_each(|thread| drop(thread.join())),
        }
    }

    /// Leaves the threads to themselves, because the load has failed and the process is about to end.
    pub fn abandon(self) {
        if let Self::Tasks { runtime, pacer } = self {
            if let Some(PacerThread { pacer, .. }) = pacer {
                pacer.stop();
            }
            runtime.shutdown_background();
        }
    }
}

fn start_runtime(threads: usize) -> Result<tokio::runtime::Runtime, Failure> {
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

fn spawn_tasks<Q: Queue>(runtime: &tokio::runtime::Runtime, load: &Load<Q>, send: &Sender<Ended>) {
    for task in 0..load.window_schedule.tasks() {
        let (load, ending) = (Arc::clone(load), Ending { send: send.clone() });
        runtime.spawn(async move {
            let result = load.run_task(task).await;
            drop(load);
            ending.tell(result);
        });
    }
}

fn start_lane<Q: Queue>(
    load: &Load<Q>,
    lane: u32,
    layout: Layout,
    send: &Sender<Ended>,
) -> Result<JoinHandle<()>, Failure> {
    let (load, ending) = (Arc::clone(load), Ending { send: send.clone() });
    let run = move || {
        sharpen_sleep();
        lanes::run(&load, lane, layout.senders as u32, layout.pacing, |result| ending.tell(result));
    };
    spawn(PRODUCER, run)
}

fn start_pacer<Q: Queue>(load: &Load<Q>, pacing: Pacing) -> Result<Option<PacerThread>, Failure> {
    let Waiting::Paced(pacer) = &load.waiting else { return Ok(None) };
    let (running, clock) = (Arc::clone(pacer), load.clock.clone());
    let spans = [(load.warm_up, load.warm_up_schedule), (load.window, load.window_schedule)];
    let pace = move || {
        sharpen_sleep();
        spans.into_iter().for_each(|(span, schedule)| running.run(&clock, span.start, schedule.merged(0, 1), pacing));
    };
    spawn("ql-pacer", pace).map(|thread| Some(PacerThread { pacer: Arc::clone(pacer), thread }))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Failure> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map_err(|error| Failure::new(FailureKind::Internal, format!("cannot start the thread {name}: {error}")))
}

/// Tells of tasks that end, be it by a panic.
struct Ending {
    send: Sender<Ended>,
}

impl Ending {
    fn tell(&self, result: TaskResult) {
        // Nobody listens any more once the repeat has failed.
        let _ = self.send.send(Some(result));
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.send.send(None);
        }
    }
}
