//! Is it the load that the plan asked for? A measurement of another load is no evidence, even if its sums close.

use super::reason::Contradiction;
use crate::load::{Contents, Schedule};
use crate::measure::steady::in_fact;
use crate::measure::{Measurement, Settled};
use crate::plan::PlannedRepeat;
use crate::scenario::{Arrival, Parameters, PhaseShift, Stages, Strategy};

/// A random schedule is not drawn a second time here, so its length is only known roughly: it may be off its mean by at
/// most this many standard deviations. An honest driver exceeds 6 in one of 500 million repeats.
const DEVIATIONS: f64 = 6.0;
/// Relative tolerance of rates: they are floating-point numbers, and a driver may divide in another order.
const PRECISION: f64 = 1e-6;

/// Every way in which a measurement is not of the load that the plan asked for. A window that ends when the load is steady
/// is held to the length that it had.
#[must_use]
pub fn faults_for(repeat: &PlannedRepeat, measurement: &Measurement) -> Vec<Contradiction> {
    let mut faults = Vec::new();
    steadiness(repeat, measurement, &mut faults);
    let repeat = &in_fact(repeat, measurement.steadiness);
    let (parameters, ledger) = (&repeat.parameters, &measurement.ledger);
    let regular = match parameters.arrival {
        Arrival::Poisson => Arrival::Uniform,
        arrival @ (Arrival::Uniform | Arrival::Burst(_)) => arrival,
    };
    let schedule = Schedule::of_window(&Parameters { arrival: regular, ..parameters.clone() }, repeat.seed);
    let due: u64 = match &parameters.trace {
        Some(trace) => trace.logs,
        None => (0..schedule.tasks()).map(|task| schedule.count(task)).sum(),
    };
    if ledger.scheduled.abs_diff(due) > allowed(parameters, due) {
        faults.push(Contradiction::AnotherLoad { scheduled: ledger.scheduled, due });
    }
    stages(parameters, &schedule, measurement, &mut faults);
    // Nobody knows what a trace says that was not read in this process.
    if let Some(asked) = Contents::are_levels_told(parameters)
        && measurement.levels.is_empty() == asked
    {
        faults.push(Contradiction::AnotherLevels { asked });
    }
    let asked = parameters.trace.as_ref().map(|trace| &trace.sha256);
    if measurement.trace.as_ref() != asked {
        faults.push(Contradiction::AnotherTrace { asked: asked.is_some() });
    }
    if ledger.sampled_out > 0 && parameters.strategy != Strategy::Sample {
        faults.push(Contradiction::SampledOut { count: ledger.sampled_out, strategy: parameters.strategy });
    }
    if ledger.evicted > 0 && parameters.strategy != Strategy::DropOldest {
        faults.push(Contradiction::Evicted { count: ledger.evicted, strategy: parameters.strategy });
    }
    let seconds = parameters.duration.as_secs_f64();
    let rates = &measurement.rates;
    for (name, rate, count) in [
        ("offered_per_s", rates.offered_per_s, ledger.scheduled),
        ("attempted_per_s", rates.attempted_per_s, ledger.attempted),
        ("accepted_per_s", rates.accepted_per_s, ledger.enqueued_in_window),
        ("delivered_per_s", rates.delivered_per_s, ledger.delivered_in_window),
    ] {
        let expected = count as f64 / seconds;
        let is_close = (rate - expected).abs() <= expected * PRECISION;
        if !is_close {
            faults.push(Contradiction::AnotherRate { name, rate, count, seconds, expected });
        }
    }
    faults
}

/// What the plan asked for must have been decided, and nothing else.
fn steadiness(repeat: &PlannedRepeat, measurement: &Measurement, faults: &mut Vec<Contradiction>) {
    let steadiness = measurement.steadiness.unwrap_or_default();
    let asked = [repeat.steady.is_some_and(|steady| steady.warmup), repeat.ends_when_steady()];
    let decided = [steadiness.warmup, steadiness.window];
    for ((what, asked), decided) in ["warm-up", "window"].into_iter().zip(asked).zip(decided) {
        if asked != decided.is_some() {
            faults.push(Contradiction::Undecided { what, asked });
        }
        let Some(Settled { length_ns, trend, .. }) = decided else { continue };
        let values = [trend.mean, trend.p99, trend.memory].into_iter().flatten();
        for value in values.chain((length_ns == 0).then_some(0.0)) {
            if length_ns == 0 || !value.is_finite() {
                faults.push(Contradiction::Impossible { name: format!("steadiness of the {what}"), value });
            }
        }
    }
}

/// By how many logs a schedule may differ from one with regular arrivals, in which `due` logs are due.
fn allowed(parameters: &Parameters, due: u64) -> u64 {
    match (parameters.arrival, parameters.phase) {
        (Arrival::Uniform | Arrival::Burst(_), _) => 0,
        // The cast saturates.
        (Arrival::Poisson, PhaseShift::Spread) => (DEVIATIONS * (due as f64).sqrt()).ceil() as u64,
        // All tasks draw the same, so their deviations add up.
        (Arrival::Poisson, PhaseShift::Aligned) => {
            let tasks = f64::from(parameters.concurrency.max(1));
            (DEVIATIONS * (due as f64 / tasks).sqrt() * tasks).ceil() as u64
        }
    }
}

/// Each stage must have been measured, and must have had its own part of the load.
fn stages(parameters: &Parameters, schedule: &Schedule, measurement: &Measurement, faults: &mut Vec<Contradiction>) {
    let asked = parameters.stages.as_ref().map_or(0, |stages| stages.list().len());
    let measured = measurement.stages.len();
    if asked != measured {
        faults.push(Contradiction::AnotherStages { measured, asked });
        return;
    }
    for (number, (due, stage)) in (1..).zip(schedule.counts_by_stage().into_iter().zip(&measurement.stages)) {
        if stage.scheduled.abs_diff(due) > allowed(parameters, due) {
            faults.push(Contradiction::StageOpen {
                stage: number,
                what: "scheduled",
                value: stage.scheduled,
                other: "asked for",
                expected: due,
            });
        }
    }
    let after = parameters.stages.as_ref().and_then(Stages::spike).map(|spike| spike.after.0);
    if let Some(recovery) = measurement.recovery
        && after != Some(recovery.watched_ns)
    {
        faults.push(Contradiction::ImpossibleRecovery { recovery });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Rates;
    use crate::measure::fixture::healthy;
    use crate::plan::fixture::repeat;
    use crate::units::{Nanos, Rate};

    fn asked(arrival: Arrival) -> PlannedRepeat {
        let parameters = Parameters {
            concurrency: 10,
            rate: Rate::of_whole(50),
            duration: Nanos::from_secs(2),
            arrival,
            ..Parameters::default()
        };
        repeat(parameters)
    }

    fn honest(count: u64) -> Measurement {
        let mut measurement = healthy(count);
        let per_second = |count: u64| count as f64 / 2.0;
        measurement.rates = Rates {
            offered_per_s: per_second(measurement.ledger.scheduled),
            attempted_per_s: per_second(measurement.ledger.attempted),
            accepted_per_s: per_second(measurement.ledger.enqueued_in_window),
            delivered_per_s: per_second(measurement.ledger.delivered_in_window),
        };
        measurement
    }

    #[test]
    fn the_load_must_be_the_planned_one() {
        assert_eq!(faults_for(&asked(Arrival::Uniform), &honest(1_000)), []);
        assert_eq!(
            faults_for(&asked(Arrival::Uniform), &honest(100)),
            [Contradiction::AnotherLoad { scheduled: 100, due: 1_000 }]
        );
        let random = asked(Arrival::Poisson);
        for (scheduled, faults) in [(1_000, 0), (1_190, 0), (1_191, 1), (810, 0), (809, 1)] {
            assert_eq!(faults_for(&random, &honest(scheduled)).len(), faults, "{scheduled}");
        }
    }

    #[test]
    fn levels_are_told_apart_if_they_were_asked_for_and_only_then() {
        let levelled = honest(1_000).with_levels([0, 0, 900, 0, 100]);
        let mut mixed = asked(Arrival::Uniform);
        mixed.parameters.level = "info:90%+error:10%".parse().unwrap();
        assert_eq!(faults_for(&mixed, &levelled), []);
        assert_eq!(faults_for(&mixed, &honest(1_000)), [Contradiction::AnotherLevels { asked: true }]);
        assert_eq!(faults_for(&asked(Arrival::Uniform), &levelled), [Contradiction::AnotherLevels { asked: false }]);
    }

    #[test]
    fn only_a_strategy_that_samples_can_have_sampled_out() {
        let mut sampling = honest(1_000);
        (sampling.ledger.sampled_out, sampling.ledger.enqueued) = (5, 995);
        for (strategy, is_possible) in Strategy::ALL.map(|strategy| (strategy, strategy == Strategy::Sample)) {
            let mut repeat = asked(Arrival::Uniform);
            repeat.parameters.strategy = strategy;
            let faults = if is_possible { vec![] } else { vec![Contradiction::SampledOut { count: 5, strategy }] };
            assert_eq!(faults_for(&repeat, &sampling), faults);
        }
    }

    #[test]
    fn only_a_strategy_that_evicts_can_have_evicted() {
        let mut evicting = honest(1_000);
        evicting.ledger.evicted = 5;
        for strategy in Strategy::ALL {
            let mut repeat = asked(Arrival::Uniform);
            repeat.parameters.strategy = strategy;
            let is_possible = strategy == Strategy::DropOldest;
            let faults = if is_possible { vec![] } else { vec![Contradiction::Evicted { count: 5, strategy }] };
            assert_eq!(faults_for(&repeat, &evicting), faults);
        }
    }

    #[test]
    fn a_rate_is_a_count_over_the_window() {
        type Lie = fn(&mut Rates);
        let lies: [(&str, Lie); 5] = [
            ("offered_per_s", |rates| rates.offered_per_s *= 2.0),
            ("attempted_per_s", |rates| rates.attempted_per_s = 0.0),
            ("accepted_per_s", |rates| rates.accepted_per_s += 1.0),
            ("delivered_per_s", |rates| rates.delivered_per_s = f64::NAN),
            ("delivered_per_s", |rates| rates.delivered_per_s = f64::INFINITY),
        ];
        for (named, lie) in lies {
            let mut measurement = honest(1_000);
            lie(&mut measurement.rates);
            let found = faults_for(&asked(Arrival::Uniform), &measurement);
            assert!(matches!(found[..], [Contradiction::AnotherRate { name, .. }] if name == named), "{found:?}");
        }
    }
}
