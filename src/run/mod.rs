//! Runs a plan: one repeat after the other, each in a child process, strictly one at a time.
//!
//! | file | job |
//! |---|---|
//! | [`driver`] | the interface: takes a whole repeat, returns a measurement or an error; the interrupt flag |
//! | [`errors`] | why a repeat gave no measurement; why a run stopped |
//! | `child` | [`ChildDriver`]: a repeat as a child process |
//! | `in_process` | [`InProcessDriver`]: a repeat in this process, for debugging |
//! | `greeting` | whether another program can carry out repeats |
//! | `process` | the child's pipes, how it ends and how it is killed |
//! | `conversation` | which message may follow which |
//! | `probe` | [`probe()`]: asks a program what it can do |
//! | `lines` | splits text into lines of bounded length |
//! | `stderr` | keeps the last lines of a stream |
//! | `leftovers` | processes that outlive their child |
//! | `witness` | what the runner sees of a repeat itself, and what a result says against that |
//! | `ceiling` | the memory that a repeat may hold |
//! | `scratch` | a repeat's directory for temporary files |
//! | `scripted` | [`ScriptedDriver`]: answers from a script, without a process |
//! | [`events`] | what an observer is told |
//! | `execute` | [`execute()`]: the loop |
//! | [`yardstick`] | a fixed piece of work, timed between repeats |
//! | [`journal`] | what is finished, on disk before the next repeat starts |
//! | `earlier` | what a run had finished before it was stopped |
//!
//! ## What ends a child
//! Its own exit; its deadline, its memory limit, an interrupt or a breach of the protocol, upon which its process group, every process
//! that carries its mark and every orphan that it leaves to us is killed; a panic of ours, likewise. When this process is killed, nobody is left to do so: the
//! child sees the end of its stdin, and `queue-load worker` watches for that. Should a child also ask the kernel for a
//! signal at its parent's death (`PR_SET_PDEATHSIG`): that is sent when the *thread* that started it ends, which is the
//! one that [`execute()`] is called on.

mod ceiling;
mod child;
#[cfg(test)]
mod child_tests;
mod conversation;
pub mod driver;
pub mod errors;
pub mod events;
mod earlier;
#[cfg(test)]
mod earlier_tests;
mod execute;
#[cfg(test)]
mod fixture;
mod greeting;
mod in_process;
pub mod journal;
mod probe;
mod leftovers;
mod lines;
mod process;
mod scratch;
#[cfg(feature = "internals")]
mod scripted;
mod stderr;
mod witness;
pub mod yardstick;

#[cfg(feature = "internals")]
pub use child::Limits;
pub use child::{ChildCommand, ChildDriver, Verify};
#[cfg(feature = "internals")]
pub use conversation::hear_all;
pub use driver::{Driver, Interrupt};
pub use errors::{Fault, RepeatError, RunError};
pub use events::Event;
#[cfg(feature = "internals")]
pub use execute::Validity;
pub use execute::{CaseRuns, Conditions, Ending, Execution, Failed, Measured, SetAside, execute};
pub use greeting::{PATIENCE, greet};
pub use in_process::InProcessDriver;
pub use journal::{GaugeRecord, Journal, JournalContents, RepeatOutcome, RepeatRecord};
#[cfg(feature = "internals")]
pub use journal::{SittingRecord, Torn};
pub use probe::probe;
#[cfg(feature = "internals")]
pub use scripted::ScriptedDriver;
#[cfg(feature = "internals")]
pub use yardstick::Moment;
pub use yardstick::{Yardstick, YardstickReading};
