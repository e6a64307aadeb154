//! From a request and environment variables to a plan.

use super::error::SessionError;
use super::external;
use super::request::{DEFAULT_REPEATS, Selection};
use crate::plan::Plan;
use crate::scenario::{
    self, Capabilities, Catalog, Context, Diagnostics, ExternalQueue, Override, Overrides, Scenario, Selector,
};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that a plan follows from: the same inputs give the same plan, in this process or in a later one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The scenario files: name and text.
    pub sources: Vec<(Untrusted, String)>,
    /// What the command line and the environment replace.
    pub overrides: Vec<Override>,
    /// Which cases are kept.
    pub filters: Vec<String>,
    /// Repeats of a case where nothing else says how many.
    #[serde(default = "default_repeats")]
    pub default_repeats: u32,
    /// What the programs of `[queues.NAME]` said that they can do, by file and name.
    #[serde(default)]
    pub capabilities: BTreeMap<Untrusted, BTreeMap<Untrusted, Capabilities>>,
}

fn default_repeats() -> u32 {
    DEFAULT_REPEATS
}

/// Asks the program of a queue what it can do; `None` if that cannot be known.
pub type Ask<'a> = dyn FnMut(&ExternalQueue, &Scenario) -> Result<Option<Capabilities>, SessionError> + 'a;

/// A plan, and what the user should know of it.
#[derive(Debug)]
pub struct Prepared {
    /// What the plan follows from.
    pub inputs: Inputs,
    /// The plan.
    pub plan: Plan,
    /// What the user should know.
    pub notes: Vec<String>,
    /// Which cases are kept.
    pub filter: Selector,
}

/// Reads the scenarios and makes the plan, without starting any program: what the programs of `[queues.NAME]` cannot do
/// is then not known.
///
/// # Errors
/// Everything that is wrong with files, overrides and filters.
pub fn prepare(selection: &Selection, catalog: &Catalog) -> Result<Prepared, SessionError> {
    prepare_with(selection, DEFAULT_REPEATS, catalog, None)
}

/// The same, with so many repeats of a case where nothing else says how many; `ask` is asked about each external queue that the plan names, once all else is right.
///
/// # Errors
/// As [`prepare`], and those of `ask`.
pub fn prepare_with(
    selection: &Selection,
    default_repeats: u32,
    catalog: &Catalog,
    ask: Option<&mut Ask<'_>>,
) -> Result<Prepared, SessionError> {
    // What is not UTF-8 is no value of anything, and is refused as such.
    let environment = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let mut found = Diagnostics::new();
    let names = catalog.with_names(scenario::declared_queues(&selection.scenarios));
    let overrides = Overrides::read(&selection.overrides, &environment, &names)
        .unwrap_or_else(|errors| nothing_but(&mut found, errors));
    let filter =
        Selector::from_filters(&selection.filters, &names).unwrap_or_else(|errors| nothing_but(&mut found, errors));
    let context = Context { catalog, overrides: &overrides, default_repeats };
    let (scenarios, mut notes) =
        scenario::load(&selection.scenarios, context).unwrap_or_else(|errors| nothing_but(&mut found, errors));
    found.or(())?;
    let variables = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    notes.extend(scenario::unknown_variables(variables));
    notes.extend(overrides.notes().iter().cloned());
    notes.extend(overrides.list().iter().map(|given| format!("overridden: {}", given.sentence().quoted())));
    let mut plan = Plan::new(scenarios, catalog, &filter)?;
    let mut capabilities = BTreeMap::new();
    if let Some(ask) = ask {
        capabilities = ask_all(&plan, ask)?;
        if !capabilities.is_empty() {
            plan = Plan::new(knowing(plan.scenarios, &capabilities), catalog, &filter)?;
        }
    }
    let inputs = Inputs {
        sources: plan.scenarios.iter().map(|scenario| (scenario.file.clone(), scenario.text.clone())).collect(),
        overrides: overrides.list().to_vec(),
        filters: selection.filters.clone(),
        default_repeats,
        capabilities,
    };
    notes.extend(plan.notes.iter().cloned());
    Ok(Prepared { inputs, plan, notes, filter })
}

/// Asks about each external queue of the plan once; all that is wrong is said together.
fn ask_all(
    plan: &Plan,
    ask: &mut Ask<'_>,
) -> Result<BTreeMap<Untrusted, BTreeMap<Untrusted, Capabilities>>, SessionError> {
    let mut answers: BTreeMap<Untrusted, BTreeMap<Untrusted, Capabilities>> = BTreeMap::new();
    let mut found = Diagnostics::new();
    for (queue, scenario) in external::of_plan(plan) {
        match ask(queue, scenario) {
            Ok(None) => {}
            Ok(Some(can)) => {
                answers.entry(scenario.file.clone()).or_default().insert(queue.name.clone(), can);
            }
            Err(SessionError::Input(errors)) => found.append(errors),
            Err(error) => return Err(error),
        }
    }
    Ok(found.or(answers)?)
}

/// The scenarios with what the programs of their queues can do.
fn knowing(
    scenarios: Vec<Scenario>,
    capabilities: &BTreeMap<Untrusted, BTreeMap<Untrusted, Capabilities>>,
) -> Vec<Scenario> {
    let know = |mut scenario: Scenario| {
        if let Some(known) = capabilities.get(&scenario.file) {
            scenario.queues.iter_mut().for_each(|queue| queue.capabilities = known.get(&queue.name).cloned());
        }
        scenario
    };
    scenarios.into_iter().map(know).collect()
}

/// Makes the plan again that the inputs once gave.
///
/// # Errors
/// What is wrong with them; nothing, if they ever gave a plan with the same queues.
pub fn replay(inputs: &Inputs, catalog: &Catalog) -> Result<Plan, SessionError> {
    let declared = inputs.sources.iter().flat_map(|(_, text)| scenario::queues_declared_in(text.as_bytes()));
    let names = catalog.with_names(declared);
    let overrides = Overrides::read(&inputs.overrides, &|_| None, &names)?;
    let context = Context { catalog, overrides: &overrides, default_repeats: inputs.default_repeats };
    let parse = |(file, text): &(Untrusted, String)| scenario::parse(file.as_given(), text.as_bytes(), context);
    let scenarios = inputs.sources.iter().map(parse).collect::<Result<Vec<Scenario>, _>>()?;
    let filter = Selector::from_filters(&inputs.filters, &names)?;
    Ok(Plan::new(knowing(scenarios, &inputs.capabilities), catalog, &filter)?)
}

/// Keeps the errors, so that those of what else was given can be said with them; what they are about is left empty.
fn nothing_but<T: Default>(found: &mut Diagnostics, errors: Diagnostics) -> T {
    found.append(errors);
    T::default()
}
