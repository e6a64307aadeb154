//! Draws pairs of reports from the pools of repeats.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// A random generator; the same seed gives the same numbers.
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `bound`, which must be above 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// True or false, with equal probability.
    pub fn coin(&mut self) -> bool {
        self.below(2) == 1
    }
}

/// Shuffles with Fisher-Yates, from the last position down.
pub fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}

/// A repeat of a case on one side of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pick {
    /// The lane.
    pub lane: usize,
    /// The case.
    pub case: usize,
    /// The round.
    pub round: u32,
}

/// The repeats of two reports: pairs from the same rounds, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The rounds.
    pub rounds: Vec<u32>,
    /// Old side and new side of each pair, by case and then by round.
    pub pairs: Vec<(Pick, Pick)>,
}

impl Look {
    /// This look, and of the cases in question what an earlier one saw too.
    pub fn after(&self, earlier: &Self, too: &dyn Fn(usize) -> bool) -> Self {
        let mut look = self.clone();
        look.pairs.extend(earlier.pairs.iter().filter(|(old, _)| too(old.case)));
        look.pairs.sort_by_key(|(old, _)| (old.case, old.round));
        if look.pairs.len() > self.pairs.len() {
            look.rounds.extend(&earlier.rounds);
            look.rounds.sort_unstable();
        }
        look
    }
}

/// A first look, and a second one with fresh repeats; they share no repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// The look for the first decision.
    pub first: Look,
    /// The look that confirms it.
    pub fresh: Look,
}

/// Draws two looks of `each` rounds out of `rounds`; `None` if there are too few rounds. For each case, `lanes` returns
/// the two lanes of which one becomes the old side, and the lane of the new side; `None`: the lane that the old side
/// leaves.
pub fn draw(
    rounds: &[u32],
    each: usize,
    cases: &[usize],
    lanes: &dyn Fn(usize) -> ([usize; 2], Option<usize>),
    random: &mut Random,
) -> Option<Draw> {
    if each == 0 || rounds.len() < 2 * each {
        return None;
    }
    let mut order = rounds.to_vec();
    shuffle(&mut order, random);
    let mut look = |chosen: &[u32]| {
        let mut rounds = chosen.to_vec();
        rounds.sort_unstable();
        let mut pairs = Vec::new();
        for case in cases.iter().copied() {
            let (old, new) = lanes(case);
            for round in rounds.iter().copied() {
                let heads = usize::from(random.coin());
                let pick = |lane| Pick { lane, case, round };
                pairs.push((pick(old[heads]), pick(new.unwrap_or(old[1 - heads]))));
            }
        }
        Look { rounds, pairs }
    };
    Some(Draw { first: look(&order[..each]), fresh: look(&order[each..2 * each]) })
}
