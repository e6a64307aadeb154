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
//! | `witness` | what the runner observes of a repeat, and the claims of a result that contradict it |
//! | `scratch` | a repeat's directory for temporary files |
//! | `scripted` | [`ScriptedDriver`]: answers from a script, without a process |
//! | [`events`] | what an observer is told |
//! | `execute` | [`execute()`]: the loop |
//! | [`yardstick`] | a fixed piece of work, timed between repeats |
//! | [`journal`] | the finished repeats, written to disk before the next repeat starts |
//!
//! ## What ends a child
//! A child ends when it exits by itself. It is killed when its deadline has passed, when the run is interrupted, when
//! it violates the protocol, or when this program panics. Then its process group, every process that carries its mark,
//! and every orphan that it leaves are killed as well.
//!
//! If this process itself is killed, nobody is left to kill the child. The child then sees the end of its stdin, and
//! `queue-load worker` ends when that happens. A child may also ask the kernel for a signal at the death of its parent
//! (`PR_SET_PDEATHSIG`). The kernel sends that signal when the *thread* that started the child ends, which is the
//! thread that called [`execute()`].

mod child;
#[cfg(test)]
mod child_tests;
mod conversation;
pub mod driver;
pub mod errors;
pub mod events;
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
pub use driver::{Driver, Interrupt};
pub use errors::{Fault, RepeatError, RunError};
pub use events::Event;
#[cfg(feature = "internals")]
pub use execute::Validity;
pub use execute::{CaseRuns, Conditions, Ending, Execution, Failed, Measured, SetAside, execute};
pub use greeting::{PATIENCE, greet};
pub use in_process::InProcessDriver;
pub use journal::{GaugeRecord, Journal, Outcome, RepeatRecord};
#[cfg(feature = "internals")]
pub use journal::{JournalContents, Torn};
pub use probe::probe;
#[cfg(feature = "internals")]
pub use scripted::ScriptedDriver;
#[cfg(feature = "internals")]
pub use yardstick::Moment;
pub use yardstick::{Yardstick, YardstickReading};
