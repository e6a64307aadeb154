//! The messages between the runner and the process that carries out a repeat: one JSON object a line.
//!
//! The runner writes one [`Request`] to the child's stdin and keeps it open; the end of stdin tells the child to stop.
//! The child writes [`Message`]s to its stdout: `hello`, `started`, any number of `progress`, then one `result` or `error`.

use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use serde::{Deserialize, Serialize};

/// Version of the protocol; a child that says another in its `hello` is not run.
pub const PROTOCOL_VERSION: u32 = 1;

/// What the runner asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// [`PROTOCOL_VERSION`] of the runner.
    pub protocol: u32,
    /// The repeat to carry out.
    pub repeat: PlannedRepeat,
}

/// What the child says. On the wire: `{"hello":{…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// First of all: who speaks.
    Hello(Hello),
    /// The queue is built; the warm-up begins.
    Started,
    /// Now and then, while the load runs.
    Progress(Progress),
    /// Last: what was measured.
    Result(Box<Measurement>),
    /// Last: why there is no measurement.
    Error(Failure),
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The child's [`PROTOCOL_VERSION`].
    pub protocol: u32,
    /// Name of the queue.
    pub name: String,
    /// Version of the queue.
    pub version: String,
}

/// Counts so far, within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Time since the window began; 0 during the warm-up.
    pub elapsed_ns: u64,
    /// Calls made.
    pub attempted: u64,
    /// Accepted.
    pub enqueued: u64,
    /// Dropped or sampled out.
    pub rejected: u64,
    /// Records that reached the sink.
    pub delivered: u64,
    /// Mean of `enqueue` so far.
    pub mean_enqueue_ns: Option<u64>,
    /// Sum of `enqueue` so far, from which the mean of the last second follows; null or left out where it is not known.
    #[serde(default)]
    pub enqueue_sum_ns: Option<u64>,
}

/// Why there is no measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// In words: lower case, one line.
    pub message: String,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The queue could not be built.
    NotBuilt,
    /// The queue panicked inside a call.
    Panicked,
    /// Calls had not returned, or the queue not shut down, when the drain ran out of time.
    Hung,
    /// The request could not be read or asks for what the child does not have.
    BadRequest,
    /// A fault of the child itself.
    Internal,
}
