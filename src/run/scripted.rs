//! A driver for tests: it answers from a script, at once and without a process.

use super::driver::{Driver, Interrupt};
use super::errors::{Fault, RepeatError};
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::untrusted::Untrusted;
use crate::worker::protocol::Progress;
use std::collections::{BTreeMap, VecDeque};

/// The answer of a script to a repeat.
pub type Answer = Result<Measurement, RepeatError>;

type Script = Box<dyn FnMut(&PlannedRepeat, &Interrupt) -> Answer + Send>;

/// Answers each repeat from a script, and records which repeats it was asked for.
pub struct ScriptedDriver {
    script: Script,
    progress: Vec<Progress>,
    asked: Vec<PlannedRepeat>,
}

impl ScriptedDriver {
    /// Answers with a closure. It also gets the interrupt flag, so that it can raise it.
    pub fn new(script: impl FnMut(&PlannedRepeat, &Interrupt) -> Answer + Send + 'static) -> Self {
        Self { script: Box::new(script), progress: Vec::new(), asked: Vec::new() }
    }

    /// Gives the answers listed under the repeat's case id, in order. A case without answers left gets a
    /// [`Fault::Internal`].
    #[must_use]
    pub fn from_lists(answers: BTreeMap<Untrusted, Vec<Answer>>) -> Self {
        let mut answers: BTreeMap<Untrusted, VecDeque<Answer>> =
            answers.into_iter().map(|(case, list)| (case, list.into())).collect();
        Self::new(move |repeat, _| {
            let next = answers.get_mut(&repeat.case_id).and_then(VecDeque::pop_front);
            next.unwrap_or_else(|| {
                let message = format!("the script has no answer left for case {}", repeat.case_id.as_given()).into();
                Err(Fault::Internal { message }.alone())
            })
        })
    }

    /// Reports these counts, in order, before each answer.
    #[must_use]
    pub fn with_progress(mut self, progress: Vec<Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// The repeats that it was asked for so far, in order.
    #[must_use]
    pub fn asked(&self) -> &[PlannedRepeat] {
        &self.asked
    }
}

impl Driver for ScriptedDriver {
    fn run(
        &mut self,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Measurement, RepeatError> {
        self.asked.push(repeat.clone());
        for &progress in &self.progress {
            on_progress(progress);
        }
        (self.script)(repeat, interrupt)
    }
}
