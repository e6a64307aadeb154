//! A clock that stands still while this process is stopped (SIGSTOP, a closed lid, a frozen container): nobody is
//! to blame if a deadline passes meanwhile.

use std::time::{Duration, Instant};

/// A longer time between two looks means that this process was stopped: who waits looks at least four times a second.
const PAUSE: Duration = Duration::from_secs(1);

/// Time that is measured by looks at short intervals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    last: Instant,
    elapsed: Duration,
    paused: Duration,
}

impl Patience {
    /// Begins now.
    pub fn begin() -> Self {
        Self::begin_at(Instant::now())
    }

    fn begin_at(now: Instant) -> Self {
        Self { last: now, elapsed: Duration::ZERO, paused: Duration::ZERO }
    }

    /// The time that has passed, without pauses.
    pub fn elapsed(&mut self) -> Duration {
        self.elapsed_at(Instant::now())
    }

    /// How much time the pauses took until the last look.
    pub fn paused(&self) -> Duration {
        self.paused
    }

    fn elapsed_at(&mut self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.last);
        self.last = now;
        let counted = if since < PAUSE { &mut self.elapsed } else { &mut self.paused };
        *counted += since;
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
            assert_eq!(elapsed + patience.paused(), Duration::from_millis(at_ms), "at {at_ms} ms");
        }
    }
}
