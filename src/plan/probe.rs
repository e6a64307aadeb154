//! Runs of a case at another rate than the plan's, for a search.

use super::layout::all_but;
use super::repeat::planned;
use super::{Plan, PlannedRepeat};
use crate::matrix::{self, Case};
use crate::scenario::Parameters;
use std::collections::BTreeMap;

impl Plan {
    /// The plan without its axis `rate`, each case once: of cases that differ only in the rate, the one with the highest
    /// rate is kept.
    #[must_use]
    pub fn without_rates(mut self) -> Plan {
        let mut places = BTreeMap::new();
        let mut kept: Vec<Case> = Vec::new();
        for case in std::mem::take(&mut self.cases) {
            let place = *places.entry((case.scenario, all_but("rate", &case.parameters))).or_insert(kept.len());
            match kept.get_mut(place) {
                Some(other) if case.parameters.rate > other.parameters.rate => *other = case,
                Some(_) => {}
                None => kept.push(case),
            }
        }
        self.cases = kept;
        let all: Vec<usize> = (0..self.cases.len()).collect();
        self.repeats = self.rounds(&all, 0);
        self
    }

    /// The case with these parameters, as part of the scenario of the plan's case of that index.
    ///
    /// # Panics
    /// If the plan does not have the case.
    #[must_use]
    pub fn case_like(&self, case: usize, parameters: Parameters) -> Case {
        Case { id: matrix::id(&parameters), scenario: self.cases[case].scenario, parameters }
    }

    /// A run of [`case_like`](Self::case_like). `number` is its round, which must be unique among the runs of the case.
    ///
    /// # Panics
    /// If the plan does not have the case.
    #[must_use]
    pub fn probe(&self, case: usize, number: u32, parameters: Parameters) -> PlannedRepeat {
        let like = self.case_like(case, parameters);
        let repeat = planned(self.scenario_of(&like), std::slice::from_ref(&like), 0, number);
        PlannedRepeat { case, ..repeat }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use crate::scenario::Parameters;
    use crate::units::Rate;

    #[test]
    fn of_cases_that_differ_in_their_rate_the_fastest_is_kept() {
        let plan = plan(&[
            "[matrix]\nconcurrency = [1, 2]\nrate = [\"5/s\", \"70/s\", \"6/s\"]\n",
            "[matrix]\nconcurrency = 1\nrate = \"9/s\"\n",
        ]);
        let plan = plan.without_rates();
        let kept: Vec<_> = plan
            .cases
            .iter()
            .map(|case| (case.scenario, case.parameters.concurrency, case.parameters.rate.logs()))
            .collect();
        assert_eq!(kept, [(0, 1, 70), (0, 2, 70), (1, 1, 9)]);
        assert!(plan.repeats.iter().all(|repeat| plan.has(repeat)));
    }

    #[test]
    fn a_probe_is_a_repeat_at_another_rate() {
        let plan = plan(&["[matrix]\nconcurrency = [1, 2]\nrate = \"5/s\"\n[run]\nwarmup = \"7s\"\n"]);
        let parameters = Parameters { rate: Rate::of_whole(80), ..plan.cases[1].parameters.clone() };
        let probes = [3, 4].map(|number| plan.probe(1, number, parameters.clone()));
        for (probe, number) in probes.iter().zip([3, 4]) {
            assert_eq!((probe.case, probe.repeat, probe.parameters.rate.logs()), (1, number, 80));
            assert!(probe.case_id.as_given().contains("rate=80/s"), "{:?}", probe.case_id);
            assert_eq!(probe.warmup.to_string(), "7s");
        }
        assert_ne!(probes[0].seed, probes[1].seed);
    }
}
