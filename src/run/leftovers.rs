//! Processes that outlive the child that started them.
//!
//! Killing the child's process group ends what stayed in it. A process that made a group or a session of its own is
//! known by a mark in its environment, which it inherited. One that also wiped its environment is not found here; if it
//! holds the child's output open, that much is noticed. Where there is no `/proc`, nothing is found.

use rustix::process::Pid;
use std::sync::atomic::{AtomicU64, Ordering};
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
    pub(super) pid: Pid,
    pub(super) name: String,
}

/// Names a few of them.
pub(super) fn describe(found: &[Leftover]) -> String {
    const NAMED: usize = 5;
    let mut names: Vec<String> =
        found.iter().take(NAMED).map(|left| format!("process {} ({})", left.pid.as_raw_nonzero(), left.name)).collect();
    if found.len() > NAMED {
        names.push(format!("{} more", found.len() - NAMED));
    }
    names.join(", ")
}

/// Every living process of the leader's group, or with the mark; the leader itself is not among them.
#[cfg(target_os = "linux")]
pub(super) fn find(leader: Pid, mark: &Mark) -> Vec<Leftover> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let marked = format!("{MARK}={}", mark.0);
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
    pids.filter(|&pid| pid != leader)
        .filter_map(|pid| {
            let stat = Stat::read(pid)?;
            let ours = !stat.dead && (stat.group == leader.as_raw_nonzero().get() || has_mark(pid, &marked));
            ours.then_some(Leftover { pid, name: stat.name })
        })
        .collect()
}

/// Every living process of the leader's group, or with the mark: none can be seen on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn find(_leader: Pid, _mark: &Mark) -> Vec<Leftover> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn has_mark(pid: Pid, marked: &str) -> bool {
    std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()))
        .is_ok_and(|environ| environ.split(|&byte| byte == 0).any(|variable| variable == marked.as_bytes()))
}

/// What `/proc/PID/stat` says of a process.
#[cfg(target_os = "linux")]
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    /// Ended, and not yet waited for by its parent.
    dead: bool,
    group: i32,
}

#[cfg(target_os = "linux")]
impl Stat {
    fn read(pid: Pid) -> Option<Self> {
        let bytes = std::fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// The name stands in parentheses and may hold anything, parentheses too.
    fn parse(stat: &str) -> Option<Self> {
        let (head, fields) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = fields.split_ascii_whitespace();
        let dead = matches!(fields.next()?, "Z" | "X" | "x");
        let group = fields.nth(1)?.parse().ok()?;
        Some(Self { name: super::errors::excerpt(name.as_bytes()), dead, group })
    }
}

#[cfg(all(test, target_os = "linux"))]
pub(super) mod tests {
    use super::*;

    /// Whether a process runs; one that has ended and was not waited for does not.
    pub(in super::super) fn is_alive(pid: i32) -> bool {
        Pid::from_raw(pid).and_then(Stat::read).is_some_and(|stat| !stat.dead)
    }

    #[test]
    fn reads_names_with_parentheses() {
        let stat = Stat::parse("12 (a) b (c) Z 1 77 77 0 -1\n").expect("parses");
        assert_eq!(stat, Stat { name: "a) b (c".to_owned(), dead: true, group: 77 });
        assert!(!Stat::parse("12 (sh) S 1 77 77\n").expect("parses").dead);
        assert_eq!(Stat::parse("12 (sh"), None);
        assert_eq!(Stat::parse("12 (sh) S 1"), None);
    }

    #[test]
    fn this_process_has_no_mark_but_belongs_to_its_group() {
        let group = rustix::process::getpgrp();
        let me = rustix::process::getpid();
        let found = find(group, &Mark::new());
        assert_eq!(found.iter().any(|left| left.pid == me), group != me);
        assert!(is_alive(me.as_raw_nonzero().get()));
    }

    #[test]
    fn names_five_at_most() {
        let one = Leftover { pid: Pid::INIT, name: "x".to_owned() };
        assert_eq!(describe(std::slice::from_ref(&one)), "process 1 (x)");
        assert!(describe(&vec![one; 7]).ends_with("process 1 (x), 2 more"));
    }
}
