//! What the kernel says of this process and of the machine; what it does not say is `None`.

use std::collections::BTreeMap;
use std::fs;

/// Threads of the load generator have names that begin with this.
pub const PRODUCER: &str = "ql-producer";

/// Other threads of ours, the main thread aside, have names that begin with this.
pub const RUNTIME: &str = "ql-";

/// Counters of the kernel at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The threads of this process.
    threads: BTreeMap<u32, Thread>,
    /// CPU time of the machine.
    ticks: Option<Ticks>,
    /// The time, and the CPU time of this process, threads that have ended included; in nanoseconds.
    process: Option<(u64, u64)>,
}

/// Counters of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread {
    group: Group,
    /// CPU time in nanoseconds.
    time: u64,
    /// Involuntary context switches.
    switches: Option<u64>,
}

/// CPU time of the machine, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// Given to others by the hypervisor.
    stolen: u64,
    /// Neither idle nor stolen.
    busy: u64,
    /// All of it.
    total: u64,
    /// Number of CPUs.
    cpus: u64,
}

/// Whose a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Producers,
    Runtime,
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

    fn of(thread: u32, name: &str) -> Self {
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
    /// CPU time by thread group, in nanoseconds; empty where unreadable.
    pub cpu_ns: BTreeMap<&'static str, u64>,
    /// Share of the machine's CPU time that the hypervisor gave to others, 0 to 1.
    pub steal_share: Option<f64>,
    /// Involuntary context switches of this process.
    pub involuntary_switches: Option<u64>,
    /// Of these: the producers' threads.
    pub producer_switches: Option<u64>,
    /// Share of the machine's CPU time that this process used, 0 to 1.
    pub process_share: Option<f64>,
    /// Share of the machine's CPU time that other processes used, 0 to 1.
    pub others_share: Option<f64>,
}

impl Snapshot {
    /// The counters now.
    pub fn take() -> Self {
        let ids: Vec<u32> = fs::read_dir("/proc/self/task")
            .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
            .unwrap_or_default();
        Self {
            threads: ids.iter().filter_map(|&id| Some((id, Thread::read(id)?))).collect(),
            ticks: Ticks::now(),
            process: process_time(),
        }
    }

    /// What happened since `earlier`. Threads that ended in between are not seen.
    pub fn since(&self, earlier: &Self) -> Passed {
        let mut cpu_ns = BTreeMap::new();
        for (id, thread) in &self.threads {
            let before = earlier.threads.get(id).map_or(0, |before| before.time);
            *cpu_ns.entry(thread.group.name()).or_default() += thread.time.saturating_sub(before);
        }
        let ticks =
            self.ticks.zip(earlier.ticks).map(|(now, before)| now.since(before)).filter(|ticks| ticks.total > 0);
        let share = |part: u64, total: u64| (part as f64 / total as f64).min(1.0);
        let process_share = self.process.zip(earlier.process).and_then(|((now, used), (before, used_before))| {
            let all = now.saturating_sub(before).saturating_mul(ticks?.cpus);
            (all > 0).then(|| share(used.saturating_sub(used_before), all))
        });
        let busy = ticks.map(|ticks| share(ticks.busy, ticks.total));
        Passed {
            cpu_ns,
            steal_share: ticks.map(|ticks| share(ticks.stolen, ticks.total)),
            involuntary_switches: self.switches_since(earlier, |_| true),
            producer_switches: self.switches_since(earlier, |group| group == Group::Producers),
            process_share,
            // Ticks are coarse, so that what is left may come out below nothing.
            others_share: busy.zip(process_share).map(|(busy, own)| (busy - own).max(0.0)),
        }
    }
}

impl Snapshot {
    /// Involuntary context switches of the threads of some groups since `earlier`; `None` if none can be read.
    fn switches_since(&self, earlier: &Self, of: impl Fn(Group) -> bool) -> Option<u64> {
        let since = |(id, thread): (&u32, &Thread)| {
            let before = earlier.threads.get(id).map_or(Some(0), |before| before.switches)?;
            Some(thread.switches?.saturating_sub(before))
        };
        self.threads.iter().filter(|(_, thread)| of(thread.group)).filter_map(since).reduce(|a, b| a + b)
    }
}

impl Thread {
    fn read(id: u32) -> Option<Self> {
        let name = read(&format!("/proc/self/task/{id}/comm"))?;
        let time = read(&format!("/proc/self/task/{id}/schedstat"))?.split_whitespace().next()?.parse().ok()?;
        let switches = read(&format!("/proc/self/task/{id}/status"));
        let switches = switches.and_then(|status| field(&status, "nonvoluntary_ctxt_switches:"));
        Some(Self { group: Group::of(id, &name), time, switches })
    }
}

/// Largest amount of memory that this process has occupied so far, in bytes.
pub fn peak_memory() -> Option<u64> {
    field(&read("/proc/self/status")?, "VmHWM:").map(|kib| kib * 1024)
}

/// The time and the CPU time of this process, in nanoseconds.
#[cfg(target_os = "linux")]
fn process_time() -> Option<(u64, u64)> {
    use rustix::time::{ClockId, clock_gettime};
    let ns = |clock| {
        let time = clock_gettime(clock);
        Some(u64::try_from(time.tv_sec).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
    };
    Some((ns(ClockId::Monotonic)?, ns(ClockId::ProcessCPUTime)?))
}

#[cfg(not(target_os = "linux"))]
fn process_time() -> Option<(u64, u64)> {
    None
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

impl Ticks {
    /// Those so far; `None` where the kernel does not say.
    pub fn now() -> Option<Self> {
        read("/proc/stat").and_then(|stat| parse_ticks(&stat))
    }

    /// How many CPUs' worth of the time since `earlier` was stolen, and how many's was busy; `None` before the first tick.
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
}

/// The ticks of `/proc/stat`: user nice system idle iowait irq softirq steal; guest time is part of user's.
fn parse_ticks(stat: &str) -> Option<Ticks> {
    let mut lines = stat.lines();
    let values = lines.next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<u64> = values.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let (stolen, total) = (*ticks.get(7)?, ticks.iter().sum::<u64>());
    let cpus = lines.take_while(|line| line.starts_with("cpu")).count() as u64;
    Some(Ticks { stolen, busy: total - stolen - ticks[3] - ticks[4], total, cpus })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_from_the_first_line() {
        let expected = Ticks { stolen: 4, busy: 18, total: 104, cpus: 2 };
        assert_eq!(parse_ticks("cpu  10 1 5 80 2 1 1 4 7 7\ncpu0 1 1\ncpu1 1 1\nintr 7\n"), Some(expected));
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
        Thread { group, time, switches }
    }

    #[test]
    fn differences_are_per_group_and_never_negative() {
        let before = Snapshot {
            threads: [(1, thread(Group::Queue, 100, Some(900))), (2, thread(Group::Producers, 50, Some(2)))].into(),
            ticks: Some(Ticks { stolen: 1, busy: 50, total: 100, cpus: 2 }),
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
            process: Some((2_000, 600)),
        };
        let passed = after.since(&before);
        assert_eq!(passed.cpu_ns, [("producers", 0), ("queue", 307)].into());
        assert_eq!(passed.steal_share, Some(0.1));
        assert_eq!((passed.involuntary_switches, passed.producer_switches), (Some(12), Some(7)), "1 has ended");
        // Of two CPUs for 1,000 ns this process had 500 ns; 60 of 100 ticks were busy.
        assert_eq!(passed.process_share, Some(0.25));
        assert!((passed.others_share.unwrap() - 0.35).abs() < 1e-9, "{passed:?}");
        let nothing = before.since(&before);
        assert_eq!((nothing.steal_share, nothing.process_share, nothing.others_share), (None, None, None));
        let unreadable = Snapshot::default().since(&Snapshot::default());
        assert_eq!((unreadable.process_share, unreadable.producer_switches), (None, None));
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "VmHWM:\t  2048 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\n";
        assert_eq!(field(status, "VmHWM:"), Some(2048));
        assert_eq!(field(status, "nonvoluntary_ctxt_switches:"), Some(9));
        assert_eq!(field(status, "VmPeak:"), None);
    }
}
