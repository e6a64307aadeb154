//! What the kernel reports about this process and the machine. What it does not report is `None`.

use crate::measure::CpuShares;
use crate::platform;
use std::collections::BTreeMap;
use std::fs;

/// The names of the load generator's threads begin with this.
pub const PRODUCER: &str = "ql-producer";

/// The names of our other threads, except the main thread, begin with this.
pub const RUNTIME: &str = "ql-";

/// The kernel's counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The threads of this process, by id.
    threads: BTreeMap<u32, Thread>,
    /// CPU time of the whole machine.
    ticks: Option<Ticks>,
    /// CPU time of each CPU, by its number.
    by_cpu: BTreeMap<usize, Ticks>,
    /// The time, and the CPU time of this process including threads that have ended, both in nanoseconds.
    process: Option<(u64, u64)>,
}

/// Counters of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread {
    group: Group,
    /// CPU time in nanoseconds.
    time: u64,
    /// Time in which it was ready to run but had no CPU, in nanoseconds.
    waited: Option<u64>,
    /// Involuntary context switches: the kernel took the CPU away.
    switches: Option<u64>,
    /// Voluntary context switches: the thread went to sleep.
    sleeps: Option<u64>,
}

/// CPU time of the machine or of one CPU, in clock ticks (usually 10 ms).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// Ticks that the hypervisor gave to other virtual machines.
    stolen: u64,
    /// Ticks that were neither idle nor stolen.
    busy: u64,
    /// All ticks.
    total: u64,
    /// Number of CPUs.
    cpus: u64,
}

/// The side that a thread belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The load generator.
    Producers,
    /// The other threads of this instrument.
    Runtime,
    /// The queue: every thread with a name that is not ours.
    Queue,
}

impl Group {
    fn name(self) -> &'static str {
        match self {
            Self::Producers => "producers",
            Self::Runtime => "runtime",
            Self::Queue => "queue",
        }
    }

    /// The group of a thread, by its id and name. The main thread has the id of the process.
    pub fn of(thread: u32, name: &str) -> Self {
        match name.trim_end() {
            name if name.starts_with(PRODUCER) => Self::Producers,
            name if name.starts_with(RUNTIME) || thread == std::process::id() => Self::Runtime,
            _ => Self::Queue,
        }
    }
}

/// What happened between two snapshots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passed {
    /// CPU time by thread group, in nanoseconds; empty if it cannot be read.
    pub cpu_ns: BTreeMap<&'static str, u64>,
    /// Share of the machine's CPU time that the hypervisor gave to others, 0 to 1.
    pub steal_share: Option<f64>,
    /// Involuntary context switches of this process.
    pub involuntary_switches: Option<u64>,
    /// Of these: those of the producers' threads.
    pub producer_switches: Option<u64>,
    /// Voluntary context switches of the queue's threads.
    pub queue_sleeps: Option<u64>,
    /// Share of the machine's CPU time that this process used, 0 to 1.
    pub process_share: Option<f64>,
    /// Share of the machine's CPU time that other processes used, 0 to 1.
    pub others_share: Option<f64>,
    /// The shares of the CPUs that this process may use.
    pub allowed: Option<CpuShares>,
    /// Total time in which threads of the load were ready to run but had no CPU, in nanoseconds.
    pub waited_ns: Option<u64>,
}

impl Snapshot {
    /// Reads the counters.
    pub fn take() -> Self {
        let stat = read("/proc/stat").unwrap_or_default();
        Self {
            threads: thread_ids().into_iter().filter_map(|id| Some((id, Thread::read(id)?))).collect(),
            ticks: parse_ticks(&stat),
            by_cpu: parse_cpus(&stat),
            process: platform::process_time(),
        }
    }

    /// What happened since `earlier`. `allowed` are the CPUs that this process may use. Threads that ended in between
    /// are not included, since the kernel forgets their counters.
    pub fn since(&self, earlier: &Self, allowed: &[usize]) -> Passed {
        let mut cpu_ns = BTreeMap::new();
        for (id, thread) in &self.threads {
            let before = earlier.threads.get(id).map_or(0, |before| before.time);
            *cpu_ns.entry(thread.group.name()).or_default() += thread.time.saturating_sub(before);
        }
        let ticks =
            self.ticks.zip(earlier.ticks).map(|(now, before)| now.since(before)).filter(|ticks| ticks.total > 0);
        let own = self.process.zip(earlier.process).map(|((now, used), (before, used_before))| Own {
            elapsed: now.saturating_sub(before),
            used: used.saturating_sub(used_before),
        });
        let whole = ticks.zip(own).and_then(|(ticks, own)| ticks.shares(own));
        Passed {
            cpu_ns,
            steal_share: ticks.map(|ticks| share(ticks.stolen, ticks.total)),
            involuntary_switches: self.sum_since(earlier, |_| true, |thread| thread.switches),
            producer_switches: self.sum_since(earlier, |group| group == Group::Producers, |thread| thread.switches),
            queue_sleeps: self.sum_since(earlier, |group| group == Group::Queue, |thread| thread.sleeps),
            process_share: whole.map(|shares| shares.process_share),
            others_share: whole.map(|shares| shares.others_share),
            allowed: self.ticks_of(earlier, allowed).zip(own).and_then(|(ticks, own)| ticks.shares(own)),
            waited_ns: self.sum_since(earlier, |group| group != Group::Queue, |thread| thread.waited),
        }
    }

    /// The ticks of these CPUs since `earlier`; `None` if one of them cannot be read.
    fn ticks_of(&self, earlier: &Self, cpus: &[usize]) -> Option<Ticks> {
        let since = |cpu: &usize| Some(self.by_cpu.get(cpu)?.since(*earlier.by_cpu.get(cpu)?));
        let ticks = cpus.iter().map(since).collect::<Option<Vec<Ticks>>>()?;
        ticks.into_iter().reduce(Ticks::plus).filter(|ticks| ticks.total > 0)
    }
}

/// Time between two snapshots, and the CPU time that this process used in it, in nanoseconds.
#[derive(Clone, Copy)]
struct Own {
    elapsed: u64,
    used: u64,
}

fn share(part: u64, total: u64) -> f64 {
    (part as f64 / total as f64).min(1.0)
}

impl Snapshot {
    /// The sum of a counter over the threads of some groups since `earlier`; `None` if it cannot be read for any of
    /// them.
    fn sum_since(
        &self,
        earlier: &Self,
        of: impl Fn(Group) -> bool,
        counter: impl Fn(&Thread) -> Option<u64>,
    ) -> Option<u64> {
        let since = |(id, thread): (&u32, &Thread)| {
            let before = earlier.threads.get(id).map_or(Some(0), &counter)?;
            Some(counter(thread)?.saturating_sub(before))
        };
        self.threads.iter().filter(|(_, thread)| of(thread.group)).filter_map(since).reduce(|a, b| a + b)
    }
}

impl Thread {
    fn read(id: u32) -> Option<Self> {
        let name = read(&format!("/proc/self/task/{id}/comm"))?;
        let times = read(&format!("/proc/self/task/{id}/schedstat"))?;
        let mut times = times.split_whitespace().map(|time| time.parse().ok());
        let (time, waited) = (times.next()??, times.next().flatten());
        let status = read(&format!("/proc/self/task/{id}/status"));
        let counted = |name| field(status.as_deref()?, name);
        Some(Self {
            group: Group::of(id, &name),
            time,
            waited,
            switches: counted("nonvoluntary_ctxt_switches:"),
            sleeps: counted("voluntary_ctxt_switches:"),
        })
    }
}

/// The ids of the threads of this process; empty if they cannot be read.
pub fn thread_ids() -> Vec<u32> {
    fs::read_dir("/proc/self/task")
        .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
        .unwrap_or_default()
}

/// Largest resident memory of this process so far, in bytes; `None` if it cannot be read.
pub fn peak_memory() -> Option<u64> {
    field(&read("/proc/self/status")?, "VmHWM:").map(|kib| kib * 1024)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

impl Ticks {
    /// The machine's ticks so far; `None` if the kernel does not report them.
    pub fn now() -> Option<Self> {
        read("/proc/stat").and_then(|stat| parse_ticks(&stat))
    }

    /// How many CPUs' worth of the time since `earlier` was stolen, and how many was busy; `None` if no tick has
    /// passed.
    pub fn cpus_since(self, earlier: Self) -> Option<(f64, f64)> {
        let ticks = self.since(earlier);
        let cpus = |part: u64| part as f64 / ticks.total as f64 * ticks.cpus as f64;
        (ticks.total > 0).then(|| (cpus(ticks.stolen), cpus(ticks.busy)))
    }

    fn since(self, before: Self) -> Self {
        Self {
            stolen: self.stolen.saturating_sub(before.stolen),
            busy: self.busy.saturating_sub(before.busy),
            total: self.total.saturating_sub(before.total),
            cpus: self.cpus,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            stolen: self.stolen + other.stolen,
            busy: self.busy + other.busy,
            total: self.total + other.total,
            cpus: self.cpus + other.cpus,
        }
    }

    /// Divides this time between the hypervisor, this process and others; `None` if no time has passed.
    fn shares(self, own: Own) -> Option<CpuShares> {
        let all = own.elapsed.saturating_mul(self.cpus);
        let process_share = (all > 0 && self.total > 0).then(|| share(own.used, all))?;
        Some(CpuShares {
            cpus: u32::try_from(self.cpus).ok()?,
            steal_share: share(self.stolen, self.total),
            process_share,
            // Ticks are coarse, so the difference can be slightly negative.
            others_share: (share(self.busy, self.total) - process_share).max(0.0),
        })
    }
}

/// The ticks of the whole machine in `/proc/stat`.
fn parse_ticks(stat: &str) -> Option<Ticks> {
    let mut lines = stat.lines();
    let ticks = parse_line(lines.next()?.strip_prefix("cpu ")?)?;
    Some(Ticks { cpus: lines.take_while(|line| line.starts_with("cpu")).count() as u64, ..ticks })
}

/// The ticks of each CPU in `/proc/stat`, by their numbers.
fn parse_cpus(stat: &str) -> BTreeMap<usize, Ticks> {
    let cpu = |line: &str| {
        let (number, values) = line.strip_prefix("cpu")?.split_once(' ')?;
        Some((number.parse().ok()?, parse_line(values)?))
    };
    stat.lines().filter_map(cpu).collect()
}

/// Parses one line of ticks: user nice system idle iowait irq softirq steal. Guest time is already part of user time.
fn parse_line(values: &str) -> Option<Ticks> {
    let ticks: Vec<u64> = values.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    // Fields 3 and 4 are idle and iowait: in neither does any program run.
    let (stolen, total) = (*ticks.get(7)?, ticks.iter().sum::<u64>());
    Some(Ticks { stolen, busy: total - stolen - ticks[3] - ticks[4], total, cpus: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_from_the_first_line() {
        let expected = Ticks { stolen: 4, busy: 18, total: 104, cpus: 2 };
        assert_eq!(parse_ticks("cpu  10 1 5 80 2 1 1 4 7 7\ncpu0 1 1\ncpu1 1 1\nintr 7\n"), Some(expected));
        assert_eq!(
            parse_cpus("cpu  1 1\ncpu3 10 1 5 80 2 1 1 4 7 7\ncpu9 1\nintr 7\n"),
            [(3, Ticks { cpus: 1, ..expected })].into()
        );
        assert_eq!(parse_ticks("cpu  10 1 5"), None);
        assert_eq!(parse_ticks(""), None);
    }

    #[test]
    fn threads_belong_to_whom_their_names_say() {
        let cases =
            [("ql-producer-3\n", Group::Producers), ("ql-pacer\n", Group::Runtime), ("log-queue\n", Group::Queue)];
        for (name, group) in cases {
            assert_eq!(Group::of(0, name), group, "{name}");
        }
        assert_eq!(Group::of(std::process::id(), "queue-load"), Group::Runtime);
    }

    fn thread(group: Group, time: u64, switches: Option<u64>) -> Thread {
        Thread {
            group,
            time,
            waited: switches.map(|switches| 10 * switches),
            switches,
            sleeps: switches.map(|count| count * 3),
        }
    }

    /// Other processes use both CPUs that this process may use, of 64: 3 % of the machine, but all that this process
    /// has.
    #[test]
    fn others_are_seen_on_the_cpus_that_the_process_may_use() {
        // 100 ticks for each CPU; the first two CPUs were busy for `busy` of them.
        let at = |busy: u64, time, used| {
            let ticks = |busy, cpus| Ticks { stolen: 0, busy, total: if time > 0 { 100 * cpus } else { 0 }, cpus };
            let by_cpu = (0..64).map(|cpu| (cpu, ticks(if cpu < 2 { busy } else { 0 }, 1))).collect();
            Snapshot { ticks: Some(ticks(2 * busy, 64)), by_cpu, process: Some((time, used)), ..Snapshot::default() }
        };
        let passed = at(90, 1_000_000, 200_000).since(&at(0, 0, 0), &[0, 1]);
        let allowed = passed.allowed.unwrap();
        assert_eq!((allowed.cpus, allowed.process_share), (2, 0.1));
        assert!(passed.others_share.unwrap() < 0.03 && (allowed.others_share - 0.8).abs() < 1e-9, "{passed:?}");
        assert_eq!(at(90, 1_000_000, 200_000).since(&at(0, 0, 0), &[0, 64]).allowed, None, "a CPU that cannot be read");
    }

    #[test]
    fn differences_are_per_group_and_never_negative() {
        let before = Snapshot {
            threads: [(1, thread(Group::Queue, 100, Some(900))), (2, thread(Group::Producers, 50, Some(2)))].into(),
            ticks: Some(Ticks { stolen: 1, busy: 50, total: 100, cpus: 2 }),
            by_cpu: BTreeMap::new(),
            process: Some((1_000, 100)),
        };
        let after = Snapshot {
            threads: [
                (2, thread(Group::Producers, 50, Some(9))),
                (3, thread(Group::Queue, 307, Some(5))),
                (4, thread(Group::Queue, 0, None)),
            ]
            .into(),
            ticks: Some(Ticks { stolen: 11, busy: 110, total: 200, cpus: 2 }),
            by_cpu: BTreeMap::new(),
            process: Some((2_000, 600)),
        };
        let passed = after.since(&before, &[0, 1]);
        assert_eq!(passed.cpu_ns, [("producers", 0), ("queue", 307)].into());
        assert_eq!(passed.steal_share, Some(0.1));
        assert_eq!((passed.involuntary_switches, passed.producer_switches), (Some(12), Some(7)), "1 has ended");
        assert_eq!(passed.queue_sleeps, Some(15), "3 is the queue's, 4 does not say");
        // Of two CPUs for 1,000 ns this process had 500 ns; 60 of 100 ticks were busy.
        assert_eq!(passed.process_share, Some(0.25));
        assert!((passed.others_share.unwrap() - 0.35).abs() < 1e-9, "{passed:?}");
        assert_eq!((passed.allowed, passed.waited_ns), (None, Some(70)), "the queue's own waiting is not the load's");
        let nothing = before.since(&before, &[]);
        assert_eq!((nothing.steal_share, nothing.process_share, nothing.others_share), (None, None, None));
        let unreadable = Snapshot::default().since(&Snapshot::default(), &[0]);
        assert_eq!((unreadable.process_share, unreadable.producer_switches), (None, None));
        assert_eq!(unreadable.queue_sleeps, None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "VmHWM:\t  2048 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\n";
        assert_eq!(field(status, "VmHWM:"), Some(2048));
        assert_eq!(field(status, "nonvoluntary_ctxt_switches:"), Some(9));
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(7));
        assert_eq!(field(status, "VmPeak:"), None);
    }
}
