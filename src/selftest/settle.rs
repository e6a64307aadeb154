//! Derives the finding about one claim from its tries.

use super::claim::Reading;
use crate::untrusted::Untrusted;
use serde::Serialize;

/// Largest number of tries of one experiment.
pub const MOST_TRIES: u32 = 3;

/// Number of misses on an apparently quiet machine that make a claim wrong. One is not enough: a disturbance of less
/// than 5 ms is not noticed, and if the other tries were disturbed, this machine is not quiet.
const MISSES_THAT_TELL: u32 = 2;

/// The finding about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimOutcome {
    /// Measured as claimed.
    Pass,
    /// It was missed at least twice although the machine was quiet, or a count was wrong, or a repeat broke.
    Wrong,
    /// Every try missed, and the machine disturbed all tries except at most one.
    CannotTell,
}

/// The tries of one claim so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// The reading that decided, otherwise the last one; `None` if there was none.
    pub(super) reading: Option<Reading>,
    /// Number of tries.
    pub(super) tries: u32,
    /// Why it does not pass: for each try that missed, what spoke against it.
    pub(super) reasons: Vec<Untrusted>,
    passed: bool,
    /// A count was wrong, or the repeat broke.
    refuted: bool,
    /// Number of misses although the machine was quiet.
    missed_in_quiet: u32,
}

impl Standing {
    /// Enters the reading of another try. A claim that has passed ignores further tries, except that an exact claim
    /// must never be missed.
    pub(super) fn take(&mut self, reading: Reading, exact: bool, excuses: &[String]) {
        // A refuted claim stays refuted. A claim that has passed is read again only because another claim of its
        // experiment is still open.
        if self.refuted || (self.passed && (!exact || reading.holds)) {
            return;
        }
        self.tries += 1;
        self.reading = Some(reading);
        self.passed = reading.holds;
        if reading.holds {
            self.reasons.clear();
        } else if exact {
            self.refuted = true;
            self.reasons = vec!["a count has no tolerance".into()];
        } else if excuses.is_empty() {
            self.missed_in_quiet += 1;
            self.reasons.push("missed on a quiet machine".into());
        } else {
            self.reasons.push(excuses.join(", ").into());
        }
    }

    /// Takes a try that gave no measurement: these queues neither hang nor crash, so the fault is ours.
    pub(super) fn take_error(&mut self, error: &Untrusted) {
        if !self.passed {
            self.tries += 1;
            self.refuted = true;
            self.reasons = vec![error.clone()];
        }
    }

    /// Whether another try could still change the finding.
    pub(super) fn is_open(&self) -> bool {
        !self.passed && !self.refuted && self.tries < MOST_TRIES
    }

    /// What is said if no further try is made.
    pub(super) fn outcome(&self) -> ClaimOutcome {
        if self.passed {
            ClaimOutcome::Pass
        } else if self.refuted || self.missed_in_quiet >= MISSES_THAT_TELL {
            ClaimOutcome::Wrong
        } else {
            ClaimOutcome::CannotTell
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::Unit;
    use crate::selftest::claim::{Claimed, Measured};

    fn reading(holds: bool) -> Reading {
        let claimed = Claimed::AtMost { unit: Unit::Ns, value: 1.0 };
        Reading { claimed, measured: Some(Measured::Value(if holds { 1.0 } else { 2.0 })), holds }
    }

    /// Takes tries as (holds, quiet) while the claim is open; says how it ends and after how many.
    fn settle(exact: bool, tries: &[(bool, bool)]) -> (ClaimOutcome, u32) {
        let mut standing = Standing::default();
        for &(holds, quiet) in tries {
            if standing.is_open() {
                let disturbances = if quiet { vec![] } else { vec!["noise".to_owned()] };
                standing.take(reading(holds), exact, &disturbances);
            }
        }
        assert_eq!(standing.reasons.is_empty(), standing.passed || tries.is_empty(), "{:?}", standing.reasons);
        (standing.outcome(), standing.tries)
    }

    #[test]
    fn a_tolerance_is_met_missed_or_excused() {
        use ClaimOutcome::{CannotTell, Pass, Wrong};
        const MET: (bool, bool) = (true, false);
        const MISSED: (bool, bool) = (false, true);
        const EXCUSED: (bool, bool) = (false, false);
        for (tries, expected) in [
            (&[MET][..], (Pass, 1)),
            (&[MISSED, EXCUSED, MET], (Pass, 3)),
            (&[MISSED, MISSED, MISSED], (Wrong, 3)),
            (&[EXCUSED, MISSED, EXCUSED], (CannotTell, 3)),
            (&[MISSED, EXCUSED, MISSED], (Wrong, 3)),
            (&[MISSED], (CannotTell, 1)),
            (&[EXCUSED, EXCUSED, EXCUSED], (CannotTell, 3)),
            (&[EXCUSED, EXCUSED, EXCUSED, MET], (CannotTell, 3)),
            (&[EXCUSED], (CannotTell, 1)),
            (&[], (CannotTell, 0)),
        ] {
            assert_eq!(settle(false, tries), expected, "{tries:?}");
        }
    }

    #[test]
    fn a_wrong_count_is_never_excused_and_never_made_good() {
        assert_eq!(settle(true, &[(true, true)]), (ClaimOutcome::Pass, 1));
        assert_eq!(settle(true, &[(false, false), (true, true)]), (ClaimOutcome::Wrong, 1));
        let mut standing = Standing::default();
        standing.take(reading(true), true, &[]);
        standing.take(reading(false), true, &["noise".to_owned()]);
        standing.take(reading(true), true, &[]);
        assert_eq!(standing.outcome(), ClaimOutcome::Wrong, "another try for another claim's sake found it out");
    }

    #[test]
    fn a_repeat_that_breaks_is_wrong() {
        let mut standing = Standing::default();
        standing.take(reading(false), false, &["noise".to_owned()]);
        standing.take_error(&"the ledger does not close".into());
        assert_eq!((standing.outcome(), standing.is_open()), (ClaimOutcome::Wrong, false));
        assert_eq!(standing.reasons, ["the ledger does not close"]);
    }

    #[test]
    fn each_try_says_why_it_does_not_count() {
        let mut standing = Standing::default();
        standing.take(reading(false), false, &["noise".to_owned(), "theft".to_owned()]);
        standing.take(reading(false), false, &[]);
        assert_eq!(standing.reasons, ["noise, theft", "missed on a quiet machine"]);
    }
}
