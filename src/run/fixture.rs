//! Made-up repeats, measurements and messages for this room's tests.

use crate::measure::{Cost, Latencies, Latency, Ledger, Lost, Machine, Measurement, OutcomeSource, Rates, Series};
use crate::plan::{CONTROL, PlannedRepeat, fixture};
use crate::scenario::Parameters;
use crate::units::Nanos;

pub(super) const HELLO: &str = r#"{"hello":{"protocol":1,"name":"fake","version":"0.1"}}"#;
pub(super) const STARTED: &str = r#""started""#;
pub(super) const PROGRESS: &str = concat!(
    r#"{"progress":{"elapsed_ns":5,"attempted":7,"enqueued":6,"rejected":1,"#,
    r#""delivered":3,"mean_enqueue_ns":null}}"#
);

pub(super) fn result_line(measurement: &Measurement) -> String {
    let measurement = serde_json::to_string(measurement).expect("serialises");
    format!("{{\"result\":{measurement}}}")
}

/// A repeat of a case whose window is over at once, with a deadline of a minute.
pub(super) fn planned(case: usize, repeat: u32) -> PlannedRepeat {
    let parameters = Parameters { queue: "fake".into(), duration: Nanos(1), ..Parameters::default() };
    let case_id = format!("case {case}").into();
    PlannedRepeat { case, repeat, case_id, control: CONTROL, ..fixture::repeat(parameters) }
}

fn latency(count: u64) -> Latency {
    let some = (count > 0).then_some(50);
    Latency {
        count,
        sum_ns: u128::from(count) * 50,
        sum_squares_ns2: 2_500.0 * count as f64,
        min_ns: some,
        max_ns: some,
        censored: 0,
        hdr: String::new(),
    }
}

/// 1,000 logs, of which 900 were accepted and delivered; every count adds up.
pub(super) fn measurement() -> Measurement {
    Measurement {
        outcome_source: OutcomeSource::Call,
        ledger: Ledger {
            scheduled: 1_000,
            attempted: 1_000,
            enqueued: 900,
            enqueued_in_window: 900,
            dropped: 100,
            delivered: 900,
            delivered_in_window: 900,
            lost: Lost::default(),
            ..Ledger::default()
        },
        latency: Latencies {
            enqueue: latency(900),
            unblocked: Some(latency(900)),
            blocked: None,
            rejected: latency(100),
            response: latency(1_000),
            response_ideal: latency(1_000),
            delivery: latency(900),
            lateness: latency(1_000),
            lag_before: None,
            lag: None,
            timer_lag_before: None,
            timer_lag: None,
        },
        rates: Rates {
            offered_per_s: 1_000.0,
            attempted_per_s: 1_000.0,
            accepted_per_s: 900.0,
            delivered_per_s: 900.0,
        },
        cost: Cost::default(),
        machine: Machine { clock: "os".into(), ..Machine::default() },
        control: None,
        control_after: None,
        series: Series::default(),
        memory: None,
        stages: Vec::new(),
        recovery: None,
        steadiness: None,
        trace: None,
        levels: Vec::new(),
        fairness: None,
        threads: None,
        queue_counters: [("dropped".into(), 100)].into(),
        queue_version: "0.1".into(),
        disagreements: Vec::new(),
    }
}
