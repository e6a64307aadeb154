//! The files that a result is written to, in addition to stdout or instead of it.

use super::error::CliError;
use crate::platform;
use crate::render::{self, Format, View};
use crate::report::{self, Report};
use std::path::{Path, PathBuf};

/// Files and their formats.
#[derive(Debug, PartialEq)]
pub struct Outputs(Vec<(PathBuf, Format)>);

impl Outputs {
    /// Finds the format of each file: that of its ending, or `asked` if the ending names none. Writes nothing yet, but
    /// checks as far as possible that the files can be written.
    ///
    /// # Errors
    /// An ending that names no format or a format other than `asked`, a file that is given twice, a directory that does
    /// not exist or cannot be written to.
    pub fn of(paths: &[PathBuf], asked: Option<Format>) -> Result<Self, CliError> {
        let mut outputs: Vec<(PathBuf, Format)> = Vec::new();
        for path in paths {
            let refuse = |problem: String| CliError::Output { path: path.clone(), problem };
            if report::is_stdin(path) {
                return Err(refuse("stdout already gets --format; leave this out".to_owned()));
            }
            let format = match (Format::of_path(path), asked) {
                (Ok(named), Some(asked)) if named != asked => {
                    return Err(refuse(format!("its ending means {named}, and --format says {asked}; leave one out")));
                }
                (Ok(named), _) => named,
                (Err(_), Some(asked)) if path.extension().is_none() => asked,
                (Err(unknown), _) => return Err(refuse(unknown.to_string())),
            };
            if outputs.iter().any(|(other, _)| other == path) {
                return Err(refuse("is given twice".to_owned()));
            }
            writable(path).map_err(refuse)?;
            outputs.push((path.clone(), format));
        }
        Ok(Self(outputs))
    }

    /// Whether there are no files.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The file that is the report itself: the first `.json`.
    pub fn report(&self) -> Option<&Path> {
        self.0.iter().find(|(_, format)| *format == Format::Json).map(|(path, _)| path.as_path())
    }

    /// Writes all files except the report itself, which is saved already. An error does not stop the other files.
    ///
    /// # Errors
    /// Everything that could not be written.
    pub fn write_others(&self, report: &Report) -> Result<(), CliError> {
        self.write(report, self.report())
    }

    /// Writes all files. An error does not stop the other files.
    ///
    /// # Errors
    /// Everything that could not be written.
    pub fn write_all(&self, report: &Report) -> Result<(), CliError> {
        self.write(report, None)
    }

    fn write(&self, report: &Report, but: Option<&Path>) -> Result<(), CliError> {
        let mut problems = Vec::new();
        for (path, format) in self.0.iter().filter(|(path, _)| Some(path.as_path()) != but) {
            if *format == Format::Json {
                // Not as a text first: it may be large.
                problems.extend(report::write(report, path).err().map(|error| error.to_string()));
                continue;
            }
            match render::render(report, *format, View::FILE) {
                Ok(bytes) => problems.extend(report::write_bytes(&bytes, path).err().map(|error| error.to_string())),
                Err(error) => problems.push(format!("{}: {error}", path.display())),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(CliError::Outputs { problems: problems.join("; ") }) }
    }
}

/// Refuses an explanation in a format that programs read.
///
/// # Errors
/// A format other than the table.
pub fn may_explain(explain: bool, format: Format) -> Result<(), CliError> {
    if explain && format != Format::Table { Err(CliError::Explain { format }) } else { Ok(()) }
}

/// Whether a file can be written there, as far as this is known without writing it.
fn writable(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err("is a directory".to_owned());
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(format!("`{}` is no directory", directory.display()));
    }
    platform::may_write_in(directory).map_err(|error| format!("cannot write to its directory: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(directory: &Path, names: &[&str], asked: Option<Format>) -> Result<Outputs, String> {
        let paths: Vec<PathBuf> = names.iter().map(|name| directory.join(name)).collect();
        Outputs::of(&paths, asked).map_err(|error| error.to_string())
    }

    #[test]
    fn formats_come_from_the_endings() {
        let place = tempfile::tempdir().unwrap();
        let outputs = of(place.path(), &["a.html", "b.json", "c.json"], None).unwrap();
        assert_eq!(outputs.report(), Some(place.path().join("b.json").as_path()));
        let formats: Vec<Format> = outputs.0.iter().map(|(_, format)| *format).collect();
        assert_eq!(formats, [Format::Html, Format::Json, Format::Json]);
        assert_eq!(of(place.path(), &["summary"], Some(Format::Markdown)).unwrap().0[0].1, Format::Markdown);
        assert!(of(place.path(), &["r.md"], Some(Format::Markdown)).is_ok());
    }

    #[test]
    fn what_cannot_be_written_is_refused_beforehand() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("d.json")).unwrap();
        for (names, asked, said) in [
            (&["r.yaml"][..], None, ".json, .html, .md"),
            (&["r"], None, ".json, .html, .md"),
            (&["r.yaml"], Some(Format::Csv), ".json, .html, .md"),
            (&["r.md"], Some(Format::Csv), "means markdown, and --format says csv"),
            (&["r.md", "r.md"], None, "twice"),
            (&["d.json"], None, "is a directory"),
            (&["no/r.json"], None, "is no directory"),
        ] {
            let error = of(place.path(), names, asked).unwrap_err();
            assert!(error.starts_with("--output: ") && error.contains(said), "{names:?}: {error}");
        }
    }
}
