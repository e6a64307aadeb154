//! The main loop: runs every experiment once. Then it repeats those with an undecided claim, as long as there is time.

use super::claim::{Claim, Claimed, Measured, Reading};
use super::disturbance::disturbances;
use super::experiments::Experiment;
use super::overhead::Overhead;
use super::settle::{ClaimOutcome, MOST_TRIES, Standing};
use crate::plan::PlannedRepeat;
use crate::run::{Driver, Fault, Interrupt};
use crate::units::Nanos;
use crate::untrusted::Untrusted;
use serde::Serialize;

/// Largest sum of the estimated times of all tries. The first try of every experiment is made in any case.
const BUDGET: Nanos = Nanos::from_secs(58);

/// The result of one claim, with everything that a reader needs to judge it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Short name of the experiment.
    pub experiment: &'static str,
    /// What the queue does, in words.
    pub queue: &'static str,
    /// The number that the claim is about.
    pub number: &'static str,
    /// The value that must come out.
    pub claimed: Claimed,
    /// The value that came out; `None` if there was none.
    pub measured: Option<Measured>,
    /// What is said of it.
    #[serde(rename = "finding")]
    pub outcome: ClaimOutcome,
    /// What it proves when it passes.
    pub proves: &'static str,
    /// Number of tries.
    pub tries: u32,
    /// Why it does not pass, for each try that missed; empty when it passes.
    pub reasons: Vec<Untrusted>,
}

/// What an observer is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A try is finished; this is the new result of a claim that was undecided before it.
    Read {
        /// The claim.
        row: Row,
        /// Whether it will be tried again, if there is time.
        again: bool,
    },
}

/// The examination was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// An experiment and its results so far.
struct Course<'a> {
    experiment: &'a Experiment,
    next: PlannedRepeat,
    standings: Vec<Standing>,
    /// The cost of timing at the last try.
    timing: Overhead,
}

/// What the examination needs to know about the machine.
pub struct Bench<'a> {
    /// Number of processors.
    pub cpus: usize,
    /// Measures the cost of timing; called before each try.
    pub timing: &'a mut dyn FnMut() -> Overhead,
}

/// Carries out the experiments and returns the results of all claims, in order.
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
            // A later, shorter experiment may still fit, so the loop goes on.
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

    /// Makes one more try.
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
            Err(error) => standings.for_each(|(_, standing)| standing.take_error(&error.fault.sentence())),
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
            outcome: standing.outcome(),
            proves: claim.proves,
            tries: standing.tries,
            reasons: standing.reasons.clone(),
        }
    }
}
