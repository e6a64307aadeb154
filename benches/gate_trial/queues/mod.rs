//! Variants of the built-in queue, each worse in one way. A variant's parameters are in its name, after the colon.

mod burning;
mod dropping;
mod late;
mod spun;
mod stalled;

use queue_load::adapter::{Host, Registry, Setup, Stamp};

/// Registers all of them.
pub fn register<H: Host>(queues: &mut Registry<H>) {
    queues.add_family::<spun::Spun>();
    queues.add_family::<stalled::Stalled>();
    queues.add_family::<dropping::Dropping>();
    queues.add_family::<late::Late>();
    queues.add_family::<burning::Burning>();
}

/// The numbers after the colon, which are separated by slashes.
fn told<const N: usize>(setup: &Setup) -> Result<[u64; N], String> {
    let name = &setup.parameters.queue;
    let numbers = name.as_given().split_once(':').map_or("", |(_, told)| told).split('/').map(str::parse);
    let numbers: Vec<u64> = numbers.collect::<Result<_, _>>().map_err(|error| format!("`{name:?}`: {error}"))?;
    numbers.try_into().map_err(|_| format!("`{name:?}`: {N} numbers are needed"))
}

/// Mixes a number: the result is the same for the same number, without a pattern for neighbouring numbers (SplitMix64;
/// Steele, Lea, Flood 2014).
fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Whether a log is one of the one in `of` that are treated worse; the repeat's seed decides. All tasks get the same
/// share. Every 20th call would not do that, since 10 tasks take turns.
pub fn chosen(stamp: Stamp, seed: u64, of: u64) -> bool {
    scattered(stamp.to_words().0 ^ seed).is_multiple_of(of.max(1))
}
