//! What the discarded repeats say about those that were kept.
//!
//! If most of a case's repeats are invalid, the few others are a selection. A queue, or the program that drives it, can
//! make repeats invalid on purpose, and so could keep only its good ones.

use super::blame::{Blame, blame};
use super::reason::{Reason, ReasonCode};
use super::{Validity, judge_repeat};
use crate::measure::Measurement;
use crate::run::Objections;
use crate::units::human;
use crate::untrusted::Untrusted;
use std::collections::BTreeMap;

/// A discarded repeat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetAside {
    /// Why.
    pub reasons: Vec<Reason>,
    /// It was late and had no control, so nobody knows whether the queue was to blame.
    pub unjudged: bool,
}

impl SetAside {
    /// A discarded measurement, and why: the runner and its journal keep a sentence and a code of each reason.
    #[must_use]
    pub fn of(measurement: &Measurement, why: Objections) -> Self {
        let reasons = match why.reason_codes.len() == why.reasons.len() {
            true => why.reasons.into_iter().zip(&why.reason_codes).map(recorded).collect(),
            false => judged_again(measurement, why.reasons),
        };
        let unjudged = measurement.control.is_none() && matches!(blame(measurement), Blame::Instrument(_));
        Self { reasons, unjudged }
    }
}

fn recorded((text, code): (Untrusted, &Untrusted)) -> Reason {
    Reason::Recorded { code: ReasonCode::find(code.as_given()).unwrap_or(ReasonCode::Recorded), text }
}

/// The reasons of a journal that is older than their codes: the measurement is judged again, and what is said of it is
/// recognised by its sentence. A sentence that this build does not have is kept without a code.
fn judged_again(measurement: &Measurement, said: Vec<Untrusted>) -> Vec<Reason> {
    let judged = match judge_repeat(measurement) {
        Validity::Valid => Vec::new(),
        Validity::Invalid { reasons } => reasons,
    };
    let known: BTreeMap<Untrusted, Reason> = judged.into_iter().map(|reason| (reason.sentence(), reason)).collect();
    let uncoded = |text: Untrusted| Reason::Recorded { code: ReasonCode::Recorded, text };
    said.into_iter().map(|text| known.get(&text).cloned().unwrap_or_else(|| uncoded(text))).collect()
}

/// Why the valid repeats do not represent the case; `None` if they do, or if there are none.
pub(super) fn outnumbered(valid: u64, aside: &[SetAside]) -> Option<Reason> {
    let invalid = aside.len() as u64;
    (valid > 0 && invalid > valid).then_some(Reason::Outnumbered { invalid, repeats: valid + invalid })
}

/// Notes on a case whatever its outcome, one line each: which repeats were discarded, and for which nobody could be
/// blamed. `uncontrolled` repeats have no control although the plan asked for one.
pub(super) fn notes(valid: u64, aside: &[SetAside], uncontrolled: u64) -> Vec<Untrusted> {
    let all = human::count(valid + aside.len() as u64);
    let mut notes = Vec::new();
    // Without a valid repeat, this is the reason of the case and stands there.
    if let (Some(first), true) = (aside.first(), valid > 0) {
        let which = if aside.len() == 1 { "" } else { ", the first because" };
        let why = first.reasons.first().map_or_else(|| "no reason given".into(), Reason::sentence);
        let count = human::count(aside.len() as u64);
        notes.push(format!("discarded: {count} of {all} repeats{which}: {}", why.as_given()).into());
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
            assert_eq!(SetAside::of(&measurement, Objections::default()).unjudged, unjudged);
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
            let aside = SetAside::of(&measurement, Objections::uncoded(said.clone()));
            assert_eq!(codes(&aside.reasons), expected, "{said:?}");
            assert_eq!(sentences(&aside.reasons), said);
        }
    }

    /// (the codes in the journal, those of the reasons); the sentences are none that this build has.
    #[test]
    fn with_codes_nothing_is_recognised_by_its_sentence() {
        for (given, expected) in [
            (["generator_late", "paused"], ["generator_late", "paused"]),
            (["of_tomorrow", "recorded"], ["recorded", "recorded"]),
        ] {
            let reasons: Vec<Untrusted> = vec!["late, said otherwise".into(), "stopped".into()];
            let reason_codes = given.map(Untrusted::from).to_vec();
            let aside = SetAside::of(&late(), Objections { reasons: reasons.clone(), reason_codes });
            assert_eq!(codes(&aside.reasons), expected);
            assert_eq!(sentences(&aside.reasons), reasons);
        }
    }

    #[test]
    fn notes_are_shown() {
        let recorded = |text: &str| Reason::Recorded { code: ReasonCode::Recorded, text: text.into() };
        let aside = |unjudged| SetAside { reasons: vec![recorded("late"), recorded("busy")], unjudged };
        assert_eq!(notes(3, &[], 0), [""; 0]);
        assert_eq!(notes(3, &[aside(false)], 0), ["discarded: 1 of 4 repeats: late"]);
        let unjudged = |count| {
            format!("late without a control: {count} repeats; a queue that starves its producers could not be blamed")
        };
        let uncontrolled =
            "no control, though one was asked for: 1 of 5 repeats; the queue cannot be blamed for their lateness";
        assert_eq!(
            notes(3, &[aside(true), aside(false)], 1),
            ["discarded: 2 of 5 repeats, the first because: late", &unjudged("1 of 5"), uncontrolled]
        );
        assert_eq!(notes(0, &[aside(true)], 0), [unjudged("1 of 1")]);
    }
}
