//! Where the repeats of this program's own queues run.
//!
//! A repeat needs a process of its own. The program `queue-load`, and every program built with [`crate::main_with`],
//! has the verb `worker` for that. A test binary has no verbs, but it can run a single test. So it is started again
//! with the name of the running test. The test comes to the same session, which finds [`MARK`] and carries out one
//! repeat instead of the plan.

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
    /// Each repeat runs in a process of its own, started by this command.
    Command(ChildCommand),
    /// All repeats run in this process. One may disturb the next, and one that hangs cannot be ended.
    Here,
}

impl Workers {
    /// This program with the verb `worker`.
    ///
    /// # Errors
    /// The path of the running program is not known.
    pub fn of_this_program() -> io::Result<Self> {
        ChildCommand::worker().map(Self::Command)
    }

    /// The running test, started again. The name of its thread is the name of the test. If the thread has no such name,
    /// as with a single test thread, repeats run in this process.
    ///
    /// Whatever a test does before its session happens again for every repeat. In a test with several sessions, the
    /// first one carries out the repeats of all, so it must know the queues of all.
    #[must_use]
    pub fn of_this_test() -> Self {
        let thread = std::thread::current();
        let (Some(name), Ok(program)) = (thread.name().filter(|name| *name != "main"), std::env::current_exe()) else {
            return Self::Here;
        };
        Self::Command(ChildCommand {
            // A test that is ignored unless it is asked for is running, so it was asked for.
            args: [name, "--exact", "--nocapture", "--include-ignored"].map(Into::into).into(),
            env: vec![(MARK.into(), "1".into())],
            preamble: true,
            ..ChildCommand::new(program)
        })
    }

    /// The selection, with the override that follows from where repeats run: the report and the journal must say so.
    pub(super) fn applied_to(&self, selection: &Selection) -> Selection {
        const ISOLATE: &str = "isolate";
        let mut applied = selection.clone();
        if *self == Self::Here {
            applied.overrides.retain(|given| given.key != ISOLATE);
            applied.overrides.push(Override::from_command_line(ISOLATE, "false"));
        }
        applied
    }

    /// Carries out one repeat and ends this process, if it was started for that purpose.
    pub(super) fn serve_if_asked(queues: &Queues) {
        if std::env::var_os(MARK).is_some() {
            // The last line that the test harness has printed may lack its line feed.
            println!();
            std::process::exit(i32::from(!worker::serve(queues)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_started_again_even_if_it_is_ignored_unless_asked_for() {
        let named = std::thread::Builder::new().name("some::test".into());
        let workers = named.spawn(Workers::of_this_test).expect("a thread").join().expect("no panic");
        let Workers::Command(command) = workers else { panic!("{workers:?}") };
        assert_eq!(command.args, ["some::test", "--exact", "--nocapture", "--include-ignored"]);
    }

    #[test]
    fn repeats_in_this_process_are_reported_as_not_isolated() {
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
