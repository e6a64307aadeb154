//! Turns cases into repeats, in the order in which they run. The result depends on the input alone.
//!
//! | file | job |
//! |---|---|
//! | `slot` | the position of a repeat in the plan |
//! | `layout` | which slots there are, and which of them run one right after the other |
//! | `repeat` | [`PlannedRepeat`]: what a driver gets |
//! | `probe` | a run of a case at another rate than the plan's |
//! | `partition` | the part of the plan that one of several machines runs |
//! | `draw` | seeds and shuffles |

mod draw;
#[cfg(test)]
pub(crate) mod fixture;
mod layout;
mod partition;
mod probe;
mod repeat;
mod slot;

pub use layout::Layout;
pub use partition::{Farm, Method as PartitionMethod, Part, Partition, PartitionError};
#[cfg(feature = "internals")]
pub use repeat::OVERHEAD;
pub use repeat::{CONTROL, IDLE, PlannedRepeat};
pub use slot::{Program, Side, Slot};

use crate::matrix::{self, Case};
use crate::scenario::{Catalog, Diagnostic, Diagnostics, MOST_CASES, Order, Problem, Scenario, Selector};
use crate::units::{Nanos, human};
use crate::untrusted::Untrusted;
use draw::{derive_seed, shuffle};

/// Largest number of repeats of one plan.
pub const MOST_REPEATS: u64 = 1_000_000;

/// Everything that one invocation runs, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The scenarios, as given.
    pub scenarios: Vec<Scenario>,
    /// The cases of all scenarios, in the order of the scenarios. Under [`Layout::Programs`] they follow once more for
    /// the other program. [`Plan::own_cases`] is the number of this program's cases.
    pub cases: Vec<Case>,
    /// The repeats in the order in which they run: scenario after scenario, and round by round within each.
    pub repeats: Vec<PlannedRepeat>,
    /// Notes for the user, each with its file: those of the scenarios, and those of their expansion.
    pub notes: Vec<String>,
    /// For each scenario: what was left out since its queue cannot do it, and why.
    pub left_out: Vec<Vec<Untrusted>>,
    /// How the repeats are laid out.
    pub layout: Layout,
    /// The whole plan that this is a part of; `None`: this is the whole.
    pub part: Option<Part>,
}

impl Plan {
    /// Makes the plan of these scenarios. `filter` selects the cases that are kept.
    ///
    /// # Errors
    /// All errors of the expansion of any scenario; a filter that matches no case; too many cases or repeats in total.
    pub fn new(scenarios: Vec<Scenario>, catalog: &Catalog, filter: &Selector) -> Result<Plan, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut cases: Vec<Case> = Vec::new();
        let mut notes: Vec<String> = Vec::new();
        let mut left_out: Vec<Vec<Untrusted>> = Vec::new();
        for (index, scenario) in scenarios.iter().enumerate() {
            notes.extend(scenario.notes.iter().cloned());
            match matrix::expand(scenario, index, catalog) {
                Ok(expansion) => {
                    cases.extend(expansion.cases);
                    notes.extend(expansion.notes);
                    left_out.push(expansion.left_out);
                }
                Err(errors) => found.append(errors),
            }
            if cases.len() > MOST_CASES {
                found.push(too_many("cases", cases.len() as u64, MOST_CASES as u64));
                break;
            }
        }
        found.or(())?;
        if !filter.clauses().is_empty() {
            cases = matrix::select(cases, filter)?;
        }
        let repeats = cases.iter().map(|case| u64::from(scenarios[case.scenario].run.repeats)).sum();
        if repeats > MOST_REPEATS {
            return Err(too_many("repeats", repeats, MOST_REPEATS).into());
        }
        let all: Vec<usize> = (0..cases.len()).collect();
        let layout = Layout::Plain;
        let mut plan = Plan { scenarios, cases, repeats: Vec::new(), notes, left_out, layout, part: None };
        plan.repeats = plan.rounds(&all, 0);
        Ok(plan)
    }

    /// The estimated time of the plan without retries: the sum of [`PlannedRepeat::estimate`].
    pub fn estimate(&self) -> Nanos {
        self.repeats.iter().fold(Nanos::ZERO, |sum, repeat| sum.saturating_add(repeat.estimate()))
    }

    /// The scenario of a case.
    ///
    /// # Panics
    /// If the case does not belong to this plan.
    pub fn scenario_of(&self, case: &Case) -> &Scenario {
        &self.scenarios[case.scenario]
    }

    /// The checks that apply to a case, as indices into its scenario's checks.
    ///
    /// # Panics
    /// If the case does not belong to this plan.
    pub fn checks_of(&self, case: &Case) -> Vec<usize> {
        matrix::checks_of(self.scenario_of(case), &case.parameters)
    }
}

fn too_many(what: &str, number: u64, most: u64) -> Diagnostic {
    let message = format!("{} {what} are too many for one plan", human::count(number));
    let fix = format!("at most {}", human::count(most));
    Diagnostic::of("command line", "", Problem::new(message, fix))
}

/// The slots of the `chosen` cases. They are ordered scenario by scenario, so that an added scenario does not change
/// the order of the others.
fn in_order(scenarios: &[Scenario], cases: &[Case], chosen: &[usize], confirmation: u32) -> Vec<Slot> {
    let mut slots = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let own: Vec<usize> = chosen.iter().copied().filter(|case| cases[*case].scenario == index).collect();
        for repeat in 0..scenario.run.repeats {
            let mut order = own.clone();
            if scenario.run.order == Order::Shuffled {
                let turn = confirmation.saturating_mul(scenario.run.repeats).saturating_add(repeat);
                shuffle(&mut order, derive_seed(scenario.run.seed, "order", turn));
            }
            slots.extend(order.into_iter().map(|case| Slot { repeat, confirmation, ..Slot::first_of(case) }));
        }
    }
    slots
}

#[cfg(test)]
mod tests;
