//! The sentence of each reason. It may quote a driver or a scenario, so it is [`Untrusted`] as a whole.

use super::{Reason, late};
use crate::measure::punctuality::Late;
use crate::units::human;
use crate::untrusted::Untrusted;

/// The end of each sentence about a window without a control of its length.
const UNTOLD: &str = "so that nothing tells its lateness from the queue's";

impl Reason {
    /// The reason in one sentence, as it is saved.
    #[must_use]
    pub fn sentence(&self) -> Untrusted {
        let text = match self {
            Self::NoSamples => "no samples: no log was sent".to_owned(),
            Self::GeneratorLate(by) => format!("the generator was late: {}", late(by)),
            Self::LatenessUnreadable(error) => format!("the generator's lateness cannot be read: {error}"),
            Self::LatenessNotMeasured => "the generator's lateness was not measured".to_owned(),
            Self::NoControl => format!("the generator had no control, {UNTOLD}"),
            Self::ControlTooShort => format!("no control was as long as the window, {UNTOLD}"),
            Self::ControlEmpty { when } => format!("the generator sent nothing in its control {when} it"),
            Self::ControlLate { when, late } => {
                format!("the generator was late in the control {when} it too, without the queue: {}", all_late(late))
            }
            Self::MachineBusy(machine) => format!("the machine was busy during the window: {machine}"),
            Self::MachineMayExplain(machine) => {
                format!("the machine was busy during the window, and that may be all there is to it: {machine}")
            }
            Self::MachineBusyInControl { when, machine } => {
                format!("the machine was busy during the control {when} it: {machine}")
            }
            Self::MachineBusyInDrain(machine) => {
                format!("the machine was busy during the drain, which ended before all logs had arrived: {machine}")
            }
            Self::StolenCpu { share } => {
                format!("the machine was busy: {} of its CPU time was stolen, more than 5%", human::share(*share))
            }
            Self::Paused { ns } => {
                format!("the runner, or the repeat, was stopped for {} and went on", human::latency(*ns as f64))
            }
            Self::NotSteady(unsettled) => unsettled.to_string(),
            Self::Recorded { text, .. } => text.as_given().to_owned(),
            Self::RepeatFailed { kind, message } => format!("{}: {}", kind.as_given(), message.as_given()),
            Self::QueueReplaced { queue, versions } => {
                format!("replaced: the queue `{}` was of version {}", queue.as_given(), of_versions(versions))
            }
            Self::Contradiction(contradiction) => contradiction.to_string(),
            Self::NoValidRepeat { why } => format!("no valid repeat: {}", why.sentence().as_given()),
            Self::NothingRun => "no valid repeat: none was run".to_owned(),
            Self::CheckFailed { expression, why } => format!("`{}` does not hold: {why}", expression.as_given()),
            Self::CheckUndecided { expression, why } => format!("`{}` cannot be told: {why}", expression.as_given()),
            Self::StarvesProducers { first, repeats } => format!("{first}{}", in_all(*repeats)),
            Self::Outnumbered { invalid, repeats } => {
                let [invalid, repeats] = [*invalid, *repeats].map(human::count);
                format!("{invalid} of {repeats} repeats were invalid: the few others are a selection")
            }
            Self::NoCase => "no case was run".to_owned(),
            Self::EmptyPartition => "empty: this partition has no case".to_owned(),
            Self::Partial { missing, cases } => {
                let [missing, cases] = [*missing, *cases].map(human::count);
                format!("partial: {missing} of {cases} cases of the plan are missing")
            }
            Self::TargetNotExercised { scenario } => {
                let scenario = scenario.as_given();
                format!("target not exercised: no case of {scenario} offers the target's throughput")
            }
            Self::Interrupted(unfinished) => format!("interrupted: {unfinished}"),
            Self::Search(reason) => reason.to_string(),
        };
        text.into()
    }
}

fn all_late(all: &[Late]) -> String {
    all.iter().map(late).collect::<Vec<_>>().join(", ")
}

fn of_versions(versions: &[(Untrusted, u64)]) -> String {
    let of =
        |(version, count): &(Untrusted, u64)| format!("{} in {}", version.as_given(), human::counted(*count, "repeat"));
    versions.iter().map(of).collect::<Vec<_>>().join(", of version ")
}

fn in_all(repeats: u64) -> String {
    match repeats {
        0 | 1 => String::new(),
        more => format!("; the same in {more} repeats in all"),
    }
}
