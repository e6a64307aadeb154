//! What became of the logs of each level.

use super::model::{Ledger, OutcomeSource};
use crate::load::Reply;
use crate::log_queue::Level;
use crate::observed::CountName;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

/// Something for each of [`Level::ALL`].
pub type ByLevel<T> = [T; Level::ALL.len()];

/// The outcomes that callers were told of the logs of one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelTold {
    enqueued: u64,
    dropped: u64,
    sampled_out: u64,
}

impl LevelTold {
    /// Counts one call.
    #[inline]
    pub fn count(&mut self, reply: Reply) {
        match reply {
            Reply::Enqueued { .. } => self.enqueued += 1,
            Reply::Dropped => self.dropped += 1,
            Reply::SampledOut => self.sampled_out += 1,
        }
    }

    /// Adds those of another task.
    pub fn add(&mut self, other: Self) {
        self.enqueued += other.enqueued;
        self.dropped += other.dropped;
        self.sampled_out += other.sampled_out;
    }
}

/// The ledger of one level: the logs of the window that were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LevelLedger {
    /// Its name.
    pub level: Untrusted,
    /// Calls made.
    pub attempted: u64,
    /// Accepted by the queue; null where it cannot be told from `dropped` for each level.
    #[serde(default)]
    pub enqueued: Option<u64>,
    /// Refused because the queue was full, or discarded because of its level; null together with `enqueued`.
    #[serde(default)]
    pub dropped: Option<u64>,
    /// Refused by the sampling decision.
    pub sampled_out: u64,
    /// Distinct logs that reached the sink.
    pub delivered: u64,
    /// Accepted, and later removed by the queue to make room; null where it is not known of which level they were.
    #[serde(default = "none_evicted")]
    pub evicted: Option<u64>,
    /// Accepted logs that were not evicted and never reached the sink; null where it is not known of which level they were.
    #[serde(default)]
    pub lost: Option<u64>,
}

/// What a driver leaves out did not happen.
#[expect(clippy::unnecessary_wraps, reason = "serde takes the type of the field")]
fn none_evicted() -> Option<u64> {
    Some(0)
}

impl LevelLedger {
    /// One of [`CountName::BY_LEVEL`]; `None` if it is not known, or not kept by level.
    #[must_use]
    pub fn count(&self, name: CountName) -> Option<u64> {
        match name {
            CountName::Attempted => Some(self.attempted),
            CountName::Enqueued => self.enqueued,
            CountName::Dropped => self.dropped,
            CountName::SampledOut => Some(self.sampled_out),
            CountName::Delivered => Some(self.delivered),
            CountName::Evicted => self.evicted,
            CountName::Lost => self.lost,
            CountName::Scheduled
            | CountName::Unsent
            | CountName::UnsentGenerator
            | CountName::Duplicated
            | CountName::Reordered
            | CountName::Undecidable => None,
        }
    }

    /// Adds that of the same level of another repeat; a sum stops at the largest number.
    pub fn add(&mut self, other: &Self) {
        let both = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        self.attempted = self.attempted.saturating_add(other.attempted);
        self.enqueued = both(self.enqueued, other.enqueued);
        self.dropped = both(self.dropped, other.dropped);
        self.sampled_out = self.sampled_out.saturating_add(other.sampled_out);
        self.delivered = self.delivered.saturating_add(other.delivered);
        self.evicted = both(self.evicted, other.evicted);
        self.lost = both(self.lost, other.lost);
    }
}

/// The levels that were sent, if there are at least two; otherwise none.
pub fn several(levels: &[LevelLedger]) -> Vec<&LevelLedger> {
    let sent: Vec<&LevelLedger> = levels.iter().filter(|of| of.attempted > 0).collect();
    if sent.len() < 2 { Vec::new() } else { sent }
}

/// The ledger of each level. `dropped` is how many logs of the window were dropped although their calls did not say so:
/// which of the missing logs those are is known if none was, or if all of them were.
pub fn ledgers(
    told: &ByLevel<LevelTold>,
    delivered: &ByLevel<u64>,
    source: OutcomeSource,
    ledger: &Ledger,
    dropped: u64,
) -> Vec<LevelLedger> {
    let missing = |told: &LevelTold, delivered: u64| told.enqueued.saturating_sub(delivered);
    let sum: u64 = told.iter().zip(delivered).map(|(told, delivered)| missing(told, *delivered)).sum();
    let all_dropped = ledger.lost() == 0 && sum == dropped;
    let of = |((level, told), delivered): ((Level, &LevelTold), &u64)| {
        let missing = missing(told, *delivered);
        let outcome = match source {
            OutcomeSource::Call => Some((told.enqueued, told.dropped)),
            _ if dropped == 0 => Some((told.enqueued, told.dropped)),
            _ if all_dropped => Some((told.enqueued - missing, told.dropped + missing)),
            OutcomeSource::Counter | OutcomeSource::Delivery => None,
        };
        LevelLedger {
            level: level.as_str().into(),
            attempted: told.enqueued + told.dropped + told.sampled_out,
            enqueued: outcome.map(|(enqueued, _)| enqueued),
            dropped: outcome.map(|(_, dropped)| dropped),
            sampled_out: told.sampled_out,
            delivered: *delivered,
            evicted: Some(0),
            lost: outcome.and_then(|(enqueued, _)| enqueued.checked_sub(*delivered)),
        }
    };
    let mut levels: Vec<LevelLedger> = Level::ALL.into_iter().zip(told).zip(delivered).map(of).collect();
    // A log that arrived in place of another one, or too late to be told from a repetition, hides whose the loss is. Of what
    // is missing, nobody knows what was evicted and what was lost, unless all of it was the one or the other.
    match (total(&levels, |of| of.lost), ledger.evicted, ledger.lost()) {
        (Some(missing), 0, lost) if missing == lost => {}
        (Some(missing), evicted, 0) if missing == evicted => {
            levels.iter_mut().for_each(|of| (of.evicted, of.lost) = (of.lost, Some(0)));
        }
        (_, 0, _) => levels.iter_mut().for_each(|of| of.lost = None),
        _ => levels.iter_mut().for_each(|of| (of.evicted, of.lost) = (None, None)),
    }
    levels
}

/// A count over all levels; it stops at the largest number. `None` if a level does not know it.
fn total(levels: &[LevelLedger], count: impl Fn(&LevelLedger) -> Option<u64>) -> Option<u64> {
    levels.iter().map(count).try_fold(0, |sum: u64, count| Some(sum.saturating_add(count?)))
}

/// How the ledgers of the levels do not close.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Open {
    /// Not one ledger for each level, in their order.
    #[error("the levels are not trace, debug, info, warn, error")]
    Unlike,
    /// One is known and the other one is not.
    #[error("level {level}: enqueued and dropped are null only together, and lost with them")]
    Missing {
        /// Of which level.
        level: Level,
    },
    /// The counts of a level do not add up.
    #[error("level {level} does not close: {what} = {value}, {other} = {expected}")]
    Level {
        /// Of which level.
        level: Level,
        /// The one count.
        what: &'static str,
        /// Its value.
        value: u64,
        /// What it must be the same as.
        other: &'static str,
        /// The value of that.
        expected: u64,
    },
    /// The levels together are not the window.
    #[error("{what} of all levels = {value}, that of the window = {expected}")]
    Sum {
        /// The count.
        what: CountName,
        /// Over all levels.
        value: u64,
        /// Of the window.
        expected: u64,
    },
}

/// Every way in which the ledgers of the levels do not close; empty if there are none. `timed` is the number of logs whose
/// delivery was timed, each of which is counted as delivered in its level.
#[must_use]
pub fn open(levels: &[LevelLedger], ledger: &Ledger, timed: u64) -> Vec<Open> {
    if levels.is_empty() {
        return Vec::new();
    }
    if !levels.iter().map(|of| of.level.as_given()).eq(Level::ALL.map(Level::as_str)) {
        return vec![Open::Unlike];
    }
    let mut open = Vec::new();
    for (level, of) in Level::ALL.into_iter().zip(levels) {
        if of.enqueued.is_some() != of.dropped.is_some() || (of.lost.is_some() && of.enqueued.is_none()) {
            open.push(Open::Missing { level });
        }
        let outcomes = of.enqueued.zip(of.dropped).map(|(enqueued, dropped)| add([enqueued, dropped, of.sampled_out]));
        let arrivals = of.evicted.zip(of.lost).map(|(evicted, lost)| add([of.delivered, evicted, lost]));
        for (what, value, other, expected) in [
            ("attempted", Some(of.attempted), "enqueued + dropped + sampled_out", outcomes),
            ("enqueued", of.enqueued, "delivered + evicted + lost", arrivals),
        ] {
            if let Some((value, expected)) = value.zip(expected).filter(|(value, expected)| value != expected) {
                open.push(Open::Level { level, what, value, other, expected });
            }
        }
    }
    for what in CountName::BY_LEVEL {
        let expected = if what == CountName::Delivered { timed } else { ledger.count(what) };
        let value = total(levels, |of| of.count(what));
        if let Some(value) = value.filter(|value| *value != expected) {
            open.push(Open::Sum { what, value, expected });
        }
    }
    open
}

fn add(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Lost;

    /// The counts of levels 1 and 4 of three: told, delivered.
    fn of(
        source: OutcomeSource,
        told: [[u64; 3]; 2],
        delivered: [u64; 2],
        ledger: &Ledger,
        dropped: u64,
    ) -> Vec<LevelLedger> {
        let mut all = ByLevel::<LevelTold>::default();
        let mut arrived = ByLevel::<u64>::default();
        for (place, ([enqueued, dropped, sampled_out], delivered)) in
            [1, 4].into_iter().zip(told.into_iter().zip(delivered))
        {
            all[place] = LevelTold { enqueued, dropped, sampled_out };
            arrived[place] = delivered;
        }
        ledgers(&all, &arrived, source, ledger, dropped)
    }

    /// Accepted, dropped and lost of those two levels.
    fn outcomes(levels: &[LevelLedger]) -> [[Option<u64>; 3]; 2] {
        [1, 4].map(|place: usize| [levels[place].enqueued, levels[place].dropped, levels[place].lost])
    }

    fn losing(silent: u64) -> Ledger {
        Ledger { lost: Lost { admitted: 0, silent }, ..Ledger::default() }
    }

    #[test]
    fn what_a_call_tells_is_known_of_each_level() {
        let levels = of(OutcomeSource::Call, [[6, 4, 1], [3, 0, 0]], [6, 2], &losing(1), 0);
        assert_eq!(outcomes(&levels), [[Some(6), Some(4), Some(0)], [Some(3), Some(0), Some(1)]]);
        assert_eq!((levels[1].attempted, levels[1].sampled_out, levels[0].attempted), (11, 1, 0));
        // One arrived that was refused, and one that was accepted did not.
        let swapped = of(OutcomeSource::Call, [[6, 4, 0], [3, 0, 0]], [5, 4], &losing(0), 0);
        assert_eq!(outcomes(&swapped), [[Some(6), Some(4), None], [Some(3), Some(0), None]]);
    }

    #[test]
    fn what_is_missing_was_all_dropped_or_all_lost_or_nobody_knows() {
        let told = [[10, 0, 0], [5, 0, 0]];
        for (lost, dropped, expected) in [
            (0, 4, [[Some(7), Some(3), Some(0)], [Some(4), Some(1), Some(0)]]),
            (4, 0, [[Some(10), Some(0), Some(3)], [Some(5), Some(0), Some(1)]]),
            (1, 3, [[None; 3], [None; 3]]),
        ] {
            let levels = of(OutcomeSource::Counter, told, [7, 4], &losing(lost), dropped);
            assert_eq!(outcomes(&levels), expected, "{lost} {dropped}");
            assert_eq!((levels[1].delivered, levels[4].delivered), (7, 4));
        }
    }

    #[test]
    fn what_is_missing_was_all_evicted_or_all_lost_or_nobody_knows() {
        let told = [[10, 0, 0], [5, 0, 0]];
        for (lost, evicted, expected) in [
            (0, 4, [(Some(3), Some(0)), (Some(1), Some(0))]),
            (4, 0, [(Some(0), Some(3)), (Some(0), Some(1))]),
            (1, 3, [(None, None), (None, None)]),
        ] {
            let ledger = Ledger { evicted, ..losing(lost) };
            let levels = of(OutcomeSource::Call, told, [7, 4], &ledger, 0);
            let found = [1, 4].map(|place: usize| (levels[place].evicted, levels[place].lost));
            assert_eq!(found, expected, "{lost} {evicted}");
        }
    }
}
