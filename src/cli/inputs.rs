//! From arguments and environment variables to a plan.

use super::args::ScenarioArgs;
use super::error::CliError;
use crate::plan::Plan;
use crate::scenario::{self, Catalog, Context, Diagnostics, Override, Overrides, Scenario, Selector};
use serde::{Deserialize, Serialize};

/// Repeats of a case where neither the scenario nor the user says how many.
pub const DEFAULT_REPEATS: u32 = 3;

/// The same, where repeats are held against others: fewer prove too little.
pub const DEFAULT_REPEATS_OF_A_GATE: u32 = 10;

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
    /// Repeats of a case where nothing else says how many.
    #[serde(default = "default_repeats")]
    pub default_repeats: u32,
}

fn default_repeats() -> u32 {
    DEFAULT_REPEATS
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
    // What is not UTF-8 is no value of anything, and is refused as such.
    let environment = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let mut found = Diagnostics::new();
    let overrides = Overrides::read(&args.overrides, &environment, catalog)
        .unwrap_or_else(|errors| nothing_but(&mut found, errors));
    let filter =
        Selector::from_filters(&args.filters, catalog).unwrap_or_else(|errors| nothing_but(&mut found, errors));
    let context = Context { catalog, overrides: &overrides, default_repeats: args.default_repeats };
    let (scenarios, mut notes) =
        scenario::load(&args.scenarios, context).unwrap_or_else(|errors| nothing_but(&mut found, errors));
    found.or(())?;
    let variables = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    notes.extend(scenario::unknown_variables(variables));
    notes.extend(overrides.notes().iter().cloned());
    notes.extend(overrides.list().iter().map(|given| format!("overridden: {given}")));
    let inputs = Inputs {
        sources: scenarios.iter().map(|scenario| (scenario.file.clone(), scenario.text.clone())).collect(),
        overrides: overrides.list().to_vec(),
        filters: args.filters.clone(),
        default_repeats: args.default_repeats,
    };
    let plan = Plan::new(scenarios, catalog, &filter)?;
    notes.extend(plan.notes.iter().cloned());
    Ok(Prepared { inputs, plan, notes })
}

/// Makes the plan again that the inputs once gave.
///
/// # Errors
/// What is wrong with them; nothing, if they ever gave a plan with the same queues.
pub fn replay(inputs: &Inputs, catalog: &Catalog) -> Result<Plan, CliError> {
    let overrides = Overrides::read(&inputs.overrides, &|_| None, catalog)?;
    let context = Context { catalog, overrides: &overrides, default_repeats: inputs.default_repeats };
    let parse = |(file, text): &(String, String)| scenario::parse(file, text.as_bytes(), context);
    let scenarios = inputs.sources.iter().map(parse).collect::<Result<Vec<Scenario>, _>>()?;
    let filter = Selector::from_filters(&inputs.filters, catalog)?;
    Ok(Plan::new(scenarios, catalog, &filter)?)
}

/// Keeps the errors, so that those of what else was given can be said with them; what they are about is left empty.
fn nothing_but<T: Default>(found: &mut Diagnostics, errors: Diagnostics) -> T {
    found.append(errors);
    T::default()
}
