//! Draws up the measurement of a repeat from what callers, sink, kernel and queue have told.

use super::machine::{self, Passed};
use super::tasks::TaskResult;
use crate::adapter::{Account, Queue, Sink};
use crate::load::Schedule;
use crate::measure::encoding::EncodingError;
use crate::measure::ledger::Told;
use crate::measure::recorder::Recorders;
use crate::measure::sink::Delivered;
use crate::measure::{Cost, Ledger, Machine, Measurement, Rates};
use crate::plan::PlannedRepeat;
use std::collections::BTreeMap;

/// All that was observed of one repeat.
pub struct Observed<'a> {
    /// What was asked for.
    pub repeat: &'a PlannedRepeat,
    /// What the tasks told.
    pub tasks: Vec<TaskResult>,
    /// What their calls took.
    pub recorders: Recorders,
    /// What arrived.
    pub sink: Sink,
    /// What the queue says.
    pub account: Account,
    /// What the kernel says of the window.
    pub passed: Passed,
    /// What the clock reads: `tsc`, `os`, or `manual`.
    pub clock: &'static str,
    /// Cost of timing one call, in nanoseconds.
    pub floor_ns: f64,
    /// From the window's end, or the last return if that was later, to the end of the shutdown, in nanoseconds.
    pub drain_ns: u64,
}

/// The measurement.
///
/// # Errors
/// More values than can be counted exactly.
pub fn draw_up<Q: Queue>(observed: Observed<'_>) -> Result<Measurement, EncodingError> {
    let Observed { repeat, tasks, recorders, sink, account, passed, clock, floor_ns, drain_ns } = observed;
    let delivered = sink.delivered()?;
    let warm_up = sum(tasks.iter().map(|task| task.warm_up));
    let schedule = Schedule::of(&repeat.parameters, repeat.parameters.duration, repeat.seed);
    let ledger = close(&schedule, &tasks, &delivered, &account, &warm_up);
    let recorder = recorders.merge()?;
    Ok(Measurement {
        outcome_source: Q::ABOUT.outcome_source,
        rates: rates(&ledger, repeat.parameters.duration.0),
        cost: cost(&ledger, &passed, &account, drain_ns),
        machine: Machine {
            steal_share: passed.steal_share,
            involuntary_switches: passed.involuntary_switches,
            clock: clock.to_owned(),
            instrument_floor_ns: floor_ns,
        },
        latency: recorder.to_latencies(delivered.latency.encode())?,
        series: recorder.series().to_series(),
        disagreements: disagreements(&account.counters, &ledger, &warm_up, &delivered),
        queue_counters: account.counters,
        queue_version: Q::ABOUT.version.to_owned(),
        ledger,
    })
}

fn close(
    schedule: &Schedule,
    tasks: &[TaskResult],
    delivered: &Delivered,
    account: &Account,
    warm_up: &Told,
) -> Ledger {
    let mut ledger =
        Ledger { delivered_in_window: delivered.in_window, phantom: delivered.strangers, ..Ledger::default() };
    for task in tasks {
        ledger.enter(schedule.count(task.task), &task.tally, &task.told, &delivered.arrivals[task.task as usize]);
    }
    // What the queue admits may be of the warm-up too: what that lacks is taken off first.
    let lacking = warm_up.enqueued.saturating_sub(delivered.warm_up);
    ledger.admit(account.admitted.saturating_sub(lacking));
    ledger
}

fn sum(told: impl Iterator<Item = Told>) -> Told {
    told.fold(Told::default(), |sum, part| Told {
        enqueued: sum.enqueued + part.enqueued,
        hash: sum.hash.wrapping_add(part.hash),
        enqueued_in_window: sum.enqueued_in_window + part.enqueued_in_window,
        dropped: sum.dropped + part.dropped,
        sampled_out: sum.sampled_out + part.sampled_out,
    })
}

fn rates(ledger: &Ledger, window_ns: u64) -> Rates {
    let per_second = |count: u64| count as f64 * 1e9 / window_ns as f64;
    Rates {
        offered_per_s: per_second(ledger.scheduled),
        attempted_per_s: per_second(ledger.attempted),
        accepted_per_s: per_second(ledger.enqueued_in_window),
        delivered_per_s: per_second(ledger.delivered_in_window),
    }
}

fn cost(ledger: &Ledger, passed: &Passed, account: &Account, drain_ns: u64) -> Cost {
    // Nanoseconds a log are milliseconds a million logs.
    let per_million = |ns: u64| ns as f64 / ledger.attempted as f64 / 1e3;
    let groups = passed.cpu_ns.iter().filter(|_| ledger.attempted > 0);
    Cost {
        cpu_s_per_million: groups.map(|(group, &ns)| ((*group).to_owned(), per_million(ns))).collect(),
        peak_memory_bytes: machine::peak_memory(),
        depth_high_water: account.depth_high_water,
        drain_ns,
    }
}

/// Where the queue's own counters, which include the warm-up, say something else than we saw.
fn disagreements(
    counters: &BTreeMap<String, u64>,
    ledger: &Ledger,
    warm_up: &Told,
    delivered: &Delivered,
) -> Vec<String> {
    let ours = [
        ("enqueued", ledger.enqueued + warm_up.enqueued),
        ("dropped", ledger.dropped + warm_up.dropped),
        ("sampled_out", ledger.sampled_out + warm_up.sampled_out),
        ("delivered", ledger.delivered + ledger.duplicated + delivered.warm_up),
    ];
    let differ = |(name, ours): &(&str, u64)| {
        let theirs = *counters.get(*name)?;
        (theirs != *ours).then(|| format!("{name}: the queue says {theirs}, we saw {ours} (warm-up included)"))
    };
    ours.iter().filter_map(differ).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::load::Tally;
    use crate::measure::sink::CountingSink;
    use crate::units::{Nanos, Rate};

    fn nothing_delivered() -> Delivered {
        CountingSink::new(ManualClock::at(0), 1, 0, None).delivered().unwrap()
    }

    #[test]
    fn rates_are_over_the_window() {
        let ledger = Ledger {
            scheduled: 400,
            attempted: 300,
            enqueued: 250,
            enqueued_in_window: 200,
            delivered_in_window: 100,
            ..Ledger::default()
        };
        let rates = rates(&ledger, 2_000_000_000);
        let all = [rates.offered_per_s, rates.attempted_per_s, rates.accepted_per_s, rates.delivered_per_s];
        assert_eq!(all, [200.0, 150.0, 100.0, 50.0]);
    }

    #[test]
    fn cost_is_in_seconds_a_million() {
        let ledger = Ledger { attempted: 1_000, ..Ledger::default() };
        let passed = Passed { cpu_ns: [("queue", 2_000_000)].into(), ..Passed::default() };
        let cost = cost(&ledger, &passed, &Account::default(), 7);
        assert_eq!((cost.cpu_s_per_million["queue"], cost.drain_ns), (2.0, 7));
        let idle = super::cost(&Ledger::default(), &passed, &Account::default(), 7);
        assert!(idle.cpu_s_per_million.is_empty(), "nothing was attempted, so there is no cost a log");
    }

    #[test]
    fn disagreements_name_both_numbers() {
        let counters = [("enqueued".to_owned(), 12), ("dropped".to_owned(), 4)].into();
        let ledger = Ledger { enqueued: 10, dropped: 3, ..Ledger::default() };
        let warm_up = Told { enqueued: 2, ..Told::default() };
        let found = disagreements(&counters, &ledger, &warm_up, &nothing_delivered());
        assert_eq!(found, ["dropped: the queue says 4, we saw 3 (warm-up included)"]);
    }

    #[test]
    fn an_admission_is_first_held_against_the_warm_up() {
        let task = TaskResult {
            task: 0,
            tally: Tally { attempted: 10, ..Tally::default() },
            told: Told { enqueued: 10, ..Told::default() },
            warm_up: Told { enqueued: 4, ..Told::default() },
            last_return: 0,
        };
        let account = Account { admitted: 6, ..Account::default() };
        let ledger = close(
            &Schedule::new(1, Rate::of_whole(10), Nanos::from_secs(1)),
            &[task],
            &nothing_delivered(),
            &account,
            &task.warm_up,
        );
        assert_eq!((ledger.lost.admitted, ledger.lost.silent), (2, 8));
    }
}
