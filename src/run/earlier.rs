//! What a run had finished before it was stopped.

use super::journal::{GaugeRecord, RepeatOutcome, RepeatRecord};
use super::yardstick::Yardstick;
use crate::plan::PlannedRepeat;
use std::collections::BTreeMap;

/// Case and round of a repeat. All attempts at a repeat have the same.
type Name = (usize, u32);

fn name(repeat: &PlannedRepeat) -> Name {
    (repeat.case, repeat.repeat)
}

/// What earlier sittings of a run finished.
#[derive(Debug, Default)]
pub struct Earlier {
    records: BTreeMap<Name, Vec<RepeatRecord>>,
    gauges: Vec<GaugeRecord>,
}

impl Earlier {
    /// From the records of a journal, in order.
    pub fn new(records: Vec<RepeatRecord>, gauges: Vec<GaugeRecord>) -> Self {
        let mut by_name: BTreeMap<Name, Vec<RepeatRecord>> = BTreeMap::new();
        for record in records {
            by_name.entry(name(&record.repeat)).or_default().push(record);
        }
        Self { records: by_name, gauges }
    }

    /// The repeats that were not taken yet.
    pub fn repeats(&self) -> impl Iterator<Item = &PlannedRepeat> {
        self.records.values().flatten().map(|record| &record.repeat)
    }

    /// Takes the finished attempts at a repeat.
    pub fn take(&mut self, repeat: &PlannedRepeat) -> Vec<RepeatRecord> {
        self.records.remove(&name(repeat)).unwrap_or_default()
    }

    /// The readings in this confirmation; 0 is the plan itself.
    pub fn yardstick(&self, round: u32) -> Yardstick {
        Yardstick::of(&self.gauges, round)
    }
}

/// Checks the order of the records of a journal: the attempts at a repeat are counted from 0, and another attempt
/// follows only a discarded one. So a line that was lost, repeated or moved shows as a record out of turn.
#[derive(Debug, Default)]
pub struct Order(BTreeMap<Name, Option<u32>>);

impl Order {
    /// Checks the next record.
    ///
    /// # Errors
    /// Why the record is out of turn.
    pub fn check(&mut self, record: &RepeatRecord) -> Result<(), String> {
        let RepeatRecord { repeat, outcome } = record;
        let due = self.0.entry(name(repeat)).or_insert(Some(0));
        let said = |problem: &str| {
            Err(format!("repeat {} of {}: {problem}", repeat.repeat, excerpt(repeat.case_id.as_given())))
        };
        match *due {
            None => return said("it stands twice, or was tried again after it was finished"),
            Some(attempt) if attempt != repeat.attempt => {
                return said(&format!("try {} stands where {attempt} is due", repeat.attempt));
            }
            Some(_) => {}
        }
        *due = match outcome {
            RepeatOutcome::SetAside { .. } => Some(repeat.attempt.saturating_add(1)),
            RepeatOutcome::Measured(_) | RepeatOutcome::Error(_) => None,
        };
        Ok(())
    }
}

fn excerpt(id: &str) -> String {
    super::errors::excerpt(id.as_bytes())
}
