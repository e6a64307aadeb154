//! `run`: a session with its progress on stderr; then the table, the files, the exit code.

mod options;

pub use options::GatingArgs;

use super::args::{RunArgs, RunOutputArgs};
use super::colour::When;
use super::error::CliError;
use super::exit::Exit;
use super::outputs::{self, Outputs};
use super::progress;
use super::stdio;
use crate::compare::{self, Options, Settings};
use crate::history;
use crate::plan::Plan;
use crate::platform;
use crate::render::{self, Format};
use crate::report::Report;
use crate::session::{Concluded, Interrupt, Observer, Place, Progress, Request, Resume, Session, Workers};
use crate::worker::Queues;

/// Runs the scenarios.
pub fn run(args: &RunArgs, queues: &Queues) -> Result<Exit, CliError> {
    // From here on an interrupt must leave the loop in order, so that files and processes are tidied up.
    let interrupt = interrupt_on_signal()?;
    let outputs = Outputs::of(&args.output.outputs, None)?;
    outputs::may_explain(args.output.explain, args.output.format)?;
    if let Some(path) = &args.output.history {
        history::prepare(path)?;
    }
    let workers = workers()?;
    let onlooker = Onlooker::of(&args.output);
    let request = request(args, &outputs);
    let session = Session { request: &request, queues, workers: &workers, observer: &onlooker, interrupt: &interrupt };
    finish(args, session.run()?, &outputs)
}

/// Repeats run in this program, started again.
pub(super) fn workers() -> Result<Workers, CliError> {
    Workers::of_this_program().map_err(|error| CliError::Internal(format!("cannot find this program: {error}")))
}

fn request(args: &RunArgs, outputs: &Outputs) -> Request {
    Request {
        selection: args.scenarios.selection(),
        against: args.gating.against(),
        confirm: args.gating.confirm,
        allowances: args.gating.allowances.allowances(),
        insist: args.gating.insist,
        save_baseline: args.gating.save_baseline.clone(),
        reports_directory: args.output.reports_dir.clone(),
        place: place(outputs),
        resume: args.output.resume(),
        search: None,
        max_fall: None,
    }
}

/// Where the report goes.
pub(super) fn place(outputs: &Outputs) -> Place {
    match outputs.report() {
        Some(path) => Place::File(path.to_owned()),
        None => Place::ReportsDirectory,
    }
}

impl RunOutputArgs {
    /// Which run that was stopped is meant, if any.
    pub(super) fn resume(&self) -> Option<Resume> {
        self.resume.as_ref().map(|path| match path.is_empty() {
            true => Resume::Newest,
            false => Resume::From(path.into()),
        })
    }
}

/// Tells the user on stderr what happens.
pub(super) struct Onlooker {
    quiet: bool,
    colour: bool,
}

impl Onlooker {
    /// As these arguments ask for.
    pub(super) fn of(args: &RunOutputArgs) -> Self {
        Self::new(args.quiet, args.color)
    }

    /// Tells nothing if `quiet` is set.
    pub(super) fn new(quiet: bool, color: When) -> Self {
        Self { quiet, colour: stdio::colour_of_stderr(color) }
    }
}

impl Observer for Onlooker {
    fn phase<'p>(&'p self, plan: &'p Plan) -> Box<dyn Progress + 'p> {
        progress::of(plan, self.quiet, self.colour)
    }

    fn note(&self, text: &str) {
        if !self.quiet {
            stdio::note(text);
        }
    }

    fn warn(&self, text: &str) {
        stdio::note(&format!("warning: {text}"));
    }
}

/// Prints the comparison of `--ab` below the table. Other formats have the report alone.
fn across(args: &RunArgs, report: &Report) -> Result<(), CliError> {
    let (Some(ab), Format::Table) = (&args.gating.ab, args.output.format) else { return Ok(()) };
    let options = Options {
        across: Some(ab.axis.to_owned()),
        settings: Settings::of(report),
        labels: args.gating.sides(),
        ..Options::default()
    };
    let comparison = compare::compare(report, report, &options);
    let text = render::comparison::comparison(&[comparison], Format::Table, stdio::view(args.output.color))?;
    stdio::result(&[b"\n".to_vec(), text].concat())
}

/// Shows the report, writes the other files, and returns the exit code.
fn finish(args: &RunArgs, concluded: Concluded, outputs: &Outputs) -> Result<Exit, CliError> {
    let Concluded { report, failure, .. } = concluded;
    // Even if the report could not be saved, the user gets the result.
    show(&report, args.output.format, args.output.color, args.output.explain)?;
    if let (Some(line), false) = (render::gate_sentence(&report), args.output.format == Format::Table) {
        stdio::note(&line);
    }
    across(args, &report)?;
    let written = outputs.write_others(&report);
    let kept = keep(args, &report);
    failure.map_or(Ok(()), |error| Err(error.into())).and(written).and(kept)?;
    Ok(report.verdict.exit.into())
}

/// Appends a run to the history, if it was finished.
fn keep(args: &RunArgs, report: &Report) -> Result<(), CliError> {
    let Some(history) = &args.output.history else { return Ok(()) };
    if report.interrupted {
        stdio::note("warning: the run was interrupted, so the history does not get it");
        return Ok(());
    }
    let appended = history::append(history, &history::entries(report, &report.digest()?))?;
    if appended.removed_torn_line {
        stdio::note("note: the last line of the history was cut short, and was removed");
    }
    if !args.output.quiet {
        stdio::note(&format!("history: {}", appended.path.display()));
    }
    Ok(())
}

/// Writes a report to stdout.
pub fn show(report: &Report, format: Format, color: When, explain: bool) -> Result<(), CliError> {
    let view = stdio::view(color);
    stdio::result(&render::render(report, format, view)?)?;
    if explain { stdio::result(format!("\n{}", render::explain(view.width)).as_bytes()) } else { Ok(()) }
}

/// The first SIGINT, SIGTERM or SIGHUP ends the run in order; a second one ends this process. A signal that was ignored
/// before stays ignored, as under `nohup`.
pub(super) fn interrupt_on_signal() -> Result<Interrupt, CliError> {
    let interrupt = Interrupt::new();
    let raised = interrupt.clone();
    let handler = move || {
        if raised.is_raised() {
            std::process::exit(Exit::Interrupted as i32);
        }
        raised.raise();
    };
    platform::on_termination(handler)
        .map_err(|error| CliError::Internal(format!("cannot watch for signals: {error}")))?;
    Ok(interrupt)
}
