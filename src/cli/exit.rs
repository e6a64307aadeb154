//! The exit codes.

use crate::report::GateOutcome;
use crate::verdict::ExitOutcome;
use std::process::ExitCode;

/// How the program ended. The numbers are its exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything passed.
    Pass = 0,
    /// A fault of the system, such as a full disk, or of the tool itself.
    Internal = 1,
    /// Wrong usage or bad input; nothing was run.
    Usage = 2,
    /// A case failed or broke; a claim of the selftest is wrong.
    Failed = 3,
    /// Compared with a baseline, a case regressed.
    Regressed = 4,
    /// Nothing failed, but something cannot be trusted or proven.
    Invalid = 5,
    /// The baseline is missing, or the reports cannot be compared.
    Incomparable = 6,
    /// The user interrupted it.
    Interrupted = 130,
}

/// The table of exit codes that `--help` shows.
pub const HELP: &str = "\
Exit codes:
  0    pass
  1    something could not be read or written, or a fault of the tool itself
  2    usage or bad input; nothing was run
  3    a case failed or broke; selftest: a claim is wrong
  4    a case regressed compared with the baseline, or something that the baseline asked for
       is gone or less strict
  5    invalid: the generator or the machine was at fault, or the target was not exercised;
       inconclusive: the repeats cannot tell whether a case regressed;
       selftest: this machine cannot prove every claim just now
  6    the baseline is missing, or the two reports cannot be compared
  130  interrupted; what was finished is saved, and `run --resume` goes on with it";

impl From<ExitOutcome> for Exit {
    fn from(outcome: ExitOutcome) -> Self {
        match outcome {
            ExitOutcome::Pass => Self::Pass,
            ExitOutcome::Failed => Self::Failed,
            ExitOutcome::Regressed => Self::Regressed,
            ExitOutcome::Invalid => Self::Invalid,
            ExitOutcome::Incomparable => Self::Incomparable,
            ExitOutcome::Interrupted => Self::Interrupted,
        }
    }
}

impl From<GateOutcome> for Exit {
    fn from(outcome: GateOutcome) -> Self {
        match outcome {
            GateOutcome::Pass => Self::Pass,
            GateOutcome::Failed => Self::Failed,
            GateOutcome::Regressed => Self::Regressed,
            GateOutcome::Inconclusive => Self::Invalid,
            GateOutcome::Incomparable => Self::Incomparable,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_report_and_of_the_help() {
        for outcome in [ExitOutcome::Pass, ExitOutcome::Failed, ExitOutcome::Invalid, ExitOutcome::Interrupted] {
            let code = Exit::from(outcome) as u8;
            assert_eq!(code, outcome.code());
            assert!(HELP.contains(&format!("\n  {code:<4} ")), "{code} is in the help");
        }
        for outcome in [
            GateOutcome::Pass,
            GateOutcome::Failed,
            GateOutcome::Regressed,
            GateOutcome::Inconclusive,
            GateOutcome::Incomparable,
        ] {
            let code = Exit::from(outcome) as u8;
            assert_eq!(code, outcome.code());
            assert!(HELP.contains(&format!("\n  {code:<4} ")), "{code} is in the help");
        }
    }
}
