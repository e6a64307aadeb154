//! What only Linux tells or does: unknown here, or refused.

use std::io::{self, ErrorKind};

/// The numbers of the CPUs that the calling thread may use: not known here.
///
/// # Errors
/// None.
pub fn allowed_cpus() -> io::Result<Option<Vec<usize>>> {
    Ok(None)
}

/// Moves the calling thread to these CPUs: refused here.
///
/// # Errors
/// Always.
pub fn move_to_cpus(_cpus: &[usize]) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, "threads are given CPUs on Linux alone"))
}

/// Asks the kernel to wake this thread from sleeps as exactly as it can: there is no such wish here.
pub fn sharpen_sleep() {}

/// The time, and the CPU time of this process: not known here.
pub fn process_time() -> Option<(u64, u64)> {
    None
}

/// Makes orphans of our descendants our own children: they stay unseen here.
pub fn adopt_orphans() {}
