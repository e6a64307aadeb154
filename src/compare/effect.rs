//! The number that represents a case if only one is shown: `enqueue` as a ratio, and the change that could have been
//! found.

use super::answers::Answered;
use super::level::Level;
use super::promises::ENQUEUE;
use super::rank::RankTests;
use super::samples::{Samples, evidence, mean};
use super::{Effect, Settings};
use crate::report::CaseRecord;

/// The effect on `enqueue`, from its test; `None` if it was not tested.
pub(super) fn effect(
    (base, new): (&CaseRecord, &CaseRecord),
    answered: &[Answered],
    settings: &Settings,
    level: Level,
    tests: &mut RankTests,
) -> Option<Effect> {
    let test = answered.iter().map(|answered| &answered.test).find(|test| test.metric == ENQUEUE)?;
    let samples = Samples::logarithms(base, new, |repeat| repeat.latency.enqueue.trimmed_mean_ns);
    let evidence = evidence(tests, &samples)?;
    let interval = evidence.shift.interval;
    let base_ns = mean(&samples.base)?.exp();
    // The smallest change that counts here: the larger one of the relative and the absolute threshold.
    let threshold = (test.margin / test.base).max(settings.min_effect);
    let found = |error: f64| level.detectable(error, threshold).exp_m1();
    Some(Effect {
        base_repeats: samples.base.len() as u64,
        new_repeats: samples.new.len() as u64,
        base_ns,
        new_ns: mean(&samples.new)?.exp(),
        ratio: evidence.shift.estimate.exp(),
        ratio_low: interval.map(|interval| interval.low.exp()),
        ratio_high: interval.map(|interval| interval.high.exp()),
        p_slower: evidence.p_larger,
        p_slower_adjusted: test.p_worse_adjusted,
        p_faster: evidence.p_smaller,
        p_faster_adjusted: level.bonferroni(evidence.p_smaller),
        threshold,
        detectable: evidence.standard_error.map(found).filter(|found| found.is_finite()),
        spread: evidence.spread.map(f64::exp_m1),
        identical: super::decide::is_identical(base, new),
    })
}
