//! The figures of the repeats of a case: memory, drain, CPU time, depth, fairness, slopes.

use super::Distributions;
use crate::measure::Measurement;
use crate::scenario::Figure;

/// One value for each figure and repeat.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    repeats: Vec<Vec<Option<f64>>>,
}

impl Figures {
    /// Adds a repeat, whose latencies are decoded already.
    pub(super) fn add(&mut self, measurement: &Measurement, distributions: &Distributions) {
        let values = Figure::ALL.iter().map(|figure| of(*figure, measurement, distributions));
        self.repeats.push(values.collect());
    }

    /// The value of each repeat, in the unit of the figure; `None` for each that does not know it.
    pub fn all(&self, figure: Figure) -> impl Iterator<Item = Option<f64>> + '_ {
        let place = Figure::ALL.iter().position(|known| *known == figure);
        self.repeats.iter().map(move |values| place.and_then(|place| values.get(place).copied().flatten()))
    }

    /// The values of the repeats that know it.
    pub fn known(&self, figure: Figure) -> impl Iterator<Item = f64> + '_ {
        self.all(figure).flatten()
    }
}

/// A figure of one repeat, in its unit; `None` if it is not known.
fn of(figure: Figure, measurement: &Measurement, distributions: &Distributions) -> Option<f64> {
    let cost = &measurement.cost;
    match figure {
        Figure::PeakMemory => cost.peak_memory_bytes.map(|bytes| bytes as f64),
        Figure::MemorySlope => measurement.memory.as_ref()?.slope(),
        Figure::MedianSlope => measurement.series.slope(|times| times.p50_ns),
        Figure::TailSlope => measurement.series.slope(|times| times.p99_ns),
        Figure::Drain => Some(cost.drain_ns as f64),
        Figure::QueueCpu => cost.cpu_s_per_million.get("queue").map(|seconds| seconds * 1e9),
        Figure::ProcessCpu => {
            let groups = &cost.cpu_s_per_million;
            (!groups.is_empty()).then(|| groups.values().sum::<f64>() * 1e9)
        }
        Figure::PeakDepth => cost.depth_high_water.map(|records| records as f64),
        Figure::MeanDepth => mean_depth(measurement, distributions),
        Figure::Jain => measurement.fairness.map(|fairness| fairness.jain),
    }
}

/// The mean number of records between call and sink: the time that all records of the window spent there, over the length
/// of the window (J. D. C. Little, "A proof for the queuing formula: L = λW", 1961). It is not known if a record was lost
/// or evicted: nobody knows how long it was there; or if some were not timed.
fn mean_depth(measurement: &Measurement, distributions: &Distributions) -> Option<f64> {
    let (ledger, delivery) = (&measurement.ledger, &distributions.delivery);
    let is_whole = ledger.lost() == 0 && ledger.evicted == 0 && delivery.count() == ledger.delivered;
    // The length of the window follows from its rates, which were checked against its counts.
    let seconds = ledger.scheduled as f64 / measurement.rates.offered_per_s;
    let depth = delivery.sum_ns() as f64 / 1e9 / seconds;
    (is_whole && depth.is_finite()).then_some(depth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::healthy;
    use crate::measure::{Fairness, MemorySeries, Point, PointTimes, Series};

    /// A repeat that knows everything: 1,000 logs in a second, each 500 µs in the queue.
    fn telling() -> Measurement {
        let mut measurement = healthy(1_000);
        let bytes = (0..50_u64).map(|n| Some(1_000_000 + n * 100)).collect();
        measurement.memory = Some(MemorySeries { step_ns: 20_000_000, bytes });
        let times = |n: u64| PointTimes { p50_ns: 1_000, p99_ns: 2_000 + n, max_ns: 9_000 };
        let point = |n: u64| Point { times: Some(times(n)), ..Point::default() };
        measurement.series = Series { bin_ns: 10_000_000, points: (0..100).map(point).collect() };
        measurement.fairness = Some(Fairness { tasks: 10, jain: 0.9, least_share: 0.5 });
        measurement
    }

    fn figures(measurement: &Measurement) -> Figures {
        let mut figures = Figures::default();
        figures.add(measurement, &Distributions::decode(&measurement.latency).unwrap());
        figures
    }

    #[test]
    fn every_figure_follows_from_the_measurement() {
        let figures = figures(&telling());
        for (figure, expected) in [
            (Figure::PeakMemory, 8e6),
            (Figure::MemorySlope, 5_000.0),
            (Figure::MedianSlope, 0.0),
            (Figure::TailSlope, 100.0),
            (Figure::Drain, 1e6),
            (Figure::QueueCpu, 0.5e9),
            (Figure::ProcessCpu, 1.75e9),
            (Figure::PeakDepth, 17.0),
            (Figure::MeanDepth, 0.5),
            (Figure::Jain, 0.9),
        ] {
            let found: Vec<f64> = figures.known(figure).collect();
            assert!(
                matches!(found[..], [value] if (value - expected).abs() < 1e-6 * expected.max(1.0)),
                "{figure}: {found:?}"
            );
        }
    }

    #[test]
    fn what_a_queue_cannot_tell_is_unknown() {
        let mut silent = telling();
        silent.memory = None;
        silent.series = Series::default();
        silent.cost.peak_memory_bytes = None;
        silent.cost.cpu_s_per_million.clear();
        silent.cost.depth_high_water = None;
        silent.fairness = None;
        let silent = figures(&silent.losing(1));
        let known: Vec<Figure> =
            Figure::ALL.iter().copied().filter(|figure| silent.known(*figure).next().is_some()).collect();
        assert_eq!(known, [Figure::Drain]);
    }
}
