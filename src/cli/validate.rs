//! `validate`: are these scenarios right? Reports every error at once.

use super::args::ValidateArgs;
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use crate::session::{self, Prepared, Selection};
use crate::units::human;
use crate::worker::Queues;

/// Checks the scenarios, including the cases that follow from them.
pub fn validate(args: &ValidateArgs, queues: &Queues) -> Result<Exit, CliError> {
    let selection = Selection { scenarios: args.scenarios.clone(), ..Selection::default() };
    let Prepared { plan, notes, .. } = session::prepare(&selection, &queues.catalog())?;
    notes.iter().for_each(|note| stdio::note(&format!("note: {note}")));
    let lines = plan.scenarios.iter().enumerate().map(|(index, scenario)| {
        let cases = plan.cases.iter().filter(|case| case.scenario == index).count();
        format!("{}: ok, {}\n", scenario.file.terminal(1_000), human::counted(cases as u64, "case"))
    });
    stdio::result(lines.collect::<String>().as_bytes())?;
    Ok(Exit::Pass)
}
