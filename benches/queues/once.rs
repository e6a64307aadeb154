//! What no repeat can measure, in a process of its own: many calls timed together, and producers that never pause.
//!
//! A repeat reads the clock twice for each log, records four latencies and checks every delivery. That is more than some
//! calls cost. Here the clock is read twice for 100 calls, and deliveries are counted and nothing else.

use super::Failure;
use super::cells::parameters;
use super::queues::{Nothing, OwnSink};
use super::results::Values;
use queue_load::adapter::{Account, Host, Queue, Registry, Reply, Setup, Sink, Strategy};
use queue_load::internals::clock::{LoadClock, SystemClock};
use queue_load::internals::load::{Contents, Entry, Phase, Stamp, Template};
use rustix::time::{ClockId, clock_gettime};
use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::BufWriter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Calls that are timed together.
const BURST: u64 = 100;
/// From the begin of a burst to that of the next: 10,000 logs/s.
const PERIOD: Duration = Duration::from_millis(10);
/// Bursts that are not counted: buffers that are allocated at the first call, and the like.
const WARM_UP: u32 = 3;
/// Calls between two looks at whether to stop.
const STRETCH: u64 = 64;
/// Longest time for a queue to drain.
const DRAIN: Duration = Duration::from_secs(60);

/// One measurement: `burst QUEUE MILLISECONDS` or `PRODUCERS QUEUE MILLISECONDS`. Its values go to stdout, as JSON.
pub fn main(order: &[&str]) -> Result<(), Failure> {
    let [what, queue, milliseconds] = *order else { return Err("once burst|PRODUCERS QUEUE MILLISECONDS".into()) };
    let span = Duration::from_millis(milliseconds.parse()?);
    let values = match what {
        "burst" => known::<Bursts>().host(queue, Bursts { span }),
        producers => known::<Saturates>().host(queue, Saturates { producers: producers.parse()?, span }),
    };
    println!("{}", serde_json::to_string(&values.ok_or("no such queue")??)?);
    Ok(())
}

/// The queues that are built in, and this bench's own.
pub fn known<H: Host>() -> Registry<H> {
    let mut registry = Registry::with_own();
    registry.add::<Nothing>();
    registry.add::<OwnSink>();
    registry
}

/// A queue that writes lines to nowhere, by 64 KiB.
struct Rig<Q> {
    queue: Q,
    sink: Sink,
    template: Template,
}

impl<Q: Queue> Rig<Q> {
    fn new(strategy: Strategy, producers: u32) -> Result<Self, String> {
        let nowhere = OpenOptions::new().write(true).open("/dev/null").map_err(|error| error.to_string())?;
        let inner = Box::new(BufWriter::with_capacity(1 << 16, nowhere));
        let sink = Sink::new(LoadClock::System(SystemClock::new()), producers, 0, Some(inner));
        let parameters = queue_load::adapter::Parameters { strategy, ..parameters(Q::ABOUT.name) };
        let template = Template::new(parameters.payload.fields, Contents::longest(&parameters).into());
        Ok(Self { queue: Q::build(&Setup { parameters, seed: 42 }, sink.clone())?, sink, template })
    }

    /// The next log of a task. The sink only counts what belongs to the warm-up.
    #[inline]
    async fn log(&self, task: u32, sequence: u64) -> Reply {
        let stamp = Stamp { phase: Phase::WarmUp, task, sequence, at: sequence };
        self.queue.log(&Entry::new(&self.template, stamp)).await
    }

    /// Drains the queue; how many records were delivered.
    fn end(self) -> Result<u64, String> {
        let account: Account = self.queue.shutdown(DRAIN);
        let delivered = self.sink.delivered().map_err(|error| error.to_string())?;
        // One that writes past the counting sink counts for itself.
        Ok(if delivered.warm_up > 0 { delivered.warm_up } else { *account.counters.get("delivered").unwrap_or(&0) })
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())
}

/// Times 100 calls together, again and again, for a while.
struct Bursts {
    span: Duration,
}

impl Host for Bursts {
    type Output = Result<Values, String>;

    fn host<Q: Queue>(self) -> Self::Output {
        let rig = Rig::<Q>::new(Strategy::Drop, 1)?;
        let mut bursts = runtime()?.block_on(async {
            let (first, mut bursts, mut sequence) = (Instant::now(), Vec::new(), 0);
            for number in 0.. {
                let begin = Instant::now();
                for _ in 0..BURST {
                    black_box(rig.log(0, sequence).await);
                    sequence += 1;
                }
                let spent = begin.elapsed();
                if number >= WARM_UP {
                    bursts.push(spent.as_nanos() as f64 / BURST as f64);
                }
                if first.elapsed() >= self.span && !bursts.is_empty() {
                    break;
                }
                // Nothing else runs on this thread.
                thread::sleep(PERIOD.saturating_sub(spent));
            }
            bursts
        });
        rig.end()?;
        bursts.sort_by(f64::total_cmp);
        let mean = bursts.iter().sum::<f64>() / bursts.len() as f64;
        Ok(Values::from([("call_mean", mean), ("call_p50", bursts[bursts.len() / 2])].map(|(k, v)| (k.to_owned(), v))))
    }
}

/// Logs from this many threads without a pause, for a while. No log may be lost.
struct Saturates {
    producers: u32,
    span: Duration,
}

impl Host for Saturates {
    type Output = Result<Values, String>;

    fn host<Q: Queue>(self) -> Self::Output {
        let rig = Rig::<Q>::new(Strategy::Block, self.producers)?;
        let stop = AtomicBool::new(false);
        let (begin, cpu) = (Instant::now(), cpu_seconds());
        let accepted: Vec<u64> = thread::scope(|scope| {
            let (rig, stop) = (&rig, &stop);
            let producers: Vec<_> =
                (0..self.producers).map(|task| scope.spawn(move || produce(rig, task, stop))).collect();
            thread::sleep(self.span);
            stop.store(true, Ordering::Relaxed);
            producers
                .into_iter()
                .map(|one| one.join().map_err(|_| "a producer panicked".to_owned())?)
                .collect::<Result<_, _>>()
        })?;
        let all: u64 = accepted.iter().sum();
        let delivered = rig.end()?;
        let (time, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        if delivered != all {
            return Err(format!("{all} were accepted and {delivered} delivered"));
        }
        let values = [
            ("per_second", delivered as f64 / time),
            ("cpu_per_million", cpu / delivered as f64 * 1e6),
            ("jain", jain(&accepted)),
        ];
        Ok(Values::from(values.map(|(name, value)| (name.to_owned(), value))))
    }
}

/// Logs until it is told to stop; how many were accepted.
fn produce<Q: Queue>(rig: &Rig<Q>, task: u32, stop: &AtomicBool) -> Result<u64, String> {
    Ok(runtime()?.block_on(async {
        let (mut accepted, mut sequence) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..STRETCH {
                accepted += u64::from(matches!(rig.log(task, sequence).await, Reply::Enqueued { .. }));
                sequence += 1;
            }
        }
        accepted
    }))
}

/// Jain's index: 1 if all have the same.
fn jain(shares: &[u64]) -> f64 {
    let sum: f64 = shares.iter().map(|&share| share as f64).sum();
    let squares: f64 = shares.iter().map(|&share| (share as f64).powi(2)).sum();
    sum * sum / (shares.len() as f64 * squares)
}

/// CPU time of this process so far.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
