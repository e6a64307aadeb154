//! The formats in which a report can be shown.

use crate::untrusted::Untrusted;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// For people, in a terminal.
    #[default]
    Table,
    /// The report as it is saved.
    Json,
    /// For a pull request, or a job's summary.
    Markdown,
    /// A row for each repeat, for spreadsheets and scripts.
    Csv,
    /// A self-contained page, for a browser.
    Html,
    /// JUnit's XML with a test case for each check, for tools that collect test results.
    Junit,
    /// Annotations of GitHub Actions, for the log of a job.
    Github,
    /// An HdrHistogram interval log, for the tools of that library.
    Hdr,
    /// Bencher Metric Format, for `bencher run --adapter json`.
    Bencher,
    /// The list that github-action-benchmark reads as `customSmallerIsBetter`.
    CustomSmallerIsBetter,
    /// OpenMetrics text, for Prometheus and what reads the same.
    Openmetrics,
    /// CSV for Apache Otava, a row for each case.
    OtavaCsv,
}

/// A format that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`; write one of {all}", all = names(Format::ALL.iter().map(|format| format.name())))]
pub struct UnknownFormat(pub String);

/// A file's name whose ending names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its ending names no format; it must be one of {all}", all = names(ENDINGS.iter().map(|(ending, _)| *ending)))]
pub struct UnknownEnding;

/// The endings of file names, each with its format. Annotations are for a job's log, and the formats of other programs have
/// no endings of their own.
const ENDINGS: [(&str, Format); 7] = [
    (".json", Format::Json),
    (".html", Format::Html),
    (".md", Format::Markdown),
    (".csv", Format::Csv),
    (".xml", Format::Junit),
    (".hlog", Format::Hdr),
    (".txt", Format::Table),
];

impl Format {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Table,
        Self::Json,
        Self::Markdown,
        Self::Csv,
        Self::Html,
        Self::Junit,
        Self::Github,
        Self::Hdr,
        Self::Bencher,
        Self::CustomSmallerIsBetter,
        Self::Openmetrics,
        Self::OtavaCsv,
    ];

    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Hdr => "hdr",
            Self::Bencher => "bencher",
            Self::CustomSmallerIsBetter => "custom-smaller-is-better",
            Self::Openmetrics => "openmetrics",
            Self::OtavaCsv => "otava-csv",
        }
    }

    /// The format for the ending of a file's name, in upper or lower case: `r.html`, `R.JSON`.
    ///
    /// # Errors
    /// Another ending, or none.
    pub fn of_path(path: &Path) -> Result<Self, UnknownEnding> {
        let given = path.extension().and_then(|ending| ending.to_str()).ok_or(UnknownEnding)?;
        let known = ENDINGS.iter().find(|(ending, _)| ending[1..].eq_ignore_ascii_case(given));
        known.map(|(_, format)| *format).ok_or(UnknownEnding)
    }
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// # Errors
    /// Any text that is not the name of a format.
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| UnknownFormat(Untrusted::from(text).terminal(40)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let error = "x\u{1b}ml".parse::<Format>().unwrap_err();
        assert!(error.to_string().starts_with("unknown format `x\u{fffd}ml`; write one of table, json, "), "{error}");
    }

    #[test]
    fn endings_name_formats() {
        for (path, format) in [
            ("r.json", Format::Json),
            ("a.b/R.JSON", Format::Json),
            ("r.json.html", Format::Html),
            ("r.md", Format::Markdown),
            ("r.csv", Format::Csv),
            ("r.xml", Format::Junit),
            ("r.hlog", Format::Hdr),
            ("r.txt", Format::Table),
        ] {
            assert_eq!(Format::of_path(Path::new(path)), Ok(format), "{path}");
        }
        for path in ["", "json", ".json", "r.json/", "r.", "r.yaml", "r.json.gz", "a.json/r"] {
            let expected = if path == "r.json/" { Ok(Format::Json) } else { Err(UnknownEnding) };
            assert_eq!(Format::of_path(Path::new(path)), expected, "{path}");
        }
        assert!(UnknownEnding.to_string().contains(".json, .html, .md, .csv, .xml, .hlog, .txt"));
    }
}
