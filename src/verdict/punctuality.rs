//! Was a load sent on time?

use super::has_samples;
use crate::measure::encoding::Distribution;
use crate::measure::{Control, Latency, Measurement};
use crate::units::human;

/// Quantiles of the lateness that may be judged, in parts of 10^9; the first that has samples is.
const QUANTILES: [(&str, u64); 3] = [("p99", 990_000_000), ("p90", 900_000_000), ("p50", 500_000_000)];

/// How late the generator was, in the numbers that are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Punctuality {
    scheduled: u64,
    unsent: u64,
    /// Which statistic of the lateness is judged: the largest value where there are fewer than 20, since one late log of
    /// a dozen is a share of the evidence that no quantile excuses.
    name: &'static str,
    lateness_ns: u64,
}

impl Punctuality {
    /// Of the load itself.
    pub(super) fn of_window(measurement: &Measurement) -> Result<Self, String> {
        let ledger = &measurement.ledger;
        Self::of(ledger.scheduled, ledger.unsent_generator, &measurement.latency.lateness)
    }

    /// Of its control.
    pub(super) fn of_control(control: &Control) -> Result<Self, String> {
        Self::of(control.scheduled, control.unsent_generator, &control.lateness)
    }

    fn of(scheduled: u64, unsent: u64, lateness: &Latency) -> Result<Self, String> {
        let lateness = Distribution::decode(lateness)
            .map_err(|error| format!("the generator's lateness cannot be read: {error}"))?;
        let max = lateness.max_ns().ok_or("the generator's lateness was not measured")?;
        let judged = QUANTILES.into_iter().find(|(_, parts)| has_samples(lateness.count(), *parts));
        let (name, lateness_ns) =
            judged.and_then(|(name, parts)| Some((name, lateness.quantile_ns(parts)?))).unwrap_or(("largest", max));
        Ok(Self { scheduled, unsent, name, lateness_ns })
    }

    /// The lateness that is judged, in nanoseconds.
    pub(super) fn lateness_ns(&self) -> u64 {
        self.lateness_ns
    }

    /// Whether single values are judged, for want of more.
    pub(super) fn is_of_single_values(&self) -> bool {
        self.name == "largest"
    }

    /// The lateness in words, such as `p99 lateness is 12.0 ms`.
    pub(super) fn lateness(&self) -> String {
        format!("{} lateness is {}", self.name, human::latency(self.lateness_ns as f64))
    }

    /// What is late about it, one clause each: over 1 % of the logs not sent, or a lateness over `most_ns`.
    pub(super) fn faults(&self, most_ns: u64) -> Vec<String> {
        let mut faults = Vec::new();
        if u128::from(self.unsent) * 100 > u128::from(self.scheduled) {
            let (unsent, scheduled) = (human::count(self.unsent), human::count(self.scheduled));
            faults.push(format!("{unsent} of {scheduled} logs were not sent, more than 1%"));
        }
        if self.lateness_ns > most_ns {
            faults.push(format!("its {}, more than {} ms", self.lateness(), most_ns / 1_000_000));
        }
        faults
    }
}
