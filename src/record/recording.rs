//! Many lines of logs, as a trace.

use super::line::{Line, Reading};
use crate::log_queue::Level;
use crate::scenario::{COLUMNS, LONGEST_TRACE, MOST_ARRIVALS, Payload};
use crate::units::{Nanos, Ratio, human};
use crate::untrusted::Untrusted;
use std::io::{self, BufRead, Read, Write};

/// Longest line of a log that is read, in bytes; a longer one counts as one without a time.
const LONGEST_LINE: usize = 1 << 20;

/// How logs are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How each line is read.
    pub reading: Reading,
    /// Share of the lines that may have no time.
    pub tolerated: Ratio,
}

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A log cannot be read.
    #[error("`{}`: cannot read it: {source}", file.quoted())]
    Unreadable {
        /// Its name.
        file: Untrusted,
        /// Why.
        source: io::Error,
    },
    /// There are more lines than a trace can have.
    #[error("`{}`: more than 5,000,000 lines in all; record a part of them", file.quoted())]
    TooMany {
        /// The log in which they became too many.
        file: Untrusted,
    },
    /// No line has a time.
    #[error("no line has a time{}", first_words(.first))]
    Nothing {
        /// The first line, if there is one.
        first: Option<Bad>,
    },
    /// Too many lines have none.
    #[error(
        "{} of {} have no time that can be read, more than {tolerated}{}; --tolerate raises that",
        human::count(*.bad),
        human::counted(*.lines, "line"),
        first_words(.first)
    )]
    Unread {
        /// They.
        bad: u64,
        /// All lines.
        lines: u64,
        /// The share that may.
        tolerated: Ratio,
        /// The first of them.
        first: Option<Bad>,
    },
}

/// A line without a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    file: Untrusted,
    number: u64,
    why: String,
}

fn first_words(first: &Option<Bad>) -> String {
    first
        .as_ref()
        .map_or(String::new(), |bad| format!("; the first: {}:{}: {}", bad.file.quoted(), bad.number, bad.why))
}

/// A log of the trace: 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// Nanoseconds from 1970.
    time: i64,
    /// [`UNKNOWN`]: its size is not known.
    bytes: u32,
    level: Option<Level>,
}

/// In place of a size.
const UNKNOWN: u32 = u32::MAX;

/// Takes in logs, line by line. It keeps 16 bytes of each, which is 80 MB at most, and half as much again while it sorts.
#[derive(Debug)]
pub struct Recorder {
    settings: Settings,
    rows: Vec<Row>,
    counts: Counts,
    first_bad: Option<Bad>,
}

/// What was met.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    lines: u64,
    bad: u64,
    unknown_levels: u64,
    without_message: u64,
    cut: u64,
    /// Lines that were earlier than the line before.
    early: u64,
}

impl Recorder {
    /// Nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, rows: Vec::new(), counts: Counts::default(), first_bad: None }
    }

    /// Takes in a log. Empty lines are skipped.
    ///
    /// # Errors
    /// It cannot be read, or there are too many lines.
    pub fn take(&mut self, file: &Untrusted, mut log: impl BufRead) -> Result<(), RecordError> {
        let (mut line, mut number) = (Vec::new(), 0);
        let failed = |source| RecordError::Unreadable { file: file.clone(), source };
        loop {
            line.clear();
            let count = log.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line).map_err(failed)?;
            if count == 0 {
                return Ok(());
            }
            number += 1;
            let bad = |why: String| Bad { file: file.clone(), number, why };
            let has_end = line.last() == Some(&b'\n');
            if count > LONGEST_LINE && !has_end {
                log.skip_until(b'\n').map_err(failed)?;
                self.miss(bad("is longer than 1 MiB".to_owned()));
                continue;
            }
            let content = line.strip_suffix(b"\n").unwrap_or(&line);
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            if content.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match self.settings.reading.read(content) {
                Ok(_) if self.rows.len() == MOST_ARRIVALS => return Err(RecordError::TooMany { file: file.clone() }),
                Ok(read) => self.enter(read),
                Err(error) => self.miss(bad(error.to_string())),
            }
        }
    }

    fn miss(&mut self, bad: Bad) {
        self.counts.lines += 1;
        self.counts.bad += 1;
        self.first_bad.get_or_insert(bad);
    }

    fn enter(&mut self, line: Line) {
        let counts = &mut self.counts;
        counts.lines += 1;
        counts.early += u64::from(self.rows.last().is_some_and(|last| line.time < last.time));
        counts.unknown_levels += u64::from(matches!(line.level, Some(Err(_))));
        counts.without_message += u64::from(line.bytes.is_none());
        let most = Payload::LONGEST_MESSAGE.0 as usize;
        counts.cut += u64::from(line.bytes.is_some_and(|bytes| bytes > most));
        // At most 64 KiB, so the cast is exact.
        let bytes = line.bytes.map_or(UNKNOWN, |bytes| bytes.min(most) as u32);
        self.rows.push(Row { time: line.time, bytes, level: line.level.and_then(Result::ok) });
    }

    /// The trace.
    ///
    /// # Errors
    /// No line has a time, or too many have none.
    pub fn finish(mut self) -> Result<Recording, RecordError> {
        let Counts { bad, lines, .. } = self.counts;
        let (tolerated, first) = (self.settings.tolerated, self.first_bad);
        if self.rows.is_empty() {
            return Err(RecordError::Nothing { first });
        }
        if u128::from(bad) * 1_000_000 > u128::from(lines) * u128::from(tolerated.ppm()) {
            return Err(RecordError::Unread { bad, lines, tolerated, first });
        }
        // Stable: logs of the same time stay in their order.
        self.rows.sort_by_key(|row| row.time);
        Ok(Recording { rows: self.rows, counts: self.counts, first_bad: first })
    }
}

/// A trace, in the order of time.
#[derive(Debug)]
pub struct Recording {
    rows: Vec<Row>,
    counts: Counts,
    first_bad: Option<Bad>,
}

impl Recording {
    /// The trace as the file that `[load] trace` reads.
    pub fn to_csv(&self) -> Vec<u8> {
        const SECOND: u64 = 1_000_000_000;
        let mut text = COLUMNS.join(",").into_bytes();
        text.push(b'\n');
        for row in &self.rows {
            let since = self.since(row);
            let level = row.level.map_or("", Level::as_str);
            // Writing to a vector does not fail.
            let _ = write!(text, "{}.{:09},{level},", since / SECOND, since % SECOND);
            let _ = if row.bytes == UNKNOWN { writeln!(text) } else { writeln!(text, "{}", row.bytes) };
        }
        text
    }

    /// Nanoseconds from the first log. The times are sorted, and as far apart as 64 bits reach.
    fn since(&self, row: &Row) -> u64 {
        self.rows.first().map_or(0, |first| row.time.abs_diff(first.time))
    }

    /// From the first log to the last one.
    pub fn length(&self) -> Nanos {
        Nanos(self.rows.last().map_or(0, |last| self.since(last)))
    }

    /// What there is to say about it, one line each.
    pub fn notes(&self) -> Vec<String> {
        let Counts { bad, unknown_levels, without_message, cut, early, .. } = self.counts;
        let (logs, length) = (human::counted(self.rows.len() as u64, "log"), self.length());
        let mut notes = vec![format!("{logs} over {}", human::span(length))];
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                notes.push(format!("{} {what}", human::counted(count, "line")));
            }
        };
        let first = first_words(&self.first_bad);
        note(bad, &format!("without a time, left out{first}"));
        note(early, "earlier than the line before; the trace is sorted");
        note(unknown_levels, "with a level that is not known; the trace leaves it empty, which is info");
        note(without_message, "without a message; the trace leaves the size empty, which is that of the payload");
        note(cut, "longer than the longest message; the trace has 64 KiB for it");
        if length.0 >= LONGEST_TRACE {
            notes.push("longer than a window can be (24h): replay it with a trace_scale, or record a part".to_owned());
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Arrivals;
    use crate::units::Multiple;
    use proptest::prelude::*;

    fn record(log: &str, tolerated: u8) -> Result<Recording, RecordError> {
        let mut recorder =
            Recorder::new(Settings { reading: Reading::default(), tolerated: Ratio::from_percent(tolerated) });
        recorder.take(&"app.log".into(), log.as_bytes())?;
        recorder.finish()
    }

    #[test]
    fn a_log_becomes_a_trace_in_the_order_of_time() {
        let log = "{\"ts\":100.5,\"level\":\"warn\"}\n\n{\"ts\":100.25}\r\n{\"ts\":100.5,\"level\":\"odd\"}\n\
                   {\"ts\":103,\"level\":\"error\"}";
        let recording = record(log, 0).unwrap();
        assert_eq!(
            String::from_utf8(recording.to_csv()).unwrap(),
            "time,level,bytes\n0.000000000,,13\n0.250000000,warn,27\n0.250000000,,26\n2.750000000,error,26\n"
        );
        assert_eq!(
            recording.notes(),
            [
                "4 logs over 2.8 s",
                "1 line earlier than the line before; the trace is sorted",
                "1 line with a level that is not known; the trace leaves it empty, which is info",
            ]
        );
    }

    #[test]
    fn lines_without_a_time_are_counted_and_refused_beyond_a_share() {
        let log = "{\"ts\":1}\nnonsense\n{\"ts\":2}\n{\"ts\":3}\n";
        let notes = record(log, 25).unwrap().notes();
        assert_eq!(notes[1], "1 line without a time, left out; the first: app.log:2: is no JSON object");
        assert_eq!(
            record(log, 24).unwrap_err().to_string(),
            "1 of 4 lines have no time that can be read, more than 24%; the first: app.log:2: is no JSON object; \
             --tolerate raises that"
        );
        for (log, error) in [
            ("", "no line has a time"),
            ("\n \n", "no line has a time"),
            ("x\n", "no line has a time; the first: app.log:1: is no JSON object"),
        ] {
            assert_eq!(record(log, 100).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out_and_one_that_is_long_is_cut() {
        let line = |length: usize| format!("{{\"ts\":1,\"m\":\"{}\"}}", "x".repeat(length - 15));
        let log = format!("{}\n{}\n{}", line(LONGEST_LINE), line(LONGEST_LINE + 1), line(65_536));
        let recording = record(&log, 50).unwrap();
        assert_eq!(
            recording.notes()[1..],
            [
                "1 line without a time, left out; the first: app.log:2: is longer than 1 MiB",
                "1 line longer than the longest message; the trace has 64 KiB for it",
            ]
        );
        assert!(recording.to_csv().ends_with(b"0.000000000,,65536\n0.000000000,,65536\n"));
    }

    proptest! {
        #[test]
        fn what_is_recorded_can_be_replayed(times in prop::collection::vec(0u64..3_600_000_000_000, 1..100)) {
            let log: String = times.iter().map(|ns| format!("{{\"time\":{}}}\n", 1_767_323_045_000_000_000 + ns)).collect();
            let recording = record(&log, 0).unwrap();
            let (arrivals, _) = Arrivals::from_reader(&recording.to_csv()[..], Multiple::ONE).unwrap();
            let mut sorted = times;
            sorted.sort_unstable();
            let dues: Vec<u64> = (0..arrivals.count()).map(|index| arrivals.due(index).unwrap()).collect();
            prop_assert_eq!(dues, sorted.iter().map(|time| time - sorted[0]).collect::<Vec<_>>());
        }
    }
}
