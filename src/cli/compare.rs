//! `compare`: what changed between saved reports.

use super::args::{CompareArgs, DecisionArgs};
use super::colour::When;
use super::error::CliError;
use super::exit::Exit;
use super::{show, stdio};
use crate::compare::{self, Comparison, Options, Settings};
use crate::render::{Format, RenderError, View, comparison, html_comparison};
use crate::report::{self, Kept, Report};
use crate::scenario::files::unreadable_names;
use crate::scenario::{Axis, Catalog, Diagnostic, Diagnostics, Problem, QueueSpec, Selector, Strategy, axes};
use crate::session::SessionError;
use crate::units::Ratio;
use crate::untrusted::Untrusted;
use crate::worker::Queues;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Compares the first report with each of the others; a single one with itself, across an axis.
pub fn compare(args: &CompareArgs, queues: &Queues) -> Result<Exit, CliError> {
    let files = Files::of(&args.decision, &[])?;
    let mut options = options(args)?;
    let reports = read(named(&args.reports)?, queues, files.needed(&[]))?;
    options.filter = filter(&args.filters, &reports)?;
    if let Some(axis) = args.across.as_deref().and_then(axes::find) {
        differs(axis, &options.filter, &reports)?;
    }
    let Some(((base_label, base), news)) = reports.split_first() else {
        return Err(usage("REPORT", Problem::new("no report", "name a baseline and a report")));
    };
    let against = |label: &str, new: &Report| {
        let settings = settings(&args.decision, base)?;
        let labels = (base_label.clone(), label.to_owned());
        Ok(compare::compare(base, new, &Options { settings, labels, ..options.clone() }))
    };
    let comparisons: Result<Vec<Comparison>, CliError> = match news {
        [] if args.across.is_some() => against(base_label, base).map(|one| vec![one]),
        [] => {
            let fix = "name a second one, or an axis with --across";
            Err(usage("REPORT", Problem::new("a report cannot be compared with itself", fix)))
        }
        _ => news.iter().map(|(label, new)| against(label, new)).collect(),
    };
    let comparisons = comparisons?;
    let of = |index: usize| news.get(index).map_or(base, |(_, new)| new);
    let sides: Vec<(&Report, &Comparison)> = comparisons.iter().enumerate().map(|(at, one)| (of(at), one)).collect();
    files.write(&|format, view| match format {
        // A page draws the distributions, and a comparison has none, so it needs the reports.
        Format::Html => Ok(html_comparison(base, &sides, args.decision.extent()).into_bytes()),
        _ => comparison::comparison(&comparisons, format, view),
    })?;
    Ok(Exit::Pass)
}

/// Reads all reports in parallel: for large ones, reading is most of the work.
pub(super) fn read(
    named: Vec<(String, PathBuf)>,
    queues: &Queues,
    kept: Kept,
) -> Result<Vec<(String, Report)>, CliError> {
    const AT_ONCE: usize = 4;
    let mut reports = Vec::with_capacity(named.len());
    for some in named.chunks(AT_ONCE) {
        let read: Vec<Result<Report, CliError>> = std::thread::scope(|scope| {
            let readers: Vec<_> =
                some.iter().map(|(_, path)| scope.spawn(|| show::read_any(path, queues, kept))).collect();
            readers.into_iter().map(|reader| reader.join().expect("reading a report does not panic")).collect()
        });
        for ((label, _), report) in some.iter().zip(read) {
            reports.push((label.clone(), report?));
        }
    }
    Ok(reports)
}

/// An error in the arguments.
pub(super) fn usage(key: &str, problem: Problem) -> CliError {
    Diagnostics::from(Diagnostic::of("command line", key, problem)).into()
}

/// The settings from the command line; where it has none, those of the baseline's scenarios.
pub(super) fn settings(args: &DecisionArgs, base: &Report) -> Result<Settings, CliError> {
    let defaults = Settings { allowances: args.allowances.allowances(), ..Settings::of(base) };
    let share = |key: &str, ratio: Option<Ratio>, most: u8, default: f64| match ratio {
        None => Ok(default),
        Some(ratio) if ratio.ppm() > 0 && ratio <= Ratio::from_percent(most) => Ok(f64::from(ratio.ppm()) / 1e6),
        Some(ratio) => {
            let fix = format!("write more than 0% and at most {most}%");
            Err(usage(key, Problem::new(format!("{ratio} is out of range"), fix)))
        }
    };
    Ok(Settings {
        alpha: share("--alpha", args.alpha, 20, defaults.alpha)?,
        min_effect: share("--min-effect", args.min_effect, 100, defaults.min_effect)?,
        ignore_below_ns: args.ignore_below.map(|time| time.0 as f64).or(defaults.ignore_below_ns),
        ..defaults
    })
}

fn options(args: &CompareArgs) -> Result<Options, CliError> {
    for (key, names) in [("--ignore", &args.ignore), ("--across", &args.across.iter().cloned().collect())] {
        for name in names {
            axes::find(name).ok_or_else(|| usage(key, Problem::unknown("axis", name, axes::names())))?;
        }
    }
    for name in &args.metrics {
        let known = compare::metric_names().any(|metric| metric == name || metric.split('.').next() == Some(name));
        if !known {
            return Err(usage("--metric", Problem::unknown("metric", name, compare::metric_names())));
        }
    }
    Ok(Options {
        ignore: args.ignore.clone(),
        across: args.across.clone(),
        metrics: args.metrics.clone(),
        ..Options::default()
    })
}

/// Whether an axis has several values that can be compared with each other.
fn differs(axis: &Axis, filter: &Selector, reports: &[(String, Report)]) -> Result<(), CliError> {
    let cases = reports.iter().flat_map(|(_, report)| &report.cases).filter(|case| filter.matches(&case.parameters));
    let values: BTreeSet<Untrusted> = cases.map(|case| axis.get(&case.parameters).text()).collect();
    match values.into_iter().collect::<Vec<_>>().as_slice() {
        [one] => {
            let message =
                format!("every case has {}={}: there is nothing to compare across it", axis.name, one.terminal(100));
            Err(usage("--across", Problem::new(message, "name an axis of which the reports have several values")))
        }
        _ => Ok(()),
    }
}

/// The filter. It may name any queue that a report has.
fn filter(filters: &[String], reports: &[(String, Report)]) -> Result<Selector, CliError> {
    let cases = reports.iter().flat_map(|(_, report)| &report.cases);
    let names: BTreeSet<&str> = cases.map(|case| case.parameters.queue.as_given()).collect();
    let catalog = Catalog::new(names.into_iter().map(|name| QueueSpec::new(name, Strategy::ALL.to_vec())));
    Ok(Selector::from_filters(filters, &catalog)?)
}

/// The label and the path of each report on the command line. A glob becomes the files that it matches.
pub(super) fn named(given: &[String]) -> Result<Vec<(String, PathBuf)>, CliError> {
    let mut all = Vec::new();
    for text in given {
        let (label, pattern) = match text.split_once('=') {
            Some((label, file)) if !Path::new(text).exists() && !label.is_empty() => (Some(label), file),
            _ => (None, text.as_str()),
        };
        let paths = matching(pattern)?;
        for path in &paths {
            let label = match (label, paths.len()) {
                (Some(label), 1) => label.to_owned(),
                (Some(label), _) => format!("{label} {}", path.display()),
                (None, _) => path.display().to_string(),
            };
            all.push((label, path.clone()));
        }
    }
    Ok(all)
}

/// The files that a name or a glob stands for, in alphabetical order.
fn matching(pattern: &str) -> Result<Vec<PathBuf>, CliError> {
    if Path::new(pattern).exists() || !pattern.contains(['*', '?', '[']) {
        return Ok(vec![PathBuf::from(pattern)]);
    }
    let refuse = |problem: String| CliError::from(SessionError::NoReport { path: PathBuf::from(pattern), problem });
    let found = glob::glob(pattern).map_err(|error| refuse(format!("not a pattern: {error}")))?;
    if let Some(name) = unreadable_names(pattern).pop() {
        let problem = "a name that is not UTF-8; rename it".to_owned();
        return Err(SessionError::NoReport { path: PathBuf::from(name), problem }.into());
    }
    let paths: Vec<PathBuf> = found.flatten().filter(|path| path.is_file()).collect();
    if paths.is_empty() { Err(refuse("no file matches".into())) } else { Ok(paths) }
}

/// Where a result goes: to stdout in one format, and to files in the formats of their endings.
pub(super) struct Files<'a> {
    format: Format,
    files: Vec<(&'a Path, Format)>,
    color: When,
}

impl<'a> Files<'a> {
    /// Checks the endings before any report is read. `more` are formats that are allowed besides those of a comparison.
    pub(super) fn of(args: &'a DecisionArgs, more: &[Format]) -> Result<Self, CliError> {
        let shown = |format: Format| if more.contains(&format) { Ok(()) } else { shown(format) };
        let known = |path: &'a PathBuf| {
            let refuse = |problem: String| CliError::Output { path: path.clone(), problem };
            let format = Format::of_path(path).map_err(|error| refuse(error.to_string()))?;
            shown(format).map_err(|error| refuse(error.to_string()))?;
            Ok((path.as_path(), format))
        };
        shown(args.format).map_err(|error| usage("--format", Problem::new(error.to_string(), "")))?;
        let files: Vec<(&Path, Format)> = args.output.iter().map(known).collect::<Result<_, CliError>>()?;
        if args.full && args.format != Format::Html && files.iter().all(|(_, format)| *format != Format::Html) {
            let fix = "add --output FILE.html, or leave it out: every other format has all cases";
            return Err(usage("--full", Problem::new("there is no page that it could be about", fix)));
        }
        Ok(Self { format: args.format, files, color: args.color })
    }

    /// What these formats need of a report; those in `whole` need everything.
    pub(super) fn needed(&self, whole: &[Format]) -> Kept {
        let formats = || self.files.iter().map(|(_, format)| *format).chain([self.format]);
        if formats().any(|format| whole.contains(&format)) {
            Kept::Everything
        } else if formats().any(|format| format == Format::Html) {
            Kept::Drawn
        } else {
            Kept::Compared
        }
    }

    /// Writes the files, then stdout, unless one of the files has the format of stdout.
    pub(super) fn write(&self, render: &dyn Fn(Format, View) -> Result<Vec<u8>, RenderError>) -> Result<(), CliError> {
        let internal = |error: RenderError| CliError::Internal(error.to_string());
        for (path, format) in &self.files {
            report::write_bytes(&render(*format, View::FILE).map_err(internal)?, path)?;
        }
        if self.files.iter().any(|(_, format)| *format == self.format) {
            return Ok(());
        }
        stdio::result(&render(self.format, stdio::view(self.color)).map_err(internal)?)
    }
}

fn shown(format: Format) -> Result<(), RenderError> {
    match comparison::COMPARISON_FORMATS.contains(&format) {
        true => Ok(()),
        false => Err(RenderError::NotAComparison { format }),
    }
}
