//! Checks every claim with correct and with wrong measurements: each claim must be able to fail.

use super::claim::Claim;
use super::counts::Counts;
use super::disturbance::disturbances;
use super::experiments::{Experiment, experiments};
use super::{Bench, ClaimOutcome, Event, MOST_TRIES, Overhead, Row, Stopped, examine};
use crate::measure::fixture::{constant, healthy, of};
use crate::measure::{Measurement, Recovery};
use crate::run::{Fault, Interrupt, RepeatError, ScriptedDriver};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// The cost of timing on a usual machine; it allows 120 ns.
const TIMING: Overhead = Overhead { reading_ns: 10.0, call_ns: 40.0 };

fn experiment(name: &str) -> Experiment {
    experiments().into_iter().find(|experiment| experiment.name == name).unwrap()
}

/// The measurement of a correct instrument. Its arithmetic is independent of the code under test.
fn truth(experiment: &Experiment) -> Measurement {
    let logs = experiment.logs();
    let mut measurement = healthy(logs);
    let latency = &mut measurement.latency;
    match experiment.name {
        "service-2us" => latency.enqueue = constant(logs, 2_050),
        "service-50us" => latency.enqueue = constant(logs, 50 * US),
        "service-1ms" => latency.enqueue = constant(logs, MS),
        "alternation" => latency.enqueue = of((0..logs).map(|n| if n % 2 == 0 { 20 * US } else { 200 * US })),
        "stall" => {
            let waits = |n: u64| if (5_000..5_500).contains(&n) { (5_500 - n) * MS } else { 0 };
            latency.response = of((0..logs).map(waits));
            latency.enqueue = of((0..logs).map(|n| if n == 5_000 { 500 * MS } else { 300 }));
        }
        "bounded" => {
            latency.enqueue = constant(2_100, MS);
            latency.blocked = Some(constant(1_901, MS));
            measurement.rates.accepted_per_s = 1_050.0;
            measurement.rates.delivered_per_s = 1_000.0;
        }
        "spike" => measurement.recovery = Some(recovered(400 * MS)),
        _ => {
            let counts = Counts::after(experiment.behaviour, logs);
            let ledger = &mut measurement.ledger;
            (ledger.delivered, ledger.dropped) = (counts.delivered, counts.dropped);
            (ledger.lost.silent, ledger.duplicated, ledger.reordered) =
                (counts.lost, counts.duplicated, counts.reordered);
        }
    }
    measurement
}

fn recovered(ns: u64) -> Recovery {
    Recovery {
        recovered_ns: Some(ns),
        watched_ns: 1_100 * MS,
        response_ns: Some(ns),
        delivery_ns: Some(0),
        response_bound_ns: MS,
        delivery_bound_ns: MS,
    }
}

type Lie = fn(&mut Measurement);

/// Wrong instruments, each with the one claim that finds it: experiment, number, error.
const LIES: [(&str, &str, Lie); 28] = [
    ("service-2us", "enqueue p50", |m| m.latency.enqueue = constant(20_000, 2_200)),
    ("service-2us", "enqueue p50", |m| m.latency.enqueue = constant(20_000, 1_930)),
    ("service-50us", "enqueue p50", |m| m.latency.enqueue = constant(5_000, 52 * US)),
    // A clock that is 5 % fast.
    ("service-50us", "enqueue p50", |m| m.latency.enqueue = constant(5_000, 52_500)),
    ("service-1ms", "enqueue p50", |m| m.latency.enqueue = constant(200, 1_050 * US)),
    ("service-1ms", "enqueue p50", |m| m.latency.enqueue = constant(200, 960 * US)),
    ("service-1ms", "enqueue p50", |m| m.latency.enqueue = constant(0, 0)),
    ("alternation", "enqueue p25", |m| {
        m.latency.enqueue = of((0..2_000).map(|n| if n < 400 { 20 * US } else { 200 * US }))
    }),
    ("alternation", "enqueue p75", |m| {
        m.latency.enqueue = of((0..2_000).map(|n| if n < 400 { 200 * US } else { 20 * US }))
    }),
    ("drops", "ledger", |m| (m.ledger.dropped, m.ledger.delivered) = (0, 10_000)),
    ("drops", "ledger", |m| (m.ledger.dropped, m.ledger.sampled_out) = (1_427, 1)),
    ("loses", "ledger", |m| (m.ledger.lost.silent, m.ledger.delivered) = (9, 9_991)),
    ("loses", "ledger", |m| (m.ledger.lost.silent, m.ledger.lost.admitted) = (9, 1)),
    ("repeats", "ledger", |m| m.ledger.duplicated = 11),
    ("repeats", "ledger", |m| m.ledger.undecidable = 1),
    ("overtakes", "ledger", |m| m.ledger.reordered = 0),
    ("exchanges", "ledger", |m| (m.ledger.lost.silent, m.ledger.duplicated, m.ledger.delivered) = (0, 0, 10_000)),
    ("exchanges", "ledger", |m| m.ledger.phantom = 1),
    ("bounded", "blocked share", |m| m.latency.blocked = None),
    ("bounded", "accepted", |m| m.rates.accepted_per_s = 2_000.0),
    ("bounded", "delivered", |m| m.rates.delivered_per_s = 1_050.0),
    ("stall", "response p99", |m| m.latency.response = constant(10_000, 12_525 * US)),
    ("stall", "lateness p99", |m| m.latency.lateness = m.latency.response.clone()),
    ("spike", "recovery", |m| m.recovery = Some(recovered(387 * MS))),
    ("spike", "recovery", |m| m.recovery = Some(recovered(413 * MS))),
    ("spike", "recovery", |m| m.recovery = m.recovery.map(|all| Recovery { recovered_ns: None, ..all })),
    ("spike", "recovery", |m| m.recovery = None),
    ("stall", "sent", |m| (m.ledger.attempted, m.ledger.unsent_generator) = (9_500, 500)),
];

fn missed(experiment: &Experiment, measurement: &Measurement) -> Vec<&'static str> {
    let missed = |claim: &&Claim| !claim.read(measurement, &TIMING).holds;
    experiment.claims.iter().filter(missed).map(|claim| claim.number).collect()
}

#[test]
fn a_true_instrument_meets_every_claim() {
    for experiment in experiments() {
        assert_eq!(missed(&experiment, &truth(&experiment)), [""; 0], "{}", experiment.name);
    }
}

#[test]
fn every_claim_finds_out_an_instrument_that_errs() {
    let mut found_out = Vec::new();
    for (name, number, lie) in LIES {
        let experiment = experiment(name);
        let mut measurement = truth(&experiment);
        lie(&mut measurement);
        assert_eq!(missed(&experiment, &measurement), [number], "{name}");
        found_out.push((name, number));
    }
    // An instrument that omits waits lowers both the mean and the p99 of the stall.
    let stall = experiment("stall");
    let mut omits = truth(&stall);
    omits.latency.response = omits.latency.enqueue.clone();
    assert_eq!(missed(&stall, &omits), ["response p99", "response mean"]);
    let mut smears = truth(&stall);
    smears.latency.enqueue = smears.latency.response.clone();
    assert_eq!(missed(&stall, &smears), ["enqueue p99"]);
    found_out.extend([("stall", "response mean"), ("stall", "enqueue p99")]);
    for experiment in experiments() {
        for claim in &experiment.claims {
            assert!(found_out.contains(&(experiment.name, claim.number)), "{}: {}", experiment.name, claim.number);
        }
    }
}

/// Examines an instrument that gives `answer` for each try of an experiment. Returns the results, the experiments that
/// were tried, and the number of events.
fn examine_with(
    mut answer: impl FnMut(&Experiment, u32) -> Result<Measurement, RepeatError> + Send + 'static,
) -> (Result<Vec<Row>, Stopped>, Vec<String>, usize) {
    let all = experiments();
    let own = all.clone();
    let mut driver = ScriptedDriver::new(move |repeat, _| answer(&own[repeat.case], repeat.attempt));
    let mut told = 0;
    let rows = examine(
        &all,
        &mut driver,
        Bench { cpus: 2, timing: &mut || TIMING },
        &Interrupt::new(),
        &mut |Event::Read { .. }| told += 1,
    );
    let tried = driver.asked().iter().map(|repeat| repeat.case_id.as_given().to_owned()).collect();
    (rows, tried, told)
}

fn outcomes(rows: &[Row], experiment: &str) -> Vec<(ClaimOutcome, u32)> {
    rows.iter().filter(|row| row.experiment == experiment).map(|row| (row.outcome, row.tries)).collect()
}

#[test]
fn a_true_instrument_is_tried_once() {
    let (rows, tried, told) = examine_with(|experiment, _| Ok(truth(experiment)));
    let rows = rows.unwrap();
    assert!(rows.iter().all(|row| row.outcome == ClaimOutcome::Pass && row.tries == 1 && row.reasons.is_empty()));
    assert_eq!((tried.len(), told), (experiments().len(), rows.len()));
}

/// A measurement with a wrong p50; `spoil` describes what the machine did.
fn off(experiment: &Experiment, spoil: Lie) -> Measurement {
    let mut measurement = truth(experiment);
    if experiment.name == "service-50us" {
        measurement.latency.enqueue = constant(experiment.logs(), 60 * US);
        spoil(&mut measurement);
    }
    measurement
}

/// The allowance for the cost of timing is limited, so that a clock which is 5 % wrong never passes.
#[test]
fn a_clock_that_is_off_is_found_out_whatever_timing_costs() {
    for (name, ns) in
        [("service-50us", 52_500), ("service-50us", 47_500), ("service-1ms", 1_050_000), ("service-1ms", 950_000)]
    {
        let experiment = experiment(name);
        let measurement = healthy(experiment.logs()).enqueue_taking(ns);
        for call_ns in [0.0, 40.0, 1e9] {
            let reading = experiment.claims[0].read(&measurement, &Overhead { reading_ns: 10.0, call_ns });
            assert!(!reading.holds, "{name} {ns} {call_ns}: {reading:?}");
        }
    }
}

#[test]
fn a_miss_is_wrong_on_a_quiet_machine_and_open_on_a_busy_one() {
    let quiet = examine_with(|experiment, _| Ok(off(experiment, |_| {}))).0.unwrap();
    assert_eq!(outcomes(&quiet, "service-50us"), [(ClaimOutcome::Wrong, MOST_TRIES)]);
    let busy = |experiment: &Experiment, _| Ok(off(experiment, |m| m.machine.steal_share = Some(0.04)));
    let busy = examine_with(busy).0.unwrap();
    assert_eq!(outcomes(&busy, "service-50us"), [(ClaimOutcome::CannotTell, MOST_TRIES)]);
    let row = busy.iter().find(|row| row.experiment == "service-50us").unwrap();
    assert_eq!(row.reasons, vec!["the hypervisor took 80.0 ms"; 3]);
    let passing = examine_with(|experiment, attempt| match attempt {
        0 => Ok(off(experiment, |_| {})),
        _ => Ok(truth(experiment)),
    });
    assert_eq!(outcomes(&passing.0.unwrap(), "service-50us"), [(ClaimOutcome::Pass, 2)]);
    assert_eq!(passing.1.len(), experiments().len() + 1, "the others are not tried again");
}

#[test]
fn a_stall_that_is_blamed_on_the_generator_does_not_excuse_itself() {
    let rows = examine_with(|experiment, _| {
        let mut measurement = truth(experiment);
        if experiment.name == "stall" {
            measurement.latency.lateness = measurement.latency.response.clone();
        }
        Ok(measurement)
    });
    let rows = rows.0.unwrap();
    let lateness = rows.iter().find(|row| row.number == "lateness p99").unwrap();
    assert_eq!(lateness.outcome, ClaimOutcome::Wrong);
}

#[test]
fn a_wrong_count_ends_it_on_any_machine() {
    let (rows, tried, _) = examine_with(|experiment, _| {
        let mut measurement = truth(experiment);
        measurement.machine.steal_share = Some(0.9);
        if experiment.name == "loses" {
            measurement.ledger.duplicated += 1;
        }
        assert!(!disturbances(&measurement, 1_000 * MS, 2).is_empty());
        Ok(measurement)
    });
    let rows = rows.unwrap();
    assert_eq!(outcomes(&rows, "loses"), [(ClaimOutcome::Wrong, 1)]);
    assert!(rows.iter().all(|row| row.experiment == "loses" || row.outcome == ClaimOutcome::Pass));
    assert_eq!(tried.len(), experiments().len());
}

#[test]
fn tries_end_when_the_minute_is_over() {
    let (rows, tried, _) = examine_with(|experiment, _| {
        let mut measurement = truth(experiment);
        measurement.latency.enqueue = constant(0, 0);
        measurement.machine.steal_share = Some(0.04);
        Ok(measurement)
    });
    let all = experiments();
    let estimate = |id: &String| {
        let index = all.iter().position(|experiment| experiment.queue() == *id).unwrap();
        all[index].repeat(index).estimate().0
    };
    let sum: u64 = tried.iter().map(estimate).sum();
    assert!(sum < 60_000 * MS && tried.len() > all.len() + 5, "{sum} {tried:?}");
    assert_eq!(outcomes(&rows.unwrap(), "service-2us"), [(ClaimOutcome::CannotTell, MOST_TRIES)]);
}

#[test]
fn a_broken_repeat_is_wrong_and_an_interrupt_ends_all() {
    let fault = || Fault::Internal { message: "no".into() }.alone();
    let (rows, ..) = examine_with(move |experiment, _| match experiment.name {
        "stall" => Err(fault()),
        _ => Ok(truth(experiment)),
    });
    let rows = rows.unwrap();
    assert_eq!(outcomes(&rows, "stall"), [(ClaimOutcome::Wrong, 1); 5]);
    assert!(rows.last().unwrap().reasons[0].as_given().contains("the driver failed: no"));
    assert!(rows.last().unwrap().measured.is_none());
    let (stopped, tried, _) = examine_with(|_, _| Err(Fault::Interrupted.alone()));
    assert_eq!((stopped, tried.len()), (Err(Stopped), 1));
}
