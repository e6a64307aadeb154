//! Tracks which of a task's logs have arrived, in constant memory.

/// How far back an arrival can be identified as new or as a repetition, in sequence numbers.
pub const WINDOW: u64 = 64 * 1024;

const WORDS: u64 = WINDOW / 64;

/// The arrivals of one task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// Number of distinct logs.
    pub unique: u64,
    /// Sum of the hashes of their stamps.
    pub hash: u64,
    /// Number of arrivals of a log that had arrived before.
    pub duplicated: u64,
    /// Number of arrivals after a later log of the task.
    pub reordered: u64,
    /// Number of arrivals from before the reach of the bitmap: each may be new or a repetition.
    pub undecided: u64,
    /// Sum of the hashes of their stamps.
    pub undecided_hash: u64,
}

/// A sliding bitmap over the last [`WINDOW`] sequence numbers of one task.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    arrivals: Arrivals,
    /// One bit per sequence number; the word of number `s` is `s / 64 % WORDS`. Empty until the first arrival.
    bits: Vec<u64>,
    highest: Option<u64>,
}

/// The kind of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Not seen before.
    New,
    /// Seen before.
    Repeated,
    /// Too far back to be identified.
    Undecided,
}

impl Tracker {
    /// Records the arrival of the log with this sequence number and hash.
    #[inline]
    pub fn arrive(&mut self, sequence: u64, hash: u64) -> Arrival {
        // The bitmap slides forward with the newest log. A log that it has left behind cannot be classified: its word
        // has been reused.
        let newest = self.highest.is_none_or(|highest| sequence > highest);
        if newest {
            self.slide_to(sequence);
        } else if self.is_out_of_reach(sequence) {
            self.arrivals.undecided += 1;
            self.arrivals.undecided_hash = self.arrivals.undecided_hash.wrapping_add(hash);
            return Arrival::Undecided;
        }
        let (word, bit) = ((sequence / 64 % WORDS) as usize, 1 << (sequence % 64));
        if self.bits[word] & bit != 0 {
            self.arrivals.duplicated += 1;
            return Arrival::Repeated;
        }
        self.bits[word] |= bit;
        self.arrivals.unique += 1;
        self.arrivals.hash = self.arrivals.hash.wrapping_add(hash);
        self.arrivals.reordered += u64::from(!newest);
        Arrival::New
    }

    /// What has arrived so far.
    pub fn arrivals(&self) -> Arrivals {
        self.arrivals
    }

    fn is_out_of_reach(&self, sequence: u64) -> bool {
        self.highest.is_some_and(|highest| sequence / 64 + WORDS <= highest / 64)
    }

    /// Makes `sequence` the highest number, and clears the words that enter the bitmap. It clears at most [`WORDS`]
    /// words, however far a queue or a forged stamp makes the sequence jump.
    fn slide_to(&mut self, sequence: u64) {
        if self.bits.is_empty() {
            self.bits = vec![0; WORDS as usize];
        }
        let word = sequence / 64;
        let first = self.highest.map_or(word, |highest| (highest / 64 + 1).max((word + 1).saturating_sub(WORDS)));
        (first..=word).for_each(|word| self.bits[(word % WORDS) as usize] = 0);
        self.highest = Some(sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn gaps_repetitions_and_overtaking_are_told_apart() {
        let mut tracker = Tracker::default();
        for sequence in [0, 1, 3, 2, 3, 3, 7] {
            tracker.arrive(sequence, sequence + 100);
        }
        let arrivals = tracker.arrivals();
        assert_eq!((arrivals.unique, arrivals.duplicated, arrivals.reordered), (5, 2, 1));
        assert_eq!(arrivals.hash, 500 + 1 + 3 + 2 + 7);
    }

    #[test]
    fn what_is_too_far_back_is_undecided() {
        let mut tracker = Tracker::default();
        tracker.arrive(0, 1);
        tracker.arrive(WINDOW * 3, 2);
        assert_eq!(tracker.arrive(WINDOW, 4), Arrival::Undecided);
        assert_eq!(tracker.arrive(WINDOW * 3 - WINDOW / 2, 8), Arrival::New);
        let arrivals = tracker.arrivals();
        assert_eq!((arrivals.unique, arrivals.undecided, arrivals.undecided_hash), (3, 1, 4));
    }

    #[test]
    fn a_jump_clears_what_the_window_held() {
        let mut tracker = Tracker::default();
        (0..WINDOW).for_each(|sequence| assert_eq!(tracker.arrive(sequence, 0), Arrival::New));
        (WINDOW..3 * WINDOW).for_each(|sequence| assert_eq!(tracker.arrive(sequence, 0), Arrival::New));
        assert_eq!(tracker.arrive(3 * WINDOW - 1, 0), Arrival::Repeated);
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(steps in proptest::collection::vec((0u64..3, 0u64..200), 1..300)) {
            let (mut tracker, mut set, mut highest) = (Tracker::default(), HashSet::new(), 0_u64);
            for (direction, distance) in steps {
                let distance = distance * distance * distance / 40;
                let sequence = if direction == 0 { highest.saturating_sub(distance) } else { highest + distance };
                let expected = if set.is_empty() || sequence / 64 + WORDS > highest / 64 {
                    if set.insert(sequence) { Arrival::New } else { Arrival::Repeated }
                } else {
                    Arrival::Undecided
                };
                prop_assert_eq!(tracker.arrive(sequence, 0), expected);
                highest = highest.max(sequence);
            }
        }
    }
}
