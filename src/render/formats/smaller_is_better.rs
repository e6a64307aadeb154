//! `customSmallerIsBetter` of github-action-benchmark: a JSON list with an entry for each number of which less is better.
//!
//! Source: <https://github.com/benchmark-action/github-action-benchmark#a-custom-benchmark>. What is better when it is larger is
//! left out: accepted rate and share, and the maximum of a search.

use crate::render::RenderError;
use crate::render::parts::exported::{Exported, Subject, subjects};
use crate::report::{Report, ReportError};
use serde::Serialize;

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    /// The least and the largest over the repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    /// What a tooltip shows.
    extra: String,
}

/// The report as a list for github-action-benchmark.
///
/// # Errors
/// The JSON cannot be written.
pub fn smaller_is_better(report: &Report) -> Result<Vec<u8>, RenderError> {
    let subjects = subjects(report);
    let entries: Vec<Entry> = subjects
        .iter()
        .flat_map(|subject| subject.values.iter().map(move |value| (subject, value)))
        .filter(|(_, value)| value.quantity.smaller_is_better)
        .map(|(subject, value)| entry(subject, value))
        .collect();
    let mut bytes = serde_json::to_vec_pretty(&entries).map_err(ReportError::from)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn entry(subject: &Subject<'_>, value: &Exported) -> Entry {
    Entry {
        name: format!("{}: {}", subject.name, value.quantity.full_name()),
        unit: value.quantity.unit.text(),
        value: value.value,
        range: value.range.map(|(low, high)| format!("{low} to {high}")),
        extra: format!("{} Verdict: {}", value.quantity.help, subject.outcome),
    }
}
