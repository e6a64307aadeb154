//! What an observer is told while a plan runs. The run does not depend on who listens.

use super::journal::RepeatOutcome;
use crate::plan::PlannedRepeat;
use crate::untrusted::Untrusted;
use crate::worker::protocol::Progress;

/// What happened. The order is: `PlanStarted`; for each repeat `RepeatStarted`, any number of `Progress`,
/// `RepeatFinished` and perhaps `Retry`; `Interrupted` or `Stopped` if the plan ends early; `PlanFinished` last.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// The first repeat is about to start.
    PlanStarted {
        /// Number of repeats in the plan, retries not counted.
        repeats: usize,
    },
    /// A repeat is about to start.
    RepeatStarted {
        /// The repeat; `attempt` above 0 is a retry.
        repeat: &'a PlannedRepeat,
        /// Its position in the plan, from 0; a retry has the position of the repeat that it replaces.
        position: usize,
    },
    /// Counts of the running repeat.
    Progress {
        /// The repeat.
        repeat: &'a PlannedRepeat,
        /// Its counts so far.
        progress: Progress,
    },
    /// A repeat is finished, and in the journal if there is one.
    RepeatFinished {
        /// The repeat.
        repeat: &'a PlannedRepeat,
        /// What came of it.
        outcome: &'a RepeatOutcome,
    },
    /// The repeat that just finished was discarded, and is now run again.
    Retry {
        /// The repeat that follows.
        repeat: &'a PlannedRepeat,
        /// Why the one before could not be trusted.
        reasons: &'a [Untrusted],
    },
    /// The run was interrupted. The running repeat, if any, was ended and does not count.
    Interrupted,
    /// The run cannot go on.
    Stopped {
        /// Why, in words.
        reason: Untrusted,
    },
    /// Nothing more will run.
    PlanFinished,
}
