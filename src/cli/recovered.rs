//! From what a journal holds to the report that the run would have saved, as far as it came.

use super::evidence::{self, About, Gathered};
use crate::plan::Plan;
use crate::report::{Confirmation, Report};
use crate::run::{CaseRuns, GaugeRecord, RepeatRecord, Yardstick};
use std::collections::{BTreeMap, BTreeSet};

/// The report on this program. What was run to confirm a suspicion stands apart, as in a saved report; what a gate
/// decided is not in a journal.
pub fn report(plan: &Plan, about: &About, records: Vec<RepeatRecord>, gauges: &[GaugeRecord]) -> Report {
    let mut rounds: BTreeMap<u32, BTreeMap<usize, CaseRuns>> = BTreeMap::from([(0, BTreeMap::new())]);
    for record in records {
        let round = plan.confirmation_of(&about.layout, &record.repeat);
        rounds.entry(round).or_default().entry(record.repeat.case).or_default().add(record);
    }
    let own_cases = about.layout.own_cases(plan.cases.len());
    let mut whole = None;
    let mut confirmations = Vec::new();
    for (round, runs) in rounds {
        let own = |runs: &BTreeMap<usize, CaseRuns>| -> BTreeSet<usize> {
            runs.keys().filter(|case| **case < plan.cases.len()).map(|case| case % own_cases.max(1)).collect()
        };
        let cases: Vec<usize> = if round == 0 { (0..own_cases).collect() } else { own(&runs).into_iter().collect() };
        let interrupted = round == 0 && !is_whole(plan, &runs);
        let gathered = Gathered { runs, yardstick: Some(yardstick(gauges, round)), interrupted };
        let report = evidence::reports(plan, about, &cases, gathered).own;
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

fn yardstick(gauges: &[GaugeRecord], round: u32) -> Yardstick {
    let mut yardstick = Yardstick::default();
    let own = gauges.iter().filter(|gauge| gauge.round == round);
    own.for_each(|gauge| yardstick.set(gauge.moment, Some(gauge.reading)));
    yardstick
}

/// Whether every repeat of the plan came to its end: a run may lose its report after the last of them.
fn is_whole(plan: &Plan, runs: &BTreeMap<usize, CaseRuns>) -> bool {
    plan.repeats.iter().all(|repeat| {
        let retries = plan.scenario_of(&plan.cases[repeat.case]).run.invalid_retries;
        runs.get(&repeat.case).is_some_and(|runs| runs.is_settled(repeat.repeat, retries))
    })
}
