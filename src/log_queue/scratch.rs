//! A record in the making, for those who are handed its fields one by one.

use super::queue::LogQueue;
use super::record::{self, Field, Level, Record, Value};
use std::cell::Cell;
use std::fmt::{self, Write};
use std::ops::Range;

/// Text that a thread keeps room for from one record to the next, in bytes. A longer one is given back.
const KEPT_TEXT: usize = 1 << 16;
/// Up to so many fields are handed to the queue without an allocation.
const FEW: usize = 16;

/// A message and fields, with all their texts end to end in one buffer, which the thread keeps for its next record.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    text: String,
    message: Range<usize>,
    fields: Vec<(Name, Held)>,
}

/// The name of a field.
#[derive(Clone, Debug)]
enum Name {
    Static(&'static str),
    Text(Range<usize>),
}

/// The value of a field.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Text(Range<usize>),
}

thread_local! {
    /// Taken out while it is in use. What logs while a record is made, such as the `Debug` of a field, gets a new one.
    static KEPT: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    /// Makes a record, with the buffers of this thread.
    pub(super) fn with<T>(make: impl FnOnce(&mut Self) -> T) -> T {
        let mut scratch = KEPT.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let made = make(&mut scratch);
        scratch.clear();
        // At the end of a thread there is nowhere to keep it.
        let _ = KEPT.try_with(|kept| kept.set(Some(scratch)));
        made
    }

    fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(KEPT_TEXT);
        self.message = 0..0;
        self.fields.clear();
    }

    /// Keeps a text. What its writer fails to write is left out.
    pub(super) fn keep(&mut self, text: fmt::Arguments<'_>) -> Range<usize> {
        let begin = self.text.len();
        let _ = self.text.write_fmt(text);
        begin..self.text.len()
    }

    /// The message is that text.
    pub(super) fn message(&mut self, text: fmt::Arguments<'_>) {
        self.message = self.keep(text);
    }

    /// One more field.
    pub(super) fn field(&mut self, name: &'static str, value: Held) {
        self.fields.push((Name::Static(name), value));
    }

    /// One more field, whose name is copied.
    pub(super) fn named(&mut self, name: &str, value: Held) {
        let name = self.keep(format_args!("{name}"));
        self.fields.push((Name::Text(name), value));
    }

    /// One more field with a text.
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        let text = self.keep(format_args!("{text}"));
        self.field(name, Held::Text(text));
    }

    /// Logs it: waits for room where that is the queue's strategy. A refusal is counted by the queue.
    pub(super) fn log(&self, queue: &LogQueue, level: Level) {
        let mut few = [const { Field { name: record::Name::Static(""), value: Value::Bool(false) } }; FEW];
        let mut many = Vec::new();
        let fields = self.fields.iter().map(|(name, value)| self.to_field(name, value));
        let fields = if self.fields.len() <= FEW {
            few.iter_mut().zip(fields).for_each(|(place, field)| *place = field);
            &few[..self.fields.len()]
        } else {
            many.extend(fields);
            &many[..]
        };
        let _ = queue.log_blocking(Record::new(level, &self.text[self.message.clone()]).fields(fields));
    }

    fn to_field<'a>(&'a self, name: &'a Name, value: &Held) -> Field<'a> {
        let value = match value {
            Held::Bool(value) => Value::Bool(*value),
            Held::I64(value) => Value::I64(*value),
            Held::U64(value) => Value::U64(*value),
            Held::F64(value) => Value::F64(*value),
            Held::Text(place) => Value::Str(&self.text[place.clone()]),
        };
        match name {
            Name::Static(name) => Field::new(name, value),
            Name::Text(place) => Field::named(&self.text[place.clone()], value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_while_another_is_made_gets_buffers_of_its_own() {
        struct Logs;
        impl fmt::Display for Logs {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Scratch::with(|inner| {
                    assert!(inner.text.is_empty() && inner.fields.is_empty());
                    inner.text("inner", "of the inner one");
                });
                f.write_str("logs")
            }
        }
        Scratch::with(|outer| {
            outer.text("before", "kept");
            outer.message(format_args!("it {Logs}"));
            assert_eq!((outer.text.as_str(), outer.fields.len()), ("keptit logs", 1));
            assert_eq!(&outer.text[outer.message.clone()], "it logs");
        });
    }

    #[test]
    fn buffers_are_kept_but_for_very_long_texts() {
        Scratch::with(|first| first.text("name", &"x".repeat(2 * KEPT_TEXT)));
        Scratch::with(|second| {
            assert!(second.text.is_empty() && second.fields.is_empty());
            assert!(second.text.capacity() <= KEPT_TEXT && second.fields.capacity() > 0);
        });
    }
}
