//! `list`: what a run would do, and how long it would take. It runs nothing.

use super::args::ListArgs;
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use super::stdio::plain_table;
use crate::plan::Plan;
use crate::render::{Format, Tone};
use crate::scenario::{ExternalQueue, Parameters, Problem, Scenario};
use crate::session::{self, Prepared};
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::worker::Queues;
use serde::Serialize;

#[derive(Serialize)]
struct Listing<'a> {
    programs: Vec<ListedProgram<'a>>,
    cases: Vec<ListedCase<'a>>,
    repeats: usize,
    estimate_ns: u64,
}

/// A program that a run would start.
#[derive(Serialize)]
struct ListedProgram<'a> {
    queue: &'a Untrusted,
    scenario: &'a Untrusted,
    command: &'a [Untrusted],
    /// Its working directory, relative to this process.
    working_dir: Untrusted,
    /// The names of the variables that it gets. Their values may be secret, so they are left out.
    env: Vec<&'a Untrusted>,
    /// Why it cannot be started; null if it can be found.
    problem: Option<Untrusted>,
}

#[derive(Serialize)]
struct ListedCase<'a> {
    id: &'a Untrusted,
    scenario: &'a Untrusted,
    parameters: &'a Parameters,
    repeats: u32,
    checks: Vec<&'a Untrusted>,
}

/// Lists the plan.
pub fn list(args: &ListArgs, queues: &Queues) -> Result<Exit, CliError> {
    let Prepared { plan, notes, .. } = session::prepare(&args.scenarios.selection(), &queues.catalog())?;
    notes.iter().for_each(|note| stdio::note(&format!("note: {note}")));
    match args.format {
        Format::Json => {
            let json =
                serde_json::to_vec_pretty(&listing(&plan)).map_err(|error| CliError::Internal(error.to_string()))?;
            stdio::result(&[json, b"\n".to_vec()].concat())?;
        }
        _ => stdio::result(table(&plan, stdio::view(args.color).colour).as_bytes())?,
    }
    Ok(Exit::Pass)
}

fn listing(plan: &Plan) -> Listing<'_> {
    let cases = plan.cases.iter().map(|case| {
        let scenario = plan.scenario_of(case);
        ListedCase {
            id: &case.id,
            scenario: &scenario.name,
            parameters: &case.parameters,
            repeats: scenario.run.repeats,
            checks: plan.checks_of(case).into_iter().map(|index| &scenario.checks[index].expression).collect(),
        }
    });
    Listing {
        programs: programs(plan),
        cases: cases.collect(),
        repeats: plan.repeats.len(),
        estimate_ns: plan.estimate().0,
    }
}

/// The programs of `[queues.NAME]` that the plan needs, each once.
fn programs(plan: &Plan) -> Vec<ListedProgram<'_>> {
    session::programs_of(plan).map(|(queue, scenario)| program(queue, scenario)).collect()
}

fn program<'p>(queue: &'p ExternalQueue, scenario: &'p Scenario) -> ListedProgram<'p> {
    let problem = session::command_of(queue, scenario).err();
    ListedProgram {
        queue: &queue.name,
        scenario: &scenario.name,
        command: &queue.command,
        working_dir: queue.directory(&scenario.file).display().to_string().into(),
        env: queue.env.iter().map(|(name, _)| name).collect(),
        problem: problem.map(|Problem { message, fix }| format!("{message} ({fix})").into()),
    }
}

fn program_lines(plan: &Plan, colour: bool) -> String {
    let line = |program: ListedProgram<'_>| {
        let command = Untrusted::join(program.command, " ").terminal(200);
        let variables = match program.env.as_slice() {
            [] => String::new(),
            names => format!(", with {} set", Untrusted::join(names.iter().copied(), ", ").terminal(200)),
        };
        let problem = program.problem.map_or_else(String::new, |problem| {
            let line = format!("! {}", problem.terminal(500));
            format!("\n    {}", if colour { Tone::Bad.paint(&line) } else { line })
        });
        let directory = program.working_dir.terminal(200);
        format!("  {}: {command}\n    in {directory}{variables}{problem}\n", program.queue.terminal(200))
    };
    let lines: String = programs(plan).into_iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("\nA run starts these programs:\n{lines}") }
}

fn table(plan: &Plan, colour: bool) -> String {
    let mut table = plain_table();
    table.set_header(["case", "repeats", "offered", "scenario"]);
    for case in &plan.cases {
        let scenario = plan.scenario_of(case);
        let offered = case.parameters.offered_per_second();
        table.add_row([
            case.id.terminal(400),
            scenario.run.repeats.to_string(),
            human::rate(offered),
            scenario.name.terminal(40),
        ]);
    }
    let cases = human::counted(plan.cases.len() as u64, "case");
    let repeats = human::counted(plan.repeats.len() as u64, "repeat");
    let estimate = human::span(plan.estimate());
    format!("{}\n\n{cases}, {repeats}, about {estimate}\n{}", table.trim_fmt(), program_lines(plan, colour))
}
