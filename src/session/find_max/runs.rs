//! Who carries out the runs of a search.

use crate::plan::PlannedRepeat;
use crate::run::{CaseRuns, Ending, Execution, GaugeRecord, RepeatRecord, Yardstick, core_to_core};
use crate::session::Stage;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest wait before a run for the CPUs to be near each other: on a virtual machine they are apart for seconds or a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// Carries out one run after the other.
pub trait Runs {
    /// Carries out a run with its retries.
    ///
    /// # Errors
    /// The search has to end before this run is finished: how it ends.
    fn run(&mut self, repeat: PlannedRepeat) -> Result<CaseRuns, Ending>;

    /// How fast the machine was during the runs so far.
    fn yardstick(&self) -> Yardstick;

    /// Waits a while for the CPUs to be as near each other as they have been: a round trip of `nearest_ns` nanoseconds for a
    /// cache line. What was recorded waits for nothing.
    fn wait_for_near_cpus(&mut self, _nearest_ns: u64) {}
}

/// Runs that a driver carries out now; those that an earlier sitting finished are in the journal of the stage.
pub struct Live<'s, 'a> {
    stage: &'s mut Stage<'a>,
    yardstick: Yardstick,
}

impl<'s, 'a> Live<'s, 'a> {
    /// On this stage.
    pub fn new(stage: &'s mut Stage<'a>) -> Self {
        Self { stage, yardstick: Yardstick::default() }
    }
}

impl Runs for Live<'_, '_> {
    fn run(&mut self, repeat: PlannedRepeat) -> Result<CaseRuns, Ending> {
        let case = repeat.case;
        let Execution { mut cases, yardstick, ending } = self.stage.carry_out(vec![repeat], 0);
        // Every run is a phase of its own: the search began with the first and ends with the last.
        self.yardstick.start = self.yardstick.start.or(yardstick.start);
        self.yardstick.end = yardstick.end.or(self.yardstick.end);
        match ending {
            Ending::Complete => Ok(cases.remove(&case).unwrap_or_default()),
            early => Err(early),
        }
    }

    fn yardstick(&self) -> Yardstick {
        self.yardstick
    }

    fn wait_for_near_cpus(&mut self, nearest_ns: u64) {
        // What the journal of an earlier sitting still has takes no time.
        if self.stage.journal.as_ref().is_some_and(|journal| journal.earlier().next().is_some()) {
            return;
        }
        // What comes of it is seen after the run.
        core_to_core::wait_until_near(nearest_ns, PATIENCE, || self.stage.interrupt.is_raised());
    }
}

/// The runs of a journal. A search asks for the same runs again as long as it gets the same results, so it comes to
/// where it was stopped.
pub struct Replayed {
    /// By case and round, with the most retries that were allowed.
    records: BTreeMap<(usize, u32), CaseRuns>,
    yardstick: Yardstick,
}

impl Replayed {
    /// The records and the gauges of a journal.
    pub fn new(records: Vec<RepeatRecord>, gauges: &[GaugeRecord]) -> Self {
        let mut by_name: BTreeMap<(usize, u32), CaseRuns> = BTreeMap::new();
        for record in records {
            let name = (record.repeat.case, record.repeat.repeat);
            let id = record.repeat.case_id.clone();
            let runs = by_name.entry(name).or_insert_with(|| CaseRuns { case_id: id, ..CaseRuns::default() });
            runs.add(record);
        }
        Self { records: by_name, yardstick: Yardstick::of(gauges, 0) }
    }

    /// What was not asked for: of a search that would go another way now.
    pub fn left(&self) -> usize {
        self.records.len()
    }
}

impl Runs for Replayed {
    fn run(&mut self, repeat: PlannedRepeat) -> Result<CaseRuns, Ending> {
        match self.records.remove(&(repeat.case, repeat.repeat)) {
            Some(runs) if runs.case_id == repeat.case_id => Ok(runs),
            _ => Err(Ending::Interrupted),
        }
    }

    fn yardstick(&self) -> Yardstick {
        self.yardstick
    }
}
