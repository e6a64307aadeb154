//! The axis `payload`: how many fields a log has, and how long its message is.

use super::levels::{NoWhole, whole};
use crate::units::as_text;
use crate::units::{Bytes, Ratio, UnitError, excerpt};
use std::fmt;
use std::str::FromStr;

/// Largest number of lengths in a list.
pub const MOST_LENGTHS: usize = 16;

/// What each log carries besides its stamp. Text: `4f+64B`, and other [`Lengths`] in place of `64B`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Payload {
    /// Number of typed fields.
    pub fields: u32,
    /// Lengths of the messages.
    pub message: Lengths,
}

impl Payload {
    /// Largest number of typed fields.
    pub const MOST_FIELDS: u32 = 64;
    /// Longest message.
    pub const LONGEST_MESSAGE: Bytes = Bytes(64 * 1024);
}

/// The lengths of the messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lengths {
    /// All have this one: `64B`.
    Fixed(Bytes),
    /// Every length from the first to the second one is equally likely: `64B..4KiB`.
    Uniform(Bytes, Bytes),
    /// Log-normal: `p50:120B+p99:2KiB`, or `p50:120B+p99:2KiB+max:8KiB`.
    LogNormal {
        /// The median.
        median: Bytes,
        /// The p99.
        p99: Bytes,
        /// What would be longer has this length.
        most: Bytes,
    },
    /// These lengths with these shares: `64B:90%+4KiB:10%`.
    Listed(Vec<(Bytes, Ratio)>),
}

/// Why a text is not a payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Not of the form `4f+64B`.
    #[error("`{0}` is not a payload (write fields and message such as \"4f+64B\")")]
    Shape(String),
    /// Too many fields.
    #[error("`{0}` is out of range (0 to 64 fields, a message of 0B to 64KiB)")]
    Range(String),
    /// The lengths of the messages cannot be read.
    #[error(transparent)]
    Message(#[from] LengthsError),
}

/// Why a text does not say how long messages are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LengthsError {
    /// Not a number of bytes, or not a share.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// Another form.
    #[error(
        "`{0}` is no length of messages (write \"64B\", \"64B..4KiB\", \"p50:120B+p99:2KiB\" or \"64B:90%+4KiB:10%\")"
    )]
    Shape(String),
    /// A message that is too long.
    #[error("a message of {0} is out of range (0B to 64KiB)")]
    TooLong(Bytes),
    /// The second of two lengths is not the larger one.
    #[error("{0} is not less than {1}; write the smaller one first")]
    Order(Bytes, Bytes),
    /// A median of nothing.
    #[error("a median of 0B has no logarithm; write at least 1B")]
    NoMedian,
    /// Too many lengths.
    #[error("{0} lengths are too many; at most {MOST_LENGTHS}")]
    TooMany(usize),
    /// A length stands twice.
    #[error("{0} stands twice")]
    Twice(Bytes),
    /// The shares are not a whole.
    #[error(transparent)]
    Sum(#[from] NoWhole),
}

impl FromStr for Payload {
    type Err = PayloadError;

    /// # Errors
    /// Another form than `4f+64B`, more than 64 fields, lengths that are none or over 64 KiB.
    fn from_str(text: &str) -> Result<Payload, PayloadError> {
        let quoted = || excerpt(text);
        let (fields, message) = text
            .split_once('+')
            .and_then(|(fields, message)| Some((fields.trim().strip_suffix('f')?, message)))
            .filter(|(fields, _)| fields.bytes().all(|b| b.is_ascii_digit()) && !fields.is_empty())
            .ok_or_else(|| PayloadError::Shape(quoted()))?;
        let message = message.parse()?;
        match fields.parse::<u32>() {
            Ok(fields) if fields <= Payload::MOST_FIELDS => Ok(Payload { fields, message }),
            _ => Err(PayloadError::Range(quoted())),
        }
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}f+{}", self.fields, self.message)
    }
}

/// A length within its bounds.
fn length(text: &str) -> Result<Bytes, LengthsError> {
    let bytes: Bytes = text.parse()?;
    if bytes > Payload::LONGEST_MESSAGE { Err(LengthsError::TooLong(bytes)) } else { Ok(bytes) }
}

/// Two lengths, the smaller one first.
fn ordered(low: Bytes, high: Bytes) -> Result<(Bytes, Bytes), LengthsError> {
    if low < high { Ok((low, high)) } else { Err(LengthsError::Order(low, high)) }
}

impl FromStr for Lengths {
    type Err = LengthsError;

    /// # Errors
    /// Another form, a length over 64 KiB, shares that are not a whole.
    fn from_str(text: &str) -> Result<Self, LengthsError> {
        if let Some((low, high)) = text.split_once("..") {
            let (low, high) = ordered(length(low)?, length(high)?)?;
            return Ok(Self::Uniform(low, high));
        }
        let pairs: Vec<Option<(&str, &str)>> = text.split('+').map(|part| part.split_once(':')).collect();
        match pairs.first() {
            Some(None) if pairs.len() == 1 => length(text).map(Self::Fixed),
            Some(Some((name, _))) if name.trim() == "p50" => log_normal(text, &pairs),
            _ => listed(text, &pairs),
        }
    }
}

fn log_normal(text: &str, pairs: &[Option<(&str, &str)>]) -> Result<Lengths, LengthsError> {
    let mut sizes = Vec::new();
    for (place, pair) in pairs.iter().enumerate() {
        let known = pair.filter(|(name, _)| ["p50", "p99", "max"].get(place) == Some(&name.trim()));
        sizes.push(length(known.ok_or_else(|| LengthsError::Shape(excerpt(text)))?.1)?);
    }
    let (median, p99, most) = match sizes[..] {
        [median, p99] => (median, p99, Payload::LONGEST_MESSAGE),
        [median, p99, most] => (median, p99, most),
        _ => return Err(LengthsError::Shape(excerpt(text))),
    };
    if median == Bytes(0) {
        return Err(LengthsError::NoMedian);
    }
    let (median, p99) = ordered(median, p99)?;
    if most < p99 {
        return Err(LengthsError::Order(p99, most));
    }
    Ok(Lengths::LogNormal { median, p99, most })
}

fn listed(text: &str, pairs: &[Option<(&str, &str)>]) -> Result<Lengths, LengthsError> {
    if pairs.len() > MOST_LENGTHS {
        return Err(LengthsError::TooMany(pairs.len()));
    }
    let mut listed: Vec<(Bytes, Ratio)> = Vec::new();
    for pair in pairs {
        let (bytes, share) = pair.ok_or_else(|| LengthsError::Shape(excerpt(text)))?;
        let bytes = length(bytes)?;
        if listed.iter().any(|(known, _)| *known == bytes) {
            return Err(LengthsError::Twice(bytes));
        }
        listed.push((bytes, share.parse()?));
    }
    whole(listed.iter().map(|(_, share)| share.ppm()))?;
    // One order, so that two texts which say the same are the same case.
    listed.sort_unstable();
    Ok(Lengths::Listed(listed))
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(length) => write!(f, "{length}"),
            Self::Uniform(low, high) => write!(f, "{low}..{high}"),
            Self::LogNormal { median, p99, most } => {
                write!(f, "p50:{median}+p99:{p99}")?;
                if *most < Payload::LONGEST_MESSAGE { write!(f, "+max:{most}") } else { Ok(()) }
            }
            Self::Listed(listed) => listed.iter().enumerate().try_for_each(|(place, (length, share))| {
                let plus = if place > 0 { "+" } else { "" };
                write!(f, "{plus}{length}:{share}")
            }),
        }
    }
}

as_text!(Payload);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_read_and_written() {
        for text in [
            "4f+64B",
            "0f+0B",
            "64f+64KiB",
            "4f+0B..64KiB",
            "4f+p50:120B+p99:2KiB",
            "4f+p50:120B+p99:2KiB+max:4KiB",
            "4f+64B:90%+4KiB:10%",
        ] {
            let payload: Payload = text.parse().unwrap();
            assert_eq!(payload.to_string(), text);
        }
        for (text, canonical) in [
            (" 4f + 4KiB:10% + 64B:90%", "4f+64B:90%+4KiB:10%"),
            ("4f+ 64B .. 4KiB", "4f+64B..4KiB"),
            ("4f+p50:120B+p99:2KiB+max:64KiB", "4f+p50:120B+p99:2KiB"),
        ] {
            assert_eq!(text.parse::<Payload>().unwrap().to_string(), canonical);
        }
        for text in ["", "4", "4f", "f+64B", "4f64B", "4f+64", "65f+0B", "0f+65537B", "-1f+0B", "4f+", "4f+64B+64B"] {
            assert!(text.parse::<Payload>().is_err(), "{text}");
        }
    }

    #[test]
    fn wrong_lengths_say_why() {
        let many = (0..17).map(|n| format!("{n}B:1%")).collect::<Vec<_>>().join("+");
        for (text, error) in [
            ("4KiB..64B", "4KiB is not less than 64B; write the smaller one first"),
            ("1B..65KiB", "a message of 65KiB is out of range (0B to 64KiB)"),
            ("p50:0B+p99:5B", "a median of 0B has no logarithm; write at least 1B"),
            ("p50:2B+p99:5B+max:4B", "5B is not less than 4B; write the smaller one first"),
            ("5B:100%+5B:0%", "5B stands twice"),
            ("5B:99%", "the shares are 99% together; write 100%"),
            (&many, "17 lengths are too many; at most 16"),
        ] {
            assert_eq!(text.parse::<Lengths>().unwrap_err().to_string(), error, "{text}");
        }
        for text in ["p50:2B", "p50:2B+p90:3B", "p50:2B+p99:5B+max:6B+max:7B", "64B+64B", "64B:90%+4KiB"] {
            let error = text.parse::<Lengths>().unwrap_err().to_string();
            assert!(error.contains("is no length of messages (write \"64B\", "), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "([0-9]{1,3}f[+])?(p50:|max:)?[0-9]{0,3}(B|KiB)?(:[0-9]{1,3}%|[.]{2}|[+])?(p99:)?[0-9]{0,3}(B|KiB)?(:[0-9]{1,3}%)?") {
            if let Ok(payload) = text.parse::<Payload>() {
                prop_assert_eq!(payload.to_string().parse::<Payload>(), Ok(payload));
            }
        }
    }
}
