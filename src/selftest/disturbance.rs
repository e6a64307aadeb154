//! What the machine did to an experiment while it ran.

use super::claim::percentile;
use super::synthetic::OVERRUN;
use crate::measure::Measurement;
use crate::units::human;

/// Time that may be taken from an experiment at once or in all before its tolerances are off, in nanoseconds.
const MOST_STOLEN: u64 = 5_000_000;

/// Largest p99 of the generator's lateness on a machine that does nothing else, in nanoseconds.
const IDLE_P99: f64 = 500_000.0;

/// Everything that could keep a true instrument from meeting a tolerance, in words; empty when the machine was quiet.
/// `window` is the length of the experiment in nanoseconds, `cpus` the number of processors of the machine.
pub fn disturbances(measurement: &Measurement, window: u64, cpus: usize) -> Vec<String> {
    let mut found = Vec::new();
    let lateness = &measurement.latency.lateness;
    if let Some(p99) = percentile(lateness, 99).filter(|p99| *p99 > IDLE_P99) {
        found.push(format!("the generator's p99 lateness was {}", human::latency(p99)));
    }
    let steal_ns = measurement.machine.steal_share.map_or(0.0, |share| share * window as f64 * cpus as f64) as u64;
    let overrun_ns = measurement.queue_counters.get(OVERRUN).copied().unwrap_or(0);
    for (who, ns) in [
        ("the hypervisor took", steal_ns),
        ("the generator was once held up for", lateness.max_ns.unwrap_or(0)),
        ("the queue itself was held up for", overrun_ns),
    ] {
        if ns >= MOST_STOLEN {
            found.push(format!("{who} {}", human::latency(ns as f64)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy, of};

    const WINDOW: u64 = 1_000_000_000;

    fn found(change: impl FnOnce(&mut Measurement)) -> String {
        let mut measurement = healthy(2_000);
        change(&mut measurement);
        disturbances(&measurement, WINDOW, 2).join("; ")
    }

    fn overrun_by<const NS: u64>(measurement: &mut Measurement) {
        measurement.queue_counters.insert(OVERRUN.into(), NS);
    }

    #[test]
    fn a_quiet_machine_is_no_excuse() {
        assert_eq!(found(|_| {}), "");
        assert_eq!(found(|m| m.ledger.unsent_generator = 100), "", "who skips logs cannot excuse it by that");
        assert_eq!(found(|m| m.machine.steal_share = None), "");
        assert_eq!(
            found(|m| m.latency.lateness = constant(0, 0)),
            "",
            "what is not measured is not the machine's doing"
        );
        assert_eq!(found(|m| m.machine.steal_share = Some(0.002_4)), "");
        assert_eq!(found(|m| m.latency.lateness = constant(2_000, 490_000)), "");
        assert_eq!(found(overrun_by::<{ MOST_STOLEN - 1 }>), "");
    }

    #[test]
    fn each_witness_is_heard() {
        assert_eq!(found(|m| m.machine.steal_share = Some(0.002_6)), "the hypervisor took 5.20 ms");
        assert_eq!(found(|m| m.latency.lateness = constant(2_000, 600_000)), "the generator's p99 lateness was 600 µs");
        let once = |n| if n == 0 { 7_000_000 } else { 20_000 };
        assert_eq!(
            found(|m| m.latency.lateness = of((0..2_000).map(once))),
            "the generator was once held up for 7.00 ms"
        );
        assert_eq!(found(overrun_by::<MOST_STOLEN>), "the queue itself was held up for 5.00 ms");
    }
}
