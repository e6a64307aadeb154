//! The integration tests: one binary.

mod accounting;
mod book;
mod bounds;
mod cli;
mod conformance;
mod comparing;
mod complete;
mod endings;
mod exports;
mod formats;
mod gate_trial;
mod gating;
#[cfg(unix)]
mod deploying;
mod drivers;
mod faulty;
mod histories;
mod hostile;
mod house;
mod liars;
mod memory;
mod merging;
mod outcomes;
mod printed;
mod producers;
mod promises;
mod protocol;
mod queues;
mod replaying;
mod schema;
mod searching;
mod selftest;
mod session;
#[cfg(unix)]
mod shell;
mod starting;
mod support;
#[cfg(unix)]
mod surroundings;
#[cfg(unix)]
mod writes;
