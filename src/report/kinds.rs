//! The codes of a gate: why it decides as it does, what it found about a case, which requirement has become weaker.
//! docs/REASONS.md lists them.

use super::decision::{Change, CoverageChange};
use serde::{Deserialize, Serialize};

/// An enum whose variants are words in the JSON.
macro_rules! kinds {
    (
        $(#[$about:meta])+
        $name:ident { $($(#[$doc:meta])+ $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
        pub enum $name {
            $($(#[$doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for it, as in the JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

kinds! {
    /// Why a gate decides as it does.
    GateReason {
        /// The two were measured on different machines, or are different builds.
        EnvironmentDiffers = "environment_differs",
        /// One of the reports is of a search, the other of a run.
        SearchAndRun = "search_and_run",
        /// No case is in both reports.
        NothingInCommon = "nothing_in_common",
        /// Some case regressed.
        CasesRegressed = "cases_regressed",
        /// The new report does not require everything that the baseline required.
        CoverageReduced = "coverage_reduced",
        /// Some case fails by itself.
        CasesFail = "cases_fail",
        /// Some case cannot be compared.
        CasesIncomparable = "cases_incomparable",
        /// The repeats of some case cannot tell.
        CasesInconclusive = "cases_inconclusive",
        /// The new report does not have all of its plan.
        NewReportInterrupted = "new_report_interrupted",
        /// The new report is invalid as a whole, although none of its cases is.
        NewReportInvalid = "new_report_invalid",
        /// The run ended before what looked regressed was run again.
        ConfirmationInterrupted = "confirmation_interrupted",
        /// No case regressed.
        NoRegression = "no_regression",
        /// What looked regressed, or could not be decided, shows no regression with the repeats that were run again.
        NotConfirmed = "not_confirmed",
    }
}

impl GateReason {
    /// The option that overrules it, which its sentence names; `None` where there is none. `coverage` is that of the same
    /// decision.
    #[must_use]
    pub fn overruled_by(self, coverage: &[CoverageChange]) -> Option<&'static str> {
        match self {
            Self::EnvironmentDiffers => Some("--allow-cross-machine"),
            Self::CasesFail => Some("--allow-known-failures"),
            Self::CoverageReduced => coverage.iter().find(|change| change.fails)?.kind.overruled_by(),
            Self::SearchAndRun
            | Self::NothingInCommon
            | Self::CasesRegressed
            | Self::CasesIncomparable
            | Self::CasesInconclusive
            | Self::NewReportInterrupted
            | Self::NewReportInvalid
            | Self::ConfirmationInterrupted
            | Self::NoRegression
            | Self::NotConfirmed => None,
        }
    }
}

kinds! {
    /// How a requirement has become weaker.
    CoverageKind {
        /// A case of the baseline is not in the new report.
        CaseRemoved = "case_removed",
        /// A check is gone.
        CheckRemoved = "check_removed",
        /// A check allows more, or its limit cannot be compared with the old one.
        CheckLoosened = "check_loosened",
        /// The target allows more.
        TargetLoosened = "target_loosened",
        /// The gate's own settings are laxer in the new report; those of the baseline rule.
        GateLaxer = "gate_laxer",
    }
}

impl CoverageKind {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::CaseRemoved => "case removed",
            Self::CheckRemoved => "check removed",
            Self::CheckLoosened => "check loosened",
            Self::TargetLoosened => "target loosened",
            Self::GateLaxer => "gate laxer",
        }
    }

    /// The option that lets it pass; `None` where it fails nothing.
    #[must_use]
    pub const fn overruled_by(self) -> Option<&'static str> {
        match self {
            Self::CaseRemoved => Some("--allow-removed"),
            Self::CheckRemoved | Self::CheckLoosened | Self::TargetLoosened => Some("--allow-changed-checks"),
            Self::GateLaxer => None,
        }
    }
}

kinds! {
    /// The rules of a gate.
    FindingKind {
        /// It gave no measurement, and did before.
        Broke = "broke",
        /// Logs were lost.
        Lost = "lost",
        /// Logs were delivered twice.
        Duplicated = "duplicated",
        /// Logs were delivered that nobody sent, or that the call had refused.
        Phantom = "phantom",
        /// Deliveries could not be told to be new or a repetition.
        Undecidable = "undecidable",
        /// It met the target, and does not now.
        Target = "target",
        /// A check of the scenario held, and does not now.
        Check = "check",
        /// The baseline lacks the case, and it fails or cannot be trusted.
        AddedUnfit = "added_unfit",
        /// A smaller share is accepted.
        Accepted = "accepted",
        /// `enqueue` rose: the mean of the fastest 95 %.
        Slower = "slower",
        /// A larger share of the logs is slow.
        Tail = "tail",
        /// Another promise is kept less well than before.
        Worse = "worse",
        /// Logs that no repeat of the baseline had: dropped, sampled out, reordered.
        Appeared = "appeared",
        /// More repeats of the whole report have a stall in them.
        Stalls = "stalls",
        /// `enqueue` fell.
        Faster = "faster",
        /// Another promise is kept better than before.
        Better = "better",
        /// A larger share is accepted.
        AcceptsMore = "accepts_more",
        /// It met no target, and does now.
        MeetsTarget = "meets_target",
        /// One of the two measurements is `invalid`, or there is none.
        Unmeasured = "unmeasured",
        /// No number of values is large enough for the statistic.
        NoSamples = "no_samples",
        /// There are too few repeats to prove anything.
        TooFewRepeats = "too_few_repeats",
        /// The repeats differ too much among themselves.
        Spread = "spread",
        /// The machine moved by as much as the case.
        Machine = "machine",
        /// The baseline knows a number that the new report does not.
        Vanished = "vanished",
        /// It looks slower by more than the least effect, and the repeats do not confirm it.
        Unconfirmed = "unconfirmed",
        /// The two were not measured alike.
        Unlike = "unlike",
        /// The repeats form two groups; informs.
        TwoGroups = "two_groups",
        /// The new report's own verdict is `fail` or `error`; the gate as a whole says so.
        Fails = "fails",
    }
}

impl FindingKind {
    /// Whether the rule is one of arithmetic, which more repeats would not change.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        matches!(
            self,
            Self::Broke
                | Self::Lost
                | Self::Duplicated
                | Self::Phantom
                | Self::Undecidable
                | Self::Target
                | Self::Check
                | Self::AddedUnfit
                | Self::Accepted
        )
    }

    /// Whether a case for which it was found has regressed.
    #[must_use]
    pub const fn is_regression(self) -> bool {
        self.is_exact() || matches!(self, Self::Slower | Self::Tail | Self::Worse | Self::Appeared | Self::Stalls)
    }

    /// The change that it implies on its own.
    #[must_use]
    pub const fn implies(self) -> Change {
        match self {
            kind if kind.is_regression() => Change::Regressed,
            Self::Unlike | Self::NoSamples => Change::Incomparable,
            Self::Faster | Self::Better | Self::AcceptsMore | Self::MeetsTarget => Change::Improved,
            // A failing case is handled by the gate as a whole, and two groups are only information: neither is a change.
            Self::Fails | Self::TwoGroups => Change::Unchanged,
            _ => Change::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = include_str!("../../docs/REASONS.md");

    /// The codes in the tables below this heading.
    fn documented(heading: &str) -> Vec<&'static str> {
        let (_, rest) = DOCS.split_once(&format!("\n## {heading}\n")).unwrap();
        let section = rest.split("\n## ").next().unwrap();
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(code, _)| code)).collect()
    }

    fn words<T: Copy + Serialize>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
        let saved = all.iter().map(|kind| serde_json::to_value(kind).unwrap());
        let words: Vec<&str> = all.iter().map(|kind| word(*kind)).collect();
        assert!(saved.eq(words.iter().copied().map(serde_json::Value::from)), "{words:?}");
        words
    }

    #[test]
    fn the_codes_that_are_documented_are_those_that_there_are() {
        assert_eq!(documented("Of a gate"), words(GateReason::ALL, GateReason::word));
        let found = documented("Of what a gate found about a case");
        assert_eq!(found, words(FindingKind::ALL, FindingKind::word));
        let weaker = documented("Of a requirement that has become weaker");
        assert_eq!(weaker, words(CoverageKind::ALL, CoverageKind::word));
    }

    #[test]
    fn what_arithmetic_found_is_a_regression() {
        for kind in FindingKind::ALL {
            assert!(!kind.is_exact() || kind.is_regression(), "{kind:?}");
            assert_eq!(kind.is_regression(), kind.implies() == Change::Regressed, "{kind:?}");
        }
    }
}
