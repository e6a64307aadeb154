//! What differs from log to log: the level, and the length of the message.

use super::payload::Phase;
use crate::log_queue::Level;
use crate::scenario::{Arrivals, Parameters};
use std::sync::Arc;

/// Says for each log what it carries, by its place in the schedule alone: callers and the sink ask independently, and get
/// the same answer. It is made before the load begins, and answers without a lock and without allocating.
#[derive(Clone, Debug)]
pub struct Contents {
    arrivals: Arc<Arrivals>,
    tasks: u32,
    /// Length where nothing else says it.
    usual: u32,
}

/// What one log carries besides its stamp and fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its level.
    pub level: Level,
    /// Length of its message, in bytes.
    pub length: u32,
}

impl Contents {
    /// `None` if all logs of the case carry the same.
    pub fn of(parameters: &Parameters) -> Option<Self> {
        let arrivals = parameters.trace.as_ref()?.arrivals().filter(|arrivals| arrivals.has_contents())?;
        let usual = u32::try_from(parameters.payload.message.0).unwrap_or(u32::MAX);
        Some(Self { arrivals: Arc::clone(arrivals), tasks: parameters.concurrency.max(1), usual })
    }

    /// The longest message of the case.
    pub fn longest(&self) -> u32 {
        self.arrivals.longest().unwrap_or(0).max(self.usual)
    }

    /// What the log carries that is the task's `sequence`-th of the phase, from 0. The warm-up repeats the trace from its
    /// beginning.
    #[inline]
    pub fn content(&self, phase: Phase, task: u32, sequence: u64) -> Content {
        let index = sequence.saturating_mul(u64::from(self.tasks)).saturating_add(u64::from(task));
        let index = match phase {
            Phase::Window => index,
            Phase::WarmUp => index % self.arrivals.count().max(1) as u64,
        };
        // The cast saturates where a log cannot be anyway.
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        Content { level: self.arrivals.level(index), length: self.arrivals.bytes(index).unwrap_or(self.usual) }
    }
}
