//! Encodes [`Buckets`] as text and decodes them: HdrHistogram V2, compressed, base64. Other languages can read it.
//!
//! Decoded text comes from another process. So its length is limited before it is inflated, the inflated length before
//! it is read, and every count before it is added. The payload is decoded here and not by the `hdrhistogram` crate,
//! whose decoder allocates as much memory as the header asks for.

use super::buckets::{Buckets, HIGHEST_NS};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::{Histogram, serialization::Serializer, serialization::V2DeflateSerializer};
use std::io::Read;

/// Significant figures of every histogram.
pub const SIGNIFICANT_FIGURES: u8 = 3;
/// Longest base64 text that is decoded, in bytes. A full histogram needs less than half of it.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Largest count that is accepted: a JSON number above it is not exact.
pub const MAX_COUNT: u64 = 1 << 53;

const MAX_INFLATED_BYTES: u64 = 1 << 20;
pub(super) const COMPRESSED_COOKIE: u32 = 0x1c84_9314;
pub(super) const COOKIE: u32 = 0x1c84_9313;
const HEADER_BYTES: usize = 40;

/// Why a [`Latency`](super::Latency) could not be decoded.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EncodingError {
    /// The text is longer than [`MAX_TEXT_BYTES`].
    #[error("histogram text is {0} bytes long; at most {MAX_TEXT_BYTES} are read")]
    TooLong(usize),
    /// The text is not base64.
    #[error("histogram is not base64")]
    NotBase64,
    /// The bytes are not an HdrHistogram, or one with other parameters.
    #[error("histogram is not HdrHistogram V2 compressed, 1 ns, 3 significant figures: {0}")]
    NotHdr(&'static str),
    /// A value lies beyond [`HIGHEST_NS`].
    #[error("histogram holds a value beyond {HIGHEST_NS} ns")]
    OutOfRange,
    /// The number of values in the histogram differs from the claimed count.
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
    /// The moments of the latency are impossible.
    #[error("{0}")]
    Moments(&'static str),
}

/// The buckets as text.
#[must_use]
pub fn encode(buckets: &Buckets) -> String {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, HIGHEST_NS, SIGNIFICANT_FIGURES)
        .expect("the bounds are constants that the histogram accepts");
    for (low, _, count) in buckets.iter() {
        histogram.record_n(low, count).expect("every bucket is within the bounds");
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&histogram, &mut bytes).expect("writing into memory does not fail");
    STANDARD.encode(bytes)
}

/// Decodes a text that claims to contain `claimed` values. The text may be wrong in any way.
///
/// # Errors
/// The text is not such a histogram, or has another number of values.
pub fn decode(text: &str, claimed: u64) -> Result<Buckets, EncodingError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(EncodingError::TooLong(text.len()));
    }
    let bytes = STANDARD.decode(text.trim_end()).map_err(|_| EncodingError::NotBase64)?;
    let plain = inflate(&bytes)?;
    let counts = payload(&plain)?;
    let mut buckets = Buckets::new();
    let mut held = 0_u128;
    let mut index = 0_u64;
    let mut rest = counts;
    while !rest.is_empty() {
        let number = varint(&mut rest).ok_or(EncodingError::NotHdr("a count is cut short"))?;
        // A negative number stands for a run of empty buckets. It saturates: a malicious run must not wrap around.
        if number < 0 {
            index = index.saturating_add(number.unsigned_abs());
            continue;
        }
        if number > 0 {
            let count = number.unsigned_abs();
            held += u128::from(count);
            // Checked at each step, so that the counts of `Buckets` cannot overflow.
            if held > u128::from(claimed) {
                return Err(EncodingError::CountDiffers { held, claimed });
            }
            if !buckets.add_at(index, count) {
                return Err(EncodingError::OutOfRange);
            }
        }
        index = index.saturating_add(1);
    }
    match held == u128::from(claimed) {
        true => Ok(buckets),
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
    let mut inflating = ZlibDecoder::new(body);
    (&mut inflating)
        .take(MAX_INFLATED_BYTES + 1)
        .read_to_end(&mut plain)
        .map_err(|_| EncodingError::NotHdr("does not inflate"))?;
    if plain.len() as u64 > MAX_INFLATED_BYTES {
        return Err(EncodingError::NotHdr("inflates to more than 1 MiB"));
    }
    // Trailing bytes are refused, because they could contain anything.
    match inflating.total_in() == bytes.len() as u64 - 8 {
        true => Ok(plain),
        false => Err(EncodingError::NotHdr("something follows it")),
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
