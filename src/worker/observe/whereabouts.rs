//! Finds out on which CPUs the threads of the two sides run. If the repeats of a case fall into groups, this usually
//! explains the groups.
//!
//! Every 20 ms each thread is checked: whether it ran since the last check, and where. The files stay open. A check
//! costs 2 µs (one read) for a thread that slept, and 6 µs (two reads) for a thread that ran.

use crate::measure::CpuShare;
use crate::worker::observe::machine::{Group, thread_ids};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek};

/// Time between two samples, in nanoseconds.
pub const STEP: u64 = 20_000_000;

/// With more threads than this on both sides together, none is watched: it would take time from the load.
const MOST_THREADS: usize = 16;

/// Index of the field of `/proc/…/stat` that names the CPU, counted from the first field after the thread's name.
const PROCESSOR: usize = 36;

/// Samples where threads run, and sums up their times.
#[derive(Debug, Default)]
pub struct Whereabouts {
    watched: Vec<Watched>,
    seen: Seen,
}

/// A thread that is watched.
#[derive(Debug)]
struct Watched {
    group: Group,
    stat: File,
    times: File,
    /// CPU time at the last sample, in nanoseconds.
    time: u64,
}

/// A thread of `group` ran on `cpu` for `ns` nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ran {
    group: Group,
    cpu: u32,
    ns: u64,
}

/// CPU time in nanoseconds, by CPU.
type Times = BTreeMap<u32, u64>;

/// The sum of the samples so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    producers: Times,
    queue: Times,
    /// Sum over the samples in which both sides ran: the probability that both were on one CPU.
    shared: f64,
    /// Number of those samples.
    both: u64,
}

impl Whereabouts {
    /// The present threads of producers and queue; none if they cannot be read or are too many.
    pub fn of_this_process() -> Self {
        let mut watched = Vec::new();
        for id in thread_ids() {
            let Some(thread) = Watched::open(id) else { continue };
            watched.push(thread);
            if watched.len() > MOST_THREADS {
                return Self::default();
            }
        }
        Self { watched, seen: Seen::default() }
    }

    /// Takes a sample of all threads. Time before the first sample does not count.
    pub fn look(&mut self) {
        let ran: Vec<Ran> = self.watched.iter_mut().filter_map(Watched::look).collect();
        self.seen.enter(&ran);
    }

    /// The sum of the samples.
    pub fn seen(self) -> Seen {
        self.seen
    }
}

impl Watched {
    fn open(id: u32) -> Option<Self> {
        let name = fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?;
        let group = Group::of(id, &name);
        if group == Group::Runtime {
            return None;
        }
        let file = |what| File::open(format!("/proc/self/task/{id}/{what}")).ok();
        let mut thread = Self { group, stat: file("stat")?, times: file("schedstat")?, time: 0 };
        thread.look()?;
        Some(thread)
    }

    /// Where the thread ran since the last sample, and for how long; `None` if it did not run or has ended.
    fn look(&mut self) -> Option<Ran> {
        let time = read(&mut self.times, |text| text.split_whitespace().next()?.parse().ok())?;
        let ns = time - std::mem::replace(&mut self.time, time).min(time);
        let cpu = (ns > 0).then(|| read(&mut self.stat, processor))??;
        Some(Ran { group: self.group, cpu, ns })
    }
}

/// Reads a file of a few hundred bytes from its beginning.
fn read<R>(file: &mut File, parse: impl FnOnce(&str) -> Option<R>) -> Option<R> {
    let mut buffer = [0; 1024];
    file.rewind().ok()?;
    let length = file.read(&mut buffer).ok()?;
    parse(str::from_utf8(&buffer[..length]).ok()?)
}

/// The CPU that a thread last ran on. The thread's name is in parentheses and may itself contain any character.
fn processor(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(PROCESSOR)?.parse().ok()
}

impl Seen {
    fn enter(&mut self, ran: &[Ran]) {
        let of = |group| {
            let mut times = Times::new();
            ran.iter().filter(|ran| ran.group == group).for_each(|ran| *times.entry(ran.cpu).or_default() += ran.ns);
            times
        };
        let (producers, queue) = (of(Group::Producers), of(Group::Queue));
        if !producers.is_empty() && !queue.is_empty() {
            let at = |cpu: &u32| queue.get(cpu).map_or(0.0, |&ns| ns as f64);
            // The probability that a random moment of each side fell on the same CPU, given how each side's time was
            // divided.
            let together: f64 = producers.iter().map(|(cpu, &ns)| ns as f64 * at(cpu)).sum();
            self.shared += together / (total(&producers) * total(&queue));
            self.both += 1;
        }
        for (all, more) in [(&mut self.producers, producers), (&mut self.queue, queue)] {
            more.into_iter().for_each(|(cpu, ns)| *all.entry(cpu).or_default() += ns);
        }
    }

    /// The shares of the producers' CPU time, by CPU; empty if unknown.
    pub fn producer_cpus(&self) -> Vec<CpuShare> {
        shares(&self.producers)
    }

    /// The shares of the queue's CPU time, by CPU; empty if unknown.
    pub fn queue_cpus(&self) -> Vec<CpuShare> {
        shares(&self.queue)
    }

    /// The share of their time that both sides spent on the same CPU, 0 to 1; `None` if no sample has both sides.
    pub fn shared_cpu_share(&self) -> Option<f64> {
        (self.both > 0).then(|| (self.shared / self.both as f64).min(1.0))
    }
}

fn total(times: &Times) -> f64 {
    times.values().map(|&ns| ns as f64).sum()
}

fn shares(times: &Times) -> Vec<CpuShare> {
    let total = total(times);
    times.iter().map(|(&cpu, &ns)| CpuShare { cpu, share: ns as f64 / total }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn producer(cpu: u32, ns: u64) -> Ran {
        Ran { group: Group::Producers, cpu, ns }
    }

    fn queue(cpu: u32, ns: u64) -> Ran {
        Ran { group: Group::Queue, cpu, ns }
    }

    #[test]
    fn a_shared_cpu_is_seen_sample_by_sample() {
        // name, samples, expected share of time on one CPU
        type Row<'a> = (&'a str, &'a [&'a [Ran]], Option<f64>);
        let rows: [Row; 7] = [
            ("nobody ran", &[&[]], None),
            ("one side alone", &[&[producer(0, 5)], &[queue(0, 5)]], None),
            ("apart", &[&[producer(0, 5), queue(1, 7)], &[producer(0, 9), queue(1, 1)]], Some(0.0)),
            ("together", &[&[producer(1, 5), queue(1, 7)]], Some(1.0)),
            // In total both sides ran on both CPUs, but never on the same one at the same time.
            ("changing places", &[&[producer(0, 5), queue(1, 5)], &[producer(1, 5), queue(0, 5)]], Some(0.0)),
            ("half of the samples", &[&[producer(0, 5), queue(0, 5)], &[producer(0, 5), queue(1, 5)]], Some(0.5)),
            ("one of two producers", &[&[producer(0, 30), producer(1, 10), queue(1, 8)]], Some(0.25)),
        ];
        for (name, samples, expected) in rows {
            let mut seen = Seen::default();
            samples.iter().for_each(|sample| seen.enter(sample));
            assert_eq!(seen.shared_cpu_share(), expected, "{name}");
        }
    }

    #[test]
    fn cpus_come_in_order_with_their_shares_of_the_time() {
        let mut seen = Seen::default();
        seen.enter(&[producer(3, 10), producer(0, 10), queue(1, 4)]);
        seen.enter(&[producer(3, 20)]);
        let share = |cpu, share| CpuShare { cpu, share };
        assert_eq!(seen.producer_cpus(), [share(0, 0.25), share(3, 0.75)]);
        assert_eq!(seen.queue_cpus(), [share(1, 1.0)]);
        assert_eq!(Seen::default().queue_cpus(), []);
    }

    #[test]
    fn the_cpu_is_found_behind_any_name() {
        let fields: Vec<String> = (3..=52).map(|field| field.to_string()).collect();
        for name in ["log-queue", "a) R 1 (b", "))"] {
            assert_eq!(processor(&format!("17 ({name}) {}", fields.join(" "))), Some(39));
        }
        assert_eq!(processor("17 (short) R 1 2"), None);
        assert_eq!(processor(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_runs_is_seen_where_it_runs_and_one_that_sleeps_is_not() {
        use rustix::time::{ClockId, clock_gettime};
        use std::sync::mpsc;
        let (send, ids) = mpsc::channel();
        // Its own time: a thread that waits for a CPU has not run.
        let ran_ns = || {
            let ran = clock_gettime(ClockId::ThreadCPUTime);
            ran.tv_sec * 1_000_000_000 + ran.tv_nsec
        };
        let id = || {
            let link = fs::read_link("/proc/thread-self").unwrap();
            link.file_name().unwrap().to_str().unwrap().parse::<u32>().unwrap()
        };
        let (go, gone) = mpsc::channel::<()>();
        let spin = move || {
            send.send(id()).unwrap();
            while gone.recv().is_ok() {
                let begin = ran_ns();
                while ran_ns() - begin < 1_000_000 {
                    std::hint::spin_loop();
                }
                send.send(0).unwrap();
            }
        };
        let thread = std::thread::Builder::new().name("log-queue".into()).spawn(spin).unwrap();
        let mut watched = Watched::open(ids.recv().unwrap()).unwrap();
        assert_eq!(watched.group, Group::Queue);
        go.send(()).unwrap();
        ids.recv().unwrap();
        let ran = watched.look().unwrap();
        assert!(ran.ns >= 500_000 && ran.group == Group::Queue, "{ran:?}");
        drop(go);
        thread.join().unwrap();
        assert_eq!(watched.look(), None, "it has ended");
        assert!(Whereabouts::of_this_process().watched.len() <= MOST_THREADS);
    }
}
