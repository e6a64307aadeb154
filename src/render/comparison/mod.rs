//! Views of a comparison and of a gate's decision.

mod github;
mod markdown;
mod rows;
mod table;
mod tested;
#[cfg(test)]
mod tests;

pub(super) use github::of_cases as annotations;

use super::{Format, RenderError, View};
use crate::compare::{Comparison, GateDecision};
use crate::report::ReportError;
use serde::Serialize;
use table::gate_line;

/// Formats in which a comparison can be shown. [`super::html_comparison`] makes a page, since it also draws the reports.
pub const COMPARISON_FORMATS: [Format; 5] =
    [Format::Table, Format::Json, Format::Markdown, Format::Github, Format::Html];

/// Renders comparisons with one baseline in a format.
///
/// # Errors
/// A page, a format that is not one of [`COMPARISON_FORMATS`], a number that cannot be written as JSON.
pub fn comparison(comparisons: &[Comparison], format: Format, view: View) -> Result<Vec<u8>, RenderError> {
    /// The JSON of a comparison.
    #[derive(Serialize)]
    struct All<'a> {
        comparisons: &'a [Comparison],
    }
    let joined =
        |one: &dyn Fn(&Comparison) -> String| comparisons.iter().map(one).collect::<Vec<_>>().join("\n").into_bytes();
    match format {
        Format::Table => Ok(joined(&|one| table::table(one, view))),
        Format::Json => json(&All { comparisons }),
        Format::Markdown => Ok([markdown::marked(comparisons.first()), joined(&markdown::comparison)].concat()),
        Format::Github => Ok(joined(&|one| github::gate(&one.decision))),
        other => Err(RenderError::NotAComparison { format: other }),
    }
}

/// Renders a gate's decision in a format, with the evidence if the format has room for it.
///
/// # Errors
/// A page, a format that is not one of [`COMPARISON_FORMATS`], a number that cannot be written as JSON.
pub fn gate(comparison: &Comparison, format: Format, view: View) -> Result<Vec<u8>, RenderError> {
    let decision: &GateDecision = &comparison.decision;
    match format {
        Format::Table => Ok(gate_line(decision, view.colour).into_bytes()),
        Format::Json => json(decision),
        Format::Markdown => Ok([markdown::marked(Some(comparison)), markdown::gate(comparison).into_bytes()].concat()),
        Format::Github => Ok(github::gate(decision).into_bytes()),
        other => Err(RenderError::NotAComparison { format: other }),
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, RenderError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(ReportError::from)?;
    bytes.push(b'\n');
    Ok(bytes)
}
