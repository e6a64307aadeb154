//! Reports for tests: copies of one healthy repeat, with the numbers that matter set by hand.

use crate::measure::fixture::healthy;
use crate::report::fixture;
use crate::report::{CaseRecord, Report};
use crate::scenario::Strategy;
use std::sync::LazyLock;

/// Logs of a repeat.
pub const LOGS: u64 = 1_000;

/// A case under `drop` whose repeats have these means of the fastest 95 %, in nanoseconds.
pub fn case(means: &[f64]) -> CaseRecord {
    static ONE: LazyLock<CaseRecord> = LazyLock::new(|| {
        let report = fixture::report_of(vec![fixture::case(Strategy::Drop, vec![healthy(LOGS)])]);
        report.cases[0].clone()
    });
    let mut case = ONE.clone();
    let one = case.repeats[0].clone();
    case.repeats = means
        .iter()
        .zip(0..)
        .map(|(mean, number)| {
            let mut repeat = one.clone();
            repeat.repeat = number;
            repeat.latency.enqueue.trimmed_mean_ns = Some(*mean);
            repeat
        })
        .collect();
    case
}

/// The same with another capacity, so that a report can hold several.
pub fn sized(maxsize: u64, means: &[f64]) -> CaseRecord {
    let mut case = case(means);
    case.parameters.maxsize = maxsize;
    case.id = crate::matrix::id(&case.parameters);
    case
}

/// A report of these cases.
pub fn report(cases: Vec<CaseRecord>) -> Report {
    static EMPTY: LazyLock<Report> = LazyLock::new(|| fixture::report_of(Vec::new()));
    Report { cases, ..EMPTY.clone() }
}

/// `count` means around a middle, which differ by 1 % in all.
pub fn means(count: usize, middle: f64) -> Vec<f64> {
    (0..count).map(|n| middle * (1.0 + 0.01 * ((n * 7 % count) as f64 - count as f64 / 2.0) / count as f64)).collect()
}
