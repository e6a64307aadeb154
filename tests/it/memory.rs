//! Memory does not grow with the duration.

use crate::support::{repeat_of, slow_tests};
use queue_load::adapter::noop::Noop;
use queue_load::internals::units::{Nanos, Rate};
use queue_load::internals::worker::simulate;
use std::process::Command;

/// Says in the environment of a child of this test how many seconds it is to simulate.
const SECONDS: &str = "QUEUE_LOAD_SIMULATED_SECONDS";

/// Simulates 10,000 logs/s for the time that the environment says, and prints the peak of the memory. Without it, no test.
#[test]
fn child() {
    let Some(seconds) = std::env::var(SECONDS).ok().and_then(|seconds| seconds.parse().ok()) else { return };
    let mut repeat = repeat_of("noop");
    repeat.parameters.rate = Rate::of_whole(1_000);
    repeat.parameters.duration = Nanos::from_secs(seconds);
    let measurement = simulate::<Noop>(&repeat).unwrap();
    assert_eq!(measurement.ledger.delivered, 10_000 * seconds);
    println!("peak {}", measurement.cost.peak_memory_bytes.unwrap());
}

fn peak(seconds: u64) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "memory::child", "--nocapture"]).env(SECONDS, seconds.to_string());
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let peak = output.lines().find_map(|line| line.split("peak ").nth(1)?.trim().parse().ok());
    peak.unwrap_or_else(|| panic!("no peak in {output}"))
}

#[test]
fn an_hour_of_schedule_takes_the_memory_of_ten_seconds() {
    if !slow_tests() || !cfg!(target_os = "linux") {
        return;
    }
    let (short, long) = (peak(10), peak(3_600));
    assert!(long * 100 <= short * 105, "{long} bytes for an hour, {short} for ten seconds");
}
