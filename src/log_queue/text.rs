//! A record as one line of text.

use super::bytes::{is_plain, is_plain_word, push_bytes};
use super::format::{push_float, push_integer, push_time_aligned};
use super::line::with_line;
use super::record::{Level, Value};
use super::slot::RecordRef;
use std::io;

/// Ends the line of a record that was cut.
const CUT: &str = "(cut)";

impl RecordRef<'_> {
    /// Writes the record as one line of text, with the line's end:
    /// `2026-01-02T03:04:05.678000000Z INFO  request served path=/ agent="curl 8"`.
    ///
    /// - The time is RFC 3339 in UTC with nine decimals, or `-` outside the years -9999 to 9999.
    /// - The level is in upper case, padded to five characters.
    /// - The message is as it is, or quoted: if it is empty, begins or ends with a space, ends in `(cut)`, or has a `"`, `\`, `=` or
    ///   an escaped character.
    /// - Each field is ` name=value`. A name or a text is as it is, or quoted: if it is empty, or has a space, `"`, `\`, `=` or an
    ///   escaped character. Numbers are as in JSON, and `NaN`, `inf` and `-inf`. A text `200` looks like the number.
    /// - A quoted text is a string of JSON: `\"`, `\\`, `\n`, `\r`, `\t`, and `\u` with four digits for every other escaped
    ///   character. Escaped are control characters (U+0000–U+001F, U+007F–U+009F), line and paragraph separators (U+2028,
    ///   U+2029), and the characters that change the direction of writing (U+061C, U+200E, U+200F, U+202A–U+202E,
    ///   U+2066–U+2069).
    /// - A record that was cut ends in ` (cut)`.
    ///
    /// So a record is always exactly one line, nothing in it controls a terminal, and its texts can be read back.
    ///
    /// # Errors
    ///
    /// What `out` returns; part of the line may have been written.
    pub fn write_text(&self, mut out: impl io::Write) -> io::Result<()> {
        with_line(|line| {
            self.push_text(line);
            out.write_all(line)
        })
    }

    /// Appends the record as one line of text, as [`Self::write_text`] writes it.
    pub fn push_text(&self, out: &mut Vec<u8>) {
        // Most lines fit into this, so they need no further allocation.
        out.reserve(512);
        if !push_time_aligned(out, self.moment()) {
            out.push(b'-');
        }
        // The length of each is known to the compiler, which makes them cheap to copy.
        match self.level() {
            Level::Trace => out.extend_from_slice(b" TRACE "),
            Level::Debug => out.extend_from_slice(b" DEBUG "),
            Level::Info => out.extend_from_slice(b" INFO  "),
            Level::Warn => out.extend_from_slice(b" WARN  "),
            Level::Error => out.extend_from_slice(b" ERROR "),
        }
        push_message(out, self.message());
        for (name, value) in self.fields() {
            out.push(b' ');
            push_word(out, name);
            out.push(b'=');
            push_value(out, value);
        }
        if self.is_cut() {
            out.push(b' ');
            out.extend_from_slice(CUT.as_bytes());
        }
        out.push(b'\n');
    }
}

fn push_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::I64(value) => push_integer(out, value),
        Value::U64(value) => push_integer(out, value),
        Value::F64(value) if value.is_finite() => push_float(out, value),
        Value::F64(value) if value.is_nan() => out.extend_from_slice(b"NaN"),
        Value::F64(value) => out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" }),
        Value::Str(value) => push_word(out, value),
    }
}

/// Appends a name or a text.
#[inline]
fn push_word(out: &mut Vec<u8>, text: &str) {
    if !text.is_empty() && is_plain_word(text.as_bytes()) {
        push_bytes(out, text.as_bytes());
    } else {
        push_other(out, text, text.is_empty() || text.contains(' '));
    }
}

#[inline]
fn push_message(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let is_open = bytes.is_empty() || bytes[0] == b' ' || bytes[bytes.len() - 1] == b' ' || text.ends_with(CUT);
    if !is_open && is_plain(bytes) {
        push_bytes(out, bytes);
    } else {
        push_other(out, text, is_open);
    }
}

/// Appends a text that must be quoted, or that has characters which may have to be.
#[inline(never)]
fn push_other(out: &mut Vec<u8>, text: &str, must_be_quoted: bool) {
    let is_plain = is_plain(text.as_bytes());
    if !must_be_quoted && !is_plain && !text.chars().any(must_quote) {
        return push_bytes(out, text.as_bytes());
    }
    out.push(b'"');
    if is_plain {
        push_bytes(out, text.as_bytes());
    } else {
        text.chars().for_each(|character| push_character(out, character));
    }
    out.push(b'"');
}

fn must_quote(character: char) -> bool {
    matches!(character, '"' | '\\' | '=') || is_escaped(character)
}

/// Whether it breaks a line, controls a terminal, or changes the direction of writing.
fn is_escaped(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Appends a character of a quoted text.
fn push_character(out: &mut Vec<u8>, character: char) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let letter = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        _ if is_escaped(character) => {
            out.extend_from_slice(b"\\u");
            // None of them has a code above U+FFFF.
            return out.extend([12, 8, 4, 0].map(|shift| DIGITS[(u32::from(character) >> shift & 15) as usize]));
        }
        _ => return out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    };
    out.extend_from_slice(&[b'\\', letter]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_queue::{Config, Field, Fields, LogQueue, Record};
    use proptest::prelude::*;
    use std::sync::mpsc::channel;
    use std::time::{Duration, SystemTime};

    fn line<F: Fields>(record: &Record<'_, F>) -> String {
        record.read(|record| {
            let mut out = Vec::new();
            record.write_text(&mut out).expect("writing to memory");
            String::from_utf8(out).expect("text is UTF-8")
        })
    }

    fn at(nanoseconds: u64, message: &str) -> Record<'_> {
        Record::at(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds), Level::Info, message)
    }

    /// What stands in a line.
    #[derive(Debug, PartialEq)]
    struct Parsed {
        time: String,
        level: String,
        message: String,
        fields: Vec<(String, String)>,
        is_cut: bool,
    }

    /// Takes a quoted text off the front, or what stands before any of `ends`.
    fn word(rest: &mut &str, ends: &[char]) -> String {
        if rest.starts_with('"') {
            let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let text = strings.next().expect("a text").expect("a string of JSON");
            *rest = &rest[strings.byte_offset()..];
            return text;
        }
        let (text, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        *rest = after;
        text.to_owned()
    }

    /// Takes the message off the front. Unquoted, it ends before the name of the first field.
    fn message(rest: &mut &str) -> String {
        if rest.starts_with('"') {
            return word(rest, &[]);
        }
        let end = match rest.find(['"', '=']) {
            Some(at) => rest[..at].rfind(' ').expect("a space before the name"),
            None => rest.strip_suffix(" (cut)").unwrap_or(rest).len(),
        };
        let (message, after) = rest.split_at(end);
        *rest = after;
        message.to_owned()
    }

    fn parse(line: &str) -> Parsed {
        let line = line.strip_suffix('\n').expect("a whole line");
        let (time, rest) = line.split_once(' ').expect("a time");
        let (level, mut rest) = rest.split_at(6);
        let message = message(&mut rest);
        let (mut fields, mut is_cut) = (Vec::new(), false);
        while let Some(after) = rest.strip_prefix(' ') {
            rest = after;
            if rest == CUT {
                (is_cut, rest) = (true, "");
                break;
            }
            let name = word(&mut rest, &['=']);
            rest = rest.strip_prefix('=').expect("a name has a value");
            fields.push((name, word(&mut rest, &[' '])));
        }
        assert_eq!(rest, "", "{line}");
        Parsed { time: time.to_owned(), level: level.trim_end().to_owned(), message, fields, is_cut }
    }

    #[test]
    fn a_line_is_as_documented() {
        let record = at(1_500_000_000, "hello, you")
            .with("ok", true)
            .with("delta", -3_i64)
            .with("id", u64::MAX)
            .with("seconds", 0.25)
            .with("path", "/a")
            .with("who", "my self");
        assert_eq!(
            line(&record),
            "1970-01-01T00:00:01.500000000Z INFO  hello, you ok=true delta=-3 id=18446744073709551615 seconds=0.25 \
             path=/a who=\"my self\"\n"
        );
        let levels = Level::ALL.map(|level| {
            let text = line(&Record::at(SystemTime::UNIX_EPOCH, level, "m"));
            text["1970-01-01T00:00:00.000000000Z".len()..].to_owned()
        });
        assert_eq!(levels, [" TRACE m\n", " DEBUG m\n", " INFO  m\n", " WARN  m\n", " ERROR m\n"]);
    }

    #[test]
    fn a_message_is_quoted_where_it_could_be_misread() {
        for (message, written) in [
            ("request served", "request served"),
            ("größe 漢 🦀 [1] {2} 'x'", "größe 漢 🦀 [1] {2} 'x'"),
            ("", r#""""#),
            (" a", r#"" a""#),
            ("a ", r#""a ""#),
            ("a=b", r#""a=b""#),
            ("was (cut)", r#""was (cut)""#),
            ("(cut) off", "(cut) off"),
            ("say \"no\"", r#""say \"no\"""#),
            ("C:\\", r#""C:\\""#),
            ("two\nlines\r\n", r#""two\nlines\r\n""#),
            ("\u{1b}[31mred\u{1b}[0m", r#""\u001b[31mred\u001b[0m""#),
            ("\u{9b}2J\u{7f}\u{0}\t", r#""\u009b2J\u007f\u0000\t""#),
            ("a\u{202e}b\u{2028}", r#""a\u202eb\u2028""#),
        ] {
            let text = line(&at(0, message));
            assert_eq!(text.strip_prefix("1970-01-01T00:00:00.000000000Z INFO  "), Some(&*format!("{written}\n")));
        }
    }

    #[test]
    fn a_name_or_a_text_is_quoted_where_it_could_be_misread() {
        for (text, written) in [
            ("/api/v1", "/api/v1"),
            ("größe", "größe"),
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("größe b", r#""größe b""#),
            ("a=b", r#""a=b""#),
            ("(cut)", "(cut)"),
            ("\"", r#""\"""#),
            ("a\nb", r#""a\nb""#),
            ("\u{1b}]0;title\u{7}", r#""\u001b]0;title\u0007""#),
        ] {
            let record = at(0, "m").field(Field::named(text, text));
            assert!(line(&record).ends_with(&format!(" INFO  m {written}={written}\n")), "{}", line(&record));
        }
    }

    #[test]
    fn what_json_lacks_has_its_name_and_a_time_beyond_the_calendar_has_none() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60);
        let record = Record::at(far, Level::Warn, "m").with("a", f64::NAN).with("b", f64::INFINITY);
        assert_eq!(line(&record.with("c", f64::NEG_INFINITY)), "- WARN  m a=NaN b=inf c=-inf\n");
    }

    #[test]
    fn a_record_that_was_cut_says_so() {
        let long = "long ".repeat(100);
        let (send, arrived) = channel();
        let sink = move |record: &RecordRef<'_>| {
            let mut line = Vec::new();
            record.push_text(&mut line);
            send.send(String::from_utf8(line).expect("UTF-8")).map_err(io::Error::other)
        };
        let queue = LogQueue::start(Config { text_budget: 0, ..Config::default() }, sink).expect("started");
        queue.try_log(Record::new(Level::Info, &long)).expect("room");
        queue.try_log(Record::new(Level::Info, "m").with("long", &long).with("gone", 1)).expect("room");
        assert!(queue.shutdown(Duration::from_secs(60)).completed);
        for line in arrived.iter().collect::<Vec<_>>() {
            assert!(line.ends_with(" (cut)\n"), "{line}");
            let parsed = parse(&line);
            assert!(parsed.is_cut && (long.starts_with(&parsed.message) || parsed.message == "m"), "{parsed:?}");
        }
    }

    /// Texts of what is special somewhere, and any others.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ab =\"\\\\()\n\r\t\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}é漢]{0,40}",
            "[a-c ]{0,40}",
            "m? ?\\(cut\\)",
            any::<String>()
        ]
    }

    proptest! {
        #[test]
        fn a_line_gives_back_the_record(
            message in texts(), name in texts(), value in texts(), float in any::<f64>(), signed in any::<i64>(),
            truth in any::<bool>(), nanoseconds in 0..4_000_000_000_000_000_000_u64,
        ) {
            let record = at(nanoseconds, &message)
                .field(Field::named(&name, &value))
                .with("float", float)
                .with("signed", signed)
                .with("truth", truth);
            let text = line(&record);
            let raw: Vec<char> = text.chars().filter(|&character| is_escaped(character)).collect();
            prop_assert_eq!(raw, ['\n'], "one line, and nothing that controls a terminal: {:?}", text);
            let parsed = parse(&text);
            let time: jiff::Timestamp = parsed.time.parse().expect("RFC 3339");
            prop_assert_eq!(time.as_nanosecond(), i128::from(nanoseconds));
            prop_assert_eq!((&*parsed.level, &parsed.message, parsed.is_cut), ("INFO", &message, false));
            let [own, (_, read), rest @ ..] = &parsed.fields[..] else { panic!("two fields: {parsed:?}") };
            prop_assert_eq!(own, &(name.clone(), value.clone()));
            let read: f64 = read.parse().expect("a number");
            prop_assert!(read.to_bits() == float.to_bits() || read.is_nan() && float.is_nan());
            let rest: Vec<_> = rest.iter().map(|(name, value)| (&**name, &**value)).collect();
            prop_assert_eq!(rest, [("signed", &*signed.to_string()), ("truth", &*truth.to_string())]);
        }

        #[test]
        fn a_message_alone_comes_back(message in texts()) {
            let parsed = parse(&line(&at(0, &message)));
            prop_assert_eq!((parsed.message, parsed.fields, parsed.is_cut), (message, Vec::new(), false));
        }
    }
}
