//! How a plan lays out its repeats where some belong together: the same code twice, two values of an axis, two programs.
//! What belongs together runs one right after the other, so that both meet the same machine.

use super::{MOST_REPEATS, Plan, PlannedRepeat, derive_seed, in_order, planned, shuffle, too_many};
use crate::scenario::{AXES, Diagnostics, Parameters};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the repeats of a plan are laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Layout {
    /// Each case by itself.
    #[default]
    Plain,
    /// Each repeat is followed by another of the same case: rounds 2r and 2r + 1 stand for round r, run twice.
    Twice,
    /// Cases that differ in one axis alone run one after the other.
    Across {
        /// The axis.
        axis: String,
    },
    /// Each repeat runs under this program and under another one: the cases stand twice, first ours, then the other's.
    Programs,
}

impl Layout {
    /// Number of cases that belong to this program, out of so many of the plan.
    #[must_use]
    pub fn own_cases(&self, cases: usize) -> usize {
        if matches!(self, Self::Programs) { cases / 2 } else { cases }
    }

    /// Rounds that stand for one repeat.
    #[must_use]
    pub const fn rounds_per_repeat(&self) -> u32 {
        if matches!(self, Self::Twice) { 2 } else { 1 }
    }
}

impl Plan {
    /// The same plan laid out otherwise.
    ///
    /// # Errors
    /// Too many repeats.
    pub fn laid_out(mut self, layout: &Layout) -> Result<Plan, Diagnostics> {
        if matches!(layout, Layout::Programs) {
            self.cases.extend(self.cases.clone());
        }
        let factor = if matches!(layout, Layout::Twice | Layout::Programs) { 2 } else { 1 };
        let repeats = (self.repeats.len() as u64).saturating_mul(factor);
        if repeats > MOST_REPEATS {
            return Err(too_many("repeats", repeats, MOST_REPEATS).into());
        }
        let all: Vec<usize> = (0..layout.own_cases(self.cases.len())).collect();
        self.repeats = self.rounds(layout, &all, 0);
        Ok(self)
    }

    /// The repeats of some of the cases once more: fresh rounds, with seeds of their own. Round `confirmation` of a plan
    /// whose own repeats are round 0; `cases` are indices of this program's cases.
    #[must_use]
    pub fn again(&self, layout: &Layout, cases: &[usize], confirmation: u32) -> Vec<PlannedRepeat> {
        self.rounds(layout, cases, confirmation)
    }

    /// Which confirmation a repeat is part of; 0: the plan itself.
    #[must_use]
    pub fn confirmation_of(&self, layout: &Layout, repeat: &PlannedRepeat) -> u32 {
        let repeats = self.cases.get(repeat.case).map_or(1, |case| self.scenario_of(case).run.repeats);
        repeat.repeat / repeats.saturating_mul(layout.rounds_per_repeat()).max(1)
    }

    fn rounds(&self, layout: &Layout, cases: &[usize], offset: u32) -> Vec<PlannedRepeat> {
        let single = in_order(&self.scenarios, &self.cases, cases, offset);
        let plan = |case: usize, round| planned(&self.scenarios[self.cases[case].scenario], &self.cases, case, round);
        match layout {
            Layout::Plain => single,
            Layout::Twice => {
                let twice = |repeat: PlannedRepeat| [0, 1].map(|side| plan(repeat.case, 2 * repeat.repeat + side));
                single.into_iter().flat_map(twice).collect()
            }
            Layout::Programs => {
                let half = layout.own_cases(self.cases.len());
                let both = |repeat: PlannedRepeat| {
                    let round = repeat.repeat;
                    self.in_drawn_order(vec![repeat.case, repeat.case + half], round)
                        .map(|case| plan(case, round))
                        .collect::<Vec<_>>()
                };
                single.into_iter().flat_map(both).collect()
            }
            Layout::Across { axis } => self.side_by_side(axis, single),
        }
    }

    /// Brings together, within each round, the cases that differ in that axis alone; the first of them keeps its place.
    fn side_by_side(&self, axis: &str, repeats: Vec<PlannedRepeat>) -> Vec<PlannedRepeat> {
        let mut rounds: BTreeMap<(usize, u32), Vec<usize>> = BTreeMap::new();
        for repeat in &repeats {
            rounds.entry((self.cases[repeat.case].scenario, repeat.repeat)).or_default().push(repeat.case);
        }
        let in_round = |((scenario, round), cases): ((usize, u32), Vec<usize>)| {
            let mut groups: Vec<(BTreeMap<&str, String>, Vec<usize>)> = Vec::new();
            let mut places: BTreeMap<BTreeMap<&str, String>, usize> = BTreeMap::new();
            for case in cases {
                let others = all_but(axis, &self.cases[case].parameters);
                let place = *places.entry(others.clone()).or_insert(groups.len());
                match groups.get_mut(place) {
                    Some((_, members)) => members.push(case),
                    None => groups.push((others, vec![case])),
                }
            }
            let members = groups.into_iter().flat_map(move |(_, members)| self.in_drawn_order(members, round));
            members.map(move |case| planned(&self.scenarios[scenario], &self.cases, case, round)).collect::<Vec<_>>()
        };
        rounds.into_iter().flat_map(in_round).collect()
    }

    /// Draws the order of cases that run one after the other, so that none is always first.
    fn in_drawn_order(&self, mut cases: Vec<usize>, round: u32) -> impl Iterator<Item = usize> + use<> {
        cases.sort_unstable();
        if let Some(first) = cases.first().map(|&first| &self.cases[first]) {
            let seed = self.scenario_of(first).run.seed;
            shuffle(&mut cases, derive_seed(seed, &format!("side by side: {}", first.id), round));
        }
        cases.into_iter()
    }

    /// Whether there are cases that differ in that axis alone.
    #[must_use]
    pub fn has_pairs(&self, axis: &str) -> bool {
        let key = |case: &super::Case| (case.scenario, all_but(axis, &case.parameters));
        let mut seen = std::collections::BTreeSet::new();
        self.cases.iter().any(|case| !seen.insert(key(case)))
    }
}

/// The values of all other axes.
fn all_but(axis: &str, parameters: &Parameters) -> BTreeMap<&'static str, String> {
    let others = AXES.iter().filter(|other| other.name != axis);
    others.map(|other| (other.name, other.get(parameters).to_string())).collect()
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
        assert_eq!(twice.confirmation_of(&Layout::Twice, &twice.repeats[47]), 0);
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
        let again = plain.again(&Layout::Plain, &[1, 7], 2);
        let mut seen = places(&again);
        seen.sort_unstable();
        assert_eq!(seen, [(1, 8), (1, 9), (1, 10), (1, 11), (7, 4), (7, 5)]);
        assert!(again.iter().all(|repeat| plain.confirmation_of(&Layout::Plain, repeat) == 2));
        assert!(plain.repeats.iter().all(|repeat| plain.confirmation_of(&Layout::Plain, repeat) == 0));
        assert!(again.iter().all(|repeat| plain.repeats.iter().all(|first| first.seed != repeat.seed)));
        let both = plain.laid_out(&Layout::Programs).unwrap();
        let mut cases: Vec<usize> = both.again(&Layout::Programs, &[7], 1).iter().map(|repeat| repeat.case).collect();
        cases.sort_unstable();
        assert_eq!(cases, [7, 7, 15, 15]);
    }
}
