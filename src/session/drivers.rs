//! Chooses the program that carries out each repeat: our own worker, this process, the program of `[queues.NAME]`, or
//! another build of this program.

use super::error::SessionError;
use super::external::{command_of, said_of};
use super::other_program::OtherProgram;
use super::workers::Workers;
use crate::measure::{CoreToCore, Measurement};
use crate::plan::{Plan, PlannedRepeat, Program};
use crate::run::{ChildDriver, Driver, InProcessDriver, Interrupt, RepeatError, Verify, core_to_core};
use crate::untrusted::Untrusted;
use crate::verdict::{self, Contradiction};
use crate::worker::{Queues, protocol};
use std::collections::BTreeMap;

/// Carries out each repeat with the driver for its slot, its queue and its scenario.
pub struct PlanDriver<'a> {
    plan: &'a Plan,
    /// This program's own queues; `None`: they run in this process.
    child: Option<ChildDriver>,
    in_process: InProcessDriver<'a>,
    /// By scenario and queue.
    external: BTreeMap<(usize, Untrusted), ChildDriver>,
    other_program: Option<ChildDriver>,
}

impl<'a> PlanDriver<'a> {
    /// Finds the programs of all queues in the plan.
    ///
    /// # Errors
    /// A program does not exist.
    pub fn new(
        plan: &'a Plan,
        queues: &'a Queues,
        workers: &Workers,
        other: Option<OtherProgram>,
    ) -> Result<Self, SessionError> {
        let mut external = BTreeMap::new();
        for case in &plan.cases {
            let (scenario, name) = (plan.scenario_of(case), &case.parameters.queue);
            let key = (case.scenario, name.clone());
            if let (Some(queue), false) = (scenario.external(name.as_given()), external.contains_key(&key)) {
                let command = command_of(queue, scenario).map_err(|problem| said_of(queue, scenario, problem))?;
                external.insert(key, ChildDriver::new(command, verify()));
            }
        }
        let child = match workers {
            Workers::Command(command) => Some(ChildDriver::new(command.clone(), verify())),
            Workers::Here => None,
        };
        let other_program = other.map(|other| ChildDriver::new(other.command(), verify_other()));
        Ok(Self { plan, child, in_process: InProcessDriver::new(queues, verify()), external, other_program })
    }

    fn driver_of(&mut self, repeat: &PlannedRepeat) -> &mut dyn Driver {
        if let (Program::Other, Some(other)) = (self.plan.slot_of(repeat).program, &mut self.other_program) {
            return other;
        }
        let case = &self.plan.cases[repeat.case];
        if let Some(program) = self.external.get_mut(&(case.scenario, repeat.parameters.queue.clone())) {
            return program;
        }
        match &mut self.child {
            Some(child) if self.plan.scenario_of(case).run.isolate => child,
            _ => &mut self.in_process,
        }
    }
}

impl Driver for PlanDriver<'_> {
    fn run(
        &mut self,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(protocol::Progress),
    ) -> Result<Measurement, RepeatError> {
        let before = core_to_core::measure();
        let mut measurement = self.driver_of(repeat).run(repeat, interrupt, on_progress)?;
        let both = before.zip(core_to_core::measure());
        measurement.machine.core_to_core = both.map(|(before_ns, after_ns)| CoreToCore { before_ns, after_ns });
        Ok(measurement)
    }
}

/// Checks a result before it is believed: its own sums, and whether it is of the load that the plan asked for.
pub fn verify() -> Verify {
    Verify::new(|repeat, measurement| {
        let mut untrue = contradictions(repeat, measurement);
        untrue.extend(verdict::dated(measurement));
        untrue
    })
}

/// The same for another build of this program, which may be an older one.
pub fn verify_other() -> Verify {
    Verify::new(contradictions)
}

fn contradictions(repeat: &PlannedRepeat, measurement: &Measurement) -> Vec<Contradiction> {
    let mut found = verdict::faults(measurement);
    found.extend(verdict::faults_for(repeat, measurement));
    found
}
