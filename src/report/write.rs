//! Report -> bytes -> file, whole or not at all.

use super::error::{self, ReportError, SYNC, WRITE};
use super::gating::{Confirmation, GateRecord};
use super::maximum::Maximum;
use super::model::{Environment, Report, ScenarioRecord, Sitting, Tool};
use super::partition::{Merged, PartitionRecord};
use crate::platform;
use crate::run::Yardstick;
use crate::untrusted::Untrusted;
use crate::verdict::PlanVerdict;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The order of the fields in the file; `cases` verbatim, because the digest is over its bytes.
#[derive(Serialize)]
struct Written<'a> {
    schema_version: u32,
    tool: &'a Tool,
    created_at: &'a Untrusted,
    interrupted: bool,
    verdict: &'a PlanVerdict,
    scenarios: &'a [ScenarioRecord],
    environment: &'a Environment,
    yardstick: Option<&'a Yardstick>,
    gate: Option<&'a GateRecord>,
    cases: &'a RawValue,
    confirmations: &'a [Confirmation],
    #[serde(skip_serializing_if = "<[Sitting]>::is_empty")]
    sittings: &'a [Sitting],
    #[serde(skip_serializing_if = "<[Maximum]>::is_empty")]
    maxima: &'a [Maximum],
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<&'a PartitionRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<&'a Merged>,
    digest: &'a str,
}

/// Bytes that are written at once.
const CHUNK: usize = 1 << 18;

/// What stands between the sealed part of a report and its seal.
pub(super) const SEAL: &str = ",\n  \"seal\": \"";

impl Report {
    /// The report as it is saved: JSON, a case a line, with the digest of the bytes of `cases`, and last of all the seal:
    /// SHA-256 of everything before it. So scenarios, settings and decisions cannot be altered unseen either.
    ///
    /// # Errors
    /// [`ReportError::Unwritable`] when a number in it is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Vec::new();
        // Memory takes whatever it is given, so what fails is the report.
        self.write_to(&mut bytes).map_err(|error| ReportError::Unwritable(serde::ser::Error::custom(error)))?;
        Ok(bytes)
    }

    /// Writes what [`Report::to_bytes`] has, a case after the other: a large report is never there as a text.
    fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let frame = escaped(&serde_json::to_string_pretty(&self.written(RawValue::NULL))?).into_owned();
        let lacks = || io::Error::other("its frame has no place for the cases");
        let (before, after) = frame.split_once(PLACE).ok_or_else(lacks)?;
        let after = after.strip_suffix("\"\n}").ok_or_else(lacks)?;
        let mut sealed = Hashing { out, digest: Sha256::new() };
        sealed.write_all(before.as_bytes())?;
        sealed.write_all(CASES.as_bytes())?;
        let mut cases = Hashing { out: &mut sealed, digest: Sha256::new() };
        self.write_cases(&mut cases)?;
        let of_cases = hexadecimal(&cases.digest.finalize());
        for part in [",", after, of_cases.as_str(), "\""] {
            sealed.write_all(part.as_bytes())?;
        }
        let seal = hexadecimal(&sealed.digest.finalize());
        for part in [SEAL, seal.as_str(), "\"\n}\n"] {
            out.write_all(part.as_bytes())?;
        }
        Ok(())
    }

    /// Everything around the cases; the digest, which comes last, is still empty.
    fn written<'a>(&'a self, cases: &'a RawValue) -> Written<'a> {
        Written {
            schema_version: self.schema_version,
            tool: &self.tool,
            created_at: &self.created_at,
            interrupted: self.interrupted,
            verdict: &self.verdict,
            scenarios: &self.scenarios,
            environment: &self.environment,
            yardstick: self.yardstick.as_ref(),
            gate: self.gate.as_ref(),
            cases,
            confirmations: &self.confirmations,
            sittings: &self.sittings,
            maxima: &self.maxima,
            partition: self.partition.as_ref(),
            merged: self.merged.as_ref(),
            digest: "",
        }
    }
}

/// What stands before the cases.
pub(super) const CASES: &str = "\n  \"cases\": ";

/// The same where they are still missing. No text in JSON has a bare line feed, so nothing else can be this.
const PLACE: &str = "\n  \"cases\": null,";

impl Report {
    /// The digest that it is saved with.
    ///
    /// # Errors
    /// As [`Report::to_bytes`].
    pub fn digest(&self) -> Result<String, ReportError> {
        let mut cases = Hashing { out: &mut io::sink(), digest: Sha256::new() };
        self.write_cases(&mut cases).map_err(|error| ReportError::Unwritable(serde::ser::Error::custom(error)))?;
        Ok(hexadecimal(&cases.digest.finalize()))
    }

    /// A case a line.
    fn write_cases(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"[")?;
        for (index, case) in self.cases.iter().enumerate() {
            out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
            out.write_all(escaped(&serde_json::to_string(case)?).as_bytes())?;
        }
        out.write_all(b"\n]")
    }
}

/// Writes, and hashes what is written.
struct Hashing<'w, W> {
    out: &'w mut W,
    digest: Sha256,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// JSON that is harmless in a terminal, too: what steers one, and JSON may have bare in a text, stands there as `\u…`.
fn escaped(json: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        (c.is_control() && !c.is_ascii())
            || matches!(c, '\u{7f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    // Nearly every case is plain ASCII, which two fast looks can tell.
    if json.is_ascii() && !json.as_bytes().contains(&0x7f) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if steers(character) {
            // All of them lie in the basic plane: one escape each.
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a report to `path`, in place of what is there, with its rights and its owner as far as that is allowed; a link
/// stays a link. Readers see the old file or the new one, never a part; after it
/// returns, the new one survives a loss of power.
///
/// # Errors
/// When the report is no JSON or the file system refuses; what was at `path` is still there then.
pub fn write(report: &Report, path: &Path) -> Result<(), ReportError> {
    if is_device(path) {
        return write_bytes(&report.to_bytes()?, path);
    }
    put(path, |file| {
        let mut out = BufWriter::with_capacity(CHUNK, file);
        report.write_to(&mut out)?;
        out.flush()
    })
}

/// Writes a report in whatever format to `path`, as [`write()`] does.
///
/// # Errors
/// When the file system refuses; what was at `path` is still there then.
pub fn write_bytes(bytes: &[u8], path: &Path) -> Result<(), ReportError> {
    if is_device(path) {
        // There is nothing to put in its place.
        let mut file = OpenOptions::new().write(true).open(path).map_err(ReportError::io(path, "open it"))?;
        return file.write_all(bytes).map_err(ReportError::io(path, WRITE));
    }
    put(path, |file| file.write_all(bytes))
}

/// Puts a file that `fill` writes in the place of what is at `path`.
fn put(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), ReportError> {
    let path = &behind_links(path);
    let temporary = Temporary::create(path, fill)?;
    std::fs::rename(&temporary.path, path).map_err(ReportError::io(path, error::PLACE))?;
    temporary.placed();
    sync_directory(path)
}

/// Whether there is something that is neither a file nor a directory: `/dev/null`, a pipe.
fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Where a path leads to in the end, whether or not there is something.
fn behind_links(path: &Path) -> PathBuf {
    /// As many as a kernel follows.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = directory(&path).join(target),
            Err(_) => break,
        }
    }
    path
}

/// A file beside its destination, written and synced; removed again unless it was put in place.
pub(super) struct Temporary {
    pub(super) path: PathBuf,
    placed: bool,
}

impl Temporary {
    /// Creates the file and lets `fill` write it.
    pub(super) fn create(
        destination: &Path,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<Self, ReportError> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!(".queue-load-{}-{number}.tmp", std::process::id());
        let path = directory(destination).join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(ReportError::io(destination, "create a temporary file beside it"))?;
        let temporary = Self { path, placed: false };
        if let Ok(replaced) = std::fs::metadata(destination) {
            platform::resemble(&file, &replaced).map_err(ReportError::io(destination, "keep its rights"))?;
        }
        fill(&mut file).and_then(|()| file.sync_all()).map_err(ReportError::io(destination, WRITE))?;
        Ok(temporary)
    }

    /// It has another name now.
    pub(super) fn placed(mut self) {
        self.placed = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing can be done about a leftover; the error that led here is the one to report.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The directory that a file lies in.
pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename last.
pub(super) fn sync_directory(path: &Path) -> Result<(), ReportError> {
    platform::sync_directory(directory(path)).map_err(ReportError::io(path, SYNC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Names the place of a child of this test, which writes and is killed before it renames.
    const STOPS_AT: &str = "QUEUE_LOAD_TEST_STOPS_BEFORE_RENAME";

    #[test]
    #[cfg(unix)]
    fn what_is_killed_before_it_renames_leaves_the_old_file_and_is_in_nobodys_way() {
        use std::io::{BufRead, BufReader};
        use std::process::{Command, Stdio};
        let bytes = fixture::report().to_bytes().unwrap();
        if let Some(path) = std::env::var_os(STOPS_AT) {
            let _written = Temporary::create(Path::new(&path), |file| file.write_all(&bytes)).unwrap();
            println!("written");
            loop {
                std::thread::park();
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.json");
        std::fs::write(&path, "old").unwrap();
        let (_, module) = module_path!().split_once("::").unwrap();
        let name = format!("{module}::what_is_killed_before_it_renames_leaves_the_old_file_and_is_in_nobodys_way");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([&name, "--exact", "--nocapture", "--test-threads=1"])
            .env(STOPS_AT, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        lines.by_ref().find(|line| line.ends_with("written")).expect("it comes to the rename");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let left = names(directory.path());
        assert!(left.len() == 2 && left[0].starts_with(".queue-load-") && left[0].ends_with(".tmp"), "{left:?}");
        write(&fixture::report(), &path).unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), names(directory.path())), (bytes, left));
    }

    #[test]
    fn nothing_in_a_report_steers_a_terminal_and_nothing_is_changed_by_that() {
        let mut report = fixture::report();
        report.cases[0].id = "a\u{9b}31m\u{7f}\u{202e}\u{200b}\u{feff}\u{1b}é日😀\\u009b".into();
        let bytes = report.to_bytes().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let bare = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}\u{feff}".contains(c);
        assert!(!text.chars().any(bare));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.json");
        write(&report, &path).unwrap();
        assert_eq!(crate::report::read_verified(&path).unwrap(), report);
    }

    #[test]
    fn a_report_replaces_the_old_one_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.json");
        std::fs::write(&path, "old").unwrap();
        let report = fixture::report();
        write(&report, &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), report.to_bytes().unwrap());
        assert_eq!(names(directory.path()), ["r.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_replaced_keeps_its_rights_and_a_link_stays_one() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("there")).unwrap();
        std::fs::write(at("there/r.json"), "old").unwrap();
        std::fs::set_permissions(at("there/r.json"), std::fs::Permissions::from_mode(0o600)).unwrap();
        // Only who may give files away can make one that is another's.
        let is_given = std::os::unix::fs::chown(at("there/r.json"), Some(12), Some(34)).is_ok();
        let before = std::fs::metadata(at("there/r.json")).unwrap();
        symlink("there/r.json", at("one")).unwrap();
        symlink("one", at("two")).unwrap();
        symlink("there/new.json", at("dangling")).unwrap();
        for link in ["two", "dangling"] {
            write_bytes(b"new", &at(link)).unwrap();
            assert!(std::fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
            assert_eq!(std::fs::read(at(link)).unwrap(), b"new");
        }
        let after = std::fs::metadata(at("there/r.json")).unwrap();
        assert_eq!((after.mode() & 0o7777, after.uid(), after.gid()), (0o600, before.uid(), before.gid()));
        assert!(!is_given || after.uid() == 12);
        assert_eq!(names(directory.path()), ["dangling", "one", "there", "two"]);
        write_bytes(b"gone", Path::new("/dev/null")).unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file(), "a device is written to, not replaced");
    }

    #[test]
    fn a_failure_half_way_leaves_the_old_file_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.json");
        std::fs::write(&path, "old").unwrap();
        let failed = Temporary::create(&path, |file| {
            file.write_all(b"half of the re")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(failed.err().unwrap().to_string().contains("r.json: cannot write it"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(directory.path()), ["r.json"]);
    }

    #[test]
    fn a_destination_that_cannot_be_replaced_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.json");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("inside"), "kept").unwrap();
        assert!(write(&fixture::report(), &path).is_err());
        assert_eq!(names(directory.path()), ["r.json"]);
        assert_eq!(std::fs::read_to_string(path.join("inside")).unwrap(), "kept");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = write(&fixture::report(), Path::new("no/such/directory/r.json")).unwrap_err();
        assert!(error.to_string().starts_with("no/such/directory/r.json: cannot create"), "{error}");
    }

    #[test]
    fn a_number_that_is_none_is_not_written_as_one() {
        let mut report = fixture::report();
        report.environment.instrument_floor_ns = Some(f64::NAN);
        let text = String::from_utf8(report.to_bytes().unwrap()).unwrap();
        assert!(text.contains("\"instrument_floor_ns\": null"));
        assert!(!text.contains("NaN"));
    }
}
