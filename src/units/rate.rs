//! Logs per second, exactly.

use super::decimal::Decimal;
use super::error::{Fault, Sort, UnitError};
use super::nanos::nanos_in;
use crate::units::as_text;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Logs per second as an exact fraction in lowest terms: `logs` every `seconds`; always above 0.
///
/// Text: `1000/s`, `10k/s`, `10k/3s` (10,000 logs every 3 s), `0.5/s`; a bare number is per second.
/// Neither part exceeds 10^15, so that products with a duration or a sequence number fit 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    logs: u64,
    seconds: u64,
}

const SORT: Sort = Sort {
    what: "rate",
    example: "10k/s",
    units: "/s, k/s, M/s",
    finest: "10^-15 of a log per second",
    most: "10^15/s",
};

/// Largest numerator and denominator.
const MOST: u128 = 1_000_000_000_000_000;

impl Rate {
    /// `logs` every `seconds`.
    ///
    /// # Errors
    /// Either is 0, or in lowest terms exceeds 10^15.
    pub fn new(logs: u64, seconds: u64) -> Result<Rate, UnitError> {
        Rate::reduced(u128::from(logs), u128::from(seconds))
            .map_err(|fault| UnitError::new(fault, &format!("{logs}/{seconds}s"), &SORT))
    }

    /// A number of logs every second.
    ///
    /// # Errors
    /// 0, or more than 10^15.
    pub fn from_per_second(logs: u64) -> Result<Rate, UnitError> {
        Rate::new(logs, 1)
    }

    /// A number of logs every second, where it is known when the program is written.
    ///
    /// # Panics
    /// On 0.
    pub const fn of_whole(logs: u32) -> Rate {
        assert!(logs > 0, "a rate is above 0");
        Rate { logs: logs as u64, seconds: 1 }
    }

    fn reduced(logs: u128, seconds: u128) -> Result<Rate, Fault> {
        if logs == 0 || seconds == 0 {
            return Err(Fault::Zero);
        }
        let divisor = greatest_common_divisor(logs, seconds);
        let (logs, seconds) = (logs / divisor, seconds / divisor);
        if logs > MOST && logs / seconds >= MOST {
            return Err(Fault::TooLarge);
        }
        if logs > MOST || seconds > MOST {
            return Err(Fault::TooFine);
        }
        let narrow = |n| u64::try_from(n).map_err(|_| Fault::TooLarge);
        Ok(Rate { logs: narrow(logs)?, seconds: narrow(seconds)? })
    }

    /// Numerator: logs every [`seconds`](Self::seconds); at least 1.
    pub const fn logs(self) -> u64 {
        self.logs
    }

    /// Denominator, in seconds; at least 1.
    pub const fn seconds(self) -> u64 {
        self.seconds
    }

    /// Logs per second, to the nearest floating-point number.
    pub fn per_second(self) -> f64 {
        self.logs as f64 / self.seconds as f64
    }

    /// The share of each of `concurrency` tasks in this total.
    ///
    /// # Errors
    /// `concurrency` is 0, or the share is too fine.
    pub fn per_task(self, concurrency: u32) -> Result<Rate, UnitError> {
        let seconds = u128::from(self.seconds) * u128::from(concurrency);
        Rate::reduced(u128::from(self.logs), seconds)
            .map_err(|fault| UnitError::new(fault, &format!("{self} / {concurrency}"), &SORT))
    }

    /// The total over `concurrency` tasks of this rate each.
    ///
    /// # Errors
    /// `concurrency` is 0, or the total is too large.
    pub fn over_tasks(self, concurrency: u32) -> Result<Rate, UnitError> {
        let logs = u128::from(self.logs) * u128::from(concurrency);
        Rate::reduced(logs, u128::from(self.seconds))
            .map_err(|fault| UnitError::new(fault, &format!("{self} x {concurrency}"), &SORT))
    }

    fn parse(text: &str) -> Result<Rate, UnitError> {
        let fail = |fault| UnitError::new(fault, text, &SORT);
        let unknown = |unit: &str| fail(Fault::UnknownUnit { unit: unit.to_owned() });
        let (number, rest) = Decimal::split(text, &SORT)?;
        let (prefix, period) = match rest.split_once('/') {
            Some((prefix, period)) => (prefix.trim(), period.trim()),
            None => (rest, "s"),
        };
        let thousands: u128 = match prefix {
            "" => 1,
            "k" => 1_000,
            "M" => 1_000_000,
            _ => return Err(unknown(rest)),
        };
        let (periods, unit) = if period.starts_with(|c: char| c.is_ascii_digit()) {
            Decimal::split(period, &SORT).map_err(|_| unknown(rest))?
        } else {
            (Decimal::ONE, period)
        };
        let unit = nanos_in(unit).ok_or_else(|| unknown(rest))?;
        let (numerator, denominator) = number.fraction();
        let (periods, parts) = periods.fraction();
        let logs = numerator.checked_mul(thousands * 1_000_000_000).and_then(|n| n.checked_mul(parts));
        let seconds = denominator.checked_mul(periods).and_then(|n| n.checked_mul(u128::from(unit)));
        match (logs, seconds) {
            (Some(logs), Some(seconds)) => Rate::reduced(logs, seconds).map_err(fail),
            (None, _) => Err(fail(Fault::TooLarge)),
            (_, None) => Err(fail(Fault::TooFine)),
        }
    }
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Ord for Rate {
    fn cmp(&self, other: &Rate) -> Ordering {
        let left = u128::from(self.logs) * u128::from(other.seconds);
        let right = u128::from(other.logs) * u128::from(self.seconds);
        left.cmp(&right)
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Rate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    /// # Errors
    /// No number, a sign, 0, an unknown unit, or a fraction whose parts exceed 10^15.
    fn from_str(text: &str) -> Result<Rate, UnitError> {
        Rate::parse(text)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            1 => write!(f, "{}/s", self.logs),
            seconds => write!(f, "{}/{seconds}s", self.logs),
        }
    }
}

as_text!(Rate);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_texts() {
        for (text, logs, seconds, canonical) in [
            ("1000/s", 1000, 1, "1000/s"),
            ("10k/s", 10_000, 1, "10000/s"),
            ("9.9k/s", 9_900, 1, "9900/s"),
            ("10k/3s", 10_000, 3, "10000/3s"),
            ("10k / 2s", 5_000, 1, "5000/s"),
            ("0.5/s", 1, 2, "1/2s"),
            ("60/m", 1, 1, "1/s"),
            ("1/ms", 1000, 1, "1000/s"),
            ("1_000", 1000, 1, "1000/s"),
            ("2M/s", 2_000_000, 1, "2000000/s"),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.logs(), rate.seconds()), (logs, seconds), "{text}");
            assert_eq!(rate.to_string(), canonical);
        }
    }

    #[test]
    fn bad_texts_say_what_to_write() {
        for (text, error) in [
            ("0/s", "a rate of 0 makes no sense (write a rate such as \"10k/s\")"),
            ("-1/s", "`-1/s` is negative (write a rate such as \"10k/s\")"),
            ("nan", "`nan` is not a rate (write a rate such as \"10k/s\")"),
            ("10q/s", "`10q/s` has the unknown unit `q/s` (units are /s, k/s, M/s)"),
            ("10/parsec", "`10/parsec` has the unknown unit `/parsec` (units are /s, k/s, M/s)"),
            ("10s", "`10s` has the unknown unit `s` (units are /s, k/s, M/s)"),
            ("99999999999999999999/s", "`99999999999999999999/s` is too large (at most 10^15/s)"),
            ("1.0000000000000001/s", "`1.0000000000000001/s` is too fine (in steps of 10^-15 of a log per second)"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap_err().to_string(), error);
        }
        assert!("1/0s".parse::<Rate>().is_err());
    }

    #[test]
    fn tasks_share_a_total_exactly() {
        let total = Rate::from_per_second(10_000).unwrap();
        let third = total.per_task(3).unwrap();
        assert_eq!(third.to_string(), "10000/3s");
        assert_eq!(third.over_tasks(3).unwrap(), total);
        assert!(total.per_task(0).is_err());
        assert!(total.over_tasks(0).is_err());
    }

    fn rates() -> impl Strategy<Value = Rate> {
        (1u64..=1_000_000_000_000_000, 1u64..=1_000_000_000_000_000)
            .prop_map(|(logs, seconds)| Rate::new(logs, seconds).unwrap())
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(rate in rates()) {
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
            let json = serde_json::to_string(&rate).unwrap();
            prop_assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), rate);
        }

        #[test]
        fn order_is_exact(a in rates(), b in rates()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            if a < b {
                prop_assert!(a.per_second() <= b.per_second());
            }
        }

        #[test]
        fn splitting_and_joining_cancel(logs in 1u64..1_000_000_000, tasks in 1u32..=10_000) {
            let total = Rate::from_per_second(logs).unwrap();
            prop_assert_eq!(total.per_task(tasks).unwrap().over_tasks(tasks), Ok(total));
        }

        #[test]
        fn any_text_is_survived(text in "[0-9kM/s. _-]{0,40}") {
            let _ = text.parse::<Rate>();
        }
    }
}
