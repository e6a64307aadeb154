//! Why a session could not do its work.

use crate::compare::CoverageKind;
use crate::report::ReportError;
use crate::run::RunError;
use crate::scenario::Diagnostics;
use std::io;
use std::path::PathBuf;

/// Why a session could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The scenarios or the overrides are wrong; every error at once.
    #[error("{}", in_lines(.0))]
    Input(#[from] Diagnostics),
    /// The reports directory cannot be used.
    #[error("cannot write to `{}`: {source}; name a directory that can be written to", path.display())]
    ReportsDirectory {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file of the report cannot be written.
    #[error("`{}`: {problem}", path.display())]
    ReportFile {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A baseline does not exist, or the planned run cannot be compared with it.
    #[error("`{baseline}`: {problem}")]
    Baseline {
        /// The name or path as the user gave it.
        baseline: String,
        /// What is wrong.
        problem: BaselineProblem,
    },
    /// Another build of this program cannot carry out the plan.
    #[error("`{}`: {problem}", path.display())]
    OtherProgram {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The request does not fit the scenarios.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A report or a journal cannot be used.
    #[error("{}: {problem}", path.display())]
    NoReport {
        /// Which.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// A report cannot be read or written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The report of a run that has just ended cannot be written.
    #[error("{source}; the journal has what was finished: `queue-load show {}`", journal.display())]
    Unsaved {
        /// Why not.
        source: ReportError,
        /// The journal, which still has all results.
        journal: PathBuf,
    },
    /// Neither the report of a run that has just ended nor its last repeats in the journal can be written.
    #[error("{source}; the journal lacks the last repeats, too: only the output above has all results; {} has the others", journal.display())]
    Unkept {
        /// Why not.
        source: ReportError,
        /// The journal, which has the earlier repeats.
        journal: PathBuf,
    },
    /// The run could not begin or go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It was interrupted before anything was run.
    #[error("interrupted; nothing was run")]
    Interrupted,
    /// A fault of the tool or of the system.
    #[error("{0}")]
    Internal(String),
}

/// Why the planned run cannot be compared with a baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaselineProblem {
    /// It does not exist.
    #[error("no baseline of this name and no such file; {known}")]
    Missing {
        /// The baselines that exist.
        known: String,
    },
    /// It was measured on another machine, or with another build profile.
    #[error("comes from another machine or build: {differences}")]
    OtherMachine {
        /// What differs.
        differences: String,
    },
    /// The planned run has none of its cases.
    #[error("has no case in common with this run; change the scenario, or save another baseline")]
    NothingInCommon,
    /// The planned run lacks some of its cases, checks or targets.
    #[error("requires more than this run has: {lacking}")]
    AsksForMore {
        /// What the planned run lacks.
        lacking: String,
        /// The kinds of what is lacking, each once.
        kinds: Vec<CoverageKind>,
    },
    /// The planned run measures a case in another way.
    #[error("cannot be compared with this run: {why}")]
    Unlike {
        /// Which case, and why.
        why: String,
    },
}

/// Why the request does not fit the scenarios.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Values of an axis are to be compared, but no two cases differ in that axis alone.
    #[error("no two cases of the plan differ in `{axis}` alone")]
    NoPairs {
        /// The axis.
        axis: String,
    },
    /// A case needs its queue and its producers on different CPUs, but there is only one.
    #[error("placement = \"split\" needs two CPUs, and this process may use one: case {case}")]
    OneCpu {
        /// The case.
        case: String,
    },
    /// Another program is to be compared with this one, but this one's repeats would not run in processes of their own.
    #[error("isolate = false runs repeats in this program; leave it out")]
    NotIsolated,
    /// A search can only be compared with a saved one.
    #[error("a search can be compared with the saved report of another search only; name it as the baseline")]
    SearchAgainst,
    /// A part of a plan cannot be compared with anything: the rest of the cases would seem to be gone.
    #[error("a part of a plan cannot be compared with anything, nor be a baseline; merge all parts first, then `gate`")]
    PartCompared,
    /// A search has rates at which no load is steady, and cannot wait for that.
    #[error("a search cannot wait until the load is steady; leave out until and warmup = \"steady\" in {file}")]
    SearchUntilSteady {
        /// The file of the scenario.
        file: String,
    },
    /// A search changes the rate, and a trace has its own.
    #[error("a search cannot change the rate of a trace: case {case}; leave out [load] trace")]
    TraceSearched {
        /// The case.
        case: String,
    },
    /// There are too many builds to bisect.
    #[error("too many builds; at most {most}")]
    TooManyBuilds {
        /// The most that are bisected.
        most: usize,
    },
    /// The baseline has too few repeats to prove anything.
    #[error("a baseline of {repeats} cannot prove anything in {tests}")]
    BaselineTooSmall {
        /// Its repeats of each case, in words.
        repeats: String,
        /// The tests, in words.
        tests: String,
    },
    /// There are too few repeats to prove anything.
    #[error("{repeats} of each case cannot prove anything in {tests}; {needed} are needed, which take about {time}")]
    TooFewRepeats {
        /// The repeats of each case, in words.
        repeats: String,
        /// The tests, in words.
        tests: String,
        /// How many repeats it takes.
        needed: u64,
        /// How long these take, in words.
        time: String,
    },
}

/// All errors. Several ones begin with a line that counts them.
fn in_lines(diagnostics: &Diagnostics) -> String {
    match diagnostics.len() {
        1 => diagnostics.to_string(),
        many => format!("{many} errors\n{diagnostics}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_stands_beside_what_is_kept() {
        let full = || ReportError::Io {
            path: "r.json".into(),
            action: "write it",
            source: io::Error::other("No space left on device"),
        };
        let journal = PathBuf::from("r.journal");
        for (error, kept) in [
            (
                SessionError::Unsaved { source: full(), journal: journal.clone() },
                "the journal has what was finished: `queue-load show r.journal`",
            ),
            (
                SessionError::Unkept { source: full(), journal },
                "the journal lacks the last repeats, too: only the output above has all results; r.journal has the others",
            ),
        ] {
            assert_eq!(error.to_string(), format!("r.json: cannot write it: No space left on device; {kept}"));
        }
    }
}
