//! `bisect`: which of several builds is the first that is worse than a good one.

use super::args::BisectArgs;
use super::error::CliError;
use super::exit::Exit;
use super::run::{self, Onlooker};
use super::stdio;
use crate::render::Format;
use crate::session::{Allowances, BisectOutcome, Bisected, Bisection, Request, Selection};
use crate::units::human;
use crate::worker::Queues;
use std::path::PathBuf;

/// Bisects builds.
pub fn bisect(args: &BisectArgs, queues: &Queues) -> Result<Exit, CliError> {
    let interrupt = run::interrupt_on_signal()?;
    let onlooker = Onlooker::new(args.quiet, args.color);
    let request = Request {
        selection: Selection {
            scenarios: vec![args.scenario.clone()],
            filters: args.filters.clone(),
            overrides: args.overrides.clone(),
            partition: None,
        },
        confirm: args.confirm,
        insist: args.insist,
        // The good build may fail its target as well.
        allowances: Allowances { known_failures: true, ..Allowances::default() },
        ..Request::default()
    };
    let bisection = Bisection { request: &request, queues, observer: &onlooker, interrupt: &interrupt };
    let builds: Vec<PathBuf> = args.builds.iter().chain([&args.bad]).cloned().collect();
    let bisected = bisection.run(&args.good, &builds)?;
    let bytes = match args.format {
        Format::Json => {
            let json = serde_json::to_vec_pretty(&bisected).map_err(|error| CliError::Internal(error.to_string()))?;
            [json, b"\n".to_vec()].concat()
        }
        _ => text(&bisected).into_bytes(),
    };
    stdio::result(&bytes)?;
    Ok(match bisected.outcome {
        BisectOutcome::Found => Exit::Pass,
        BisectOutcome::NothingToFind | BisectOutcome::Undecided => Exit::Invalid,
        BisectOutcome::Interrupted => Exit::Interrupted,
    })
}

/// The result in one line, and what it rests on.
fn text(bisected: &Bisected) -> String {
    let Bisected { outcome, last_good, first_bad, steps } = bisected;
    let bad =
        first_bad.as_ref().map_or_else(String::new, |bad| format!("; the first known to be bad: {}", bad.display()));
    let line = match outcome {
        BisectOutcome::Found => {
            let bad = first_bad.as_ref().map(|bad| bad.display().to_string()).unwrap_or_default();
            format!("first bad: {bad} (the last good one: {})", last_good.display())
        }
        BisectOutcome::NothingToFind => "nothing to find: the bad build is no worse than the good one".to_owned(),
        BisectOutcome::Undecided => {
            format!(
                "undecided: a comparison told nothing twice; the last known to be good: {}{bad}",
                last_good.display()
            )
        }
        BisectOutcome::Interrupted => format!("interrupted; the last known to be good: {}{bad}", last_good.display()),
    };
    let mut out = crate::untrusted::Untrusted::from(line).terminal(10_000);
    if let (Some(last), BisectOutcome::Undecided | BisectOutcome::NothingToFind) = (steps.last(), outcome) {
        out.push_str(&format!("\n{}", last.reason.terminal(1_000)));
    }
    out + &format!("\n{}\n", human::counted(steps.len() as u64, "comparison"))
}
