//! Levels as logs have them.

use crate::log_queue::Level;

/// What the numbers of levels mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LevelNumbers {
    /// 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal: pino and bunyan.
    #[default]
    Pino,
    /// 10 debug, 20 info, 30 warning, 40 error, 50 critical: Python's `logging`.
    Python,
    /// 0 to 3 error, 4 warning, 5 and 6 notice and info, 7 debug: RFC 5424.
    Syslog,
    /// 1 to 24, four for each level, 21 to 24 fatal: OpenTelemetry.
    Otel,
}

impl LevelNumbers {
    /// All of them.
    pub const ALL: [LevelNumbers; 4] =
        [LevelNumbers::Pino, LevelNumbers::Python, LevelNumbers::Syslog, LevelNumbers::Otel];

    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            LevelNumbers::Pino => "pino",
            LevelNumbers::Python => "python",
            LevelNumbers::Syslog => "syslog",
            LevelNumbers::Otel => "otel",
        }
    }

    fn level(self, number: u32) -> Option<Level> {
        let by_tens = |first: [Level; 6]| first.get((number / 10).checked_sub(1)? as usize).copied();
        use Level::{Debug, Error, Info, Trace, Warn};
        match self {
            LevelNumbers::Pino => by_tens([Trace, Debug, Info, Warn, Error, Error]),
            LevelNumbers::Python if number < 10 => Some(Trace),
            LevelNumbers::Python => by_tens([Debug, Info, Warn, Error, Error, Error]),
            LevelNumbers::Syslog => [Error, Error, Error, Error, Warn, Info, Info, Debug].get(number as usize).copied(),
            LevelNumbers::Otel => {
                let place = number.checked_sub(1)? / 4;
                [Trace, Debug, Info, Warn, Error, Error].get(place as usize).copied()
            }
        }
    }
}

/// The level of a name or a number; `None` if it is neither.
pub fn parse(text: &str, numbers: LevelNumbers) -> Option<Level> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return numbers.level(number);
    }
    match text.to_ascii_lowercase().as_str() {
        "trace" | "verbose" | "finest" => Some(Level::Trace),
        "debug" | "dbg" | "fine" => Some(Level::Debug),
        "info" | "information" | "informational" | "notice" | "default" => Some(Level::Info),
        "warn" | "warning" | "wrn" => Some(Level::Warn),
        "error" | "err" | "severe" | "critical" | "crit" | "fatal" | "alert" | "emerg" | "emergency" | "panic"
        | "dpanic" => Some(Level::Error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read() {
        use Level::{Debug, Error, Info, Trace, Warn};
        for (text, numbers, level) in [
            ("INFO", LevelNumbers::Pino, Some(Info)),
            (" Warning ", LevelNumbers::Pino, Some(Warn)),
            ("fatal", LevelNumbers::Pino, Some(Error)),
            ("loud", LevelNumbers::Pino, None),
            ("30", LevelNumbers::Pino, Some(Info)),
            ("35", LevelNumbers::Pino, Some(Info)),
            ("60", LevelNumbers::Pino, Some(Error)),
            ("9", LevelNumbers::Pino, None),
            ("70", LevelNumbers::Pino, None),
            ("30", LevelNumbers::Python, Some(Warn)),
            ("5", LevelNumbers::Python, Some(Trace)),
            ("3", LevelNumbers::Syslog, Some(Error)),
            ("7", LevelNumbers::Syslog, Some(Debug)),
            ("8", LevelNumbers::Syslog, None),
            ("1", LevelNumbers::Otel, Some(Trace)),
            ("9", LevelNumbers::Otel, Some(Info)),
            ("24", LevelNumbers::Otel, Some(Error)),
            ("0", LevelNumbers::Otel, None),
            ("25", LevelNumbers::Otel, None),
            ("-1", LevelNumbers::Syslog, None),
        ] {
            assert_eq!(parse(text, numbers), level, "{text} {numbers:?}");
        }
    }
}
