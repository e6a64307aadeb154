//! Processes that outlive the child that started them.
//!
//! Killing the child's process group ends the processes that stayed in it. Three kinds need more:
//!
//! - A process that made its own group or session is recognised by a mark in its environment, which it inherited.
//! - A process that also cleared its environment, as a daemon does, becomes an orphan when its parents have ended. The
//!   kernel gives such orphans to this process ([`adopt`]). A child of ours that we did not start is therefore a
//!   leftover.
//! - A process that another program started for the child, such as a service manager, is not found. It is only noticed
//!   if it holds the child's output open.
//!
//! All of this needs Linux; on other systems nothing is found.

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

/// The environment variable that marks a child and all processes that it starts.
pub(super) const MARK: &str = "QUEUE_LOAD_REPEAT";

/// Distinguishes one child, and the processes that it starts, from every other process.
#[derive(Clone, Debug)]
pub(super) struct Mark(String);

impl Mark {
    /// A new mark, unique on this machine.
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

    /// The process id of the runner that has made such a mark; `None` of any other text.
    pub(super) fn runner_of(text: &str) -> Option<u32> {
        let mut parts = text.split('-').map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then_some(part));
        let (runner, _count, _time) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() { None } else { runner.parse().ok() }
    }
}

/// A process that still runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) pid: u32,
    pub(super) name: String,
}

/// The process ids of the children that we have started and not yet waited for.
#[derive(Debug, Default)]
pub(super) struct Children(BTreeSet<u32>);

impl Children {
    /// Those of this process. While the lock is held, nobody else can start a child or look for orphans: a child that
    /// is started but not yet entered would look like an orphan.
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

/// Makes orphans of our descendants our own children from now on. If that is not possible, they are not found.
pub(super) fn adopt() {
    static ONCE: Once = Once::new();
    ONCE.call_once(platform::adopt_orphans);
}

/// Every living process that is in the leader's group, carries the mark, or became our child as an orphan since the
/// leader started; without the leader itself. Empty if the system does not report processes.
pub(super) fn find(leader: u32, mark: &Mark) -> Vec<Leftover> {
    system::find(leader, mark)
}

/// Names the first five of them, and the number of the others.
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
    fn a_mark_says_whose_it_is() {
        assert_eq!(Mark::runner_of(Mark::new().as_str()), Some(std::process::id()));
        for text in ["", "7", "7-1", "7-1-2-3", "7-1-x", "-7-1-2", "99999999999-1-2", "--"] {
            assert_eq!(Mark::runner_of(text), None, "{text}");
        }
    }

    #[test]
    fn names_five_at_most() {
        let one = Leftover { pid: 1, name: "x".to_owned() };
        assert_eq!(describe(std::slice::from_ref(&one)), "process 1 (x)");
        assert!(describe(&vec![one; 7]).ends_with("process 1 (x), 2 more"));
    }
}
