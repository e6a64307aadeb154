//! Builds a record for front ends that get its fields one by one.

use super::queue::LogQueue;
use super::record::{self, Field, Level, Record, Value};
use std::cell::Cell;
use std::fmt::{self, Write};
use std::ops::Range;

/// A thread keeps a buffer of at most this size for its next record, in bytes. A larger one is freed.
const KEPT_TEXT: usize = 1 << 16;
/// Up to this many fields are passed to the queue without an allocation.
const FEW: usize = 16;

/// A message and fields. All their texts lie one after the other in a buffer that the thread keeps for its next record.
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
    /// Empty while the buffer is in use. If building a record logs another one, as the `Debug` of a field may, that one
    /// gets a new buffer.
    static KEPT: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    /// Makes a record, with the buffers of this thread.
    pub(super) fn with<T>(make: impl FnOnce(&mut Self) -> T) -> T {
        let mut scratch = KEPT.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let made = make(&mut scratch);
        scratch.clear();
        // At the end of a thread the buffer cannot be kept.
        let _ = KEPT.try_with(|kept| kept.set(Some(scratch)));
        made
    }

    fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(KEPT_TEXT);
        self.message = 0..0;
        self.fields.clear();
    }

    /// Keeps a text. If formatting it fails, the rest is left out.
    pub(super) fn keep(&mut self, text: fmt::Arguments<'_>) -> Range<usize> {
        let begin = self.text.len();
        let _ = self.text.write_fmt(text);
        begin..self.text.len()
    }

    /// Sets the message.
    pub(super) fn message(&mut self, text: fmt::Arguments<'_>) {
        self.message = self.keep(text);
    }

    /// Adds a field.
    pub(super) fn field(&mut self, name: &'static str, value: Held) {
        self.fields.push((Name::Static(name), value));
    }

    /// Adds a field whose name is copied.
    pub(super) fn named(&mut self, name: &str, value: Held) {
        let name = self.keep(format_args!("{name}"));
        self.fields.push((Name::Text(name), value));
    }

    /// Adds a field with a text.
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        let text = self.keep(format_args!("{text}"));
        self.field(name, Held::Text(text));
    }

    /// Logs the record, and waits for room if the queue's strategy says so. The queue counts a refusal.
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
    fn a_record_that_is_made_inside_another_gets_its_own_buffers() {
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
    fn buffers_are_kept_except_for_very_long_texts() {
        Scratch::with(|first| first.text("name", &"x".repeat(2 * KEPT_TEXT)));
        Scratch::with(|second| {
            assert!(second.text.is_empty() && second.fields.is_empty());
            assert!(second.text.capacity() <= KEPT_TEXT && second.fields.capacity() > 0);
        });
    }
}
