//! Quantiles of the normal and of Student's distribution.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The value below which this share of the standard normal distribution lies.
pub(super) fn quantile(share: f64) -> f64 {
    Normal::standard().inverse_cdf(share)
}

/// The share of the standard normal distribution above a value.
pub(super) fn upper_tail(value: f64) -> f64 {
    Normal::standard().sf(value)
}

/// The value above which this share of Student's distribution lies, with `freedom` degrees of freedom (at least 1).
pub(super) fn student_quantile(tail: f64, freedom: usize) -> f64 {
    let student = StudentsT::new(0.0, 1.0, freedom.max(1) as f64);
    student.map_or_else(|_| quantile(1.0 - tail), |student| student.inverse_cdf(1.0 - tail))
}

/// Half of the 95 % interval of a mean of this many values, in standard errors; `None` below two values.
pub(super) fn student_half_width(values: usize) -> Option<f64> {
    let freedom = values.checked_sub(1).filter(|freedom| *freedom > 0)?;
    Some(student_quantile(0.025, freedom))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (share, tabled) in [(0.5, 0.0), (0.9, 1.281_552), (0.975, 1.959_964), (0.99, 2.326_348), (0.995, 2.575_829)]
        {
            assert!((quantile(share) - tabled).abs() < 1e-5, "{share}");
            assert!((upper_tail(tabled) - (1.0 - share)).abs() < 1e-6, "{share}");
        }
        for (values, tabled) in [(2, 12.706_2), (3, 4.302_65), (10, 2.262_16)] {
            assert!((student_half_width(values).unwrap() - tabled).abs() < 1e-3, "{values}");
        }
        assert_eq!((student_half_width(0), student_half_width(1)), (None, None));
    }
}
