//! What came of it, by round, setting and queue.

use super::cells::Cell;
use queue_load::report::Environment;
use std::collections::{BTreeMap, BTreeSet};

/// The numbers of one measurement, by name.
pub type Values = BTreeMap<String, f64>;

/// All of it.
pub struct Results {
    /// The machine.
    pub environment: Environment,
    /// When it began.
    pub begun: String,
    /// Names and versions of the queues, in the order of the tables.
    pub queues: Vec<(String, String)>,
    /// The nearest that the CPUs were: the round trip of a cache line, in nanoseconds.
    pub nearest_ns: Option<u64>,
    /// Rounds.
    pub rounds: u32,
    /// Length of a window in seconds.
    pub window: f64,
    /// The numbers, by setting, queue and round.
    pub values: BTreeMap<(Cell, String, u32), Values>,
    /// What could not be measured, and why.
    pub failures: Vec<String>,
}

/// Median, least and greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub most: f64,
}

impl Spread {
    /// Of these; `None` of nothing.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), least, most })
    }

    /// How far the greatest is above the least, as a share of the median.
    pub fn width(self) -> f64 {
        (self.most - self.least) / self.median
    }
}

impl Results {
    fn one(&self, cell: Cell, queue: &str, round: u32, name: &str) -> Option<f64> {
        self.values.get(&(cell, queue.to_owned(), round))?.get(name).copied()
    }

    /// A number over the rounds.
    pub fn spread(&self, cell: Cell, queue: &str, name: &str) -> Option<Spread> {
        Spread::of((0..self.rounds).filter_map(|round| self.one(cell, queue, round, name)).collect())
    }

    /// A number of `queue` divided by that of `other`, round by round; of both, what `floor` has is taken off first.
    pub fn ratio(&self, cell: Cell, [queue, other]: [&str; 2], name: &str, floor: Option<&str>) -> Option<Spread> {
        let net = |queue: &str, round| {
            let floor = floor.map_or(Some(0.0), |floor| self.one(cell, floor, round, name))?;
            Some(self.one(cell, queue, round, name)? - floor)
        };
        let ratio = |round| Some(net(queue, round)? / net(other, round)?);
        Spread::of((0..self.rounds).filter_map(ratio).collect())
    }

    /// The queues of which there is such a number, in the order of the tables.
    pub fn with(&self, cells: &[Cell]) -> Vec<&str> {
        let measured: BTreeSet<&str> =
            self.values.keys().filter(|(cell, ..)| cells.contains(cell)).map(|(_, queue, _)| queue.as_str()).collect();
        let names = self.queues.iter().map(|(name, _)| name.as_str());
        names.filter(|name| measured.contains(name)).collect()
    }
}
