//! Wakes up at regular times and sleeps in between. For threads that only watch and must not use a core for it.

use crate::clock::Clock;
use std::time::Duration;

/// An absolute schedule with one wake-up every `period` nanoseconds. A late wake-up does not delay the later ones.
#[derive(Clone, Debug)]
pub struct Metronome {
    due: u64,
    period: u64,
}

/// A wake-up; times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The time at which it was due.
    pub due: u64,
    /// The time at which it really happened.
    pub at: u64,
}

impl Metronome {
    /// The first wake-up is due at `start`.
    pub fn new(start: u64, period: u64) -> Self {
        Self { due: start, period: period.max(1) }
    }

    /// Waits for the next wake-up, by calling `sleep` as often as needed. Wake-ups that have become due meanwhile are
    /// skipped: one late wake-up stands for all of them.
    pub fn next(&mut self, clock: &impl Clock, mut sleep: impl FnMut(Duration)) -> Beat {
        let due = self.due;
        let at = loop {
            let now = clock.now();
            match due.checked_sub(now) {
                Some(left) if left > 0 => sleep(Duration::from_nanos(left)),
                _ => break now,
            }
        };
        // The first due time of the schedule after `at`.
        self.due = due + ((at - due) / self.period + 1) * self.period;
        Beat { due, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    /// The beats if the sleeps are too long by these times.
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
