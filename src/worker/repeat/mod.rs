//! The course of one repeat: control, idle phase, load, drain, and a second control if the load was late.

pub(in crate::worker) mod control;
pub(in crate::worker) mod drive;
pub(in crate::worker) mod panics;
pub(in crate::worker) mod placement;
pub(in crate::worker) mod settle;
#[cfg(all(test, feature = "internals"))]
mod settle_tests;
#[cfg(feature = "internals")]
pub(in crate::worker) mod simulate;

use crate::adapter::{Account, Queue, Setup, Sink};
use crate::clock::{Clock, LoadClock, SystemClock};
use crate::load::producer::GRACE;
use crate::measure::lag::When;
use crate::measure::{Control, Measurement, OutcomeSource};
use crate::plan::PlannedRepeat;
use crate::platform;
use crate::scenario::SinkKind;
use crate::units::human;
use crate::worker::Patience;
use crate::worker::observe::account::{self, Observed};
use crate::worker::observe::machine::Snapshot;
use crate::worker::observe::{floor, responsiveness};
use crate::worker::protocol::{Failure, FailureKind, Message};
use crate::worker::send::producers::{Crew, CrewPlan};
use drive::{Bench, Driven, drive};
use placement::Cpus;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Most threads that a queue may leave behind after its shutdown: more than a runtime's pool keeps ready (512).
const MOST_THREADS_LEFT: usize = 1_000;

/// Time between two looks at whether a shutdown has taken too long.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A drain that ends so short before its time is over has taken all of it, in nanoseconds.
const NEARLY: u64 = 50_000_000;

/// Beyond its deadline a shutdown gets this long to come back.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// Carries out one repeat with the queue `Q`.
pub fn run<Q: Queue>(repeat: &PlannedRepeat, say: &mut dyn FnMut(Message)) -> Result<Measurement, Failure> {
    panics::watch();
    let clock = LoadClock::System(SystemClock::new());
    let until = clock.now().saturating_add(repeat.deadline.0);
    let floor_ns = floor::measure(&clock);
    let cpus = Cpus::share(repeat.parameters.placement).map_err(bad_request)?;
    cpus.go_to_producers().map_err(bad_request)?;
    let crew = Crew::start(CrewPlan::of(&repeat.parameters, &Q::ABOUT, cpus.of_producers()))?;
    let bench = Bench { clock, crew, cpus, floor_ns };
    let mut outcome = measure::<Q>(repeat, &bench, say);
    if let Ok(measurement) = &mut outcome {
        let left = until.saturating_sub(bench.clock.now());
        measurement.control_after = control::after(repeat, measurement, left, &bench);
    }
    bench.crew.disband();
    outcome
}

/// Runs the control, the idle phase, the load and the drain, in this order.
fn measure<Q: Queue>(
    repeat: &PlannedRepeat,
    bench: &Bench,
    say: &mut dyn FnMut(Message),
) -> Result<Measurement, Failure> {
    let control = control::before(repeat, bench)?;
    let threads = platform::threads();
    bench.cpus.go_to_queue().map_err(bad_request)?;
    let (queue, sink) = build::<Q>(repeat, &bench.clock)?;
    bench.cpus.go_to_producers().map_err(bad_request)?;
    let outcome = put_under_load(repeat, bench, say, (queue, sink.clone()), control);
    // A queue whose sink failed loses logs, panics or hangs because of it: whatever came of it is not its fault.
    if let Some(words) = sink.failure() {
        return Err(Failure::new(FailureKind::SinkFailed, format!("cannot write to its file: {words}")));
    }
    let measurement = outcome?;
    leftovers(threads)?;
    unless_broken(measurement)
}

/// Runs the idle phase, the load and the drain.
fn put_under_load<Q: Queue>(
    repeat: &PlannedRepeat,
    bench: &Bench,
    say: &mut dyn FnMut(Message),
    (queue, sink): (Q, Sink),
    control: Option<Control>,
) -> Result<Measurement, Failure> {
    let clock = &bench.clock;
    let runtime = bench.crew.runtime();
    let probes = runtime.map(|runtime| responsiveness::start_idle(runtime, clock.clone())).transpose()?;
    say(Message::Started);

    let (queue, warmed_up) = match settle::warm_up_of(repeat) {
        Some(warm_up) => {
            let (queue, warmed_up) = settle::run(&warm_up, bench, queue, &sink)?;
            (queue, Some(warmed_up))
        }
        None => (queue, None),
    };
    let shared = bench.share(repeat, queue);
    let window = shared.window;
    drive::prepare(repeat, &shared, &sink);
    if let Some(probes) = &probes {
        probes.listen(When::During, window);
        shared.settling.iter().for_each(|settling| settling.tell(probes.listener()));
    }
    // At least the grace period: until it is over, the generator may still send logs for which it is late.
    let drain_until = window.end() + repeat.drain_timeout.0.max(GRACE);
    let driven = drive(bench, shared, &sink, say, drain_until)?;
    let Driven { queue, recorders, tasks, passed, watched, drain_until, end, settled } = driven;
    let lags = probes.map(responsiveness::Responsiveness::finish);
    let last_return = tasks.iter().map(|task| task.last_return).max().unwrap_or(0).max(end);
    let before = Snapshot::take();
    let account = shut_down(queue, &sink, drain_until.saturating_sub(clock.now()))?;
    let drain_ns = clock.now().saturating_sub(last_return);
    let took_all = clock.now().saturating_add(NEARLY) >= drain_until;
    let drain = if took_all { Snapshot::take().since(&before, bench.cpus.numbers()).allowed } else { None };
    account::draw_up::<Q>(Observed {
        repeat,
        tasks,
        recorders,
        sink,
        account,
        passed,
        drain,
        watched,
        lags,
        control,
        warmed_up,
        settled,
        clock: SystemClock::source(),
        floor_ns: bench.floor_ns,
        drain_ns,
    })
    .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

/// Refuses a queue that leaves threads behind without end, given how many there were before it was built. An instance that
/// leaves a few cannot be told from a pool that keeps some ready.
fn leftovers(before: Option<usize>) -> Result<(), Failure> {
    let left = platform::threads().zip(before).map_or(0, |(now, before)| now.saturating_sub(before));
    if left <= MOST_THREADS_LEFT {
        return Ok(());
    }
    let message = format!("{left} threads of the queue still ran after its shutdown");
    Err(Failure::new(FailureKind::Hung, message))
}

/// A thread of the queue that panics takes its records along: then the panic is what is wrong, and the losses follow from
/// it. A queue that survives a panic, or counts what it lost by it, is judged by its counts.
fn unless_broken(measurement: Measurement) -> Result<Measurement, Failure> {
    let unexplained = measurement.ledger.lost.silent
        + if measurement.outcome_source == OutcomeSource::Delivery { measurement.ledger.dropped } else { 0 };
    match panics::first() {
        Some(words) if unexplained > 0 => {
            let lost = format!("{words}; {} logs are lost", human::count(unexplained));
            Err(Failure::new(FailureKind::Panicked, lost))
        }
        _ => Ok(measurement),
    }
}

fn bad_request(why: String) -> Failure {
    Failure::new(FailureKind::BadRequest, why)
}

fn build<Q: Queue>(repeat: &PlannedRepeat, clock: &LoadClock) -> Result<(Q, Sink), Failure> {
    let not_built =
        |why: String| Failure::new(FailureKind::NotBuilt, format!("cannot build `{}`: {why}", Q::ABOUT.name));
    let parameters = &repeat.parameters;
    let inner = open_sink(parameters.sink).map_err(|error| {
        let directory = std::env::temp_dir();
        Failure::new(FailureKind::SinkFailed, format!("cannot create its file in {}: {error}", directory.display()))
    })?;
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
            platform::take_name(&path)?;
            Ok(Some(Box::new(BufWriter::new(file))))
        }
    }
}

/// Shuts the queue down in a thread of its own: if the shutdown hangs, this function still returns and reports that.
fn shut_down<Q: Queue>(queue: Q, sink: &Sink, left: u64) -> Result<Account, Failure> {
    let deadline = Duration::from_nanos(left);
    let (send, receive) = mpsc::channel();
    let shutdown = move || {
        let account = catch_unwind(AssertUnwindSafe(|| queue.shutdown(deadline)));
        let _ = send.send(account);
    };
    let started = thread::Builder::new().name("ql-shutdown".into()).spawn(shutdown);
    started.map_err(|error| Failure::new(FailureKind::Internal, format!("cannot start the shutdown: {error}")))?;
    let mut patience = Patience::begin();
    let account = loop {
        match receive.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) if patience.elapsed() < deadline + SHUTDOWN_GRACE => {}
            answer => break answer,
        }
    };
    sink.stop_serving();
    // A queue that gave up may still be delivering. In a service those records would be lost with the process, so they
    // must not count.
    sink.close();
    match account {
        Ok(Ok(account)) => Ok(account),
        Ok(Err(_)) => Err(Failure::new(FailureKind::Panicked, panics::first().unwrap_or_default())),
        Err(_) => Err(panics::or_hung("the shutdown of the queue did not come back".to_owned())),
    }
}
