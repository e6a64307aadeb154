//! The differences between operating systems: pairs of files with the same functions, of which one is compiled.
//!
//! | on | file | holds |
//! |---|---|---|
//! | Linux | `linux` | CPUs of a thread, exact sleeps, CPU time of the process, orphans |
//! | others | `not_linux` | the same functions, without a value or refused |
//! | Unix | `unix` | stdout for the protocol alone, permissions, private directories, signals |
//! | others | `not_unix` | the same functions, as far as possible |
//!
//! A value that a system does not report is `None`, and an action that it cannot do is an error with a message; no
//! number is ever made up. Files below `/proc` are read by the code that needs them; they do not exist on other
//! systems. The code that starts and ends child processes also differs: see `run::process`.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(not(target_os = "linux"))]
mod not_linux;
#[cfg(not(target_os = "linux"))]
pub use not_linux::*;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(not(unix))]
mod not_unix;
#[cfg(not(unix))]
pub use not_unix::*;
