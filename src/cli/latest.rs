//! `latest`: the newest report of a directory.

use super::error::CliError;
use crate::session::{JOURNAL, SessionError};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The newest report.
#[derive(Debug)]
pub struct Latest {
    /// Where it is.
    pub report: PathBuf,
    /// The journal of a later run that did not finish.
    pub newer_journal: Option<PathBuf>,
}

/// The newest report in a directory, by modification time. Files that are no reports are skipped.
///
/// # Errors
/// There is none.
pub fn latest(directory: &Path) -> Result<Latest, CliError> {
    let report = newest(directory, "json", &is_report);
    let journal = newest(directory, JOURNAL, &|_| true);
    let Some((saved, report)) = report else {
        let said = journal.map_or(String::new(), |(_, path)| {
            format!("; there is a run that was cut short: `queue-load show {}`", path.display())
        });
        let problem = format!("no report here; name another directory with --reports-dir{said}");
        return Err(SessionError::NoReport { path: directory.to_owned(), problem }.into());
    };
    let newer_journal = journal.filter(|(written, _)| *written > saved).map(|(_, path)| path);
    Ok(Latest { report, newer_journal })
}

/// The newest file with this ending for which `right` is true; of several equally new ones, the last by name.
fn newest(directory: &Path, ending: &str, right: &dyn Fn(&Path) -> bool) -> Option<(SystemTime, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|other| other == ending));
    let mut dated: Vec<_> = paths.filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path))).collect();
    dated.sort();
    dated.into_iter().rev().find(|(_, path)| right(path))
}

/// Whether a file begins as a report does.
fn is_report(path: &Path) -> bool {
    let mut head = [0; 200];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut head)).unwrap_or(0);
    head[..read].windows(16).any(|window| window == b"\"schema_version\"")
}
