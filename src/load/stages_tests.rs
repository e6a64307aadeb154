//! The schedule in stages: what is due when, and how much of it in which stage.

use super::Schedule;
use crate::scenario::{Arrival, Parameters, PhaseShift, Stages};
use crate::units::{Nanos, Rate};
use proptest::prelude::*;

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

fn parameters(tasks: u32, rate: Rate, stages: &str) -> Parameters {
    let stages: Stages = stages.parse().unwrap();
    let duration = stages.length();
    Parameters { concurrency: tasks, rate, duration, stages: Some(stages), ..Parameters::default() }
}

fn schedule(tasks: u32, rate: u32, stages: &str) -> Schedule {
    Schedule::of_window(&parameters(tasks, Rate::of_whole(rate), stages), 7)
}

#[test]
fn each_stage_has_its_rate_times_its_length() {
    for (tasks, rate, stages, expected) in [
        (10, 1_000, "2s@1x,1s@5x,2s@1x", &[20_000, 50_000, 20_000][..]),
        (3, 100, "1s@0.5x,1s@0x,1s@2x", &[150, 0, 600]),
        // A ramp sends the mean of its rates.
        (10, 1_000, "2s@1x,3s@1x..5x", &[20_000, 90_000]),
        (10, 1_000, "4s@0x..1x,4s@1x..0x", &[20_000, 20_000]),
        // Ten bursts of 10x for 100 ms, and 9 s of 1x.
        (1, 1_000, "10s@1x~10x:100ms/1s,1s@1x", &[19_000, 1_000]),
        (7, 1, "100ms@1x", &[1]),
    ] {
        let schedule = schedule(tasks, rate, stages);
        assert_eq!(schedule.counts_by_stage(), expected, "{stages}");
        let sum: u64 = (0..tasks).map(|task| schedule.count(task)).sum();
        assert_eq!(sum, expected.iter().sum::<u64>(), "{stages}");
    }
}

#[test]
fn logs_are_due_when_their_load_has_come() {
    let dues: Vec<u64> = schedule(1, 1_000, "3ms@1x,2ms@2x,2ms@0x,1ms@1x").cursor(0).collect();
    assert_eq!(dues, [0, MS, 2 * MS, 3 * MS, 3 * MS + MS / 2, 4 * MS, 4 * MS + MS / 2, 7 * MS]);
    let aligned = Parameters { phase: PhaseShift::Aligned, ..parameters(2, Rate::of_whole(1_000), "2ms@2x") };
    let both: Vec<(u64, u32)> = Schedule::of_window(&aligned, 0).merged(0, 1).collect();
    assert_eq!(both[..4], [(0, 0), (0, 1), (MS / 2, 0), (MS / 2, 1)]);
    let burst = Parameters { arrival: Arrival::Burst(3), ..parameters(1, Rate::of_whole(1_000), "6ms@1x,6ms@3x") };
    let dues: Vec<u64> = Schedule::of_window(&burst, 0).cursor(0).collect();
    let at = |ms: u64| [ms * MS; 3];
    assert_eq!(dues, [at(0), at(3), at(6), at(7), at(8), at(9), at(10), at(11)].concat());
}

#[test]
fn one_stage_at_the_rate_is_no_stage_at_all() {
    let staged = parameters(7, Rate::new(10_000, 3).unwrap(), "1s@1x");
    for arrival in [Arrival::Uniform, Arrival::Burst(4), Arrival::Poisson] {
        let staged = Parameters { arrival, ..staged.clone() };
        let plain = Parameters { stages: None, ..staged.clone() };
        let [staged, plain] = [staged, plain].map(|parameters| Schedule::of_window(&parameters, 3));
        for task in 0..7 {
            let [staged, plain] = [&staged, &plain].map(|schedule| schedule.cursor(task).collect::<Vec<_>>());
            // A random time is a float, and rounded in other places here.
            assert_eq!(staged.len(), plain.len(), "{arrival}");
            let apart = staged.iter().zip(&plain).map(|(one, other)| one.abs_diff(*other)).max();
            assert!(apart <= Some(if arrival == Arrival::Poisson { 1 } else { 0 }), "{arrival}: {apart:?}");
        }
        assert!((staged.per_second() - plain.per_second()).abs() < 1e-6);
    }
}

#[test]
fn random_arrivals_change_their_rate() {
    let poisson = Parameters {
        arrival: Arrival::Poisson,
        ..parameters(10, Rate::of_whole(1_000), "2s@1x,1s@5x,1s@0x,2s@1x..3x")
    };
    let schedule = Schedule::of_window(&poisson, 1);
    for (found, expected) in schedule.counts_by_stage().into_iter().zip([20_000_u64, 50_000, 0, 40_000]) {
        assert!(found.abs_diff(expected) as f64 <= 6.0 * (expected as f64).sqrt(), "{found} of {expected}");
    }
    let walked: Vec<u64> = schedule.cursor(3).collect();
    assert!(walked.is_sorted());
    assert_eq!(walked.iter().filter(|due| (3 * S..4 * S).contains(*due)).count(), 0, "a pause is a pause");
    assert_eq!(walked, Schedule::of_window(&poisson, 1).cursor(3).collect::<Vec<_>>());
    assert_ne!(walked, Schedule::of_window(&poisson, 2).cursor(3).collect::<Vec<_>>());
}

#[test]
fn a_day_in_stages_is_counted_as_exactly_as_a_second() {
    let schedule = schedule(10_000, 20_000, "8h@1x,8h@50x,8h@1x..2x");
    let logs = |hours_at_1x: u64| 10_000 * 20_000 * 3_600 * hours_at_1x;
    assert_eq!(schedule.counts_by_stage(), [logs(8), logs(400), logs(12)]);
    assert_eq!(schedule.per_second(), 10_000.0 * 1e6);
}

fn any_parameters() -> impl Strategy<Value = Parameters> {
    let stage = (1_u64..2_000_000, 0_u32..4_000, 0_u32..4_000, 0_u32..3).prop_map(|(length, from, to, kind)| {
        let [from, to] = [from, to].map(|rate| format!("{}.{:03}x", rate / 1_000, rate % 1_000));
        match kind {
            0 => format!("{length}ns@{from}"),
            1 => format!("{length}ns@{from}..{to}"),
            _ => format!("{}ns@{from}~{to}:{}ns/{}ns", 7 * length, length / 3 + 1, length / 3 + 1 + length),
        }
    });
    let arrival = prop_oneof![Just(Arrival::Uniform), (1_u32..20).prop_map(Arrival::Burst), Just(Arrival::Poisson)];
    let phase = prop_oneof![Just(PhaseShift::Spread), Just(PhaseShift::Aligned)];
    let stages = prop::collection::vec(stage, 1..5).prop_map(|stages| stages.join(","));
    (1_u32..12, 1_u64..20_000, 1_u64..9, stages, arrival, phase).prop_filter_map(
        "no load",
        |(tasks, logs, seconds, stages, arrival, phase)| {
            let stages: Stages = stages.parse().ok()?;
            let duration = stages.length();
            let rate = Rate::new(logs, seconds).unwrap();
            let base = Parameters { concurrency: tasks, rate, duration, arrival, phase, ..Parameters::default() };
            Some(Parameters { stages: Some(stages), ..base })
        },
    )
}

proptest! {
    #[test]
    fn what_is_walked_is_what_is_counted_in_every_stage(parameters in any_parameters(), task in 0_u32..12) {
        let schedule = Schedule::of_window(&parameters, 9);
        let task = task % schedule.tasks();
        let walked: Vec<u64> = schedule.cursor(task).collect();
        prop_assert!(walked.is_sorted());
        prop_assert_eq!(walked.len() as u64, schedule.count(task));
        let mut end = Nanos::ZERO;
        for (stage, ends) in parameters.stages.iter().flat_map(Stages::list).zip(schedule.stage_ends(task)) {
            end = end.saturating_add(stage.length);
            prop_assert_eq!(walked.iter().filter(|due| **due < end.0).count() as u64, ends);
        }
        prop_assert!(walked.iter().all(|due| *due < end.0));
    }

    #[test]
    fn the_pacer_knows_the_due_times_of_the_tasks(parameters in any_parameters(), stride in 1_u32..5) {
        let schedule = Schedule::of_window(&parameters, 9);
        let first = (stride - 1).min(schedule.tasks() - 1);
        let merged: Vec<(u64, u32)> = schedule.merged(first, stride).collect();
        prop_assert!(merged.is_sorted_by_key(|(due, _)| *due));
        for task in (first..schedule.tasks()).step_by(stride as usize) {
            let own: Vec<u64> = merged.iter().filter(|(_, other)| *other == task).map(|(due, _)| *due).collect();
            prop_assert_eq!(own, schedule.cursor(task).collect::<Vec<_>>());
        }
    }
}
