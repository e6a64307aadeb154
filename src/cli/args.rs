//! The arguments. Every axis and every setting of `[run]` has an option of its own name that replaces it.

use super::colour::When;
use super::exit;
use super::run::GatingArgs;
use crate::render::Format;
use crate::scenario::{Override, overridable};
use crate::session::{Allowances, Selection};
use crate::units::{Nanos, Ratio};
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::path::PathBuf;

/// Puts a logging queue under load and says whether it keeps its promise.
#[derive(Debug, Parser)]
#[command(name = "queue-load", version, max_term_width = 100, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run scenarios, print a table, save a report; the exit code is the verdict
    Run(RunArgs),
    /// Say what a run would do, and how long it would take
    List(ListArgs),
    /// Check scenario files
    Validate(ValidateArgs),
    /// Show a saved report, or what the journal of a broken run holds
    Show(ShowArgs),
    /// Hold saved reports against each other, and say what changed; exits 0
    Compare(CompareArgs),
    /// Decide whether a report may replace a baseline; the exit code is the decision
    Gate(GateArgs),
    /// Say which queues can be put under load
    Queues(QueuesArgs),
    /// Prove the instrument: measure queues whose truth is known; takes under a minute
    Selftest(SelftestArgs),
}

/// Scenarios, and which of their cases.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// Scenario files; globs such as 'scenarios/*.toml' too
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<String>,
    /// Keep only the cases whose axis has one of these values, as in strategy=drop,block; may be given again
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<String>,
    /// Axes and settings that the command line replaces.
    #[arg(skip)]
    pub overrides: Vec<Override>,
}

impl ScenarioArgs {
    /// The same as a session takes it.
    pub fn selection(&self) -> Selection {
        Selection {
            scenarios: self.scenarios.clone(),
            filters: self.filters.clone(),
            overrides: self.overrides.clone(),
        }
    }
}

/// `run`
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub scenarios: ScenarioArgs,
    #[command(flatten)]
    pub gating: GatingArgs,
    /// What stdout carries: table, json, markdown, csv, html, junit, github or hdr
    #[arg(long, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    pub format: Format,
    /// Write here too, in the format of the ending: .json (the report itself, which then has no name of its own in the
    /// reports directory), .html, .md, .csv, .xml (JUnit), .hlog (HdrHistogram), .txt; may be given again
    #[arg(long = "output", value_name = "FILE", help_heading = "Output")]
    pub outputs: Vec<PathBuf>,
    /// Say below the table what each column means, and what to do about a bad one
    #[arg(long, help_heading = "Output")]
    pub explain: bool,
    /// Where reports are saved
    #[arg(long, value_name = "DIR", default_value = "reports", help_heading = "Output")]
    pub reports_dir: PathBuf,
    /// No progress, no notes
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
    /// Whether marks have colour: auto, always or never; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t, help_heading = "Output")]
    pub color: When,
}

/// `list`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub scenarios: ScenarioArgs,
    /// What stdout carries: table or json
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = table_or_json)]
    pub format: Format,
}

/// `validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Scenario files; globs such as 'scenarios/*.toml' too
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<String>,
}

/// `show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A report (.json), the journal of a run that was cut short (.journal), or `latest`
    #[arg(value_name = "REPORT")]
    pub report: PathBuf,
    /// In which format: table, json, markdown, csv, html, junit, github or hdr
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write here instead of to stdout, in the format of the ending: .json, .html, .md, .csv, .xml (JUnit), .hlog
    /// (HdrHistogram), .txt; may be given again
    #[arg(long = "output", value_name = "FILE")]
    pub outputs: Vec<PathBuf>,
    /// Show one case in full; so many of its `axis=value` pairs as no other case has are enough
    #[arg(long = "case", value_name = "ID")]
    pub case_id: Option<String>,
    /// Whether marks have colour: auto, always or never; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub color: When,
    /// Say below the table what each column means, and what to do about a bad one
    #[arg(long)]
    pub explain: bool,
    /// Where `latest` looks
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports_dir: PathBuf,
}

/// What a gate lets pass because the user says so. Each names what it let pass.
#[derive(Debug, Args)]
pub struct AllowanceArgs {
    /// Accept a baseline of another machine or build profile
    #[arg(long)]
    pub allow_cross_machine: bool,
    /// Accept that cases of the baseline are missing
    #[arg(long)]
    pub allow_removed: bool,
    /// Accept checks and targets that are gone or ask for less than the baseline's
    #[arg(long)]
    pub allow_changed_checks: bool,
    /// Accept cases that fail, if they failed in the baseline by the same checks
    #[arg(long)]
    pub allow_known_failures: bool,
}

impl AllowanceArgs {
    /// The same as a session takes it.
    pub fn allowances(&self) -> Allowances {
        Allowances {
            cross_machine: self.allow_cross_machine,
            removed: self.allow_removed,
            changed_checks: self.allow_changed_checks,
            known_failures: self.allow_known_failures,
        }
    }
}

/// What a gate asks for, and a comparison as well.
#[derive(Debug, Args)]
pub struct DecisionArgs {
    /// Smallest change that counts, as in 10% [default: as the scenarios of BASE say, else 10%]
    #[arg(long, value_name = "SHARE")]
    pub min_effect: Option<Ratio>,
    /// Chance of any false alarm over all tests, as in 1% [default: as the scenarios of BASE say, else 1%]
    #[arg(long, value_name = "SHARE")]
    pub alpha: Option<Ratio>,
    /// Slow-down of `enqueue` that nobody would notice, as in 1us [default: as the scenarios of BASE say, else 1% of the
    /// target's latency]
    #[arg(long, value_name = "TIME")]
    pub ignore_below: Option<Nanos>,
    #[command(flatten)]
    pub allowances: AllowanceArgs,
    /// What stdout carries: table, json, markdown, html or github
    #[arg(long, value_name = "FORMAT", default_value_t)]
    pub format: Format,
    /// Write this file as well, or instead if it takes what --format names; its ending says in which format (.json, .html,
    /// .md, .txt); may be given again
    #[arg(long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
}

/// `compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The baseline, then one report or more to hold against it: files, journals, globs, LABEL=FILE; a single one with
    /// --across
    #[arg(required = true, value_name = "REPORT")]
    pub reports: Vec<String>,
    /// Cases that differ in this axis alone belong together; may be given again
    #[arg(long, value_name = "AXIS")]
    pub ignore: Vec<String>,
    /// Hold the other values of this axis against its first, within a report or between two
    #[arg(long, value_name = "AXIS")]
    pub across: Option<String>,
    /// Show these metrics, as in enqueue.p99 or response; may be given again
    #[arg(long = "metric", value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// Keep only the cases whose axis has one of these values, as in strategy=drop,block; may be given again
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<String>,
    #[command(flatten)]
    pub decision: DecisionArgs,
}

/// `gate`
#[derive(Debug, Args)]
pub struct GateArgs {
    /// The baseline: a saved report
    #[arg(value_name = "BASE")]
    pub base: PathBuf,
    /// The report to be decided on
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    #[command(flatten)]
    pub decision: DecisionArgs,
}

/// `queues`
#[derive(Debug, Args)]
pub struct QueuesArgs {
    /// What stdout carries: table or json
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = table_or_json)]
    pub format: Format,
}

/// `selftest`
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// What stdout carries: table or json
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = table_or_json)]
    pub format: Format,
    /// No progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// The formats of what is not a report.
fn table_or_json(text: &str) -> Result<Format, String> {
    let format: Format = text.parse().map_err(|_| "write table or json".to_owned())?;
    match format {
        Format::Table | Format::Json => Ok(format),
        _ => Err(format!("{format} is for reports; write table or json")),
    }
}

/// Reads the command line of this process.
///
/// # Errors
/// Wrong usage; also `--help` and `--version`, as clap has them.
pub fn parse() -> Result<Verb, clap::Error> {
    from(std::env::args_os())
}

fn from(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Verb, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(args)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    if let Some((_, matches)) = matches.subcommand() {
        match &mut cli.verb {
            Verb::Run(RunArgs { scenarios, gating, .. }) => {
                scenarios.overrides = overrides(matches);
                gating.apply_to(scenarios).map_err(|problem| command.error(ErrorKind::ArgumentConflict, problem))?;
            }
            Verb::List(ListArgs { scenarios, .. }) => scenarios.overrides = overrides(matches),
            Verb::Validate(_)
            | Verb::Show(_)
            | Verb::Compare(_)
            | Verb::Gate(_)
            | Verb::Queues(_)
            | Verb::Selftest(_) => {}
        }
    }
    Ok(cli.verb)
}

/// The command line with the options that come from the tables of axes and settings.
fn command() -> Command {
    let with_overrides = |command: Command| {
        overridable().fold(command, |command, (key, summary)| {
            let option = Arg::new(key).long(key.replace('_', "-")).value_name("VALUES").help(summary);
            command
                .arg(option.help_heading("Instead of the scenario's own (values with commas between; LOAD_TEST_… too)"))
        })
    };
    Cli::command().mut_subcommand("run", with_overrides).mut_subcommand("list", with_overrides)
}

fn overrides(matches: &ArgMatches) -> Vec<Override> {
    let given = |(key, _): (&'static str, _)| Some(Override::from_command_line(key, matches.get_one::<String>(key)?));
    overridable().filter_map(given).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Verb, clap::Error> {
        from(line.split(' ').map(Into::into))
    }

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn axes_and_settings_have_options() {
        let Ok(Verb::Run(run)) = parse("queue-load run a.toml --concurrency 1,10 --total-rate 10k/s --warmup 1s")
        else {
            panic!("the line is right")
        };
        let texts: Vec<_> =
            run.scenarios.overrides.iter().map(|given| (given.key.as_str(), given.text.as_str())).collect();
        assert_eq!(texts, [("concurrency", "1,10"), ("total_rate", "10k/s"), ("warmup", "1s")]);
        assert_eq!((run.scenarios.scenarios, run.format), (vec!["a.toml".to_owned()], Format::Table));
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            "queue-load",
            "queue-load run",
            "queue-load run a.toml --nope 1",
            "queue-load nope",
            "queue-load show",
            "queue-load run a.toml --format xml",
            "queue-load list a.toml --format csv",
            "queue-load queues --format xml",
        ] {
            assert!(parse(line).is_err_and(|error| error.use_stderr()), "{line}");
        }
    }
}
