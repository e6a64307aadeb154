//! The stages of a window: whether their numbers can be true, and those of several repeats taken together.

use super::Distributions;
use super::reason::Contradiction;
use crate::measure::encoding::{Distribution, EncodingError};
use crate::measure::{Ledger, Measurement, OutcomeSource, Recovery, StageMeasurement};
use crate::scenario::MOST_STAGES;

/// One stage, of a repeat or of all valid ones: counts summed, latencies pooled.
#[derive(Clone, Debug)]
pub struct PooledStage {
    /// Logs that were due in it.
    pub scheduled: u64,
    /// Of these: calls made.
    pub attempted: u64,
    /// Not sent: the queue's share.
    pub unsent: u64,
    /// Not sent: the generator's share.
    pub unsent_generator: u64,
    /// Accepted; `None` if a repeat does not know.
    pub enqueued: Option<u64>,
    /// Refused because the queue was full; `None` together with `enqueued`.
    pub dropped: Option<u64>,
    /// Refused by the sampling decision.
    pub sampled_out: u64,
    /// Call to return.
    pub enqueue: Distribution,
    /// Intended start to return.
    pub response: Distribution,
    /// Call to sink.
    pub delivery: Distribution,
}

impl PooledStage {
    fn decode(number: usize, stage: &StageMeasurement) -> Result<Self, Contradiction> {
        let decode = |name: &str, latency| {
            Distribution::decode(latency)
                .map_err(|error| Contradiction::Unreadable { name: format!("stage {number}, {name}"), error })
        };
        Ok(Self {
            scheduled: stage.scheduled,
            attempted: stage.attempted,
            unsent: stage.unsent,
            unsent_generator: stage.unsent_generator,
            enqueued: stage.enqueued,
            dropped: stage.dropped,
            sampled_out: stage.sampled_out,
            enqueue: decode("enqueue", &stage.enqueue)?,
            response: decode("response", &stage.response)?,
            delivery: decode("delivery", &stage.delivery)?,
        })
    }

    fn add(&mut self, other: &Self) -> Result<(), EncodingError> {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        self.scheduled = self.scheduled.saturating_add(other.scheduled);
        self.attempted = self.attempted.saturating_add(other.attempted);
        self.unsent = self.unsent.saturating_add(other.unsent);
        self.unsent_generator = self.unsent_generator.saturating_add(other.unsent_generator);
        self.enqueued = sum(self.enqueued, other.enqueued);
        self.dropped = sum(self.dropped, other.dropped);
        self.sampled_out = self.sampled_out.saturating_add(other.sampled_out);
        self.enqueue.add(&other.enqueue)?;
        self.response.add(&other.response)?;
        self.delivery.add(&other.delivery)
    }
}

/// The stages of a repeat, decoded.
///
/// # Errors
/// More stages than a window can have; a histogram that cannot be read.
pub fn decoded(measurement: &Measurement) -> Result<Vec<PooledStage>, Contradiction> {
    let stages = &measurement.stages;
    if stages.len() > MOST_STAGES {
        return Err(Contradiction::TooManyStages { stages: stages.len(), most: MOST_STAGES });
    }
    (1..).zip(stages).map(|(number, stage)| PooledStage::decode(number, stage)).collect()
}

/// Adds the stages of another repeat of the same case.
pub(super) fn pool(sum: &mut Vec<PooledStage>, other: Vec<PooledStage>) -> Result<(), EncodingError> {
    if sum.is_empty() {
        *sum = other;
        return Ok(());
    }
    sum.iter_mut().zip(&other).try_for_each(|(sum, other)| sum.add(other))
}

/// The recoveries of several repeats.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recoveries {
    /// The longest one; one that did not end is longer than any that did.
    pub longest: Option<Recovery>,
    /// Number of repeats without one.
    pub unknown: u64,
}

impl Recoveries {
    pub(super) fn add(&mut self, recovery: Option<Recovery>) {
        let Some(recovery) = recovery else {
            self.unknown += 1;
            return;
        };
        let length = |recovery: &Recovery| recovery.recovered_ns.unwrap_or(u64::MAX);
        if self.longest.is_none_or(|longest| length(&recovery) > length(&longest)) {
            self.longest = Some(recovery);
        }
    }
}

/// What cannot be true of the stages: their counts must add up, each by itself and all of them to those of the window.
pub(super) fn faults(measurement: &Measurement, distributions: &Distributions, faults: &mut Vec<Contradiction>) {
    let stages = match decoded(measurement) {
        Ok(stages) => stages,
        Err(fault) => return faults.push(fault),
    };
    for (number, stage) in (1..).zip(&stages) {
        of_one(number, stage, measurement.outcome_source, faults);
    }
    if !stages.is_empty() {
        of_all(&stages, &measurement.ledger, distributions, faults);
    }
    if let Some(recovery) = measurement.recovery {
        let Recovery { recovered_ns, watched_ns, response_ns, delivery_ns, .. } = recovery;
        let both = response_ns.zip(delivery_ns).map(|(response, delivery)| response.max(delivery));
        let is_inside = [response_ns, delivery_ns].into_iter().flatten().all(|ns| ns <= watched_ns);
        if stages.is_empty() || recovered_ns != both || !is_inside {
            faults.push(Contradiction::ImpossibleRecovery { recovery });
        }
    }
}

fn of_one(number: usize, stage: &PooledStage, source: OutcomeSource, faults: &mut Vec<Contradiction>) {
    if stage.enqueued.is_some() != stage.dropped.is_some() {
        let whose = format!("stage {number}: ");
        faults.push(Contradiction::OneMissing { whose, one: "enqueued", other: "dropped" });
    }
    let sum = |parts: &[u64]| parts.iter().fold(0, |sum: u64, part| sum.saturating_add(*part));
    let mut open = |what, value, other, expected| {
        if value != expected {
            faults.push(Contradiction::StageOpen { stage: number, what, value, other, expected });
        }
    };
    let sent = sum(&[stage.attempted, stage.unsent, stage.unsent_generator]);
    open("scheduled", stage.scheduled, "attempted + unsent + unsent_generator", sent);
    open("count(response)", stage.response.count(), "scheduled", stage.scheduled);
    if let (Some(enqueued), Some(dropped)) = (stage.enqueued, stage.dropped) {
        let known = sum(&[enqueued, dropped, stage.sampled_out]);
        open("attempted", stage.attempted, "enqueued + dropped + sampled_out", known);
    }
    let (name, accepted) = match (source, stage.enqueued) {
        (OutcomeSource::Call, Some(enqueued)) => ("enqueued", enqueued),
        _ => ("attempted", stage.attempted),
    };
    open("count(enqueue)", stage.enqueue.count(), name, accepted);
}

fn of_all(stages: &[PooledStage], ledger: &Ledger, distributions: &Distributions, faults: &mut Vec<Contradiction>) {
    type Count = fn(&PooledStage) -> u64;
    let counts: [(&str, Count, u64); 8] = [
        ("scheduled", |stage| stage.scheduled, ledger.scheduled),
        ("attempted", |stage| stage.attempted, ledger.attempted),
        ("unsent", |stage| stage.unsent, ledger.unsent),
        ("unsent_generator", |stage| stage.unsent_generator, ledger.unsent_generator),
        ("sampled_out", |stage| stage.sampled_out, ledger.sampled_out),
        ("count(enqueue)", |stage| stage.enqueue.count(), distributions.enqueue.count()),
        ("count(response)", |stage| stage.response.count(), distributions.response.count()),
        ("count(delivery)", |stage| stage.delivery.count(), distributions.delivery.count()),
    ];
    let sums = counts.map(|(name, of, whole)| (name, stages.iter().map(of).fold(0, u64::saturating_add), whole));
    let known = |of: fn(&PooledStage) -> Option<u64>| {
        stages.iter().try_fold(0_u64, |sum, stage| Some(sum.saturating_add(of(stage)?)))
    };
    let outcomes = [
        known(|stage| stage.enqueued).map(|sum| ("enqueued", sum, ledger.enqueued)),
        known(|stage| stage.dropped).map(|sum| ("dropped", sum, ledger.dropped)),
    ];
    for (name, sum, whole) in sums.into_iter().chain(outcomes.into_iter().flatten()) {
        if sum != whole {
            let what = format!("{name} of all stages");
            faults.push(Contradiction::Unequal { what, value: sum, other: "that of the window", expected: whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy};
    use crate::verdict::faults;

    /// A repeat of 100 logs in stages of 30 and 70.
    fn staged() -> Measurement {
        healthy(100).in_stages(&[30, 70], Some(5))
    }

    fn recovery(recovered_ns: Option<u64>) -> Recovery {
        staged().in_stages(&[], recovered_ns).recovery.unwrap()
    }

    #[test]
    fn every_contradiction_between_stages_and_window_is_found() {
        assert_eq!(faults(&staged()), []);
        type Lie = fn(&mut Measurement);
        let lies: [(&str, Lie); 15] = [
            ("stage 2 does not close: scheduled = 71", |m| m.stages[1].scheduled += 1),
            ("scheduled of all stages = 101, that of the window = 100", |m| m.stages[1].scheduled += 1),
            ("stage 1 does not close: attempted = 31", |m| m.stages[0].attempted += 1),
            ("stage 1 does not close: scheduled = 30", |m| m.stages[0].unsent = u64::MAX),
            ("unsent_generator of all stages = 1", |m| m.stages[0].unsent_generator = 1),
            ("dropped of all stages = 1", |m| m.stages[0].dropped = Some(1)),
            ("sampled_out of all stages = 1", |m| m.stages[0].sampled_out = 1),
            ("stage 1: enqueued and dropped are null only together", |m| m.stages[0].enqueued = None),
            ("stage 1 does not close: count(enqueue) = 29", |m| m.stages[0].enqueue = constant(29, 10_000)),
            ("stage 1 does not close: count(response) = 31", |m| m.stages[0].response = constant(31, 20_000)),
            ("count(delivery) of all stages = 99", |m| m.stages[0].delivery = constant(29, 500_000)),
            ("stage 1, response: histogram", |m| m.stages[0].response.count += 1),
            ("65 stages were measured", |m| m.stages = vec![m.stages[0].clone(); 65]),
            ("recovery = ", |m| m.recovery = Some(Recovery { recovered_ns: None, ..recovery(Some(5)) })),
            ("recovery = ", |m| m.stages.clear()),
        ];
        for (expected, lie) in lies {
            let mut measurement = staged();
            lie(&mut measurement);
            let found = faults(&measurement);
            assert!(found.iter().any(|fault| fault.to_string().contains(expected)), "{expected}: {found:?}");
        }
    }

    #[test]
    fn what_calls_do_not_tell_may_be_unknown() {
        let mut measurement = staged();
        measurement.outcome_source = OutcomeSource::Delivery;
        (measurement.latency.unblocked, measurement.latency.blocked) = (None, None);
        for stage in &mut measurement.stages {
            (stage.enqueued, stage.dropped) = (None, None);
        }
        assert_eq!(faults(&measurement), []);
    }

    #[test]
    fn the_longest_recovery_is_the_one_that_did_not_end() {
        let mut all = Recoveries::default();
        for (recovered, longest) in [(Some(5), Some(5)), (Some(3), Some(5)), (None, None), (Some(9), None)] {
            all.add(Some(recovery(recovered)));
            assert_eq!(all.longest.unwrap().recovered_ns, longest);
        }
        all.add(None);
        assert_eq!(all.unknown, 1);
    }
}
