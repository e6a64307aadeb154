//! `queues`: what can be put under load, and what would have to be built in first.

use super::args::QueuesArgs;
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use super::stdio::plain_table;
use crate::adapter::{About, OutcomeSource, Strategy, catalogue};
use crate::render::Format;
use crate::worker::Queues;
use serde::Serialize;

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    version: &'a str,
    strategies: &'a [Strategy],
    outcome_source: OutcomeSource,
    shutdown_delivers: bool,
    /// The cargo feature that builds it in; null where it is always there.
    feature: Option<&'a str>,
    built_in: bool,
}

/// Lists the queues.
pub fn queues(args: &QueuesArgs, queues: &Queues) -> Result<Exit, CliError> {
    let built = queues.abouts().map(|about| listed(about, true));
    let not_built = queues.not_built().map(|optional| listed(&optional.about, false));
    let all: Vec<Listed<'_>> = built.chain(not_built).collect();
    match args.format {
        Format::Json => {
            let json = serde_json::to_vec_pretty(&all).map_err(|error| CliError::Internal(error.to_string()))?;
            stdio::result(&[json, b"\n".to_vec()].concat())?;
        }
        Format::Table => stdio::result(table(&all).as_bytes())?,
    }
    Ok(Exit::Pass)
}

fn listed(about: &About, built_in: bool) -> Listed<'_> {
    Listed {
        name: about.name,
        version: about.version,
        strategies: about.strategies,
        outcome_source: about.outcome_source,
        shutdown_delivers: about.shutdown_delivers,
        feature: catalogue::feature_of(about.name),
        built_in,
    }
}

fn table(queues: &[Listed<'_>]) -> String {
    let mut table = plain_table();
    table.set_header(["queue", "version", "strategies", "outcome known from", "shutdown delivers", "built in"]);
    for queue in queues {
        let strategies: Vec<&str> = queue.strategies.iter().map(|strategy| strategy.name()).collect();
        let source = match queue.outcome_source {
            OutcomeSource::Call => "the call",
            OutcomeSource::Counter => "its counter",
            OutcomeSource::Delivery => "what arrives",
        };
        let built = match (queue.built_in, queue.feature) {
            (true, None) => "yes".to_owned(),
            (true, Some(feature)) => format!("yes (feature {feature})"),
            (false, feature) => format!("no: --features {}", feature.unwrap_or(queue.name)),
        };
        let delivers = if queue.shutdown_delivers { "yes" } else { "no" };
        table.add_row([queue.name, queue.version, &strategies.join(", "), source, delivers, &built]);
    }
    format!("{}\n", table.trim_fmt())
}
