//! The standard HdrHistogram interval log, version 1.3: a line for each case and latency, the valid repeats pooled.
//!
//! A tag is `CASE.LATENCY`, or `SCENARIO/CASE.LATENCY` if there are several scenarios. A space would end the tag, so it
//! becomes a semicolon. Every other byte except letters, digits and `=-_.+` becomes `%` and two hexadecimal digits;
//! this includes `;`, and `/` within a name. So different cases have different tags.
//!
//! The format requires the time of each interval, and a report has none for a single case. So every interval starts at
//! 0 and is as long as all windows of the case together. Values are nanoseconds; the maximum is in milliseconds, as the
//! format defines.

use crate::measure::encoding::histogram_buckets;
use crate::render::RenderError;
use crate::report::{CaseRecord, LatencySummary, Report};
use crate::untrusted::Untrusted;

/// Longest part of a tag, in bytes; a longer one is cut and gets the case's number.
const LONGEST: usize = 800;

/// The report as an interval log.
///
/// # Errors
/// A histogram of the report cannot be read.
pub fn hdr(report: &Report) -> Result<String, RenderError> {
    let (name, version) = (report.tool.name.terminal(40), report.tool.version.terminal(40));
    let mut out = format!("#[Logged with {name} {version}]\n#[Histogram log format version 1.3]\n");
    if let Ok(start) = report.created_at.as_given().parse::<jiff::Timestamp>() {
        let seconds = start.as_millisecond() as f64 / 1e3;
        out.push_str(&format!("#[StartTime: {seconds:.3} (seconds since epoch), {start}]\n"));
    }
    out.push_str("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
    for (index, case) in report.cases.iter().enumerate() {
        let Some(summary) = &case.summary else { continue };
        let windows = case.repeats.iter().map(|repeat| repeat.window_ns(case.parameters.duration) as f64 / 1e9);
        let seconds: f64 = windows.sum();
        let tag = tag(report, case, index);
        for (latency, statistics) in summary.latency.observed() {
            let latency = latency.name();
            let refuse = |problem| RenderError::Histogram { case: case.id.terminal(200), latency, problem };
            if let Some((payload, max)) = payload(statistics).map_err(refuse)? {
                let max = max as f64 / 1e6;
                out.push_str(&format!("Tag={tag}.{latency},0.000,{seconds:.3},{max:.3},{payload}\n"));
            }
        }
    }
    Ok(out)
}

/// The histogram as saved in the report, and its largest value in nanoseconds; `None` if it is empty.
fn payload(statistics: &LatencySummary) -> Result<Option<(&str, u64)>, String> {
    let Some(text) = statistics.hdr.as_ref().map(Untrusted::as_given).filter(|_| statistics.count > 0) else {
        return Ok(None);
    };
    let buckets = histogram_buckets(text, statistics.count).map_err(|error| error.to_string())?;
    let largest = buckets.last().map_or(0, |bucket| bucket.high_ns);
    Ok(Some((text.trim_end(), statistics.max_ns.unwrap_or(largest))))
}

fn tag(report: &Report, case: &CaseRecord, index: usize) -> String {
    let id = case.id.hdr(index);
    if report.scenarios.len() > 1 { format!("{}/{id}", case.scenario.hdr(index)) } else { id }
}

impl Untrusted {
    /// Makes a text safe for a tag: characters that a tag must not contain are encoded. A text that is too long is cut,
    /// and `index` distinguishes it from others.
    fn hdr(&self, index: usize) -> String {
        let mut out = String::new();
        for byte in self.as_given().bytes() {
            match byte {
                b' ' => out.push(';'),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'=' | b'-' | b'_' | b'.' | b'+' => {
                    out.push(char::from(byte));
                }
                _ => out.push_str(&format!("%{byte:02X}")),
            }
            if out.len() > LONGEST {
                return format!("{}~{}", &out[..LONGEST], index + 1);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag_of(name: &str, index: usize) -> String {
        Untrusted::from(name).hdr(index)
    }

    #[test]
    fn tags_are_readable_and_end_where_they_should() {
        assert_eq!(
            tag_of("rate=100/s sample_rate=0.1% strategy=drop", 0),
            "rate=100%2Fs;sample_rate=0.1%25;strategy=drop"
        );
        assert_eq!(tag_of("a;b,c\n日", 0), "a%3Bb%2Cc%0A%E6%97%A5");
        assert!(tag_of(&"x".repeat(10_000), 6).ends_with("x~7"));
    }

    proptest! {
        #[test]
        fn different_names_have_different_tags(one in ".{0,20}", other in ".{0,20}") {
            prop_assert_eq!(one == other, tag_of(&one, 0) == tag_of(&other, 0));
            prop_assert!(tag_of(&one, 0).bytes().all(|byte| byte.is_ascii_graphic() && byte != b',' && byte != b'"'));
        }
    }
}
