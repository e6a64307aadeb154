use super::*;
use crate::scenario::{Context, Overrides, Placement, QueueSpec, Strategy, parse};
use proptest::prelude::{prop_assert, prop_assert_eq, prop_assert_ne, proptest};
use std::collections::BTreeSet;

fn catalog() -> Catalog {
    Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec())])
}

fn scenario(name: &str, text: &str) -> Scenario {
    repeated(name, text, 3)
}

/// A scenario with `default_repeats` repeats, if its text does not set a number.
fn repeated(name: &str, text: &str, default_repeats: u32) -> Scenario {
    let catalog = catalog();
    let overrides = Overrides::none();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats };
    parse(name, text.as_bytes(), context).unwrap_or_else(|errors| panic!("{errors}"))
}

pub(super) fn plan(texts: &[&str]) -> Plan {
    let scenarios = texts.iter().enumerate().map(|(n, text)| scenario(&format!("{n}.toml"), text));
    Plan::new(scenarios.collect(), &catalog(), &Selector::default()).unwrap()
}

/// The indices of the cases of each round, in order.
fn rounds(plan: &Plan) -> Vec<Vec<usize>> {
    let count = plan.cases.len();
    plan.repeats.chunks(count).map(|round| round.iter().map(|r| r.case).collect()).collect()
}

#[test]
fn the_order_of_a_seed_is_the_same_in_every_version() {
    let plan = plan(&["[matrix]\nmaxsize = [1, 2, 3, 4, 5, 6, 7, 8]\n[run]\nseed = 42\n"]);
    insta::assert_snapshot!(format!("{:?}", rounds(&plan)), @"[[3, 4, 6, 5, 2, 7, 1, 0], [0, 2, 3, 1, 4, 6, 5, 7], [5, 3, 4, 1, 2, 0, 7, 6]]");
    insta::assert_snapshot!(plan.repeats[0].seed, @"340492990080826257");
}

#[test]
fn as_written_is_as_written() {
    let plan = plan(&["[matrix]\nmaxsize = [3, 1, 2]\n[run]\norder = \"as-written\"\nrepeats = 2\n"]);
    assert_eq!(rounds(&plan), [[0, 1, 2], [0, 1, 2]]);
    let numbers: Vec<u32> = plan.repeats.iter().map(|repeat| repeat.repeat).collect();
    assert_eq!(numbers, [0, 0, 0, 1, 1, 1]);
}

#[test]
fn times_are_filled_in() {
    let plan = plan(&[
        "[matrix]\nmaxsize = 100\nsink_delay = \"1ms\"\nduration = \"3s\"\n[run]\nwarmup = \"1s\"\n",
        "[matrix]\nmaxsize = 10_000\nsink_delay = \"1ms\"\nduration = \"3s\"\n[run]\nwarmup = \"1s\"\n",
        "[matrix]\nmaxsize = 100_000_000\nsink_delay = \"10s\"\nduration = \"24h\"\n",
        "[matrix]\n[run]\ndrain_timeout = \"7s\"\ndeadline = \"77s\"\n",
    ]);
    let times: Vec<(String, String)> = plan
        .repeats
        .iter()
        .step_by(3)
        .map(|repeat| (repeat.drain_timeout.to_string(), repeat.deadline.to_string()))
        .collect();
    let times: Vec<(&str, &str)> = times.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(times, [("10s", "44s"), ("20s", "54s"), ("2000000000s", "2000086430500ms"), ("7s", "77s"),]);
}

#[test]
fn an_estimate_counts_what_a_slow_sink_still_has_to_write() {
    let text = "[matrix]\nduration = \"3s\"\n[run]\nwarmup = \"1s\"\nrepeats = 2\n";
    assert_eq!(plan(&[text]).estimate(), Nanos::from_millis(2 * 5_300));
    let slow = "[matrix]\nduration = \"3s\"\nrate = 1_000\nmaxsize = 2_000\nsink_delay = \"1ms\"\n\
                [run]\nwarmup = \"1s\"\nrepeats = 2\n";
    assert_eq!(plan(&[slow]).estimate(), Nanos::from_millis(2 * 7_300));
}

#[test]
fn scenarios_run_one_after_the_other_with_settings_of_their_own() {
    let first = "[matrix]\nmaxsize = [1, 2]\n[run]\nrepeats = 1\n";
    let second = "[matrix]\n[run]\nrepeats = 2\nwarmup = \"0s\"\n";
    let plan = plan(&[first, second]);
    let cases: BTreeSet<usize> = plan.repeats[..2].iter().map(|repeat| repeat.case).collect();
    assert_eq!(cases, BTreeSet::from([0, 1]));
    let rest: Vec<(usize, u32, Nanos)> = plan.repeats[2..].iter().map(|r| (r.case, r.repeat, r.warmup)).collect();
    assert_eq!(rest, [(2, 0, Nanos::ZERO), (2, 1, Nanos::ZERO)]);
    assert_eq!(plan.scenario_of(&plan.cases[2]).name, "1");
}

#[test]
fn a_filter_keeps_some_cases() {
    let scenarios = vec![scenario("a.toml", "[matrix]\nmaxsize = [1, 2, 3]\n")];
    let filter = Selector::from_filters(&["maxsize=2".to_owned()], &catalog()).unwrap();
    let plan = Plan::new(scenarios, &catalog(), &filter).unwrap();
    assert_eq!(plan.cases.len(), 1);
    assert!(plan.repeats.iter().all(|repeat| repeat.parameters.maxsize == 2 && repeat.case == 0));
}

#[test]
fn too_many_repeats_are_refused_before_they_are_made() {
    let sizes: Vec<String> = (1..=2_000).map(|n| n.to_string()).collect();
    let text = format!("[matrix]\nmaxsize = [{}]\n[run]\nrepeats = 501\n", sizes.join(","));
    let error = Plan::new(vec![scenario("a.toml", &text)], &catalog(), &Selector::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "command line: 1,002,000 repeats are too many for one plan (at most 1,000,000)"
    );
}

#[test]
fn errors_of_all_scenarios_are_said() {
    let broken = "[matrix]\n[[exclude]]\nmaxsize = 5\n";
    let scenarios = vec![scenario("a.toml", broken), scenario("b.toml", broken)];
    let errors = Plan::new(scenarios, &catalog(), &Selector::default()).unwrap_err();
    assert_eq!(errors.len(), 2);
}

#[test]
fn a_repeat_survives_the_wire_and_a_retry_keeps_its_seed() {
    let plan = plan(&["[matrix]\n"]);
    let repeat = &plan.repeats[0];
    let json = serde_json::to_string(repeat).unwrap();
    assert_eq!(&serde_json::from_str::<PlannedRepeat>(&json).unwrap(), repeat);
    let again = repeat.retry();
    assert_eq!((again.attempt, again.repeat), (1, repeat.repeat));
    assert_eq!(again, repeat.retry(), "the same seed in every run");
    assert!(again.seed != repeat.seed && again.retry().seed != again.seed, "another one for each try");
}

/// The shipped scenarios, each with its number of cases and its longest time in seconds.
const SHIPPED: [(&str, &str, usize, u64); 7] = [
    ("default.toml", include_str!("../../scenarios/default.toml"), 9, 120),
    ("smoke.toml", include_str!("../../scenarios/smoke.toml"), 3, 20),
    ("overload.toml", include_str!("../../scenarios/overload.toml"), 4, 30),
    ("spike.toml", include_str!("../../scenarios/spike.toml"), 3, 30),
    ("soak.toml", include_str!("../../scenarios/soak.toml"), 3, 3_600),
    ("corners.toml", include_str!("../../scenarios/corners.toml"), 9, 180),
    ("must-fail.toml", include_str!("../../scenarios/must-fail.toml"), 1, 3),
];

#[test]
fn the_shipped_scenarios_are_planned_as_they_say() {
    for (file, text, cases, seconds) in SHIPPED {
        let scenario = scenario(file, text);
        assert_eq!(format!("{}.toml", scenario.name.as_given()), file);
        assert!(scenario.description.is_some() && text.starts_with('#'), "{file}");
        let plan = Plan::new(vec![scenario], &catalog(), &Selector::default()).unwrap();
        assert_eq!((plan.cases.len(), plan.notes.len()), (cases, 0), "{file}");
        assert!(plan.estimate() < Nanos::from_secs(seconds), "{file}: {}", plan.estimate());
    }
}

#[test]
fn what_ci_gates_leaves_the_number_of_repeats_to_the_gate_and_holds_the_threads_still() {
    for (file, text, ..) in SHIPPED.into_iter().filter(|(file, ..)| ["default.toml", "smoke.toml"].contains(file)) {
        for asked in [3, 10] {
            let plan = Plan::new(vec![repeated(file, text, asked)], &catalog(), &Selector::default()).unwrap();
            assert_eq!(plan.repeats.len(), plan.cases.len() * asked as usize, "{file}");
            let split = plan.cases.iter().all(|case| case.parameters.placement == Placement::Split);
            assert!(split, "{file}: repeats fall in groups where the kernel chooses the CPUs");
        }
    }
}

proptest! {
    #[test]
    fn each_round_is_a_permutation_and_a_seed_is_an_order(
        cases in 1usize..40, repeats in 1u32..5, seed: u64,
    ) {
        let sizes: Vec<String> = (1..=cases).map(|n| n.to_string()).collect();
        let text = |repeats: u32| format!(
            "[matrix]\nmaxsize = [{}]\n[run]\nseed = {seed}\nrepeats = {repeats}\n", sizes.join(",")
        );
        let first = plan(&[&text(repeats)]);
        prop_assert_eq!(first.repeats.len(), cases * repeats as usize);
        for (number, round) in rounds(&first).iter().enumerate() {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            prop_assert!(sorted.into_iter().eq(0..cases), "round {}", number);
        }
        // The same text gives the same plan, and more repeats leave the earlier rounds as they are.
        let longer = plan(&[&text(repeats + 1)]);
        prop_assert_eq!(&first.repeats[..], &longer.repeats[..first.repeats.len()]);
        let seeds: BTreeSet<u64> = first.repeats.iter().map(|repeat| repeat.seed).collect();
        prop_assert_eq!(seeds.len(), first.repeats.len());
    }

    #[test]
    fn another_seed_is_another_order(seed in 0u64..u64::MAX) {
        let mut one: Vec<usize> = (0..30).collect();
        let mut other = one.clone();
        shuffle(&mut one, derive_seed(seed, "order", 0));
        shuffle(&mut other, derive_seed(seed + 1, "order", 0));
        prop_assert_ne!(one, other);
    }
}
