//! Cases -> the repeats in the order in which they run; pure.

mod layout;

pub use layout::Layout;

use crate::matrix::{self, Case};
use crate::scenario::{Catalog, Diagnostic, Diagnostics, MOST_CASES, Order, Parameters, Problem, Scenario, Selector};
use crate::units::{Nanos, human};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most repeats of one plan.
pub const MOST_REPEATS: u64 = 1_000_000;

/// The control before each repeat: so much of its schedule goes to a queue that does nothing.
pub const CONTROL: Nanos = Nanos::from_millis(300);

/// The time before the load in which the queue idles and the runtime's lag is recorded: long enough that three repeats
/// together hold the 1,000 beats that a p99 needs.
pub const IDLE: Nanos = Nanos::from_millis(400);

/// What a repeat takes besides warm-up, control, window and drain: starting and ending its process, building the queue,
/// and [`IDLE`].
pub const OVERHEAD: Nanos = Nanos(600_000_000 + IDLE.0);

/// What is added to warm-up, duration and drain timeout before a repeat is given up.
const DEADLINE_MARGIN: Nanos = Nanos::from_secs(30);

/// Shortest drain timeout that a plan chooses by itself.
const LEAST_DRAIN: Nanos = Nanos::from_secs(10);

/// One run of a case, self-contained: all that a driver needs to know. It is what goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedRepeat {
    /// Index of the case in the plan.
    pub case: usize,
    /// Round, from 0.
    pub repeat: u32,
    /// Which try of this repeat, from 0.
    pub attempt: u32,
    /// Case id, for messages.
    pub case_id: String,
    /// The case.
    pub parameters: Parameters,
    /// Load before the window, not recorded.
    #[serde(rename = "warmup_ns")]
    pub warmup: Nanos,
    /// How long the control before it is; zero: there is none. Left out on the wire where it is [`CONTROL`].
    #[serde(rename = "control_ns", default = "usual_control", skip_serializing_if = "is_usual_control")]
    pub control: Nanos,
    /// Longest time for the queue to drain.
    #[serde(rename = "drain_timeout_ns")]
    pub drain_timeout: Nanos,
    /// Longest time for the whole repeat.
    #[serde(rename = "deadline_ns")]
    pub deadline: Nanos,
    /// Seed of this repeat: by the scenario's seed, the case id, the round and the try.
    pub seed: u64,
}

fn usual_control() -> Nanos {
    CONTROL
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_usual_control(control: &Nanos) -> bool {
    *control == CONTROL
}

impl PlannedRepeat {
    /// The next try of the same repeat, with a seed of its own that follows from this one's.
    #[must_use]
    pub fn retry(&self) -> PlannedRepeat {
        let attempt = self.attempt.saturating_add(1);
        PlannedRepeat { attempt, seed: derive_seed(self.seed, "retry", attempt), ..self.clone() }
    }

    /// About how long it takes: control, warm-up, window, what a slow sink still has to write, and [`OVERHEAD`]. A late one
    /// takes longer, by a second control as long as its window.
    pub fn estimate(&self) -> Nanos {
        self.control
            .saturating_add(self.warmup)
            .saturating_add(self.parameters.duration)
            .saturating_add(self.estimated_drain())
            .saturating_add(OVERHEAD)
    }

    /// What the sink still has to write at the end of the window, at its own speed.
    fn estimated_drain(&self) -> Nanos {
        let p = &self.parameters;
        let delay = p.sink_delay.as_secs_f64();
        if delay <= 0.0 {
            return Nanos::ZERO;
        }
        let offered = p.rate.per_second() * f64::from(p.concurrency);
        let surplus = (offered - 1.0 / delay).max(0.0);
        let seconds = self.warmup.as_secs_f64() + p.duration.as_secs_f64();
        let backlog = (surplus * seconds).min(p.maxsize as f64);
        // The cast saturates.
        Nanos((backlog * delay * 1e9) as u64).min(self.drain_timeout)
    }
}

/// Everything that one invocation will do, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The scenarios, as given.
    pub scenarios: Vec<Scenario>,
    /// The cases of all scenarios, in the scenarios' order.
    pub cases: Vec<Case>,
    /// The repeats as they will run: scenario after scenario, each round by round.
    pub repeats: Vec<PlannedRepeat>,
    /// What the user should know, each with its file: those of the scenarios, and of their expansion.
    pub notes: Vec<String>,
    /// For each scenario: what was left out since its queue cannot do it, and why.
    pub left_out: Vec<Vec<String>>,
}

impl Plan {
    /// Makes the plan of these scenarios; `filter` keeps only some of the cases.
    ///
    /// # Errors
    /// Everything that is wrong with the expansion of any scenario; a filter that matches nothing; too many
    /// cases or repeats in all.
    pub fn new(scenarios: Vec<Scenario>, catalog: &Catalog, filter: &Selector) -> Result<Plan, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut cases: Vec<Case> = Vec::new();
        let mut notes: Vec<String> = Vec::new();
        let mut left_out: Vec<Vec<String>> = Vec::new();
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
        let repeats = in_order(&scenarios, &cases, &all, 0);
        Ok(Plan { scenarios, cases, repeats, notes, left_out })
    }

    /// About how long the plan takes without retries; the sum of [`PlannedRepeat::estimate`].
    pub fn estimate(&self) -> Nanos {
        self.repeats.iter().fold(Nanos::ZERO, |sum, repeat| sum.saturating_add(repeat.estimate()))
    }

    /// The scenario of a case.
    ///
    /// # Panics
    /// If the case is not of this plan.
    pub fn scenario_of(&self, case: &Case) -> &Scenario {
        &self.scenarios[case.scenario]
    }

    /// The checks that are about a case: indices into its scenario's.
    ///
    /// # Panics
    /// If the case is not of this plan.
    pub fn checks_of(&self, case: &Case) -> Vec<usize> {
        matrix::checks_of(self.scenario_of(case), &case.parameters)
    }
}

fn too_many(what: &str, number: u64, most: u64) -> Diagnostic {
    let message = format!("{} {what} are too many for one plan", human::count(number));
    let fix = format!("at most {}", human::count(most));
    Diagnostic::of("command line", "", Problem::new(message, fix))
}

/// The repeats of all scenarios: one scenario after the other, so that adding one leaves the others as they were.
///
/// Only the `chosen` cases; the rounds are those of the `offset`-th time that the plan is gone through.
fn in_order(scenarios: &[Scenario], cases: &[Case], chosen: &[usize], offset: u32) -> Vec<PlannedRepeat> {
    let mut repeats = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let own: Vec<usize> = chosen.iter().copied().filter(|case| cases[*case].scenario == index).collect();
        let first = offset.saturating_mul(scenario.run.repeats);
        for round in first..first.saturating_add(scenario.run.repeats) {
            let mut order = own.clone();
            if scenario.run.order == Order::Shuffled {
                shuffle(&mut order, derive_seed(scenario.run.seed, "order", round));
            }
            repeats.extend(order.into_iter().map(|case| planned(scenario, cases, case, round)));
        }
    }
    repeats
}

fn planned(scenario: &Scenario, cases: &[Case], case: usize, round: u32) -> PlannedRepeat {
    let Case { id, parameters, .. } = &cases[case];
    let run = &scenario.run;
    let drain_timeout = run.drain_timeout.unwrap_or_else(|| default_drain(parameters));
    let deadline = run.deadline.unwrap_or_else(|| {
        run.warmup.saturating_add(parameters.duration).saturating_add(drain_timeout).saturating_add(DEADLINE_MARGIN)
    });
    PlannedRepeat {
        case,
        repeat: round,
        attempt: 0,
        case_id: id.clone(),
        parameters: parameters.clone(),
        warmup: run.warmup,
        control: run.control,
        drain_timeout,
        deadline,
        seed: derive_seed(run.seed, id, round),
    }
}

/// The longer of 10 s and 2 x maxsize x sink_delay, at most 584 years.
fn default_drain(parameters: &Parameters) -> Nanos {
    let full = parameters.sink_delay.saturating_mul(parameters.maxsize);
    full.saturating_mul(2).max(LEAST_DRAIN)
}

/// A seed of its own for each purpose and round: the first 8 bytes of a SHA-256, so that it is the same everywhere.
fn derive_seed(seed: u64, purpose: &str, round: u32) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(round.to_le_bytes());
    hash.update(purpose.as_bytes());
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Fisher-Yates from the last place down; the index is the upper half of a 64 x 64-bit product, whose bias is below
/// 2^-46 for any plan. The generator and this recipe are fixed, so a seed gives the same order in every version.
fn shuffle(order: &mut [usize], seed: u64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for last in (1..order.len()).rev() {
        let product = u128::from(random.next_u64()) * (last as u128 + 1);
        let index = usize::try_from(product >> 64).unwrap_or(last);
        order.swap(last, index);
    }
}

#[cfg(test)]
mod tests;
