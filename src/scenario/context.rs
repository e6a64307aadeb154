//! The axis `context`: what the spans, or the diagnostic context (MDC), around each log hold.

use crate::units::as_text;
use crate::units::{Bytes, UnitError, excerpt};
use std::fmt;
use std::str::FromStr;

/// The context of each task, which a queue copies or formats with each of its logs. Text: `none`, `8f+16B` (8 fields, whose
/// values have 16 bytes), `2x4f+16B` (two spans of 4 fields, one inside the other).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContextFields {
    /// Number of spans, each inside the one before; 0: there is no context.
    pub spans: u32,
    /// Number of fields of each span.
    pub fields: u32,
    /// Length of each value.
    pub value: Bytes,
}

impl ContextFields {
    /// Largest number of spans.
    pub const MOST_SPANS: u32 = 4;
    /// Largest number of fields of a span.
    pub const MOST_FIELDS: u32 = 16;
    /// Longest value. Each task has a context of its own, so 10,000 tasks hold 160 MB of values at most.
    pub const LONGEST_VALUE: Bytes = Bytes(256);

    /// Whether there is no context.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a text is not a context.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Another form.
    #[error(
        "`{0}` is not a context (write \"none\", fields and length of a value such as \"8f+16B\", or \"2x4f+16B\" for two spans)"
    )]
    Shape(String),
    /// Too much, or nothing.
    #[error("`{0}` is out of range (1 to 4 spans of 1 to 16 fields, values of 1B to 256B)")]
    Range(String),
    /// The length of a value cannot be read.
    #[error(transparent)]
    Unit(#[from] UnitError),
}

impl FromStr for ContextFields {
    type Err = ContextError;

    /// # Errors
    /// Another form than `none`, `8f+16B` or `2x4f+16B`; more than 4 spans, 16 fields for each, or 256 bytes for a value; none
    /// of them.
    fn from_str(text: &str) -> Result<Self, ContextError> {
        if text.trim() == "none" {
            return Ok(Self::default());
        }
        let shape = || ContextError::Shape(excerpt(text));
        let range = || ContextError::Range(excerpt(text));
        let (count, value) = text.split_once('+').ok_or_else(shape)?;
        let (spans, fields) = count.split_once('x').unwrap_or(("1", count));
        let fields = fields.trim().strip_suffix('f').ok_or_else(shape)?;
        let number = |digits: &str, most: u32| {
            let digits = digits.trim();
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(shape());
            }
            digits.parse::<u32>().ok().filter(|number| (1..=most).contains(number)).ok_or_else(range)
        };
        let (spans, fields) = (number(spans, Self::MOST_SPANS), number(fields, Self::MOST_FIELDS));
        let value = value.parse::<Bytes>()?;
        if !(Bytes(1)..=Self::LONGEST_VALUE).contains(&value) {
            return Err(range());
        }
        Ok(Self { spans: spans?, fields: fields?, value })
    }
}

impl fmt::Display for ContextFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spans {
            0 => f.write_str("none"),
            1 => write!(f, "{}f+{}", self.fields, self.value),
            spans => write!(f, "{spans}x{}f+{}", self.fields, self.value),
        }
    }
}

as_text!(ContextFields);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_read_and_written() {
        for (text, canonical) in [
            ("none", "none"),
            (" none ", "none"),
            ("8f+16B", "8f+16B"),
            ("1x8f + 16 B", "8f+16B"),
            ("4x16f+256B", "4x16f+256B"),
            (" 2 x 4f+0.25KiB", "2x4f+256B"),
        ] {
            let context = text.parse::<ContextFields>().unwrap();
            assert_eq!((context.to_string().as_str(), context.is_none()), (canonical, canonical == "none"));
        }
    }

    #[test]
    fn wrong_texts_say_why() {
        const SHAPE: &str = "is not a context (write \"none\", fields and length of a value such as \"8f+16B\", or \"2x4f+16B\" for two spans)";
        const RANGE: &str = "is out of range (1 to 4 spans of 1 to 16 fields, values of 1B to 256B)";
        for (text, why) in [
            ("", SHAPE),
            ("8", SHAPE),
            ("8f", SHAPE),
            ("8+16B", SHAPE),
            ("-8f+16B", SHAPE),
            ("xf+16B", SHAPE),
            ("2x2x4f+16B", SHAPE),
            ("0f+16B", RANGE),
            ("17f+16B", RANGE),
            ("0x4f+16B", RANGE),
            ("5x4f+16B", RANGE),
            ("99999999999f+16B", RANGE),
            ("8f+0B", RANGE),
            ("8f+257B", RANGE),
        ] {
            assert_eq!(text.parse::<ContextFields>().unwrap_err().to_string(), format!("`{text}` {why}"));
        }
        assert!(matches!("8f+16".parse::<ContextFields>(), Err(ContextError::Unit(_))));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "([0-9]{1,2}x)?[0-9]{1,3}f?[+][0-9.]{1,4}(B|KiB|kB)?") {
            if let Ok(context) = text.parse::<ContextFields>() {
                prop_assert_eq!(context.to_string().parse::<ContextFields>(), Ok(context));
            }
        }
    }
}
