//! What a run yielded -> the report. A run that has just ended and one read back from its journal go through here alike.

use super::model::{
    CaseRecord, CostSummary, Environment, ErrorRecord, RepeatRecord, Report, SCHEMA_VERSION, ScenarioRecord,
    SetAsideRecord, Summary, Tool,
};
use super::slow_calls::slow_calls;
use super::statistics::latency_set;
use super::surroundings::{ControlRecord, MachineRecord, lag_ratios};
use crate::matrix::Case;
use crate::measure::{Cost, Measurement};
use crate::run::Yardstick;
use crate::scenario::{Check, Parameters, Scenario, Target};
use crate::units::Nanos;
use crate::verdict::{CaseEvidence, Distributions, PlanCase, Pooled, judge_case, judge_plan};
use std::collections::BTreeMap;

/// All that a report is made of.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// When the run began.
    pub created_at: jiff::Timestamp,
    /// The user ended it before the plan was finished.
    pub interrupted: bool,
    /// The scenarios as resolved.
    pub scenarios: Vec<ScenarioRecord>,
    /// Where it ran; clock, floor and queue versions are filled in from the repeats.
    pub environment: Environment,
    /// The cases in the plan's order.
    pub cases: Vec<CaseInput>,
    /// How fast the machine was meanwhile.
    pub yardstick: Option<Yardstick>,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct CaseInput {
    /// Canonical id.
    pub id: String,
    /// Name of its scenario.
    pub scenario: String,
    /// The value of every axis.
    pub parameters: Parameters,
    /// The promise.
    pub target: Target,
    /// The scenario's checks, all of them in its order.
    pub checks: Vec<Check>,
    /// The valid repeats.
    pub repeats: Vec<RepeatInput>,
    /// The repeats that were found invalid.
    pub set_aside: Vec<SetAsideInput>,
    /// The repeats that gave no measurement.
    pub errors: Vec<ErrorInput>,
}

impl CaseInput {
    /// A case of which nothing has come yet.
    #[must_use]
    pub fn new(case: &Case, scenario: &Scenario) -> Self {
        Self {
            id: case.id.clone(),
            scenario: scenario.name.clone(),
            parameters: case.parameters.clone(),
            target: scenario.target.clone(),
            checks: scenario.checks.clone(),
            repeats: Vec::new(),
            set_aside: Vec::new(),
            errors: Vec::new(),
        }
    }
}

/// A repeat that was carried out.
#[derive(Clone, Debug)]
pub struct RepeatInput {
    /// Round, from 0.
    pub repeat: u32,
    /// Which try of this repeat, from 0.
    pub attempt: u32,
    /// What it yielded.
    pub measurement: Measurement,
}

/// A repeat that was found invalid.
#[derive(Clone, Debug)]
pub struct SetAsideInput {
    /// The repeat.
    pub repeat: RepeatInput,
    /// Why, as [`crate::verdict::judge_repeat`] says.
    pub reasons: Vec<String>,
}

/// A repeat that gave no measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorInput {
    /// Round, from 0.
    pub repeat: u32,
    /// Which try of this repeat, from 0.
    pub attempt: u32,
    /// What kind of failure, one word.
    pub kind: String,
    /// In words.
    pub message: String,
    /// The last lines of the child's stderr.
    pub stderr_tail: Vec<String>,
}

/// Judges every case and the whole, and puts the report together.
#[must_use]
pub fn build(input: ReportInput) -> Report {
    let mut environment = input.environment;
    complete(&mut environment, &input.cases);
    let cases: Vec<CaseRecord> = input.cases.into_iter().map(case).collect();
    let seen: Vec<PlanCase<'_>> = cases
        .iter()
        .map(|case| PlanCase {
            scenario: &case.scenario,
            outcome: case.verdict.outcome,
            below_target_load: case.verdict.below_target_load,
        })
        .collect();
    let verdict = judge_plan(&seen, input.interrupted);
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() },
        created_at: input.created_at.to_string(),
        interrupted: input.interrupted,
        scenarios: input.scenarios,
        environment,
        cases,
        verdict,
        yardstick: input.yardstick,
        confirmations: Vec::new(),
        gate: None,
    }
}

fn case(input: CaseInput) -> CaseRecord {
    let bound = input.target.latency;
    let mut pooled = Pooled::default();
    let costs: Vec<Cost> = input.repeats.iter().map(|repeat| repeat.measurement.cost.clone()).collect();
    let repeats = input
        .repeats
        .into_iter()
        .filter_map(|repeat| {
            let decoded = pooled.add(&repeat.measurement)?;
            record(repeat, &decoded, bound)
        })
        .collect();
    let spoiled: Vec<String> = input.set_aside.iter().flat_map(|aside| aside.reasons.iter().cloned()).collect();
    let broken: Vec<String> = input.errors.iter().map(|error| format!("{}: {}", error.kind, error.message)).collect();
    let verdict = judge_case(&CaseEvidence {
        parameters: &input.parameters,
        target: &input.target,
        checks: &input.checks,
        pooled: &pooled,
        set_aside: &spoiled,
        errors: &broken,
    });
    CaseRecord {
        id: input.id,
        scenario: input.scenario,
        parameters: input.parameters,
        repeats,
        set_aside: input.set_aside.into_iter().filter_map(|aside| set_aside(aside, bound)).collect(),
        errors: input.errors.into_iter().map(error).collect(),
        summary: summary(&pooled, &costs),
        verdict,
        calibration: None,
    }
}

/// A repeat set aside; one whose histograms cannot be read has nothing to show.
fn set_aside(input: SetAsideInput, bound: Nanos) -> Option<SetAsideRecord> {
    let decoded = Distributions::decode(&input.repeat.measurement.latency).ok()?;
    Some(SetAsideRecord { reasons: input.reasons, measured: record(input.repeat, &decoded, bound)? })
}

fn error(input: ErrorInput) -> ErrorRecord {
    let ErrorInput { repeat, attempt, kind, message, stderr_tail } = input;
    ErrorRecord { repeat, attempt, kind, message, stderr_tail }
}

/// `None` if a histogram of the machine or of the control cannot be read; [`Pooled::add`] has said so then.
fn record(input: RepeatInput, decoded: &Distributions, bound: Nanos) -> Option<RepeatRecord> {
    let measured = input.measurement;
    let latency = latency_set(decoded, false);
    let [lag_ratio, timer_lag_ratio] = lag_ratios(&latency);
    Some(RepeatRecord {
        repeat: input.repeat,
        attempt: input.attempt,
        outcome_source: measured.outcome_source,
        ledger: measured.ledger,
        latency,
        slow_calls: slow_calls(&decoded.enqueue, bound),
        slow_responses: slow_calls(&decoded.response_ideal, bound),
        slow_deliveries: slow_calls(&decoded.delivery, bound),
        lag_ratio,
        timer_lag_ratio,
        rates: measured.rates,
        cost: measured.cost,
        machine: MachineRecord::of(measured.machine).ok()?,
        control: measured.control.map(ControlRecord::of).transpose().ok()?,
        control_after: measured.control_after.map(ControlRecord::of).transpose().ok()?,
        series: measured.series,
        fairness: measured.fairness,
        threads: measured.threads,
        queue_counters: measured.queue_counters,
        queue_version: measured.queue_version,
        disagreements: measured.disagreements,
    })
}

fn summary(pooled: &Pooled, costs: &[Cost]) -> Option<Summary> {
    let latency = latency_set(pooled.distributions()?, true);
    let [lag_ratio, timer_lag_ratio] = lag_ratios(&latency);
    Some(Summary {
        repeats: pooled.repeats(),
        ledger: pooled.ledger().clone(),
        latency,
        lag_ratio,
        timer_lag_ratio,
        rates: *pooled.rates()?,
        cost: cost(costs),
    })
}

fn cost(costs: &[Cost]) -> CostSummary {
    let mut by_group: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (group, value) in costs.iter().flat_map(|cost| &cost.cpu_s_per_million) {
        by_group.entry(group.clone()).or_default().push(*value);
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    CostSummary {
        cpu_s_per_million: by_group.into_iter().map(|(group, values)| (group, mean(values))).collect(),
        peak_memory_bytes: costs.iter().filter_map(|cost| cost.peak_memory_bytes).max(),
        depth_high_water: costs.iter().filter_map(|cost| cost.depth_high_water).max(),
        drain_max_ns: costs.iter().map(|cost| cost.drain_ns).max().unwrap_or(0),
    }
}

/// Fills in what only the repeats know.
fn complete(environment: &mut Environment, cases: &[CaseInput]) {
    let mut floors = Vec::new();
    for case in cases {
        for repeat in &case.repeats {
            let measured = &repeat.measurement;
            environment.clock_source.get_or_insert_with(|| measured.machine.clock.clone());
            environment
                .queue_versions
                .entry(case.parameters.queue.clone())
                .or_insert_with(|| measured.queue_version.clone());
            floors.push(measured.machine.instrument_floor_ns);
        }
    }
    floors.sort_by(f64::total_cmp);
    environment.instrument_floor_ns = floors.get(floors.len() / 2).copied().filter(|floor| floor.is_finite());
}
