//! Functions that need Linux.

use rustix::process::{getpid, set_child_subreaper};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_current_timer_slack};
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::num::NonZeroU64;

/// The numbers of the CPUs that the calling thread may use, in order; `None` if the system does not report them.
///
/// # Errors
/// The kernel refuses.
pub fn allowed_cpus() -> io::Result<Option<Vec<usize>>> {
    let allowed = sched_getaffinity(None)?;
    Ok(Some((0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect()))
}

/// Moves the calling thread to these CPUs, which must be among [`allowed_cpus`]. Threads that it starts later begin
/// there.
///
/// # Errors
/// The kernel refuses.
pub fn move_to_cpus(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|&cpu| set.set(cpu));
    Ok(sched_setaffinity(None, &set)?)
}

/// Asks the kernel to wake this thread from sleeps as exactly as possible. If the kernel refuses, nothing changes.
pub fn sharpen_sleep() {
    let _ = set_current_timer_slack(NonZeroU64::new(1));
}

/// The time, and the CPU time of this process, both in nanoseconds; `None` if the system does not report them.
pub fn process_time() -> Option<(u64, u64)> {
    let ns = |clock| {
        let time = clock_gettime(clock);
        Some(u64::try_from(time.tv_sec).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
    };
    Some((ns(ClockId::Monotonic)?, ns(ClockId::ProcessCPUTime)?))
}

/// Makes orphans of our descendants our own children from now on. If that is not possible, they are not found.
pub fn adopt_orphans() {
    // Fails on old kernels (before 3.4).
    let _ = set_child_subreaper(Some(getpid()));
}

/// How much memory a process holds, in bytes: what of it is in memory, what it shares with others included. `None` where
/// the system does not tell, or there is no such process.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
}

/// Whether a process is stopped (SIGSTOP) and waits to be continued; false where the system does not tell.
pub fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Its name comes before, in parentheses, and may hold anything.
    let state = stat.iter().rposition(|byte| *byte == b')').and_then(|end| stat.get(end + 2));
    state == Some(&b'T')
}

/// How many threads this process has; `None` where the system does not tell.
pub fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

/// The processes that a process has started and that still are; none where the system does not tell.
pub fn children_of(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_ascii_whitespace().flat_map(str::parse).collect::<Vec<u32>>()).collect()
}

/// Has the kernel end this process, or what it starts, before any other when memory runs out. Without effect where there
/// is no such wish.
pub fn offer_when_memory_runs_out(pid: u32) {
    const FIRST_OF_ALL: &str = "1000";
    let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), FIRST_OF_ALL);
}

/// The signals that this process ignores: bit n - 1 for signal n.
pub fn ignored_signals() -> u64 {
    std::fs::read_to_string("/proc/self/status").map_or(0, |status| ignored_in(&status))
}

fn ignored_in(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_their_line() {
        assert_eq!(ignored_in("SigBlk:\t00ff\nSigIgn:\t0000000000001001\nSigCgt:\t1"), 0x1001);
        assert_eq!((ignored_in(""), ignored_in("SigIgn:\tnone")), (0, 0));
    }

    #[test]
    fn a_thread_runs_where_it_was_moved_to_and_so_does_its_child() {
        let allowed = allowed_cpus().unwrap().unwrap();
        let last = [*allowed.last().unwrap()];
        let moved = std::thread::spawn(move || {
            move_to_cpus(&last).unwrap();
            let child = std::thread::spawn(allowed_cpus).join().unwrap();
            (allowed_cpus().unwrap(), child.unwrap())
        });
        assert_eq!(moved.join().unwrap(), (Some(last.to_vec()), Some(last.to_vec())));
        assert_eq!(allowed_cpus().unwrap(), Some(allowed), "this thread has not moved");
        assert!(move_to_cpus(&[]).is_err());
    }

    #[test]
    fn the_time_of_the_process_is_known() {
        let (before, after) = (process_time().unwrap(), process_time().unwrap());
        assert!(before.0 > 0 && before.1 > 0 && after.0 >= before.0 && after.1 >= before.1);
    }
}
