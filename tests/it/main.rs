//! The integration tests: one binary.

mod accounting;
mod cli;
mod comparing;
mod formats;
mod gating;
mod house;
mod liars;
mod memory;
mod producers;
mod selftest;
mod support;
