//! Decides on which CPUs the threads of a repeat run.
//!
//! A thread inherits the CPUs of the thread that starts it. So the main thread moves to the queue's CPUs before it
//! builds the queue, and to the producers' CPUs before it starts the producers. Threads that a queue starts later,
//! inside a call, run on the CPUs of the caller.

use crate::platform;
use crate::scenario::Placement;

/// The numbers of the CPUs of the two sides; `None` for a side that may use all CPUs of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus {
    queue: Option<Vec<usize>>,
    producers: Option<Vec<usize>>,
    count: usize,
    /// The CPUs of both sides together; empty if the system does not report them.
    all: Vec<usize>,
}

impl Cpus {
    /// Divides the CPUs that this process may use. `same` uses the last one for both sides; `split` gives the last one
    /// to the queue and the others to the producers.
    ///
    /// # Errors
    /// `split` with a single CPU; the CPU affinity cannot be read; `same` or `split` on a system that cannot pin
    /// threads.
    pub fn share(placement: Placement) -> Result<Self, String> {
        let allowed = platform::allowed_cpus().map_err(|error| format!("cannot read the CPU affinity: {error}"))?;
        match allowed {
            Some(allowed) => Self::of(placement, allowed),
            None => Self::unknown(placement),
        }
    }

    /// The division on a system that reports only how many CPUs there are: threads run wherever the system puts them.
    fn unknown(placement: Placement) -> Result<Self, String> {
        if placement != Placement::None {
            return Err(format!("placement `{placement}` needs Linux, which gives threads their CPUs; use `none`"));
        }
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { queue: None, producers: None, count, all: Vec::new() })
    }

    fn of(placement: Placement, allowed: Vec<usize>) -> Result<Self, String> {
        let Some((&last, others)) = allowed.split_last() else {
            return Err("this process may run on no CPU".to_owned());
        };
        let (queue, producers) = match placement {
            Placement::None => return Ok(Self { queue: None, producers: None, count: allowed.len(), all: allowed }),
            Placement::Same => (vec![last], vec![last]),
            Placement::Split if others.is_empty() => {
                return Err(
                    "placement `split` needs two CPUs, and this process may use one; use `none` or `same`".to_owned()
                );
            }
            Placement::Split => (vec![last], others.to_vec()),
        };
        let all = if placement == Placement::Same { queue.clone() } else { allowed };
        Ok(Self { queue: Some(queue), count: producers.len(), producers: Some(producers), all })
    }

    /// The numbers of the CPUs on which any thread of the repeat may run; empty if the system does not report them.
    pub fn numbers(&self) -> &[usize] {
        &self.all
    }

    /// Number of CPUs for the producers.
    pub fn of_producers(&self) -> usize {
        self.count
    }

    /// Moves the calling thread to the queue's CPUs.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn go_to_queue(&self) -> Result<(), String> {
        go(self.queue.as_deref())
    }

    /// Moves the calling thread to the producers' CPUs.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn go_to_producers(&self) -> Result<(), String> {
        go(self.producers.as_deref())
    }
}

fn go(cpus: Option<&[usize]>) -> Result<(), String> {
    let moved = cpus.map_or(Ok(()), platform::move_to_cpus);
    moved.map_err(|error| format!("cannot set the CPU affinity: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_shared_out_as_the_placement_says() {
        for (placement, queue, producers, count, all) in [
            (Placement::None, None, None, 3, vec![1, 4, 6]),
            (Placement::Same, Some(vec![6]), Some(vec![6]), 1, vec![6]),
            (Placement::Split, Some(vec![6]), Some(vec![1, 4]), 2, vec![1, 4, 6]),
        ] {
            let expected = Cpus { queue, producers, count, all };
            assert_eq!(Cpus::of(placement, vec![1, 4, 6]), Ok(expected), "{placement}");
        }
    }

    #[test]
    fn one_cpu_cannot_be_split() {
        assert!(Cpus::of(Placement::Split, vec![3]).unwrap_err().contains("two CPUs"));
        assert!(Cpus::of(Placement::Same, vec![3]).is_ok());
        assert!(Cpus::of(Placement::None, vec![]).is_err());
    }

    #[test]
    fn where_cpus_have_no_numbers_threads_run_where_the_system_puts_them() {
        let cpus = Cpus::unknown(Placement::None).unwrap();
        assert!(cpus.of_producers() > 0 && cpus.numbers().is_empty());
        assert_eq!((cpus.go_to_queue(), cpus.go_to_producers()), (Ok(()), Ok(())));
        for placement in [Placement::Same, Placement::Split] {
            let error = Cpus::unknown(placement).unwrap_err();
            assert!(error.contains(&format!("`{placement}` needs Linux")), "{error}");
        }
    }
}
