//! Runs a plan: one repeat after the other, each in a child process, strictly one at a time.
//!
//! | file | job |
//! |---|---|
//! | [`driver`] | the interface: takes a whole repeat, returns a measurement or an error; the interrupt flag |
//! | [`errors`] | why a repeat gave no measurement; why a run stopped |
//! | `child` | [`ChildDriver`]: a repeat as a child process |
//! | `in_process` | [`InProcessDriver`]: a repeat in this process, for debugging |
//! | `greeting` | a program's first message: [`probe()`] asks what it can do, [`greet()`] whether it can carry out a repeat |
//! | `process` | the child's pipes, how it ends and how it is killed |
//! | `conversation` | the order of a child's messages |
//! | `lines` | splits text into lines of bounded length |
//! | `stderr` | keeps the last lines of a stream |
//! | `leftovers` | processes that outlive their child |
//! | `witness` | what the runner sees of a repeat itself, and the claims of a result that contradict it |
//! | `verify` | [`Verify`]: what must be true of a result before it is believed |
//! | `ceiling` | the memory that a repeat may hold |
//! | `scratch` | a repeat's directory for temporary files |
//! | `scripted` | [`ScriptedDriver`]: answers from a script, without a process |
//! | [`events`] | what an observer is told |
//! | `execute` | [`execute()`]: the loop |
//! | [`yardstick`] | a fixed piece of work, timed between repeats |
//! | [`core_to_core`] | how far apart the CPUs are, before and after each repeat |
//! | [`journal`] | finished repeats, on disk before the next one starts |
//! | `earlier` | what a run had finished before it was stopped |
//!
//! ## What ends a child
//! A child ends by itself, or it is killed: at its deadline, at its memory limit, at an interrupt, at a breach of the
//! protocol, or if this process panics. Then its process group, every process with its mark, and every orphan that it
//! leaves to us are killed as well. If this process is killed itself, nobody is left to do that. The child then sees
//! the end of its stdin, and `queue-load worker` watches for that. A child may also ask the kernel for a signal at its
//! parent's death (`PR_SET_PDEATHSIG`). The kernel sends it when the *thread* that started the child ends, which is the
//! thread that called [`execute()`].

mod ceiling;
mod child;
#[cfg(test)]
mod child_tests;
mod conversation;
pub mod core_to_core;
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
mod leftovers;
mod lines;
mod process;
mod scratch;
#[cfg(feature = "internals")]
mod scripted;
mod stderr;
mod verify;
mod witness;
pub mod yardstick;

#[cfg(feature = "internals")]
pub use child::Limits;
pub use child::{ChildCommand, ChildDriver};
#[cfg(feature = "internals")]
pub use conversation::hear_all;
pub use driver::{Driver, Interrupt};
pub use errors::{Fault, RepeatError, RunError};
pub use events::Event;
#[cfg(feature = "internals")]
pub use execute::Validity;
pub use execute::{CaseRuns, Conditions, Ending, Execution, Failed, Measured, Objections, SetAside, execute};
pub use greeting::{PATIENCE, greet, probe};
pub use in_process::InProcessDriver;
pub use journal::{GaugeRecord, Journal, JournalContents, RepeatOutcome, RepeatRecord};
#[cfg(feature = "internals")]
pub use journal::{SittingRecord, Torn};
#[cfg(feature = "internals")]
pub use scripted::ScriptedDriver;
pub use verify::Verify;
#[cfg(feature = "internals")]
pub use yardstick::Moment;
pub use yardstick::{Yardstick, YardstickReading};
