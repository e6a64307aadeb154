//! Measures round by round, each setting with every queue in turn.

use super::Failure;
use super::cells::Cell;
use super::once;
use super::results::{Results, Values};
use queue_load::adapter::{About, Host, Queue};
use queue_load::internals::measure::encoding::{Distribution, WHOLE};
use queue_load::internals::measure::{Latency, Measurement};
use queue_load::internals::run::{ChildCommand, ChildDriver, Driver, Interrupt, Verify, core_to_core};
use queue_load::internals::session::environment;
use queue_load::internals::units::Nanos;
use queue_load::internals::verdict::{faults, judge_repeat};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

/// Fewest rounds: a median has something on both sides.
const FEWEST: u32 = 3;
/// What a measurement takes beside its window: a process, a warm-up, the instrument's look at an idle machine, a drain.
const BESIDE: Duration = Duration::from_millis(550);
/// Shortest and longest window.
const WINDOWS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
/// How long the machine is looked at before the first round, for how near its CPUs can be to each other.
const LOOK: Duration = Duration::from_secs(30);
/// Longest wait for near CPUs before a measurement.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most tries of a measurement of which the CPUs were near before it, and apart after it.
const MOST_TRIES: u32 = 5;
/// Where the numbers of each measurement are kept as they come.
const KEPT: &str = "target/bench-queues.jsonl";

/// Measures for about this many minutes, at least three rounds.
pub fn measure(minutes: f64, only: &[String]) -> Result<Results, Failure> {
    let limit = Duration::try_from_secs_f64(minutes * 60.0)?;
    let queues: Vec<About> = abouts().into_iter().filter(|about| is_wanted(about, only)).collect();
    let order: Vec<(Cell, About)> = order(&queues);
    let window = window(limit, order.len());
    let nearest_ns = nearest();
    eprintln!("{} measurements a round, windows of {window:.0?}, about {minutes} min", order.len());
    let mut results = Results {
        environment: environment(),
        begun: jiff::Timestamp::now().to_string(),
        queues: queues.iter().map(|about| (about.name.to_owned(), about.version.to_owned())).collect(),
        nearest_ns,
        rounds: 0,
        window: window.as_secs_f64(),
        values: BTreeMap::new(),
        failures: Vec::new(),
    };
    std::fs::create_dir_all("target")?;
    let mut bench = Bench { driver: driver()?, kept: File::create(KEPT)?, window, nearest_ns };
    let (begin, mut longest) = (Instant::now(), Duration::ZERO);
    while results.rounds < FEWEST || begin.elapsed() + longest <= limit {
        let started = Instant::now();
        bench.round(&order, &mut results)?;
        longest = longest.max(started.elapsed());
        eprintln!("round {}: {:.0?}", results.rounds, started.elapsed());
    }
    Ok(results)
}

/// The nearest that the CPUs are in a while, as the round trip of a cache line in nanoseconds; `None` if it cannot be told.
fn nearest() -> Option<u64> {
    let mut nearest = None;
    core_to_core::look(LOOK, |seen| {
        nearest = nearest.into_iter().chain(seen).min();
        false
    });
    nearest
}

fn driver() -> Result<ChildDriver, Failure> {
    Ok(ChildDriver::new(ChildCommand::worker()?, Verify::new(|_, measurement| faults(measurement))))
}

/// Every setting with the queues that it is for, those of one setting after each other.
fn order(queues: &[About]) -> Vec<(Cell, About)> {
    let with = |cell: Cell| queues.iter().filter(move |about| cell.is_for(about)).map(move |about| (cell, *about));
    Cell::all().into_iter().flat_map(with).collect()
}

/// The window with which the fewest rounds take about as long as is allowed.
fn window(limit: Duration, measurements: usize) -> Duration {
    let each = limit.div_f64(f64::from(FEWEST) * measurements.max(1) as f64);
    each.saturating_sub(BESIDE).clamp(WINDOWS[0], WINDOWS[1])
}

/// Our own queue first, since everything is compared with it; then the queues that are no loggers, then the others.
fn abouts() -> Vec<About> {
    let mut all: Vec<About> = once::known::<Nobody>().abouts().copied().collect();
    let place = |about: &About| {
        ["builtin", "builtin-file", "noop", "nothing"].iter().position(|name| *name == about.name).unwrap_or(usize::MAX)
    };
    all.sort_by_key(place);
    all
}

fn is_wanted(about: &About, only: &[String]) -> bool {
    only.is_empty() || ["builtin", "nothing"].contains(&about.name) || only.iter().any(|name| name == about.name)
}

/// Asks nothing of a queue.
struct Nobody;

impl Host for Nobody {
    type Output = ();

    fn host<Q: Queue>(self) {}
}

struct Bench {
    driver: ChildDriver,
    kept: File,
    window: Duration,
    nearest_ns: Option<u64>,
}

impl Bench {
    /// Each setting with each queue once. The queues of a setting take turns in being the first.
    fn round(&mut self, order: &[(Cell, About)], results: &mut Results) -> Result<(), Failure> {
        let round = results.rounds;
        for same in order.chunk_by(|(one, _), (other, _)| one == other) {
            for turn in 0..same.len() {
                let (cell, about) = &same[(turn + round as usize) % same.len()];
                match self.near(*cell, about.name, round) {
                    Ok(values) => {
                        let line = serde_json::json!({
                            "round": round, "cell": format!("{cell:?}"), "queue": about.name, "values": values,
                        });
                        writeln!(self.kept, "{line}")?;
                        results.values.insert((*cell, about.name.to_owned(), round), values);
                    }
                    Err(why) => {
                        eprintln!("note: {}, {cell:?}: {why}", about.name);
                        results.failures.push(format!("`{}`, {cell:?}: {why}", about.name));
                    }
                }
            }
        }
        results.rounds += 1;
        Ok(())
    }

    /// One measurement while the CPUs are as near each other as they can be: on a virtual machine the hypervisor moves them, and
    /// a queue then takes several times as long.
    fn near(&mut self, cell: Cell, queue: &str, round: u32) -> Result<Values, Failure> {
        let Some(nearest_ns) = self.nearest_ns else { return self.one(cell, queue, round) };
        let is_near = |patience| core_to_core::wait_until_near(nearest_ns, patience, || false);
        for _ in 0..MOST_TRIES {
            let was_near = is_near(PATIENCE);
            let values = self.one(cell, queue, round);
            if was_near && is_near(Duration::ZERO) {
                return values;
            }
        }
        Err(format!("the CPUs were apart in {MOST_TRIES} tries").into())
    }

    fn one(&mut self, cell: Cell, queue: &str, round: u32) -> Result<Values, Failure> {
        let window = Nanos(u64::try_from(self.window.as_nanos())?);
        if let Some(repeat) = cell.repeat(queue, window, round) {
            let run = self.driver.run(&repeat, &Interrupt::new(), &mut |_| {});
            return of(&run.map_err(|error| error.fault.sentence().quoted())?);
        }
        let what = if let Cell::Saturated(producers) = cell { producers.to_string() } else { "burst".to_owned() };
        let milliseconds = self.window.as_millis().to_string();
        let done = Command::new(std::env::current_exe()?).args(["once", &what, queue, &milliseconds]).output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).trim().to_owned().into());
        }
        Ok(serde_json::from_slice(&done.stdout)?)
    }
}

/// The numbers of a repeat.
fn of(measurement: &Measurement) -> Result<Values, Failure> {
    let mut values = Values::new();
    let mut put = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            values.insert(name.to_owned(), value);
        }
    };
    let quantile =
        |latency: &Latency, parts| Distribution::decode(latency).map(|all| all.quantile_ns(parts).map(|ns| ns as f64));
    let (enqueue, delivery) = (&measurement.latency.enqueue, &measurement.latency.delivery);
    put("mean", (enqueue.count > 0).then(|| enqueue.sum_ns as f64 / enqueue.count as f64));
    put("p99", quantile(enqueue, P99)?);
    put("max", enqueue.max_ns.map(|ns| ns as f64));
    put("delivery_p50", quantile(delivery, P50)?);
    put("delivery_p99", quantile(delivery, P99)?);
    put("cpu_queue", measurement.cost.cpu_s_per_million.get("queue").copied());
    put("jain", measurement.fairness.map(|fairness| fairness.jain));
    put("not_valid", Some(f64::from(judge_repeat(measurement).in_words().is_err())));
    Ok(values)
}

/// Quantiles in the parts that a distribution takes.
const P50: u64 = WHOLE / 2;
const P99: u64 = WHOLE / 100 * 99;
