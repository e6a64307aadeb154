//! What differs between operating systems: pairs of files with the same functions, of which one is compiled.
//!
//! | on | file | holds |
//! |---|---|---|
//! | Linux | `linux` | CPUs of a thread, exact sleeps, CPU time of the process, orphans |
//! | others | `not_linux` | the same, unknown or refused |
//! | Unix | `unix` | stdout for the protocol alone, rights, private directories, signals |
//! | others | `not_unix` | the same, as far as it goes |
//!
//! What a system does not tell is `None`, and what it cannot do is an error in words: never a made-up number. What the
//! kernel says in files below `/proc` is read where it is needed, and is not there elsewhere. How a child process is
//! talked to and ended differs as well: see `run::process`.

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
