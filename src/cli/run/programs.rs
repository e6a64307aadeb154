//! Two builds of this program, their repeats interleaved.

use crate::cli::error::CliError;
use crate::cli::plan_driver;
use crate::measure::Measurement;
use crate::plan::{Plan, PlannedRepeat};
use crate::run::{ChildCommand, ChildDriver, Driver, Interrupt, PATIENCE, RepeatError, greet};
use crate::worker::protocol;
use std::collections::BTreeMap;
use std::path::Path;

/// Another build of this program.
pub struct OtherProgram(ChildCommand);

impl OtherProgram {
    /// Finds the program, and hears its hello for each queue of the plan.
    ///
    /// # Errors
    /// It is not there, speaks another version of the protocol, or does not have a queue.
    pub fn greet(path: &Path, plan: &Plan, interrupt: &Interrupt) -> Result<Self, CliError> {
        let refuse = |problem: String| CliError::OtherBinary { path: path.to_owned(), problem };
        // A bare name is a file here, not one to look up in PATH.
        let program = std::fs::canonicalize(path).map_err(|error| refuse(format!("cannot find it: {error}")))?;
        let command = ChildCommand { args: vec!["worker".into()], ..ChildCommand::new(program) };
        let queues: BTreeMap<&str, &PlannedRepeat> =
            plan.repeats.iter().map(|repeat| (repeat.parameters.queue.as_str(), repeat)).collect();
        for (queue, repeat) in queues {
            greet(&command, repeat, PATIENCE, interrupt)
                .map_err(|error| refuse(format!("cannot run repeats of queue {queue}: {error}")))?;
        }
        Ok(Self(command))
    }
}

/// This program's repeats by its own driver, the other program's by its own `worker`.
pub struct Programs<'a> {
    own: &'a mut dyn Driver,
    other: Box<dyn Driver>,
    own_cases: usize,
}

impl<'a> Programs<'a> {
    /// The first `own_cases` cases of the plan are this program's.
    pub fn new(own: &'a mut dyn Driver, other: OtherProgram, own_cases: usize) -> Self {
        Self { own, other: Box::new(ChildDriver::new(other.0, plan_driver::verify_other())), own_cases }
    }
}

impl Driver for Programs<'_> {
    fn run(
        &mut self,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(protocol::Progress),
    ) -> Result<Measurement, RepeatError> {
        let driver = if repeat.case < self.own_cases { &mut *self.own } else { &mut *self.other };
        driver.run(repeat, interrupt, on_progress)
    }
}
