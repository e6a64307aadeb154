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

/// Does nothing: orphans of our descendants are not found on these systems.
pub fn adopt_orphans() {}
