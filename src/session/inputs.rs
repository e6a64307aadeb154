//! Makes a plan from a request and environment variables.

use super::doubts;
use super::error::SessionError;
use super::external;
use super::request::{DEFAULT_REPEATS, Selection};
use crate::plan::{Partition, Plan};
use crate::scenario::{
    self, Capabilities, Catalog, Context, Diagnostics, ExternalQueue, Override, Overrides, Scenario, Selector,
};
use crate::units::human;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that determines a plan: the same inputs give the same plan, in this process or in a later one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Name and text of each scenario file.
    pub sources: Vec<(Untrusted, String)>,
    /// Replacements by the command line and the environment.
    pub overrides: Vec<Override>,
    /// Which cases are kept.
    pub filters: Vec<String>,
    /// Repeats of a case, if nothing else sets their number.
    #[serde(default = "default_repeats")]
    pub default_repeats: u32,
    /// What the programs of `[queues.NAME]` can do by their own account, by file and name.
    #[serde(default)]
    pub capabilities: BTreeMap<Untrusted, BTreeMap<Untrusted, Capabilities>>,
    /// The part of the plan; `None`: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
}

fn default_repeats() -> u32 {
    DEFAULT_REPEATS
}

/// Asks the program of a queue what it can do; `None` if that cannot be known.
pub type Ask<'a> = dyn FnMut(&ExternalQueue, &Scenario) -> Result<Option<Capabilities>, SessionError> + 'a;

/// A plan, and notes for the user.
#[derive(Debug)]
pub struct Prepared {
    /// Everything that determines the plan.
    pub inputs: Inputs,
    /// The plan.
    pub plan: Plan,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// Which cases are kept.
    pub filter: Selector,
}

/// Reads the scenarios and makes the plan without starting any program. So it does not know what the programs of
/// `[queues.NAME]` cannot do. The notes also say what no run of the plan can show.
///
/// # Errors
/// All errors in files, overrides and filters.
pub fn prepare(selection: &Selection, catalog: &Catalog) -> Result<Prepared, SessionError> {
    let mut prepared = prepare_with(selection, DEFAULT_REPEATS, catalog, None)?;
    prepared.notes.extend(doubts::of(&prepared.plan));
    Ok(prepared)
}

/// As [`prepare`], with `default_repeats` repeats of a case if nothing else sets their number. If everything else is
/// right, `ask` is called for each external queue in the plan.
///
/// # Errors
/// As [`prepare`], and those of `ask`.
pub fn prepare_with(
    selection: &Selection,
    default_repeats: u32,
    catalog: &Catalog,
    ask: Option<&mut Ask<'_>>,
) -> Result<Prepared, SessionError> {
    // A text that is not UTF-8 is no valid value, and is refused as such later.
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
        partition: selection.partition,
    };
    notes.extend(plan.notes.iter().cloned());
    if let Some(partition) = selection.partition {
        plan = plan.partitioned(partition);
        notes.push(said_of(&plan, &partition));
    }
    Ok(Prepared { inputs, plan, notes, filter })
}

/// Which part of the plan it is, in words.
fn said_of(plan: &Plan, partition: &Partition) -> String {
    let whole = plan.part.as_ref().map_or(0, |part| u64::from(part.whole));
    let of = human::counted(whole, "case");
    match plan.cases.len() as u64 {
        0 => format!("partition {partition} has none of the {of} of the plan: nothing is run"),
        some => format!("partition {partition} has {} of the {of} of the plan", human::count(some)),
    }
}

/// Asks about each external queue of the plan once, and reports all errors together.
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

/// The scenarios, with the capabilities of their queues' programs.
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

/// Makes the same plan again from its inputs.
///
/// # Errors
/// All errors in them. There are none if they have given a plan with the same queues before.
pub fn replay(inputs: &Inputs, catalog: &Catalog) -> Result<Plan, SessionError> {
    let declared = inputs.sources.iter().flat_map(|(_, text)| scenario::queues_declared_in(text.as_bytes()));
    let names = catalog.with_names(declared);
    let overrides = Overrides::read(&inputs.overrides, &|_| None, &names)?;
    let context = Context { catalog, overrides: &overrides, default_repeats: inputs.default_repeats };
    let parse = |(file, text): &(Untrusted, String)| scenario::parse(file.as_given(), text.as_bytes(), context);
    let scenarios = inputs.sources.iter().map(parse).collect::<Result<Vec<Scenario>, _>>()?;
    let filter = Selector::from_filters(&inputs.filters, &names)?;
    let plan = Plan::new(knowing(scenarios, &inputs.capabilities), catalog, &filter)?;
    Ok(match inputs.partition {
        Some(partition) => plan.partitioned(partition),
        None => plan,
    })
}

/// Collects the errors and goes on with an empty value, so that errors in the other arguments can be reported together
/// with them.
fn nothing_but<T: Default>(found: &mut Diagnostics, errors: Diagnostics) -> T {
    found.append(errors);
    T::default()
}
