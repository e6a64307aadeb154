//! Why a report cannot be shown.

use crate::render::Format;
use crate::report::ReportError;

/// Why a report cannot be shown in a format.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// It cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] ReportError),
    /// It cannot be written as XML.
    #[error("--format junit: {0}")]
    Xml(String),
    /// A histogram of the report cannot be read.
    #[error("--format hdr: case {case}: the histogram of `{latency}`: {problem}")]
    Histogram {
        /// Id of the case.
        case: String,
        /// Which latency.
        latency: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The format has no form for comparisons.
    #[error(
        "--format {format}: a comparison is shown as table, json, markdown, html or github, and that of `gate` as junit or csv too"
    )]
    NotAComparison {
        /// Which.
        format: Format,
    },
    /// The format has no form for trends.
    #[error("--format {format}: a trend is shown as table, json or html")]
    NotATrend {
        /// Which.
        format: Format,
    },
}
