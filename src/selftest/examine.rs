//! The loop: every experiment once, then again those with a claim that is still open, as long as there is time.

use super::claim::{Claim, Claimed, Measured, Reading};
use super::disturbance::disturbances;
use super::experiments::Experiment;
use super::overhead::Overhead;
use super::settle::{Finding, MOST_TRIES, Standing};
use crate::plan::PlannedRepeat;
use crate::run::{Driver, Fault, Interrupt};
use crate::units::Nanos;
use serde::Serialize;

/// Most time that all tries may take together, by their estimates. Every experiment is tried once whatever it takes.
const BUDGET: Nanos = Nanos::from_secs(58);

/// What is said of one claim, with all that a reader needs to judge it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Short name of the experiment.
    pub experiment: &'static str,
    /// What the queue does, in words.
    pub queue: &'static str,
    /// What is measured.
    pub number: &'static str,
    /// What must come out.
    pub claimed: Claimed,
    /// What came out; `None` where nothing did.
    pub measured: Option<Measured>,
    /// What is said of it.
    pub finding: Finding,
    /// What it proves when it passes.
    pub proves: &'static str,
    /// Tries that were made.
    pub tries: u32,
    /// Why it does not pass, for each try that missed; empty when it passes.
    pub reasons: Vec<String>,
}

/// What an onlooker is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A try is over; this is what is now said of a claim that was open before it.
    Read {
        /// The claim.
        row: Row,
        /// Whether it is to be tried again, if there is time.
        again: bool,
    },
}

/// The examination was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// An experiment with what has come of it.
struct Course<'a> {
    experiment: &'a Experiment,
    next: PlannedRepeat,
    standings: Vec<Standing>,
    /// What timing cost at the last try.
    timing: Overhead,
}

/// What the examination is to know of the machine.
pub struct Bench<'a> {
    /// Number of processors.
    pub cpus: usize,
    /// Measures what timing costs; asked before each try.
    pub timing: &'a mut dyn FnMut() -> Overhead,
}

/// Carries out the experiments and says what is to be said of each claim, in their order.
///
/// # Errors
/// [`Stopped`] once `interrupt` is raised.
pub fn examine(
    experiments: &[Experiment],
    driver: &mut dyn Driver,
    mut bench: Bench,
    interrupt: &Interrupt,
    on_event: &mut dyn FnMut(Event),
) -> Result<Vec<Row>, Stopped> {
    let mut courses: Vec<Course> = experiments.iter().enumerate().map(|(index, one)| Course::new(one, index)).collect();
    let mut left = BUDGET;
    for round in 0..MOST_TRIES {
        for course in courses.iter_mut().filter(|course| course.is_open()) {
            let takes = course.next.estimate();
            if round > 0 && takes > left {
                continue;
            }
            left = left.saturating_sub(takes);
            let before = course.standings.clone();
            course.go_on(driver, &mut bench, interrupt)?;
            for ((row, now), before) in course.rows().zip(&course.standings).zip(&before) {
                if now != before {
                    on_event(Event::Read { row, again: now.is_open() });
                }
            }
        }
    }
    Ok(courses.iter().flat_map(Course::rows).collect())
}

impl<'a> Course<'a> {
    fn new(experiment: &'a Experiment, index: usize) -> Self {
        let standings = vec![Standing::default(); experiment.claims.len()];
        Self { experiment, next: experiment.repeat(index), standings, timing: Overhead::default() }
    }

    fn is_open(&self) -> bool {
        self.standings.iter().any(Standing::is_open)
    }

    /// One more try.
    fn go_on(&mut self, driver: &mut dyn Driver, bench: &mut Bench, interrupt: &Interrupt) -> Result<(), Stopped> {
        self.timing = (bench.timing)();
        let timing = self.timing;
        let outcome = driver.run(&self.next, interrupt, &mut |_| {});
        self.next = self.next.retry();
        let standings = self.experiment.claims.iter().zip(&mut self.standings);
        match outcome {
            Ok(measurement) => {
                let found = disturbances(&measurement, self.next.parameters.duration.0, bench.cpus);
                standings.for_each(|(claim, standing)| {
                    standing.take(claim.read(&measurement, &timing), claim.is_exact(), &claim.excuses(&found, &timing));
                });
            }
            Err(error) if error.fault == Fault::Interrupted => return Err(Stopped),
            Err(error) => standings.for_each(|(_, standing)| standing.take_error(&error.to_string())),
        }
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        self.experiment.claims.iter().zip(&self.standings).map(|(claim, standing)| self.row(claim, standing))
    }

    fn row(&self, claim: &Claim, standing: &Standing) -> Row {
        let (claimed, measured) = match standing.reading {
            Some(Reading { claimed, measured, .. }) => (claimed, measured),
            None => (claim.claimed(self.experiment.logs(), &self.timing), None),
        };
        Row {
            experiment: self.experiment.name,
            queue: self.experiment.title,
            number: claim.number,
            claimed,
            measured,
            finding: standing.finding(),
            proves: claim.proves,
            tries: standing.tries,
            reasons: standing.reasons.clone(),
        }
    }
}
