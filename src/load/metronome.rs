//! Waking up at regular times, asleep in between: for threads that watch, and must not take a core to do so.

use crate::clock::Clock;
use std::time::Duration;

/// An absolute schedule of one wake-up every `period` nanoseconds. What comes late does not move what is due later.
#[derive(Clone, Debug)]
pub struct Metronome {
    due: u64,
    period: u64,
}

/// A wake-up; times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// When it was due.
    pub due: u64,
    /// When it came.
    pub at: u64,
}

impl Metronome {
    /// The first wake-up is due at `start`.
    pub fn new(start: u64, period: u64) -> Self {
        Self { due: start, period: period.max(1) }
    }

    /// Waits for the next wake-up by calling `sleep`, as often as it takes. Wake-ups that came due in the meantime are
    /// passed over: one that comes late stands for them all.
    pub fn next(&mut self, clock: &impl Clock, mut sleep: impl FnMut(Duration)) -> Beat {
        let due = self.due;
        let at = loop {
            let now = clock.now();
            match due.checked_sub(now) {
                Some(left) if left > 0 => sleep(Duration::from_nanos(left)),
                _ => break now,
            }
        };
        self.due = due + ((at - due) / self.period + 1) * self.period;
        Beat { due, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    /// The beats of a sleeper that oversleeps by these times.
    fn beats(overshoots: &[u64]) -> Vec<(u64, u64)> {
        let clock = ManualClock::at(30);
        let mut metronome = Metronome::new(100, 100);
        let mut beat = |overshoot: u64| {
            let beat = metronome.next(&clock, |span| clock.advance(span.as_nanos() as u64 + overshoot));
            (beat.due, beat.at)
        };
        overshoots.iter().map(|&overshoot| beat(overshoot)).collect()
    }

    #[test]
    fn a_late_wake_up_does_not_move_the_next() {
        assert_eq!(beats(&[0, 30, 0]), [(100, 100), (200, 230), (300, 300)]);
    }

    #[test]
    fn what_came_due_meanwhile_is_passed_over() {
        assert_eq!(beats(&[0, 250, 99, 100, 0]), [(100, 100), (200, 450), (500, 599), (600, 700), (800, 800)]);
    }

    #[test]
    fn a_sleep_that_ends_early_is_gone_on_with() {
        let clock = ManualClock::at(0);
        let mut metronome = Metronome::new(10, 10);
        let beat = metronome.next(&clock, |_| clock.advance(3));
        assert_eq!((beat.due, beat.at), (10, 12));
    }
}
