//! Measurements + target + checks -> verdict. Decides; measures nothing and prints nothing.
//!
//! | question | answered by |
//! |---|---|
//! | can these numbers be true at all? | [`faults`] |
//! | did the generator or the machine spoil this repeat, or the queue starve its producers? | [`judge_repeat`] |
//! | does this case keep the promise? | [`judge_case`], on the repeats [`Pooled`] |
//! | and the whole? | [`judge_plan`] |
//! | why? | [`Reason`], a value; its sentence is made where it is shown or saved |

mod asked;
mod blame;
mod case;
mod check;
mod disturbance;
mod faults;
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
pub use plan::{PlanCase, judge_plan};
pub use pooled::{Distributions, Pooled};
#[cfg(feature = "internals")]
pub use reason::{
    Contradiction, MachineState, Observed, Pauses, ReasonCode, Shortfall, Starvation, Switches, When, sentences,
};
pub use reason::{Reason, Unfinished, codes};
pub use repeat::judge_repeat;
pub use stages::{PooledStage, Recoveries, decoded as decoded_stages};
pub use statistic::{MIN_SAMPLES, has_samples};
pub use survivors::SetAside;
