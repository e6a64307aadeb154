//! Reports for tests.

use super::decision::{CaseDecision, Change, GateDecision, GateOutcome, Steadiness};
use super::gating::{Calibration, Confirmation, GateRecord, GateRound};
use super::kinds::GateReason;
use super::maximum::{Maximum, MaximumOutcome, Probe};
use super::model::{CaseRecord, Environment, Report, ScenarioRecord};
use super::{CaseInput, CheckRecord, ErrorInput, RepeatInput, ReportInput, SetAsideInput, build};
use crate::measure::Measurement;
use crate::measure::fixture::healthy;
use crate::run::{Objections, Yardstick, YardstickReading};
use crate::scenario::{GateSettings, Override, Parameters, RunSettings, Strategy, Target};
use crate::units::{Nanos, Rate};
use crate::verdict::Outcome;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The scenario `example` with the default target.
pub fn scenario() -> ScenarioRecord {
    ScenarioRecord {
        name: "example".into(),
        description: None,
        file: "scenarios/example.toml".into(),
        sha256: "0".repeat(64).into(),
        target: Target::default(),
        run: RunSettings::default(),
        matrix: BTreeMap::from([("strategy".into(), vec!["drop".into(), "block".into()])]),
        checks: vec![CheckRecord { expression: "dropped == 0".into(), applies_to: None }],
        gate: GateSettings::default(),
        queues: Vec::new(),
        overrides: vec![Override::from_command_line("duration", "1s")],
        left_out: Vec::new(),
    }
}

/// A case of that scenario: 10 tasks x 1,000/s for one second.
pub fn case(strategy: Strategy, measurements: Vec<Measurement>) -> CaseInput {
    let parameters = Parameters { strategy, rate: Rate::of_whole(1_000), ..Parameters::default() };
    let repeats = measurements.into_iter().zip(0..);
    CaseInput {
        id: format!("strategy={}", strategy.name()).into(),
        scenario: "example".into(),
        parameters,
        target: Target::default(),
        checks: Vec::new(),
        control: Nanos::ZERO,
        repeats: repeats.map(|(measurement, repeat)| RepeatInput { repeat, attempt: 0, measurement }).collect(),
        set_aside: Vec::new(),
        errors: Vec::new(),
    }
}

/// The cases of that scenario as a report.
pub fn report_of(cases: Vec<CaseInput>) -> Report {
    let mut report = build(ReportInput {
        created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        interrupted: false,
        scenarios: vec![scenario()],
        environment: Environment { platform: "linux x86_64".into(), ..Environment::default() },
        cases,
        yardstick: None,
        partition: None,
    });
    // What is seen in tests must not change with each release.
    report.tool.version = "0.0.0".into();
    report
}

/// A passing case, one that drops, and one that broke after a repeat was discarded.
pub fn report() -> Report {
    let mut broken = case(Strategy::Sample, Vec::new());
    broken.set_aside.push(SetAsideInput {
        repeat: RepeatInput { repeat: 0, attempt: 0, measurement: healthy(1_000).with_unsent_generator(50) },
        why: Objections::uncoded(vec!["the generator was late".into()]),
    });
    broken.errors.push(ErrorInput {
        repeat: 0,
        attempt: 1,
        kind: "panicked".into(),
        message: "the queue panicked".into(),
        stderr_tail: vec!["thread panicked at …".into()],
    });
    report_of(vec![
        case(Strategy::Block, vec![healthy(1_000), healthy(1_000)]),
        case(Strategy::Drop, vec![healthy(1_000).dropping(40)]),
        broken,
    ])
}

/// The report with arbitrary numbers and texts in its fields.
pub fn filled_with(numbers: &[f64], counts: &[u64], text: &str) -> Report {
    static BASE: LazyLock<Report> = LazyLock::new(report);
    let mut report = BASE.clone();
    report.environment.instrument_floor_ns = Some(numbers[0]);
    report.environment.memory_bytes = Some(counts[0]);
    report.scenarios[0].description = Some(text.into());
    report.tool.version = text.into();
    let case = &mut report.cases[0];
    case.id = text.into();
    let repeat = &mut case.repeats[0];
    repeat.ledger.scheduled = counts[1];
    repeat.ledger.lost.silent = counts[2];
    repeat.latency.enqueue.mean_ns = Some(numbers[1]);
    repeat.latency.enqueue.stddev_ns = Some(numbers[2]);
    repeat.latency.enqueue.max_ns = Some(counts[3]);
    repeat.rates.offered_per_s = numbers[3];
    repeat.cost.cpu_s_per_million.insert(text.into(), numbers[4]);
    repeat.queue_counters.insert(text.into(), counts[4]);
    repeat.series.points[0].times.as_mut().expect("a healthy repeat has some").p99_ns = counts[5];
    repeat.disagreements.push(text.into());
    let check = &mut case.verdict.checks[0];
    (check.observed, check.limit) = (Some(numbers[5]), Some(counts[6] as f64));
    check.reason = Some(text.into());
    gated(&mut report, numbers, counts, text);
    report.maxima = vec![maximum(report.cases[1].clone(), numbers, text)];
    report
}

/// A search that shows its result in this case.
pub fn maximum(case: CaseRecord, numbers: &[f64], text: &str) -> Maximum {
    Maximum {
        search: text.into(),
        scenario: case.scenario.clone(),
        case: Some(case.id.clone()),
        outcome: MaximumOutcome::Found,
        max_per_s: Some(numbers[0]),
        low_per_s: Some(numbers[1]),
        high_per_s: Some(numbers[2]),
        knee_per_s: Some(numbers[3]),
        precision: numbers[4],
        limited_by: vec![text.into()],
        runs: 2,
        generator_per_s: Some(numbers[5]),
        core_to_core_ns: Some(47),
        probes: vec![Probe { rate_per_s: numbers[6], case: text.into(), repeat: 0, outcome: Outcome::Pass }],
        cases: vec![case],
    }
}

/// Fills in what a run against a baseline and a calibration leave.
fn gated(report: &mut Report, numbers: &[f64], counts: &[u64], text: &str) {
    let reading = YardstickReading { spin_ns: Some(numbers[6]), ping_pong_ns: None };
    let yardstick = Yardstick { start: Some(reading), middle: None, end: Some(YardstickReading::default()) };
    report.yardstick = Some(yardstick);
    report.cases[0].calibration = Some(Calibration {
        repeats: counts[7],
        spread: Some(numbers[7]),
        difference: Some(numbers[0]),
        smallest_effect: None,
        proposed_repeats: Some(counts[0]),
    });
    report.confirmations = vec![Confirmation { round: 1, cases: vec![report.cases[1].clone()], yardstick: None }];
    let case = CaseDecision {
        id: text.into(),
        change: Change::Regressed,
        reason: text.into(),
        findings: Vec::new(),
        effect: None,
        tails: Vec::new(),
        tests: Vec::new(),
        repeats_needed: Some(counts[1]),
    };
    let decision = GateDecision {
        outcome: GateOutcome::Regressed,
        reason: text.into(),
        reason_code: None,
        alpha: numbers[1],
        min_effect: numbers[2],
        cases: vec![case],
        suspects: vec![text.into()],
        coverage: Vec::new(),
        failures: Vec::new(),
        family: 0,
        differences: Vec::new(),
        yardstick: Steadiness::default(),
        notes: vec![text.into()],
    };
    report.gate = Some(GateRecord {
        baseline: text.into(),
        digest: "0".repeat(64).into(),
        outcome: GateOutcome::Regressed,
        reason: text.into(),
        reason_code: Some(GateReason::CasesRegressed),
        rounds: vec![GateRound { round: 0, decision }],
    });
}
