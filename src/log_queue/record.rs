//! What is logged: a timestamp, a level, a message and typed fields.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

/// How much a record matters; ordered from [`Level::Trace`] to [`Level::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The finest detail.
    Trace,
    /// Useful to a developer.
    Debug,
    /// The normal course of events.
    Info,
    /// Unexpected, but handled.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// The level's name in lower case, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A floating-point number; NaN and the infinities are `null` in JSON.
    F64(f64),
    /// Text; a `&'static str` is not copied.
    Str(Cow<'static, str>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

value_from! {
    bool => Bool,
    i8 => I64, i16 => I64, i32 => I64, i64 => I64,
    u8 => U64, u16 => U64, u32 => U64, u64 => U64,
    f32 => F64, f64 => F64,
    &'static str => Str, String => Str, Cow<'static, str> => Str,
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        // Lossless: no supported target has a usize of more than 64 bits.
        Self::U64(value as u64)
    }
}

/// One log record.
///
/// Building a record reads the system clock once. If it has fields, it allocates once for every four of them. Static
/// names and messages are not copied.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    timestamp: SystemTime,
    level: Level,
    message: Cow<'static, str>,
    fields: Vec<(Cow<'static, str>, Value)>,
}

impl Record {
    /// A record without fields, with the current time.
    #[must_use]
    pub fn new(level: Level, message: impl Into<Cow<'static, str>>) -> Self {
        Self::at(SystemTime::now(), level, message)
    }

    /// A record without fields, with the given time.
    #[must_use]
    pub fn at(timestamp: SystemTime, level: Level, message: impl Into<Cow<'static, str>>) -> Self {
        Self { timestamp, level, message: message.into(), fields: Vec::new() }
    }

    /// The record with one more field. Names are not checked for repetition.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// When it was logged.
    #[must_use]
    pub fn timestamp(&self) -> SystemTime {
        self.timestamp
    }

    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Its message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Its fields, in the order in which they were added.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The first field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_types_and_order() {
        let record = Record::new(Level::Warn, "m")
            .with("b", true)
            .with("i", -1_i32)
            .with("u", u64::MAX)
            .with("f", 0.5)
            .with(String::from("s"), "text")
            .with("n", 7_usize);
        let fields: Vec<_> = record.fields().collect();
        assert_eq!(
            fields,
            [
                ("b", &Value::Bool(true)),
                ("i", &Value::I64(-1)),
                ("u", &Value::U64(u64::MAX)),
                ("f", &Value::F64(0.5)),
                ("s", &Value::Str("text".into())),
                ("n", &Value::U64(7)),
            ]
        );
        assert_eq!(record.fields().len(), 6);
        assert_eq!(record.field("u"), Some(&Value::U64(u64::MAX)));
        assert_eq!(record.field("none"), None);
    }

    #[test]
    fn levels_are_ordered_and_named() {
        assert!(Level::Trace < Level::Debug && Level::Warn < Level::Error);
        assert_eq!(format!("{:>6}|", Level::Info), "  info|");
    }

    #[test]
    fn a_record_stays_small() {
        // It is moved into and out of the ring, and returned in `Refused`: a larger record would make every call
        // slower.
        assert!(size_of::<Record>() <= 80, "{} bytes", size_of::<Record>());
    }
}
