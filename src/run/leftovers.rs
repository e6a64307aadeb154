//! Finds processes that outlive the child that started them.
//!
//! Killing the child's process group ends everything that stayed in it. A process that created its own group or session
//! is identified by a mark in its environment, which it inherited. A process that also wiped its environment, as a
//! daemon does, becomes an orphan when its parents are gone, and the kernel makes us the parent of such orphans
//! ([`adopt`]). A child of ours that we did not start is a leftover. A process that was started by somebody else, such
//! as a service manager, is not found; but if it holds the child's output open, that is noticed. Without `/proc`,
//! nothing is found.

use rustix::process::Pid;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that marks a child and all that it starts.
pub(super) const MARK: &str = "QUEUE_LOAD_REPEAT";

/// Distinguishes one child, and everything that it starts, from all other processes.
#[derive(Clone, Debug)]
pub(super) struct Mark(String);

impl Mark {
    /// A mark that no other process has.
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

/// A process that is still running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) pid: Pid,
    pub(super) name: String,
}

/// The children that we have started and not yet waited for, by their process ids.
#[derive(Debug, Default)]
pub(super) struct Children(BTreeSet<i32>);

impl Children {
    /// The children of this process. While the lock is held, no thread can start a child or look for orphans: a child
    /// that is started but not yet registered would be taken for a leftover and killed.
    pub(super) fn lock() -> MutexGuard<'static, Self> {
        static OWN: Mutex<Children> = Mutex::new(Children(BTreeSet::new()));
        OWN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&mut self, pid: Pid) {
        self.0.insert(pid.as_raw_nonzero().get());
    }

    pub(super) fn remove(&mut self, pid: Pid) {
        self.0.remove(&pid.as_raw_nonzero().get());
    }
}

/// From now on, makes orphaned descendants our own children. Where that is not possible, they stay undetected.
pub(super) fn adopt() {
    #[cfg(target_os = "linux")]
    {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // Older kernels refuse this.
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        });
    }
}

/// Names the first few of them.
pub(super) fn describe(found: &[Leftover]) -> String {
    const NAMED: usize = 5;
    let mut names: Vec<String> =
        found.iter().take(NAMED).map(|left| format!("process {} ({})", left.pid.as_raw_nonzero(), left.name)).collect();
    if found.len() > NAMED {
        names.push(format!("{} more", found.len() - NAMED));
    }
    names.join(", ")
}

/// Every living process that is in the leader's group, has the mark, or became our child as an orphan since the leader
/// was started. The leader itself is not among them. An orphan that has ended is waited for: nobody else does it, and
/// it would stay a zombie.
#[cfg(target_os = "linux")]
pub(super) fn find(leader: Pid, mark: &Mark) -> Vec<Leftover> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let marked = format!("{MARK}={}", mark.0);
    let own = Children::lock();
    // If the leader cannot be read, no process counts as its orphan: better to miss one than to end a stranger.
    let begun = Stat::read(leader).map_or(u64::MAX, |leader| leader.started);
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
    pids.filter(|&pid| pid != leader)
        .filter_map(|pid| {
            let stat = Stat::read(pid)?;
            let is_of_group = stat.group == leader.as_raw_nonzero().get();
            // A process in the group of another child belongs to that child's repeat.
            let is_ours = is_of_group || !own.0.contains(&stat.group);
            let is_orphan = is_ours && stat.started >= begun && stat.is_left_to_us(pid, &own);
            if stat.dead {
                if is_orphan {
                    let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
                }
                return None;
            }
            // A foreign mark means another repeat's process, even if it is our orphan. A process about to end has lost
            // its environment already; it needs no help.
            let ours = match mark_of(pid) {
                Some(found) => found == marked,
                None => is_orphan && !stat.exiting,
            };
            (is_of_group || ours).then_some(Leftover { pid, name: stat.name })
        })
        .collect()
}

/// Every living process of the leader's group, or with the mark: none can be seen on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn find(_leader: Pid, _mark: &Mark) -> Vec<Leftover> {
    Vec::new()
}

/// The variable that marks a process, from its environment, as `NAME=value`.
#[cfg(target_os = "linux")]
fn mark_of(pid: Pid) -> Option<String> {
    let environ = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
    let name = format!("{MARK}=");
    let mark = environ.split(|&byte| byte == 0).find(|variable| variable.starts_with(name.as_bytes()))?;
    Some(String::from_utf8_lossy(mark).into_owned())
}

/// The contents of `/proc/PID/stat`.
#[cfg(target_os = "linux")]
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    /// It has ended, and its parent has not yet waited for it.
    dead: bool,
    /// It is about to end, and its environment is already gone.
    exiting: bool,
    parent: i32,
    group: i32,
    /// When it was started, in ticks since the boot of the machine. An orphan that is older than the leader cannot be
    /// its doing.
    started: u64,
}

/// The kernel's flag for a process that is about to end (`PF_EXITING`).
#[cfg(target_os = "linux")]
const EXITING: u64 = 0x4;

#[cfg(target_os = "linux")]
impl Stat {
    fn read(pid: Pid) -> Option<Self> {
        let bytes = std::fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Parses the line. The name is in parentheses and may contain anything, including parentheses, so the last one
    /// ends it.
    fn parse(stat: &str) -> Option<Self> {
        let (head, fields) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = fields.split_ascii_whitespace();
        let dead = matches!(fields.next()?, "Z" | "X" | "x");
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        // Session and terminal are passed over, then faults, times and priorities.
        let flags: u64 = fields.nth(3)?.parse().ok()?;
        let started = fields.nth(12)?.parse().ok()?;
        let exiting = flags & EXITING != 0;
        Some(Self { name: super::errors::excerpt(name.as_bytes()), dead, exiting, parent, group, started })
    }

    /// Whether it is our child and we did not start it. Processes that other parts of this program start stay in our
    /// own group, so they are not mistaken for orphans.
    fn is_left_to_us(&self, pid: Pid, own: &Children) -> bool {
        let number = |pid: Pid| pid.as_raw_nonzero().get();
        self.parent == number(rustix::process::getpid())
            && self.group != number(rustix::process::getpgrp())
            && !own.0.contains(&number(pid))
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
        let text =
            |state, flags| format!("12 (a) b (c) {state} 1 77 78 0 -1 {flags} 1 2 3 4 5 6 7 8 20 0 1 0 9876 99 98\n");
        let stat = Stat::parse(&text("Z", 4_194_308)).expect("parses");
        let name = "a) b (c".to_owned();
        assert_eq!(stat, Stat { name, dead: true, exiting: true, parent: 1, group: 77, started: 9_876 });
        let stat = Stat::parse(&text("S", 4_194_304)).expect("parses");
        assert!(!stat.dead && !stat.exiting);
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
