//! Did the generator or the machine spoil this repeat?

use super::{Validity, has_samples};
use crate::measure::Measurement;
use crate::measure::encoding::Distribution;
use crate::units::human;

/// Most lateness of the generator that leaves a repeat valid, in nanoseconds.
const MAX_LATENESS_NS: u64 = 10_000_000;
/// Largest share of CPU time stolen that leaves a repeat valid.
const MAX_STEAL: f64 = 0.05;
/// Quantiles of the lateness that may be judged, in parts of 10^9; the first that has samples is.
const QUANTILES: [(&str, u64); 3] = [("p99", 990_000_000), ("p90", 900_000_000), ("p50", 500_000_000)];

/// Says whether a repeat can be trusted: not when over 1 % of its logs were not sent because the generator was late, when
/// the generator's lateness is over 10 ms, when over 5 % of the CPU time was stolen, or when there is nothing to judge.
///
/// The lateness is judged by its p99, else p90, else p50, whichever first has 10 values above it, and by its largest
/// value where there are fewer than 20: one late log of a dozen is a share of the evidence that no quantile excuses.
#[must_use]
pub fn judge_repeat(measurement: &Measurement) -> Validity {
    let mut reasons = Vec::new();
    let ledger = &measurement.ledger;
    if u128::from(ledger.unsent_generator) * 100 > u128::from(ledger.scheduled) {
        reasons.push(format!(
            "the generator was late: {} of {} logs were not sent, more than 1%",
            human::count(ledger.unsent_generator),
            human::count(ledger.scheduled)
        ));
    }
    if measurement.latency.response.count == 0 {
        reasons.push("no samples: no log was sent".into());
    } else {
        reasons.extend(lateness(measurement));
    }
    if let Some(steal) = measurement.machine.steal_share.filter(|steal| *steal > MAX_STEAL) {
        reasons.push(format!("the machine was busy: {} of its CPU time was stolen, more than 5%", human::share(steal)));
    }
    match reasons.is_empty() {
        true => Validity::Valid,
        false => Validity::Invalid { reasons },
    }
}

fn lateness(measurement: &Measurement) -> Option<String> {
    let lateness = match Distribution::decode(&measurement.latency.lateness) {
        Ok(lateness) => lateness,
        Err(error) => return Some(format!("the generator's lateness cannot be read: {error}")),
    };
    let Some(max) = lateness.max_ns() else {
        return Some("the generator's lateness was not measured".into());
    };
    let judged = QUANTILES.into_iter().find(|(_, parts)| has_samples(lateness.count(), *parts));
    let (name, observed) =
        judged.and_then(|(name, parts)| Some((name, lateness.quantile_ns(parts)?))).unwrap_or(("largest", max));
    (observed > MAX_LATENESS_NS).then(|| {
        format!("the generator was late: its {name} lateness is {}, more than 10 ms", human::latency(observed as f64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy, of};

    fn reasons(measurement: &Measurement) -> Vec<String> {
        match judge_repeat(measurement) {
            Validity::Valid => Vec::new(),
            Validity::Invalid { reasons } => reasons,
        }
    }

    #[test]
    fn a_healthy_repeat_is_valid() {
        assert_eq!(judge_repeat(&healthy(1_000)), Validity::Valid);
    }

    #[test]
    fn one_percent_unsent_is_the_bound() {
        assert_eq!(judge_repeat(&healthy(1_000).with_unsent_generator(10)), Validity::Valid);
        let reasons = reasons(&healthy(1_000).with_unsent_generator(11));
        assert_eq!(reasons, ["the generator was late: 11 of 1,000 logs were not sent, more than 1%"]);
    }

    #[test]
    fn what_the_queue_holds_up_does_not_spoil_the_repeat() {
        assert_eq!(judge_repeat(&healthy(1_000).with_unsent(900, 1_000_000_000)), Validity::Valid);
    }

    #[test]
    fn the_highest_quantile_with_samples_is_judged() {
        const LATE: u64 = 20_000_000;
        // (values, of these late, what is said)
        for (count, late, said) in [
            (1_000, 10, None),
            (1_000, 11, Some("p99")),
            (999, 99, None),
            (999, 100, Some("p90")),
            (99, 49, None),
            (99, 50, Some("p50")),
            (19, 1, Some("largest")),
            (1, 1, Some("largest")),
        ] {
            let mut measurement = healthy(count);
            measurement.latency.lateness = of((0..count).map(|n| if n < late { LATE } else { 1 }));
            let reasons = reasons(&measurement);
            assert_eq!(reasons.len(), usize::from(said.is_some()), "{count} {late}: {reasons:?}");
            assert!(reasons.iter().all(|reason| reason.contains(said.unwrap_or("?"))), "{reasons:?}");
        }
        let mut at_the_bound = healthy(1_000);
        at_the_bound.latency.lateness = constant(1_000, 10_000_000);
        assert_eq!(judge_repeat(&at_the_bound), Validity::Valid);
    }

    #[test]
    fn stolen_time_spoils_and_unreadable_time_does_not() {
        let mut measurement = healthy(1_000);
        for (steal, valid) in [(None, true), (Some(0.05), true), (Some(0.051), false)] {
            measurement.machine.steal_share = steal;
            assert_eq!(reasons(&measurement).is_empty(), valid, "{steal:?}");
        }
    }

    #[test]
    fn nothing_measured_is_not_evidence() {
        assert_eq!(reasons(&healthy(0)), ["no samples: no log was sent"]);
        let mut measurement = healthy(100);
        measurement.latency.lateness = constant(0, 0);
        assert_eq!(reasons(&measurement), ["the generator's lateness was not measured"]);
    }
}
