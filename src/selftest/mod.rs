//! Is the instrument right? It is put before queues whose truth is known by construction, and what it measures is held
//! against what must come out.
//!
//! | file | job |
//! |---|---|
//! | `synthetic` | [`Synthetic`]: the queues, one [`Behaviour`] each |
//! | `counts` | what a behaviour leaves in the ledger, by arithmetic |
//! | `claim` | one claim about one number: how it is read, what it must be |
//! | `experiments` | the table: behaviour, load, claims |
//! | `overhead` | what it costs to time a call at all |
//! | `disturbance` | what the machine did to the experiment |
//! | `settle` | tries of one claim -> pass, wrong, cannot tell |
//! | `examine` | [`examine()`]: the loop over experiments and tries |

mod claim;
mod counts;
mod disturbance;
mod examine;
#[cfg(test)]
mod exact_tests;
mod experiments;
#[cfg(test)]
mod fabricated;
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
pub use settle::{Finding, MOST_TRIES};
pub use synthetic::Synthetic;
#[cfg(feature = "internals")]
pub use synthetic::{Behaviour, FAMILY};
