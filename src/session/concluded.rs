//! How a session ended.

use super::error::SessionError;
use crate::render::{self, Format, View};
use crate::report::Report;
use crate::verdict::ExitOutcome;
use std::path::PathBuf;

/// How a session ended, with its report: complete, or as far as the run came.
#[derive(Debug)]
#[must_use = "a session that nobody looks at proves nothing; `assert` it"]
pub struct Concluded {
    /// The report on this program.
    pub report: Report,
    /// The report on the other program, under [`Against::OtherProgram`](super::Against::OtherProgram).
    pub other: Option<Report>,
    /// Where the report was saved; `None`: nowhere.
    pub path: Option<PathBuf>,
    /// A further error: a report or baseline that could not be saved, a journal that could not be written.
    pub failure: Option<SessionError>,
}

impl Concluded {
    /// The verdict on the whole, as in the exit code of `queue-load run`.
    #[must_use]
    pub fn outcome(&self) -> ExitOutcome {
        self.report.verdict.exit
    }

    /// The table with its reasons, as `queue-load run` prints it.
    #[must_use]
    pub fn text(&self) -> String {
        let table = render::render(&self.report, Format::Table, View::FILE)
            .map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        let gate = render::gate_sentence(&self.report).map(|line| format!("\n{line}\n")).unwrap_or_default();
        let failure = self.failure.as_ref().map(|error| format!("\nerror: {error}\n")).unwrap_or_default();
        [table, gate, failure].concat()
    }

    /// Asserts that every case passed and that nothing regressed; for tests.
    ///
    /// # Panics
    /// With the table, for any other outcome than [`ExitOutcome::Pass`] and for any [`failure`](Self::failure). A
    /// measurement that cannot be trusted is no pass either: on a busy machine, raise `invalid_retries`.
    #[track_caller]
    pub fn assert(&self) {
        let passed = self.outcome() == ExitOutcome::Pass && self.failure.is_none();
        assert!(passed, "the queue did not pass (exit code {}):\n{}", self.outcome().code(), self.text());
    }
}
