//! One case of one run, as a line of the store.

use crate::compare;
use crate::report::{Environment, Report};
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Version of the format; another is not read.
pub const VERSION: u32 = 1;

/// A line of the store. Fields are only added, and a reader ignores those that it does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// [`VERSION`] of the writer.
    pub version: u32,
    /// The digest of the run's report: lines with the same one belong together.
    pub run: Untrusted,
    /// When the run began: RFC 3339, UTC.
    pub created_at: Untrusted,
    /// Version of the program.
    pub tool: Untrusted,
    /// Commit of the working directory; null: not known.
    pub commit: Option<Untrusted>,
    /// Release of the kernel; null: not known.
    pub kernel: Option<Untrusted>,
    /// The kind of machine and build, in words.
    pub machine: Untrusted,
    /// Name of the scenario.
    pub scenario: Untrusted,
    /// Id of the case.
    pub case: Untrusted,
    /// Version of the queue; null: no repeat was valid.
    pub queue_version: Option<Untrusted>,
    /// Its verdict.
    pub outcome: Outcome,
    /// Number of valid repeats.
    pub repeats: u64,
    /// The median over the valid repeats of each metric of `compare`, by its name. Those that are not known are left
    /// out.
    pub metrics: BTreeMap<Untrusted, f64>,
}

/// The lines of a run: one for each case.
#[must_use]
pub fn entries(report: &Report, digest: &str) -> Vec<Entry> {
    let shards = report.shard_of_each_case();
    let shard_of = |index: usize| shards.as_ref().and_then(|shards| shards.get(index));
    let cases = report.cases.iter().enumerate().map(|(index, case)| {
        let environment = shard_of(index).map_or(&report.environment, |shard| &shard.environment);
        Entry {
            version: VERSION,
            run: digest.into(),
            created_at: report.created_at.clone(),
            tool: report.tool.version.clone(),
            commit: environment.git_commit.clone(),
            kernel: environment.kernel.clone(),
            machine: machine(environment),
            scenario: case.scenario.clone(),
            case: case.id.clone(),
            queue_version: case.repeats.first().map(|repeat| repeat.queue_version.clone()),
            outcome: case.verdict.outcome,
            repeats: case.repeats.len() as u64,
            metrics: compare::medians(case).map(|(name, value)| (name.into(), value)).collect(),
        }
    });
    cases.collect()
}

/// The kind of machine and build. The kernel is left out: an update of it is a part of the history, and a change point
/// names it.
fn machine(environment: &Environment) -> Untrusted {
    let text = |text: &Option<Untrusted>| text.as_ref().map(|text| text.as_given().to_owned());
    let gibibytes = |bytes: u64| format!("{:.0} GiB", bytes as f64 / (1_u64 << 30) as f64);
    let known = [
        Some(environment.platform.as_given().to_owned()),
        text(&environment.cpu_model),
        environment.cores.map(|cores| format!("{cores} cores")),
        environment.memory_bytes.map(gibibytes),
        text(&environment.governor).map(|governor| format!("governor {governor}")),
        environment.virtualised.map(|yes| if yes { "virtual" } else { "physical" }.to_owned()),
        text(&environment.profile).map(|profile| format!("profile {profile}")),
    ];
    known.into_iter().flatten().collect::<Vec<_>>().join(", ").into()
}

impl Entry {
    /// A number that follows from the case alone, for random draws.
    pub(super) fn seed(&self, metric: &str) -> u64 {
        let mut hash = Sha256::new();
        for text in [self.scenario.as_given(), self.case.as_given(), self.machine.as_given(), metric] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}
