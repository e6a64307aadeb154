//! How fast a quantity grows.

use super::error::{Fault, Sort, UnitError};
use super::nanos::nanos_in;
use super::{Bytes, Decimal, Nanos};

const MEMORY: Sort = Sort {
    what: "growth of memory",
    example: "10KiB/s",
    units: "B/s, KiB/s, MiB/min, MiB/h",
    finest: "1B",
    most: "16 EiB/s",
};

const TIME: Sort = Sort {
    what: "growth of a time",
    example: "1us/s",
    units: "ns/s, us/s, us/min, ms/h",
    finest: "1ns",
    most: "584 years/s",
};

/// Bytes per second, of a text such as `10KiB/s`, `1MiB/min`, `5MiB/h`.
///
/// # Errors
/// No size before the `/`; no `/`, or no unit of time after it.
pub fn bytes_per_second(text: &str) -> Result<f64, UnitError> {
    per_second(text, &MEMORY, |size| size.parse::<Bytes>().map(|size| size.0))
}

/// Nanoseconds per second, of a text such as `1us/s`, `10us/min`, `1ms/h`.
///
/// # Errors
/// No time before the `/`; no `/`, or no unit of time after it.
pub fn nanos_per_second(text: &str) -> Result<f64, UnitError> {
    per_second(text, &TIME, |time| time.parse::<Nanos>().map(|time| time.0))
}

fn per_second(
    text: &str,
    sort: &'static Sort,
    parse: impl Fn(&str) -> Result<u64, UnitError>,
) -> Result<f64, UnitError> {
    let fail = |fault| UnitError::new(fault, text, sort);
    let Some((amount, period)) = text.split_once('/') else {
        let suggestion = match parse(text) {
            Ok(_) => Some(format!("{}/s", text.trim())),
            Err(_) if Decimal::from_plain(text).is_ok() => {
                let unit = sort.example.trim_start_matches(|c: char| c.is_ascii_digit());
                Some(format!("{}{unit}", text.trim()))
            }
            Err(_) => None,
        };
        return Err(fail(suggestion.map_or(Fault::NotANumber, |suggestion| Fault::MissingUnit { suggestion })));
    };
    let Some(period_ns) = nanos_in(period.trim()) else {
        return Err(fail(Fault::UnknownUnit { unit: format!("/{}", period.trim()) }));
    };
    parse(amount).map(|amount| amount as f64 * 1e9 / period_ns as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_texts() {
        for (text, expected) in
            [("10KiB/s", 10_240.0), ("60 KiB / min", 1_024.0), ("0B/s", 0.0), ("3600B/h", 1.0), ("5B/ms", 5_000.0)]
        {
            assert_eq!(bytes_per_second(text), Ok(expected), "{text}");
        }
        for (text, expected) in [("1us/s", 1_000.0), ("60us/min", 1_000.0), ("1ms/h", 1e6 / 3_600.0)] {
            assert_eq!(nanos_per_second(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_texts_say_what_to_write() {
        for (text, error) in [
            ("10KiB", "`10KiB` has no unit (write \"10KiB/s\")"),
            ("10", "`10` has no unit (write \"10KiB/s\")"),
            ("much", "`much` is not a growth of memory (write a growth of memory such as \"10KiB/s\")"),
            ("10/s", "`10` has no unit (write \"10B\")"),
            ("1MiB/day", "`1MiB/day` has the unknown unit `/day` (units are B/s, KiB/s, MiB/min, MiB/h)"),
            ("-1B/s", "`-1B` is negative (write a size such as \"64B\")"),
        ] {
            assert_eq!(bytes_per_second(text).unwrap_err().to_string(), error, "{text}");
        }
        assert_eq!(
            nanos_per_second("5us").unwrap_err().to_string(),
            "`5us` has no unit (write \"5us/s\")",
            "a time, but no growth"
        );
    }
}
