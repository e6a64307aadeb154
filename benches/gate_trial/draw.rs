//! Drawing pairs of reports from pools of repeats.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Chance, the same for the same seed.
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The chance of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `bound`, which is over 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Heads or tails.
    pub fn coin(&mut self) -> bool {
        self.below(2) == 1
    }
}

/// Fisher-Yates, from the last place down.
pub fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}

/// One side's repeat of a case: of which lane, in which round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pick {
    /// The lane.
    pub lane: usize,
    /// The case.
    pub case: usize,
    /// The round.
    pub round: u32,
}

/// The repeats of two reports: pairs of one round each, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The rounds.
    pub rounds: Vec<u32>,
    /// By case and then by round: old side, new side.
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

/// A first look and one with fresh repeats, which share none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// What is decided on.
    pub first: Look,
    /// What is to confirm it.
    pub fresh: Look,
}

/// Draws two looks of `each` rounds out of `rounds`; `None` where there are too few. Within a round, `lanes` says which
/// two lanes a case may take the old side from, and which the new one; `None`: what the old side leaves.
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
