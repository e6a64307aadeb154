//! The pools on disk: a journal for each time that measuring was begun, and what all of them were measured with.

use super::pools::{Calibration, Failure};
use queue_load::internals::run::{CaseRuns, Journal, Yardstick};
use queue_load::report::Environment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What all pools of a place were measured with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// When measuring was first begun: RFC 3339, UTC.
    pub created_at: String,
    /// Length of the windows in nanoseconds where it is not the scenarios' own.
    pub window_ns: Option<u64>,
    /// Names of the lanes.
    pub lanes: Vec<String>,
    /// Ids of the cases.
    pub cases: Vec<String>,
    /// What the lanes' queues were told.
    pub calibration: Calibration,
    /// The machine and the build.
    pub environment: Environment,
}

/// What has been measured.
#[derive(Debug, Default)]
pub struct Pools {
    /// By place and round.
    pub runs: BTreeMap<(usize, u32), CaseRuns>,
    /// By round.
    pub yardsticks: BTreeMap<u32, Yardstick>,
}

impl Pools {
    /// What came of one repeat; `None` where there is more to come.
    pub fn settled(&self, place: usize, round: u32, retries: u32) -> Option<&CaseRuns> {
        self.runs.get(&(place, round)).filter(|runs| runs.is_settled(round, retries))
    }
}

/// A folder with pools.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in a folder, which is made when something is to be written.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the pools were measured with; `None` where nothing is measured yet.
    ///
    /// # Errors
    /// The file is not what it should be.
    pub fn settings(&self) -> Result<Option<Settings>, Failure> {
        let path = self.folder.join("trial.json");
        match std::fs::read(&path) {
            Ok(bytes) => {
                Ok(Some(serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display()).into()),
        }
    }

    /// Keeps what the pools are measured with.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, settings: &Settings) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.folder)?;
        Ok(std::fs::write(self.folder.join("trial.json"), serde_json::to_vec_pretty(settings)?)?)
    }

    fn journal(&self, number: u32) -> PathBuf {
        self.folder.join(format!("pool-{number:03}.journal"))
    }

    /// A new journal beside those that are there.
    ///
    /// # Errors
    /// It cannot be begun.
    pub fn begin(&self) -> Result<Journal, Failure> {
        std::fs::create_dir_all(&self.folder)?;
        let free = (1..).find(|number| !self.journal(*number).exists()).unwrap_or(u32::MAX);
        Ok(Journal::create(&self.journal(free), &jiff::Timestamp::now().to_string(), serde_json::Value::Null)?)
    }

    /// All that was measured. A last line that was cut short counts for nothing. What a later journal holds of a repeat
    /// stands in the place of what an earlier one has: it was begun anew.
    ///
    /// # Errors
    /// A journal is not what it should be.
    pub fn read(&self) -> Result<Pools, Failure> {
        let mut pools = Pools::default();
        for number in (1..).take_while(|number| self.journal(*number).exists()) {
            let contents = Journal::read(&self.journal(number))?;
            let mut runs: BTreeMap<(usize, u32), CaseRuns> = BTreeMap::new();
            for record in contents.records {
                runs.entry((record.repeat.case, record.repeat.repeat)).or_default().add(record);
            }
            pools.runs.extend(runs);
            for gauge in contents.gauges {
                pools.yardsticks.entry(gauge.round).or_default().set(gauge.moment, Some(gauge.reading));
            }
        }
        Ok(pools)
    }
}
