//! How often the interval holds the threshold, for queues whose answers are more or less sharp.

use super::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

const RANGE: Range = Range { low: 100.0, high: 2e6 };
const TRIALS: u64 = 200;
/// More runs than a search takes unless its answers contradict each other for long.
const MOST: u32 = 40;

/// Uniform from 0 to 1.
fn uniform(random: &mut Xoshiro256PlusPlus) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

struct Tally {
    /// Searches whose interval holds the threshold.
    covered: u64,
    /// Searches whose median is within 2 % of it.
    close: u64,
    /// Runs of each, ascending.
    runs: Vec<u32>,
}

/// Searches for thresholds all over the range. An answer at a rate is drawn from a logistic curve with this spread; the
/// overloaded queue's throughput is this share of the threshold, spread by `spread` as well.
fn tally(spread: f64, throughput: f64) -> Tally {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut tally = Tally { covered: 0, close: 0, runs: Vec::new() };
    for _ in 0..TRIALS {
        let threshold = RANGE.low * 10.0 * (RANGE.high / RANGE.low / 20.0).powf(uniform(&mut random));
        let mut search = Search::new(RANGE, 0.04);
        let mut runs = 0;
        while let Standing::Open { next } = search.standing()
            && runs < MOST
        {
            runs += 1;
            let distance = (threshold / next).ln();
            let holds =
                if spread > 0.0 { 1.0 / (1.0 + (-distance / spread).exp()) } else { f64::from(distance >= 0.0) };
            if uniform(&mut random) < holds {
                search.note(next, Answer::Holds);
            } else {
                search.note(next, Answer::Breaks);
                search.expect_near(threshold * throughput * (1.0 + spread * (uniform(&mut random) - 0.5)));
            }
        }
        let Interval { low, median, high } = search.interval();
        let is_within = low.is_some_and(|low| low <= threshold) && high.is_some_and(|high| threshold <= high);
        tally.covered += u64::from(is_within);
        tally.close += u64::from(median.is_some_and(|median| (median / threshold - 1.0).abs() <= 0.02));
        tally.runs.push(runs);
    }
    tally.runs.sort_unstable();
    tally
}

/// (spread of the answers, throughput as a share of the threshold, least covered of 100, 95th percentile of runs at most)
#[test]
fn intervals_hold_the_threshold_as_often_as_they_say() {
    for (spread, throughput, covered, runs) in
        [(0.0, 0.99, 95, 12), (0.0, 0.7, 95, 20), (0.002, 0.99, 95, 12), (0.01, 0.99, 90, 36), (0.02, 1.0, 80, MOST)]
    {
        let tally = tally(spread, throughput);
        let p95 = tally.runs[tally.runs.len() * 95 / 100];
        println!("{spread} {throughput}: covered {}, close {}, runs {p95}", tally.covered, tally.close);
        assert!(tally.covered * 100 >= covered * TRIALS, "{spread} {throughput}: {} covered", tally.covered);
        assert!(p95 <= runs, "{spread} {throughput}: {p95} runs");
        if spread <= 0.002 {
            assert!(tally.close * 100 >= 95 * TRIALS, "{spread} {throughput}: {} close", tally.close);
        }
    }
}
