//! Why a report cannot be shown.

use super::Format;
use crate::report::ReportError;

/// Why a report cannot be shown in a format.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// It cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] ReportError),
    /// The format is known by name only.
    #[error("--format {format}: not yet there")]
    NotYet {
        /// Which.
        format: Format,
    },
}
