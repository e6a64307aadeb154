//! A report as this program lays it out, a case a line -> the report, without holding its text.
//!
//! A large report is nearly all cases. They are read, hashed and parsed one after the other, and only what is kept of them
//! stays. A file that is laid out in any other way, or in which anything is wrong, is `None` here: the reader of whole texts
//! reads it again, and says what is wrong.

use super::kept::Kept;
use super::levels;
use super::model::CaseRecord;
use super::read::{MAX_REPORT_BYTES, ReadReport, Stored, is_stdin};
use super::write::{CASES, SEAL, hexadecimal};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Take};
use std::path::Path;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 18;
/// Stands for the cases in the text around them.
const PLACE: &str = "\"\\u0000 a case a line\"";

/// Reads a report whose cases stand a line each.
pub(super) fn read(path: &Path, kept: Kept) -> Option<ReadReport> {
    // What is no file cannot be read again.
    let is_file = !is_stdin(path) && std::fs::metadata(path).ok()?.is_file();
    let mut lines = Lines::of(is_file.then(|| File::open(path))?.ok()?);
    if !lines.begin_with("{\n") {
        return None;
    }
    let mut sealed = Sha256::new();
    let mut frame = String::new();
    loop {
        let line = lines.next()?;
        sealed.update(line);
        if format!("\n{line}") == format!("{CASES}[\n") {
            break;
        }
        frame.push_str(line);
    }
    frame.push_str(CASES);
    frame.push_str(PLACE);
    let (cases, of_cases) = cases(&mut lines, &mut sealed, kept)?;
    let from = frame.len();
    frame.push_str(",\n");
    frame.push_str(&lines.rest()?);
    if frame.matches(PLACE).count() != 1 {
        return None;
    }
    let stored: Stored<'_> = serde_json::from_str(&frame).ok()?;
    if stored.cases.get() != PLACE {
        return None;
    }
    let is_sealed = match &stored.seal {
        None => true,
        Some(seal) => {
            let rest = &frame[from + 2..];
            sealed.update(&rest[..rest.rfind(SEAL)?]);
            hexadecimal(&sealed.finalize()) == *seal
        }
    };
    levels::check(path, &cases, &stored.maxima).ok()?;
    let digest_matches = of_cases == stored.digest && is_sealed;
    stored.with(cases, digest_matches)
}

/// The cases, and the digest of their text.
fn cases(lines: &mut Lines, sealed: &mut Sha256, kept: Kept) -> Option<(Vec<CaseRecord>, String)> {
    let mut digest = Sha256::new_with_prefix("[\n");
    let mut cases: Vec<CaseRecord> = Vec::new();
    let mut is_more = true;
    loop {
        let line = lines.next()?;
        sealed.update(line);
        if line == "],\n" {
            digest.update("]");
            // A comma stands between two cases, and only there.
            return (is_more == cases.is_empty()).then(|| (cases, hexadecimal(&digest.finalize())));
        }
        digest.update(line);
        let case = line.strip_suffix('\n')?;
        if !is_more {
            return None;
        }
        is_more = case.ends_with(',');
        let case: CaseRecord = serde_json::from_str(case.strip_suffix(',').unwrap_or(case)).ok()?;
        cases.push(kept.of(case));
    }
}

/// The lines of a file, each with its end.
struct Lines {
    file: BufReader<Take<File>>,
    line: Vec<u8>,
}

impl Lines {
    fn of(file: File) -> Self {
        Self { file: BufReader::with_capacity(CHUNK, file.take(MAX_REPORT_BYTES + 1)), line: Vec::new() }
    }

    /// Whether the file begins in this way: else it may be a single long line.
    fn begin_with(&mut self, text: &str) -> bool {
        self.file.fill_buf().is_ok_and(|bytes| bytes.starts_with(text.as_bytes()))
    }

    /// The next line; `None` at the end, if it is not UTF-8, or if it has another end than a line feed: what was added on the
    /// way is not hashed.
    fn next(&mut self) -> Option<&str> {
        self.line.clear();
        self.file.read_until(b'\n', &mut self.line).ok()?;
        let line = std::str::from_utf8(&self.line).ok()?;
        (line.ends_with('\n') && !line.contains('\r')).then_some(line)
    }

    /// Everything after the last line.
    fn rest(mut self) -> Option<String> {
        let mut rest = String::new();
        self.file.read_to_string(&mut rest).ok()?;
        let is_whole = self.file.get_ref().limit() > 0;
        (is_whole && !rest.contains('\r')).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::read::{parse, read_whole};
    use proptest::prelude::*;

    fn saved(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.json");
        std::fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    fn text() -> String {
        String::from_utf8(fixture::report().to_bytes().unwrap()).unwrap()
    }

    #[test]
    fn what_this_program_writes_is_read_line_by_line() {
        let mut empty = fixture::report();
        empty.cases.clear();
        for report in [fixture::report(), fixture::report_of(Vec::new()), empty] {
            let (_directory, path) = saved(&report.to_bytes().unwrap());
            let read = read(&path, Kept::Everything).expect("it is laid out in that way");
            assert!(read.digest_matches);
            assert_eq!(read, read_whole(&path).unwrap());
            assert_eq!(read.report, report);
        }
    }

    #[test]
    fn another_layout_is_left_to_the_reader_of_whole_texts() {
        let text = text();
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&text).unwrap()).unwrap();
        let nested =
            text.replacen("\"interrupted\"", "\"later\": {\n  \"cases\": [\n],\n  \"x\": 1},\n  \"interrupted\"", 1);
        for (what, bytes) in [
            ("pretty", pretty),
            ("a comma after the last", text.replacen("\n],", ",\n],", 1)),
            ("no comma between two", text.replacen("},\n{", "}\n{", 1)),
            ("two in a line", text.replacen("},\n{", "},{", 1)),
            ("other line ends", text.replace('\n', "\r\n")),
            ("a byte order mark", format!("\u{feff}{text}")),
            ("cases of another", nested),
            ("cut", text[..text.len() / 2].to_owned()),
            ("the place", text.replacen("\"interrupted\"", &format!("\"x\": {PLACE},\n  \"interrupted\""), 1)),
            ("a newer schema", text.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1)),
            ("not even", String::new()),
        ] {
            let (_directory, path) = saved(bytes.as_bytes());
            assert_eq!(read(&path, Kept::Everything), None, "{what}");
        }
        assert_eq!(read(Path::new("no/such/file"), Kept::Everything), None);
        assert_eq!(read(Path::new("-"), Kept::Everything), None);
    }

    #[test]
    fn nothing_that_a_comparison_shows_is_left_out() {
        let (base, new) =
            (fixture::filled_with(&[1.0; 8], &[5; 8], "a"), fixture::filled_with(&[1.4; 8], &[6; 8], "b"));
        let lean = |report: &crate::report::Report| {
            let (_directory, path) = saved(&report.to_bytes().unwrap());
            let lean = read(&path, Kept::Drawn).unwrap().report;
            assert!(lean.cases.iter().flat_map(|case| &case.repeats).all(|repeat| repeat.series.points.is_empty()));
            let cases = report.cases.iter().cloned().map(|case| Kept::Drawn.of(case)).collect();
            assert_eq!(lean, crate::report::Report { cases, ..report.clone() });
            lean
        };
        let summaries = |report: &crate::report::Report| -> Vec<Option<crate::report::LatencySet>> {
            report.cases.iter().map(|case| Some(case.summary.as_ref()?.latency.clone())).collect()
        };
        for report in [&base, &new] {
            for (lean, whole) in summaries(&lean(report)).iter().flatten().zip(summaries(report).iter().flatten()) {
                assert_eq!(
                    (&lean.enqueue, &lean.response, &lean.delivery),
                    (&whole.enqueue, &whole.response, &whole.delivery)
                );
                assert!(lean.lateness.hdr.is_none() && lean.lateness.count == whole.lateness.count);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever a byte becomes: both readers say the same, or the one of lines says nothing.
        #[test]
        fn both_readers_agree_about_altered_files(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = text().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let (_directory, path) = saved(&bytes);
            if let Some(read) = read(&path, Kept::Everything) {
                let text = String::from_utf8(bytes).unwrap();
                prop_assert_eq!(read, parse(&path, &text).unwrap());
            }
        }
    }
}
