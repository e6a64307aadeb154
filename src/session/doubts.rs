//! What a plan asks for and no run of it can show: notes for `validate` and `list`.

use crate::load::Schedule;
use crate::matrix::Case;
use crate::measure::steady::{FEWEST_BLOCKS, IN_A_ROW, block_ns};
use crate::plan::{IDLE, Plan};
use crate::scenario::{Arrival, Expectation, LatencyName, Parameters, Scenario, Statistic};
use crate::units::{Nanos, human};
use crate::verdict::{MIN_SAMPLES, below_target_load, has_samples};

/// Parts of a quantile that make a whole of [`has_samples`], for each millionth.
const PARTS: u64 = 1_000;

/// Time between two values of `lag`, in nanoseconds.
const BEAT: u64 = 1_000_000;

/// Time between two values of `timer_lag`, in nanoseconds.
const TICK: u64 = 5_000_000;

/// One note for each statistic that has too few samples in some case, and one for the cases that offer less than their
/// target asks for.
pub(super) fn of(plan: &Plan) -> Vec<String> {
    let scenarios = plan.scenarios.iter().enumerate();
    scenarios.flat_map(|(index, scenario)| of_scenario(plan, index, scenario)).collect()
}

fn of_scenario(plan: &Plan, index: usize, scenario: &Scenario) -> Vec<String> {
    let cases: Vec<&Case> = plan.cases.iter().filter(|case| case.scenario == index).collect();
    let file = scenario.file.quoted();
    let mut notes = Vec::new();
    let mut say = |place: String, concerned: Vec<&Case>, what: &dyn Fn(&Parameters) -> String| {
        if let Some(first) = concerned.first() {
            let (few, all) = (concerned.len() as u64, human::counted(cases.len() as u64, "case"));
            let which = if few == 1 { "" } else { "the first, " };
            let id = first.id.quoted();
            notes.push(format!("{place}: {} of {all}: {which}{id}: {}", human::count(few), what(&first.parameters)));
        }
    };
    let repeats = scenario.run.repeats;
    let target = scenario.target.statistic;
    let lacking = |of, statistic, parameters: &Parameters| !can_tell(of, statistic, parameters, repeats);
    let few = cases.iter().copied().filter(|case| lacking(LatencyName::Enqueue, target, &case.parameters));
    say(format!("{file}: target.statistic"), few.collect(), &|parameters| {
        too_few(LatencyName::Enqueue, target, parameters, repeats)
    });
    for check in &scenario.checks {
        let Expectation::Latency { statistic, of, .. } = check.expectation else { continue };
        let few = cases
            .iter()
            .copied()
            .filter(|case| check.selector.matches(&case.parameters) && lacking(of, statistic, &case.parameters));
        let place = format!("{file}:{}: check.expect", check.position);
        say(place, few.collect(), &|parameters| too_few(of, statistic, parameters, repeats));
    }
    let steady = scenario.run.steady;
    for (is_asked, key, length) in
        [(steady.window, "run.until", None), (steady.warmup, "run.steady_warmup", Some(steady.longest_warmup))]
    {
        let length = |parameters: &Parameters| length.unwrap_or(parameters.duration);
        let has = |parameters: &Parameters| blocks(length(parameters), parameters);
        let few = cases.iter().copied().filter(|case| is_asked && has(&case.parameters) < LEAST_BLOCKS);
        say(format!("{file}: {key}"), few.collect(), &|parameters| {
            let [needed, has] = [LEAST_BLOCKS, has(parameters)].map(human::count);
            format!("cannot be steady: it needs {needed} blocks of 1,200 logs, and {} have {has}", length(parameters))
        });
    }
    let below = cases.iter().copied().filter(|case| below_target_load(&case.parameters, &scenario.target));
    let throughput = scenario.target.throughput;
    say(format!("{file}: target.throughput"), below.collect(), &|parameters| {
        let offered = human::rate(parameters.offered_per_second());
        format!("offers {offered}, less than {throughput}, so it does not show the promise")
    });
    notes
}

/// Blocks that a window must have before it can be steady.
const LEAST_BLOCKS: u64 = FEWEST_BLOCKS + IN_A_ROW as u64 - 1;

/// Blocks that are looked at of a window, or a warm-up, of this length.
fn blocks(length: Nanos, parameters: &Parameters) -> u64 {
    (length.0 / block_ns(length.0, parameters.offered_per_second())).saturating_sub(1)
}

/// Most samples of a latency that the repeats of a case can have together.
fn samples(of: LatencyName, parameters: &Parameters, repeats: u32) -> u64 {
    let window = parameters.duration.0;
    let of_one = match of {
        LatencyName::Lag => window / BEAT,
        LatencyName::TimerLag => window / TICK,
        LatencyName::LagBefore => IDLE.0 / BEAT,
        LatencyName::TimerLagBefore => IDLE.0 / TICK,
        _ => scheduled(parameters),
    };
    of_one.saturating_mul(u64::from(repeats))
}

/// Logs that are due in the window, or a few more: the first task has at least as many as any other. A random schedule has
/// about as many as a regular one.
fn scheduled(parameters: &Parameters) -> u64 {
    let regular = match parameters.arrival {
        Arrival::Poisson => Arrival::Uniform,
        arrival @ (Arrival::Uniform | Arrival::Burst(_)) => arrival,
    };
    let schedule = Schedule::of_window(&Parameters { arrival: regular, ..parameters.clone() }, 0);
    schedule.count(0).saturating_mul(u64::from(schedule.tasks()))
}

/// Whether the statistic can have enough samples: the rule of the verdict.
fn can_tell(of: LatencyName, statistic: Statistic, parameters: &Parameters, repeats: u32) -> bool {
    let samples = samples(of, parameters, repeats);
    match statistic {
        Statistic::Mean | Statistic::Max => samples >= MIN_SAMPLES,
        Statistic::Quantile(quantile) => has_samples(samples, u64::from(quantile.ppm()) * PARTS),
    }
}

fn too_few(of: LatencyName, statistic: Statistic, parameters: &Parameters, repeats: u32) -> String {
    let needed = match statistic {
        Statistic::Mean | Statistic::Max => MIN_SAMPLES,
        Statistic::Quantile(quantile) => (MIN_SAMPLES * 1_000_000).div_ceil(u64::from(1_000_000 - quantile.ppm())),
    };
    let (has, needed) = (human::count(samples(of, parameters, repeats)), human::count(needed));
    let (runs, duration) = (human::counted(u64::from(repeats), "repeat"), parameters.duration);
    format!("{statistic}({of}) needs {needed} samples and can have {has}, in {runs} of {duration}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Catalog, Context, Overrides, QueueSpec, Selector, Strategy, parse};

    fn doubts(text: &str) -> Vec<String> {
        let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec())]);
        let overrides = Overrides::default();
        let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
        let scenario = parse("s.toml", text.as_bytes(), context).unwrap();
        of(&Plan::new(vec![scenario], &catalog, &Selector::default()).unwrap())
    }

    /// (the scenario, the notes)
    #[test]
    fn what_no_run_can_show_is_noted() {
        let matrix = |rate: &str, duration: &str| {
            format!("[matrix]\nqueue = \"builtin\"\nconcurrency = 10\ntotal_rate = {rate}\nduration = \"{duration}\"\n")
        };
        let check = |expect: &str| format!("[[check]]\nexpect = \"{expect}\"\n");
        let id =
            |rate: &str| format!("concurrency=10 duration=2s maxsize=1000 queue=builtin rate={rate} strategy=drop");
        for (text, expected) in [
            (matrix("\"10k/s\"", "2s"), vec![]),
            (
                matrix("[\"1k/s\", \"10k/s\"]", "2s"),
                vec![format!(
                    "s.toml: target.throughput: 1 of 2 cases: {}: offers 1.00k/s, less than 10000/s, so it does not show \
                     the promise",
                    id("100/s")
                )],
            ),
            (matrix("\"10k/s\"", "2s") + &check("p99.9(response) < 1s") + &check("max(lag) < 1s"), vec![]),
            (
                matrix("\"10k/s\"", "2s") + &check("p99.99(response) < 1s") + &check("p99.9(lag) < 1s"),
                vec![
                    format!(
                        "s.toml:7:10: check.expect: 1 of 1 case: {}: p99.99(response) needs 100,000 samples and can have \
                         60,000, in 3 repeats of 2s",
                        id("1000/s")
                    ),
                    format!(
                        "s.toml:9:10: check.expect: 1 of 1 case: {}: p99.9(lag) needs 10,000 samples and can have 6,000, \
                         in 3 repeats of 2s",
                        id("1000/s")
                    ),
                ],
            ),
        ] {
            assert_eq!(doubts(&text), expected, "{text}");
        }
        let target = "[target]\nstatistic = \"p99.99\"\n".to_owned() + &matrix("\"10k/s\"", "2s");
        let found = doubts(&target);
        assert!(found[0].starts_with("s.toml: target.statistic: 1 of 1 case: "), "{found:?}");
    }

    #[test]
    fn the_bound_is_that_of_the_verdict() {
        for (logs, enough) in [(999_u64, false), (1_000, true)] {
            let parameters = Parameters {
                concurrency: 1,
                rate: crate::units::Rate::from_per_second(logs).unwrap(),
                duration: crate::units::Nanos::from_secs(1),
                ..Parameters::default()
            };
            let p99 = Statistic::Quantile(crate::units::Quantile::P99);
            assert_eq!(can_tell(LatencyName::Response, p99, &parameters, 1), enough, "{logs}");
        }
    }
}
