//! Why a verb could not do its work.

use super::exit::Exit;
use crate::render::RenderError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::scenario::Diagnostics;
use std::io;
use std::path::PathBuf;

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The scenarios or the overrides are wrong; every error at once.
    #[error("{}", in_lines(.0))]
    Input(#[from] Diagnostics),
    /// The reports directory cannot be used.
    #[error("--reports-dir: cannot write to `{}`: {source}; name a directory that can be written to", path.display())]
    ReportsDir {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An output file has an ending that names no format, or its directory cannot be written to.
    #[error("--output: `{}`: {problem}", path.display())]
    Output {
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
    /// A report cannot be shown in a format.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Some of the outputs of a run that has just ended cannot be written.
    #[error("{problems}; the report has it all: `queue-load show REPORT --output FILE`")]
    Outputs {
        /// Each of them, and why not.
        problems: String,
    },
    /// A report to be shown cannot be used.
    #[error("{}: {problem}", path.display())]
    NoReport {
        /// Which.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// There is no baseline.
    #[error("{}: no such baseline; save one with `queue-load run SCENARIO --output FILE`", path.display())]
    NoBaseline {
        /// Where it should be.
        path: PathBuf,
    },
    /// The run could not begin or go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Something that only a fault of the tool or of the system explains.
    #[error("{0}")]
    Internal(String),
}

impl CliError {
    /// The exit code that belongs to it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Input(_)
            | Self::ReportsDir { .. }
            | Self::Output { .. }
            | Self::NoReport { .. }
            | Self::Report(_) => Exit::Usage,
            Self::NoBaseline { .. } => Exit::Incomparable,
            Self::Unsaved { .. } | Self::Render(_) | Self::Outputs { .. } | Self::Run(_) | Self::Internal(_) => {
                Exit::Internal
            }
        }
    }
}

fn in_lines(diagnostics: &Diagnostics) -> String {
    match diagnostics.len() {
        1 => diagnostics.to_string(),
        many => format!("{many} errors\n{diagnostics}"),
    }
}
