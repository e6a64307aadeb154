//! `queues`: what can be put under load.

use super::args::QueuesArgs;
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use super::stdio::plain_table;
use crate::adapter::About;
use crate::measure::OutcomeSource;
use crate::render::Format;
use crate::scenario::Strategy;
use crate::worker::Queues;
use serde::Serialize;

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    version: &'a str,
    strategies: &'a [Strategy],
    outcome_source: OutcomeSource,
    shutdown_delivers: bool,
}

/// Lists the queues.
pub fn queues(args: &QueuesArgs, queues: &Queues) -> Result<Exit, CliError> {
    match args.format {
        Format::Json => {
            let listed: Vec<_> = queues.abouts().map(listed).collect();
            let json = serde_json::to_vec_pretty(&listed).map_err(|error| CliError::Internal(error.to_string()))?;
            stdio::result(&[json, b"\n".to_vec()].concat())?;
        }
        _ => stdio::result(table(queues.abouts()).as_bytes())?,
    }
    Ok(Exit::Pass)
}

fn listed(about: &About) -> Listed<'_> {
    Listed {
        name: about.name,
        version: about.version,
        strategies: about.strategies,
        outcome_source: about.outcome_source,
        shutdown_delivers: about.shutdown_delivers,
    }
}

fn table<'a>(abouts: impl Iterator<Item = &'a About>) -> String {
    let mut table = plain_table();
    table.set_header(["queue", "version", "strategies", "outcome known from", "shutdown delivers"]);
    for about in abouts {
        let strategies: Vec<String> = about.strategies.iter().map(Strategy::to_string).collect();
        let source = match about.outcome_source {
            OutcomeSource::Call => "the call",
            OutcomeSource::Counter => "its counter",
            OutcomeSource::Delivery => "what arrives",
        };
        let delivers = if about.shutdown_delivers { "yes" } else { "no" };
        table.add_row([about.name, about.version, &strategies.join(", "), source, delivers]);
    }
    format!("{}\n", table.trim_fmt())
}
