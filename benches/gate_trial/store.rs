//! The pools on disk: one journal for each time that measuring was started, and the settings of all of them.

use super::pools::{Calibration, Failure};
use queue_load::internals::run::{CaseRuns, Journal, Yardstick};
use queue_load::report::Environment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The settings with which all pools of a folder were measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// When measuring was started for the first time: RFC 3339, UTC.
    pub created_at: String,
    /// Length of the windows in nanoseconds; null: as the scenarios say.
    pub window_ns: Option<u64>,
    /// Names of the lanes.
    pub lanes: Vec<String>,
    /// Ids of the cases.
    pub cases: Vec<String>,
    /// The parameters of the lanes' queues.
    pub calibration: Calibration,
    /// The machine and the build.
    pub environment: Environment,
}

/// The measured repeats.
#[derive(Debug, Default)]
pub struct Pools {
    /// The results by the index of the repeat's case among all lanes, and by round.
    pub runs: BTreeMap<(usize, u32), CaseRuns>,
    /// The yardsticks by round.
    pub yardsticks: BTreeMap<u32, Yardstick>,
}

impl Pools {
    /// The results of one repeat; `None` if it is not finished.
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
    /// The store in a folder. The folder is created when something is written.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The settings with which the pools were measured; `None` if nothing was measured yet.
    ///
    /// # Errors
    /// The file cannot be read, or is not valid.
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

    /// Saves the settings.
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

    /// Creates a new journal besides the existing ones.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn begin(&self) -> Result<Journal, Failure> {
        std::fs::create_dir_all(&self.folder)?;
        let free = (1..).find(|number| !self.journal(*number).exists()).unwrap_or(u32::MAX);
        Ok(Journal::create(&self.journal(free), &jiff::Timestamp::now().to_string(), serde_json::Value::Null)?)
    }

    /// Reads all measured repeats. An incomplete last line of a journal is ignored. If two journals contain the same
    /// repeat, the later one replaces the earlier one: the repeat was started again.
    ///
    /// # Errors
    /// A journal cannot be read, or is not valid.
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
