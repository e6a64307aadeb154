//! File -> report, with every doubt about the file named.

use super::error::ReportError;
use super::gating::{Confirmation, GateRecord};
use super::kept::Kept;
use super::levels;
use super::lines;
use super::maximum::Maximum;
use super::model::{CaseRecord, Environment, Report, SCHEMA_VERSION, ScenarioRecord, Sitting, Tool};
use super::partition::{Merged, PartitionRecord};
use super::write::{SEAL, digest};
use crate::run::Yardstick;
use crate::untrusted::Untrusted;
use crate::verdict::PlanVerdict;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest report that is read, in bytes.
pub const MAX_REPORT_BYTES: u64 = 2 << 30;

/// A report read from a file, and whether it is what was written.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadReport {
    /// The report.
    pub report: Report,
    /// The digest in the file: SHA-256 of its cases, lower-case hexadecimal.
    pub digest: String,
    /// The digest in the file is that of the cases in the file, and its seal, where it has one, that of all the rest.
    pub digest_matches: bool,
}

/// Only the version: what stands beside it may be of a schema that is not known here.
#[derive(Deserialize)]
struct Version {
    schema_version: u64,
}

#[derive(Deserialize)]
pub(super) struct Stored<'a> {
    schema_version: u64,
    tool: Tool,
    created_at: Untrusted,
    interrupted: bool,
    verdict: PlanVerdict,
    scenarios: Vec<ScenarioRecord>,
    environment: Environment,
    #[serde(default)]
    yardstick: Option<Yardstick>,
    #[serde(default)]
    gate: Option<GateRecord>,
    #[serde(borrow)]
    pub(super) cases: &'a RawValue,
    pub(super) digest: String,
    #[serde(default)]
    pub(super) seal: Option<String>,
    #[serde(default)]
    confirmations: Vec<Confirmation>,
    #[serde(default)]
    sittings: Vec<Sitting>,
    #[serde(default)]
    pub(super) maxima: Vec<Maximum>,
    #[serde(default)]
    partition: Option<PartitionRecord>,
    #[serde(default)]
    merged: Option<Merged>,
}

impl Stored<'_> {
    /// The report, if its schema is known.
    pub(super) fn with(self, cases: Vec<CaseRecord>, digest_matches: bool) -> Option<ReadReport> {
        let schema_version = u32::try_from(self.schema_version).ok().filter(|version| *version <= SCHEMA_VERSION)?;
        let report = Report {
            schema_version,
            tool: self.tool,
            created_at: self.created_at,
            interrupted: self.interrupted,
            scenarios: self.scenarios,
            environment: self.environment,
            cases,
            verdict: self.verdict,
            yardstick: self.yardstick,
            confirmations: self.confirmations,
            gate: self.gate,
            sittings: self.sittings,
            maxima: self.maxima,
            partition: self.partition,
            merged: self.merged,
        };
        Some(ReadReport { report, digest: self.digest, digest_matches })
    }
}

/// Reads a report that a decision will be based on.
///
/// # Errors
/// As [`read`], and [`ReportError::Digest`] when the cases are not those that were written.
pub fn read_verified(path: &Path) -> Result<Report, ReportError> {
    verified(path, Kept::Everything)
}

/// The same, and only what is needed of it.
///
/// # Errors
/// As [`read_verified`].
pub(crate) fn verified(path: &Path, kept: Kept) -> Result<Report, ReportError> {
    let read = read_kept(path, kept)?;
    match read.digest_matches {
        true => Ok(read.report),
        false => Err(ReportError::Digest { path: path.to_owned() }),
    }
}

/// Reads a report to show it; one that was altered is marked. `-` is stdin.
///
/// # Errors
/// When the file is missing, unreadable, larger than [`MAX_REPORT_BYTES`], truncated, no report, of a newer schema, or when the ledgers of
/// its levels do not add up.
pub fn read(path: &Path) -> Result<ReadReport, ReportError> {
    read_kept(path, Kept::Everything)
}

/// The same, and only what is needed of it.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_kept(path: &Path, kept: Kept) -> Result<ReadReport, ReportError> {
    if let Some(read) = lines::read(path, kept) {
        return Ok(read);
    }
    let mut read = read_whole(path)?;
    read.report.cases = read.report.cases.into_iter().map(|case| kept.of(case)).collect();
    Ok(read)
}

/// Reads a report that may be laid out in any way.
///
/// # Errors
/// As [`read`].
pub(super) fn read_whole(path: &Path) -> Result<ReadReport, ReportError> {
    parse(path, &load(path, MAX_REPORT_BYTES)?)
}

/// Whether a path stands for stdin: `-`. A file of that name is `./-`.
#[must_use]
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn load(path: &Path, limit: u64) -> Result<String, ReportError> {
    let source: Box<dyn Read> = match is_stdin(path) {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(path).map_err(ReportError::io(path, "open the report"))?),
    };
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes).map_err(ReportError::io(path, "read the report"))?;
    if bytes.len() as u64 > limit {
        return Err(ReportError::TooLarge { path: path.to_owned(), bytes: bytes.len() as u64, limit });
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| ReportError::Malformed { path: path.to_owned(), fault: "it is not UTF-8 text".into() })?;
    Ok(as_written(text))
}

/// The text without what editors and version control add on the way: a byte order mark, and other line ends. JSON has no
/// bare line end inside of a text, so nothing that is said can change by it.
fn as_written(text: String) -> String {
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    if text.contains('\r') { text.replace("\r\n", "\n") } else { text }
}

pub(super) fn parse(path: &Path, text: &str) -> Result<ReadReport, ReportError> {
    // A cut inside a number or a word is a syntax error to the parser, but a whole report ends in a brace.
    let cut = text.starts_with('{') && !text.trim_end().ends_with('}');
    let fault = |error: serde_json::Error| match error.classify() {
        category if category == Category::Eof || cut => {
            ReportError::Truncated { path: path.to_owned(), line: error.line(), column: error.column() }
        }
        _ => ReportError::Malformed { path: path.to_owned(), fault: error.to_string() },
    };
    let found = serde_json::from_str::<Version>(text).map_err(fault)?.schema_version;
    let newer = || ReportError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION };
    if found > u64::from(SCHEMA_VERSION) {
        return Err(newer());
    }
    let stored: Stored<'_> = serde_json::from_str(text).map_err(fault)?;
    let digest_matches =
        digest(stored.cases.get().as_bytes()) == stored.digest && is_sealed(text, stored.seal.as_deref());
    let cases: Vec<CaseRecord> = serde_json::from_str(stored.cases.get())
        .map_err(|error| ReportError::Malformed { path: path.to_owned(), fault: format!("in cases: {error}") })?;
    levels::check(path, &cases, &stored.maxima)?;
    stored.with(cases, digest_matches).ok_or_else(newer)
}

/// Whether the seal is that of everything before it; reports that are older than it have none.
fn is_sealed(text: &str, seal: Option<&str>) -> bool {
    let Some(seal) = seal else { return true };
    text.rfind(SEAL).is_some_and(|end| digest(&text.as_bytes()[..end]) == seal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::write;
    use proptest::prelude::*;

    fn saved(change: impl FnOnce(String) -> String) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.json");
        let text = String::from_utf8(fixture::report().to_bytes().unwrap()).unwrap();
        std::fs::write(&path, change(text)).unwrap();
        (directory, path)
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.json");
        let report = fixture::report();
        write(&report, &path).unwrap();
        assert_eq!(read_verified(&path).unwrap(), report);
    }

    #[test]
    fn altered_cases_are_refused_by_a_gate_and_marked_for_a_reader() {
        let (_directory, path) = saved(|text| text.replacen("\"dropped\":40", "\"dropped\":41", 1));
        assert!(!read(&path).unwrap().digest_matches);
        let error = read_verified(&path).unwrap_err().to_string();
        assert!(error.ends_with("digest does not match: it was altered after it was written"), "{error}");
    }

    #[test]
    fn levels_that_do_not_close_are_refused() {
        let report = fixture::report_of(vec![fixture::case(
            crate::scenario::Strategy::Drop,
            vec![crate::measure::fixture::healthy(100).with_levels([0, 10, 70, 15, 5]); 2],
        )]);
        let (_directory, path) = saved(|_| String::from_utf8(report.to_bytes().unwrap()).unwrap());
        assert_eq!(read_verified(&path).unwrap(), report);
        for in_summary in [false, true] {
            let mut broken = report.clone();
            let case = &mut broken.cases[0];
            match in_summary {
                true => case.summary.as_mut().unwrap().levels[4].delivered = 1,
                false => case.repeats[1].levels[4].delivered = 1,
            }
            let (_directory, path) = saved(|_| String::from_utf8(broken.to_bytes().unwrap()).unwrap());
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("r.json: the levels do not close: in case `strategy=drop`, level error"), "{error}");
        }
    }

    #[test]
    fn whatever_is_altered_breaks_the_seal() {
        for (what, from, to) in [
            ("a setting of the gate", "\"min_effect\": \"10%\"", "\"min_effect\": \"90%\""),
            ("the target", "\"latency_ns\": 100000", "\"latency_ns\": 900000"),
            ("a check", "\"expression\": \"dropped == 0\"", "\"expression\": \"dropped <= 9\""),
            ("the verdict", "\"exit\": \"failed\"", "\"exit\": \"pass\""),
            ("the machine", "\"platform\": \"linux x86_64\"", "\"platform\": \"linux x86_65\""),
            ("the seal", "\"seal\": \"", "\"seal\": \"0"),
        ] {
            let (_directory, path) = saved(|text| {
                assert!(text.contains(from), "{what}");
                text.replacen(from, to, 1)
            });
            assert!(!read(&path).unwrap().digest_matches, "{what}");
            assert!(matches!(read_verified(&path), Err(ReportError::Digest { .. })), "{what}");
        }
    }

    #[test]
    fn white_space_inside_the_cases_counts_as_altered() {
        let (_directory, path) = saved(|text| text.replacen("\"dropped\":40", "\"dropped\": 40", 1));
        assert!(matches!(read_verified(&path), Err(ReportError::Digest { .. })));
    }

    #[test]
    fn a_byte_order_mark_and_other_line_ends_alter_nothing() {
        let windows = |text: String| format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let (_directory, path) = saved(windows);
        assert_eq!(read_verified(&path).unwrap(), fixture::report());
        let (_directory, path) = saved(|text| windows(text).replacen("\"dropped\":40", "\"dropped\":41", 1));
        assert!(matches!(read_verified(&path), Err(ReportError::Digest { .. })));
    }

    #[test]
    fn a_truncated_report_is_refused_wherever_it_is_cut() {
        let whole = String::from_utf8(fixture::report().to_bytes().unwrap()).unwrap();
        for tenth in 1..10 {
            let (_directory, path) = saved(|text| text[..text.len() * tenth / 10].into());
            let error = read(&path).unwrap_err();
            assert!(matches!(error, ReportError::Truncated { .. }), "{tenth}/10 of {}: {error}", whole.len());
        }
    }

    #[test]
    fn a_newer_schema_is_refused_whatever_else_it_holds() {
        for text in ["{\"schema_version\": 2, \"cases\": 7}", "{\"schema_version\": 99999999999}"] {
            let (_directory, path) = saved(|_| text.into());
            let error = read(&path).unwrap_err();
            assert!(matches!(error, ReportError::Newer { known: 1, .. }), "{error}");
        }
    }

    #[test]
    fn an_older_writer_of_the_same_schema_may_know_less_and_a_newer_one_more() {
        let (_directory, path) = saved(|text| {
            let (text, _) = text.rsplit_once(SEAL).unwrap();
            text.replacen("\"interrupted\"", "\"added_later\": [1], \"interrupted\"", 1) + "}"
        });
        assert!(read(&path).unwrap().digest_matches);
    }

    #[test]
    fn a_report_from_before_yardstick_and_gate_is_read() {
        let older = |text: String| {
            let mut whole: serde_json::Value = serde_json::from_str(&text).unwrap();
            let top = whole.as_object_mut().unwrap();
            for key in ["yardstick", "gate", "confirmations", "seal"] {
                top.remove(key).unwrap();
            }
            top["scenarios"][0].as_object_mut().unwrap().remove("gate").unwrap();
            for case in top["cases"].as_array_mut().unwrap() {
                case.as_object_mut().unwrap().remove("calibration").unwrap();
            }
            whole.to_string()
        };
        let (_directory, path) = saved(older);
        assert_eq!(read(&path).unwrap().report, fixture::report());
    }

    /// Takes the codes out of every place that has reasons; how many there were.
    fn forget_codes(value: &mut serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(items) => items.iter_mut().map(forget_codes).sum(),
            serde_json::Value::Object(fields) => {
                let own = fields.remove("reason_codes").map_or(0, |codes| codes.as_array().unwrap().len());
                own + fields.values_mut().map(forget_codes).sum::<usize>()
            }
            _ => 0,
        }
    }

    #[test]
    fn codes_are_read_as_they_were_written_and_an_older_report_has_none() {
        let mut report = fixture::report_of(Vec::new());
        report.cases = fixture::report().cases;
        let (_directory, path) = saved(|_| String::from_utf8(report.to_bytes().unwrap()).unwrap());
        let read_back = read_verified(&path).unwrap();
        assert_eq!(read_back, report);
        assert_eq!(read_back.verdict.reason_codes, ["no_case"]);
        assert_eq!(read_back.cases[1].verdict.reason_codes, ["check_failed"]);
        assert_eq!(read_back.cases[2].verdict.reason_codes, ["queue_panicked", "no_valid_repeat"]);
        assert_eq!(read_back.cases[2].set_aside[0].reason_codes, ["recorded"]);
        let mut older: serde_json::Value = serde_json::from_slice(&report.to_bytes().unwrap()).unwrap();
        assert_eq!(forget_codes(&mut older), 5);
        older.as_object_mut().unwrap().remove("seal").unwrap();
        let (_directory, path) = saved(|_| older.to_string());
        let older = read(&path).unwrap().report;
        assert_eq!(older.cases[2].verdict.reasons, report.cases[2].verdict.reasons);
        assert_eq!((older.verdict.reason_codes.len(), older.cases[2].set_aside[0].reason_codes.len()), (0, 0));
        assert_eq!(forget_codes(&mut serde_json::from_slice(&older.to_bytes().unwrap()).unwrap()), 0);
    }

    #[test]
    fn what_is_no_report_is_named() {
        for (text, expected) in [
            ("", "truncated at line 1, column 0"),
            ("[]", "not a report"),
            ("{}", "not a report: missing field `schema_version`"),
            ("{\"schema_version\": 1}", "not a report: missing field"),
            ("{\"schema_version\": -1}", "not a report"),
            ("hello", "not a report: expected value at line 1 column 1"),
        ] {
            let (_directory, path) = saved(|_| text.into());
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("r.json") && error.contains(expected), "{text}: {error}");
        }
        let error = read(Path::new("no/such/r.json")).unwrap_err().to_string();
        assert!(error.starts_with("no/such/r.json: cannot open the report"), "{error}");
    }

    #[test]
    fn a_report_without_an_end_is_not_read_to_the_end() {
        let (_directory, path) = saved(|text| text);
        let error = load(&path, 100).unwrap_err();
        assert!(matches!(error, ReportError::TooLarge { bytes: 101, limit: 100, .. }), "{error}");
    }

    fn finite() -> impl Strategy<Value = f64> {
        prop_oneof![any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite()), 0.0..1e12,]
    }

    proptest! {
        #[test]
        fn a_round_trip_keeps_every_bit(
            numbers in prop::collection::vec(finite(), 8),
            counts in prop::collection::vec(any::<u64>(), 8),
            text in any::<String>(),
        ) {
            let report = fixture::filled_with(&numbers, &counts, &text);
            let bytes = report.to_bytes().unwrap();
            let back = parse(Path::new("r.json"), std::str::from_utf8(&bytes).unwrap()).unwrap();
            prop_assert!(back.digest_matches);
            prop_assert_eq!(back.report.to_bytes().unwrap(), bytes);
            prop_assert_eq!(back.report, report);
        }
    }
}
