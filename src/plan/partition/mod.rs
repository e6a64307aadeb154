//! Which part of a plan one of several machines runs. A case belongs to exactly one part, with all of its repeats.
//!
//! | file | job |
//! |---|---|
//! | `farm` | the environments that start many jobs, and number them |
//! | `share` | which part each case belongs to |

mod farm;
mod share;

pub use farm::Farm;

use super::Plan;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Largest number of partitions of a plan.
pub const MOST_PARTITIONS: u32 = 10_000;

/// How cases are shared out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By the case's id alone: the first 8 bytes of its SHA-256, as a big-endian number, modulo the number of
    /// partitions. A case that is added or removed moves no other.
    #[default]
    Hash,
    /// So that all partitions take about the same time. A case that is added may move others.
    Slice,
}

impl Method {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Slice => "slice",
        }
    }
}

/// One part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Which, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
    /// How cases are shared out.
    pub method: Method,
    /// The environment that numbered this job; `None`: the user did.
    pub farm: Option<Farm>,
}

/// Why there is no such partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// The text has another form.
    #[error("write K/N, slice:K/N, env or slice:env, such as 2/5: the second of five")]
    Form,
    /// There are too few or too many.
    #[error("{count} partitions: write 1 to 10,000")]
    Count {
        /// How many.
        count: u64,
    },
    /// There are not that many.
    #[error("there is no partition {index} of {count}: write 1/{count} to {count}/{count}")]
    Index {
        /// Which, from 1.
        index: u64,
        /// Of how many.
        count: u64,
    },
    /// No environment has numbered this job.
    #[error("env: nothing has numbered this job ({known}); write K/N")]
    NoFarm {
        /// The variables that were looked for.
        known: String,
    },
    /// Several environments have.
    #[error("env: several number this job ({found}); write K/N")]
    SeveralFarms {
        /// Their names.
        found: String,
    },
    /// An environment's variables do not make sense.
    #[error("env: {farm}: {problem}")]
    Farm {
        /// Its name.
        farm: Farm,
        /// What is wrong, and the fix.
        problem: String,
    },
}

impl Partition {
    /// Reads `K/N`, `slice:K/N`, `env` or `slice:env`. `variable` gives the value of an environment variable.
    ///
    /// # Errors
    /// Another form, a number out of its range, or not exactly one environment that numbers its jobs.
    pub fn read(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, PartitionError> {
        let (method, which) = match text.split_once(':') {
            None => (Method::Hash, text),
            Some(("slice", which)) => (Method::Slice, which),
            Some(("hash", which)) => (Method::Hash, which),
            Some(_) => return Err(PartitionError::Form),
        };
        if which == "env" {
            let (farm, index, count) = farm::numbered(variable)?;
            return Self::checked(index, count, method, Some(farm));
        }
        let (index, count) = which.split_once('/').ok_or(PartitionError::Form)?;
        let number = |text: &str| -> Result<u64, PartitionError> {
            let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse().map_err(|_| PartitionError::Form) } else { Err(PartitionError::Form) }
        };
        Self::checked(number(index)?, number(count)?, method, None)
    }

    /// The `index`-th of `count` partitions, from 1.
    fn checked(index: u64, count: u64, method: Method, farm: Option<Farm>) -> Result<Self, PartitionError> {
        let within = u32::try_from(count).ok().filter(|count| (1..=MOST_PARTITIONS).contains(count));
        let Some(known) = within else { return Err(PartitionError::Count { count }) };
        match u32::try_from(index).ok().filter(|index| (1..=known).contains(index)) {
            Some(index) => Ok(Self { index, count: known, method, farm }),
            None => Err(PartitionError::Index { index, count }),
        }
    }

    /// Whether both have the same cases, whoever numbered them.
    #[must_use]
    pub fn is_same_part(&self, other: &Self) -> bool {
        (self.index, self.count, self.method) == (other.index, other.count, other.method)
    }

    /// Who numbered it.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.farm.map_or("--partition", Farm::name)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({}, from {})", self.index, self.count, self.method.word(), self.source())
    }
}

/// What a plan knows about the whole plan that it is a part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which part.
    pub partition: Partition,
    /// The number of cases of the whole plan.
    pub whole: u32,
    /// SHA-256 of the whole plan: of the scenario, the id and the repeats of each case in its order.
    pub sha256: String,
    /// The place of each of this part's cases in the whole plan, from 0, ascending.
    pub places: Vec<u32>,
}

impl Plan {
    /// The part of the plan that belongs to a partition. It may have no case.
    #[must_use]
    pub fn partitioned(mut self, partition: Partition) -> Plan {
        let shares = share::shares(&self, partition.method, partition.count);
        let own = |share: &u32| *share + 1 == partition.index;
        let (whole, sha256) = (self.cases.len(), digest(&self));
        let places = (0..).zip(&shares).filter(|(_, share)| own(share)).map(|(place, _)| place).collect();
        let mut shares = shares.iter();
        self.cases.retain(|_| shares.next().is_some_and(own));
        let all: Vec<usize> = (0..self.cases.len()).collect();
        self.repeats = self.rounds(&all, 0);
        // A plan has at most `MOST_CASES`.
        self.part = Some(Part { partition, whole: u32::try_from(whole).unwrap_or(u32::MAX), sha256, places });
        self
    }
}

fn digest(plan: &Plan) -> String {
    let mut hash = Sha256::new();
    for case in &plan.cases {
        let scenario = plan.scenario_of(case);
        for text in [&scenario.name, &case.id].map(Untrusted::as_given) {
            // A length before each text, so that no two plans give the same bytes.
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(scenario.run.repeats.to_le_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
