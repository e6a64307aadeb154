//! Pure views of a report. They receive decisions and make none, and nothing that came from outside reaches a terminal, a
//! browser or a parser as anything but text.

mod case;
mod columns;
pub mod comparison;
mod csv;
mod curve;
mod error;
mod explain;
mod facts;
mod format;
#[cfg(test)]
mod gated;
mod gating;
mod github;
#[cfg(test)]
mod golden;
mod grid;
mod hdr;
mod headline;
mod html;
mod junit;
mod last_line;
mod latencies;
mod markdown;
mod numbers;
mod paint;
mod reasons;
mod sanitise;
mod shift;
mod surroundings;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod totals;

pub use case::case;
pub use csv::csv;
pub use error::RenderError;
pub use explain::explain;
pub use format::{Format, UnknownEnding, UnknownFormat};
pub use github::github;
pub use hdr::hdr;
pub use html::{html, html_comparison};
pub use junit::junit;
pub use last_line::gate_sentence;
pub use markdown::markdown;
pub use paint::{paint, paint_lines};
pub use sanitise::sanitise;
pub use table::table;
pub use text::width_of;

use crate::report::{Report, ReportError};

/// How a report is to be shown to people; formats for machines take no notice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether marks have colour, too.
    pub colour: bool,
}

impl View {
    /// For a file, where no terminal says how wide it is.
    pub const FILE: Self = Self { width: 100, colour: false };
}

/// A report in a format: the bytes of a file, or of stdout.
///
/// # Errors
/// When something in the report cannot be said in that format.
pub fn render(report: &Report, format: Format, view: View) -> Result<Vec<u8>, RenderError> {
    match format {
        Format::Table => {
            let table = table(report, view.width);
            Ok(if view.colour { paint_lines(&table) } else { table }.into_bytes())
        }
        Format::Json => Ok(json(report)?),
        Format::Markdown => Ok(markdown(report).into_bytes()),
        Format::Csv => Ok(csv(report).into_bytes()),
        Format::Html => Ok(html(report).into_bytes()),
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
