//! The sender threads of a load: a runtime with a pacer, or lanes.

use super::lanes;
use super::machine::PRODUCER;
use super::protocol::{Failure, FailureKind};
use super::tasks::{Shared, TaskResult, Waiting, become_sender};
use crate::adapter::{About, Queue};
use crate::clock::LoadClock;
use crate::load::pacing::Pacer;
use crate::platform::sharpen_sleep;
use crate::scenario::{self, Pacing, Parameters};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use tokio::runtime::Handle;

/// A pacer, and its thread.
type PacerThread = (Arc<Pacer>, JoinHandle<()>);

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

/// The threads that loads are run on, one load after the other.
#[derive(Debug)]
pub struct Crew {
    layout: Layout,
    /// The runtime of tasks; lanes are started for each load.
    runtime: Option<tokio::runtime::Runtime>,
}

/// The threads of one load, besides the runtime's.
#[derive(Debug, Default)]
pub struct Running {
    pacer: Option<PacerThread>,
    lanes: Vec<JoinHandle<()>>,
    /// Lanes that are done stay until this is set: the kernel's account of a thread ends with the thread.
    released: Arc<AtomicBool>,
}

impl Crew {
    /// Starts the threads of a layout.
    ///
    /// # Errors
    /// When they cannot be started.
    pub fn start(layout: Layout) -> Result<Self, Failure> {
        let runtime = match layout.producers {
            scenario::Producers::Tasks => Some(start_runtime(layout.senders)?),
            scenario::Producers::Lanes => None,
        };
        Ok(Self { layout, runtime })
    }

    /// How it is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The runtime that the tasks live on, if they are tasks.
    pub fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref().map(tokio::runtime::Runtime::handle)
    }

    /// Sets to work on a load; each task tells `send` when it ends.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn set_to_work<Q: Queue>(&self, load: &Load<Q>, send: &Sender<Ended>) -> Result<Running, Failure> {
        let mut running = Running::default();
        match &self.runtime {
            Some(runtime) => {
                spawn_tasks(runtime, load, send);
                running.pacer = start_pacer(load, self.layout.pacing)?;
            }
            None => {
                for lane in 0..self.layout.senders as u32 {
                    running.lanes.push(start_lane(load, lane, self.layout, send, &running.released)?);
                }
            }
        }
        Ok(running)
    }

    /// Lets the threads go, even those that are inside a call that never returns.
    pub fn disband(self) {
        if let Some(runtime) = self.runtime {
            runtime.shutdown_background();
        }
    }
}

impl Running {
    /// Ends the threads of the load, once all its tasks have ended.
    pub fn end(mut self) {
        if let Some((pacer, thread)) = self.pacer.take() {
            pacer.stop();
            let _ = thread.join();
        }
        self.release();
        self.lanes.drain(..).for_each(|lane| drop(lane.join()));
    }

    fn release(&self) {
        self.released.store(true, Ordering::Release);
        self.lanes.iter().for_each(|lane| lane.thread().unpark());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((pacer, _)) = &self.pacer {
            pacer.stop();
        }
        self.release();
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
    released: &Arc<AtomicBool>,
) -> Result<JoinHandle<()>, Failure> {
    let (load, ending, released) = (Arc::clone(load), Ending { send: send.clone() }, Arc::clone(released));
    let run = move || {
        sharpen_sleep();
        lanes::run(load, lane, layout.senders as u32, layout.pacing, |result| ending.tell(result));
        while !released.load(Ordering::Acquire) {
            thread::park();
        }
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
    spawn("ql-pacer", pace).map(|thread| Some((Arc::clone(pacer), thread)))
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
