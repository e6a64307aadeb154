//! Computes the counts that a behaviour leaves in the ledger.

use super::synthetic::Behaviour;
use crate::measure::Ledger;
use serde::Serialize;

/// The counts of a ledger that describe the outcome of the sent logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Distinct accepted logs that reached the sink.
    pub delivered: u64,
    /// Refused because the queue was full.
    pub dropped: u64,
    /// Refused by the sampling decision.
    pub sampled_out: u64,
    /// Accepted and not delivered, and the queue did not report it.
    pub lost: u64,
    /// Accepted and not delivered, and the queue reported it.
    pub admitted: u64,
    /// Deliveries of a log that had been delivered before.
    pub duplicated: u64,
    /// Deliveries after a later log of the same task.
    pub reordered: u64,
    /// Deliveries of logs that were refused or never sent.
    pub phantom: u64,
    /// Deliveries that cannot be identified as new or as a repetition.
    pub undecidable: u64,
}

impl From<&Ledger> for Counts {
    fn from(ledger: &Ledger) -> Self {
        Self {
            delivered: ledger.delivered,
            dropped: ledger.dropped,
            sampled_out: ledger.sampled_out,
            lost: ledger.lost.silent,
            admitted: ledger.lost.admitted,
            duplicated: ledger.duplicated,
            reordered: ledger.reordered,
            phantom: ledger.phantom,
            undecidable: ledger.undecidable,
        }
    }
}

impl Counts {
    /// Every count with its name, in the order of the fields.
    pub fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("delivered", self.delivered),
            ("dropped", self.dropped),
            ("sampled out", self.sampled_out),
            ("lost", self.lost),
            ("lost and admitted", self.admitted),
            ("duplicated", self.duplicated),
            ("reordered", self.reordered),
            ("phantom", self.phantom),
            ("undecidable", self.undecidable),
        ]
    }

    /// The counts that the ledger must contain after a queue with this behaviour was sent `sent` logs.
    pub fn after(behaviour: Behaviour, sent: u64) -> Self {
        let all_well = Self { delivered: sent, ..Self::default() };
        match behaviour {
            Behaviour::DropsEvery(n) => Self { delivered: sent - sent / n, dropped: sent / n, ..all_well },
            Behaviour::LosesEvery(n) => Self { delivered: sent - sent / n, lost: sent / n, ..all_well },
            Behaviour::RepeatsEvery(n) => Self { duplicated: sent / n, ..all_well },
            // The logs n/2, n/2 + n, … are overtaken, unless no log follows.
            Behaviour::OvertakesEvery(n) => {
                Self { reordered: sent.saturating_sub(1).saturating_sub(n / 2).div_ceil(n), ..all_well }
            }
            Behaviour::Exchanges { log } => {
                let (lost, twice) = (u64::from(sent > log), u64::from(sent > log + 1));
                Self { delivered: sent - lost, lost, duplicated: twice, ..all_well }
            }
            Behaviour::Takes { .. }
            | Behaviour::Alternates { .. }
            | Behaviour::Stalls { .. }
            | Behaviour::Bounded { .. } => all_well,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Lost;

    #[test]
    fn the_arithmetic_of_ten_thousand_logs() {
        let after = |behaviour| Counts::after(behaviour, 10_000);
        let delivered = |delivered| Counts { delivered, ..Counts::default() };
        assert_eq!(after(Behaviour::DropsEvery(7)), Counts { dropped: 1_428, ..delivered(8_572) });
        assert_eq!(after(Behaviour::LosesEvery(1_000)), Counts { lost: 10, ..delivered(9_990) });
        assert_eq!(after(Behaviour::RepeatsEvery(1_000)), Counts { duplicated: 10, ..delivered(10_000) });
        assert_eq!(after(Behaviour::OvertakesEvery(1_000)), Counts { reordered: 10, ..delivered(10_000) });
        assert_eq!(after(Behaviour::Exchanges { log: 5_000 }), Counts { lost: 1, duplicated: 1, ..delivered(9_999) });
        assert_eq!(after(Behaviour::Takes { ns: 5 }), delivered(10_000));
    }

    #[test]
    fn only_what_was_sent_can_be_touched() {
        let reordered = |sent| Counts::after(Behaviour::OvertakesEvery(10), sent).reordered;
        assert_eq!([0, 5, 6, 7, 16, 17].map(reordered), [0, 0, 0, 1, 1, 2]);
        let exchanged = |sent| Counts::after(Behaviour::Exchanges { log: 3 }, sent);
        assert_eq!([3, 4, 5].map(|sent| (exchanged(sent).lost, exchanged(sent).duplicated)), [(0, 0), (1, 0), (1, 1)]);
    }

    #[test]
    fn every_count_of_the_ledger_is_looked_at() {
        let ledger = Ledger {
            delivered: 1,
            dropped: 2,
            sampled_out: 3,
            lost: Lost { silent: 4, admitted: 5 },
            duplicated: 6,
            reordered: 7,
            phantom: 8,
            undecidable: 9,
            ..Ledger::default()
        };
        assert_eq!(Counts::from(&ledger).named().map(|(_, count)| count), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
}
