//! The table of experiments: which behaviour is put under which load, and what must come out.

use super::claim::{Claim, Unit, mean, percentile};
use super::synthetic::{Behaviour, FAMILY};
use crate::load::Schedule;
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::scenario::{Parameters, Shape, Stage, Stages, Strategy};
use crate::units::{Multiple, Nanos, Rate};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const SEED: u64 = 42;

/// Relative tolerance of a claim that has one, if nothing else is said.
const SHARE: f64 = 0.03;

/// How far the share of the logs that waited may be from the truth, as a share of it. A log that the generator sends late
/// may find the room that it would have waited for, so that the share spreads three times as much as a rate.
const WAITED: f64 = 0.05;

/// A queue under load, and claims about its measurement.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// A short name, unique among them.
    pub name: &'static str,
    /// What the queue does, in words.
    pub title: &'static str,
    /// What the queue does.
    pub behaviour: Behaviour,
    /// Number of tasks.
    pub tasks: u32,
    /// Logs per second, per task.
    pub rate: u32,
    /// Length of the window, in seconds.
    pub seconds: u64,
    /// How the rate changes over the window; `None`: it does not.
    pub stages: Option<Stages>,
    /// The claims about its measurement.
    pub claims: Vec<Claim>,
}

impl Experiment {
    /// Name of the queue, as the worker knows it.
    pub fn queue(&self) -> String {
        format!("{FAMILY}{}", self.name)
    }

    /// Number of logs that are due in the window.
    pub fn logs(&self) -> u64 {
        let schedule = Schedule::of_window(&self.parameters(), SEED);
        (0..self.tasks).map(|task| schedule.count(task)).sum()
    }

    fn parameters(&self) -> Parameters {
        Parameters {
            queue: self.queue().into(),
            strategy: Strategy::Block,
            concurrency: self.tasks,
            rate: Rate::of_whole(self.rate),
            duration: Nanos::from_secs(self.seconds),
            stages: self.stages.clone(),
            ..Parameters::default()
        }
    }

    /// Its first try. `index` is its position in the table. There is no warm-up, so every log counts.
    pub fn repeat(&self, index: usize) -> PlannedRepeat {
        PlannedRepeat {
            case: index,
            repeat: 0,
            attempt: 0,
            case_id: self.queue().into(),
            parameters: self.parameters(),
            warmup: Nanos::ZERO,
            control: crate::plan::CONTROL,
            drain_timeout: Nanos::from_secs(5),
            deadline: Nanos::from_secs(self.seconds + 15),
            memory_limit: None,
            steady: None,
            seed: SEED,
        }
    }
}

/// All experiments, in the order in which they run.
pub fn experiments() -> Vec<Experiment> {
    let mut all = Vec::new();
    all.extend(services());
    all.push(alternation());
    all.extend(countings());
    all.push(bounded());
    all.push(spike());
    all.push(stall());
    all
}

/// The claim that a quantile of the service time is `ns`. The measured cost of timing is allowed in addition.
fn service(number: &'static str, read: fn(&Measurement) -> Option<f64>, ns: u64) -> Claim {
    Claim::about(number, read, Unit::Ns, ns as f64, ns as f64 * SHARE).of_service()
}

fn services() -> [Experiment; 3] {
    let p50: fn(&Measurement) -> Option<f64> = |m| percentile(&m.latency.enqueue, 50);
    let takes = |name, title, ns, tasks, rate, proves| Experiment {
        name,
        title,
        behaviour: Behaviour::Takes { ns },
        tasks,
        rate,
        seconds: 1,
        stages: None,
        claims: vec![service("enqueue p50", p50, ns).proving(proves)],
    };
    [
        takes("service-2us", "takes 2 µs for each call", 2 * US, 2, 10_000, "short calls are timed right"),
        takes("service-50us", "takes 50 µs for each call", 50 * US, 10, 500, "usual calls are timed right"),
        takes("service-1ms", "takes 1 ms for each call", MS, 10, 20, "long calls are timed right"),
    ]
}

fn alternation() -> Experiment {
    let (short_ns, long_ns) = (20 * US, 200 * US);
    Experiment {
        name: "alternation",
        title: "takes 20 µs and 200 µs in turn",
        behaviour: Behaviour::Alternates { short_ns, long_ns },
        tasks: 4,
        rate: 500,
        seconds: 1,
        stages: None,
        claims: vec![
            service("enqueue p25", |m| percentile(&m.latency.enqueue, 25), short_ns)
                .proving("the fast half is not averaged away"),
            service("enqueue p75", |m| percentile(&m.latency.enqueue, 75), long_ns).proving("nor is the slow half"),
        ],
    }
}

fn countings() -> [Experiment; 5] {
    let counting = |name, title, behaviour, tasks, proves| Experiment {
        name,
        title,
        behaviour,
        tasks,
        rate: 10_000 / tasks,
        seconds: 1,
        stages: None,
        claims: vec![Claim::ledger(behaviour).proving(proves)],
    };
    [
        counting("drops", "refuses every 7th log", Behaviour::DropsEvery(7), 10, "drops are counted, none assumed"),
        counting(
            "loses",
            "accepts and loses every 1,000th log",
            Behaviour::LosesEvery(1_000),
            10,
            "losses are found unaided",
        ),
        counting(
            "repeats",
            "delivers every 1,000th log twice",
            Behaviour::RepeatsEvery(1_000),
            10,
            "repetitions are found",
        ),
        counting(
            "overtakes",
            "delivers one log of 1,000 after the next one",
            Behaviour::OvertakesEvery(1_000),
            1,
            "reordering is found",
        ),
        counting(
            "exchanges",
            "loses one log and delivers another twice",
            Behaviour::Exchanges { log: 5_000 },
            1,
            "equal totals hide no loss",
        ),
    ]
}

/// A queue with a capacity of k logs. One task offers λ logs/s and the server handles μ < λ logs/s. The queue is full
/// when k more logs have come than gone; from then on, every log waits until another one has been served.
fn bounded() -> Experiment {
    let (capacity, ns, rate, seconds) = (100, MS, 2_000_u32, 2);
    let Fill { accepted, at_once } = fill(capacity, ns, SECOND / u64::from(rate), seconds * SECOND);
    let (blocked, per_s) = ((accepted - at_once) as f64 / accepted as f64, accepted as f64 / seconds as f64);
    let served = SECOND as f64 / ns as f64;
    Experiment {
        name: "bounded",
        title: "holds 100 logs before a server of 1 ms a log, offered 2,000/s",
        behaviour: Behaviour::Bounded { capacity: capacity as usize, ns },
        tasks: 1,
        rate,
        seconds,
        stages: None,
        claims: vec![
            Claim::about("blocked share", blocked_share, Unit::Share, blocked, blocked * WAITED)
                .proving("who had to wait is known"),
            Claim::about("accepted", |m| Some(m.rates.accepted_per_s), Unit::PerS, per_s, per_s * SHARE)
                .proving("the offered rate is not taken for it"),
            Claim::about("delivered", |m| Some(m.rates.delivered_per_s), Unit::PerS, served, served * SHARE)
                .proving("the sink's speed is seen"),
        ],
    }
}

fn blocked_share(measurement: &Measurement) -> Option<f64> {
    let blocked = measurement.latency.blocked.as_ref()?.count;
    let accepted = measurement.latency.enqueue.count;
    (accepted > 0).then(|| blocked as f64 / accepted as f64)
}

/// The number of logs that a filling queue accepts.
struct Fill {
    /// In the whole window.
    accepted: u64,
    /// Of these: logs that found room at once.
    at_once: u64,
}

/// Logs are due every `interval` from 0 on. The server takes `service` for each, one after the other without a pause.
/// As long as no log has had to wait, log n finds n - (n x interval / service) logs in the queue.
fn fill(capacity: u64, service: u64, interval: u64, span: u64) -> Fill {
    let at_once = (0..).find(|n| n - n * interval / service >= capacity).expect("the load is above the server's speed");
    // Accepted by the end of the window: all logs that were served by then, and a full queue.
    Fill { accepted: span / service + capacity, at_once }
}

/// A queue that stalls once. The logs that are due during the stall wait for the rest of it, so their waits are a
/// staircase from `stall` down to one interval. The 100 longest waits are above the p99 of 10,000 logs.
fn stall() -> Experiment {
    const STALL: u64 = 500 * MS;
    const RATE: u32 = 1_000;
    const SECONDS: u64 = 10;
    const INTERVAL: u64 = SECOND / RATE as u64;
    const LOGS: u64 = RATE as u64 * SECONDS;
    let above_p99 = LOGS / 100;
    let p99 = (STALL - above_p99 * INTERVAL) as f64;
    let steps = STALL / INTERVAL;
    let mean_ns = (steps * (steps + 1) / 2 * INTERVAL) as f64 / LOGS as f64;
    Experiment {
        name: "stall",
        title: "stands still once in 10 s, for 500 ms",
        behaviour: Behaviour::Stalls { log: LOGS / 2, ns: STALL },
        tasks: 1,
        rate: RATE,
        seconds: SECONDS,
        stages: None,
        claims: vec![
            Claim::about("response p99", |m| percentile(&m.latency.response, 99), Unit::Ns, p99, p99 * SHARE)
                .proving("who waits for a stall is seen"),
            Claim::about("response mean", |m| mean(&m.latency.response), Unit::Ns, mean_ns, mean_ns * SHARE)
                .proving("and for how long"),
            Claim::at_most("lateness p99", |m| percentile(&m.latency.lateness, 99), Unit::Ns, p99 * SHARE)
                .of_lateness()
                .proving("the stall is not blamed on us"),
            Claim::at_most("enqueue p99", |m| percentile(&m.latency.enqueue, 99), Unit::Ns, INTERVAL as f64)
                .proving("call times alone hide it"),
            Claim::about("sent", |m| Some(m.ledger.attempted as f64), Unit::Logs, LOGS as f64, 0.0)
                .proving("no late log is skipped"),
        ],
    }
}

/// A server that takes a fixed time for each log, under a load below its speed, with a spike above it. What came during
/// the spike and was not served is the backlog at its end. From then on the backlog falls by the difference between the
/// server's speed and the load.
fn spike() -> Experiment {
    const SERVICE: u64 = MS;
    const RATE: u64 = 500;
    const FACTOR: u64 = 3;
    const BEFORE: u64 = 500 * MS;
    const LASTING: u64 = 400 * MS;
    const AFTER: u64 = 1_100 * MS;
    let speed = SECOND / SERVICE;
    let backlog = (RATE * FACTOR - speed) as f64 * LASTING as f64 / SECOND as f64;
    let recovery = backlog / (speed - RATE) as f64 * SECOND as f64;
    let stage = |ns, factor: &str| {
        let rate: Multiple = factor.parse().expect("it is written here");
        Stage { name: None, length: Nanos(ns), shape: Shape::Step(rate) }
    };
    let stages = vec![stage(BEFORE, "1x"), stage(LASTING, "3x"), stage(AFTER, "1x")];
    Experiment {
        name: "spike",
        title: "takes 1 ms for each call, offered 500/s and a spike of 1,500/s",
        behaviour: Behaviour::Takes { ns: SERVICE },
        tasks: 1,
        rate: RATE as u32,
        seconds: (BEFORE + LASTING + AFTER) / SECOND,
        stages: Some(Stages::new(stages).expect("they are within all bounds")),
        claims: vec![
            Claim::about("recovery", recovered, Unit::Ns, recovery, recovery * SHARE)
                .proving("how long a spike is felt is seen"),
        ],
    }
}

fn recovered(measurement: &Measurement) -> Option<f64> {
    measurement.recovery?.recovered_ns.map(|ns| ns as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::OVERHEAD;
    use crate::selftest::{Claimed, FAMILY, Overhead};

    fn claimed(name: &str) -> Vec<Claimed> {
        let experiment = experiments().into_iter().find(|experiment| experiment.name == name).unwrap();
        experiment.claims.iter().map(|claim| claim.claimed(experiment.logs(), &Overhead::default())).collect()
    }

    #[test]
    fn the_readme_shows_all_of_it() {
        let readme = include_str!("../../README.md");
        let shown = readme.split("  number         claimed").nth(1).unwrap().split("```").next().unwrap();
        let claims: Vec<(&str, &str)> = shown
            .lines()
            .skip(1)
            .filter_map(|line| line.strip_prefix("  ")?.split_once("  "))
            .map(|(number, rest)| (number, rest.rsplit("  ").next().unwrap()))
            .collect();
        let all = experiments();
        let of_all =
            all.iter().flat_map(|experiment| experiment.claims.iter().map(|claim| (claim.number, claim.proves)));
        assert_eq!(claims, of_all.collect::<Vec<_>>());
        assert!(all.iter().all(|experiment| shown.contains(&format!("\na queue that {}\n", experiment.title))));
    }

    #[test]
    fn names_are_unique_and_no_scenario_could_use_them() {
        let mut names: Vec<String> = experiments().iter().map(Experiment::queue).collect();
        assert!(names.iter().all(|name| name.starts_with(FAMILY) && name.contains(':')));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), experiments().len());
    }

    #[test]
    fn every_claim_says_what_it_proves() {
        for experiment in experiments() {
            assert!(!experiment.claims.is_empty(), "{}", experiment.name);
            assert!(experiment.claims.iter().all(|claim| claim.proves.len() > 10), "{}", experiment.name);
        }
    }

    #[test]
    fn a_staircase_by_hand() {
        let about = |value, tolerance| Claimed::About { unit: Unit::Ns, value, tolerance, overhead: 0.0 };
        assert_eq!(
            claimed("stall")[..4],
            [
                about(400e6, 12e6),
                // 1 + 2 + … + 500 ms over 10,000 logs.
                about(12_525_000.0, 375_750.0),
                Claimed::AtMost { unit: Unit::Ns, value: 12e6 },
                Claimed::AtMost { unit: Unit::Ns, value: 1e6 },
            ]
        );
    }

    #[test]
    fn a_filling_queue_by_hand() {
        // Capacity 2, service 10, interval 5. Log 0 finds 0 logs. Log 1, at 5, finds 1. Log 2, at 10, finds 1, since
        // log 0 is served. Log 3, at 15, finds 2 and waits until 20. By 40, logs 0 to 3 are served, and logs 4 and 5
        // fill it.
        let Fill { accepted, at_once } = fill(2, 10, 5, 40);
        assert_eq!((accepted, at_once), (6, 3));
        let about =
            |unit, value: f64, within: f64| Claimed::About { unit, value, tolerance: value * within, overhead: 0.0 };
        let expected =
            [(Unit::Share, 1_901.0 / 2_100.0, 0.05), (Unit::PerS, 1_050.0, 0.03), (Unit::PerS, 1_000.0, 0.03)];
        assert_eq!(claimed("bounded"), expected.map(|(unit, value, within)| about(unit, value, within)));
    }

    #[test]
    fn all_fit_into_a_minute_with_time_for_more_tries() {
        let once: u64 = experiments().iter().map(|experiment| experiment.seconds * SECOND + OVERHEAD.0).sum();
        assert!(once < 40 * SECOND, "{once}");
    }
}
