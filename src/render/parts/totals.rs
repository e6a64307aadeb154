//! The four lines of totals of a report or a case.

use crate::render::parts::numbers::plain_mean;
use crate::report::Summary;
use crate::units::human;

/// The four lines over the valid repeats of the given cases. The mean covers every call whose time is known.
pub(in crate::render) fn lines<'a>(summaries: impl Iterator<Item = &'a Summary>) -> String {
    let summaries: Vec<&Summary> = summaries.collect();
    let (mut attempted, mut enqueued, mut dropped, mut sampled_out) = (0_u64, 0_u64, 0_u64, 0_u64);
    for summary in &summaries {
        // A report may hold any number; a sum that does not fit is shown as the largest that does.
        attempted = attempted.saturating_add(summary.ledger.attempted);
        enqueued = enqueued.saturating_add(summary.ledger.enqueued);
        dropped = dropped.saturating_add(summary.ledger.dropped);
        sampled_out = sampled_out.saturating_add(summary.ledger.sampled_out);
    }
    let mean = mean_enqueue_ns(summaries.into_iter());
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

/// Mean of `enqueue` in nanoseconds over every timed call of these repeats; `None` without a call.
pub(in crate::render) fn mean_enqueue_ns<'a>(summaries: impl Iterator<Item = &'a Summary>) -> Option<f64> {
    let (mut calls, mut sum_ns) = (0_u64, 0.0);
    for enqueue in summaries.map(|summary| &summary.latency.enqueue) {
        if let Some(mean) = enqueue.mean_ns {
            calls = calls.saturating_add(enqueue.count);
            sum_ns += mean * enqueue.count as f64;
        }
    }
    (calls > 0).then(|| sum_ns / calls as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn sums_that_do_not_fit_are_the_largest_number() {
        let mut summary = fixture::report().cases.remove(0).summary.unwrap();
        summary.ledger.attempted = u64::MAX;
        let lines = lines([&summary, &summary].into_iter());
        assert!(lines.contains("Total logs attempted: 18,446,744,073,709,551,615\n"), "{lines}");
    }
}
