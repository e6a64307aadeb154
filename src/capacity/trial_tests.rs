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

/// Searches for a threshold. Each run has a capacity of its own, drawn from a logistic distribution with this spread: it
/// holds up to that rate, and above it shows `throughput` times as much.
fn search(random: &mut Xoshiro256PlusPlus, threshold: f64, spread: f64, throughput: f64, most: u32) -> (Interval, u32) {
    let mut search = Search::new(RANGE, 0.04);
    let mut runs = 0;
    while let Standing::Open { next } = search.standing()
        && runs < most
    {
        runs += 1;
        let drawn = uniform(random).clamp(1e-9, 1.0 - 1e-9);
        let capacity = threshold * (drawn / (1.0 - drawn)).powf(spread);
        if next <= capacity {
            search.note(next, Answer::Holds);
        } else {
            search.note(next, Answer::Breaks);
            search.expect_near(capacity * throughput);
        }
    }
    (search.interval(), runs)
}

fn holds(interval: &Interval, rate: f64) -> bool {
    interval.low.is_some_and(|low| low <= rate) && interval.high.is_some_and(|high| rate <= high)
}

/// A threshold anywhere in the range.
fn threshold(random: &mut Xoshiro256PlusPlus) -> f64 {
    RANGE.low * 10.0 * (RANGE.high / RANGE.low / 20.0).powf(uniform(random))
}

/// Searches for thresholds all over the range.
fn tally(spread: f64, throughput: f64) -> Tally {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut tally = Tally { covered: 0, close: 0, runs: Vec::new() };
    for _ in 0..TRIALS {
        let threshold = threshold(&mut random);
        let (interval, runs) = search(&mut random, threshold, spread, throughput, MOST);
        tally.covered += u64::from(holds(&interval, threshold));
        let close = |median: f64| (median / threshold - 1.0).abs() <= 0.02;
        tally.close += u64::from(interval.median.is_some_and(close));
        tally.runs.push(runs);
    }
    tally.runs.sort_unstable();
    tally
}

/// (spread of the answers, throughput as a share of the threshold, least covered of 100, 95th percentile of runs at most)
#[test]
fn intervals_hold_the_threshold_as_often_as_they_say() {
    for (spread, throughput, covered, runs) in [
        (0.0, 0.99, 95, 12),
        (0.0, 0.7, 95, 24),
        (0.002, 0.99, 95, MOST),
        (0.01, 0.99, 90, MOST),
        (0.02, 1.0, 80, MOST),
    ] {
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

/// A queue's capacity may differ from process to process by up to 11 % (a standard deviation): a second search in the usual number of runs comes to
/// a number that is within the interval of the first in at least 9 of 10 cases.
#[test]
fn a_second_search_agrees_with_the_first() {
    for spread in [0.0, 0.002, 0.01, 0.03, 0.06] {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        let mut agreed = 0;
        for _ in 0..TRIALS {
            let threshold = threshold(&mut random);
            let mut one = || search(&mut random, threshold, spread, 0.99, DEFAULT_MOST_RUNS).0;
            let (first, second) = (one(), one());
            agreed += u64::from(second.median.is_some_and(|median| holds(&first, median)));
        }
        println!("{spread}: {agreed} of {TRIALS} agree");
        assert!(agreed * 10 >= 9 * TRIALS, "{spread}: {agreed} of {TRIALS}");
    }
}
