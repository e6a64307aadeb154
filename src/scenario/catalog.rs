//! The queues that a scenario may name.

use super::{Capabilities, ExternalQueue, Strategy};

/// What a scenario needs to know about a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its name: only letters, digits, `-`, `_` and `.`, because it is part of case ids.
    pub name: String,
    /// The strategies that it supports.
    pub strategies: Vec<Strategy>,
    /// Of those: the strategies under which a call blocks its thread.
    pub blocks_caller: Vec<Strategy>,
    /// Largest number of fields in a record.
    pub most_fields: u32,
    /// Whether its records carry the context of a task.
    pub carries_context: bool,
    /// Why it cannot be put under load, and what to do about it; `None` if it can.
    pub missing: Option<Missing>,
    /// The capabilities that its program reports; `None` if it is a queue of this program, or was not asked yet.
    pub capabilities: Option<Capabilities>,
}

/// Why a known queue is not available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Why it is not available, as in "queue `x` is not built in".
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

impl QueueSpec {
    /// A queue whose calls never block their thread, for records of any size.
    pub fn new(name: impl Into<String>, strategies: Vec<Strategy>) -> QueueSpec {
        QueueSpec {
            name: name.into(),
            strategies,
            blocks_caller: Vec::new(),
            most_fields: u32::MAX,
            carries_context: true,
            missing: None,
            capabilities: None,
        }
    }

    /// The queue of another program, with the capabilities that it reports; with all capabilities if it was not asked
    /// yet.
    fn of_program(queue: &ExternalQueue) -> QueueSpec {
        let spec = QueueSpec::new(queue.name.as_given(), Strategy::ALL.to_vec());
        match queue.capabilities.clone() {
            None => spec,
            Some(can) => QueueSpec {
                strategies: can.strategies.clone(),
                blocks_caller: can.blocks_caller.clone(),
                capabilities: Some(can),
                ..spec
            },
        }
    }
}

/// The queues that can be put under load. The modules that implement queues fill it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    queues: Vec<QueueSpec>,
}

impl Catalog {
    /// A catalogue of these queues. If two have the same name, the first is kept.
    pub fn new(queues: impl IntoIterator<Item = QueueSpec>) -> Catalog {
        let mut catalog = Catalog::default();
        for queue in queues {
            if catalog.find(&queue.name).is_none() {
                catalog.queues.push(queue);
            }
        }
        catalog
    }

    /// This catalogue plus the queues of other programs.
    pub fn with(&self, external: &[ExternalQueue]) -> Catalog {
        Catalog::new(self.queues.iter().cloned().chain(external.iter().map(QueueSpec::of_program)))
    }

    /// This catalogue plus queues of which only the names are known.
    pub fn with_names(&self, names: impl IntoIterator<Item = String>) -> Catalog {
        let named = names.into_iter().map(|name| QueueSpec::new(name, Strategy::ALL.to_vec()));
        Catalog::new(self.queues.iter().cloned().chain(named))
    }

    /// The queue with this name; `None` if there is none.
    pub fn find(&self, name: &str) -> Option<&QueueSpec> {
        self.queues.iter().find(|queue| queue.name == name)
    }

    /// All names, in the order given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.queues.iter().map(|queue| queue.name.as_str())
    }
}
