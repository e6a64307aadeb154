//! Counts times in the layout of an HdrHistogram with three significant figures. Every log pays for this recording, and
//! the `record` of the `hdrhistogram` crate costs twice as much.

/// Largest time with a bucket of its own, in nanoseconds (about 28 hours). Longer times are counted in that bucket.
pub const HIGHEST_NS: u64 = 100_000_000_000_000;
/// Number of buckets of the first, linear range; each further range has half as many.
const LINEAR: u64 = 2048;
/// Number of buckets of each further range.
const STRETCH: u64 = LINEAR / 2;
/// Number of buckets.
const BUCKETS: usize = index_of(HIGHEST_NS) + 1;

/// The number of times in each bucket.
///
/// Bucket `i` contains only the time `i` up to 2,047 ns. Above that, each doubling of the time is divided into 1,024
/// buckets of equal width, so no bucket is wider than a thousandth of its times. Source: the layout of HdrHistogram by
/// Gil Tene, <https://hdrhistogram.github.io/HdrHistogram/>.
#[derive(Clone, Debug)]
pub struct Buckets {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
}

/// Index of the bucket of `ns`; larger than the last index if `ns` is more than [`HIGHEST_NS`].
const fn index_of(ns: u64) -> usize {
    // The shift is the number of doublings above the first range. Times within the first range give 0.
    let shift = (LINEAR - 1).leading_zeros() - (ns | (LINEAR - 1)).leading_zeros();
    ((shift as u64 * STRETCH) + (ns >> shift)) as usize
}

impl Buckets {
    /// No times yet.
    #[must_use]
    pub fn new() -> Self {
        let counts = vec![0; BUCKETS].into_boxed_slice();
        Self { counts: counts.try_into().expect("the vector has as many elements as the array"), total: 0 }
    }

    /// Counts one time in nanoseconds.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        match self.counts.get_mut(index_of(ns)) {
            Some(count) => *count += 1,
            None => self.counts[BUCKETS - 1] += 1,
        }
        self.total += 1;
    }

    /// Adds `count` times to the bucket with this index; returns false if there is no such bucket.
    pub fn add_at(&mut self, index: u64, count: u64) -> bool {
        let bucket = usize::try_from(index).ok().and_then(|index| self.counts.get_mut(index));
        bucket.map(|bucket| *bucket += count).inspect(|()| self.total += count).is_some()
    }

    /// Adds all counts of `other`.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts.iter()).for_each(|(ours, theirs)| *ours += theirs);
        self.total += other.total;
    }

    /// Number of counted times.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The buckets that are not empty, in ascending order: the lowest and the highest time of each in nanoseconds (both
    /// included), and its count.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, u64, u64)> + '_ {
        let filled = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(|(index, count)| (lowest(index as u64), lowest(index as u64 + 1) - 1, *count))
    }

    /// Whether two times belong to the same bucket.
    #[must_use]
    pub fn equivalent(a: u64, b: u64) -> bool {
        index_of(a.min(HIGHEST_NS)) == index_of(b.min(HIGHEST_NS))
    }
}

impl Default for Buckets {
    fn default() -> Self {
        Self::new()
    }
}

/// The lowest time of the bucket with this index, in nanoseconds.
fn lowest(index: u64) -> u64 {
    match index / STRETCH {
        0 | 1 => index,
        stretch => (index % STRETCH + STRETCH) << (stretch - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_is_in_the_bucket_that_its_bounds_say() {
        let edges = (0..47).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for ns in edges.chain([2_047, 2_048, 2_049, 4_095, 4_096, HIGHEST_NS]).filter(|ns| *ns <= HIGHEST_NS) {
            let index = index_of(ns) as u64;
            assert!(lowest(index) <= ns && ns < lowest(index + 1), "{ns} in bucket {index}");
        }
    }

    #[test]
    fn what_is_too_long_is_in_the_last_bucket() {
        let mut buckets = Buckets::new();
        for ns in [HIGHEST_NS, HIGHEST_NS + 1_000_000_000_000, u64::MAX] {
            buckets.record(ns);
        }
        let filled: Vec<_> = buckets.iter().collect();
        assert_eq!(filled.len(), 1);
        assert!(filled[0].0 <= HIGHEST_NS && HIGHEST_NS <= filled[0].1);
        assert_eq!((filled[0].2, buckets.total()), (3, 3));
    }

    #[test]
    fn an_index_beyond_the_last_bucket_is_refused() {
        let mut buckets = Buckets::new();
        assert!(buckets.add_at(BUCKETS as u64 - 1, 2));
        assert!(!buckets.add_at(BUCKETS as u64, 2) && !buckets.add_at(u64::MAX, 2));
        assert_eq!(buckets.total(), 2);
    }

    proptest! {
        #[test]
        fn the_layout_is_that_of_the_crate(ns in 0..=HIGHEST_NS) {
            let peer = hdrhistogram::Histogram::<u64>::new_with_bounds(1, HIGHEST_NS, 3).unwrap();
            let mut buckets = Buckets::new();
            buckets.record(ns);
            let expected = (peer.lowest_equivalent(ns), peer.highest_equivalent(ns), 1);
            prop_assert_eq!(buckets.iter().collect::<Vec<_>>(), vec![expected]);
        }

        #[test]
        fn no_bucket_is_wider_than_a_thousandth(ns in 1..=HIGHEST_NS) {
            let index = index_of(ns) as u64;
            prop_assert!(lowest(index + 1) - lowest(index) <= 1 + ns / 1_000);
        }
    }
}
