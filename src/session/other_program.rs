//! Another build of this program, whose repeats are interleaved with this one's.

use super::error::SessionError;
use crate::plan::{Plan, PlannedRepeat};
use crate::run::{ChildCommand, Fault, Interrupt, PATIENCE, greet};
use crate::untrusted::Untrusted;
use std::collections::BTreeMap;
use std::path::Path;

/// Another build of this program.
pub struct OtherProgram(ChildCommand);

impl OtherProgram {
    /// Finds the program, and asks for its hello for each queue of the plan.
    ///
    /// # Errors
    /// It does not exist, speaks another version of the protocol, or lacks a queue.
    pub fn greet(path: &Path, plan: &Plan, interrupt: &Interrupt) -> Result<Self, SessionError> {
        let refuse = |problem: String| SessionError::OtherProgram { path: path.to_owned(), problem };
        // A name without a slash is a file in this directory, and not looked up in PATH.
        let program = std::fs::canonicalize(path).map_err(|error| refuse(format!("cannot find it: {error}")))?;
        let command = ChildCommand { args: vec!["worker".into()], ..ChildCommand::new(program) };
        let queues: BTreeMap<&Untrusted, &PlannedRepeat> =
            plan.repeats.iter().map(|repeat| (&repeat.parameters.queue, repeat)).collect();
        for (queue, repeat) in queues {
            greet(&command, repeat, PATIENCE, interrupt).map_err(|error| match error.fault {
                Fault::Interrupted => SessionError::Interrupted,
                fault => {
                    let (queue, why) = (queue.quoted(), fault.sentence().quoted());
                    refuse(format!("cannot run repeats of queue {queue}: {why}"))
                }
            })?;
        }
        Ok(Self(command))
    }

    /// The command that starts it.
    pub(super) fn command(self) -> ChildCommand {
        self.0
    }
}
