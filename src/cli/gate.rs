//! `gate`: whether a report may replace a baseline.

use super::args::GateArgs;
use super::compare::{Files, settings};
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use crate::compare::{self, Comparison, GateOutcome, Options};
use crate::render::{self, Format, comparison, html_comparison};
use crate::report::{self, ExitOutcome, GateRecord, GateRound, PlanVerdict, Report};
use crate::session::Unfit;
use crate::untrusted::Untrusted;

/// Formats that show the report, including the decision.
const OF_A_REPORT: [Format; 2] = [Format::Junit, Format::Csv];

/// The report with the decision in it, as if it had been run against the baseline.
fn decided(new: &Report, comparison: &Comparison, args: &GateArgs) -> Report {
    let decision = comparison.decision.clone();
    let exit = match decision.outcome {
        GateOutcome::Pass => ExitOutcome::Pass,
        GateOutcome::Failed => ExitOutcome::Failed,
        GateOutcome::Regressed => ExitOutcome::Regressed,
        GateOutcome::Inconclusive => ExitOutcome::Invalid,
        GateOutcome::Incomparable => ExitOutcome::Incomparable,
    };
    let gate = GateRecord {
        baseline: args.base.display().to_string().into(),
        digest: Untrusted::default(),
        outcome: decision.outcome,
        reason: decision.reason.clone(),
        reason_code: decision.reason_code,
        rounds: vec![GateRound { round: 0, decision }],
    };
    let verdict = PlanVerdict { exit, ..new.verdict.clone() };
    Report { gate: Some(gate), verdict, ..new.clone() }
}

/// Decides, and prints the reason in one line.
pub fn gate(args: &GateArgs) -> Result<Exit, CliError> {
    let files = Files::of(&args.decision, &OF_A_REPORT)?;
    if !args.base.exists() && !report::is_stdin(&args.base) {
        return Err(CliError::NoBaseline { path: args.base.clone() });
    }
    let kept = files.needed(&OF_A_REPORT);
    let (base, new) = std::thread::scope(|scope| {
        let base = scope.spawn(|| report::verified(&args.base, kept));
        let new = report::verified(&args.new, kept);
        (base.join().expect("reading a report does not panic"), new)
    });
    let (base, new) = (base?, new?);
    // In a part, the rest of the cases would seem to be gone, or to be there.
    if base.partition.is_some() || new.partition.is_some() {
        return Err(CliError::Session(Unfit::PartCompared.into()));
    }
    let labels = (args.base.display().to_string(), args.new.display().to_string());
    let options = Options { settings: settings(&args.decision, &base)?, labels, ..Options::default() };
    let mut comparison = compare::compare(&base, &new, &options);
    compare::hold_to_verdict(&mut comparison.decision, &new);
    files.write(&|format, view| match format {
        format if OF_A_REPORT.contains(&format) => render::render(&decided(&new, &comparison, args), format, view),
        Format::Html => Ok(html_comparison(&base, &[(&new, &comparison)], args.decision.extent()).into_bytes()),
        _ => comparison::gate(&comparison, format, view),
    })?;
    if comparison.decision.outcome != GateOutcome::Pass {
        let hint = format!("note: every number: queue-load compare {} {}", options.labels.0, options.labels.1);
        stdio::note(&hint);
    }
    Ok(comparison.decision.outcome.into())
}
