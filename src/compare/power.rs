//! The change that a gate would have found, although it found nothing: simulated with its own repeats.

use super::align::Pair;
use super::level::Level;
use super::promises::{ENQUEUE, middle};
use super::rank::RankTests;
use super::steadiness::{Speed, SpeedOf};
use super::{CaseDecision, Change, Effect, Settings};
use crate::units::human;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Number of gates that are simulated for each slow-down.
const GATES: usize = 100;
/// Number of these gates that must find it: a power of 90 %.
const FOUND: usize = 90;
/// Largest slow-down that is tried, as a share. Repeats that hide a hundredfold slow-down have no useful answer.
const MOST: f64 = 100.0;
/// Number of bisections. They narrow a range from x to 2x down to 2 % of x.
const STEPS: u32 = 6;

/// The rise of `enqueue` that 90 of 100 gates would find in an unchanged case, in words; `None` if no case was tested. Only
/// the case that hides most, as a multiple of its margin, is simulated: in every other one, a smaller multiple is found.
pub(super) fn said(
    pairs: &[Pair<'_>],
    cases: &[CaseDecision],
    family: usize,
    settings: &Settings,
    speed: &SpeedOf<'_>,
) -> Option<String> {
    let unchanged = cases.iter().zip(pairs).filter(|(case, _)| case.change == Change::Unchanged);
    let effects = unchanged.filter_map(|(case, pair)| Some((case, pair, case.effect.as_ref()?)));
    let (case, pair, _) =
        effects.filter(|(.., effect)| !effect.identical).max_by(|a, b| hidden(a.2).total_cmp(&hidden(b.2)))?;
    let test = case.tests.iter().find(|test| test.metric == ENQUEUE)?;
    let values = |found: super::align::Found<'_>| -> Vec<f64> {
        found.case.repeats.iter().filter_map(|repeat| repeat.latency.enqueue.trimmed_mean_ns).collect()
    };
    let (base, new) = pair.both()?;
    let trial = Trial {
        base: values(base),
        new: values(new),
        margin: test.margin,
        speed: speed(base.case, new.case),
        level: Level::beside_stalls(settings.alpha, family),
    };
    let id = case.id.as_given();
    let Some(share) = trial.smallest_found() else {
        return Some(format!("whether any rise of enqueue would have been found is not known of {id}"));
    };
    let (from, to, margin) = (test.base, test.base * (1.0 + share), test.margin);
    let [from, to, margin] = [from, to, margin].map(human::latency);
    Some(format!(
        "a rise of enqueue from {from} to {to} would have been found in 90 of 100 gates, in {id}, which hides most (up to \
         {margin} is ignored)"
    ))
}

/// The change that the repeats hide, as a multiple of what is ignored anyway.
fn hidden(effect: &Effect) -> f64 {
    effect.detectable.map_or(f64::INFINITY, |detectable| detectable / effect.threshold)
}

/// Simulated gates on repeats that are drawn from the measured ones.
struct Trial {
    base: Vec<f64>,
    new: Vec<f64>,
    margin: f64,
    speed: Speed,
    level: Level,
}

impl Trial {
    fn smallest_found(&self) -> Option<f64> {
        let (centre, own) = (middle(&self.base), middle(&self.new));
        if centre <= 0.0 || own <= 0.0 || !self.level.can_be_met(self.base.len(), self.new.len()) {
            return None;
        }
        // Both sides are scaled to one median. The difference between them is one that the gate did not find, and must
        // not widen the pool.
        let pool: Vec<f64> = self
            .base
            .iter()
            .chain(self.new.iter().map(|v| v * centre / own).collect::<Vec<_>>().iter())
            .copied()
            .collect();
        // A slow-down under the margin, or under what the machine may have done, is never found, so the search starts there.
        let (mut low, mut high) = (0.0, (self.margin / centre).max(self.speed.slower - 1.0));
        while self.found(&pool, high) < FOUND {
            (low, high) = (high, 2.0 * high);
            if high > MOST || high <= low {
                return None;
            }
        }
        for _ in 0..STEPS {
            let between = f64::midpoint(low, high);
            match self.found(&pool, between) >= FOUND {
                true => high = between,
                false => low = between,
            }
        }
        Some(high)
    }

    /// The number of gates that find a slow-down. A fixed seed gives every slow-down the same draws: with fresh draws,
    /// a larger slow-down could be found less often, and the bisection would go astray.
    fn found(&self, pool: &[f64], slowdown: f64) -> usize {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut tests = RankTests::default();
        let mut draw = |count: usize, factor: f64| -> Vec<f64> {
            let one = |_| pool[(random.next_u64() % pool.len() as u64) as usize] * factor;
            (0..count).map(one).collect()
        };
        let each = self.level.each();
        let finds = |_: &usize| {
            // As in a gate, an alarm must survive the worst that the machine did.
            let (base, new) = (draw(self.base.len(), self.speed.slower), draw(self.new.len(), 1.0 + slowdown));
            let shift = tests.shift(&base, &new, self.level.alpha).map_or(0.0, |shift| shift.estimate);
            shift > self.margin && tests.test(&base, &new).p_larger <= each
        };
        (0..GATES).filter(finds).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(spread: f64, margin: f64, slower: f64) -> Option<f64> {
        let side: Vec<f64> = (0..10).map(|n| 1_000.0 * (1.0 + spread * (n as f64 / 9.0 - 0.5))).collect();
        let level = Level::beside_stalls(0.01, 20);
        Trial { base: side.clone(), new: side, margin, speed: Speed { slower, faster: 1.0 }, level }.smallest_found()
    }

    #[test]
    fn steady_repeats_find_just_more_than_the_margin_and_unsteady_ones_less() {
        let (steady, unsteady) = (trial(0.01, 100.0, 1.0).unwrap(), trial(0.5, 100.0, 1.0).unwrap());
        assert!((0.10..0.115).contains(&steady), "{steady}");
        assert!(unsteady > 0.2, "{unsteady}");
        assert!((1.0..1.1).contains(&trial(0.01, 1_000.0, 1.0).unwrap()), "a margin of 100 %");
        let moved = trial(0.01, 100.0, 1.25).unwrap();
        assert!((0.35..0.37).contains(&moved), "the machine may have done 25 %, and the margin comes on top: {moved}");
    }

    #[test]
    fn what_is_said_to_be_found_is_found_by_gates_on_other_draws() {
        let base: Vec<f64> = (0..10).map(|n| 1_000.0 * (1.0 + 0.2 * (n as f64 / 9.0 - 0.5))).collect();
        let level = Level::beside_stalls(0.01, 20);
        let said = Trial { base: base.clone(), new: base.clone(), margin: 100.0, speed: Speed::default(), level }
            .smallest_found()
            .unwrap();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(2);
        let mut tests = RankTests::default();
        let mut draw =
            |factor: f64| -> Vec<f64> { (0..10).map(|_| base[(random.next_u64() % 10) as usize] * factor).collect() };
        let found = (0..400).filter(|_| {
            let (old, new) = (draw(1.0), draw(1.0 + said));
            tests.shift(&old, &new, 0.01).unwrap().estimate > 100.0 && tests.test(&old, &new).p_larger <= 0.01 / 20.0
        });
        let found = found.count();
        assert!((330..=390).contains(&found), "{found} of 400");
    }

    #[test]
    fn too_few_repeats_find_nothing() {
        let level = Level::beside_stalls(0.01, 20);
        assert_eq!(
            Trial { base: vec![1.0; 3], new: vec![1.0; 3], margin: 0.1, speed: Speed::default(), level }
                .smallest_found(),
            None
        );
    }
}
