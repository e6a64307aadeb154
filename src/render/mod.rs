//! Pure views of a report. They receive decisions and make none, and nothing that came from outside reaches a terminal
//! unsanitised.

mod case;
mod columns;
mod format;
mod grid;
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
pub use format::{Format, UnknownFormat};
pub use sanitise::sanitise;
pub use table::table;

use crate::report::{Report, ReportError};

/// The report itself: the bytes that are saved.
///
/// # Errors
/// When a number in it cannot be written as JSON.
pub fn json(report: &Report) -> Result<Vec<u8>, ReportError> {
    report.to_bytes()
}
