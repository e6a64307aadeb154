//! What stands beside a repeat's own numbers: the machine, the control, and how the load changed the runtime's lag.

use super::model::{LatencySet, LatencySummary};
use super::statistics::summary;
use crate::measure::encoding::{Distribution, EncodingError};
use crate::measure::{Control, CoreToCore, CpuShares, Latency, Machine};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

/// The machine during a window or a control. What cannot be read is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct MachineRecord {
    /// Share of CPU time stolen by the hypervisor, 0 to 1.
    pub steal_share: Option<f64>,
    /// Involuntary context switches of the process.
    pub involuntary_switches: Option<u64>,
    /// Of these: the producers' threads.
    #[serde(default)]
    pub producer_switches: Option<u64>,
    /// Share of the machine's CPU time that the process used, 0 to 1.
    #[serde(default)]
    pub process_share: Option<f64>,
    /// Share of the machine's CPU time that other processes used, 0 to 1.
    #[serde(default)]
    pub others_share: Option<f64>,
    /// By how much a thread that only sleeps from one millisecond to the next woke up late.
    #[serde(default)]
    pub jitter: Option<Box<LatencySummary>>,
    /// Sum of those of its wake-ups that were over 1 ms late, in nanoseconds.
    #[serde(default)]
    pub stolen_ns: Option<u64>,
    /// The shares once more, of the CPUs that the process may use.
    #[serde(default)]
    pub allowed: Option<CpuShares>,
    /// For how long the threads of the load were ready to run and had no CPU, in nanoseconds, all together.
    #[serde(default)]
    pub waited_ns: Option<u64>,
    /// How far apart the CPUs were before and after the repeat; null where it is not known, and in a control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_to_core: Option<CoreToCore>,
    /// Clock source: `tsc` or `os`.
    pub clock: Untrusted,
    /// Cost of two clock readings and one recorded value, ns.
    pub instrument_floor_ns: f64,
}

/// The control: a short piece of the same schedule, by the same producers, into a queue that does nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct ControlRecord {
    /// Its length.
    pub span_ns: u64,
    /// Logs whose intended time lies in it.
    pub scheduled: u64,
    /// Calls made.
    pub attempted: u64,
    /// Not sent because every producer was inside a call past the end.
    pub unsent: u64,
    /// Not sent because the generator was late.
    pub unsent_generator: u64,
    /// The generator's own lateness.
    pub lateness: LatencySummary,
    /// The machine meanwhile.
    pub machine: MachineRecord,
}

/// A lag during the load over the same lag before it; null where either is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct LagRatio {
    /// Of the medians.
    pub p50: Option<f64>,
    /// Of the 99th percentiles.
    pub p99: Option<f64>,
}

impl MachineRecord {
    /// Statistics in place of the distribution.
    pub(super) fn of(machine: Machine) -> Result<Self, EncodingError> {
        Ok(Self {
            steal_share: machine.steal_share,
            involuntary_switches: machine.involuntary_switches,
            producer_switches: machine.producer_switches,
            process_share: machine.process_share,
            others_share: machine.others_share,
            jitter: machine.jitter.as_ref().map(statistics).transpose()?.map(Box::new),
            stolen_ns: machine.stolen_ns,
            allowed: machine.allowed,
            waited_ns: machine.waited_ns,
            core_to_core: machine.core_to_core,
            clock: machine.clock,
            instrument_floor_ns: machine.instrument_floor_ns,
        })
    }
}

impl ControlRecord {
    /// Statistics in place of the distributions.
    pub(super) fn of(control: Control) -> Result<Self, EncodingError> {
        Ok(Self {
            span_ns: control.span_ns,
            scheduled: control.scheduled,
            attempted: control.attempted,
            unsent: control.unsent,
            unsent_generator: control.unsent_generator,
            lateness: statistics(&control.lateness)?,
            machine: MachineRecord::of(control.machine)?,
        })
    }
}

fn statistics(latency: &Latency) -> Result<LatencySummary, EncodingError> {
    Ok(summary(&Distribution::decode(latency)?, false))
}

/// How `lag` and `timer_lag` changed, in this order; null where there is no runtime.
pub(super) fn lag_ratios(set: &LatencySet) -> [Option<LagRatio>; 2] {
    [(&set.lag_before, &set.lag), (&set.timer_lag_before, &set.timer_lag)]
        .map(|(before, during)| before.as_ref().zip(during.as_ref()).map(|(before, during)| ratio(before, during)))
}

fn ratio(before: &LatencySummary, during: &LatencySummary) -> LagRatio {
    let of = |before: Option<u64>, during: Option<u64>| {
        let before = before.filter(|&before| before > 0)?;
        during.map(|during| during as f64 / before as f64)
    };
    LagRatio { p50: of(before.p50_ns, during.p50_ns), p99: of(before.p99_ns, during.p99_ns) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn lag(p50: Option<u64>, p99: Option<u64>) -> LatencySummary {
        LatencySummary { p50_ns: p50, p99_ns: p99, ..LatencySummary::default() }
    }

    #[test]
    fn a_ratio_needs_both_of_its_numbers() {
        let ratio = |before, during| super::ratio(&before, &during);
        let both = ratio(lag(Some(20), Some(50)), lag(Some(30), Some(500)));
        assert_eq!((both.p50, both.p99), (Some(1.5), Some(10.0)));
        assert_eq!(ratio(lag(Some(20), None), lag(Some(30), Some(500))).p99, None);
        assert_eq!(ratio(lag(Some(20), Some(50)), lag(Some(30), None)).p99, None);
        assert_eq!(ratio(lag(Some(0), None), lag(Some(30), None)).p50, None, "nothing is a multiple of 0");
    }

    #[test]
    fn a_repeat_of_an_older_report_still_reads() {
        let measurement = crate::measure::fixture::healthy(100).with_lag(25_000).with_control(80_000);
        let report = fixture::report_of(vec![fixture::case(crate::scenario::Strategy::Drop, vec![measurement])]);
        let repeat = &report.cases[0].repeats[0];
        assert_eq!(repeat.lag_ratio.unwrap().p50, Some(1.25));
        let mut old = serde_json::to_value(repeat).unwrap();
        for name in ["lag_ratio", "timer_lag_ratio", "control"] {
            assert!(old.as_object_mut().unwrap().remove(name).is_some(), "{name}");
        }
        for name in ["lag_before", "lag", "timer_lag_before", "timer_lag"] {
            assert!(old["latency"].as_object_mut().unwrap().remove(name).is_some(), "{name}");
        }
        let read: super::super::RepeatRecord = serde_json::from_value(old).unwrap();
        assert_eq!((&read.latency.lag, &read.control, &read.lag_ratio), (&None, &None, &None));
        assert_eq!(read.latency.enqueue, repeat.latency.enqueue);
    }

    #[test]
    fn what_an_older_report_lacks_is_null() {
        let old = r#"{"steal_share":0.25,"involuntary_switches":3,"clock":"tsc","instrument_floor_ns":21.5}"#;
        let read: MachineRecord = serde_json::from_str(old).unwrap();
        assert_eq!((read.steal_share, read.jitter, read.stolen_ns), (Some(0.25), None, None));
        assert_eq!((read.producer_switches, read.others_share, read.process_share), (None, None, None));
        assert_eq!((read.allowed, read.waited_ns), (None, None));
    }
}
