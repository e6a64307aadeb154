//! From arguments and environment variables to a plan.

use super::args::ScenarioArgs;
use super::error::CliError;
use crate::plan::Plan;
use crate::scenario::{self, Catalog, Context, Override, Overrides, Scenario, Selector};
use serde::{Deserialize, Serialize};

/// Repeats of a case where neither the scenario nor the user says how many.
const DEFAULT_REPEATS: u32 = 3;

/// All that a plan follows from: the same inputs give the same plan, in this process or in a later one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The scenario files: name and text.
    pub sources: Vec<(String, String)>,
    /// What the command line and the environment replace.
    pub overrides: Vec<Override>,
    /// Which cases are kept.
    pub filters: Vec<String>,
}

/// A plan, and what the user should know of it.
#[derive(Debug)]
pub struct Prepared {
    /// What the plan follows from.
    pub inputs: Inputs,
    /// The plan.
    pub plan: Plan,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Reads the scenarios and makes the plan.
///
/// # Errors
/// Everything that is wrong with files, overrides and filters.
pub fn prepare(args: &ScenarioArgs, catalog: &Catalog) -> Result<Prepared, CliError> {
    let environment = |name: &str| std::env::var(name).ok();
    let overrides = Overrides::read(&args.overrides, &environment, catalog)?;
    let context = Context { catalog, overrides: &overrides, default_repeats: DEFAULT_REPEATS };
    let (scenarios, mut notes) = scenario::load(&args.scenarios, context)?;
    notes.extend(overrides.notes().iter().cloned());
    notes.extend(overrides.list().iter().map(|given| format!("overridden: {given}")));
    let inputs = Inputs {
        sources: scenarios.iter().map(|scenario| (scenario.file.clone(), scenario.text.clone())).collect(),
        overrides: overrides.list().to_vec(),
        filters: args.filters.clone(),
    };
    let plan = plan(scenarios, &inputs, catalog)?;
    notes.extend(plan.notes.iter().cloned());
    Ok(Prepared { inputs, plan, notes })
}

/// Makes the plan again that the inputs once gave.
///
/// # Errors
/// What is wrong with them; nothing, if they ever gave a plan with the same queues.
pub fn replay(inputs: &Inputs, catalog: &Catalog) -> Result<Plan, CliError> {
    let overrides = Overrides::read(&inputs.overrides, &|_| None, catalog)?;
    let context = Context { catalog, overrides: &overrides, default_repeats: DEFAULT_REPEATS };
    let parse = |(file, text): &(String, String)| scenario::parse(file, text.as_bytes(), context);
    let scenarios = inputs.sources.iter().map(parse).collect::<Result<Vec<Scenario>, _>>()?;
    plan(scenarios, inputs, catalog)
}

fn plan(scenarios: Vec<Scenario>, inputs: &Inputs, catalog: &Catalog) -> Result<Plan, CliError> {
    let filter = Selector::from_filters(&inputs.filters, catalog)?;
    Ok(Plan::new(scenarios, catalog, &filter)?)
}
