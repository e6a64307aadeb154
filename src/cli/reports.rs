//! Where a run saves: the report's name, and the journal beside it.

use super::args::RunArgs;
use super::error::CliError;
use super::outputs::Outputs;
use crate::plan::Plan;
use crate::report::{self, Report, ReportError};
use crate::run::{Journal, RunError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Ending of a journal's name.
pub const JOURNAL: &str = "journal";

/// Most journals of one name, from runs that were cut short in the same second.
const MOST_JOURNALS: u32 = 100;

/// Where the report of a run goes.
#[derive(Debug)]
pub enum Destination {
    /// To the file that the user named, in place of what is there.
    Named(PathBuf),
    /// Into the reports directory, under a name of its own.
    Directory {
        /// The directory.
        directory: PathBuf,
        /// The name, unless it is taken.
        name: String,
    },
}

impl Destination {
    /// Finds out where the report goes, and makes the reports directory if there is none.
    ///
    /// # Errors
    /// A directory that cannot be made.
    pub fn of(args: &RunArgs, outputs: &Outputs, plan: &Plan, created_at: jiff::Timestamp) -> Result<Self, CliError> {
        if let Some(path) = outputs.report() {
            return Ok(Self::Named(path.to_owned()));
        }
        let directory = args.reports_dir.clone();
        fs::create_dir_all(&directory).map_err(|source| CliError::ReportsDir { path: directory.clone(), source })?;
        let first = plan.scenarios.first().map_or("report", |scenario| scenario.name.as_str());
        let name = match plan.scenarios.len() {
            0 | 1 => first.to_owned(),
            many => format!("{first} and {} more", many - 1),
        };
        Ok(Self::Directory { directory, name: report::file_name(&name, created_at) })
    }

    /// Begins the journal, beside where the report will be: whoever can write the one can write the other.
    ///
    /// # Errors
    /// When it cannot be written; nothing has been run by then.
    pub fn begin_journal(&self, created_at: jiff::Timestamp, header: &serde_json::Value) -> Result<Journal, CliError> {
        let wanted = match self {
            Self::Named(path) => path.clone(),
            Self::Directory { directory, name } => directory.join(name),
        };
        let mut number = 1;
        loop {
            let ending = if number == 1 { JOURNAL.to_owned() } else { format!("{number}.{JOURNAL}") };
            match Journal::create(&wanted.with_extension(ending), &created_at.to_string(), header.clone()) {
                Err(RunError::JournalExists { .. }) if number < MOST_JOURNALS => number += 1,
                created => return created.map_err(|error| self.unwritable(error)),
            }
        }
    }

    /// Saves the report; returns where.
    ///
    /// # Errors
    /// When it cannot be written; the journal still has all of it.
    pub fn save(&self, report: &Report) -> Result<PathBuf, ReportError> {
        match self {
            Self::Named(path) => report::write(report, path).map(|()| path.clone()),
            Self::Directory { directory, name } => report::write_new(report, directory, name),
        }
    }

    fn unwritable(&self, error: RunError) -> CliError {
        let source = match error {
            RunError::JournalIo { source, .. } => source,
            other => io::Error::other(other.to_string()),
        };
        match self {
            Self::Named(path) => {
                CliError::Output { path: path.clone(), problem: format!("cannot write beside it: {source}") }
            }
            Self::Directory { directory, .. } => CliError::ReportsDir { path: directory.clone(), source },
        }
    }
}

/// The newest report in a directory, by its time of modification.
///
/// # Errors
/// There is none.
pub fn latest(directory: &Path) -> Result<PathBuf, CliError> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let reports =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let newest = reports.filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path))).max();
    newest.map(|(_, path)| path).ok_or_else(|| CliError::NoReport {
        path: directory.to_owned(),
        problem: "no report here; name another directory with --reports-dir".to_owned(),
    })
}
