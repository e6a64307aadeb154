//! Measures: for each pair, four reports of the same two calls, their repeats interleaved.

use crate::queue;
use queue_load::adapter::Registry;
use queue_load::measure::Measurement;
use queue_load::plan::{Plan, PlannedRepeat};
use queue_load::report::{self, BuildFacts, CaseInput, CaseRecord, RepeatInput, Report, ReportInput, ScenarioRecord};
use queue_load::run::{
    CaseRuns, ChildCommand, ChildDriver, Ending, Execution, Interrupt, Session, Yardstick, execute, yardstick,
};
use queue_load::scenario::{self, Context, Overrides, Selector};
use queue_load::verdict::{self, Validity};
use queue_load::worker::RepeatHost;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What goes wrong, in words.
type Failure = Box<dyn std::error::Error>;

/// The variants of a pair, and by how much each is slower, in hundredths.
pub const VARIANTS: [(&str, u64); 4] = [("a", 0), ("a2", 0), ("plus20", 20), ("plus50", 50)];

const INVALID_RETRIES: u32 = 5;

/// The file of a variant of a pair.
pub fn file(place: &Path, pair: usize, variant: &str) -> PathBuf {
    place.join(format!("pair-{pair:03}-{variant}.json"))
}

/// The file of the baseline.
pub fn baseline_file(place: &Path) -> PathBuf {
    place.join("baseline.json")
}

/// Steps of arithmetic that slow each call down by what its variant says, as measured before the first pair: for each
/// call those of each variant.
#[derive(Serialize, Deserialize)]
struct Calibration {
    steps: Vec<Vec<u64>>,
}

/// Measures the baseline, over one that is there.
pub fn baseline(place: &Path) -> Result<(), Failure> {
    let trial = Trial::new(place)?;
    let reports = trial.run(0, &VARIANTS[..1])?;
    Ok(report::write(&reports[0], &baseline_file(place))?)
}

/// Measures what is missing of so many pairs, and a baseline before them.
pub fn pairs(place: &Path, pairs: usize) -> Result<(), Failure> {
    if !baseline_file(place).exists() {
        baseline(place)?;
    }
    let trial = Trial::new(place)?;
    for pair in 0..pairs {
        if VARIANTS.iter().all(|(variant, _)| file(place, pair, variant).exists()) {
            continue;
        }
        let reports = trial.run(pair as u64 + 1, &VARIANTS)?;
        for (report, (variant, _)) in reports.iter().zip(VARIANTS) {
            report::write(report, &file(place, pair, variant))?;
        }
        eprintln!("pair {} of {pairs}", pair + 1);
    }
    Ok(())
}

struct Trial {
    plan: Plan,
    calibration: Calibration,
}

impl Trial {
    fn new(place: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(place)?;
        let catalog = Registry::<RepeatHost>::with_own().catalog();
        let context = Context { catalog: &catalog, overrides: &Overrides::default(), default_repeats: 10 };
        let scenario = scenario::parse("calls.toml", include_bytes!("calls.toml"), context)?;
        let plan = Plan::new(vec![scenario], &catalog, &Selector::default())?;
        let path = place.join("calibration.json");
        let calibration = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(_) => {
                let found = calibrate(&plan)?;
                std::fs::write(&path, serde_json::to_vec(&found)?)?;
                found
            }
        };
        Ok(Self { plan, calibration })
    }

    /// One report for each variant.
    fn run(&self, seed: u64, variants: &[(&str, u64)]) -> Result<Vec<Report>, Failure> {
        let place = |name: &str| VARIANTS.iter().position(|(variant, _)| *variant == name).unwrap_or(0);
        let places: Vec<usize> = variants.iter().map(|(name, _)| place(name)).collect();
        interleave(&self.plan, seed, places.len(), &|case, variant| self.calibration.steps[case][places[variant]])
    }
}

/// One report for each of so many variants, their repeats interleaved; `steps` says how many a call of a variant takes.
fn interleave(
    plan: &Plan,
    seed: u64,
    variants: usize,
    steps: &dyn Fn(usize, usize) -> u64,
) -> Result<Vec<Report>, Failure> {
    let created_at = jiff::Timestamp::now();
    let mut planned = Vec::new();
    for (position, repeat) in plan.repeats.iter().enumerate() {
        // Each variant is first, second, … equally often.
        for turn in 0..variants {
            let variant = (turn + position + seed as usize) % variants;
            let mut repeat = repeat.clone();
            repeat.parameters.queue = queue::name(steps(repeat.case, variant));
            repeat.case = repeat.case * variants + variant;
            repeat.seed ^= seed << 32 | (variant as u64) << 16;
            planned.push(repeat);
        }
    }
    let mut done = carry_out(&planned)?;
    let reports = (0..variants).map(|variant| {
        let runs = (0..plan.cases.len())
            .map(|case| (case, done.cases.remove(&(case * variants + variant)).unwrap_or_default()));
        report_on(plan, created_at, done.yardstick, runs.collect())
    });
    Ok(reports.collect())
}

/// A report as a run would give it.
fn report_on(plan: &Plan, at: jiff::Timestamp, yardstick: Yardstick, runs: Vec<(usize, CaseRuns)>) -> Report {
    let cases = runs.into_iter().map(|(case, runs)| CaseInput {
        repeats: runs.measured.into_iter().map(|one| input(&one.repeat, one.measurement)).collect(),
        ..CaseInput::new(&plan.cases[case], &plan.scenarios[0])
    });
    report::build(ReportInput {
        created_at: at,
        interrupted: false,
        scenarios: plan.scenarios.iter().map(ScenarioRecord::of).collect(),
        environment: report::collect_environment(BuildFacts::default(), Path::new(".")),
        cases: cases.collect(),
        yardstick: Some(yardstick),
    })
}

fn input(repeat: &PlannedRepeat, measurement: Measurement) -> RepeatInput {
    RepeatInput { repeat: repeat.repeat, attempt: repeat.attempt, measurement }
}

/// Runs the repeats as a run would, each in a process of its own.
fn carry_out(repeats: &[PlannedRepeat]) -> Result<Execution, Failure> {
    let mut driver = ChildDriver::new(ChildCommand::worker()?, Box::new(|_, measurement| verdict::faults(measurement)));
    let done = execute(
        repeats,
        Session {
            driver: &mut driver,
            validity: &|_, measurement| match verdict::judge_repeat(measurement) {
                Validity::Valid => Ok(()),
                Validity::Invalid { reasons } => Err(reasons),
            },
            invalid_retries: &|_| INVALID_RETRIES,
            on_event: &mut |_| (),
            gauge: &mut || Some(yardstick::measure()),
            round: 0,
            journal: None,
            interrupt: &Interrupt::new(),
        },
    );
    if let Some(failed) = done.cases.values().flat_map(|runs| &runs.errors).next() {
        return Err(failed.error.to_string().into());
    }
    match done.ending {
        Ending::Complete => Ok(done),
        Ending::Interrupted => Err("interrupted".into()),
        Ending::Stopped(error) => Err(error.into()),
    }
}

/// Finds the steps by trying: a step beside a call takes another time than a step alone, and the first ones none at all,
/// since the processor overlaps them with the call.
fn calibrate(plan: &Plan) -> Result<Calibration, Failure> {
    const ROUNDS: u64 = 6;
    let bare = interleave(plan, 0, 1, &|_, _| 0)?;
    let begun = |case: &CaseRecord| Ok(Tried(vec![(0.0, 0.0), (1.0, middle(case)? / queue::step_ns())]));
    let mut calls = bare[0].cases.iter().map(begun).collect::<Result<Vec<_>, Failure>>()?;
    for round in 1..=ROUNDS {
        let planned: Vec<Vec<u64>> = calls.iter().map(Tried::steps).collect();
        let reports = interleave(plan, round, VARIANTS.len(), &|case, variant| planned[case][variant])?;
        for (call, tried) in calls.iter_mut().enumerate() {
            let means: Vec<f64> = reports.iter().map(|report| middle(&report.cases[call])).collect::<Result<_, _>>()?;
            let base = (means[0] + means[1]) / 2.0;
            for variant in (0..VARIANTS.len()).filter(|variant| VARIANTS[*variant].1 > 0) {
                let (steps, slower) = (planned[call][variant], means[variant] / base - 1.0);
                eprintln!("call {call}: {steps} steps more take {:+.1} %", slower * 100.0);
                if slower > 0.0 {
                    tried.0.push((slower, steps as f64));
                }
            }
        }
    }
    Ok(Calibration { steps: calls.iter().map(Tried::steps).collect() })
}

/// By how much so many steps slowed a call down, as a share, for all that was tried; at first a guess.
struct Tried(Vec<(f64, f64)>);

impl Tried {
    /// The steps of each variant: on the line between the nearest two that were tried.
    fn steps(&self) -> Vec<u64> {
        let mut tried = self.0.clone();
        tried.sort_by(|a, b| a.0.total_cmp(&b.0));
        let between = |wanted: f64| {
            let above = tried.iter().position(|(slower, _)| *slower >= wanted).unwrap_or(tried.len() - 1).max(1);
            let (Some(&(low, fewer)), Some(&(high, more))) = (tried.get(above - 1), tried.get(above)) else {
                return 0.0;
            };
            fewer + (more - fewer) * (wanted - low) / (high - low).max(f64::EPSILON)
        };
        VARIANTS
            .iter()
            .map(|(_, slower)| if *slower == 0 { 0 } else { between(*slower as f64 / 100.0) as u64 })
            .collect()
    }
}

/// The middle one of the repeats, by the statistic that the gate goes by.
fn middle(case: &CaseRecord) -> Result<f64, Failure> {
    let mut means: Vec<f64> = case.repeats.iter().filter_map(|one| one.latency.enqueue.trimmed_mean_ns).collect();
    means.sort_by(f64::total_cmp);
    Ok(means.get(means.len() / 2).copied().ok_or("no valid repeat to calibrate by")?)
}
