//! Stalls that are so rare that most repeats have none: tested over all cases of a report together.
//!
//! A stall of 60 ms once in 10 s hits one of five repeats of 2 s. Ten repeats of one case cannot prove such an event;
//! the repeats of all cases together can. A repeat has a stall if far more of its logs waited longer than the bound
//! than in the median repeat of both sides. This rule does not know the sides. So if nothing changed, every split of
//! the stalls between them is equally likely (Fisher's exact test).
//!
//! The length of a stall is not known beforehand. A machine that takes the CPU away for a few milliseconds causes many
//! short stalls, which hide a long one. So the test is done at several bounds, each [`STEP`] times the one before, and
//! the smallest p-value is multiplied by their number (Bonferroni).

use super::Settings;
use super::align::Found;
use super::answers::at_least;
use super::promises::{middle, stalls};
use crate::units::human;

/// A repeat has a stall if its share of slow logs is this many times the share of the median repeat,
const FACTOR: f64 = 2.0;
/// and larger by at least this much. (A stall of 60 ms delays 3 % of the logs of 2 s.)
const LEAST: f64 = 0.002;

/// Ratio of a bound to the one before.
const STEP: u64 = 8;
/// Number of bounds: from 100 µs on they reach 51 ms.
const BOUNDS: u32 = 4;

/// Repeats with a stall, and all repeats.
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

/// The stalls of a whole report, at the bound with the smallest p-value.
pub(super) struct Stalls {
    /// By pair; `None` if the two sides cannot be compared.
    cases: Vec<Option<Of>>,
    base: Count,
    new: Count,
    /// P-value: the probability of at least as many stalls in the new repeats if nothing changed, adjusted for the
    /// number of bounds; 1 if nothing is known.
    pub(super) p: f64,
}

impl Stalls {
    pub(super) fn of(pairs: &[Option<(Found<'_>, Found<'_>)>], settings: &Settings) -> Self {
        let beyond = |power: u32| Self::beyond(pairs, settings, STEP.pow(power));
        let first = beyond(0);
        let most = (1..BOUNDS).map(beyond).fold(first, |most, one| if one.p < most.p { one } else { most });
        Self { p: (most.p * f64::from(BOUNDS)).min(1.0), ..most }
    }

    /// The stalls at one bound, `times` the shortest; the p-value is not adjusted.
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
