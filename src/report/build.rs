//! What a run yielded -> the report. A run that has just ended and one read back from its journal go through here alike.

use super::model::{
    CaseRecord, CostSummary, Environment, ErrorRecord, RepeatRecord, Report, SCHEMA_VERSION, ScenarioRecord,
    SetAsideRecord, Summary, Tool,
};
use super::partition::PartitionRecord;
use super::slow_calls::slow_calls;
use super::stages;
use super::statistics::latency_set;
use super::surroundings::{ControlRecord, MachineRecord, lag_ratios};
use crate::matrix::Case;
use crate::measure::{Cost, Measurement};
use crate::run::{Objections, Yardstick};
use crate::scenario::{Check, Figure, Parameters, Scenario, Target};
use crate::units::Nanos;
use crate::untrusted::Untrusted;
use crate::verdict::{
    self, CaseEvidence, Distributions, PlanCase, PlanVerdict, Pooled, Reason, judge_case, judge_part, judge_plan,
};
use crate::worker::control_span;
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
    /// Which part of a plan it is about; `None`: all of it.
    pub partition: Option<PartitionRecord>,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct CaseInput {
    /// Canonical id.
    pub id: Untrusted,
    /// Name of its scenario.
    pub scenario: Untrusted,
    /// The value of every axis.
    pub parameters: Parameters,
    /// The promise.
    pub target: Target,
    /// The scenario's checks, all of them in its order.
    pub checks: Vec<Check>,
    /// The control before each repeat that the plan asked for; zero: none.
    pub control: Nanos,
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
            control: scenario.run.control,
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
    /// Why, as [`crate::verdict::judge_repeat`] says it.
    pub why: Objections,
}

/// A repeat that gave no measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorInput {
    /// Round, from 0.
    pub repeat: u32,
    /// Which try of this repeat, from 0.
    pub attempt: u32,
    /// What kind of failure, one word.
    pub kind: Untrusted,
    /// In words.
    pub message: Untrusted,
    /// The last lines of the child's stderr.
    pub stderr_tail: Vec<Untrusted>,
}

/// Judges every case and the whole, and puts the report together.
#[must_use]
pub fn build(input: ReportInput) -> Report {
    let mut environment = input.environment;
    let replaced = replaced(&input.cases);
    let cases: Vec<CaseRecord> = input.cases.into_iter().map(|input| case(input, &replaced)).collect();
    complete(&mut environment, &cases);
    let verdict = match &input.partition {
        None => judged_whole(&cases, input.interrupted),
        Some(_) => judge_part(&cases.iter().map(PlanCase::from).collect::<Vec<_>>(), input.interrupted),
    };
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() },
        created_at: input.created_at.to_string().into(),
        interrupted: input.interrupted,
        scenarios: input.scenarios,
        environment,
        cases,
        verdict,
        yardstick: input.yardstick,
        confirmations: Vec::new(),
        gate: None,
        sittings: Vec::new(),
        maxima: Vec::new(),
        partition: input.partition,
        merged: None,
    }
}

impl<'a> From<&'a CaseRecord> for PlanCase<'a> {
    fn from(case: &'a CaseRecord) -> Self {
        Self {
            scenario: &case.scenario,
            outcome: case.verdict.outcome,
            below_target_load: case.verdict.below_target_load,
        }
    }
}

/// The verdict on the whole of these cases.
#[must_use]
pub fn judged_whole(cases: &[CaseRecord], interrupted: bool) -> PlanVerdict {
    judge_plan(&cases.iter().map(PlanCase::from).collect::<Vec<_>>(), interrupted)
}

/// A case judged by itself: the version of its queue is not compared with that of other cases.
#[must_use]
pub fn judged(input: CaseInput) -> CaseRecord {
    case(input, &BTreeMap::new())
}

/// All that was measured of a case, valid or not.
fn measurements(case: &CaseInput) -> impl Iterator<Item = &Measurement> {
    let aside = case.set_aside.iter().map(|aside| &aside.repeat);
    case.repeats.iter().chain(aside).map(|repeat| &repeat.measurement)
}

/// A scenario and a queue of it: what a name stands for.
type QueueKey = (Untrusted, Untrusted);

fn key_of(case: &CaseInput) -> QueueKey {
    (case.scenario.clone(), case.parameters.queue.clone())
}

/// The queues that were not the same throughout, and how that is known.
fn replaced(cases: &[CaseInput]) -> BTreeMap<QueueKey, Reason> {
    let mut versions: BTreeMap<QueueKey, BTreeMap<&Untrusted, u64>> = BTreeMap::new();
    for case in cases {
        for measurement in measurements(case) {
            *versions.entry(key_of(case)).or_default().entry(&measurement.queue_version).or_default() += 1;
        }
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    several
        .map(|(key, versions)| {
            let versions = versions.into_iter().map(|(version, count)| (version.clone(), count)).collect();
            let why = Reason::QueueReplaced { queue: key.1.clone(), versions };
            (key, why)
        })
        .collect()
}

/// How many repeats have no control although one was asked for and the load has logs enough for one.
fn uncontrolled(case: &CaseInput) -> u64 {
    let per_second = case.parameters.offered_per_second();
    match control_span(case.control, per_second) {
        Some(_) => measurements(case).filter(|measurement| measurement.control.is_none()).count() as u64,
        None => 0,
    }
}

fn case(input: CaseInput, replaced: &BTreeMap<QueueKey, Reason>) -> CaseRecord {
    let bound = input.target.latency;
    let uncontrolled = uncontrolled(&input);
    let replaced = replaced.get(&key_of(&input)).cloned();
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
    let spoiled: Vec<verdict::SetAside> = input
        .set_aside
        .iter()
        .map(|aside| verdict::SetAside::of(&aside.repeat.measurement, aside.why.clone()))
        .collect();
    let failed = |error: &ErrorInput| Reason::RepeatFailed { kind: error.kind.clone(), message: error.message.clone() };
    let broken: Vec<Reason> = input.errors.iter().map(failed).chain(replaced).collect();
    let verdict = judge_case(&CaseEvidence {
        parameters: &input.parameters,
        target: &input.target,
        checks: &input.checks,
        pooled: &pooled,
        set_aside: &spoiled,
        uncontrolled,
        errors: &broken,
    });
    let aside = input.set_aside.into_iter().zip(&spoiled);
    CaseRecord {
        id: input.id,
        scenario: input.scenario,
        parameters: input.parameters,
        repeats,
        set_aside: aside.filter_map(|(input, spoiled)| set_aside(input, spoiled, bound)).collect(),
        errors: input.errors.into_iter().map(error).collect(),
        summary: summary(&pooled, &costs),
        verdict,
        calibration: None,
    }
}

/// A discarded repeat; one whose histograms cannot be read has nothing to show.
fn set_aside(input: SetAsideInput, spoiled: &verdict::SetAside, bound: Nanos) -> Option<SetAsideRecord> {
    let decoded = Distributions::decode(&input.repeat.measurement.latency).ok()?;
    let reason_codes = verdict::codes(&spoiled.reasons);
    Some(SetAsideRecord { reasons: input.why.reasons, reason_codes, measured: record(input.repeat, &decoded, bound)? })
}

fn error(input: ErrorInput) -> ErrorRecord {
    let ErrorInput { repeat, attempt, kind, message, stderr_tail } = input;
    ErrorRecord { repeat, attempt, kind, message, stderr_tail }
}

/// `None` if a histogram of the machine, the control or a stage cannot be read; [`Pooled::add`] has said so then.
fn record(input: RepeatInput, decoded: &Distributions, bound: Nanos) -> Option<RepeatRecord> {
    let measured = input.measurement;
    let latency = latency_set(decoded, false);
    let [lag_ratio, timer_lag_ratio] = lag_ratios(&latency);
    let stages = stages::records(&verdict::decoded_stages(&measured).ok()?);
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
        control: measured.control.map(ControlRecord::of).transpose().ok()?.map(Box::new),
        control_after: measured.control_after.map(ControlRecord::of).transpose().ok()?.map(Box::new),
        series: measured.series,
        memory: measured.memory,
        stages,
        levels: measured.levels,
        recovery: measured.recovery,
        steadiness: measured.steadiness.map(Box::new),
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
        cost: cost(costs, pooled),
        stages: stages::records(pooled.stages()),
        levels: pooled.levels().to_vec(),
        recovery: pooled.recoveries().longest,
    })
}

fn cost(costs: &[Cost], pooled: &Pooled) -> CostSummary {
    let mut by_group: BTreeMap<Untrusted, Vec<f64>> = BTreeMap::new();
    for (group, value) in costs.iter().flat_map(|cost| &cost.cpu_s_per_million) {
        by_group.entry(group.clone()).or_default().push(*value);
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    CostSummary {
        cpu_s_per_million: by_group.into_iter().map(|(group, values)| (group, mean(values))).collect(),
        peak_memory_bytes: costs.iter().filter_map(|cost| cost.peak_memory_bytes).max(),
        memory_slope_bytes_per_s: pooled.figures().known(Figure::MemorySlope).max_by(f64::total_cmp),
        depth_high_water: costs.iter().filter_map(|cost| cost.depth_high_water).max(),
        drain_max_ns: costs.iter().map(|cost| cost.drain_ns).max().unwrap_or(0),
    }
}

/// Fills in what only the repeats know.
pub(super) fn complete(environment: &mut Environment, cases: &[CaseRecord]) {
    let mut floors = Vec::new();
    for case in cases {
        for repeat in &case.repeats {
            environment.clock_source.get_or_insert_with(|| repeat.machine.clock.clone());
            environment
                .queue_versions
                .entry(case.parameters.queue.clone())
                .or_insert_with(|| repeat.queue_version.clone());
            floors.push(repeat.machine.instrument_floor_ns);
        }
    }
    floors.sort_by(f64::total_cmp);
    environment.instrument_floor_ns = floors.get(floors.len() / 2).copied().filter(|floor| floor.is_finite());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::healthy;
    use crate::report::fixture::{case as case_of, report_of};
    use crate::scenario::Strategy;
    use crate::units::Rate;
    use crate::verdict::{Outcome, judge_repeat};

    fn version(version: &str) -> Measurement {
        Measurement { queue_version: version.into(), ..healthy(1_000) }
    }

    #[test]
    fn a_queue_that_was_replaced_during_the_run_is_an_error_in_all_its_cases() {
        let [before, after] = [("1", "1"), ("1", "2")].map(|(first, second)| {
            let other = CaseInput {
                parameters: Parameters { queue: "other".into(), ..Parameters::default() },
                ..case_of(Strategy::Drop, vec![version("9")])
            };
            report_of(vec![
                case_of(Strategy::Drop, vec![version(first), version(first)]),
                case_of(Strategy::Block, vec![version(second)]),
                other,
            ])
        });
        let outcomes = |report: &Report| report.cases.iter().map(|case| case.verdict.outcome).collect::<Vec<_>>();
        assert_eq!(outcomes(&before), [Outcome::Pass; 3]);
        assert_eq!(outcomes(&after), [Outcome::Error, Outcome::Error, Outcome::Pass]);
        let said = "replaced: the queue `builtin` was of version 1 in 2 repeats, of version 2 in 1 repeat";
        assert_eq!(after.cases[1].verdict.reasons, [said]);
        assert_eq!(after.cases[1].verdict.reason_codes, ["queue_replaced"]);
    }

    #[test]
    fn a_version_that_only_a_spoiled_repeat_had_counts_too() {
        let mut case = case_of(Strategy::Drop, vec![version("1")]);
        let repeat = RepeatInput { repeat: 1, attempt: 0, measurement: version("2") };
        case.set_aside.push(SetAsideInput { repeat, why: Objections::uncoded(vec!["late".into()]) });
        assert_eq!(report_of(vec![case]).cases[0].verdict.outcome, Outcome::Error);
    }

    /// (what was asked for, tasks, whether there was one, repeats of which it is said)
    #[test]
    fn a_control_that_was_asked_for_and_not_run_is_said() {
        let usual = Nanos::from_millis(300);
        for (control, tasks, has_control, expected) in [
            (usual, 10, false, Some("no control, though one was asked for: 2 of 2 repeats")),
            (usual, 10, true, None),
            (Nanos::ZERO, 10, false, None),
            // 4 logs/s are too few for one.
            (usual, 4, false, None),
        ] {
            let measured = if has_control { healthy(1_000).with_control(1_000) } else { healthy(1_000) };
            let mut case = CaseInput { control, ..case_of(Strategy::Drop, vec![measured.clone(), measured]) };
            case.parameters.concurrency = tasks;
            case.parameters.rate = if tasks == 4 { Rate::of_whole(1) } else { Rate::of_whole(1_000) };
            let verdict = report_of(vec![case]).cases.remove(0).verdict;
            assert_eq!(verdict.outcome, Outcome::Pass);
            let found = verdict.notes.first().map(|note| note.as_given().split(';').next().unwrap_or_default());
            assert_eq!(found, expected, "{control:?} {tasks} {has_control}");
        }
    }

    /// A journal of an older build has only sentences. The report has their codes all the same, each beside its own.
    #[test]
    fn what_was_set_aside_has_its_codes_again() {
        let mut stolen = healthy(1_000).with_unsent_generator(50);
        stolen.machine.steal_share = Some(0.2);
        let said = judge_repeat(&stolen).in_words().unwrap_err();
        let mut case = case_of(Strategy::Drop, Vec::new());
        let repeat = RepeatInput { repeat: 0, attempt: 0, measurement: stolen };
        case.set_aside.push(SetAsideInput { repeat, why: Objections::uncoded(said.clone()) });
        let case = report_of(vec![case]).cases.remove(0);
        assert_eq!(case.set_aside[0].reasons, said);
        assert_eq!(case.set_aside[0].reason_codes, ["generator_late", "machine_busy", "no_control"]);
        assert_eq!(case.verdict.reason_codes, ["no_valid_repeat"; 3]);
    }

    #[test]
    fn lateness_without_a_control_is_not_passed_over_in_silence() {
        let mut case = case_of(Strategy::Drop, vec![healthy(1_000), healthy(1_000)]);
        let measurement = healthy(1_000).with_unsent_generator(50);
        let repeat = RepeatInput { repeat: 1, attempt: 0, measurement };
        case.set_aside.push(SetAsideInput { repeat, why: Objections::uncoded(vec!["the generator was late".into()]) });
        let verdict = report_of(vec![case]).cases.remove(0).verdict;
        assert_eq!((verdict.outcome, verdict.notes.len()), (Outcome::Pass, 2));
        assert_eq!(verdict.notes[0], "discarded: 1 of 3 repeats: the generator was late");
        assert!(
            verdict.notes[1].as_given().starts_with("late without a control: 1 of 3 repeats; "),
            "{:?}",
            verdict.notes
        );
    }
}
