//! The integration tests: one binary.

mod accounting;
mod cli;
mod conformance;
mod formats;
mod gating;
mod house;
mod liars;
mod memory;
mod outcomes;
mod producers;
mod queues;
mod selftest;
mod support;
