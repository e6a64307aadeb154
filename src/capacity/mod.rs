//! How far a queue goes: the highest rate at which it keeps its promise, found in few runs.
//!
//! | file | job |
//! |---|---|
//! | `search` | from answers at rates to the next rate, and to an interval |
//! | `ceiling` | the highest rate that the generator itself can offer |
//! | `knee` | where a load-latency curve turns |
//! | `settings` | what a search is asked for |

mod ceiling;
mod knee;
mod search;
mod settings;
#[cfg(test)]
mod trial_tests;

pub use ceiling::Ceiling;
pub use knee::knee;
pub use search::{Answer, CONFIDENCE, Interval, Limit, Range, Search, Standing};
pub use settings::{DEFAULT_MOST_RUNS, SearchSettings};
