//! `gate`: whether a report may replace a baseline.

use super::args::GateArgs;
use super::compare::{Files, settings};
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use crate::compare::{self, GateOutcome, Options};
use crate::render::comparison;
use crate::report;

/// Decides, and says why in one line.
pub fn gate(args: &GateArgs) -> Result<Exit, CliError> {
    let files = Files::of(&args.decision)?;
    if !args.base.exists() {
        return Err(CliError::NoBaseline { path: args.base.clone() });
    }
    let base = report::read_verified(&args.base)?;
    let new = report::read_verified(&args.new)?;
    let labels = (args.base.display().to_string(), args.new.display().to_string());
    let options = Options { settings: settings(&args.decision, &new)?, labels, ..Options::default() };
    let comparison = compare::compare(&base, &new, &options);
    files.write(&|format, _| comparison::gate(&comparison, format))?;
    if comparison.decision.outcome != GateOutcome::Pass {
        let hint = format!("note: every number: queue-load compare {} {}", options.labels.0, options.labels.1);
        stdio::note(&hint);
    }
    Ok(comparison.decision.outcome.into())
}
