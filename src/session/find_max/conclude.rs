//! From the runs of the searches to the report.

use super::trail::{Run, Trail};
use crate::capacity::{self, Interval, SearchSettings};
use crate::matrix::{self, Case};
use crate::observed::LatencyName;
use crate::plan::Plan;
use crate::report::{
    self, CaseInput, CaseRecord, CaseVerdict, Maximum, MaximumOutcome, Outcome, Probe, Report, ReportInput, Yardstick,
    judged, judged_whole,
};
use crate::run::CaseRuns;
use crate::scenario::Target;
use crate::session::assemble::{self, About};
use crate::verdict::{MaximumBounds, Reason, SearchReason};

/// A search that has ended.
pub struct Searched {
    case: usize,
    runs: Vec<Run>,
    outcome: MaximumOutcome,
    interval: Interval,
    generator: Option<f64>,
    /// Number of runs without those of the curve.
    runs_of_search: u32,
    /// How near the CPUs were to each other in the runs that count, in nanoseconds.
    nearest_ns: Option<u64>,
}

/// What a search found.
pub struct Found {
    /// How it ended.
    pub outcome: MaximumOutcome,
    /// Where the maximum lies.
    pub interval: Interval,
    /// Number of runs without those of the curve.
    pub runs: u32,
}

impl Searched {
    /// It came to its end.
    pub fn new(trail: Trail<'_>, found: Found, generator: Option<f64>) -> Self {
        let Found { outcome, interval, runs: runs_of_search } = found;
        let (case, nearest_ns) = (trail.case(), trail.nearest_ns());
        Self { case, runs: trail.into_runs(), outcome, interval, generator, runs_of_search, nearest_ns }
    }

    /// It was interrupted.
    pub fn unfinished(trail: Trail<'_>, generator: Option<f64>) -> Self {
        let runs = trail.runs();
        let found = Found { outcome: MaximumOutcome::Unfinished, interval: Interval::default(), runs };
        Self::new(trail, found, generator)
    }

    /// It was not begun.
    pub fn not_begun(case: usize) -> Self {
        let (outcome, interval) = (MaximumOutcome::Unfinished, Interval::default());
        Self { case, runs: Vec::new(), outcome, interval, generator: None, runs_of_search: 0, nearest_ns: None }
    }
}

/// A rate that was tried, with all its runs.
struct Tried {
    case: Case,
    runs: CaseRuns,
    record: CaseRecord,
}

/// Puts the report together: a case for each search, which shows its result, and the search itself with its evidence.
pub fn report(
    plan: &Plan,
    about: &About,
    settings: SearchSettings,
    searches: Vec<Searched>,
    yardstick: Yardstick,
    interrupted: bool,
) -> Report {
    let mut shown = Vec::new();
    let mut maxima = Vec::new();
    let mut verdicts = Vec::new();
    for search in searches {
        let scenario = plan.scenario_of(&plan.cases[search.case]);
        let mut tried = tried(plan, &search);
        let best = best(&tried, &search);
        let (case, runs) = match best {
            Some(index) => (tried[index].case.clone(), std::mem::take(&mut tried[index].runs)),
            None => (plan.cases[search.case].clone(), CaseRuns::default()),
        };
        shown.push(assemble::input(CaseInput::new(&case, scenario), runs));
        verdicts.push(reason(&search, &scenario.target, &tried));
        maxima.push(maximum(plan, settings, search, best.map(|_| case), tried));
    }
    let mut report = report::build(ReportInput {
        created_at: about.created_at,
        interrupted,
        scenarios: plan.scenarios.iter().zip(&plan.left_out).map(assemble::scenario).collect(),
        environment: about.environment.clone(),
        cases: shown,
        yardstick: Some(yardstick),
        partition: None,
    });
    for (case, reason) in report.cases.iter_mut().zip(verdicts) {
        // The search goes beyond the target's throughput, or says itself that it does not.
        case.verdict.below_target_load = false;
        if let Some((outcome, reason)) = reason {
            say(&mut case.verdict, outcome, &Reason::Search(reason));
        }
    }
    report.maxima = maxima;
    // The searches have had their say.
    report.verdict = judged_whole(&report.cases, report.interrupted);
    report
}

/// The rates of a search, ascending.
fn tried(plan: &Plan, search: &Searched) -> Vec<Tried> {
    let mut rates: Vec<(Case, CaseRuns)> = Vec::new();
    for Run { repeat, runs, .. } in &search.runs {
        let place = match rates.iter().position(|(case, _)| case.parameters == repeat.parameters) {
            Some(place) => place,
            None => {
                rates.push((plan.case_like(search.case, repeat.parameters.clone()), CaseRuns::default()));
                rates.len() - 1
            }
        };
        let all = &mut rates[place].1;
        all.case_id = repeat.case_id.clone();
        all.measured.extend(runs.measured.iter().cloned());
        all.set_aside.extend(runs.set_aside.iter().cloned());
        all.errors.extend(runs.errors.iter().cloned());
    }
    rates.sort_by_key(|(case, _)| case.parameters.rate);
    let scenario = plan.scenario_of(&plan.cases[search.case]);
    let of = |(case, runs): (Case, CaseRuns)| {
        let record = judged(assemble::input(CaseInput::new(&case, scenario), runs.clone()));
        Tried { case, runs, record }
    };
    rates.into_iter().map(of).collect()
}

/// The rate that shows the result: the highest that held and is not above the interval, or the lowest of all.
fn best(tried: &[Tried], search: &Searched) -> Option<usize> {
    let most = search.interval.high.unwrap_or(f64::INFINITY);
    let holds =
        |one: &Tried| one.record.verdict.outcome == Outcome::Pass && one.case.parameters.offered_per_second() <= most;
    tried.iter().rposition(holds).or(if tried.is_empty() { None } else { Some(0) })
}

/// What the search says of its case, beside what the runs at that rate say; `None` if it has found that the target's
/// throughput holds.
fn reason(search: &Searched, target: &Target, tried: &[Tried]) -> Option<(Outcome, SearchReason)> {
    let rate_at = |index: Option<usize>| index.map_or(0.0, |index| tried[index].case.parameters.offered_per_second());
    let unknown = || {
        let untold = search.runs.iter().filter(|run| run.outcome == Outcome::Invalid).count();
        SearchReason::MaximumUnknown { runs: search.runs.len() as u64, untold: untold as u64 }
    };
    match (search.outcome, search.interval) {
        (MaximumOutcome::Found | MaximumOutcome::Wide, Interval { low: Some(low), high: Some(high), .. }) => {
            let bounds = MaximumBounds { low, high, target: target.throughput.per_second() };
            if high < bounds.target {
                Some((Outcome::Fail, SearchReason::MaximumBelowTarget(bounds)))
            } else if low < bounds.target {
                Some((Outcome::Invalid, SearchReason::MaximumUndecided(bounds)))
            } else {
                None
            }
        }
        (MaximumOutcome::GeneratorLimited, _) => {
            let highest = tried.iter().rposition(|one| one.record.verdict.outcome == Outcome::Pass);
            Some((Outcome::Invalid, SearchReason::GeneratorIsTheLimit { per_second: rate_at(highest) }))
        }
        (MaximumOutcome::NothingHolds, _) => {
            let lowest = (!tried.is_empty()).then_some(0);
            Some((Outcome::Fail, SearchReason::NothingHolds { per_second: rate_at(lowest) }))
        }
        _ => Some((Outcome::Invalid, unknown())),
    }
}

fn maximum(plan: &Plan, settings: SearchSettings, search: Searched, case: Option<Case>, tried: Vec<Tried>) -> Maximum {
    let Case { parameters, scenario, .. } = &plan.cases[search.case];
    let highest = tried.iter().rposition(|one| one.record.verdict.outcome == Outcome::Pass);
    let rate_of = |index: usize| tried.get(index).map(|one| one.case.parameters.offered_per_second());
    // Where the threshold lies outside of what was tried, what was tried is a bound.
    let (low, high) = match search.outcome {
        MaximumOutcome::GeneratorLimited => (highest.and_then(rate_of), None),
        MaximumOutcome::NothingHolds => (None, rate_of(0)),
        _ => (search.interval.low, search.interval.high),
    };
    let is_known = matches!(search.outcome, MaximumOutcome::Found | MaximumOutcome::Wide);
    let is_beyond = |one: &&Tried| one.case.parameters.offered_per_second() >= low.unwrap_or(0.0);
    let breaks = |one: &&Tried| matches!(one.record.verdict.outcome, Outcome::Fail | Outcome::Error);
    let broken = tried.iter().filter(is_beyond).find(breaks);
    let failed = broken.map_or_else(Vec::new, |one| {
        let checks = one.record.verdict.checks.iter();
        checks.filter(|check| check.outcome == Outcome::Fail).map(|check| check.name.clone()).collect()
    });
    let probe = |run: &Run| Probe {
        rate_per_s: run.rate,
        case: run.repeat.case_id.clone(),
        repeat: run.repeat.repeat,
        outcome: run.outcome,
    };
    Maximum {
        search: matrix::id_without_rate(parameters),
        scenario: plan.scenarios[*scenario].name.clone(),
        case: case.map(|case| case.id),
        outcome: search.outcome,
        max_per_s: search.interval.median.filter(|_| is_known),
        low_per_s: low,
        high_per_s: high,
        knee_per_s: knee(&tried, high),
        precision: settings.precision.as_f64(),
        limited_by: failed,
        runs: u64::from(search.runs_of_search),
        generator_per_s: search.generator,
        core_to_core_ns: search.nearest_ns,
        probes: search.runs.iter().map(probe).collect(),
        cases: tried.into_iter().map(|one| one.record).collect(),
    }
}

/// Where the p99 of `response` begins to rise steeply: up to a little above the maximum. What an overloaded queue does far
/// beyond it would hide the knee.
fn knee(tried: &[Tried], maximum: Option<f64>) -> Option<f64> {
    const BEYOND: f64 = 1.25;
    let p99 = |one: &Tried| one.record.summary.as_ref()?.latency.get(LatencyName::Response)?.p99_ns;
    let most = maximum? * BEYOND;
    let points = tried.iter().filter_map(|one| Some((one.case.parameters.offered_per_second(), p99(one)? as f64)));
    capacity::knee(&points.filter(|(rate, _)| *rate <= most).collect::<Vec<_>>())
}

/// Puts a reason before the others.
fn say(verdict: &mut CaseVerdict, outcome: Outcome, reason: &Reason) {
    verdict.outcome = verdict.outcome.max(outcome);
    verdict.reasons.insert(0, reason.sentence());
    verdict.reason_codes.insert(0, reason.code().word().into());
}
