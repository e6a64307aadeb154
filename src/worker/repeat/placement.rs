//! On which CPUs the threads of a repeat run.
//!
//! Threads inherit the CPUs of the thread that starts them. So the main thread moves to the queue's CPUs before it builds
//! the queue, and to the producers' before it starts those. Threads that a queue starts later, inside a call, run where
//! the caller runs.

use crate::scenario::Placement;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The CPUs of the two sides; `None`: all that the process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpus {
    queue: Option<CpuSet>,
    producers: Option<CpuSet>,
    count: usize,
    /// Those of both sides.
    all: CpuSet,
}

impl Cpus {
    /// Shares out the CPUs that this process may use. `same` takes the last one for all; `split` gives the queue the last
    /// one and the producers the others.
    ///
    /// # Errors
    /// `split` with a single CPU; an affinity that cannot be read.
    pub fn share(placement: Placement) -> Result<Self, String> {
        let allowed = sched_getaffinity(None).map_err(|error| format!("cannot read the CPU affinity: {error}"))?;
        Self::of(placement, &allowed)
    }

    fn of(placement: Placement, allowed: &CpuSet) -> Result<Self, String> {
        let numbers = numbers(allowed);
        let (Some((&last, others)), placement) = (numbers.split_last(), placement) else {
            return Err("this process may run on no CPU".to_owned());
        };
        let (queue, producers) = match placement {
            Placement::None => return Ok(Self { queue: None, producers: None, count: numbers.len(), all: *allowed }),
            Placement::Same => (set(&[last]), set(&[last])),
            Placement::Split if others.is_empty() => {
                return Err(
                    "placement `split` needs two CPUs, and this process may use one; use `none` or `same`".to_owned()
                );
            }
            Placement::Split => (set(&[last]), set(others)),
        };
        let all = if placement == Placement::Same { queue } else { *allowed };
        Ok(Self { queue: Some(queue), producers: Some(producers), count: producers.count() as usize, all })
    }

    /// The numbers of the CPUs on which any thread of the repeat may run.
    pub fn numbers(&self) -> Vec<usize> {
        numbers(&self.all)
    }

    /// Number of CPUs for the producers.
    pub fn of_producers(&self) -> usize {
        self.count
    }

    /// Moves the calling thread to the queue's CPUs.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn go_to_queue(&self) -> Result<(), String> {
        go(self.queue.as_ref())
    }

    /// Moves the calling thread to the producers' CPUs.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn go_to_producers(&self) -> Result<(), String> {
        go(self.producers.as_ref())
    }
}

fn numbers(cpus: &CpuSet) -> Vec<usize> {
    (0..CpuSet::MAX_CPU).filter(|&cpu| cpus.is_set(cpu)).collect()
}

fn set(cpus: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|&cpu| set.set(cpu));
    set
}

fn go(cpus: Option<&CpuSet>) -> Result<(), String> {
    let moved = cpus.map_or(Ok(()), |cpus| sched_setaffinity(None, cpus));
    moved.map_err(|error| format!("cannot set the CPU affinity: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_shared_out_as_the_placement_says() {
        let allowed = set(&[1, 4, 6]);
        let of = |placement| Cpus::of(placement, &allowed).unwrap();
        let (all, last) = (set(&[1, 4, 6]), Some(set(&[6])));
        assert_eq!(of(Placement::None), Cpus { queue: None, producers: None, count: 3, all });
        assert_eq!(of(Placement::Same), Cpus { queue: last, producers: last, count: 1, all: set(&[6]) });
        assert_eq!(of(Placement::Split), Cpus { queue: last, producers: Some(set(&[1, 4])), count: 2, all });
        let numbers = [Placement::None, Placement::Same, Placement::Split].map(|placement| of(placement).numbers());
        assert_eq!(numbers, [vec![1, 4, 6], vec![6], vec![1, 4, 6]]);
    }

    #[test]
    fn one_cpu_cannot_be_split() {
        assert!(Cpus::of(Placement::Split, &set(&[3])).unwrap_err().contains("two CPUs"));
        assert!(Cpus::of(Placement::Same, &set(&[3])).is_ok());
        assert!(Cpus::of(Placement::None, &set(&[])).is_err());
    }
}
