//! Finds the first of several builds of this program that is worse than a good one: a binary search, of which each step
//! is an interleaved comparison with the good one.

use super::error::{SessionError, Unfit};
use super::inputs;
use super::observer::Observer;
use super::other_program::OtherProgram;
use super::request::{Against, Place, Request};
use super::workers::Workers;
use super::{Concluded, Interrupt, Session};
use crate::report::GateOutcome;
use crate::run::ChildCommand;
use crate::untrusted::Untrusted;
use crate::verdict::ExitOutcome;
use crate::worker::Queues;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Largest number of builds.
pub const MOST_BUILDS: usize = 10_000;

/// What a comparison with the good build says about another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// Nothing became worse, and it would have been found.
    Good,
    /// A case regressed.
    Bad,
    /// Neither was shown.
    Undecided,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BisectStep {
    /// The build that was compared with the good one.
    pub program: PathBuf,
    /// What came of it.
    pub judged: Judged,
    /// Why, in the words of the gate.
    pub reason: Untrusted,
}

/// How a bisection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BisectOutcome {
    /// The first bad build is known: the one before it is good.
    Found,
    /// The bad build is no worse than the good one.
    NothingToFind,
    /// A comparison was undecided twice.
    Undecided,
    /// It was interrupted.
    Interrupted,
}

/// The result of a bisection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bisected {
    /// How it ended.
    pub outcome: BisectOutcome,
    /// The last build that is known to be good.
    pub last_good: PathBuf,
    /// The first build that is known to be bad; null: none is.
    pub first_bad: Option<PathBuf>,
    /// The comparisons, in the order in which they ran.
    pub steps: Vec<BisectStep>,
}

/// Everything that a bisection needs.
pub struct Bisection<'a> {
    /// The scenarios, and the settings of each comparison. Its `against` and `place` are not used.
    pub request: &'a Request,
    /// The queues that can be put under load.
    pub queues: &'a Queues,
    /// Is told what happens.
    pub observer: &'a dyn Observer,
    /// Raising it ends the bisection.
    pub interrupt: &'a Interrupt,
}

impl Bisection<'_> {
    /// Finds the first bad build. `builds` stand in order, from the one after `good` to a bad one, which comes last.
    ///
    /// # Errors
    /// A build cannot carry out the plan; why nothing could be run.
    pub fn run(&self, good: &Path, builds: &[PathBuf]) -> Result<Bisected, SessionError> {
        if builds.len() > MOST_BUILDS {
            return Err(Unfit::TooManyBuilds { most: MOST_BUILDS }.into());
        }
        let plan = inputs::prepare(&self.request.selection, &self.queues.catalog())?.plan;
        for program in std::iter::once(good).chain(builds.iter().map(PathBuf::as_path)) {
            OtherProgram::greet(program, &plan, self.interrupt)?;
        }
        let mut steps = Vec::new();
        let ended = search::<SessionError>(builds.len(), &mut |index| {
            let step = self.compare(good, &builds[index])?;
            self.observer.note(&told(&step));
            let judged = step.as_ref().map(|step| step.judged);
            steps.extend(step);
            Ok(judged)
        })?;
        let at = |index: Option<usize>| index.and_then(|index| builds.get(index)).cloned();
        let last_good = at(ended.last_good).unwrap_or_else(|| good.to_owned());
        Ok(Bisected { outcome: ended.outcome, last_good, first_bad: at(ended.first_bad), steps })
    }

    /// Compares a build with the good one; `None` if it was interrupted.
    fn compare(&self, good: &Path, program: &Path) -> Result<Option<BisectStep>, SessionError> {
        let path = std::fs::canonicalize(program).map_err(|error| SessionError::OtherProgram {
            path: program.to_owned(),
            problem: format!("cannot find it: {error}"),
        })?;
        let command = ChildCommand { args: vec!["worker".into()], ..ChildCommand::new(path) };
        let against = Against::OtherProgram(good.to_owned());
        let request = Request { against, place: Place::Nowhere, resume: None, ..self.request.clone() };
        let workers = Workers::Command(command);
        let (queues, observer, interrupt) = (self.queues, self.observer, self.interrupt);
        let session = Session { request: &request, queues, workers: &workers, observer, interrupt };
        let Concluded { report, failure, .. } = session.run()?;
        if let Some(error) = failure {
            return Err(error);
        }
        if report.verdict.exit == ExitOutcome::Interrupted {
            return Ok(None);
        }
        let (judged, reason) = match &report.gate {
            Some(gate) => (judged(gate.outcome), gate.reason.clone()),
            None => (Judged::Undecided, "there is no decision".into()),
        };
        Ok(Some(BisectStep { program: program.to_owned(), judged, reason }))
    }
}

/// A case that fails by itself without being worse than in the good build decides nothing.
fn judged(outcome: GateOutcome) -> Judged {
    match outcome {
        GateOutcome::Pass => Judged::Good,
        GateOutcome::Regressed => Judged::Bad,
        GateOutcome::Failed | GateOutcome::Inconclusive | GateOutcome::Incomparable => Judged::Undecided,
    }
}

fn told(step: &Option<BisectStep>) -> String {
    match step {
        None => "interrupted".to_owned(),
        Some(step) => {
            let word = match step.judged {
                Judged::Good => "good",
                Judged::Bad => "bad",
                Judged::Undecided => "undecided",
            };
            format!("{}: {word}: {}", step.program.display(), step.reason.quoted())
        }
    }
}

/// How a search ended, by the indices of builds.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    outcome: BisectOutcome,
    /// `None`: only the good build itself is known to be good.
    last_good: Option<usize>,
    first_bad: Option<usize>,
}

/// A binary search over builds 0 to `count` - 1, of which the last one should be bad. `judge` is asked twice at most about
/// a build; `None` interrupts.
fn search<E>(count: usize, judge: &mut dyn FnMut(usize) -> Result<Option<Judged>, E>) -> Result<Ended, E> {
    let Some(last) = count.checked_sub(1) else {
        return Ok(Ended { outcome: BisectOutcome::NothingToFind, last_good: None, first_bad: None });
    };
    // Builds below `from` are good, and those from `to` on are bad.
    let (mut from, mut to) = (0, count);
    let mut next = last;
    loop {
        let mut judged = judge(next)?;
        if judged == Some(Judged::Undecided) {
            judged = judge(next)?;
        }
        let known = |outcome, from: usize, to: usize| {
            Ok(Ended { outcome, last_good: from.checked_sub(1), first_bad: Some(to).filter(|to| *to < count) })
        };
        match judged {
            None => return known(BisectOutcome::Interrupted, from, to),
            Some(Judged::Undecided) => return known(BisectOutcome::Undecided, from, to),
            Some(Judged::Good) if next == last => return known(BisectOutcome::NothingToFind, count, count),
            Some(Judged::Good) => from = next + 1,
            Some(Judged::Bad) => to = next,
        }
        if from == to {
            return known(BisectOutcome::Found, from, to);
        }
        next = from + (to - from) / 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bisects builds of which those from `first_bad` on are bad, and returns the end and who was asked.
    fn found(count: usize, first_bad: usize) -> (Ended, Vec<usize>) {
        let mut asked = Vec::new();
        let ended = search::<()>(count, &mut |index| {
            asked.push(index);
            Ok(Some(if index >= first_bad { Judged::Bad } else { Judged::Good }))
        });
        (ended.unwrap(), asked)
    }

    #[test]
    fn the_first_bad_build_is_found_in_few_steps() {
        for count in 1..=40 {
            for first_bad in 0..count {
                let (ended, asked) = found(count, first_bad);
                let expected = Ended {
                    outcome: BisectOutcome::Found,
                    last_good: first_bad.checked_sub(1),
                    first_bad: Some(first_bad),
                };
                assert_eq!(ended, expected, "{first_bad} of {count}");
                assert_eq!(asked[0], count - 1, "first of all, whether there is anything to find");
                assert!(asked.len() <= 2 + count.ilog2() as usize, "{} steps for {count}", asked.len());
            }
        }
    }

    #[test]
    fn a_bad_build_that_is_not_worse_ends_it() {
        let (ended, asked) = found(5, 5);
        assert_eq!((ended.outcome, ended.first_bad, asked), (BisectOutcome::NothingToFind, None, vec![4]));
        assert_eq!(found(0, 0).0.outcome, BisectOutcome::NothingToFind);
    }

    #[test]
    fn an_undecided_step_is_repeated_once() {
        for (answers, outcome, asked_of) in [
            // The last is bad, the middle undecided and then good, the one before the last good.
            (vec![Judged::Bad, Judged::Undecided, Judged::Good, Judged::Good], BisectOutcome::Found, vec![4, 2, 2, 3]),
            (vec![Judged::Bad, Judged::Undecided, Judged::Undecided], BisectOutcome::Undecided, vec![4, 2, 2]),
            (vec![Judged::Undecided, Judged::Undecided], BisectOutcome::Undecided, vec![4, 4]),
        ] {
            let mut script = answers.iter();
            let mut asked = Vec::new();
            let ended = search::<()>(5, &mut |index| {
                asked.push(index);
                Ok(script.next().copied())
            });
            let ended = ended.unwrap();
            assert_eq!((ended.outcome, asked), (outcome, asked_of), "{answers:?}");
            let is_bad_known = answers[0] == Judged::Bad;
            assert_eq!(ended.first_bad.is_some(), is_bad_known);
        }
    }

    #[test]
    fn an_interrupt_keeps_what_is_known() {
        let mut script = vec![Some(Judged::Bad), None].into_iter();
        let ended = search::<()>(5, &mut |_| Ok(script.next().unwrap())).unwrap();
        assert_eq!(ended, Ended { outcome: BisectOutcome::Interrupted, last_good: None, first_bad: Some(4) });
        assert_eq!(search(5, &mut |_| Err("no")), Err("no"));
    }
}
