//! Stalls that are so rare that most repeats have none: tested over all cases of a report together.
//!
//! A stall of 60 ms once in 10 s is in one of five repeats of 2 s. No test of one case by ten repeats can prove anything
//! about such an event; the repeats of all cases can. A repeat has a stall if far more of its logs waited beyond the bound
//! than in the middle repeat of both sides: a rule that does not know the sides, so that if nothing changed every split of
//! the stalls between them is equally likely (Fisher's exact test).
//!
//! How long a stall is, is not known beforehand. A machine that takes the CPU away for a few milliseconds makes many short
//! ones, among which a long one is not seen. So the test is done at several bounds, each [`STEP`] times the one before, and
//! the smallest chance counts as many times as there are bounds (Bonferroni).

use super::Settings;
use super::align::Found;
use super::answers::at_least;
use super::promises::{middle, stalls};
use crate::units::human;

/// A repeat has a stall if its share of slow logs is this many times the share of the median repeat,
const FACTOR: f64 = 2.0;
/// and larger by at least this much. (A stall of 60 ms delays 3 % of the logs of 2 s.)
const LEAST: f64 = 0.002;

/// From one bound to the next.
const STEP: u64 = 8;
/// From 100 µs on they reach 51 ms.
const BOUNDS: u32 = 4;

/// Repeats with a stall, of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    stalled: u64,
    all: u64,
}

/// The counts of one case.
#[derive(Clone, Copy, Debug, Default)]
struct Of {
    bound_ns: u64,
    base: Count,
    new: Count,
}

/// The stalls of a whole report, beyond the bound that tells most.
pub(super) struct Stalls {
    /// By pair; `None` if the two sides cannot be compared.
    cases: Vec<Option<Of>>,
    base: Count,
    new: Count,
    /// Chance of so many in the new repeats if nothing had changed, adjusted for the number of bounds; 1 where nothing is
    /// known.
    pub(super) p: f64,
}

impl Stalls {
    pub(super) fn of(pairs: &[Option<(Found<'_>, Found<'_>)>], settings: &Settings) -> Self {
        let beyond = |power: u32| Self::beyond(pairs, settings, STEP.pow(power));
        let first = beyond(0);
        let most = (1..BOUNDS).map(beyond).fold(first, |most, one| if one.p < most.p { one } else { most });
        Self { p: (most.p * f64::from(BOUNDS)).min(1.0), ..most }
    }

    /// By one bound, so many times the shortest; the chance is not adjusted.
    fn beyond(pairs: &[Option<(Found<'_>, Found<'_>)>], settings: &Settings, times: u64) -> Self {
        let cases: Vec<Option<Of>> = pairs.iter().map(|pair| of_pair((*pair)?, settings, times)).collect();
        let (mut base, mut new) = (Count::default(), Count::default());
        for case in cases.iter().flatten() {
            (base.stalled, base.all) = (base.stalled + case.base.stalled, base.all + case.base.all);
            (new.stalled, new.all) = (new.stalled + case.new.stalled, new.all + case.new.all);
        }
        let p = at_least(new.stalled, new.all, base.stalled + new.stalled, base.all + new.all);
        Self { cases, base, new, p }
    }

    /// The text for a pair if there are significantly more stalls; `None` if the pair has no stall itself.
    pub(super) fn text(&self, pair: usize, p_adjusted: &str) -> Option<String> {
        let own = self.cases.get(pair).copied().flatten().filter(|own| own.new.stalled > 0)?;
        let bound = human::latency(own.bound_ns as f64);
        Some(format!(
            "a stall in {} of {} repeats, {} of {} before (far more logs than usual waited over {bound}); over all cases \
             {} of {}, {} of {} before, p = {p_adjusted}",
            own.new.stalled,
            own.new.all,
            own.base.stalled,
            own.base.all,
            self.new.stalled,
            self.new.all,
            self.base.stalled,
            self.base.all
        ))
    }
}

fn of_pair((base, new): (Found<'_>, Found<'_>), settings: &Settings, times: u64) -> Option<Of> {
    let (bound_ns, old, fresh) = stalls(base, new, settings, times)?;
    let usual = middle(&[&old[..], &fresh[..]].concat());
    let bar = (FACTOR * usual).max(usual + LEAST);
    let count = |shares: &[f64]| Count {
        stalled: shares.iter().filter(|share| **share > bar).count() as u64,
        all: shares.len() as u64,
    };
    Some(Of { bound_ns, base: count(&old), new: count(&fresh) })
}
