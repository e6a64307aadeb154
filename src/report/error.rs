//! What can be wrong with a report's file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Why a report could not be written or read. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is larger than is read.
    #[error("{}: {bytes} bytes long; a report has at most {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// The JSON ends in the middle.
    #[error("{}: truncated at line {line}, column {column}; the file is not a whole report", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Last line.
        line: usize,
        /// Column in it.
        column: usize,
    },
    /// The file is not a report.
    #[error("{}: not a report: {fault}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        fault: String,
    },
    /// The ledgers of the levels do not add up.
    #[error("{}: the levels do not close: {fault}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What does not add up, and in which case.
        fault: String,
    },
    /// A later version of the program wrote it.
    #[error("{}: schema_version {found} is newer than {known}, the newest that this version reads; upgrade queue-load", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What the file says.
        found: u64,
        /// What is known here.
        known: u32,
    },
    /// `cases` are not what was written.
    #[error("{}: digest does not match: it was altered after it was written", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
    },
    /// The report cannot be expressed as JSON.
    #[error("report cannot be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
    /// Too many reports of the same name.
    #[error("{}: no free name for a report after {tries} tries", path.display())]
    NoFreeName {
        /// The name that was wanted.
        path: PathBuf,
        /// How many were tried.
        tries: u32,
    },
}

/// What is tried when a file is written that could be begun.
pub(super) const WRITE: &str = "write it";
pub(super) const PLACE: &str = "put it in place";
pub(super) const SYNC: &str = "sync its directory";

impl ReportError {
    /// Whether the system failed while a file was written, as a full disk does: not the fault of whoever named the file.
    pub(crate) fn is_of_the_system(&self) -> bool {
        let Self::Io { action, source, .. } = self else { return false };
        let is_full = matches!(
            source.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge | ErrorKind::ReadOnlyFilesystem
        );
        is_full || [WRITE, PLACE, SYNC].contains(action)
    }

    pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}
