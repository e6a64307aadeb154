//! Why a verb could not do its work.

use super::exit::Exit;
use crate::render::{Format, RenderError};
use crate::report::ReportError;
use crate::run::RunError;
use crate::scenario::Diagnostics;
use crate::session::SessionError;
use std::path::PathBuf;

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A session could not do its work.
    #[error("{}{}", option_of(.0), .0)]
    Session(#[from] SessionError),
    /// An output file has an ending that names no format, or its directory cannot be written to.
    #[error("--output: `{}`: {problem}", path.display())]
    Output {
        /// Which.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// `--case` cannot be followed.
    #[error("--case: {problem}")]
    Case {
        /// What is wrong, and the fix.
        problem: String,
    },
    /// An explanation was asked for beside what is not for people.
    #[error("--explain: goes with --format table, not with {format}")]
    Explain {
        /// The format.
        format: Format,
    },
    /// A report cannot be shown in a format.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Some of the outputs of a run that has just ended cannot be written.
    #[error("{problems}; the report has it all: `queue-load show REPORT --output FILE`")]
    Outputs {
        /// Each of them, and why not.
        problems: String,
    },
    /// There is no baseline.
    #[error("{}: no such baseline; save one with `queue-load run SCENARIO --output FILE`", path.display())]
    NoBaseline {
        /// Where it should be.
        path: PathBuf,
    },
    /// Something that only a fault of the tool or of the system explains.
    #[error("{0}")]
    Internal(String),
}

impl From<Diagnostics> for CliError {
    fn from(errors: Diagnostics) -> Self {
        Self::Session(errors.into())
    }
}

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        Self::Session(error.into())
    }
}

impl CliError {
    /// The exit code that belongs to it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Session(error) => exit_of(error),
            Self::Output { .. } | Self::Explain { .. } | Self::Case { .. } => Exit::Usage,
            Self::NoBaseline { .. } => Exit::Incomparable,
            Self::Render(_) | Self::Outputs { .. } | Self::Internal(_) => Exit::Internal,
        }
    }
}

/// The exit code that belongs to an error of a session.
fn exit_of(error: &SessionError) -> Exit {
    match error {
        SessionError::Input(_)
        | SessionError::ReportsDirectory { .. }
        | SessionError::ReportFile { .. }
        | SessionError::OtherProgram { .. }
        | SessionError::Unfit(_)
        | SessionError::NoReport { .. }
        | SessionError::Report(_)
        | SessionError::Run(RunError::JournalInUse { .. } | RunError::JournalFormat { .. }) => Exit::Usage,
        SessionError::Interrupted => Exit::Interrupted,
        SessionError::Baseline { .. } => Exit::Incomparable,
        SessionError::Unsaved { .. }
        | SessionError::Unkept { .. }
        | SessionError::Run(_)
        | SessionError::Internal(_) => Exit::Internal,
    }
}

/// The option that the error is about, to stand before it.
fn option_of(error: &SessionError) -> &'static str {
    match error {
        SessionError::ReportsDirectory { .. } => "--reports-dir: ",
        SessionError::ReportFile { .. } => "--output: ",
        SessionError::Baseline { .. } => "--baseline: ",
        SessionError::OtherProgram { .. } => "--ab-exec: ",
        _ => "",
    }
}
