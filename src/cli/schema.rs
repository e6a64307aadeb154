//! `schema`: the JSON schema of a report or of a scenario, as this build knows it.

use super::args::{SchemaArgs, SchemaOf};
use super::error::CliError;
use super::exit::Exit;
use super::stdio;

/// `just schema` derives it from the model; a test compares the two.
const REPORT: &str = include_str!("../../docs/report.schema.json");
pub(super) const SCENARIO: &str = include_str!("../../docs/scenario.schema.json");

/// Prints the schema.
pub fn schema(args: &SchemaArgs) -> Result<Exit, CliError> {
    let schema = match args.of {
        SchemaOf::Report => REPORT,
        SchemaOf::Scenario => SCENARIO,
    };
    stdio::result(schema.as_bytes())?;
    Ok(Exit::Pass)
}
