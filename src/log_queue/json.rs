//! A record as one line of JSON.

use super::record::{Record, Value};
use serde::{Serialize, Serializer};
use std::io;

impl Record {
    /// Writes the record as one line of JSON, with the line's end:
    /// `{"timestamp":"2026-01-02T03:04:05.678Z","level":"info","message":"…","fields":{"key":1}}`.
    ///
    /// The timestamp is RFC 3339 in UTC, or `null` outside the years -9999 to 9999. NaN and the infinities are
    /// `null`. Line breaks and control characters in text are escaped, so a record is always exactly one line. A field
    /// name that was given twice appears twice.
    ///
    /// # Errors
    ///
    /// What `out` returns; part of the line may have been written.
    pub fn write_json(&self, mut out: impl io::Write) -> io::Result<()> {
        let line = Line {
            timestamp: jiff::Timestamp::try_from(self.timestamp()).ok().map(|moment| moment.to_string()),
            level: self.level().as_str(),
            message: self.message(),
            fields: Fields(self),
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: Option<String>,
    level: &'static str,
    message: &'a str,
    fields: Fields<'a>,
}

struct Fields<'a>(&'a Record);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.fields())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::I64(value) => serializer.serialize_i64(*value),
            Self::U64(value) => serializer.serialize_u64(*value),
            Self::F64(value) => serializer.serialize_f64(*value),
            Self::Str(value) => serializer.serialize_str(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_queue::Level;
    use proptest::prelude::*;
    use std::time::{Duration, SystemTime};

    fn line(record: &Record) -> String {
        let mut out = Vec::new();
        record.write_json(&mut out).expect("writing to memory");
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    fn at(nanoseconds: u64, message: &'static str) -> Record {
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
        assert!(at(0, "does not fit").write_json(&mut short[..]).is_err());
    }

    proptest! {
        #[test]
        fn any_text_survives(message in any::<String>(), name in any::<String>(), value in any::<String>(), f in any::<f64>()) {
            let record = Record::new(Level::Debug, message.clone()).with(name.clone(), value.clone()).with("f", f);
            let text = line(&record);
            prop_assert_eq!(text.matches('\n').count(), 1);
            let back: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
            prop_assert_eq!(back["message"].as_str(), Some(message.as_str()));
            if name != "f" {
                prop_assert_eq!(back["fields"][&name].as_str(), Some(value.as_str()));
            }
            prop_assert_eq!(back["fields"]["f"].as_f64(), f.is_finite().then_some(f));
        }
    }
}
