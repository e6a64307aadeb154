//! Errors of a scenario: what is wrong, where, and what to write instead.

use crate::units::{UnitError, excerpt};
use std::fmt;

/// A position in a text, counted from 1. Columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong. Displayed as `file:line:column: key: message (fix)` on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as given, or `command line`, or `environment`.
    pub place: String,
    /// The position in the file; `None` if the error is about the whole file.
    pub position: Option<Position>,
    /// The key that is wrong, such as `matrix.concurrency`; empty if it is not about one key.
    pub key: String,
    /// What is wrong; lower case, one line.
    pub message: String,
    /// What to do about it; empty if the message already says so.
    pub fix: String,
}

impl Diagnostic {
    /// An error about a whole file, or another source.
    pub fn of(place: impl Into<String>, key: &str, problem: Problem) -> Diagnostic {
        Diagnostic {
            place: place.into(),
            position: None,
            key: key.to_owned(),
            message: problem.message,
            fix: problem.fix,
        }
    }

    /// Sets the position in the file.
    #[must_use]
    pub fn at(self, position: Option<Position>) -> Diagnostic {
        Diagnostic { position, ..self }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", one_line(&self.place))?;
        if let Some(position) = self.position {
            write!(f, ":{position}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", one_line(&self.key))?;
        }
        write!(f, ": {}", one_line(&self.message))?;
        if !self.fix.is_empty() {
            write!(f, " ({})", one_line(&self.fix))?;
        }
        Ok(())
    }
}

/// Replaces control characters: those of a malicious path or file must not reach a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// All errors, in the order of the text. Displayed one per line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

/// Largest number of errors that are kept for one text; the others are counted.
const MOST_PER_TEXT: usize = 100;

impl Diagnostics {
    /// No errors yet.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds all errors of another.
    pub fn append(&mut self, other: Diagnostics) {
        self.list.extend(other.list);
    }

    /// Whether there are no errors.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Number of errors.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The errors, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// `value` if there are no errors.
    ///
    /// # Errors
    /// All errors.
    pub fn or<T>(self, value: T) -> Result<T, Diagnostics> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The errors of one text: in the order of its lines, without repetitions, the first hundred of them. One more line
    /// says how many are left out, to which `more` are added.
    pub(super) fn of_text(place: &str, mut list: Vec<Diagnostic>, more: usize) -> Diagnostics {
        list.sort_by_key(|diagnostic| diagnostic.position);
        list.dedup();
        let rest = list.len().saturating_sub(MOST_PER_TEXT) + more;
        list.truncate(MOST_PER_TEXT);
        if rest > 0 {
            let problem = Problem::new(format!("{rest} more errors are not shown"), "");
            list.push(Diagnostic::of(place, "", problem));
        }
        Diagnostics { list }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Diagnostics {
        Diagnostics { list: vec![diagnostic] }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// A message and its fix, without the position in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub fix: String,
}

impl Problem {
    /// A problem with this message and this fix.
    pub fn new(message: impl Into<String>, fix: impl Into<String>) -> Problem {
        Problem { message: message.into(), fix: fix.into() }
    }

    /// An unknown word. The fix names the most similar word of `known`, or all of them.
    pub fn unknown<'k>(what: &str, word: &str, known: impl IntoIterator<Item = &'k str>) -> Problem {
        let known: Vec<&str> = known.into_iter().collect();
        let message = format!("unknown {what} `{}`", excerpt(word));
        let fix = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        Problem { message, fix }
    }
}

impl From<UnitError> for Problem {
    fn from(error: UnitError) -> Problem {
        Problem { message: error.problem(), fix: error.fix() }
    }
}

/// The known word that `word` was probably meant to be; `None` if none is similar.
pub(super) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    let distance = |k: &str| strsim::damerau_levenshtein(&word, &k.to_lowercase().replace('-', "_"));
    let near = known.min_by_key(|k| distance(k))?;
    let bound = (near.len() / 3).max(1);
    (distance(near) <= bound).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_is_one_harmless_line() {
        let diagnostic = Diagnostic::of("a\n\u{1b}b.toml", "k", Problem::new("m\r", "f\t"))
            .at(Some(Position { line: 3, column: 7 }));
        assert_eq!(diagnostic.to_string(), "a\u{fffd}\u{fffd}b.toml:3:7: k: m\u{fffd} (f\u{fffd})");
    }

    #[test]
    fn unknown_words_name_the_nearest() {
        let known = ["concurrency", "batch_size", "rate"];
        let fix = |word| Problem::unknown("key", word, known).fix;
        assert_eq!(fix("concurency"), "did you mean `concurrency`?");
        assert_eq!(fix("Batch-Size"), "did you mean `batch_size`?");
        assert_eq!(fix("rat"), "did you mean `rate`?");
        assert_eq!(fix("zzzz"), "known: concurrency, batch_size, rate");
        assert_eq!(fix(&"r".repeat(100_000)), "known: concurrency, batch_size, rate");
    }
}
