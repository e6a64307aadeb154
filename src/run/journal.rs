//! The journal of a run: every finished repeat is on disk before the next one starts. So a crash loses only the running
//! repeat.
//!
//! It consists of JSON lines. The first line has the version of the format, the time of its beginning, and the caller's
//! header (scenarios, environment). Every other line is one of three: a [`RepeatRecord`]; a reading of the yardstick,
//! `{"gauge":{…}}`; or a note that a stopped run continues, `{"sitting":{…}}`.
//!
//! Each line begins with the checksum of the rest of it: `{"sum":"…",`. A byte that a disk or an editor changed would
//! otherwise be another number, and nobody would know. Journals of older builds have no checksums.
//!
//! The process that writes a journal holds a lock on it, so two processes cannot continue the same run.

use super::earlier::{Earlier, Order};
use super::errors::{RepeatError, RunError};
use super::lines::LineSplitter;
use super::yardstick::{Moment, Yardstick, YardstickReading};
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::platform;
use crate::untrusted::Untrusted;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Version of the journal's format; another is not read.
pub const JOURNAL_VERSION: u32 = 1;

/// Longest line that is read back, in bytes.
const LINE_BYTES: usize = 64 * 1024 * 1024;

/// What stands before the checksum of a line, and behind it.
const AROUND_SUM: (&str, &str) = ("{\"sum\":\"", "\",");

/// Length of a checksum in hexadecimal digits: the first 64 bits of a SHA-256.
const SUM_DIGITS: usize = 16;

/// A repeat and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatRecord {
    /// What was run.
    pub repeat: PlannedRepeat,
    /// What came of it.
    pub outcome: RepeatOutcome,
}

/// What came of a repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RepeatOutcome {
    /// A valid measurement.
    Measured(Box<Measurement>),
    /// A measurement that cannot be trusted.
    SetAside {
        /// The measurement.
        measurement: Box<Measurement>,
        /// Why it cannot be trusted; never empty.
        reasons: Vec<Untrusted>,
        /// The code of each reason, in the same order; empty in journals that are older than it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reason_codes: Vec<Untrusted>,
    },
    /// No measurement.
    Error(RepeatError),
}

/// A reading of the yardstick.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaugeRecord {
    /// Which confirmation it is part of; 0: the plan itself.
    pub round: u32,
    /// When it was read.
    pub moment: Moment,
    /// What was read.
    pub reading: YardstickReading,
}

/// A run that had stopped goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SittingRecord {
    /// When, RFC 3339.
    pub began_at: String,
}

/// A line after the first, as read: a repeat, a reading or the beginning of a sitting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sum: Option<IgnoredAny>,
    repeat: Option<PlannedRepeat>,
    outcome: Option<RepeatOutcome>,
    gauge: Option<GaugeRecord>,
    sitting: Option<SittingRecord>,
}

#[derive(Serialize)]
struct SittingLine<'a> {
    sitting: &'a SittingRecord,
}

#[derive(Serialize)]
struct GaugeLine<'a> {
    gauge: &'a GaugeRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(default, skip_serializing)]
    sum: Option<IgnoredAny>,
    journal: u32,
    created_at: String,
    header: serde_json::Value,
}

/// An open journal. Dropping it leaves the file; [`finish`](Self::finish) removes it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Length up to which everything is whole and on disk.
    length: u64,
    /// Whether it holds a repeat.
    has_repeats: bool,
    is_resumed: bool,
    /// Whether every finished repeat was written.
    is_whole: bool,
    /// What earlier sittings finished, except what [`Self::finished`] has given out.
    earlier: Earlier,
}

impl Journal {
    /// Begins a journal with `header` in front. `created_at` is the time now, RFC 3339.
    ///
    /// # Errors
    /// [`RunError::JournalExists`] when `path` is taken; [`RunError::JournalIo`] when it cannot be written.
    pub fn create(path: &Path, created_at: &str, header: serde_json::Value) -> Result<Self, RunError> {
        let create = |source: io::Error| match source.kind() {
            ErrorKind::AlreadyExists => RunError::JournalExists { path: path.to_owned() },
            _ => failed(path, "create")(source),
        };
        let file = OpenOptions::new().append(true).create_new(true).open(path).map_err(create)?;
        lock(path, &file)?;
        let mut journal = Self::of(path, file, 0, Earlier::default());
        let header = Header { sum: None, journal: JOURNAL_VERSION, created_at: created_at.to_owned(), header };
        journal.write_line(&header)?;
        sync_directory(path).map_err(failed(path, "create"))?;
        Ok(journal)
    }

    /// Opens the journal of a run that was stopped, and changes nothing yet: see [`Journal::go_on`]. The records of the
    /// contents are moved into the journal: see [`Journal::earlier`].
    ///
    /// # Errors
    /// As [`Journal::read`], and [`RunError::JournalInUse`] if another process writes it.
    pub fn reopen(path: &Path) -> Result<(Self, JournalContents), RunError> {
        let file = OpenOptions::new().append(true).read(true).open(path).map_err(failed(path, "open"))?;
        lock(path, &file)?;
        let mut contents = Self::read(path)?;
        let length = file.metadata().map_err(failed(path, "read"))?.len();
        let whole = length - contents.torn.map_or(0, |torn| torn.bytes);
        let has_repeats = !contents.records.is_empty();
        let earlier = Earlier::new(std::mem::take(&mut contents.records), contents.gauges.clone());
        let mut journal = Self::of(path, file, whole, earlier);
        journal.has_repeats = has_repeats;
        Ok((journal, contents))
    }

    /// Begins another sitting. A last line that was cut short is cut off. `began_at` is the time now, RFC 3339.
    ///
    /// # Errors
    /// [`RunError::JournalIo`].
    pub fn go_on(&mut self, began_at: &str) -> Result<(), RunError> {
        self.file.set_len(self.length).map_err(failed(&self.path, "cut"))?;
        self.is_resumed = true;
        self.write_line(&SittingLine { sitting: &SittingRecord { began_at: began_at.to_owned() } })
    }

    fn of(path: &Path, file: File, length: u64, earlier: Earlier) -> Self {
        Self { path: path.to_owned(), file, length, has_repeats: false, is_resumed: false, is_whole: true, earlier }
    }

    /// The attempts at a repeat that earlier sittings finished, in order. They are given out once.
    pub(super) fn finished(&mut self, repeat: &PlannedRepeat) -> Vec<RepeatRecord> {
        self.earlier.take(repeat)
    }

    /// The readings of the yardstick in earlier sittings.
    pub(super) fn yardstick(&self, round: u32) -> Yardstick {
        self.earlier.yardstick(round)
    }

    /// What earlier sittings finished.
    pub fn earlier(&self) -> impl Iterator<Item = &PlannedRepeat> {
        self.earlier.repeats()
    }

    /// Whether it holds a finished repeat.
    #[must_use]
    pub fn has_repeats(&self) -> bool {
        self.has_repeats
    }

    /// Whether this is not its first sitting.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Whether every finished repeat is in it; false if one could not be written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a finished repeat; it is on disk when this returns.
    ///
    /// # Errors
    /// [`RunError::JournalIo`]; the journal then ends with the record before.
    pub fn append(&mut self, record: &RepeatRecord) -> Result<(), RunError> {
        self.write_line(record)?;
        self.has_repeats = true;
        Ok(())
    }

    /// Adds a reading of the yardstick; it is on disk when this returns.
    ///
    /// # Errors
    /// [`RunError::JournalIo`]; the journal then ends with the record before.
    pub fn append_gauge(&mut self, record: &GaugeRecord) -> Result<(), RunError> {
        self.write_line(&GaugeLine { gauge: record })
    }

    /// Removes the journal: the report is safe.
    ///
    /// # Errors
    /// [`RunError::JournalIo`].
    pub fn finish(self) -> Result<(), RunError> {
        std::fs::remove_file(&self.path).map_err(failed(&self.path, "remove"))
    }

    /// Reads a journal back.
    ///
    /// # Errors
    /// [`RunError::JournalIo`], or [`RunError::JournalFormat`] for any line that is not what it should be; a last line
    /// that was cut short is not an error but reported in [`JournalContents::torn`].
    pub fn read(path: &Path) -> Result<JournalContents, RunError> {
        Self::read_from(path, File::open(path).map_err(failed(path, "read"))?)
    }

    fn read_from(path: &Path, mut input: impl Read) -> Result<JournalContents, RunError> {
        let mut reading = Reading::of(path);
        let mut lines = LineSplitter::new(LINE_BYTES);
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let count = match input.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result.map_err(failed(path, "read"))?,
            };
            if count == 0 {
                return reading.finish(lines.rest());
            }
            lines.feed(&chunk[..count]);
            while let Some(line) = lines.next_line().map_err(|_| reading.bad("the line is too long"))? {
                reading.take(line)?;
            }
        }
    }

    /// One write and one sync; a line that cannot be written whole is taken back.
    fn write_line(&mut self, value: &impl Serialize) -> Result<(), RunError> {
        let mut write = || -> io::Result<u64> {
            let line = with_sum(&serde_json::to_vec(value)?);
            self.file.write_all(&line)?;
            self.file.sync_data()?;
            Ok(line.len() as u64)
        };
        match write() {
            Ok(written) => {
                self.length += written;
                Ok(())
            }
            Err(source) => {
                self.is_whole = false;
                // What cannot be taken back is a torn line, which a reader tolerates.
                let _ = self.file.set_len(self.length);
                Err(failed(&self.path, "write")(source))
            }
        }
    }
}

impl Drop for Journal {
    /// Gives the lock back. Closing the file is not enough: a child that was forked a moment ago has the file open, and so the
    /// lock, until it executes its program.
    fn drop(&mut self) {
        // What cannot be unlocked was not locked, or is when the process ends.
        let _ = self.file.unlock();
    }
}

/// What a journal holds.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalContents {
    /// When it was begun, RFC 3339.
    pub created_at: String,
    /// What the caller put in front.
    pub header: serde_json::Value,
    /// The finished repeats in the order in which they ran.
    pub records: Vec<RepeatRecord>,
    /// The readings of the yardstick, likewise.
    pub gauges: Vec<GaugeRecord>,
    /// When the run went on after it had stopped, each with the number of records before it.
    pub sittings: Vec<(SittingRecord, usize)>,
    /// The last line, where it was cut short; it counts for nothing.
    pub torn: Option<Torn>,
}

/// A last line that was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Which line, from 1.
    pub line: u64,
    /// How much there is of it.
    pub bytes: u64,
}

struct Reading<'a> {
    path: &'a Path,
    line: u64,
    header: Option<Header>,
    records: Vec<RepeatRecord>,
    gauges: Vec<GaugeRecord>,
    sittings: Vec<(SittingRecord, usize)>,
    order: Order,
    /// Whether a line with a checksum was read: all after it have one.
    has_sums: bool,
}

impl<'a> Reading<'a> {
    fn of(path: &'a Path) -> Self {
        let (records, gauges, sittings) = (Vec::new(), Vec::new(), Vec::new());
        Self { path, line: 0, header: None, records, gauges, sittings, order: Order::default(), has_sums: false }
    }

    fn take(&mut self, text: &[u8]) -> Result<(), RunError> {
        self.line += 1;
        if self.header.is_some() {
            let line: Line = serde_json::from_slice(text).map_err(|error| self.not(error, "the record of a repeat"))?;
            self.check_sum(text, line.sum.is_some())?;
            match line {
                Line { repeat: Some(repeat), outcome: Some(outcome), gauge: None, sitting: None, .. } => {
                    let record = RepeatRecord { repeat, outcome };
                    self.order.check(&record).map_err(|problem| self.bad(problem))?;
                    self.records.push(record);
                }
                Line { repeat: None, outcome: None, gauge: Some(gauge), sitting: None, .. } => self.gauges.push(gauge),
                Line { repeat: None, outcome: None, gauge: None, sitting: Some(sitting), .. } => {
                    self.sittings.push((sitting, self.records.len()));
                }
                _ => return Err(self.bad("neither the record of a repeat nor a reading of the yardstick")),
            }
            return Ok(());
        }
        let header: Header = serde_json::from_slice(text).map_err(|error| self.not(error, "the head of a journal"))?;
        if header.journal != JOURNAL_VERSION {
            let version = header.journal;
            return Err(self.bad(format!("journal version {version}; this program reads {JOURNAL_VERSION}")));
        }
        self.check_sum(text, header.sum.is_some())?;
        self.header = Some(header);
        Ok(())
    }

    /// Compares a line with its checksum. `is_said`: whether it says to have one.
    fn check_sum(&mut self, text: &[u8], is_said: bool) -> Result<(), RunError> {
        match summed(text) {
            Some((sum, rest)) if sum == sum_of(rest).as_bytes() => self.has_sums = true,
            None if !is_said && !self.has_sums => {}
            Some(_) => return Err(self.bad("the line was changed: it does not match its checksum")),
            None => return Err(self.bad("the line was changed: its checksum is missing")),
        }
        Ok(())
    }

    fn finish(mut self, rest: &[u8]) -> Result<JournalContents, RunError> {
        let torn = (!rest.is_empty()).then_some(Torn { line: self.line + 1, bytes: rest.len() as u64 });
        let Some(header) = self.header.take() else {
            self.line += 1;
            return Err(self.bad("the journal has no head"));
        };
        let (records, gauges, sittings) = (self.records, self.gauges, self.sittings);
        Ok(JournalContents { created_at: header.created_at, header: header.header, records, gauges, sittings, torn })
    }

    fn not(&self, error: serde_json::Error, what: &str) -> RunError {
        self.bad(format!("not {what}: {}", super::errors::excerpt(error.to_string().as_bytes())))
    }

    fn bad(&self, problem: impl Into<String>) -> RunError {
        RunError::JournalFormat { path: self.path.to_owned(), line: self.line, problem: problem.into() }
    }
}

/// An object as a line: with the checksum of all that stands behind it.
fn with_sum(object: &[u8]) -> Vec<u8> {
    let rest = object.strip_prefix(b"{").unwrap_or(object);
    let mut line = format!("{}{}{}", AROUND_SUM.0, sum_of(rest), AROUND_SUM.1).into_bytes();
    line.extend_from_slice(rest);
    line.push(b'\n');
    line
}

/// The checksum that a line says, and what it is of; `None` of a line without one.
fn summed(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sum, rest) = line.strip_prefix(AROUND_SUM.0.as_bytes())?.split_at_checked(SUM_DIGITS)?;
    Some((sum, rest.strip_prefix(AROUND_SUM.1.as_bytes())?))
}

fn sum_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(SUM_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// Takes the lock; it goes with the process. A file system without locks is none the worse for it.
fn lock(path: &Path, file: &File) -> Result<(), RunError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(RunError::JournalInUse { path: path.to_owned() }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn failed<'a>(path: &'a Path, action: &'static str) -> impl Fn(io::Error) -> RunError + 'a {
    move |source| RunError::JournalIo { path: path.to_owned(), action, source }
}

/// Makes a new file's name durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    platform::sync_directory(directory.unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use super::super::errors::Fault;
    use super::super::fixture;
    use super::*;
    use serde_json::json;

    impl Journal {
        /// Its file as a forked child has it.
        pub(in super::super) fn inherited(&self) -> File {
            self.file.try_clone().expect("a duplicate")
        }
    }

    #[cfg(target_os = "linux")]
    impl Journal {
        /// One whose disk is full.
        pub(in super::super) fn full() -> Self {
            let file = OpenOptions::new().append(true).open("/dev/full").expect("there");
            Self::of(Path::new("full"), file, 0, Earlier::default())
        }
    }

    fn record(case: usize, outcome: RepeatOutcome) -> RepeatRecord {
        RepeatRecord { repeat: fixture::planned(case, 0), outcome }
    }

    fn records() -> [RepeatRecord; 3] {
        let mut odd = fixture::measurement();
        odd.latency.enqueue.sum_ns = u128::MAX;
        odd.rates.accepted_per_s = 0.1 + 0.2;
        [
            record(0, RepeatOutcome::Measured(Box::new(odd))),
            record(
                1,
                RepeatOutcome::SetAside {
                    measurement: Box::new(fixture::measurement()),
                    reasons: vec!["steal 7 %".into()],
                    reason_codes: vec!["stolen_cpu".into()],
                },
            ),
            record(2, RepeatOutcome::Error(Fault::TimedOut { deadline_ns: 5 }.alone())),
        ]
    }

    /// The lines of a journal as older builds wrote them: without checksums.
    fn without_sums(text: &str) -> String {
        let digits = AROUND_SUM.0.len() + SUM_DIGITS + AROUND_SUM.1.len();
        text.lines().map(|line| format!("{{{}\n", &line[digits..])).collect()
    }

    /// A journal of [`records`] in a fresh directory.
    fn written() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("run.journal");
        let mut journal = Journal::create(&path, "2026-01-01T00:00:00Z", json!({"scenarios": []})).expect("created");
        for record in &records() {
            journal.append(record).expect("appended");
        }
        (dir, path)
    }

    #[test]
    fn reads_back_what_was_written() {
        let (_dir, path) = written();
        let contents = Journal::read(&path).expect("readable");
        assert_eq!(contents.records, records());
        assert_eq!(contents.header, json!({"scenarios": []}));
        assert_eq!(contents.created_at, "2026-01-01T00:00:00Z");
        assert_eq!(contents.torn, None);
    }

    #[test]
    fn readings_stand_between_the_repeats() {
        let (_dir, path) = written();
        let reading = YardstickReading { spin_ns: Some(19_392.5), ping_pong_ns: None };
        let gauges = [
            GaugeRecord { round: 0, moment: Moment::Middle, reading },
            GaugeRecord { round: 2, moment: Moment::End, reading: YardstickReading::default() },
        ];
        let file = OpenOptions::new().append(true).open(&path).expect("there");
        let length = file.metadata().expect("there").len();
        let mut journal = Journal::of(&path, file, length, Earlier::default());
        for gauge in &gauges {
            journal.append_gauge(gauge).expect("appended");
        }
        let contents = Journal::read(&path).expect("readable");
        assert_eq!(contents.gauges, gauges);
        assert_eq!(contents.records, records());
        let text = without_sums(&std::fs::read_to_string(&path).expect("readable"));
        std::fs::write(&path, text.replace("{\"gauge\"", "{\"repeat\":null,\"gauge\"")).expect("writable");
        assert_eq!(Journal::read(&path).expect("null is nothing").gauges, gauges);
        std::fs::write(&path, text.replace(text.lines().last().expect("lines"), "{}")).expect("writable");
        let error = Journal::read(&path).expect_err("an empty line says nothing").to_string();
        assert!(error.contains("neither the record"), "{error}");
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_said_so_wherever_it_is_torn() {
        let (_dir, path) = written();
        let whole = std::fs::read(&path).expect("readable");
        let last = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').expect("lines") + 1;
        for length in last + 1..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("writable");
            let contents = Journal::read(&path).expect("tolerated");
            assert_eq!(contents.records, records()[..2]);
            assert_eq!(contents.torn, Some(Torn { line: 4, bytes: (length - last) as u64 }));
        }
        std::fs::write(&path, &whole[..last]).expect("writable");
        assert_eq!(Journal::read(&path).expect("whole").torn, None);
    }

    #[test]
    fn a_bad_line_before_the_last_is_refused_with_its_place() {
        let (_dir, path) = written();
        let text = std::fs::read_to_string(&path).expect("readable");
        let broken = text.replacen("\"outcome\":{\"set_aside\"", "\"outcome\":{\"set_asid\"", 1);
        assert_ne!(text, broken);
        for (text, line) in
            [(broken, 3), (text.clone() + "\n", 5), (text.replacen("\"journal\":1", "\"journal\":2", 1), 1)]
        {
            std::fs::write(&path, text).expect("writable");
            match Journal::read(&path) {
                Err(RunError::JournalFormat { line: at, .. }) => assert_eq!(at, line),
                other => panic!("line {line} not refused: {other:?}"),
            }
        }
    }

    /// The bytes of a journal with a line of each kind, and what it holds.
    fn one_of_each_kind() -> (Vec<u8>, JournalContents) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("j");
        let error = |case| record(case, RepeatOutcome::Error(Fault::TimedOut { deadline_ns: 5 }.alone()));
        let reading = YardstickReading { spin_ns: Some(19_392.5), ping_pong_ns: None };
        let mut journal = Journal::create(&path, "2026-01-01T00:00:00Z", json!({"a": 1})).expect("created");
        journal.append(&error(0)).expect("appended");
        journal.append_gauge(&GaugeRecord { round: 0, moment: Moment::Middle, reading }).expect("appended");
        journal.go_on("2026-01-02T00:00:00Z").expect("appended");
        journal.append(&error(1)).expect("appended");
        (std::fs::read(&path).expect("readable"), Journal::read(&path).expect("whole"))
    }

    #[test]
    fn no_byte_can_be_changed_without_being_found_at_its_line() {
        let (whole, undamaged) = one_of_each_kind();
        let mut line = 1;
        for at in 0..whole.len() {
            for other in [whole[at] ^ 1, whole[at] ^ 0x20, b'\n', b' ', b'7', 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = other;
                match Journal::read_from(Path::new("j"), bytes.as_slice()) {
                    Err(RunError::JournalFormat { line: found, .. }) => assert_eq!(found, line, "byte {at}: {other}"),
                    Ok(contents) if other == whole[at] => assert_eq!(contents, undamaged),
                    // Without its end the last line counts for nothing, and that is said.
                    Ok(contents) => {
                        assert_eq!((at, contents.torn.map(|torn| torn.line)), (whole.len() - 1, Some(line)), "{other}");
                        assert_eq!(contents.records, undamaged.records[..1]);
                    }
                    other => panic!("byte {at}: {other:?}"),
                }
            }
            line += u64::from(whole[at] == b'\n');
        }
        assert_eq!(line, 6, "all lines were tried");
    }

    #[test]
    fn a_journal_of_an_older_build_needs_no_checksums_but_one_that_has_them_needs_all() {
        let (whole, contents) = one_of_each_kind();
        let whole = String::from_utf8(whole).expect("text");
        let read = |text: &str| Journal::read_from(Path::new("j"), text.as_bytes());
        let older = without_sums(&whole);
        assert_eq!(read(&older).expect("read as before"), contents);
        let lines = |text: &str| text.lines().map(|line| line.to_owned() + "\n").collect::<Vec<_>>();
        let (with, without) = (lines(&whole), lines(&older));
        // Begun by an older build, gone on with by this one.
        assert_eq!(read(&[&without[..2], &with[2..]].concat().concat()).expect("read"), contents);
        for (at, sum) in [(3, "\"sum\":\"0123\","), (3, "\"sum\":7,"), (3, "")] {
            let mut lines = with.clone();
            lines[at] = without[at].replacen('{', &format!("{{{sum}"), 1);
            match read(&lines.concat()) {
                Err(RunError::JournalFormat { line, problem, .. }) => {
                    assert_eq!((line, problem.as_str()), (4, "the line was changed: its checksum is missing"));
                }
                other => panic!("{sum}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_journal_without_a_head_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        for text in ["", "{\"journal\":1"] {
            let path = dir.path().join("j");
            std::fs::write(&path, text).expect("writable");
            assert!(matches!(Journal::read(&path), Err(RunError::JournalFormat { line: 1, .. })), "{text:?}");
        }
    }

    #[test]
    fn an_earlier_journal_is_not_overwritten() {
        let (_dir, path) = written();
        let before = std::fs::read(&path).expect("readable");
        let error = Journal::create(&path, "now", json!(null)).expect_err("taken");
        assert!(matches!(error, RunError::JournalExists { .. }), "{error}");
        assert_eq!(std::fs::read(&path).expect("readable"), before);
    }

    #[test]
    fn finish_removes_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("j");
        let journal = Journal::create(&path, "now", json!(null)).expect("created");
        assert!(path.exists());
        journal.finish().expect("removed");
        assert!(!path.exists());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let error = Journal::full().append(&records()[2]).expect_err("no room");
        assert!(error.to_string().starts_with("full: cannot write the journal: "), "{error}");
    }
}
