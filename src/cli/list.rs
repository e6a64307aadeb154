//! `list`: what a run would do, and how long it would take. Runs nothing.

use super::args::ListArgs;
use super::error::CliError;
use super::exit::Exit;
use super::inputs::{self, Prepared};
use super::stdio;
use super::stdio::plain_table;
use crate::plan::Plan;
use crate::render::{Format, sanitise};
use crate::scenario::Parameters;
use crate::units::human;
use crate::worker::Queues;
use serde::Serialize;

#[derive(Serialize)]
struct Listing<'a> {
    cases: Vec<ListedCase<'a>>,
    repeats: usize,
    estimate_ns: u64,
}

#[derive(Serialize)]
struct ListedCase<'a> {
    id: &'a str,
    scenario: &'a str,
    parameters: &'a Parameters,
    repeats: u32,
    checks: Vec<&'a str>,
}

/// Lists the plan.
pub fn list(args: &ListArgs, queues: &Queues) -> Result<Exit, CliError> {
    let Prepared { plan, notes, .. } = inputs::prepare(&args.scenarios, &queues.catalog())?;
    notes.iter().for_each(|note| stdio::note(&format!("note: {note}")));
    match args.format {
        Format::Json => {
            let json =
                serde_json::to_vec_pretty(&listing(&plan)).map_err(|error| CliError::Internal(error.to_string()))?;
            stdio::result(&[json, b"\n".to_vec()].concat())?;
        }
        _ => stdio::result(table(&plan).as_bytes())?,
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
            checks: plan.checks_of(case).into_iter().map(|index| scenario.checks[index].expression.as_str()).collect(),
        }
    });
    Listing { cases: cases.collect(), repeats: plan.repeats.len(), estimate_ns: plan.estimate().0 }
}

fn table(plan: &Plan) -> String {
    let mut table = plain_table();
    table.set_header(["case", "repeats", "offered", "scenario"]);
    for case in &plan.cases {
        let scenario = plan.scenario_of(case);
        let offered = case.parameters.rate.per_second() * f64::from(case.parameters.concurrency);
        table.add_row([
            case.id.clone(),
            scenario.run.repeats.to_string(),
            human::rate(offered),
            sanitise(&scenario.name, 40),
        ]);
    }
    let cases = human::counted(plan.cases.len() as u64, "case");
    let repeats = human::counted(plan.repeats.len() as u64, "repeat");
    format!("{}\n\n{cases}, {repeats}, about {}\n", table.trim_fmt(), human::span(plan.estimate()))
}
