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
                    // A percentile is reported as the upper bound of its bucket.
                    let excess = measured / value - 1.0;
                    let most = if claim.number.contains(" p") { RESOLUTION } else { 1e-12 };
                    assert!((-1e-12..=most).contains(&excess), "{name}");
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
fn only_what_the_queue_does_is_in_the_ledger() {
    let all_well = |name| {
        let counts = Counts::from(&run_named(name).ledger);
        counts == Counts { delivered: counts.delivered, ..Counts::default() }
    };
    assert!(["service-2us", "alternation", "stall", "bounded"].into_iter().all(all_well));
}
