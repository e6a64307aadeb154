//! A warm-up of its own, which ends when the load is steady. Nothing of it is recorded but what was decided.

use crate::adapter::{Queue, Sink};
use crate::load::Phase;
use crate::load::producer::GRACE;
use crate::measure::Settled;
use crate::measure::ledger::Told;
use crate::plan::PlannedRepeat;
use crate::scenario::SteadySettings;
use crate::worker::protocol::{Failure, FailureKind};
use crate::worker::repeat::drive::{Bench, drive};
use crate::worker::send::tasks::TaskResult;

/// What is left of such a warm-up.
#[derive(Clone, Copy, Debug)]
pub struct WarmedUp {
    /// What was decided.
    pub settled: Settled,
    /// The outcomes of its calls: the queue's own counters include them.
    pub told: Told,
}

/// The warm-up of `repeat` that ends when the load is steady; `None` if it has none. It is the window of a repeat at the
/// case's own rate, with the usual warm-up before it.
#[must_use]
pub fn warm_up_of(repeat: &PlannedRepeat) -> Option<PlannedRepeat> {
    let steady = repeat.steady.filter(|steady| steady.warmup)?;
    let mut warm_up = repeat.clone();
    warm_up.parameters.duration = steady.longest_warmup;
    warm_up.parameters.stages = None;
    warm_up.steady = Some(SteadySettings { window: true, warmup: false, ..steady });
    Some(warm_up)
}

/// Runs it on `queue`, and gives the queue back.
///
/// # Errors
/// The queue panicked or hung; a thread cannot be started.
pub fn run<Q: Queue>(warm_up: &PlannedRepeat, bench: &Bench, queue: Q, sink: &Sink) -> Result<(Q, WarmedUp), Failure> {
    let mut load = bench.share(warm_up, queue);
    load.phase = Phase::WarmUp;
    let until = load.window.end() + warm_up.drain_timeout.0.max(GRACE);
    let driven = drive(bench, load, sink, &mut |_| {}, until)?;
    let settled = driven.settled.ok_or_else(|| Failure::new(FailureKind::Internal, "the warm-up had no blocks"))?;
    Ok((driven.queue, WarmedUp { settled, told: told(&driven.tasks) }))
}

/// All outcomes of these tasks.
#[must_use]
pub fn told(tasks: &[TaskResult]) -> Told {
    tasks.iter().flat_map(|task| [task.warm_up, task.told]).fold(Told::default(), |sum, part| Told {
        enqueued: sum.enqueued + part.enqueued,
        dropped: sum.dropped + part.dropped,
        sampled_out: sum.sampled_out + part.sampled_out,
        ..Told::default()
    })
}
