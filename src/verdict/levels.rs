//! The ledgers of the levels: whether they can be true, and those of several repeats taken together.

use super::Distributions;
use super::reason::{Contradiction, Shortfall};
use crate::log_queue::Level;
use crate::measure::levels::open;
use crate::measure::{Ledger, LevelLedger, Measurement};
use crate::scenario::{CountName, Counted};

/// What cannot be true: the counts of each level must add up, and all of them to those of the window.
pub(super) fn faults(measurement: &Measurement, distributions: &Distributions, faults: &mut Vec<Contradiction>) {
    let open = open(&measurement.levels, &measurement.ledger, distributions.delivery.count());
    faults.extend(open.into_iter().map(Contradiction::LevelsOpen));
}

/// Adds the levels of another repeat of the same case.
pub(super) fn pool(sum: &mut Vec<LevelLedger>, other: &[LevelLedger]) {
    if sum.is_empty() {
        sum.extend_from_slice(other);
        return;
    }
    sum.iter_mut().zip(other).for_each(|(sum, other)| sum.add(other));
}

/// A count of one level. If the levels are not told apart, all logs have the level `info`.
pub(super) fn count(levels: &[LevelLedger], ledger: &Ledger, of: Counted, level: Level) -> Result<u64, Shortfall> {
    let attempted = |attempted| attempted > 0 || of.name == CountName::Attempted;
    if levels.is_empty() {
        return match level == Level::Info && attempted(ledger.attempted) {
            true => Ok(ledger.count(of.name)),
            false => Err(Shortfall::NothingOfLevel(level)),
        };
    }
    let found = levels.iter().find(|known| known.level == level.as_str()).filter(|found| attempted(found.attempted));
    found.ok_or(Shortfall::NothingOfLevel(level))?.count(of.name).ok_or(Shortfall::UnknownByLevel(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::healthy;

    fn levelled() -> Measurement {
        healthy(100).with_levels([0, 10, 70, 15, 5])
    }

    #[test]
    fn every_line_is_needed_for_the_sums() {
        assert_eq!(crate::verdict::faults(&levelled()), []);
        for (said, spoil) in [
            ("attempted of all levels = 101", (|m| m.levels[1].attempted += 1) as fn(&mut Measurement)),
            ("level debug does not close: attempted = 11", |m| m.levels[1].attempted += 1),
            ("enqueued of all levels = 99", |m| m.levels[4].enqueued = Some(4)),
            ("dropped of all levels = 1", |m| m.levels[4].dropped = Some(1)),
            ("sampled_out of all levels = 1", |m| m.levels[0].sampled_out = 1),
            ("delivered of all levels = 85", |m| m.levels[3].delivered = 0),
            ("level warn does not close: enqueued = 15, delivered + evicted + lost = 16", |m| {
                m.levels[3].lost = Some(1)
            }),
            ("lost of all levels = 1", |m| m.levels[3].lost = Some(1)),
            ("level warn: enqueued and dropped are null only together", |m| m.levels[3].dropped = None),
            ("level warn: enqueued and dropped are null only together, and lost with them", |m| {
                (m.levels[3].enqueued, m.levels[3].dropped) = (None, None);
            }),
            ("the levels are not trace, debug, info, warn, error", |m| drop(m.levels.remove(2))),
            ("the levels are not trace, debug, info, warn, error", |m| m.levels[2].level = "loud".into()),
        ] {
            let mut measurement = levelled();
            spoil(&mut measurement);
            let found = crate::verdict::faults(&measurement);
            assert!(found.iter().any(|fault| fault.to_string().contains(said)), "{said}: {found:?}");
        }
        let mut pooled = levelled().levels;
        pool(&mut pooled, &levelled().levels);
        assert_eq!((pooled[2].attempted, pooled[3].enqueued, pooled[4].lost), (140, Some(30), Some(0)));
        let mut untold = levelled().levels;
        untold.iter_mut().for_each(|of| (of.enqueued, of.dropped, of.lost) = (None, None, None));
        pool(&mut pooled, &untold);
        assert_eq!((pooled[2].attempted, pooled[3].enqueued, pooled[4].lost), (210, None, None));
    }
}
