//! The bytes of every format, from one fixed report.
//!
//! `tests/data/report.json` is that report as JSON; the tests of the program show it, and hand the result to parsers of
//! other languages. After a change that is meant, `INSTA_UPDATE=always cargo test --lib golden` writes all of them anew.

use crate::render::tests::mixed;
use crate::render::{Format, RenderError, View, render};
use crate::report::fixture::filled_with;
use proptest::prelude::*;
use std::path::PathBuf;

fn text(format: Format) -> String {
    String::from_utf8(render(&mixed(), format, View::FILE).unwrap()).unwrap()
}

#[test]
fn golden_json() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/report.json");
    let bytes = text(Format::Json);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &bytes).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(golden == bytes, "{} is not what is rendered; see the head of this file", path.display());
}

#[test]
fn golden_markdown() {
    insta::assert_snapshot!(text(Format::Markdown));
}

#[test]
fn golden_csv() {
    let csv = text(Format::Csv);
    assert_eq!(csv.matches('\n').count(), csv.matches("\r\n").count());
    insta::assert_snapshot!(csv);
}

#[test]
fn golden_junit() {
    insta::assert_snapshot!(text(Format::Junit));
}

#[test]
fn golden_github() {
    insta::assert_snapshot!(text(Format::Github));
}

#[test]
fn golden_hdr() {
    insta::assert_snapshot!(text(Format::Hdr));
}

#[test]
fn golden_bencher() {
    insta::assert_snapshot!(text(Format::Bencher));
}

#[test]
fn golden_custom_smaller_is_better() {
    insta::assert_snapshot!(text(Format::CustomSmallerIsBetter));
}

#[test]
fn golden_openmetrics() {
    insta::assert_snapshot!(text(Format::Openmetrics));
}

#[test]
fn golden_otava_csv() {
    insta::assert_snapshot!(text(Format::OtavaCsv));
}

/// A run with a gate: its only case looked regressed, and the confirmation agreed.
fn confirmed() -> crate::report::Report {
    let mut report = filled_with(&[1.0; 12], &[7; 12], "strategy=block");
    let gate = report.gate.as_mut().unwrap();
    gate.reason = "1 of 1 case regressed: strategy=block".into();
    let mut again = gate.rounds[0].clone();
    again.round = 1;
    again.decision.cases[0].reason = "enqueue 5.05 µs → 6.96 µs (+38.0%), p = 2e-5".into();
    gate.rounds.push(again);
    report
}

#[test]
fn a_gate_is_told_in_every_format_for_a_job() {
    let shown = |format| String::from_utf8(render(&confirmed(), format, View::FILE).unwrap()).unwrap();
    let said = shown(Format::Github);
    let github: Vec<&str> = said.lines().filter(|line| line.contains("regressed")).collect();
    insta::assert_snapshot!("gate_github", github.join("\n"));
    let junit = shown(Format::Junit);
    insta::assert_snapshot!("gate_junit", &junit[junit.find("<testsuite name=\"gate\"").unwrap()..]);
    let markdown = shown(Format::Markdown);
    let start = markdown.find("gate against").unwrap();
    insta::assert_snapshot!("gate_markdown", &markdown[start..start + markdown[start..].find("```").unwrap()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_number_and_no_text_breaks_a_format(
        numbers in prop::collection::vec(any::<f64>(), 12),
        counts in prop::collection::vec(any::<u64>(), 12),
        text in any::<String>(),
    ) {
        let report = filled_with(&numbers, &counts, &text);
        for format in Format::ALL {
            match render(&report, format, View::FILE) {
                Ok(bytes) => prop_assert!(std::str::from_utf8(&bytes).is_ok_and(|text| !text.is_empty()), "{format}"),
                // JSON cannot write a number that is not finite.
                Err(RenderError::Json(_)) => prop_assert!(numbers.iter().any(|number| !number.is_finite())),
                Err(error) => prop_assert!(false, "{format}: {error}"),
            }
        }
    }
}
