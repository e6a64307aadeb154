//! Processes that outlive the child that started them.
//!
//! Killing the child's process group ends what stayed in it. A process that made a group or a session of its own is
//! known by a mark in its environment, which it inherited. One that also wiped its environment, as a daemon does, is an
//! orphan once its parents are gone, and the kernel gives orphans to us ([`adopt`]): what is our child and was not started
//! by us is a leftover. One that had itself started by somebody else, such as a service manager, is not found; if it holds
//! the child's output open, that much is noticed. All of this needs Linux; elsewhere nothing is found.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(not(target_os = "linux"))]
mod not_linux;
#[cfg(not(target_os = "linux"))]
use not_linux as system;

#[cfg(all(test, target_os = "linux"))]
pub(super) use linux::is_alive;

use crate::platform;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that marks a child and all that it starts.
pub(super) const MARK: &str = "QUEUE_LOAD_REPEAT";

/// Tells one child, and what it starts, from every other process.
#[derive(Clone, Debug)]
pub(super) struct Mark(String);

impl Mark {
    /// One that no other process has.
    pub(super) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        Self(format!("{}-{count}-{time}", std::process::id()))
    }

    /// The value of [`MARK`].
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A process that still runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) pid: u32,
    pub(super) name: String,
}

/// The children that we have started and not waited for yet, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Children(BTreeSet<u32>);

impl Children {
    /// Those of this process. Whoever holds them keeps others from starting one, and from looking for orphans.
    pub(super) fn lock() -> MutexGuard<'static, Self> {
        static OWN: Mutex<Children> = Mutex::new(Children(BTreeSet::new()));
        OWN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&mut self, pid: u32) {
        self.0.insert(pid);
    }

    pub(super) fn remove(&mut self, pid: u32) {
        self.0.remove(&pid);
    }
}

/// Makes orphans of our descendants our own children, from now on; where that is not possible, they stay unseen.
pub(super) fn adopt() {
    static ONCE: Once = Once::new();
    ONCE.call_once(platform::adopt_orphans);
}

/// Every living process of the leader's group, with the mark, or left to us as an orphan since the leader was started; the
/// leader itself is not among them. None where the system does not tell.
pub(super) fn find(leader: u32, mark: &Mark) -> Vec<Leftover> {
    system::find(leader, mark)
}

/// Names a few of them.
pub(super) fn describe(found: &[Leftover]) -> String {
    const NAMED: usize = 5;
    let mut names: Vec<String> =
        found.iter().take(NAMED).map(|left| format!("process {} ({})", left.pid, left.name)).collect();
    if found.len() > NAMED {
        names.push(format!("{} more", found.len() - NAMED));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_five_at_most() {
        let one = Leftover { pid: 1, name: "x".to_owned() };
        assert_eq!(describe(std::slice::from_ref(&one)), "process 1 (x)");
        assert!(describe(&vec![one; 7]).ends_with("process 1 (x), 2 more"));
    }
}
