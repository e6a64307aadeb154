//! The sender threads of a load: a runtime with a pacer, or lanes.

use crate::adapter::{About, Queue};
use crate::clock::LoadClock;
use crate::load::pacing::Pacer;
use crate::platform::sharpen_sleep;
use crate::scenario::{self, Pacing, Parameters};
use crate::worker::observe::machine::PRODUCER;
use crate::worker::protocol::{Failure, FailureKind};
use crate::worker::send::lanes;
use crate::worker::send::tasks::{LoadState, TaskResult, Waiting, become_sender};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use tokio::runtime::Handle;

/// A pacer and its thread.
type PacerThread = (Arc<Pacer>, JoinHandle<()>);

/// A load that runs on real threads.
pub type Load<Q> = Arc<LoadState<Q, LoadClock>>;

/// What a task reports when it ends; `None` if it panicked.
pub type Ended = Option<TaskResult>;

/// Largest load, in logs/s over all tasks, for which each log gets its own wake-up. Above it, the wake-ups would cost
/// more than the calls.
const MOST_WAKE_UPS: f64 = 100_000.0;

/// How long a task at least sleeps on tokio's timer if its thread has more to send than a CPU can take, in nanoseconds: one
/// step of the timer. To resume a task costs more than a log, so it then sends all that has become due meanwhile.
const REST: u64 = 1_000_000;

/// How the producers of a case are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrewPlan {
    /// Tasks or lanes.
    pub producers: scenario::Producers,
    /// How they wait.
    pub pacing: Pacing,
    /// Number of sender threads.
    pub senders: usize,
    paced: bool,
    /// Whether there are too few CPUs for the load.
    rests: bool,
}

impl CrewPlan {
    /// The layout for a case of a queue, on `cpus` CPUs.
    pub fn of(parameters: &Parameters, about: &About, cpus: usize) -> Self {
        let offered = parameters.highest_per_second();
        let blocks = about.blocks_caller.contains(&parameters.strategy);
        let senders = match parameters.producers {
            scenario::Producers::Tasks => cpus,
            // A call that blocks its thread would delay the other tasks of the lane, so each task gets its own lane.
            scenario::Producers::Lanes if blocks => parameters.concurrency as usize,
            scenario::Producers::Lanes => lanes::count(offered, parameters.concurrency, cpus) as usize,
        };
        let rests = lanes::rests(offered / senders.max(1) as f64, parameters.pacing);
        let paced = offered <= MOST_WAKE_UPS;
        Self { producers: parameters.producers, pacing: parameters.pacing, senders, paced, rests }
    }

    /// How a task waits for its due times.
    pub fn waiting(&self, tasks: u32) -> Waiting {
        match self.producers {
            scenario::Producers::Lanes => Waiting::Lane,
            scenario::Producers::Tasks if self.paced => Waiting::Paced(Pacer::new(tasks)),
            scenario::Producers::Tasks => Waiting::Timer { least: if self.rests { REST } else { 0 } },
        }
    }
}

/// The threads that loads are run on, one load after the other.
#[derive(Debug)]
pub struct Crew {
    layout: CrewPlan,
    /// The runtime of tasks; lanes are started for each load.
    runtime: Option<tokio::runtime::Runtime>,
}

/// The threads of one load, besides the runtime's.
#[derive(Debug, Default)]
pub struct Running {
    pacer: Option<PacerThread>,
    lanes: Vec<JoinHandle<()>>,
    /// Lanes that are done stay alive until this is set. The kernel's counters of a thread end with the thread, and the
    /// snapshot at the end of the window still needs them.
    released: Arc<AtomicBool>,
}

impl Crew {
    /// Starts the threads of a layout.
    ///
    /// # Errors
    /// When they cannot be started.
    pub fn start(layout: CrewPlan) -> Result<Self, Failure> {
        let runtime = match layout.producers {
            scenario::Producers::Tasks => Some(start_runtime(layout.senders)?),
            scenario::Producers::Lanes => None,
        };
        Ok(Self { layout, runtime })
    }

    /// How it is laid out.
    pub fn layout(&self) -> CrewPlan {
        self.layout
    }

    /// The runtime that the tasks live on, if they are tasks.
    pub fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref().map(tokio::runtime::Runtime::handle)
    }

    /// Starts a load; each task reports to `send` when it ends.
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

    /// Releases the threads, without waiting for those that are inside a call: such a call may never return.
    pub fn disband(self) {
        if let Some(runtime) = self.runtime {
            runtime.shutdown_background();
        }
    }
}

impl Running {
    /// Ends the threads of the load and waits for them. All tasks must have ended. Lanes hold the load until they end,
    /// and the queue can be taken out of it only after that.
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
            // The runtime may start further threads for blocking work. Their number must not point past the last
            // recorder.
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
            // Released before the result is told: after the last result the queue is taken out of the load, which fails
            // while a task still holds it.
            drop(load);
            ending.tell(result);
        });
    }
}

fn start_lane<Q: Queue>(
    load: &Load<Q>,
    lane: u32,
    layout: CrewPlan,
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
    let spans = [(load.warm_up, load.warm_up_schedule.clone()), (load.window, load.window_schedule.clone())];
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

/// Reports the end of tasks to the main thread, even if they panic.
struct Ending {
    send: Sender<Ended>,
}

impl Ending {
    fn tell(&self, result: TaskResult) {
        // The receiver is gone if the repeat has already failed.
        let _ = self.send.send(Some(result));
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // A task that panics reports no result. Without this message, the drain would run into its deadline and the
        // repeat would be called hung.
        if thread::panicking() {
            let _ = self.send.send(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::noop::Noop;
    use crate::units::Rate;

    #[test]
    fn a_task_waits_as_its_load_and_the_cpus_allow() {
        for (tasks, rate, cpus, expected) in [
            (10, 1_000, 2, "Paced"),
            (1_000, 1_000, 2, "Timer { least: 0 }"),
            (1_000, 10_000, 2, "Timer { least: 1000000 }"),
            (1_000, 10_000, 8, "Timer { least: 0 }"),
        ] {
            let parameters = Parameters { concurrency: tasks, rate: Rate::of_whole(rate), ..Parameters::default() };
            let waiting = CrewPlan::of(&parameters, &Noop::ABOUT, cpus).waiting(tasks);
            let told = format!("{waiting:?}");
            assert!(told.starts_with(expected), "{tasks} x {rate}/s on {cpus} CPUs: {told}");
        }
    }
}
