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

#[cfg(test)]
mod tests {
    use super::*;

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
