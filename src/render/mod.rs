//! Pure views of a report. They receive decisions and make none, and nothing that came from outside reaches a terminal, a
//! browser or a parser as anything but text.

mod case;
mod columns;
pub mod comparison;
mod csv;
mod error;
mod format;
mod github;
#[cfg(test)]
mod golden;
mod grid;
mod hdr;
mod junit;
mod latencies;
mod markdown;
mod numbers;
mod reasons;
mod sanitise;
mod surroundings;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod totals;

pub use case::case;
pub use csv::csv;
pub use error::RenderError;
pub use format::{Format, UnknownEnding, UnknownFormat};
pub use github::github;
pub use hdr::hdr;
pub use junit::junit;
pub use markdown::markdown;
pub use sanitise::sanitise;
pub use table::table;

use crate::report::{Report, ReportError};

/// How a report is to be shown to people; formats for machines take no notice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Columns of the terminal.
    pub width: usize,
}

impl View {
    /// For a file, where no terminal says how wide it is.
    pub const FILE: Self = Self { width: 100 };
}

/// A report in a format: the bytes of a file, or of stdout.
///
/// # Errors
/// When something in the report cannot be said in that format.
pub fn render(report: &Report, format: Format, view: View) -> Result<Vec<u8>, RenderError> {
    match format {
        Format::Table => Ok(table(report, view.width).into_bytes()),
        Format::Json => Ok(json(report)?),
        Format::Markdown => Ok(markdown(report).into_bytes()),
        Format::Csv => Ok(csv(report).into_bytes()),
        Format::Html => Err(RenderError::NotYet { format }),
        Format::Junit => junit(report),
        Format::Github => Ok(github(report).into_bytes()),
        Format::Hdr => Ok(hdr(report)?.into_bytes()),
    }
}

/// The report itself: the bytes that are saved.
///
/// # Errors
/// When a number in it cannot be written as JSON.
pub fn json(report: &Report) -> Result<Vec<u8>, ReportError> {
    report.to_bytes()
}
