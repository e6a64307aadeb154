//! The integration tests: one binary.

mod cli;
mod house;
mod liars;
mod selftest;
mod support;
