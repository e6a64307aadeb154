//! OpenMetrics text, version 1.0: a gauge for each quantity, a sample for each case, at the time at which the run began.
//!
//! Source: <https://prometheus.io/docs/specs/om/open_metrics_spec/>. Times are in seconds, as the standard wants them. The time of
//! the samples is for `promtool tsdb create-blocks-from openmetrics`. `queue_load_case_info` has every case with its verdict,
//! so that one without numbers is not missed.

use crate::render::parts::exported::{MAXIMUM, QUANTITIES, Quantity, Subject, Unit, subjects};
use crate::report::Report;
use crate::untrusted::Untrusted;

/// Longest value of a label, in characters.
const LONGEST: usize = 400;

/// The report as OpenMetrics text.
#[must_use]
pub fn openmetrics(report: &Report) -> String {
    let subjects = subjects(report);
    let began = report.created_at.as_given().parse::<jiff::Timestamp>().ok();
    let time = began.map_or_else(String::new, |began| format!(" {}", began.as_second()));
    let mut out = "# TYPE queue_load_case info\n# HELP queue_load_case Each case, and its verdict.\n".to_owned();
    for subject in &subjects {
        out.push_str(&format!("queue_load_case_info{{{},outcome=\"{}\"}} 1{time}\n", labels(subject), subject.outcome));
    }
    for quantity in QUANTITIES.iter().chain([&MAXIMUM]) {
        family(&mut out, quantity, &subjects, &time);
    }
    out.push_str("# EOF\n");
    out
}

fn family(out: &mut String, quantity: &Quantity, subjects: &[Subject<'_>], time: &str) {
    let (ending, has_unit) = match quantity.unit {
        Unit::Nanoseconds => ("seconds", true),
        Unit::LogsPerSecond => ("logs_per_second", false),
        Unit::Share => ("ratio", true),
        Unit::SecondsPerMillionLogs => ("seconds_per_million_logs", false),
        Unit::Bytes => ("bytes", true),
    };
    let name = format!("queue_load_{}_{ending}", quantity.name);
    let mut samples = String::new();
    for subject in subjects {
        if let Some(found) = subject.values.iter().find(|value| value.quantity == quantity) {
            let value = if quantity.unit == Unit::Nanoseconds { found.value / 1e9 } else { found.value };
            samples.push_str(&format!("{name}{{{}}} {value}{time}\n", labels(subject)));
        }
    }
    if !samples.is_empty() {
        out.push_str(&format!("# TYPE {name} gauge\n"));
        if has_unit {
            out.push_str(&format!("# UNIT {name} {ending}\n"));
        }
        out.push_str(&format!("# HELP {name} {}\n{samples}", quantity.help));
    }
}

/// The labels of a case; `name` tells any two of them apart.
fn labels(subject: &Subject<'_>) -> String {
    let parameters = subject.record.map(|case| &case.parameters);
    let queue = parameters.map(|parameters| parameters.queue.clone()).unwrap_or_default();
    let strategy = parameters.map_or("", |parameters| parameters.strategy.name());
    let pairs = [
        ("name", Untrusted::from(subject.name.as_str())),
        ("scenario", subject.scenario.clone()),
        ("case", subject.case.clone()),
        ("queue", queue),
        ("strategy", strategy.into()),
    ];
    let written: Vec<String> =
        pairs.iter().map(|(label, value)| format!("{label}=\"{}\"", value.openmetrics())).collect();
    written.join(",")
}

impl Untrusted {
    /// Makes a text safe for the value of a label: harmless characters on one line, with `\` and `"` escaped.
    fn openmetrics(&self) -> String {
        // Twice the length of its parts, for a name that has two of them.
        self.terminal(2 * LONGEST + 20).replace('\\', "\\\\").replace('"', "\\\"")
    }
}
