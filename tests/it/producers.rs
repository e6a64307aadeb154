//! What a queue does to its producers and to their runtime, under real load. Real time, so only with
//! `--ignored`; bounds are wide, because the machine has other work too.

use queue_load::adapter::{About, Account, Queue, Setup, Sink};
use queue_load::internals::load::{Entry, Phase, Reply};
use queue_load::internals::measure::encoding::Distribution;
use queue_load::internals::measure::{Latency, Measurement};
use queue_load::internals::plan::PlannedRepeat;
use queue_load::internals::units::{Nanos, Rate};
use queue_load::internals::verdict::{Outcome, Reason, ReasonCode, Validity, faults, judge_repeat};
use queue_load::internals::worker::{Queues, carry_out};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use crate::support::{about, judge, repeat_of, take_the_machine};

const MS: u64 = 1_000_000;
const ATTEMPTS: usize = 5;

/// How a queue treats those around it.
trait Manners: Send + Sync + 'static {
    const NAME: &'static str;
    /// Called inside each call of the window.
    fn call() {}
    /// From its first call in the window to its end it spins in this many threads for each CPU.
    const THREADS: usize = 0;
}

/// Delivers inside the call, with these manners.
struct Mannered<M> {
    sink: Sink,
    stop: Arc<AtomicBool>,
    spinning: Once,
    manners: PhantomData<M>,
}

impl<M: Manners> Mannered<M> {
    fn spin(&self) {
        for _ in 0..M::THREADS * cpus() {
            let stop = Arc::clone(&self.stop);
            thread::spawn(move || while !stop.load(Ordering::Relaxed) {});
        }
    }
}

impl<M: Manners> Queue for Mannered<M> {
    const ABOUT: About = about(M::NAME);

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self { sink, stop: Arc::default(), spinning: Once::new(), manners: PhantomData })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        if entry.stamp.phase == Phase::Window {
            self.spinning.call_once(|| self.spin());
            M::call();
        }
        self.sink.deliver(Some(entry.stamp), |_| Ok(())).unwrap();
        Reply::Enqueued { waited: Some(false) }
    }

    fn shutdown(self, _: Duration) -> Account {
        self.stop.store(true, Ordering::Relaxed);
        Account::default()
    }
}

struct Polite;
impl Manners for Polite {
    const NAME: &'static str = "polite";
}

/// Keeps the thread for 5 ms.
struct Blocks;
impl Manners for Blocks {
    const NAME: &'static str = "blocks";
    fn call() {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Has threads that spin on every CPU.
struct Hogs;
impl Manners for Hogs {
    const NAME: &'static str = "hogs";
    const THREADS: usize = 16;
}

fn cpus() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn run<M: Manners>(change: impl FnOnce(&mut PlannedRepeat)) -> Measurement {
    let _alone = take_the_machine();
    let mut queues = Queues::with_own();
    queues.add::<Mannered<M>>();
    let mut repeat = repeat_of(M::NAME);
    change(&mut repeat);
    let measurement = carry_out(&queues, repeat, Box::new(|_| {})).unwrap();
    assert_eq!(faults(&measurement), [], "{}", M::NAME);
    measurement
}

/// A quarter more calls than the runtime's threads have time for, if each takes 5 ms.
fn crowded(repeat: &mut PlannedRepeat) {
    repeat.parameters.concurrency = 10 * u32::try_from(cpus()).unwrap();
    repeat.parameters.rate = Rate::of_whole(25);
    repeat.parameters.duration = Nanos::from_millis(1_500);
}

/// A quantile in per cent, in nanoseconds.
fn quantile(latency: Option<&Latency>, percent: u64) -> u64 {
    Distribution::decode(latency.unwrap()).unwrap().quantile_ns(percent * 10_000_000).unwrap()
}

#[test]
#[ignore = "takes real time"]
fn a_call_that_keeps_the_runtimes_threads_shows_in_the_lag() {
    let latency = run::<Blocks>(crowded).latency;
    let beats = latency.lag.as_ref().unwrap().count;
    assert!((500..=1_500).contains(&beats), "{beats} beats in 1,500 ms");
    let (p90, p99) = (quantile(latency.lag.as_ref(), 90), quantile(latency.lag.as_ref(), 99));
    assert!(p90 > MS && p99 > 3 * MS, "p90 {p90} ns, p99 {p99} ns");
}

#[test]
#[ignore = "takes real time"]
fn a_call_that_does_not_shows_nothing() {
    let lags = || {
        let latency = run::<Polite>(crowded).latency;
        [&latency.lag_before, &latency.lag].map(|lag| quantile(lag.as_ref(), 90))
    };
    let mut found = (0..ATTEMPTS).map(|_| lags());
    assert!(found.any(|lags| lags.iter().all(|p90| *p90 < MS)), "{ATTEMPTS} times not quick, before or during");
}

#[test]
#[ignore = "takes real time"]
fn a_queue_that_takes_every_cpu_never_passes_for_a_late_generator() {
    let measurement = run::<Hogs>(|repeat| repeat.parameters.duration = Nanos::from_millis(500));
    assert!(measurement.control.is_some());
    match judge_repeat(&measurement) {
        // It is on time all the same, or the queue is to blame.
        Validity::Valid => {
            let verdict = judge(&measurement);
            let producers = verdict.checks.iter().find(|check| check.name == "producers").unwrap();
            assert!(matches!(producers.outcome, Outcome::Pass | Outcome::Fail), "{producers:?}");
        }
        Validity::Invalid { reasons } => {
            let blamed = |reason: &Reason| {
                use ReasonCode::{ControlLate, MachineBusy, MachineBusyInControl, MachineMayExplain, StolenCpu};
                let code = reason.code();
                [ControlLate, MachineBusy, MachineBusyInControl, MachineMayExplain, StolenCpu].contains(&code)
            };
            assert!(reasons.iter().any(blamed), "{reasons:?}");
        }
    }
}
