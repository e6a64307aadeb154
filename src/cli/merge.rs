//! `merge`: the reports on the parts of a plan, put together.

use super::args::MergeArgs;
use super::error::CliError;
use super::exit::Exit;
use super::outputs::Outputs;
use super::{compare, run};
use crate::report::{self, Kept};
use crate::worker::Queues;

/// Merges reports, and shows the whole.
pub fn merge(args: &MergeArgs, queues: &Queues) -> Result<Exit, CliError> {
    let outputs = Outputs::of(&args.outputs, None)?;
    let shards = compare::read(compare::named(&args.shards)?, queues, Kept::Everything)?;
    let report = report::merge(shards, args.partial)?;
    run::show(&report, args.format, args.color, false)?;
    outputs.write_all(&report)?;
    Ok(report.verdict.exit.into())
}
