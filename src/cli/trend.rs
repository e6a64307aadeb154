//! `trend`: how a metric developed in a history, and where it changed.

use super::args::TrendArgs;
use super::compare::usage;
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use crate::compare::metric_names;
use crate::history::{self, Options};
use crate::render::{Format, RenderError, View, trend as view};
use crate::report;
use crate::scenario::Problem;

/// Shows the trend of a metric.
pub fn trend(args: &TrendArgs) -> Result<Exit, CliError> {
    let shown = |format: Format| match view::TREND_FORMATS.contains(&format) {
        true => Ok(format),
        false => Err(RenderError::NotATrend { format }),
    };

    let refuse = |option: &str, error: RenderError| usage(option, Problem::new(error.to_string(), ""));
    let format = shown(args.format).map_err(|error| refuse("--format", error))?;
    let file = |path: &std::path::PathBuf| {
        let problem = |problem: String| CliError::Output { path: path.clone(), problem };
        let format = Format::of_path(path).map_err(|error| problem(error.to_string()))?;
        shown(format).map(|format| (path.clone(), format)).map_err(|error| problem(error.to_string()))
    };
    let files: Vec<_> = args.output.iter().map(file).collect::<Result<_, CliError>>()?;
    if !metric_names().any(|name| name == args.metric) {
        return Err(usage("--metric", Problem::unknown("metric", &args.metric, metric_names())));
    }
    let read = history::read(&args.history)?;
    if let Some(line) = read.torn_line {
        stdio::note(&format!("note: line {line} was cut short and is left out"));
    }
    let options = Options { metric: args.metric.clone(), alpha: args.alpha.as_f64() };
    let Some(trend) = history::trend(&read.entries, &options) else {
        return Err(CliError::Internal(format!("no metric {}", args.metric)));
    };
    for (path, format) in files {
        report::write_bytes(&view::trend(&trend, format, View::FILE)?, &path)?;
    }
    stdio::result(&view::trend(&trend, format, stdio::view(args.color))?)?;
    Ok(Exit::Pass)
}
