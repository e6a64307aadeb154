//! Did the generator or the machine spoil this repeat?

use super::Validity;
use super::blame::{Blame, blame};
use super::disturbance::{MAX_STEAL, found_in_drain};
use super::reason::{Reason, Unsettled};
use crate::measure::{Measurement, OutcomeSource, Settled};

/// Decides whether a repeat can be trusted. It cannot be if the run was stopped meanwhile, if over 5 % of the CPU time was
/// stolen, if the machine was busy in a drain that ended before all logs had arrived, if no log was due, if the generator was late and the queue is not to blame for that, or if it was to end when its
/// load is steady and did not settle.
///
/// The generator was late if it did not send over 1 % of the logs, or if its lateness is over 10 ms. The judged
/// lateness is the first of p99, p90 and p50 that has 10 values above it; with fewer than 20 values it is the largest
/// one. The queue is to blame if the same generator was clearly more punctual in its controls, one of them as long as
/// the window, and the machine was quiet. Such a repeat is valid, and fails.
#[must_use]
pub fn judge_repeat(measurement: &Measurement) -> Validity {
    let mut reasons = Vec::new();
    match blame(measurement) {
        _ if measurement.latency.response.count == 0 && measurement.ledger.unsent_generator == 0 => {
            reasons.push(Reason::NoSamples);
        }
        Blame::Nobody | Blame::Queue(_) => {}
        Blame::Instrument(why) => reasons = why,
    }
    let is_said = reasons.iter().any(|reason| matches!(reason, Reason::MachineBusy(_) | Reason::MachineMayExplain(_)));
    if let Some(share) = measurement.machine.steal().filter(|share| *share > MAX_STEAL && !is_said) {
        reasons.push(Reason::StolenCpu { share });
    }
    let steadiness = measurement.steadiness.unwrap_or_default();
    for (warmup, decided) in [(true, steadiness.warmup), (false, steadiness.window)] {
        if let Some(Settled { length_ns, settled: false, trend }) = decided {
            reasons.push(Reason::NotSteady(Unsettled { warmup, length_ns, trend }));
        }
    }
    if let Some(machine) = found_in_drain(&measurement.machine).filter(|_| is_incomplete(measurement)) {
        reasons.push(Reason::MachineBusyInDrain(machine));
    }
    if let Some(ns) = measurement.machine.paused_ns {
        reasons.insert(0, Reason::Paused { ns });
    }
    match reasons.is_empty() {
        true => Validity::Valid,
        false => Validity::Invalid { reasons },
    }
}

/// Whether logs may be missing because the drain was over.
fn is_incomplete(measurement: &Measurement) -> bool {
    let ledger = &measurement.ledger;
    ledger.lost() > 0 || (measurement.outcome_source == OutcomeSource::Delivery && ledger.dropped > 0)
}

#[cfg(test)]
mod tests {
    use super::super::reason::sentences;
    use super::*;
    use crate::measure::fixture::{constant, healthy, of};
    use crate::measure::{CpuShares, SteadyEnds, Trend};
    use crate::untrusted::Untrusted;

    /// Why it is invalid, without the reason that there was no control.
    fn reasons(measurement: &Measurement) -> Vec<Untrusted> {
        match judge_repeat(measurement) {
            Validity::Valid => Vec::new(),
            Validity::Invalid { mut reasons } => {
                reasons.retain(|reason| *reason != Reason::NoControl);
                sentences(&reasons)
            }
        }
    }

    #[test]
    fn a_healthy_repeat_is_valid() {
        assert_eq!(judge_repeat(&healthy(1_000)), Validity::Valid);
    }

    #[test]
    fn a_repeat_that_stood_still_is_invalid_however_punctual() {
        let mut punctual = healthy(1_000);
        punctual.machine.paused_ns = Some(2_000_000_000);
        assert_eq!(reasons(&punctual), ["the runner, or the repeat, was stopped for 2.00 s and went on"]);
    }

    /// Each row: shares stolen, of others and of the process in a drain that took all of its time; logs lost; the reason.
    #[test]
    fn what_is_missing_after_a_drain_on_a_busy_machine_is_not_the_queues_fault() {
        let busy = "the machine was busy during the drain, which ended before all logs had arrived: ";
        for (shares, lost, expected) in [
            (None, 5, false),
            (Some([0.0, 0.0, 0.9]), 5, false),
            (Some([0.0, 0.05, 0.9]), 5, false),
            (Some([0.0, 0.2, 0.2]), 5, false),
            (Some([0.0, 0.6, 0.3]), 5, true),
            (Some([0.2, 0.0, 0.3]), 5, true),
            (Some([0.2, 0.6, 0.1]), 0, false),
        ] {
            let mut measurement = healthy(1_000);
            measurement.ledger.lost.silent = lost;
            let of = |[steal_share, others_share, process_share]: [f64; 3]| CpuShares {
                cpus: 2,
                steal_share,
                process_share,
                others_share,
            };
            measurement.machine.drain = shares.map(of);
            let said = reasons(&measurement).iter().any(|reason| reason.as_given().starts_with(busy));
            assert_eq!(said, expected, "{shares:?} {lost}");
        }
    }

    #[test]
    fn what_did_not_settle_is_invalid_with_its_trend() {
        let decided = |settled| {
            let trend = Trend { mean: Some(0.34), p99: Some(-0.02), memory: None };
            Some(Settled { length_ns: 20_000_000_000, settled, trend })
        };
        let steadiness =
            |warmup, window| Measurement { steadiness: Some(SteadyEnds { warmup, window }), ..healthy(1_000) };
        let said = |what: &str| {
            format!(
                "not steady: in the later half of the {what}, 20.0 s in all, the mean response rose by 34.0%, the p99 \
                 response fell by 2.00%, the memory is unknown"
            )
        };
        assert_eq!(judge_repeat(&steadiness(decided(true), decided(true))), Validity::Valid);
        assert_eq!(reasons(&steadiness(None, decided(false))), [said("window")]);
        assert_eq!(reasons(&steadiness(decided(false), decided(false))), [said("warm-up"), said("window")]);
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
            assert!(reasons.iter().all(|reason| reason.as_given().contains(said.unwrap_or("?"))), "{reasons:?}");
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
    fn a_repeat_whose_queue_starves_its_producers_is_evidence() {
        let mut late = healthy(1_000);
        late.latency.lateness = constant(1_000, 20_000_000);
        assert!(matches!(judge_repeat(&late), Validity::Invalid { reasons } if reasons[1] == Reason::NoControl));
        assert_eq!(judge_repeat(&late.clone().with_controls(100_000)), Validity::Valid);
        assert!(!reasons(&late.with_control(20_000_000)).is_empty());
    }

    #[test]
    fn stolen_time_is_said_once() {
        let mut late = healthy(1_000).with_control(100_000);
        late.latency.lateness = constant(1_000, 20_000_000);
        late.machine.steal_share = Some(0.2);
        let reasons = reasons(&late);
        assert_eq!(reasons.iter().filter(|reason| reason.as_given().contains("stolen")).count(), 1, "{reasons:?}");
    }

    #[test]
    fn nothing_measured_is_not_evidence() {
        assert_eq!(reasons(&healthy(0)), ["no samples: no log was sent"]);
        let mut measurement = healthy(100);
        measurement.latency.lateness = constant(0, 0);
        assert_eq!(reasons(&measurement), ["the generator's lateness was not measured"]);
    }
}
