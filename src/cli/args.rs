//! The arguments. Every axis and every setting of `[run]` has an option of the same name that overrides it.

use super::colour::When;
use super::exit;
use super::run::GatingArgs;
use crate::record::{BytesOf, LevelNumbers, Unit};
use crate::render::{Extent, Format};
use crate::report::BaselineName;
use crate::scenario::{Override, overridable};
use crate::session::{
    Allowances, DEFAULT_CONFIRMATIONS, DEFAULT_MOST_RUNS, Partition, PartitionError, SearchSettings, Selection,
};
use crate::units::{Nanos, Ratio, UnitError};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// How many reports `reports` reads.
const DEFAULT_LAST: u32 = 50;

/// Puts a logging queue under load and says whether it keeps its promise.
#[derive(Debug, Parser)]
#[command(name = "queue-load", version, max_term_width = 100, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run scenarios, print a table and save a report; the exit code is the verdict
    Run(RunArgs),
    /// Find the highest rate at which each case holds; the exit code says whether that reaches the target's throughput
    FindMax(FindMaxArgs),
    /// List what a run would do, and how long it would take
    List(ListArgs),
    /// Check scenario files, and report every error at once
    Validate(ValidateArgs),
    /// Show a saved report, or the journal of a run that did not finish
    Show(ShowArgs),
    /// Put the reports on the parts of a plan together; the exit code is the verdict on the whole
    Merge(MergeArgs),
    /// Compare saved reports and show what changed; exits 0
    Compare(CompareArgs),
    /// Show how a metric developed in a history, and where it changed; exits 0
    Trend(TrendArgs),
    /// Find the first of several builds of this program that is worse than a good one
    Bisect(BisectArgs),
    /// Decide whether a report may replace a baseline; the exit code is the decision
    Gate(GateArgs),
    /// List the queues that can be put under load
    Queues(QueuesArgs),
    /// Make a trace for [load] of logs: lines of JSON with a time
    Record(RecordArgs),
    /// Test the instrument itself: measure queues whose behaviour is known; takes under a minute
    Selftest(SelftestArgs),
    /// Print the JSON schema of a report or of a scenario file
    Schema(SchemaArgs),
    /// Write a scenario with comments, to begin with
    Init(InitArgs),
    /// List the saved reports, the newest first
    Reports(ReportsArgs),
    /// Print what lets a shell complete commands, options and values
    Completions(CompletionsArgs),
    /// Print the manual page of the program or of a verb
    Man(ManArgs),
}

/// Scenarios, and the selection of their cases.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// Scenario files, or globs such as 'scenarios/*.toml'; - is stdin
    #[arg(required = true, value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub scenarios: Vec<String>,
    /// Keep only the cases whose axis has one of these values, e.g. strategy=drop,block; repeatable
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<String>,
    /// Run only this part of the plan, on one of several machines: K/N (by the hash of the case id: a case that is added
    /// moves no other), slice:K/N (parts that take about the same time), env or slice:env (as Kubernetes Indexed Jobs,
    /// GitLab, Slurm or AWS Batch number their jobs). `merge` puts the reports together
    #[arg(long, value_name = "PART", value_parser = partition)]
    pub partition: Option<Partition>,
    /// Axes and settings that the command line overrides.
    #[arg(skip)]
    pub overrides: Vec<Override>,
}

impl ScenarioArgs {
    /// As the request of a session has them.
    pub fn selection(&self) -> Selection {
        Selection {
            scenarios: self.scenarios.clone(),
            filters: self.filters.clone(),
            overrides: self.overrides.clone(),
            partition: self.partition,
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
    #[command(flatten)]
    pub output: RunOutputArgs,
}

/// `find-max`
#[derive(Debug, Args)]
pub struct FindMaxArgs {
    #[command(flatten)]
    pub scenarios: ScenarioArgs,
    /// End a search when its interval is at most this wide; a search that is resumed keeps what it was begun with
    #[arg(long, value_name = "SHARE", default_value_t = SearchSettings::default().precision, value_parser = precision, conflicts_with = "resume")]
    pub precision: Ratio,
    /// End a search after N runs, however wide its interval is; those for the generator's own ceiling, and those with the CPUs apart, do not count
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MOST_RUNS, value_parser = clap::value_parser!(u32).range(2..=1_000), conflicts_with = "resume")]
    pub max_runs: u32,
    /// Leave out the five runs below the maximum that draw the load-latency curve
    #[arg(long, conflicts_with = "resume")]
    pub no_curve: bool,
    #[command(flatten)]
    pub output: RunOutputArgs,
    /// Save the report as a baseline of this name in the reports directory, for `gate` and --baseline
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    pub save_baseline: Option<BaselineName>,
    /// Fail if a maximum fell, compared with this report of a search: a name given to --save-baseline, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub baseline: Option<String>,
    /// How far a maximum may fall below the baseline's [default: min_effect of the baseline's scenarios, else 10%]
    #[arg(long, value_name = "SHARE", requires = "baseline", value_parser = precision)]
    pub max_fall: Option<Ratio>,
    #[command(flatten)]
    pub allowances: AllowanceArgs,
}

/// What `run` and `find-max` do with their report.
#[derive(Debug, Args)]
pub struct RunOutputArgs {
    /// Format of stdout
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&Format::ALL), help_heading = "Output")]
    pub format: Format,
    /// Also write this file, in the format of its ending: .json (the report itself, which is then not saved under
    /// another name in the reports directory), .html, .md, .csv, .xml (JUnit), .hlog (HdrHistogram), .txt; repeatable
    #[arg(long = "output", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub outputs: Vec<PathBuf>,
    /// Explain below the table what each column means, and what to do about a bad value
    #[arg(long, help_heading = "Output")]
    pub explain: bool,
    /// Continue a run that was stopped: name its journal, or the report beside it [default: the newest journal in the
    /// place of the report]. Without a SCENARIO, the arguments of that run apply. Scenario, program and machine must
    /// not have changed
    #[arg(long, value_name = "JOURNAL|REPORT", value_hint = ValueHint::FilePath, num_args = 0..=1, default_missing_value = "", help_heading = "Output")]
    pub resume: Option<OsString>,
    /// Directory in which reports are saved
    #[arg(long, value_name = "DIR", default_value = "reports", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub reports_dir: PathBuf,
    /// Append each case of a run to this history, a file (.jsonl) or a directory, for `trend`
    #[arg(long, value_name = "DIR|FILE", value_hint = ValueHint::AnyPath, help_heading = "Output")]
    pub history: Option<PathBuf>,
    /// Print no progress and no notes
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
    /// When to colour marks; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t, help_heading = "Output")]
    pub color: When,
}

/// `list`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub scenarios: ScenarioArgs,
    /// Format of stdout
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&TABLE_OR_JSON))]
    pub format: Format,
    /// When to colour marks; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub color: When,
}

/// `validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Scenario files, or globs such as 'scenarios/*.toml'; - is stdin
    #[arg(required = true, value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub scenarios: Vec<String>,
}

/// `show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A report (.json), the journal of a run that did not finish (.journal), `latest`, or - for a report from stdin
    #[arg(value_name = "REPORT", value_hint = ValueHint::FilePath)]
    pub report: PathBuf,
    /// Output format
    #[arg(long, value_name = "FORMAT", value_parser = one_of(&Format::ALL))]
    pub format: Option<Format>,
    /// Write this file instead of stdout, in the format of its ending: .json, .html, .md, .csv, .xml (JUnit), .hlog
    /// (HdrHistogram), .txt; repeatable
    #[arg(long = "output", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub outputs: Vec<PathBuf>,
    /// Show one case in full: its id, or enough of its `axis=value` pairs to tell it from the others
    #[arg(long = "case", value_name = "ID")]
    pub case_id: Option<String>,
    /// When to colour marks; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub color: When,
    /// Explain below the table what each column means, and what to do about a bad value
    #[arg(long)]
    pub explain: bool,
    /// Directory in which `latest` is looked up
    #[arg(long, value_name = "DIR", default_value = "reports", value_hint = ValueHint::DirPath)]
    pub reports_dir: PathBuf,
}

/// What a gate accepts because the user allows it. The gate reports each use.
#[derive(Debug, Args)]
pub struct AllowanceArgs {
    /// Accept a baseline from another machine or build profile
    #[arg(long)]
    pub allow_cross_machine: bool,
    /// Accept that cases of the baseline are missing
    #[arg(long)]
    pub allow_removed: bool,
    /// Accept checks and targets that are gone or less strict than the baseline's
    #[arg(long)]
    pub allow_changed_checks: bool,
    /// Accept cases that fail, if they failed the same checks in the baseline
    #[arg(long)]
    pub allow_known_failures: bool,
}

impl AllowanceArgs {
    /// As the request of a session has them.
    pub fn allowances(&self) -> Allowances {
        Allowances {
            cross_machine: self.allow_cross_machine,
            removed: self.allow_removed,
            changed_checks: self.allow_changed_checks,
            known_failures: self.allow_known_failures,
        }
    }
}

/// The settings of a decision, which `gate` and `compare` share.
#[derive(Debug, Args)]
pub struct DecisionArgs {
    /// Smallest change that counts, e.g. 10% [default: from the scenarios of BASE, else 10%]
    #[arg(long, value_name = "SHARE")]
    pub min_effect: Option<Ratio>,
    /// Family-wise error rate: probability of any false alarm over all tests, e.g. 1% [default: from the scenarios of
    /// BASE, else 1%]
    #[arg(long, value_name = "SHARE")]
    pub alpha: Option<Ratio>,
    /// Slow-down of `enqueue` that is ignored, e.g. 1us [default: from the scenarios of BASE, else 1% of the target's
    /// latency]
    #[arg(long, value_name = "TIME")]
    pub ignore_below: Option<Nanos>,
    #[command(flatten)]
    pub allowances: AllowanceArgs,
    /// Format of stdout; junit and csv, of `gate` alone, show the report with the decision
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&OF_A_DECISION))]
    pub format: Format,
    /// Also write this file, in the format of its ending (.json, .html, .md, .txt; of `gate` also .xml, .csv); if that
    /// is also the --format, stdout stays empty; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Vec<PathBuf>,
    /// Show everything about every case on the page (html), however many there are; without this, from 51 cases on,
    /// those that did not change have a line each, and the worst 50 of the others are shown in full
    #[arg(long)]
    pub full: bool,
    /// When to colour marks; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub color: When,
}

impl DecisionArgs {
    /// How much a page shows of many cases.
    pub fn extent(&self) -> Extent {
        if self.full { Extent::Full } else { Extent::Brief }
    }
}

/// `merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The reports on the parts: files, journals, globs
    #[arg(required = true, value_name = "SHARD")]
    pub shards: Vec<String>,
    /// Also write this file, in the format of its ending: .json (the merged report), .html, .md, .csv, .xml (JUnit),
    /// .hlog (HdrHistogram), .txt; repeatable
    #[arg(long = "output", value_name = "FILE")]
    pub outputs: Vec<PathBuf>,
    /// Merge what is there, although cases are missing or a part was interrupted; the report then never passes
    #[arg(long)]
    pub partial: bool,
    /// Format of stdout
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&Format::ALL))]
    pub format: Format,
    /// When to colour marks: auto, always or never; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub color: When,
}

/// `compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The baseline, then one or more reports to compare with it: files, journals, globs, LABEL=FILE; with --across,
    /// one report is enough
    #[arg(required = true, value_name = "REPORT", value_hint = ValueHint::FilePath)]
    pub reports: Vec<String>,
    /// Align cases that differ only in this axis; repeatable
    #[arg(long, value_name = "AXIS")]
    pub ignore: Vec<String>,
    /// Compare the other values of this axis with its first one, within a report or between two
    #[arg(long, value_name = "AXIS")]
    pub across: Option<String>,
    /// Show this metric, e.g. enqueue.p99 or response; repeatable
    #[arg(long = "metric", value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// Keep only the cases whose axis has one of these values, e.g. strategy=drop,block; repeatable
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<String>,
    #[command(flatten)]
    pub decision: DecisionArgs,
}

/// `trend`
#[derive(Debug, Args)]
pub struct TrendArgs {
    /// The history: the file, or the directory that it is in
    #[arg(value_name = "HISTORY", value_hint = ValueHint::AnyPath)]
    pub history: PathBuf,
    /// Show this metric of `compare`
    #[arg(long, value_name = "METRIC", default_value = crate::compare::CONFIRMATORY)]
    pub metric: String,
    /// Probability of a change point in a case that did not change, e.g. 1%
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = significance)]
    pub alpha: Ratio,
    /// Format of stdout: table, json or html
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&crate::render::trend::TREND_FORMATS))]
    pub format: Format,
    /// Also write this file, in the format of its ending: .json, .html or .txt; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Vec<PathBuf>,
    /// When to colour marks: auto, always or never; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub color: When,
}

/// `bisect`
#[derive(Debug, Args)]
pub struct BisectArgs {
    /// The scenario file that tells good builds from bad ones; a glob of several is possible
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub scenario: String,
    /// The builds between the good one and the bad one, in order
    #[arg(value_name = "BINARY", value_hint = ValueHint::FilePath)]
    pub builds: Vec<PathBuf>,
    /// Keep only the cases whose axis has one of these values, e.g. strategy=drop,block; repeatable
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<String>,
    /// Axes and settings that the command line overrides.
    #[arg(skip)]
    pub overrides: Vec<Override>,
    /// The good build
    #[arg(long, value_name = "BINARY", value_hint = ValueHint::FilePath)]
    pub good: PathBuf,
    /// The bad build, the last one in order
    #[arg(long, value_name = "BINARY", value_hint = ValueHint::FilePath)]
    pub bad: PathBuf,
    /// In each comparison, run cases again that look regressed or are inconclusive, at most N times
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CONFIRMATIONS, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub confirm: u32,
    /// Run even if there are too few repeats to prove a regression
    #[arg(long)]
    pub insist: bool,
    /// Format of stdout: table or json
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&TABLE_OR_JSON))]
    pub format: Format,
    /// Print no progress and no notes
    #[arg(long, short)]
    pub quiet: bool,
    /// When to colour marks: auto, always or never; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub color: When,
}

/// `gate`
#[derive(Debug, Args)]
pub struct GateArgs {
    /// The baseline: a saved report
    #[arg(value_name = "BASE", value_hint = ValueHint::FilePath)]
    pub base: PathBuf,
    /// The report to decide on; - is stdin
    #[arg(value_name = "NEW", value_hint = ValueHint::FilePath)]
    pub new: PathBuf,
    #[command(flatten)]
    pub decision: DecisionArgs,
}

/// `queues`
#[derive(Debug, Args)]
pub struct QueuesArgs {
    /// Format of stdout
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&TABLE_OR_JSON))]
    pub format: Format,
}

/// `record`
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Logs, one JSON object a line; - is stdin [default: stdin]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write the trace to this file; - is stdout [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Key of the time: RFC 3339 with an offset, or a number since 1970 [default: the first of timestamp, time, ts,
    /// @timestamp, t]
    #[arg(long, value_name = "KEY")]
    pub time_key: Option<String>,
    /// Unit of a time that is a number [default: by its size: s below 1e11, ms below 1e14, us below 1e17, else ns]
    #[arg(long)]
    pub unit: Option<Unit>,
    /// Key of the level [default: the first of level, severity, lvl, levelname, log.level, severity_text]
    #[arg(long, value_name = "KEY")]
    pub level_key: Option<String>,
    /// Meaning of a level that is a number
    #[arg(long, value_name = "SYSTEM", default_value = LevelNumbers::default().name())]
    pub level_numbers: LevelNumbers,
    /// Size of a log: the whole line, or the message in it
    #[arg(long, value_name = "OF", default_value = BytesOf::default().name())]
    pub bytes: BytesOf,
    /// Key of the message, for --bytes message [default: the first of message, msg, body, event]
    #[arg(long, value_name = "KEY")]
    pub message_key: Option<String>,
    /// Share of the lines that may be no JSON or have no time; they are left out
    #[arg(long, value_name = "SHARE", default_value_t = Ratio::from_percent(1))]
    pub tolerate: Ratio,
    /// Say nothing about the logs
    #[arg(long, short)]
    pub quiet: bool,
}

/// `selftest`
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Format of stdout
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&TABLE_OR_JSON))]
    pub format: Format,
    /// Print no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// `schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which schema
    #[arg(value_name = "OF")]
    pub of: SchemaOf,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A saved report with this build's schema version, whichever build wrote it
    Report,
    /// A scenario file, for editors; `validate` checks what a schema cannot
    Scenario,
}

/// Parses a part of a plan; `env` reads the environment of this process.
fn partition(text: &str) -> Result<Partition, PartitionError> {
    Partition::read(text, &|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

/// `init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// File to write; - is stdout
    #[arg(value_name = "FILE", default_value = "scenario.toml", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
}

/// `reports`
#[derive(Debug, Args)]
pub struct ReportsArgs {
    /// Read at most N files: those that were written last
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LAST, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub last: u32,
    /// Directory with the reports
    #[arg(long, value_name = "DIR", default_value = "reports", value_hint = ValueHint::DirPath)]
    pub reports_dir: PathBuf,
    /// Format of stdout
    #[arg(long, value_name = "FORMAT", default_value_t, value_parser = one_of(&TABLE_OR_JSON))]
    pub format: Format,
    /// When to colour marks; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub color: When,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// `source <(queue-load completions bash)`
    Bash,
    /// `queue-load completions zsh > ~/.zfunc/_queue-load`, in a directory of `fpath`
    Zsh,
    /// `queue-load completions fish > ~/.config/fish/completions/queue-load.fish`
    Fish,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The verb; none is the program
    #[arg(value_name = "VERB", conflicts_with = "dir")]
    pub verb: Option<String>,
    /// Write all pages into this directory instead: queue-load.1, queue-load-run.1, …
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// The width of an interval that runs can tell.
fn precision(text: &str) -> Result<Ratio, String> {
    let share: Ratio = text.parse().map_err(|error: UnitError| error.to_string())?;
    if share.as_f64() >= 0.001 { Ok(share) } else { Err("write 0.1% to 100%".to_owned()) }
}

/// Formats of output that is not a report.
const TABLE_OR_JSON: [Format; 2] = [Format::Table, Format::Json];

/// Formats of a comparison or of a decision.
const OF_A_DECISION: [Format; 7] =
    [Format::Table, Format::Json, Format::Markdown, Format::Html, Format::Github, Format::Junit, Format::Csv];

/// Parses the name of one of these formats; help and completions offer them.
fn one_of(formats: &[Format]) -> impl TypedValueParser<Value = Format> + use<> {
    let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Format>())
}

/// A share at which a permutation test can decide.
fn significance(text: &str) -> Result<Ratio, String> {
    let share: Ratio = text.parse().map_err(|error: UnitError| error.to_string())?;
    if (0.001..=0.5).contains(&share.as_f64()) { Ok(share) } else { Err("write 0.1% to 50%".to_owned()) }
}

/// Reads the command line of this process.
///
/// # Errors
/// Wrong usage; also `--help` and `--version`, which clap reports as errors.
pub fn parse() -> Result<Verb, clap::Error> {
    from(std::env::args_os())
}

/// Reads a command line, the first of which is the program's name.
///
/// # Errors
/// As [`parse`].
pub fn from(args: impl IntoIterator<Item = OsString>) -> Result<Verb, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(args)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    if let Some((_, matches)) = matches.subcommand() {
        match &mut cli.verb {
            Verb::Run(RunArgs { scenarios, gating, .. }) => {
                scenarios.overrides = overrides(matches);
                gating.apply_to(scenarios).map_err(|problem| command.error(ErrorKind::ArgumentConflict, problem))?;
            }
            Verb::FindMax(FindMaxArgs { scenarios, .. }) | Verb::List(ListArgs { scenarios, .. }) => {
                scenarios.overrides = overrides(matches);
            }
            Verb::Bisect(args) => args.overrides = overrides(matches),
            Verb::Validate(_)
            | Verb::Show(_)
            | Verb::Merge(_)
            | Verb::Compare(_)
            | Verb::Gate(_)
            | Verb::Trend(_)
            | Verb::Queues(_)
            | Verb::Record(_)
            | Verb::Selftest(_)
            | Verb::Schema(_)
            | Verb::Init(_)
            | Verb::Reports(_)
            | Verb::Completions(_)
            | Verb::Man(_) => {}
        }
    }
    Ok(cli.verb)
}

/// The command line, with one option for each axis and each setting in their tables.
pub fn command() -> Command {
    let with_overrides = |command: Command| {
        overridable().fold(command, |command, (key, summary)| {
            let option = Arg::new(key).long(key.replace('_', "-")).value_name("VALUES").help(summary);
            command.arg(option.help_heading("Overrides of the scenario (comma-separated values; also as LOAD_TEST_…)"))
        })
    };
    let resumable = |command: Command| {
        let optional = |arg: Arg| arg.required(false).required_unless_present("resume");
        with_overrides(command).mut_arg("scenarios", optional)
    };
    let verbs = Cli::command().mut_subcommand("run", resumable).mut_subcommand("find-max", resumable);
    verbs.mut_subcommand("list", with_overrides).mut_subcommand("bisect", with_overrides)
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
            run.scenarios.overrides.iter().map(|given| (given.key.as_given(), given.text.as_given())).collect();
        assert_eq!(texts, [("concurrency", "1,10"), ("total_rate", "10k/s"), ("warmup", "1s")]);
        assert_eq!((run.scenarios.scenarios, run.output.format), (vec!["a.toml".to_owned()], Format::Table));
    }

    #[test]
    fn a_run_that_is_resumed_needs_no_scenario() {
        for (line, resume, scenarios) in [
            ("queue-load run --resume", "", 0),
            ("queue-load run --resume r.journal --quiet", "r.journal", 0),
            ("queue-load run a.toml --resume", "", 1),
            ("queue-load run a.toml --resume r.json --output x.json", "r.json", 1),
        ] {
            let Ok(Verb::Run(run)) = parse(line) else { panic!("{line}") };
            assert_eq!((run.output.resume, run.scenarios.scenarios.len()), (Some(resume.into()), scenarios), "{line}");
        }
        assert!(parse("queue-load list --resume").is_err());
        assert!(parse("queue-load find-max --resume").is_ok());
        // They are those of the search that is resumed: giving others would be ignored.
        for setting in ["--precision 3%", "--max-runs 5", "--no-curve"] {
            assert!(parse(&format!("queue-load find-max {setting} --resume")).is_err(), "{setting}");
            assert!(parse(&format!("queue-load find-max a.toml {setting}")).is_ok(), "{setting}");
        }
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
