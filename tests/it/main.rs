//! The integration tests: one binary.

mod cli;
mod house;
mod liars;
mod memory;
mod support;
