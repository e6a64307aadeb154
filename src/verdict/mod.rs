//! Measurements + target + checks -> verdict. Decides; measures nothing and prints nothing.
//!
//! | question | answered by |
//! |---|---|
//! | can these numbers be true at all? | [`faults`] |
//! | did the generator or the machine spoil this repeat, or the queue starve its producers? | [`judge_repeat`] |
//! | does this case keep the promise? | [`judge_case`], on the repeats [`Pooled`] |
//! | and the whole? | [`judge_plan`] |
//! | why? | [`Reason`]: a value that becomes a sentence where it is shown or saved |

mod asked;
mod blame;
mod case;
mod check;
mod disturbance;
mod faults;
mod figures;
mod levels;
mod model;
mod plan;
mod pooled;
mod producers;
mod reason;
mod repeat;
mod stages;
mod statistic;
mod surroundings;
mod survivors;
mod target;

pub use asked::faults_for;
pub use case::{CaseEvidence, judge_case};
pub use faults::{dated, faults};
pub use model::{
    CaseVerdict, CheckOrigin, CheckResult, ExitOutcome, Outcome, OutcomeCounts, PlanVerdict, Unit, Validity,
};
pub use plan::{PlanCase, judge_part, judge_plan, judge_rest};
pub use pooled::{Distributions, Pooled};
pub use reason::{Contradiction, MaximumBounds, Reason, ReasonCode, SearchReason, Unfinished, codes, sentences};
#[cfg(feature = "internals")]
pub use reason::{MachineState, Observed, Pauses, Shortfall, Starvation, Switches, When};
pub use repeat::judge_repeat;
#[cfg(feature = "internals")]
pub use stages::Recoveries;
pub use stages::{PooledStage, decoded as decoded_stages};
pub use statistic::{MIN_SAMPLES, has_samples};
pub use survivors::SetAside;
pub use target::below_target_load;
