//! Baselines: reports that are kept under a name, to compare later ones with them.

use super::ReportError;
use super::model::Report;
use super::write::write;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Longest name, in bytes.
const LONGEST_NAME: usize = 100;

/// A name that is safe in any file system: letters, digits, `.`, `_` and `-`, not beginning with a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineName(String);

/// Why a text is no name of a baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a name for a baseline (write up to 100 letters, digits, `.`, `_` and `-`, not beginning with a dot, and no device of Windows such as `con`)"
)]
pub struct BaselineNameError;

impl BaselineName {
    /// Where the baseline of this name is, below a reports directory.
    #[must_use]
    pub fn path_in(&self, reports: &Path) -> PathBuf {
        directory(reports).join(format!("{}.json", self.0))
    }
}

impl FromStr for BaselineName {
    type Err = BaselineNameError;

    /// # Errors
    /// Empty, too long, a leading dot, a character that is not in the list, or what Windows takes for a device.
    fn from_str(text: &str) -> Result<Self, BaselineNameError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name =
            !text.is_empty() && text.len() <= LONGEST_NAME && !text.starts_with('.') && text.bytes().all(known);
        if is_name && !is_device(text) { Ok(Self(text.to_owned())) } else { Err(BaselineNameError) }
    }
}

/// Whether Windows takes a file of this name, whatever its ending, for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = |port: &str| stem.strip_prefix(port).is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']));
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

impl fmt::Display for BaselineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Keeps a report under a name, in place of the one that had it. Whole or not at all. Returns where.
///
/// # Errors
/// When the directory cannot be made or the report not be written; an earlier baseline is still there then.
pub fn save_baseline(report: &Report, reports: &Path, name: &BaselineName) -> Result<PathBuf, ReportError> {
    let directory = directory(reports);
    std::fs::create_dir_all(&directory).map_err(ReportError::io(&directory, "make the directory of baselines"))?;
    let path = name.path_in(reports);
    write(report, &path)?;
    Ok(path)
}

/// The names of the baselines that are there, in order.
#[must_use]
pub fn baseline_names(reports: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory(reports)).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let file = entry.file_name().into_string().ok()?;
        Some(file.strip_suffix(".json")?.parse::<BaselineName>().ok()?.0)
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort_unstable();
    names
}

fn directory(reports: &Path) -> PathBuf {
    reports.join("baselines")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{fixture, read_verified};

    #[test]
    fn names_are_harmless_in_any_file_system() {
        for good in ["main", "v1.2-rc_3", "0", "-", "console", "com", "com10", "x.con", "a".repeat(100).as_str()] {
            assert_eq!(good.parse::<BaselineName>().map(|name| name.to_string()), Ok(good.to_owned()));
        }
        let long = "a".repeat(101);
        for bad in ["", ".", "..", ".main", "a/b", "../x", "a b", "a\\b", "a\nb", "a\0", "µ", "a:b", long.as_str()] {
            assert_eq!(bad.parse::<BaselineName>(), Err(BaselineNameError), "{bad:?}");
        }
        for bad in ["CON", "con", "nul.txt", "Aux", "PRN.", "com1", "LPT9.x"] {
            assert_eq!(bad.parse::<BaselineName>(), Err(BaselineNameError), "{bad:?}");
        }
    }

    #[test]
    fn a_baseline_is_replaced_whole_and_listed_by_name() {
        let reports = tempfile::tempdir().unwrap();
        assert_eq!(baseline_names(reports.path()), [""; 0]);
        let name = |text: &str| text.parse::<BaselineName>().unwrap();
        let mut report = fixture::report();
        for created_at in ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"] {
            report.created_at = created_at.into();
            let path = save_baseline(&report, reports.path(), &name("main")).unwrap();
            assert_eq!(path, reports.path().join("baselines/main.json"));
            assert_eq!(read_verified(&path).unwrap(), report);
        }
        save_baseline(&report, reports.path(), &name("a.b")).unwrap();
        std::fs::write(reports.path().join("baselines/.hidden.json"), "").unwrap();
        std::fs::write(reports.path().join("baselines/note.txt"), "").unwrap();
        assert_eq!(baseline_names(reports.path()), ["a.b", "main"]);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let reports = tempfile::tempdir().unwrap();
        std::fs::write(reports.path().join("baselines"), "a file").unwrap();
        let error = save_baseline(&fixture::report(), reports.path(), &"main".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("cannot make the directory of baselines"), "{error}");
    }
}
