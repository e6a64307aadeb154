//! `show`: a saved report, or the content of the journal of a run that did not finish.

use super::args::ShowArgs;
use super::error::CliError;
use super::exit::Exit;
use super::latest::{Latest, latest};
use super::outputs::{self, Outputs};
use super::{near, run, stdio};
use crate::render::{self, Format};
use crate::report::{self, CaseRecord, Kept, Report};
use crate::session::{self, JOURNAL, Recovered, SessionError};
use crate::untrusted::Untrusted;
use crate::worker::Queues;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Shows a report.
pub fn show(args: &ShowArgs, queues: &Queues) -> Result<Exit, CliError> {
    let outputs = Outputs::of(&args.outputs, args.format)?;
    let format = args.format.unwrap_or_default();
    outputs::may_explain(args.explain, format)?;
    let path = find(args)?;
    let report = read_any(&path, queues, Kept::Everything)?;
    match &args.case_id {
        Some(id) => show_cases(args, &path, report, id, format)?,
        None if outputs.is_empty() => run::show(&report, format, args.color, args.explain)?,
        None => outputs.write_all(&report)?,
    }
    Ok(Exit::Pass)
}

/// The file to show. `latest` is the newest report, unless there is a file with that name.
fn find(args: &ShowArgs) -> Result<PathBuf, CliError> {
    if args.report.exists() || report::is_stdin(&args.report) {
        return Ok(args.report.clone());
    }
    if args.report.as_os_str() != "latest" {
        let near = near::files(&args.report, &args.reports_dir);
        let problem = format!("there is no such file{}", near::question(&near));
        return Err(SessionError::NoReport { path: args.report.clone(), problem }.into());
    }
    let Latest { report, newer_journal } = latest(&args.reports_dir)?;
    stdio::note(&format!("note: {}", report.display()));
    if let Some(journal) = newer_journal {
        stdio::note(&format!("note: a later run was cut short: `queue-load show {}`", journal.display()));
    }
    Ok(report)
}

/// Shows the cases with that id, one for each scenario that has it. JSON shows them as a list, as in the report; other
/// formats show a report of these cases alone.
fn show_cases(args: &ShowArgs, path: &Path, report: Report, id: &str, format: Format) -> Result<(), CliError> {
    if args.explain || !args.outputs.is_empty() {
        let problem = "goes neither with --explain nor with --output; write it with `>`".to_owned();
        return Err(CliError::Case { problem });
    }
    let cases = cases_of(&report, id);
    let Some(first) = cases.first() else {
        let near = near::nearest(id, report.cases.iter().map(|case| case.id.as_given()));
        let near: Vec<String> = near.into_iter().map(|id| Untrusted::from(id).terminal(300)).collect();
        let all = if near.is_empty() { format!("; its cases: {}", ids(&report)) } else { String::new() };
        let problem = format!("has no case `{}`{}{all}", Untrusted::from(id).terminal(200), near::question(&near));
        return Err(SessionError::NoReport { path: path.to_owned(), problem }.into());
    };
    if cases.iter().any(|case| case.id != first.id) {
        let meant: Vec<String> = cases.iter().take(20).map(|case| case.id.terminal(300)).collect();
        let problem = format!("`{}` may be any of: {}", Untrusted::from(id).terminal(200), meant.join("; "));
        return Err(CliError::Case { problem });
    }
    match format {
        Format::Json => {
            let json = serde_json::to_vec_pretty(&cases).map_err(|error| CliError::Internal(error.to_string()))?;
            stdio::result(&[json, b"\n".to_vec()].concat())
        }
        Format::Table => {
            let view = stdio::view(args.color);
            let texts = cases.iter().filter_map(|case| {
                let one = Report { cases: vec![(*case).clone()], ..without_cases(&report) };
                render::case(&one, case.id.as_given(), view)
            });
            stdio::result(texts.collect::<Vec<_>>().join("\n").as_bytes())
        }
        other => {
            let alone = Report { cases: cases.into_iter().cloned().collect(), ..without_cases(&report) };
            run::show(&alone, other, args.color, false)
        }
    }
}

/// Reads a report, or makes one from a journal.
pub(super) fn read_any(path: &Path, queues: &Queues, kept: Kept) -> Result<Report, CliError> {
    let is_journal = path.extension().is_some_and(|ending| ending == JOURNAL);
    if is_journal { recover(path, queues) } else { read(path, kept) }
}

/// The cases with that id; if there are none, those whose ids have all of its pairs.
fn cases_of<'r>(report: &'r Report, id: &str) -> Vec<&'r CaseRecord> {
    let exact: Vec<&CaseRecord> = report.cases.iter().filter(|case| case.id == id).collect();
    if !exact.is_empty() || id.trim().is_empty() {
        return exact;
    }
    let pairs: BTreeSet<&str> = id.split([' ', ',']).filter(|pair| !pair.is_empty()).collect();
    let has_all = |case: &&CaseRecord| {
        let of_case: BTreeSet<&str> = case.id.as_given().split(' ').collect();
        pairs.is_subset(&of_case)
    };
    report.cases.iter().filter(has_all).collect()
}

fn without_cases(report: &Report) -> Report {
    // Which part of a plan it was says nothing about some of its cases.
    Report { cases: Vec::new(), partition: None, merged: None, ..report.clone() }
}

fn read(path: &Path, kept: Kept) -> Result<Report, CliError> {
    let read = report::read_kept(path, kept)?;
    if !read.digest_matches {
        stdio::note(&format!(
            "warning: {}: the digest does not match: it was altered after it was saved",
            path.display()
        ));
    }
    Ok(read.report)
}

/// Makes a report from a journal.
fn recover(path: &Path, queues: &Queues) -> Result<Report, CliError> {
    let Recovered { report, torn_line } = session::recover(path, queues)?;
    if let Some(line) = torn_line {
        stdio::note(&format!("note: {}: line {line} was cut short and is left out", path.display()));
    }
    Ok(report)
}

fn ids(report: &Report) -> String {
    const MOST: usize = 20;
    let mut ids: Vec<String> = report.cases.iter().take(MOST).map(|case| case.id.quoted()).collect();
    if report.cases.len() > MOST {
        ids.push("…".to_owned());
    }
    ids.join("; ")
}
