//! The valid repeats of a case, taken together.

use super::faults::faults_of;
use super::figures::Figures;
use super::levels;
use super::producers::Producers;
use super::reason::Contradiction;
use super::stages::{self, PooledStage, Recoveries};
use crate::measure::encoding::{Distribution, EncodingError};
use crate::measure::{Latencies, Ledger, LevelLedger, Measurement, Rates};
use crate::observed::ByLatency;
use crate::units::human;
use crate::untrusted::Untrusted;

/// A driver's text about its queue's counters is cut to this many characters.
const LONGEST_DISPUTE: usize = 200;

/// Every latency of a repeat or of a case, decoded.
pub type Distributions = ByLatency<Distribution>;

/// A latency that could not be decoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name}: {source}")]
pub struct LatencyError {
    /// Which latency.
    pub name: &'static str,
    /// What is wrong with it.
    pub source: EncodingError,
}

impl From<LatencyError> for Contradiction {
    fn from(LatencyError { name, source }: LatencyError) -> Self {
        Self::Unreadable { name: name.to_owned(), error: source }
    }
}

impl Distributions {
    /// Decodes every latency of a repeat.
    ///
    /// # Errors
    /// The first latency that is not a histogram of as many values as it claims.
    pub fn decode(latency: &Latencies) -> Result<Self, LatencyError> {
        latency.try_map(|name, latency| {
            Distribution::decode(latency).map_err(|source| LatencyError { name: name.name(), source })
        })
    }

    /// Adds another repeat. A latency that one of the two does not have is unknown for both together.
    fn add(&mut self, other: &Self) -> Result<(), EncodingError> {
        self.try_merge(other, Distribution::add)
    }
}

/// The valid repeats of a case: latencies pooled, ledgers summed, rates averaged.
#[derive(Clone, Debug, Default)]
pub struct Pooled {
    repeats: u64,
    ledger: Ledger,
    rates: Option<Rates>,
    distributions: Option<Distributions>,
    stages: Vec<PooledStage>,
    recoveries: Recoveries,
    levels: Vec<LevelLedger>,
    figures: Figures,
    producers: Producers,
    faults: Vec<Contradiction>,
    /// Repeats in which the queue's own counters differ from the ledger.
    disputed: u64,
    /// The first such difference.
    dispute: Option<Untrusted>,
}

impl Pooled {
    /// Adds a valid repeat, and returns its decoded latencies. A repeat that contradicts itself is not added;
    /// [`Pooled::faults`] then says why.
    pub fn add(&mut self, measurement: &Measurement) -> Option<Distributions> {
        let decoded = match Distributions::decode(&measurement.latency) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.faults.push(error.into());
                return None;
            }
        };
        let faults = faults_of(measurement, &decoded);
        if !faults.is_empty() {
            self.faults.extend(faults);
            return Some(decoded);
        }
        if let Err(fault) = self.add_latencies(measurement, &decoded) {
            self.faults.push(fault);
            return Some(decoded);
        }
        self.recoveries.add(measurement.recovery);
        levels::pool(&mut self.levels, &measurement.levels);
        self.figures.add(measurement, &decoded);
        self.repeats += 1;
        self.producers.add(measurement);
        if let Some(dispute) = measurement.disagreements.first() {
            self.disputed += 1;
            self.dispute
                .get_or_insert_with(|| dispute.as_given().chars().take(LONGEST_DISPUTE).collect::<String>().into());
        }
        self.ledger.add(&measurement.ledger);
        self.rates = Some(averaged(self.rates, &measurement.rates, self.repeats));
        Some(decoded)
    }

    fn add_latencies(&mut self, measurement: &Measurement, decoded: &Distributions) -> Result<(), Contradiction> {
        stages::pool(&mut self.stages, stages::decoded(measurement)?).map_err(Contradiction::NotPooled)?;
        match &mut self.distributions {
            Some(sum) => sum.add(decoded).map_err(Contradiction::NotPooled),
            none => {
                *none = Some(decoded.clone());
                Ok(())
            }
        }
    }

    /// The stages pooled; empty if the window has none.
    #[must_use]
    pub fn stages(&self) -> &[PooledStage] {
        &self.stages
    }

    /// The ledgers of the levels, summed; empty if the levels were not told apart.
    #[must_use]
    pub fn levels(&self) -> &[LevelLedger] {
        &self.levels
    }

    /// How long the repeats took to recover from the spike.
    #[must_use]
    pub fn recoveries(&self) -> Recoveries {
        self.recoveries
    }

    /// The figures of the repeats.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Number of repeats.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.repeats
    }

    /// The counts of all repeats, summed.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The mean of each rate over the repeats; `None` without a repeat.
    #[must_use]
    pub fn rates(&self) -> Option<&Rates> {
        self.rates.as_ref()
    }

    /// The latencies pooled; `None` without a repeat.
    #[must_use]
    pub fn distributions(&self) -> Option<&Distributions> {
        self.distributions.as_ref()
    }

    /// Whether the queue left its producers the time that they need.
    pub(super) fn producers(&self) -> &Producers {
        &self.producers
    }

    /// A note that the queue's own counters differ from the ledger; `None` if they agree. The verdict relies on the
    /// ledger.
    pub(super) fn dispute(&self) -> Option<Untrusted> {
        let first = self.dispute.as_ref()?.as_given();
        let (disputed, all) = (human::count(self.disputed), human::count(self.repeats));
        let text = format!("the queue's own counters are wrong in {disputed} of {all} repeats; in the first, {first}");
        Some(text.into())
    }

    /// The contradictions in the repeats that were not added.
    #[must_use]
    pub fn faults(&self) -> &[Contradiction] {
        &self.faults
    }
}

/// The running mean after the `n`-th value.
fn averaged(before: Option<Rates>, next: &Rates, n: u64) -> Rates {
    let Some(before) = before else { return *next };
    let mean = |before: f64, next: f64| before + (next - before) / n as f64;
    Rates {
        offered_per_s: mean(before.offered_per_s, next.offered_per_s),
        attempted_per_s: mean(before.attempted_per_s, next.attempted_per_s),
        accepted_per_s: mean(before.accepted_per_s, next.accepted_per_s),
        delivered_per_s: mean(before.delivered_per_s, next.delivered_per_s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::healthy;

    #[test]
    fn counts_are_summed_and_rates_averaged() {
        let mut pooled = Pooled::default();
        pooled.add(&healthy(100));
        pooled.add(&healthy(300).dropping(50));
        assert_eq!((pooled.repeats(), pooled.ledger().scheduled, pooled.ledger().dropped), (2, 400, 50));
        assert_eq!(pooled.rates().unwrap().offered_per_s, 200.0);
        assert_eq!(pooled.distributions().unwrap().enqueue.count(), 350);
    }

    #[test]
    fn a_latency_that_one_repeat_lacks_is_unknown_in_the_pool() {
        let mut silent = healthy(100);
        silent.latency.unblocked = None;
        silent.latency.blocked = None;
        let mut pooled = Pooled::default();
        pooled.add(&healthy(100));
        pooled.add(&silent);
        assert!(pooled.distributions().unwrap().unblocked.is_none());
    }

    #[test]
    fn a_repeat_that_contradicts_itself_is_not_pooled() {
        let mut lying = healthy(100);
        lying.ledger.scheduled += 1;
        lying.latency.response = crate::measure::fixture::constant(101, 20_000);
        lying.latency.response_ideal = crate::measure::fixture::constant(101, 20_000);
        let mut pooled = Pooled::default();
        pooled.add(&lying);
        assert_eq!(pooled.repeats(), 0);
        assert!(pooled.distributions().is_none());
        assert_eq!(pooled.faults().len(), 1);
    }
}
