//! CSV as Apache Otava reads it: a row for each case, with the time of its run, the commit, and a column for each quantity.
//!
//! Source: <https://otava.apache.org/docs/csv/>. Otava takes every row of a file for the same test. So keep a file for each
//! case (`show --case ID --format otava-csv`), and append a row for each run; a case without numbers adds none. A quantity
//! without a number is an empty cell, which Otava refuses if it is asked for that column.

use super::csv::quote;
use crate::render::parts::exported::{MAXIMUM, QUANTITIES, Quantity, Subject, subjects};
use crate::report::Report;

/// The report as CSV for Otava.
#[must_use]
pub fn otava_csv(report: &Report) -> String {
    let columns: Vec<&Quantity> = QUANTITIES.iter().chain([&MAXIMUM]).collect();
    let heading = ["time", "commit", "scenario", "case"].map(str::to_owned).into_iter();
    let mut out = line(heading.chain(columns.iter().map(|quantity| quantity.full_name())));
    let time =
        report.created_at.as_given().parse::<jiff::Timestamp>().map_or_else(|_| String::new(), |time| time.to_string());
    for subject in subjects(report).iter().filter(|subject| !subject.values.is_empty()) {
        out.push_str(&row(report, subject, &time, &columns));
    }
    out
}

fn row(report: &Report, subject: &Subject<'_>, time: &str, columns: &[&Quantity]) -> String {
    let dirty = if report.environment.git_dirty == Some(true) { "-dirty" } else { "" };
    let commit = report.environment.git_commit.as_ref().map_or_else(String::new, |commit| commit.csv() + dirty);
    let texts = [time.to_owned(), commit, subject.scenario.csv(), subject.case.csv()];
    let number = |quantity: &&Quantity| {
        let value = subject.values.iter().find(|value| value.quantity == *quantity);
        value.map_or_else(String::new, |value| value.value.to_string())
    };
    line(texts.into_iter().chain(columns.iter().map(number)))
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = cells.map(|cell| quote(&cell)).collect();
    quoted.join(",") + "\n"
}
