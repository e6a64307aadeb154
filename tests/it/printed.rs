//! A scenario of any content survives being printed: read, printed and read again it means the same.

use proptest::prelude::*;
use proptest::sample::select;
use queue_load::internals::scenario::{
    AXES, Catalog, Clause, Context, Overrides, Scenario, Selector, Shape, Stage, TOTAL_RATE, axes, parse,
};
use queue_load::internals::units::Ratio;
use queue_load::internals::worker::Queues;

/// Keys and their values, as TOML has them.
type Pairs = Vec<(String, String)>;

/// What one scenario says, as the pieces that TOML is made of.
#[derive(Clone, Debug)]
struct Any {
    name: String,
    description: String,
    queues: Vec<(String, Pairs)>,
    load: Pairs,
    axes: Vec<(String, Vec<String>)>,
    excludes: Vec<Pairs>,
    includes: Vec<Pairs>,
    target: Pairs,
    run: Pairs,
    checks: Vec<(String, Pairs)>,
    gate: Pairs,
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(values: &[String]) -> String {
    format!("[{}]", values.join(", "))
}

fn table(pairs: &Pairs) -> String {
    pairs.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

fn inline(pairs: &Pairs) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

impl Any {
    fn to_toml(&self) -> String {
        let mut text = format!("name = {}\ndescription = {}\n", quoted(&self.name), quoted(&self.description));
        let axes: Pairs = self.axes.iter().map(|(axis, values)| (axis.clone(), list(values))).collect();
        let sections = [("target", &self.target), ("matrix", &axes), ("load", &self.load), ("run", &self.run)];
        for (section, pairs) in sections.into_iter().chain([("gate", &self.gate)]) {
            text.push_str(&format!("[{section}]\n{}", table(pairs)));
        }
        for (name, pairs) in &self.queues {
            text.push_str(&format!("[queues.{}]\n{}", quoted(name), table(pairs)));
        }
        for (kind, tables) in [("exclude", &self.excludes), ("include", &self.includes)] {
            for pairs in tables {
                text.push_str(&format!("[[{kind}]]\n{}", table(pairs)));
            }
        }
        for (check, applies) in &self.checks {
            text.push_str(&format!("[[check]]\nexpect = {}\nwhere = {}\n", quoted(check), inline(applies)));
        }
        text
    }
}

fn any_time(most: u64) -> impl Strategy<Value = String> {
    (1..most, select(vec!["ms", "us"])).prop_map(|(number, unit)| format!("\"{number}{unit}\""))
}

fn any_of(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(words).prop_map(|word| format!("\"{word}\""))
}

fn any_share() -> impl Strategy<Value = String> {
    (1_u64..10_000).prop_map(|n| format!("\"{}.{:02}%\"", n / 100, n % 100))
}

/// Shares of two things, in two ways to write them.
fn any_level() -> impl Strategy<Value = String> {
    let levels = &["trace", "debug", "info", "warn", "error"][..];
    let two = (1_u32..100, select(levels), select(levels)).prop_filter("two", |(_, one, other)| one != other);
    let one = select(levels).prop_map(|level| format!("\"{level}\""));
    prop_oneof![
        one,
        two.clone().prop_map(|(share, one, other)| format!("\"{one}:{share}%+{other}:{}%\"", 100 - share)),
        two.prop_map(|(share, one, other)| format!("{{ {one} = 0.{share:02}, {other} = 0.{:02} }}", 100 - share)),
    ]
}

fn any_payload() -> impl Strategy<Value = String> {
    let bytes = 1_u64..32_768;
    let lengths = prop_oneof![
        bytes.clone().prop_map(|one| format!("{one}B")),
        (bytes.clone(), bytes.clone()).prop_map(|(one, more)| format!("{one}B..{}B", one + more)),
        (bytes.clone(), bytes.clone()).prop_map(|(one, more)| format!("p50:{one}B+p99:{}B", one + more)),
        (1_u64..9_000, 1_u64..9_000, 0_u64..9_000).prop_map(|(a, b, c)| format!(
            "p50:{a}B+p99:{}B+max:{}B",
            a + b,
            a + b + c
        )),
        (1_u32..100, bytes).prop_map(|(share, one)| format!("{one}B:{share}%+{}B:{}%", one + 1, 100 - share)),
    ];
    (1_u64..64, lengths).prop_map(|(fields, lengths)| format!("\"{fields}f+{lengths}\""))
}

const STRATEGIES: &[&str] = &["drop", "block", "sample", "drop-oldest"];
const QUEUES: &[&str] = &["builtin", "noop", "own.one"];

/// A value for each axis that a scenario has.
fn any_value(axis: &str) -> BoxedStrategy<String> {
    match axis {
        "queue" => any_of(QUEUES).boxed(),
        "strategy" => any_of(STRATEGIES).boxed(),
        "maxsize" => (1_u64..100_000_000).prop_map(|n| n.to_string()).boxed(),
        "concurrency" => (1_u64..10_000).prop_map(|n| n.to_string()).boxed(),
        "rate" | "total_rate" => (1_u64..1_000_000, 1_u64..100).prop_map(|(n, s)| format!("\"{n}/{s}s\"")).boxed(),
        "duration" => any_time(3_600_000).boxed(),
        "sample_rate" => any_share().boxed(),
        "payload" => any_payload().boxed(),
        "level" => any_level().boxed(),
        "arrival" => any_of(&["uniform", "poisson"]).boxed(),
        other => panic!("no values for {other}"),
    }
}

fn any_multiple() -> impl Strategy<Value = String> {
    (1_u32..5_000).prop_map(|n| format!("\"{}.{:03}x\"", n / 1_000, n % 1_000))
}

fn any_stage() -> impl Strategy<Value = Pairs> {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    let step = any_multiple().prop_map(move |rate| vec![pair("rate", rate)]);
    let ramp = (any_multiple(), any_multiple()).prop_map(move |(from, to)| vec![pair("from", from), pair("to", to)]);
    let bursts = (any_multiple(), any_multiple(), 2_u32..500, 1_u32..500);
    let bursts = bursts.prop_filter("it fits", |(_, _, every, lasting)| lasting < every);
    let bursts = bursts.prop_map(move |(rate, burst, every, lasting)| {
        let time = |ms: u32| format!("\"{ms}ms\"");
        vec![pair("rate", rate), pair("burst", burst), pair("every", time(every)), pair("lasting", time(lasting))]
    });
    let shape = prop_oneof![step.boxed(), ramp.boxed(), bursts.boxed()];
    (500_u32..5_000, shape).prop_map(move |(ms, shape)| [vec![pair("for", format!("\"{ms}ms\""))], shape].concat())
}

/// `[load]`: nothing, stages of which some have a name, or a trace.
fn any_load() -> impl Strategy<Value = Pairs> {
    let stages = prop::collection::vec((any_stage(), any::<bool>()), 1..5).prop_map(|stages| {
        let named = |(number, (mut stage, has_name)): (usize, (Pairs, bool))| {
            stage.extend(has_name.then(|| ("name".to_owned(), format!("\"s-{number}\""))));
            inline(&stage)
        };
        vec![("stages".to_owned(), list(&stages.into_iter().enumerate().map(named).collect::<Vec<_>>()))]
    });
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/arrivals.csv");
    let trace =
        any_multiple().prop_map(|scale| vec![("trace".to_owned(), quoted(file)), ("trace_scale".to_owned(), scale)]);
    prop_oneof![3 => Just(Vec::new()), 3 => stages, 1 => trace]
}

/// One value for each of these axes.
fn one_each(names: &[&'static str]) -> impl Strategy<Value = Pairs> + use<> {
    let each: Vec<_> =
        names.iter().map(|&name| any_value(name).prop_map(move |value| (name.to_owned(), value))).collect();
    each
}

/// The axes of a scenario and, with all of them, its includes.
fn any_matrix(load: &Pairs) -> impl Strategy<Value = (Vec<(String, Vec<String>)>, Vec<Pairs>)> + use<> {
    let has = |key: &str| load.iter().any(|(name, _)| name == key);
    let rate = select(vec!["rate", "total_rate"]);
    let (trace, fixed) = (has("trace"), has("trace") || has("stages"));
    rate.prop_flat_map(move |rate| {
        let usual = ["queue", "strategy", "maxsize", "concurrency", "sample_rate", "payload", "level"];
        let mut names = usual.to_vec();
        names.extend((!trace).then_some([rate, "arrival"]).into_iter().flatten());
        names.extend((!fixed).then_some("duration"));
        let values = |&name: &&'static str| {
            prop::collection::btree_set(any_value(name), 1..4)
                .prop_map(move |set| (name.to_owned(), set.into_iter().collect::<Vec<_>>()))
        };
        let axes: Vec<_> = names.iter().map(values).collect();
        (axes, prop::collection::vec(one_each(&names), 0..3))
    })
}

fn any_selector() -> impl Strategy<Value = Pairs> {
    let axes = select(vec!["strategy", "maxsize", "queue", "level", "payload", "sample_rate"]);
    axes.prop_flat_map(|axis| {
        let values = prop::collection::btree_set(any_value(axis), 1..3);
        values.prop_map(move |set| vec![(axis.to_owned(), list(&set.into_iter().collect::<Vec<_>>()))])
    })
}

fn pairs(of: Vec<(&'static str, String)>) -> Pairs {
    of.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn any_run(is_fixed: bool) -> impl Strategy<Value = Pairs> {
    let bound = || prop_oneof![any_of(&["none"]), (2_u32..50).prop_map(|n| format!("\"{n}%\""))];
    let steady = (any_of(if is_fixed { &["duration"] } else { &["duration", "steady"] }), bound(), bound(), bound());
    let warmup = prop_oneof![any_time(3_600_000), any_of(&["steady"])];
    let rest = (warmup, 1_u32..1_000, any::<u64>(), 16_u64..4_096, any_of(&["shuffled", "as-written"]), any::<bool>());
    (steady, rest, any_time(1_000), any_time(3_600_000), 0_u32..100).prop_map(
        |((until, mean, p99, memory), (warmup, repeats, seed, limit, order, skip), control, drain, retries)| {
            pairs(vec![
                ("warmup", warmup),
                ("until", until),
                ("steady_mean", mean),
                ("steady_p99", p99),
                ("steady_memory", memory),
                ("repeats", repeats.to_string()),
                ("seed", seed.to_string()),
                ("memory_limit", format!("\"{limit}MiB\"")),
                ("order", order),
                ("skip_unsupported", skip.to_string()),
                ("control", control),
                ("drain_timeout", drain),
                ("invalid_retries", retries.to_string()),
            ])
        },
    )
}

fn any_scenario() -> impl Strategy<Value = Any> {
    any_load().prop_flat_map(|load| {
        let target = (any_time(3_600_000), any_of(&["mean", "p50", "p99", "p99.9", "max"]), 1_u64..1_000_000);
        let target = target.prop_map(|(latency, statistic, rate)| {
            pairs(vec![("latency", latency), ("statistic", statistic), ("throughput", format!("\"{rate}/s\""))])
        });
        let gate = (any_share(), 1_u32..200, any_time(3_600_000));
        let gate = gate.prop_map(|(effect, alpha, below)| {
            // At least 0.1 %.
            let effect = if effect.starts_with("\"0.0") { "\"5%\"".to_owned() } else { effect };
            let alpha = format!("\"{}.{}%\"", alpha / 10, alpha % 10);
            pairs(vec![("min_effect", effect), ("alpha", alpha), ("ignore_below", below)])
        });
        let check = (any_of(&["p99(response)", "mean(enqueue)", "max(delivery)"]), any_time(3_600_000))
            .prop_map(|(what, time)| format!("{} < {}", what.trim_matches('"'), time.trim_matches('"')));
        // A word of blanks alone is refused.
        let word = "[^\\p{C}\\p{Z}][^\\p{C}]{0,19}";
        let own = prop::collection::vec(word, 1..4).prop_map(|words| {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            let env = "{ TOKEN = \"x\" }".to_owned();
            vec![("own.one".to_owned(), pairs(vec![("command", list(&words)), ("env", env)]))]
        });
        let names = ("[a-zA-Z0-9][a-zA-Z0-9 _.-]{0,20}", "[^\\p{C}]{1,40}");
        let names = names.prop_filter("blanks say nothing", |(name, description)| {
            !description.trim().is_empty() && !name.trim().is_empty()
        });
        let excludes = prop::collection::vec(any_selector(), 0..3);
        let checks = prop::collection::vec((check, any_selector()), 0..3);
        let sections = (names, own, any_matrix(&load), excludes, target, any_run(!load.is_empty()), checks, gate);
        sections.prop_map(move |(names, queues, (axes, includes), excludes, target, run, checks, gate)| {
            let ((name, description), load) = (names, load.clone());
            Any { name, description, queues, load, axes, excludes, includes, target, run, checks, gate }
        })
    })
}

fn read(text: &str, catalog: &Catalog) -> Result<Scenario, String> {
    let overrides = Overrides::default();
    let context = Context { catalog, overrides: &overrides, default_repeats: 3 };
    parse("any.toml", text.as_bytes(), context).map_err(|found| found.to_string())
}

/// A value as it is printed: bare if it is a number.
fn value(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.to_owned() } else { quoted(text) }
}

fn selector(selector: &Selector) -> Pairs {
    let clause = |clause: &Clause| {
        let values: Vec<String> = clause.values.iter().map(|one| value(one.text().as_given())).collect();
        (clause.axis.name.to_owned(), list(&values))
    };
    selector.clauses().iter().map(clause).collect()
}

fn stage(stage: &Stage) -> String {
    let text = |key: &'static str, value: String| (key, quoted(&value));
    let shape = match stage.shape {
        Shape::Step(rate) => vec![text("rate", rate.to_string())],
        Shape::Ramp { from, to } => vec![text("from", from.to_string()), text("to", to.to_string())],
        Shape::Bursts { rate, burst, every, lasting } => vec![
            text("rate", rate.to_string()),
            text("burst", burst.to_string()),
            text("every", every.to_string()),
            text("lasting", lasting.to_string()),
        ],
    };
    let name = stage.name.as_ref().map(|name| text("name", name.clone()));
    inline(&pairs([vec![text("for", stage.length.to_string())], shape, name.into_iter().collect()].concat()))
}

fn load(scenario: &Scenario) -> Pairs {
    let stages =
        scenario.stages.iter().map(|stages| ("stages", list(&stages.list().iter().map(stage).collect::<Vec<_>>())));
    let trace = scenario.trace.iter().flat_map(|trace| {
        [("trace", quoted(trace.file.as_given())), ("trace_scale", quoted(&trace.scale.to_string()))]
    });
    pairs(stages.chain(trace).collect())
}

fn run(scenario: &Scenario) -> Pairs {
    let (run, word) =
        (&scenario.run, |is_steady: bool, other: String| if is_steady { "steady".to_owned() } else { other });
    let bound = |bound: Option<Ratio>| quoted(&bound.map_or("none".to_owned(), |bound| bound.to_string()));
    pairs(vec![
        ("warmup", quoted(&word(run.steady.warmup, run.warmup.to_string()))),
        ("until", quoted(&word(run.steady.window, "duration".to_owned()))),
        ("steady_mean", bound(run.steady.mean)),
        ("steady_p99", bound(run.steady.p99)),
        ("steady_memory", bound(run.steady.memory)),
        ("repeats", run.repeats.to_string()),
        ("seed", run.seed.to_string()),
        ("memory_limit", quoted(&run.memory_limit.unwrap_or_default().to_string())),
        ("order", quoted(run.order.name())),
        ("skip_unsupported", run.skip_unsupported.to_string()),
        ("control", quoted(&run.control.to_string())),
        ("drain_timeout", quoted(&run.drain_timeout.unwrap_or_default().to_string())),
        ("invalid_retries", run.invalid_retries.to_string()),
    ])
}

/// The scenario as text again, from what was read of it.
fn printed(scenario: &Scenario, as_written: &Any) -> Any {
    let of_axis = |axis: &str| {
        let values = scenario.matrix.values(axis).iter().map(|one| value(one.text().as_given()));
        (axis.to_owned(), values.collect::<Vec<_>>())
    };
    let include = |parameters| {
        let one = |(name, _): &(String, Vec<String>)| {
            let axis = axes::find(name).expect("it was read");
            (name.clone(), value(axis.get(parameters).text().as_given()))
        };
        as_written.axes.iter().map(one).collect::<Pairs>()
    };
    let queue = |queue: &queue_load::internals::scenario::ExternalQueue| {
        let words: Vec<String> = queue.command.iter().map(|word| quoted(word.as_given())).collect();
        let env = queue.env.iter().map(|(name, value)| (name.as_given().to_owned(), quoted(value.as_given())));
        let keys = vec![("command", list(&words)), ("env", inline(&env.collect()))];
        (queue.name.as_given().to_owned(), pairs(keys))
    };
    let (target, gate) = (&scenario.target, &scenario.gate);
    Any {
        name: scenario.name.as_given().to_owned(),
        description: scenario.description.clone().unwrap_or_default().as_given().to_owned(),
        queues: scenario.queues.iter().map(queue).collect(),
        load: load(scenario),
        axes: as_written.axes.iter().map(|(axis, _)| of_axis(axis)).collect(),
        excludes: scenario.excludes.iter().map(|exclude| selector(&exclude.selector)).collect(),
        includes: scenario.includes.iter().map(|one| include(&one.parameters)).collect(),
        target: pairs(vec![
            ("latency", quoted(&target.latency.to_string())),
            ("statistic", quoted(&target.statistic.to_string())),
            ("throughput", quoted(&target.throughput.to_string())),
        ]),
        run: run(scenario),
        checks: scenario
            .checks
            .iter()
            .map(|check| (check.expression.as_given().to_owned(), selector(&check.selector)))
            .collect(),
        gate: pairs(vec![
            ("min_effect", quoted(&gate.min_effect.to_string())),
            ("alpha", quoted(&gate.alpha.to_string())),
            ("ignore_below", quoted(&gate.ignore_below.unwrap_or_default().to_string())),
        ]),
    }
}

/// All that a scenario means, without where it stands in its text.
fn meaning(scenario: &Scenario) -> String {
    let values = |axis: &str| scenario.matrix.values(axis).iter().map(|value| value.text()).collect::<Vec<_>>();
    let axes: Vec<_> = AXES.iter().map(|axis| axis.name).chain([TOTAL_RATE.name]).map(values).collect();
    let checks: Vec<_> = scenario.checks.iter().map(|check| (&check.expectation, check.selector.text())).collect();
    let excludes: Vec<_> = scenario.excludes.iter().map(|exclude| exclude.selector.text()).collect();
    let includes: Vec<_> = scenario.includes.iter().map(|include| &include.parameters).collect();
    let queues: Vec<_> = scenario.queues.iter().map(|queue| (&queue.name, &queue.command, &queue.env)).collect();
    let trace = scenario.trace.as_ref().map(|trace| (&trace.file, &trace.sha256, trace.scale, trace.logs));
    let (name, description, stages) = (&scenario.name, &scenario.description, &scenario.stages);
    format!(
        "{name:?} {description:?} {axes:?} {:?} {:?} {checks:?} {excludes:?} {includes:?} {queues:?} {stages:?} {trace:?} {:?}",
        scenario.target, scenario.run, scenario.gate
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_scenario_that_is_printed_and_read_again_means_the_same(any in any_scenario()) {
        let catalog = Queues::with_own().catalog();
        let text = any.to_toml();
        match read(&text, &catalog) {
            Ok(first) => {
                let again = printed(&first, &any).to_toml();
                let second = read(&again, &catalog).map_err(|found| TestCaseError::fail(format!("{found}\n{again}")))?;
                prop_assert_eq!(meaning(&second), meaning(&first), "{}", again);
                let third = printed(&second, &any).to_toml();
                prop_assert_eq!(third, again, "printing settles at once");
            }
            // What may not be together is said so; what is said is nothing else.
            Err(found) => {
                let is_known = ["too many", "out of range", "is faster than", "more than"];
                prop_assert!(is_known.iter().any(|known| found.contains(known)), "{}\n{}", found, text);
            }
        }
    }
}
