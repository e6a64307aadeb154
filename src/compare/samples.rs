//! The numbers of both sides for the metrics that only inform: what the repeats show, and how precise they are.

use super::normal;
use super::rank::{RankTests, Shift};
use crate::report::{CaseRecord, RepeatRecord};

/// Probability that a 95 % interval misses the true value on one side.
const TAIL: f64 = 0.025;

/// The values of both sides; as logarithms if ratios matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) base: Vec<f64>,
    pub(super) new: Vec<f64>,
}

impl Samples {
    /// Logarithms of the value of every repeat that has one. Zero and NaN are left out: their logarithms, -inf and NaN,
    /// would spoil every difference between the sides.
    pub(super) fn logarithms(base: &CaseRecord, new: &CaseRecord, of: impl Fn(&RepeatRecord) -> Option<f64>) -> Self {
        let read = |case: &CaseRecord| {
            let values = case.repeats.iter().filter_map(&of);
            values.filter(|value| value.is_finite() && *value > 0.0).map(f64::ln).collect()
        };
        Self { base: read(base), new: read(new) }
    }
}

/// What both sides show, before the adjustment for the number of tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Evidence {
    pub(super) shift: Shift,
    pub(super) p_larger: f64,
    pub(super) p_smaller: f64,
    /// Standard error of the shift; `None` with too few repeats.
    pub(super) standard_error: Option<f64>,
    /// Standard deviation of single repeats.
    pub(super) spread: Option<f64>,
}

/// Compares the two sides; `None` if a side has no values.
pub(super) fn evidence(tests: &mut RankTests, samples: &Samples) -> Option<Evidence> {
    let shift = tests.shift(&samples.base, &samples.new, TAIL)?;
    let test = tests.test(&samples.base, &samples.new);
    // A single disturbed repeat widens the deviation but not the rank interval. In a small sample of well-behaved
    // repeats, the rank interval is the wider one. Neither is much too narrow, so the smaller one is used.
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

/// Variance of the sample; `None` below two values, where it would be 0 / 0.
fn variance(values: &[f64]) -> Option<f64> {
    let middle = mean(values).filter(|_| values.len() > 1)?;
    Some(values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

/// Half the width of the 95 % interval of a mean, by Student's distribution; `None` below two values.
pub(super) fn half_width(values: &[f64]) -> Option<f64> {
    let deviation = variance(values)?.sqrt();
    Some(normal::student_half_width(values.len())? * deviation / (values.len() as f64).sqrt())
}
