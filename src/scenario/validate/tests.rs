use super::*;
use crate::scenario::{AXES, Override, Position, QueueSpec, Statistic, Strategy};
use crate::units::{Bytes, Rate, Ratio};
use crate::untrusted::Untrusted;
use proptest::prelude::{ProptestConfig, any, prop, proptest};

pub(super) fn catalog() -> Catalog {
    Catalog::new([
        QueueSpec::new("builtin", Strategy::ALL.to_vec()),
        QueueSpec::new("noop", vec![Strategy::Drop, Strategy::Block]),
    ])
}

fn read_with(text: &[u8], overrides: &Overrides) -> Result<Scenario, Diagnostics> {
    let catalog = catalog();
    parse("s.toml", text, Context { catalog: &catalog, overrides, default_repeats: 3 })
}

fn read(text: &str) -> Result<Scenario, Diagnostics> {
    read_with(text.as_bytes(), &Overrides::none())
}

fn errors(text: &str) -> String {
    read(text).expect_err(text).to_string()
}

fn texts(values: &[Value]) -> Vec<Untrusted> {
    values.iter().map(Value::text).collect()
}

const FULL: &str = r#"name = "example"
description = "all of it"
[target]
latency = "200us"
statistic = "p99"
throughput = 20_000
min_accepted = "95.5%"
[matrix]
queue = ["builtin", "noop"]
strategy = ["drop", "block"]
maxsize = [1_000, 10_000]
concurrency = [1, 10]
total_rate = "10k/s"
duration = "2s"
payload = "8f+1KiB"
[[exclude]]
strategy = "block"
maxsize = [1_000]
[[include]]
queue = "builtin"
strategy = "sample"
maxsize = 64
concurrency = 500
[run]
warmup = "1s"
repeats = 5
order = "as-written"
seed = 18446744073709551615
drain_timeout = "20s"
invalid_retries = 0
skip_unsupported = true
deadline = "1m"
memory_limit = "2GiB"
[[check]]
expect = "dropped == 0"
where = { strategy = "block" }
[[check]]
expect = "p99(response) < 1ms"
"#;

#[test]
fn a_full_scenario_is_read() {
    let scenario = read(FULL).unwrap();
    assert_eq!(scenario.name, "example");
    assert_eq!(scenario.description.as_ref().map(Untrusted::as_given), Some("all of it"));
    assert_eq!(scenario.file, "s.toml");
    assert_eq!(scenario.sha256, hex(&Sha256::digest(FULL.as_bytes())));
    assert_eq!(scenario.sha256.len(), 64);
    assert_eq!(scenario.target.latency.to_string(), "200us");
    assert_eq!(scenario.target.statistic, "p99".parse::<Statistic>().unwrap());
    assert_eq!(scenario.target.throughput, Rate::of_whole(20_000));
    assert_eq!(scenario.target.min_accepted.to_string(), "95.5%");
    assert_eq!(texts(scenario.matrix.values("maxsize")), ["1000", "10000"]);
    assert_eq!(texts(scenario.matrix.values("total_rate")), ["10000/s"]);
    assert!(scenario.matrix.values("rate").is_empty());
    assert_eq!(texts(scenario.matrix.values("payload")), ["8f+1KiB"]);
    assert_eq!(scenario.excludes[0].selector.text(), "strategy=block maxsize=1000");
    assert_eq!(scenario.excludes[0].position, Position { line: 16, column: 1 });
    let include = &scenario.includes[0].parameters;
    assert_eq!((include.maxsize, include.rate), (64, Rate::of_whole(20)));
    assert_eq!(include.payload.to_string(), "8f+1KiB");
    let run = &scenario.run;
    assert_eq!((run.repeats, run.seed, run.invalid_retries), (5, u64::MAX, 0));
    assert_eq!(run.drain_timeout, Some(Nanos::from_secs(20)));
    assert_eq!(run.memory_limit, Some(Bytes(2 << 30)));
    assert!(run.skip_unsupported && run.isolate);
    assert_eq!(scenario.checks[0].selector.text(), "strategy=block");
    assert_eq!(scenario.checks[1].expression, "p99(response) < 1ms");
    assert_eq!(scenario.checks[1].selector, crate::scenario::Selector::default());
}

#[test]
fn what_is_left_out_takes_the_documented_defaults() {
    let scenario = read("[matrix]\n").unwrap();
    assert_eq!(scenario.name, "s");
    let defaults: Vec<String> = scenario
        .matrix
        .axes
        .iter()
        .map(|axis| format!("{}={}", axis.axis.name, texts(&axis.values).join(",")))
        .collect();
    // Which they are is held to docs/PROTOCOL.md by a test there, and to the JSON of `Parameters`.
    let documented = AXES.iter().map(|axis| format!("{}={}", axis.name, axis.default().unwrap().text().as_given()));
    assert_eq!(defaults, documented.collect::<Vec<_>>());
    assert_eq!(scenario.target.latency, Nanos::from_micros(100));
    assert_eq!(scenario.target.statistic, Statistic::Mean);
    assert_eq!(scenario.target.throughput, Rate::of_whole(10_000));
    assert_eq!(scenario.target.min_accepted, Ratio::from_percent(99));
    assert_eq!(scenario.run, RunSettings::default());
    assert_eq!((scenario.run.repeats, scenario.run.seed), (3, 42));
    assert_eq!(scenario.run.warmup, Nanos::from_millis(500));
}

/// An error of every kind.
const ALL_WRONG: &str = r#"nmae = "x"
[target]
latency = 100
statistic = "avg"
min_accepted = 0.99
throughput = "fast"
[matrix]
concurrency = 99999999999999999999
concurency = 1
strategy = ["drop", "blok", 3]
queue = "biltin"
maxsize = [1.5, -1, 0, nan]
rate = "10"
total_rate = "1k/s"
duration = 5
sink_delay = "-1s"
batch_timeout = ""
payload = "4+64"
sample_rate = "150%"
batch_size = []
[[exclude]]
[[exclude]]
strategy = "never"
[[include]]
strategy = ["drop"]
[run]
repeats = 0
warmup = true
order = "random"
seed = -1
[[check]]
expect = "droped == 0"
[[check]]
where = { strateg = "drop" }
"#;

#[test]
fn every_error_is_said_at_its_place() {
    insta::assert_snapshot!(errors(ALL_WRONG), @r#"
    s.toml:1:1: unknown key `nmae` (did you mean `name`?)
    s.toml:3:11: target.latency: 100 has no unit (write "100us")
    s.toml:4:13: target.statistic: unknown statistic `avg` (write mean, max, or a quantile such as p50, p99, p99.9)
    s.toml:5:16: target.min_accepted: 0.99 has no unit (write "99%")
    s.toml:6:14: target.throughput: `fast` is not a rate (write a rate such as "10k/s")
    s.toml:8:15: matrix.concurrency: 99999999999999999999 is out of range (write a whole number, 1 to 10,000)
    s.toml:9:1: matrix: unknown key `concurency` (did you mean `concurrency`?)
    s.toml:10:21: matrix.strategy: unknown strategy `blok` (did you mean `block`?)
    s.toml:10:29: matrix.strategy: the number 3 is not a strategy (write a string such as "drop")
    s.toml:11:9: matrix.queue: unknown queue `biltin` (did you mean `builtin`?)
    s.toml:12:12: matrix.maxsize: the number 1.5 is not a whole number (write a whole number, 1 to 100,000,000)
    s.toml:12:17: matrix.maxsize: -1 is out of range (write a whole number, 1 to 100,000,000)
    s.toml:12:21: matrix.maxsize: 0 is out of range (write a whole number, 1 to 100,000,000)
    s.toml:12:24: matrix.maxsize: the number nan is not a whole number (write a whole number, 1 to 100,000,000)
    s.toml:13:8: matrix.rate: stands beside total_rate (keep one of them: rate is per task, total_rate is over all tasks)
    s.toml:15:12: matrix.duration: 5 has no unit (write "5s")
    s.toml:16:14: matrix.sink_delay: `-1s` is negative (write a time such as "5s")
    s.toml:17:17: matrix.batch_timeout: a time is missing (write a time such as "5s")
    s.toml:18:11: matrix.payload: `4+64` is not a payload (write fields and message such as "4f+64B")
    s.toml:19:15: matrix.sample_rate: `150%` is too large (at most 100%)
    s.toml:20:14: matrix.batch_size: the list is empty (name at least one value, or leave the key out)
    s.toml:21:1: exclude: would leave out every case (name at least one axis)
    s.toml:23:12: exclude.strategy: unknown strategy `never` (known: drop, block, sample, drop-oldest)
    s.toml:25:12: include.strategy: an include is one case (name one value, and write an [[include]] for each)
    s.toml:27:11: run.repeats: 0 is out of range (write a whole number, 1 to 1,000)
    s.toml:28:10: run.warmup: true is not a time (write a string such as "5s")
    s.toml:29:9: run.order: unknown order `random` (known: shuffled, as-written)
    s.toml:30:8: run.seed: -1 is out of range (write a whole number, 0 to 18,446,744,073,709,551,615)
    s.toml:32:11: check.expect: unknown count, rate or figure `droped` (did you mean `dropped`?)
    s.toml:33:1: check.expect: is missing (add expect = "dropped == 0")
    s.toml:34:11: check.where: unknown key `strateg` (did you mean `strategy`?)
    "#);
}

const SINGLE_BAD_INPUTS: &[(&str, &str)] = &[
    ("", "s.toml: the file is empty (write at least [matrix]; see scenarios/default.toml)"),
    (" \n", "s.toml: the file is empty (write at least [matrix]; see scenarios/default.toml)"),
    ("# x", "s.toml: matrix: is missing (add [matrix], with a value or a list per axis)"),
    ("matrix = 1", "s.toml:1:10: matrix: is a table, not an integer (write [matrix])"),
    ("[[matrix]]", "s.toml:1:1: matrix: is a list (write [matrix] once, in single brackets)"),
    ("[matrix]\n[check]\n", "s.toml:2:1: check: is a list of tables, not a table (write [[check]] in double brackets)"),
    ("name = \"\"\n[matrix]", "s.toml:1:8: name: is empty (leave it out, or fill it in)"),
    (
        "[matrix]\nconcurrency = 10_001",
        "s.toml:2:15: matrix.concurrency: 10001 is out of range (write a whole number, 1 to 10,000)",
    ),
    (
        "[matrix]\nrate = \"1_000_001/s\"",
        "s.toml:2:8: matrix.rate: 1000001/s is out of range (write 1/86400s to 1000000/s)",
    ),
    ("[matrix]\nrate = 0", "s.toml:2:8: matrix.rate: a rate of 0 makes no sense (write a rate such as \"10k/s\")"),
    ("[matrix]\nduration = \"0s\"", "s.toml:2:12: matrix.duration: 0s is out of range (write 1ns to 24h)"),
    ("[matrix]\nduration = \"25h\"", "s.toml:2:12: matrix.duration: 25h is out of range (write 1ns to 24h)"),
    ("[matrix]\nconcurrency = \"10\"", "s.toml:2:15: matrix.concurrency: \"10\" is a string (write 10 without quotes)"),
    (
        "[matrix]\nconcurrency = [[1]]",
        "s.toml:2:16: matrix.concurrency: a list is not a whole number (write a whole number, 1 to 10,000)",
    ),
    (
        "[matrix]\ntotal_rate = \"2M/s\"\nconcurrency = [1, 2]",
        "s.toml:2:14: matrix.total_rate: 2000000/s over 1 tasks is more than 1,000,000/s per task (lower total_rate or raise concurrency)",
    ),
    (
        "[matrix]\nconcurrency = [1, 2]\n[[include]]\nmaxsize = 5",
        "s.toml:3:1: include: leaves out `concurrency`, of which the matrix has 2 values (name one of them here)",
    ),
    (
        "[matrix]\n[run]\nmemory_limit = \"1GiB\"\nisolate = false",
        "s.toml:3:16: run.memory_limit: needs a process for each repeat (leave out this, or isolate = false)",
    ),
    (
        "[matrix]\n[run]\nmemory_limit = \"1MiB\"",
        "s.toml:3:16: run.memory_limit: 1MiB is out of range (write 16MiB to 16384GiB)",
    ),
    ("[matrix]\n[run]\nuntil = \"quiet\"", "s.toml:3:9: run.until: unknown end `quiet` (known: duration, steady)"),
    (
        "[matrix]\n[run]\nuntil = \"steady\"\n[load]\nstages = [{ for = \"1s\", rate = \"1x\" }]",
        "s.toml:3:9: run.until: a window in stages lasts as long as they do (leave out [load] stages, or write until = \"duration\")",
    ),
    ("[matrix]\n[run]\nsteady_p99 = \"200%\"", "s.toml:3:14: run.steady_p99: `200%` is too large (at most 100%)"),
    (
        "[matrix]\n[run]\nwarmup = \"steady\"\nsteady_warmup = \"2h\"",
        "s.toml:4:17: run.steady_warmup: 2h is out of range (write 1s to 1h)",
    ),
    (
        "[matrix]\nduration = \"2s\"\n[run]\nwarmup = \"steady\"\ndeadline = \"1m\"",
        "s.toml:5:12: run.deadline: 1m is not longer than warm-up and duration, 62500ms (raise it, or leave it out)",
    ),
    (
        "[matrix]\nduration = \"2s\"\n[run]\ndeadline = \"2s\"",
        "s.toml:4:12: run.deadline: 2s is not longer than warm-up and duration, 2500ms (raise it, or leave it out)",
    ),
    (
        "[matrix]\n[[check]]\nexpect = \"p99(respons) < 1ms\"",
        "s.toml:3:15: check.expect: unknown latency `respons` (did you mean `response`?)",
    ),
    (
        "[matrix]\n[[check]]\nexpect = \"\"\"\np99(respons) < 1ms\"\"\"",
        "s.toml:4:5: check.expect: unknown latency `respons` (did you mean `response`?)",
    ),
    ("[matrix]\nconcurrency = 1\nconcurrency = 2", "s.toml:3:1: duplicate key `concurrency` (keep one of them)"),
    (
        "[matrix]\nrate = [0, \"1/s\"]\ntotal_rate = 1",
        "s.toml:2:8: matrix.rate: stands beside total_rate (keep one of them: rate is per task, total_rate is over all tasks)\n\
         s.toml:2:9: matrix.rate: a rate of 0 makes no sense (write a rate such as \"10k/s\")",
    ),
    ("[matrix]\n[target]\nlatency = \"100\"", "s.toml:3:11: target.latency: `100` has no unit (write \"100us\")"),
    ("[matrix]\n[target]\nlatency = 1.5", "s.toml:3:11: target.latency: 1.5 has no unit (write \"1.5us\")"),
];

#[test]
fn single_bad_inputs() {
    for &(text, error) in SINGLE_BAD_INPUTS {
        assert_eq!(errors(text), error, "{text}");
    }
}

#[test]
fn a_gate_is_read_with_its_bounds() {
    let gate = |text: &str| read(&format!("[matrix]\n[gate]\n{text}"));
    let settings = |text| {
        let gate = gate(text).unwrap().gate;
        format!("{} {}", gate.min_effect, gate.alpha)
    };
    assert_eq!(settings(""), "10% 1%");
    assert_eq!(settings("min_effect = \"7.5%\"\nalpha = 0.05"), "7.5% 5%");
    assert_eq!(settings("alpha = \"0.5%\""), "10% 0.5%");
    assert_eq!(settings("alpha = 0.0001"), "10% 0.01%");
    let level = "(write 0.0001 to 0.2, such as 0.01, or \"1%\")";
    for (text, error) in [
        ("min_effect = 0.1", "3:14: gate.min_effect: 0.1 has no unit (write \"10%\")".to_owned()),
        ("min_effect = \"0%\"", "3:14: gate.min_effect: 0% is out of range (write 0.1% to 100%)".to_owned()),
        ("alpha = 1", format!("3:9: gate.alpha: 1 is out of range {level}")),
        ("alpha = -0.01", format!("3:9: gate.alpha: -0.01 is out of range {level}")),
        ("alpha = nan", format!("3:9: gate.alpha: nan is out of range {level}")),
        ("alpha = inf", format!("3:9: gate.alpha: inf is out of range {level}")),
        ("alpha = 0.00001", format!("3:9: gate.alpha: 0.001% is out of range {level}")),
        ("alpha = \"50%\"", format!("3:9: gate.alpha: 50% is out of range {level}")),
        ("min_efect = \"5%\"", "3:1: gate: unknown key `min_efect` (did you mean `min_effect`?)".to_owned()),
    ] {
        assert_eq!(gate(text).unwrap_err().to_string(), format!("s.toml:{error}"), "{text}");
    }
    let both = gate("min_effect = true\nalpha = \"x\"").unwrap_err();
    assert_eq!(both.len(), 2, "{both}");
}

#[test]
fn a_broken_line_does_not_hide_the_errors_of_others() {
    let text = "[matrix]\nconcurrency = = 3\nmaxsize = 0\n";
    let said = errors(text);
    assert!(said.starts_with("s.toml:2:15: "), "{said}");
    assert!(
        said.ends_with("s.toml:3:11: matrix.maxsize: 0 is out of range (write a whole number, 1 to 100,000,000)"),
        "{said}"
    );
}

#[test]
fn other_line_ends_and_a_byte_order_mark_are_read() {
    assert!(read("\u{feff}[matrix]\r\nmaxsize = 5\r\n").is_ok());
    assert_eq!(
        errors("[matrix]\r\n\tmaxsize = 0\r\n"),
        "s.toml:2:12: matrix.maxsize: 0 is out of range (write a whole number, 1 to 100,000,000)"
    );
}

#[test]
fn what_is_not_utf8_is_placed() {
    let error = read_with(b"[matrix]\n# \xc2\xb5\xff", &Overrides::none()).unwrap_err();
    assert_eq!(error.to_string(), "s.toml:2:4: is not UTF-8 (save the file as UTF-8)");
}

#[test]
fn deep_nesting_and_great_size_are_errors() {
    let deep = format!("[matrix]\nconcurrency = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(errors(&deep).contains("recursion"), "{}", &errors(&deep)[..200]);
    let dotted = format!("{}x = 1", "a.".repeat(100_000));
    assert!(read(&dotted).is_err());
    let tables = format!("[matrix]\nx = {}1{}", "{a=".repeat(100_000), "}".repeat(100_000));
    assert!(read(&tables).is_err());
    let large = "#".repeat(LARGEST_FILE + 1);
    assert_eq!(errors(&large), "s.toml: 1048577 bytes are too many for a scenario (at most 1 MiB)");
}

#[test]
fn many_errors_are_counted_not_listed() {
    let text: String = (0..500).map(|n| format!("unknown_{n} = 1\n")).collect();
    let found = read(&format!("{text}[matrix]\n")).unwrap_err();
    assert_eq!(found.len(), 101);
    assert!(found.to_string().ends_with("s.toml: 400 more errors are not shown"));
}

#[test]
fn large_hostile_files_are_answered() {
    let fill = |unit: &str| unit.repeat(LARGEST_FILE / 2 / unit.len());
    for text in [
        fill("["),
        fill("="),
        fill("a=1\n"),
        fill("a."),
        fill("[[check]]\n"),
        fill("\"\"\"'"),
        format!("[matrix]\nmaxsize = [{}]", fill("-1,")),
        format!("[matrix]\nmaxsize = [{}]", fill("1,")),
        format!("[matrix]\nmaxsize = {}", fill("9")),
    ] {
        if let Err(found) = read(&text) {
            assert!(found.len() <= 101, "{}", found.len());
            assert!(found.iter().all(|error| error.to_string().len() < 500), "{:.99}", text);
        }
    }
}

#[test]
fn too_many_cases_are_found_by_multiplication() {
    let list = |from: u64, length: u64| {
        let numbers: Vec<String> = (from..from + length).map(|n| n.to_string()).collect();
        format!("[{}]", numbers.join(","))
    };
    let matrix = |first, second| format!("[matrix]\nmaxsize = {}\nbatch_size = {}\n", list(1, first), list(1, second));
    assert!(read(&matrix(1_000, 100)).is_ok());
    // 100,001 = 11 x 9,091
    assert_eq!(
        errors(&matrix(9_091, 11)),
        "s.toml: matrix: 100,001 cases are too many: 9,091 maxsize x 11 batch_size (at most 100,000)"
    );
    let include = "[[include]]\nmaxsize = 5\nbatch_size = 5\n";
    assert!(errors(&format!("{}{include}", matrix(1_000, 100))).contains("100,001 cases"));
    let many = list(1, 10_000);
    let huge = format!("[matrix]\nmaxsize = {many}\nbatch_size = {many}\nconcurrency = {many}\nrate = {many}\n");
    assert!(errors(&huge).contains("10,000,000,000,000,000 cases are too many"));
    assert!(errors(&format!("[matrix]\nmaxsize = {}", list(1, 100_001))).contains("too long"));
}

#[test]
fn duplicates_are_removed_and_said() {
    let scenario = read(
        "[matrix]\nconcurrency = [1, 10, 1]\nrate = [\"1k/s\", 1_000]\n\
         [[check]]\nexpect = \"lost == 0\"\n[[check]]\nexpect = \"lost==0\"\n",
    )
    .unwrap();
    assert_eq!(texts(scenario.matrix.values("concurrency")), ["1", "10"]);
    assert_eq!(texts(scenario.matrix.values("rate")), ["1000/s"]);
    assert_eq!(scenario.checks.len(), 1);
    assert_eq!(
        scenario.notes,
        [
            "s.toml:2:23: matrix.concurrency: 1 stands twice and counts once",
            "s.toml:3:17: matrix.rate: 1000/s stands twice and counts once",
            "s.toml:7:10: check.expect: stands twice and counts once",
        ]
    );
}

#[test]
fn overrides_replace_axes_and_settings() {
    let line = [
        Override::from_command_line("concurrency", "3"),
        Override::from_command_line("rate", "7"),
        Override::from_command_line("repeats", "9"),
    ];
    let overrides = Overrides::read(&line, &|_| None, &catalog()).unwrap();
    let scenario = read_with(FULL.as_bytes(), &overrides).unwrap();
    assert_eq!(texts(scenario.matrix.values("concurrency")), ["3"]);
    assert_eq!(texts(scenario.matrix.values("rate")), ["7/s"]);
    assert!(scenario.matrix.values("total_rate").is_empty());
    assert_eq!(scenario.run.repeats, 9);
    // The include keeps its own concurrency and takes the overridden rate.
    let include = &scenario.includes[0].parameters;
    assert_eq!((include.concurrency, include.rate), (500, Rate::of_whole(7)));
    assert_eq!(scenario.overrides, line);
}

#[test]
fn names_that_stand_twice_and_all_files_errors_are_said() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let paths = [
        write("a.toml", "name = \"same\"\n[matrix]"),
        write("b.toml", "name = \"same\"\n[matrix]"),
        write("c.toml", "[matrx]"),
        directory.path().join("none.toml").to_str().unwrap().to_owned(),
    ];
    let catalog = catalog();
    let overrides = Overrides::none();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 10 };
    let said = load(&paths, context).unwrap_err().to_string();
    let root = format!("{}/", directory.path().to_str().unwrap());
    assert_eq!(
        said.replace(&root, ""),
        "none.toml: there is no such file (check the path)\n\
         c.toml: matrix: is missing (add [matrix], with a value or a list per axis)\n\
         c.toml:1:2: unknown key `matrx` (did you mean `matrix`?)\n\
         b.toml: name: `same` is the name of a.toml too (give one of them another `name`)"
    );
    let (scenarios, _) = load(&paths[..1], context).unwrap();
    assert_eq!(scenarios[0].run.repeats, 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_with(&bytes, &Overrides::none());
    }

    #[test]
    fn any_text_of_toml_s_own_characters_is_survived(text in "[\\[\\]{}=.,\"'#a-c0-9\n \u{b5}_-]{0,120}") {
        let _ = read(&text);
        let _ = read(&format!("[matrix]\n{text}"));
    }

    #[test]
    fn a_damaged_scenario_is_survived(
        at in 0..FULL.len(), length in 0usize..40, put in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let mut bytes = FULL.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, put);
        if let Err(found) = read_with(&bytes, &Overrides::none()) {
            proptest::prop_assert!(!found.is_empty());
            proptest::prop_assert!(found.to_string().lines().count() == found.len());
        }
    }

    #[test]
    fn a_shuffled_scenario_is_survived(order in prop::collection::vec(0usize..37, 0..60)) {
        let lines: Vec<&str> = FULL.lines().collect();
        let text: Vec<&str> = order.iter().map(|index| lines[index % lines.len()]).collect();
        let _ = read(&text.join("\n"));
    }
}

#[test]
fn external_queues_are_read_and_may_be_named() {
    let scenario = read(
        "[queues.mine]\ncommand = [\"python3\", \"d.py\", \"\"]\nenv = { A = \"1\", EMPTY = \"\" }\n\
         working_dir = \"../d\"\nsetup = \"make d\"\n[queues.\"b-2.x\"]\ncommand = [\"./b\"]\n\
         [matrix]\nqueue = [\"mine\", \"builtin\", \"b-2.x\"]\n[[exclude]]\nqueue = \"mine\"\nmaxsize = 1000\n",
    )
    .unwrap();
    assert_eq!(texts(scenario.matrix.values("queue")), ["mine", "builtin", "b-2.x"]);
    let mine = scenario.external("mine").unwrap();
    assert_eq!(mine.command, ["python3", "d.py", ""]);
    assert_eq!(mine.env, [("A".into(), "1".into()), ("EMPTY".into(), Untrusted::default())]);
    assert_eq!(
        (mine.working_dir.as_ref().map(Untrusted::as_given), mine.setup.as_ref().map(Untrusted::as_given)),
        (Some("../d"), Some("make d"))
    );
    assert_eq!(mine.position, Position { line: 1, column: 9 });
    assert_eq!((scenario.external("builtin"), &mine.capabilities), (None, &None));
}

#[test]
fn everything_wrong_with_an_external_queue_is_said_at_its_place() {
    let long = "x".repeat(65);
    let text = format!(
        "[queues.builtin]\ncommand = [\"x\"]\n[queues.\"a b\"]\ncommand = [\"x\"]\n[queues.{long}]\ncommand = [\"x\"]\n\
         [queues.none]\n[queues.text]\ncommand = \"x y\"\n[queues.empty]\ncommand = []\n[queues.blank]\ncommand = [\" \", 1]\n\
         [queues.keys]\ncomand = [\"x\"]\ncommand = [\"x\"]\nworking_dir = \"\"\nsetup = 1\n\
         env = {{ \"A=B\" = \"1\", C = 2 }}\n[queues]\nflat = 1\n[matrix]\nqueue = [\"keys\", \"nope\"]\n"
    );
    insta::assert_snapshot!(errors(&text));
}

#[test]
fn queues_must_be_a_table() {
    assert_eq!(errors("queues = 1\n[matrix]\n"), "s.toml:1:10: queues: is a table, not an integer (write [queues])");
}

#[test]
fn names_are_known_before_a_file_is_read_as_a_whole() {
    assert_eq!(queues::declared(b"[queues.a]\ncommand = 1\n[queues.b]\n[matrix\n"), ["a", "b"]);
    assert_eq!(queues::declared(b"queues = 3\n"), [""; 0]);
    assert_eq!(queues::declared(b"\xff"), [""; 0]);
}

#[test]
fn an_override_may_name_an_external_queue_of_this_file_only() {
    let names = catalog().with_names(["mine".to_owned(), "other".to_owned()]);
    let with = |queue: &str| {
        let given = [Override::from_command_line("queue", queue)];
        let overrides = Overrides::read(&given, &|_| None, &names).unwrap();
        read_with(b"[queues.mine]\ncommand = [\"x\"]\n[matrix]\n", &overrides)
    };
    assert_eq!(texts(with("mine").unwrap().matrix.values("queue")), ["mine"]);
    let error = with("other").unwrap_err().to_string();
    assert!(error.contains("matrix.queue: unknown queue `other`"), "{error}");
}

fn staged(stages: &str) -> String {
    format!("[matrix]\nrate = 100\n[load]\nstages = [\n{stages}\n]\n")
}

#[test]
fn stages_are_read_and_last_as_long_as_the_window() {
    let scenario = read(&staged(
        "{ for = \"2s\", rate = \"1x\" },\n{ name = \"spike\", for = \"1s\", rate = \"5x\" },\n\
         { for = \"2s\", from = \"5x\", to = \"0.5x\" },\n\
         { for = \"10s\", rate = \"1x\", burst = \"10x\", every = \"1s\", lasting = \"100ms\" },",
    ))
    .unwrap();
    let stages = scenario.stages.as_ref().map(ToString::to_string);
    assert_eq!(stages.as_deref(), Some("2s@1x,spike:1s@5x,2s@5x..0.5x,10s@1x~10x:100ms/1s"));
    assert_eq!(texts(scenario.matrix.values("duration")), ["15s"], "nothing says how long it is");
    let with = |duration| {
        read(&format!("[matrix]\nduration = \"{duration}\"\n[load]\nstages = [{{ for = \"2s\", rate = \"1x\" }}]\n"))
    };
    assert_eq!(texts(with("3s").unwrap().matrix.values("duration")), ["3s"], "the cases say that it does not fit");
    assert_eq!(read("[matrix]\n[load]\n").unwrap().stages, None);
}

#[test]
fn everything_wrong_with_stages_is_said_at_its_place() {
    let good = "{ for = \"2s\", rate = \"1x\" },\n";
    for (stages, error) in [
        ("", "4:10: load.stages: there is no stage (write at least one)"),
        ("1", "5:1: load.stages: is a table, not an integer (write { for = \"2s\", rate = \"1x\" } for each)"),
        ("{ rate = \"1x\" }", "5:1: load.stages: says not for how long (add for = \"2s\")"),
        ("{ for = \"2s\" }", "5:1: load.stages: has no rate (give rate, or from and to)"),
        ("{ for = 2, rate = \"1x\" }", "5:9: load.stages.for: 2 has no unit (write \"2s\")"),
        ("{ for = \"0s\", rate = \"1x\" }", "5:9: load.stages.for: 0s is out of range (write 1ns to 24h)"),
        ("{ for = \"2s\", rate = 5 }", "5:22: load.stages.rate: 5 has no unit (write \"5x\")"),
        (
            "{ for = \"2s\", rate = \"5k/s\" }",
            "5:22: load.stages.rate: `5k/s` has the unknown unit `k/s` (units are x)",
        ),
        ("{ for = \"2s\", from = \"1x\" }", "5:1: load.stages: has one end of a ramp (give from and to)"),
        (
            "{ for = \"2s\", rate = \"1x\", to = \"2x\" }",
            "5:1: load.stages: has both a rate and a ramp (give rate, or from and to)",
        ),
        (
            "{ for = \"2s\", rate = \"1x\", burst = \"2x\" }",
            "5:1: load.stages: has bursts that are not complete (give burst, every and lasting)",
        ),
        (
            "{ for = \"2s\", rate = \"1x\", burst = \"2x\", every = \"1s\", lasting = \"1s\" }",
            "5:1: load.stages: bursts that last 1s every 1s in a stage of 2s (shorten them)",
        ),
        (
            "{ name = \"a b\", for = \"2s\", rate = \"1x\" }",
            "5:1: load.stages: `a b` is no name of a stage (use at most 32 letters, digits, `-` and `_`)",
        ),
        ("{ fore = \"2s\" }", "5:3: load.stages: unknown key `fore` (did you mean `for`?)"),
        ("{ for = \"2s\", rate = \"0x\" }", "4:10: load.stages: no stage sends a log (give one a rate above 0x)"),
        (&good.repeat(65), "4:10: load.stages: 65 stages are too many (write at most 64)"),
    ] {
        assert_eq!(errors(&staged(stages)), format!("s.toml:{error}"), "{stages}");
    }
    let several = errors(&staged("{ for = 2, rate = 1 },\n{ for = \"2s\" }"));
    assert_eq!(several.lines().count(), 3, "{several}");
    assert_eq!(
        errors("[matrix]\n[load]\nstages = 1\n").split(" (").next(),
        Some("s.toml:3:10: load.stages: is a list of tables, not an integer")
    );
    assert!(errors("[matrix]\n[load]\nstage = []\n").contains("did you mean `stages`?"));
}

#[test]
fn what_ends_when_it_is_steady_is_said_under_run() {
    let run = |keys: &str| read(&format!("[matrix]\n[run]\n{keys}\n")).unwrap().run;
    let percent = |percent| Some(crate::units::Ratio::from_percent(percent));
    let usual = run("");
    assert!(!usual.steady.is_asked());
    let steady = run("until = \"steady\"\nsteady_mean = \"3%\"\nsteady_memory = \"none\"").steady;
    assert_eq!((steady.window, steady.warmup), (true, false));
    assert_eq!((steady.mean, steady.p99, steady.memory), (percent(3), percent(10), None));
    let warm_up = run("warmup = \"steady\"\nsteady_warmup = \"5m\"");
    assert_eq!((warm_up.steady.window, warm_up.steady.warmup), (false, true));
    assert_eq!((warm_up.warmup, warm_up.steady.longest_warmup.to_string()), (usual.warmup, "5m".to_owned()));
    assert!(!run("warmup = \"1s\"\nuntil = \"duration\"").steady.is_asked());
}

#[test]
fn a_recovery_needs_a_spike_and_time_after_it() {
    let spike =
        "{ for = \"1s\", rate = \"1x\" },\n{ for = \"1s\", rate = \"2x\" },\n{ for = \"1s\", rate = \"1x\" },\n";
    let check = |limit: &str| format!("[[check]]\nexpect = \"recovery < {limit}\"\n");
    assert!(read(&(staged(spike) + &check("1s"))).is_ok());
    assert_eq!(
        errors(&(staged(spike) + &check("1001ms"))),
        "s.toml:11:10: check.expect: 1001ms is longer than the time after the spike, 1s (make the last stage longer)"
    );
    let none = errors(&format!("[matrix]\n{}", check("1s")));
    assert!(
        none.starts_with("s.toml:3:10: check.expect: there is no spike to recover from (add [load] stages"),
        "{none}"
    );
}

/// A directory with a trace of 3 logs in 2 s, and a scenario beside it.
fn traced(load: &str, matrix: &str) -> Result<Scenario, String> {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("a.csv"), "time,level\n10,warn\n10.5,\n12,error\n").unwrap();
    std::fs::write(place.path().join("bad.csv"), "time\n2\n1\n").unwrap();
    let file = place.path().join("s.toml");
    let (catalog, overrides) = (catalog(), Overrides::default());
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
    let text = format!("[matrix]\n{matrix}\n[load]\n{load}\n");
    let read = parse(file.to_str().unwrap(), text.as_bytes(), context);
    read.map_err(|found| found.to_string().replace(place.path().to_str().unwrap(), "DIR"))
}

#[test]
fn a_trace_is_read_from_the_scenario_s_directory() {
    let scenario = traced("trace = \"a.csv\"\ntrace_scale = \"0.5x\"", "concurrency = 2").unwrap();
    let trace = scenario.trace.unwrap();
    assert_eq!((trace.logs, trace.length().to_string().as_str()), (3, "4001ms"));
    assert!(trace.to_string().ends_with("@0.5x") && trace.sha256.as_given().len() == 64, "{trace}");
    assert_eq!(texts(scenario.matrix.values("duration")), ["4001ms"]);
}

#[test]
fn everything_wrong_with_a_trace_is_said_at_its_place() {
    let fix = "(see docs/METHODOLOGY.md, or make one with `queue-load record`)";
    let beside = "stands beside [load] trace, which says when logs are due (leave it out)";
    let good = "trace = \"a.csv\"";
    for (load, matrix, error) in [
        (
            "trace = 1",
            "",
            "4:9: load.trace: the number 1 is not a file (write a string such as \"arrivals.csv\")".to_owned(),
        ),
        ("trace = \".\"", "", format!("4:9: load.trace: `.`: is not a regular file {fix}")),
        (
            "trace = \"bad.csv\"",
            "",
            format!(
                "4:9: load.trace: `bad.csv`: line 3: is earlier than the line before; sort the lines by time {fix}"
            ),
        ),
        (
            "trace = \"a.csv\"\ntrace_scale = \"0x\"",
            "",
            "5:15: load.trace_scale: nothing comes at 0x (write 2x, or 0.5x)".to_owned(),
        ),
        ("trace = \"a.csv\"\ntrace_scale = 2", "", "5:15: load.trace_scale: 2 has no unit (write \"2x\")".to_owned()),
        ("trace_scale = \"2x\"", "", "4:15: load.trace_scale: there is no trace (add trace = \"FILE\")".to_owned()),
        (
            "trace = \"a.csv\"\nstages = [{ for = \"1s\", rate = \"1x\" }]",
            "",
            "4:9: load.trace: stands beside stages (keep one of them: a trace has its own rate)".to_owned(),
        ),
        (good, "rate = 5", format!("2:8: matrix.rate: {beside}")),
        (good, "total_rate = 5", format!("2:14: matrix.total_rate: {beside}")),
        (good, "arrival = \"uniform\"", format!("2:11: matrix.arrival: {beside}")),
        (good, "phase = \"aligned\"", format!("2:9: matrix.phase: {beside}")),
    ] {
        assert_eq!(traced(load, matrix).unwrap_err(), format!("DIR/s.toml:{error}"), "{load} {matrix}");
    }
    let missing = traced("trace = \"no.csv\"", "").unwrap_err();
    assert!(missing.starts_with("DIR/s.toml:4:9: load.trace: `no.csv`: cannot read it: "), "{missing}");
}
