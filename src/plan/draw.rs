//! Random seeds and orders. The results are the same on every machine and in every version.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// Derives a separate seed for each purpose and round: the first 8 bytes of a SHA-256, so it is the same everywhere.
pub(super) fn derive_seed(seed: u64, purpose: &str, round: u32) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(round.to_le_bytes());
    hash.update(purpose.as_bytes());
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Shuffles with Fisher-Yates, from the last position down. The index is the upper half of a 64 x 64-bit product, whose
/// bias is below 2^-46 for any plan. The generator and this method are fixed, so a seed gives the same order in every
/// version.
pub(super) fn shuffle<T>(order: &mut [T], seed: u64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for last in (1..order.len()).rev() {
        let product = u128::from(random.next_u64()) * (last as u128 + 1);
        let index = usize::try_from(product >> 64).unwrap_or(last);
        order.swap(last, index);
    }
}
