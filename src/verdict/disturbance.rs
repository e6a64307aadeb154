//! Decides whether the machine delayed a load.

use super::reason::{MachineState, Pauses, Switches};
use crate::measure::Machine;
use crate::measure::encoding::Distribution;
use crate::measure::punctuality::CLEARLY;

/// Largest share of CPU time that the hypervisor may steal from a valid repeat.
pub(super) const MAX_STEAL: f64 = 0.05;
/// Largest share of CPU time that other processes may take from a valid repeat, on a machine that is busier than
/// [`BUSY`].
const MAX_OTHERS: f64 = 0.10;
/// Below this share the machine has room for every process, and others do not disturb.
const BUSY: f64 = 0.50;
/// Largest share of the time that a thread which only sleeps may lose by waking up late.
const MAX_LOST: f64 = 0.01;
/// A process that uses more than this share of the CPU time delays its own threads.
const HOG: f64 = 0.80;
/// Its control must have used less than this share. If window and control both use about [`HOG`], the generator does
/// it, and nothing is known about the queue.
const HOGS_CONTROL: f64 = 0.50;
/// If single logs are judged, a single wake-up as late as this excuses them, in nanoseconds.
const LATE_ONCE: u64 = 10_000_000;
/// Between two wake-ups of the watching thread, in nanoseconds.
const STEP: u64 = 1_000_000;

/// A description of how the machine disturbed a load; `None` if it was quiet. `single` means that single logs are
/// judged.
///
/// A thread that only sleeps wakes up late in two cases: the hypervisor takes time without reporting it, or all CPUs
/// are taken. The second case does not count as the machine's if the process itself takes them (`is_hog`, see
/// [`has_queue_hogged`]): otherwise a queue that takes all CPUs would excuse itself.
pub(super) fn found(machine: &Machine, single: bool, is_hog: bool) -> Option<MachineState> {
    let stolen = machine.steal().is_some_and(|share| share > MAX_STEAL);
    let busy = machine.others().unwrap_or(0.0) + machine.process().unwrap_or(0.0);
    let crowded = machine.others().is_some_and(|share| share > MAX_OTHERS) && busy > BUSY;
    let paused = Watcher::of(machine)
        .is_some_and(|watcher| watcher.lost_share() > MAX_LOST || (single && watcher.pauses.longest_ns > LATE_ONCE));
    (stolen || crowded || (paused && !is_hog)).then(|| state(machine))
}

/// How late a load was.
pub(super) struct Lateness {
    /// The lateness that is judged, in nanoseconds.
    pub(super) ns: u64,
    /// Share of the logs that were late, 0 to 1.
    pub(super) share: f64,
    /// Length of its window, in nanoseconds.
    pub(super) window_ns: f64,
}

/// Up to this length, a window is compared with everything that the machine took in it; a longer window with the part
/// for this length, in nanoseconds. Over an hour, small pauses add up to more than any single lateness.
const EPISODE: f64 = 10e9;

/// A description of how the machine disturbed a drain that took all of its time; `None` if it was quiet, or the queue was
/// done in time.
pub(super) fn found_in_drain(machine: &Machine) -> Option<MachineState> {
    let drain = machine.drain?;
    let stolen = drain.steal_share > MAX_STEAL;
    let crowded = drain.others_share > MAX_OTHERS && drain.others_share + drain.process_share > BUSY;
    (stolen || crowded).then(|| MachineState {
        is_of_allowed: true,
        stolen_share: Some(drain.steal_share),
        others_share: Some(drain.others_share),
        process_share: Some(drain.process_share),
        ..MachineState::default()
    })
}

/// A description of what the machine took from a load, if that is not clearly less than the lateness: near the limit of
/// the generator a small pause causes a much larger lateness, since the load catches up slowly. `None` if it explains
/// nothing.
///
/// There are two comparisons, since time that adds up over an hour says little about one late log. The judged lateness
/// is compared with the longest pause and with the time lost in an episode. The time for which logs were late is
/// compared with all the time lost.
pub(super) fn explains(machine: &Machine, lateness: &Lateness, is_hog: bool) -> Option<MachineState> {
    let clearly = CLEARLY as f64;
    let late_ns = lateness.share * lateness.window_ns;
    let is_enough = |taken: f64, of: f64| taken > 0.0 && taken * clearly >= of;
    let paused = Watcher::of(machine).filter(|_| !is_hog).is_some_and(|Watcher { pauses, .. }| {
        let episode = pauses.lost_ns as f64 * (EPISODE / lateness.window_ns.max(1.0)).min(1.0);
        is_enough(pauses.longest_ns as f64, lateness.ns as f64)
            || is_enough(episode, lateness.ns as f64)
            || is_enough(pauses.lost_ns as f64, late_ns)
    });
    let shared = taken_by_others(machine, lateness.window_ns).is_some_and(|taken| is_enough(taken, late_ns));
    (paused || shared).then(|| state(machine))
}

/// The longest time for which other processes can have delayed the load, in nanoseconds: at most the CPU time that they
/// had, and at most the time that the load's threads waited for a CPU. Without the second limit, anything that ran
/// elsewhere would excuse a queue that merely blocks. `None` if the CPUs are not known separately.
fn taken_by_others(machine: &Machine, window_ns: f64) -> Option<f64> {
    let allowed = machine.allowed?;
    let others = allowed.others_share * f64::from(allowed.cpus) * window_ns;
    Some(machine.waited_ns.map_or(others, |waited| others.min(waited as f64)))
}

/// Whether the process took all CPUs in the window and clearly did not in its control: the extra work is then the
/// queue's.
pub(super) fn has_queue_hogged(window: &Machine, control: &Machine) -> bool {
    window.process().is_some_and(|share| share > HOG) && control.process().is_some_and(|share| share < HOGS_CONTROL)
}

/// All that is known of the machine in that time.
pub(super) fn state(machine: &Machine) -> MachineState {
    let of_producers = machine.producer_switches.map(Switches::OfProducers);
    MachineState {
        is_of_allowed: machine.allowed.is_some(),
        stolen_share: machine.steal(),
        others_share: machine.others(),
        process_share: machine.process(),
        pauses: Watcher::of(machine).map(|watcher| watcher.pauses),
        switches: of_producers.or(machine.involuntary_switches.map(Switches::OfAll)),
        waited_ns: machine.waited_ns,
    }
}

/// What the watching thread saw.
struct Watcher {
    pauses: Pauses,
    steps: u64,
}

impl Watcher {
    fn of(machine: &Machine) -> Option<Self> {
        let jitter = Distribution::decode(machine.jitter.as_ref()?).ok()?;
        let pauses = Pauses { lost_ns: machine.stolen_ns?, longest_ns: jitter.max_ns()? };
        Some(Self { pauses, steps: jitter.count() })
    }

    fn lost_share(&self) -> f64 {
        // Each wake-up stands for one step, and a late one also for the time that it lost: the sum is the whole time
        // watched.
        self.pauses.lost_ns as f64 / (self.pauses.lost_ns as f64 + (self.steps * STEP) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::CpuShares;
    use crate::measure::fixture::{constant, of};

    const MS: u64 = 1_000_000;

    /// 1,000 steps, of which `late` came 20 ms late.
    fn jittery(late: u64) -> Machine {
        Machine {
            jitter: Some(of((0..1_000).map(|n| if n < late { 20_000_000 } else { 50_000 }))),
            stolen_ns: Some(late * 20_000_000),
            ..Machine::default()
        }
    }

    #[test]
    fn each_kind_of_disturbance_is_found_on_its_own() {
        let with = |change: fn(&mut Machine)| {
            let mut machine = jittery(0);
            change(&mut machine);
            found(&machine, false, false).is_some()
        };
        assert!(!with(|_| {}));
        assert!(!with(|m| m.steal_share = Some(0.05)));
        assert!(with(|m| m.steal_share = Some(0.051)));
        assert!(with(|m| (m.others_share, m.process_share) = (Some(0.2), Some(0.4))));
        assert!(!with(|m| (m.others_share, m.process_share) = (Some(0.1), Some(0.9))), "the process itself");
        assert!(!with(|m| (m.others_share, m.process_share) = (Some(0.2), Some(0.1))), "there is room for all");
        assert_eq!(found(&Machine::default(), false, false), None, "what cannot be read is no disturbance");
    }

    #[test]
    fn pauses_are_the_machines_unless_the_process_takes_all_there_is() {
        assert_eq!(found(&jittery(0), false, false), None);
        assert!(found(&jittery(1), false, false).is_some(), "20 ms of a second");
        let mut longer = jittery(1);
        longer.jitter = Some(constant(10_000, 20_000));
        assert_eq!(found(&longer, false, false), None, "20 ms of 10 seconds");
        assert_eq!(found(&jittery(100), false, true), None);
    }

    #[test]
    fn what_the_generator_takes_is_not_the_queues() {
        let with = |share| Machine { process_share: share, ..Machine::default() };
        for (window, control, expected) in [
            (Some(0.97), Some(0.3), true),
            (Some(0.97), Some(0.95), false),
            (Some(0.81), Some(0.79), false),
            (Some(0.81), Some(0.49), true),
            (Some(0.5), Some(0.3), false),
            (Some(0.97), None, false),
            (None, Some(0.3), false),
        ] {
            assert_eq!(has_queue_hogged(&with(window), &with(control)), expected, "{window:?} {control:?}");
        }
    }

    #[test]
    fn one_long_pause_excuses_one_late_log() {
        let mut machine = jittery(1);
        machine.jitter = Some(of((0..10_000).map(|n| if n == 0 { 20_000_000 } else { 50_000 })));
        assert_eq!(found(&machine, false, false), None);
        assert!(found(&machine, true, false).is_some());
    }

    #[test]
    fn only_known_values_are_shown() {
        assert_eq!(state(&Machine::default()).to_string(), "nothing is known of it");
        let mut machine = jittery(2);
        machine.steal_share = Some(0.08);
        machine.producer_switches = Some(345);
        assert_eq!(
            state(&machine).to_string(),
            "8.00% of its CPU time was stolen, a thread that only watches the clock lost 40.0 ms and woke up to \
             20.0 ms late, the producers were switched out 345 times"
        );
    }
    /// The process may use 2 of 64 CPUs: a share of the whole machine says nothing about those.
    #[test]
    fn others_are_judged_by_the_cpus_that_the_process_may_use() {
        let of = |steal_share, process_share, others_share| Machine {
            others_share: Some(0.03),
            process_share: Some(0.02),
            steal_share: Some(0.001),
            allowed: Some(CpuShares { cpus: 2, steal_share, process_share, others_share }),
            ..Machine::default()
        };
        assert!(found(&of(0.0, 0.4, 0.6), false, false).unwrap().to_string().contains("60.0% went to other processes"));
        let stolen = found(&of(0.06, 0.4, 0.0), false, false).unwrap().to_string();
        assert!(stolen.starts_with("6.00% of the CPU time that this process"), "{stolen}");
        assert_eq!(found(&of(0.0, 0.4, 0.05), false, false), None);
        assert!(has_queue_hogged(&of(0.0, 0.95, 0.0), &of(0.0, 0.2, 0.0)));
    }

    /// (longest pause, lost in all, in ms; lateness in ms; share of late logs; window in s; is it enough?)
    #[test]
    fn what_is_clearly_less_than_the_lateness_does_not_explain_it() {
        for (longest, lost, lateness, share, seconds, expected) in [
            (0, 0, 20, 0.02, 2, false),
            (5, 5, 31, 0.9, 2, false),
            (5, 14, 31, 0.9, 2, true),
            (8, 8, 31, 0.9, 2, true),
            // 120 ms in a minute are 20 ms in ten seconds, and an eighth of 960 ms.
            (3, 120, 100, 0.016, 60, false),
            (3, 120, 70, 0.016, 60, true),
            (3, 120, 100, 0.008, 60, true),
        ] {
            let machine = Machine {
                jitter: Some(of((0..1_000).map(|n| if n == 0 { longest * MS } else { 0 }))),
                stolen_ns: Some(lost * MS),
                ..Machine::default()
            };
            let lateness = Lateness { ns: lateness * MS, share, window_ns: seconds as f64 * 1e9 };
            let name = format!("{longest} {lost} {} {share} {seconds}", lateness.ns);
            assert_eq!(explains(&machine, &lateness, false).is_some(), expected, "{name}");
            assert_eq!(explains(&machine, &lateness, true), None, "a hog's own doing: {name}");
        }
    }

    /// (others' share of two CPUs, waited in ms, share of late logs in 1 s, is it enough?)
    #[test]
    fn others_can_have_taken_no_more_than_they_had_and_than_the_load_waited_for() {
        for (others_share, waited, share, expected) in [
            (0.005, None, 0.05, false),
            (0.005, None, 0.04, true),
            (0.02, None, 0.15, true),
            (0.02, Some(5), 0.15, false),
            (0.02, Some(5), 0.02, true),
            (0.02, Some(900), 0.9, false),
            (0.0, Some(900), 0.9, false),
        ] {
            let machine = Machine {
                allowed: Some(CpuShares { cpus: 2, steal_share: 0.0, process_share: 0.3, others_share }),
                waited_ns: waited.map(|ms: u64| ms * MS),
                ..Machine::default()
            };
            let lateness = Lateness { ns: 20 * MS, share, window_ns: 1e9 };
            let found = explains(&machine, &lateness, true).is_some();
            assert_eq!(found, expected, "{others_share} {waited:?} {share}");
        }
    }
}
