//! What the repeats that were set aside say about those that were kept.
//!
//! If most of a case's repeats are invalid, the few others are a selection. A queue, or the program that drives it, can
//! make repeats invalid on purpose, and so could keep only its good ones.

use super::blame::{Blame, blame};
use super::reason::Reason;
use super::{Validity, judge_repeat};
use crate::measure::Measurement;
use crate::units::human;
use crate::untrusted::Untrusted;
use std::collections::BTreeMap;

/// A repeat that was set aside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetAside {
    /// Why.
    pub reasons: Vec<Reason>,
    /// It was late and had no control, so nobody knows whether the queue was to blame.
    pub unjudged: bool,
}

impl SetAside {
    /// A measurement that was set aside, and the sentences that say why. The runner and its journal keep only
    /// sentences, so the measurement is judged again to find the reasons. A sentence of another build that this build
    /// does not have becomes a [`Reason::Recorded`].
    #[must_use]
    pub fn of(measurement: &Measurement, said: Vec<Untrusted>) -> Self {
        let judged = match judge_repeat(measurement) {
            Validity::Valid => Vec::new(),
            Validity::Invalid { reasons } => reasons,
        };
        let known: BTreeMap<Untrusted, Reason> = judged.into_iter().map(|reason| (reason.sentence(), reason)).collect();
        let reason = |text: Untrusted| known.get(&text).cloned().unwrap_or(Reason::Recorded { text });
        let reasons = said.into_iter().map(reason).collect();
        let unjudged = measurement.control.is_none() && matches!(blame(measurement), Blame::Instrument(_));
        Self { reasons, unjudged }
    }
}

/// Why the valid repeats do not represent the case; `None` if they do, or if there are none.
pub(super) fn outnumbered(valid: u64, aside: &[SetAside]) -> Option<Reason> {
    let invalid = aside.len() as u64;
    (valid > 0 && invalid > valid).then_some(Reason::Outnumbered { invalid, repeats: valid + invalid })
}

/// Notes on a case whatever its outcome, one line each: which repeats were set aside, and for which nobody could be
/// blamed. `uncontrolled` repeats have no control although the plan asked for one.
pub(super) fn notes(valid: u64, aside: &[SetAside], uncontrolled: u64) -> Vec<Untrusted> {
    let all = human::count(valid + aside.len() as u64);
    let mut notes = Vec::new();
    // Without a valid repeat, this is the reason of the case and stands there.
    if let (Some(first), true) = (aside.first(), valid > 0) {
        let which = if aside.len() == 1 { "" } else { ", the first because" };
        let why = first.reasons.first().map_or_else(|| "no reason given".into(), Reason::sentence);
        let count = human::count(aside.len() as u64);
        notes.push(format!("set aside: {count} of {all} repeats{which}: {}", why.as_given()).into());
    }
    let unjudged = aside.iter().filter(|aside| aside.unjudged).count() as u64;
    let told = [
        (unjudged, "late without a control", "a queue that starves its producers could not be blamed"),
        (uncontrolled, "no control, though one was asked for", "the queue cannot be blamed for their lateness"),
    ];
    let told = told.into_iter().filter(|(count, ..)| *count > 0);
    notes
        .extend(told.map(|(count, what, so)| format!("{what}: {} of {all} repeats; {so}", human::count(count)).into()));
    notes
}

#[cfg(test)]
mod tests {
    use super::super::reason::{codes, sentences};
    use super::*;
    use crate::measure::fixture::{constant, healthy};

    fn late() -> Measurement {
        let mut late = healthy(1_000);
        late.latency.lateness = constant(1_000, 20_000_000);
        late
    }

    #[test]
    fn what_is_left_is_a_selection_once_most_are_gone() {
        for (valid, invalid, expected) in [
            (3, 0, None),
            (3, 3, None),
            (2, 3, Some("3 of 5 repeats were invalid: the few others are a selection")),
            // The reason of the case says so.
            (0, 3, None),
        ] {
            let aside = vec![SetAside::default(); invalid];
            let said = outnumbered(valid, &aside).map(|reason| reason.sentence());
            assert_eq!(said.as_ref().map(Untrusted::as_given), expected, "{valid} {invalid}");
        }
    }

    #[test]
    fn lateness_that_nobody_could_judge_is_told_from_the_rest() {
        for (measurement, unjudged) in [
            (late(), true),
            (healthy(1_000).with_unsent_generator(20), true),
            (late().with_control(20_000_000), false),
            (healthy(1_000), false),
        ] {
            assert_eq!(SetAside::of(&measurement, Vec::new()).unjudged, unjudged);
        }
    }

    /// (the measurement, its sentences in the journal, the codes)
    #[test]
    fn sentences_become_reasons_again_and_unknown_ones_are_kept() {
        let said = |measurement: &Measurement| match judge_repeat(measurement) {
            Validity::Valid => Vec::new(),
            Validity::Invalid { reasons } => sentences(&reasons),
        };
        let mut stolen = healthy(1_000);
        stolen.machine.steal_share = Some(0.2);
        let older = vec!["late".into(), said(&late())[1].clone()];
        for (measurement, said, expected) in [
            (healthy(1_000), vec![], &[][..]),
            (healthy(1_000), vec!["late".into()], &["recorded"]),
            (late(), said(&late()), &["generator_late", "no_control"]),
            (late(), older, &["recorded", "no_control"]),
            (stolen.clone(), said(&stolen), &["stolen_cpu"]),
        ] {
            let aside = SetAside::of(&measurement, said.clone());
            assert_eq!(codes(&aside.reasons), expected, "{said:?}");
            assert_eq!(sentences(&aside.reasons), said);
        }
    }

    #[test]
    fn notes_are_shown() {
        let recorded = |text: &str| Reason::Recorded { text: text.into() };
        let aside = |unjudged| SetAside { reasons: vec![recorded("late"), recorded("busy")], unjudged };
        assert_eq!(notes(3, &[], 0), [""; 0]);
        assert_eq!(notes(3, &[aside(false)], 0), ["set aside: 1 of 4 repeats: late"]);
        let unjudged = |count| {
            format!("late without a control: {count} repeats; a queue that starves its producers could not be blamed")
        };
        let uncontrolled =
            "no control, though one was asked for: 1 of 5 repeats; the queue cannot be blamed for their lateness";
        assert_eq!(
            notes(3, &[aside(true), aside(false)], 1),
            ["set aside: 2 of 5 repeats, the first because: late", &unjudged("1 of 5"), uncontrolled]
        );
        assert_eq!(notes(0, &[aside(true)], 0), [unjudged("1 of 1")]);
    }
}
