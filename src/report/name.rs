//! Where a report goes when nobody says where.

use super::error::{PLACE, ReportError};
use super::model::Report;
use super::write::{Temporary, sync_directory};
use jiff::Timestamp;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Longest part of a file's name that comes from a scenario, in bytes.
const MAX_SLUG_BYTES: usize = 60;
/// How many names are tried.
const MAX_TRIES: u32 = 1_000;

/// Name of a report's file: the scenario's name in lower-case letters, digits and hyphens, and the time in UTC.
#[must_use]
pub fn file_name(scenario: &str, at: Timestamp) -> String {
    format!("{}-{}.json", slug(scenario), at.strftime("%Y%m%dT%H%M%SZ"))
}

fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().map(|character| character.to_ascii_lowercase()) {
        if slug.len() == MAX_SLUG_BYTES {
            break;
        }
        match character {
            'a'..='z' | '0'..='9' => slug.push(character),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "report".into() } else { slug.into() }
}

/// Writes a report into a directory under that name, or the same with `-2`, `-3`, … where it is taken: no file is ever
/// replaced. Returns the path.
///
/// # Errors
/// When the report is no JSON, the file system refuses, or a thousand names are taken.
pub fn write_new(report: &Report, directory: &Path, name: &str) -> Result<PathBuf, ReportError> {
    let wanted = directory.join(name);
    let bytes = report.to_bytes()?;
    let temporary = Temporary::create(&wanted, |file| file.write_all(&bytes))?;
    let stem = name.strip_suffix(".json").unwrap_or(name);
    for number in 1..=MAX_TRIES {
        let path = match number {
            1 => wanted.clone(),
            _ => directory.join(format!("{stem}-{number}.json")),
        };
        if place(&temporary.path, &path).map_err(ReportError::io(&path, PLACE))? {
            sync_directory(&path)?;
            return Ok(path);
        }
    }
    Err(ReportError::NoFreeName { path: wanted, tries: MAX_TRIES })
}

/// Gives the file its name unless the name is taken. A link fails where the name exists, a rename would replace it; where
/// the file system has no links, looking first is the best there is.
fn place(from: &Path, to: &Path) -> std::io::Result<bool> {
    match std::fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(_) if to.try_exists()? => Ok(false),
        Err(_) => std::fs::rename(from, to).map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{fixture, read_verified};

    #[test]
    fn a_name_is_safe_in_any_shell() {
        let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        for (scenario, expected) in [
            ("Default", "default-20260102T030405Z.json"),
            ("../../etc/passwd", "etc-passwd-20260102T030405Z.json"),
            ("a  b\u{1b}[31m$(rm)", "a-b-31m-rm-20260102T030405Z.json"),
            ("日本", "report-20260102T030405Z.json"),
            ("", "report-20260102T030405Z.json"),
        ] {
            assert_eq!(file_name(scenario, at), expected);
        }
        assert!(file_name(&"x".repeat(10_000), at).len() < 100);
    }

    #[test]
    fn no_report_is_ever_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let report = fixture::report();
        let paths: Vec<_> = (0..3).map(|_| write_new(&report, directory.path(), "r.json").unwrap()).collect();
        let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["r.json", "r-2.json", "r-3.json"]);
        assert!(paths.iter().all(|path| read_verified(path).unwrap() == report));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
    }
}
