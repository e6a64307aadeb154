//! The trial of blame: is a queue that does nothing ever judged a failure, and is a queue that starves its producers
//! still judged one?
//!
//! `cargo bench --bench noop_trial -- 200` runs 200 short repeats of `noop`: at the limit of the generator (1,000
//! tasks, 10 million logs/s) and at a tenth of it, on lanes and as tasks, alone and beside processes that use the CPUs
//! in bursts. It also runs two queues that do starve their producers, half as often as `noop` in each setting. It exits with
//! code 1 if any repeat of `noop` failed, or if the starving queue `keeps` failed in no more than half of its repeats.

use queue_load::adapter::{About, Account, Queue, Setup, Sink};
use queue_load::internals::load::{Entry, Phase, Reply};
use queue_load::internals::measure::Measurement;
use queue_load::internals::plan::{CONTROL, PlannedRepeat};
use queue_load::internals::run::{ChildCommand, ChildDriver, Driver, Interrupt, Verify};
use queue_load::internals::scenario::{Parameters, Producers, Target};
use queue_load::internals::units::{Nanos, Rate};
use queue_load::internals::verdict::{self, CaseEvidence, Outcome, Pooled, judge_case, judge_repeat};
use std::process::{Child, Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

/// Any error, with its message.
type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "usage: noop_trial REPEATS";
/// Length of a burst of a process beside the load, and of the pause after it.
const BURST: Duration = Duration::from_millis(50);
/// Time after which such a process ends by itself.
const LONGEST_BURNING: Duration = Duration::from_secs(60);
/// Duration of a call of the queue `keeps`. It is shorter than a call that counts as blocking its thread.
const KEPT: Duration = Duration::from_micros(15);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["worker", ..] => {
            return queue_load::main_with(|queues| {
                queues.add::<Keeps>();
                queues.add::<Hogs>();
            });
        }
        ["burn"] => {
            burn();
            Ok(true)
        }
        [repeats] => repeats.parse().map_err(|_| USAGE.into()).and_then(trial),
        // This happens when `cargo bench` starts all benchmarks.
        _ => {
            println!("{USAGE}");
            Ok(true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// A way to put a queue under load.
struct Setting {
    queue: &'static str,
    producers: Producers,
    tasks: u32,
    /// Logs per second, per task.
    rate: u32,
    beside: bool,
}

impl Setting {
    fn name(&self) -> String {
        let total = f64::from(self.tasks) * f64::from(self.rate) / 1e6;
        let beside = if self.beside { "beside bursts" } else { "alone" };
        format!("`{}`, {} {}, {total} million logs/s, {beside}", self.queue, self.tasks, self.producers)
    }

    fn repeat(&self, number: u32) -> PlannedRepeat {
        PlannedRepeat {
            case: 0,
            repeat: number,
            attempt: 0,
            case_id: self.name().into(),
            parameters: Parameters {
                queue: self.queue.into(),
                producers: self.producers,
                concurrency: self.tasks,
                rate: Rate::of_whole(self.rate),
                duration: Nanos::from_millis(500),
                maxsize: 100_000,
                ..Parameters::default()
            },
            warmup: Nanos::from_millis(100),
            control: CONTROL,
            drain_timeout: Nanos::from_secs(10),
            deadline: Nanos::from_secs(60),
            memory_limit: None,
            steady: None,
            seed: u64::from(number),
        }
    }
}

fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for beside in [false, true] {
        for rate in [10_000, 1_000] {
            for producers in [Producers::Lanes, Producers::Tasks] {
                settings.push(Setting { queue: "noop", producers, tasks: 1_000, rate, beside });
            }
        }
    }
    settings.push(Setting { queue: "keeps", producers: Producers::Lanes, tasks: 1_000, rate: 100, beside: false });
    settings.push(Setting { queue: "hogs", producers: Producers::Tasks, tasks: 10, rate: 1_000, beside: false });
    settings
}

/// Number of repeats with each verdict.
#[derive(Default)]
struct Said {
    pass: u32,
    fail: u32,
    invalid: u32,
    /// Number of repeats with a second control.
    seconds: u32,
}

fn trial(repeats: u32) -> Result<bool, Failure> {
    let settings = settings();
    let noops = settings.iter().filter(|setting| setting.queue == "noop").count() as u32;
    let mut said: Vec<Said> = settings.iter().map(|_| Said::default()).collect();
    let verify = Verify::new(|_, measurement| verdict::faults(measurement));
    let mut driver = ChildDriver::new(ChildCommand::worker()?, verify);
    // The settings take turns, so that each meets the same machine. The starving queues run in every other turn.
    for turn in 0..repeats.div_ceil(noops) {
        for (setting, said) in settings.iter().zip(&mut said) {
            if setting.queue != "noop" && turn % 2 == 1 {
                continue;
            }
            let _burning = setting.beside.then(Burning::start).transpose()?;
            let repeat = setting.repeat(turn);
            let measurement =
                driver.run(&repeat, &Interrupt::new(), &mut |_| {}).map_err(|error| error.fault.sentence().quoted())?;
            said.seconds += u32::from(measurement.control_after.is_some());
            let (outcome, why) = judge(&repeat, &measurement);
            match outcome {
                Outcome::Pass => said.pass += 1,
                Outcome::Invalid => said.invalid += 1,
                Outcome::Fail | Outcome::Error => said.fail += 1,
            }
            eprintln!("{turn}: {}: {outcome:?} {why}", setting.name());
        }
    }
    Ok(report(&settings, &said))
}

/// The verdict of a run on a case with only this repeat, and its reasons.
fn judge(repeat: &PlannedRepeat, measurement: &Measurement) -> (Outcome, String) {
    if let Err(reasons) = judge_repeat(measurement).in_words() {
        return (Outcome::Invalid, reasons.join("; "));
    }
    let mut pooled = Pooled::default();
    pooled.add(measurement);
    let verdict = judge_case(&CaseEvidence {
        parameters: &repeat.parameters,
        target: &Target::default(),
        checks: &[],
        pooled: &pooled,
        set_aside: &[],
        uncontrolled: 0,
        errors: &[],
    });
    (verdict.outcome, verdict.reasons.join("; "))
}

/// Prints the table. Returns whether `noop` never failed, and `keeps` failed in more than half of its repeats.
fn report(settings: &[Setting], said: &[Said]) -> bool {
    println!("| half a second each | pass | invalid | fail | with a second control |");
    println!("|---|---|---|---|---|");
    for (setting, said) in settings.iter().zip(said) {
        let Said { pass, fail, invalid, seconds } = said;
        println!("| {} | {pass} | {invalid} | {fail} | {seconds} |", setting.name());
    }
    let count = |queue: &str| {
        let own = settings.iter().zip(said).filter(|(setting, _)| setting.queue == queue).map(|(_, said)| said);
        own.fold((0, 0), |(failed, all), said| (failed + said.fail, all + said.pass + said.invalid + said.fail))
    };
    let ((accused, all), (starved, times)) = (count("noop"), count("keeps"));
    println!("\n`noop` failed in {accused} of {all} repeats; `keeps` in {starved} of {times}");
    accused == 0 && 2 * starved > times
}

/// Processes that each use a CPU in bursts, until this is dropped.
struct Burning(Vec<Child>);

impl Burning {
    fn start() -> Result<Self, Failure> {
        let own = std::env::current_exe()?;
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        let children = (0..cpus).map(|_| Command::new(&own).arg("burn").spawn());
        Ok(Self(children.collect::<Result<_, _>>()?))
    }
}

impl Drop for Burning {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn burn() {
    let begin = Instant::now();
    while begin.elapsed() < LONGEST_BURNING {
        let burst = Instant::now();
        while burst.elapsed() < BURST {}
        thread::sleep(BURST);
    }
}

/// A queue that keeps each caller for 15 µs. No call blocks a thread for long, but the lane falls behind its schedule.
struct Keeps {
    sink: Sink,
}

impl Queue for Keeps {
    const ABOUT: About = About::new("keeps", "1");

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self { sink })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let begin = Instant::now();
        let delivered = self.sink.deliver(Some(entry.stamp), |_| Ok(()));
        while begin.elapsed() < KEPT {}
        delivered.map_or(Reply::Dropped, |()| Reply::Enqueued { waited: Some(false) })
    }

    fn shutdown(self, _: Duration) -> Account {
        Account::default()
    }
}

/// A queue whose threads spin on every CPU, from its first call in the window to its shutdown.
struct Hogs {
    sink: Sink,
    stop: Arc<AtomicBool>,
    spinning: Once,
}

impl Queue for Hogs {
    const ABOUT: About = About::new("hogs", "1");

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self { sink, stop: Arc::default(), spinning: Once::new() })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        if entry.stamp.phase == Phase::Window {
            self.spinning.call_once(|| {
                for _ in 0..16 * thread::available_parallelism().map_or(1, usize::from) {
                    let stop = Arc::clone(&self.stop);
                    thread::spawn(move || while !stop.load(Ordering::Relaxed) {});
                }
            });
        }
        let delivered = self.sink.deliver(Some(entry.stamp), |_| Ok(()));
        delivered.map_or(Reply::Dropped, |()| Reply::Enqueued { waited: Some(false) })
    }

    fn shutdown(self, _: Duration) -> Account {
        self.stop.store(true, Ordering::Relaxed);
        Account::default()
    }
}
