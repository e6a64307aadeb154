use super::*;
use crate::scenario::{Capabilities, Context, Missing, Override, Overrides, QueueSpec, parse};
use proptest::prelude::{Strategy as _, any, prop, prop_assert_eq, proptest};

fn catalog() -> Catalog {
    Catalog::new([
        QueueSpec::new("builtin", Strategy::ALL.to_vec()),
        QueueSpec::new("noop", vec![Strategy::Drop, Strategy::Block]),
    ])
}

fn expanded_with(text: &str, overrides: &[(&str, &str)]) -> Result<Expansion, Diagnostics> {
    let catalog = catalog();
    let line: Vec<Override> = overrides.iter().map(|(key, text)| Override::from_command_line(key, *text)).collect();
    let overrides = Overrides::read(&line, &|_| None, &catalog).unwrap();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
    let scenario = parse("s.toml", text.as_bytes(), context).unwrap();
    expand(&scenario, 0, &catalog)
}

fn expanded(text: &str) -> Result<Expansion, Diagnostics> {
    expanded_with(text, &[])
}

fn ids(text: &str) -> Vec<String> {
    expanded(text).unwrap().cases.into_iter().map(|case| case.id.as_given().to_owned()).collect()
}

#[test]
fn the_documented_example_expands_as_documented() {
    let ids = ids(r#"
[matrix]
queue       = "builtin"
strategy    = ["drop", "block"]
maxsize     = [1_000, 10_000]
concurrency = [1, 3]
total_rate  = "10k/s"
duration    = "2s"
[[exclude]]
strategy = "block"
maxsize  = 1_000
[[include]]
strategy    = "drop"
maxsize     = 64
concurrency = 500
"#);
    assert_eq!(
        ids,
        [
            "concurrency=1 duration=2s maxsize=1000 queue=builtin rate=10000/s strategy=drop",
            "concurrency=3 duration=2s maxsize=1000 queue=builtin rate=10000/3s strategy=drop",
            "concurrency=1 duration=2s maxsize=10000 queue=builtin rate=10000/s strategy=drop",
            "concurrency=3 duration=2s maxsize=10000 queue=builtin rate=10000/3s strategy=drop",
            "concurrency=1 duration=2s maxsize=10000 queue=builtin rate=10000/s strategy=block",
            "concurrency=3 duration=2s maxsize=10000 queue=builtin rate=10000/3s strategy=block",
            "concurrency=500 duration=2s maxsize=64 queue=builtin rate=20/s strategy=drop",
        ]
    );
}

#[test]
fn an_id_names_what_differs_from_its_default() {
    assert_eq!(
        ids("[matrix]\nsink_delay = \"1ms\"\nbatch_size = [10, 20]\n"),
        [
            "concurrency=10 duration=30s maxsize=1000 queue=builtin rate=100/s sink_delay=1ms strategy=drop",
            "batch_size=20 concurrency=10 duration=30s maxsize=1000 queue=builtin rate=100/s sink_delay=1ms strategy=drop",
        ]
    );
}

#[test]
fn an_include_may_bring_back_what_was_excluded_and_duplicates_are_said() {
    let text = "[matrix]\nmaxsize = [1, 2]\n[[exclude]]\nmaxsize = 1\n\
                [[include]]\nmaxsize = 1\n[[include]]\nmaxsize = 2\n";
    let expansion = expanded(text).unwrap();
    let sizes: Vec<u64> = expansion.cases.iter().map(|case| case.parameters.maxsize).collect();
    assert_eq!(sizes, [2, 1]);
    assert_eq!(
        expansion.notes,
        [
            "s.toml:7:1: include: concurrency=10 duration=30s maxsize=2 queue=builtin rate=100/s strategy=drop is a case already and runs once"
        ]
    );
}

#[test]
fn what_matches_no_case_is_an_error_at_its_place() {
    let text = "[matrix]\nmaxsize = [1, 2]\n[[exclude]]\nmaxsize = 3\n[[exclude]]\nmaxsize = 1\n\
                [[check]]\nexpect = \"lost == 0\"\nwhere = { maxsize = 1 }\n";
    assert_eq!(
        expanded(text).unwrap_err().to_string(),
        "s.toml:3:1: exclude: no case matches maxsize=3 (take it out, or name values that the matrix has)\n\
         s.toml:8:10: check: no case matches maxsize=1 (take it out, or name values that the matrix has)"
    );
    let expansion = expanded_with(text, &[("maxsize", "3,4")]).unwrap();
    assert_eq!(expansion.cases.len(), 1);
    assert_eq!(
        expansion.notes,
        [
            "s.toml:5:1: exclude: no case matches maxsize=1, because of an override",
            "s.toml:8:10: check: no case matches maxsize=1, because of an override",
        ]
    );
}

#[test]
fn a_matrix_without_a_case_is_an_error() {
    let error = expanded("[matrix]\n[[exclude]]\nstrategy = \"drop\"\n").unwrap_err();
    assert_eq!(error.to_string(), "s.toml: matrix: no case is left (exclude less, or widen [matrix])");
}

#[test]
fn a_strategy_that_a_queue_lacks_is_refused_or_left_out() {
    let text = "[matrix]\nqueue = [\"builtin\", \"noop\"]\nstrategy = [\"drop\", \"sample\"]\n";
    assert_eq!(
        expanded(text).unwrap_err().to_string(),
        "s.toml:3:12: matrix.strategy: queue `noop` has no strategy `sample` \
         (it has drop, block; exclude the others, or set skip_unsupported = true in [run])"
    );
    let excluded = format!("{text}[[exclude]]\nqueue = \"noop\"\nstrategy = \"sample\"\n");
    assert_eq!(expanded(&excluded).unwrap().cases.len(), 3);
    let skipped = format!(
        "{text}[run]\nskip_unsupported = true\n[[check]]\nexpect = \"lost == 0\"\n\
         where = {{ queue = \"noop\", strategy = \"sample\" }}\n"
    );
    let expansion = expanded(&skipped).unwrap();
    assert_eq!(expansion.cases.len(), 3);
    assert_eq!(
        expansion.notes,
        ["s.toml:3:12: matrix.strategy: queue `noop` has no strategy `sample`: 1 case is left out"]
    );
}

#[test]
fn filters_select_cases() {
    let cases = || expanded("[matrix]\nmaxsize = [1, 2, 3]\n").unwrap().cases;
    let filter = |text: &str| Selector::from_filters(&[text.to_owned()], &catalog()).unwrap();
    assert_eq!(select(cases(), &filter("maxsize=3,1")).unwrap().len(), 2);
    assert_eq!(
        select(cases(), &filter("maxsize=4")).unwrap_err().to_string(),
        "command line: --filter: no case matches maxsize=4 (see the cases with `queue-load list`)"
    );
}

/// A matrix of a few small lists, with one exclude over two axes and some includes.
#[derive(Debug)]
struct Shape {
    maxsizes: Vec<u64>,
    concurrencies: Vec<u64>,
    batches: Vec<u64>,
    excluded: (u64, u64),
    included: Vec<u64>,
}

fn shapes() -> impl proptest::strategy::Strategy<Value = Shape> {
    let list = || prop::collection::btree_set(1u64..8, 1..5);
    let list = || list().prop_map(|set| set.into_iter().collect::<Vec<_>>()).prop_shuffle();
    (list(), list(), list(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), list()).prop_map(
        |(maxsizes, concurrencies, batches, first, second, included)| Shape {
            excluded: (maxsizes[first.index(maxsizes.len())], concurrencies[second.index(concurrencies.len())]),
            maxsizes,
            concurrencies,
            batches,
            included,
        },
    )
}

impl Shape {
    fn text(&self) -> String {
        let mut text = format!(
            "[matrix]\nmaxsize = {:?}\nconcurrency = {:?}\nbatch_size = {:?}\n\
             [[exclude]]\nmaxsize = {}\nconcurrency = {}\n",
            self.maxsizes, self.concurrencies, self.batches, self.excluded.0, self.excluded.1
        );
        for maxsize in &self.included {
            text += &format!("[[include]]\nmaxsize = {maxsize}\nconcurrency = 9\nbatch_size = 1\n");
        }
        text
    }

    /// The expected cases, computed with three simple loops.
    fn expected(&self) -> Vec<(u64, u64, u64)> {
        let mut cases = Vec::new();
        for &maxsize in &self.maxsizes {
            for &concurrency in &self.concurrencies {
                for &batch in &self.batches {
                    if (maxsize, concurrency) != self.excluded {
                        cases.push((maxsize, concurrency, batch));
                    }
                }
            }
        }
        cases.extend(self.included.iter().map(|maxsize| (*maxsize, 9, 1)));
        cases
    }
}

proptest! {
    #[test]
    fn the_product_less_excludes_plus_includes_in_order(shape in shapes()) {
        let cases = expanded(&shape.text()).unwrap().cases;
        let product = shape.maxsizes.len() * shape.concurrencies.len() * shape.batches.len();
        prop_assert_eq!(cases.len(), product - shape.batches.len() + shape.included.len());
        let found: Vec<(u64, u64, u64)> = cases
            .iter()
            .map(|case| &case.parameters)
            .map(|p| (p.maxsize, u64::from(p.concurrency), p.batch_size))
            .collect();
        prop_assert_eq!(found, shape.expected());
        let ids: HashSet<&str> = cases.iter().map(|case| case.id.as_given()).collect();
        prop_assert_eq!(ids.len(), cases.len());
    }
}

#[test]
fn lanes_are_refused_to_a_queue_that_blocks_its_caller_unless_each_task_has_its_own() {
    let mut blocking = QueueSpec::new("builtin", Strategy::ALL.to_vec());
    blocking.blocks_caller = vec![Strategy::Block];
    let catalog = Catalog::new([blocking]);
    let text =
        "[matrix]\nproducers = [\"tasks\", \"lanes\"]\nstrategy = [\"drop\", \"block\"]\nconcurrency = [16, 17]\n";
    let overrides = Overrides::none();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
    let scenario = crate::scenario::parse("lanes.toml", text.as_bytes(), context).unwrap();
    let error = expand(&scenario, 0, &catalog).unwrap_err().to_string();
    assert!(error.contains("blocks its caller") && error.contains("tasks"), "{error}");
    let skipping = text.to_owned() + "[run]\nskip_unsupported = true\n";
    let scenario = crate::scenario::parse("lanes.toml", skipping.as_bytes(), context).unwrap();
    let expansion = expand(&scenario, 0, &catalog).unwrap();
    assert_eq!(expansion.cases.len(), 7);
    assert!(expansion.notes[0].contains("1 case is left out"), "{:?}", expansion.notes);
}

#[test]
fn a_queue_that_is_not_to_be_had_or_takes_fewer_fields_is_refused_once_with_its_place() {
    let mut small = QueueSpec::new("small", Strategy::ALL.to_vec());
    small.most_fields = 4;
    let mut gone = QueueSpec::new("gone", vec![Strategy::Drop]);
    gone.missing = Some(Missing { why: "is not built in".into(), fix: "build with it".into() });
    let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec()), small, gone]);
    let text = "[matrix]\nqueue = [\"builtin\", \"small\", \"gone\"]\nstrategy = [\"drop\", \"block\"]\n\
                payload = [\"4f+64B\", \"5f+64B\"]\n";
    let overrides = Overrides::none();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
    let expanded = |text: &str| {
        let scenario = parse("s.toml", text.as_bytes(), context).unwrap();
        expand(&scenario, 0, &catalog)
    };
    let error = expanded(text).unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(lines[0].contains("s.toml:4:") && lines[0].contains("matrix.payload"), "{error}");
    assert!(lines[0].contains("queue `small` takes at most 4 fields"), "{error}");
    assert!(lines[1].contains("s.toml:2:") && lines[1].contains("queue `gone` is not built in"), "{error}");
    assert!(lines[1].contains("build with it") && lines[1].contains("skip_unsupported"), "{error}");

    let expansion = expanded(&(text.to_owned() + "[run]\nskip_unsupported = true\n")).unwrap();
    assert_eq!(expansion.cases.len(), 4 + 2);
    assert_eq!(
        expansion.left_out,
        [
            "queue `small` takes at most 4 fields, which its macros fix in the program: 2 cases are left out",
            "queue `gone` is not built in: 4 cases are left out",
        ]
    );
    assert!(expansion.notes[1].ends_with("left out; build with it"), "{:?}", expansion.notes);
}

#[test]
fn a_queue_that_carries_no_context_is_refused_where_a_case_has_one() {
    let plain = QueueSpec { carries_context: false, ..QueueSpec::new("plain", vec![Strategy::Drop]) };
    let can = Capabilities { strategies: vec![Strategy::Drop], ..Capabilities::default() };
    let driven = QueueSpec { capabilities: Some(can), ..QueueSpec::new("driven", vec![Strategy::Drop]) };
    let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec()), plain, driven]);
    let overrides = Overrides::none();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
    let expanded = |text: &str| expand(&parse("s.toml", text.as_bytes(), context).unwrap(), 0, &catalog);
    let text = "[matrix]\nqueue = [\"builtin\", \"plain\", \"driven\"]\ncontext = [\"none\", \"8f+16B\"]\n";
    let error = expanded(text).unwrap_err().to_string();
    assert!(error.contains("s.toml:3:") && error.contains("matrix.context"), "{error}");
    assert!(
        error.contains("queue `plain` does not carry the context of a task (write context = \"none\", or"),
        "{error}"
    );
    assert!(
        error.contains("queue `driven` does not carry the context of a task (write context = \"none\", or"),
        "{error}"
    );
    assert!(error.contains("`carries_context`") && error.contains("declares `context`"), "{error}");
    let cases = expanded(&format!("{text}[run]\nskip_unsupported = true\n")).unwrap().cases;
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_given()).collect();
    assert_eq!(
        ids.iter().map(|id| id.contains("context=")).collect::<Vec<_>>(),
        [false, true, false, false],
        "{ids:?}"
    );
    assert!(ids[1].contains("context=8f+16B") && ids[1].contains("queue=builtin"), "{ids:?}");
}

#[test]
fn stages_are_part_of_every_case_and_must_fit_it() {
    let stages = "[load]\nstages = [{ for = \"1s\", rate = \"1x\" }, { for = \"1s\", from = \"1x\", to = \"3x\" }]\n";
    let with = |matrix: &str| format!("[matrix]\n{matrix}\n{stages}");
    let found = ids(&with("concurrency = [1, 2]"));
    assert_eq!(
        found,
        [1, 2].map(|tasks| format!(
            "concurrency={tasks} duration=2s maxsize=1000 queue=builtin rate=100/s stages=1s@1x,1s@1x..3x strategy=drop"
        ))
    );
    let wrong = expanded(&with("duration = [\"2s\", \"3s\", \"4s\"]\nconcurrency = [1, 2]")).unwrap_err().to_string();
    assert_eq!(
        wrong,
        "s.toml:2:12: matrix.duration: 3s is not the sum of [load] stages, 2s (leave it out, or let the stages fill it)\n\
         s.toml:2:12: matrix.duration: 4s is not the sum of [load] stages, 2s (leave it out, or let the stages fill it)"
    );
    let fast = expanded(&with("rate = [\"333_333/s\", \"333_334/s\"]")).unwrap_err().to_string();
    assert_eq!(
        fast,
        "s.toml:2:8: matrix.rate: 3x of 333334/s is more than 1,000,000/s per task (lower the rate or the stage, or raise \
         concurrency)"
    );
    let overridden = expanded_with(&with("rate = 1"), &[("duration", "5s")]).unwrap_err().to_string();
    assert!(overridden.contains("5s is not the sum of [load] stages, 2s"), "{overridden}");
}

#[test]
fn a_trace_is_part_of_every_case_and_must_fit_it() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("a.csv"), "time\n0\n0.5\n0.5\n1.5\n").unwrap();
    let file = place.path().join("s.toml");
    let expanded = |matrix: &str| {
        let (catalog, overrides) = (catalog(), Overrides::default());
        let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
        let text = format!("[matrix]\n{matrix}\n[load]\ntrace = \"a.csv\"\ntrace_scale = \"2x\"\n");
        let scenario = parse(file.to_str().unwrap(), text.as_bytes(), context).unwrap();
        expand(&scenario, 0, &catalog).map_err(|found| found.to_string().split_once("s.toml:").unwrap().1.to_owned())
    };
    let cases = expanded("concurrency = [1, 2]\nduration = [\"200ms\", \"751ms\"]").unwrap().cases;
    let told: Vec<_> = cases.iter().map(|case| (case.parameters.rate.to_string(), &case.parameters.trace)).collect();
    let logs = told.iter().map(|(rate, trace)| (rate.as_str(), trace.as_ref().unwrap().logs)).collect::<Vec<_>>();
    assert_eq!(logs, [("5/s", 1), ("2663/500s", 4), ("5/2s", 1), ("2663/1000s", 4)]);
    let digest = cases[0].parameters.trace.as_ref().unwrap().sha256.as_given()[..12].to_owned();
    let id =
        format!("concurrency=1 duration=200ms maxsize=1000 queue=builtin rate=5/s strategy=drop trace={digest}@2x");
    assert_eq!(cases[0].id.as_given(), id);
    let long = expanded("duration = \"752ms\"").unwrap_err();
    let expected = "2:12: matrix.duration: 752ms is longer than [load] trace, 751ms (leave it out, or write less to cut \
                    the trace)";
    assert_eq!(long, expected);
    let beside = expanded("concurrency = 3\n[[include]]\nconcurrency = 4\nrate = 7").unwrap_err();
    let expected = "3:1: include: stands beside [load] trace, which says when logs are due (leave it out)";
    assert_eq!(beside, expected);
    assert!(expanded("level = \"error\"").is_ok(), "the trace does not say levels");
    std::fs::write(place.path().join("a.csv"), "time,level\n0,info\n0.5,\n0.5,error\n1.5,\n").unwrap();
    let beside = expanded("level = \"error\"").unwrap_err();
    assert_eq!(beside, "2:9: matrix.level: stands beside [load] trace, which says the levels (leave it out)");
}
