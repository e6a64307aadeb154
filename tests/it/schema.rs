//! The JSON schemas: those that are committed are those of the model, and what is written and read keeps to them.

use crate::support::{Place, expect_code, stdout};
use jsonschema::Validator;
use queue_load::internals::schema;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Fails with everything that is wrong.
#[track_caller]
fn expect_valid(validator: &Validator, value: &Value, what: &str) {
    let wrong: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error:.500}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{what}: {}", wrong.join("\n"));
}

#[test]
fn committed_schemas_are_those_of_the_model_and_of_the_verb() {
    for (of, schema) in [("report", schema::report()), ("scenario", schema::scenario())] {
        let path = here(&format!("docs/{of}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("QUEUE_LOAD_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, text).unwrap();
            continue;
        }
        assert!(std::fs::read_to_string(&path).unwrap() == text, "{} is out of date: `just schema`", path.display());
        jsonschema::meta::validate(&schema).unwrap();
        let printed = Place::new().run(&["schema", of]);
        expect_code(&printed, 0);
        assert!(stdout(&printed) == text, "`schema {of}` prints {}", path.display());
    }
}

#[test]
fn every_report_keeps_to_the_schema() {
    let validator = jsonschema::validator_for(&schema::report()).unwrap();
    for file in ["tests/data/report.json", "benches/report.json"] {
        expect_valid(&validator, &json(&here(file)), file);
    }
    let place = Place::new();
    let quick = "[target]\nthroughput = \"1k/s\"\n[matrix]\nqueue = \"noop\"\nduration = \"100ms\"\n[run]\nwarmup = \"0s\"\nrepeats = 2\ninvalid_retries = 0\n";
    place.write("quick.toml", quick);
    for (args, file) in [
        (&["run", "quick.toml", "--output", "r.json"][..], "r.json"),
        (&["run", "quick.toml", "--ab", "maxsize=1,2", "--insist", "--output", "ab.json"], "ab.json"),
    ] {
        let output = place.run(args);
        assert!(place.path().join(file).exists(), "{args:?}: {}", crate::support::stderr(&output));
        let mut report = json(&place.path().join(file));
        expect_valid(&validator, &report, file);
        report["cases"][0]["repeats"] = serde_json::json!("none");
        assert!(!validator.is_valid(&report), "repeats are a list");
    }
}

#[test]
fn every_scenario_keeps_to_the_schema() {
    let validator = jsonschema::validator_for(&schema::scenario()).unwrap();
    let mut seen = 0;
    for directory in ["scenarios", "docs/pictures", "examples/in_a_test"] {
        for entry in std::fs::read_dir(here(directory)).unwrap() {
            let path = entry.unwrap().path();
            let is_scenario = path.extension().is_some_and(|ending| ending == "toml") && !path.ends_with("Cargo.toml");
            if is_scenario {
                let text = std::fs::read_to_string(&path).unwrap();
                let named = text.starts_with("#:schema ../docs/scenario.schema.json\n");
                assert!(named || directory != "scenarios", "{} does not name its schema", path.display());
                let table: toml::Table = text.parse().unwrap();
                expect_valid(&validator, &serde_json::to_value(table).unwrap(), &path.display().to_string());
                seen += 1;
            }
        }
    }
    assert!(seen >= 9, "{seen} scenarios");
}
