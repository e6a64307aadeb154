//! What is kept apart for each stage of the window, and how long the queue took to recover from a spike.
//!
//! A log belongs to the stage in which it was due. The recovery is seen in bins of time after the spike: in each, how many
//! logs were slower than those before the spike. Memory does not depend on the length of the window.

use super::encoding::{Distribution, EncodingError, HIGHEST_NS, WHOLE};
use super::model::{Latency, OutcomeSource};
use crate::load::{Call, Reply};
use crate::scenario::{MOST_STAGES, Parameters};
use hdrhistogram::Histogram;
use serde::de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Largest number of bins after a spike.
const MOST_BINS: u64 = 100;

/// Logs that a bin holds at the rate after the spike, at least: with fewer, a single slow one could be half of them.
const LOGS_IN_A_BIN: f64 = 20.0;

/// The quantile of the logs before the spike to which those after it are compared, in parts of [`WHOLE`]: the first one
/// with enough values above it.
const QUANTILES: [u64; 3] = [990_000_000, 900_000_000, 500_000_000];

/// Values that a quantile needs above it.
const SAMPLES_ABOVE: u64 = 10;

/// A log is slower than before if it takes over a twentieth longer than that quantile. Settling times use such a band:
/// no two stretches of time are the same to the nanosecond.
const BAND: u64 = 20;

/// What was measured of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageMeasurement {
    /// Logs that were due in it.
    pub scheduled: u64,
    /// Of these: calls made.
    pub attempted: u64,
    /// Not sent because the queue held their task up past the window's end.
    pub unsent: u64,
    /// Not sent because the generator was late.
    pub unsent_generator: u64,
    /// Accepted by the queue; null if it cannot be told from `dropped` for each stage.
    #[serde(default)]
    pub enqueued: Option<u64>,
    /// Refused because the queue was full; null together with `enqueued`.
    #[serde(default)]
    pub dropped: Option<u64>,
    /// Refused by the sampling decision.
    pub sampled_out: u64,
    /// Call to return, accepted logs (all calls where `outcome_source` is not `call`).
    pub enqueue: Latency,
    /// Intended start to return.
    pub response: Latency,
    /// Call to sink; its count is that of the logs that arrived.
    pub delivery: Latency,
}

/// Reads the stages of a measurement. Each takes time to read, so no more than a window can have are read.
pub(super) fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<StageMeasurement>, D::Error> {
    deserializer.deserialize_seq(Reader)
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Vec<StageMeasurement>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut stages = Vec::new();
        while stages.len() < MOST_STAGES {
            match seq.next_element()? {
                Some(stage) => stages.push(stage),
                None => return Ok(stages),
            }
        }
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(stages),
            Some(_) => Err(A::Error::custom(format!("more than {MOST_STAGES} stages"))),
        }
    }
}

/// How long the queue took to be as fast as before the spike, until the end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// From the end of the spike until both `response` and `delivery` were back, in nanoseconds; null if they were not
    /// by the end of the window.
    pub recovered_ns: Option<u64>,
    /// From the end of the spike to the end of the window, in nanoseconds.
    pub watched_ns: u64,
    /// The same for `response` alone (less the generator's own lateness).
    pub response_ns: Option<u64>,
    /// The same for `delivery` alone.
    pub delivery_ns: Option<u64>,
    /// A log is as fast as before if its `response` is at most this, in nanoseconds.
    pub response_bound_ns: u64,
    /// The same for its `delivery`.
    pub delivery_bound_ns: u64,
}

/// What to keep apart in a window. Times are on the clock of the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The end of each stage, ascending.
    ends: Vec<u64>,
    spike: Option<SpikeWatch>,
}

/// A spike, and the bins after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SpikeWatch {
    /// The stage with which it begins.
    stage: usize,
    /// When it ends.
    end: u64,
    /// From there to the end of the window.
    after: u64,
    /// Width of a bin.
    width: u64,
}

impl Watch {
    /// The stages of a case's window that begins at `start`; `None` if it has none.
    pub fn of(parameters: &Parameters, start: u64) -> Option<Self> {
        let stages = parameters.stages.as_ref()?;
        let mut end = start;
        let ends = stages.list().iter().map(|stage| {
            end += stage.length.0;
            end
        });
        let ends = ends.collect();
        let spike = stages.spike().map(|spike| {
            let per_second = parameters.offered_per_second() * spike.rate_after.as_f64();
            // The last logs of a window may wait for a batch that never fills. They must not be half of the last bin.
            let logs = LOGS_IN_A_BIN.max(2.0 * parameters.batch_size as f64);
            // The cast saturates, also where nothing is sent any more.
            let enough = (logs / per_second * 1e9) as u64;
            let width = spike.after.0.div_ceil(MOST_BINS).max(enough).clamp(1, spike.after.0.max(1));
            SpikeWatch { stage: spike.stage, end: start + spike.end.0, after: spike.after.0, width }
        });
        Some(Self { ends, spike })
    }

    /// Number of stages.
    pub fn stages(&self) -> usize {
        self.ends.len()
    }

    /// The stage in which a log was due.
    fn stage_at(&self, intended: u64) -> usize {
        self.ends.partition_point(|end| *end <= intended).min(self.ends.len() - 1)
    }
}

/// What one thread of senders saw of each stage.
#[derive(Clone, Debug)]
pub struct StageRecorder {
    watch: Watch,
    stages: Vec<Seen>,
    /// `response_ideal` of the logs before the spike.
    before: Distribution,
    /// And of those after it.
    after: Bins,
}

/// What was seen of one stage.
#[derive(Clone, Debug, Default)]
struct Seen {
    enqueued: u64,
    dropped: u64,
    sampled_out: u64,
    unsent: u64,
    unsent_generator: u64,
    enqueue: Distribution,
    response: Distribution,
}

impl StageRecorder {
    /// A recorder for the stages of a window.
    pub fn new(watch: &Watch) -> Self {
        Self {
            // Not by cloning one: that would touch memory which no log may ever need.
            stages: (0..watch.stages()).map(|_| Seen::default()).collect(),
            before: Distribution::new(),
            after: Bins::new(watch.spike),
            watch: watch.clone(),
        }
    }

    /// Records one call.
    pub fn record(&mut self, call: &Call) {
        let stage = self.watch.stage_at(call.intended);
        let seen = &mut self.stages[stage];
        match call.reply {
            Reply::Enqueued { .. } => {
                seen.enqueued += 1;
                seen.enqueue.record(call.service());
            }
            Reply::Dropped => seen.dropped += 1,
            Reply::SampledOut => seen.sampled_out += 1,
        }
        seen.response.record(call.response());
        self.record_ideal(stage, call.intended, call.response_ideal());
    }

    /// Records a log that was due at `intended` and never sent, after a wait of `waited` nanoseconds. It never responded,
    /// so it is slower than any that did.
    pub fn record_unsent(&mut self, intended: u64, waited: u64) {
        let stage = self.watch.stage_at(intended);
        self.stages[stage].unsent += 1;
        self.stages[stage].response.record_censored(waited);
        self.record_ideal(stage, intended, HIGHEST_NS);
    }

    /// The same for a log that the generator never sent. It says nothing about the queue.
    pub fn record_given_up(&mut self, intended: u64, waited: u64) {
        let stage = self.watch.stage_at(intended);
        self.stages[stage].unsent_generator += 1;
        self.stages[stage].response.record_censored(waited);
    }

    fn record_ideal(&mut self, stage: usize, intended: u64, ns: u64) {
        match self.watch.spike {
            Some(spike) if stage < spike.stage => self.before.record(ns),
            Some(spike) if intended >= spike.end => self.after.record(intended, ns),
            _ => {}
        }
    }

    /// Adds what another thread saw of the same window.
    ///
    /// # Errors
    /// More values than can be counted exactly.
    pub fn add(&mut self, other: &Self) -> Result<(), EncodingError> {
        for (ours, theirs) in self.stages.iter_mut().zip(&other.stages) {
            ours.enqueued += theirs.enqueued;
            ours.dropped += theirs.dropped;
            ours.sampled_out += theirs.sampled_out;
            ours.unsent += theirs.unsent;
            ours.unsent_generator += theirs.unsent_generator;
            ours.enqueue.add(&theirs.enqueue)?;
            ours.response.add(&theirs.response)?;
        }
        self.after.add(&other.after);
        self.before.add(&other.before)
    }

    /// The stages as they are sent. `scheduled` is the number of logs that were due in each, by arithmetic. Where calls
    /// do not tell the outcome, all of them were entered as accepted; `lost` and `dropped` are how many of them turned
    /// out to be lost and dropped, in the whole window.
    pub fn to_stages(
        &self,
        scheduled: &[u64],
        delivered: &StageDeliveries,
        source: OutcomeSource,
        (lost, dropped): (u64, u64),
    ) -> Vec<StageMeasurement> {
        let arrived = |stage: usize| delivered.stages.get(stage).map_or(0, Distribution::count);
        let missing = |(stage, seen): (usize, &Seen)| seen.enqueued.saturating_sub(arrived(stage));
        // Which of the missing were dropped is known if all of them were, or none. If a stranger arrived in place of one,
        // it is not.
        let all_dropped = lost == 0 && self.stages.iter().enumerate().map(missing).sum::<u64>() == dropped;
        let outcome = |stage: usize, seen: &Seen| match source {
            OutcomeSource::Call => (Some(seen.enqueued), Some(seen.dropped)),
            _ if dropped == 0 => (Some(seen.enqueued), Some(seen.dropped)),
            _ if all_dropped => {
                let missing = missing((stage, seen));
                (Some(seen.enqueued - missing), Some(seen.dropped + missing))
            }
            OutcomeSource::Counter | OutcomeSource::Delivery => (None, None),
        };
        let none = Distribution::new();
        let measured = |(stage, seen): (usize, &Seen)| {
            let (enqueued, dropped) = outcome(stage, seen);
            StageMeasurement {
                scheduled: scheduled.get(stage).copied().unwrap_or(0),
                attempted: seen.enqueued + seen.dropped + seen.sampled_out,
                unsent: seen.unsent,
                unsent_generator: seen.unsent_generator,
                enqueued,
                dropped,
                sampled_out: seen.sampled_out,
                enqueue: seen.enqueue.encode(),
                response: seen.response.encode(),
                delivery: delivered.stages.get(stage).unwrap_or(&none).encode(),
            }
        };
        self.stages.iter().enumerate().map(measured).collect()
    }

    /// How long the queue took to recover; `None` if there was no spike, or too few logs before it.
    ///
    /// # Errors
    /// More values than can be counted exactly.
    pub fn recovery(&self, delivered: &StageDeliveries) -> Result<Option<Recovery>, EncodingError> {
        let Some(spike) = self.watch.spike else { return Ok(None) };
        let mut delivered_before = Distribution::new();
        delivered.stages.iter().take(spike.stage).try_for_each(|stage| delivered_before.add(stage))?;
        let Some((response_bound_ns, delivery_bound_ns)) = bound(&self.before).zip(bound(&delivered_before)) else {
            return Ok(None);
        };
        let response_ns = self.after.settled(response_bound_ns);
        let delivery_ns = delivered.after.settled(delivery_bound_ns);
        Ok(Some(Recovery {
            recovered_ns: response_ns.zip(delivery_ns).map(|(response, delivery)| response.max(delivery)),
            watched_ns: spike.after,
            response_ns,
            delivery_ns,
            response_bound_ns,
            delivery_bound_ns,
        }))
    }
}

/// The longest time that is as fast as those before the spike; `None` if there are too few of them.
fn bound(before: &Distribution) -> Option<u64> {
    let has_samples = |parts: &&u64| {
        u128::from(before.count()) * u128::from(WHOLE - **parts) >= u128::from(SAMPLES_ABOVE) * u128::from(WHOLE)
    };
    let ns = before.quantile_ns(*QUANTILES.iter().find(has_samples)?)?;
    Some(ns.saturating_add(ns / BAND))
}

/// What one thread delivered of each stage.
#[derive(Clone, Debug, Default)]
pub struct StageDeliveries {
    /// Times from the start of the call to the sink, by stage; shorter than the list of stages where the last ones have
    /// none yet.
    stages: Vec<Distribution>,
    after: Bins,
}

impl StageDeliveries {
    /// Records a delivery of a log whose call began at `called`, after `ns`.
    pub fn record(&mut self, watch: &Watch, stage: usize, called: u64, ns: u64) {
        while self.stages.len() <= stage {
            self.stages.push(Distribution::new());
        }
        self.stages[stage].record(ns);
        if watch.spike.is_some_and(|spike| called >= spike.end) {
            self.after.watch(watch.spike);
            self.after.record(called, ns);
        }
    }

    /// Adds what another thread delivered.
    ///
    /// # Errors
    /// More values than can be counted exactly.
    pub fn add(&mut self, other: &Self) -> Result<(), EncodingError> {
        while self.stages.len() < other.stages.len() {
            self.stages.push(Distribution::new());
        }
        self.after.add(&other.after);
        self.stages.iter_mut().zip(&other.stages).try_for_each(|(ours, theirs)| ours.add(theirs))
    }
}

/// Times in bins, from the end of the spike to that of the window.
#[derive(Clone, Debug, Default)]
struct Bins {
    spike: Option<SpikeWatch>,
    /// Two significant figures are enough for a share and limit a bin to 20 KiB. Created with the bin's first record.
    bins: Vec<Option<Histogram<u32>>>,
}

impl Bins {
    fn new(spike: Option<SpikeWatch>) -> Self {
        let mut bins = Self::default();
        bins.watch(spike);
        bins
    }

    /// Makes the bins, unless they are there.
    fn watch(&mut self, spike: Option<SpikeWatch>) {
        if let (None, Some(watch)) = (self.spike, spike) {
            self.spike = spike;
            // What is left over belongs to the last bin: one of its own would hold too few logs.
            self.bins = vec![None; (watch.after / watch.width).max(1) as usize];
        }
    }

    /// Records a time of `ns` in the bin of `at`; what is later than the window counts in the last one.
    fn record(&mut self, at: u64, ns: u64) {
        let Some(spike) = self.spike else { return };
        let index = (at.saturating_sub(spike.end) / spike.width).min(self.bins.len() as u64 - 1) as usize;
        self.bins[index].get_or_insert_with(new_histogram).saturating_record(ns);
    }

    fn add(&mut self, other: &Self) {
        self.watch(other.spike);
        for (ours, theirs) in self.bins.iter_mut().zip(&other.bins) {
            if let Some(theirs) = theirs {
                ours.get_or_insert_with(new_histogram).add(theirs).expect("all bins have the same bounds");
            }
        }
    }

    /// From the end of the spike until at least half of the logs of each bin are within `bound_ns`, in nanoseconds;
    /// `None` if that is not so by the end.
    ///
    /// Half of the logs, because a pause of the machine delays the logs of a moment, and a backlog delays all of them.
    /// Within the last bin with more than half, and the one after it, the share of slower logs is taken for a share of
    /// the time: while a backlog falls, the slower logs are those that came first.
    fn settled(&self, bound_ns: u64) -> Option<u64> {
        let Some(spike) = self.spike else { return Some(0) };
        let slower = |index: usize| -> (u64, u64) {
            let bin = self.bins.get(index).and_then(Option::as_ref);
            bin.map_or((0, 0), |bin| (bin.len() - bin.count_between(0, bound_ns), bin.len()))
        };
        let last = (0..self.bins.len()).rev().find(|index| self.bins[*index].is_some());
        let is_slow = |index: &usize| {
            let (slower, all) = slower(*index);
            slower * 2 > all
        };
        let slow = (0..self.bins.len()).rev().find(is_slow);
        if slow.is_some() && slow == last {
            return None;
        }
        let part = |index: usize| {
            let (slower, all) = slower(index);
            // At most the width.
            (u128::from(spike.width) * u128::from(slower) / u128::from(all.max(1))) as u64
        };
        Some(slow.map_or_else(|| part(0), |slow| slow as u64 * spike.width + part(slow) + part(slow + 1)))
    }
}

fn new_histogram() -> Histogram<u32> {
    Histogram::new_with_bounds(1, HIGHEST_NS, 2).expect("the bounds are constants that fit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Rate;

    const MS: u64 = 1_000_000;
    const ACCEPTED: Reply = Reply::Enqueued { waited: None };

    /// 10 tasks of 100 logs/s each: a second at that, half a second at five times that, two seconds at that.
    fn watch() -> Watch {
        let stages: crate::scenario::Stages = "1s@1x,500ms@5x,2s@1x".parse().unwrap();
        let duration = stages.length();
        let rate = Rate::of_whole(100);
        let case = Parameters { concurrency: 10, rate, duration, stages: Some(stages), ..Parameters::default() };
        Watch::of(&case, 7_000 * MS).unwrap()
    }

    fn call(intended: u64, service: u64, reply: Reply) -> Call {
        Call { intended, ideal: intended, start: intended, end: intended + service, reply }
    }

    #[test]
    fn a_log_belongs_to_the_stage_in_which_it_was_due() {
        let watch = watch();
        let stages = [7_000, 7_999, 8_000, 8_499, 8_500, 10_499, 99_999].map(|ms| watch.stage_at(ms * MS));
        assert_eq!(stages, [0, 0, 1, 1, 2, 2, 2]);
        assert_eq!(Watch::of(&Parameters::default(), 0), None);
        // A hundredth of the two seconds, and 20 logs at 1,000/s.
        assert_eq!(watch.spike.unwrap(), SpikeWatch { stage: 1, end: 8_500 * MS, after: 2_000 * MS, width: 20 * MS });
    }

    #[test]
    fn no_more_stages_are_read_than_a_window_can_have() {
        let with = |stages: usize| {
            let measurement = crate::measure::fixture::healthy(10).in_stages(&vec![1; stages], None);
            serde_json::from_str::<crate::measure::Measurement>(&serde_json::to_string(&measurement).unwrap())
        };
        assert_eq!(with(64).unwrap().stages.len(), 64);
        assert!(with(65).unwrap_err().to_string().contains("more than 64 stages"));
    }

    #[test]
    fn every_log_is_counted_in_its_stage() {
        let mut recorder = StageRecorder::new(&watch());
        recorder.record(&call(7_100 * MS, 5, ACCEPTED));
        recorder.record(&call(8_000 * MS, 700 * MS, ACCEPTED));
        recorder.record(&call(8_100 * MS, 5, Reply::Dropped));
        recorder.record(&call(8_200 * MS, 5, Reply::SampledOut));
        recorder.record_unsent(10_400 * MS, 50);
        recorder.record_given_up(10_450 * MS, 60);
        let mut both = StageRecorder::new(&watch());
        (0..2).for_each(|_| both.add(&recorder).unwrap());
        let stages = both.to_stages(&[2, 6, 4], &StageDeliveries::default(), OutcomeSource::Call, (0, 0));
        let counts: Vec<_> = stages
            .iter()
            .map(|s| (s.scheduled, s.attempted, s.unsent, s.unsent_generator, s.enqueued, s.dropped, s.sampled_out))
            .collect();
        assert_eq!(
            counts,
            [(2, 2, 0, 0, Some(2), Some(0), 0), (6, 6, 0, 0, Some(2), Some(2), 2), (4, 0, 2, 2, Some(0), Some(0), 0)]
        );
        let times: Vec<_> =
            stages.iter().map(|s| (s.enqueue.count, s.response.count, s.response.censored, s.delivery.count)).collect();
        assert_eq!(times, [(2, 2, 0, 0), (2, 6, 0, 0), (0, 4, 4, 0)]);
    }

    /// The stages of six logs, three in the first one and three in the second, of which the last two arrived; what is
    /// known of whether the others were lost or dropped.
    #[test]
    fn what_calls_do_not_tell_is_known_of_a_stage_if_all_missing_logs_are_alike() {
        let watch = watch();
        let mut recorder = StageRecorder::new(&watch);
        let mut delivered = StageDeliveries::default();
        for ms in [7_000, 7_001, 7_002, 8_000, 8_001, 8_002] {
            recorder.record(&call(ms * MS, 5, ACCEPTED));
            if ms > 8_000 {
                delivered.record(&watch, 1, ms * MS, 9);
            }
        }
        let told = |source, lost_and_dropped| {
            let stages = recorder.to_stages(&[3, 3, 0], &delivered, source, lost_and_dropped);
            stages.iter().take(2).map(|stage| (stage.enqueued, stage.dropped)).collect::<Vec<_>>()
        };
        for (source, lost_and_dropped, expected) in [
            (OutcomeSource::Delivery, (0, 4), [(Some(0), Some(3)), (Some(2), Some(1))]),
            (OutcomeSource::Counter, (4, 0), [(Some(3), Some(0)), (Some(3), Some(0))]),
            (OutcomeSource::Counter, (1, 3), [(None, None), (None, None)]),
            // A stranger arrived in place of one.
            (OutcomeSource::Counter, (0, 3), [(None, None), (None, None)]),
        ] {
            assert_eq!(told(source, lost_and_dropped), expected, "{source:?} {lost_and_dropped:?}");
        }
    }

    /// After the spike, logs are due every millisecond and delivered after 1 ms; `response` says how long each takes.
    fn recovered(response: impl Fn(u64) -> Option<u64>) -> Option<Recovery> {
        let watch = watch();
        let mut recorder = StageRecorder::new(&watch);
        let mut delivered = StageDeliveries::default();
        for ms in 0..1_000 {
            recorder.record(&call((7_000 + ms) * MS, 100_000, ACCEPTED));
            delivered.record(&watch, 0, (7_000 + ms) * MS, MS);
        }
        for ms in 0..2_000 {
            let due = (8_500 + ms) * MS;
            match response(ms) {
                Some(ns) => {
                    recorder.record(&call(due, ns, ACCEPTED));
                    delivered.record(&watch, 2, due, MS);
                }
                None => recorder.record_unsent(due, 5),
            }
        }
        recorder.recovery(&delivered).unwrap()
    }

    #[test]
    fn a_backlog_is_felt_until_it_is_gone() {
        // (until when a log takes longer, in ms; the recovery)
        for until in [0, 1, 13, 20, 355, 1_000, 1_970] {
            let recovery = recovered(|ms| Some(if ms < until { 50 * MS } else { 100_000 })).unwrap();
            let expected = Recovery {
                recovered_ns: Some(until * MS),
                watched_ns: 2_000 * MS,
                response_ns: Some(until * MS),
                delivery_ns: Some(0),
                response_bound_ns: 105_000,
                delivery_bound_ns: 1_050_000,
            };
            assert_eq!(recovery, expected, "{until}");
        }
        let never = recovered(|_| Some(50 * MS)).unwrap();
        assert_eq!((never.recovered_ns, never.response_ns, never.delivery_ns), (None, None, Some(0)));
        // It was fast again, but not to the end: the last logs were never sent.
        let relapsed = recovered(|ms| (ms < 1_985).then_some(100_000)).unwrap();
        assert_eq!(relapsed.recovered_ns, None);
    }

    #[test]
    fn a_pause_of_the_machine_is_no_backlog_and_a_twentieth_is_no_difference() {
        // 9 ms of a bin of 20 ms are slow, long after the queue had recovered at 100 ms.
        let paused = |ms: u64| ms < 100 || (1_500..1_509).contains(&ms);
        let recovery = recovered(|ms| Some(if paused(ms) { 50 * MS } else { 100_000 })).unwrap();
        assert_eq!(recovery.recovered_ns, Some(100 * MS));
        assert_eq!(recovered(|_| Some(104_900)).unwrap().recovered_ns, Some(0));
        assert_eq!(recovered(|_| Some(108_000)).unwrap().recovered_ns, None);
    }

    #[test]
    fn without_logs_before_the_spike_there_is_nothing_to_recover_to() {
        let mut few = StageRecorder::new(&watch());
        (0..19).for_each(|ms| few.record(&call((7_000 + ms) * MS, 5, ACCEPTED)));
        assert_eq!(few.recovery(&StageDeliveries::default()), Ok(None));
        let mut distribution = Distribution::new();
        for (count, expected) in [(19, None), (20, Some(10)), (100, Some(94)), (1_000, Some(1_039))] {
            while distribution.count() < count {
                distribution.record(distribution.count() + 1);
            }
            assert_eq!(bound(&distribution), expected, "{count}");
        }
    }
}
