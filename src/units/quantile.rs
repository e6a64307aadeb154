//! Quantiles.

use super::decimal::Decimal;
use super::error::{Fault, Sort, UnitError};
use super::ratio::percent_text;
use crate::units::as_text;
use std::fmt;
use std::str::FromStr;

/// A quantile, exact in parts per million, strictly between 0 and 1; text: `p50`, `p99.9`, `p99.99`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantile {
    ppm: u32,
}

const SORT: Sort = Sort {
    what: "quantile",
    example: "p99.9",
    units: "none",
    finest: "0.0001",
    most: "p99.9999; for the largest value write \"max\"",
};

/// The whole, in parts per million.
const WHOLE: u32 = 1_000_000;

impl Quantile {
    /// The median.
    pub const P50: Quantile = Quantile { ppm: 500_000 };
    /// Nine of ten values are at most this.
    pub const P90: Quantile = Quantile { ppm: 900_000 };
    /// 99 of a hundred values are at most this.
    pub const P99: Quantile = Quantile { ppm: 990_000 };
    /// 999 of a thousand values are at most this.
    pub const P99_9: Quantile = Quantile { ppm: 999_000 };
    /// 9,999 of ten thousand values are at most this.
    pub const P99_99: Quantile = Quantile { ppm: 999_900 };

    /// In parts per million, 1 to 999,999.
    pub const fn ppm(self) -> u32 {
        self.ppm
    }

    /// As a fraction of 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.ppm) / f64::from(WHOLE)
    }

    /// How many of `samples` values lie beyond the quantile, on average: `samples` x (1 - q), rounded down.
    ///
    /// A quantile needs 10 of them before it says anything.
    pub fn beyond(self, samples: u64) -> u64 {
        let beyond = u128::from(samples) * u128::from(WHOLE - self.ppm) / u128::from(WHOLE);
        u64::try_from(beyond).unwrap_or(u64::MAX)
    }
}

impl FromStr for Quantile {
    type Err = UnitError;

    /// # Errors
    /// No `p` in front of a number, `p0`, `p100` and above, finer than four decimals.
    fn from_str(text: &str) -> Result<Quantile, UnitError> {
        let fail = |fault| UnitError::new(fault, text, &SORT);
        let Some(percent) = text.trim().strip_prefix('p') else {
            return Err(fail(Fault::NotANumber));
        };
        let (number, unit) = Decimal::split(percent, &SORT).map_err(|_| fail(Fault::NotANumber))?;
        if !unit.is_empty() {
            return Err(fail(Fault::NotANumber));
        }
        match number.times(10_000).map_err(fail)? {
            0 => Err(fail(Fault::Zero)),
            ppm => match u32::try_from(ppm) {
                Ok(ppm) if ppm < WHOLE => Ok(Quantile { ppm }),
                _ => Err(fail(Fault::TooLarge)),
            },
        }
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", percent_text(self.ppm))
    }
}

as_text!(Quantile);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_texts() {
        for (text, quantile) in [
            ("p50", Quantile::P50),
            ("p90", Quantile::P90),
            ("p99", Quantile::P99),
            ("p99.9", Quantile::P99_9),
            ("p99.99", Quantile::P99_99),
        ] {
            assert_eq!(text.parse(), Ok(quantile));
            assert_eq!(quantile.to_string(), text);
        }
    }

    #[test]
    fn bad_texts_say_what_to_write() {
        for (text, error) in [
            ("99", "`99` is not a quantile (write a quantile such as \"p99.9\")"),
            ("p", "`p` is not a quantile (write a quantile such as \"p99.9\")"),
            ("p0", "a quantile of 0 makes no sense (write a quantile such as \"p99.9\")"),
            ("p100", "`p100` is too large (at most p99.9999; for the largest value write \"max\")"),
            ("p99.99999", "`p99.99999` is too fine (in steps of 0.0001)"),
            ("p-1", "`p-1` is not a quantile (write a quantile such as \"p99.9\")"),
        ] {
            assert_eq!(text.parse::<Quantile>().unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn samples_beyond_are_counted_exactly() {
        assert_eq!(Quantile::P99.beyond(999), 9);
        assert_eq!(Quantile::P99.beyond(1_000), 10);
        assert_eq!(Quantile::P99_99.beyond(u64::MAX), u64::MAX / 10_000);
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(ppm in 1u32..1_000_000) {
            let quantile = Quantile { ppm };
            prop_assert_eq!(quantile.to_string().parse(), Ok(quantile));
        }
    }
}
