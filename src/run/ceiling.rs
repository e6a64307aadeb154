//! The memory ceiling of a repeat. The memory of its process, and of all that it started, is watched from outside.
//!
//! It is no limit of the kernel, for three reasons. `RLIMIT_AS` and `RLIMIT_DATA` count reserved memory, so a program
//! with many threads reaches them without using any. They apply to each process separately. And a process that reaches
//! one aborts in its own way, which looks like any other abort. [`LOOK_EVERY`] says what a look costs, and how much can
//! be allocated between two looks.

use super::errors::Fault;
use crate::platform;
use std::time::{Duration, Instant};

/// Time between two looks. A thread that does nothing else can take some tens of MiB in it. A look reads one small file
/// for each process.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Only one look of this many searches for new processes: that reads a file for each of their threads.
const LOOKS_PER_SEARCH: u32 = 10;
/// Largest number of processes that are counted.
const MOST_PROCESSES: usize = 256;

/// Watches the memory of one repeat.
pub(super) struct Ceiling {
    limit: u64,
    leader: u32,
    /// The processes that are counted, the leader first.
    processes: Vec<u32>,
    looks: u32,
    next: Instant,
}

impl Ceiling {
    /// A ceiling of `limit` bytes for the process and all that it starts.
    ///
    /// # Errors
    /// This system does not report the memory of a process, so no limit can be kept.
    pub(super) fn of(leader: u32, limit: u64) -> Result<Self, Fault> {
        if platform::resident_bytes(leader).is_none() {
            let message = "memory_limit cannot be kept: the system does not tell how much memory a process holds";
            return Err(Fault::Spawn { message: message.into() });
        }
        Ok(Self { limit, leader, processes: vec![leader], looks: 0, next: Instant::now() })
    }

    /// Looks, if the next look is due.
    ///
    /// # Errors
    /// [`Fault::MemoryExceeded`] if the processes hold more than the limit.
    pub(super) fn look(&mut self) -> Result<(), Fault> {
        let now = Instant::now();
        if now < self.next {
            return Ok(());
        }
        self.next = now + LOOK_EVERY;
        if self.looks.is_multiple_of(LOOKS_PER_SEARCH) {
            self.processes = family(self.leader);
        }
        self.looks = self.looks.wrapping_add(1);
        // A process that has ended holds nothing.
        let seen = self.processes.iter().filter_map(|&pid| platform::resident_bytes(pid)).sum();
        if seen > self.limit {
            Err(Fault::MemoryExceeded { limit_bytes: self.limit, seen_bytes: seen })
        } else {
            Ok(())
        }
    }
}

/// A process and its descendants, at most [`MOST_PROCESSES`].
fn family(leader: u32) -> Vec<u32> {
    let mut found = vec![leader];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let room = MOST_PROCESSES.saturating_sub(found.len());
        found.extend(platform::children_of(parent).into_iter().take(room));
        next += 1;
    }
    found
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact_and_looks_are_bounded() {
        let own = std::process::id();
        let held = platform::resident_bytes(own).expect("Linux tells");
        let mut low = Ceiling::of(own, held / 2).expect("can be kept");
        let fault = low.look().expect_err("more than half");
        assert!(
            matches!(fault, Fault::MemoryExceeded { limit_bytes, seen_bytes } if limit_bytes == held / 2 && seen_bytes > limit_bytes)
        );
        assert_eq!(low.look(), Ok(()), "not looked at again so soon");
        assert_eq!(Ceiling::of(own, u64::MAX).expect("can be kept").look(), Ok(()));
    }

    #[test]
    fn what_a_process_starts_belongs_to_it() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("there is sleep");
        let found = family(std::process::id());
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(found.contains(&child.id()), "{found:?}");
        assert_eq!(found[0], std::process::id());
    }

    #[test]
    fn a_process_that_has_ended_holds_nothing() {
        let mut child = std::process::Command::new("true").spawn().expect("there is true");
        child.wait().expect("ended");
        let (limit_bytes, processes) = (1, vec![child.id()]);
        let mut gone = Ceiling { limit: limit_bytes, leader: child.id(), processes, looks: 1, next: Instant::now() };
        assert_eq!(gone.look(), Ok(()));
    }
}
