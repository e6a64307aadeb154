//! The shift of a tested metric from the baseline to the new report, and what follows: one text for all formats.

use crate::render::parts::numbers::NONE;
use crate::report::{CaseDecision, Change, MetricTest, MetricUnit};
use crate::untrusted::Untrusted;

/// The metric that is shown for every case, whatever its result.
pub(in crate::render) const ALWAYS: &str = "enqueue.trimmed_mean";
/// Longest name of a metric, in characters.
const LONGEST_NAME: usize = 60;

/// A tested metric as text.
pub(in crate::render) struct Shift {
    /// Its name, such as `enqueue.trimmed_mean`.
    pub(in crate::render) metric: String,
    /// `1.16 µs → 1.56 µs`.
    pub(in crate::render) values: String,
    /// `+400 ns (+34%)`.
    pub(in crate::render) moved: String,
    /// `[+310 ns, +520 ns]`; empty with too few repeats.
    pub(in crate::render) interval: String,
    /// `1 µs`.
    pub(in crate::render) margin: String,
    /// What follows.
    pub(in crate::render) change: Change,
    /// The two values.
    sides: [String; 2],
    /// The ends of the interval; `None` with too few repeats.
    ends: Option<[String; 2]>,
    /// The name as it is in the report.
    given: Untrusted,
}

impl Shift {
    /// The text of a test.
    pub(in crate::render) fn of(test: &MetricTest) -> Self {
        let signed = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), |value| signed(test.unit, value));
        let ends = match (test.shift_low, test.shift_high) {
            (None, None) => None,
            (low, high) => Some([signed(low), signed(high)]),
        };
        let sides = [test.base, test.new].map(|value| test.unit.show(value));
        Self {
            metric: test.metric.terminal(LONGEST_NAME),
            values: sides.join(" → "),
            moved: signed(Some(test.shift)) + &relative(test),
            interval: ends.as_ref().map_or_else(String::new, |[low, high]| format!("[{low}, {high}]")),
            margin: bare(test.unit, test.margin),
            change: test.change,
            sides,
            ends,
            given: test.metric.clone(),
        }
    }

    /// Whether it is of the metric with this name.
    pub(in crate::render) fn is_of(&self, metric: &Untrusted) -> bool {
        self.given == *metric
    }

    /// The parts of its line. No part may be broken.
    pub(in crate::render) fn parts(&self) -> Vec<String> {
        let [base, new] = &self.sides;
        let mut parts = vec![self.metric.clone(), format!("{base} →"), new.clone()];
        match &self.ends {
            Some([low, high]) => parts.extend([format!(" {}", self.moved), format!("[{low},"), format!("{high}],")]),
            None => parts.push(format!(" {},", self.moved)),
        }
        parts.push(format!("margin {}", self.margin));
        parts
    }

    /// The whole text in one line: `1.16 µs → 1.56 µs  +400 ns (+34%) [+310 ns, +520 ns], margin 1 µs`.
    pub(in crate::render) fn line(&self) -> String {
        format!("{}  {}", self.values, self.difference())
    }

    /// The line without the values: `+400 ns (+34%) [+310 ns, +520 ns], margin 1 µs`.
    pub(in crate::render) fn difference(&self) -> String {
        let gap = if self.interval.is_empty() { "" } else { " " };
        format!("{}{gap}{}, margin {}", self.moved, self.interval, self.margin)
    }
}

/// The tests of a case that are shown, the worst first: those that regressed or are inconclusive, and the one that is
/// always shown. Empty if the report is of an older build without tests.
pub(in crate::render) fn shown(case: &CaseDecision) -> Vec<Shift> {
    let mut tests: Vec<&MetricTest> =
        case.tests.iter().filter(|test| is_open(test.change) || test.metric == ALWAYS).collect();
    tests.sort_by_key(|test| (!is_open(test.change), test.change));
    tests.into_iter().map(Shift::of).collect()
}

/// Only those that regressed or are inconclusive.
pub(in crate::render) fn open(case: &CaseDecision) -> Vec<Shift> {
    shown(case).into_iter().filter(|shift| is_open(shift.change)).collect()
}

const fn is_open(change: Change) -> bool {
    matches!(change, Change::Regressed | Change::Inconclusive)
}

/// With its sign, in its unit; shares in percentage points.
fn signed(unit: MetricUnit, value: f64) -> String {
    let sign = if value < 0.0 { '-' } else { '+' };
    match unit {
        MetricUnit::Share => format!("{sign}{} pp", points(value)),
        _ => format!("{sign}{}", unit.show(value.abs())),
    }
}

/// A share as percentage points, without its sign.
fn points(share: f64) -> String {
    let points = share.abs() * 100.0;
    let decimals = if points == 0.0 || points >= 10.0 { 0 } else { 2 };
    format!("{points:.decimals$}")
}

/// A margin without trailing zeros: `1 µs` for `1.00 µs`.
fn bare(unit: MetricUnit, value: f64) -> String {
    let text = match unit {
        MetricUnit::Share => format!("{} pp", points(value)),
        _ => unit.show(value),
    };
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    format!("{number} {unit}").trim_end().to_owned()
}

/// The shift as a share of the base, in brackets; empty if such a share would have no meaning.
fn relative(test: &MetricTest) -> String {
    let is_scale = !matches!(test.unit, MetricUnit::Share | MetricUnit::Index | MetricUnit::Logs);
    if !is_scale || test.base <= 0.0 {
        return String::new();
    }
    let share = test.shift / test.base;
    if !share.is_finite() {
        return String::new();
    }
    match share.abs() {
        ..0.0995 => format!(" ({:+.1}%)", share * 100.0),
        0.0995..10.0 => format!(" ({:+.0}%)", share * 100.0),
        _ => format!(" ({:.0}x)", share + 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::parts::gating_fixture::{case, test};

    #[test]
    fn a_shift_reads_with_its_unit_its_interval_and_its_margin() {
        use MetricUnit::{Bytes, CpuPerMillion, Index, Logs, Nanoseconds, Share};
        for (unit, base, new, interval, margin, line) in [
            (
                Nanoseconds,
                1_160.0,
                1_560.0,
                (Some(310.0), Some(520.0)),
                1_000.0,
                "1.16 µs → 1.56 µs  +400 ns (+34%) [+310 ns, +520 ns], margin 1 µs",
            ),
            (
                Nanoseconds,
                5e6,
                1e6,
                (Some(-4.2e6), Some(1e5)),
                500.0,
                "5.00 ms → 1.00 ms  -4.00 ms (-80%) [-4.20 ms, +100 µs], margin 500 ns",
            ),
            (Nanoseconds, 1_000.0, 1_050.0, (None, None), 1e5, "1.00 µs → 1.05 µs  +50.0 ns (+5.0%), margin 100 µs"),
            (
                Nanoseconds,
                138e3,
                50e6,
                (None, Some(6e7)),
                1e5,
                "138 µs → 50.0 ms  +49.9 ms (362x) [–, +60.0 ms], margin 100 µs",
            ),
            (Nanoseconds, 0.0, 10.0, (None, None), 10.0, "0 ns → 10.0 ns  +10.0 ns, margin 10 ns"),
            (
                Share,
                0.005,
                0.012,
                (Some(0.004), Some(0.5)),
                0.005,
                "0.500% → 1.20%  +0.70 pp [+0.40 pp, +50 pp], margin 0.5 pp",
            ),
            (Logs, 0.0, 5.0, (None, None), 0.0, "0 → 5  +5, margin 0"),
            (CpuPerMillion, 2.0, 4.0, (None, None), 0.2, "2.000 s/M → 4.000 s/M  +2.000 s/M (+100%), margin 0.2 s/M"),
            (
                Bytes,
                1_048_576.0,
                3_145_728.0,
                (None, None),
                1_048_576.0,
                "1.0 MiB → 3.0 MiB  +2.0 MiB (+200%), margin 1 MiB",
            ),
            (Index, 0.99, 0.5, (None, None), 0.1, "0.990 → 0.500  -0.490, margin 0.1"),
        ] {
            let mut tested = test("m", base, new, Change::Regressed);
            (tested.unit, tested.shift_low, tested.shift_high, tested.margin) = (unit, interval.0, interval.1, margin);
            let shift = Shift::of(&tested);
            assert_eq!(shift.line(), line);
            assert_eq!(shift.parts().join(" "), format!("m {line}"));
        }
    }

    #[test]
    fn what_decided_and_the_trimmed_mean_are_shown() {
        let tests = [
            test(ALWAYS, 1e3, 1e3, Change::Unchanged),
            test("delivery.p50", 1e3, 1e3, Change::Unchanged),
            test("response.slow_logs", 1e3, 2e3, Change::Inconclusive),
            test("cpu", 1e3, 9e3, Change::Regressed),
            test("memory", 1e3, 5e2, Change::Improved),
        ];
        let decision = case("a", Change::Regressed, tests.to_vec());
        let names = |shifts: Vec<Shift>| shifts.into_iter().map(|shift| shift.metric).collect::<Vec<_>>();
        assert_eq!(names(shown(&decision)), ["cpu", "response.slow_logs", ALWAYS]);
        assert_eq!(names(open(&decision)), ["cpu", "response.slow_logs"]);
        assert!(shown(&case("old", Change::Regressed, Vec::new())).is_empty(), "an older report has no tests");
    }
}
