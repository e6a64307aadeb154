//! The position of a repeat in a plan.
//!
//! On the wire, in the journal and in a report, a repeat has two numbers: the index of its case and its round. What
//! they mean depends on the layout. Only this file converts them into a [`Slot`] and back, so that no other code does
//! index arithmetic.

use super::repeat::planned;
use super::{Layout, Plan, PlannedRepeat};

/// The program that runs a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// This program, or the one that the scenario names.
    Own,
    /// The program of `--ab-exec`.
    Other,
}

impl Program {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Own, Self::Other];
}

/// In a calibration, which of the two runs of the same code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first run, or the only one.
    First,
    /// The second run.
    Second,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];

    /// The side of a round of a calibrated case: even rounds belong to the first side, odd ones to the second.
    #[must_use]
    pub const fn of_round(round: u32) -> Self {
        if round.is_multiple_of(2) { Self::First } else { Self::Second }
    }
}

/// The position of a repeat in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Index of the case among this program's cases.
    pub case: usize,
    /// Number of the repeat within its confirmation, from 0.
    pub repeat: u32,
    /// Which of the two runs of the same code.
    pub side: Side,
    /// The program that runs it.
    pub program: Program,
    /// Number of the confirmation that it belongs to; 0: the plan itself.
    pub confirmation: u32,
}

impl Slot {
    /// The first repeat of a case.
    #[must_use]
    pub const fn first_of(case: usize) -> Self {
        Self { case, repeat: 0, side: Side::First, program: Program::Own, confirmation: 0 }
    }
}

impl Plan {
    /// Number of this program's cases.
    #[must_use]
    pub fn own_cases(&self) -> usize {
        if self.layout == Layout::Programs { self.cases.len() / 2 } else { self.cases.len() }
    }

    /// Index of a case in [`Plan::cases`], and of its results.
    #[must_use]
    pub fn index_of(&self, case: usize, program: Program) -> usize {
        match program {
            Program::Own => case,
            Program::Other => case + self.own_cases(),
        }
    }

    /// The slot of a repeat. If the plan does not have the repeat's case, the slot keeps that unknown case index.
    #[must_use]
    pub fn slot_of(&self, planned: &PlannedRepeat) -> Slot {
        let (own, known) = (self.own_cases(), planned.case < self.cases.len());
        let (case, program) = match planned.case.checked_sub(own) {
            Some(case) if known => (case, Program::Other),
            _ => (planned.case, Program::Own),
        };
        let (turn, side) = match self.layout {
            Layout::Twice => (planned.repeat / 2, Side::of_round(planned.repeat)),
            _ => (planned.repeat, Side::First),
        };
        let repeats = self.repeats_of(case);
        Slot { case, repeat: turn % repeats, side, program, confirmation: turn / repeats }
    }

    /// Whether a repeat, or a try of it, is one of the plan or of its confirmations.
    #[must_use]
    pub fn has(&self, repeat: &PlannedRepeat) -> bool {
        let slot = self.slot_of(repeat);
        if slot.case >= self.own_cases() {
            return false;
        }
        let own = self.repeat_at(slot);
        // A retry has a seed of its own.
        own == PlannedRepeat { attempt: own.attempt, seed: own.seed, ..repeat.clone() }
    }

    /// The repeat that fills a slot.
    pub(super) fn repeat_at(&self, slot: Slot) -> PlannedRepeat {
        let index = self.index_of(slot.case, slot.program);
        let round = match self.layout {
            Layout::Twice => self.turn(slot).saturating_mul(2).saturating_add(u32::from(slot.side == Side::Second)),
            _ => self.turn(slot),
        };
        planned(self.scenario_of(&self.cases[index]), &self.cases, index, round)
    }

    /// Number of earlier repeats of the slot's case, including those of earlier confirmations.
    pub(super) fn turn(&self, slot: Slot) -> u32 {
        slot.confirmation.saturating_mul(self.repeats_of(slot.case)).saturating_add(slot.repeat)
    }

    /// Number of repeats of a case in one confirmation, at least 1.
    fn repeats_of(&self, case: usize) -> u32 {
        self.cases.get(case).map_or(1, |case| self.scenario_of(case).run.repeats).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use super::*;

    const TWO_CASES: &str = "[matrix]\nstrategy = [\"drop\", \"block\"]\n[run]\nrepeats = 4\n";

    /// Every repeat of the plan and of two confirmations has its own slot, and that slot gives the repeat back.
    #[test]
    fn slots_and_repeats_are_one_to_one() {
        for layout in [Layout::Plain, Layout::Twice, Layout::Programs, Layout::Across { axis: "strategy".into() }] {
            let plan = plan(&[TWO_CASES, TWO_CASES]).laid_out(&layout).unwrap();
            let all: Vec<usize> = (0..plan.own_cases()).collect();
            let mut seen = std::collections::BTreeSet::new();
            for confirmation in 0..3 {
                for repeat in plan.rounds(&all, confirmation) {
                    let slot = plan.slot_of(&repeat);
                    assert_eq!(slot.confirmation, confirmation, "{layout:?}");
                    assert!(slot.case < plan.own_cases() && slot.repeat < 4, "{layout:?}: {slot:?}");
                    assert_eq!(plan.repeat_at(slot), repeat, "{layout:?}");
                    assert!(seen.insert(slot), "{layout:?}: {slot:?} twice");
                }
            }
            let sides = if layout == Layout::Twice || layout == Layout::Programs { 2 } else { 1 };
            assert_eq!(seen.len(), 3 * 4 * 4 * sides, "{layout:?}");
        }
    }

    #[test]
    fn the_numbers_on_the_wire_are_those_of_older_builds() {
        let twice = plan(&[TWO_CASES]).laid_out(&Layout::Twice).unwrap();
        let programs = plan(&[TWO_CASES]).laid_out(&Layout::Programs).unwrap();
        for (plan, slot, wire) in [
            (&twice, Slot { side: Side::Second, repeat: 1, ..Slot::first_of(1) }, (1, 3)),
            (&twice, Slot { confirmation: 1, ..Slot::first_of(0) }, (0, 8)),
            (&programs, Slot { program: Program::Other, repeat: 3, ..Slot::first_of(1) }, (3, 3)),
            (&programs, Slot { confirmation: 2, repeat: 1, ..Slot::first_of(0) }, (0, 9)),
        ] {
            let repeat = plan.repeat_at(slot);
            assert_eq!((repeat.case, repeat.repeat), wire, "{slot:?}");
        }
    }
}
