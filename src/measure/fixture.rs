//! Measurements for tests: a healthy repeat, and functions that each add one defect.

use super::encoding::Distribution;
use super::levels::ByLevel;
use super::{
    Control, Cost, Latencies, Latency, Ledger, LevelLedger, Lost, Machine, Measurement, OutcomeSource, Point,
    PointTimes, Rates, Recovery, Series, StageMeasurement,
};
use crate::log_queue::Level;
use std::collections::BTreeMap;

/// A distribution of `count` values, all `ns` nanoseconds.
#[must_use]
pub fn constant(count: u64, ns: u64) -> Latency {
    let mut distribution = Distribution::new();
    for _ in 0..count {
        distribution.record(ns);
    }
    distribution.encode()
}

/// A distribution of the given values in nanoseconds.
#[must_use]
pub fn of(values: impl IntoIterator<Item = u64>) -> Latency {
    let mut distribution = Distribution::new();
    for value in values {
        distribution.record(value);
    }
    distribution.encode()
}

/// Enqueue 10 µs, response 20 µs, lateness 5 µs.
fn usual_latencies(logs: u64) -> Latencies {
    Latencies {
        enqueue: constant(logs, 10_000),
        unblocked: Some(constant(logs, 10_000)),
        blocked: Some(constant(0, 0)),
        rejected: constant(0, 0),
        response: constant(logs, 20_000),
        response_ideal: constant(logs, 15_000),
        delivery: constant(logs, 500_000),
        lateness: constant(logs, 5_000),
        lag_before: None,
        lag: None,
        timer_lag_before: None,
        timer_lag: None,
    }
}

/// A point of a series with a number of calls of 10 µs.
fn point(enqueued: u64) -> Point {
    let ns = 10_000;
    Point { enqueued, rejected: 0, times: Some(PointTimes { p50_ns: ns, p99_ns: ns, max_ns: ns }) }
}

/// A repeat of `logs` logs in one second, all accepted and delivered; enqueue 10 µs, response 20 µs, lateness 5 µs.
#[must_use]
pub fn healthy(logs: u64) -> Measurement {
    let per_s = logs as f64;
    Measurement {
        outcome_source: OutcomeSource::Call,
        ledger: Ledger {
            scheduled: logs,
            attempted: logs,
            enqueued: logs,
            enqueued_in_window: logs,
            delivered: logs,
            delivered_in_window: logs,
            ..Ledger::default()
        },
        latency: usual_latencies(logs),
        rates: Rates { offered_per_s: per_s, attempted_per_s: per_s, accepted_per_s: per_s, delivered_per_s: per_s },
        cost: Cost {
            cpu_s_per_million: BTreeMap::from([("producers".into(), 1.25), ("queue".into(), 0.5)]),
            peak_memory_bytes: Some(8_000_000),
            depth_high_water: Some(17),
            drain_ns: 1_000_000,
        },
        machine: Machine {
            steal_share: Some(0.0),
            involuntary_switches: Some(3),
            producer_switches: Some(2),
            process_share: Some(0.25),
            others_share: Some(0.02),
            jitter: Some(constant(1_000, 60_000)),
            stolen_ns: Some(0),
            allowed: None,
            waited_ns: None,
            core_to_core: None,
            paused_ns: None,
            drain: None,
            clock: "tsc".into(),
            instrument_floor_ns: 21.5,
        },
        control: None,
        control_after: None,
        series: Series { bin_ns: 1_000_000_000, points: vec![point(logs)] },
        memory: None,
        stages: Vec::new(),
        recovery: None,
        steadiness: None,
        trace: None,
        levels: Vec::new(),
        queue_counters: BTreeMap::new(),
        fairness: None,
        threads: None,
        queue_version: "1.0.0".into(),
        disagreements: Vec::new(),
    }
}

impl Measurement {
    /// `dropped` of the logs are refused because the queue is full; the calls take 1 µs.
    #[must_use]
    pub fn dropping(mut self, dropped: u64) -> Self {
        let ledger = &mut self.ledger;
        ledger.dropped += dropped;
        ledger.enqueued -= dropped;
        ledger.enqueued_in_window -= dropped;
        ledger.delivered -= dropped;
        ledger.delivered_in_window -= dropped;
        let kept = ledger.enqueued;
        self.latency.rejected = constant(ledger.dropped + ledger.sampled_out, 1_000);
        self.latency.delivery = constant(kept, 500_000);
        self.rates.accepted_per_s = kept as f64;
        self.enqueue_taking(10_000)
    }

    /// `evicted` of the accepted logs are later removed from the queue, by its own counter.
    #[must_use]
    pub fn evicting(mut self, evicted: u64) -> Self {
        let ledger = &mut self.ledger;
        ledger.evicted += evicted;
        ledger.enqueued_in_window -= evicted;
        ledger.delivered -= evicted;
        ledger.delivered_in_window -= evicted;
        self.rates.accepted_per_s = ledger.enqueued_in_window as f64;
        self.latency.delivery = constant(ledger.delivered, 500_000);
        self.queue_counters = [("evicted".into(), ledger.evicted)].into();
        self
    }

    /// These numbers of logs of each level were sent; all of them were accepted and delivered.
    #[must_use]
    pub fn with_levels(mut self, counts: ByLevel<u64>) -> Self {
        let of = |(level, count): (Level, u64)| LevelLedger {
            level: level.as_str().into(),
            attempted: count,
            enqueued: Some(count),
            dropped: Some(0),
            sampled_out: 0,
            delivered: count,
            evicted: Some(0),
            lost: Some(0),
        };
        self.levels = Level::ALL.into_iter().zip(counts).map(of).collect();
        self
    }

    /// `lost` of the accepted logs never reach the sink, and the queue does not report them.
    #[must_use]
    pub fn losing(mut self, lost: u64) -> Self {
        self.ledger.lost = Lost { admitted: 0, silent: lost };
        self.ledger.delivered -= lost;
        self.ledger.delivered_in_window -= lost;
        self.latency.delivery = constant(self.ledger.delivered, 500_000);
        self
    }

    /// Every accepted call takes `ns`. If that is more than 10 µs, its response takes 10 µs longer than that.
    #[must_use]
    pub fn enqueue_taking(mut self, ns: u64) -> Self {
        let kept = self.ledger.enqueued;
        if ns > 10_000 {
            self.latency.response = constant(self.ledger.attempted, ns + 10_000);
            self.latency.response_ideal = constant(self.ledger.attempted, ns + 5_000);
        }
        self.latency.enqueue = constant(kept, ns);
        self.latency.unblocked = Some(constant(kept, ns));
        self.latency.blocked = Some(constant(0, 0));
        self
    }

    /// `unsent` of the logs are never sent, because the queue held their tasks up; each had waited `wait_ns`.
    #[must_use]
    pub fn with_unsent(mut self, unsent: u64, wait_ns: u64) -> Self {
        let ledger = &mut self.ledger;
        ledger.unsent += unsent;
        ledger.attempted -= unsent;
        ledger.enqueued -= unsent;
        ledger.enqueued_in_window -= unsent;
        ledger.delivered -= unsent;
        ledger.delivered_in_window -= unsent;
        let sent = ledger.attempted;
        self.latency.delivery = constant(ledger.delivered, 500_000);
        self.latency.lateness = constant(sent, 5_000);
        self.latency.response = partly_censored(sent, 20_000, unsent, wait_ns);
        self.latency.response_ideal = partly_censored(sent, 15_000, unsent, wait_ns);
        self.enqueue_taking(10_000)
    }

    /// In stages of these numbers of logs, and a spike among them that was felt for `recovered_ns`; `None`: to the end of the
    /// window, 2 s after it.
    #[must_use]
    pub fn in_stages(mut self, logs: &[u64], recovered_ns: Option<u64>) -> Self {
        let stage = |logs: &u64| StageMeasurement {
            scheduled: *logs,
            attempted: *logs,
            unsent: 0,
            unsent_generator: 0,
            enqueued: Some(*logs),
            dropped: Some(0),
            sampled_out: 0,
            enqueue: constant(*logs, 10_000),
            response: constant(*logs, 20_000),
            delivery: constant(*logs, 500_000),
        };
        self.stages = logs.iter().map(stage).collect();
        self.recovery = Some(Recovery {
            recovered_ns,
            watched_ns: 2_000_000_000,
            response_ns: recovered_ns,
            delivery_ns: Some(0),
            response_bound_ns: 21_000,
            delivery_bound_ns: 525_000,
        });
        self
    }

    /// Adds a control of 300 logs before the load, each of them `lateness_ns` late, on a quiet machine.
    #[must_use]
    pub fn with_control(mut self, lateness_ns: u64) -> Self {
        self.control = Some(Control {
            span_ns: 300_000_000,
            scheduled: 300,
            attempted: 300,
            unsent: 0,
            unsent_generator: 0,
            lateness: constant(300, lateness_ns),
            machine: self.machine.clone(),
        });
        self
    }

    /// Adds that control and a second one after the drain, as long as the window and as late.
    #[must_use]
    pub fn with_controls(mut self, lateness_ns: u64) -> Self {
        self = self.with_control(lateness_ns);
        let logs = self.ledger.scheduled;
        self.control_after = self.control.clone().map(|before| Control {
            span_ns: 1_000_000_000,
            scheduled: logs,
            attempted: logs,
            lateness: constant(logs, lateness_ns),
            ..before
        });
        self
    }

    /// The runtime's lag was 20 µs before the load and `during_ns` during it; its timer's 1 ms and 2 ms.
    #[must_use]
    pub fn with_lag(mut self, during_ns: u64) -> Self {
        self.latency.lag_before = Some(constant(1_200, 20_000));
        self.latency.lag = Some(constant(1_000, during_ns));
        self.latency.timer_lag_before = Some(constant(240, 1_000_000));
        self.latency.timer_lag = Some(constant(200, 2_000_000));
        self
    }

    /// `unsent` of the logs are never sent, because the generator was late.
    #[must_use]
    pub fn with_unsent_generator(mut self, unsent: u64) -> Self {
        self = self.with_unsent(unsent, 0);
        self.ledger.unsent -= unsent;
        self.ledger.unsent_generator += unsent;
        self.latency.response = partly_censored(self.ledger.attempted, 20_000, unsent, 1_500_000_000);
        self.latency.response_ideal = constant(self.ledger.attempted, 15_000);
        self
    }
}

fn partly_censored(count: u64, ns: u64, censored: u64, wait_ns: u64) -> Latency {
    let mut distribution = Distribution::new();
    for _ in 0..count {
        distribution.record(ns);
    }
    for _ in 0..censored {
        distribution.record_censored(wait_ns);
    }
    distribution.encode()
}
