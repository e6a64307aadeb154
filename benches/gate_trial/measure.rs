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

/// Steps of arithmetic that make a hundredth of each call, as measured before the first pair.
#[derive(Serialize, Deserialize)]
struct Calibration {
    steps_per_hundredth: Vec<f64>,
}

/// Measures the baseline, over one that is there.
pub fn baseline(place: &Path) -> Result<(), Failure> {
    let trial = Trial::new(place)?;
    let reports = trial.run(0, &VARIANTS[..1])?;
    Ok(report::write(&reports[0], &baseline_file(place))?)
}

/// Measures what is missing of so many pairs.
pub fn pairs(place: &Path, pairs: usize) -> Result<(), Failure> {
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
        let created_at = jiff::Timestamp::now();
        let steps = |case: usize, slower: u64| (self.calibration.steps_per_hundredth[case] * slower as f64) as u64;
        let mut planned = Vec::new();
        for (position, repeat) in self.plan.repeats.iter().enumerate() {
            // Each variant is first, second, … equally often.
            for turn in 0..variants.len() {
                let variant = (turn + position + seed as usize) % variants.len();
                let mut repeat = repeat.clone();
                repeat.parameters.queue = queue::name(steps(repeat.case, variants[variant].1));
                repeat.case = repeat.case * variants.len() + variant;
                repeat.seed ^= seed << 32 | (variant as u64) << 16;
                planned.push(repeat);
            }
        }
        let mut done = carry_out(&planned)?;
        let reports = (0..variants.len()).map(|variant| {
            let runs = (0..self.plan.cases.len()).map(|case| {
                let index = case * variants.len() + variant;
                (case, done.cases.remove(&index).unwrap_or_default())
            });
            report_on(&self.plan, created_at, done.yardstick, runs.collect())
        });
        Ok(reports.collect())
    }
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

/// What a hundredth of each call is in steps, by the middle one of its repeats.
fn calibrate(plan: &Plan) -> Result<Calibration, Failure> {
    let mut repeats = plan.repeats.clone();
    repeats.iter_mut().for_each(|repeat| repeat.parameters.queue = queue::name(0));
    let done = carry_out(&repeats)?;
    let report = report_on(plan, jiff::Timestamp::now(), done.yardstick, done.cases.into_iter().collect());
    let step_ns = queue::step_ns();
    let steps = |case: &CaseRecord| {
        // The statistic that the gate goes by.
        let mut means: Vec<f64> = case.repeats.iter().filter_map(|one| one.latency.enqueue.trimmed_mean_ns).collect();
        means.sort_by(f64::total_cmp);
        means.get(means.len() / 2).map(|mean| mean / step_ns / 100.0).ok_or("no valid repeat to calibrate by")
    };
    let steps_per_hundredth = report.cases.iter().map(steps).collect::<Result<Vec<_>, _>>()?;
    eprintln!("a step takes {step_ns:.3} ns; a hundredth of each call in steps: {steps_per_hundredth:?}");
    Ok(Calibration { steps_per_hundredth })
}
