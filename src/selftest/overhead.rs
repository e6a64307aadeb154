//! What it costs to time a call at all: the part of a short service time that is the clock's and the spin's.

use super::synthetic::{Behaviour, Synthetic};
use crate::adapter::Sink;
use crate::clock::{Clock, LoadClock, SystemClock};
use crate::load::{Phase, Stamp};
use crate::units::human;
use serde::Serialize;
use std::thread;
use std::time::Duration;

/// Calls that are timed, in as many rounds; between two of them the thread sleeps, as the producers do, so that caches are
/// as cold.
const CALLS: u64 = 1_000;
const SLEEP: Duration = Duration::from_micros(50);

/// Readings of the clock in a batch, and batches.
const READINGS: u32 = 1_000;
const BATCHES: u32 = 5;

/// What such a call takes by the queue's own word, in nanoseconds.
pub(super) const CALL_NS: u64 = 2_000;

/// How much more than what was measured is allowed. Between the readings of the instrument lie its own steps as well (the
/// log is built, the stalls are told), and the producers' caches are shared with more.
const MARGIN: f64 = 3.0;

/// The most that is allowed, in nanoseconds: on a machine that takes longer, a call of 2 µs cannot be proven.
const MOST_ALLOWED: f64 = 250.0;

/// What was measured of it, on this machine just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Overhead {
    /// One reading of the clock, in nanoseconds.
    pub reading_ns: f64,
    /// By how much a call of 2 µs takes longer than that by two readings around it, in nanoseconds: the lower quartile,
    /// since what other processes interrupt is above it, and what timing costs is not.
    pub call_ns: f64,
}

impl Overhead {
    /// Measures it, without the instrument: the queue is called in a bare loop. Takes about a tenth of a second.
    #[must_use]
    pub fn measure() -> Self {
        let clock = LoadClock::System(SystemClock::new());
        let sink = Sink::new(clock.clone(), 1, 0, None);
        let queue = Synthetic::new(Behaviour::Takes { ns: CALL_NS }, sink);
        let mut overheads: Vec<u64> = (0..CALLS)
            .map(|sequence| {
                thread::sleep(SLEEP);
                let start = clock.now();
                queue.take(Stamp { phase: Phase::Window, task: 0, sequence, at: start });
                clock.now().saturating_sub(start + CALL_NS)
            })
            .collect();
        overheads.sort_unstable();
        Self { reading_ns: reading(&clock), call_ns: overheads[overheads.len() / 4] as f64 }
    }

    /// By how much a service time may exceed the queue's word, in nanoseconds.
    #[must_use]
    pub fn allowed_ns(&self) -> f64 {
        (self.call_ns * MARGIN).min(MOST_ALLOWED)
    }

    /// Whether timing costs more here than may be allowed for.
    #[must_use]
    pub fn is_excessive(&self) -> bool {
        self.call_ns * MARGIN > MOST_ALLOWED
    }

    /// What was measured and what is allowed, in one sentence.
    #[must_use]
    pub fn described(&self) -> String {
        let ns = human::latency;
        format!(
            "a reading of the clock takes {}, and timing a call of 2 µs adds {} to it: a service time may be up to {} longer",
            ns(self.reading_ns),
            ns(self.call_ns),
            ns(self.allowed_ns())
        )
    }
}

/// The fastest of a few batches.
fn reading(clock: &impl Clock) -> f64 {
    let batch = |_| {
        let begin = clock.now();
        for _ in 1..READINGS {
            std::hint::black_box(clock.now());
        }
        (clock.now() - begin) as f64 / f64::from(READINGS)
    };
    (0..BATCHES).map(batch).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_follows_what_was_measured_up_to_a_bound() {
        for (call_ns, allowed, excessive) in
            [(0.0, 0.0, false), (40.0, 120.0, false), (83.0, 249.0, false), (84.0, 250.0, true)]
        {
            let overhead = Overhead { reading_ns: 10.0, call_ns };
            assert_eq!((overhead.allowed_ns(), overhead.is_excessive()), (allowed, excessive), "{call_ns}");
        }
    }

    #[test]
    fn a_call_costs_more_to_time_than_a_reading() {
        let overhead = Overhead::measure();
        assert!(overhead.reading_ns > 0.0 && overhead.call_ns >= overhead.reading_ns, "{overhead:?}");
    }
}
