//! Finds out how the machine disturbed an experiment.

use super::claim::percentile;
use super::synthetic::OVERRUN;
use crate::measure::Measurement;
use crate::units::human;

/// Stolen time from which on an experiment counts as disturbed, at once or in total, in nanoseconds.
const MOST_STOLEN: u64 = 5_000_000;

/// Largest p99 of the generator's lateness on a machine that does nothing else, in nanoseconds.
const IDLE_P99: f64 = 500_000.0;

/// Largest share of CPU time that other processes may use, 0 to 1.
const MOST_OTHERS: f64 = 0.1;

/// A disturbance that can make a correct instrument miss a tolerance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// A description.
    pub what: String,
    /// Whether only the instrument's own lateness shows it. It then cannot excuse a claim about lateness.
    pub is_own_word: bool,
}

/// Everything that disturbed an experiment; empty if the machine was quiet. `window` is the length of the experiment in
/// nanoseconds, `cpus` the number of processors of the machine.
pub fn disturbances(measurement: &Measurement, window: u64, cpus: usize) -> Vec<Disturbance> {
    let (machine, lateness) = (&measurement.machine, &measurement.latency.lateness);
    let time = |ns: f64| human::latency(ns);
    let mut found = Vec::new();
    let mut note = |is_own_word, what| found.push(Disturbance { what, is_own_word });
    if let Some(share) = machine.others().filter(|share| *share > MOST_OTHERS) {
        note(false, format!("other processes took {} of the CPU time", human::share(share)));
    }
    let cpus = machine.allowed.map_or(cpus as f64, |allowed| f64::from(allowed.cpus));
    let steal_ns = machine.steal().map_or(0.0, |share| share * window as f64 * cpus) as u64;
    let overrun_ns = measurement.queue_counters.get(OVERRUN).copied().unwrap_or(0);
    for (is_own_word, who, ns) in [
        (false, "the hypervisor took", steal_ns),
        (false, "a thread that only watches the clock lost", machine.stolen_ns.unwrap_or(0)),
        (false, "the queue itself was held up for", overrun_ns),
        (true, "the generator was once held up for", lateness.max_ns.unwrap_or(0)),
    ] {
        if ns >= MOST_STOLEN {
            note(is_own_word, format!("{who} {}", time(ns as f64)));
        }
    }
    if let Some(p99) = percentile(lateness, 99).filter(|p99| *p99 > IDLE_P99) {
        note(true, format!("the generator's p99 lateness was {}", time(p99)));
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
        let found = disturbances(&measurement, WINDOW, 2);
        let own = |found: &Disturbance| if found.is_own_word { " (own word)" } else { "" };
        found.iter().map(|one| format!("{}{}", one.what, own(one))).collect::<Vec<_>>().join("; ")
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
        assert_eq!(found(|m| m.machine.others_share = Some(0.1)), "");
        assert_eq!(found(|m| m.machine.stolen_ns = Some(MOST_STOLEN - 1)), "");
    }

    #[test]
    fn each_witness_is_heard() {
        assert_eq!(found(|m| m.machine.steal_share = Some(0.002_6)), "the hypervisor took 5.20 ms");
        assert_eq!(
            found(|m| m.latency.lateness = constant(2_000, 600_000)),
            "the generator's p99 lateness was 600 µs (own word)"
        );
        let once = |n| if n == 0 { 7_000_000 } else { 20_000 };
        assert_eq!(
            found(|m| m.latency.lateness = of((0..2_000).map(once))),
            "the generator was once held up for 7.00 ms (own word)"
        );
        assert_eq!(found(|m| m.machine.others_share = Some(0.11)), "other processes took 11.0% of the CPU time");
        let watched = found(|m| m.machine.stolen_ns = Some(MOST_STOLEN));
        assert_eq!(watched, "a thread that only watches the clock lost 5.00 ms");
        assert_eq!(found(overrun_by::<MOST_STOLEN>), "the queue itself was held up for 5.00 ms");
    }
}
