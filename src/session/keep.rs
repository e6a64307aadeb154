//! Saves the results of a session: the reports, and the baseline.

use super::assemble::Reports;
use super::destination::{Destination, OTHER};
use super::error::SessionError;
use super::observer::Observer;
use super::request::Request;
use crate::platform;
use crate::report::{self, BaselineName, GateOutcome, Report};
use crate::run::Journal;
use crate::verdict::Outcome;
use std::path::{Path, PathBuf};

/// Saves the report of a session as a baseline, if the request says so.
pub struct Keep {
    name: Option<BaselineName>,
    reports: PathBuf,
}

impl Keep {
    /// Checks before anything runs that the baseline can be written.
    ///
    /// # Errors
    /// The directory cannot be created or written to, or a directory is in the baseline's place.
    pub fn prepare(request: &Request) -> Result<Self, SessionError> {
        let (name, reports) = (request.save_baseline.clone(), request.reports_directory.clone());
        if let Some(path) = name.as_ref().map(|name| name.path_in(&reports)) {
            let directory = path.parent().unwrap_or(&reports).to_owned();
            std::fs::create_dir_all(&directory)
                .and_then(|()| platform::may_write_in(&directory))
                .map_err(|source| SessionError::ReportsDirectory { path: directory, source })?;
            refuse_directory(&path)?;
        }
        Ok(Self { name, reports })
    }

    /// Saves the report, unless there is a reason against it, which the observer is told.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn baseline(&self, report: &Report, observer: &dyn Observer) -> Result<(), SessionError> {
        let Some(name) = &self.name else { return Ok(()) };
        if let Some(reason) = unfit(report) {
            observer.warn(&format!("baseline {name} not saved: {reason}"));
            return Ok(());
        }
        let replaced = name.path_in(&self.reports).exists();
        let path = report::save_baseline(report, &self.reports, name)?;
        let earlier = if replaced { ", in place of an earlier one" } else { "" };
        observer.note(&format!("baseline {name}: {}{earlier}", path.display()));
        Ok(())
    }
}

/// Refuses a path where a directory is in the place of the file.
///
/// # Errors
/// There is a directory.
pub fn refuse_directory(path: &Path) -> Result<(), SessionError> {
    if path.is_dir() {
        let problem = "there is a directory in its place".to_owned();
        return Err(SessionError::ReportFile { path: path.to_owned(), problem });
    }
    Ok(())
}

/// Why later reports should not be compared with this one; `None` if they can be. A failed target is no reason: what
/// matters then is whether the case becomes worse.
pub fn unfit(report: &Report) -> Option<String> {
    if report.interrupted {
        return Some("the run was interrupted".to_owned());
    }
    let broken = |case: &&report::CaseRecord| matches!(case.verdict.outcome, Outcome::Invalid | Outcome::Error);
    if let Some(case) = report.cases.iter().find(broken) {
        return Some(format!("case {} has no measurement that can be trusted", case.id.quoted()));
    }
    if report.cases.is_empty() {
        return Some("there is no case".to_owned());
    }
    match &report.gate {
        Some(gate) if gate.outcome != GateOutcome::Pass => {
            Some(format!("the gate ended {}: a worse report must not become the baseline", gate.outcome.word()))
        }
        _ => None,
    }
}

/// Saves the reports, the other program's first, and removes the journal. If the run is not complete, the journal
/// stays, so that the run can continue. Returns the path of this program's report.
///
/// # Errors
/// A report cannot be written. The journal then has all results.
pub fn save(
    reports: &mut Reports,
    destination: &Destination,
    journal: Journal,
    observer: &dyn Observer,
) -> Result<PathBuf, SessionError> {
    let (kept, is_whole) = (journal.path().to_owned(), journal.is_whole());
    let unsaved = |source| match is_whole {
        true => SessionError::Unsaved { source, journal: kept.clone() },
        false => SessionError::Unkept { source, journal: kept.clone() },
    };
    if let Some(other) = &reports.other {
        let path = destination.beside(OTHER).save(other).map_err(unsaved)?;
        observer.note(&format!("report on the other program: {}", path.display()));
        if let Some(gate) = &mut reports.own.gate {
            gate.baseline = path.display().to_string().into();
            gate.digest = other.digest().map_err(unsaved)?.into();
        }
    }
    let path = destination.save(&reports.own).map_err(unsaved)?;
    observer.note(&format!("report: {}", path.display()));
    if reports.own.interrupted && journal.has_repeats() {
        let verb = if reports.own.maxima.is_empty() { "run" } else { "find-max" };
        observer.note(&format!("to continue it: queue-load {verb} --resume {}", journal.path().display()));
    } else if let Err(error) = journal.finish() {
        observer.warn(&error.to_string());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_baseline_that_could_not_be_written_is_refused_before_anything_runs() {
        let place = tempfile::tempdir().unwrap();
        let prepare = |reports: PathBuf| {
            let request =
                Request { save_baseline: "main".parse().ok(), reports_directory: reports, ..Request::default() };
            Keep::prepare(&request).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(prepare(place.path().join("good")), Ok(()));
        std::fs::write(place.path().join("file"), "").unwrap();
        assert!(prepare(place.path().join("file")).is_err_and(|error| error.contains("file/baselines")));
        std::fs::create_dir_all(place.path().join("taken/baselines/main.json")).unwrap();
        assert!(prepare(place.path().join("taken")).is_err_and(|error| error.contains("directory in its place")));
        // Not even the superuser can create files there.
        if cfg!(target_os = "linux") {
            assert!(prepare("/proc/self".into()).is_err_and(|error| error.contains("/proc/self/baselines")));
        }
    }

    #[test]
    fn what_is_unfit_to_be_a_baseline() {
        let broken = fixture::report();
        assert!(unfit(&broken).is_some_and(|reason| reason.contains("strategy=sample")), "one case broke");
        let mut good = broken;
        good.cases.truncate(2);
        assert_eq!(unfit(&good), None, "a case that fails its target is fit");
        let change = |change: fn(&mut Report)| {
            let mut report = good.clone();
            change(&mut report);
            unfit(&report).unwrap()
        };
        assert!(change(|report| report.interrupted = true).contains("interrupted"));
        assert!(change(|report| report.cases.clear()).contains("no case"));
        let gated = fixture::filled_with(&[1.0; 8], &[1; 8], "text").gate;
        good.gate = gated;
        assert!(unfit(&good).is_some_and(|reason| reason.contains("regressed")));
    }
}
