//! The integration tests: one binary.

mod accounting;
mod cli;
mod formats;
mod house;
mod liars;
mod memory;
mod producers;
mod selftest;
mod support;
