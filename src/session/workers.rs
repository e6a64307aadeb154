//! Where the repeats of this program's own queues run.
//!
//! A repeat needs a process of its own. The program `queue-load`, and any built with [`crate::main_with`], has the verb
//! `worker` for that. A test has no verbs, but its binary can be told to run one test: so it is started again with the name
//! of the test that is running, and comes back to the same session, which finds [`MARK`] and carries out one repeat
//! instead of the plan.

use super::request::Selection;
use crate::run::ChildCommand;
use crate::scenario::Override;
use crate::worker::{self, Queues};
use std::io;

/// Environment variable of a process that carries out one repeat for a test.
const MARK: &str = "QUEUE_LOAD_TEST_WORKER";

/// Where the repeats of this program's own queues run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workers {
    /// Each in a process of its own, started so.
    Command(ChildCommand),
    /// All in this process: nothing keeps one from disturbing the next, and nothing can end one that hangs.
    Here,
}

impl Workers {
    /// This program with the verb `worker`.
    ///
    /// # Errors
    /// When the path of the running program cannot be had.
    pub fn of_this_program() -> io::Result<Self> {
        ChildCommand::worker().map(Self::Command)
    }

    /// The test that is running, once more, told by the name of its thread. Where that says nothing, as with a single test
    /// thread, repeats run here.
    ///
    /// Whatever the test does before its session it does again for every repeat. In a test with several sessions the first
    /// one carries out the repeats of all, so it has to know the queues of all.
    #[must_use]
    pub fn of_this_test() -> Self {
        let thread = std::thread::current();
        let (Some(name), Ok(program)) = (thread.name().filter(|name| *name != "main"), std::env::current_exe()) else {
            return Self::Here;
        };
        Self::Command(ChildCommand {
            args: vec![name.into(), "--exact".into(), "--nocapture".into()],
            env: vec![(MARK.into(), "1".into())],
            preamble: true,
            ..ChildCommand::new(program)
        })
    }

    /// The selection with what follows from the place: the report and the journal have to say what was done.
    pub(super) fn applied_to(&self, selection: &Selection) -> Selection {
        const ISOLATE: &str = "isolate";
        let mut applied = selection.clone();
        if *self == Self::Here {
            applied.overrides.retain(|given| given.key != ISOLATE);
            applied.overrides.push(Override::from_command_line(ISOLATE, "false"));
        }
        applied
    }

    /// Carries out one repeat and ends this process, if it was started for that.
    pub(super) fn serve_if_asked(queues: &Queues) {
        if std::env::var_os(MARK).is_some() {
            // What the test harness has printed so far may lack its line feed.
            println!();
            std::process::exit(i32::from(!worker::serve(queues)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_here_is_said_not_to_be_isolated() {
        let given = Selection {
            overrides: ["isolate", "repeats"].map(|key| Override::from_command_line(key, "true")).into(),
            ..Selection::default()
        };
        let command = Workers::Command(ChildCommand::new("queue-load"));
        assert_eq!(command.applied_to(&given), given);
        let applied = Workers::Here.applied_to(&given).overrides;
        assert_eq!(applied, [given.overrides[1].clone(), Override::from_command_line("isolate", "false")]);
    }
}
