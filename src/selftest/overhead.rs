//! Measures the cost of timing a call: the part of a short service time that comes from reading the clock.

use super::synthetic::{Behaviour, Synthetic};
use crate::adapter::Sink;
use crate::clock::{Clock, LoadClock, SystemClock};
use crate::load::{Phase, Stamp};
use crate::units::human;
use serde::Serialize;
use std::thread;
use std::time::Duration;

/// Number of calls that are timed. The thread sleeps between two calls, as producers do, so that its caches are as cold
/// as theirs.
const CALLS: u64 = 1_000;
const SLEEP: Duration = Duration::from_micros(50);

/// Number of clock readings in a batch, and number of batches.
const READINGS: u32 = 1_000;
const BATCHES: u32 = 5;

/// The service time of these calls, as the queue defines it, in nanoseconds.
pub(super) const CALL_NS: u64 = 2_000;

/// Factor by which more is allowed than was measured. The instrument also does work of its own between its two readings
/// (it builds the log and notes the call for the stalls), and the producers share their caches with more code.
const MARGIN: f64 = 3.0;

/// Largest allowance, in nanoseconds. On a machine that needs more, the claims about a call of 2 µs cannot be checked.
const MOST_ALLOWED: f64 = 250.0;

/// The cost of timing, as measured on this machine just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Overhead {
    /// The time of one clock reading, in nanoseconds.
    pub reading_ns: f64,
    /// How much longer than 2 µs a call of 2 µs appears between two readings, in nanoseconds. It is the lower quartile
    /// of many calls: calls that other processes interrupt lie above it.
    pub call_ns: f64,
}

impl Overhead {
    /// Measures it in a simple loop, without the instrument. Takes about 0.1 s.
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

    /// How much a service time may exceed the queue's own, in nanoseconds.
    #[must_use]
    pub fn allowed_ns(&self) -> f64 {
        (self.call_ns * MARGIN).min(MOST_ALLOWED)
    }

    /// Whether timing costs more on this machine than may be allowed.
    #[must_use]
    pub fn is_excessive(&self) -> bool {
        self.call_ns * MARGIN > MOST_ALLOWED
    }

    /// The measured and the allowed cost, in one sentence.
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

/// The time of one clock reading in nanoseconds: the mean of the fastest batch.
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
