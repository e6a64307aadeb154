//! Builds reports from repeats of the pools, as a run would have written them.

use super::draw::{Look, Pick};
use super::pools::{Failure, Trial};
use super::store::{Pools, Settings};
use queue_load::internals::plan::PlannedRepeat;
use queue_load::internals::report::{self, CaseInput, ReportInput};
use queue_load::internals::run::{CaseRuns, Failed, Measured, SetAside, Yardstick};
use queue_load::internals::session;
use queue_load::internals::verdict::{PlanCase, judge_plan};
use queue_load::report::{CaseRecord, Environment, RepeatRecord, Report, ScenarioRecord, Untrusted};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The pools, and everything else that a report contains.
pub struct Evidence<'a> {
    /// The scenarios.
    pub trial: &'a Trial,
    /// The pools.
    pub pools: &'a Pools,
    /// The settings with which they were measured.
    pub settings: &'a Settings,
    /// The creation time of the reports.
    pub created_at: jiff::Timestamp,
}

/// Cached reports on one case, by their repeats. The contests share most repeats of a draw, and decoding histograms is
/// slow.
#[derive(Default)]
pub struct Memo(RefCell<HashMap<Vec<Pick>, Report>>);

impl<'a> Evidence<'a> {
    /// # Errors
    /// The settings have no time.
    pub fn new(trial: &'a Trial, pools: &'a Pools, settings: &'a Settings) -> Result<Self, Failure> {
        Ok(Self { trial, pools, settings, created_at: settings.created_at.parse()? })
    }

    /// Both reports of a look, on all of its cases or only those of these ids. The old one is what `--ab-exec` makes of
    /// another program: how that was built is not known.
    pub fn pair(&self, look: &Look, only: Option<&BTreeSet<Untrusted>>, memo: &Memo) -> (Report, Report) {
        let yardstick = self.yardstick(&look.rounds);
        let side = |pick: fn(&(Pick, Pick)) -> Pick| {
            let mut picks: BTreeMap<usize, Vec<Pick>> = BTreeMap::new();
            for pick in look.pairs.iter().map(pick) {
                if only.is_none_or(|only| only.contains(&self.trial.plan.cases[pick.case].id)) {
                    picks.entry(pick.case).or_default().push(pick);
                }
            }
            self.report(picks, yardstick, memo)
        };
        let mut old = side(|pair| pair.0);
        old.tool.version = "unknown".into();
        old.environment =
            Environment { rustc: None, profile: None, git_commit: None, git_dirty: None, ..old.environment };
        (old, side(|pair| pair.1))
    }

    /// The results of a repeat.
    pub fn runs(&self, pick: &Pick) -> Option<&'a CaseRuns> {
        self.pools.runs.get(&(self.trial.place(pick.lane, pick.case), pick.round))
    }

    /// A report on these repeats of each case, numbered from 0.
    fn report(&self, picks: BTreeMap<usize, Vec<Pick>>, yardstick: Option<Yardstick>, memo: &Memo) -> Report {
        let scenario = picks.keys().next().map_or(0, |case| self.trial.plan.cases[*case].scenario);
        let mut report = self.build(scenario, Vec::new(), yardstick);
        for (case, picks) in picks {
            let alone = self.alone(scenario, case, picks, memo);
            report.environment = alone.environment;
            report.cases.extend(alone.cases);
        }
        let of_plan =
            |case: &'_ CaseRecord| (case.scenario.clone(), case.verdict.outcome, case.verdict.below_target_load);
        let cases: Vec<_> = report.cases.iter().map(of_plan).collect();
        let seen = cases.iter().map(|(scenario, outcome, below_target_load)| PlanCase {
            scenario,
            outcome: *outcome,
            below_target_load: *below_target_load,
        });
        report.verdict = judge_plan(&seen.collect::<Vec<_>>(), false);
        report
    }

    /// A report on one case.
    fn alone(&self, scenario: usize, case: usize, picks: Vec<Pick>, memo: &Memo) -> Report {
        if let Some(known) = memo.0.borrow().get(&picks) {
            return known.clone();
        }
        let runs: Vec<&CaseRuns> = picks.iter().filter_map(|pick| self.runs(pick)).collect();
        let report = self.build(scenario, vec![input(self.trial, case, &runs)], None);
        memo.0.borrow_mut().insert(picks, report.clone());
        report
    }

    fn build(&self, scenario: usize, cases: Vec<CaseInput>, yardstick: Option<Yardstick>) -> Report {
        report::build(ReportInput {
            created_at: self.created_at,
            interrupted: false,
            scenarios: vec![ScenarioRecord::of(&self.trial.plan.scenarios[scenario])],
            environment: self.settings.environment.clone(),
            cases,
            yardstick,
            partition: None,
        })
    }

    /// The yardstick of several rounds in order of time: the start of the first round, the middle of the middle one,
    /// the end of the last one.
    fn yardstick(&self, rounds: &[u32]) -> Option<Yardstick> {
        let of = |place: usize| self.pools.yardsticks.get(rounds.get(place)?);
        Some(Yardstick { start: of(0)?.start, middle: of(rounds.len() / 2)?.middle, end: of(rounds.len() - 1)?.end })
    }
}

/// The valid repeats of a case.
pub fn records(trial: &Trial, case: usize, runs: &[&CaseRuns]) -> Vec<RepeatRecord> {
    let built = report::build(ReportInput {
        created_at: jiff::Timestamp::UNIX_EPOCH,
        interrupted: false,
        scenarios: Vec::new(),
        environment: Environment::default(),
        cases: vec![input(trial, case, runs)],
        yardstick: None,
        partition: None,
    });
    built.cases.into_iter().flat_map(|case| case.repeats).collect()
}

/// A case and its results. The n-th results become repeat n.
fn input(trial: &Trial, case: usize, runs: &[&CaseRuns]) -> CaseInput {
    let mut all = CaseRuns::default();
    for (number, runs) in runs.iter().enumerate() {
        let numbered = |repeat: &PlannedRepeat| PlannedRepeat { repeat: number as u32, ..repeat.clone() };
        all.measured.extend(runs.measured.iter().map(|one| Measured { repeat: numbered(&one.repeat), ..one.clone() }));
        all.set_aside
            .extend(runs.set_aside.iter().map(|one| SetAside { repeat: numbered(&one.repeat), ..one.clone() }));
        all.errors.extend(runs.errors.iter().map(|one| Failed { repeat: numbered(&one.repeat), ..one.clone() }));
    }
    let case = &trial.plan.cases[case];
    session::input(CaseInput::new(case, trial.plan.scenario_of(case)), all)
}
