//! The context of a task: the fields of the spans, or of the diagnostic context (MDC), in which it logs.

use crate::scenario::ContextFields;
use std::sync::LazyLock;

/// Passes the names of all spans and of their fields to a macro. Libraries want such names when the program is compiled.
macro_rules! named_spans {
    ($to:ident) => {
        $to! {
            0 "request": request_00 request_01 request_02 request_03 request_04 request_05 request_06 request_07
                request_08 request_09 request_10 request_11 request_12 request_13 request_14 request_15;
            1 "handler": handler_00 handler_01 handler_02 handler_03 handler_04 handler_05 handler_06 handler_07
                handler_08 handler_09 handler_10 handler_11 handler_12 handler_13 handler_14 handler_15;
            2 "query": query_00 query_01 query_02 query_03 query_04 query_05 query_06 query_07
                query_08 query_09 query_10 query_11 query_12 query_13 query_14 query_15;
            3 "attempt": attempt_00 attempt_01 attempt_02 attempt_03 attempt_04 attempt_05 attempt_06 attempt_07
                attempt_08 attempt_09 attempt_10 attempt_11 attempt_12 attempt_13 attempt_14 attempt_15;
        }
    };
}

#[cfg(any(feature = "opentelemetry", feature = "tracing-appender"))]
pub(crate) use named_spans;

macro_rules! table {
    ($($place:literal $span:literal: $($field:ident)*;)*) => {
        [$(($span, [$(stringify!($field)),*])),*]
    };
}

const SPANS: [(&str, [&str; ContextFields::MOST_FIELDS as usize]); ContextFields::MOST_SPANS as usize] =
    named_spans!(table);

/// What values are cut from: hexadecimal digits, as in the identity of a request.
static DIGITS: LazyLock<String> = LazyLock::new(|| {
    let length = ContextFields::LONGEST_VALUE.0 as usize + ContextFields::MOST_FIELDS as usize;
    "7c0e19f4b25ad863".chars().cycle().take(length).collect()
});

/// The context of a task. It is the same for all tasks, and made before the load begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Names and values.
    fields: Vec<(&'static str, &'static str)>,
    per_span: usize,
}

impl Context {
    /// The context that a case asks for.
    pub(crate) fn of(asked: ContextFields) -> Self {
        // The cast is exact: no value is that long.
        let length = (asked.value.0 as usize).min(ContextFields::LONGEST_VALUE.0 as usize);
        let spans = SPANS.iter().take(asked.spans as usize);
        let fields = spans.flat_map(|(_, names)| names.iter().take(asked.fields as usize).enumerate());
        let fields = fields.map(|(place, name)| (*name, &DIGITS[place..place + length])).collect();
        Self { fields, per_span: asked.fields as usize }
    }

    /// Names and values of the fields of all spans, from the outermost one.
    pub fn fields(&self) -> &[(&'static str, &'static str)] {
        &self.fields
    }

    /// The spans from the outermost one, each with its name and its fields.
    pub fn spans(&self) -> impl Iterator<Item = (&'static str, &[(&'static str, &'static str)])> {
        SPANS.iter().map(|(name, _)| *name).zip(self.fields.chunks(self.per_span.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The driver in Python makes the same; its tests have the same pairs.
    #[test]
    fn names_and_values_are_the_same_in_every_version() {
        let context = Context::of("2x2f+6B".parse().unwrap());
        let expected =
            [("request_00", "7c0e19"), ("request_01", "c0e19f"), ("handler_00", "7c0e19"), ("handler_01", "c0e19f")];
        assert_eq!(context.fields(), expected);
    }

    #[test]
    fn a_context_has_the_size_asked_for() {
        for (text, spans, fields, length) in
            [("none", 0, 0, 0), ("1f+1B", 1, 1, 1), ("2x3f+16B", 2, 6, 16), ("4x16f+256B", 4, 64, 256)]
        {
            let context = Context::of(text.parse().unwrap());
            assert_eq!((context.spans().count(), context.fields().len()), (spans, fields), "{text}");
            assert!(context.fields().iter().all(|(_, value)| value.len() == length), "{text}");
            let names: HashSet<_> = context.fields().iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), fields, "{text}");
            for (span, fields) in context.spans() {
                assert!(fields.iter().all(|(name, _)| name.starts_with(span)), "{text}: {span}");
                let values: HashSet<_> = fields.iter().map(|(_, value)| value).collect();
                assert_eq!(values.len(), fields.len(), "{text}: {span}");
            }
        }
    }
}
