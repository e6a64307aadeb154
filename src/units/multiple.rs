//! Multiples of a rate.

use super::decimal::Decimal;
use super::error::{Fault, Sort, UnitError};
use crate::units::as_text;
use std::fmt;
use std::str::FromStr;

/// A multiple of a rate, exact in thousandths, 0 to 1,000; text: `1x`, `0.25x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multiple {
    thousandths: u32,
}

const SORT: Sort = Sort { what: "multiple", example: "5x", units: "x", finest: "0.001x", most: "1000x" };

/// The largest multiple, in thousandths.
const MOST: u32 = 1_000_000;

impl Multiple {
    /// The rate itself.
    pub const ONE: Multiple = Multiple { thousandths: 1_000 };

    /// In thousandths, 0 to 1,000,000.
    pub const fn thousandths(self) -> u32 {
        self.thousandths
    }

    /// To the nearest floating-point number.
    pub fn as_f64(self) -> f64 {
        f64::from(self.thousandths) / 1e3
    }
}

impl FromStr for Multiple {
    type Err = UnitError;

    /// # Errors
    /// No number, a sign, no `x`, more than 1000x, finer than 0.001x.
    fn from_str(text: &str) -> Result<Multiple, UnitError> {
        let fail = |fault| UnitError::new(fault, text, &SORT);
        let (number, unit) = Decimal::split(text, &SORT)?;
        match unit {
            "x" => {}
            "" => return Err(fail(Fault::MissingUnit { suggestion: format!("{}x", text.trim()) })),
            other => return Err(fail(Fault::UnknownUnit { unit: other.to_owned() })),
        }
        match u32::try_from(number.times(1_000).map_err(fail)?) {
            Ok(thousandths) if thousandths <= MOST => Ok(Multiple { thousandths }),
            _ => Err(fail(Fault::TooLarge)),
        }
    }
}

impl fmt::Display for Multiple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.thousandths / 1_000, self.thousandths % 1_000);
        match fraction {
            0 => write!(f, "{whole}x"),
            _ => write!(f, "{}x", format!("{whole}.{fraction:03}").trim_end_matches('0')),
        }
    }
}

as_text!(Multiple);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_texts() {
        for (text, thousandths, canonical) in [
            ("1x", 1_000, "1x"),
            ("0x", 0, "0x"),
            (" 0.250 x", 250, "0.25x"),
            ("1_000x", 1_000_000, "1000x"),
            ("0.001x", 1, "0.001x"),
        ] {
            let multiple: Multiple = text.parse().unwrap();
            assert_eq!((multiple.thousandths(), multiple.to_string().as_str()), (thousandths, canonical), "{text}");
        }
        assert_eq!("2.5x".parse::<Multiple>().unwrap().as_f64(), 2.5);
    }

    #[test]
    fn bad_texts_say_what_to_write() {
        for (text, error) in [
            ("5", "`5` has no unit (write \"5x\")"),
            ("5k/s", "`5k/s` has the unknown unit `k/s` (units are x)"),
            ("-1x", "`-1x` is negative (write a multiple such as \"5x\")"),
            ("x", "`x` is not a multiple (write a multiple such as \"5x\")"),
            ("1000.001x", "`1000.001x` is too large (at most 1000x)"),
            ("0.0001x", "`0.0001x` is too fine (in steps of 0.001x)"),
        ] {
            assert_eq!(text.parse::<Multiple>().unwrap_err().to_string(), error);
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(thousandths in 0u32..=MOST) {
            let multiple = Multiple { thousandths };
            prop_assert_eq!(multiple.to_string().parse(), Ok(multiple));
        }
    }
}
