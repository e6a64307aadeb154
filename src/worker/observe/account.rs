//! Builds the measurement of a repeat from the observations of callers, sink and kernel and from the queue's account.

use crate::adapter::{Account, Queue, Sink};
use crate::load::{Contents, Schedule};
use crate::measure::encoding::EncodingError;
use crate::measure::fairness::Shares;
use crate::measure::jitter::Jitter;
use crate::measure::ledger::Told;
use crate::measure::levels::{self, ByLevel, LevelTold};
use crate::measure::recorder::Recorders;
use crate::measure::sink::Delivered;
use crate::measure::steady::in_fact;
use crate::measure::{
    Control, Cost, CpuShares, Fairness, Ledger, Machine, Measurement, OutcomeSource, Rates, Settled, SteadyEnds,
    Threads,
};
use crate::plan::PlannedRepeat;
use crate::scenario::Strategy;
use crate::untrusted::Untrusted;
use crate::worker::observe::jitter::Watched;
use crate::worker::observe::machine::{self, Passed};
use crate::worker::observe::responsiveness::Observed as Lags;
use crate::worker::observe::whereabouts::Seen;
use crate::worker::repeat::settle::WarmedUp;
use crate::worker::send::tasks::TaskResult;
use std::collections::BTreeMap;

/// The name of the queue's counter of logs that it refused because it was full.
const DROPPED: &str = "dropped";
/// The name of the queue's counter of logs that it accepted, and later removed to make room.
const EVICTED: &str = "evicted";

/// Everything that was observed in one repeat.
pub struct Observed<'a> {
    /// The planned repeat.
    pub repeat: &'a PlannedRepeat,
    /// The reports of the tasks.
    pub tasks: Vec<TaskResult>,
    /// The latencies of their calls.
    pub recorders: Recorders,
    /// The sink, with what arrived.
    pub sink: Sink,
    /// The queue's own account.
    pub account: Account,
    /// What the kernel reports about the window.
    pub passed: Passed,
    /// What the kernel reports about a drain that took all of its time; `None` if the queue was done in time.
    pub drain: Option<CpuShares>,
    /// What the watching thread saw in the window; `None` if there was none.
    pub watched: Option<Watched>,
    /// How quickly the runtime ran ready tasks; `None` if there is no runtime.
    pub lags: Option<Lags>,
    /// The control before the load.
    pub control: Option<Control>,
    /// What is left of a warm-up that ended when the load was steady.
    pub warmed_up: Option<WarmedUp>,
    /// What was decided about the window, if it ends when the load is steady.
    pub settled: Option<Settled>,
    /// The source of the clock: `tsc`, `os`, or `manual`.
    pub clock: &'static str,
    /// Cost of timing one call, in nanoseconds.
    pub floor_ns: f64,
    /// From the window's end, or the last return if that was later, to the end of the shutdown, in nanoseconds.
    pub drain_ns: u64,
}

/// Builds the measurement.
///
/// # Errors
/// More values than can be counted exactly.
pub fn draw_up<Q: Queue>(observed: Observed<'_>) -> Result<Measurement, EncodingError> {
    let Observed { repeat, tasks, recorders, sink, account, passed, watched, lags, control, .. } = observed;
    let Observed { warmed_up, settled, clock, floor_ns, drain, drain_ns, .. } = observed;
    let delivered = sink.delivered()?;
    let steadiness = (warmed_up.is_some() || settled.is_some())
        .then(|| SteadyEnds { warmup: warmed_up.map(|warmed_up| warmed_up.settled), window: settled });
    let repeat = &in_fact(repeat, steadiness);
    let warm_up = sum(tasks.iter().map(|task| task.warm_up).chain(warmed_up.map(|warmed_up| warmed_up.told)));
    let schedule = Schedule::of_window(&repeat.parameters, repeat.seed);
    let known = (Q::ABOUT.outcome_source, repeat.parameters.strategy);
    let Closed { ledger, warm_up, evicted_before, fairness, dropped } =
        close(&schedule, &tasks, &delivered, &account, warm_up, known);
    let recorder = recorders.merge()?;
    let source = Q::ABOUT.outcome_source;
    let stages = recorder.stages().map(|stages| {
        stages.to_stages(&schedule.counts_by_stage(), &delivered.stages, source, (ledger.lost(), dropped))
    });
    let recovery = recorder.stages().map(|stages| stages.recovery(&delivered.stages)).transpose()?.flatten();
    let (jitter, seen, memory) =
        watched.map(|watched| (Some(watched.jitter), watched.seen, watched.memory)).unwrap_or_default();
    let levels = match Contents::are_levels_told(&repeat.parameters) {
        Some(true) => levels::ledgers(&by_level(&tasks), &delivered.levels, source, &ledger, dropped),
        Some(false) | None => Vec::new(),
    };
    let mut latency = recorder.to_latencies(delivered.latency.encode())?;
    if let Some(lags) = lags {
        lags.enter(&mut latency);
    }
    Ok(Measurement {
        outcome_source: source,
        rates: Rates::of(&ledger, repeat.parameters.duration.0),
        cost: cost(&ledger, &passed, &account, drain_ns),
        machine: Machine { drain, ..machine_record(&passed, jitter.as_ref(), clock, floor_ns) },
        control,
        // This measurement decides whether a second control is needed, so it cannot contain one yet.
        control_after: None,
        latency,
        series: recorder.series().to_series(repeat.parameters.duration.0),
        memory,
        steadiness,
        stages: stages.unwrap_or_default(),
        recovery,
        trace: repeat.parameters.trace.as_ref().map(|trace| trace.sha256.clone()),
        levels,
        disagreements: disagreements(&account.counters, &ledger, (&warm_up, evicted_before), &delivered),
        queue_counters: account.counters.into_iter().map(|(name, count)| (name.into(), count)).collect(),
        fairness,
        threads: threads(&ledger, &passed, &seen),
        queue_version: Q::ABOUT.version.into(),
        ledger,
    })
}

/// The machine, as the kernel and the watching thread saw it.
pub fn machine_record(passed: &Passed, jitter: Option<&Jitter>, clock: &str, floor_ns: f64) -> Machine {
    let (jitter, stolen_ns) = jitter.map(Jitter::to_parts).unzip();
    Machine {
        steal_share: passed.steal_share,
        involuntary_switches: passed.involuntary_switches,
        producer_switches: passed.producer_switches,
        process_share: passed.process_share,
        others_share: passed.others_share,
        jitter,
        stolen_ns,
        allowed: passed.allowed,
        drain: None,
        waited_ns: passed.waited_ns,
        core_to_core: None,
        paused_ns: None,
        clock: clock.into(),
        instrument_floor_ns: floor_ns,
    }
}

/// How many of the `missing` logs count as dropped. The calls have entered all of them as accepted.
fn dropped_of(missing: u64, source: OutcomeSource, strategy: Strategy, account: &Account) -> u64 {
    match (source, strategy) {
        // Each call returned its outcome, so a missing log was lost.
        (OutcomeSource::Call, _) => 0,
        // The counter is believed only up to the number of missing logs: more would turn delivered logs into drops.
        (OutcomeSource::Counter, _) => missing.min(account.counters.get(DROPPED).copied().unwrap_or(0)),
        // Losses that the queue reports were not drops. Silent losses cannot be distinguished from drops here.
        (OutcomeSource::Delivery, Strategy::Drop | Strategy::Sample) => missing.saturating_sub(account.admitted),
        // `block` must not drop, so a missing log was lost. `drop-oldest` accepts every log.
        (OutcomeSource::Delivery, Strategy::Block | Strategy::DropOldest) => 0,
    }
}

/// How many of the `missing` logs count as evicted.
fn evicted_of(missing: u64, source: OutcomeSource, strategy: Strategy, account: &Account) -> u64 {
    match (source, strategy) {
        (_, Strategy::Drop | Strategy::Block | Strategy::Sample) => 0,
        // No call can tell what happens later. The counter is believed only up to the number of missing logs.
        (OutcomeSource::Call | OutcomeSource::Counter, Strategy::DropOldest) => {
            missing.min(account.counters.get(EVICTED).copied().unwrap_or(0))
        }
        // Losses that the queue reports were not evictions. Silent losses cannot be distinguished from evictions here.
        (OutcomeSource::Delivery, Strategy::DropOldest) => missing.saturating_sub(account.admitted),
    }
}

/// The closed counts of all tasks.
struct Closed {
    /// The ledger of the window.
    ledger: Ledger,
    /// The outcomes of the warm-up's calls.
    warm_up: Told,
    /// How many logs of the warm-up were evicted.
    evicted_before: u64,
    /// How evenly the tasks were served in the window.
    fairness: Option<Fairness>,
    /// How many logs of the window were dropped although their calls did not say so.
    dropped: u64,
}

/// Closes the ledger of the window.
///
/// The queue's own counts also cover the warm-up. They are used up on the logs missing from the warm-up first. That is
/// exact if the warm-up lost nothing silently. Otherwise the window's losses come out too high, never too low.
fn close(
    schedule: &Schedule,
    tasks: &[TaskResult],
    delivered: &Delivered,
    account: &Account,
    mut warm_up: Told,
    (source, strategy): (OutcomeSource, Strategy),
) -> Closed {
    let mut ledger =
        Ledger { delivered_in_window: delivered.in_window, phantom: delivered.strangers, ..Ledger::default() };
    let (mut as_told, mut as_arrived) = (Shares::default(), Shares::default());
    for task in tasks {
        // `ledger` sums over tasks: what `lost.silent` gains from here on is missing from this task.
        let (scheduled, missing) = (schedule.count(task.task), ledger.lost.silent);
        ledger.enter(scheduled, &task.tally, &task.told, &delivered.arrivals[task.task as usize]);
        // Logs that the generator did not send must not make the queue look unfair.
        let (sent, in_time) = (scheduled.saturating_sub(task.tally.unsent_generator), task.told.enqueued_in_window);
        as_told.enter(in_time, sent);
        as_arrived.enter(in_time.saturating_sub(ledger.lost.silent - missing), sent);
    }
    let lacking = warm_up.enqueued.saturating_sub(delivered.warm_up);
    let dropped = dropped_of(lacking + ledger.lost.silent, source, strategy, account);
    let before = dropped.min(lacking);
    warm_up.enqueued -= before;
    warm_up.dropped += before;
    ledger.drop_missing(dropped - before);
    let lacking = lacking - before;
    let evicted = evicted_of(lacking + ledger.lost.silent, source, strategy, account);
    let evicted_before = evicted.min(lacking);
    ledger.evict_missing(evicted - evicted_before);
    // Reported losses cover the warm-up first, too: otherwise a loss in the warm-up would excuse a silent one in the
    // window.
    ledger.admit(account.admitted.saturating_sub(lacking - evicted_before));
    let fairness = match (dropped - before + ledger.evicted, ledger.lost()) {
        (0, _) => as_told.fairness(),
        // Every missing log was discarded, so each task's missing logs are those that were discarded.
        (_, 0) => as_arrived.fairness(),
        // Some were discarded and some lost: nobody knows which task's were which.
        _ => None,
    };
    Closed { ledger, warm_up, evicted_before, fairness, dropped: dropped - before }
}

/// What the callers of all tasks were told, by level.
fn by_level(tasks: &[TaskResult]) -> ByLevel<LevelTold> {
    let mut sum = ByLevel::<LevelTold>::default();
    for task in tasks {
        sum.iter_mut().zip(task.told.by_level).for_each(|(sum, part)| sum.add(part));
    }
    sum
}

fn sum(told: impl Iterator<Item = Told>) -> Told {
    told.fold(Told::default(), |sum, part| Told {
        enqueued: sum.enqueued + part.enqueued,
        dropped: sum.dropped + part.dropped,
        sampled_out: sum.sampled_out + part.sampled_out,
        ..Told::default()
    })
}

fn cost(ledger: &Ledger, passed: &Passed, account: &Account, drain_ns: u64) -> Cost {
    // 1 ns for each log is 1 ms for a million logs. Without any call there is no value: 0 / 0 is NaN, which JSON cannot
    // hold.
    let per_million = |ns: u64| ns as f64 / ledger.attempted as f64 / 1e3;
    let groups = passed.cpu_ns.iter().filter(|_| ledger.attempted > 0);
    Cost {
        cpu_s_per_million: groups.map(|(group, &ns)| ((*group).into(), per_million(ns))).collect(),
        peak_memory_bytes: machine::peak_memory(),
        depth_high_water: account.depth_high_water,
        drain_ns,
    }
}

/// Where the threads ran and how often the queue's threads slept; `None` if nothing is known.
fn threads(ledger: &Ledger, passed: &Passed, seen: &Seen) -> Option<Threads> {
    let sleeps = passed.queue_sleeps.filter(|_| ledger.attempted > 0);
    let threads = Threads {
        producer_cpus: seen.producer_cpus(),
        queue_cpus: seen.queue_cpus(),
        shared_cpu_share: seen.shared_cpu_share(),
        queue_switches_per_log: sleeps.map(|sleeps| sleeps as f64 / ledger.attempted as f64),
    };
    (threads != Threads::default()).then_some(threads)
}

/// The differences between the queue's own counters, which include the warm-up, and our counts.
fn disagreements(
    counters: &BTreeMap<String, u64>,
    ledger: &Ledger,
    (warm_up, evicted_before): (&Told, u64),
    delivered: &Delivered,
) -> Vec<Untrusted> {
    let ours = [
        ("enqueued", ledger.enqueued + warm_up.enqueued),
        (DROPPED, ledger.dropped + warm_up.dropped),
        ("sampled_out", ledger.sampled_out + warm_up.sampled_out),
        ("delivered", ledger.delivered + ledger.duplicated + delivered.warm_up),
        (EVICTED, ledger.evicted + evicted_before),
    ];
    let differ = |(name, ours): &(&str, u64)| {
        let theirs = *counters.get(*name)?;
        (theirs != *ours).then(|| format!("{name}: the queue says {theirs}, we saw {ours} (warm-up included)").into())
    };
    ours.iter().filter_map(differ).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::load::{Phase, Stamp, Tally};
    use crate::measure::sink::CountingSink;
    use crate::units::{Nanos, Rate};

    const CALL: (OutcomeSource, Strategy) = (OutcomeSource::Call, Strategy::Drop);

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
        let rates = Rates::of(&ledger, 2_000_000_000);
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
    fn sleeps_of_the_queue_are_counted_by_the_log() {
        let of = |attempted, queue_sleeps| {
            let (ledger, passed) =
                (Ledger { attempted, ..Ledger::default() }, Passed { queue_sleeps, ..Passed::default() });
            threads(&ledger, &passed, &Seen::default()).map(|threads| threads.queue_switches_per_log)
        };
        assert_eq!(of(1_000, Some(250)), Some(Some(0.25)));
        assert_eq!(of(1_000, Some(0)), Some(Some(0.0)), "it never slept, which is known");
        assert_eq!(of(1_000, None), None, "nothing is known");
        assert_eq!(of(0, Some(3)), None, "there was no log");
    }

    #[test]
    fn disagreements_name_both_numbers() {
        let counters = [("enqueued".to_owned(), 12), ("dropped".to_owned(), 4)].into();
        let ledger = Ledger { enqueued: 10, dropped: 3, ..Ledger::default() };
        let warm_up = Told { enqueued: 2, ..Told::default() };
        let found = disagreements(&counters, &ledger, (&warm_up, 0), &nothing_delivered());
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
        let schedule = Schedule::new(1, Rate::of_whole(10), Nanos::from_secs(1));
        let Closed { ledger, .. } = close(&schedule, &[task], &nothing_delivered(), &account, task.warm_up, CALL);
        assert_eq!((ledger.lost.admitted, ledger.lost.silent), (2, 8));
    }

    /// Closes the ledger of one task with 10 logs of the warm-up and 20 of the window. According to the calls, all were
    /// accepted; `warm_up` and `window` of them arrived.
    fn closed(warm_up: u64, window: u64, known: (OutcomeSource, Strategy), account: &Account) -> (Ledger, Told) {
        let sink = CountingSink::new(ManualClock::at(0), 1, 0, None);
        let stamp = |phase, sequence| Stamp { phase, task: 0, sequence, at: sequence };
        let arrive = |phase, count| {
            (0..count).for_each(|n| sink.deliver(Some(stamp(phase, n)), |_| Ok(())).unwrap());
        };
        arrive(Phase::WarmUp, warm_up);
        arrive(Phase::Window, window);
        let hash = (0..20).fold(0, |sum: u64, n| sum.wrapping_add(stamp(Phase::Window, n).hash()));
        let task = TaskResult {
            task: 0,
            tally: Tally { attempted: 20, ..Tally::default() },
            told: Told { enqueued: 20, enqueued_in_window: 20, hash, ..Told::default() },
            warm_up: Told { enqueued: 10, ..Told::default() },
            last_return: 0,
        };
        let schedule = Schedule::new(1, Rate::of_whole(20), Nanos::from_secs(1));
        let closed = close(&schedule, &[task], &sink.delivered().unwrap(), account, task.warm_up, known);
        assert_eq!(closed.fairness, None, "one task alone cannot be served unevenly");
        (closed.ledger, closed.warm_up)
    }

    /// The fairness of two tasks of 20 logs each. For each task: how many logs were accepted in time, how many arrived,
    /// and how many the generator never sent.
    fn fairness_of(
        tasks: [(u64, u64, u64); 2],
        known: (OutcomeSource, Strategy),
        account: &Account,
    ) -> Option<(f64, f64)> {
        let sink = CountingSink::new(ManualClock::at(0), 2, 0, None);
        let stamp = |task, sequence| Stamp { phase: Phase::Window, task, sequence, at: sequence };
        let results: Vec<TaskResult> = (0u32..)
            .zip(tasks)
            .map(|(task, (in_time, arrived, unsent_generator))| {
                (0..arrived).for_each(|n| sink.deliver(Some(stamp(task, n)), |_| Ok(())).unwrap());
                let hash = (0..in_time).fold(0, |sum: u64, n| sum.wrapping_add(stamp(task, n).hash()));
                TaskResult {
                    task,
                    tally: Tally { attempted: 20 - unsent_generator, unsent_generator, ..Tally::default() },
                    told: Told { enqueued: in_time, enqueued_in_window: in_time, hash, ..Told::default() },
                    warm_up: Told::default(),
                    last_return: 0,
                }
            })
            .collect();
        let schedule = Schedule::new(2, Rate::of_whole(20), Nanos::from_secs(1));
        let closed = close(&schedule, &results, &sink.delivered().unwrap(), account, Told::default(), known);
        closed.fairness.map(|found| {
            assert_eq!(found.tasks, 2);
            (found.jain, found.least_share)
        })
    }

    #[test]
    fn fairness_is_what_each_task_got_in_of_what_the_generator_sent() {
        use OutcomeSource::{Call, Counter, Delivery};
        use Strategy::{Block, Drop, DropOldest};
        // name; of each task: accepted, arrived, never sent by the generator; source and strategy; what the counter
        // says; expected
        let rows = [
            ("even", [(20, 20, 0), (20, 20, 0)], (Call, Drop), 0, Some((1.0, 1.0))),
            ("one starves", [(20, 20, 0), (0, 0, 0)], (Call, Block), 0, Some((0.5, 0.0))),
            ("the generator's share is taken off", [(20, 20, 0), (10, 10, 10)], (Call, Drop), 0, Some((1.0, 1.0))),
            ("a loss was accepted all the same", [(20, 20, 0), (20, 10, 0)], (Call, Drop), 0, Some((1.0, 1.0))),
            ("dropped, as the counter says", [(20, 20, 0), (20, 10, 0)], (Counter, Drop), 10, Some((0.9, 0.5))),
            ("dropped, as what arrived says", [(20, 20, 0), (20, 10, 0)], (Delivery, Drop), 0, Some((0.9, 0.5))),
            ("evicted, as what arrived says", [(20, 20, 0), (20, 10, 0)], (Delivery, DropOldest), 0, Some((0.9, 0.5))),
            ("some dropped, some lost, nobody knows which", [(20, 20, 0), (20, 10, 0)], (Counter, Drop), 4, None),
        ];
        for (name, tasks, known, said, expected) in rows {
            let account = Account { counters: [(DROPPED.to_owned(), said)].into(), ..Account::default() };
            assert_eq!(fairness_of(tasks, known, &account), expected, "{name}");
        }
    }

    #[test]
    fn what_did_not_arrive_is_dropped_or_lost_as_the_source_says() {
        use OutcomeSource::{Call, Counter, Delivery};
        use Strategy::{Block, Drop, Sample};
        // arrived of 10 (warm-up) and of 20 (window); source and strategy; what the queue reports: dropped, admitted;
        // expected for the window: dropped, admitted, silent
        let rows = [
            ((10, 20), (Counter, Drop), (0, 0), [0, 0, 0]),
            ((7, 15), (Counter, Drop), (8, 0), [5, 0, 0]),
            // The counter reports less than is missing: its drops are used up on the warm-up first.
            ((7, 15), (Counter, Drop), (6, 0), [3, 0, 2]),
            ((7, 15), (Counter, Drop), (2, 0), [0, 0, 5]),
            ((7, 15), (Counter, Drop), (6, 1), [3, 1, 1]),
            // The counter reports more: no more logs count as dropped than are missing.
            ((10, 15), (Counter, Drop), (99, 0), [5, 0, 0]),
            ((10, 15), (Counter, Block), (0, 0), [0, 0, 5]),
            ((7, 15), (Delivery, Drop), (0, 0), [5, 0, 0]),
            ((7, 15), (Delivery, Sample), (0, 0), [5, 0, 0]),
            ((7, 15), (Delivery, Block), (0, 0), [0, 0, 5]),
            ((7, 15), (Delivery, Block), (0, 4), [0, 1, 4]),
            ((7, 15), (Delivery, Drop), (0, 4), [1, 4, 0]),
            ((7, 15), (Call, Drop), (8, 0), [0, 0, 5]),
        ];
        for ((warm_up, window), known, (said, admitted), expected) in rows {
            let account = Account { counters: [(DROPPED.to_owned(), said)].into(), admitted, ..Account::default() };
            let (ledger, _) = closed(warm_up, window, known, &account);
            let found = [ledger.dropped, ledger.lost.admitted, ledger.lost.silent];
            assert_eq!(found, expected, "{warm_up} and {window} arrived, {known:?}, {account:?}");
            assert_eq!(ledger.enqueued + ledger.dropped, 20);
            assert_eq!(ledger.enqueued_in_window, ledger.enqueued);
        }
    }

    #[test]
    fn what_did_not_arrive_is_evicted_only_under_drop_oldest_and_as_the_source_says() {
        use OutcomeSource::{Call, Counter, Delivery};
        use Strategy::{Drop, DropOldest};
        // arrived of 10 (warm-up) and of 20 (window); source and strategy; what the queue reports: evicted, admitted;
        // expected for the window: evicted, admitted, silent
        let rows = [
            ((10, 20), (Call, DropOldest), (0, 0), [0, 0, 0]),
            ((7, 15), (Call, DropOldest), (8, 0), [5, 0, 0]),
            // Its evictions are used up on the warm-up first.
            ((7, 15), (Call, DropOldest), (6, 0), [3, 0, 2]),
            ((7, 15), (Call, DropOldest), (2, 0), [0, 0, 5]),
            ((7, 15), (Call, DropOldest), (6, 1), [3, 1, 1]),
            // No more logs count as evicted than are missing.
            ((10, 15), (Call, DropOldest), (99, 0), [5, 0, 0]),
            ((7, 15), (Counter, DropOldest), (8, 0), [5, 0, 0]),
            ((7, 15), (Delivery, DropOldest), (0, 0), [5, 0, 0]),
            ((7, 15), (Delivery, DropOldest), (0, 4), [1, 4, 0]),
            ((7, 15), (Call, Drop), (8, 0), [0, 0, 5]),
        ];
        for ((warm_up, window), known, (said, admitted), expected) in rows {
            let account = Account { counters: [(EVICTED.to_owned(), said)].into(), admitted, ..Account::default() };
            let (ledger, _) = closed(warm_up, window, known, &account);
            let found = [ledger.evicted, ledger.lost.admitted, ledger.lost.silent];
            assert_eq!(found, expected, "{warm_up} and {window} arrived, {known:?}, {account:?}");
            assert_eq!(ledger.enqueued, ledger.delivered + ledger.evicted + ledger.lost());
            assert_eq!(ledger.enqueued_in_window, ledger.enqueued - ledger.evicted);
        }
    }

    #[test]
    fn a_counter_that_says_more_than_is_missing_disagrees() {
        let account = |said| Account { counters: [(DROPPED.to_owned(), said)].into(), ..Account::default() };
        for (said, expected) in [(8, vec![]), (9, vec!["dropped: the queue says 9, we saw 8 (warm-up included)"])] {
            let account = account(said);
            let (ledger, warm_up) = closed(7, 15, (OutcomeSource::Counter, Strategy::Drop), &account);
            assert_eq!((warm_up.enqueued, warm_up.dropped), (7, 3));
            assert_eq!(disagreements(&account.counters, &ledger, (&warm_up, 0), &nothing_delivered()), expected);
        }
    }
}
