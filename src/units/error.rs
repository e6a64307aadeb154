//! Why a text is not a quantity, and what to write instead.

use std::fmt;

/// What a kind of quantity is called and how it is written; for messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sort {
    /// Such as `time`.
    pub what: &'static str,
    /// A good example, such as `5s`.
    pub example: &'static str,
    /// The units that are known.
    pub units: &'static str,
    /// The finest step that can be told apart.
    pub finest: &'static str,
    /// The largest value.
    pub most: &'static str,
}

/// Why a text is not a quantity. `Display` gives [`problem`](Self::problem) and [`fix`](Self::fix).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    fault: Fault,
    text: String,
    sort: &'static Sort,
}

/// What is wrong with the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Empty,
    NotANumber,
    Negative,
    Zero,
    MissingUnit { suggestion: String },
    UnknownUnit { unit: String },
    TooLarge,
    TooFine,
}

impl UnitError {
    pub(super) fn new(fault: Fault, text: &str, sort: &'static Sort) -> Self {
        UnitError { fault, text: excerpt(text), sort }
    }

    /// What is wrong: lower case, one line, without the fix.
    pub fn problem(&self) -> String {
        let (text, what) = (&self.text, self.sort.what);
        match &self.fault {
            Fault::Empty => format!("a {what} is missing"),
            Fault::NotANumber => format!("`{text}` is not a {what}"),
            Fault::Negative => format!("`{text}` is negative"),
            Fault::Zero => format!("a {what} of 0 makes no sense"),
            Fault::MissingUnit { .. } => format!("`{text}` has no unit"),
            Fault::UnknownUnit { unit } => {
                format!("`{text}` has the unknown unit `{}`", excerpt(unit))
            }
            Fault::TooLarge => format!("`{text}` is too large"),
            Fault::TooFine => format!("`{text}` is too fine"),
        }
    }

    /// What to write instead.
    pub fn fix(&self) -> String {
        let sort = self.sort;
        match &self.fault {
            Fault::Empty | Fault::NotANumber | Fault::Negative | Fault::Zero => {
                format!("write a {} such as \"{}\"", sort.what, sort.example)
            }
            Fault::MissingUnit { suggestion } => format!("write \"{suggestion}\""),
            Fault::UnknownUnit { .. } => format!("units are {}", sort.units),
            Fault::TooLarge => format!("at most {}", sort.most),
            Fault::TooFine => format!("in steps of {}", sort.finest),
        }
    }
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.problem(), self.fix())
    }
}

impl std::error::Error for UnitError {}

/// The text as it may stand in a message: one line, no control characters, at most 40 characters of it.
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut out: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() || is_bidi_control(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// Marks that reorder what a terminal shows.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt("5s"), "5s");
        assert_eq!(excerpt("a\u{1b}[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
        assert_eq!(excerpt("\u{202e}x"), "\u{fffd}x");
        assert_eq!(excerpt(&"x".repeat(10_000)).chars().count(), 41);
    }
}
