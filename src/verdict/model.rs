//! A verdict. The same types stand in the saved report.

use super::reason::Reason;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The outcome of a check, a case or a plan, in order from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// The measurement cannot be trusted to tell.
    Invalid,
    /// It does not hold.
    Fail,
    /// The run broke, or its numbers contradict each other.
    Error,
}

impl Outcome {
    /// The word for it, as in the JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Invalid => "invalid",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }
}

/// Whether a repeat counts as evidence.
#[derive(Clone, Debug, PartialEq)]
pub enum Validity {
    /// It does.
    Valid,
    /// The generator or the machine spoiled it; it is discarded and run again.
    Invalid {
        /// What spoiled it.
        reasons: Vec<Reason>,
    },
}

#[cfg(any(test, feature = "internals"))]
impl Validity {
    /// As a result, for benchmarks.
    ///
    /// # Errors
    /// What spoiled it, one line each.
    pub fn in_words(self) -> Result<(), Vec<Untrusted>> {
        match self {
            Self::Valid => Ok(()),
            Self::Invalid { reasons } => Err(super::reason::sentences(&reasons)),
        }
    }
}

/// Unit of a check's observed value and limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub enum Unit {
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// A number of logs.
    #[serde(rename = "logs")]
    Logs,
    /// A share of a whole: 1 is all of it.
    #[serde(rename = "share")]
    Share,
    /// Logs per second.
    #[serde(rename = "logs/s")]
    LogsPerSecond,
    /// A number of contradictions in the ledger.
    #[serde(rename = "violations")]
    Violations,
    /// Bytes.
    #[serde(rename = "bytes")]
    Bytes,
    /// Bytes per second.
    #[serde(rename = "bytes/s")]
    BytesPerSecond,
    /// Nanoseconds per second.
    #[serde(rename = "ns/s")]
    NanosPerSecond,
    /// A number of records; a mean may have a fraction.
    #[serde(rename = "records")]
    Records,
    /// An index from 0 to 1.
    #[serde(rename = "index")]
    Index,
}

impl Unit {
    /// The word for it, as in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Logs => "logs",
            Self::Share => "share",
            Self::LogsPerSecond => "logs/s",
            Self::Violations => "violations",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes/s",
            Self::NanosPerSecond => "ns/s",
            Self::Records => "records",
            Self::Index => "index",
        }
    }
}

/// Where a check comes from. The name of a check begins with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOrigin {
    /// The target's.
    Target,
    /// The ledger's, for every queue.
    Ledger,
    /// Whether producers could send in time, for every queue.
    Producers,
    /// The scenario's own.
    Scenario,
}

impl CheckOrigin {
    const ALL: [Self; 4] = [Self::Target, Self::Ledger, Self::Producers, Self::Scenario];

    /// The beginning of the names of its checks.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Ledger => "ledger",
            Self::Producers => "producers",
            Self::Scenario => "check",
        }
    }

    /// The name of one of its checks.
    pub(super) fn name_of(self, which: impl fmt::Display) -> String {
        format!("{}.{which}", self.word())
    }
}

/// One expectation, compared with what was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct CheckResult {
    /// `target.latency`, `target.accepted`, `ledger.closes`, `ledger.lost`, `ledger.duplicated`, `ledger.undecidable`,
    /// `ledger.phantom`, `producers`, `ledger.block` (under `block`), or `check.N` for the N-th check of the scenario, from 1.
    pub name: Untrusted,
    /// What it is about: the left-hand side, such as `p99(response)`.
    pub subject: Untrusted,
    /// The expectation as written.
    pub expression: Untrusted,
    /// What was observed, in `unit`; null when there is no such number.
    #[serde(with = "number")]
    #[cfg_attr(feature = "internals", schemars(with = "Option<f64>"))]
    pub observed: Option<f64>,
    /// The limit, in `unit`.
    #[serde(with = "number")]
    #[cfg_attr(feature = "internals", schemars(with = "Option<f64>"))]
    pub limit: Option<f64>,
    /// Unit of both.
    pub unit: Unit,
    /// Whether it holds.
    pub outcome: Outcome,
    /// Why it does not hold or cannot be told; null when it holds.
    pub reason: Option<Untrusted>,
}

impl CheckResult {
    /// Where it comes from; `None` if a newer build gave it a name that this build does not know.
    #[must_use]
    pub fn origin(&self) -> Option<CheckOrigin> {
        let first = self.name.as_given().split('.').next()?;
        CheckOrigin::ALL.into_iter().find(|origin| origin.word() == first)
    }
}

/// The verdict on a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct CaseVerdict {
    /// The worst of the errors and the checks.
    pub outcome: Outcome,
    /// Every check with what was observed, whether or not it holds.
    pub checks: Vec<CheckResult>,
    /// Why the outcome is not `pass`, one line each, the worst first; empty if it is `pass`.
    pub reasons: Vec<Untrusted>,
    /// The kind of each reason, in the same order, by the words of docs/REASONS.md. Empty in reports that are older than it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reason_codes: Vec<Untrusted>,
    /// Notes whatever the outcome, one line each: discarded repeats, controls that are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Untrusted>,
    /// The case offers less than the target's throughput.
    pub below_target_load: bool,
}

/// How an invocation ends; the exit codes follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExitOutcome {
    /// Everything holds.
    Pass,
    /// Some case fails or broke.
    Failed,
    /// Compared with a baseline, some case regressed.
    Regressed,
    /// Nothing fails, but some case cannot be trusted.
    Invalid,
    /// The run cannot be compared with the baseline.
    Incomparable,
    /// Ended by the user before the plan was finished.
    Interrupted,
}

impl ExitOutcome {
    /// The process's exit code: 0, 3, 4, 5, 6 or 130.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Failed => 3,
            Self::Regressed => 4,
            Self::Invalid => 5,
            Self::Incomparable => 6,
            Self::Interrupted => 130,
        }
    }
}

/// How many cases ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct OutcomeCounts {
    /// Cases that pass.
    pub pass: u64,
    /// Cases that fail.
    pub fail: u64,
    /// Cases that cannot be trusted.
    pub invalid: u64,
    /// Cases that broke.
    pub error: u64,
}

/// The verdict on the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct PlanVerdict {
    /// The worst of the cases.
    pub outcome: Outcome,
    /// How the invocation ends.
    pub exit: ExitOutcome,
    /// How many cases ended how.
    pub cases: OutcomeCounts,
    /// Reasons that concern the whole run and no single case, one line each.
    pub reasons: Vec<Untrusted>,
    /// The kind of each reason, as in a [`CaseVerdict`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reason_codes: Vec<Untrusted>,
}

impl PlanVerdict {
    /// Puts a reason before the others.
    pub fn say_first(&mut self, reason: &Reason) {
        self.reasons.insert(0, reason.sentence());
        self.reason_codes.insert(0, reason.code().word().into());
    }
}

/// A number that is written as an integer when it is one, and as null when there is none.
mod number {
    use super::{Deserialize, Deserializer, Serializer};

    const EXACT: f64 = 9_007_199_254_740_992.0;

    // The signature is serde's.
    #[allow(clippy::ref_option)]
    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match *value {
            Some(value) if value.fract() == 0.0 && value.abs() <= EXACT => serializer.serialize_i64(value as i64),
            Some(value) if value.is_finite() => serializer.serialize_f64(value),
            _ => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Option::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_known_by_the_beginning_of_its_name() {
        for (name, expected) in [
            ("target.latency", Some(CheckOrigin::Target)),
            ("ledger.block", Some(CheckOrigin::Ledger)),
            ("producers", Some(CheckOrigin::Producers)),
            ("check.12", Some(CheckOrigin::Scenario)),
            ("checks", None),
            ("", None),
        ] {
            let check = CheckResult {
                name: name.into(),
                subject: Untrusted::default(),
                expression: Untrusted::default(),
                observed: None,
                limit: None,
                unit: Unit::Logs,
                outcome: Outcome::Pass,
                reason: None,
            };
            assert_eq!(check.origin(), expected, "{name}");
        }
    }
}
