//! Makes a report from a plan and its results, in the same way for a run that has just ended and for its journal.

use crate::plan::{Layout, Plan, Program};
use crate::report::{
    self, BuildFacts, CaseInput, Environment, ErrorInput, PartitionRecord, RepeatInput, Report, ReportInput,
    ScenarioRecord, SetAsideInput,
};
use crate::run::{CaseRuns, Failed, Measured, SetAside, Yardstick};
use crate::scenario::Scenario;
use crate::untrusted::Untrusted;
use std::collections::BTreeMap;
use std::path::Path;

/// What all reports of one invocation have in common.
#[derive(Clone, Debug)]
pub struct About {
    /// Where the run takes place.
    pub environment: Environment,
    /// When it began.
    pub created_at: jiff::Timestamp,
    /// SHA-256 of the program that measures; `None`: not known.
    pub program: Option<String>,
}

/// The results of the plan, or of a part of it.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// By the index of the case in the plan.
    pub runs: BTreeMap<usize, CaseRuns>,
    /// The readings of the yardstick: how fast the machine was.
    pub yardstick: Option<Yardstick>,
    /// Whether the run was interrupted, so that results are missing.
    pub interrupted: bool,
}

/// The report on this program, and the one on the other program if there is one.
#[derive(Clone, Debug)]
pub struct Reports {
    /// On this program.
    pub own: Report,
    /// On the other one.
    pub other: Option<Report>,
}

/// Makes the reports about `cases`, which are indices into the plan.
pub fn reports(plan: &Plan, about: &About, cases: &[usize], mut gathered: Gathered) -> Reports {
    let of = |program: Program, gathered: &mut Gathered, environment: Environment| {
        let cases = cases.iter().map(|case| {
            let index = plan.index_of(*case, program);
            let case = &plan.cases[index];
            input(CaseInput::new(case, plan.scenario_of(case)), gathered.runs.remove(&index).unwrap_or_default())
        });
        report::build(ReportInput {
            created_at: about.created_at,
            interrupted: gathered.interrupted,
            scenarios: plan.scenarios.iter().zip(&plan.left_out).map(scenario).collect(),
            environment,
            cases: cases.collect(),
            yardstick: gathered.yardstick,
            partition: plan.part.as_ref().map(|part| PartitionRecord::of(part, about.program.as_deref())),
        })
    };
    let own = of(Program::Own, &mut gathered, about.environment.clone());
    let other = (plan.layout == Layout::Programs).then(|| {
        // Nobody knows how the other program was built.
        let unknown =
            Environment { rustc: None, profile: None, git_commit: None, git_dirty: None, ..about.environment.clone() };
        let mut other = of(Program::Other, &mut gathered, unknown);
        other.tool.version = "unknown".into();
        other
    });
    Reports { own, other }
}

/// A case with its results.
pub fn input(case: CaseInput, runs: CaseRuns) -> CaseInput {
    let CaseRuns { measured, set_aside, errors, .. } = runs;
    CaseInput {
        repeats: measured.into_iter().map(repeat).collect(),
        set_aside: set_aside.into_iter().map(aside).collect(),
        errors: errors.into_iter().map(error).collect(),
        ..case
    }
}

/// Where this process runs.
pub fn environment() -> Environment {
    let build = BuildFacts { rustc: option_env!("QUEUE_LOAD_RUSTC"), profile: option_env!("QUEUE_LOAD_PROFILE") };
    report::collect_environment(build, Path::new("."))
}

/// What is kept of a scenario, with what was left out of it.
pub fn scenario((scenario, left_out): (&Scenario, &Vec<Untrusted>)) -> ScenarioRecord {
    ScenarioRecord { left_out: left_out.clone(), ..ScenarioRecord::of(scenario) }
}

fn repeat(measured: Measured) -> RepeatInput {
    let Measured { repeat, measurement } = measured;
    RepeatInput { repeat: repeat.repeat, attempt: repeat.attempt, measurement }
}

fn aside(set_aside: SetAside) -> SetAsideInput {
    let SetAside { repeat, measurement, why } = set_aside;
    SetAsideInput { repeat: RepeatInput { repeat: repeat.repeat, attempt: repeat.attempt, measurement }, why }
}

fn error(failed: Failed) -> ErrorInput {
    let Failed { repeat, error } = failed;
    ErrorInput {
        repeat: repeat.repeat,
        attempt: repeat.attempt,
        kind: error.fault.kind().into(),
        message: error.fault.sentence(),
        stderr_tail: error.stderr_tail,
    }
}
