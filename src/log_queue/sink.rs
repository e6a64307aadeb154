//! Where records go.

use super::line::Format;
use super::slot::RecordRef;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a queue's worker delivers its records. All calls come from that one thread.
///
/// Any closure `FnMut(&RecordRef<'_>) -> io::Result<()>` is a sink that does not buffer.
///
/// A sink must not wait for room in the queue that it serves: only it could make that room.
pub trait Sink: Send {
    /// Takes one record.
    ///
    /// # Errors
    ///
    /// The record was not delivered and never will be. It is counted as a sink error, also if this call panics. The
    /// worker continues with the next record.
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()>;

    /// Called at the end of each batch.
    ///
    /// # Errors
    ///
    /// Everything that was buffered since the last flush was not delivered and never will be.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whether a record that `write` took counts as delivered only after the next `flush` has returned Ok. The queue
    /// asks once, when it starts. A sink that delivers inside `write` returns false; its records are then counted one
    /// by one instead of by the batch.
    fn buffers(&self) -> bool {
        true
    }
}

impl<F: FnMut(&RecordRef<'_>) -> io::Result<()> + Send> Sink for F {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        self(record)
    }

    fn buffers(&self) -> bool {
        false
    }
}

impl Sink for Box<dyn Sink> {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        (**self).write(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        (**self).flush()
    }

    fn buffers(&self) -> bool {
        (**self).buffers()
    }
}

/// Accepts every record and does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

impl Sink for NullSink {
    fn write(&mut self, _: &RecordRef<'_>) -> io::Result<()> {
        Ok(())
    }

    fn buffers(&self) -> bool {
        false
    }
}

/// Counts the records that it gets; clones share the count.
#[derive(Clone, Debug, Default)]
pub struct TallySink {
    count: Arc<AtomicU64>,
}

impl TallySink {
    /// A sink that has counted nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The records taken so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}

impl Sink for TallySink {
    fn write(&mut self, _: &RecordRef<'_>) -> io::Result<()> {
        self.count.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn buffers(&self) -> bool {
        false
    }
}

/// Writes lines to a file, a batch at a time; JSON, unless it is made [`Self::with_format`].
///
/// If a batch cannot be written completely, all of it is counted as sink errors, although some of its lines may be in
/// the file. The next batch starts on a new line.
#[derive(Debug)]
pub struct FileSink {
    lines: LineBuffer<File>,
}

impl FileSink {
    /// Creates an empty file, replacing an existing one.
    ///
    /// # Errors
    ///
    /// The file cannot be created.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        File::create(path).map(Self::from)
    }

    /// Appends to a file, which is created if it does not exist. If it ends within a line, as after a crash, the first record
    /// starts on a new one.
    ///
    /// # Errors
    ///
    /// The file cannot be opened for writing.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let mut sink = OpenOptions::new().create(true).append(true).open(path).map(Self::from)?;
        // A file that cannot be read may be written.
        sink.lines.torn = ends_within_a_line(path).unwrap_or(false);
        Ok(sink)
    }

    /// The sink with lines of this format.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.lines.format = format;
        self
    }
}

fn ends_within_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl From<File> for FileSink {
    fn from(file: File) -> Self {
        Self { lines: LineBuffer::new(file) }
    }
}

impl Sink for FileSink {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        self.lines.push(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

/// Writes lines to standard output, a batch at a time; JSON, unless it is made [`Self::with_format`]. It counts errors as
/// [`FileSink`] does.
#[derive(Debug)]
pub struct StdoutSink {
    lines: LineBuffer<io::Stdout>,
}

impl StdoutSink {
    /// A sink on this process's standard output.
    #[must_use]
    pub fn new() -> Self {
        Self { lines: LineBuffer::new(io::stdout()) }
    }

    /// The sink with lines of this format.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.lines.format = format;
        self
    }
}

impl Default for StdoutSink {
    fn default() -> Self {
        Self::new()
    }
}

impl Sink for StdoutSink {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        self.lines.push(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

/// A batch of lines in memory, which is written as a whole or discarded. A `BufWriter` would keep what it failed to
/// write, and would later deliver records that have been counted as errors.
#[derive(Debug)]
struct LineBuffer<W> {
    out: W,
    format: Format,
    lines: Vec<u8>,
    /// The last write broke off, perhaps within a line.
    torn: bool,
}

impl<W: Write> LineBuffer<W> {
    fn new(out: W) -> Self {
        Self { out, format: Format::default(), lines: Vec::new(), torn: false }
    }

    fn push(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        if self.lines.is_empty() && self.torn {
            self.lines.push(b'\n');
        }
        self.format.push(record, &mut self.lines);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(&self.lines).and_then(|()| self.out.flush());
        self.lines.clear();
        self.torn = written.is_err();
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_queue::{Level, Record};

    fn write(sink: &mut impl Sink, message: &str) {
        Record::new(Level::Info, message).read(|record| sink.write(record)).expect("buffered");
    }

    fn push<W: Write>(lines: &mut LineBuffer<W>, message: &str) {
        Record::new(Level::Info, message).read(|record| lines.push(record)).expect("buffered");
    }

    /// Takes `room` bytes, then fails; more room can be given.
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.bytes.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_file_holds_one_line_per_record() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("log.jsonl");
        for (mut sink, messages) in [
            (FileSink::create(&path).expect("created"), ["a", "b"]),
            (FileSink::append(&path).expect("opened"), ["c", "d\n"]),
        ] {
            for message in messages {
                write(&mut sink, message);
            }
            sink.flush().expect("written");
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        let messages: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("valid JSON"))
            .map(|line| line["message"].as_str().expect("a message").to_owned())
            .collect();
        assert_eq!(messages, ["a", "b", "c", "d\n"]);
    }

    #[test]
    fn a_file_has_the_lines_of_its_format() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("service.log");
        let mut sink = FileSink::create(&path).expect("created").with_format(Format::Text);
        write(&mut sink, "two\nlines");
        write(&mut sink, "one line");
        sink.flush().expect("written");
        let text = std::fs::read_to_string(&path).expect("readable");
        let ends: Vec<&str> = text.lines().map(|line| line.split_once("Z INFO  ").expect("a line").1).collect();
        assert_eq!(ends, [r#""two\nlines""#, "one line"]);
    }

    #[test]
    fn nothing_goes_out_before_the_flush() {
        let mut lines = LineBuffer::new(Vec::new());
        push(&mut lines, "a");
        assert!(lines.out.is_empty());
        lines.flush().expect("written");
        assert!(lines.out.ends_with(b"}\n"));
    }

    #[test]
    fn a_failed_batch_is_discarded_and_the_next_starts_on_its_own_line() {
        let mut lines = LineBuffer::new(Disk { bytes: Vec::new(), room: 5 });
        push(&mut lines, "lost");
        assert!(lines.flush().is_err());
        lines.out.room = usize::MAX;
        push(&mut lines, "kept");
        lines.flush().expect("written");
        let text = String::from_utf8(lines.out.bytes).expect("UTF-8");
        let (torn, rest) = text.split_once('\n').expect("two lines");
        assert_eq!(torn, "{\"tim");
        assert!(rest.contains("kept") && !rest.contains("lost"), "{rest}");
        serde_json::from_str::<serde_json::Value>(rest).expect("valid JSON");
    }

    #[test]
    fn a_file_that_ends_within_a_line_is_continued_on_a_new_one() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("log.jsonl");
        for (before, lines) in [("", 1), ("{}\n", 2), ("{\"tim", 2), ("\n", 2)] {
            std::fs::write(&path, before).expect("written");
            let mut sink = FileSink::append(&path).expect("opened");
            write(&mut sink, "next");
            sink.flush().expect("written");
            let text = std::fs::read_to_string(&path).expect("a file");
            assert_eq!(text.lines().count(), lines, "{before:?}: {text}");
            serde_json::from_str::<serde_json::Value>(text.lines().last().expect("a line")).expect("whole");
        }
    }
}
