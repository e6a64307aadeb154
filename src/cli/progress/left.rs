//! How far a plan has come, by the estimates of its repeats.

use crate::plan::{Plan, PlannedRepeat};
use crate::run::Event;
use crate::units::Nanos;
use std::time::Instant;

/// How far a plan has come.
pub struct Left {
    estimates: Vec<Nanos>,
    /// Estimated time of the whole plan.
    pub estimate: Nanos,
    /// Number of repeats, without retries.
    pub repeats: usize,
    /// Number of the running repeat, from 1.
    pub position: usize,
    started: Option<Instant>,
}

impl Left {
    /// Before the first repeat of a plan.
    pub fn new(plan: &Plan) -> Self {
        Self::of(plan.repeats.iter().map(PlannedRepeat::estimate).collect())
    }

    /// Before the first of repeats with these estimated times.
    pub fn of(estimates: Vec<Nanos>) -> Self {
        let estimate = estimates.iter().fold(Nanos::ZERO, |sum, &estimate| sum.saturating_add(estimate));
        Self { estimate, repeats: estimates.len(), estimates, position: 0, started: None }
    }

    /// Updates the state when a repeat starts.
    pub fn note(&mut self, event: &Event<'_>, now: Instant) {
        if let Event::RepeatStarted { position, .. } = event {
            self.position = position + 1;
            self.started = Some(now);
        }
    }

    /// Estimated time left for the running repeat.
    pub fn of_repeat(&self, now: Instant) -> Nanos {
        let current = self.estimates.get(self.position.saturating_sub(1)).copied().unwrap_or_default();
        let elapsed = self.started.map_or(0, |started| now.saturating_duration_since(started).as_nanos());
        current.saturating_sub(Nanos(u64::try_from(elapsed).unwrap_or(u64::MAX)))
    }

    /// Estimated time left for the whole plan.
    pub fn of_plan(&self, now: Instant) -> Nanos {
        let ahead = self.estimates.iter().skip(self.position.max(1));
        ahead.fold(self.of_repeat(now), |sum, &estimate| sum.saturating_add(estimate))
    }

    /// Share of the running repeat that is done, 0 to 1.
    pub fn share_of_repeat(&self, now: Instant) -> f64 {
        let current = self.estimates.get(self.position.saturating_sub(1)).copied().unwrap_or_default();
        share(self.of_repeat(now), current)
    }

    /// Share of the whole plan that is done, 0 to 1.
    pub fn share_of_plan(&self, now: Instant) -> f64 {
        share(self.of_plan(now), self.estimate)
    }
}

fn share(left: Nanos, whole: Nanos) -> f64 {
    if whole.0 == 0 { 0.0 } else { (1.0 - left.0 as f64 / whole.0 as f64).clamp(0.0, 1.0) }
}
