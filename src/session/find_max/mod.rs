//! The searches of `find-max`, one case after the other.
//!
//! | file | job |
//! |---|---|
//! | `runs` | who carries out a run: a driver, or the journal of a search that was stopped |
//! | `trail` | the runs of one search, and what each said |
//! | `generator` | the generator's own ceiling |
//! | `conclude` | from the trails to the report |

mod conclude;
mod generator;
mod runs;
#[cfg(test)]
mod tests;
mod trail;

pub use runs::{Live, Replayed, Runs};

use super::assemble::About;
use super::observer::Observer;
use crate::capacity::{Interval, Limit, Range, Search, SearchSettings, Standing};
use crate::plan::Plan;
use crate::report::{MaximumOutcome, Report, Yardstick};
use crate::run::Ending;
use crate::units::human;
use conclude::{Found, Searched};
use generator::Generators;
use trail::{Said, Trail};

/// Most runs of a search that may fail to tell before it gives up.
const MOST_UNTOLD: usize = 8;

/// The lowest rate of a search offers this many logs in a window: fewer make no mean.
const LEAST_LOGS: f64 = 20.0;

/// Round trip of a cache line between two CPUs of one part of a processor, in nanoseconds; it is twice as long at most. A
/// hypervisor may have put the CPUs farther apart for the moment.
const NEIGHBOURS_NS: u64 = 75;

/// Shares of the maximum at which the load-latency curve is drawn.
const CURVE: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// The highest rate is at most this many times the lowest, if the generator's ceiling is not known.
const WIDEST: f64 = 1e6;

/// Searches every case of the plan, which must be one [without rates](Plan::without_rates). Returns the report, and how
/// the search ended.
pub fn conduct(
    plan: &Plan,
    about: &About,
    settings: SearchSettings,
    runs: &mut dyn Runs,
    observer: &dyn Observer,
) -> (Report, Ending) {
    let mut searches = Searches { plan, settings, runs, observer, generators: Generators::default(), nearest_ns: None };
    let mut concluded = Vec::new();
    let mut ending = Ending::Complete;
    if about.environment.virtualised == Some(true) {
        searches.runs.wait_for_near_cpus(NEIGHBOURS_NS);
    }
    for case in 0..plan.cases.len() {
        match ending {
            Ending::Complete => {
                let (one, end) = searches.search(case);
                concluded.push(one);
                ending = end;
            }
            // A case that was not reached is in the report all the same.
            Ending::Interrupted | Ending::Stopped(_) => concluded.push(Searched::not_begun(case)),
        }
    }
    let interrupted = !matches!(ending, Ending::Complete);
    (conclude::report(plan, about, settings, concluded, searches.runs.yardstick(), interrupted), ending)
}

/// The report of these searches before their first run.
pub fn expected(plan: &Plan, about: &About, settings: SearchSettings) -> Report {
    let searches = (0..plan.cases.len()).map(Searched::not_begun).collect();
    let mut report = conclude::report(plan, about, settings, searches, Yardstick::default(), false);
    // Searches are compared by the cases that show their results.
    for (maximum, case) in report.maxima.iter_mut().zip(&report.cases) {
        maximum.case = Some(case.id.clone());
    }
    report
}

struct Searches<'a> {
    plan: &'a Plan,
    settings: SearchSettings,
    runs: &'a mut dyn Runs,
    observer: &'a dyn Observer,
    generators: Generators,
    /// How near the CPUs have been to each other so far, in nanoseconds.
    nearest_ns: Option<u64>,
}

impl Searches<'_> {
    fn search(&mut self, case: usize) -> (Searched, Ending) {
        let mut trail = Trail::new(self.plan, case, self.nearest_ns);
        let mut generator = None;
        let found = self.search_along(&mut trail, &mut generator);
        self.nearest_ns = trail.nearest_ns();
        match found {
            Ok(found) => (Searched::new(trail, found, generator), Ending::Complete),
            Err(ending) => (Searched::unfinished(trail, generator), ending),
        }
    }

    /// Searches from the generator's ceiling, which it finds first, to the curve.
    fn search_along(&mut self, trail: &mut Trail<'_>, generator: &mut Option<f64>) -> Result<Found, Ending> {
        let is_own = self.plan.scenario_of(&self.plan.cases[trail.case()]).external(trail.queue()).is_none();
        let range = match is_own {
            true => self.below_the_ceiling(trail, generator)?,
            false => Some(self.climb(trail)?),
        };
        let Some(range) = range else {
            return Ok(Found { outcome: MaximumOutcome::Unknown, interval: Interval::default(), runs: trail.runs() });
        };
        let (outcome, interval) = self.narrow(trail, range)?;
        trail.settle();
        let found = Found { outcome, interval, runs: trail.runs() };
        self.draw_curve(trail, interval)?;
        Ok(found)
    }

    /// Runs at a few rates below the maximum, if it is known.
    fn draw_curve(&mut self, trail: &mut Trail<'_>, interval: Interval) -> Result<(), Ending> {
        let (Some(maximum), true) = (interval.median, self.settings.curve) else { return Ok(()) };
        for share in CURVE {
            let (rate, said) = trail.run(maximum * share, self.runs)?;
            let (id, rate) = (trail.id().quoted(), human::rate(rate));
            self.observer.note(&format!("{id}: for the curve: {rate} {}", said.words()));
        }
        Ok(())
    }

    /// The range from the least rate to the generator's ceiling, which is noted; `None` if the generator is in time at no
    /// rate.
    fn below_the_ceiling(
        &mut self,
        trail: &mut Trail<'_>,
        generator: &mut Option<f64>,
    ) -> Result<Option<Range>, Ending> {
        *generator = self.generators.ceiling(trail, self.runs, self.observer)?;
        let low = trail.least_rate(LEAST_LOGS);
        Ok(generator.map(|high| Range { low, high: high.max(low * 2.0) }))
    }

    /// The range of a program whose generator cannot be run alone: its rate is raised until it does not hold.
    fn climb(&mut self, trail: &mut Trail<'_>) -> Result<Range, Ending> {
        const STRIDE: f64 = 4.0;
        let low = trail.least_rate(LEAST_LOGS);
        let most = trail.most_rate().min(low * WIDEST);
        let mut rate = trail.planned_rate().min(most);
        loop {
            let (offered, said) = trail.run(rate, self.runs)?;
            self.tell(trail, None);
            if !matches!(said, Said::Holds) || offered * 1.01 >= most {
                return Ok(Range { low, high: offered.max(low * 2.0) });
            }
            rate = (offered * STRIDE).min(most);
        }
    }

    /// Runs at the rates that tell most, until the interval is narrow enough.
    fn narrow(&mut self, trail: &mut Trail<'_>, range: Range) -> Result<(MaximumOutcome, Interval), Ending> {
        let most_runs = self.settings.most_runs as usize;
        let mut told = trail.runs();
        loop {
            // All runs speak again: one that has found the CPUs nearer makes some of the others not count.
            let search = trail.search(range, self.settings.precision.as_f64());
            let interval = search.interval();
            if trail.runs() > told {
                self.tell(trail, Some(interval));
                told = trail.runs();
            }
            let counted = trail.counted().count();
            let untold = trail.counted().filter(|run| run.said.answer().is_none()).count();
            let apart = trail.runs() as usize - counted;
            let next = match search.standing() {
                Standing::Open { next } => next,
                standing => return Ok((ended(standing, &search, trail), interval)),
            };
            if untold > MOST_UNTOLD || apart > most_runs {
                return Ok((MaximumOutcome::Unknown, interval));
            }
            if counted >= most_runs {
                return Ok((ended(search.standing(), &search, trail), interval));
            }
            trail.run(next, self.runs)?;
        }
    }

    /// Tells the observer what the last run said, and where the maximum lies by now.
    fn tell(&self, trail: &Trail<'_>, interval: Option<Interval>) {
        let Some(run) = trail.last() else { return };
        let place = match interval {
            Some(Interval { low: Some(low), high: Some(high), .. }) => {
                format!("; the maximum lies between {} and {}", human::rate(low), human::rate(high))
            }
            _ => String::new(),
        };
        let (number, most) = (trail.counted().count(), self.settings.most_runs);
        let (id, rate, said) = (trail.id().quoted(), human::rate(run.rate), run.said.words());
        self.observer.note(&match trail.apart(run) {
            Some(why) => format!("{id}: {rate} {said}, which does not count: {why}"),
            None => format!("{id}: run {number} of at most {most}: {rate} {said}{place}"),
        });
    }
}

/// How a search ended that stands like this, and makes no more runs.
fn ended(standing: Standing, search: &Search, trail: &Trail<'_>) -> MaximumOutcome {
    let Interval { low, high, .. } = search.interval();
    let has_held = trail.counted().any(|run| run.said == Said::Holds);
    match (standing, search.limit()) {
        (Standing::Above, _) | (_, Limit::Generator) if has_held => MaximumOutcome::GeneratorLimited,
        (Standing::Below, Limit::Queue) if !has_held => MaximumOutcome::NothingHolds,
        (Standing::Found, Limit::Queue) => MaximumOutcome::Found,
        (Standing::Open { .. }, Limit::Queue) if low.and(high).is_some() => MaximumOutcome::Wide,
        _ => MaximumOutcome::Unknown,
    }
}
