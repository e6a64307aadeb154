//! The change points of a series: where its values begin to come from another distribution.
//!
//! E-divisive (D. S. Matteson and N. A. James, "A Nonparametric Approach for Multiple Change Point Analysis of
//! Multivariate Data", Journal of the American Statistical Association 109, 2014), with the energy distance of exponent
//! 1, as D. Daly, W. Brown, H. Ingo, J. O'Leary and D. Bradford use it on benchmarks ("The Use of Change Point Detection
//! to Identify Software Performance Regressions in a Continuous Integration System", ICPE 2020): a segment is divided
//! where the distance between its two parts is largest, if a permutation test finds that no chance, and then so is each
//! part. The test asks how often a random order of the same values can be divided as well. So it assumes no
//! distribution, and without a change, the probability of any change point is at most `alpha`, whatever the noise.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Least number of values on either side of a change point.
const LEAST: usize = 2;

/// Largest number of random orders in a test: a p-value has three decimals.
const ORDERS: u32 = 999;

/// Most change points of a series; more are noise.
const MOST: usize = 50;

/// Two sums of the same distances in another order may differ by a rounding error.
const ROUNDING: f64 = 1e-9;

/// Where a series changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// Index of the first value after the change.
    pub at: usize,
    /// The probability of such a division if the order of the values meant nothing.
    pub p: f64,
}

/// The change points of a series, ascending. `alpha` is the probability of finding any in a segment that has none.
/// The same series and seed give the same result on every machine.
#[must_use]
pub fn change_points(values: &[f64], alpha: f64, seed: u64) -> Vec<ChangePoint> {
    let values = scaled(values);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut found: Vec<ChangePoint> = Vec::new();
    let mut segments = vec![(0, values.len())];
    while let Some((from, to)) = segments.pop() {
        if found.len() >= MOST {
            break;
        }
        if let Some((at, p)) = division(&values[from..to], alpha, &mut random) {
            found.push(ChangePoint { at: from + at, p });
            segments.extend([(from + at, to), (from, from + at)]);
        }
    }
    found.sort_by_key(|point| point.at);
    found
}

/// The logarithms, if all values have one: the noise of a time is proportional to it.
fn scaled(values: &[f64]) -> Vec<f64> {
    let positive = values.iter().all(|value| *value > 0.0);
    values.iter().map(|value| if positive { value.ln() } else { *value }).collect()
}

/// Where the values are divided best, and the p-value, if that is no chance.
fn division(values: &[f64], alpha: f64, random: &mut Xoshiro256PlusPlus) -> Option<(usize, f64)> {
    if values.len() < 2 * LEAST {
        return None;
    }
    let mut distances = Distances::of(values);
    let mut order: Vec<usize> = (0..values.len()).collect();
    let (observed, at) = distances.best(&order);
    if observed <= 0.0 {
        return None;
    }
    // Once as many orders are as good, the p-value exceeds alpha, whatever follows: J. Besag and P. Clifford,
    // "Sequential Monte Carlo p-values", Biometrika 78, 1991.
    let most = (alpha * f64::from(ORDERS + 1)).floor();
    let mut as_good = 1.0;
    for _ in 0..ORDERS {
        shuffle(&mut order, random);
        if distances.best(&order).0 >= observed * (1.0 - ROUNDING) {
            as_good += 1.0;
        }
        if as_good > most {
            return None;
        }
    }
    Some((at, as_good / f64::from(ORDERS + 1)))
}

/// The distances between all pairs of values.
struct Distances {
    count: usize,
    /// Row by row.
    all: Vec<f64>,
    /// For an order of the values: the sum over the first `i` rows and `j` columns, for every `i` and `j`.
    sums: Vec<f64>,
}

impl Distances {
    fn of(values: &[f64]) -> Self {
        let count = values.len();
        let mut all = Vec::with_capacity(count * count);
        for one in values {
            all.extend(values.iter().map(|other| (one - other).abs()));
        }
        Self { count, all, sums: vec![0.0; (count + 1) * (count + 1)] }
    }

    /// The largest statistic of any division of the values in this order, and the index of the first value after it. The
    /// part after a division may end before the last value, so that a rise is found that is followed by a fall.
    fn best(&mut self, order: &[usize]) -> (f64, usize) {
        self.add_up(order);
        let mut best = (f64::NEG_INFINITY, 0);
        for end in 2 * LEAST..=self.count {
            for at in LEAST..=end - LEAST {
                let statistic = self.statistic(at, end);
                if statistic > best.0 {
                    best = (statistic, at);
                }
            }
        }
        best
    }

    fn add_up(&mut self, order: &[usize]) {
        let width = self.count + 1;
        for (i, one) in order.iter().enumerate() {
            let row = &self.all[one * self.count..(one + 1) * self.count];
            let mut sum = 0.0;
            for (j, other) in order.iter().enumerate() {
                sum += row[*other];
                self.sums[(i + 1) * width + j + 1] = self.sums[i * width + j + 1] + sum;
            }
        }
    }

    /// The energy distance between the values before `at` and those from there to `end`, weighted by their numbers.
    fn statistic(&self, at: usize, end: usize) -> f64 {
        let sum = |rows: usize, columns: usize| self.sums[rows * (self.count + 1) + columns];
        // Every pair stands twice in the square.
        let before = sum(at, at) / 2.0;
        let between = sum(at, end) - sum(at, at);
        let after = (sum(end, end) - 2.0 * sum(at, end) + sum(at, at)) / 2.0;
        let (m, n) = (at as f64, (end - at) as f64);
        let distance = 2.0 * between / (m * n) - 2.0 * before / (m * (m - 1.0)) - 2.0 * after / (n * (n - 1.0));
        m * n / (m + n) * distance
    }
}

/// Fisher-Yates; see `plan::draw`.
fn shuffle(order: &mut [usize], random: &mut Xoshiro256PlusPlus) {
    for last in (1..order.len()).rev() {
        let product = u128::from(random.next_u64()) * (last as u128 + 1);
        order.swap(last, usize::try_from(product >> 64).unwrap_or(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of a distribution, without a change.
    struct Noise(Xoshiro256PlusPlus);

    impl Noise {
        fn new(seed: u64) -> Self {
            Self(Xoshiro256PlusPlus::seed_from_u64(seed))
        }

        fn uniform(&mut self) -> f64 {
            (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// The sum of twelve uniform values: near enough to the normal distribution.
        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
        }
    }

    const ALPHA: f64 = 0.01;

    fn places(values: &[f64]) -> Vec<usize> {
        change_points(values, ALPHA, 1).iter().map(|point| point.at).collect()
    }

    #[test]
    fn steps_are_found_where_they_are() {
        let mut noise = Noise::new(7);
        let mut series = |levels: &[(f64, usize)]| -> Vec<f64> {
            let levels = levels.iter().flat_map(|(level, count)| std::iter::repeat_n(*level, *count));
            levels.map(|level| level * (1.0 + 0.02 * noise.normal())).collect()
        };
        for (levels, expected) in [
            (&[(100.0, 30)][..], &[][..]),
            (&[(100.0, 12), (150.0, 13)], &[12]),
            (&[(100.0, 12), (70.0, 13)], &[12]),
            (&[(100.0, 15), (130.0, 15), (100.0, 15)], &[15, 30]),
        ] {
            assert_eq!(places(&series(levels)), expected, "{levels:?}");
        }
    }

    #[test]
    fn what_proves_nothing_has_no_change_point() {
        for values in [&[][..], &[1.0], &[1.0, 1.0, 9.0, 9.0], &[5.0; 40], &[0.0; 40]] {
            assert_eq!(places(values), [0; 0], "{values:?}");
        }
        let one_outlier: Vec<f64> = (0..30).map(|n| if n == 20 { 900.0 } else { 100.0 + f64::from(n % 3) }).collect();
        assert_eq!(places(&one_outlier), [0; 0]);
        // Twelve values: two orders in 924 divide them as well. Eight: two in 70.
        let step = |each: usize| -> Vec<f64> {
            (0..2 * each).map(|n| if n < each { 1.0 } else { 9.0 } + n as f64 / 100.0).collect()
        };
        assert_eq!((places(&step(4)), places(&step(6))), (vec![], vec![6]));
    }

    #[test]
    fn the_same_series_gives_the_same_result() {
        let mut noise = Noise::new(3);
        let values: Vec<f64> = (0..40).map(|n| if n < 20 { 1.0 } else { 1.2 } + 0.05 * noise.normal()).collect();
        assert_eq!(change_points(&values, ALPHA, 9), change_points(&values, ALPHA, 9));
    }

    /// The statistic, term by term as it is defined.
    #[test]
    fn the_statistic_is_the_published_one() {
        let values = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6, 5.3];
        let mut distances = Distances::of(&values);
        let order: Vec<usize> = (0..values.len()).collect();
        let mean = |pairs: Vec<f64>| pairs.iter().sum::<f64>() / pairs.len() as f64;
        let defined = |at: usize, end: usize| {
            let (x, y) = values[..end].split_at(at);
            let between = x.iter().flat_map(|x| y.iter().map(move |y| (x - y).abs())).collect();
            let within = |side: &[f64]| {
                let pairs = (0..side.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
                mean(pairs.map(|(i, j)| (side[i] - side[j]).abs()).collect())
            };
            let (m, n) = (x.len() as f64, y.len() as f64);
            m * n / (m + n) * (2.0 * mean(between) - within(x) - within(y))
        };
        let all = (4..=7).flat_map(|end| (2..=end - 2).map(move |at| (at, end)));
        let best = all.map(|(at, end)| (defined(at, end), at)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        let found = distances.best(&order);
        assert!((found.0 - best.0).abs() < 1e-12 && found.1 == best.1, "{found:?} {best:?}");
    }

    /// Without a change, at most `alpha` of all series have a change point. The bound is that of the 2,000 series that are
    /// drawn: three standard deviations above 1 %.
    #[test]
    fn the_rate_of_false_alarms_is_bounded_by_alpha() {
        const SERIES: u32 = 2_000;
        let most = f64::from(SERIES) * ALPHA + 3.0 * (f64::from(SERIES) * ALPHA * (1.0 - ALPHA)).sqrt();
        type Draw = fn(&mut Noise) -> f64;
        let normal: Draw = |noise| 1.0 + 0.05 * noise.normal();
        // Long tails, and a mixture of two groups, as latencies have.
        let skewed: Draw = |noise| (0.4 * noise.normal()).exp();
        let groups: Draw = |noise| if noise.uniform() < 0.3 { 1.4 } else { 1.0 } + 0.02 * noise.normal();
        for (name, draw) in [("normal", normal), ("skewed", skewed), ("two groups", groups)] {
            let mut noise = Noise::new(11);
            let alarms = (0..SERIES).filter(|seed| {
                let values: Vec<f64> = (0..12).map(|_| draw(&mut noise)).collect();
                !change_points(&values, ALPHA, u64::from(*seed)).is_empty()
            });
            let alarms = alarms.count();
            assert!(alarms as f64 <= most, "{name}: {alarms} of {SERIES}, more than {most}");
        }
    }

    /// A step of 20 % in noise of 5 % is found within one value of where it is.
    #[test]
    fn a_step_of_a_fifth_is_found() {
        const SERIES: u64 = 100;
        let mut noise = Noise::new(5);
        let found = (0..SERIES).filter(|seed| {
            let level = |n: usize| if n < 10 { 1.0 } else { 1.2 };
            let values: Vec<f64> = (0..20).map(|n| level(n) * (1.0 + 0.05 * noise.normal())).collect();
            change_points(&values, ALPHA, *seed).iter().any(|point| point.at.abs_diff(10) <= 1)
        });
        let found = found.count();
        assert!(found >= 95, "{found} of {SERIES}");
    }
}
