//! Tests whether the instrument measures correctly. It measures synthetic queues whose behaviour is known, and the
//! results are compared with the values that must come out.
//!
//! | file | job |
//! |---|---|
//! | `synthetic` | [`Synthetic`]: the queues, one [`Behaviour`] each |
//! | `counts` | computes the counts that a behaviour leaves in the ledger |
//! | `claim` | one claim about one number: how it is read, and what it must be |
//! | `experiments` | the table: behaviour, load, claims |
//! | `overhead` | measures the cost of timing a call |
//! | `disturbance` | finds out how the machine disturbed an experiment |
//! | `settle` | the tries of one claim -> pass, wrong, or cannot tell |
//! | `examine` | [`examine()`]: the loop over experiments and tries |

mod claim;
mod counts;
mod disturbance;
mod examine;
#[cfg(test)]
mod exact_tests;
mod experiments;
#[cfg(test)]
mod fabricated_tests;
mod overhead;
mod settle;
mod synthetic;

#[cfg(feature = "internals")]
pub use claim::Claim;
pub use claim::{Claimed, Measured, Unit};
pub use counts::Counts;
pub use examine::{Bench, Event, Row, Stopped, examine};
pub use experiments::{Experiment, experiments};
pub use overhead::Overhead;
pub use settle::{ClaimOutcome, MOST_TRIES};
pub use synthetic::Synthetic;
#[cfg(feature = "internals")]
pub use synthetic::{Behaviour, FAMILY};
