//! The file of a trace: when each log is due and, as far as the trace says so, its level and the size of its message.
//!
//! It is comma-separated text. The first line names the columns: `time`, and optionally `level` and `bytes`, in any order.
//! Each further line is a log. Times are seconds with at most nine decimals, and never earlier than that of the line
//! before; the first one is the start.

use super::Payload;
use crate::log_queue::Level;
use crate::units::{Multiple, Nanos, excerpt};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Most logs of a trace. They are kept in memory, with at most 13 bytes each.
pub const MOST_ARRIVALS: usize = 5_000_000;
/// Largest file of a trace, in bytes.
pub const LARGEST_TRACE: u64 = 256 << 20;
/// Longest line of the file, in bytes.
const LONGEST_LINE: usize = 256;
/// Longest trace, after it was scaled: the longest window.
pub const LONGEST_TRACE: u64 = 24 * 3600 * NANOS_PER_SECOND;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// A window ends at a whole millisecond, so that its length is short to write.
const MILLISECOND: u64 = 1_000_000;
/// Width of the bins in which the highest rate is looked for, in nanoseconds.
const BIN: u64 = 100 * MILLISECOND;
/// In place of a length that the trace does not say.
const UNSAID: u32 = u32::MAX;

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 3] = ["time", "level", "bytes"];

/// Why a file is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Unreadable(#[from] io::Error),
    /// It is a directory, a device or a pipe.
    #[error("is not a regular file")]
    NotAFile,
    /// It is too large.
    #[error("is too large: more than 256 MiB")]
    TooLarge,
    /// It has too many lines.
    #[error("has too many logs: more than 5,000,000")]
    TooMany,
    /// It has no lines besides the names of the columns.
    #[error("has no logs")]
    Empty,
    /// The names of the columns are wrong.
    #[error("line 1: {0}; write time, or time,level,bytes")]
    Columns(String),
    /// A line is wrong.
    #[error("line {number}: {problem}")]
    Line {
        /// Its number, from 1.
        number: usize,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// At this scale it is longer than a window can be.
    #[error("takes longer than 24h at {0}")]
    TooLong(Multiple),
    /// Nothing ever comes at this scale.
    #[error("cannot be replayed at 0x")]
    Stopped,
    /// It was changed since it was read.
    #[error("has changed since the run began")]
    Changed,
}

/// The logs of a trace, in their order, at the scale at which they are replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// Nanoseconds from the start; ascending.
    dues: Vec<u64>,
    /// Empty if the trace has no levels.
    levels: Vec<Level>,
    /// Lengths of the messages, [`UNSAID`] where the trace does not say it; empty if it has none.
    lengths: Vec<u32>,
}

impl Arrivals {
    /// Reads a file. Also returns its SHA-256 in lower-case hexadecimal.
    ///
    /// # Errors
    /// It cannot be read, exceeds a bound, or is no trace.
    pub fn read(path: &Path, scale: Multiple) -> Result<(Self, String), TraceError> {
        // Asked before it is opened: to open a pipe would wait for a writer.
        let about = path.metadata()?;
        if !about.is_file() {
            return Err(TraceError::NotAFile);
        }
        if about.len() > LARGEST_TRACE {
            return Err(TraceError::TooLarge);
        }
        // The file may grow while it is read.
        Self::from_reader(BufReader::with_capacity(1 << 16, File::open(path)?.take(LARGEST_TRACE + 1)), scale)
    }

    /// Reads the text of a file, as [`read`](Self::read) does.
    ///
    /// # Errors
    /// As there.
    pub fn from_reader(mut text: impl BufRead, scale: Multiple) -> Result<(Self, String), TraceError> {
        let mut lines = Lines { hash: Sha256::new(), bytes: 0, number: 0, line: Vec::new() };
        let Some(header) = lines.next(&mut text)? else { return Err(TraceError::Empty) };
        let columns = Columns::of(header.trim_start_matches('\u{feff}'))?;
        let (mut arrivals, mut last, mut first) = (Self::default(), 0, None);
        while let Some(line) = lines.next(&mut text)? {
            let row = columns.row(line).and_then(|row| match row.time < last {
                true => Err("is earlier than the line before; sort the lines by time".to_owned()),
                false => Ok(row),
            });
            let number = lines.number;
            let row = row.map_err(|problem| TraceError::Line { number, problem })?;
            last = row.time;
            let since = row.time - *first.get_or_insert(row.time);
            arrivals.push(scaled(since, scale)?, &row, &columns)?;
        }
        if arrivals.dues.is_empty() {
            return Err(TraceError::Empty);
        }
        Ok((arrivals, hexadecimal(&lines.hash.finalize())))
    }

    fn push(&mut self, due: u64, row: &Row, columns: &Columns) -> Result<(), TraceError> {
        if self.dues.len() == MOST_ARRIVALS {
            return Err(TraceError::TooMany);
        }
        self.dues.push(due);
        if columns.level.is_some() {
            self.levels.push(row.level);
        }
        if columns.bytes.is_some() {
            self.lengths.push(row.length);
        }
        Ok(())
    }

    /// Number of logs.
    pub fn count(&self) -> usize {
        self.dues.len()
    }

    /// Number of logs that are due before `span` is over.
    pub fn count_within(&self, span: Nanos) -> usize {
        self.dues.partition_point(|due| *due < span.0)
    }

    /// The shortest window, in whole milliseconds, in which all logs are due.
    pub fn length(&self) -> Nanos {
        Nanos(self.dues.last().map_or(0, |last| (last / MILLISECOND + 1) * MILLISECOND))
    }

    /// When a log is due, in nanoseconds from the start; `None` beyond the last one.
    #[inline]
    pub fn due(&self, index: usize) -> Option<u64> {
        self.dues.get(index).copied()
    }

    /// The level of a log; `info` where the trace does not say it.
    #[inline]
    pub fn level(&self, index: usize) -> Level {
        self.levels.get(index).copied().unwrap_or(Level::Info)
    }

    /// The length of the message of a log; `None` where the trace does not say it.
    #[inline]
    pub fn bytes(&self, index: usize) -> Option<u32> {
        self.lengths.get(index).copied().filter(|length| *length != UNSAID)
    }

    /// Whether the trace says levels.
    pub fn has_levels(&self) -> bool {
        !self.levels.is_empty()
    }

    /// The longest message that the trace says; `None` if it says none.
    pub fn longest(&self) -> Option<u32> {
        self.lengths.iter().copied().filter(|length| *length != UNSAID).max()
    }

    /// The highest rate in logs per second: in any tenth of a second from the start, or over all of a shorter trace.
    pub fn peak_per_second(&self) -> f64 {
        let bin = BIN.min(self.length().0).max(1);
        let (mut most, mut count, mut current) = (0_u64, 0_u64, 0);
        for due in &self.dues {
            if due / bin != current {
                (count, current) = (0, due / bin);
            }
            count += 1;
            most = most.max(count);
        }
        most as f64 * NANOS_PER_SECOND as f64 / bin as f64
    }

    /// The part of this length with the most logs, as a trace of its own.
    #[must_use]
    pub fn busiest(&self, span: Nanos) -> Self {
        let (mut best, mut end) = (0..0, 0);
        for (begin, due) in self.dues.iter().enumerate() {
            end += self.dues[end..].iter().take_while(|other| *other - due < span.0).count();
            if end - begin > best.len() {
                best = begin..end;
            }
        }
        let start = self.dues.get(best.start).copied().unwrap_or(0);
        Self {
            dues: self.dues[best.clone()].iter().map(|due| due - start).collect(),
            levels: self.levels.get(best.clone()).map_or_else(Vec::new, <[Level]>::to_vec),
            lengths: self.lengths.get(best).map_or_else(Vec::new, <[u32]>::to_vec),
        }
    }
}

/// The due time of a log at a scale: twice the rate halves the time.
fn scaled(since: u64, scale: Multiple) -> Result<u64, TraceError> {
    let due = (u128::from(since) * 1_000).checked_div(u128::from(scale.thousandths())).ok_or(TraceError::Stopped)?;
    // The window ends up to a millisecond later.
    u64::try_from(due).ok().filter(|due| *due <= LONGEST_TRACE - MILLISECOND).ok_or(TraceError::TooLong(scale))
}

/// Reads a text line by line, within the bounds, and hashes it.
struct Lines {
    hash: Sha256,
    bytes: u64,
    number: usize,
    line: Vec<u8>,
}

impl Lines {
    /// The next line without its end; `None` after the last one.
    fn next(&mut self, text: &mut impl BufRead) -> Result<Option<&str>, TraceError> {
        self.line.clear();
        let count = text.take(LONGEST_LINE as u64 + 2).read_until(b'\n', &mut self.line)?;
        if count == 0 {
            return Ok(None);
        }
        self.hash.update(&self.line);
        self.bytes += count as u64;
        self.number += 1;
        if self.bytes > LARGEST_TRACE {
            return Err(TraceError::TooLarge);
        }
        let bytes = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let wrong = |problem: &str| TraceError::Line { number: self.number, problem: problem.to_owned() };
        if bytes.len() > LONGEST_LINE {
            return Err(wrong("is too long: at most 256 bytes"));
        }
        std::str::from_utf8(bytes).map(Some).map_err(|_| wrong("is not UTF-8"))
    }
}

/// Where the columns stand.
struct Columns {
    time: usize,
    level: Option<usize>,
    bytes: Option<usize>,
    count: usize,
}

impl Columns {
    fn of(header: &str) -> Result<Self, TraceError> {
        let names: Vec<&str> = header.split(',').map(str::trim).collect();
        for (index, name) in names.iter().enumerate() {
            let quoted = excerpt(name);
            if !COLUMNS.contains(name) {
                return Err(TraceError::Columns(format!("`{quoted}` is no column")));
            }
            if names[..index].contains(name) {
                return Err(TraceError::Columns(format!("the column `{quoted}` stands twice")));
            }
        }
        let place = |name| names.iter().position(|known| *known == name);
        let time = place("time").ok_or_else(|| TraceError::Columns("there is no column `time`".to_owned()))?;
        Ok(Self { time, level: place("level"), bytes: place("bytes"), count: names.len() })
    }

    fn row(&self, line: &str) -> Result<Row, String> {
        let mut cells = [""; COLUMNS.len()];
        let mut count = 0;
        for cell in line.split(',') {
            if let Some(place) = cells.get_mut(count) {
                *place = cell.trim();
            }
            count += 1;
        }
        if count != self.count {
            return Err(format!("has {count} cells, not {}", self.count));
        }
        let said = |column: Option<usize>| column.map(|column| cells[column]).filter(|cell| !cell.is_empty());
        Ok(Row {
            time: seconds(cells[self.time])?,
            level: said(self.level).map_or(Ok(Level::Info), level)?,
            length: said(self.bytes).map_or(Ok(UNSAID), length)?,
        })
    }
}

/// A line of a trace.
struct Row {
    /// In nanoseconds.
    time: u64,
    level: Level,
    length: u32,
}

fn seconds(cell: &str) -> Result<u64, String> {
    let wrong = || format!("`{}` is no time in seconds, such as 0.25", excerpt(cell));
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(wrong());
    }
    if fraction.len() > 9 {
        return Err(format!("`{}` is finer than a nanosecond", excerpt(cell)));
    }
    let below: u64 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
    let whole: Option<u64> = whole.parse().ok();
    let time = whole.and_then(|whole| whole.checked_mul(NANOS_PER_SECOND)?.checked_add(below));
    time.ok_or_else(|| format!("`{}` is too large", excerpt(cell)))
}

fn level(cell: &str) -> Result<Level, String> {
    let known = Level::ALL.into_iter().find(|level| level.as_str() == cell);
    known.ok_or_else(|| {
        let names = Level::ALL.map(Level::as_str).join(", ");
        format!("`{}` is no level; write {names}, or leave it empty", excerpt(cell))
    })
}

fn length(cell: &str) -> Result<u32, String> {
    let most = Payload::LONGEST_MESSAGE.0;
    let is_number = cell.bytes().all(|byte| byte.is_ascii_digit());
    let length: Option<u32> = cell.parse().ok().filter(|length| is_number && u64::from(*length) <= most);
    length.ok_or_else(|| format!("`{}` is no length in bytes from 0 to {most}", excerpt(cell)))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_at(text: &str, scale: &str) -> Result<Arrivals, String> {
        let read = Arrivals::from_reader(text.as_bytes(), scale.parse().unwrap());
        read.map(|(arrivals, _)| arrivals).map_err(|error| error.to_string())
    }

    fn read(text: &str) -> Result<Arrivals, String> {
        read_at(text, "1x")
    }

    #[test]
    fn columns_in_any_order_are_read() {
        let text = "\u{feff}bytes, time ,level\r\n64,1767323045.5,warn\r\n,1767323045.500000001,\n0,1767323047,error";
        let arrivals = read(text).unwrap();
        assert_eq!([0, 1, 2, 3].map(|index| arrivals.due(index)), [Some(0), Some(1), Some(1_500_000_000), None]);
        assert_eq!([0, 1, 2].map(|index| arrivals.level(index)), [Level::Warn, Level::Info, Level::Error]);
        assert_eq!([0, 1, 2].map(|index| arrivals.bytes(index)), [Some(64), None, Some(0)]);
        assert_eq!((arrivals.length(), arrivals.longest()), (Nanos::from_millis(1_501), Some(64)));
        let times = read("time\n3\n3\n").unwrap();
        assert_eq!(
            (times.count(), times.has_levels(), times.longest(), times.length()),
            (2, false, None, Nanos::from_millis(1))
        );
    }

    #[test]
    fn everything_wrong_is_said_with_its_line() {
        for (text, error) in [
            ("", "has no logs"),
            ("time\n", "has no logs"),
            ("when\n0\n", "line 1: `when` is no column; write time, or time,level,bytes"),
            ("level,bytes\n", "line 1: there is no column `time`; write time, or time,level,bytes"),
            ("time,time\n", "line 1: the column `time` stands twice; write time, or time,level,bytes"),
            ("0\n1\n", "line 1: `0` is no column; write time, or time,level,bytes"),
            ("time,level\n0,info\n1\n", "line 3: has 1 cells, not 2"),
            ("time\n0,info\n", "line 2: has 2 cells, not 1"),
            (
                "time,level\n0,loud\n",
                "line 2: `loud` is no level; write trace, debug, info, warn, error, or leave it empty",
            ),
            ("time,bytes\n0,65537\n", "line 2: `65537` is no length in bytes from 0 to 65536"),
            ("time,bytes\n0,+1\n", "line 2: `+1` is no length in bytes from 0 to 65536"),
            ("time\n-1\n", "line 2: `-1` is no time in seconds, such as 0.25"),
            ("time\n1.\n", "line 2: `1.` is no time in seconds, such as 0.25"),
            ("time\n1e3\n", "line 2: `1e3` is no time in seconds, such as 0.25"),
            ("time\n\n", "line 2: `` is no time in seconds, such as 0.25"),
            ("time\n0.0000000001\n", "line 2: `0.0000000001` is finer than a nanosecond"),
            ("time\n18446744074\n", "line 2: `18446744074` is too large"),
            ("time\n1\n0.9\n", "line 3: is earlier than the line before; sort the lines by time"),
            ("time\n0\n86400\n", "takes longer than 24h at 1x"),
        ] {
            assert_eq!(read(text).unwrap_err(), error, "{text:?}");
        }
        assert_eq!(read_at("time\n0\n", "0x").unwrap_err(), "cannot be replayed at 0x");
        assert_eq!(read_at("time\n0\n86400\n", "2x").unwrap().length(), Nanos(43_200_001 * MILLISECOND));
        let binary = Arrivals::from_reader(&b"time\n\xff\n"[..], Multiple::ONE).unwrap_err();
        assert_eq!(binary.to_string(), "line 2: is not UTF-8");
    }

    #[test]
    fn as_much_as_is_read_and_no_more() {
        let line = |length: usize| format!("time\n{:>length$}\n", 0);
        assert!(read(&line(LONGEST_LINE)).is_ok());
        assert_eq!(read(&line(LONGEST_LINE + 1)).unwrap_err(), "line 2: is too long: at most 256 bytes");
        struct Zeros(usize);
        impl Read for Zeros {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let count = out.len().min(self.0);
                (0..count).for_each(|index| out[index] = if (self.0 - index).is_multiple_of(2) { b'0' } else { b'\n' });
                self.0 -= count;
                Ok(count)
            }
        }
        let read =
            |count| Arrivals::from_reader(BufReader::new((&b"time\n"[..]).chain(Zeros(2 * count))), Multiple::ONE);
        assert_eq!(read(MOST_ARRIVALS).unwrap().0.count(), MOST_ARRIVALS);
        assert!(matches!(read(MOST_ARRIVALS + 1), Err(TraceError::TooMany)));
    }

    #[test]
    fn what_is_no_file_is_refused_before_it_is_opened() {
        let place = tempfile::tempdir().unwrap();
        assert!(matches!(Arrivals::read(place.path(), Multiple::ONE), Err(TraceError::NotAFile)));
        let path = place.path().join("a.csv");
        assert!(matches!(Arrivals::read(&path, Multiple::ONE), Err(TraceError::Unreadable(_))));
        let file = File::create(&path).unwrap();
        // A hole: it takes no room on the disk.
        file.set_len(LARGEST_TRACE + 1).unwrap();
        assert!(matches!(Arrivals::read(&path, Multiple::ONE), Err(TraceError::TooLarge)));
    }

    #[test]
    fn the_highest_rate_and_the_busiest_part_are_found() {
        let text = "time,bytes\n0,1\n0.05,2\n0.31,3\n0.32,4\n0.39,5\n0.41,6\n1,7\n";
        let arrivals = read(text).unwrap();
        assert_eq!(arrivals.peak_per_second(), 30.0);
        let busiest = arrivals.busiest(Nanos::from_millis(101));
        assert_eq!((busiest.count(), busiest.bytes(0), busiest.due(3)), (4, Some(3), Some(100_000_000)));
        assert_eq!(arrivals.busiest(Nanos::from_secs(9)), arrivals);
        assert_eq!(read("time\n0\n0\n").unwrap().peak_per_second(), 2_000.0, "over its own length");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Arrivals::from_reader(&text[..], Multiple::ONE);
            let with_header = [&b"time,level,bytes\n"[..], &text[..]].concat();
            let _ = Arrivals::from_reader(&with_header[..], Multiple::ONE);
        }
    }
}
