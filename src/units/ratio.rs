//! Shares of a whole.

use super::decimal::Decimal;
use super::error::{Fault, Sort, UnitError};
use crate::units::as_text;
use std::fmt;
use std::str::FromStr;

/// A share of a whole in parts per million, 0 to 100 %; text: `10%`, `99.95%`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio {
    ppm: u32,
}

const SORT: Sort = Sort { what: "share", example: "10%", units: "%", finest: "0.0001%", most: "100%" };

/// The whole, in parts per million.
const WHOLE: u32 = 1_000_000;

impl Ratio {
    /// A number of parts per million.
    ///
    /// # Errors
    /// More than 1,000,000.
    pub fn from_ppm(ppm: u32) -> Result<Ratio, UnitError> {
        if ppm > WHOLE {
            return Err(UnitError::new(Fault::TooLarge, &format!("{ppm} ppm"), &SORT));
        }
        Ok(Ratio { ppm })
    }

    /// A number of percent, at most 100.
    pub const fn from_percent(percent: u8) -> Ratio {
        let percent = if percent > 100 { 100 } else { percent };
        Ratio { ppm: percent as u32 * 10_000 }
    }

    /// Parses a plain number from 0 to 1, such as `0.1`.
    ///
    /// # Errors
    /// No number, a sign, more than 1, finer than 0.000001.
    pub fn from_fraction(text: &str) -> Result<Ratio, UnitError> {
        const SORT: Sort =
            Sort { what: "share", example: "0.1", units: "none", finest: "0.000001", most: "1, which is 100%" };
        let fail = |fault| UnitError::new(fault, text, &SORT);
        let (number, unit) = Decimal::split(text, &SORT)?;
        if !unit.is_empty() {
            return Err(fail(Fault::NotANumber));
        }
        let ppm = number.times(u128::from(WHOLE)).map_err(fail)?;
        u32::try_from(ppm)
            .ok()
            .filter(|ppm| *ppm <= WHOLE)
            .map(|ppm| Ratio { ppm })
            .ok_or_else(|| fail(Fault::TooLarge))
    }

    /// In parts per million.
    pub const fn ppm(self) -> u32 {
        self.ppm
    }

    /// As a fraction of 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.ppm) / f64::from(WHOLE)
    }
}

impl FromStr for Ratio {
    type Err = UnitError;

    /// # Errors
    /// No number, a sign, no `%`, more than 100 %, finer than 0.0001 %.
    fn from_str(text: &str) -> Result<Ratio, UnitError> {
        let fail = |fault| UnitError::new(fault, text, &SORT);
        let (number, unit) = Decimal::split(text, &SORT)?;
        match unit {
            "%" => {}
            "" => {
                // A fraction of 1 was meant as one: 0.99 is 99%, not 0.99%.
                let suggestion = match number.times(u128::from(WHOLE)).map(u32::try_from) {
                    Ok(Ok(ppm)) if 0 < ppm && ppm < WHOLE => format!("{}%", percent_text(ppm)),
                    _ => format!("{}%", text.trim()),
                };
                return Err(fail(Fault::MissingUnit { suggestion }));
            }
            other => {
                return Err(fail(Fault::UnknownUnit { unit: other.to_owned() }));
            }
        }
        let ppm = number.times(10_000).map_err(fail)?;
        match u32::try_from(ppm) {
            Ok(ppm) if ppm <= WHOLE => Ok(Ratio { ppm }),
            _ => Err(fail(Fault::TooLarge)),
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&percent_text(self.ppm))?;
        f.write_str("%")
    }
}

/// Parts per million as percent, without trailing zeros: 999,500 gives `99.95`.
pub(super) fn percent_text(ppm: u32) -> String {
    let (whole, fraction) = (ppm / 10_000, ppm % 10_000);
    if fraction == 0 {
        return whole.to_string();
    }
    let text = format!("{whole}.{fraction:04}");
    text.trim_end_matches('0').to_owned()
}

as_text!(Ratio);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_texts() {
        for (text, ppm, canonical) in [
            ("10%", 100_000, "10%"),
            ("99.95 %", 999_500, "99.95%"),
            ("0.0001%", 1, "0.0001%"),
            ("0%", 0, "0%"),
            ("100.000%", 1_000_000, "100%"),
        ] {
            let ratio: Ratio = text.parse().unwrap();
            assert_eq!((ratio.ppm(), ratio.to_string().as_str()), (ppm, canonical), "{text}");
        }
        assert_eq!(Ratio::from_percent(99).as_f64(), 0.99);
    }

    #[test]
    fn bad_texts_say_what_to_write() {
        for (text, error) in [
            ("10", "`10` has no unit (write \"10%\")"),
            ("0.99", "`0.99` has no unit (write \"99%\")"),
            ("101%", "`101%` is too large (at most 100%)"),
            ("0.00001%", "`0.00001%` is too fine (in steps of 0.0001%)"),
            ("-1%", "`-1%` is negative (write a share such as \"10%\")"),
            ("5ppm", "`5ppm` has the unknown unit `ppm` (units are %)"),
        ] {
            assert_eq!(text.parse::<Ratio>().unwrap_err().to_string(), error);
        }
        assert!(Ratio::from_ppm(1_000_001).is_err());
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(ppm in 0u32..=1_000_000) {
            let ratio = Ratio::from_ppm(ppm).unwrap();
            prop_assert_eq!(ratio.to_string().parse(), Ok(ratio));
            let json = serde_json::to_string(&ratio).unwrap();
            prop_assert_eq!(serde_json::from_str::<Ratio>(&json).unwrap(), ratio);
        }
    }
}
