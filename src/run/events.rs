//! What an onlooker is told while a plan runs. Nothing in the run depends on who listens.

use super::journal::Outcome;
use crate::plan::PlannedRepeat;
use crate::worker::protocol::Progress;

/// Something happened. The order: `PlanStarted`, then for each repeat `RepeatStarted`, any number of `Progress`,
/// `RepeatFinished` and perhaps `Retry`; an `Interrupted` or `Stopped` if the plan is cut short; `PlanFinished` last.
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
        /// Its place in the plan, from 0; a retry has that of the repeat it replaces.
        position: usize,
    },
    /// Counts of the running repeat.
    Progress {
        /// The repeat.
        repeat: &'a PlannedRepeat,
        /// Its counts so far.
        progress: Progress,
    },
    /// A repeat is over and in the journal.
    RepeatFinished {
        /// The repeat.
        repeat: &'a PlannedRepeat,
        /// What came of it.
        outcome: &'a Outcome,
    },
    /// The repeat that just finished was set aside and is run again.
    Retry {
        /// The repeat that follows.
        repeat: &'a PlannedRepeat,
        /// Why the one before could not be trusted.
        reasons: &'a [String],
    },
    /// The run was interrupted; the repeat in hand, if any, was ended and does not count.
    Interrupted,
    /// The run cannot go on.
    Stopped {
        /// Why, in words.
        reason: String,
    },
    /// Nothing more will run.
    PlanFinished,
}
