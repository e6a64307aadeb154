//! Decimal numbers as written, kept exactly.

use super::error::{Fault, Sort, UnitError};

/// A number of at least 0 as it was written: `digits` / 10^`scale`, in lowest `scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: u128,
    scale: u32,
}

/// Longest fraction, in digits, after trailing zeros are cut off.
const MOST_SCALE: u32 = 18;

/// Longest text that is looked at; anything longer is no number that a person wrote.
const LONGEST_TEXT: usize = 100;

impl Decimal {
    pub(super) const ONE: Decimal = Decimal { digits: 1, scale: 0 };

    /// Splits `text` into its leading number and the rest, trimmed: the unit.
    ///
    /// Digits may be grouped by `_`, as in TOML. An exponent is not a number here.
    pub(super) fn split<'t>(text: &'t str, sort: &'static Sort) -> Result<(Decimal, &'t str), UnitError> {
        let fail = |fault| UnitError::new(fault, text, sort);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(fail(Fault::Empty));
        }
        if trimmed.len() > LONGEST_TEXT {
            return Err(fail(Fault::NotANumber));
        }
        if trimmed.starts_with(['-', '\u{2212}']) {
            return Err(fail(Fault::Negative));
        }
        let end = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '_' || c == '.')).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end);
        let decimal = Decimal::parse(number).map_err(fail)?;
        let is_exponent = unit
            .strip_prefix(['e', 'E'])
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+'));
        if is_exponent {
            return Err(fail(Fault::NotANumber));
        }
        Ok((decimal, unit.trim_start()))
    }

    fn parse(number: &str) -> Result<Decimal, Fault> {
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (number, None),
        };
        let is_digits =
            |s: &str| !s.is_empty() && s.split('_').all(|group| !group.is_empty() && is_ascii_digits(group));
        if !is_digits(whole) || fraction.is_some_and(|f| !is_digits(f)) {
            return Err(Fault::NotANumber);
        }
        let fraction: String = fraction.unwrap_or("").replace('_', "");
        let fraction = fraction.trim_end_matches('0');
        let scale = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
        if scale > MOST_SCALE {
            return Err(Fault::TooFine);
        }
        let mut digits: u128 = 0;
        for c in whole.chars().chain(fraction.chars()) {
            let Some(digit) = c.to_digit(10) else {
                continue;
            };
            digits = digits.checked_mul(10).and_then(|d| d.checked_add(u128::from(digit))).ok_or(Fault::TooLarge)?;
        }
        Ok(Decimal { digits, scale })
    }

    /// The number as a fraction: numerator and denominator.
    pub(super) fn fraction(self) -> (u128, u128) {
        (self.digits, 10u128.pow(self.scale))
    }

    /// The number times `factor`, which must come out whole and fit.
    pub(super) fn times(self, factor: u128) -> Result<u64, Fault> {
        let (numerator, denominator) = self.fraction();
        let product = numerator.checked_mul(factor).ok_or(Fault::TooLarge)?;
        if !product.is_multiple_of(denominator) {
            return Err(Fault::TooFine);
        }
        u64::try_from(product / denominator).map_err(|_| Fault::TooLarge)
    }

    /// Parses a plain number without a unit, such as `0.01` or `1_000`.
    ///
    /// # Errors
    /// Anything that is not digits with at most one point: a sign, an exponent, `nan`, a unit.
    pub fn from_plain(text: &str) -> Result<Decimal, UnitError> {
        const SORT: Sort =
            Sort { what: "number", example: "0.01", units: "none", finest: "18 decimals", most: "38 digits" };
        let (decimal, unit) = Decimal::split(text, &SORT)?;
        if unit.is_empty() { Ok(decimal) } else { Err(UnitError::new(Fault::NotANumber, text, &SORT)) }
    }

    /// The nearest floating-point number.
    pub fn to_f64(self) -> f64 {
        let (numerator, denominator) = self.fraction();
        numerator as f64 / denominator as f64
    }

    /// The whole number, if it is one and fits.
    pub fn to_u64(self) -> Option<u64> {
        self.times(1).ok()
    }
}

fn is_ascii_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        for (text, value) in [("0", 0.0), ("1_000", 1000.0), ("0.25", 0.25), ("7.50", 7.5)] {
            assert_eq!(Decimal::from_plain(text).unwrap().to_f64(), value, "{text}");
        }
        assert_eq!(Decimal::from_plain("12").unwrap().to_u64(), Some(12));
        assert_eq!(Decimal::from_plain("1.5").unwrap().to_u64(), None);
    }

    #[test]
    fn what_is_no_plain_number_is_refused() {
        for text in [
            "", " ", "-1", "+1", "nan", "inf", "1e3", "1E-3", ".5", "5.", "1..2", "_1", "1_", "1__0", "0x10", "1 000",
            "١",
        ] {
            assert!(Decimal::from_plain(text).is_err(), "{text:?}");
        }
        assert!(Decimal::from_plain(&"9".repeat(90)).is_err());
        assert!(Decimal::from_plain(&format!("0.{}1", "0".repeat(18))).is_err());
    }
}
