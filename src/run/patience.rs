//! A clock that stands still while this process is stopped (SIGSTOP, a closed lid, a frozen container): a child is not
//! to blame if its deadline passes meanwhile.

use std::time::{Duration, Instant};

/// A longer time between two looks means that this process was stopped: the runner looks every 50 ms.
const PAUSE: Duration = Duration::from_secs(1);

/// Time that is measured by looks at short intervals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    last: Instant,
    elapsed: Duration,
}

impl Patience {
    /// Begins now.
    pub fn begin() -> Self {
        Self::begin_at(Instant::now())
    }

    fn begin_at(now: Instant) -> Self {
        Self { last: now, elapsed: Duration::ZERO }
    }

    /// The time that has passed, without pauses.
    pub fn elapsed(&mut self) -> Duration {
        self.elapsed_at(Instant::now())
    }

    fn elapsed_at(&mut self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.last);
        self.last = now;
        if since < PAUSE {
            self.elapsed += since;
        }
        self.elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_does_not_count() {
        let begun = Instant::now();
        let mut patience = Patience::begin_at(begun);
        for (at_ms, expected_ms) in
            [(0, 0), (100, 100), (1_000, 1_000), (61_000, 1_000), (61_050, 1_050), (63_000, 1_050)]
        {
            let elapsed = patience.elapsed_at(begun + Duration::from_millis(at_ms));
            assert_eq!(elapsed, Duration::from_millis(expected_ms), "at {at_ms} ms");
        }
    }
}
