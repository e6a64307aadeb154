//! Views of a report, as pure functions. They receive decisions and make none.
//! [`Untrusted`](crate::untrusted::Untrusted) text reaches a terminal, a browser or a parser only through the method
//! for that format.
//!
//! | folder | job |
//! |---|---|
//! | `formats` | a report in one format, a file each |
//! | `html` | a report or a comparison as a page |
//! | `comparison` | a comparison and a gate's decision, in every format but the page |
//! | `trend` | the trend of a history, in every format but the page |
//! | `parts` | what several of them share |

pub mod comparison;
mod error;
mod format;
mod formats;
#[cfg(test)]
mod golden_tests;
mod html;
mod parts;
pub mod trend;
#[cfg(test)]
mod tests;

pub use error::RenderError;
pub use format::Format;
#[cfg(feature = "internals")]
pub use format::{UnknownEnding, UnknownFormat};
pub use formats::bencher::bencher;
pub use formats::case::case;
pub use formats::csv::csv;
pub use formats::explain::explain;
pub use formats::github::github;
pub use formats::hdr::hdr;
pub use formats::junit::junit;
pub use formats::markdown::markdown;
pub use formats::openmetrics::openmetrics;
pub use formats::otava_csv::otava_csv;
pub use formats::smaller_is_better::smaller_is_better;
pub use formats::table::table;
pub use html::{Extent, html, html_comparison, html_trend};
pub use parts::headline::{headline, headline_tone};
pub use parts::headline_number::{HeadlineNumber, headline_number};
pub use parts::last_line::gate_sentence;
pub use parts::paint::Tone;
pub use parts::sparkline::sparkline;
pub use parts::text::width_of;

use crate::report::{Report, ReportError};

/// How a report is shown to people. Formats for machines ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether marks have colour, too.
    pub colour: bool,
}

impl View {
    /// For a file, which has no terminal's width.
    pub const FILE: Self = Self { width: 100, colour: false };

    /// The same with another width.
    #[must_use]
    pub const fn wide(self, width: usize) -> Self {
        Self { width, ..self }
    }
}

/// Renders a report in a format: the bytes of a file, or of stdout.
///
/// # Errors
/// The format cannot express something in the report.
pub fn render(report: &Report, format: Format, view: View) -> Result<Vec<u8>, RenderError> {
    match format {
        Format::Table => Ok(table(report, view).into_bytes()),
        Format::Json => Ok(json(report)?),
        Format::Markdown => Ok(markdown(report).into_bytes()),
        Format::Csv => Ok(csv(report).into_bytes()),
        Format::Html => Ok(html(report).into_bytes()),
        Format::Junit => junit(report),
        Format::Github => Ok(github(report).into_bytes()),
        Format::Hdr => Ok(hdr(report)?.into_bytes()),
        Format::Bencher => bencher(report),
        Format::CustomSmallerIsBetter => smaller_is_better(report),
        Format::Openmetrics => Ok(openmetrics(report).into_bytes()),
        Format::OtavaCsv => Ok(otava_csv(report).into_bytes()),
    }
}

/// The report itself: the bytes that are saved.
///
/// # Errors
/// A number in it cannot be written as JSON.
pub fn json(report: &Report) -> Result<Vec<u8>, ReportError> {
    report.to_bytes()
}
