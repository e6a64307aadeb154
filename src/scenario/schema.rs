//! The JSON schema of a scenario file, for editors: made of the tables that the reader goes by.
//!
//! It says no more than a schema can. Bounds of quantities, queues that exist and expressions of checks are for
//! `queue-load validate`.

use super::axes::{AXES, Axis, Kind, TOTAL_RATE, Value as AxisValue};
use super::settings::SETTINGS;
use super::{
    Arrival, ContextFields, GateSettings, Levels, MOST_STAGES, Order, Pacing, Payload, PhaseShift, Placement,
    Producers, RunSettings, SinkKind, Stages, Statistic, Strategy, Target, Until,
};
use crate::log_queue::Level;
use crate::units::schema::{multiple, quantile, rate, share, share_part, size_part, text, time};
use serde_json::{Map, Value, json};
use std::fmt::Display;

text!(Payload, "Payload", payload(), "Fields and length of the message: `4f+64B`, or lengths such as `4f+64B..4KiB`.");
text!(Levels, "Levels", levels(), "The level of each log, or shares of levels: `info`, `info:90%+error:10%`.");
text!(ContextFields, "ContextFields", context(), "Fields of the spans around each log: `none`, `8f+16B`, `2x4f+16B`.");
text!(Statistic, "Statistic", statistic(), "A statistic: `mean`, `max`, or a quantile such as `p99.9`.");
text!(Arrival, "Arrival", arrival(), "When logs are due: `uniform`, `poisson` or `burst:10`.");
text!(
    Stages,
    "Stages",
    "^[^@,]+@[^@,]+(,[^@,]+@[^@,]+)*$",
    "How the rate changes over the window: `2s@1x,spike:1s@5x,2s@1x`."
);

/// Fields, and one size, two with `..` between, a log-normal distribution, or sizes with shares.
fn payload() -> String {
    let (size, share) = (size_part(), share_part());
    let log_normal = format!(r"p50\s*:\s*{size}\s*\+\s*p99\s*:\s*{size}(\s*\+\s*max\s*:\s*{size})?");
    let listed = format!(r"{size}\s*:\s*{share}(\s*\+\s*{size}\s*:\s*{share})*");
    format!(r"^\s*[0-9]+f\s*\+\s*({size}(\s*\.\.\s*{size})?|{log_normal}|{listed})\s*$")
}

/// One level, or levels with shares.
fn levels() -> String {
    let names = Level::ALL.map(Level::as_str).join("|");
    let share = share_part();
    format!(r"^\s*(({names})|({names})\s*:\s*{share}(\s*\+\s*({names})\s*:\s*{share})*)\s*$")
}

/// Nothing, or fields and the size of a value, with a number of spans before them.
fn context() -> String {
    let size = size_part();
    format!(r"^\s*(none|([0-9]+\s*x\s*)?[0-9]+f\s*\+\s*{size})\s*$")
}

/// A level, or a table of levels with shares.
fn level() -> Value {
    let of = json!({"anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": share()},
    ]});
    let mut shares =
        table("Shares of the levels, 100 % together.", Level::ALL.map(|level| (level.as_str(), of.clone())));
    shares["minProperties"] = json!(1);
    json!({"anyOf": [{"type": "string", "pattern": levels()}, shares]})
}

fn statistic() -> String {
    format!("^(mean|max|median)$|{}", quantile())
}

fn arrival() -> String {
    "^(uniform|poisson|burst:[0-9]+)$".to_owned()
}

/// The schema of every scenario file.
#[must_use]
pub fn schema() -> Value {
    let axes: Map<String, Value> = all_axes().map(|axis| (axis.name.to_owned(), value_of(axis))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of queue-load",
        "description": "What to put under load, and what to expect of it. `queue-load validate` checks what a schema cannot.",
        "type": "object",
        "additionalProperties": false,
        "required": ["matrix"],
        "properties": {
            "name": {"type": "string", "maxLength": 100, "description": "Its name; else that of the file."},
            "description": {"type": "string", "maxLength": 4000, "description": "What it shows."},
            "target": target(),
            "queues": queues(),
            "matrix": matrix(),
            "load": load(),
            "exclude": list(exclude()),
            "include": list(include()),
            "run": run(),
            "check": list(check()),
            "gate": gate(),
        },
        "$defs": axes,
    })
}

fn target() -> Value {
    let Target { latency, statistic: of, throughput, min_accepted } = Target::default();
    table(
        "The promise that every case is held to.",
        [
            ("latency", of_text(&time(), "The statistic must be below it.", latency)),
            ("statistic", of_text(&statistic(), "Which statistic of `enqueue`.", of)),
            ("throughput", with_default(a_rate(), "Offered rate at which it must be shown.", throughput)),
            ("min_accepted", of_text(&share(), "Least share of the offered logs that is accepted.", min_accepted)),
        ],
    )
}

fn queues() -> Value {
    let text = |description: &str| json!({"type": "string", "minLength": 1, "description": description});
    let words = json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 100,
        "description": "The program and its arguments; it speaks docs/PROTOCOL.md."});
    let variables = json!({"type": "object", "additionalProperties": {"type": "string"},
        "description": "Environment variables for it."});
    let mut queue = table(
        "A queue that a program of its own puts under load.",
        [
            ("command", words),
            ("env", variables),
            ("working_dir", text("Where it runs, seen from the scenario's directory.")),
            ("setup", text("The command that installs what it needs; shown where that is missing.")),
        ],
    );
    queue["required"] = json!(["command"]);
    json!({
        "description": "Queues that programs of their own put under load, by name.",
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "additionalProperties": queue,
    })
}

fn matrix() -> Value {
    let axes = all_axes().map(|axis| {
        let mut values = one_or_several(axis);
        values["description"] = json!(axis.summary);
        values["default"] = match axis.default() {
            Some(AxisValue::Count(count)) => json!(count),
            Some(other) => json!(other.text()),
            None => Value::Null,
        };
        (axis.name, values)
    });
    with_one_rate(table("A value or a list for each axis; the plan is the product of all lists.", axes))
}

fn load() -> Value {
    let of =
        |pattern: String, description: &str| json!({"type": "string", "pattern": pattern, "description": description});
    let mut stage = table(
        "A step, a ramp, or a rate with regular bursts. Rates are multiples of the case's rate.",
        [
            ("name", of("^[A-Za-z0-9_-]{1,32}$".to_owned(), "Its name.")),
            ("for", of(time(), "How long it lasts; all stages together fill the window.")),
            ("rate", of(multiple(), "The rate, such as `1x`.")),
            ("from", of(multiple(), "Of a ramp: the rate at its beginning.")),
            ("to", of(multiple(), "Of a ramp: the rate at its end.")),
            ("burst", of(multiple(), "Of bursts: the rate in them; `rate` is that between them.")),
            ("every", of(time(), "Of bursts: from the beginning of one to that of the next.")),
            ("lasting", of(time(), "Of bursts: how long each lasts.")),
        ],
    );
    stage["required"] = json!(["for"]);
    stage["oneOf"] = json!([{"required": ["rate"]}, {"required": ["from", "to"]}]);
    stage["dependentRequired"] = json!({
        "from": ["to"], "to": ["from"],
        "burst": ["rate", "every", "lasting"], "every": ["burst"], "lasting": ["burst"],
    });
    let mut stages = list(stage);
    (stages["minItems"], stages["maxItems"]) = (json!(1), json!(MOST_STAGES));
    stages["description"] = json!("How the rate changes over the window.");
    let mut load = table(
        "How the load changes over the window: in stages, or as it was recorded. The warm-up runs at the case's rate.",
        [
            ("stages", stages),
            (
                "trace",
                json!({"type": "string", "description": "The file of a recorded load, seen from the scenario's directory."}),
            ),
            ("trace_scale", of(multiple(), "At which multiple of its rate the trace is replayed, such as `2x`.")),
        ],
    );
    load["not"] = json!({"required": ["stages", "trace"]});
    load["dependentRequired"] = json!({"trace_scale": ["trace"]});
    load
}

fn exclude() -> Value {
    let mut exclude = clauses("Leaves out every case that has one of these values of each axis named.");
    exclude["minProperties"] = json!(1);
    exclude
}

fn include() -> Value {
    let axes = all_axes().map(|axis| (axis.name, reference(axis)));
    with_one_rate(table("One more case; an axis that is left out has the value of the matrix.", axes))
}

fn check() -> Value {
    let expect = json!({"type": "string", "description": "An expression such as `p99(response) < 1ms`."});
    let keys = [("expect", expect), ("where", clauses("Which cases; all of them unless told."))];
    let mut check = table("A further expectation.", keys);
    check["required"] = json!(["expect"]);
    check
}

fn run() -> Value {
    let defaults = serde_json::to_value(RunSettings::default()).unwrap_or_default();
    let settings = SETTINGS.iter().map(|setting| {
        let mut value = match setting.name {
            "repeats" => count(1, 1_000),
            "invalid_retries" => count(0, 100),
            "seed" => count(0, u64::MAX),
            "order" => words(&Order::ALL, Order::name),
            "until" => words(&Until::ALL, Until::name),
            "warmup" => json!({"type": "string", "pattern": format!("^\\s*steady\\s*$|{}", time())}),
            "memory_limit" => json!({"type": "string", "pattern": format!(r"^\s*{}\s*$", size_part())}),
            "steady_mean" | "steady_p99" | "steady_memory" => {
                json!({"type": "string", "pattern": format!("^\\s*none\\s*$|{}", share())})
            }
            "skip_unsupported" | "isolate" => json!({"type": "boolean"}),
            _ => json!({"type": "string", "pattern": time()}),
        };
        value["description"] = json!(setting.summary);
        if let Some(default) = defaults.get(setting.name) {
            value["default"] = default.clone();
        }
        (setting.name, value)
    });
    table("How the cases are run.", settings)
}

fn gate() -> Value {
    let GateSettings { min_effect, alpha, ignore_below: _ } = GateSettings::default();
    let level = json!({"anyOf": [
        {"type": "number", "minimum": 0.0001, "maximum": 0.2}, {"type": "string", "pattern": share()},
    ]});
    let ignored = json!({"type": "string", "pattern": time(),
        "description": "Slow-downs up to this are ignored; 1 % of the target's latency unless told."});
    table(
        "What a comparison with a baseline must prove.",
        [
            ("min_effect", of_text(&share(), "Smallest change that counts.", min_effect)),
            ("alpha", with_default(level, "Chance of any false alarm over all tests.", alpha)),
            ("ignore_below", ignored),
        ],
    )
}

fn all_axes() -> impl Iterator<Item = &'static Axis> {
    AXES.iter().chain([&TOTAL_RATE])
}

/// One value of an axis.
fn value_of(axis: &Axis) -> Value {
    match &axis.kind {
        Kind::Queue => json!({"type": "string"}),
        Kind::Strategy => words(&Strategy::ALL, Strategy::name),
        Kind::Sink => words(&SinkKind::ALL, SinkKind::name),
        Kind::Payload => json!({"type": "string", "pattern": payload()}),
        Kind::Rate | Kind::TotalRate => a_rate(),
        Kind::Count { bounds, .. } => count(*bounds.start(), *bounds.end()),
        Kind::Time { .. } => json!({"type": "string", "pattern": time()}),
        Kind::Share { .. } => json!({"type": "string", "pattern": share()}),
        Kind::Arrival => json!({"type": "string", "pattern": arrival()}),
        Kind::Producers => words(Producers::ALL, Producers::name),
        Kind::Pacing => words(Pacing::ALL, Pacing::name),
        Kind::Placement => words(Placement::ALL, Placement::name),
        Kind::Phase => words(PhaseShift::ALL, PhaseShift::name),
        Kind::Level => level(),
        Kind::Context => json!({"type": "string", "pattern": context()}),
    }
}

fn reference(axis: &Axis) -> Value {
    json!({"$ref": format!("#/$defs/{}", axis.name)})
}

fn one_or_several(axis: &Axis) -> Value {
    json!({"anyOf": [reference(axis), {"type": "array", "items": reference(axis), "minItems": 1}]})
}

fn clauses(description: &str) -> Value {
    table(description, all_axes().map(|axis| (axis.name, one_or_several(axis))))
}

/// `rate` and `total_rate` are two ways to say the same.
fn with_one_rate(mut table: Value) -> Value {
    table["not"] = json!({"required": ["rate", "total_rate"]});
    table
}

fn a_rate() -> Value {
    json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": rate()}]})
}

fn count(least: u64, most: u64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

fn words<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Value {
    let names: Vec<&str> = all.iter().map(|word| name(*word)).collect();
    json!({"type": "string", "enum": names})
}

fn of_text(pattern: &str, description: &str, default: impl Display) -> Value {
    with_default(json!({"type": "string", "pattern": pattern}), description, default)
}

fn with_default(mut value: Value, description: &str, default: impl Display) -> Value {
    value["description"] = json!(description);
    value["default"] = json!(default.to_string());
    value
}

/// A table with these keys and no others.
fn table(description: &str, keys: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let keys: Map<String, Value> = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    json!({"type": "object", "description": description, "additionalProperties": false, "properties": keys})
}

fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Catalog, Context, Overrides, QueueSpec, parse};

    fn is_read(text: &str) -> bool {
        let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec())]);
        let context = Context { catalog: &catalog, overrides: &Overrides::default(), default_repeats: 3 };
        parse("a.toml", text.as_bytes(), context).is_ok()
    }

    /// Whether schema and reader take a text; both have to say the same.
    fn holds(text: &str) -> bool {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let read: toml::Table = text.parse().unwrap();
        let valid = schema.is_valid(&serde_json::to_value(read).unwrap());
        assert_eq!(valid, is_read(text), "{text}");
        valid
    }

    #[test]
    fn schema_and_reader_take_the_same_values() {
        for (axis, good, bad) in [
            ("queue", "\"builtin\"", "7"),
            ("strategy", "[\"drop\", \"block\"]", "\"blok\""),
            ("maxsize", "[1, 100_000_000]", "[1, 0]"),
            ("concurrency", "10_000", "10_001"),
            ("rate", "[1000, \"1k/s\", \"10k/3s\", \"0.5/s\", \"1 M / 2 min\"]", "\"1 per second\""),
            ("total_rate", "\"10k/s\"", "true"),
            ("duration", "\"1_000.5 ms\"", "5"),
            ("batch_size", "1", "[]"),
            ("batch_timeout", "\"1µs\"", "\"1 day\""),
            ("sample_rate", "\"12.5%\"", "\"0.1\""),
            ("sink", "\"file\"", "\"null\""),
            ("sink_delay", "\"0s\"", "0"),
            ("payload", "\"4f+64B\"", "\"64B\""),
            ("producers", "\"lanes\"", "\"threads\""),
            ("pacing", "\"spin\"", "\"Spin\""),
            ("placement", "[\"none\", \"same\"]", "\"cpu0\""),
            ("arrival", "\"burst:10\"", "\"burst\""),
            ("phase", "\"aligned\"", "1.5"),
            ("batch_delay", "\"1s\"", "\"1 fortnight\""),
            ("payload", "[\"4f+64B..4KiB\", \"4f+p50:120B+p99:2KiB\", \"0f+64B:90%+4KiB:10%\"]", "\"4f+64B..\""),
            ("payload", "\"4f + p50:120B + p99:2 KiB + max:8KiB\"", "\"4f+p50:64B\""),
            ("level", "[\"info\", \"info:90%+error:10%\"]", "\"loud\""),
            ("level", "[{ debug = 0.7, info = \"25%\", error = 0.05 }, \"warn\"]", "{ loud = 1 }"),
            ("level", "{ info = 1 }", "{}"),
            ("level", "{ info = 1.0 }", "7"),
            ("context", "[\"none\", \"8f+16B\", \" 2 x 4f + 0.25 KiB \"]", "\"8f\""),
            ("context", "\"4x16f+256B\"", "8"),
        ] {
            assert!(holds(&format!("[matrix]\n{axis} = {good}\n")), "{axis} = {good}");
            assert!(!holds(&format!("[matrix]\n{axis} = {bad}\n")), "{axis} = {bad}");
        }
    }

    #[test]
    fn schema_and_reader_take_the_same_settings() {
        for (section, good, bad) in [
            ("run", "warmup = \"0s\"\nrepeats = 1_000\nseed = 0\norder = \"as-written\"", "repeats = 0"),
            ("run", "control = \"0s\"\ndrain_timeout = \"1s\"\ninvalid_retries = 100", "invalid_retries = 101"),
            ("run", "skip_unsupported = true\nisolate = false\ndeadline = \"1h\"", "isolate = \"no\""),
            ("run", "", "repeat = 3"),
            ("target", "latency = \"1ms\"\nstatistic = \"p99.9\"", "latency = 1"),
            ("target", "throughput = 1000\nmin_accepted = \"99%\"", "statistic = \"99\""),
            ("gate", "min_effect = \"5%\"\nalpha = 0.01\nignore_below = \"1us\"", "alpha = 0.5"),
            ("gate", "alpha = \"5%\"", "alpha = 1"),
            ("[check]", "expect = \"dropped == 0\"\nwhere = { strategy = [\"drop\"] }", "where = {}"),
            ("load", "stages = [{ for = \"30s\", rate = \"1x\" }]", "stages = []"),
            (
                "load",
                "stages = [{ name = \"a\", for = \"30s\", from = \"0x\", to = \"2x\" }]",
                "stages = [{ for = \"30s\" }]",
            ),
            ("load", "", "stages = [{ for = \"30s\", rate = \"1x\", to = \"2x\" }]"),
            ("load", "", "stages = [{ for = \"30s\", rate = \"1x\", burst = \"2x\" }]"),
            ("load", "", "stage = [{ for = \"30s\", rate = \"1x\" }]"),
            ("load", "", "trace = \"a.csv\"\nstages = [{ for = \"30s\", rate = \"1x\" }]"),
            ("load", "", "trace_scale = \"2x\""),
            ("load", "", "trace = 5"),
            ("[exclude]", "strategy = \"drop\"\nmaxsize = [1, 2]", ""),
            ("[include]", "maxsize = 64\ntotal_rate = 100", "maxsize = [64]"),
            ("[include]", "rate = 1", "rate = 1\ntotal_rate = 1"),
            ("queues.mine", "command = [\"x\", \"\"]\nenv = { A = \"\" }\nsetup = \"y\"", "working_dir = \"..\""),
            ("queues.\"a b\"", "", "command = [\"x\"]"),
        ] {
            let with = |lines: &str| format!("[matrix]\nrate = 1\n[{section}]\n{lines}\n");
            assert!(section.contains(' ') || holds(&with(good)), "{section}: {good}");
            assert!(!holds(&with(bad)), "{section}: {bad}");
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused() {
        for text in ["", "name = \"x\"", "[matrix]\nrate = 1\ntotal_rate = 1", "[matrix]\n[matrx]", "matrix = 1"] {
            assert!(!holds(text), "{text}");
        }
        assert!(holds("name = \"x\"\ndescription = \"what\"\n[matrix]\n"));
    }
}
