//! The valid repeats of a case, taken together.

use super::faults::faults_of;
use super::producers::Producers;
use super::reason::Contradiction;
use crate::measure::encoding::{Distribution, EncodingError};
use crate::measure::{Latencies, Latency, Ledger, Lost, Measurement, Rates};
use crate::scenario::LatencyName;

/// Every latency of a repeat or of a case, decoded; those that could not be observed are `None`.
#[derive(Clone, Debug)]
pub struct Distributions {
    /// Call to return, accepted logs.
    pub enqueue: Distribution,
    /// Of `enqueue`: found room at once.
    pub unblocked: Option<Distribution>,
    /// Of `enqueue`: had to wait.
    pub blocked: Option<Distribution>,
    /// Call to return, refused logs.
    pub rejected: Distribution,
    /// Intended start to return.
    pub response: Distribution,
    /// `response` less the generator's own lateness.
    pub response_ideal: Distribution,
    /// Call to sink.
    pub delivery: Distribution,
    /// The generator's own lateness.
    pub lateness: Distribution,
    /// Wake-up lag of a task on the producers' runtime while the queue idles.
    pub lag_before: Option<Distribution>,
    /// The same during the window.
    pub lag: Option<Distribution>,
    /// Overshoot of the runtime's own timer while the queue idles.
    pub timer_lag_before: Option<Distribution>,
    /// The same during the window.
    pub timer_lag: Option<Distribution>,
}

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
        let one =
            |name, latency: &Latency| Distribution::decode(latency).map_err(|source| LatencyError { name, source });
        let maybe = |name, latency: &Option<Latency>| latency.as_ref().map(|latency| one(name, latency)).transpose();
        Ok(Self {
            enqueue: one("enqueue", &latency.enqueue)?,
            unblocked: maybe("unblocked", &latency.unblocked)?,
            blocked: maybe("blocked", &latency.blocked)?,
            rejected: one("rejected", &latency.rejected)?,
            response: one("response", &latency.response)?,
            response_ideal: one("response_ideal", &latency.response_ideal)?,
            delivery: one("delivery", &latency.delivery)?,
            lateness: one("lateness", &latency.lateness)?,
            lag_before: maybe("lag_before", &latency.lag_before)?,
            lag: maybe("lag", &latency.lag)?,
            timer_lag_before: maybe("timer_lag_before", &latency.timer_lag_before)?,
            timer_lag: maybe("timer_lag", &latency.timer_lag)?,
        })
    }

    /// The latency of that name; `None` where it could not be observed.
    #[must_use]
    pub fn get(&self, name: LatencyName) -> Option<&Distribution> {
        match name {
            LatencyName::Enqueue => Some(&self.enqueue),
            LatencyName::Unblocked => self.unblocked.as_ref(),
            LatencyName::Blocked => self.blocked.as_ref(),
            LatencyName::Rejected => Some(&self.rejected),
            LatencyName::Response => Some(&self.response),
            LatencyName::ResponseIdeal => Some(&self.response_ideal),
            LatencyName::Delivery => Some(&self.delivery),
            LatencyName::Lateness => Some(&self.lateness),
            LatencyName::LagBefore => self.lag_before.as_ref(),
            LatencyName::Lag => self.lag.as_ref(),
            LatencyName::TimerLagBefore => self.timer_lag_before.as_ref(),
            LatencyName::TimerLag => self.timer_lag.as_ref(),
        }
    }

    /// Adds another repeat. What one of them cannot tell apart, the two together cannot either.
    fn add(&mut self, other: &Self) -> Result<(), EncodingError> {
        self.enqueue.add(&other.enqueue)?;
        add_known(&mut self.unblocked, other.unblocked.as_ref())?;
        add_known(&mut self.blocked, other.blocked.as_ref())?;
        self.rejected.add(&other.rejected)?;
        self.response.add(&other.response)?;
        self.response_ideal.add(&other.response_ideal)?;
        self.delivery.add(&other.delivery)?;
        self.lateness.add(&other.lateness)?;
        add_known(&mut self.lag_before, other.lag_before.as_ref())?;
        add_known(&mut self.lag, other.lag.as_ref())?;
        add_known(&mut self.timer_lag_before, other.timer_lag_before.as_ref())?;
        add_known(&mut self.timer_lag, other.timer_lag.as_ref())
    }
}

fn add_known(sum: &mut Option<Distribution>, other: Option<&Distribution>) -> Result<(), EncodingError> {
    match (sum.as_mut(), other) {
        (Some(sum), Some(other)) => sum.add(other),
        _ => {
            *sum = None;
            Ok(())
        }
    }
}

/// The valid repeats of a case: latencies pooled, ledgers summed, rates averaged.
#[derive(Clone, Debug, Default)]
pub struct Pooled {
    repeats: u64,
    ledger: Ledger,
    rates: Option<Rates>,
    distributions: Option<Distributions>,
    producers: Producers,
    faults: Vec<Contradiction>,
}

impl Pooled {
    /// Adds a valid repeat, and returns its latencies decoded. A repeat that contradicts itself is not added:
    /// what is wrong with it is kept under [`Pooled::faults`].
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
        let pooled = match &mut self.distributions {
            Some(sum) => sum.add(&decoded),
            none => {
                *none = Some(decoded.clone());
                Ok(())
            }
        };
        if let Err(error) = pooled {
            self.faults.push(Contradiction::NotPooled(error));
            return Some(decoded);
        }
        self.repeats += 1;
        self.producers.add(measurement);
        add_ledger(&mut self.ledger, &measurement.ledger);
        self.rates = Some(averaged(self.rates, &measurement.rates, self.repeats));
        Some(decoded)
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

    /// What contradicts itself in the repeats that were offered.
    #[must_use]
    pub fn faults(&self) -> &[Contradiction] {
        &self.faults
    }
}

/// Sums; faults have bounded every count, and repeats are few, so that nothing overflows.
fn add_ledger(sum: &mut Ledger, other: &Ledger) {
    let Ledger { scheduled, attempted, unsent, unsent_generator, .. } = other;
    sum.scheduled += scheduled;
    sum.attempted += attempted;
    sum.unsent += unsent;
    sum.unsent_generator += unsent_generator;
    sum.enqueued += other.enqueued;
    sum.enqueued_in_window += other.enqueued_in_window;
    sum.dropped += other.dropped;
    sum.sampled_out += other.sampled_out;
    sum.delivered += other.delivered;
    sum.delivered_in_window += other.delivered_in_window;
    sum.lost = Lost { admitted: sum.lost.admitted + other.lost.admitted, silent: sum.lost.silent + other.lost.silent };
    sum.duplicated += other.duplicated;
    sum.reordered += other.reordered;
    sum.phantom += other.phantom;
    sum.undecidable += other.undecidable;
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
    fn what_one_repeat_cannot_tell_the_pool_cannot_either() {
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
