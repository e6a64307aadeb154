//! One repeat, with everything that a driver needs to know.

use super::draw::derive_seed;
use crate::matrix::Case;
use crate::scenario::{Parameters, Scenario, SteadySettings};
use crate::units::{Bytes, Nanos};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

/// Length of the control before each repeat: for this time, the schedule is run into a queue that does nothing.
pub const CONTROL: Nanos = Nanos::from_millis(300);

/// Time before the load in which the queue is idle and the runtime's lag is recorded. Three repeats together then have
/// the 1,000 beats that a p99 needs.
pub const IDLE: Nanos = Nanos::from_millis(400);

/// Estimated time of a repeat besides warm-up, control, window and drain: starting and ending its process, building the
/// queue, and [`IDLE`].
pub const OVERHEAD: Nanos = Nanos(600_000_000 + IDLE.0);

/// Added to warm-up, duration and drain timeout to get the default deadline.
const DEADLINE_MARGIN: Nanos = Nanos::from_secs(30);

/// Shortest default drain timeout.
const LEAST_DRAIN: Nanos = Nanos::from_secs(10);

/// One run of a case, with everything that a driver needs to know. It is sent to the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedRepeat {
    /// Index of the case in the plan.
    pub case: usize,
    /// Round, from 0.
    pub repeat: u32,
    /// Number of the attempt at this repeat, from 0.
    pub attempt: u32,
    /// Case id, for messages.
    pub case_id: Untrusted,
    /// The case.
    pub parameters: Parameters,
    /// Length of the load before the window, which is not recorded.
    #[serde(rename = "warmup_ns")]
    pub warmup: Nanos,
    /// Length of the control before it; zero: no control. Left out on the wire if it is [`CONTROL`].
    #[serde(rename = "control_ns", default = "usual_control", skip_serializing_if = "is_usual_control")]
    pub control: Nanos,
    /// Longest time for the queue to drain.
    #[serde(rename = "drain_timeout_ns")]
    pub drain_timeout: Nanos,
    /// Longest time for the whole repeat, after which it is killed.
    #[serde(rename = "deadline_ns")]
    pub deadline: Nanos,
    /// Most memory for it; left out on the wire where there is no limit.
    #[serde(rename = "memory_limit_bytes", default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<Bytes>,
    /// What ends when the load is steady; left out on the wire where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady: Option<SteadySettings>,
    /// Seed of this repeat: by the scenario's seed, the case id, the round and the try.
    pub seed: u64,
}

fn usual_control() -> Nanos {
    CONTROL
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_usual_control(control: &Nanos) -> bool {
    *control == CONTROL
}

impl PlannedRepeat {
    /// The next attempt at the same repeat, with a new seed that is derived from this one.
    #[must_use]
    pub fn retry(&self) -> PlannedRepeat {
        let attempt = self.attempt.saturating_add(1);
        PlannedRepeat { attempt, seed: derive_seed(self.seed, "retry", attempt), ..self.clone() }
    }

    /// The estimated time: control, warm-up, window, the backlog of a slow sink, and [`OVERHEAD`]. A late repeat takes
    /// longer: it has a second control as long as its window.
    pub fn estimate(&self) -> Nanos {
        self.control
            .saturating_add(self.longest_warmup())
            .saturating_add(self.warmup)
            .saturating_add(self.parameters.duration)
            .saturating_add(self.estimated_drain())
            .saturating_add(OVERHEAD)
    }

    /// The longest time for a warm-up that ends when the load is steady; zero without one.
    pub fn longest_warmup(&self) -> Nanos {
        self.steady.filter(|steady| steady.warmup).map_or(Nanos::ZERO, |steady| steady.longest_warmup)
    }

    /// Whether the window ends when the load is steady.
    pub fn ends_when_steady(&self) -> bool {
        self.steady.is_some_and(|steady| steady.window)
    }

    /// The time that the sink needs to write its backlog at the end of the window.
    fn estimated_drain(&self) -> Nanos {
        let p = &self.parameters;
        let delay = p.sink_delay.as_secs_f64();
        if delay <= 0.0 {
            return Nanos::ZERO;
        }
        let offered = p.offered_per_second();
        let surplus = (offered - 1.0 / delay).max(0.0);
        let seconds = self.warmup.as_secs_f64() + p.duration.as_secs_f64();
        let backlog = (surplus * seconds).min(p.maxsize as f64);
        // The cast saturates.
        Nanos((backlog * delay * 1e9) as u64).min(self.drain_timeout)
    }
}

/// The repeat of a case in a round.
pub(super) fn planned(scenario: &Scenario, cases: &[Case], case: usize, round: u32) -> PlannedRepeat {
    let Case { id, parameters, .. } = &cases[case];
    let run = &scenario.run;
    let drain_timeout = run.drain_timeout.unwrap_or_else(|| default_drain(parameters));
    let deadline = run.deadline.unwrap_or_else(|| {
        let settling = if run.steady.warmup { run.steady.longest_warmup } else { Nanos::ZERO };
        let load = settling.saturating_add(run.warmup).saturating_add(parameters.duration);
        load.saturating_add(drain_timeout).saturating_add(DEADLINE_MARGIN)
    });
    PlannedRepeat {
        case,
        repeat: round,
        attempt: 0,
        case_id: id.clone(),
        parameters: parameters.clone(),
        warmup: run.warmup,
        control: run.control,
        drain_timeout,
        deadline,
        memory_limit: run.memory_limit,
        steady: Some(run.steady).filter(SteadySettings::is_asked),
        seed: derive_seed(run.seed, id.as_given(), round),
    }
}

/// The default drain timeout: the longer of 10 s and 2 x maxsize x sink_delay; it saturates at 584 years.
fn default_drain(parameters: &Parameters) -> Nanos {
    let full = parameters.sink_delay.saturating_mul(parameters.maxsize);
    full.saturating_mul(2).max(LEAST_DRAIN)
}
