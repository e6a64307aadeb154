//! What differs from log to log: the level, and the length of the message.

use super::payload::{Phase, mix};
use crate::log_queue::Level;
use crate::scenario::{Arrivals, Lengths, Levels, Parameters, Payload};
use crate::units::Bytes;
use statrs::distribution::{ContinuousCDF, Normal};
use std::sync::Arc;

/// Number of lengths that stand for a log-normal distribution: its quantiles at equal distances.
const QUANTILES: usize = 4_096;

/// One beyond the largest draw.
const DRAWS: u64 = 1 << 32;

/// Says for each log what it carries, by its place in the schedule and the seed alone: callers and the sink ask
/// independently, and get the same answer. It is made before the load begins, and answers without a lock and without
/// allocating.
#[derive(Clone, Debug)]
pub struct Contents {
    seed: u64,
    tasks: u32,
    /// The trace, if it says levels or lengths. What it does not say is drawn.
    recorded: Option<Arc<Arrivals>>,
    /// For each level: its cumulative share, of [`DRAWS`].
    levels: [u64; Level::ALL.len()],
    lengths: Drawn,
}

/// The lengths of the messages, ready to be drawn.
#[derive(Clone, Debug)]
enum Drawn {
    Fixed(u32),
    /// The first ones, up to this number.
    Uniform(u32, u64),
    /// [`QUANTILES`] of equal probability.
    Quantiles(Arc<[u32]>),
    /// Each with its cumulative share, of [`DRAWS`].
    Listed(Arc<[(u64, u32)]>),
}

/// What one log carries besides its stamp and fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its level.
    pub level: Level,
    /// Length of its message, in bytes.
    pub length: u32,
}

impl Contents {
    /// `None` if all logs of the case carry the same, at the level `info`.
    pub fn of(parameters: &Parameters, seed: u64) -> Option<Self> {
        let arrivals = parameters.trace.as_ref().and_then(|trace| trace.arrivals());
        let recorded = arrivals.filter(|arrivals| arrivals.has_levels() || arrivals.longest().is_some());
        let lengths = Drawn::of(&parameters.payload.message);
        if recorded.is_none() && parameters.level == Levels::default() && matches!(lengths, Drawn::Fixed(_)) {
            return None;
        }
        let levels = cumulated(parameters.level.shares());
        Some(Self { seed, tasks: parameters.concurrency.max(1), recorded: recorded.cloned(), levels, lengths })
    }

    /// Whether the ledger of each level is kept: the levels of the logs differ, or are not the usual one. `None` if that
    /// depends on a trace whose file was not read in this process.
    pub fn are_levels_told(parameters: &Parameters) -> Option<bool> {
        let is_recorded = match &parameters.trace {
            Some(trace) => trace.arrivals()?.has_levels(),
            None => false,
        };
        Some(is_recorded || parameters.level != Levels::default())
    }

    /// The longest message of the case.
    pub fn longest(parameters: &Parameters) -> u32 {
        let drawn = match Drawn::of(&parameters.payload.message) {
            Drawn::Fixed(length) => length,
            // Its width is at most that of all lengths, so the cast is exact.
            Drawn::Uniform(least, width) => least + (width - 1) as u32,
            Drawn::Quantiles(lengths) => lengths.last().copied().unwrap_or(0),
            Drawn::Listed(lengths) => lengths.iter().map(|(_, length)| *length).max().unwrap_or(0),
        };
        let recorded = parameters.trace.as_ref().and_then(|trace| trace.arrivals()?.longest());
        drawn.max(recorded.unwrap_or(0))
    }

    /// What the log carries that is the task's `sequence`-th of the phase, from 0. The warm-up repeats a trace from its
    /// beginning.
    #[inline]
    pub fn content(&self, phase: Phase, task: u32, sequence: u64) -> Content {
        let recorded = self.recorded.as_ref().map(|arrivals| (arrivals, self.index(arrivals, phase, task, sequence)));
        let draw = self.draw(phase, task, sequence);
        let level = match recorded {
            Some((arrivals, index)) if arrivals.has_levels() => arrivals.level(index),
            _ => {
                let below = self.levels.partition_point(|end| *end <= draw >> 32);
                Level::ALL[below.min(Level::ALL.len() - 1)]
            }
        };
        let length = recorded.and_then(|(arrivals, index)| arrivals.bytes(index));
        // The lower half of the draw, so that the length does not depend on the level.
        Content { level, length: length.unwrap_or_else(|| self.lengths.at(draw & (DRAWS - 1))) }
    }

    /// A uniform draw that belongs to one log.
    #[inline]
    fn draw(&self, phase: Phase, task: u32, sequence: u64) -> u64 {
        let place = u64::from(task) << 1 | u64::from(phase == Phase::Window);
        mix(mix(self.seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(sequence))
    }

    /// The position in a trace. The casts saturate where a log cannot be anyway.
    #[inline]
    fn index(&self, arrivals: &Arrivals, phase: Phase, task: u32, sequence: u64) -> usize {
        let index = sequence.saturating_mul(u64::from(self.tasks)).saturating_add(u64::from(task));
        let index = match phase {
            Phase::Window => index,
            Phase::WarmUp => index % arrivals.count().max(1) as u64,
        };
        usize::try_from(index).unwrap_or(usize::MAX)
    }
}

impl Drawn {
    fn of(lengths: &Lengths) -> Self {
        match lengths {
            Lengths::Fixed(length) => Self::Fixed(short(length.0)),
            Lengths::Uniform(least, most) => Self::Uniform(short(least.0), most.0 - least.0 + 1),
            Lengths::LogNormal { median, p99, most } => Self::Quantiles(log_normal(*median, *p99, *most)),
            Lengths::Listed(listed) => {
                let mut sum = 0;
                let ends = listed.iter().map(|(length, share)| {
                    sum += u64::from(share.ppm());
                    (sum * DRAWS / 1_000_000, short(length.0))
                });
                Self::Listed(ends.collect())
            }
        }
    }

    /// The length for a draw below [`DRAWS`].
    #[inline]
    fn at(&self, draw: u64) -> u32 {
        match self {
            Self::Fixed(length) => *length,
            // The product is below 2^32 times the number of lengths, so the cast is exact.
            Self::Uniform(least, width) => least + ((draw * width) >> 32) as u32,
            Self::Quantiles(lengths) => lengths[(draw as usize * QUANTILES) >> 32],
            Self::Listed(lengths) => {
                let place = lengths.partition_point(|(end, _)| *end <= draw).min(lengths.len().saturating_sub(1));
                lengths.get(place).map_or(0, |(_, length)| *length)
            }
        }
    }
}

/// A length; none is over 64 KiB.
fn short(length: u64) -> u32 {
    u32::try_from(length.min(Payload::LONGEST_MESSAGE.0)).unwrap_or(u32::MAX)
}

/// The quantiles in the middle of [`QUANTILES`] equal parts. The logarithm of a length is normal: its median is that of
/// `median`, and its p99 that of `p99`.
fn log_normal(median: Bytes, p99: Bytes, most: Bytes) -> Arc<[u32]> {
    let normal = Normal::standard();
    let sigma = (p99.0 as f64 / median.0 as f64).ln() / normal.inverse_cdf(0.99);
    let at = |place: usize| {
        let deviations = normal.inverse_cdf((place as f64 + 0.5) / QUANTILES as f64);
        // The cast saturates.
        short(((median.0 as f64 * (sigma * deviations).exp()).round() as u64).min(most.0))
    };
    (0..QUANTILES).map(at).collect()
}

/// For each level, the draws that lie at or below it, of [`DRAWS`].
fn cumulated(shares: [u32; Level::ALL.len()]) -> [u64; Level::ALL.len()] {
    let mut sum = 0;
    shares.map(|share| {
        sum += u64::from(share);
        sum * DRAWS / 1_000_000
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(level: &str, payload: &str) -> Parameters {
        let (level, payload) = (level.parse().unwrap(), payload.parse().unwrap());
        Parameters { level, payload, concurrency: 3, ..Parameters::default() }
    }

    fn contents(level: &str, payload: &str) -> Contents {
        Contents::of(&parameters(level, payload), 7).unwrap()
    }

    fn drawn(contents: &Contents) -> Vec<Content> {
        let logs = (0..3).flat_map(|task| (0..100_000).map(move |sequence| (task, sequence)));
        logs.map(|(task, sequence)| contents.content(Phase::Window, task, sequence)).collect()
    }

    #[test]
    fn nothing_is_drawn_unless_asked_for() {
        assert!(Contents::of(&parameters("info", "4f+64B"), 7).is_none());
        let only = Content { level: Level::Error, length: 64 };
        assert_eq!(contents("error", "4f+64B").content(Phase::Window, 0, 0), only);
        for (level, payload, told) in
            [("info", "4f+64B", false), ("info", "4f+1B..2B", false), ("error", "4f+64B", true)]
        {
            assert_eq!(Contents::are_levels_told(&parameters(level, payload)), Some(told), "{level} {payload}");
        }
    }

    #[test]
    fn levels_come_with_their_shares_and_the_same_twice() {
        let contents = contents("debug:20%+info:70.5%+error:9.5%", "4f+64B");
        let all = drawn(&contents);
        let shares = [0.0, 0.2, 0.705, 0.0, 0.095];
        for (level, share) in Level::ALL.into_iter().zip(shares) {
            let count = all.iter().filter(|content| content.level == level).count() as f64;
            // Six standard deviations of 300,000 draws.
            assert!((count / 3e5 - share).abs() <= 6.0 * (share * (1.0 - share) / 3e5).sqrt(), "{level}: {count}");
        }
        assert_eq!(all, drawn(&contents));
        let other = Contents { seed: 8, ..contents.clone() };
        assert_ne!(all, drawn(&other));
        let warm_up = contents.content(Phase::WarmUp, 0, 0);
        assert!(
            (0..64).any(|n| contents.content(Phase::WarmUp, 0, n) != contents.content(Phase::Window, 0, n)),
            "{warm_up:?}"
        );
    }

    #[test]
    fn the_length_does_not_depend_on_the_level() {
        let contents = contents("info:50%+error:50%", "4f+1B:50%+2B:50%");
        let both = drawn(&contents).iter().filter(|log| log.level == Level::Error && log.length == 2).count() as f64;
        assert!((both / 3e5 - 0.25).abs() <= 6.0 * (0.1875_f64 / 3e5).sqrt(), "{both}");
    }

    #[test]
    fn lengths_have_the_distribution_that_was_asked_for() {
        for (payload, quantiles, longest) in [
            ("4f+100B..299B", [200, 297], 299),
            ("4f+p50:120B+p99:2KiB", [120, 2_048], 10_500),
            ("4f+p50:120B+p99:2KiB+max:3KiB", [120, 2_048], 3_072),
            ("4f+64B:90%+4KiB:10%", [64, 4_096], 4_096),
            ("4f+64B:99.9999%+4KiB:0.0001%", [64, 64], 4_096),
        ] {
            let mut lengths: Vec<u32> =
                drawn(&contents("info", payload)).iter().map(|content| content.length).collect();
            lengths.sort_unstable();
            for (share, expected) in [0.5, 0.99].into_iter().zip(quantiles) {
                let found = lengths[(share * 3e5) as usize];
                assert!(f64::from(found.abs_diff(expected)) <= 0.06 * f64::from(expected), "{payload}: {found}");
            }
            let told = Contents::longest(&parameters("info", payload));
            assert!(told.abs_diff(longest) <= longest / 10, "{payload}: {told}");
            assert!(lengths.iter().all(|length| *length <= told), "{payload}");
        }
    }

    /// The driver in Python draws the same; its tests have the same numbers.
    #[test]
    fn draws_are_the_same_in_every_version() {
        let contents = contents("debug:20%+info:70.5%+error:9.5%", "4f+100B..299B");
        let of = |phase, task| (0..12).map(|n| contents.content(phase, task, n)).collect::<Vec<_>>();
        let levels = |logs: &[Content]| logs.iter().map(|log| log.level as u8).collect::<Vec<_>>();
        assert_eq!(levels(&of(Phase::WarmUp, 0)), [2, 2, 1, 2, 2, 1, 2, 2, 1, 4, 1, 2]);
        let window = of(Phase::Window, 2);
        assert_eq!(levels(&window), [2, 1, 2, 2, 2, 1, 4, 2, 2, 1, 2, 2]);
        let lengths: Vec<u32> = window.iter().map(|log| log.length).collect();
        assert_eq!(lengths, [270, 275, 276, 214, 117, 192, 137, 201, 215, 203, 114, 211]);
    }

    #[test]
    fn the_two_ends_of_the_draws_are_the_two_ends_of_the_lengths() {
        for (payload, least, most) in [("4f+3B..9B", 3, 9), ("4f+3B:1%+9B:99%", 3, 9), ("4f+3B:100%+9B:0%", 3, 3)] {
            let lengths = contents("info", payload).lengths;
            assert_eq!((lengths.at(0), lengths.at(DRAWS - 1)), (least, most), "{payload}");
        }
    }
}
