//! `run`: the plan, repeat by repeat; then the report, the table, the verdict.

use super::args::RunArgs;
use super::error::CliError;
use super::exit::Exit;
use super::inputs::{self, Inputs, Prepared};
use super::outputs::Outputs;
use super::progress::{Plain, Progress, Terminal};
use super::reports::Destination;
use super::{evidence, stdio};
use crate::measure::Measurement;
use crate::plan::{Plan, PlannedRepeat};
use crate::render::{self, Format};
use crate::report::{Environment, Report};
use crate::run::{
    ChildCommand, ChildDriver, Driver, Ending, InProcessDriver, Interrupt, Journal, RepeatError, Session, execute,
    yardstick,
};
use crate::verdict::{self, Validity};
use crate::worker::Queues;
use crate::worker::protocol;
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;

/// What a journal begins with: enough to make the report of what it holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// What the plan follows from.
    pub inputs: Inputs,
    /// Where the run took place.
    pub environment: Environment,
}

/// Runs the scenarios.
pub fn run(args: &RunArgs, queues: &Queues) -> Result<Exit, CliError> {
    let Prepared { inputs, plan, notes } = inputs::prepare(&args.scenarios, &queues.catalog())?;
    if !args.quiet {
        notes.iter().for_each(|note| stdio::note(&format!("note: {note}")));
    }
    let outputs = Outputs::of(&args.outputs, None)?;
    let created_at = jiff::Timestamp::now();
    let destination = Destination::of(args, &outputs, &plan, created_at)?;
    let header = Header { inputs, environment: evidence::environment() };
    let encoded = serde_json::to_value(&header).map_err(|error| CliError::Internal(error.to_string()))?;
    // From here on there is something to tidy up.
    let interrupt = interrupt_on_signal()?;
    let mut journal = destination.begin_journal(created_at, &encoded)?;

    let mut driver = PlanDriver::new(&plan, queues)?;
    let mut progress = progress(args, &plan);
    let execution = execute(
        &plan.repeats,
        Session {
            driver: &mut driver,
            validity: &|_, measurement| match verdict::judge_repeat(measurement) {
                Validity::Valid => Ok(()),
                Validity::Invalid { reasons } => Err(reasons),
            },
            invalid_retries: &|repeat| plan.scenario_of(&plan.cases[repeat.case]).run.invalid_retries,
            on_event: &mut |event| progress.on_event(event),
            gauge: &mut || Some(yardstick::measure()),
            round: 0,
            journal: Some(&mut journal),
            interrupt: &interrupt,
        },
    );
    drop(progress);

    let interrupted = !matches!(execution.ending, Ending::Complete);
    let yardstick = Some(execution.yardstick);
    let report = evidence::report(&plan, execution.cases, header.environment, created_at, interrupted, yardstick);
    let saved = save(&destination, &report, journal, args.quiet);
    // Whatever became of the file: the result is there, and is what was asked for.
    show(&report, args.format)?;
    saved?;
    outputs.write_others(&report)?;
    match execution.ending {
        Ending::Stopped(error) => Err(error.into()),
        Ending::Complete | Ending::Interrupted => Ok(report.verdict.exit.into()),
    }
}

/// Saves the report, upon which the journal has done its work.
fn save(destination: &Destination, report: &Report, journal: Journal, quiet: bool) -> Result<(), CliError> {
    let kept = journal.path().to_owned();
    let path = destination.save(report).map_err(|source| CliError::Unsaved { source, journal: kept })?;
    if !quiet {
        stdio::note(&format!("report: {}", path.display()));
    }
    if let Err(error) = journal.finish() {
        stdio::note(&format!("warning: {error}"));
    }
    Ok(())
}

/// Writes a report to stdout.
pub fn show(report: &Report, format: Format) -> Result<(), CliError> {
    stdio::result(&render::render(report, format, stdio::view())?)
}

/// The first SIGINT, SIGTERM or SIGHUP ends the run in order; a second one ends this process.
pub(super) fn interrupt_on_signal() -> Result<Interrupt, CliError> {
    let interrupt = Interrupt::new();
    let raised = interrupt.clone();
    let handler = move || {
        if raised.is_raised() {
            std::process::exit(Exit::Interrupted as i32);
        }
        raised.raise();
    };
    ctrlc::set_handler(handler).map_err(|error| CliError::Internal(format!("cannot watch for signals: {error}")))?;
    Ok(interrupt)
}

fn progress(args: &RunArgs, plan: &Plan) -> Box<dyn Progress> {
    if args.quiet {
        Box::new(())
    } else if std::io::stderr().is_terminal() {
        Box::new(Terminal::new(plan))
    } else {
        Box::new(Plain::new(plan))
    }
}

/// Each repeat by the driver that its scenario asks for.
struct PlanDriver<'a> {
    plan: &'a Plan,
    child: ChildDriver,
    in_process: InProcessDriver<'a>,
}

impl<'a> PlanDriver<'a> {
    fn new(plan: &'a Plan, queues: &'a Queues) -> Result<Self, CliError> {
        let worker =
            ChildCommand::worker().map_err(|error| CliError::Internal(format!("cannot find this program: {error}")))?;
        let verify = |_: &PlannedRepeat, measurement: &Measurement| verdict::faults(measurement);
        Ok(Self {
            plan,
            child: ChildDriver::new(worker, Box::new(verify)),
            in_process: InProcessDriver::new(queues, Box::new(verify)),
        })
    }
}

impl Driver for PlanDriver<'_> {
    fn run(
        &mut self,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(protocol::Progress),
    ) -> Result<Measurement, RepeatError> {
        if self.plan.scenario_of(&self.plan.cases[repeat.case]).run.isolate {
            self.child.run(repeat, interrupt, on_progress)
        } else {
            self.in_process.run(repeat, interrupt, on_progress)
        }
    }
}
