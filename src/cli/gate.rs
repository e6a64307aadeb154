//! `gate`: whether a report may replace a baseline.

use super::args::GateArgs;
use super::compare::{Files, settings};
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use crate::compare::{self, GateOutcome, Options};
use crate::render::{Format, comparison, html_comparison};
use crate::report;

/// Decides, and says why in one line.
pub fn gate(args: &GateArgs) -> Result<Exit, CliError> {
    let files = Files::of(&args.decision)?;
    if !args.base.exists() {
        return Err(CliError::NoBaseline { path: args.base.clone() });
    }
    let (base, new) = std::thread::scope(|scope| {
        let base = scope.spawn(|| report::read_verified(&args.base));
        let new = report::read_verified(&args.new);
        (base.join().expect("reading a report does not panic"), new)
    });
    let (base, new) = (base?, new?);
    let labels = (args.base.display().to_string(), args.new.display().to_string());
    let options = Options { settings: settings(&args.decision, &base)?, labels, ..Options::default() };
    let comparison = compare::compare(&base, &new, &options);
    files.write(&|format, _| match format {
        Format::Html => Ok(html_comparison(&base, &[(&new, &comparison)]).into_bytes()),
        _ => comparison::gate(&comparison, format),
    })?;
    if comparison.decision.outcome != GateOutcome::Pass {
        let hint = format!("note: every number: queue-load compare {} {}", options.labels.0, options.labels.1);
        stdio::note(&hint);
    }
    Ok(comparison.decision.outcome.into())
}
