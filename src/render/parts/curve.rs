//! Latency by percentile, as bars of text on a logarithmic scale.

use crate::measure::encoding::{WHOLE, histogram_buckets};
use crate::observed::LatencyName;
use crate::render::parts::numbers;
use crate::report::{LatencySet, LatencySummary};
use crate::untrusted::Untrusted;
use crate::verdict::has_samples;

/// The latencies whose curves are drawn.
const DRAWN: [LatencyName; 3] = [LatencyName::Enqueue, LatencyName::Response, LatencyName::Delivery];

/// The percentiles, in parts of [`WHOLE`], and their names.
const STEPS: [(&str, u64); 8] = [
    ("p25", WHOLE / 100 * 25),
    ("p50", WHOLE / 100 * 50),
    ("p75", WHOLE / 100 * 75),
    ("p90", WHOLE / 100 * 90),
    ("p99", WHOLE / 100 * 99),
    ("p99.9", WHOLE / 1_000 * 999),
    ("p99.99", WHOLE / 10_000 * 9_999),
    ("p99.999", WHOLE / 100_000 * 99_999),
];

/// Values in nanoseconds by the names of their percentiles.
type Points = Vec<(&'static str, u64)>;

/// Longest bar, in columns.
const LONGEST: usize = 60;
/// Width of the text before a bar, in columns.
const BEFORE: usize = 2 + 7 + 2 + 9 + 2;

/// The percentiles that have enough samples, and the largest value; one curve for each latency, all on one scale. Empty
/// if there is nothing to draw.
pub(in crate::render) fn curves(set: &LatencySet, width: usize) -> String {
    let drawn = DRAWN.iter().filter_map(|name| Some((*name, points(set.get(*name)?)?)));
    let curves: Vec<(LatencyName, Points)> = drawn.filter(|(_, points)| !points.is_empty()).collect();
    let values = || curves.iter().flat_map(|(_, points)| points.iter().map(|(_, ns)| (*ns).max(1)));
    let (Some(lowest), Some(highest)) = (values().min(), values().max()) else {
        return String::new();
    };
    // The scale covers whole decades.
    let (low, high) = (lowest.ilog10(), (highest.ilog10() + 1).max(lowest.ilog10() + 1));
    let room = LONGEST.min(width.saturating_sub(BEFORE)).max(8);
    let edge = |exponent: u32| numbers::time(10_u64.checked_pow(exponent));
    let mut out = format!("by percentile, bars from {} to {}, logarithmic\n", edge(low), edge(high));
    for (name, points) in &curves {
        out.push_str(&format!("{name}\n"));
        let bound = if set.get(*name).is_some_and(|latency| latency.censored > 0) { "≥" } else { "" };
        for (step, ns) in points {
            let share = ((*ns).max(1) as f64).log10() - f64::from(low);
            let length = (share / f64::from(high - low) * room as f64).round() as usize;
            let bar = "━".repeat(length.clamp(1, room));
            out.push_str(&format!("  {step:<7}  {:>9}  {bar}\n", format!("{bound}{}", numbers::time(Some(*ns)))));
        }
    }
    out
}

/// The values at the percentiles; `None` if the histogram is missing or cannot be read.
fn points(latency: &LatencySummary) -> Option<Points> {
    let buckets = histogram_buckets(latency.hdr.as_ref().map(Untrusted::as_given)?, latency.count).ok()?;
    let at = |parts: u64| {
        let rank = (u128::from(latency.count) * u128::from(parts)).div_ceil(u128::from(WHOLE)).max(1);
        let mut seen = 0_u128;
        buckets.iter().find_map(|bucket| {
            seen += u128::from(bucket.count);
            (seen >= rank).then_some(bucket.high_ns)
        })
    };
    let known = STEPS.iter().filter(|(_, parts)| has_samples(latency.count, *parts));
    // No percentile is above the largest value, though its bucket's bound may be.
    let most = latency.max_ns.unwrap_or(u64::MAX);
    let steps = known.filter_map(|(name, parts)| Some((*name, at(*parts)?.min(most))));
    Some(steps.chain(latency.max_ns.map(|max| ("max", max))).collect())
}
