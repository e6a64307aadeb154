//! Carries out repeats: those of the plan, and some of them again.

use super::observer::Observer;
use crate::plan::{Plan, PlannedRepeat};
use crate::run::{Conditions, Driver, Execution, Interrupt, Journal, Objections, YardstickReading, execute};
use crate::verdict::{self, Validity};

/// Everything that the phases of a run need.
pub struct Stage<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Carries out the repeats.
    pub driver: &'a mut dyn Driver,
    /// Reads the yardstick.
    pub gauge: &'a mut dyn FnMut() -> Option<YardstickReading>,
    /// Is told what happens.
    pub observer: &'a dyn Observer,
    /// Receives finished repeats.
    pub journal: Option<&'a mut Journal>,
    /// Raising it ends the run.
    pub interrupt: &'a Interrupt,
}

impl Stage<'_> {
    /// Carries out these repeats: the plan's own, or those of a confirmation.
    pub fn carry_out(&mut self, repeats: Vec<PlannedRepeat>, round: u32) -> Execution {
        let phase = Plan { repeats, ..self.plan.clone() };
        let observer = self.observer;
        let mut progress = observer.phase(&phase);
        execute(
            &phase.repeats,
            Conditions {
                driver: &mut *self.driver,
                validity: &|_, measurement| objections(verdict::judge_repeat(measurement)),
                invalid_retries: &|repeat| phase.scenario_of(&phase.cases[repeat.case]).run.invalid_retries,
                on_event: &mut |event| progress.on_event(event),
                gauge: &mut *self.gauge,
                round,
                journal: self.journal.as_deref_mut(),
                interrupt: self.interrupt,
            },
        )
    }
}

/// The judgement in the words that the runner keeps.
fn objections(validity: Validity) -> Result<(), Objections> {
    match validity {
        Validity::Valid => Ok(()),
        Validity::Invalid { reasons } => {
            let reason_codes = verdict::codes(&reasons);
            Err(Objections { reasons: verdict::sentences(&reasons), reason_codes })
        }
    }
}
