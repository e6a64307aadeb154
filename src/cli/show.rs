//! `show`: a saved report, or what the journal of a run that was cut short holds.

use super::args::ShowArgs;
use super::error::CliError;
use super::exit::Exit;
use super::outputs::Outputs;
use super::run::{self, Header};
use super::{evidence, inputs, reports, stdio};
use crate::plan::Plan;
use crate::render::{self, Format};
use crate::report::{self, CaseRecord, Report};
use crate::run::{CaseRuns, Journal, Yardstick};
use crate::worker::Queues;
use std::collections::BTreeMap;
use std::path::Path;

/// Shows a report.
pub fn show(args: &ShowArgs, queues: &Queues) -> Result<Exit, CliError> {
    let outputs = Outputs::of(&args.outputs, args.format)?;
    let latest = args.report.as_os_str() == "latest" && !args.report.exists();
    let path = if latest { reports::latest(&args.reports_dir)? } else { args.report.clone() };
    let report = read_any(&path, queues)?;
    match &args.case_id {
        Some(id) => {
            let cases: Vec<CaseRecord> = report.cases.iter().filter(|case| case.id == *id).cloned().collect();
            if cases.is_empty() {
                let problem = format!("has no case `{}`; its cases: {}", render::sanitise(id, 200), ids(&report));
                return Err(CliError::NoReport { path, problem });
            }
            show_cases(report, cases, id, args.format.unwrap_or_default())?;
        }
        None if outputs.is_empty() => run::show(&report, args.format.unwrap_or_default())?,
        None => outputs.write_all(&report)?,
    }
    Ok(Exit::Pass)
}

/// Shows the cases of that id: one for each scenario that has it; as JSON a list, as it stands in the report.
fn show_cases(report: Report, cases: Vec<CaseRecord>, id: &str, format: Format) -> Result<(), CliError> {
    match format {
        Format::Json => {
            let json = serde_json::to_vec_pretty(&cases).map_err(|error| CliError::Internal(error.to_string()))?;
            stdio::result(&[json, b"\n".to_vec()].concat())
        }
        _ => {
            let mut one = Report { cases: Vec::new(), ..report };
            let texts = cases.into_iter().filter_map(|case| {
                one.cases = vec![case];
                render::case(&one, id, stdio::width())
            });
            stdio::result(texts.collect::<Vec<_>>().join("\n").as_bytes())
        }
    }
}

/// Reads a report, or makes one of what a journal holds.
pub(super) fn read_any(path: &Path, queues: &Queues) -> Result<Report, CliError> {
    let is_journal = path.extension().is_some_and(|ending| ending == reports::JOURNAL);
    if is_journal { recover(path, queues) } else { read(path) }
}

fn read(path: &Path) -> Result<Report, CliError> {
    let read = report::read(path)?;
    if !read.digest_matches {
        stdio::note(&format!(
            "warning: {}: the digest does not match: the cases were altered after they were saved",
            path.display()
        ));
    }
    Ok(read.report)
}

/// Makes the report of what a journal holds.
fn recover(path: &Path, queues: &Queues) -> Result<Report, CliError> {
    let no_report = |problem: String| CliError::NoReport { path: path.to_owned(), problem };
    let contents = Journal::read(path).map_err(|error| no_report(error.to_string()))?;
    if let Some(torn) = &contents.torn {
        stdio::note(&format!("note: {}: line {} was cut short and is left out", path.display(), torn.line));
    }
    let header: Header =
        serde_json::from_value(contents.header).map_err(|error| no_report(format!("its header: {error}")))?;
    let created_at = contents.created_at.parse().map_err(|error| no_report(format!("its time: {error}")))?;
    let plan = inputs::replay(&header.inputs, &queues.catalog())?;
    let mut runs: BTreeMap<usize, CaseRuns> = BTreeMap::new();
    for record in contents.records {
        runs.entry(record.repeat.case).or_default().add(record);
    }
    let interrupted = !is_whole(&plan, &runs);
    let mut yardstick = Yardstick::default();
    contents.gauges.iter().for_each(|gauge| yardstick.set(gauge.moment, Some(gauge.reading)));
    Ok(evidence::report(&plan, runs, header.environment, created_at, interrupted, Some(yardstick)))
}

/// Whether every repeat of the plan came to its end: a run may lose its report after the last of them.
fn is_whole(plan: &Plan, runs: &BTreeMap<usize, CaseRuns>) -> bool {
    plan.repeats.iter().all(|repeat| {
        let retries = plan.scenario_of(&plan.cases[repeat.case]).run.invalid_retries;
        runs.get(&repeat.case).is_some_and(|runs| runs.is_settled(repeat.repeat, retries))
    })
}

fn ids(report: &Report) -> String {
    const MOST: usize = 20;
    let mut ids: Vec<&str> = report.cases.iter().take(MOST).map(|case| case.id.as_str()).collect();
    if report.cases.len() > MOST {
        ids.push("…");
    }
    ids.join("; ")
}
