//! The four lines of totals of a report or a case.

use crate::measure::Ledger;
use crate::render::parts::numbers::plain_mean;
use crate::report::Summary;
use crate::units::human;

/// The lines over the valid repeats of the given cases. The mean covers every call whose time is known.
pub(in crate::render) fn lines<'a>(summaries: impl Iterator<Item = &'a Summary>) -> String {
    let summaries: Vec<&Summary> = summaries.collect();
    let mut sum = Ledger::default();
    // A report may hold any number; a sum that does not fit is shown as the largest that does.
    summaries.iter().for_each(|summary| sum.add(&summary.ledger));
    let mean = mean_enqueue_ns(summaries.into_iter());
    let mut lines = format!(
        "Total logs attempted: {}\nSuccessfully enqueued: {}\nDropped: {}\n",
        human::count(sum.attempted),
        human::count(sum.enqueued),
        human::count(sum.dropped)
    );
    for (name, count) in [("Sampled out", sum.sampled_out), ("Evicted", sum.evicted)] {
        if count > 0 {
            lines.push_str(&format!("{name}: {}\n", human::count(count)));
        }
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
