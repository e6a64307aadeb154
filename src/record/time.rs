//! Times as logs have them.

use jiff::Timestamp;

/// The unit of a time that is a number, counted from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 4] = [Unit::Seconds, Unit::Milliseconds, Unit::Microseconds, Unit::Nanoseconds];

    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "s",
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "us",
            Unit::Nanoseconds => "ns",
        }
    }

    /// The unit of a number that does not say it, by its size: seconds below 10^11, milliseconds below 10^14,
    /// microseconds below 10^17, otherwise nanoseconds. So every time from March 1973 to the year 5138 is read as what it
    /// is, whatever its unit.
    fn of(number: f64) -> Self {
        match number.abs() {
            ..1e11 => Unit::Seconds,
            ..1e14 => Unit::Milliseconds,
            ..1e17 => Unit::Microseconds,
            _ => Unit::Nanoseconds,
        }
    }

    /// Digits behind the point of a second.
    const fn digits(self) -> i32 {
        match self {
            Unit::Seconds => 0,
            Unit::Milliseconds => 3,
            Unit::Microseconds => 6,
            Unit::Nanoseconds => 9,
        }
    }
}

/// Longest number that is read, in bytes.
const LONGEST_NUMBER: usize = 40;

/// A time in nanoseconds from 1970, rounded down: a number, or RFC 3339 with an offset. `None` if it is neither, or
/// outside of the years 1678 to 2262. Without a `unit`, the size of a number tells it.
pub fn parse(text: &str, unit: Option<Unit>) -> Option<i64> {
    let text = text.trim();
    let starts = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
    // Only a number is a number as a whole; a date is not.
    match text.parse::<f64>() {
        Ok(number) if text.as_bytes().first().is_some_and(starts) && text.len() <= LONGEST_NUMBER => {
            scaled(text, unit.unwrap_or_else(|| Unit::of(number)))
        }
        _ => i64::try_from(text.parse::<Timestamp>().ok()?.as_nanosecond()).ok(),
    }
}

/// A decimal number of this unit in nanoseconds, exactly: as a floating-point number, a time of today is exact only to
/// 200 ns.
fn scaled(text: &str, unit: Unit) -> Option<i64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let exponent: i32 = exponent.parse().ok().filter(|exponent: &i32| exponent.abs() <= 1_000)?;
    let places = exponent - i32::try_from(fraction.len()).ok()? + 9 - unit.digits();
    let power = 10_i128.checked_pow(places.unsigned_abs());
    let nanos = match places {
        0.. => digits.checked_mul(power?)?,
        // A power beyond 128 bits exceeds all digits there can be.
        _ => power.map_or(digits.signum().min(0), |power| digits.div_euclid(power)),
    };
    i64::try_from(nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T: i64 = 1_767_323_045_123_456_789;

    #[test]
    fn numbers_and_dates_are_read_to_the_nanosecond() {
        for (text, nanos) in [
            ("2026-01-02T03:04:05.123456789Z", Some(T)),
            ("2026-01-02T05:04:05.123456789+02:00", Some(T)),
            ("2026-01-02 03:04:05.123456789Z", Some(T)),
            ("1767323045.123456789", Some(T)),
            ("1.767323045123456789e9", Some(T)),
            ("1767323045123.456789", Some(T)),
            ("1767323045123456.789", Some(T)),
            ("1767323045123456789", Some(T)),
            (" 1767323045 ", Some(1_767_323_045_000_000_000)),
            ("99999999999", None),
            ("100000000000", Some(100_000_000_000_000_000)),
            ("99999999999999", None),
            ("0", Some(0)),
            ("-1.5", Some(-1_500_000_000)),
            ("-0.0000000001", Some(-1)),
            ("2026-01-02T03:04:05", None),
            ("2026-01-02", None),
            ("soon", None),
            ("", None),
            ("inf", None),
            ("NaN", None),
            ("1e400", None),
            ("1e-400", Some(0)),
            ("12345678901234567890123456789012345678901", None),
        ] {
            assert_eq!(parse(text, None), nanos, "{text}");
        }
    }

    #[test]
    fn a_given_unit_is_taken() {
        for (unit, nanos) in Unit::ALL.into_iter().zip([5_000_000_000, 5_000_000, 5_000, 5]) {
            assert_eq!(parse("5", Some(unit)), Some(nanos), "{}", unit.name());
        }
        assert_eq!(parse("1.75", Some(Unit::Nanoseconds)), Some(1));
    }

    proptest! {
        #[test]
        fn every_unit_is_told_by_its_size(ns in 100_000_000_000_000_000_i64..i64::MAX) {
            for unit in Unit::ALL {
                let places = 9 - unit.digits() as u32;
                let (whole, rest) = (ns / 10_i64.pow(places), ns % 10_i64.pow(places));
                let text = format!("{whole}.{rest:0width$}", width = places as usize);
                prop_assert_eq!(parse(&text, None), Some(ns), "{}", text);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,50}") {
            let _ = parse(&text, None);
        }
    }
}
