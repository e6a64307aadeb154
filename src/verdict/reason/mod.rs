//! Why a repeat, a case or a plan does not pass: values, not sentences.
//!
//! Whoever decides makes and reads [`Reason`]s. The sentence for each stands beside it, here and in the files of this folder
//! and nowhere else, and is made where it is shown or saved. A report has the sentences and, beside them, the
//! [`ReasonCode`]s, so that whoever reads it need not know how a sentence is worded.

mod code;
mod contradiction;
mod machine;
mod shortfall;
#[cfg(test)]
mod tests;

pub use code::ReasonCode;
pub use contradiction::Contradiction;
pub use machine::{MachineState, Pauses, Switches};
pub use shortfall::{Observed, Shortfall};

use crate::measure::encoding::EncodingError;
use crate::measure::punctuality::{JudgedLateness, Late, Unmeasured};
use crate::units::human;
use std::fmt;

/// Why a repeat, a case or a plan does not pass.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Nothing was to be sent.
    #[error("no samples: no log was sent")]
    NoSamples,
    /// The generator was late.
    #[error("the generator was late: {}", late(.0))]
    GeneratorLate(Late),
    /// The histogram of the lateness cannot be read.
    #[error("the generator's lateness cannot be read: {0}")]
    LatenessUnreadable(EncodingError),
    /// The histogram of the lateness is empty.
    #[error("the generator's lateness was not measured")]
    LatenessNotMeasured,
    /// There was no control.
    #[error("the generator had no control, so that nothing tells its lateness from the queue's")]
    NoControl,
    /// No control was as long as the window.
    #[error("no control was as long as the window, so that nothing tells its lateness from the queue's")]
    ControlTooShort,
    /// Nothing was sent in a control.
    #[error("the generator sent nothing in its control {when} it")]
    ControlEmpty {
        /// Which.
        when: When,
    },
    /// A control was late, too.
    #[error("the generator was late in the control {when} it too, without the queue: {}", all_late(late))]
    ControlLate {
        /// Which.
        when: When,
        /// What was late about it.
        late: Vec<Late>,
    },
    /// The machine was disturbed.
    #[error("the machine was busy during the window: {0}")]
    MachineBusy(MachineState),
    /// What the machine took is not clearly less than the lateness.
    #[error("the machine was busy during the window, and that may be all there is to it: {0}")]
    MachineMayExplain(MachineState),
    /// The machine was disturbed during a control.
    #[error("the machine was busy during the control {when} it: {machine}")]
    MachineBusyInControl {
        /// Which.
        when: When,
        /// The machine meanwhile.
        machine: MachineState,
    },
    /// The hypervisor took more than is allowed.
    #[error("the machine was busy: {} of its CPU time was stolen, more than 5%", human::share(*share))]
    StolenCpu {
        /// Share of the CPU time, 0 to 1.
        share: f64,
    },
    /// What a journal says, where judging its measurement again says something else.
    #[error("{text}")]
    Recorded {
        /// The sentence.
        text: String,
    },
    /// A repeat gave no measurement.
    #[error("{kind}: {message}")]
    RepeatFailed {
        /// What kind of failure, as [`crate::run::Fault::kind`] says.
        kind: String,
        /// In words, the driver's among them.
        message: String,
    },
    /// The queue was not the same throughout.
    #[error("replaced: the queue `{queue}` was of version {}", of_versions(versions))]
    QueueReplaced {
        /// Name of the queue.
        queue: String,
        /// Each version, and how many repeats it had.
        versions: Vec<(String, u64)>,
    },
    /// A measurement contradicts itself.
    #[error("{0}")]
    Contradiction(Contradiction),
    /// Every repeat was set aside, one of them for this.
    #[error("no valid repeat: {why}")]
    NoValidRepeat {
        /// Why one was set aside.
        why: Box<Reason>,
    },
    /// No repeat gave anything at all.
    #[error("no valid repeat: none was run")]
    NothingRun,
    /// A check does not hold.
    #[error("`{expression}` does not hold: {why}")]
    CheckFailed {
        /// The check as written.
        expression: String,
        /// Why not.
        why: Shortfall,
    },
    /// A check cannot be told.
    #[error("`{expression}` cannot be told: {why}")]
    CheckUndecided {
        /// The check as written.
        expression: String,
        /// Why not.
        why: Shortfall,
    },
    /// The queue keeps its producers from sending in time.
    #[error("{first}{}", in_all(*repeats))]
    StarvesProducers {
        /// The first repeat in which it did.
        first: Box<Starvation>,
        /// In how many it did.
        repeats: u64,
    },
    /// More repeats were set aside than are valid.
    #[error(
        "{} of {} repeats were invalid: the few others are a selection",
        human::count(*invalid),
        human::count(*repeats)
    )]
    Outnumbered {
        /// How many were set aside.
        invalid: u64,
        /// How many there are.
        repeats: u64,
    },
    /// There is no case.
    #[error("no case was run")]
    NoCase,
    /// No case of a scenario offers the throughput of its target.
    #[error("target not exercised: no case of {scenario} offers the target's throughput")]
    TargetNotExercised {
        /// Name of the scenario.
        scenario: String,
    },
    /// The run ended before it was finished.
    #[error("interrupted: {0}")]
    Interrupted(Unfinished),
}

/// Which control: the one before the window, or the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the queue was built.
    Before,
    /// After the queue was gone.
    After,
}

/// What a run did not finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// Its plan.
    #[error("the plan was not finished")]
    Plan,
    /// To confirm what looked regressed.
    #[error("the run ended before what looked regressed was confirmed")]
    Confirmation,
}

/// How a queue keeps its producers from sending in time, in one repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Starvation {
    /// What was late about the window, where that is more than its lateness.
    pub unsent: Option<Late>,
    /// The lateness of the window.
    pub lateness: JudgedLateness,
    /// The lateness of each control.
    pub controls: Vec<(When, JudgedLateness)>,
    /// The machine meanwhile.
    pub machine: MachineState,
}

impl Reason {
    /// What kind of reason it is.
    #[must_use]
    pub fn code(&self) -> ReasonCode {
        match self {
            Self::NoSamples => ReasonCode::NoSamples,
            Self::GeneratorLate(_) => ReasonCode::GeneratorLate,
            Self::LatenessUnreadable(_) => ReasonCode::LatenessUnreadable,
            Self::LatenessNotMeasured => ReasonCode::LatenessNotMeasured,
            Self::NoControl => ReasonCode::NoControl,
            Self::ControlTooShort => ReasonCode::ControlTooShort,
            Self::ControlEmpty { .. } => ReasonCode::ControlEmpty,
            Self::ControlLate { .. } => ReasonCode::ControlLate,
            Self::MachineBusy(_) => ReasonCode::MachineBusy,
            Self::MachineMayExplain(_) => ReasonCode::MachineMayExplain,
            Self::MachineBusyInControl { .. } => ReasonCode::MachineBusyInControl,
            Self::StolenCpu { .. } => ReasonCode::StolenCpu,
            Self::Recorded { .. } => ReasonCode::Recorded,
            Self::RepeatFailed { kind, .. } => code_of_failure(kind),
            Self::QueueReplaced { .. } => ReasonCode::QueueReplaced,
            Self::Contradiction(contradiction) => contradiction.code(),
            Self::NoValidRepeat { .. } => ReasonCode::NoValidRepeat,
            Self::NothingRun => ReasonCode::NothingRun,
            Self::CheckFailed { .. } => ReasonCode::CheckFailed,
            Self::CheckUndecided { .. } => ReasonCode::CheckUndecided,
            Self::StarvesProducers { .. } => ReasonCode::StarvesProducers,
            Self::Outnumbered { .. } => ReasonCode::Outnumbered,
            Self::NoCase => ReasonCode::NoCase,
            Self::TargetNotExercised { .. } => ReasonCode::TargetNotExercised,
            Self::Interrupted(_) => ReasonCode::Interrupted,
        }
    }
}

impl From<Unmeasured> for Reason {
    fn from(unmeasured: Unmeasured) -> Self {
        match unmeasured {
            Unmeasured::Unreadable(error) => Self::LatenessUnreadable(error),
            Unmeasured::Empty => Self::LatenessNotMeasured,
        }
    }
}

/// The sentences, in the same order.
#[must_use]
pub fn sentences(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

/// The words of the codes, in the same order.
#[must_use]
pub fn codes(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(|reason| reason.code().word().to_owned()).collect()
}

/// The code for a kind of failure. The word comes from a journal, and so perhaps from another build.
fn code_of_failure(kind: &str) -> ReasonCode {
    match kind {
        "not_built" => ReasonCode::QueueNotBuilt,
        "panicked" => ReasonCode::QueuePanicked,
        "hung" => ReasonCode::QueueHung,
        "bad_request" => ReasonCode::RequestRefused,
        "internal" => ReasonCode::DriverFailed,
        "timed_out" => ReasonCode::TimedOut,
        "memory_exceeded" => ReasonCode::MemoryExceeded,
        "exited" => ReasonCode::ChildExited,
        "protocol" => ReasonCode::ProtocolBroken,
        "left_behind" => ReasonCode::LeftBehind,
        "spawn" => ReasonCode::NotStarted,
        _ => ReasonCode::RepeatFailed,
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

impl fmt::Display for Starvation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("starves its producers: ")?;
        if let Some(unsent) = &self.unsent {
            write!(f, "{}; ", late(unsent))?;
        }
        let controls = self.controls.iter().map(|(when, control)| format!("{when} it, the {}", lateness(*control)));
        let controls: Vec<String> = controls.collect();
        let (with, without, machine) = (lateness(self.lateness), controls.join(", "), &self.machine);
        write!(f, "the {with}; without the queue (control) {without}; the machine: {machine}")
    }
}

/// Such as `p99 lateness is 12.0 ms`.
fn lateness(judged: JudgedLateness) -> String {
    format!("{} lateness is {}", judged.statistic, human::latency(judged.ns as f64))
}

fn late(late: &Late) -> String {
    match *late {
        Late::Unsent { unsent, scheduled, most_ppm } => {
            let [unsent, scheduled] = [unsent, scheduled].map(human::count);
            format!("{unsent} of {scheduled} logs were not sent, more than {}%", most_ppm as f64 / 1e4)
        }
        Late::Sent { lateness: judged, most_ns } => {
            format!("its {}, more than {} ms", lateness(judged), most_ns as f64 / 1e6)
        }
    }
}

fn all_late(all: &[Late]) -> String {
    all.iter().map(late).collect::<Vec<_>>().join(", ")
}

fn of_versions(versions: &[(String, u64)]) -> String {
    let of = |(version, count): &(String, u64)| format!("{version} in {}", human::counted(*count, "repeat"));
    versions.iter().map(of).collect::<Vec<_>>().join(", of version ")
}

fn in_all(repeats: u64) -> String {
    match repeats {
        0 | 1 => String::new(),
        more => format!("; the same in {more} repeats in all"),
    }
}
