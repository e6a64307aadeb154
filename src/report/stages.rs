//! The stages of a window, as saved.

use super::model::LatencySummary;
use super::statistics::summary;
use crate::verdict::PooledStage;
use serde::{Deserialize, Serialize};

/// One stage of the window, in the order of the stages in the case's parameters: the counts of the logs that were due in
/// it, and their times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct StageRecord {
    /// Logs that were due in it.
    pub scheduled: u64,
    /// Of these: calls made.
    pub attempted: u64,
    /// Not sent because the queue held their task up past the window's end.
    pub unsent: u64,
    /// Not sent because the generator was late.
    pub unsent_generator: u64,
    /// Accepted by the queue; null where it cannot be told from `dropped` for each stage.
    pub enqueued: Option<u64>,
    /// Refused because the queue was full; null together with `enqueued`.
    pub dropped: Option<u64>,
    /// Refused by the sampling decision.
    pub sampled_out: u64,
    /// Logs that reached the sink.
    pub delivered: u64,
    /// Call to return, accepted logs (all calls where `outcome_source` is not `call`).
    pub enqueue: LatencySummary,
    /// Intended start to return.
    pub response: LatencySummary,
    /// Call to sink.
    pub delivery: LatencySummary,
}

/// What is saved of these stages.
pub(super) fn records(stages: &[PooledStage]) -> Vec<StageRecord> {
    let record = |stage: &PooledStage| StageRecord {
        scheduled: stage.scheduled,
        attempted: stage.attempted,
        unsent: stage.unsent,
        unsent_generator: stage.unsent_generator,
        enqueued: stage.enqueued,
        dropped: stage.dropped,
        sampled_out: stage.sampled_out,
        delivered: stage.delivery.count(),
        enqueue: summary(&stage.enqueue, false),
        response: summary(&stage.response, false),
        delivery: summary(&stage.delivery, false),
    };
    stages.iter().map(record).collect()
}
