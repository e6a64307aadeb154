//! A record as one line of JSON.

use super::bytes::push_seeking;
use super::format::{push_float, push_integer, push_time};
use super::line::with_line;
use super::names::Names;
use super::record::{Field, Level, Value};
use super::slot::RecordRef;
use std::io;

impl RecordRef<'_> {
    /// Writes the record as one line of JSON, with the line's end:
    /// `{"timestamp":"2026-01-02T03:04:05.678Z","level":"info","message":"…","fields":{"key":1}}`.
    ///
    /// The timestamp is RFC 3339 in UTC, or `null` outside the years -9999 to 9999. NaN and the infinities are
    /// `null`. Line breaks and control characters in text are escaped, so a record is always exactly one line. A field
    /// name that was given twice appears twice. A record that was cut ends in `,"cut":true}`.
    ///
    /// # Errors
    ///
    /// What `out` returns; part of the line may have been written.
    pub fn write_json(&self, mut out: impl io::Write) -> io::Result<()> {
        with_line(|line| {
            self.push_json(line);
            out.write_all(line)
        })
    }

    /// Appends the record as one line of JSON, as [`Self::write_json`] writes it.
    pub fn push_json(&self, out: &mut Vec<u8>) {
        // Most lines fit into this, so they need no further allocation.
        out.reserve(512);
        out.extend_from_slice(b"{\"timestamp\":\"");
        if !push_time(out, self.moment()) {
            // Instead of the quotation mark.
            out.truncate(out.len() - 1);
            out.extend_from_slice(b"null");
        } else {
            out.push(b'"');
        }
        push_level(out, self.level());
        push_text(out, self.message());
        out.extend_from_slice(b",\"fields\":");
        let first = out.len();
        let mut fields = self.fields();
        Names::with(|names| {
            while let Some(Field { name, value }) = fields.next_field() {
                names.push(out, name);
                push_value(out, value);
            }
        });
        // In place of the first comma.
        match out.get_mut(first) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.extend_from_slice(if self.is_cut() { b"},\"cut\":true}\n" } else { b"}}\n" });
    }
}

/// Appends the level, up to the value of the message.
#[inline]
fn push_level(out: &mut Vec<u8>, level: Level) {
    macro_rules! level {
        ($name:literal) => {
            out.extend_from_slice(concat!(",\"level\":\"", $name, "\",\"message\":").as_bytes())
        };
    }
    // The length of each is known to the compiler, which makes them cheap to copy.
    match level {
        Level::Trace => level!("trace"),
        Level::Debug => level!("debug"),
        Level::Info => level!("info"),
        Level::Warn => level!("warn"),
        Level::Error => level!("error"),
    }
}

fn push_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::I64(value) => push_integer(out, value),
        Value::U64(value) => push_integer(out, value),
        Value::F64(value) if value.is_finite() => push_float(out, value),
        Value::F64(_) => out.extend_from_slice(b"null"),
        Value::Str(value) => push_text(out, value),
    }
}

/// Appends the text in quotation marks.
#[inline]
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.push(b'"');
    if push_seeking(out, bytes) {
        out.truncate(out.len() - bytes.len());
        push_escaped(out, bytes);
    }
    out.push(b'"');
}

#[cold]
fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    bytes.iter().for_each(|&byte| push_character(out, byte));
}

/// Appends a byte of a text, escaped if necessary.
fn push_character(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let letter = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0A => b'n',
        0x0C => b'f',
        0x0D => b'r',
        0x20.. => return out.push(byte),
        _ => {
            let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            return out.extend_from_slice(&digits);
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_queue::{Field, Fields, Record};
    use proptest::prelude::*;
    use std::time::{Duration, SystemTime};

    fn line<F: Fields>(record: &Record<'_, F>) -> String {
        record.read(|record| {
            let mut out = Vec::new();
            record.write_json(&mut out).expect("writing to memory");
            String::from_utf8(out).expect("JSON is UTF-8")
        })
    }

    fn at(nanoseconds: u64, message: &str) -> Record<'_> {
        Record::at(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds), Level::Info, message)
    }

    #[test]
    fn a_line_is_as_documented() {
        let record = at(1_500_000_000, "hello")
            .with("ok", true)
            .with("delta", -3_i64)
            .with("id", u64::MAX)
            .with("seconds", 0.25)
            .with("who", "me");
        assert_eq!(
            line(&record),
            concat!(
                r#"{"timestamp":"1970-01-01T00:00:01.5Z","level":"info","message":"hello","#,
                r#""fields":{"ok":true,"delta":-3,"id":18446744073709551615,"seconds":0.25,"who":"me"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn text_is_escaped_wherever_it_stands() {
        let record = at(0, "a\"b\\c\nd\u{0}\u{1f}\u{7f} é 漢 🦀 \u{2028}").with("k\"\n", "v\"\r\t");
        let text = line(&record);
        assert!(text.contains(r#""message":"a\"b\\c\nd\u0000\u001f"#), "{text}");
        assert!(text.contains(r#"{"k\"\n":"v\"\r\t"}"#), "{text}");
        assert_eq!(text.matches('\n').count(), 1);
        let back: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
        assert_eq!(back["message"], record.message());
        assert_eq!(back["fields"]["k\"\n"], "v\"\r\t");
    }

    #[test]
    fn numbers_that_json_lacks_are_null() {
        let record = at(0, "").with("nan", f64::NAN).with("up", f64::INFINITY).with("down", f64::NEG_INFINITY);
        assert!(line(&record).ends_with("\"fields\":{\"nan\":null,\"up\":null,\"down\":null}}\n"));
    }

    #[test]
    fn a_time_beyond_the_calendar_is_null() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60);
        assert!(line(&Record::at(far, Level::Error, "")).starts_with(r#"{"timestamp":null,"level":"error""#));
    }

    #[test]
    fn an_error_of_the_writer_is_returned() {
        let mut short = [0_u8; 10];
        assert!(at(0, "does not fit").read(|record| record.write_json(&mut short[..])).is_err());
    }

    proptest! {
        #[test]
        fn a_line_is_what_serde_json_writes(
            message in any::<String>(), name in any::<String>(), value in any::<String>(),
            float in any::<f64>(), signed in any::<i64>(), unsigned in any::<u64>(), truth in any::<bool>(),
        ) {
            let record = Record::new(Level::Debug, &message)
                .field(Field::named(&name, &value))
                .with("float", float)
                .with("signed", signed)
                .with("unsigned", unsigned)
                .with("truth", truth);
            let text = line(&record);
            let json = |value: &dyn erased::Json| value.json();
            let expected = format!(
                r#","level":"debug","message":{},"fields":{{{}:{},"float":{},"signed":{signed},"unsigned":{unsigned},"truth":{truth}}}}}"#,
                json(&message), json(&name), json(&value), json(&float),
            );
            let rest = text.split_once("Z\"").expect("a time").1;
            prop_assert_eq!(rest, expected + "\n");
        }
    }

    /// A value as serde_json writes it.
    mod erased {
        pub trait Json {
            fn json(&self) -> String;
        }

        impl<T: serde::Serialize> Json for T {
            fn json(&self) -> String {
                serde_json::to_string(self).expect("it can be written")
            }
        }
    }
}
