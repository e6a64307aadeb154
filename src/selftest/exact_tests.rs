//! Runs the experiments on a manual clock. Nothing disturbs them there, so every result is exact.

use super::claim::{Claimed, Measured};
use super::experiments::{Experiment, experiments};
use super::{Counts, Overhead, Synthetic};
use crate::measure::Measurement;
use crate::measure::encoding::Distribution;
use crate::verdict::faults;
use crate::worker::simulate;

/// Half a unit in the third significant figure of the smallest value of a bucket.
const RESOLUTION: f64 = 1.0 / 1_000.0;

fn run(experiment: &Experiment) -> Measurement {
    let measurement = simulate::<Synthetic>(&experiment.repeat(0)).unwrap();
    assert_eq!(faults(&measurement), [], "{}", experiment.name);
    measurement
}

fn run_named(name: &str) -> Measurement {
    run(experiments().iter().find(|experiment| experiment.name == name).unwrap())
}

#[test]
fn every_claim_comes_out_exactly() {
    for experiment in experiments() {
        let measurement = run(&experiment);
        for claim in &experiment.claims {
            let reading = claim.read(&measurement, &Overhead::default());
            let name = format!("{}, {}: {reading:?}", experiment.name, claim.number);
            match (reading.claimed, reading.measured.expect("measured")) {
                (Claimed::About { value, .. }, Measured::Value(measured)) => {
                    let excess = measured / value - 1.0;
                    let [least, most] = match claim.number {
                        // It is a share of the logs that are due in a bin, one every 2 ms.
                        "recovery" => [-5.0 * RESOLUTION, 5.0 * RESOLUTION],
                        // A percentile is reported as the upper bound of its bucket.
                        number if number.contains(" p") => [-1e-12, RESOLUTION],
                        _ => [-1e-12, 1e-12],
                    };
                    assert!((least..=most).contains(&excess), "{name}");
                }
                (Claimed::AtMost { .. }, Measured::Value(measured)) => assert_eq!(measured, 0.0, "{name}"),
                (Claimed::Counts { counts }, Measured::Counts(measured)) => assert_eq!(counts, measured, "{name}"),
                _ => panic!("{name}"),
            }
        }
        assert_eq!(measurement.latency.lateness.max_ns, Some(0), "{}: nothing is late here", experiment.name);
    }
}

#[test]
fn the_staircase_of_a_stall_is_there_step_by_step() {
    let measurement = run_named("stall");
    assert_eq!(measurement.latency.response.sum_ns, 125_250_000_000);
    let response = Distribution::decode(&measurement.latency.response).unwrap();
    assert_eq!(response.max_ns(), Some(500_000_000));
    let waited: u64 = response.buckets().filter(|bucket| bucket.low_ns > 0).map(|bucket| bucket.count).sum();
    assert_eq!(waited, 500);
    assert_eq!(measurement.latency.enqueue.sum_ns, 500_000_000, "one call of ten thousand took any time at all");
}

#[test]
fn a_full_queue_lets_in_what_its_server_lets_out() {
    let measurement = run_named("bounded");
    let ledger = &measurement.ledger;
    assert_eq!((ledger.scheduled, ledger.attempted, ledger.unsent), (4_000, 2_100, 1_900));
    assert_eq!((ledger.enqueued_in_window, ledger.delivered_in_window, ledger.delivered), (2_100, 2_000, 2_100));
    assert_eq!(measurement.latency.unblocked.as_ref().unwrap().count, 199);
    let blocked = measurement.latency.blocked.as_ref().unwrap();
    assert_eq!((blocked.count, blocked.max_ns), (1_901, Some(1_000_000)));
}

#[test]
fn a_spike_is_a_stage_of_its_own() {
    let measurement = run_named("spike");
    let scheduled: Vec<u64> = measurement.stages.iter().map(|stage| stage.scheduled).collect();
    assert_eq!(scheduled, [250, 600, 550]);
    // Before it every log is served at once. The last one of the spike finds 199 others; each takes 1 ms.
    let longest: Vec<Option<u64>> = measurement.stages.iter().map(|stage| stage.response.max_ns).collect();
    assert_eq!(longest[0], Some(1_000_000));
    assert!((199_000_000..202_000_000).contains(&longest[1].unwrap()), "{longest:?}");
    let recovery = measurement.recovery.unwrap();
    assert_eq!((recovery.response_bound_ns, recovery.watched_ns), (1_050_000, 1_100_000_000));
    assert_eq!((recovery.recovered_ns, recovery.delivery_ns), (recovery.response_ns, Some(0)));
}

#[test]
fn only_what_the_queue_does_is_in_the_ledger() {
    let all_well = |name| {
        let counts = Counts::from(&run_named(name).ledger);
        counts == Counts { delivered: counts.delivered, ..Counts::default() }
    };
    assert!(["service-2us", "alternation", "stall", "bounded", "spike"].into_iter().all(all_well));
}
