//! What a comparison looks like, in every format and at several widths, and that nothing from outside leaves its place.

use super::{comparison, gate, gate_line};
use crate::compare::fixture::{case, means, report, sized};
use crate::compare::{Comparison, Options, compare};
use crate::render::{Format, View};
use crate::report::Report;

fn base() -> Report {
    report(vec![
        sized(100, &means(10, 10_000.0)),
        sized(1_000, &means(10, 10_000.0)),
        sized(2_000, &means(10, 10_000.0)),
        sized(5_000, &means(3, 10_000.0)),
        sized(9_000, &means(10, 10_000.0)),
    ])
}

/// One slower, one faster, one the same, one that cannot be told, one without samples, one added, one removed.
fn example() -> Comparison {
    let mut new = report(vec![
        sized(2_000, &means(10, 10_100.0)),
        sized(1_000, &means(10, 7_000.0)),
        sized(100, &means(10, 14_000.0)),
        sized(5_000, &means(3, 12_000.0)),
        sized(20_000, &means(10, 12_000.0)),
    ]);
    new.cases[2].repeats[0].ledger.lost.silent = 3;
    new.environment.kernel = Some("6.1".into());
    compare(&base(), &new, &Options { labels: ("main".into(), "change".into()), ..Options::default() })
}

fn shown(comparisons: &[Comparison], format: Format, width: usize) -> String {
    String::from_utf8(comparison(comparisons, format, View { width, colour: false }).unwrap()).unwrap()
}

#[test]
fn in_a_terminal() {
    for width in [60, 80, 120] {
        let text = shown(&[example()], Format::Table, width);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} > {width}:\n{text}");
        insta::assert_snapshot!(format!("table_{width}"), text);
    }
}

#[test]
fn on_a_pull_request() {
    insta::assert_snapshot!("markdown", String::from_utf8(gate(&example(), Format::Markdown).unwrap()).unwrap());
    insta::assert_snapshot!("github", String::from_utf8(gate(&example(), Format::Github).unwrap()).unwrap());
}

#[test]
fn a_gate_is_one_line() {
    let line = gate_line(&example().decision);
    assert_eq!(line.lines().count(), 1);
    assert!(line.starts_with("regressed: 1 of 6 cases regressed: "), "{line}");
    assert!(line.ends_with(": 3 logs lost, 0 before\n"), "{line}");
}

#[test]
fn json_holds_the_decision_and_every_metric() {
    let text = shown(&[example(), example()], Format::Json, 80);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["comparisons"].as_array().unwrap().len(), 2);
    let one = &json["comparisons"][0];
    assert_eq!(
        (one["counts"]["regressed"].as_u64(), one["decision"]["outcome"].as_str()),
        (Some(1), Some("regressed"))
    );
    assert_eq!(one["cases"][0]["metrics"][0]["metric"], "enqueue.trimmed_mean");
    let gate: serde_json::Value = serde_json::from_slice(&gate(&example(), Format::Json).unwrap()).unwrap();
    assert_eq!((gate["outcome"].as_str(), gate["cases"][0]["change"].as_str()), (Some("regressed"), Some("regressed")));
}

#[test]
fn other_formats_are_refused() {
    for format in Format::ALL.into_iter().filter(|format| !super::COMPARISON_FORMATS.contains(format)) {
        let error = comparison(&[], format, View::FILE).unwrap_err().to_string();
        assert!(error.contains("table, json, markdown, html or github"), "{error}");
    }
}

#[test]
fn hostile_names_stay_where_they_are() {
    let hostile = "x\u{1b}[31m\n::error::owned`|<script>\u{202e}";
    let named = |middle: f64, queue: &str| {
        let mut case = case(&means(10, middle));
        case.parameters.queue = queue.into();
        case.id = format!("queue={queue}");
        case
    };
    let base = report(vec![named(1e4, hostile), named(1e4, "tame")]);
    let mut new = report(vec![named(2e4, hostile), named(1e4, "tame")]);
    new.environment.kernel = Some(hostile.into());
    new.cases[1].verdict.outcome = crate::verdict::Outcome::Error;
    new.cases[1].verdict.reasons = vec![hostile.into()];
    let comparison = compare(&base, &new, &Options { labels: (hostile.into(), hostile.into()), ..Options::default() });
    for format in [Format::Table, Format::Markdown, Format::Github] {
        for text in [
            shown(std::slice::from_ref(&comparison), format, 80),
            String::from_utf8(gate(&comparison, format).unwrap()).unwrap(),
        ] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{format}: {text}");
            let injected = text.lines().any(|line| line.trim_start().starts_with("::error::owned"));
            assert!(!injected, "{format}: {text}");
        }
    }
    let markdown = String::from_utf8(gate(&comparison, Format::Markdown).unwrap()).unwrap();
    let outside_of_code: String = markdown.split("```text").map(|part| part.rsplit("```\n").next().unwrap()).collect();
    assert!(!outside_of_code.lines().any(|line| line.starts_with("<script>")), "{markdown}");
}
