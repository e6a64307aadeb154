//! The baseline that a run is compared with. It is found, read and checked before anything runs.

use super::error::{BaselineProblem, SessionError};
use crate::compare::{self, CaseDecision, CoverageChange, CoverageKind, FindingKind, Settings};
use crate::report::{self, BaselineName, Report, ReportError};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A report that another one is compared with.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// Its file.
    pub path: PathBuf,
    /// Its digest.
    pub digest: String,
    /// The report.
    pub report: Report,
}

/// Reads the baseline with that name; if there is none, the file at that path.
///
/// # Errors
/// Neither exists, or it cannot be read, has a newer schema, or was altered.
pub fn open(given: &str, reports: &Path) -> Result<Baseline, SessionError> {
    let named = given.parse::<BaselineName>().ok().map(|name| name.path_in(reports)).filter(|path| path.exists());
    let path = named.unwrap_or_else(|| PathBuf::from(given));
    let read = report::read(&path).map_err(|error| match error {
        ReportError::Io { ref source, .. } if source.kind() == ErrorKind::NotFound => missing(given, reports),
        other => other.into(),
    })?;
    if !read.digest_matches {
        return Err(ReportError::Digest { path }.into());
    }
    Ok(Baseline { path, digest: read.digest, report: read.report })
}

fn missing(given: &str, reports: &Path) -> SessionError {
    const MOST: usize = 20;
    let mut names = report::baseline_names(reports);
    names.truncate(MOST);
    let known = match names.is_empty() {
        true => format!("there are no baselines in {}", reports.display()),
        false => format!("there are {}", names.join(", ")),
    };
    SessionError::Baseline { baseline: given.to_owned(), problem: BaselineProblem::Missing { known } }
}

/// Checks whether the planned run can be compared with the baseline. `expected` is the report of that run before its
/// first repeat: the cases of the plan and the environment.
///
/// # Errors
/// Another machine or build profile, no case in common, or cases that are measured in another way.
pub fn check(given: &str, baseline: &Baseline, expected: &Report, settings: &Settings) -> Result<(), SessionError> {
    let refuse = |problem: BaselineProblem| Err(SessionError::Baseline { baseline: given.to_owned(), problem });
    match (baseline.report.maxima.is_empty(), expected.maxima.is_empty()) {
        (true, false) => return refuse(BaselineProblem::Unlike { why: "it is of a run, and this is a search".into() }),
        (false, true) => return refuse(BaselineProblem::Unlike { why: "it is of a search (find-max)".into() }),
        _ => {}
    }
    let decision = compare::gate(&baseline.report, expected, settings);
    let blocking = decision.differences.iter().filter(|difference| difference.blocks_gate);
    let blocking: Vec<String> = blocking
        .filter_map(|difference| {
            let (base, new) = (difference.base.as_ref()?, difference.new.as_ref()?);
            Some(format!("{} was {} and is {}", difference.what.quoted(), base.quoted(), new.quoted()))
        })
        .collect();
    if !blocking.is_empty() {
        return refuse(BaselineProblem::OtherMachine { differences: blocking.join(", ") });
    }
    if !decision.cases.iter().any(CaseDecision::is_of_both) {
        return refuse(BaselineProblem::NothingInCommon);
    }
    let failing = || decision.coverage.iter().filter(|change| change.fails);
    let lacking: Vec<String> = failing().map(asked_for).collect();
    if !lacking.is_empty() {
        let kinds: BTreeSet<CoverageKind> = failing().map(|change| change.kind).collect();
        let (lacking, kinds) = (lacking.join("; "), kinds.into_iter().collect());
        return refuse(BaselineProblem::AsksForMore { lacking, kinds });
    }
    let unlike = decision.cases.iter().find(|case| case.findings.iter().any(|f| f.kind == FindingKind::Unlike));
    match unlike {
        Some(case) => {
            let why = format!("{}: {}", case.id.quoted(), case.reason.quoted());
            refuse(BaselineProblem::Unlike { why })
        }
        None => Ok(()),
    }
}

/// The requirement of the baseline, in words.
fn asked_for(change: &CoverageChange) -> String {
    let what = format!("{}: {}", change.kind.words(), change.of.quoted());
    match (&change.base, &change.new) {
        (Some(base), Some(new)) => format!("{what}: {} → {}", base.quoted(), new.quoted()),
        (Some(base), None) if change.kind != CoverageKind::CaseRemoved => {
            format!("{what}: {}", base.quoted())
        }
        _ => what,
    }
}
