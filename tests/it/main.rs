//! The integration tests: one binary.

mod cli;
mod house;
mod liars;
mod producers;
mod support;
