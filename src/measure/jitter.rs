//! Jitter: how late a thread wakes up that does nothing but sleep.

use super::encoding::Distribution;
use super::model::Latency;

/// A wake-up that is later than this counts as stolen time, in nanoseconds.
pub const STOLEN_FROM: u64 = 1_000_000;

/// The lateness of the thread's wake-ups.
#[derive(Clone, Debug, Default)]
pub struct Jitter {
    overshoot: Distribution,
    stolen_ns: u64,
}

impl Jitter {
    /// No wake-ups yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records one wake-up, which was `ns` nanoseconds late.
    pub fn record(&mut self, ns: u64) {
        self.overshoot.record(ns);
        if ns > STOLEN_FROM {
            self.stolen_ns = self.stolen_ns.saturating_add(ns);
        }
    }

    /// The distribution as it is sent, and the summed lateness of the wake-ups that were later than [`STOLEN_FROM`], in
    /// nanoseconds.
    pub fn to_parts(&self) -> (Latency, u64) {
        (self.overshoot.encode(), self.stolen_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_beyond_a_millisecond_is_stolen() {
        let mut jitter = Jitter::new();
        [50_000, STOLEN_FROM, STOLEN_FROM + 1, 5_000_000].into_iter().for_each(|ns| jitter.record(ns));
        let (overshoot, stolen) = jitter.to_parts();
        assert_eq!((overshoot.count, overshoot.max_ns), (4, Some(5_000_000)));
        assert_eq!(stolen, STOLEN_FROM + 1 + 5_000_000);
    }
}
