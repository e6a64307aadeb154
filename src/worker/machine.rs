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
    /// CPU time by thread, in nanoseconds.
    threads: BTreeMap<u32, (Group, u64)>,
    /// Stolen and total CPU time of the machine, in ticks.
    ticks: Option<(u64, u64)>,
    /// Involuntary context switches of this process.
    involuntary: Option<u64>,
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
}

impl Snapshot {
    /// The counters now.
    pub fn take() -> Self {
        let ids: Vec<u32> = fs::read_dir("/proc/self/task")
            .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
            .unwrap_or_default();
        let switches = ids.iter().filter_map(|id| read(&format!("/proc/self/task/{id}/status")));
        let involuntary =
            switches.filter_map(|status| field(&status, "nonvoluntary_ctxt_switches:")).reduce(|a, b| a + b);
        let threads = ids.iter().filter_map(|&id| Some((id, thread_time(id)?))).collect();
        Self { threads, ticks: read("/proc/stat").and_then(|stat| parse_ticks(&stat)), involuntary }
    }

    /// What happened since `earlier`. Threads that ended in between are not seen.
    pub fn since(&self, earlier: &Self) -> Passed {
        let mut cpu_ns = BTreeMap::new();
        for (id, (group, time)) in &self.threads {
            let before = earlier.threads.get(id).map_or(0, |(_, time)| *time);
            *cpu_ns.entry(group.name()).or_default() += time.saturating_sub(before);
        }
        let steal_share = self.ticks.zip(earlier.ticks).and_then(|((stolen, total), (stolen_before, total_before))| {
            let passed = total.checked_sub(total_before).filter(|&passed| passed > 0)?;
            Some(stolen.saturating_sub(stolen_before) as f64 / passed as f64)
        });
        let switches = self.involuntary.zip(earlier.involuntary);
        Passed { cpu_ns, steal_share, involuntary_switches: switches.map(|(now, before)| now.saturating_sub(before)) }
    }
}

/// Largest amount of memory that this process has occupied so far, in bytes.
pub fn peak_memory() -> Option<u64> {
    field(&read("/proc/self/status")?, "VmHWM:").map(|kib| kib * 1024)
}

fn thread_time(id: u32) -> Option<(Group, u64)> {
    let name = read(&format!("/proc/self/task/{id}/comm"))?;
    let time = read(&format!("/proc/self/task/{id}/schedstat"))?.split_whitespace().next()?.parse().ok()?;
    Some((Group::of(id, &name), time))
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Stolen and total ticks of `/proc/stat`: user nice system idle iowait irq softirq steal; guest time is part of user's.
fn parse_ticks(stat: &str) -> Option<(u64, u64)> {
    let values = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<u64> = values.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_from_the_first_line() {
        assert_eq!(parse_ticks("cpu  10 1 5 80 2 1 1 4 7 7\ncpu0 1 1\n"), Some((4, 104)));
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

    #[test]
    fn differences_are_per_group_and_never_negative() {
        let before = Snapshot {
            threads: [(1, (Group::Queue, 100)), (2, (Group::Producers, 50))].into(),
            ticks: Some((1, 100)),
            involuntary: Some(3),
        };
        let after = Snapshot {
            threads: [(1, (Group::Queue, 400)), (2, (Group::Producers, 50)), (3, (Group::Queue, 7))].into(),
            ticks: Some((11, 200)),
            involuntary: None,
        };
        let passed = after.since(&before);
        assert_eq!(passed.cpu_ns, [("producers", 0), ("queue", 307)].into());
        assert_eq!(passed.steal_share, Some(0.1));
        assert_eq!(passed.involuntary_switches, None);
        assert_eq!(before.since(&before).steal_share, None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "VmHWM:\t  2048 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\n";
        assert_eq!(field(status, "VmHWM:"), Some(2048));
        assert_eq!(field(status, "nonvoluntary_ctxt_switches:"), Some(9));
        assert_eq!(field(status, "VmPeak:"), None);
    }
}
