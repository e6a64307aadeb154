//! Puts a logging queue under load and says whether it keeps its promise.
//!
//! | for | there is |
//! |---|---|
//! | a test that asks whether a scenario passes | [`check`] |
//! | a program that runs scenarios | [`session`] |
//! | a queue of your own under load | [`adapter`], [`main_with`] |
//! | reading a saved report | [`report`] |
//! | what changed between two of them | [`compare`](mod@compare) |
//! | a logging queue | [`log_queue`] |
//!
//! ```no_run
//! #[test]
//! fn the_queue_keeps_its_promise() -> Result<(), queue_load::session::SessionError> {
//!     queue_load::check("scenarios/smoke.toml")?.assert();
//!     Ok(())
//! }
//! ```
//!
//! Everything else is private, and may change with any version. The modules stand in the order in which data flows through
//! them, and each imports only from those above it; docs/ARCHITECTURE.md says what each takes and gives.

mod untrusted;
mod units;
mod clock;
mod platform;
mod observed;
pub mod log_queue;
mod scenario;
mod record;
mod matrix;
mod plan;
mod load;
mod measure;
pub mod adapter;
mod worker;
mod run;
mod verdict;
mod capacity;
mod selftest;
pub mod report;
pub mod compare;
mod history;
mod render;
pub mod session;
mod cli;

#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;

pub use cli::main_with;
pub use session::check;
pub use worker::Queues;
