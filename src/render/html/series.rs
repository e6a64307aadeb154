//! A case over time: all of its repeats in one chart.

use super::axis::{Decades, Linear, Quantity};
use super::canvas::Ink;
use super::chart::{Frame, Frames, Legend, Line, chart};
use crate::measure::Point;
use crate::report::CaseRecord;

const LATENCIES: Legend = &[(Ink::FIRST, "p50"), (Ink::SECOND, "p99"), (Ink::LARGEST, "max of any repeat")];
const RATES: Legend = &[(Ink::ACCEPTED, "accepted"), (Ink::REFUSED, "refused")];

/// The repeats of a case in equal steps of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct OverTime {
    /// Length of the window in nanoseconds.
    span_ns: u64,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Step {
    /// Its middle, in nanoseconds since the window began.
    at: f64,
    p50: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
    accepted_per_s: f64,
    refused_per_s: f64,
}

/// The median, or the lower of the two middle values.
fn median(mut values: Vec<u64>) -> Option<f64> {
    values.sort_unstable();
    let middle = values.len().checked_sub(1)? / 2;
    values.get(middle).map(|value| *value as f64)
}

impl OverTime {
    /// At most `most` steps; none without a valid repeat.
    pub fn of(case: &CaseRecord, most: usize) -> Self {
        let bin_ns = case.repeats.iter().map(|repeat| repeat.series.bin_ns).max().unwrap_or(0).max(1);
        let same = || case.repeats.iter().filter(|repeat| repeat.series.bin_ns == bin_ns);
        let bins = same().map(|repeat| repeat.series.points.len()).max().unwrap_or(0);
        let span_ns = same().map(|repeat| repeat.window_ns(case.parameters.duration)).max().unwrap_or(0);
        let together = bins.div_ceil(most.max(1)).max(1);
        let steps = (0..bins).step_by(together).map(|first| {
            let points: Vec<&Point> =
                same().flat_map(|repeat| repeat.series.points.iter().skip(first).take(together)).collect();
            let start = bin_ns.saturating_mul(first as u64);
            let end =
                bin_ns.saturating_mul((first + together).min(bins) as u64).min(span_ns).max(start.saturating_add(1));
            // A repeat whose window was over before has no logs here.
            let repeats = same().filter(|repeat| repeat.series.points.len() > first).count().max(1) as f64;
            // A report may say anything: its sums may be beyond a number's range.
            let sum = |of: fn(&Point) -> u64| points.iter().fold(0, |sum: u64, point| sum.saturating_add(of(point)));
            let times = || points.iter().filter_map(|point| point.times);
            let per_s = |logs: u64| logs as f64 / repeats * 1e9 / (end - start).max(1) as f64;
            Step {
                at: start.midpoint(end) as f64,
                p50: median(times().map(|times| times.p50_ns).collect()),
                p99: median(times().map(|times| times.p99_ns).collect()),
                max: times().map(|times| times.max_ns).max().map(|max| max as f64),
                accepted_per_s: per_s(sum(|point| point.enqueued)),
                refused_per_s: per_s(sum(|point| point.rejected)),
            }
        });
        Self { span_ns, steps: steps.collect() }
    }

    /// Every time in it.
    pub fn times(&self) -> impl Iterator<Item = f64> + Clone + '_ {
        self.steps.iter().flat_map(|step| [step.p50, step.p99, step.max]).flatten()
    }

    /// `enqueue` over time, and below it the accepted and the refused logs; empty without steps.
    pub fn charts(&self, frames: &mut Frames, decades: Decades) -> String {
        if self.steps.is_empty() {
            return String::new();
        }
        let time = Linear { quantity: Quantity::Time, most: self.span_ns.max(1), steps: 5 };
        let line = |ink, value: fn(&Step) -> Option<f64>| {
            let points = self.steps.iter().filter_map(|step| Some((step.at, value(step)?))).collect();
            Line { ink, points }
        };
        let latency = [
            line(Ink::FIRST, |step| step.p50),
            line(Ink::SECOND, |step| step.p99),
            line(Ink::LARGEST, |step| step.max),
        ];
        // The last bin also contains the calls that began after the end of the window, so it has no rate.
        let whole = &self.steps[..(self.steps.len() - 1).max(1)];
        let refused = whole.iter().any(|step| step.refused_per_s > 0.0);
        let count = |ink, value: fn(&Step) -> f64| Line {
            ink,
            points: whole.iter().map(|step| (step.at, value(step))).collect(),
        };
        let mut counts = vec![count(Ink::ACCEPTED, |step| step.accepted_per_s)];
        counts.extend(refused.then(|| count(Ink::REFUSED, |step| step.refused_per_s)));
        let most = whole.iter().map(|step| step.accepted_per_s.max(step.refused_per_s)).fold(1.0, f64::max);
        let rate = Linear { quantity: Quantity::Rate, most: rounded_up(most), steps: 2 };
        let above = chart(frames, Frame::Times(time, decades, LATENCIES), "enqueue over time", &latency);
        above + &chart(frames, Frame::Rates(time, rate, RATES), "accepted and refused over time", &counts)
    }
}

/// The next of 1, 2, 5, 10, 20 …, so that similar cases share their axes.
fn rounded_up(most: f64) -> u64 {
    let decade = 10_f64.powf(most.log10().floor());
    let fitting = [1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0].into_iter().find(|step| step * decade >= most);
    (fitting.unwrap_or(10.0) * decade) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::healthy;
    use crate::measure::{PointTimes, Series};
    use crate::report::fixture::{case, report_of};
    use crate::scenario::Strategy;
    use crate::units::Nanos;

    #[test]
    fn repeats_lie_over_each_other() {
        let repeat = |p50: u64, rejected| {
            let point = |ns: u64| Point {
                enqueued: 100,
                rejected,
                times: Some(PointTimes { p50_ns: p50, p99_ns: ns, max_ns: ns * 2 }),
            };
            let mut measurement = healthy(1_000);
            measurement.series = Series { bin_ns: 10_000_000, points: [100, 200, 300, 400, 500].map(point).into() };
            measurement
        };
        let mut input = case(Strategy::Drop, vec![repeat(10, 0), repeat(20, 0), repeat(90, 30)]);
        input.parameters.duration = Nanos::from_millis(45);
        let over = OverTime::of(&report_of(vec![input]).cases[0], 3);
        let found: Vec<_> = over.steps.iter().map(|step| (step.at / 1e6, step.p50, step.p99, step.max)).collect();
        let expected = [(10.0, 100.0, 400.0), (30.0, 300.0, 800.0), (42.5, 500.0, 1_000.0)]
            .map(|(at, p99, max)| (at, Some(20.0), Some(p99), Some(max)));
        assert_eq!(found, expected);
        assert_eq!(over.steps[0].accepted_per_s, 10_000.0);
        assert_eq!(over.steps[2].accepted_per_s, 20_000.0);
        assert_eq!(over.steps[0].refused_per_s, 1_000.0);
        let mut frames = Frames::default();
        assert_eq!(over.charts(&mut frames, Decades { low: 1, high: 4 }).matches("<path class").count(), 5);
    }

    #[test]
    fn without_a_repeat_there_is_nothing_to_draw() {
        let report = report_of(vec![case(Strategy::Drop, Vec::new())]);
        let over = OverTime::of(&report.cases[0], 60);
        assert_eq!(over.charts(&mut Frames::default(), Decades { low: 1, high: 4 }), "");
    }
}
