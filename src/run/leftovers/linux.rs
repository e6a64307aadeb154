//! Finds leftover processes in `/proc`.

use super::super::errors::excerpt;
use super::{Children, Leftover, MARK, Mark};
use rustix::process::{Pid, WaitOptions, getpgrp, waitpid};

/// Every living process that is in the leader's group, carries the mark, or became our child as an orphan since the
/// leader started; without the leader itself. An orphan that has ended is reaped here, since nobody else will do it.
pub(super) fn find(leader: u32, mark: &Mark) -> Vec<Leftover> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let marked = format!("{MARK}={}", mark.0);
    // Held during the whole search: a child that another thread starts meanwhile must not look like an orphan.
    let own = Children::lock();
    // Orphans that are older than the leader cannot come from it.
    let begun = Stat::read(leader).map_or(u64::MAX, |leader| leader.started);
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|&pid| pid != leader)
        .filter_map(|pid| {
            let stat = Stat::read(pid)?;
            let is_of_group = stat.group == Some(leader);
            // A process in the group of another child belongs to that child.
            let is_ours = is_of_group || !stat.group.is_some_and(|group| own.0.contains(&group));
            let is_orphan = is_ours && stat.started >= begun && stat.is_left_to_us(pid, &own);
            if stat.dead {
                if is_orphan {
                    let _ = raw(pid).map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
                }
                return None;
            }
            let ours = match mark_of(pid) {
                Some(found) => found == marked,
                None => is_orphan && !stat.exiting,
            };
            (is_of_group || ours).then_some(Leftover { pid, name: stat.name })
        })
        .collect()
}

/// The variable that marks a process, from its environment, as `NAME=value`; `None` if it has none.
fn mark_of(pid: u32) -> Option<String> {
    let environ = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let name = format!("{MARK}=");
    let mark = environ.split(|&byte| byte == 0).find(|variable| variable.starts_with(name.as_bytes()))?;
    Some(String::from_utf8_lossy(mark).into_owned())
}

/// A process according to `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    /// It has ended, and its parent has not waited for it yet.
    dead: bool,
    /// It is about to end; its environment is gone already.
    exiting: bool,
    parent: u32,
    /// Its process group; `None` for a process that is almost gone.
    group: Option<u32>,
    /// When it was started, in clock ticks since the machine was started.
    started: u64,
}

/// The kernel's flag `PF_EXITING`: the process is about to end.
const EXITING: u64 = 0x4;

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let bytes = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Parses the line. The name is in parentheses and may itself contain any character, also parentheses.
    fn parse(stat: &str) -> Option<Self> {
        let (head, fields) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = fields.split_ascii_whitespace();
        let dead = matches!(fields.next()?, "Z" | "X" | "x");
        let parent = fields.next()?.parse().ok()?;
        let group = u32::try_from(fields.next()?.parse::<i32>().ok()?).ok();
        // The fields between are session and terminal, then page faults, times and priorities.
        let flags: u64 = fields.nth(3)?.parse().ok()?;
        let started = fields.nth(12)?.parse().ok()?;
        let exiting = flags & EXITING != 0;
        Some(Self { name: excerpt(name.as_bytes()), dead, exiting, parent, group, started })
    }

    /// Whether it is our child although we did not start it. Processes that other rooms start stay in our own process
    /// group, so they are not meant.
    fn is_left_to_us(&self, pid: u32, own: &Children) -> bool {
        let is_elsewhere = self.group.and_then(raw) != Some(getpgrp());
        self.parent == std::process::id() && is_elsewhere && !own.0.contains(&pid)
    }
}

/// A process id as the system calls take it.
fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Whether a process runs; a process that has ended but was not waited for does not.
#[cfg(test)]
pub(in super::super) fn is_alive(pid: u32) -> bool {
    Stat::read(pid).is_some_and(|stat| !stat.dead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_with_parentheses() {
        let text =
            |state, flags| format!("12 (a) b (c) {state} 1 77 78 0 -1 {flags} 1 2 3 4 5 6 7 8 20 0 1 0 9876 99 98\n");
        let stat = Stat::parse(&text("Z", 4_194_308)).expect("parses");
        let name = "a) b (c".to_owned();
        assert_eq!(stat, Stat { name, dead: true, exiting: true, parent: 1, group: Some(77), started: 9_876 });
        let stat = Stat::parse(&text("S", 4_194_304)).expect("parses");
        assert!(!stat.dead && !stat.exiting);
        assert_eq!(Stat::parse("12 (sh"), None);
        assert_eq!(Stat::parse("12 (sh) S 1"), None);
    }

    #[test]
    fn this_process_has_no_mark_but_belongs_to_its_group() {
        let (me, group) = (std::process::id(), getpgrp().as_raw_nonzero().get().unsigned_abs());
        let found = find(group, &Mark::new());
        assert_eq!(found.iter().any(|left| left.pid == me), group != me);
        assert!(is_alive(me));
    }
}
