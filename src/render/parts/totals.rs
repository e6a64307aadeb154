//! The four lines that sum a report or a case up.

use crate::render::parts::numbers::plain_mean;
use crate::report::Summary;
use crate::units::human;

/// The four lines over the valid repeats of the given cases. The mean is over every call that it is known of.
pub(in crate::render) fn lines<'a>(summaries: impl Iterator<Item = &'a Summary>) -> String {
    let (mut attempted, mut enqueued, mut dropped, mut sampled_out) = (0_u64, 0_u64, 0_u64, 0_u64);
    let (mut calls, mut sum_ns) = (0_u64, 0.0);
    for summary in summaries {
        // A report may hold any number; a sum that does not fit is shown as the largest that does.
        attempted = attempted.saturating_add(summary.ledger.attempted);
        enqueued = enqueued.saturating_add(summary.ledger.enqueued);
        dropped = dropped.saturating_add(summary.ledger.dropped);
        sampled_out = sampled_out.saturating_add(summary.ledger.sampled_out);
        if let Some(mean) = summary.latency.enqueue.mean_ns {
            calls = calls.saturating_add(summary.latency.enqueue.count);
            sum_ns += mean * summary.latency.enqueue.count as f64;
        }
    }
    let mean = (calls > 0).then(|| sum_ns / calls as f64);
    let mut lines = format!(
        "Total logs attempted: {}\nSuccessfully enqueued: {}\nDropped: {}\n",
        human::count(attempted),
        human::count(enqueued),
        human::count(dropped)
    );
    if sampled_out > 0 {
        lines.push_str(&format!("Sampled out: {}\n", human::count(sampled_out)));
    }
    lines.push_str(&format!("Avg enqueue latency: {}\n", plain_mean(mean)));
    lines
}
