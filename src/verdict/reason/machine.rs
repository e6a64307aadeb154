//! What a reason says about the machine.

use crate::units::human;
use std::fmt;

/// Everything that is known about the machine during a load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MachineState {
    /// Whether the shares refer to the CPUs that the process may use; otherwise to all CPUs.
    pub is_of_allowed: bool,
    /// Share of the CPU time that the hypervisor stole, 0 to 1.
    pub stolen_share: Option<f64>,
    /// Share that other processes used.
    pub others_share: Option<f64>,
    /// Share that this process used.
    pub process_share: Option<f64>,
    /// The pauses that a thread saw which only watches the clock.
    pub pauses: Option<Pauses>,
    /// How often threads were switched out.
    pub switches: Option<Switches>,
    /// For how long the load's threads waited for a CPU in all, in nanoseconds.
    pub waited_ns: Option<u64>,
}

/// How late the thread that only watches the clock woke up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// In all, in nanoseconds.
    pub lost_ns: u64,
    /// At worst, in nanoseconds.
    pub longest_ns: u64,
}

/// How often threads were switched out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switches {
    /// The producers'.
    OfProducers(u64),
    /// Those of the whole process, if the producers' are not known separately.
    OfAll(u64),
}

impl fmt::Display for MachineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stolen = match self.is_of_allowed {
            true => " of the CPU time that this process may use was stolen",
            false => " of its CPU time was stolen",
        };
        let shares = [
            (self.stolen_share, stolen),
            (self.others_share, " went to other processes"),
            (self.process_share, " to this one"),
        ];
        let told = shares.into_iter().filter_map(|(share, what)| Some(human::share(share?) + what));
        let mut parts: Vec<String> = told.collect();
        parts.extend(self.pauses.map(|Pauses { lost_ns, longest_ns }| {
            let [lost, longest] = [lost_ns, longest_ns].map(|ns| human::latency(ns as f64));
            format!("a thread that only watches the clock lost {lost} and woke up to {longest} late")
        }));
        parts.extend(self.switches.map(|switches| {
            let (whose, count) = match switches {
                Switches::OfProducers(count) => ("the producers", count),
                Switches::OfAll(count) => ("its threads", count),
            };
            format!("{whose} were switched out {} times", human::count(count))
        }));
        parts.extend(
            self.waited_ns.map(|waited| {
                format!("the load's threads waited for a CPU for {} in all", human::latency(waited as f64))
            }),
        );
        match parts.is_empty() {
            true => f.write_str("nothing is known of it"),
            false => f.write_str(&parts.join(", ")),
        }
    }
}
