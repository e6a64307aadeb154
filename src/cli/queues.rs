//! `queues`: the queues that can be put under load, and those that need a cargo feature first.

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
    keeps_maxsize: bool,
    shutdown_delivers: bool,
    /// The cargo feature that builds it in; null if it is always there.
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
        _ => stdio::result(table(&all).as_bytes())?,
    }
    Ok(Exit::Pass)
}

fn listed(about: &About, built_in: bool) -> Listed<'_> {
    Listed {
        name: about.name,
        version: about.version,
        strategies: about.strategies,
        outcome_source: about.outcome_source,
        keeps_maxsize: about.keeps_maxsize,
        shutdown_delivers: about.shutdown_delivers,
        feature: catalogue::feature_of(about.name),
        built_in,
    }
}

fn table(queues: &[Listed<'_>]) -> String {
    let mut table = plain_table();
    let headings =
        ["queue", "version", "strategies", "outcome\nknown from", "shutdown\ndelivers", "cargo\nfeature", "built\nin"];
    table.set_header(headings);
    for queue in queues {
        let strategies: Vec<&str> = queue.strategies.iter().map(|strategy| strategy.name()).collect();
        let source = match queue.outcome_source {
            OutcomeSource::Call => "the call",
            OutcomeSource::Counter => "its counter",
            OutcomeSource::Delivery => "what arrives",
        };
        let said = |holds: bool| if holds { "yes" } else { "no" };
        let delivers = said(queue.shutdown_delivers);
        let feature = queue.feature.unwrap_or("–");
        let strategies = strategies.join(", ");
        table.add_row([queue.name, queue.version, &strategies, source, delivers, feature, said(queue.built_in)]);
    }
    let missing: Vec<&str> = queues.iter().filter(|queue| !queue.built_in).filter_map(|queue| queue.feature).collect();
    let how = match missing.as_slice() {
        [] => String::new(),
        features => format!("\nto build in what is not: cargo build --release --features {}\n", features.join(",")),
    };
    let loose: Vec<&str> = queues.iter().filter(|queue| !queue.keeps_maxsize).map(|queue| queue.name).collect();
    let bound = match loose.as_slice() {
        [] => String::new(),
        names => format!("\nwithout regard to maxsize: {}\n", names.join(", ")),
    };
    format!("{}\n{bound}{how}", table.trim_fmt())
}
