//! Stalls that are so rare that most repeats have none: tested over all cases of a report together.
//!
//! A stall of 60 ms once in 10 s hits one of five repeats of 2 s. Ten repeats of one case cannot prove anything about
//! such an event, but the repeats of all cases can. A repeat has a stall if far more of its logs waited longer than the
//! bound than in the median repeat of both sides. This rule does not depend on the side. So if nothing changed, every
//! split of the stalls between the sides is equally likely, and Fisher's exact test is valid.

use super::Settings;
use super::align::Found;
use super::answers::at_least;
use super::promises::{middle, stalls};
use crate::units::human;

/// A repeat has a stall if its share of slow logs is this many times the share of the median repeat,
const FACTOR: f64 = 2.0;
/// and larger by at least this much. (A stall of 60 ms delays 3 % of the logs of 2 s.)
const LEAST: f64 = 0.002;

/// Number of repeats with a stall, and of all repeats.
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

/// The stalls of a whole report.
pub(super) struct Stalls {
    /// By pair; `None` if the two sides cannot be compared.
    cases: Vec<Option<Of>>,
    base: Count,
    new: Count,
    /// P-value of the number of stalls in the new repeats; 1 if nothing is known.
    pub(super) p: f64,
}

impl Stalls {
    pub(super) fn of(pairs: &[Option<(Found<'_>, Found<'_>)>], settings: &Settings) -> Self {
        let cases: Vec<Option<Of>> = pairs.iter().map(|pair| of_pair((*pair)?, settings)).collect();
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

fn of_pair((base, new): (Found<'_>, Found<'_>), settings: &Settings) -> Option<Of> {
    let (bound_ns, old, fresh) = stalls(base, new, settings)?;
    let usual = middle(&[&old[..], &fresh[..]].concat());
    let bar = (FACTOR * usual).max(usual + LEAST);
    let count = |shares: &[f64]| Count {
        stalled: shares.iter().filter(|share| **share > bar).count() as u64,
        all: shares.len() as u64,
    };
    Some(Of { bound_ns, base: count(&old), new: count(&fresh) })
}
