//! The command line: arguments in, one verb, an exit code out.
//!
//! Each verb has a file of its own and returns how it ended ([`Exit`]) or why it could not begin.
//! stdout carries the result alone; everything else goes to stderr.

mod args;
mod bisect;
mod colour;
mod compare;
mod completions;
mod error;
mod exit;
mod find_max;
mod gate;
mod init;
mod latest;
mod list;
mod man;
mod merge;
mod near;
mod outputs;
mod progress;
mod queues;
mod reports;
mod record;
mod run;
mod schema;
mod selftest;
mod show;
mod stdio;
mod trend;
mod validate;

pub use exit::Exit;

use crate::selftest::Synthetic;
use crate::worker::{self, Queues};
use args::Verb;
use error::CliError;
use std::ffi::OsStr;
use std::process::ExitCode;

/// Runs the whole program `queue-load`, with the queues that `register` adds. Every verb knows them, including the
/// hidden verb `worker`. Without any, it is the program that comes with this crate. Returns the exit code of the
/// process.
pub fn main_with(register: impl FnOnce(&mut Queues)) -> ExitCode {
    let mut queues = Queues::with_own();
    register(&mut queues);
    queues.add_family::<Synthetic>();
    if std::env::args_os().nth(1).as_deref() == Some(OsStr::new("worker")) {
        return worker::main(&queues);
    }
    let verb = match args::parse() {
        Ok(verb) => verb,
        Err(error) => {
            if error.use_stderr() {
                let _ = error.print();
                return Exit::Usage.into();
            }
            // `--help` and `--version`.
            return ended(stdio::printed(error.print()).map(|()| Exit::Pass));
        }
    };
    ended(dispatch(verb, &queues))
}

/// Whether the command line can be understood; runs nothing. The first argument is the program's name.
///
/// # Errors
/// What clap says.
#[cfg(feature = "internals")]
pub fn understands(args: &[String]) -> Result<(), String> {
    args::from(args.iter().map(Into::into)).map(drop).map_err(|error| error.to_string())
}

fn ended(result: Result<Exit, CliError>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            stdio::note(&format!("error: {error}"));
            error.exit().into()
        }
    }
}

fn dispatch(verb: Verb, queues: &Queues) -> Result<Exit, CliError> {
    match verb {
        Verb::Run(args) => run::run(&args, queues),
        Verb::FindMax(args) => find_max::find_max(&args, queues),
        Verb::List(args) => list::list(&args, queues),
        Verb::Validate(args) => validate::validate(&args, queues),
        Verb::Show(args) => show::show(&args, queues),
        Verb::Merge(args) => merge::merge(&args, queues),
        Verb::Compare(args) => compare::compare(&args, queues),
        Verb::Trend(args) => trend::trend(&args),
        Verb::Bisect(args) => bisect::bisect(&args, queues),
        Verb::Gate(args) => gate::gate(&args),
        Verb::Queues(args) => queues::queues(&args, queues),
        Verb::Record(args) => record::record(&args),
        Verb::Selftest(args) => selftest::selftest(&args),
        Verb::Schema(args) => schema::schema(&args),
        Verb::Init(args) => init::init(&args),
        Verb::Reports(args) => reports::reports(&args),
        Verb::Completions(args) => completions::completions(&args),
        Verb::Man(args) => man::man(&args),
    }
}
