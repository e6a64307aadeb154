//! Makes the report of a run from its journal, as far as the run came.

use super::Header;
use super::assemble::{self, About, Gathered};
use super::error::SessionError;
use super::{find_max, inputs, resume};
use crate::capacity::SearchSettings;
use crate::plan::{Plan, PlannedRepeat};
use crate::report::{Confirmation, Report};
use crate::run::{CaseRuns, GaugeRecord, Journal, JournalContents, RepeatRecord, Yardstick};
use crate::worker::Queues;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const STRANGE: &str = "its cases are not those that this program makes of its scenarios; use the program that wrote it";

/// The content of a journal.
#[derive(Debug)]
pub struct Recovered {
    /// The report of the run, as far as it came.
    pub report: Report,
    /// Number of the last line, if it was cut short and left out.
    pub torn_line: Option<u64>,
}

/// Makes the report of the run that wrote the journal.
///
/// # Errors
/// It cannot be read, or this program gets other cases from its scenarios.
pub fn recover(path: &Path, queues: &Queues) -> Result<Recovered, SessionError> {
    let no_report = |problem: String| SessionError::NoReport { path: path.to_owned(), problem };
    let contents = Journal::read(path).map_err(|error| no_report(error.to_string()))?;
    let header: Header =
        serde_json::from_value(contents.header.clone()).map_err(|error| no_report(format!("its header: {error}")))?;
    let created_at = contents.created_at.parse().map_err(|error| no_report(format!("its time: {error}")))?;
    let plan = inputs::replay(&header.inputs, &queues.catalog())?.laid_out(&header.layout)?;
    let program = header.programs.map(|programs| programs.own);
    let about = About { environment: header.environment, created_at, program };
    if let Some(search) = header.search {
        let recovered = searched(&plan.without_rates(), &about, search, contents);
        return recovered.ok_or_else(|| no_report(STRANGE.to_owned()));
    }
    // A build with other queues may leave other cases out of the plan.
    let is_strange = |repeat: &PlannedRepeat| plan.cases.get(repeat.case).is_none_or(|case| case.id != repeat.case_id);
    if contents.records.iter().any(|record| is_strange(&record.repeat)) {
        return Err(no_report(STRANGE.to_owned()));
    }
    let sittings = resume::sittings(&plan, &contents);
    let report = Report { sittings, ..report(&plan, &about, contents.records, &contents.gauges) };
    Ok(Recovered { report, torn_line: contents.torn.map(|torn| torn.line) })
}

/// The report of a search, as far as its journal goes: the search once more, on what was measured. `None` if it goes
/// another way than the journal.
fn searched(plan: &Plan, about: &About, search: SearchSettings, contents: JournalContents) -> Option<Recovered> {
    let sittings = resume::sittings(plan, &contents);
    let mut runs = find_max::Replayed::new(contents.records, &contents.gauges);
    let (report, _) = find_max::conduct(plan, about, search, &mut runs, &());
    let recovered = Recovered { report: Report { sittings, ..report }, torn_line: contents.torn.map(|torn| torn.line) };
    (runs.left() == 0).then_some(recovered)
}

/// The report on this program. Repeats of confirmations stand apart, as in a saved report. A journal has no decision of
/// a gate.
pub(super) fn report(plan: &Plan, about: &About, records: Vec<RepeatRecord>, gauges: &[GaugeRecord]) -> Report {
    let mut rounds: BTreeMap<u32, BTreeMap<usize, CaseRuns>> = BTreeMap::from([(0, BTreeMap::new())]);
    // The plan contains all cases; a confirmation contains only those that were run in it.
    let mut cases: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::from([(0, (0..plan.own_cases()).collect())]);
    for record in records {
        let slot = plan.slot_of(&record.repeat);
        cases.entry(slot.confirmation).or_default().insert(slot.case);
        rounds.entry(slot.confirmation).or_default().entry(record.repeat.case).or_default().add(record);
    }
    let mut whole = None;
    let mut confirmations = Vec::new();
    for (round, runs) in rounds {
        let cases: Vec<usize> = cases.remove(&round).unwrap_or_default().into_iter().collect();
        let interrupted = round == 0 && !is_whole(plan, &runs);
        let gathered = Gathered { runs, yardstick: Some(Yardstick::of(gauges, round)), interrupted };
        let report = assemble::reports(plan, about, &cases, gathered).own;
        if round == 0 {
            whole = Some(report);
        } else {
            confirmations.push(Confirmation { round, cases: report.cases, yardstick: report.yardstick });
        }
    }
    let mut whole = whole.expect("there is a round 0");
    whole.confirmations = confirmations;
    whole
}

/// Whether every repeat of the plan was finished. A run may fail after the last one, before its report is saved.
fn is_whole(plan: &Plan, runs: &BTreeMap<usize, CaseRuns>) -> bool {
    plan.repeats.iter().all(|repeat| {
        let retries = plan.scenario_of(&plan.cases[repeat.case]).run.invalid_retries;
        runs.get(&repeat.case).is_some_and(|runs| runs.is_settled(repeat.repeat, retries))
    })
}
