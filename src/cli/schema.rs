//! `schema`: the JSON schema of what is written or read, as this build knows it.

use super::args::{SchemaArgs, SchemaOf};
use super::error::CliError;
use super::exit::Exit;
use super::stdio;

/// Made of the model by `just schema`; a test keeps them the same.
const REPORT: &str = include_str!("../../docs/report.schema.json");
const SCENARIO: &str = include_str!("../../docs/scenario.schema.json");

/// Prints it.
pub fn schema(args: &SchemaArgs) -> Result<Exit, CliError> {
    let schema = match args.of {
        SchemaOf::Report => REPORT,
        SchemaOf::Scenario => SCENARIO,
    };
    stdio::result(schema.as_bytes())?;
    Ok(Exit::Pass)
}
