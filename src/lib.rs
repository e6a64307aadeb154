//! Puts a logging queue under load and says whether it keeps its promise.
//!
//! The modules stand in the order in which data flows through them; each imports only from those above it.
//!
//! | module | takes | gives |
//! |---|---|---|
//! | [`units`] | text | durations, rates, ratios, sizes, quantiles |
//! | [`clock`] | | the one clock |
//! | [`platform`] | | what differs between operating systems |
//! | [`log_queue`] | log records | the built-in queue; usable by itself |
//! | [`scenario`] | TOML text | [`scenario::Scenario`] |
//! | [`matrix`] | `Scenario` | [`matrix::Case`]s |
//! | [`plan`] | cases | [`plan::Plan`] |
//! | [`load`] | a case | when each log is due, and what it carries |
//! | [`measure`] | observations | [`measure::Measurement`] |
//! | [`adapter`] | | the queues that can be put under load |
//! | [`worker`] | one planned repeat, in a child process | its measurement, as protocol messages |
//! | [`run`] | `Plan` | one measurement or error per repeat |
//! | [`verdict`] | measurements, target, checks | [`verdict::CaseVerdict`] |
//! | [`selftest`] | queues whose truth is known | claims that hold, or do not |
//! | [`report`] | all of it | the saved report |
//! | [`compare`] | two reports | [`compare::Comparison`], [`compare::GateDecision`] |
//! | [`render`] | report | table, JSON, Markdown, CSV, HTML, JUnit, … |
//! | [`cli`] | arguments | an exit code |

pub mod units;
pub mod clock;
pub mod platform;
pub mod log_queue;
pub mod scenario;
pub mod matrix;
pub mod plan;
pub mod load;
pub mod measure;
pub mod adapter;
pub mod worker;
pub mod run;
pub mod verdict;
pub mod selftest;
pub mod report;
pub mod compare;
pub mod render;
pub mod cli;
