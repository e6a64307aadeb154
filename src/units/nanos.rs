//! Time in whole nanoseconds.

use super::decimal::Decimal;
use super::error::{Fault, Sort, UnitError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of time, or a point in time since an agreed zero, in nanoseconds.
///
/// Text: `5s`, `1.5ms`, `100us` (or `100µs`), `2m`, `24h`, `1h30m`. Printed with the largest unit that divides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Nanos(pub u64);

const SORT: Sort = Sort { what: "time", example: "5s", units: "ns, us, ms, s, m, h", finest: "1ns", most: "584 years" };

/// Units that are printed, largest first.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Nanos {
    /// No time at all.
    pub const ZERO: Nanos = Nanos(0);

    /// A number of seconds, at most 584 years.
    pub const fn from_secs(seconds: u64) -> Nanos {
        Nanos(seconds.saturating_mul(1_000_000_000))
    }

    /// A number of milliseconds, at most 584 years.
    pub const fn from_millis(millis: u64) -> Nanos {
        Nanos(millis.saturating_mul(1_000_000))
    }

    /// A number of microseconds, at most 584 years.
    pub const fn from_micros(micros: u64) -> Nanos {
        Nanos(micros.saturating_mul(1_000))
    }

    /// In seconds, to the nearest floating-point number.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The sum, at most 584 years.
    #[must_use]
    pub const fn saturating_add(self, other: Nanos) -> Nanos {
        Nanos(self.0.saturating_add(other.0))
    }

    /// The difference, at least 0.
    #[must_use]
    pub const fn saturating_sub(self, other: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(other.0))
    }

    /// The product, at most 584 years.
    #[must_use]
    pub const fn saturating_mul(self, factor: u64) -> Nanos {
        Nanos(self.0.saturating_mul(factor))
    }

    /// Parses a text in which a bare number counts seconds.
    ///
    /// # Errors
    /// As [`Nanos::from_str`], a missing unit apart.
    pub fn from_text_or_seconds(text: &str) -> Result<Nanos, UnitError> {
        if let Some(sum) = Nanos::of_several(text) {
            return sum;
        }
        let (number, unit) = Decimal::split(text, &SORT)?;
        Nanos::of(number, if unit.is_empty() { "s" } else { unit }, text)
    }

    /// A time in several parts, each with its unit, the larger ones first: `1h30m`. `None` if the text has one part only,
    /// or is none at all.
    fn of_several(text: &str) -> Option<Result<Nanos, UnitError>> {
        let mut rest = text.trim();
        let (mut sum, mut last, mut parts) = (Nanos::ZERO, u64::MAX, 0);
        while !rest.is_empty() {
            let (number, unit_and_rest) = Decimal::split(rest, &SORT).ok()?;
            let end = unit_and_rest.find(|c: char| c.is_ascii_digit()).unwrap_or(unit_and_rest.len());
            let (unit, tail) = unit_and_rest.split_at(end);
            let factor = nanos_in(unit.trim()).filter(|factor| *factor < last)?;
            let fail = |fault| UnitError::new(fault, text, &SORT);
            let part = match number.times(u128::from(factor)).map_err(fail) {
                Ok(part) => part,
                Err(error) => return Some(Err(error)),
            };
            let Some(total) = sum.0.checked_add(part) else { return Some(Err(fail(Fault::TooLarge))) };
            (sum, last, rest, parts) = (Nanos(total), factor, tail, parts + 1);
        }
        (parts > 1).then_some(Ok(sum))
    }

    fn of(number: Decimal, unit: &str, text: &str) -> Result<Nanos, UnitError> {
        let fail = |fault| UnitError::new(fault, text, &SORT);
        if unit.is_empty() {
            let suggestion = format!("{}s", text.trim());
            return Err(fail(Fault::MissingUnit { suggestion }));
        }
        let Some(factor) = nanos_in(unit) else {
            return Err(fail(Fault::UnknownUnit { unit: unit.to_owned() }));
        };
        number.times(u128::from(factor)).map(Nanos).map_err(fail)
    }
}

/// The nanoseconds of one unit of time, by any of its names.
pub(super) fn nanos_in(unit: &str) -> Option<u64> {
    let unit = match unit {
        "µs" | "μs" => "us",
        "min" => "m",
        other => other,
    };
    let found = UNITS.iter().find(|(name, _)| *name == unit);
    found.map(|(_, factor)| *factor)
}

impl FromStr for Nanos {
    type Err = UnitError;

    /// # Errors
    /// No number, a sign, no unit, an unknown unit, less than a nanosecond, more than 64 bits of them.
    fn from_str(text: &str) -> Result<Nanos, UnitError> {
        if let Some(sum) = Nanos::of_several(text) {
            return sum;
        }
        let (number, unit) = Decimal::split(text, &SORT)?;
        Nanos::of(number, unit, text)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (unit, factor) = UNITS.iter().find(|(_, factor)| self.0.is_multiple_of(*factor)).unwrap_or(&("ns", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl From<Nanos> for Duration {
    fn from(nanos: Nanos) -> Duration {
        Duration::from_nanos(nanos.0)
    }
}

impl From<Duration> for Nanos {
    /// At most 584 years.
    fn from(duration: Duration) -> Nanos {
        Nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_texts() {
        for (text, nanos, canonical) in [
            ("5s", 5_000_000_000, "5s"),
            ("100us", 100_000, "100us"),
            ("100µs", 100_000, "100us"),
            ("100μs", 100_000, "100us"),
            ("1.5ms", 1_500_000, "1500us"),
            (" 2 m ", 120_000_000_000, "2m"),
            ("90s", 90_000_000_000, "90s"),
            ("2min", 120_000_000_000, "2m"),
            ("1_000ms", 1_000_000_000, "1s"),
            ("24h", 86_400_000_000_000, "24h"),
            ("7ns", 7, "7ns"),
            ("0ms", 0, "0s"),
            ("1h30m", 5_400_000_000_000, "90m"),
            ("1m 30.5s", 90_500_000_000, "90500ms"),
            ("1h1m1s1ms1us1ns", 3_661_001_001_001, "3661001001001ns"),
        ] {
            let parsed: Nanos = text.parse().unwrap();
            assert_eq!((parsed.0, parsed.to_string().as_str()), (nanos, canonical), "{text}");
        }
        assert_eq!(Nanos::from_text_or_seconds("1.0"), Ok(Nanos::from_secs(1)));
        assert_eq!(Nanos::from_text_or_seconds("20ms"), Ok(Nanos::from_millis(20)));
    }

    #[test]
    fn bad_texts_say_what_to_write() {
        for (text, error) in [
            ("", "a time is missing (write a time such as \"5s\")"),
            ("5", "`5` has no unit (write \"5s\")"),
            ("-5s", "`-5s` is negative (write a time such as \"5s\")"),
            ("5 parsecs", "`5 parsecs` has the unknown unit `parsecs` (units are ns, us, ms, s, m, h)"),
            ("nan", "`nan` is not a time (write a time such as \"5s\")"),
            ("1e3s", "`1e3s` is not a time (write a time such as \"5s\")"),
            ("1h30", "`1h30` has the unknown unit `h30` (units are ns, us, ms, s, m, h)"),
            ("30m1h", "`30m1h` has the unknown unit `m1h` (units are ns, us, ms, s, m, h)"),
            ("1s1s", "`1s1s` has the unknown unit `s1s` (units are ns, us, ms, s, m, h)"),
            ("1h0.5ns", "`1h0.5ns` is too fine (in steps of 1ns)"),
            ("5000000h9999999h", "`5000000h9999999h` has the unknown unit `h9999999h` (units are ns, us, ms, s, m, h)"),
            ("0.5ns", "`0.5ns` is too fine (in steps of 1ns)"),
            ("99999999999999999999s", "`99999999999999999999s` is too large (at most 584 years)"),
        ] {
            assert_eq!(text.parse::<Nanos>().unwrap_err().to_string(), error);
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(nanos in any::<u64>(), zeros in 0u32..15) {
            let value = Nanos(nanos / 10u64.pow(zeros) * 10u64.pow(zeros));
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }

        #[test]
        fn any_text_is_survived(text in ".{0,60}") {
            let _ = text.parse::<Nanos>();
        }
    }
}
