//! The file of a history: JSON lines, to which runs only append.
//!
//! A writer holds a lock while it appends, writes all of its lines at once and syncs the file, so two writers never mix.
//! A line that a crash cut short is the last one, and has no line feed; the next writer removes it, and both it and a
//! reader say so. Any other damage is an error that names the line.

use super::entry::{Entry, VERSION};
use crate::platform;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes: about a million lines.
pub const MAX_HISTORY_BYTES: u64 = 1 << 30;

/// Longest line, in bytes.
const LINE_BYTES: u64 = 1 << 20;

/// Name of the file in a directory.
const FILE: &str = "history.jsonl";

/// Why a history cannot be read or written. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The file is larger than is read.
    #[error("{}: longer than {limit} bytes; begin a new history", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// A line is not one of a history.
    #[error("{}:{line}: {fault}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: u64,
        /// What is wrong.
        fault: String,
    },
}

impl HistoryError {
    /// Whether the user named a file that is no history, or that cannot be used.
    #[must_use]
    pub fn is_of_input(&self) -> bool {
        match self {
            Self::Io { action, .. } => [OPEN, DIRECTORY].contains(action),
            Self::TooLarge { .. } | Self::Line { .. } => true,
        }
    }
}

/// What is tried first.
const OPEN: &str = "open it";
const DIRECTORY: &str = "write to its directory";

fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> HistoryError {
    let path = path.to_owned();
    move |source| HistoryError::Io { path, action, source }
}

/// The file of a history: the path itself, or `history.jsonl` in it if it is a directory or has no ending.
#[must_use]
pub fn file_of(path: &Path) -> PathBuf {
    match path.is_dir() || (path.extension().is_none() && !path.is_file()) {
        true => path.join(FILE),
        false => path.to_owned(),
    }
}

/// What was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The file.
    pub path: PathBuf,
    /// How many lines.
    pub lines: usize,
    /// Whether the last line of an earlier writer was cut short, and was removed.
    pub removed_torn_line: bool,
}

/// Creates the directory of a history, and checks that it can be written to. Returns the file.
///
/// # Errors
/// It cannot.
pub fn prepare(path: &Path) -> Result<PathBuf, HistoryError> {
    let path = file_of(path);
    let directory = directory_of(&path);
    fs::create_dir_all(directory).and_then(|()| platform::may_write_in(directory)).map_err(io(&path, DIRECTORY))?;
    Ok(path)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Appends lines, and returns when they would survive a loss of power. Creates the file and its directory if necessary.
/// Waits for another writer.
///
/// # Errors
/// The file system refuses.
pub fn append(path: &Path, entries: &[Entry]) -> Result<Appended, HistoryError> {
    let path = prepare(path)?;
    let is_new = !path.exists();
    let file = &mut OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(io(&path, OPEN))?;
    file.lock().map_err(io(&path, "lock it"))?;
    let removed_torn_line = remove_torn_line(file).map_err(io(&path, "look at its last line"))?;
    let mut bytes = Vec::new();
    for entry in entries {
        let line = serde_json::to_vec(entry);
        bytes.extend(line.map_err(|error| io(&path, "write a line")(error.into()))?);
        bytes.push(b'\n');
    }
    let before = file.metadata().map_err(io(&path, "look at its length"))?.len();
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|source| {
        // Some lines of a run would pass for a run of fewer cases.
        let _ = file.set_len(before);
        io(&path, "append to it")(source)
    })?;
    if is_new {
        platform::sync_directory(directory_of(&path)).map_err(io(&path, "sync its directory"))?;
    }
    // The lock ends with the file.
    Ok(Appended { path, lines: entries.len(), removed_torn_line })
}

/// Removes what stands behind the last line feed.
fn remove_torn_line(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let mut whole = length;
    let mut chunk = [0_u8; 4096];
    while whole > 0 {
        let from = whole.saturating_sub(chunk.len() as u64);
        let part = &mut chunk[..usize::try_from(whole - from).unwrap_or(0)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(part)?;
        if let Some(last) = part.iter().rposition(|byte| *byte == b'\n') {
            whole = from + last as u64 + 1;
            break;
        }
        whole = from;
    }
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(whole < length)
}

/// A history as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// Its lines.
    pub entries: Vec<Entry>,
    /// Number of the last line, if it was cut short and left out.
    pub torn_line: Option<u64>,
}

/// Reads a history. A last line without a line feed is one that a crash cut short, or that is being written.
///
/// # Errors
/// It cannot be read, is too large, or a line is not one of a history.
pub fn read(path: &Path) -> Result<Read, HistoryError> {
    let path = file_of(path);
    let file = File::open(&path).map_err(io(&path, OPEN))?;
    let mut reader = BufReader::new(file.take(MAX_HISTORY_BYTES + 1));
    let (mut entries, mut line, mut number, mut total) = (Vec::new(), Vec::new(), 0_u64, 0_u64);
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES + 1).read_until(b'\n', &mut line);
        let read = read.map_err(io(&path, "read it"))? as u64;
        if read == 0 {
            return Ok(Read { entries, torn_line: None });
        }
        (number, total) = (number + 1, total + read);
        let fault = |fault: String| HistoryError::Line { path: path.clone(), line: number, fault };
        if total > MAX_HISTORY_BYTES {
            return Err(HistoryError::TooLarge { path, limit: MAX_HISTORY_BYTES });
        }
        if read > LINE_BYTES {
            return Err(fault(format!("longer than {LINE_BYTES} bytes")));
        }
        if line.last() != Some(&b'\n') {
            return Ok(Read { entries, torn_line: Some(number) });
        }
        // Files that were joined by hand have empty lines.
        if !line.trim_ascii().is_empty() {
            entries.push(entry(&line).map_err(fault)?);
        }
    }
}

fn entry(line: &[u8]) -> Result<Entry, String> {
    let entry: Entry = serde_json::from_slice(line).map_err(|error| format!("not a line of a history: {error}"))?;
    match entry.version {
        VERSION => Ok(entry),
        other => Err(format!("its version is {other}, and this build reads {VERSION}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entries;
    use super::*;
    use crate::report::fixture;

    fn lines() -> Vec<Entry> {
        entries(&fixture::report(), "abc")
    }

    #[test]
    fn what_is_appended_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("new/history");
        let appended = append(&place, &lines()).unwrap();
        assert_eq!(appended.path, place.join("history.jsonl"));
        append(&appended.path, &lines()).unwrap();
        let read_back = read(&place).unwrap();
        assert_eq!(read_back, Read { entries: [lines(), lines()].concat(), torn_line: None });
        assert_eq!(read_back.entries[0].metrics.len(), compare_metrics());
        assert_eq!(read_back.entries[2].queue_version, None, "no repeat of it was valid");
    }

    /// How many metrics the first case of the fixture has.
    fn compare_metrics() -> usize {
        crate::compare::medians(&fixture::report().cases[0]).count()
    }

    #[test]
    fn a_file_is_one_by_its_ending_or_since_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("plain"), "").unwrap();
        for (given, expected) in
            [("", "history.jsonl"), ("h", "h/history.jsonl"), ("h.jsonl", "h.jsonl"), ("plain", "plain")]
        {
            assert_eq!(file_of(&at(given)), at(expected), "{given}");
        }
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_the_next_writer_removes_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("h.jsonl");
        append(&path, &lines()).unwrap();
        let whole = fs::read(&path).unwrap();
        let (two, last) = whole.split_at(whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1);
        for cut in [1, last.len() / 2, last.len() - 1] {
            fs::write(&path, [two, &last[..cut]].concat()).unwrap();
            assert_eq!(read(&path).unwrap(), Read { entries: lines()[..2].to_vec(), torn_line: Some(3) });
            assert!(append(&path, &lines()[2..]).unwrap().removed_torn_line);
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
        // Nothing but a torn line, longer than a block.
        fs::write(&path, vec![b'x'; 10_000]).unwrap();
        assert!(append(&path, &lines()).unwrap().removed_torn_line);
        assert_eq!(fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn damage_is_named_with_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("h.jsonl");
        let good = serde_json::to_string(&lines()[0]).unwrap();
        let long = "x".repeat(LINE_BYTES as usize + 1);
        for (text, said) in [
            ("x\n".to_owned(), ":1: not a line of a history"),
            (format!("{good}\n{{}}\n{good}\n"), ":2: not a line of a history: missing field"),
            (format!("{good}\n\n[]\n"), ":3: not a line of a history"),
            (format!("{}\n", good.replace("\"version\":1", "\"version\":2")), ":1: its version is 2"),
            (format!("{long}\n"), ":1: longer than 1048576 bytes"),
        ] {
            fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let missing = read(&directory.path().join("none.jsonl")).unwrap_err().to_string();
        assert!(missing.contains("none.jsonl: cannot open it"), "{missing}");
    }

    #[test]
    fn two_writers_never_mix() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("h.jsonl");
        const EACH: usize = 20;
        std::thread::scope(|scope| {
            for run in ["a", "b", "c"] {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..EACH {
                        append(path, &entries(&fixture::report(), run)).unwrap();
                    }
                });
            }
        });
        let read = read(&path).unwrap();
        assert_eq!((read.entries.len(), read.torn_line), (3 * 3 * EACH, None));
        assert!(read.entries.chunks(3).all(|run| run.iter().all(|entry| entry.run == run[0].run)), "each run is whole");
    }
}
