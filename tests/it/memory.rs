//! Memory does not grow with the duration.

use crate::support::{about, repeat_of};
use queue_load::adapter::noop::Noop;
use queue_load::adapter::{About, Entry, Queue, Reply, Setup, Sink};
use queue_load::internals::clock::Clock;
use queue_load::internals::scenario::SteadySettings;
use queue_load::internals::units::{Nanos, Rate};
use queue_load::internals::verdict::faults;
use queue_load::internals::worker::simulate;
use std::process::Command;

/// Says in the environment of a child of this test how many seconds it is to simulate.
const SECONDS: &str = "QUEUE_LOAD_SIMULATED_SECONDS";

/// Says in the environment of a child of this test how many logs it is to send in ten seconds.
const LOGS: &str = "QUEUE_LOAD_SIMULATED_LOGS";

/// Simulates the load that the environment says, and prints the peak of the memory. Without it, no test.
#[test]
fn child() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let Some((seconds, logs)) = number(SECONDS).zip(number(LOGS)) else { return };
    let mut repeat = repeat_of("noop");
    // Of ten tasks.
    repeat.parameters.rate = Rate::new(logs, 100).unwrap();
    repeat.parameters.duration = Nanos::from_secs(seconds);
    let measurement = simulate::<Noop>(&repeat).unwrap();
    assert_eq!(measurement.ledger.delivered, logs * seconds / 10);
    println!("peak {}", measurement.cost.peak_memory_bytes.unwrap());
}

/// Takes 100 µs a call on the clock of the load, and delivers inside the call.
struct Steady(Sink);

impl Queue for Steady {
    const ABOUT: About = about("steady");

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self(sink))
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        self.0.clock().pass(CALL_NS);
        self.0.deliver(Some(entry.stamp), |_| Ok(())).unwrap();
        Reply::Enqueued { waited: Some(false) }
    }
}

/// How long a call of [`Steady`] takes.
const CALL_NS: u64 = 100_000;
const DAY: u64 = 24 * 3_600;

/// A day with a rate that divides no second: had an interval lost a nanosecond, the last log would be 86 ms early.
#[test]
fn a_day_of_schedule_neither_drifts_nor_grows() {
    let mut repeat = repeat_of("steady");
    (repeat.parameters.concurrency, repeat.parameters.duration) = (1, Nanos::from_secs(DAY));
    repeat.parameters.rate = Rate::new(7, 3).unwrap();
    let measurement = simulate::<Steady>(&repeat).unwrap();
    let (ledger, latency) = (&measurement.ledger, &measurement.latency);
    assert_eq!(faults(&measurement), []);
    let logs = DAY * 7 / 3;
    assert_eq!((ledger.scheduled, ledger.delivered, ledger.unsent, ledger.undecidable), (logs, logs, 0, 0));
    assert_eq!(
        (latency.lateness.max_ns, latency.response.max_ns),
        (Some(0), Some(CALL_NS)),
        "nobody was late at the end"
    );
    assert_eq!(latency.enqueue.sum_ns, u128::from(logs * CALL_NS));
    let points = &measurement.series.points;
    assert!(points.len() <= 256 && points.iter().map(|point| point.enqueued).sum::<u64>() == logs, "{}", points.len());
}

/// A day in which each call takes twice as long as the load has time for: half of it waits for hours.
#[test]
fn a_day_of_overload_overflows_nothing() {
    let mut repeat = repeat_of("steady");
    (repeat.parameters.concurrency, repeat.parameters.duration) = (1, Nanos::from_secs(DAY));
    repeat.parameters.rate = Rate::of_whole(1);
    let slow = simulate::<Slow>(&repeat).unwrap();
    assert_eq!(faults(&slow), []);
    let (ledger, response) = (&slow.ledger, &slow.latency.response);
    assert_eq!((ledger.scheduled, ledger.attempted + ledger.unsent), (DAY, DAY));
    assert!(ledger.unsent.abs_diff(DAY / 2) <= 2, "{ledger:?}");
    assert_eq!((response.count, response.censored, ledger.unsent_generator), (DAY, ledger.unsent, 0));
    let half_a_day = DAY / 2 * 1_000_000_000;
    assert!(response.max_ns.unwrap().abs_diff(half_a_day) < 10_000_000_000, "{response:?}");
    assert!(response.sum_ns > u128::from(half_a_day) * u128::from(DAY) / 3, "{response:?}");
}

/// Takes two seconds a call.
struct Slow(Sink);

impl Queue for Slow {
    const ABOUT: About = about("slow");

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self(sink))
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        self.0.clock().pass(2_000_000_000);
        self.0.deliver(Some(entry.stamp), |_| Ok(())).unwrap();
        Reply::Enqueued { waited: Some(true) }
    }
}

/// The peak of the memory of a process that simulates a number of logs every ten seconds.
fn peak(seconds: u64, logs: u64) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "memory::child", "--nocapture"]);
    command.env(SECONDS, seconds.to_string()).env(LOGS, logs.to_string());
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let peak = output.lines().find_map(|line| line.split("peak ").nth(1)?.trim().parse().ok());
    peak.unwrap_or_else(|| panic!("no peak in {output}"))
}

#[test]
#[ignore = "takes real time"]
fn an_hour_of_schedule_takes_the_memory_of_ten_seconds() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let (short, long) = (peak(10, 100_000), peak(3_600, 100_000));
    assert!(long * 100 <= short * 105, "{long} bytes for an hour, {short} for ten seconds");
}

/// Both have bins of the series for all of their time, so that only what grows with the time makes a difference.
#[test]
fn a_day_of_schedule_takes_the_memory_of_minutes() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let (short, long) = (peak(600, 10), peak(DAY, 10));
    assert!(long * 100 <= short * 105, "{long} bytes for a day, {short} for ten minutes");
}

/// The longest window is a day: it is cut into no more blocks than one of a minute, and ends after as many.
#[test]
fn a_day_until_the_load_is_steady_has_no_more_blocks_than_a_minute() {
    let blocks = [Nanos::from_secs(60), Nanos::from_secs(DAY)].map(|longest| {
        let mut repeat = repeat_of("steady");
        (repeat.parameters.concurrency, repeat.parameters.duration) = (1, longest);
        // 1,500 logs in each of 200 blocks.
        repeat.parameters.rate = Rate::new(300_000, longest.0 / 1_000_000_000).unwrap();
        repeat.steady = Some(SteadySettings { window: true, memory: None, ..SteadySettings::default() });
        let measurement = simulate::<Steady>(&repeat).unwrap();
        assert_eq!(faults(&measurement), []);
        let window = measurement.steadiness.and_then(|steadiness| steadiness.window).unwrap();
        assert_eq!((window.settled, measurement.ledger.scheduled % 1_500), (true, 0));
        window.length_ns / (longest.0 / 200)
    });
    assert_eq!(blocks[0], blocks[1]);
}
