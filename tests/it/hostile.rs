//! What anyone may put into a file: the seeds of `fuzz/`, and what becomes of them when they are damaged. The same
//! functions that are fuzzed, on a stable compiler. And a scenario of any content survives being printed.

use proptest::prelude::*;
use queue_load::internals::hostile::TARGETS;
use queue_load::internals::scenario::{AXES, Catalog, Context, Overrides, Scenario, TOTAL_RATE, parse};
use queue_load::internals::worker::Queues;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::path::PathBuf;

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let mut seeds: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    seeds.sort();
    seeds
}

/// One of: bytes changed, a piece cut out, a piece said again elsewhere, the end cut off, a number made large.
fn damaged(seed: &[u8], other: &[u8], draw: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let mut below = |most: usize| (draw.next_u64() % (most.max(1) as u64)) as usize;
    for _ in 0..=below(4) {
        let at = below(bytes.len());
        let end = (at + 1 + below(64)).min(bytes.len());
        match below(6) {
            0 if !bytes.is_empty() => bytes[at] = below(256) as u8,
            1 => drop(bytes.drain(at.min(end)..end)),
            2 => bytes.truncate(at),
            3 => {
                let from = below(other.len());
                let piece = other[from..(from + below(200)).min(other.len())].to_vec();
                bytes.splice(at.min(bytes.len())..at.min(bytes.len()), piece);
            }
            4 => {
                let numbers = ["-1", "0", "18446744073709551615", "1e999", "1e308", "null", "\"\"", "[]", "{}"];
                let number = numbers[below(numbers.len())];
                let start = bytes[at.min(bytes.len())..].iter().position(u8::is_ascii_digit).map_or(at, |n| at + n);
                let digits = bytes[start.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                bytes.splice(start.min(bytes.len())..start.min(bytes.len()) + digits, number.bytes());
            }
            _ => bytes.splice(at.min(bytes.len())..at.min(bytes.len()), [0xff, 0xfe, 0, b'\n']).for_each(drop),
        }
    }
    bytes
}

#[test]
fn every_format_has_a_target_seeds_and_a_recipe() {
    let read = |file: &str| std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (manifest, recipes) = (read("fuzz/Cargo.toml"), read("Justfile"));
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        assert!(read(&format!("fuzz/fuzz_targets/{name}.rs")).contains(&format!("hostile::{name}(")), "{name}");
        assert!(recipes.lines().any(|line| line.starts_with("fuzz-targets :=") && line.contains(name)), "{name}");
        assert!(!seeds(name).is_empty(), "{name}");
    }
}

#[test]
fn seeds_hold() {
    for (name, hold) in TARGETS {
        for (path, bytes) in seeds(name) {
            eprintln!("{}", path.display());
            hold(&bytes);
        }
    }
}

#[test]
fn damaged_seeds_hold() {
    damage(40);
}

#[test]
#[ignore = "takes time"]
fn thousands_of_damaged_seeds_hold() {
    damage(2_000);
}

fn damage(times: usize) {
    let mut draw = Xoshiro256PlusPlus::seed_from_u64(42);
    let mut broken = Vec::new();
    for (name, hold) in TARGETS {
        let seeds = seeds(name);
        for turn in 0..times {
            let seed = &seeds[turn % seeds.len()].1;
            let other = &seeds[draw.next_u64() as usize % seeds.len()].1;
            let bytes = damaged(seed, other, &mut draw);
            if std::panic::catch_unwind(|| hold(&bytes)).is_err() {
                broken.push(format!("{name}, turn {turn}"));
            }
        }
    }
    assert_eq!(broken, [""; 0], "what was wrong with each stands above");
}

/// Where the whole numbers of a text begin and end.
fn numbers(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match found.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

#[test]
fn every_number_may_be_any_other() {
    change_numbers(5);
}

#[test]
#[ignore = "takes time"]
fn every_number_of_more_may_be_any_other() {
    change_numbers(60);
}

/// Changes each of up to `most` numbers of every seed.
fn change_numbers(most: usize) {
    let mut broken = Vec::new();
    for (name, hold) in TARGETS {
        for (path, bytes) in seeds(name) {
            let numbers = numbers(&bytes);
            for place in numbers.iter().step_by(numbers.len().div_ceil(most).max(1)) {
                for other in ["18446744073709551615", "9007199254740993"] {
                    let mut text = bytes.clone();
                    text.splice(place.clone(), other.bytes());
                    if std::panic::catch_unwind(|| hold(&text)).is_err() {
                        broken.push(format!("{}: {other} at byte {}", path.display(), place.start));
                    }
                }
            }
        }
    }
    assert_eq!(broken, [""; 0], "what was wrong with each stands above");
}

fn read(text: &str, catalog: &Catalog) -> Result<Scenario, String> {
    let overrides = Overrides::default();
    let context = Context { catalog, overrides: &overrides, default_repeats: 3 };
    parse("any.toml", text.as_bytes(), context).map_err(|found| found.to_string())
}

/// What one scenario says, as the pieces that TOML is made of.
#[derive(Clone, Debug)]
struct Any {
    name: String,
    description: String,
    axes: Vec<(&'static str, Vec<String>)>,
    target: Vec<(&'static str, String)>,
    run: Vec<(&'static str, String)>,
    checks: Vec<String>,
}

impl Any {
    fn to_toml(&self) -> String {
        let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let list = |values: &[String]| format!("[{}]", values.join(", "));
        let table = |pairs: &[(&str, String)]| {
            pairs.iter().map(|(key, value)| format!("{key} = {value}\n")).collect::<String>()
        };
        let axes: String = self.axes.iter().map(|(axis, values)| format!("{axis} = {}\n", list(values))).collect();
        let checks: String = self.checks.iter().map(|check| format!("[[check]]\nexpect = {}\n", text(check))).collect();
        let (name, description) = (text(&self.name), text(&self.description));
        let (target, run) = (table(&self.target), table(&self.run));
        format!("name = {name}\ndescription = {description}\n[target]\n{target}[matrix]\n{axes}[run]\n{run}{checks}")
    }
}

fn any_time() -> impl Strategy<Value = String> {
    (1_u64..3_600_000, prop::sample::select(vec!["ms", "us"])).prop_map(|(number, unit)| format!("\"{number}{unit}\""))
}

/// A few different values for an axis.
fn values(of: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(of, 1..4).prop_map(|set| set.into_iter().collect())
}

fn any_scenario() -> impl Strategy<Value = Any> {
    let quoted = |words: &'static [&'static str]| prop::sample::select(words).prop_map(|word| format!("\"{word}\""));
    let axes = (
        values((1_u64..100_000_000).prop_map(|n| n.to_string())),
        values((1_u64..10_000).prop_map(|n| n.to_string())),
        values((1_u64..1_000_000, 1_u64..100).prop_map(|(n, s)| format!("\"{n}/{s}s\""))),
        values(any_time()),
        values(quoted(&["drop", "block", "sample"])),
        values((1_u64..10_000).prop_map(|n| format!("\"{}.{:02}%\"", n / 100, n % 100))),
        values((1_u64..64, 1_u64..65_536).prop_map(|(fields, bytes)| format!("\"{fields}f+{bytes}B\""))),
        values(quoted(&["uniform", "poisson"])),
    );
    let axes = axes.prop_map(|(maxsize, concurrency, rate, duration, strategy, sample_rate, payload, arrival)| {
        vec![
            ("maxsize", maxsize),
            ("concurrency", concurrency),
            ("rate", rate),
            ("duration", duration),
            ("strategy", strategy),
            ("sample_rate", sample_rate),
            ("payload", payload),
            ("arrival", arrival),
        ]
    });
    let target = (any_time(), quoted(&["mean", "p50", "p99", "p99.9", "max"]), 1_u64..1_000_000);
    let target = target.prop_map(|(latency, statistic, rate)| {
        vec![("latency", latency), ("statistic", statistic), ("throughput", format!("\"{rate}/s\""))]
    });
    let run = (any_time(), 1_u32..1_000, any::<u64>(), 16_u64..4_096).prop_map(|(warmup, repeats, seed, memory)| {
        vec![
            ("warmup", warmup),
            ("repeats", repeats.to_string()),
            ("seed", seed.to_string()),
            ("memory_limit", format!("\"{memory}MiB\"")),
        ]
    });
    let check = (quoted(&["p99(response)", "mean(enqueue)", "max(delivery)"]), any_time())
        .prop_map(|(what, time)| format!("{} < {}", what.trim_matches('"'), time.trim_matches('"')));
    let words = "[a-zA-Z0-9][a-zA-Z0-9 _.-]{0,20}";
    (words, "[^\\p{C}]{1,40}", axes, target, run, prop::collection::vec(check, 0..3)).prop_filter_map(
        "a description of blanks says nothing",
        |(name, description, axes, target, run, checks)| {
            let has_words = !description.trim().is_empty() && !name.trim().is_empty();
            has_words.then_some(Any { name, description, axes, target, run, checks })
        },
    )
}

/// The scenario as text again, from what was read of it.
fn printed(scenario: &Scenario, as_written: &Any) -> Any {
    let values = |axis: &str| {
        let values = scenario.matrix.values(axis).iter().map(|value| value.text().as_given().to_owned());
        let is_bare = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
        values.map(|text| if is_bare(&text) { text } else { format!("\"{text}\"") }).collect()
    };
    let (target, run) = (&scenario.target, &scenario.run);
    let quoted = |text: String| format!("\"{text}\"");
    Any {
        name: scenario.name.as_given().to_owned(),
        description: scenario.description.clone().unwrap_or_default().as_given().to_owned(),
        axes: as_written.axes.iter().map(|(axis, _)| (*axis, values(axis))).collect(),
        target: vec![
            ("latency", quoted(target.latency.to_string())),
            ("statistic", quoted(target.statistic.to_string())),
            ("throughput", quoted(target.throughput.to_string())),
        ],
        run: vec![
            ("warmup", quoted(run.warmup.to_string())),
            ("repeats", run.repeats.to_string()),
            ("seed", run.seed.to_string()),
            ("memory_limit", quoted(run.memory_limit.unwrap_or_default().to_string())),
        ],
        checks: scenario.checks.iter().map(|check| check.expression.as_given().to_owned()).collect(),
    }
}

/// All that a scenario means, without where it stands in its text.
fn meaning(scenario: &Scenario) -> String {
    let values = |axis: &str| scenario.matrix.values(axis).iter().map(|value| value.text()).collect::<Vec<_>>();
    let axes: Vec<_> = AXES.iter().map(|axis| axis.name).chain([TOTAL_RATE.name]).map(values).collect();
    let checks: Vec<_> = scenario.checks.iter().map(|check| &check.expectation).collect();
    let (name, description) = (&scenario.name, &scenario.description);
    format!("{name:?} {description:?} {axes:?} {:?} {:?} {checks:?}", scenario.target, scenario.run)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_scenario_that_is_printed_and_read_again_means_the_same(any in any_scenario()) {
        let catalog = Queues::with_own().catalog();
        let text = any.to_toml();
        match read(&text, &catalog) {
            Ok(first) => {
                let again = printed(&first, &any).to_toml();
                let second = read(&again, &catalog).map_err(TestCaseError::fail)?;
                prop_assert_eq!(meaning(&second), meaning(&first), "{}", again);
                let third = printed(&second, &any).to_toml();
                prop_assert_eq!(third, again, "printing settles at once");
            }
            // What may not be together is said so; what is said is nothing else.
            Err(found) => prop_assert!(found.contains("too many") || found.contains("out of range"), "{}\n{}", found, text),
        }
    }
}
