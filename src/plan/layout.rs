//! How a plan orders repeats that belong together: the same code twice, two values of an axis, or two programs. They
//! run one right after the other, so that both meet the same machine.

use super::draw::{derive_seed, shuffle};
use super::{MOST_REPEATS, Plan, PlannedRepeat, Program, Side, Slot, in_order, too_many};
use crate::scenario::{AXES, Diagnostics, Parameters};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The layout of a plan's repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Layout {
    /// Every case stands alone.
    #[default]
    Plain,
    /// Every repeat runs twice, one run right after the other: rounds 2r and 2r + 1 are the two runs of round r.
    Twice,
    /// Cases that differ only in one axis run one right after the other.
    Across {
        /// The axis.
        axis: String,
    },
    /// Every repeat runs under this program and under another one. The plan contains the cases twice: first those of
    /// this program, then those of the other one.
    Programs,
}

impl Plan {
    /// The same plan with another layout.
    ///
    /// # Errors
    /// Too many repeats.
    pub fn laid_out(mut self, layout: &Layout) -> Result<Plan, Diagnostics> {
        if *layout == Layout::Programs {
            self.cases.extend(self.cases.clone());
        }
        self.layout = layout.clone();
        let factor = if matches!(layout, Layout::Twice | Layout::Programs) { 2 } else { 1 };
        let repeats = (self.repeats.len() as u64).saturating_mul(factor);
        if repeats > MOST_REPEATS {
            return Err(too_many("repeats", repeats, MOST_REPEATS).into());
        }
        let all: Vec<usize> = (0..self.own_cases()).collect();
        self.repeats = self.rounds(&all, 0);
        Ok(self)
    }

    /// The repeats of some cases in this layout. `cases` are indices of this program's cases. `confirmation` 0 gives
    /// the repeats of the plan itself; a higher number gives additional rounds with their own seeds.
    #[must_use]
    pub fn rounds(&self, cases: &[usize], confirmation: u32) -> Vec<PlannedRepeat> {
        let single = in_order(&self.scenarios, &self.cases, cases, confirmation);
        let slots: Vec<Slot> = match &self.layout {
            Layout::Plain => single,
            Layout::Twice => single.into_iter().flat_map(|slot| Side::ALL.map(|side| Slot { side, ..slot })).collect(),
            Layout::Programs => single.into_iter().flat_map(|slot| self.both_programs(slot)).collect(),
            Layout::Across { axis } => self.side_by_side(axis, &single),
        };
        slots.into_iter().map(|slot| self.repeat_at(slot)).collect()
    }

    fn both_programs(&self, slot: Slot) -> [Slot; 2] {
        let mut programs = Program::ALL;
        self.draw_order(&mut programs, slot);
        programs.map(|program| Slot { program, ..slot })
    }

    /// Moves together, within each round, the cases that differ only in that axis. The first of them keeps its
    /// position.
    fn side_by_side(&self, axis: &str, slots: &[Slot]) -> Vec<Slot> {
        let mut rounds: BTreeMap<(usize, u32), Vec<Slot>> = BTreeMap::new();
        for slot in slots {
            rounds.entry((self.cases[slot.case].scenario, slot.repeat)).or_default().push(*slot);
        }
        let in_round = |slots: Vec<Slot>| {
            let mut groups: Vec<Vec<Slot>> = Vec::new();
            let mut places: BTreeMap<BTreeMap<&str, Untrusted>, usize> = BTreeMap::new();
            for slot in slots {
                let place = *places.entry(all_but(axis, &self.cases[slot.case].parameters)).or_insert(groups.len());
                match groups.get_mut(place) {
                    Some(members) => members.push(slot),
                    None => groups.push(vec![slot]),
                }
            }
            for members in &mut groups {
                members.sort_unstable();
                let first = members[0];
                self.draw_order(members, first);
            }
            groups.into_iter().flatten()
        };
        rounds.into_values().flat_map(in_round).collect()
    }

    /// Draws the order of members that run one after the other, so that none is always first. `first` is the first slot
    /// before the draw; it selects the seed.
    fn draw_order<T>(&self, members: &mut [T], first: Slot) {
        let case = &self.cases[first.case];
        let seed = self.scenario_of(case).run.seed;
        shuffle(members, derive_seed(seed, &format!("side by side: {}", case.id.as_given()), self.turn(first)));
    }

    /// Whether there are cases that differ only in that axis.
    #[must_use]
    pub fn has_pairs(&self, axis: &str) -> bool {
        let key = |case: &super::Case| (case.scenario, all_but(axis, &case.parameters));
        let mut seen = std::collections::BTreeSet::new();
        self.cases.iter().any(|case| !seen.insert(key(case)))
    }
}

/// The values of all other axes.
pub(super) fn all_but(axis: &str, parameters: &Parameters) -> BTreeMap<&'static str, Untrusted> {
    let others = AXES.iter().filter(|other| other.name != axis);
    others.map(|other| (other.name, other.get(parameters).text())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use super::*;

    const TWO_BY_TWO: &str =
        "[matrix]\nstrategy = [\"drop\", \"block\"]\nconcurrency = [1, 2, 3]\n[run]\nrepeats = 4\n";

    fn places(repeats: &[PlannedRepeat]) -> Vec<(usize, u32)> {
        repeats.iter().map(|repeat| (repeat.case, repeat.repeat)).collect()
    }

    #[test]
    fn a_plain_layout_changes_nothing() {
        let plain = plan(&[TWO_BY_TWO, TWO_BY_TWO]);
        assert_eq!(plain.clone().laid_out(&Layout::Plain), Ok(plain));
    }

    #[test]
    fn every_repeat_of_a_calibration_is_followed_by_its_twin() {
        let plain = plan(&[TWO_BY_TWO]);
        let twice = plain.clone().laid_out(&Layout::Twice).unwrap();
        assert_eq!(twice.repeats.len(), 2 * plain.repeats.len());
        for (one, pair) in plain.repeats.iter().zip(twice.repeats.chunks(2)) {
            let expected = [(one.case, 2 * one.repeat), (one.case, 2 * one.repeat + 1)];
            assert_eq!(places(pair), expected);
            assert_ne!(pair[0].seed, pair[1].seed);
        }
        assert_eq!(twice.slot_of(&twice.repeats[47]).confirmation, 0);
    }

    #[test]
    fn values_of_an_axis_run_one_after_the_other_and_none_is_always_first() {
        let plain = plan(&[TWO_BY_TWO]);
        let layout = Layout::Across { axis: "strategy".into() };
        let across = plain.clone().laid_out(&layout).unwrap();
        let mut sorted = (places(&plain.repeats), places(&across.repeats));
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1, "the same repeats");
        let mut firsts = std::collections::BTreeSet::new();
        for pair in across.repeats.chunks(2) {
            let values = pair.iter().map(|repeat| repeat.parameters.strategy).collect::<Vec<_>>();
            assert_ne!(values[0], values[1]);
            assert_eq!(pair[0].parameters.concurrency, pair[1].parameters.concurrency);
            assert_eq!(pair[0].repeat, pair[1].repeat);
            firsts.insert(values[0].name());
        }
        assert_eq!(firsts.len(), 2, "each is first at times");
        assert_eq!(across.clone().laid_out(&layout), Ok(across), "the same by the same seed");
        assert!(plain.has_pairs("strategy") && plain.has_pairs("concurrency") && !plain.has_pairs("maxsize"));
    }

    #[test]
    fn two_programs_share_each_repeat_and_its_seed() {
        let plain = plan(&[TWO_BY_TWO, "[matrix]\nmaxsize = [1, 2]\n[run]\nrepeats = 2\n"]);
        let both = plain.clone().laid_out(&Layout::Programs).unwrap();
        let half = plain.cases.len();
        assert_eq!(both.cases.len(), 2 * half);
        let mut firsts = std::collections::BTreeSet::new();
        for (one, pair) in plain.repeats.iter().zip(both.repeats.chunks(2)) {
            let mut cases = [pair[0].case, pair[1].case];
            firsts.insert(cases[0] < half);
            cases.sort_unstable();
            assert_eq!(cases, [one.case, one.case + half]);
            assert!(pair.iter().all(|repeat| (repeat.repeat, repeat.seed) == (one.repeat, one.seed)));
        }
        assert_eq!(firsts.len(), 2, "each is first at times");
    }

    #[test]
    fn a_confirmation_has_rounds_and_seeds_of_its_own() {
        let plain = plan(&[TWO_BY_TWO, "[matrix]\nmaxsize = [1, 2]\n[run]\nrepeats = 2\n"]);
        let again = plain.rounds(&[1, 7], 2);
        let mut seen = places(&again);
        seen.sort_unstable();
        assert_eq!(seen, [(1, 8), (1, 9), (1, 10), (1, 11), (7, 4), (7, 5)]);
        assert!(again.iter().all(|repeat| plain.slot_of(repeat).confirmation == 2));
        assert!(plain.repeats.iter().all(|repeat| plain.slot_of(repeat).confirmation == 0));
        assert!(again.iter().all(|repeat| plain.repeats.iter().all(|first| first.seed != repeat.seed)));
        let both = plain.laid_out(&Layout::Programs).unwrap();
        let mut cases: Vec<usize> = both.rounds(&[7], 1).iter().map(|repeat| repeat.case).collect();
        cases.sort_unstable();
        assert_eq!(cases, [7, 7, 15, 15]);
    }
}
