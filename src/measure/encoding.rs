//! A distribution of times in memory, and its form in messages: [`Latency`] with an HdrHistogram V2 payload.

use super::Latency;
use super::buckets::Buckets;
use super::hdr;

pub use super::buckets::HIGHEST_NS;
pub use super::hdr::{EncodingError, MAX_COUNT};
#[cfg(feature = "internals")]
pub use super::hdr::{MAX_TEXT_BYTES, SIGNIFICANT_FIGURES};

/// The quantile 1 (100 %) in the unit in which quantiles are passed.
pub const WHOLE: u64 = 1_000_000_000;

/// A distribution of times in nanoseconds: a histogram for the quantiles, and exact moments.
#[derive(Clone, Debug)]
pub struct Distribution {
    histogram: Buckets,
    sum_ns: u128,
    /// [`u64::MAX`] while empty (and `max` is 0), so that the first value needs no special case.
    min: u64,
    max: u64,
    censored: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self::new()
    }
}

/// A bucket of the histogram that is not empty: its bounds in nanoseconds (both included, limited to the smallest and
/// the largest recorded value), and its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Lower bound.
    pub low_ns: u64,
    /// Upper bound.
    pub high_ns: u64,
    /// Number of values in it.
    pub count: u64,
}

impl Distribution {
    /// An empty distribution.
    #[must_use]
    pub fn new() -> Self {
        Self { histogram: Buckets::new(), sum_ns: 0, min: u64::MAX, max: 0, censored: 0 }
    }

    /// Records one time.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.histogram.record(ns);
        self.sum_ns += u128::from(ns);
        // These branches are rarely taken, so they cost less than two stores.
        if ns < self.min {
            self.min = ns;
        }
        if ns > self.max {
            self.max = ns;
        }
    }

    /// Records a lower bound: a wait that had not ended.
    pub fn record_censored(&mut self, ns: u64) {
        self.record(ns);
        self.censored += 1;
    }

    /// Adds all values of `other`, as if they had been recorded here.
    ///
    /// # Errors
    /// [`EncodingError::TooMany`] if the two together exceed [`MAX_COUNT`]; then nothing is added.
    pub fn add(&mut self, other: &Self) -> Result<(), EncodingError> {
        if self.count() + other.count() > MAX_COUNT {
            return Err(EncodingError::TooMany);
        }
        self.histogram.add(&other.histogram);
        self.sum_ns += other.sum_ns;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.censored += other.censored;
        Ok(())
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.total()
    }

    /// Exact sum of the values in nanoseconds.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// Sum of the squares. Together with the exact sum, it gives the variance of the buckets' middles, which is off by
    /// at most a thousandth of a value. Computing it here costs nothing for each log. It is 0 when empty, where the
    /// mean would be NaN.
    #[must_use]
    pub fn sum_squares_ns2(&self) -> f64 {
        let count = self.count() as f64;
        if self.count() == 0 {
            return 0.0;
        }
        let middles =
            || self.buckets().map(|bucket| (bucket.low_ns.midpoint(bucket.high_ns) as f64, bucket.count as f64));
        let centre = middles().map(|(middle, times)| middle * times).sum::<f64>() / count;
        let about_centre: f64 = middles().map(|(middle, times)| (middle - centre).powi(2) * times).sum();
        let mean = self.sum_ns as f64 / count;
        let [low, high] = self.bounds_of_squares();
        (about_centre + mean * mean * count).clamp(low, high)
    }

    /// The smallest and the largest possible sum of the squares, given the buckets.
    fn bounds_of_squares(&self) -> [f64; 2] {
        self.buckets().fold([0.0, 0.0], |[low, high], bucket| {
            let squares = |ns: u64| (ns as f64).powi(2) * bucket.count as f64;
            [low + squares(bucket.low_ns), high + squares(bucket.high_ns)]
        })
    }

    /// Smallest value; `None` when empty.
    #[must_use]
    pub fn min_ns(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.min)
    }

    /// Largest value, exact; `None` when empty.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max)
    }

    /// How many of the values are lower bounds.
    #[must_use]
    pub fn censored(&self) -> u64 {
        self.censored
    }

    /// The buckets that hold values, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let (min, max) = (self.min_ns().unwrap_or(0), self.max_ns().unwrap_or(0));
        self.histogram.iter().map(move |(low, high, count)| {
            // A value beyond the range is in the last bucket, although it exceeds that bucket's bounds.
            let high_ns = if high >= HIGHEST_NS { max } else { high.min(max) };
            Bucket { low_ns: low.max(min).min(high_ns), high_ns, count }
        })
    }

    /// The value of the given rank (1 is the smallest), as the upper bound of its bucket; `None` beyond the last rank.
    #[must_use]
    pub fn value_at_rank(&self, rank: u64) -> Option<u64> {
        let mut seen = 0_u64;
        self.buckets().find_map(|bucket| {
            seen += bucket.count;
            (seen >= rank.max(1)).then_some(bucket.high_ns)
        })
    }

    /// The rank of a quantile given in parts of [`WHOLE`]: the smallest rank with at least that share of values at or
    /// below it.
    #[must_use]
    pub fn rank_of(&self, parts: u64) -> u64 {
        let scaled = u128::from(self.count()) * u128::from(parts.min(WHOLE));
        u64::try_from(scaled.div_ceil(u128::from(WHOLE))).unwrap_or(u64::MAX).max(1)
    }

    /// The quantile given in parts of [`WHOLE`]; `None` when empty.
    #[must_use]
    pub fn quantile_ns(&self, parts: u64) -> Option<u64> {
        self.value_at_rank(self.rank_of(parts))
    }

    /// Compares these values with those of all `parts` together. Each of their values must have one of ours that is at
    /// least as large. Returns the largest time, in nanoseconds, that fewer of our values reach than of theirs; `None`
    /// if there is none. Buckets keep the order of values, so the result is a real contradiction and not a rounding
    /// error.
    #[must_use]
    pub fn falls_short_of(&self, parts: &[&Self]) -> Option<u64> {
        let mut theirs: Vec<(u64, u64)> =
            parts.iter().flat_map(|part| part.histogram.iter()).map(low_and_count).collect();
        theirs.sort_unstable();
        let mut ours = self.histogram.iter().map(low_and_count).rev().peekable();
        // Both lists are walked from the largest time down. At each of their times, at least as many of our values must
        // reach it as of theirs.
        let (mut reaching, mut needed) = (0, 0);
        for (low, count) in theirs.into_iter().rev() {
            needed += count;
            while let Some((_, count)) = ours.next_if(|(ours, _)| *ours >= low) {
                reaching += count;
            }
            if reaching < needed {
                return Some(low);
            }
        }
        None
    }

    /// The form in messages and reports.
    #[must_use]
    pub fn encode(&self) -> Latency {
        Latency {
            count: self.count(),
            sum_ns: self.sum_ns,
            sum_squares_ns2: self.sum_squares_ns2(),
            min_ns: self.min_ns(),
            max_ns: self.max_ns(),
            censored: self.censored,
            hdr: self.encode_histogram(),
        }
    }

    /// The histogram alone: HdrHistogram V2, compressed, base64.
    #[must_use]
    pub fn encode_histogram(&self) -> String {
        hdr::encode(&self.histogram)
    }

    /// Decodes the form in messages, which comes from another process and may be wrong in any way.
    ///
    /// # Errors
    /// The text is not a histogram of `count` values, or the moments do not fit it.
    pub fn decode(latency: &Latency) -> Result<Self, EncodingError> {
        if latency.count > MAX_COUNT {
            return Err(EncodingError::TooMany);
        }
        let histogram = hdr::decode(&latency.hdr, latency.count)?;
        let decoded = Self {
            histogram,
            sum_ns: latency.sum_ns,
            min: latency.min_ns.unwrap_or(u64::MAX),
            max: latency.max_ns.unwrap_or(0),
            censored: latency.censored,
        };
        decoded.check_moments(latency)?;
        Ok(decoded)
    }

    /// Checks the moments against the histogram: the bounds of the buckets limit what the sums can be.
    fn check_moments(&self, claimed: &Latency) -> Result<(), EncodingError> {
        let fault = |text| Err(EncodingError::Moments(text));
        if self.censored > self.count() {
            return fault("more values are censored than there are");
        }
        let squares = claimed.sum_squares_ns2;
        // NaN must be refused here: it would pass every comparison below.
        if !squares.is_finite() || squares < 0.0 {
            return fault("sum_squares_ns2 is not a finite number from 0");
        }
        let (Some(min), Some(max)) = (claimed.min_ns, claimed.max_ns) else {
            let empty = self.count() == 0 && claimed.min_ns.is_none() && claimed.max_ns.is_none();
            return match empty && self.sum_ns == 0 && squares == 0.0 {
                true => Ok(()),
                false => fault("min_ns, max_ns and the sums do not agree on whether there are values"),
            };
        };
        if self.count() == 0 || min > max {
            return fault("min_ns and max_ns are impossible");
        }
        let lowest = self.histogram.iter().next().map_or(0, |(low, ..)| low);
        let highest = self.histogram.iter().next_back().map_or(0, |(low, ..)| low);
        if !Buckets::equivalent(min, lowest) || !Buckets::equivalent(max, highest) {
            return fault("min_ns or max_ns is not in the histogram");
        }
        self.check_sums(squares)
    }

    fn check_sums(&self, squares: f64) -> Result<(), EncodingError> {
        let (low, high) = self.buckets().fold((0_u128, 0_u128), |(low, high), bucket| {
            let times = u128::from(bucket.count);
            (low + u128::from(bucket.low_ns) * times, high + u128::from(bucket.high_ns) * times)
        });
        if self.sum_ns < low || self.sum_ns > high {
            return Err(EncodingError::Moments("sum_ns is not what the histogram allows"));
        }
        let [low, high] = self.bounds_of_squares();
        // A float sum of many squares has rounding errors.
        if squares < low * (1.0 - 1e-6) || squares > high * (1.0 + 1e-6) {
            return Err(EncodingError::Moments("sum_squares_ns2 is not what the histogram allows"));
        }
        Ok(())
    }
}

fn low_and_count((low, _, count): (u64, u64, u64)) -> (u64, u64) {
    (low, count)
}

/// The buckets of a histogram as in a report: of `count` values, in ascending order.
///
/// # Errors
/// The text is not a histogram of that many values.
pub fn histogram_buckets(text: &str, count: u64) -> Result<Vec<Bucket>, EncodingError> {
    let buckets = hdr::decode(text, count)?;
    Ok(buckets.iter().map(|(low_ns, high_ns, count)| Bucket { low_ns, high_ns, count }).collect())
}

#[cfg(test)]
mod tests {
    use super::hdr::{COMPRESSED_COOKIE, COOKIE};
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Distribution {
        let mut distribution = Distribution::new();
        for value in values {
            distribution.record(*value);
        }
        distribution
    }

    fn same(a: &Distribution, b: &Distribution) {
        assert_eq!(a.buckets().collect::<Vec<_>>(), b.buckets().collect::<Vec<_>>());
        assert_eq!((a.count(), a.sum_ns(), a.min_ns(), a.max_ns()), (b.count(), b.sum_ns(), b.min_ns(), b.max_ns()));
        assert_eq!(a.censored(), b.censored());
    }

    #[test]
    fn a_bucket_index_means_what_the_crate_means() {
        for value in [0, 1, 2047, 2048, 2049, 4095, 4096, 123_456, 10_000_000_000, HIGHEST_NS] {
            same(&Distribution::decode(&of(&[value]).encode()).unwrap(), &of(&[value]));
        }
    }

    #[test]
    fn a_value_beyond_the_range_keeps_its_moments() {
        let beyond = of(&[5, HIGHEST_NS * 3]);
        let back = Distribution::decode(&beyond.encode()).unwrap();
        assert_eq!(back.max_ns(), Some(HIGHEST_NS * 3));
        assert_eq!(back.quantile_ns(WHOLE), Some(HIGHEST_NS * 3));
    }

    #[test]
    fn quantiles_have_exact_ranks() {
        let hundred = of(&(1..=100).collect::<Vec<_>>());
        for (parts, expected) in [(500_000_000, 50), (70_000_000, 7), (990_000_000, 99), (999_000_000, 100), (0, 1)] {
            assert_eq!(hundred.quantile_ns(parts), Some(expected), "{parts}");
        }
        assert_eq!(Distribution::new().quantile_ns(500_000_000), None);
        assert_eq!(hundred.value_at_rank(101), None);
    }

    #[test]
    fn the_deviation_is_that_of_the_values_to_a_thousandth() {
        let spread = [1_000_000, 1_200_000, 3_456_789, 2_000_000, 1_000_001];
        for values in [vec![1_000_000; 50], spread.to_vec(), (1..2_000).collect()] {
            let recorded = of(&values);
            let (count, sum) = (values.len() as f64, values.iter().sum::<u64>() as f64);
            let variance = values.iter().map(|value| (*value as f64 - sum / count).powi(2)).sum::<f64>() / count;
            let ours = (recorded.sum_squares_ns2() - sum * sum / count) / count;
            let largest = values.iter().max().copied().unwrap() as f64;
            assert!((ours.max(0.0).sqrt() - variance.sqrt()).abs() <= largest / 1_000.0, "{ours} for {variance}");
        }
    }

    #[test]
    fn lies_about_the_histogram_are_refused() {
        type Lie = fn(&mut Latency);
        let lies: [(&str, Lie); 14] = [
            ("count", |l| l.count += 1),
            ("count less", |l| l.count -= 1),
            ("count huge", |l| l.count = u64::MAX),
            ("sum", |l| l.sum_ns /= 2),
            ("sum more", |l| l.sum_ns *= 2),
            ("squares", |l| l.sum_squares_ns2 *= 2.0),
            ("squares nan", |l| l.sum_squares_ns2 = f64::NAN),
            ("min", |l| l.min_ns = Some(3)),
            ("min null", |l| l.min_ns = None),
            ("max", |l| l.max_ns = Some(1_000_000)),
            ("censored", |l| l.censored = l.count + 1),
            ("not base64", |l| l.hdr = "no base64!".into()),
            ("not hdr", |l| l.hdr = STANDARD.encode("hello, world, hello, world")),
            ("cut", |l| l.hdr.truncate(40)),
        ];
        for (name, lie) in lies {
            let mut latency = of(&[100, 2_000, 30_000]).encode();
            assert!(Distribution::decode(&latency).is_ok());
            lie(&mut latency);
            assert!(Distribution::decode(&latency).is_err(), "{name} was believed");
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_not_decoded() {
        let mut latency = of(&[1]).encode();
        latency.hdr = "A".repeat(MAX_TEXT_BYTES + 1);
        assert_eq!(Distribution::decode(&latency).unwrap_err(), EncodingError::TooLong(MAX_TEXT_BYTES + 1));
    }

    #[test]
    fn a_deflate_bomb_is_not_unpacked() {
        use std::io::Write;
        let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            deflate.write_all(&[0; 1 << 20]).unwrap();
        }
        let body = deflate.finish().unwrap();
        let mut bytes = COMPRESSED_COOKIE.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        let mut latency = of(&[1]).encode();
        latency.hdr = STANDARD.encode(bytes);
        let error = Distribution::decode(&latency).unwrap_err();
        assert_eq!(error, EncodingError::NotHdr("inflates to more than 1 MiB"));
    }

    #[test]
    fn nothing_may_follow_a_histogram() {
        let good = STANDARD.decode(of(&[100, 2_000]).encode().hdr).unwrap();
        let with = |more: &[u8], length: u32| {
            let mut bytes = [&good[..], more].concat();
            let body = u32::from_be_bytes(bytes[4..8].try_into().unwrap()) + length;
            bytes[4..8].copy_from_slice(&body.to_be_bytes());
            let mut latency = of(&[100, 2_000]).encode();
            latency.hdr = STANDARD.encode(bytes);
            Distribution::decode(&latency).map(|decoded| decoded.count())
        };
        assert_eq!(with(&[], 0), Ok(2));
        for (more, length) in [(&[0][..], 0), (&[0], 1), (&good, 0), (&[1, 2, 3], 3)] {
            let found = with(more, length).unwrap_err();
            assert_eq!(found, EncodingError::NotHdr("something follows it"), "{more:?} {length}");
        }
    }

    /// Encodes any counts, as a malicious peer could send them.
    fn hostile(counts: &[u8]) -> String {
        use std::io::Write;
        let mut plain = COOKIE.to_be_bytes().to_vec();
        plain.extend(u32::try_from(counts.len()).unwrap().to_be_bytes());
        plain.extend([0; 4]);
        plain.extend(3_u32.to_be_bytes());
        plain.extend(1_u64.to_be_bytes());
        plain.extend(u64::MAX.to_be_bytes());
        plain.extend(1.0_f64.to_be_bytes());
        plain.extend(counts);
        let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        deflate.write_all(&plain).unwrap();
        let body = deflate.finish().unwrap();
        let mut bytes = COMPRESSED_COOKIE.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        STANDARD.encode(bytes)
    }

    proptest! {
        #[test]
        fn a_round_trip_changes_nothing(values in prop::collection::vec(0..HIGHEST_NS, 0..200)) {
            let recorded = of(&values);
            let back = Distribution::decode(&recorded.encode()).unwrap();
            same(&recorded, &back);
            prop_assert_eq!(recorded.encode(), back.encode());
        }

        #[test]
        fn pooling_equals_recording_into_one(
            a in prop::collection::vec(0..HIGHEST_NS, 0..100),
            b in prop::collection::vec(0..HIGHEST_NS, 0..100),
        ) {
            let mut pooled = of(&a);
            pooled.add(&of(&b)).unwrap();
            same(&pooled, &of(&[a, b].concat()));
        }

        #[test]
        fn rubbish_gives_an_error_and_no_panic(
            counts in prop::collection::vec(any::<u8>(), 0..200),
            count in any::<u64>(),
            text in ".{0,80}",
        ) {
            let mut latency = of(&[1]).encode();
            latency.count = count;
            latency.hdr = hostile(&counts);
            let _ = Distribution::decode(&latency);
            latency.hdr = text;
            prop_assert!(Distribution::decode(&latency).is_err());
        }
    }
}
