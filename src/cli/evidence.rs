//! From a plan and what its repeats gave to a report: the same for a run that has just ended and for its journal.

use crate::plan::Plan;
use crate::report::{
    self, BuildFacts, CaseInput, Environment, ErrorInput, RepeatInput, Report, ReportInput, ScenarioRecord,
    SetAsideInput,
};
use crate::run::{CaseRuns, Failed, Measured, SetAside, Yardstick};
use std::collections::BTreeMap;
use std::path::Path;

/// Puts a report together.
pub fn report(
    plan: &Plan,
    mut runs: BTreeMap<usize, CaseRuns>,
    environment: Environment,
    created_at: jiff::Timestamp,
    interrupted: bool,
    yardstick: Option<Yardstick>,
) -> Report {
    let cases = plan.cases.iter().enumerate().map(|(index, case)| {
        let CaseRuns { measured, set_aside, errors, .. } = runs.remove(&index).unwrap_or_default();
        CaseInput {
            repeats: measured.into_iter().map(repeat).collect(),
            set_aside: set_aside.into_iter().map(aside).collect(),
            errors: errors.into_iter().map(error).collect(),
            ..CaseInput::new(case, plan.scenario_of(case))
        }
    });
    report::build(ReportInput {
        created_at,
        interrupted,
        scenarios: plan.scenarios.iter().map(ScenarioRecord::of).collect(),
        environment,
        cases: cases.collect(),
        yardstick,
    })
}

/// Where this process runs.
pub fn environment() -> Environment {
    let build = BuildFacts { rustc: option_env!("QUEUE_LOAD_RUSTC"), profile: option_env!("QUEUE_LOAD_PROFILE") };
    report::collect_environment(build, Path::new("."))
}

fn repeat(measured: Measured) -> RepeatInput {
    let Measured { repeat, measurement } = measured;
    RepeatInput { repeat: repeat.repeat, attempt: repeat.attempt, measurement }
}

fn aside(set_aside: SetAside) -> SetAsideInput {
    let SetAside { repeat, measurement, reasons } = set_aside;
    SetAsideInput { repeat: RepeatInput { repeat: repeat.repeat, attempt: repeat.attempt, measurement }, reasons }
}

fn error(failed: Failed) -> ErrorInput {
    let Failed { repeat, error } = failed;
    ErrorInput {
        repeat: repeat.repeat,
        attempt: repeat.attempt,
        kind: error.fault.kind().to_owned(),
        message: error.fault.to_string(),
        stderr_tail: error.stderr_tail,
    }
}
