//! The verb `measure`: fills the pools round by round. It continues where it was stopped.

use super::pools::{Calibration, Failure, LANES, Lane, MOST_ROUNDS, Trial, Typical};
use super::reports::records;
use super::store::{Pools, Settings, Store};
use queue_load::internals::plan::{Plan, PlannedRepeat};
use queue_load::internals::run::{
    CaseRuns, ChildCommand, ChildDriver, Ending, Execution, Interrupt, Journal, yardstick,
};
use queue_load::internals::session::{Stage, environment, verify};
use queue_load::internals::units::{Nanos, human};
use queue_load::report::RepeatRecord;
use std::time::{Duration, Instant};

/// Number of repeats that calibrate the lanes' queues.
const TO_CALIBRATE: u32 = 7;

/// The options of this verb.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Number of rounds.
    pub rounds: u32,
    /// Time limit: no round is begun that would probably end later than this; `None`: no limit.
    pub limit: Option<Duration>,
    /// Length of the windows; `None`: as the scenarios say.
    pub window: Option<Nanos>,
    /// Names of lanes and of scenarios that are not measured now.
    pub without: Vec<String>,
}

/// Measures the repeats that are missing in the pools.
pub fn measure(store: &Store, wanted: Wanted) -> Result<(), Failure> {
    let begin = Instant::now();
    if !(1..=MOST_ROUNDS).contains(&wanted.rounds) {
        return Err(format!("--rounds: 1 to {MOST_ROUNDS}").into());
    }
    let trial = Trial::new(wanted.rounds, wanted.window)?;
    say_plan(&trial, &wanted);
    let settings = settings(store, &trial, &wanted)?;
    let pools = store.read()?;
    let open: Vec<(u32, Vec<PlannedRepeat>)> = (0..wanted.rounds)
        .map(|round| (round, missing(&trial, &pools, trial.round(round, &settings.calibration), &wanted.without)))
        .filter(|(_, missing)| !missing.is_empty())
        .collect();
    let (rounds, repeats) = (open.len(), open.iter().map(|(_, missing)| missing.len()).sum::<usize>());
    eprintln!("to be measured: {repeats} repeats in {rounds} rounds");
    let mut journal = if open.is_empty() { return Ok(()) } else { store.begin()? };
    let (mut longest, mut done) = (Duration::ZERO, 0);
    for (round, missing) in &open {
        if wanted.limit.is_some_and(|limit| begin.elapsed() + longest > limit) {
            eprintln!("the time is up: {} of {rounds} rounds are left for another time", rounds - done);
            return Ok(());
        }
        let started = Instant::now();
        finished(carry_out(&trial, missing, *round, Some(&mut journal))?)?;
        longest = longest.max(started.elapsed());
        done += 1;
        let left = started.elapsed().as_secs_f64() * (rounds - done) as f64 / 60.0;
        eprintln!("round {done} of {rounds}: {:.0?}; about {left:.0} min to go", started.elapsed());
    }
    Ok(())
}

/// Prints the content of all rounds and their estimated time.
fn say_plan(trial: &Trial, wanted: &Wanted) {
    let round = trial.round(0, &Calibration::default());
    let time = |lane: usize| {
        let own = round.iter().filter(|repeat| repeat.case / trial.plan.cases.len() == lane);
        own.fold((0_u64, Nanos::ZERO), |(count, sum), repeat| (count + 1, sum.saturating_add(repeat.estimate())))
    };
    eprintln!("{} rounds of", wanted.rounds);
    let mut all = 0.0;
    for (lane, Lane { name, .. }) in LANES.iter().enumerate() {
        let (cases, time) = time(lane);
        all += time.as_secs_f64() * f64::from(wanted.rounds);
        eprintln!("  {name:<20}{:>9}, {}", human::counted(cases, "case"), human::span(time));
    }
    eprintln!("in all about {:.0} min, retries of invalid repeats not counted", all / 60.0);
    if let Some(limit) = wanted.limit {
        eprintln!("at most {:.0} min of it now", limit.as_secs_f64() / 60.0);
    }
}

/// The settings with which the pools were measured; if there are none yet, creates them.
fn settings(store: &Store, trial: &Trial, wanted: &Wanted) -> Result<Settings, Failure> {
    let known = store.settings()?;
    let calibration = match &known {
        Some(settings) => settings.calibration,
        None => calibrate(trial)?,
    };
    let now = Settings {
        created_at: jiff::Timestamp::now().to_string(),
        window_ns: wanted.window.map(|window| window.0),
        lanes: LANES.iter().map(|lane| lane.name.to_owned()).collect(),
        cases: trial.plan.cases.iter().map(|case| case.id.as_given().to_owned()).collect(),
        calibration,
        environment: environment(),
    };
    let Some(known) = known else {
        store.keep(&now)?;
        return Ok(now);
    };
    let folder = store.folder().display();
    if (&known.window_ns, &known.lanes, &known.cases) != (&now.window_ns, &now.lanes, &now.cases) {
        return Err(format!("the pools in {folder} hold other repeats; remove them, or give another --place").into());
    }
    let (then, here) = (&known.environment, &now.environment);
    let machine = |of: &queue_load::report::Environment| (of.cpu_model.clone(), of.cores, of.kernel.clone());
    if machine(then) != machine(here) || then.profile != here.profile {
        return Err(format!("the pools in {folder} are of another machine or build; give another --place").into());
    }
    if then.git_commit != here.git_commit {
        eprintln!("note: the pools in {folder} were begun on another commit");
    }
    Ok(known)
}

/// Calibrates the lanes' queues from the present times of the code as it is.
fn calibrate(trial: &Trial) -> Result<Calibration, Failure> {
    let done = finished(carry_out(trial, &trial.to_calibrate(TO_CALIBRATE), 0, None)?)?;
    let runs: Vec<&CaseRuns> = done.cases.values().collect();
    let typical_of = |one: RepeatRecord| {
        let (enqueue, delivery) = (one.latency.enqueue.trimmed_mean_ns?, one.latency.delivery.mean_ns?);
        Some(Typical { enqueue, delivery })
    };
    let all: Vec<Typical> = records(trial, trial.one, &runs).into_iter().filter_map(typical_of).collect();
    let middle = |of: fn(&Typical) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().ok_or("no valid repeat to set the queues by")
    };
    let typical = Typical { enqueue: middle(|one| one.enqueue)?, delivery: middle(|one| one.delivery)? };
    let set = Calibration::of(typical);
    eprintln!("as it is: {typical:.0?}, all in ns; so {set:?}");
    Ok(set)
}

/// Those of these repeats that are not finished in the pools, without the lanes and scenarios that are left out.
fn missing(trial: &Trial, pools: &Pools, round: Vec<PlannedRepeat>, without: &[String]) -> Vec<PlannedRepeat> {
    let cases = &trial.plan.cases;
    let is_left = |one: &PlannedRepeat| {
        let scenario = &trial.plan.scenarios[cases[one.case % cases.len()].scenario].name;
        [scenario.as_given(), LANES[one.case / cases.len()].name]
            .iter()
            .any(|name| without.iter().any(|left| left == name))
    };
    let settled = |one: &PlannedRepeat| pools.settled(one.case, one.repeat, trial.retries(one.case)).is_some();
    round.into_iter().filter(|one| !settled(one) && !is_left(one)).collect()
}

/// Runs the repeats like a normal run, each in its own process.
fn carry_out(
    trial: &Trial,
    repeats: &[PlannedRepeat],
    round: u32,
    journal: Option<&mut Journal>,
) -> Result<Execution, Failure> {
    let mut driver = ChildDriver::new(ChildCommand::worker()?, verify());
    // Each lane has the cases of the plan, one lane after the other.
    let lanes = trial.plan.cases.iter().cycle().take(LANES.len() * trial.plan.cases.len());
    let mut stage = Stage {
        plan: &Plan { cases: lanes.cloned().collect(), repeats: Vec::new(), ..trial.plan.clone() },
        driver: &mut driver,
        gauge: &mut || Some(yardstick::measure()),
        observer: &(),
        journal,
        interrupt: &Interrupt::new(),
    };
    Ok(stage.carry_out(repeats.to_vec(), round))
}

/// Checks that everything was measured. A repeat that broke is reported: it is not evidence about the gate, but shows
/// an error that must be looked at.
fn finished(done: Execution) -> Result<Execution, Failure> {
    let errors = |runs: &CaseRuns| runs.errors.iter().map(|failed| failed.error.fault.sentence()).collect::<Vec<_>>();
    for (runs, error) in done.cases.values().flat_map(|runs| errors(runs).into_iter().map(move |error| (runs, error))) {
        eprintln!("note: a repeat of {} broke: {}", runs.case_id.quoted(), error.quoted());
    }
    match done.ending {
        Ending::Complete => Ok(done),
        Ending::Interrupted => Err("interrupted".into()),
        Ending::Stopped(error) => Err(error.into()),
    }
}
