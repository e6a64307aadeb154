//! How fast a series grows, robustly: a few odd points do not change it.

use super::model::{MemorySeries, Series};
use super::point::PointTimes;

/// Number of points that a slope needs.
pub const LEAST_POINTS: usize = 10;

/// Most points that are looked at: their pairs are as many as its square.
const MOST_POINTS: usize = 1_000;

/// The slope of the line through points of ascending `x`: the median of the slopes of all pairs. Up to 29 % of the points
/// may lie anywhere without carrying it away. `None` with fewer than [`LEAST_POINTS`].
///
/// Sources: H. Theil, "A rank-invariant method of linear and polynomial regression analysis", 1950; P. K. Sen,
/// "Estimates of the regression coefficient based on Kendall's tau", 1968.
#[must_use]
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let points = &points[..points.len().min(MOST_POINTS)];
    if points.len() < LEAST_POINTS {
        return None;
    }
    let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * points.len() / 2);
    for (index, (x, y)) in points.iter().enumerate() {
        let later = points[index + 1..].iter().filter(|(later, _)| later > x);
        slopes.extend(later.map(|(later, its)| (its - y) / (later - x)));
    }
    median(&mut slopes)
}

/// The median of these values, the mean of the two in the middle if there are two; `None` if there are none.
pub fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let is_even = values.len().is_multiple_of(2);
    let (before, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = before.iter().copied().max_by(f64::total_cmp).filter(|_| is_even);
    Some(lower.map_or(upper, |lower| f64::midpoint(lower, upper)))
}

impl MemorySeries {
    /// How fast the memory grows over the window, in bytes per second; `None` with too few readings.
    #[must_use]
    pub fn slope(&self) -> Option<f64> {
        let at = |index: usize| index as f64 * self.step_ns as f64 / 1e9;
        let points: Vec<(f64, f64)> =
            self.bytes.iter().enumerate().filter_map(|(index, bytes)| Some((at(index), (*bytes)? as f64))).collect();
        theil_sen(&points)
    }
}

impl Series {
    /// How fast a statistic of `enqueue` grows over the window, in nanoseconds per second; `None` where too few bins have
    /// it.
    #[must_use]
    pub fn slope(&self, of: fn(&PointTimes) -> u64) -> Option<f64> {
        let at = |index: usize| index as f64 * self.bin_ns as f64 / 1e9;
        let points: Vec<(f64, f64)> = self
            .points
            .iter()
            .enumerate()
            .filter_map(|(index, point)| Some((at(index), of(point.times.as_ref()?) as f64)))
            .collect();
        theil_sen(&points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Point;
    use proptest::prelude::*;

    fn line(points: usize, slope: f64) -> Vec<(f64, f64)> {
        (0..points).map(|x| (x as f64, 5.0 + slope * x as f64)).collect()
    }

    #[test]
    fn a_line_has_its_slope_and_outliers_do_not_change_it() {
        for points in [9, 10, 11, 100, 1_000, 1_500] {
            assert_eq!(theil_sen(&line(points, 3.0)), (points >= LEAST_POINTS).then_some(3.0), "{points}");
        }
        let mut spoiled = line(100, 3.0);
        spoiled.iter_mut().step_by(4).for_each(|(_, y)| *y = 1e12);
        let slope = theil_sen(&spoiled).unwrap();
        assert!((slope - 3.0).abs() < 1e-9, "a quarter lies elsewhere: {slope}");
        let step: Vec<(f64, f64)> = (0..100).map(|x| (f64::from(x), if x < 5 { 0.0 } else { 1e6 })).collect();
        assert_eq!(theil_sen(&step), Some(0.0), "what is allocated once is no growth");
    }

    #[test]
    fn points_at_one_place_have_no_slope() {
        assert_eq!(theil_sen(&[(1.0, 2.0); 20]), None);
    }

    #[test]
    fn gaps_in_a_series_are_left_out() {
        let bytes: Vec<Option<u64>> = (0..40).map(|n| (n % 3 > 0).then_some(1_000 + n * 10)).collect();
        assert_eq!(MemorySeries { step_ns: 100_000_000, bytes }.slope(), Some(100.0));
        assert_eq!(MemorySeries { step_ns: 1, bytes: vec![None; 40] }.slope(), None);
        let times = |n: u64| PointTimes { p50_ns: 3, p99_ns: n * 7, max_ns: 1_000 };
        let point = |n: u64| Point { times: (n > 5).then(|| times(n)), ..Point::default() };
        let series = Series { bin_ns: 1_000_000_000, points: (0..40).map(point).collect() };
        assert_eq!((series.slope(|times| times.p99_ns), series.slope(|times| times.p50_ns)), (Some(7.0), Some(0.0)));
        let empty = Series { points: vec![Point::default(); 40], ..series };
        assert_eq!(empty.slope(|times| times.p99_ns), None);
    }

    proptest! {
        #[test]
        fn it_follows_scale_and_shift(values in proptest::collection::vec(0.0..1e6_f64, 10..40), scale in 1.0..100.0_f64, shift in -1e6..1e6_f64) {
            let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(x, y)| (x as f64, *y)).collect();
            let moved: Vec<(f64, f64)> = points.iter().map(|(x, y)| (*x, y * scale + shift)).collect();
            let (one, other) = (theil_sen(&points).unwrap(), theil_sen(&moved).unwrap());
            prop_assert!((one * scale - other).abs() <= 1e-6 * (1.0 + other.abs()), "{} {}", one * scale, other);
        }

        #[test]
        fn the_median_is_in_the_middle(mut values in proptest::collection::vec(-1e6..1e6_f64, 1..40)) {
            let found = median(&mut values).unwrap();
            values.sort_by(f64::total_cmp);
            let middle = values.len() / 2;
            let expected = if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) };
            prop_assert_eq!(found, expected);
        }
    }
}
