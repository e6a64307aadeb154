//! Formats for programs that follow numbers from run to run, as those programs read them.

use crate::support::{Place, expect_code, stderr, stdout};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Names an interpreter that has `prometheus_client` and `apache-otava` installed.
const PARSERS: &str = "QUEUE_LOAD_PARSERS_PYTHON";

/// The golden report: cases that pass and fail, one that is invalid, one that broke.
fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn shown(place: &Place, report: &Value, format: &str) -> String {
    place.write("r.json", report.to_string());
    let output = place.run(&["show", "r.json", "--format", format]);
    expect_code(&output, 0);
    stdout(&output)
}

/// Hands a file to a Python program and returns the JSON that it prints. `None` without the packages.
fn parsed(place: &Place, program: &str, text: &str) -> Option<Value> {
    let Some(interpreter) = std::env::var_os(PARSERS) else {
        eprintln!("skipped: set {PARSERS} to run it");
        return None;
    };
    let file = place.write("exported", text);
    let output = Command::new(interpreter).args(["-c", program]).arg(file).current_dir(place.path()).output().unwrap();
    assert!(output.status.success(), "{}\n{text:.4000}", stderr(&output));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The ids of the cases that were judged, and of those that were not.
fn ids(report: &Value) -> (Vec<String>, Vec<String>) {
    let cases = report["cases"].as_array().unwrap().iter();
    let (judged, others): (Vec<&Value>, Vec<&Value>) =
        cases.partition(|case| matches!(case["verdict"]["outcome"].as_str(), Some("pass" | "fail")));
    let ids = |cases: Vec<&Value>| cases.iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect();
    (ids(judged), ids(others))
}

#[test]
fn the_golden_report_has_cases_of_both_kinds() {
    let (judged, others) = ids(&golden());
    assert!(judged.len() >= 2 && others.len() >= 2, "{judged:?} {others:?}");
}

/// The schema that Bencher publishes for its metric format (draft 7), written from its documentation.
fn bencher_schema() -> Value {
    let number = json!({"type": "number"});
    let metric = json!({
        "type": "object",
        "properties": {"value": number, "lower_value": number, "upper_value": number},
        "required": ["value"],
        "additionalProperties": false,
    });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": 1024},
        "additionalProperties": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"minLength": 1, "maxLength": 64},
            "additionalProperties": metric,
        },
    })
}

#[test]
fn bencher_reads_the_cases_that_were_judged() {
    let (place, report) = (Place::new(), golden());
    let exported: Value = serde_json::from_str(&shown(&place, &report, "bencher")).unwrap();
    jsonschema::validate(&bencher_schema(), &exported).unwrap();
    let (judged, others) = ids(&report);
    assert_eq!(exported.as_object().unwrap().len(), judged.len());
    let of = |id: &str| &exported[format!("example: {id}")];
    assert!(judged.iter().all(|id| of(id).is_object()) && others.iter().all(|id| of(id).is_null()), "{exported:.2000}");
    let case = &report["cases"][0];
    let mean = &of(&judged[0])["enqueue_mean_ns"];
    assert_eq!(mean["value"], case["summary"]["latency"]["enqueue"]["mean_ns"]);
    for metric in exported.as_object().unwrap().values().flat_map(|case| case.as_object().unwrap().values()) {
        let of = |key: &str| metric[key].as_f64();
        assert!(of("lower_value") <= of("value"), "{metric}");
        assert!(of("upper_value").is_none_or(|high| of("value") <= Some(high)), "{metric}");
    }
}

#[test]
fn github_action_benchmark_reads_what_is_better_when_smaller() {
    let (place, report) = (Place::new(), golden());
    let exported: Value = serde_json::from_str(&shown(&place, &report, "custom-smaller-is-better")).unwrap();
    let text = json!({"type": "string", "minLength": 1});
    let schema = json!({
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {"name": text, "unit": text, "value": {"type": "number"}, "range": text, "extra": text},
            "required": ["name", "unit", "value"],
            "additionalProperties": false,
        },
    });
    jsonschema::validate(&schema, &exported).unwrap();
    let names: Vec<&str> = exported.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    let (judged, others) = ids(&report);
    assert!(judged.iter().all(|id| names.contains(&format!("example: {id}: enqueue_mean_ns").as_str())), "{names:?}");
    assert!(!names.iter().any(|name| others.iter().any(|id| name.contains(&format!(" {id}:")))), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("accepted")), "more of it is better: {names:?}");
}

const OPENMETRICS: &str = "\
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(open(sys.argv[1], encoding='utf-8').read()))
print(json.dumps([[f.name, f.type, f.unit, [[s.name, s.labels, s.value, s.timestamp and float(s.timestamp)] for s in f.samples]] for f in families]))";

#[test]
fn prometheus_reads_openmetrics() {
    let (place, report) = (Place::new(), golden());
    let text = shown(&place, &report, "openmetrics");
    assert!(text.ends_with("\n# EOF\n") && !text.contains("NaN"));
    let Some(families) = parsed(&place, OPENMETRICS, &text) else { return };
    let family = |name: &str| families.as_array().unwrap().iter().find(|family| family[0] == name).unwrap().clone();
    let cases = report["cases"].as_array().unwrap();
    let info = family("queue_load_case");
    assert_eq!((&info[1], info[3].as_array().unwrap().len()), (&"info".into(), cases.len()));
    let mean = family("queue_load_enqueue_mean_seconds");
    assert_eq!((&mean[1], &mean[2]), (&"gauge".into(), &"seconds".into()));
    let samples = mean[3].as_array().unwrap();
    assert_eq!(samples.len(), ids(&report).0.len());
    let ns = cases[0]["summary"]["latency"]["enqueue"]["mean_ns"].as_f64().unwrap();
    assert_eq!((&samples[0][1]["case"], samples[0][2].as_f64()), (&cases[0]["id"], Some(ns / 1e9)));
    assert!(samples[0][3].as_f64().unwrap() > 1.6e9, "{}", samples[0]);
}

#[test]
fn prometheus_reads_names_that_are_meant_to_break_it() {
    let (place, mut report) = (Place::new(), golden());
    for name in ["a\"} 1\nfake 2", "\\", "a\\\"b", "# EOF", "\u{1b}[31m", "", "日本"] {
        for (index, case) in report["cases"].as_array_mut().unwrap().iter_mut().enumerate() {
            case["id"] = format!("{name}{}", "\u{1}".repeat(index)).into();
            case["scenario"] = name.into();
        }
        let text = shown(&place, &report, "openmetrics");
        let Some(families) = parsed(&place, OPENMETRICS, &text) else { return };
        assert!(
            families.as_array().unwrap().iter().all(|family| family[0].as_str().unwrap().starts_with("queue_load_"))
        );
        assert_eq!(families[0][3].as_array().unwrap().len(), report["cases"].as_array().unwrap().len(), "{name:?}");
    }
}

const OTAVA: &str = "\
import json, sys
from otava.csv_options import CsvOptions
from otava.importer import CsvImporter
from otava.test_config import CsvMetric, CsvTestConfig
names = ['enqueue_mean_ns', 'response_p99_ns', 'accepted_per_s', 'accepted_share', 'dropped_share', 'peak_memory_bytes']
metrics = [CsvMetric(name, 1, 1.0, name) for name in names]
config = CsvTestConfig('queue-load', sys.argv[1], CsvOptions(), time_column='time', metrics=metrics, attributes=['commit', 'scenario', 'case'])
from datetime import datetime, timezone
from otava.data_selector import DataSelector
selector = DataSelector()
selector.since_time = datetime(2000, 1, 1, tzinfo=timezone.utc)
series = CsvImporter().fetch_data(config, selector)
print(json.dumps([series.time, series.data, series.attributes]))";

#[test]
fn otava_reads_a_row_for_each_case_that_was_judged() {
    let (place, report) = (Place::new(), golden());
    let text = shown(&place, &report, "otava-csv");
    let (judged, _) = ids(&report);
    assert_eq!(text.lines().count(), judged.len() + 1, "{text}");
    let Some(series) = parsed(&place, OTAVA, &text) else { return };
    let [time, data, attributes] = [0, 1, 2].map(|index| &series[index]);
    assert_eq!(time.as_array().unwrap().len(), judged.len());
    assert_eq!(attributes["case"], json!(judged));
    assert_eq!(data["enqueue_mean_ns"][0], report["cases"][0]["summary"]["latency"]["enqueue"]["mean_ns"]);
}

#[test]
fn a_report_without_a_judged_case_exports_no_number() {
    let (place, mut report) = (Place::new(), golden());
    for case in report["cases"].as_array_mut().unwrap() {
        case["verdict"]["outcome"] = "invalid".into();
    }
    for (format, text) in [("bencher", "{}\n"), ("custom-smaller-is-better", "[]\n")] {
        assert_eq!(shown(&place, &report, format), text, "{format}");
    }
    assert_eq!(shown(&place, &report, "otava-csv").lines().count(), 1);
    let text = shown(&place, &report, "openmetrics");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    assert!(samples.clone().all(|line| line.starts_with("queue_load_case_info{")) && samples.count() == 6, "{text}");
}
