//! A distribution of times in memory, and its form on the wire: [`Latency`] with an HdrHistogram V2 payload.
//!
//! Everything that is decoded comes from another process, so the text is bounded before it is inflated, the inflated
//! bytes before they are read, and every count before it is added. The payload is decoded here and not by the
//! `hdrhistogram` crate, whose decoder allocates what the header asks for.

use super::Latency;
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::{Histogram, serialization::Serializer, serialization::V2DeflateSerializer};
use std::io::Read;

/// Largest time that a histogram can hold, in nanoseconds (about 28 hours); longer ones are counted in its last bucket.
pub const HIGHEST_NS: u64 = 100_000_000_000_000;
/// Significant figures of every histogram.
pub const SIGNIFICANT_FIGURES: u8 = 3;
/// Longest base64 text that is decoded, in bytes. A full histogram takes less than half of it.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Largest count that is believed: beyond it a JSON number is no longer exact.
pub const MAX_COUNT: u64 = 1 << 53;
/// One whole, in the parts in which quantiles are passed.
pub const WHOLE: u64 = 1_000_000_000;

const MAX_INFLATED_BYTES: u64 = 1 << 20;
const COMPRESSED_COOKIE: u32 = 0x1c84_9314;
const COOKIE: u32 = 0x1c84_9313;
const HEADER_BYTES: usize = 40;
/// Buckets of the first, linear stretch at three significant figures; each further stretch has half as many.
const LINEAR: u64 = 2048;

/// Why a [`Latency`] could not be decoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EncodingError {
    /// The text is longer than [`MAX_TEXT_BYTES`].
    #[error("histogram text is {0} bytes long; at most {MAX_TEXT_BYTES} are read")]
    TooLong(usize),
    /// The text is not base64.
    #[error("histogram is not base64")]
    NotBase64,
    /// The bytes are not an HdrHistogram, or one with other settings.
    #[error("histogram is not HdrHistogram V2 compressed, 1 ns, 3 significant figures: {0}")]
    NotHdr(&'static str),
    /// A value lies beyond [`HIGHEST_NS`].
    #[error("histogram holds a value beyond {HIGHEST_NS} ns")]
    OutOfRange,
    /// The histogram holds another number of values than the latency claims.
    #[error("histogram holds {held} values, count says {claimed}")]
    CountDiffers {
        /// Values in the histogram.
        held: u128,
        /// What `count` says.
        claimed: u64,
    },
    /// More values than can be counted exactly.
    #[error("more than {MAX_COUNT} values")]
    TooMany,
    /// The moments beside the histogram are impossible.
    #[error("{0}")]
    Moments(&'static str),
}

/// Times in nanoseconds: a histogram for the quantiles, and exact moments beside it.
#[derive(Clone, Debug)]
pub struct Distribution {
    histogram: Histogram<u64>,
    sum_ns: u128,
    sum_squares_ns2: f64,
    /// [`u64::MAX`] while empty, as `max` is 0: a record then needs no case for the first one.
    min: u64,
    max: u64,
    censored: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self::new()
    }
}

/// A bucket of the histogram that holds values: its bounds (both included, cut to the smallest and the largest value
/// seen) in nanoseconds, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Lower bound.
    pub low_ns: u64,
    /// Upper bound.
    pub high_ns: u64,
    /// Values in it.
    pub count: u64,
}

impl Distribution {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, HIGHEST_NS, SIGNIFICANT_FIGURES)
            .expect("the bounds are constants that the histogram accepts");
        Self { histogram, sum_ns: 0, sum_squares_ns2: 0.0, min: u64::MAX, max: 0, censored: 0 }
    }

    /// Records one time.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.histogram.saturating_record(ns);
        self.sum_ns += u128::from(ns);
        self.sum_squares_ns2 += ns as f64 * ns as f64;
        self.min = self.min.min(ns);
        self.max = self.max.max(ns);
    }

    /// Records a lower bound: a wait that had not ended.
    pub fn record_censored(&mut self, ns: u64) {
        self.record(ns);
        self.censored += 1;
    }

    /// Adds all values of `other`, as if they had been recorded here.
    ///
    /// # Errors
    /// [`EncodingError::TooMany`] when the two together exceed [`MAX_COUNT`]; nothing is added then.
    pub fn add(&mut self, other: &Self) -> Result<(), EncodingError> {
        if self.count() + other.count() > MAX_COUNT {
            return Err(EncodingError::TooMany);
        }
        self.histogram.add(&other.histogram).map_err(|_| EncodingError::OutOfRange)?;
        self.sum_ns += other.sum_ns;
        self.sum_squares_ns2 += other.sum_squares_ns2;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.censored += other.censored;
        Ok(())
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Exact sum of the values in nanoseconds.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// Sum of the squares.
    #[must_use]
    pub fn sum_squares_ns2(&self) -> f64 {
        self.sum_squares_ns2
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
        self.histogram.iter_recorded().map(move |step| {
            let value = step.value_iterated_to();
            let (low, high) = (self.histogram.lowest_equivalent(value), self.histogram.highest_equivalent(value));
            // A value beyond the range sits in the last bucket, whose bounds it exceeds.
            let high_ns = if high >= HIGHEST_NS { max } else { high.min(max) };
            Bucket { low_ns: low.max(min).min(high_ns), high_ns, count: step.count_at_value() }
        })
    }

    /// The value of the given rank (1 is the smallest), read as its bucket's upper bound; `None` beyond the last.
    #[must_use]
    pub fn value_at_rank(&self, rank: u64) -> Option<u64> {
        let mut seen = 0_u64;
        self.buckets().find_map(|bucket| {
            seen += bucket.count;
            (seen >= rank.max(1)).then_some(bucket.high_ns)
        })
    }

    /// Rank of a quantile given in parts of [`WHOLE`]: the smallest rank that has that share at or below it.
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

    /// The form on the wire.
    #[must_use]
    pub fn encode(&self) -> Latency {
        Latency {
            count: self.count(),
            sum_ns: self.sum_ns,
            sum_squares_ns2: self.sum_squares_ns2,
            min_ns: self.min_ns(),
            max_ns: self.max_ns(),
            censored: self.censored,
            hdr: self.encode_histogram(),
        }
    }

    /// The histogram alone: HdrHistogram V2, compressed, base64.
    #[must_use]
    pub fn encode_histogram(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.histogram, &mut bytes).expect("writing into memory does not fail");
        STANDARD.encode(bytes)
    }

    /// Reads the form on the wire, which may hold anything.
    ///
    /// # Errors
    /// Whatever keeps the text from being a histogram of `count` values, or the moments from belonging to it.
    pub fn decode(latency: &Latency) -> Result<Self, EncodingError> {
        if latency.count > MAX_COUNT {
            return Err(EncodingError::TooMany);
        }
        let histogram = decode_histogram(&latency.hdr, latency.count)?;
        let decoded = Self {
            histogram,
            sum_ns: latency.sum_ns,
            sum_squares_ns2: latency.sum_squares_ns2,
            min: latency.min_ns.unwrap_or(u64::MAX),
            max: latency.max_ns.unwrap_or(0),
            censored: latency.censored,
        };
        decoded.check_moments(latency.min_ns, latency.max_ns)?;
        Ok(decoded)
    }

    /// Holds the moments against the histogram: what each bucket allows bounds what the sum can be.
    fn check_moments(&self, min_ns: Option<u64>, max_ns: Option<u64>) -> Result<(), EncodingError> {
        let fault = |text| Err(EncodingError::Moments(text));
        if self.censored > self.count() {
            return fault("more values are censored than there are");
        }
        if !self.sum_squares_ns2.is_finite() || self.sum_squares_ns2 < 0.0 {
            return fault("sum_squares_ns2 is not a finite number from 0");
        }
        let (Some(min), Some(max)) = (min_ns, max_ns) else {
            let empty = self.count() == 0 && min_ns.is_none() && max_ns.is_none();
            return match empty && self.sum_ns == 0 && self.sum_squares_ns2 == 0.0 {
                true => Ok(()),
                false => fault("min_ns, max_ns and the sums do not agree on whether there are values"),
            };
        };
        if self.count() == 0 || min > max {
            return fault("min_ns and max_ns are impossible");
        }
        let highest = self.histogram.highest_equivalent(self.histogram.max());
        if !self.histogram.equivalent(min.min(HIGHEST_NS), self.histogram.min())
            || !(self.histogram.equivalent(max, self.histogram.max()) || (highest >= HIGHEST_NS && max > highest))
        {
            return fault("min_ns or max_ns is not in the histogram");
        }
        self.check_sums()
    }

    fn check_sums(&self) -> Result<(), EncodingError> {
        let (mut low, mut high) = (0_u128, 0_u128);
        let (mut low_squares, mut high_squares) = (0.0_f64, 0.0_f64);
        for bucket in self.buckets() {
            low += u128::from(bucket.low_ns) * u128::from(bucket.count);
            high += u128::from(bucket.high_ns) * u128::from(bucket.count);
            low_squares += (bucket.low_ns as f64).powi(2) * bucket.count as f64;
            high_squares += (bucket.high_ns as f64).powi(2) * bucket.count as f64;
        }
        if self.sum_ns < low || self.sum_ns > high {
            return Err(EncodingError::Moments("sum_ns is not what the histogram allows"));
        }
        // A float sum of many squares is off by its rounding.
        if self.sum_squares_ns2 < low_squares * (1.0 - 1e-6) || self.sum_squares_ns2 > high_squares * (1.0 + 1e-6) {
            return Err(EncodingError::Moments("sum_squares_ns2 is not what the histogram allows"));
        }
        Ok(())
    }
}

/// The buckets of a histogram alone, as it stands in a report: of `count` values, in ascending order.
///
/// # Errors
/// Whatever keeps the text from being a histogram of that many values.
pub fn histogram_buckets(text: &str, count: u64) -> Result<Vec<Bucket>, EncodingError> {
    let histogram = decode_histogram(text, count)?;
    let (min, max) = (histogram.min(), histogram.max());
    let alone = Distribution { histogram, sum_ns: 0, sum_squares_ns2: 0.0, min, max, censored: 0 };
    Ok(alone.buckets().collect())
}

fn decode_histogram(text: &str, claimed: u64) -> Result<Histogram<u64>, EncodingError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(EncodingError::TooLong(text.len()));
    }
    let bytes = STANDARD.decode(text.trim_end()).map_err(|_| EncodingError::NotBase64)?;
    let plain = inflate(&bytes)?;
    let counts = payload(&plain)?;
    let mut histogram = Histogram::new_with_bounds(1, HIGHEST_NS, SIGNIFICANT_FIGURES)
        .expect("the bounds are constants that the histogram accepts");
    let mut held = 0_u128;
    let mut index = 0_u64;
    let mut rest = counts;
    while !rest.is_empty() {
        let number = varint(&mut rest).ok_or(EncodingError::NotHdr("a count is cut short"))?;
        if number < 0 {
            index = index.saturating_add(number.unsigned_abs());
            continue;
        }
        if number > 0 {
            let count = number.unsigned_abs();
            held += u128::from(count);
            if held > u128::from(claimed) {
                return Err(EncodingError::CountDiffers { held, claimed });
            }
            let value = value_of(index).filter(|value| *value <= HIGHEST_NS).ok_or(EncodingError::OutOfRange)?;
            histogram.record_n(value, count).map_err(|_| EncodingError::OutOfRange)?;
        }
        index = index.saturating_add(1);
    }
    match held == u128::from(claimed) {
        true => Ok(histogram),
        false => Err(EncodingError::CountDiffers { held, claimed }),
    }
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, EncodingError> {
    if word(bytes, 0) != Some(COMPRESSED_COOKIE) {
        return Err(EncodingError::NotHdr("wrong cookie"));
    }
    let length = word(bytes, 4).ok_or(EncodingError::NotHdr("cut short"))? as usize;
    let body = bytes.get(8..).and_then(|body| body.get(..length)).ok_or(EncodingError::NotHdr("cut short"))?;
    let mut plain = Vec::new();
    ZlibDecoder::new(body)
        .take(MAX_INFLATED_BYTES + 1)
        .read_to_end(&mut plain)
        .map_err(|_| EncodingError::NotHdr("does not inflate"))?;
    match plain.len() as u64 > MAX_INFLATED_BYTES {
        true => Err(EncodingError::NotHdr("inflates to more than 1 MiB")),
        false => Ok(plain),
    }
}

/// Checks the header of an uncompressed V2 histogram and returns its counts.
fn payload(plain: &[u8]) -> Result<&[u8], EncodingError> {
    if plain.len() < HEADER_BYTES || word(plain, 0) != Some(COOKIE) {
        return Err(EncodingError::NotHdr("wrong inner cookie"));
    }
    let length = word(plain, 4).unwrap_or(0) as usize;
    let counts = &plain[HEADER_BYTES..];
    if counts.len() != length {
        return Err(EncodingError::NotHdr("wrong payload length"));
    }
    let lowest = (word(plain, 16), word(plain, 20));
    if word(plain, 8) != Some(0) || word(plain, 12) != Some(3) || lowest != (Some(0), Some(1)) {
        return Err(EncodingError::NotHdr("other settings"));
    }
    let ratio: [u8; 8] = plain[32..40].try_into().unwrap_or_default();
    match f64::from_be_bytes(ratio) == 1.0 {
        true => Ok(counts),
        false => Err(EncodingError::NotHdr("values are scaled")),
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes)
}

/// Reads one ZigZag LEB128 number (seven bits a byte, the ninth byte whole).
fn varint(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for place in 0..9 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        if place == 8 {
            value |= u64::from(*byte) << 56;
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(((value >> 1) as i64) ^ -((value & 1) as i64))
}

/// Lowest value of the bucket with the given index at three significant figures and a lowest value of 1.
fn value_of(index: u64) -> Option<u64> {
    if index < LINEAR {
        return Some(index);
    }
    let shift = u32::try_from(index / (LINEAR / 2) - 1).ok()?;
    let within = index % (LINEAR / 2) + LINEAR / 2;
    (shift < 50).then(|| within << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
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

    /// Wraps counts as a peer would that puts whatever it likes into the payload.
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
