//! One bin of a series: in memory as small as a large report needs it, in a report with a field for each time.

use serde::{Deserialize, Serialize};

/// One bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema), schemars(with = "Wire"))]
pub struct Point {
    /// Accepted calls that started in the bin.
    pub enqueued: u64,
    /// Refused calls that started in the bin.
    pub rejected: u64,
    /// Their `enqueue`; `None` if no log was accepted. A third of a large report is points, so they share one `None`.
    pub times: Option<PointTimes>,
}

/// What `enqueue` took in one bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointTimes {
    /// Median, in nanoseconds.
    pub p50_ns: u64,
    /// 99th percentile, in nanoseconds.
    pub p99_ns: u64,
    /// The longest, in nanoseconds.
    pub max_ns: u64,
}

/// One bin.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema), schemars(rename = "Point"))]
#[serde(deny_unknown_fields)]
struct Wire {
    /// Accepted calls that started in the bin.
    enqueued: u64,
    /// Refused calls that started in the bin.
    rejected: u64,
    /// Median of `enqueue` in nanoseconds; null if no log was accepted.
    p50_ns: Option<u64>,
    /// 99th percentile of `enqueue` in nanoseconds; null if no log was accepted.
    p99_ns: Option<u64>,
    /// Longest `enqueue` in nanoseconds; null if no log was accepted.
    max_ns: Option<u64>,
}

impl From<Point> for Wire {
    fn from(point: Point) -> Self {
        let Point { enqueued, rejected, times } = point;
        let of = |time: fn(&PointTimes) -> u64| times.as_ref().map(time);
        let (p50_ns, p99_ns, max_ns) = (of(|times| times.p50_ns), of(|times| times.p99_ns), of(|times| times.max_ns));
        Self { enqueued, rejected, p50_ns, p99_ns, max_ns }
    }
}

impl TryFrom<Wire> for Point {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let times = match (wire.p50_ns, wire.p99_ns, wire.max_ns) {
            (Some(p50_ns), Some(p99_ns), Some(max_ns)) => Some(PointTimes { p50_ns, p99_ns, max_ns }),
            (None, None, None) => None,
            _ => return Err("a point of a series has some of the times of `enqueue`, but not all"),
        };
        Ok(Self { enqueued: wire.enqueued, rejected: wire.rejected, times })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_all_of_its_times_or_none() {
        for (text, expected) in [
            (
                r#"{"enqueued":3,"rejected":1,"p50_ns":5,"p99_ns":7,"max_ns":9}"#,
                Some(Some(PointTimes { p50_ns: 5, p99_ns: 7, max_ns: 9 })),
            ),
            (r#"{"enqueued":0,"rejected":1,"p50_ns":null,"p99_ns":null,"max_ns":null}"#, Some(None)),
            (r#"{"enqueued":3,"rejected":1,"p50_ns":5,"p99_ns":null,"max_ns":9}"#, None),
            (r#"{"enqueued":3,"rejected":1,"p50_ns":5,"p99_ns":7,"max_ns":9,"mean_ns":4}"#, None),
            (r#"{"rejected":1,"p50_ns":5,"p99_ns":7,"max_ns":9}"#, None),
        ] {
            let read = serde_json::from_str::<Point>(text).ok();
            assert_eq!(read.map(|point| point.times), expected, "{text}");
            assert!(read.is_none_or(|point| serde_json::to_string(&point).unwrap() == text), "{text}");
        }
    }

    #[test]
    fn a_missing_time_costs_a_large_report_one_word_a_point() {
        assert_eq!(size_of::<Point>(), 6 * size_of::<u64>());
    }
}
