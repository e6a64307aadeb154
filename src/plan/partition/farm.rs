//! The environments that start many jobs of one kind, and number them in environment variables.

use super::PartitionError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An environment that numbers its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Farm {
    /// An Indexed Job of Kubernetes. It does not say how many there are, so the job's template sets
    /// `QUEUE_LOAD_PARTITIONS` to the number of its `completions`.
    Kubernetes,
    /// A job of GitLab CI with `parallel`.
    Gitlab,
    /// A task of a Slurm job array.
    Slurm,
    /// A child of an array job of AWS Batch.
    AwsBatch,
}

/// The variables of an environment.
struct Variables {
    farm: Farm,
    /// The number of this job. If it is not set, the environment is another.
    index: &'static str,
    /// How many there are.
    count: &'static str,
    /// What sets the count, for the error if it is missing.
    set_by: &'static str,
    /// The number of the first job.
    first: u64,
}

const VARIABLES: [Variables; 4] = [
    Variables {
        farm: Farm::Kubernetes,
        index: "JOB_COMPLETION_INDEX",
        count: "QUEUE_LOAD_PARTITIONS",
        set_by: "set it in the template to the number of completions",
        first: 0,
    },
    Variables {
        farm: Farm::Gitlab,
        index: "CI_NODE_INDEX",
        count: "CI_NODE_TOTAL",
        set_by: "the runner sets it",
        first: 1,
    },
    Variables {
        farm: Farm::Slurm,
        index: "SLURM_ARRAY_TASK_ID",
        count: "SLURM_ARRAY_TASK_COUNT",
        set_by: "Slurm sets it",
        // `SLURM_ARRAY_TASK_MIN`; see `slurm`.
        first: 0,
    },
    Variables {
        farm: Farm::AwsBatch,
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        count: "AWS_BATCH_JOB_ARRAY_SIZE",
        set_by: "AWS Batch sets it",
        first: 0,
    },
];

impl Farm {
    /// Its name, as people say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "Kubernetes",
            Self::Gitlab => "GitLab",
            Self::Slurm => "Slurm",
            Self::AwsBatch => "AWS Batch",
        }
    }
}

impl fmt::Display for Farm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The environment that has numbered this job, the number from 1, and how many there are.
pub(super) fn numbered(variable: &dyn Fn(&str) -> Option<String>) -> Result<(Farm, u64, u64), PartitionError> {
    let set: Vec<&Variables> = VARIABLES.iter().filter(|farm| variable(farm.index).is_some()).collect();
    match set.as_slice() {
        [one] => read(one, variable),
        [] => {
            let known: Vec<&str> = VARIABLES.iter().map(|farm| farm.index).collect();
            Err(PartitionError::NoFarm { known: format!("none of {} is set", known.join(", ")) })
        }
        several => {
            let found: Vec<String> = several.iter().map(|farm| format!("{}: {}", farm.farm, farm.index)).collect();
            Err(PartitionError::SeveralFarms { found: found.join(", ") })
        }
    }
}

fn read(farm: &Variables, variable: &dyn Fn(&str) -> Option<String>) -> Result<(Farm, u64, u64), PartitionError> {
    let refuse = |problem: String| PartitionError::Farm { farm: farm.farm, problem };
    let number = |name: &str, fix: &str| match variable(name) {
        None => Err(refuse(format!("{name} is not set: {fix}"))),
        Some(text) => {
            let digits = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse::<u64>().ok().filter(|_| digits);
            number.ok_or_else(|| refuse(format!("{name} is no whole number")))
        }
    };
    let (index, count) = (number(farm.index, "it numbers the job")?, number(farm.count, farm.set_by)?);
    if farm.farm == Farm::Slurm {
        let first = number("SLURM_ARRAY_TASK_MIN", farm.set_by)?;
        let [last, step] = [("SLURM_ARRAY_TASK_MAX", None), ("SLURM_ARRAY_TASK_STEP", Some(1))]
            .map(|(name, default)| if variable(name).is_some() { number(name, "").map(Some) } else { Ok(default) });
        let place = slurm(index, count, first, last?, step?.unwrap_or(1));
        return place.map(|place| (farm.farm, place, count)).map_err(refuse);
    }
    let place = (index + 1).checked_sub(farm.first);
    let place = place.filter(|place| (1..=count).contains(place));
    let outside = || refuse(format!("{} is {index}, and {} is {count}", farm.index, farm.count));
    place.map(|place| (farm.farm, place, count)).ok_or_else(outside)
}

/// The place of a task in its array, from 1. An array may begin anywhere and have steps, but no holes: a task cannot
/// know which numbers are left out.
fn slurm(index: u64, count: u64, first: u64, last: Option<u64>, step: u64) -> Result<u64, String> {
    let step = step.max(1);
    let end = first + count.saturating_sub(1).saturating_mul(step);
    let off = index.checked_sub(first).filter(|_| last.is_none_or(|last| last == end) && index <= end);
    match off.filter(|off| off.is_multiple_of(step)) {
        Some(off) => Ok(off / step + 1),
        None => Err(format!(
            "task {index} of {count} from {first}: the array has gaps; write it as a range, such as --array=1-{count}"
        )),
    }
}
