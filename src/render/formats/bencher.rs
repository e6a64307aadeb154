//! Bencher Metric Format: JSON with a benchmark for each case and a measure for each quantity, for `bencher run --adapter json`.
//!
//! Source: <https://bencher.dev/docs/reference/bencher-metric-format/>. `lower_value` and `upper_value` are the least and the
//! largest over the repeats. The unit is the end of a measure's name.

use crate::render::RenderError;
use crate::render::parts::exported::{Exported, subjects};
use crate::report::{Report, ReportError};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

impl From<&Exported> for Metric {
    fn from(of: &Exported) -> Self {
        Self { value: of.value, lower_value: of.range.map(|(low, _)| low), upper_value: of.range.map(|(_, high)| high) }
    }
}

/// The report as Bencher Metric Format.
///
/// # Errors
/// The JSON cannot be written.
pub fn bencher(report: &Report) -> Result<Vec<u8>, RenderError> {
    let judged = subjects(report).into_iter().filter(|subject| !subject.values.is_empty());
    let benchmarks: BTreeMap<String, BTreeMap<String, Metric>> = judged
        .map(|subject| {
            let measures = subject.values.iter().map(|value| (value.quantity.full_name(), value.into()));
            (subject.name, measures.collect())
        })
        .collect();
    let mut bytes = serde_json::to_vec_pretty(&benchmarks).map_err(ReportError::from)?;
    bytes.push(b'\n');
    Ok(bytes)
}
