//! Numbers of two sides for the metrics that inform: what the repeats say, and how well they could have said more.

use super::normal;
use super::rank::{RankTests, Shift};
use crate::report::{CaseRecord, RepeatRecord};

/// Chance that a 95 % interval misses on either side.
const TAIL: f64 = 0.025;

/// Values of two sides, as logarithms where ratios count.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) base: Vec<f64>,
    pub(super) new: Vec<f64>,
}

impl Samples {
    /// Logarithms of a value of every repeat that has one.
    pub(super) fn logarithms(base: &CaseRecord, new: &CaseRecord, of: impl Fn(&RepeatRecord) -> Option<f64>) -> Self {
        let read = |case: &CaseRecord| {
            let values = case.repeats.iter().filter_map(&of);
            values.filter(|value| value.is_finite() && *value > 0.0).map(f64::ln).collect()
        };
        Self { base: read(base), new: read(new) }
    }
}

/// What two sides say, before it is held against how many others there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Evidence {
    pub(super) shift: Shift,
    pub(super) p_larger: f64,
    pub(super) p_smaller: f64,
    /// Of the shift; `None` with too few repeats.
    pub(super) standard_error: Option<f64>,
    /// Of single repeats.
    pub(super) spread: Option<f64>,
}

/// Tests the two sides against each other; `None` without values on both.
pub(super) fn evidence(tests: &mut RankTests, samples: &Samples) -> Option<Evidence> {
    let shift = tests.shift(&samples.base, &samples.new, TAIL)?;
    let test = tests.test(&samples.base, &samples.new);
    // A single disturbed repeat widens the deviation and not the interval; in a small sample of well-behaved repeats
    // the interval is the wider one. Neither is narrower than the truth by much.
    let robust = shift.interval.map(|interval| interval.standard_error);
    let by_deviation = variance(&samples.base)
        .zip(variance(&samples.new))
        .map(|(base, new)| (base / samples.base.len() as f64 + new / samples.new.len() as f64).sqrt());
    let standard_error = match (robust, by_deviation) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let per_repeat = (1.0 / samples.base.len() as f64 + 1.0 / samples.new.len() as f64).sqrt();
    Some(Evidence {
        shift,
        p_larger: test.p_larger,
        p_smaller: test.p_smaller,
        standard_error,
        spread: standard_error.map(|error| error / per_repeat),
    })
}

/// Arithmetic mean.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Variance of the sample; `None` below two values.
fn variance(values: &[f64]) -> Option<f64> {
    let middle = mean(values).filter(|_| values.len() > 1)?;
    Some(values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

/// Half of the 95 % interval of a mean by Student's distribution; `None` below two values.
pub(super) fn half_width(values: &[f64]) -> Option<f64> {
    let deviation = variance(values)?.sqrt();
    Some(normal::student_half_width(values.len())? * deviation / (values.len() as f64).sqrt())
}
