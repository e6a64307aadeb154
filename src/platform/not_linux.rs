//! The functions that need Linux, for other systems: without a value, or refused.

use std::io::{self, ErrorKind};

/// The numbers of the CPUs that the calling thread may use: always `None`.
///
/// # Errors
/// Never.
pub fn allowed_cpus() -> io::Result<Option<Vec<usize>>> {
    Ok(None)
}

/// Moves the calling thread to these CPUs: always refused.
///
/// # Errors
/// Always.
pub fn move_to_cpus(_cpus: &[usize]) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, "threads are given CPUs on Linux alone"))
}

/// Does nothing: there is no such request on these systems.
pub fn sharpen_sleep() {}

/// The time, and the CPU time of this process: always `None`.
pub fn process_time() -> Option<(u64, u64)> {
    None
}

/// How much memory a process holds: not known here.
pub fn resident_bytes(_pid: u32) -> Option<u64> {
    None
}

/// How many threads this process has: not known here.
pub fn threads() -> Option<usize> {
    None
}

/// Whether a process is stopped; this system does not tell.
pub fn is_stopped(_pid: u32) -> bool {
    false
}

/// The processes that a process has started: not known here.
pub fn children_of(_pid: u32) -> Vec<u32> {
    Vec::new()
}

/// Has the kernel end this process before any other when memory runs out: there is no such wish here.
pub fn offer_when_memory_runs_out(_pid: u32) {}

/// The signals that this process ignores: not known here.
#[cfg(unix)]
pub fn ignored_signals() -> u64 {
    0
}

/// Makes orphans of our descendants our own children: they stay unseen here.
pub fn adopt_orphans() {}
