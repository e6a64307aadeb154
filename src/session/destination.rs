//! Where a session saves: the report's name, and the journal beside it.

use super::error::SessionError;
use super::keep::refuse_directory;
use super::request::{Place, Request};
use crate::plan::{Layout, Plan};
use crate::report::{self, Report, ReportError};
use crate::run::{Journal, RunError};
use std::fs;
use std::io;
use std::path::PathBuf;

/// Ending of a journal's name.
pub const JOURNAL: &str = "journal";

/// The part of its name that distinguishes the report on the other program: `r.json` and `r.base.json`.
pub const OTHER: &str = "base";

/// Largest number of journals with one name, from runs that began in the same second and did not finish.
const MOST_JOURNALS: u32 = 100;

/// Where the report of a session goes.
#[derive(Debug)]
pub enum Destination {
    /// To the file that the user named. An existing file is replaced.
    Named(PathBuf),
    /// Into the reports directory, under a new name.
    Directory {
        /// The directory.
        directory: PathBuf,
        /// The name, unless it is taken.
        name: String,
    },
}

impl Destination {
    /// Finds out where the report goes, if it is saved at all. Creates the reports directory if it does not exist.
    ///
    /// # Errors
    /// The directory cannot be created, or a directory is in the place of the report on the other program.
    pub fn of(request: &Request, plan: &Plan, created_at: jiff::Timestamp) -> Result<Option<Self>, SessionError> {
        let directory = match &request.place {
            Place::Nowhere => return Ok(None),
            Place::File(path) => {
                let named = Self::Named(path.clone());
                if let (Self::Named(other), Layout::Programs) = (named.beside(OTHER), &plan.layout) {
                    refuse_directory(&other)?;
                }
                return Ok(Some(named));
            }
            Place::ReportsDirectory => request.reports_directory.clone(),
        };
        let unusable = |source| SessionError::ReportsDirectory { path: directory.clone(), source };
        fs::create_dir_all(&directory).map_err(unusable)?;
        let first = plan.scenarios.first().map_or("report", |scenario| scenario.name.as_given());
        let name = match plan.scenarios.len() {
            0 | 1 => first.to_owned(),
            many => format!("{first} and {} more", many - 1),
        };
        Ok(Some(Self::Directory { directory, name: report::file_name(&name, created_at) }))
    }

    /// Begins the journal, in the directory of the report: if the journal can be written there, so can the report.
    ///
    /// # Errors
    /// It cannot be written. Nothing has been run by then.
    pub fn begin_journal(
        &self,
        created_at: jiff::Timestamp,
        header: &serde_json::Value,
    ) -> Result<Journal, SessionError> {
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

    /// Saves the report, and returns its path.
    ///
    /// # Errors
    /// It cannot be written. The journal still has all results.
    pub fn save(&self, report: &Report) -> Result<PathBuf, ReportError> {
        match self {
            Self::Named(path) => report::write(report, path).map(|()| path.clone()),
            Self::Directory { directory, name } => report::write_new(report, directory, name),
        }
    }

    /// The place of the second report of the same run: `r.base.json` beside `r.json`.
    #[must_use]
    pub fn beside(&self, what: &str) -> Self {
        match self {
            Self::Named(path) => Self::Named(path.with_extension(format!("{what}.json"))),
            Self::Directory { directory, name } => {
                let stem = name.strip_suffix(".json").unwrap_or(name);
                Self::Directory { directory: directory.clone(), name: format!("{stem}.{what}.json") }
            }
        }
    }

    fn unwritable(&self, error: RunError) -> SessionError {
        let source = match error {
            RunError::JournalIo { source, .. } => source,
            other => io::Error::other(other.to_string()),
        };
        match self {
            Self::Named(path) => {
                SessionError::ReportFile { path: path.clone(), problem: format!("cannot write beside it: {source}") }
            }
            Self::Directory { directory, .. } => SessionError::ReportsDirectory { path: directory.clone(), source },
        }
    }
}
