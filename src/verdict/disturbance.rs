//! Did the machine keep a load from its time?

use crate::measure::Machine;
use crate::measure::encoding::Distribution;
use crate::units::human;

/// Largest share of CPU time stolen by the hypervisor that leaves a repeat valid.
pub(super) const MAX_STEAL: f64 = 0.05;
/// Other processes that take more of the CPU time than this, on a machine that is busier than [`BUSY`], disturb.
const MAX_OTHERS: f64 = 0.10;
/// A machine that is less busy than this has room for everyone.
const BUSY: f64 = 0.50;
/// Largest share of the time that a thread which only sleeps may be kept from waking up.
const MAX_LOST: f64 = 0.01;
/// A process that uses more of the CPU time than this keeps its own threads waiting.
const HOG: f64 = 0.80;
/// Where single logs are judged, a single wake-up as late as this excuses them, in nanoseconds.
const LATE_ONCE: u64 = 10_000_000;
/// Between two wake-ups of the watching thread, in nanoseconds.
const STEP: u64 = 1_000_000;

/// What the machine did to a load in that time, in words; `None` if it was quiet. `single` where single logs are judged.
///
/// A thread that only sleeps wakes up late when the hypervisor does not say what it takes, and when all CPUs are taken;
/// the latter is not the machine's doing if it is the process itself that takes them: `is_hog`, see [`has_queue_hogged`].
pub(super) fn found(machine: &Machine, single: bool, is_hog: bool) -> Option<String> {
    let stolen = machine.steal_share.is_some_and(|share| share > MAX_STEAL);
    let busy = machine.others_share.unwrap_or(0.0) + machine.process_share.unwrap_or(0.0);
    let crowded = machine.others_share.is_some_and(|share| share > MAX_OTHERS) && busy > BUSY;
    let paused = Pauses::of(machine)
        .is_some_and(|pauses| pauses.lost_share() > MAX_LOST || (single && pauses.longest > LATE_ONCE));
    (stolen || crowded || (paused && !is_hog)).then(|| described(machine))
}

/// Whether the process took all CPUs in the window and not in its control: what it ran besides is the queue.
pub(super) fn has_queue_hogged(window: &Machine, control: &Machine) -> bool {
    let is_over = |machine: &Machine| machine.process_share.map(|share| share > HOG);
    is_over(window) == Some(true) && is_over(control) == Some(false)
}

/// All that is known of the machine in that time.
pub(super) fn described(machine: &Machine) -> String {
    let mut parts = Vec::new();
    let mut share = |value: Option<f64>, what: &str| parts.extend(value.map(|v| format!("{}{what}", human::share(v))));
    share(machine.steal_share, " of its CPU time was stolen");
    share(machine.others_share, " went to other processes");
    share(machine.process_share, " to this one");
    if let Some(pauses) = Pauses::of(machine) {
        parts.push(format!(
            "a thread that only watches the clock lost {} and woke up to {} late",
            human::latency(pauses.lost as f64),
            human::latency(pauses.longest as f64)
        ));
    }
    let switches = machine.producer_switches.map(|count| (count, "the producers"));
    if let Some((count, whose)) = switches.or(machine.involuntary_switches.map(|count| (count, "its threads"))) {
        parts.push(format!("{whose} were switched out {} times", human::count(count)));
    }
    match parts.is_empty() {
        true => "nothing is known of it".into(),
        false => parts.join(", "),
    }
}

/// What the watching thread saw.
struct Pauses {
    lost: u64,
    longest: u64,
    steps: u64,
}

impl Pauses {
    fn of(machine: &Machine) -> Option<Self> {
        let jitter = Distribution::decode(machine.jitter.as_ref()?).ok()?;
        Some(Self { lost: machine.stolen_ns?, longest: jitter.max_ns()?, steps: jitter.count() })
    }

    fn lost_share(&self) -> f64 {
        // Each wake-up stands for a step, and a late one for what it lost besides.
        self.lost as f64 / (self.lost as f64 + (self.steps * STEP) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, of};

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
    fn what_is_known_is_said_and_nothing_else() {
        assert_eq!(described(&Machine::default()), "nothing is known of it");
        let mut machine = jittery(2);
        machine.steal_share = Some(0.08);
        machine.producer_switches = Some(345);
        assert_eq!(
            described(&machine),
            "8.00% of its CPU time was stolen, a thread that only watches the clock lost 40.0 ms and woke up to \
             20.0 ms late, the producers were switched out 345 times"
        );
    }
}
