//! Why a repeat, a case or a plan does not pass: values, not sentences.
//!
//! Rules make and read [`Reason`]s. Only the files of this folder know the sentence of each; it is made where a reason
//! is shown or saved. A report has the [`ReasonCode`]s beside the sentences, so that programs need not know the
//! wording.

mod code;
mod contradiction;
mod machine;
mod search;
mod sentence;
mod shortfall;
mod steady;
#[cfg(test)]
mod tests;

pub use code::ReasonCode;
pub use contradiction::Contradiction;
pub use machine::{MachineState, Pauses, Switches};
pub use search::{MaximumBounds, SearchReason};
pub use shortfall::{Observed, Shortfall};
pub use steady::Unsettled;

use crate::measure::encoding::EncodingError;
use crate::measure::punctuality::{JudgedLateness, Late, Unmeasured};
use crate::units::human;
use crate::untrusted::Untrusted;
use std::fmt;

/// Why a repeat, a case or a plan does not pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// No log was due.
    NoSamples,
    /// The generator was late.
    GeneratorLate(Late),
    /// The histogram of the lateness cannot be read.
    LatenessUnreadable(EncodingError),
    /// The histogram of the lateness is empty.
    LatenessNotMeasured,
    /// There was no control.
    NoControl,
    /// No control was as long as the window.
    ControlTooShort,
    /// Nothing was sent in a control.
    ControlEmpty {
        /// Which.
        when: When,
    },
    /// A control was late, too.
    ControlLate {
        /// Which.
        when: When,
        /// What was late about it.
        late: Vec<Late>,
    },
    /// The machine was disturbed.
    MachineBusy(MachineState),
    /// What the machine took is not clearly less than the lateness.
    MachineMayExplain(MachineState),
    /// The machine was disturbed during a control.
    MachineBusyInControl {
        /// Which.
        when: When,
        /// The machine meanwhile.
        machine: MachineState,
    },
    /// The machine was disturbed during a drain that took all of its time, and logs are missing.
    MachineBusyInDrain(MachineState),
    /// The hypervisor took more than is allowed.
    StolenCpu {
        /// Share of the CPU time, 0 to 1.
        share: f64,
    },
    /// The runner, or the process of the repeat, was stopped while the repeat ran.
    Paused {
        /// For how long, in nanoseconds.
        ns: u64,
    },
    /// A warm-up or a window that was to end when its load is steady did not settle.
    NotSteady(Unsettled),
    /// What a journal says of a repeat: it keeps only a sentence and a code.
    Recorded {
        /// The code; [`ReasonCode::Recorded`] if the journal has none, or one that this build does not know.
        code: ReasonCode,
        /// The sentence.
        text: Untrusted,
    },
    /// A repeat gave no measurement.
    RepeatFailed {
        /// What kind of failure, as [`crate::run::Fault::kind`] says.
        kind: Untrusted,
        /// What happened, including the driver's own words.
        message: Untrusted,
    },
    /// The queue was not the same throughout.
    QueueReplaced {
        /// Name of the queue.
        queue: Untrusted,
        /// Each version, and how many repeats it had.
        versions: Vec<(Untrusted, u64)>,
    },
    /// A measurement contradicts itself.
    Contradiction(Contradiction),
    /// Every repeat was discarded; this is why one of them was.
    NoValidRepeat {
        /// Why one was discarded.
        why: Box<Reason>,
    },
    /// No repeat was run.
    NothingRun,
    /// A check does not hold.
    CheckFailed {
        /// The check as written.
        expression: Untrusted,
        /// Why not.
        why: Shortfall,
    },
    /// A check cannot be decided.
    CheckUndecided {
        /// The check as written.
        expression: Untrusted,
        /// Why not.
        why: Shortfall,
    },
    /// The queue keeps its producers from sending in time.
    StarvesProducers {
        /// The first repeat in which it did.
        first: Box<Starvation>,
        /// In how many it did.
        repeats: u64,
    },
    /// More repeats were discarded than are valid.
    Outnumbered {
        /// How many were discarded.
        invalid: u64,
        /// How many there are.
        repeats: u64,
    },
    /// There is no case.
    NoCase,
    /// There is no case in this part of the plan.
    EmptyPartition,
    /// Cases of the plan are missing.
    Partial {
        /// How many.
        missing: u64,
        /// Of how many.
        cases: u64,
    },
    /// No case of a scenario offers the throughput of its target.
    TargetNotExercised {
        /// Name of the scenario.
        scenario: Untrusted,
    },
    /// The run ended before it was finished.
    Interrupted(Unfinished),
    /// A search for the highest rate does not pass.
    Search(SearchReason),
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
    /// The repeats that confirm what looked regressed.
    #[error("the run ended before what looked regressed was confirmed")]
    Confirmation,
}

/// How a queue keeps its producers from sending in time, in one repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Starvation {
    /// The unsent logs of the window, if there were too many.
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
            Self::MachineBusyInDrain(_) => ReasonCode::MachineBusyInDrain,
            Self::StolenCpu { .. } => ReasonCode::StolenCpu,
            Self::Paused { .. } => ReasonCode::Paused,
            Self::NotSteady(_) => ReasonCode::NotSteady,
            Self::Recorded { code, .. } => *code,
            Self::RepeatFailed { kind, .. } => code_of_failure(kind.as_given()),
            Self::QueueReplaced { .. } => ReasonCode::QueueReplaced,
            Self::Contradiction(contradiction) => contradiction.code(),
            Self::NoValidRepeat { .. } => ReasonCode::NoValidRepeat,
            Self::NothingRun => ReasonCode::NothingRun,
            Self::CheckFailed { .. } => ReasonCode::CheckFailed,
            Self::CheckUndecided { .. } => ReasonCode::CheckUndecided,
            Self::StarvesProducers { .. } => ReasonCode::StarvesProducers,
            Self::Outnumbered { .. } => ReasonCode::Outnumbered,
            Self::NoCase => ReasonCode::NoCase,
            Self::EmptyPartition => ReasonCode::EmptyPartition,
            Self::Partial { .. } => ReasonCode::Partial,
            Self::TargetNotExercised { .. } => ReasonCode::TargetNotExercised,
            Self::Interrupted(_) => ReasonCode::Interrupted,
            Self::Search(reason) => reason.code(),
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
pub fn sentences(reasons: &[Reason]) -> Vec<Untrusted> {
    reasons.iter().map(Reason::sentence).collect()
}

/// The words of the reasons' codes, in the same order.
#[must_use]
pub fn codes(reasons: &[Reason]) -> Vec<Untrusted> {
    reasons.iter().map(|reason| reason.code().word().into()).collect()
}

/// The code for a kind of failure. The kind is a word, not an enum: it may come from the journal of another build.
fn code_of_failure(kind: &str) -> ReasonCode {
    match kind {
        "not_built" => ReasonCode::QueueNotBuilt,
        "panicked" => ReasonCode::QueuePanicked,
        "hung" => ReasonCode::QueueHung,
        "sink_failed" => ReasonCode::SinkFailed,
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
