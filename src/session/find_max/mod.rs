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
use crate::capacity::{Answer, Interval, Limit, Range, Search, SearchSettings, Standing};
use crate::plan::Plan;
use crate::report::{MaximumOutcome, Report, Yardstick};
use crate::run::Ending;
use crate::units::human;
use conclude::Searched;
use generator::Generators;
use trail::{Said, Trail};

/// Most runs of a search that may fail to tell before it gives up.
const MOST_UNTOLD: u32 = 8;

/// The lowest rate of a search offers this many logs in a window: fewer make no mean.
const LEAST_LOGS: f64 = 20.0;

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
    let mut searches = Searches { plan, settings, runs, observer, generators: Generators::default() };
    let mut concluded = Vec::new();
    let mut ending = Ending::Complete;
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
}

impl Searches<'_> {
    fn search(&mut self, case: usize) -> (Searched, Ending) {
        let mut trail = Trail::new(self.plan, case);
        let is_own = self.plan.scenario_of(&self.plan.cases[case]).external(trail.queue()).is_none();
        let range = match is_own {
            true => self.below_the_ceiling(&mut trail),
            false => self.climb(&mut trail),
        };
        let (range, generator) = match range {
            Ok(range) => range,
            Err(ending) => return (Searched::unfinished(trail, None), ending),
        };
        let Some(range) = range else {
            return (Searched::new(trail, MaximumOutcome::Unknown, Interval::default(), generator), Ending::Complete);
        };
        let mut search = Search::new(range, self.settings.precision.as_f64());
        trail.told().for_each(|(rate, answer)| search.note(rate, answer));
        let ended = self.narrow(&mut trail, &mut search).and_then(|outcome| {
            let runs = trail.runs();
            self.draw_curve(&mut trail, search.interval())?;
            Ok((outcome, runs))
        });
        match ended {
            Ok((outcome, runs)) => {
                let searched = Searched::new(trail, outcome, search.interval(), generator);
                (searched.after(runs), Ending::Complete)
            }
            Err(ending) => (Searched::unfinished(trail, generator), ending),
        }
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

    /// The range from the least rate to the generator's ceiling, and that ceiling; no range if the generator is in time
    /// at no rate.
    fn below_the_ceiling(&mut self, trail: &mut Trail<'_>) -> Result<(Option<Range>, Option<f64>), Ending> {
        let ceiling = self.generators.ceiling(trail, self.runs, self.observer)?;
        let low = trail.least_rate(LEAST_LOGS);
        Ok((ceiling.map(|high| Range { low, high: high.max(low * 2.0) }), ceiling))
    }

    /// The range of a program whose generator cannot be run alone: its rate is raised until it does not hold.
    fn climb(&mut self, trail: &mut Trail<'_>) -> Result<(Option<Range>, Option<f64>), Ending> {
        const STRIDE: f64 = 4.0;
        let low = trail.least_rate(LEAST_LOGS);
        let most = trail.most_rate().min(low * WIDEST);
        let mut rate = trail.planned_rate().min(most);
        loop {
            let (offered, said) = trail.run(rate, self.runs)?;
            self.tell(trail, offered, said, None);
            if !matches!(said, Said::Holds) || offered * 1.01 >= most {
                return Ok((Some(Range { low, high: offered.max(low * 2.0) }), None));
            }
            rate = (offered * STRIDE).min(most);
        }
    }

    /// Runs at the rates that tell most, until the interval is narrow enough.
    fn narrow(&mut self, trail: &mut Trail<'_>, search: &mut Search) -> Result<MaximumOutcome, Ending> {
        let mut untold = 0;
        loop {
            let next = match search.standing() {
                Standing::Open { next } => next,
                standing => return Ok(ended(standing, search, trail)),
            };
            if untold > MOST_UNTOLD {
                return Ok(MaximumOutcome::Unknown);
            }
            if trail.runs() >= self.settings.most_runs {
                return Ok(ended(search.standing(), search, trail));
            }
            let (rate, said) = trail.run(next, self.runs)?;
            match said {
                Said::Holds => search.note(rate, Answer::Holds),
                Said::Breaks { throughput } => {
                    search.note(rate, Answer::Breaks);
                    throughput.into_iter().for_each(|near| search.expect_near(near));
                }
                Said::NotOffered { throughput } => {
                    search.note(rate, Answer::NotOffered);
                    throughput.into_iter().for_each(|near| search.expect_near(near));
                }
                Said::Disturbed => {}
                Said::TooFewLogs => search.cannot_tell_up_to(rate),
            }
            untold += u32::from(matches!(said, Said::Disturbed | Said::TooFewLogs));
            self.tell(trail, rate, said, Some(search));
        }
    }

    /// Tells the observer what a run said, and where the maximum lies by now.
    fn tell(&self, trail: &Trail<'_>, rate: f64, said: Said, search: Option<&Search>) {
        let place = search.map_or(String::new(), |search| match search.interval() {
            Interval { low: Some(low), high: Some(high), .. } => {
                format!("; the maximum lies between {} and {}", human::rate(low), human::rate(high))
            }
            _ => String::new(),
        });
        let (number, most) = (trail.runs(), self.settings.most_runs);
        let (id, rate) = (trail.id().quoted(), human::rate(rate));
        self.observer.note(&format!("{id}: run {number} of at most {most}: {rate} {}{place}", said.words()));
    }
}

/// How a search ended that stands like this, and makes no more runs.
fn ended(standing: Standing, search: &Search, trail: &Trail<'_>) -> MaximumOutcome {
    let Interval { low, high, .. } = search.interval();
    let has_held = trail.told().any(|(_, answer)| answer == Answer::Holds);
    match (standing, search.limit()) {
        (Standing::Above, _) | (_, Limit::Generator) if has_held => MaximumOutcome::GeneratorLimited,
        (Standing::Below, Limit::Queue) if !has_held => MaximumOutcome::NothingHolds,
        (Standing::Found, Limit::Queue) => MaximumOutcome::Found,
        (Standing::Open { .. }, Limit::Queue) if low.and(high).is_some() => MaximumOutcome::Wide,
        _ => MaximumOutcome::Unknown,
    }
}
