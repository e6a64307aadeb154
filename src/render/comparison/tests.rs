//! The look of a comparison in every format and at several widths. Text from outside must stay in its place.

use super::{comparison, gate, gate_line};
use crate::compare::fixture::{case, means, report, sized};
use crate::compare::{Change, Comparison, Options, compare};
use crate::render::parts::gating_fixture::test;
use crate::render::{Extent, Format, View, html_comparison};
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

/// Seven cases: slower, faster, the same, inconclusive, without samples, added, removed.
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
    insta::assert_snapshot!(
        "markdown",
        String::from_utf8(gate(&example(), Format::Markdown, View::FILE).unwrap()).unwrap()
    );
    insta::assert_snapshot!(
        "github",
        String::from_utf8(gate(&example(), Format::Github, View::FILE).unwrap()).unwrap()
    );
}

#[test]
fn a_gate_is_one_line() {
    let line = gate_line(&example().decision, false);
    assert_eq!(line.lines().count(), 1);
    assert!(line.starts_with("regressed: 1 of 6 cases regressed: "), "{line}");
    assert!(line.contains(": 3 logs lost, 0 before"), "{line}");
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
    let gate: serde_json::Value = serde_json::from_slice(&gate(&example(), Format::Json, View::FILE).unwrap()).unwrap();
    assert_eq!((gate["outcome"].as_str(), gate["cases"][0]["change"].as_str()), (Some("regressed"), Some("regressed")));
}

/// The example with tests: one case regressed, one is inconclusive, and the others were at most tested.
fn tested_example() -> Comparison {
    let mut comparison = example();
    for case in &mut comparison.cases {
        let trimmed = |new, change| test("enqueue.trimmed_mean", 1_160.0, new, change);
        case.decision.tests = match case.label.as_given() {
            "maxsize=100" => {
                vec![trimmed(3_560.0, Change::Regressed), test("memory", 1e6, 1e6, Change::Unchanged)]
            }
            "maxsize=5000" => vec![trimmed(1_200.0, Change::Unchanged), test("cpu", 2e3, 4e3, Change::Inconclusive)],
            "maxsize=2000" => vec![trimmed(1_180.0, Change::Unchanged)],
            _ => Vec::new(),
        };
    }
    comparison
}

#[test]
fn shifts_stand_in_the_table_with_their_intervals() {
    let comparison = tested_example();
    let names: Vec<String> = comparison.cases.iter().map(|case| case.label.as_given().to_owned()).collect();
    for width in [60, 80, 120] {
        let text = super::tested::text(&comparison, &names, View { width, colour: false });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        insta::assert_snapshot!(format!("tested_{width}"), text);
        let whole = shown(std::slice::from_ref(&comparison), Format::Table, width);
        assert!(whole.lines().all(|line| line.chars().count() <= width), "{whole}");
        assert!(whole.contains("[low, high]:"), "{whole}");
    }
}

#[test]
fn shifts_stand_in_every_format_for_people_and_in_none_of_an_older_report() {
    let mut old = tested_example();
    old.cases.iter_mut().for_each(|case| case.decision.tests.clear());
    // A gate's decision has its own list of the same cases.
    let of_gate = |mut comparison: Comparison| {
        comparison.decision.cases = comparison.cases.iter().map(|case| case.decision.clone()).collect();
        comparison
    };
    let (new, old) = (of_gate(tested_example()), of_gate(old));
    let of_format = |comparison: &Comparison, format| match format {
        Format::Html => html_comparison(&base(), &[(&base(), comparison)], Extent::Brief),
        Format::Github => String::from_utf8(gate(comparison, format, View::FILE).unwrap()).unwrap(),
        _ => shown(std::slice::from_ref(comparison), format, 120),
    };
    for format in [Format::Table, Format::Markdown, Format::Html, Format::Github] {
        let (with, without) = (of_format(&new, format), of_format(&old, format));
        for said in ["1.16 µs → 3.56 µs", "+2.40 µs (+207", "[+2.31 µs, +2.52 µs]", "2.00 µs → 4.00 µs"] {
            assert!(with.contains(said), "{format}: {said}: {with}");
        }
        assert!(!without.contains("1.16 µs") && !without.contains("[low, high]"), "{format}: {without}");
    }
    let line = gate_line(&new.decision, false);
    assert!(line.contains("1.16 µs → 3.56 µs") && line.lines().count() == 1, "{line}");
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
        case.id = format!("queue={queue}").into();
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
            String::from_utf8(gate(&comparison, format, View::FILE).unwrap()).unwrap(),
        ] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{format}: {text}");
            let injected = text.lines().any(|line| line.trim_start().starts_with("::error::owned"));
            assert!(!injected, "{format}: {text}");
        }
    }
    let markdown = String::from_utf8(gate(&comparison, Format::Markdown, View::FILE).unwrap()).unwrap();
    let outside_of_code: String = markdown.split("```text").map(|part| part.rsplit("```\n").next().unwrap()).collect();
    assert!(!outside_of_code.lines().any(|line| line.starts_with("<script>")), "{markdown}");
}
