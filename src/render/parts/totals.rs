//! The lines of totals of a report or a case: four, and one each for logs that were sampled out or evicted.

use crate::measure::Ledger;
use crate::render::parts::numbers::plain_mean;
use crate::report::Summary;
use crate::units::human;

/// A line for each total.
pub(in crate::render) fn lines<'a>(summaries: impl Iterator<Item = &'a Summary>) -> String {
    totals(summaries).into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// Name and value of each total over the valid repeats of the given cases. The mean covers every call whose time is known.
pub(in crate::render) fn totals<'a>(summaries: impl Iterator<Item = &'a Summary>) -> Vec<(&'static str, String)> {
    let summaries: Vec<&Summary> = summaries.collect();
    let mut sum = Ledger::default();
    // A report may hold any number; a sum that does not fit is shown as the largest that does.
    summaries.iter().for_each(|summary| sum.add(&summary.ledger));
    let mean = mean_enqueue_ns(summaries.into_iter());
    let counted = [
        ("Total logs attempted", sum.attempted, true),
        ("Successfully enqueued", sum.enqueued, true),
        ("Dropped", sum.dropped, true),
        ("Sampled out", sum.sampled_out, false),
        ("Evicted", sum.evicted, false),
    ];
    let counted = counted.into_iter().filter(|(_, count, always)| *always || *count > 0);
    let counted = counted.map(|(name, count, _)| (name, human::count(count)));
    counted.chain([("Avg enqueue latency", plain_mean(mean))]).collect()
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
