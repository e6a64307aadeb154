//! A record as one line of JSON.

use super::format::{push_float, push_integer, push_time};
use super::record::Value;
use super::slot::RecordRef;
use std::cell::RefCell;
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
        out.extend_from_slice(b"{\"timestamp\":");
        let start = out.len();
        out.push(b'"');
        if push_time(out, self.moment()) {
            out.push(b'"');
        } else {
            out.truncate(start);
            out.extend_from_slice(b"null");
        }
        out.extend_from_slice(b",\"level\":\"");
        out.extend_from_slice(self.level().as_str().as_bytes());
        out.extend_from_slice(b"\",\"message\":");
        push_text(out, self.message());
        out.extend_from_slice(b",\"fields\":{");
        for (index, (name, value)) in self.fields().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_text(out, name);
            out.push(b':');
            push_value(out, value);
        }
        out.extend_from_slice(if self.is_cut() { b"},\"cut\":true}\n" } else { b"}}\n" });
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
///
/// It copies and checks eight bytes at a time. Only a word with a character that JSON must escape is read byte by byte.
#[inline]
fn push_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        if has_special(u64::from_le_bytes(*word)) {
            word.iter().for_each(|&byte| push_character(out, byte));
        } else {
            out.extend_from_slice(word);
        }
    }
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    if has_special(u64::from_le_bytes(last)) {
        rest.iter().for_each(|&byte| push_character(out, byte));
    } else {
        out.extend_from_slice(&last);
        out.truncate(out.len() - (8 - rest.len()));
    }
    out.push(b'"');
}

/// Appends a byte of a text, escaped if necessary.
#[cold]
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

/// Whether one of the eight bytes must be escaped in JSON: a control character, a quotation mark or a backslash.
///
/// Subtracting `n` from a byte borrows if the byte is below `n`. A byte equal to `c` is 0, so below 1, after an
/// exclusive or with `c`. Bytes from 0x80 on are masked out. A borrow may make the byte after a hit look like a hit,
/// but never without one.
#[inline]
fn has_special(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    (below(word, 0x20) | quote | backslash) & TOPS != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_queue::{Field, Fields, Level, Record};
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
    fn every_character_is_found_at_every_place() {
        for byte in 0..=u8::MAX {
            let special = byte < 0x20 || byte == b'"' || byte == b'\\';
            for at in 0..8 {
                for filler in [b' ', 0x7F, 0x80, 0xFF, b'#', b'!', b'['] {
                    let mut bytes = [filler; 8];
                    bytes[at] = byte;
                    assert_eq!(has_special(u64::from_le_bytes(bytes)), special, "{byte:#x} at {at} in {filler:#x}");
                }
            }
        }
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
