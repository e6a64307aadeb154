//! The bytes of every format, from one fixed report.
//!
//! `tests/data/report.json` is that report as JSON; the tests of the program show it, and hand the result to parsers of
//! other languages. After a change that is meant, `INSTA_UPDATE=always cargo test --lib golden` writes all of them anew.

use super::tests::mixed;
use super::{Format, View, render};
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
