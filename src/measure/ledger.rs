//! Compares what was accepted with what arrived.

use super::levels::{ByLevel, LevelTold};
use super::model::{Ledger, Lost};
use super::tracker::Arrivals;
use crate::load::Tally;

/// The outcomes that the callers of one task were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Calls that were accepted.
    pub enqueued: u64,
    /// Sum of the hashes of their stamps.
    pub hash: u64,
    /// Of `enqueued`: in time for the accepted rate.
    pub enqueued_in_window: u64,
    /// Calls that were refused because the queue was full.
    pub dropped: u64,
    /// Calls that were refused by the sampling decision.
    pub sampled_out: u64,
    /// The same by level; all 0 if nobody asks for that.
    pub by_level: ByLevel<LevelTold>,
}

impl Ledger {
    /// Enters one task: the number of logs in its schedule, their outcome, the outcomes of its calls, and what the sink
    /// saw. The schedule is counted separately from its walk, so that a log which the walk forgets shows as a
    /// difference.
    pub fn enter(&mut self, scheduled: u64, tally: &Tally, told: &Told, arrivals: &Arrivals) {
        self.scheduled += scheduled;
        self.attempted += tally.attempted;
        self.unsent += tally.unsent;
        self.unsent_generator += tally.unsent_generator;
        self.enqueued += told.enqueued;
        self.enqueued_in_window += told.enqueued_in_window;
        self.dropped += told.dropped;
        self.sampled_out += told.sampled_out;
        self.reconcile(told, arrivals);
    }

    /// Finds losses, repetitions and phantoms, from the counts and from the sums of the hashes: if one log is lost and
    /// another one takes its place, the counts are equal and the sums differ.
    fn reconcile(&mut self, told: &Told, arrivals: &Arrivals) {
        self.duplicated += arrivals.duplicated;
        self.reordered += arrivals.reordered;
        let all_hash = arrivals.hash.wrapping_add(arrivals.undecided_hash);
        if (arrivals.unique, arrivals.hash) == (told.enqueued, told.hash) {
            // Everything has arrived within the reach of the bitmap, so everything else was a repetition.
            self.delivered += told.enqueued;
            self.duplicated += arrivals.undecided;
        } else if (arrivals.unique + arrivals.undecided, all_hash) == (told.enqueued, told.hash) {
            // Everything has arrived exactly once, some of it very late.
            self.delivered += told.enqueued;
            self.reordered += arrivals.undecided;
        } else {
            let delivered = arrivals.unique.min(told.enqueued);
            self.delivered += delivered;
            self.lost.silent += told.enqueued - delivered;
            self.phantom += arrivals.unique - delivered;
            // Equal counts with different sums: at least one log was exchanged for another.
            self.undecidable += arrivals.undecided.max(u64::from(arrivals.unique == told.enqueued));
        }
    }

    /// Counts up to `most` missing logs as dropped. If calls do not tell the outcome, all logs were entered as
    /// accepted. Which of them were dropped is unknown, so all are subtracted from those accepted in time. That is
    /// exact unless a call returned after the window, and never in the queue's favour.
    pub fn drop_missing(&mut self, most: u64) {
        let dropped = most.min(self.lost.silent);
        self.lost.silent -= dropped;
        self.dropped += dropped;
        self.enqueued -= dropped;
        self.enqueued_in_window = self.enqueued_in_window.saturating_sub(dropped);
    }

    /// Counts up to `most` missing logs as evicted. They stay accepted. Which of them were evicted is unknown, so all are
    /// subtracted from those accepted in time, as in [`Self::drop_missing`].
    pub fn evict_missing(&mut self, most: u64) {
        let evicted = most.min(self.lost.silent);
        self.lost.silent -= evicted;
        self.evicted += evicted;
        self.enqueued_in_window = self.enqueued_in_window.saturating_sub(evicted);
    }

    /// Moves up to `said` losses from silent to admitted. The queue's report is believed only up to the number of
    /// missing logs.
    pub fn admit(&mut self, said: u64) {
        let admitted = said.min(self.lost.silent);
        self.lost = Lost { admitted: self.lost.admitted + admitted, silent: self.lost.silent - admitted };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Phase, Stamp};
    use crate::measure::tracker::{Tracker, WINDOW};
    use proptest::prelude::*;

    fn hash(sequence: u64) -> u64 {
        Stamp { phase: Phase::Window, task: 0, sequence, at: sequence * 7 }.hash()
    }

    /// The ledger of one task: `accepted` are its accepted logs, `arrived` those that reached the sink, in order of
    /// arrival.
    fn ledger(accepted: &[u64], arrived: &[u64]) -> Ledger {
        let mut tracker = Tracker::default();
        arrived.iter().for_each(|&sequence| {
            tracker.arrive(sequence, hash(sequence));
        });
        let enqueued = accepted.len() as u64;
        let sum = accepted.iter().fold(0, |sum: u64, &sequence| sum.wrapping_add(hash(sequence)));
        let told = Told { enqueued, hash: sum, enqueued_in_window: enqueued, ..Told::default() };
        let tally = Tally { attempted: enqueued, ..Tally::default() };
        let mut ledger = Ledger::default();
        ledger.enter(enqueued, &tally, &told, &tracker.arrivals());
        ledger
    }

    #[test]
    fn what_a_lying_queue_does_is_seen() {
        let far = WINDOW * 2;
        let long: Vec<u64> = (0..far).collect();
        let repeated_late: Vec<u64> = long.iter().copied().chain([0]).collect();
        let moved_late: Vec<u64> = long[1..].iter().copied().chain([0]).collect();
        let swapped_late: Vec<u64> = long[2..].iter().copied().chain([0, 0]).collect();
        // name, accepted, arrived, delivered, lost, duplicated, reordered, phantom, undecidable
        type Row<'a> = (&'a str, &'a [u64], &'a [u64], [u64; 6]);
        let rows: [Row; 10] = [
            ("all well", &[0, 1, 2], &[0, 1, 2], [3, 0, 0, 0, 0, 0]),
            ("nothing at all", &[], &[], [0; 6]),
            ("one lost", &[0, 1, 2], &[0, 2], [2, 1, 0, 0, 0, 0]),
            ("one twice", &[0, 1, 2], &[0, 1, 1, 2], [3, 0, 1, 0, 0, 0]),
            ("one lost, one twice", &[0, 1, 2], &[0, 0, 2], [2, 1, 1, 0, 0, 0]),
            ("overtaking", &[0, 1, 2], &[0, 2, 1], [3, 0, 0, 1, 0, 0]),
            ("a refused one delivered for an accepted one", &[0, 1, 3], &[0, 1, 2], [3, 0, 0, 0, 0, 1]),
            ("a refused one delivered as well", &[0, 1], &[0, 1, 2], [2, 0, 0, 0, 1, 0]),
            ("repeated beyond the window", &long, &repeated_late, [far, 0, 1, 0, 0, 0]),
            ("late beyond the window", &long, &moved_late, [far, 0, 0, 1, 0, 0]),
        ];
        for (name, accepted, arrived, [delivered, lost, duplicated, reordered, phantom, undecidable]) in rows {
            let ledger = ledger(accepted, arrived);
            assert_eq!(ledger.delivered, delivered, "{name}: delivered");
            assert_eq!(ledger.lost.silent, lost, "{name}: lost");
            assert_eq!(ledger.duplicated, duplicated, "{name}: duplicated");
            assert_eq!(ledger.reordered, reordered, "{name}: reordered");
            assert_eq!(ledger.phantom, phantom, "{name}: phantom");
            assert_eq!(ledger.undecidable, undecidable, "{name}: undecidable");
            assert_eq!(ledger.enqueued, ledger.delivered + ledger.lost.silent, "{name}: closes");
        }
        let swapped = ledger(&long, &swapped_late);
        assert!(swapped.undecidable > 0, "one lost and another repeated beyond the window is never taken for well");
    }

    #[test]
    fn a_queue_admits_no_more_than_is_missing() {
        let mut ledger = ledger(&[0, 1, 2, 3], &[0]);
        ledger.admit(2);
        assert_eq!(ledger.lost, Lost { admitted: 2, silent: 1 });
        ledger.admit(100);
        assert_eq!(ledger.lost, Lost { admitted: 3, silent: 0 });
    }

    #[test]
    fn what_is_dropped_is_taken_off_what_was_accepted_and_is_no_loss() {
        let mut ledger = ledger(&[0, 1, 2, 3, 4], &[0, 1]);
        ledger.enqueued_in_window = 4;
        ledger.drop_missing(2);
        assert_eq!((ledger.enqueued, ledger.dropped, ledger.lost.silent, ledger.enqueued_in_window), (3, 2, 1, 2));
        ledger.drop_missing(u64::MAX);
        assert_eq!((ledger.enqueued, ledger.dropped, ledger.lost.silent, ledger.enqueued_in_window), (2, 3, 0, 1));
        ledger.drop_missing(7);
        assert_eq!((ledger.enqueued, ledger.dropped, ledger.delivered), (2, 3, 2), "nothing else is missing");
    }

    #[test]
    fn what_is_evicted_stays_accepted_and_is_no_loss() {
        let mut ledger = ledger(&[0, 1, 2, 3, 4], &[0, 1]);
        for (most, evicted, lost, in_window) in [(2, 2, 1, 3), (7, 3, 0, 2), (1, 3, 0, 2)] {
            ledger.evict_missing(most);
            let found = (ledger.evicted, ledger.lost.silent, ledger.enqueued_in_window);
            assert_eq!(found, (evicted, lost, in_window));
            assert_eq!((ledger.enqueued, ledger.dropped, ledger.discarded()), (5, 0, evicted));
        }
    }

    proptest! {
        #[test]
        fn any_deviation_from_exactly_once_is_visible(
            count in 1u64..200,
            lost in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
            repeated in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let accepted: Vec<u64> = (0..count).collect();
            let mut arrived = accepted.clone();
            for index in &lost {
                if !arrived.is_empty() {
                    arrived.remove(index.index(arrived.len()));
                }
            }
            for index in &repeated {
                if !arrived.is_empty() {
                    let again = arrived[index.index(arrived.len())];
                    arrived.push(again);
                }
            }
            let found = ledger(&accepted, &arrived);
            let missing = lost.len().min(count as usize) as u64;
            prop_assert_eq!(found.lost.silent, missing);
            prop_assert_eq!(found.duplicated, if arrived.is_empty() { 0 } else { repeated.len() as u64 });
            prop_assert_eq!(found.enqueued, found.delivered + found.lost.silent);
            prop_assert_eq!((found.phantom, found.undecidable), (0, 0));
        }
    }
}
