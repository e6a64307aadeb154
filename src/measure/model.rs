//! The measurement of one repeat. It has the same form in the protocol (`docs/PROTOCOL.md`) and in the journal.

use super::levels::LevelLedger;
use super::point::Point;
use super::stages::{self, Recovery, StageMeasurement};
use super::steady::SteadyEnds;
use crate::observed::{self, ByLatency, CountName, RateName};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the outcome of a call is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OutcomeSource {
    /// The call returns it.
    Call,
    /// The queue's own drop counter, limited by what the sink saw.
    Counter,
    /// Only what the sink saw.
    Delivery,
}

/// Declares the ledger, the list of its counts, and their sum, so that each count is written only once. `lost` has two
/// counts.
macro_rules! ledger {
    ($($(#[$doc:meta])* $before:ident,)+ --- $($(#[$doc_after:meta])* $after:ident,)+) => {
        /// The counts that must add up: `scheduled = attempted + unsent + unsent_generator`,
        /// `attempted = enqueued + dropped + sampled_out`, `enqueued = delivered + evicted + lost`.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct Ledger {
            $($(#[$doc])* pub $before: u64,)+
            /// Accepted logs that never reached the sink, without those that were evicted.
            pub lost: Lost,
            $($(#[$doc_after])* pub $after: u64,)+
        }

        impl Ledger {
            /// Every count with its name, in the order of the ledger.
            pub const COUNTS: &'static [(&'static str, fn(&Self) -> u64)] = &[
                $((stringify!($before), |ledger| ledger.$before),)+
                ("lost.admitted", |ledger| ledger.lost.admitted),
                ("lost.silent", |ledger| ledger.lost.silent),
                $((stringify!($after), |ledger| ledger.$after),)+
            ];

            /// Adds every count of another ledger; a sum stops at the largest number.
            pub fn add(&mut self, other: &Self) {
                $(self.$before = self.$before.saturating_add(other.$before);)+
                self.lost.admitted = self.lost.admitted.saturating_add(other.lost.admitted);
                self.lost.silent = self.lost.silent.saturating_add(other.lost.silent);
                $(self.$after = self.$after.saturating_add(other.$after);)+
            }
        }
    };
}

ledger! {
    /// Logs whose intended start lies in the window.
    scheduled,
    /// Calls made.
    attempted,
    /// Not sent because the queue held their task up past the window's end.
    unsent,
    /// Not sent because the generator was late.
    unsent_generator,
    /// Accepted by the queue.
    enqueued,
    /// Of `enqueued`: accepted in time for the accepted rate, and not evicted. The call would have returned inside the
    /// window if the generator had been on time.
    enqueued_in_window,
    /// Refused because the queue was full.
    dropped,
    /// Refused by the sampling decision.
    sampled_out,
    /// Distinct accepted logs that reached the sink.
    delivered,
    /// Of `delivered`: reached the sink inside the window.
    delivered_in_window,
    /// Accepted, and later removed by the queue to make room for a newer log; left out if it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    evicted,
    ---
    /// Deliveries of a log that had been delivered before.
    duplicated,
    /// Deliveries after a later log of their task.
    reordered,
    /// Logs delivered although the call had refused them, or that were never sent.
    phantom,
    /// Deliveries that cannot be identified as new or as a repetition.
    undecidable,
}

/// Older builds cannot read a ledger with evictions, and need not if there are none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Ledger {
    /// Logs that the queue discarded because it was full: refused, or accepted and later evicted.
    #[must_use]
    pub fn discarded(&self) -> u64 {
        self.dropped.saturating_add(self.evicted)
    }

    /// Accepted logs that were neither evicted nor ever reached the sink, whether or not the queue reported it.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.admitted.saturating_add(self.lost.silent)
    }

    /// The count of that name.
    #[must_use]
    pub fn count(&self, name: CountName) -> u64 {
        if name == CountName::Lost {
            return self.lost();
        }
        let found = Self::COUNTS.iter().find(|(known, _)| *known == name.name());
        found.map_or(0, |(_, of)| of(self))
    }
}

/// Accepted logs that never reached the sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// The queue reported the loss, in its counters or at its shutdown.
    pub admitted: u64,
    /// The queue did not report the loss.
    pub silent: u64,
}

/// A distribution of times: the whole histogram and exact moments. A driver may give the values instead, as
/// `{"values_ns":[…]}`; the reader then computes the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "super::values::Wire")]
pub struct Latency {
    /// Number of values.
    pub count: u64,
    /// Exact sum in nanoseconds (decimal text: it may exceed 64 bits).
    #[serde(with = "decimal")]
    pub sum_ns: u128,
    /// Sum of the squares (floating point), as exact as the buckets allow.
    pub sum_squares_ns2: f64,
    /// Smallest value; null when empty.
    pub min_ns: Option<u64>,
    /// Largest value; null when empty.
    pub max_ns: Option<u64>,
    /// Of `count`: lower bounds, from logs that were never sent.
    pub censored: u64,
    /// HdrHistogram V2, compressed, base64; nanoseconds, 3 significant figures.
    pub hdr: String,
}

/// Every latency of a repeat, in the form in which it is sent.
pub type Latencies = ByLatency<Latency>;

/// Logs per second, over the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Scheduled.
    pub offered_per_s: f64,
    /// Calls made.
    pub attempted_per_s: f64,
    /// Accepted in time.
    pub accepted_per_s: f64,
    /// Reached the sink inside the window.
    pub delivered_per_s: f64,
}

impl Rates {
    /// The rates of a ledger, over a window of `window_ns` nanoseconds.
    #[must_use]
    pub fn of(ledger: &Ledger, window_ns: u64) -> Self {
        let per_second = |count: u64| count as f64 * 1e9 / window_ns as f64;
        Self {
            offered_per_s: per_second(ledger.scheduled),
            attempted_per_s: per_second(ledger.attempted),
            accepted_per_s: per_second(ledger.enqueued_in_window),
            delivered_per_s: per_second(ledger.delivered_in_window),
        }
    }

    /// The rate of that name.
    #[must_use]
    pub fn get(&self, name: RateName) -> f64 {
        match name {
            RateName::Offered => self.offered_per_s,
            RateName::Attempted => self.attempted_per_s,
            RateName::Accepted => self.accepted_per_s,
            RateName::Delivered => self.delivered_per_s,
        }
    }

    /// The mark for rates that were left out: NaN. JSON has no NaN, so no program can send it. Until they are computed
    /// from the ledger, the rates must not be compared: NaN equals nothing.
    fn left_out() -> Self {
        let none = f64::NAN;
        Self { offered_per_s: none, attempted_per_s: none, accepted_per_s: none, delivered_per_s: none }
    }

    /// Whether they were left out on the wire.
    #[must_use]
    pub fn are_left_out(&self) -> bool {
        self.offered_per_s.is_nan()
    }
}

/// What the load cost the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// CPU seconds per million attempted logs, by thread group (`producers`, `runtime`, `queue`); absent where
    /// unreadable.
    pub cpu_s_per_million: BTreeMap<Untrusted, f64>,
    /// Peak resident memory in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Largest number of records in the queue at once, as the queue reports it.
    pub depth_high_water: Option<u64>,
    /// Time from the window's end (or the last call's return, if later) to the end of the drain, in nanoseconds.
    pub drain_ns: u64,
}

/// The machine during the window, or during the control. What cannot be read is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Share of CPU time stolen by the hypervisor, 0 to 1.
    pub steal_share: Option<f64>,
    /// Involuntary context switches of this process.
    pub involuntary_switches: Option<u64>,
    /// Of `involuntary_switches`: those of the producers' threads.
    #[serde(default)]
    pub producer_switches: Option<u64>,
    /// Share of the machine's CPU time that this process used, 0 to 1.
    #[serde(default)]
    pub process_share: Option<f64>,
    /// Share of the machine's CPU time that other processes used, 0 to 1.
    #[serde(default)]
    pub others_share: Option<f64>,
    /// How late a thread woke up that only sleeps from one millisecond to the next.
    #[serde(default)]
    pub jitter: Option<Latency>,
    /// Sum of those of its wake-ups that were over 1 ms late, in nanoseconds.
    #[serde(default)]
    pub stolen_ns: Option<u64>,
    /// The same shares, for the CPUs that this process may use.
    #[serde(default)]
    pub allowed: Option<CpuShares>,
    /// The same shares during a drain that took all of its time; null if the queue was done in time, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<CpuShares>,
    /// Total time for which the threads of the load (producers, pacer and similar) were ready to run and had no CPU, in
    /// nanoseconds.
    #[serde(default)]
    pub waited_ns: Option<u64>,
    /// How far apart the CPUs were before and after the repeat; null if it is not known. The runner measures it: what a program
    /// says here does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_to_core: Option<CoreToCore>,
    /// For how long the runner was stopped during the repeat (SIGSTOP, a closed lid), or saw the process of the repeat stopped,
    /// in nanoseconds; null if neither was. What a program says here does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_ns: Option<u64>,
    /// Clock source: `tsc` or `os`.
    pub clock: Untrusted,
    /// Cost of two clock readings and one recorded value, ns.
    pub instrument_floor_ns: f64,
}

/// How long a cache line took from one CPU to another and back: the core-to-core latency, as a round trip, of the slowest of a
/// few pairs of CPUs. On a virtual machine it changes when the hypervisor moves a CPU, and calls that share a cache line
/// with another thread take as much longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CoreToCore {
    /// Right before the repeat, in nanoseconds.
    pub before_ns: u64,
    /// Right after it, in nanoseconds.
    pub after_ns: u64,
}

impl CoreToCore {
    /// Two round trips with a larger ratio are not of the same place: neighbours take some 50 ns, and CPUs in different parts
    /// of a processor 200 to 400 ns.
    const SAME: u64 = 2;

    /// The worse of both, in nanoseconds.
    #[must_use]
    pub fn worst_ns(&self) -> u64 {
        self.before_ns.max(self.after_ns)
    }

    /// Whether CPUs with a round trip of `ns` are about as near each other as those with one of `nearest_ns`, or nearer.
    #[must_use]
    pub fn is_near(ns: u64, nearest_ns: u64) -> bool {
        ns <= nearest_ns.saturating_mul(Self::SAME)
    }
}

/// The use of the CPUs that a process may run on. On a machine with more CPUs, other processes can take all of these
/// and still only a small share of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CpuShares {
    /// Number of these CPUs.
    pub cpus: u32,
    /// Stolen by the hypervisor, 0 to 1.
    pub steal_share: f64,
    /// Used by this process, 0 to 1.
    pub process_share: f64,
    /// Used by other processes, 0 to 1.
    pub others_share: f64,
}

impl Machine {
    /// Share of the CPU time that the hypervisor stole, 0 to 1: of the CPUs that the process may use if known,
    /// otherwise of all.
    #[must_use]
    pub fn steal(&self) -> Option<f64> {
        self.allowed.map(|shares| shares.steal_share).or(self.steal_share)
    }

    /// Share of the CPU time that this process used, 0 to 1, of the same CPUs.
    #[must_use]
    pub fn process(&self) -> Option<f64> {
        self.allowed.map(|shares| shares.process_share).or(self.process_share)
    }

    /// Share of the CPU time that other processes used, 0 to 1, of the same CPUs.
    #[must_use]
    pub fn others(&self) -> Option<f64> {
        self.allowed.map(|shares| shares.others_share).or(self.others_share)
    }
}

/// A control: what this machine could do right before the queue was built, or after it was gone. It runs a part of the
/// same schedule, from the same producers, into a queue that does nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its length, in nanoseconds.
    pub span_ns: u64,
    /// Logs whose intended start lies in it: `attempted + unsent + unsent_generator`.
    pub scheduled: u64,
    /// Calls made.
    pub attempted: u64,
    /// Not sent because every producer was inside a call past the end.
    pub unsent: u64,
    /// Not sent because the generator was late.
    pub unsent_generator: u64,
    /// The generator's own delay of each call: start less ideal start.
    pub lateness: Latency,
    /// The machine during the control.
    pub machine: Machine,
}

/// Counts and percentiles of `enqueue` over time; bins of equal width from the window's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Width of a bin, in nanoseconds.
    pub bin_ns: u64,
    /// The bins.
    pub points: Vec<Point>,
}

/// The resident memory of the process over time, from the window's start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemorySeries {
    /// Time between two readings, in nanoseconds. The first one is one step after the window's start.
    pub step_ns: u64,
    /// The readings in bytes; null for each that failed or was missed.
    pub bytes: Vec<Option<u64>>,
}

/// How evenly a queue served its producers. The share of a task is the part of its scheduled logs that was accepted in
/// time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fairness {
    /// Tasks that had a log to send.
    pub tasks: u64,
    /// Jain's index of the shares (Jain, Chiu and Hawe 1984): 1 if all are equal, 1 / tasks if one has everything.
    pub jain: f64,
    /// The smallest share, 0 to 1.
    pub least_share: f64,
}

/// A share of the CPU time of some threads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CpuShare {
    /// Number of the CPU, from 0.
    pub cpu: u32,
    /// Share of the time that was spent there, 0 to 1.
    pub share: f64,
}

/// Where the threads of both sides ran during the window, and how often the queue's threads slept. If the repeats of a
/// case fall into groups, one of these usually divides them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Threads {
    /// Where the producers' CPU time was spent, by CPU, ascending; empty if unknown.
    pub producer_cpus: Vec<CpuShare>,
    /// Where the queue's CPU time was spent, by CPU, ascending; empty if unknown.
    pub queue_cpus: Vec<CpuShare>,
    /// How much of their time both sides spent on the same CPU, 0 to 1: the probability that a random moment of one
    /// side and a random moment of the other, within the same 20 ms, were on one CPU.
    pub shared_cpu_share: Option<f64>,
    /// Voluntary context switches of the queue's threads per attempted log: about 1 if each log wakes a sleeping
    /// worker, 0.1 if the worker takes ten logs at a time, about 0 if it polls or always finds work.
    pub queue_switches_per_log: Option<f64>,
}

/// Everything that is measured in one repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// How the outcome of a call is known.
    pub outcome_source: OutcomeSource,
    /// The counts.
    pub ledger: Ledger,
    /// The times.
    #[serde(deserialize_with = "observed::strict")]
    pub latency: Latencies,
    /// The rates. A driver may leave them out, since they follow from the ledger; the runner then fills them in.
    #[serde(default = "Rates::left_out")]
    pub rates: Rates,
    /// The cost.
    pub cost: Cost,
    /// The machine.
    pub machine: Machine,
    /// The control before the load; null if there was none.
    #[serde(default)]
    pub control: Option<Control>,
    /// The second control, after the drain and as long as the window; null if the window was not late, or if the first
    /// control already decided who is to blame.
    #[serde(default)]
    pub control_after: Option<Control>,
    /// The series.
    #[serde(default)]
    pub series: Series,
    /// The memory of the process over time; null where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemorySeries>,
    /// The stages of the window; empty if it has none.
    #[serde(default, deserialize_with = "stages::bounded", skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageMeasurement>,
    /// How long the queue took to recover from a spike; null if there was none, or too few logs before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// What was decided about a warm-up or a window that ends when the load is steady; null without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steadiness: Option<SteadyEnds>,
    /// SHA-256 of the trace that was replayed; null if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Untrusted>,
    /// The ledger of each level; empty if the levels were not told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelLedger>,
    /// The queue's own counters by name, as reported.
    #[serde(default)]
    pub queue_counters: BTreeMap<Untrusted, u64>,
    /// How evenly the producers were served; null if it is not known for each task.
    #[serde(default)]
    pub fairness: Option<Fairness>,
    /// Where the threads ran; null if it is not known.
    #[serde(default)]
    pub threads: Option<Threads>,
    /// Version of the queue.
    pub queue_version: Untrusted,
    /// Texts that say where the queue's own counters and ours disagree.
    #[serde(default)]
    pub disagreements: Vec<Untrusted>,
}

pub(super) mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    pub fn serialize<S: Serializer>(v: &u128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(v)
    }
    pub fn maybe<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u128>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::healthy;
    use super::*;

    #[test]
    fn every_count_of_the_ledger_can_be_named_in_a_check_or_is_left_out_on_purpose() {
        // The first two are parts of other counts, for the rates. `lost` is named as a whole. A phantom is no log of the load:
        // it fails the case by itself.
        let left_out = ["enqueued_in_window", "delivered_in_window", "lost.admitted", "lost.silent", "phantom"];
        let unnamed = Ledger::COUNTS.iter().map(|(name, _)| *name).filter(|name| CountName::find(name).is_none());
        assert_eq!(unnamed.collect::<Vec<_>>(), left_out);
    }

    #[test]
    fn every_count_that_a_check_can_name_is_one_of_the_ledger() {
        let mut ledger = Ledger::default();
        (ledger.lost.admitted, ledger.lost.silent) = (1, 2);
        assert_eq!(ledger.count(CountName::Lost), 3);
        for name in CountName::ALL.iter().filter(|name| **name != CountName::Lost) {
            let fields = Ledger::COUNTS.iter().filter(|(known, _)| *known == name.name()).count();
            assert_eq!(fields, 1, "{name}");
        }
        ledger.add(&ledger.clone());
        assert_eq!(ledger.lost(), 6);
    }

    #[test]
    fn rates_may_be_left_out_and_then_follow_from_the_ledger() {
        let full = healthy(100);
        assert!(!full.rates.are_left_out());
        let mut without = serde_json::to_value(&full).unwrap();
        without.as_object_mut().unwrap().remove("rates");
        let read: Measurement = serde_json::from_value(without).unwrap();
        assert!(read.rates.are_left_out());
        assert_eq!(Rates::of(&read.ledger, 1_000_000_000).offered_per_s, read.ledger.scheduled as f64);
    }

    #[test]
    fn a_measurement_from_before_lag_and_control_still_reads() {
        let full = healthy(100).with_lag(25_000).with_control(80_000);
        let mut old = serde_json::to_value(&full).unwrap();
        let mut forget = |place: &str, names: &[&str]| {
            let object = old.pointer_mut(place).unwrap().as_object_mut().unwrap();
            names.iter().for_each(|name| assert!(object.remove(*name).is_some(), "{name}"));
        };
        forget("", &["control"]);
        forget("/latency", &["lag_before", "lag", "timer_lag_before", "timer_lag"]);
        forget("/machine", &["producer_switches", "process_share", "others_share", "jitter", "stolen_ns"]);
        let read: Measurement = serde_json::from_value(old).unwrap();
        assert_eq!((&read.latency.lag, &read.control, &read.machine.jitter), (&None, &None, &None));
        assert_eq!((read.machine.steal_share, read.machine.others_share), (full.machine.steal_share, None));
    }
}
