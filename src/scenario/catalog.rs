//! The queues that a scenario may name.

use super::Strategy;

/// What a scenario needs to know of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its name: letters, digits, `-`, `_` and `.` only, since it stands in case ids.
    pub name: String,
    /// The strategies that it has.
    pub strategies: Vec<Strategy>,
    /// Of those: the ones under which a call blocks its thread.
    pub blocks_caller: Vec<Strategy>,
    /// Most fields that its records can have.
    pub most_fields: u32,
    /// Why it cannot be put under load, and what to do about it; `None`: it can.
    pub missing: Option<Missing>,
}

/// A queue that is known, and not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is wrong with it, as in "queue `x` is not built in".
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

impl QueueSpec {
    /// A queue whose calls never block their thread, for records of any size.
    pub fn new(name: impl Into<String>, strategies: Vec<Strategy>) -> QueueSpec {
        QueueSpec { name: name.into(), strategies, blocks_caller: Vec::new(), most_fields: u32::MAX, missing: None }
    }
}

/// The queues that can be put under load. The rooms that hold them fill it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    queues: Vec<QueueSpec>,
}

impl Catalog {
    /// Of these queues; of two with one name the first is kept.
    pub fn new(queues: impl IntoIterator<Item = QueueSpec>) -> Catalog {
        let mut catalog = Catalog::default();
        for queue in queues {
            if catalog.find(&queue.name).is_none() {
                catalog.queues.push(queue);
            }
        }
        catalog
    }

    /// The queue of that name.
    pub fn find(&self, name: &str) -> Option<&QueueSpec> {
        self.queues.iter().find(|queue| queue.name == name)
    }

    /// All names, in the order given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.queues.iter().map(|queue| queue.name.as_str())
    }
}
