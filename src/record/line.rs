//! One line of a log.

use super::level::{self, LevelNumbers};
use super::time::{self, Unit};
use crate::log_queue::Level;
use serde::Deserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What counts as the size of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BytesOf {
    /// The whole line, without its end.
    #[default]
    Line,
    /// The message in it.
    Message,
}

impl BytesOf {
    /// All of them.
    pub const ALL: [BytesOf; 2] = [BytesOf::Line, BytesOf::Message];

    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            BytesOf::Line => "line",
            BytesOf::Message => "message",
        }
    }
}

/// The keys of time, level and message; of several, the first that a line has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Of the time.
    pub time: Vec<String>,
    /// Of the level.
    pub level: Vec<String>,
    /// Of the message.
    pub message: Vec<String>,
}

impl Default for Keys {
    /// The usual ones.
    fn default() -> Self {
        let keys = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            time: keys(&["timestamp", "time", "ts", "@timestamp", "t"]),
            level: keys(&["level", "severity", "lvl", "levelname", "log.level", "severity_text"]),
            message: keys(&["message", "msg", "body", "event"]),
        }
    }
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Nanoseconds from 1970.
    pub time: i64,
    /// `None`: it has no level.
    pub level: Option<Result<Level, UnknownLevel>>,
    /// Length of the line or the message; `None`: there is no message.
    pub bytes: Option<usize>,
}

/// A level that is neither a known name nor a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownLevel;

/// Why a line cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// It is no object of JSON.
    #[error("is no JSON object")]
    NoObject,
    /// It has none of the keys of a time.
    #[error("has no time")]
    NoTime,
    /// The value of the key is no time.
    #[error("`{0}` is no time: write RFC 3339 with an offset, or a number since 1970")]
    BadTime(String),
}

/// How lines are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Where time, level and message are.
    pub keys: Keys,
    /// Unit of a time that is a number; `None`: its size tells.
    pub unit: Option<Unit>,
    /// What the numbers of levels mean.
    pub numbers: LevelNumbers,
    /// What counts as the size.
    pub bytes: BytesOf,
}

impl Reading {
    /// Reads one line, without its end.
    ///
    /// # Errors
    /// It has no time that can be read.
    pub fn read(&self, line: &[u8]) -> Result<Line, BadLine> {
        let mut json = serde_json::Deserializer::from_slice(line);
        let found = json.deserialize_map(Wanted(&self.keys)).map_err(|_| BadLine::NoObject)?;
        json.end().map_err(|_| BadLine::NoObject)?;
        let time = text(found.time.ok_or(BadLine::NoTime)?.1);
        let nanos = time::parse(&time, self.unit);
        let level = found.level.map(|(_, value)| level::parse(&text(value), self.numbers).ok_or(UnknownLevel));
        let bytes = match self.bytes {
            BytesOf::Line => Some(line.len()),
            BytesOf::Message => found.message.map(|(_, value)| text(value).len()),
        };
        let time = nanos.ok_or_else(|| BadLine::BadTime(crate::units::excerpt(&time)))?;
        Ok(Line { time, level, bytes })
    }
}

/// A value as text: that of a string, and any other as it is written.
fn text(value: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text.into(),
        Err(_) => value.get().into(),
    }
}

/// A value, and the place of its key among the wanted ones.
type Found<'a> = Option<(usize, &'a RawValue)>;

/// The values that were looked for.
#[derive(Default)]
struct Values<'a> {
    time: Found<'a>,
    level: Found<'a>,
    message: Found<'a>,
}

/// Picks values out of an object, and skips the others without keeping them.
struct Wanted<'k>(&'k Keys);

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Values<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values<'de>, A::Error> {
        let mut values = Values::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let place = |keys: &[String]| keys.iter().position(|known| *known == key);
            let Keys { time, level, message } = self.0;
            let (found, place) = match (place(time), place(level), place(message)) {
                (Some(place), ..) => (&mut values.time, place),
                (_, Some(place), _) => (&mut values.level, place),
                (_, _, Some(place)) => (&mut values.message, place),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let value: &'de RawValue = map.next_value().map_err(A::Error::custom)?;
            if found.is_none_or(|(first, _)| place <= first) {
                *found = Some((place, value));
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Result<Line, BadLine> {
        Reading::default().read(line.as_bytes())
    }

    #[test]
    fn the_usual_keys_are_found() {
        for (line, time, level) in [
            (r#"{"timestamp":"2026-01-02T03:04:05Z","level":"WARN"}"#, 1_767_323_045, Some(Ok(Level::Warn))),
            (r#"{"level":30,"time":1767323045000,"msg":"x","pid":7}"#, 1_767_323_045, Some(Ok(Level::Info))),
            (r#"{"t":5,"ts":1767323045.0,"severity":"loud"}"#, 1_767_323_045, Some(Err(UnknownLevel))),
            (r#"{"@timestamp":"1767323045","nested":{"level":"error","ts":1}}"#, 1_767_323_045, None),
            (r#" {"t" : 1767323045, "level" : null, "level" : "debug"} "#, 1_767_323_045, Some(Ok(Level::Debug))),
        ] {
            let read = read(line).unwrap();
            assert_eq!((read.time, read.level), (time * 1_000_000_000, level), "{line}");
            assert_eq!(read.bytes, Some(line.len()));
        }
    }

    #[test]
    fn a_line_without_a_time_says_why() {
        for (line, error) in [
            ("", "is no JSON object"),
            ("plain text", "is no JSON object"),
            ("[1]", "is no JSON object"),
            ("17", "is no JSON object"),
            (r#"{"time":1"#, "is no JSON object"),
            (r#"{"time":1} {"time":2}"#, "is no JSON object"),
            (r#"{"level":"info"}"#, "has no time"),
            (
                r#"{"time":"2026-01-02T03:04:05"}"#,
                "`2026-01-02T03:04:05` is no time: write RFC 3339 with an offset, or a number since 1970",
            ),
            (r#"{"time":null,"ts":5}"#, "`null` is no time: write RFC 3339 with an offset, or a number since 1970"),
        ] {
            assert_eq!(read(line).unwrap_err().to_string(), error, "{line}");
        }
        let read = |line: &[u8]| Reading::default().read(line);
        assert!(read(b"{\"time\":1,\"a\":\"\xff\"}").is_ok(), "what is not looked at does not matter");
        assert_eq!(read(b"{\"time\":\"\xff\"}").unwrap_err(), BadLine::NoObject);
    }

    #[test]
    fn keys_units_and_sizes_can_be_given() {
        let keys = Keys { time: vec!["when".to_owned()], level: vec!["how".to_owned()], ..Keys::default() };
        let reading =
            Reading { keys, unit: Some(Unit::Milliseconds), numbers: LevelNumbers::Syslog, bytes: BytesOf::Message };
        let line = reading.read(r#"{"time":"no","when":7,"how":"3","message":"h\u00e9\n"}"#.as_bytes()).unwrap();
        assert_eq!(line, Line { time: 7_000_000, level: Some(Ok(Level::Error)), bytes: Some(4) });
        assert_eq!(reading.read(br#"{"when":7}"#).unwrap(), Line { time: 7_000_000, level: None, bytes: None });
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Reading::default().read(&line);
        }
    }
}
