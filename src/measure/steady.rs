//! Whether a load has settled: blocks of equal length, and the trend over the later half of them.
//!
//! A block has the mean and the p99 of `response` of the calls that returned in it, and the memory at its end. The trend of
//! each is the robust slope of the blocks' values over the later half, times its length: by how much the value moved there,
//! relative to its median. Blocks are fixed beforehand, and so is their number, whatever is seen in them.

use super::encoding::HIGHEST_NS;
use super::slope::{LEAST_POINTS, median, theil_sen};
use crate::load::Call;
use crate::plan::PlannedRepeat;
use crate::scenario::SteadySettings;
use crate::units::Ratio;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Most blocks of a span.
pub const MOST_BLOCKS: u64 = 200;

/// Logs that are due in a block, at least: a fifth more than its p99 needs, since arrivals may be random.
const LOGS_IN_A_BLOCK: f64 = 1_200.0;

/// Calls that the p99 of a block needs.
const CALLS_FOR_P99: u64 = 1_000;

/// Blocks before the first decision: their later half has as many as a slope needs.
pub const FEWEST_BLOCKS: u64 = 2 * LEAST_POINTS as u64;

/// Decisions in a row that must find it settled.
pub const IN_A_ROW: u32 = 3;

/// Blocks that are kept open: calls may be recorded a little later than they return.
const OPEN: usize = 4;

/// By how much each value moved over the later half of the blocks, relative to its median: 0.1 is a rise of 10 %. Null where
/// it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// Of the mean of `response`.
    pub mean: Option<f64>,
    /// Of the p99 of `response`.
    pub p99: Option<f64>,
    /// Of the memory of the process.
    pub memory: Option<f64>,
}

/// What was decided about a warm-up or a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// How long it lasted, in nanoseconds.
    pub length_ns: u64,
    /// Whether it settled within the longest time.
    pub settled: bool,
    /// The trend at the last decision.
    pub trend: Trend,
}

/// How a repeat ended that was to end when it is steady.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SteadyEnds {
    /// The warm-up; null if it had a fixed length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<Settled>,
    /// The window; null if it had a fixed length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Settled>,
}

/// The length of the blocks of a span in which `per_second` logs are due, in nanoseconds.
#[must_use]
pub fn block_ns(span_ns: u64, per_second: f64) -> u64 {
    // The cast saturates.
    let enough = (LOGS_IN_A_BLOCK / per_second * 1e9).ceil() as u64;
    span_ns.div_ceil(MOST_BLOCKS).max(enough).max(1)
}

/// The plan's repeat with the window that it in fact had.
#[must_use]
pub fn in_fact(repeat: &PlannedRepeat, steadiness: Option<SteadyEnds>) -> PlannedRepeat {
    let mut repeat = repeat.clone();
    if let Some(window) = steadiness.and_then(|steadiness| steadiness.window) {
        repeat.parameters.duration.0 = window.length_ns.min(repeat.parameters.duration.0);
    }
    repeat
}

/// The `response` of the calls of one thread, by the block in which they returned. Only the latest few blocks are kept.
#[derive(Clone, Debug)]
pub struct BlockRecorder {
    start: u64,
    width: u64,
    open: [Block; OPEN],
}

#[derive(Clone, Debug)]
struct Block {
    /// Its number, from 0; `u64::MAX`: not used yet.
    number: u64,
    /// Two significant figures: the bounds of a trend are percents.
    response: Histogram<u32>,
    sum_ns: u128,
}

impl BlockRecorder {
    /// A recorder for blocks of `width` nanoseconds from `start`.
    pub fn new(start: u64, width: u64) -> Self {
        let response = Histogram::new_with_bounds(1, HIGHEST_NS, 2).expect("the bounds are constants that fit");
        let block = Block { number: u64::MAX, response, sum_ns: 0 };
        Self { start, width, open: std::array::from_fn(|_| block.clone()) }
    }

    /// Records a call.
    pub fn record(&mut self, call: &Call) {
        let Some(since) = call.end.checked_sub(self.start) else { return };
        let number = since / self.width;
        let block = &mut self.open[(number % OPEN as u64) as usize];
        if block.number != number {
            // A call that was recorded too late must not push out the blocks after its own.
            if block.number != u64::MAX && block.number > number {
                return;
            }
            block.number = number;
            block.response.reset();
            block.sum_ns = 0;
        }
        block.response.saturating_record(call.response());
        block.sum_ns += u128::from(call.response());
    }
}

/// What all threads recorded of a block.
#[derive(Debug, Default)]
pub struct BlockSum {
    response: Option<Histogram<u32>>,
    sum_ns: u128,
}

impl BlockSum {
    /// Adds what one thread recorded of block `number`.
    pub fn add(&mut self, number: u64, recorder: &BlockRecorder) {
        let block = &recorder.open[(number % OPEN as u64) as usize];
        if block.number != number {
            return;
        }
        self.sum_ns += block.sum_ns;
        match &mut self.response {
            Some(response) => response.add(&block.response).expect("all blocks have the same bounds"),
            none => *none = Some(block.response.clone()),
        }
    }
}

/// The blocks of a span, as far as they are over.
#[derive(Debug)]
pub struct Blocks {
    bounds: SteadySettings,
    values: VecDeque<[Option<f64>; 3]>,
    in_a_row: u32,
    trend: Trend,
}

impl Blocks {
    /// None is over yet.
    #[must_use]
    pub fn new(bounds: SteadySettings) -> Self {
        Self { bounds, values: VecDeque::with_capacity(MOST_BLOCKS as usize), in_a_row: 0, trend: Trend::default() }
    }

    /// Adds the next block, and the memory at its end. Returns whether the load has settled.
    pub fn enter(&mut self, block: BlockSum, memory_bytes: Option<u64>) -> bool {
        let count = block.response.as_ref().map_or(0, Histogram::len);
        let mean = (count > 0).then(|| block.sum_ns as f64 / count as f64);
        let p99 = block.response.filter(|_| count >= CALLS_FOR_P99);
        let p99 = p99.map(|response| response.value_at_quantile(0.99) as f64);
        self.add([mean, p99, memory_bytes.map(|bytes| bytes as f64)])
    }

    /// Adds the values of the next block: mean, p99, memory. Returns whether the load has settled.
    pub fn add(&mut self, values: [Option<f64>; 3]) -> bool {
        if self.values.len() as u64 >= MOST_BLOCKS {
            self.values.pop_front();
        }
        self.values.push_back(values);
        let [mean, p99, memory] = [0, 1, 2].map(|which| self.drift(which));
        self.trend = Trend { mean, p99, memory };
        let is_within = |bound: Option<Ratio>, drift: Option<f64>| {
            bound.is_none_or(|bound| drift.is_some_and(|drift| drift.abs() <= bound.as_f64()))
        };
        let SteadySettings { mean: of_mean, p99: of_p99, memory: of_memory, .. } = self.bounds;
        let settled = self.values.len() as u64 >= FEWEST_BLOCKS
            && is_within(of_mean, mean)
            && is_within(of_p99, p99)
            && is_within(of_memory, memory);
        self.in_a_row = if settled { self.in_a_row + 1 } else { 0 };
        self.in_a_row >= IN_A_ROW
    }

    /// The trend of all blocks so far.
    #[must_use]
    pub fn trend(&self) -> Trend {
        self.trend
    }

    /// By how much a value moved over the later half of the blocks, relative to its median there; `None` if too few blocks
    /// know it.
    fn drift(&self, which: usize) -> Option<f64> {
        let half = self.values.len() / 2;
        let later = self.values.iter().skip(self.values.len() - half).enumerate();
        let points: Vec<(f64, f64)> = later.filter_map(|(x, values)| Some((x as f64, values[which]?))).collect();
        // With too many gaps, the blocks that are left are a selection.
        if points.len() * 4 < half * 3 {
            return None;
        }
        let slope = theil_sen(&points)?;
        let mut values: Vec<f64> = points.into_iter().map(|(_, value)| value).collect();
        let middle = median(&mut values)?;
        let moved = slope * half as f64;
        if moved == 0.0 { Some(0.0) } else { Some(moved / middle).filter(|drift| drift.is_finite()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Reply;

    fn bounds() -> SteadySettings {
        let percent = |percent| Some(Ratio::from_percent(percent));
        SteadySettings { mean: percent(5), p99: percent(10), memory: percent(1), ..SteadySettings::default() }
    }

    /// The number of blocks after which it had settled, and the last trend; values by the number of the block.
    fn settled(of: impl Fn(f64) -> [Option<f64>; 3]) -> (Option<usize>, Trend) {
        let mut blocks = Blocks::new(bounds());
        let found = (0..MOST_BLOCKS as usize).find(|n| blocks.add(of(*n as f64)));
        (found.map(|n| n + 1), blocks.trend())
    }

    const FIRST: usize = FEWEST_BLOCKS as usize + IN_A_ROW as usize - 1;

    #[test]
    fn what_settles_is_found_and_what_does_not_is_not() {
        let all = |value: f64| [Some(value), Some(2.0 * value), Some(1e6)];
        type Values = fn(f64) -> f64;
        let constant: Values = |_| 100.0;
        let decays: Values = |n| 100.0 + 900.0 * (-n / 10.0).exp();
        let grows: Values = |n| 100.0 + 5.0 * n;
        let falls: Values = |n| 10_000.0 * (-n / 80.0).exp();
        // Noise without a trend, of a period that no block is a multiple of.
        let swings: Values = |n| 100.0 + 20.0 * (n * 2.3).sin();
        let stalls: Values = |n| if n as u64 % 9 == 4 { 100_000.0 } else { 100.0 };
        for (name, values, least, most) in [
            ("constant", constant, Some(FIRST), Some(FIRST)),
            ("decays", decays, Some(FIRST + 20), Some(120)),
            ("grows", grows, None, None),
            ("falls", falls, None, None),
            ("swings", swings, Some(FIRST), Some(150)),
            ("stalls now and then", stalls, Some(FIRST), Some(FIRST)),
        ] {
            let (found, trend) = settled(|n| all(values(n)));
            let is_between = found.is_some() == least.is_some()
                && found.zip(least).is_none_or(|(found, least)| found >= least)
                && found.zip(most).is_none_or(|(found, most)| found <= most);
            assert!(is_between, "{name}: {found:?}, {trend:?}");
        }
        let (_, trend) = settled(|n| all(grows(n)));
        assert!(trend.mean.is_some_and(|drift| (0.5..0.8).contains(&drift)), "it rose by two thirds: {trend:?}");
    }

    #[test]
    fn every_bound_counts_and_none_is_met_by_what_is_unknown() {
        let constant = [Some(100.0), Some(200.0), Some(1e6)];
        for which in 0..3 {
            let (found, _) = settled(|n| {
                let mut values = constant;
                values[which] = Some(100.0 + 10.0 * n);
                values
            });
            assert_eq!(found, None, "{which} grows");
            let (found, trend) = settled(|_| {
                let mut values = constant;
                values[which] = None;
                values
            });
            assert_eq!(found, None, "{which} is unknown: {trend:?}");
        }
        let mut without = Blocks::new(SteadySettings { memory: None, ..bounds() });
        let found = (0..40).find(|_| without.add([Some(1.0), Some(2.0), None]));
        assert_eq!(found, Some(FIRST - 1), "what has no bound need not be known");
    }

    #[test]
    fn a_few_gaps_are_left_out_and_many_are_not() {
        let gaps =
            |every: u64| settled(move |n| [(!(n as u64).is_multiple_of(every)).then_some(1.0), Some(1.0), Some(1.0)]).0;
        assert!(gaps(10).is_some());
        assert_eq!(gaps(2), None);
    }

    #[test]
    fn blocks_have_logs_enough_and_are_never_more_than_so_many() {
        for (seconds, per_second, expected) in [
            (20, 1e4, 120_000_000),
            (600, 1e4, 3_000_000_000),
            (86_400, 1e6, 432_000_000_000),
            (10, 1e9, 50_000_000),
            (10, 1.0, 1_200_000_000_000),
        ] {
            let span = seconds * 1_000_000_000;
            let block = block_ns(span, per_second);
            assert_eq!(block, expected, "{seconds} s at {per_second}/s");
            assert!(span / block <= MOST_BLOCKS);
        }
    }

    #[test]
    fn calls_fall_into_the_block_in_which_they_return() {
        let call =
            |intended: u64, end: u64| Call { intended, ideal: intended, start: intended, end, reply: Reply::ACCEPTED };
        let mut recorder = BlockRecorder::new(1_000, 100);
        recorder.record(&call(900, 950));
        (0..1_000).for_each(|_| recorder.record(&call(1_000, 1_050)));
        recorder.record(&call(1_050, 1_150));
        let mut blocks = Blocks::new(bounds());
        let sum = |number, recorders: &[&BlockRecorder]| {
            let mut sum = BlockSum::default();
            recorders.iter().for_each(|recorder| sum.add(number, recorder));
            sum
        };
        blocks.enter(sum(0, &[&recorder, &recorder]), Some(7));
        blocks.enter(sum(1, &[&recorder]), None);
        blocks.enter(sum(2, &[&recorder]), None);
        let values: Vec<_> = blocks.values.iter().copied().collect();
        assert_eq!(values, [[Some(50.0), Some(50.0), Some(7.0)], [Some(100.0), None, None], [None; 3]]);
        // Block 4 takes the place of block 0, and a call of block 0 that comes later still does not take it back.
        recorder.record(&call(1_400, 1_450));
        recorder.record(&call(1_000, 1_060));
        blocks.enter(sum(4, &[&recorder]), None);
        assert_eq!(blocks.values.back(), Some(&[Some(50.0), None, None]));
    }
}
