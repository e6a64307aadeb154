//! What is logged: a time, a level, a message and typed fields, all of them borrowed.

use super::slot::{Put, words_of};
use std::fmt;
use std::time::SystemTime;

/// The importance of a record, in order from [`Level::Trace`] to [`Level::Error`].
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
    /// All levels, in their order.
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

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
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A floating-point number; NaN and the infinities are `null` in JSON.
    F64(f64),
    /// Text, which is copied when it is logged.
    Str(&'a str),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value<'_> {
            #[inline]
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
}

impl From<usize> for Value<'_> {
    #[inline]
    fn from(value: usize) -> Self {
        // Lossless: no supported target has a usize of more than 64 bits.
        Self::U64(value as u64)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    #[inline]
    fn from(value: &'a str) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    #[inline]
    fn from(value: &'a String) -> Self {
        Self::Str(value)
    }
}

/// The name of a field.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// It lives as long as the program; only its address is copied.
    Static(&'static str),
    /// It is copied.
    Copied(&'a str),
}

impl Name<'_> {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Static(name) => name,
            Self::Copied(name) => name,
        }
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// A field: a name and a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its value.
    pub value: Value<'a>,
}

impl<'a> Field<'a> {
    /// A field whose name is known at compile time.
    #[inline]
    pub fn new(name: &'static str, value: impl Into<Value<'a>>) -> Self {
        Self { name: Name::Static(name), value: value.into() }
    }

    /// A field whose name is made at run time.
    #[inline]
    pub fn named(name: &'a str, value: impl Into<Value<'a>>) -> Self {
        Self { name: Name::Copied(name), value: value.into() }
    }
}

/// The fields of a [`Record`]: `()`, a pair of fields and one more [`Field`], or a pair of fields and a slice of them. It
/// is implemented here only: the queue relies on it to do nothing but copy.
pub trait Fields: sealed::Sealed {}

impl Fields for () {}
impl<F: Fields> Fields for (F, Field<'_>) {}
impl<F: Fields> Fields for (F, &[Field<'_>]) {}

pub(super) mod sealed {
    use super::{Field, Put, words_of};

    pub trait Sealed {
        /// Space in a slot, in words.
        fn words(&self) -> usize;
        /// Writes the fields in their order.
        fn write(&self, writer: &mut impl Put);
    }

    impl Sealed for () {
        #[inline(always)]
        fn words(&self) -> usize {
            0
        }

        #[inline(always)]
        fn write(&self, _: &mut impl Put) {}
    }

    impl<F: Sealed> Sealed for (F, Field<'_>) {
        #[inline(always)]
        fn words(&self) -> usize {
            self.0.words() + words_of(&self.1)
        }

        #[inline(always)]
        fn write(&self, writer: &mut impl Put) {
            self.0.write(writer);
            writer.field(&self.1);
        }
    }

    impl<F: Sealed> Sealed for (F, &[Field<'_>]) {
        #[inline(always)]
        fn words(&self) -> usize {
            self.0.words() + self.1.iter().map(words_of).sum::<usize>()
        }

        #[inline(always)]
        fn write(&self, writer: &mut impl Put) {
            self.0.write(writer);
            self.1.iter().for_each(|field| writer.field(field));
        }
    }
}

/// One log record, which borrows its texts. Its type grows with each field. So it is built on the stack with any number
/// of fields, and copied without a loop.
///
/// Building it allocates nothing and reads no clock. Its time is the time of the call that logs it, unless it was made
/// with another one ([`Record::at`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record<'a, F = ()> {
    pub(super) time: Option<SystemTime>,
    pub(super) level: Level,
    pub(super) message: &'a str,
    pub(super) fields: F,
}

impl<'a> Record<'a> {
    /// A record without fields. Its time is the time of the call that logs it.
    #[inline]
    #[must_use]
    pub fn new(level: Level, message: &'a str) -> Self {
        Self { time: None, level, message, fields: () }
    }

    /// A record without fields, with the given time.
    #[inline]
    #[must_use]
    pub fn at(time: SystemTime, level: Level, message: &'a str) -> Self {
        Self { time: Some(time), level, message, fields: () }
    }
}

impl<'a, F: Fields> Record<'a, F> {
    /// The record with one more field. Names are not checked for repetition.
    #[inline]
    #[must_use]
    pub fn with<'v>(self, name: &'static str, value: impl Into<Value<'v>>) -> Record<'a, (F, Field<'v>)> {
        self.field(Field::new(name, value))
    }

    /// The record with one more field, whose name may be made at run time.
    #[inline]
    #[must_use]
    pub fn field<'v>(self, field: Field<'v>) -> Record<'a, (F, Field<'v>)> {
        Record { time: self.time, level: self.level, message: self.message, fields: (self.fields, field) }
    }

    /// The record with the fields of the slice added.
    #[inline]
    #[must_use]
    pub fn fields<'v>(self, fields: &'v [Field<'v>]) -> Record<'a, (F, &'v [Field<'v>])> {
        Record { time: self.time, level: self.level, message: self.message, fields: (self.fields, fields) }
    }

    /// Its level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Its message.
    #[must_use]
    pub fn message(&self) -> &'a str {
        self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_types_and_order() {
        let name = String::from("s");
        let more = [Field::new("n", 7_usize), Field::named("last", false)];
        let record = Record::new(Level::Warn, "m")
            .with("b", true)
            .with("i", -1_i32)
            .with("u", u64::MAX)
            .with("f", 0.5)
            .field(Field::named(&name, "text"))
            .fields(&more);
        record.read(|record| {
            let fields: Vec<_> = record.fields().collect();
            assert_eq!(
                fields,
                [
                    ("b", Value::Bool(true)),
                    ("i", Value::I64(-1)),
                    ("u", Value::U64(u64::MAX)),
                    ("f", Value::F64(0.5)),
                    ("s", Value::Str("text")),
                    ("n", Value::U64(7)),
                    ("last", Value::Bool(false)),
                ]
            );
            assert_eq!(record.fields().len(), 7);
            assert_eq!((record.level(), record.message()), (Level::Warn, "m"));
            assert_eq!(record.field("u"), Some(Value::U64(u64::MAX)));
            assert_eq!(record.field("none"), None);
        });
    }

    #[test]
    fn levels_are_ordered_and_named() {
        assert!(Level::Trace < Level::Debug && Level::Warn < Level::Error);
        assert!(Level::ALL.is_sorted());
        assert_eq!(format!("{:>6}|", Level::Info), "  info|");
    }
}
