//! Lag: how long a runtime takes to run a task that has become ready.
//!
//! A task that cannot run cannot report it. A stall of half a second would be one value among hundreds of good ones. So
//! [`Pending`] keeps every beat that was sent meanwhile, and each of them is recorded with its own lag. Memory is
//! constant.

use super::encoding::Distribution;

/// Number of beats that are kept one by one. Of further beats, only their number and the time of the last one are kept.
const KEPT: usize = 1_024;

/// The beats that were sent but not yet seen by the task.
#[derive(Debug)]
pub struct Pending {
    /// The times at which beats were sent, in order.
    kept: Vec<u64>,
    /// Number of beats that were sent after the last one in `kept`.
    beyond: u64,
    /// The time at which the last beat was sent.
    last: u64,
}

impl Default for Pending {
    fn default() -> Self {
        Self { kept: Vec::with_capacity(KEPT), beyond: 0, last: 0 }
    }
}

impl Pending {
    /// No beats yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a beat that is sent at `at`. Times must not decrease.
    pub fn send(&mut self, at: u64) {
        self.last = at;
        if self.kept.len() < KEPT {
            self.kept.push(at);
        } else {
            self.beyond += 1;
        }
    }

    /// Takes all beats: calls `see` with the time at which each was sent. Beats that were only counted are assumed to have
    /// been sent at equal intervals.
    pub fn take(&mut self, mut see: impl FnMut(u64)) {
        self.kept.iter().for_each(|&at| see(at));
        // The beats beyond `kept` were sent between the last kept beat and `last`.
        let from = self.kept.last().copied().unwrap_or(0);
        let span = u128::from(self.last.saturating_sub(from));
        for nth in 1..=self.beyond {
            see(from + (span * u128::from(nth) / u128::from(self.beyond)) as u64);
        }
        self.kept.clear();
        self.beyond = 0;
    }
}

/// The lags of two spans: before the load, and during it. A lag belongs to the span in which its beat was sent, no
/// matter when it was seen. A beat outside both spans is ignored.
#[derive(Debug, Default)]
pub struct Lags {
    spans: [Option<(u64, u64)>; 2],
    lags: [Distribution; 2],
}

/// One of the two spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the load, while the queue is idle.
    Before,
    /// During the window.
    During,
}

impl Lags {
    /// No span is recorded yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records beats from `from` (included) to `to` (excluded).
    pub fn listen(&mut self, when: When, from: u64, to: u64) {
        self.spans[when as usize] = Some((from, to));
    }

    /// Records a beat that was sent at `at` and seen at `now`.
    pub fn record(&mut self, at: u64, now: u64) {
        if let Some(lags) = self.of(at) {
            lags.record(now.saturating_sub(at));
        }
    }

    /// Records a beat that was sent at `at` and not seen until the end at `now`: a lower bound.
    pub fn record_unseen(&mut self, at: u64, now: u64) {
        if let Some(lags) = self.of(at) {
            lags.record_censored(now.saturating_sub(at));
        }
    }

    /// The lags of one span.
    pub fn get(&self, when: When) -> &Distribution {
        &self.lags[when as usize]
    }

    fn of(&mut self, at: u64) -> Option<&mut Distribution> {
        let inside = |span: &Option<(u64, u64)>| span.is_some_and(|(from, to)| (from..to).contains(&at));
        self.spans.iter().position(inside).map(|index| &mut self.lags[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn taken(pending: &mut Pending) -> Vec<u64> {
        let mut seen = Vec::new();
        pending.take(|at| seen.push(at));
        seen
    }

    #[test]
    fn a_stall_counts_for_every_beat_that_it_kept_waiting() {
        let (mut pending, mut lags) = (Pending::new(), Lags::new());
        lags.listen(When::During, 0, 1_000 * MS);
        (0..100).for_each(|beat| pending.send(beat * MS));
        pending.take(|at| lags.record(at, 100 * MS));
        let lag = lags.get(When::During);
        assert_eq!((lag.count(), lag.min_ns(), lag.max_ns()), (100, Some(MS), Some(100 * MS)));
        assert_eq!(lag.sum_ns(), u128::from((1..=100).sum::<u64>() * MS));
        assert_eq!(taken(&mut pending), [0; 0], "a beat is seen once");
    }

    #[test]
    fn beats_beyond_what_is_kept_are_neither_lost_nor_stored() {
        let mut pending = Pending::new();
        let beats = 100_000_u64;
        (0..beats).for_each(|beat| pending.send(7 + beat * MS));
        assert_eq!(pending.kept.capacity(), KEPT);
        let expected: Vec<u64> = (0..beats).map(|beat| 7 + beat * MS).collect();
        assert_eq!(taken(&mut pending), expected, "at even distances, as they were sent");
        pending.send(5);
        assert_eq!(taken(&mut pending), [5]);
    }

    #[test]
    fn a_beat_belongs_to_the_span_in_which_it_was_sent() {
        let mut lags = Lags::new();
        lags.record(5, 6);
        lags.listen(When::Before, 0, 10);
        lags.listen(When::During, 20, 30);
        for at in [0, 9, 10, 15, 20, 29, 30] {
            lags.record(at, 1_000);
        }
        lags.record_unseen(25, 1_000);
        let (before, during) = (lags.get(When::Before), lags.get(When::During));
        assert_eq!((before.count(), before.censored()), (2, 0));
        assert_eq!((during.count(), during.censored()), (3, 1));
        assert_eq!(during.max_ns(), Some(980));
    }
}
