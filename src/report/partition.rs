//! The part of a plan that a report is about, and the parts that a merged report was made of.

use super::model::{Environment, Report};
use crate::plan::{Part, PartitionMethod};
use crate::run::Yardstick;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

/// Which part of a plan a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct PartitionRecord {
    /// Which part, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
    /// How the cases were shared out.
    pub method: PartitionMethod,
    /// What numbered this job: `--partition`, `Kubernetes`, `GitLab`, `Slurm` or `AWS Batch`.
    pub source: Untrusted,
    /// Number of cases of the whole plan.
    pub plan_cases: u32,
    /// SHA-256 of the whole plan: of the scenario, the id and the repeats of each case. Parts of one plan have the same.
    pub plan_sha256: Untrusted,
    /// SHA-256 of the program that measured; null if it could not be read.
    pub program_sha256: Option<Untrusted>,
    /// The place of each case of this part in the whole plan, from 0, ascending.
    pub places: Vec<u32>,
}

impl PartitionRecord {
    /// What is kept of a part. `program` is the digest of the program that measures.
    #[must_use]
    pub fn of(part: &Part, program: Option<&str>) -> Self {
        Self {
            index: part.partition.index,
            count: part.partition.count,
            method: part.partition.method,
            source: part.partition.source().into(),
            plan_cases: part.whole,
            plan_sha256: part.sha256.as_str().into(),
            program_sha256: program.map(Into::into),
            places: part.places.clone(),
        }
    }
}

/// The parts that a merged report was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Merged {
    /// Number of cases of the whole plan.
    pub plan_cases: u32,
    /// Places of the cases that no part has, from 0, ascending; empty unless gaps were accepted.
    pub missing: Vec<u32>,
    /// The parts.
    pub shards: Vec<Shard>,
}

/// One part of a merged report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Shard {
    /// Which part.
    pub partition: PartitionRecord,
    /// When its run began: RFC 3339, UTC.
    pub created_at: Untrusted,
    /// Whether it was interrupted before it was finished.
    pub interrupted: bool,
    /// Number of its kind of machine, from 1. Cases of different kinds must not be compared with each other.
    pub machine: u32,
    /// The environment in which it ran.
    pub environment: Environment,
    /// How fast its machine was meanwhile.
    pub yardstick: Option<Yardstick>,
}

impl Merged {
    /// Number of kinds of machines.
    #[must_use]
    pub fn machines(&self) -> u32 {
        self.shards.iter().map(|shard| shard.machine).max().unwrap_or(0)
    }
}

impl Report {
    /// The shard of each case, if the report was merged from several kinds of machines; else `None`: all cases ran in
    /// [`Report::environment`].
    #[must_use]
    pub fn shard_of_each_case(&self) -> Option<Vec<&Shard>> {
        let merged = self.merged.as_ref().filter(|merged| merged.machines() > 1)?;
        let mut places: Vec<(u32, &Shard)> = Vec::with_capacity(self.cases.len());
        for shard in &merged.shards {
            places.extend(shard.partition.places.iter().map(|place| (*place, shard)));
        }
        // The cases stand in the order of the plan.
        places.sort_by_key(|(place, _)| *place);
        Some(places.into_iter().map(|(_, shard)| shard).collect())
    }
}
