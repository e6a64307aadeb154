//! The formats of a line.

use super::slot::RecordRef;
use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

/// How a sink writes a record: always as exactly one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// An object of JSON, for programs: see [`RecordRef::write_json`].
    #[default]
    Json,
    /// Time, level, message and `name=value`, for people: see [`RecordRef::write_text`].
    Text,
}

impl Format {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Json, Self::Text];

    /// Its name in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }

    /// Appends the record as one line.
    #[inline]
    pub(super) fn push(self, record: &RecordRef<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Json => record.push_json(out),
            Self::Text => record.push_text(out),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no format's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a format of lines; use `json` or `text`")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| FormatError(text.to_owned()))
    }
}

/// Lends a buffer that keeps its memory from line to line.
pub(super) fn with_line<R>(write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    thread_local! {
        static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    // `write` may call code of a user that writes another record.
    LINE.with(|line| match line.try_borrow_mut() {
        Ok(mut line) => {
            line.clear();
            write(&mut line)
        }
        Err(_) => write(&mut Vec::new()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let error = "JSON\u{1b}[2J".parse::<Format>().expect_err("no such format").to_string();
        assert_eq!(error, r#""JSON\u{1b}[2J" is not a format of lines; use `json` or `text`"#);
    }
}
