//! What the user sees while a plan runs. It consumes events and decides nothing: `verdict` decides whether a repeat
//! keeps the promise, as it does for the report.

mod ending;
mod frame;
mod labels;
mod left;
mod plain;
mod screen;
mod terminal;
#[cfg(test)]
mod tests;

use crate::plan::Plan;
use crate::session::Progress;
use std::io::IsTerminal;

/// Longest text from another program that is shown, in characters.
const LONGEST: usize = 200;

/// The progress of a plan that is about to run: nothing if the user wants it quiet, a live display on a terminal, one
/// line for each finished repeat elsewhere.
pub fn of<'p>(plan: &'p Plan, quiet: bool, colour: bool) -> Box<dyn Progress + 'p> {
    let moves = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
    match (quiet, moves) {
        (true, _) => Box::new(()),
        (false, true) => Box::new(terminal::Terminal::new(plan, colour)),
        (false, false) => Box::new(plain::Plain::new(plan)),
    }
}
