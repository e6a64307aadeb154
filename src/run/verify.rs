//! Checks a result before it is believed.

use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use std::fmt::Display;

type Find = dyn Fn(&PlannedRepeat, &Measurement) -> Vec<String> + Send;

/// Finds what cannot be true of a result.
///
/// The caller finds values of a type of its own. They become sentences here and nowhere else, because a
/// [`Fault`](super::Fault) is saved as text, and this room knows none of the rooms that judge.
pub struct Verify(Box<Find>);

impl Verify {
    /// `find` returns everything that cannot be true of a result; nothing if the result can be believed.
    #[must_use]
    pub fn new<C: Display>(find: impl Fn(&PlannedRepeat, &Measurement) -> Vec<C> + Send + 'static) -> Self {
        Self(Box::new(move |repeat, measurement| find(repeat, measurement).iter().map(ToString::to_string).collect()))
    }

    /// What cannot be true, in words; `None` if the result can be believed.
    pub(super) fn problem(&self, repeat: &PlannedRepeat, measurement: &Measurement) -> Option<String> {
        let untrue = (self.0)(repeat, measurement);
        (!untrue.is_empty()).then(|| untrue.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn what_is_found_becomes_one_sentence() {
        for (found, problem) in [(vec![], None), (vec![7], Some("7")), (vec![7, 8], Some("7; 8"))] {
            let verify = Verify::new(move |_, _| found.clone());
            let said = verify.problem(&fixture::planned(0, 0), &fixture::measurement());
            assert_eq!(said.as_deref(), problem);
        }
    }
}
