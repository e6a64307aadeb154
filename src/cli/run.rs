//! `run`: the plan, repeat by repeat; then the report, the table, the verdict; and what it is held against.
//!
//! | file | job |
//! |---|---|
//! | `options` | the arguments that hold a run against something |
//! | `baseline` | the baseline, found and checked before anything runs |
//! | `programs` | the other program of `--ab-exec` |
//! | `strength` | whether so many repeats can prove anything |
//! | `stage` | what carries out repeats |
//! | `conduct` | the phases: the plan, the decision, its confirmation |
//! | `keep` | where the reports go when all is over |

mod baseline;
mod conduct;
mod keep;
mod options;
mod programs;
mod stage;
mod strength;

pub use options::GatingArgs;

use super::args::RunArgs;
use super::colour::When;
use super::error::CliError;
use super::evidence::{self, About};
use super::exit::Exit;
use super::inputs::{self, Inputs, Prepared};
use super::outputs::{self, Outputs};
use super::plan_driver::{self, PlanDriver};
use super::progress;
use super::reports::Destination;
use super::stdio;
use crate::compare::{self, Options, Settings};
use crate::plan::{Layout, Plan};
use crate::render::{self, Format};
use crate::report::{Environment, Report};
use crate::run::{Ending, Interrupt, yardstick};
use crate::scenario::{ExternalQueue, Scenario, Selector};
use crate::worker::Queues;
use baseline::Baseline;
use conduct::{Gating, Reference, conduct};
use programs::{OtherProgram, Programs};
use serde::{Deserialize, Serialize};
use stage::Stage;

/// What a journal begins with: enough to make the report of what it holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// What the plan follows from.
    pub inputs: Inputs,
    /// Where the run took place.
    pub environment: Environment,
    /// How the plan is laid out.
    #[serde(default)]
    pub layout: Layout,
}

/// Runs the scenarios.
pub fn run(args: &RunArgs, queues: &Queues) -> Result<Exit, CliError> {
    // From here on there may be something to tidy up.
    let interrupt = interrupt_on_signal()?;
    let mut ask = |queue: &ExternalQueue, scenario: &Scenario| plan_driver::ask(queue, scenario, &interrupt);
    let prepared = inputs::prepare_with(&args.scenarios, &queues.catalog(), Some(&mut ask))?;
    let Prepared { inputs, plan, notes, filter } = prepared;
    if !args.quiet {
        notes.iter().for_each(|note| stdio::note(&format!("note: {note}")));
    }
    let outputs = Outputs::of(&args.outputs, None)?;
    outputs::may_explain(args.explain, args.format)?;
    let layout = args.gating.layout();
    check_layout(&layout, &plan)?;
    let plan = plan.laid_out(&layout)?;
    let about = About { environment: evidence::environment(), created_at: jiff::Timestamp::now(), layout };
    let (baseline, settings) = baseline_for(args, &plan, &about, filter)?;
    strength::check(&args.gating, &plan, &about.layout, baseline.as_ref(), &settings)?;
    let keep = keep::Keep::prepare(args)?;
    let destination = Destination::of(args, &outputs, &plan, about.created_at)?;
    let header = Header { inputs, environment: about.environment.clone(), layout: about.layout.clone() };
    let encoded = serde_json::to_value(&header).map_err(|error| CliError::Internal(error.to_string()))?;
    let other = args.gating.ab_exec.as_deref().map(|path| OtherProgram::greet(path, &plan, &interrupt)).transpose()?;
    let mut journal = destination.begin_journal(about.created_at, &encoded)?;

    let mut own = PlanDriver::new(&plan, queues)?;
    let mut both = other.map(|other| Programs::new(&mut own, other, about.layout.own_cases(plan.cases.len())));
    let gating = gating(args, baseline.as_ref(), settings);
    let conducted = conduct(
        &mut Stage {
            plan: &plan,
            layout: &about.layout,
            driver: match &mut both {
                Some(both) => both,
                None => &mut own,
            },
            gauge: &mut || Some(yardstick::measure()),
            progress: &|phase| progress::of(phase, args.quiet, stdio::colour_of_stderr(args.color)),
            say: &mut |text| {
                if !args.quiet {
                    stdio::note(text);
                }
            },
            journal: Some(&mut journal),
            interrupt: &interrupt,
        },
        &about,
        gating.as_ref(),
    );
    finish(args, conducted, &outputs, &keep, &destination, journal)
}

/// Whether what is to be held against each other is there.
fn check_layout(layout: &Layout, plan: &Plan) -> Result<(), CliError> {
    match layout {
        Layout::Across { axis } if !plan.has_pairs(axis) => Err(CliError::Usage(format!(
            "--ab: no two cases of the plan differ in `{axis}` alone; check --filter and [[exclude]]"
        ))),
        Layout::Programs if plan.scenarios.iter().any(|scenario| !scenario.run.isolate) => {
            Err(CliError::Usage("--ab-exec: isolate = false runs repeats in this program; leave it out".to_owned()))
        }
        _ => Ok(()),
    }
}

/// The baseline, checked against what is to be run, and how it is decided: as the baseline's own scenarios say.
fn baseline_for(
    args: &RunArgs,
    plan: &Plan,
    about: &About,
    filter: Selector,
) -> Result<(Option<Baseline>, Settings), CliError> {
    let all: Vec<usize> = (0..about.layout.own_cases(plan.cases.len())).collect();
    let expected = evidence::reports(plan, about, &all, evidence::Gathered::default()).own;
    let settings = |base: &Report| args.gating.allowances.apply_to(Settings { filter, ..Settings::of(base) });
    let Some(given) = &args.gating.baseline else { return Ok((None, settings(&expected))) };
    let baseline = baseline::open(given, &args.reports_dir)?;
    let settings = settings(&baseline.report);
    baseline::check(given, &baseline, &expected, &settings)?;
    Ok((Some(baseline), settings))
}

fn gating<'a>(args: &RunArgs, baseline: Option<&'a Baseline>, settings: Settings) -> Option<Gating<'a>> {
    let reference = match baseline {
        Some(Baseline { path, digest, report }) => {
            Reference::Saved { file: path.display().to_string(), digest: digest.clone(), report }
        }
        None if args.gating.ab_exec.is_some() => Reference::OtherProgram,
        None => return None,
    };
    Some(Gating { reference, settings, confirm: args.gating.confirm, judge: &compare::gate })
}

/// The values of the axis of `--ab` against each other, below the table; other formats carry the report alone.
fn across(args: &RunArgs, report: &Report) -> Result<(), CliError> {
    let (Some(ab), Format::Table) = (&args.gating.ab, args.format) else { return Ok(()) };
    let options = Options {
        across: Some(ab.axis.to_owned()),
        settings: Settings::of(report),
        labels: args.gating.sides(),
        ..Options::default()
    };
    let comparison = compare::compare(report, report, &options);
    let text = render::comparison::comparison(&[comparison], Format::Table, stdio::view(args.color))?;
    stdio::result(&[b"\n".to_vec(), text].concat())
}

/// Saves what there is, shows it, and says how it ended.
fn finish(
    args: &RunArgs,
    conducted: conduct::Conducted,
    outputs: &Outputs,
    keep: &keep::Keep,
    destination: &Destination,
    journal: crate::run::Journal,
) -> Result<Exit, CliError> {
    let conduct::Conducted { mut reports, ending } = conducted;
    let saved = keep::save(&mut reports, destination, journal, args.quiet);
    // Whatever became of the file: the result is there, and is what was asked for.
    show(&reports.own, args.format, args.color, args.explain)?;
    if let (Some(line), false) = (render::gate_sentence(&reports.own), args.format == Format::Table) {
        stdio::note(&line);
    }
    across(args, &reports.own)?;
    saved?;
    outputs.write_others(&reports.own)?;
    keep.baseline(&reports.own)?;
    match ending {
        Ending::Stopped(error) => Err(error.into()),
        Ending::Complete | Ending::Interrupted => Ok(reports.own.verdict.exit.into()),
    }
}

/// Writes a report to stdout.
pub fn show(report: &Report, format: Format, color: When, explain: bool) -> Result<(), CliError> {
    let view = stdio::view(color);
    stdio::result(&render::render(report, format, view)?)?;
    if explain { stdio::result(format!("\n{}", render::explain(view.width)).as_bytes()) } else { Ok(()) }
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
