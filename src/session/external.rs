//! The programs of `[queues.NAME]`: finds them, and asks what they can do.

use super::error::SessionError;
use super::observer::Observer;
use crate::plan::Plan;
use crate::run::{ChildCommand, Fault, Interrupt, RepeatError, probe};
use crate::scenario::{Capabilities, Diagnostic, ExternalQueue, Problem, Scenario};
use crate::untrusted::Untrusted;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time for a program to say hello. It is enough for an interpreter that imports a large library on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The programs that the plan needs, each once, with the scenarios that name them.
pub fn of_plan(plan: &Plan) -> impl Iterator<Item = (&ExternalQueue, &Scenario)> {
    let named: BTreeSet<(usize, &str)> =
        plan.cases.iter().map(|case| (case.scenario, case.parameters.queue.as_given())).collect();
    named.into_iter().filter_map(|(scenario, queue)| {
        let scenario = &plan.scenarios[scenario];
        Some((scenario.external(queue)?, scenario))
    })
}

/// Starts the program of a queue, asks what it can do, and ends it. `None` if it breaks the protocol: the plan still
/// runs, and each of its repeats becomes an `error` that says what is wrong.
///
/// # Errors
/// The program does not exist, is not set up, or says a `hello` without capabilities.
pub fn ask(
    queue: &ExternalQueue,
    scenario: &Scenario,
    interrupt: &Interrupt,
    observer: &dyn Observer,
) -> Result<Option<Capabilities>, SessionError> {
    let fix = |fault: &Fault| match (&queue.setup, fault) {
        (Some(setup), _) => format!("set it up with `{}`", setup.quoted()),
        // Its own message says what it needs.
        (None, Fault::NotBuilt { .. }) => String::new(),
        (None, _) => "see docs/PROTOCOL.md for what a program must say".to_owned(),
    };
    let command = command_of(queue, scenario).map_err(|problem| said_of(queue, scenario, problem))?;
    match probe(&command, PATIENCE, interrupt) {
        Err(RepeatError { fault: Fault::Interrupted, .. }) => Err(SessionError::Interrupted),
        Err(RepeatError { fault: fault @ Fault::Protocol { .. }, .. }) => {
            let (file, name) = (scenario.file.quoted(), queue.name.quoted());
            let (command, fault) = (queue.command_line().quoted(), fault.sentence().quoted());
            observer.warn(&format!("{file}: queues.{name}: `{command}`: {fault}"));
            Ok(None)
        }
        Err(error) => {
            let mut message = format!("`{}`: {}", queue.command_line().quoted(), error.fault.sentence().quoted());
            if let Some(last) = error.stderr_tail.iter().rev().find(|line| !line.as_given().trim().is_empty()) {
                message = format!("{message}; its last words: {}", last.quoted());
            }
            Err(said_of(queue, scenario, Problem::new(message, fix(&error.fault))))
        }
        Ok(hello) => hello.capabilities.map(Some).ok_or_else(|| {
            let message = format!("`{}` says hello without capabilities", queue.command_line().quoted());
            said_of(queue, scenario, Problem::new(message, "see docs/PROTOCOL.md"))
        }),
    }
}

/// An error about a queue, at its place in the scenario.
pub(super) fn said_of(queue: &ExternalQueue, scenario: &Scenario, problem: Problem) -> SessionError {
    let key = format!("queues.{}", queue.name.quoted());
    SessionError::Input(Diagnostic::of(scenario.file.quoted(), &key, problem).at(Some(queue.position)).into())
}

/// The command of a queue, with the path of its program.
///
/// # Errors
/// The program is neither in `PATH` nor in the working directory.
pub fn command_of(queue: &ExternalQueue, scenario: &Scenario) -> Result<ChildCommand, Problem> {
    let fix = match &queue.setup {
        Some(setup) => format!("set it up with `{}`", setup.quoted()),
        None => "install it, or correct `command`".to_owned(),
    };
    let directory = queue.directory(&scenario.file);
    let Ok(directory) = std::path::absolute(&directory).and_then(std::fs::canonicalize) else {
        let message = format!("the working directory {} does not exist", directory.display());
        return Err(Problem::new(message, "correct `working_dir`; it is relative to the scenario's directory"));
    };
    let mut words = queue.command.iter().map(Untrusted::as_given);
    let Some(program) = words.next() else {
        return Err(Problem::new("the command is empty", fix));
    };
    let own_path = queue.env.iter().find(|(name, _)| name == "PATH").map(|(_, path)| OsString::from(path.as_given()));
    let path = own_path.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let Some(found) = find(program, &directory, &path) else {
        let place = if program.contains('/') { format!("in {}", directory.display()) } else { "in PATH".to_owned() };
        return Err(Problem::new(
            format!("the program `{}` is not {place}, or may not be run", queue.command[0].quoted()),
            fix,
        ));
    };
    Ok(ChildCommand {
        args: words.map(OsString::from).collect(),
        env: queue.env.iter().map(|(name, value)| (name.as_given().into(), value.as_given().into())).collect(),
        working_dir: Some(directory),
        ..ChildCommand::new(found)
    })
}

/// A name with a slash is relative to the working directory. Any other name is looked up in `path`.
fn find(program: &str, directory: &Path, path: &OsString) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(directory.join(program)).filter(|path| is_program(path));
    }
    std::env::split_paths(path).map(|place| directory.join(place).join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    crate::platform::may_run(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_program_is_looked_up_where_a_shell_would() {
        let place = tempfile::tempdir().unwrap();
        let (bin, other) = (place.path().join("bin"), place.path().join("other"));
        for (directory, name, mode) in
            [(&bin, "tool", 0o755), (&other, "tool", 0o755), (&other, "script", 0o755), (&bin, "script", 0o644)]
        {
            std::fs::create_dir_all(directory).unwrap();
            let file = directory.join(name);
            std::fs::write(&file, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = std::env::join_paths([&bin, &other]).unwrap();
        for (program, expected) in [
            ("tool", Some(bin.join("tool"))),
            ("script", Some(other.join("script"))),
            ("nothing", None),
            ("bin/tool", Some(place.path().join("bin/tool"))),
            ("./other/tool", Some(place.path().join("./other/tool"))),
            ("bin/script", None),
            ("bin", None),
        ] {
            assert_eq!(find(program, place.path(), &path), expected, "{program}");
        }
    }
}
