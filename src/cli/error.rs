//! Why a verb could not do its work.

use super::exit::Exit;
use crate::history::HistoryError;
use crate::record::RecordError;
use crate::render::{Format, RenderError};
use crate::report::{MergeError, ReportError};
use crate::run::RunError;
use crate::scenario::Diagnostics;
use crate::session::{BaselineProblem, SessionError, Unfit};
use crate::untrusted::Untrusted;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A session could not do its work.
    #[error("{}{}{}", option_of(.0), .0, advice_on(.0))]
    Session(#[from] SessionError),
    /// An output file has an ending that names no format, or its directory cannot be written to.
    #[error("--output: `{}`: {problem}", path.display())]
    Output {
        /// Which.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// `--case` cannot be followed.
    #[error("--case: {problem}")]
    Case {
        /// What is wrong, and the fix.
        problem: String,
    },
    /// `--explain` is given with a format that programs read.
    #[error("--explain: goes with --format table, not with {format}")]
    Explain {
        /// The format.
        format: Format,
    },
    /// A report cannot be shown in a format.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Logs cannot be made a trace.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Some of the outputs of a run that has just ended cannot be written.
    #[error("{problems}; the report has it all: `queue-load show REPORT --output FILE`")]
    Outputs {
        /// Each output that failed, and why.
        problems: String,
    },
    /// Reports cannot be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A history cannot be read or written.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no baseline.
    #[error("{}: no such baseline; save one with `queue-load run SCENARIO --output FILE`", path.display())]
    NoBaseline {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file that `init` would write is there already, or cannot be written.
    #[error("{}: {problem}", path.display())]
    Init {
        /// Which.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// `man` names a verb that does not exist.
    #[error("no verb `{}`{hint}", verb.terminal(40))]
    NoVerb {
        /// What was written.
        verb: Untrusted,
        /// What was probably meant.
        hint: String,
    },
    /// A fault of the tool or of the system.
    #[error("{0}")]
    Internal(String),
}

impl From<Diagnostics> for CliError {
    fn from(errors: Diagnostics) -> Self {
        Self::Session(errors.into())
    }
}

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        Self::Session(error.into())
    }
}

impl CliError {
    /// Its exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Session(error) => exit_of(error),
            Self::Output { .. }
            | Self::Record(_)
            | Self::Explain { .. }
            | Self::Case { .. }
            | Self::Merge(_)
            | Self::Init { .. }
            | Self::NoVerb { .. } => Exit::Usage,
            Self::History(error) if error.is_of_input() => Exit::Usage,
            Self::NoBaseline { .. } => Exit::Incomparable,
            Self::Render(_) | Self::History(_) | Self::Outputs { .. } | Self::Internal(_) => Exit::Internal,
        }
    }
}

/// The exit code of an error of a session.
fn exit_of(error: &SessionError) -> Exit {
    match error {
        SessionError::Report(error) if error.is_of_the_system() => Exit::Internal,
        SessionError::Input(_)
        | SessionError::ReportsDirectory { .. }
        | SessionError::ReportFile { .. }
        | SessionError::OtherProgram { .. }
        | SessionError::Unfit(_)
        | SessionError::NoReport { .. }
        | SessionError::Report(_)
        | SessionError::Run(RunError::JournalInUse { .. } | RunError::JournalFormat { .. }) => Exit::Usage,
        SessionError::Interrupted => Exit::Interrupted,
        SessionError::Baseline { problem: BaselineProblem::AsksForMore { .. }, .. } => Exit::Regressed,
        SessionError::Baseline { .. } => Exit::Incomparable,
        SessionError::Unsaved { .. }
        | SessionError::Unkept { .. }
        | SessionError::Run(_)
        | SessionError::Internal(_) => Exit::Internal,
    }
}

/// The option that the error is about; it is printed before the error.
fn option_of(error: &SessionError) -> &'static str {
    match error {
        SessionError::ReportsDirectory { .. } => "--reports-dir: ",
        SessionError::ReportFile { .. } => "--output: ",
        SessionError::Baseline { .. } => "--baseline: ",
        SessionError::OtherProgram { .. } | SessionError::Unfit(Unfit::NotIsolated) => "--ab-exec: ",
        SessionError::Unfit(Unfit::NoPairs { .. }) => "--ab: ",
        _ => "",
    }
}

/// Advice on options that help; it is printed after the error.
fn advice_on(error: &SessionError) -> String {
    match error {
        SessionError::Baseline { problem: BaselineProblem::Missing { .. }, .. } => {
            "; make one with --save-baseline".to_owned()
        }
        SessionError::Baseline { problem: BaselineProblem::OtherMachine { .. }, .. } => {
            "; --allow-cross-machine overrules this".to_owned()
        }
        SessionError::Baseline { problem: BaselineProblem::AsksForMore { kinds, .. }, .. } => {
            let options: BTreeSet<&str> = kinds.iter().filter_map(|kind| kind.overruled_by()).collect();
            let options: Vec<&str> = options.into_iter().collect();
            let overrule = if options.len() == 1 { "overrules" } else { "overrule" };
            format!("; {} {overrule} this", options.join(" and "))
        }
        SessionError::Unfit(Unfit::NoPairs { .. }) => "; check --filter and [[exclude]]".to_owned(),
        SessionError::Unfit(Unfit::BaselineTooSmall { .. }) => {
            "; make another with --repeats 10, or --insist".to_owned()
        }
        SessionError::Unfit(Unfit::TooFewRepeats { needed, .. }) => {
            format!(": --repeats {needed}; --insist runs it anyway")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::CoverageKind;

    #[test]
    fn options_are_added_to_the_errors_of_a_session() {
        let baseline = |problem| SessionError::Baseline { baseline: "main".into(), problem };
        let missing = BaselineProblem::Missing { known: "there are a, b".into() };
        let elsewhere = BaselineProblem::OtherMachine { differences: "cores was 1 and is 2".into() };
        let kinds = vec![CoverageKind::CaseRemoved, CoverageKind::CheckRemoved];
        let more = BaselineProblem::AsksForMore { lacking: "case removed: a".into(), kinds };
        let (repeats, tests, time) = ("3 repeats".to_owned(), "2 tests".to_owned(), "1 min".to_owned());
        let few = Unfit::TooFewRepeats { repeats, tests, needed: 5, time };
        for (error, said) in [
            (
                baseline(missing),
                "--baseline: `main`: no baseline of this name and no such file; there are a, b; make one \
                                 with --save-baseline",
            ),
            (
                baseline(elsewhere),
                "--baseline: `main`: comes from another machine or build: cores was 1 and is 2; \
                                   --allow-cross-machine overrules this",
            ),
            (
                baseline(more),
                "--baseline: `main`: requires more than this run has: case removed: a; \
                              --allow-changed-checks and --allow-removed overrule this",
            ),
            (
                Unfit::NoPairs { axis: "queue".into() }.into(),
                "--ab: no two cases of the plan differ in `queue` alone; check \
                                                              --filter and [[exclude]]",
            ),
            (Unfit::NotIsolated.into(), "--ab-exec: isolate = false runs repeats in this program; leave it out"),
            (
                few.into(),
                "3 repeats of each case cannot prove anything in 2 tests; 5 are needed, which take about 1 min: --repeats 5; \
                          --insist runs it anyway",
            ),
        ] {
            assert_eq!(CliError::from(error).to_string(), said);
        }
    }
}
