//! Records counts and percentiles of `enqueue` over time, in constant memory: all of it is there before the window begins,
//! so that the memory of the process does not grow by it.

use super::encoding::HIGHEST_NS;
use super::model::Series;
use super::point::{Point, PointTimes};
use hdrhistogram::Histogram;

/// Largest number of bins of a series.
const MOST_BINS: u64 = 256;

/// Most bins of all recorders together: 40 MiB. With many sender threads each has fewer.
const MOST_IN_ALL: u64 = 2_048;

/// Least number of bins that a recorder may have, however many there are.
const FEWEST: u64 = 8;

/// Narrowest bin, in nanoseconds.
const NARROWEST: u64 = 10_000_000;

/// Records calls by their start. The bins cover the window; calls that start later are counted in the last bin.
#[derive(Clone, Debug)]
pub struct SeriesRecorder {
    start: u64,
    width: u64,
    bins: Vec<Bin>,
    /// The bin of the last record, and where it begins. The next record is most likely in it, and then needs no division.
    latest: (usize, u64),
}

#[derive(Clone, Debug)]
struct Bin {
    /// Two significant figures are enough for a curve and limit a bin to 20 KiB.
    enqueue: Histogram<u32>,
    rejected: u64,
    max: u64,
}

impl SeriesRecorder {
    /// A recorder for a window that begins at `start` and lasts `span` nanoseconds. It is one of `recorders`.
    pub fn new(start: u64, span: u64, recorders: usize) -> Self {
        let most = (MOST_IN_ALL / (recorders as u64).max(1)).clamp(FEWEST, MOST_BINS);
        let mut width = NARROWEST;
        while span.div_ceil(width) > most {
            width *= 2;
        }
        let empty = Bin { enqueue: new_histogram(), rejected: 0, max: 0 };
        // Cloning writes the memory of each, where allocating it would only reserve it.
        let bins = vec![empty; span.div_ceil(width).max(1) as usize];
        Self { start, width, bins, latest: (0, start) }
    }

    #[inline]
    fn bin(&mut self, at: u64) -> &mut Bin {
        let (mut index, begin) = self.latest;
        // Also true before the bin begins: the difference wraps around.
        if at.wrapping_sub(begin) >= self.width {
            index = ((at.saturating_sub(self.start) / self.width) as usize).min(self.bins.len() - 1);
            self.latest = (index, self.start + index as u64 * self.width);
        }
        &mut self.bins[index]
    }

    /// Records an accepted call that started at `at` and took `service` nanoseconds.
    #[inline]
    pub fn record_enqueued(&mut self, at: u64, service: u64) {
        let bin = self.bin(at);
        bin.enqueue.saturating_record(service);
        bin.max = bin.max.max(service);
    }

    /// Records a refused call that started at `at`.
    #[inline]
    pub fn record_rejected(&mut self, at: u64) {
        self.bin(at).rejected += 1;
    }

    /// Adds another recorder's records; both must be for the same window.
    pub fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.bins.iter_mut().zip(&other.bins) {
            ours.enqueue.add(&theirs.enqueue).expect("all bins have the same bounds");
            ours.rejected += theirs.rejected;
            ours.max = ours.max.max(theirs.max);
        }
    }

    /// The form in which it is sent, of a window that lasted `span` nanoseconds, which may be shorter than planned. Bins after
    /// its end are left out.
    pub fn to_series(&self, span: u64) -> Series {
        let bins = span.div_ceil(self.width).max(1) as usize;
        Series { bin_ns: self.width, points: self.bins.iter().take(bins).map(Bin::to_point).collect() }
    }
}

impl Bin {
    fn to_point(&self) -> Point {
        let enqueued = self.enqueue.len();
        let quantile = |q| self.enqueue.value_at_quantile(q).min(self.max);
        Point {
            enqueued,
            rejected: self.rejected,
            times: (enqueued > 0).then(|| PointTimes {
                p50_ns: quantile(0.5),
                p99_ns: quantile(0.99),
                max_ns: self.max,
            }),
        }
    }
}

fn new_histogram() -> Histogram<u32> {
    Histogram::new_with_bounds(1, HIGHEST_NS, 2).expect("the bounds are constants that fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn calls_fall_into_the_bin_of_their_start() {
        let mut series = SeriesRecorder::new(1_000 * MS, 40 * MS, 1);
        series.record_enqueued(1_000 * MS, 100);
        series.record_enqueued(1_019 * MS, 300);
        series.record_rejected(1_025 * MS);
        series.record_enqueued(1_039 * MS, 7);
        let series = series.to_series(u64::MAX);
        assert_eq!(series.bin_ns, 10 * MS);
        let counts: Vec<_> = series.points.iter().map(|point| (point.enqueued, point.rejected)).collect();
        assert_eq!(counts, [(1, 0), (1, 0), (0, 1), (1, 0)]);
        let longest: Vec<_> = series.points.iter().map(|point| point.times.map(|times| times.max_ns)).collect();
        assert_eq!(longest, [Some(100), Some(300), None, Some(7)]);
    }

    #[test]
    fn what_starts_outside_the_window_is_kept_at_its_ends() {
        let mut series = SeriesRecorder::new(1_000 * MS, 20 * MS, 1);
        series.record_enqueued(990 * MS, 1);
        series.record_enqueued(5_000 * MS, 2);
        let points = series.to_series(u64::MAX).points;
        assert_eq!(points.iter().map(|point| point.enqueued).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn a_day_has_no_more_bins_than_two_seconds_may() {
        for span in [MS, 2_000 * MS, 2_560 * MS, 2_561 * MS, 24 * 3_600 * 1_000 * MS] {
            for (recorders, most) in [(1, MOST_BINS), (8, MOST_BINS), (64, 32), (10_000, FEWEST)] {
                let bins = SeriesRecorder::new(0, span, recorders).bins.len() as u64;
                assert!((1..=most).contains(&bins), "{span}, {recorders}: {bins}");
            }
        }
    }

    #[test]
    fn adding_equals_recording_into_one() {
        let empty = SeriesRecorder::new(0, 100 * MS, 1);
        let (mut one, mut other, mut both) = (empty.clone(), empty.clone(), empty);
        for n in 0..1_000_u64 {
            let part = if n % 2 == 0 { &mut one } else { &mut other };
            for recorder in [part, &mut both] {
                recorder.record_enqueued(n * MS / 10, n);
                recorder.record_rejected(n * MS / 20);
            }
        }
        one.add(&other);
        assert_eq!(one.to_series(u64::MAX), both.to_series(u64::MAX));
    }
}
