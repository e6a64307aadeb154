//! Parses one raw value into one typed value within its bounds, or returns a problem that says what to write.

use super::Problem;
use crate::units::{Bytes, Decimal, Nanos, Rate, Ratio, excerpt, human};
use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use toml::de::{DeTable, DeValue};

/// A value before it is parsed: from the file, or a word of the command line or the environment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    /// A string of the file.
    Text(&'a str),
    /// An integer of the file: digits with their sign, and their radix.
    Integer(&'a str, u32),
    /// A float of the file, as written.
    Float(&'a str),
    /// A boolean of the file.
    Boolean(bool),
    /// A table of the file.
    Table(&'a DeTable<'a>),
    /// Anything else of the file, by a description.
    Other(&'static str),
    /// A word from outside the file, which has no type.
    Word(&'a str),
    /// The same, but a bare number means seconds.
    Seconds(&'a str),
}

impl<'a> Raw<'a> {
    /// The raw form of a value of the file.
    pub fn of(value: &'a DeValue<'_>) -> Raw<'a> {
        match value {
            DeValue::String(text) => Raw::Text(text),
            DeValue::Integer(integer) => Raw::Integer(integer.as_str(), integer.radix()),
            DeValue::Float(float) => Raw::Float(float.as_str()),
            DeValue::Boolean(boolean) => Raw::Boolean(*boolean),
            DeValue::Datetime(_) => Raw::Other("a date"),
            DeValue::Array(_) => Raw::Other("a list"),
            DeValue::Table(table) => Raw::Table(table),
        }
    }

    /// Whether it is this word.
    pub fn is(self, word: &str) -> bool {
        matches!(self, Raw::Text(text) | Raw::Word(text) | Raw::Seconds(text) if text.trim() == word)
    }

    fn shown(self) -> String {
        match self {
            Raw::Text(text) => format!("the string \"{}\"", excerpt(text)),
            Raw::Integer(digits, 10) => format!("the number {}", excerpt(digits)),
            Raw::Integer(..) => "a number".to_owned(),
            Raw::Float(text) => format!("the number {}", excerpt(text)),
            Raw::Boolean(boolean) => boolean.to_string(),
            Raw::Table(_) => "a table".to_owned(),
            Raw::Other(what) => what.to_owned(),
            Raw::Word(text) | Raw::Seconds(text) => format!("`{}`", excerpt(text)),
        }
    }

    /// The number as written, if the value is a bare number without quotes and unit; otherwise `None`.
    fn bare_number(self) -> Option<&'a str> {
        match self {
            Raw::Integer(text, 10) | Raw::Float(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads a whole number within `bounds`, written without quotes.
pub(super) fn count(raw: Raw<'_>, bounds: RangeInclusive<u64>) -> Result<u64, Problem> {
    let range = format!("write a whole number, {} to {}", human::count(*bounds.start()), human::count(*bounds.end()));
    let outside = |text: &str| Problem::new(format!("{} is out of range", excerpt(text)), &range);
    let number = match raw {
        Raw::Integer(digits, radix) => i128::from_str_radix(digits, radix)
            .ok()
            .and_then(|n| u64::try_from(n).ok())
            .ok_or_else(|| outside(digits))?,
        Raw::Word(text) | Raw::Seconds(text) => {
            let is_number = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
            match Decimal::from_plain(text).map(Decimal::to_u64) {
                Ok(Some(number)) => number,
                _ if is_number && !text.contains('.') && in_thousands(text).is_none() => return Err(outside(text)),
                _ => {
                    let fix = in_thousands(text).map_or(range, |whole| format!("write {whole}"));
                    return Err(Problem::new(format!("{} is not a whole number", raw.shown()), fix));
                }
            }
        }
        Raw::Text(text) if Decimal::from_plain(text).is_ok() => {
            let fix = format!("write {} without quotes", text.trim());
            return Err(Problem::new(format!("\"{}\" is a string", excerpt(text)), fix));
        }
        other => {
            return Err(Problem::new(format!("{} is not a whole number", other.shown()), range));
        }
    };
    if bounds.contains(&number) { Ok(number) } else { Err(outside(&number.to_string())) }
}

/// What a number in thousands or millions is as a whole one: `10k` is 10000.
fn in_thousands(text: &str) -> Option<u64> {
    let (number, factor) = match (text.strip_suffix(['k', 'K']), text.strip_suffix('M')) {
        (Some(number), _) => (number, 1_000),
        (_, Some(number)) => (number, 1_000_000),
        _ => return None,
    };
    Decimal::from_plain(number).ok()?.to_u64()?.checked_mul(factor)
}

/// A time within `bounds`, with its unit.
pub(super) fn time(raw: Raw<'_>, bounds: RangeInclusive<Nanos>) -> Result<Nanos, Problem> {
    let time = match raw {
        Raw::Seconds(text) => Nanos::from_text_or_seconds(text)?,
        other => quantity::<Nanos>(other, "time", "5s")?,
    };
    within(time, bounds)
}

/// Reads a rate within `bounds`; a bare whole number means logs per second.
pub(super) fn rate(raw: Raw<'_>, bounds: RangeInclusive<Rate>) -> Result<Rate, Problem> {
    let rate = match raw {
        Raw::Integer(digits, 10) => Rate::from_str(digits)?,
        Raw::Integer(digits, radix) => {
            let number = u64::from_str_radix(digits, radix);
            let fix = "write it in decimal";
            let number = number.map_err(|_| Problem::new("the rate is out of range", fix))?;
            Rate::from_per_second(number)?
        }
        Raw::Float(text) => {
            let good = Rate::from_str(text).is_ok();
            let fix = format!("write \"{}/s\"", if good { text } else { "10k" });
            return Err(Problem::new(format!("{} is not a rate", raw.shown()), fix));
        }
        other => quantity::<Rate>(other, "rate", "10k/s")?,
    };
    within(rate, bounds)
}

/// Reads a share in percent, within `bounds`.
pub(super) fn share(raw: Raw<'_>, bounds: RangeInclusive<Ratio>) -> Result<Ratio, Problem> {
    within(quantity::<Ratio>(raw, "share", "10%")?, bounds)
}

/// Shares of named parts as one text, such as `info:90%+error:10%`: as it is written, or of a table such as
/// `{ info = 0.9, error = "10%" }`. `what` and `example` are for the message.
pub(super) fn shares<'a>(raw: Raw<'a>, what: &str, example: &str) -> Result<Cow<'a, str>, Problem> {
    let Raw::Table(table) = raw else { return text(raw, what, example).map(Cow::Borrowed) };
    let part = |(name, share): (&str, &DeValue<'_>)| {
        let share = match Raw::of(share) {
            Raw::Integer(number, 10) | Raw::Float(number) => Ratio::from_fraction(number)?.to_string(),
            other => quantity::<Ratio>(other, "share", "10%")?.to_string(),
        };
        Ok::<String, Problem>(format!("{name}:{share}"))
    };
    let parts = table.iter().map(|(name, share)| part((name.get_ref(), share.get_ref())));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join("+").into())
}

/// A size within `bounds`, with its unit.
pub(super) fn size(raw: Raw<'_>, bounds: RangeInclusive<Bytes>) -> Result<Bytes, Problem> {
    within(quantity::<Bytes>(raw, "size", "2GiB")?, bounds)
}

/// `true` or `false`.
pub(super) fn boolean(raw: Raw<'_>) -> Result<bool, Problem> {
    match raw {
        Raw::Boolean(boolean) => Ok(boolean),
        Raw::Word("true") => Ok(true),
        Raw::Word("false") => Ok(false),
        other => {
            let message = format!("{} is neither true nor false", other.shown());
            Err(Problem::new(message, "write true or false, without quotes"))
        }
    }
}

/// Reads a string. `what` and `example` are for the message.
pub(super) fn text<'a>(raw: Raw<'a>, what: &str, example: &str) -> Result<&'a str, Problem> {
    match raw {
        Raw::Text(text) | Raw::Word(text) | Raw::Seconds(text) => Ok(text),
        other => {
            let message = format!("{} is not a {what}", other.shown());
            Err(Problem::new(message, format!("write a string such as \"{example}\"")))
        }
    }
}

/// Reads the name of one of `choices`.
pub(super) fn choice<T: Copy>(
    raw: Raw<'_>,
    what: &str,
    choices: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, Problem> {
    let names = || choices.iter().map(|choice| name(*choice));
    let word = text(raw, what, names().next().unwrap_or(""))?;
    let found = choices.iter().find(|choice| name(**choice) == word);
    found.copied().ok_or_else(|| Problem::unknown(what, word, names()))
}

/// Reads a quantity that is written as a string. For a bare number, the problem shows it with quotes and unit.
pub(super) fn quantity<T>(raw: Raw<'_>, what: &str, example: &str) -> Result<T, Problem>
where
    T: FromStr,
    T::Err: Into<Problem>,
{
    if let Some(number) = raw.bare_number() {
        let as_text = T::from_str(number).err();
        let problem = as_text.map(Into::into);
        let fix = problem.map_or_else(|| format!("write \"{example}\""), |p: Problem| p.fix);
        return Err(Problem::new(format!("{} has no unit", excerpt(number)), fix));
    }
    T::from_str(text(raw, what, example)?).map_err(Into::into)
}

fn within<T: PartialOrd + Display>(value: T, bounds: RangeInclusive<T>) -> Result<T, Problem> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    let message = format!("{value} is out of range");
    Err(Problem::new(message, format!("write {} to {}", bounds.start(), bounds.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        let problem = result.unwrap_err();
        format!("{} ({})", problem.message, problem.fix)
    }

    #[test]
    fn counts() {
        assert_eq!(count(Raw::Integer("10", 10), 1..=10_000), Ok(10));
        assert_eq!(count(Raw::Integer("ff", 16), 1..=10_000), Ok(255));
        assert_eq!(count(Raw::Word("1_000"), 1..=10_000), Ok(1_000));
        let range = "(write a whole number, 1 to 10,000)";
        for (raw, message) in [
            (Raw::Integer("99999999999999999999", 10), "99999999999999999999 is out of range"),
            (Raw::Integer("-1", 10), "-1 is out of range"),
            (Raw::Integer("0", 10), "0 is out of range"),
            (Raw::Float("1.5"), "the number 1.5 is not a whole number"),
            (Raw::Float("nan"), "the number nan is not a whole number"),
            (Raw::Text("ten"), "the string \"ten\" is not a whole number"),
            (Raw::Boolean(true), "true is not a whole number"),
            (Raw::Other("a list"), "a list is not a whole number"),
            (Raw::Word("-3"), "-3 is out of range"),
            (Raw::Word("many"), "`many` is not a whole number"),
        ] {
            assert_eq!(said(count(raw, 1..=10_000)), format!("{message} {range}"));
        }
        assert_eq!(said(count(Raw::Word("10k"), 1..=100)), "`10k` is not a whole number (write 10000)");
        assert_eq!(said(count(Raw::Word("2M"), 1..=100)), "`2M` is not a whole number (write 2000000)");
        assert_eq!(said(count(Raw::Word("2x"), 1..=100)), "2x is out of range (write a whole number, 1 to 100)");
        assert_eq!(said(count(Raw::Text("10"), 1..=10_000)), "\"10\" is a string (write 10 without quotes)");
    }

    #[test]
    fn times_need_a_unit() {
        let bounds = || Nanos(1)..=Nanos::from_secs(86_400);
        assert_eq!(time(Raw::Text("5s"), bounds()), Ok(Nanos::from_secs(5)));
        assert_eq!(time(Raw::Seconds("5"), bounds()), Ok(Nanos::from_secs(5)));
        for (raw, error) in [
            (Raw::Integer("5", 10), "5 has no unit (write \"5s\")"),
            (Raw::Float("0.5"), "0.5 has no unit (write \"0.5s\")"),
            (Raw::Float("nan"), "nan has no unit (write a time such as \"5s\")"),
            (Raw::Word("5"), "`5` has no unit (write \"5s\")"),
            (Raw::Text("0s"), "0s is out of range (write 1ns to 24h)"),
            (Raw::Text("25h"), "25h is out of range (write 1ns to 24h)"),
            (Raw::Boolean(true), "true is not a time (write a string such as \"5s\")"),
        ] {
            assert_eq!(said(time(raw, bounds())), error);
        }
    }

    #[test]
    fn shares_may_be_a_text_or_a_table() {
        let read = |value: &str| {
            let document = DeTable::parse(value).unwrap();
            shares(Raw::of(document.get_ref().get("x").unwrap().get_ref()), "level", "info").map(Cow::into_owned)
        };
        assert_eq!(read("x = \"info:90%\""), Ok("info:90%".to_owned()));
        assert_eq!(read("x = { info = 0.9, error = \"10%\", warn = 0 }"), Ok("error:10%+info:90%+warn:0%".to_owned()));
        for (value, error) in [
            ("x = { info = 90 }", "`90` is too large (at most 1, which is 100%)"),
            ("x = { info = -0.5 }", "`-0.5` is negative (write a share such as \"0.1\")"),
            ("x = { info = \"many\" }", "`many` is not a share (write a share such as \"10%\")"),
            ("x = { info = 0.00000001 }", "`0.00000001` is too fine (in steps of 0.000001)"),
            ("x = { info = true }", "true is not a share (write a string such as \"10%\")"),
            ("x = 5", "the number 5 is not a level (write a string such as \"info\")"),
        ] {
            assert_eq!(said(read(value)), error, "{value}");
        }
    }

    #[test]
    fn rates_may_be_bare() {
        let bounds = || Rate::new(1, 86_400).unwrap()..=Rate::of_whole(1_000_000);
        assert_eq!(rate(Raw::Integer("1000", 10), bounds()), Ok(Rate::of_whole(1000)));
        assert_eq!(rate(Raw::Text("1k/s"), bounds()), Ok(Rate::of_whole(1000)));
        for (raw, error) in [
            (Raw::Integer("-5", 10), "`-5` is negative (write a rate such as \"10k/s\")"),
            (Raw::Integer("0", 10), "a rate of 0 makes no sense (write a rate such as \"10k/s\")"),
            (Raw::Float("0.5"), "the number 0.5 is not a rate (write \"0.5/s\")"),
            (Raw::Float("nan"), "the number nan is not a rate (write \"10k/s\")"),
            (Raw::Text("2M/s"), "2000000/s is out of range (write 1/86400s to 1000000/s)"),
        ] {
            assert_eq!(said(rate(raw, bounds())), error);
        }
    }
}
