//! Shares of slow calls: what a mean of the fastest 95 % cannot see.
//!
//! The share of calls that took longer than a bound is a count, which is far steadier than a high percentile. It has
//! regressed when it doubled and grew by half a percentage point over all repeats together, and the exact rank test over
//! the repeats' own shares confirms that it did: not that it rose at all, which from one hour to the next it does. So one
//! disturbed repeat decides nothing, nor a baseline from a quiet hour.

use super::align::Found;
use super::family::holm;
use super::rank::{RankTests, smallest_p};
use super::{Tail, TailBound};
use crate::report::{CaseRecord, RepeatRecord, bound_from, calls_over};

/// A share grows when it is at least so many times what it was.
const FACTOR: f64 = 2.0;
/// And by at least so much, as a share.
const LEAST_GROWTH: f64 = 0.005;

/// The shares of each pair, held against each other; none where a report has no counts of slow calls.
pub(super) fn tails(pairs: &[Option<(Found<'_>, Found<'_>)>], alpha: f64) -> Vec<Vec<Tail>> {
    let mut tests = RankTests::default();
    let mut all: Vec<Vec<Tail>> =
        pairs.iter().map(|pair| pair.map_or_else(Vec::new, |(base, new)| of_pair(base, new, &mut tests))).collect();
    let family = all.iter().map(Vec::len).sum::<usize>() as f64;
    let chances: Vec<f64> = all.iter().flatten().map(|tail| tail.p.unwrap_or(1.0)).collect();
    for (tail, adjusted) in all.iter_mut().flatten().zip(holm(&chances)) {
        tail.p_adjusted = Some(adjusted);
        tail.regressed = tail.grew && adjusted <= alpha;
    }
    for (tails, pair) in all.iter_mut().zip(pairs) {
        let repeats = |found: Found<'_>| found.case.repeats.len() as u64;
        let smallest = pair.map_or(1.0, |(base, new)| smallest_p(repeats(base), repeats(new)));
        tails.iter_mut().for_each(|tail| tail.confirmable = smallest * family <= alpha);
    }
    all
}

fn of_pair(base: Found<'_>, new: Found<'_>, tests: &mut RankTests) -> Vec<Tail> {
    if !has_counts(base.case) || !has_counts(new.case) {
        return Vec::new();
    }
    let p99 = base.case.summary.as_ref().and_then(|summary| summary.latency.enqueue.p99_ns).and_then(bound_from);
    let target = base.scenario.map(|scenario| scenario.target.latency.0);
    [(TailBound::BaselineP99, p99), (TailBound::Target, target)]
        .into_iter()
        .filter_map(|(kind, bound)| tail(kind, bound?, base.case, new.case, tests))
        .collect()
}

/// Whether every repeat that timed a call has counted the slow ones.
pub(super) fn has_counts(case: &CaseRecord) -> bool {
    !case.repeats.is_empty() && case.repeats.iter().all(|r| r.latency.enqueue.count == 0 || !r.slow_calls.is_empty())
}

fn tail(kind: TailBound, bound: u64, base: &CaseRecord, new: &CaseRecord, tests: &mut RankTests) -> Option<Tail> {
    let (base_shares, new_shares) = (shares(base, bound), shares(new, bound));
    let (base_share, new_share) = (pooled(base, bound)?, pooled(new, bound)?);
    // Against what the baseline's repeats would be if they had just grown by enough: from one day to another the share
    // differs by more than within one run, and that it rose at all proves nothing.
    let grown: Vec<f64> = base_shares.iter().map(|share| (FACTOR * share).max(share + LEAST_GROWTH)).collect();
    // Rounding must not decide where the growth is exactly what is asked for.
    let grew = new_share >= FACTOR * base_share && new_share - base_share >= LEAST_GROWTH - 1e-12;
    Some(Tail {
        bound: kind,
        bound_ns: bound,
        base_share,
        new_share,
        p: Some(tests.test(&grown, &new_shares).p_larger),
        p_adjusted: None,
        grew,
        confirmable: false,
        regressed: false,
    })
}

fn over(repeat: &RepeatRecord, bound: u64) -> u64 {
    calls_over(&repeat.slow_calls, repeat.latency.enqueue.count, bound).min(repeat.latency.enqueue.count)
}

fn shares(case: &CaseRecord, bound: u64) -> Vec<f64> {
    let timed = case.repeats.iter().filter(|repeat| repeat.latency.enqueue.count > 0);
    timed.map(|repeat| over(repeat, bound) as f64 / repeat.latency.enqueue.count as f64).collect()
}

fn pooled(case: &CaseRecord, bound: u64) -> Option<f64> {
    let slow: u64 = case.repeats.iter().map(|repeat| over(repeat, bound)).fold(0, u64::saturating_add);
    let all: u64 = case.repeats.iter().map(|repeat| repeat.latency.enqueue.count).fold(0, u64::saturating_add);
    (all > 0).then(|| slow as f64 / all as f64)
}
