//! `find-max`: a session that searches; then the table, the files, the exit code.

use super::args::FindMaxArgs;
use super::error::CliError;
use super::exit::Exit;
use super::outputs::{self, Outputs};
use super::run::{self, Onlooker};
use super::stdio;
use crate::render::{self, Format};
use crate::session::{Against, Concluded, Request, SearchSettings, Session};
use crate::worker::Queues;

/// Searches for the highest rate of each case.
pub fn find_max(args: &FindMaxArgs, queues: &Queues) -> Result<Exit, CliError> {
    // From here on there may be something to tidy up.
    let interrupt = run::interrupt_on_signal()?;
    let outputs = Outputs::of(&args.output.outputs, None)?;
    outputs::may_explain(args.output.explain, args.output.format)?;
    let workers = run::workers()?;
    let onlooker = Onlooker::of(&args.output);
    let request = request(args, &outputs);
    let session = Session { request: &request, queues, workers: &workers, observer: &onlooker, interrupt: &interrupt };
    let Concluded { report, failure, .. } = session.run()?;
    run::show(&report, args.output.format, args.output.color, args.output.explain)?;
    if let (Some(line), false) = (render::gate_sentence(&report), args.output.format == Format::Table) {
        stdio::note(&line);
    }
    let written = outputs.write_others(&report);
    failure.map_or(Ok(()), |error| Err(error.into())).and(written)?;
    Ok(report.verdict.exit.into())
}

fn request(args: &FindMaxArgs, outputs: &Outputs) -> Request {
    Request {
        selection: args.scenarios.selection(),
        against: args.baseline.clone().map_or(Against::Nothing, Against::Baseline),
        allowances: args.allowances.allowances(),
        max_fall: args.max_fall,
        save_baseline: args.save_baseline.clone(),
        reports_directory: args.output.reports_dir.clone(),
        place: run::place(outputs),
        resume: args.output.resume(),
        search: Some(SearchSettings { precision: args.precision, most_runs: args.max_runs, curve: !args.no_curve }),
        ..Request::default()
    }
}
