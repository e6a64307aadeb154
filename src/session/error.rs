//! Why a session could not do its work.

use crate::report::ReportError;
use crate::run::RunError;
use crate::scenario::Diagnostics;
use std::io;
use std::path::PathBuf;

/// Why a session could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The scenarios or the overrides are wrong; every error at once.
    #[error("{}", in_lines(.0))]
    Input(#[from] Diagnostics),
    /// The reports directory cannot be used.
    #[error("cannot write to `{}`: {source}; name a directory that can be written to", path.display())]
    ReportsDirectory {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file of the report cannot be written.
    #[error("`{}`: {problem}", path.display())]
    ReportFile {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A baseline is not there, or cannot be a baseline for what is to be run.
    #[error("`{baseline}`: {problem}")]
    Baseline {
        /// As given.
        baseline: String,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// Another build of this program cannot carry out the plan.
    #[error("`{}`: {problem}", path.display())]
    OtherProgram {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// What is asked for does not fit the scenarios.
    #[error("{0}")]
    Unfit(String),
    /// A report or a journal cannot be used.
    #[error("{}: {problem}", path.display())]
    NoReport {
        /// Which.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// A report cannot be read or written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The report of a run that has just ended cannot be written.
    #[error("{source}; the journal has what was finished: `queue-load show {}`", journal.display())]
    Unsaved {
        /// Why not.
        source: ReportError,
        /// What still has all of it.
        journal: PathBuf,
    },
    /// Neither the report of a run that has just ended nor its last repeats in the journal can be written.
    #[error("{source}; the journal lacks the last repeats as well: what is shown is all there is; {} has the others", journal.display())]
    Unkept {
        /// Why not.
        source: ReportError,
        /// What has the repeats before.
        journal: PathBuf,
    },
    /// The run could not begin or go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It was interrupted before anything was run.
    #[error("interrupted; nothing was run")]
    Interrupted,
    /// Something that only a fault of the tool or of the system explains.
    #[error("{0}")]
    Internal(String),
}

/// Several errors are counted first, as they fill more than a line.
fn in_lines(diagnostics: &Diagnostics) -> String {
    match diagnostics.len() {
        1 => diagnostics.to_string(),
        many => format!("{many} errors\n{diagnostics}"),
    }
}
