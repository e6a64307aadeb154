//! The messages between the runner and the process that carries out a repeat: one JSON object per line.
//!
//! The runner writes one [`Request`] to the child's stdin and keeps stdin open; the end of stdin tells the child to
//! stop. The child writes [`Message`]s to its stdout: `hello`, `started`, any number of `progress`, then one `result`
//! or one `error`.

use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::scenario::Capabilities;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

/// Version of the protocol. A child whose `hello` names another version is not run.
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

impl Request {
    /// Asks for a repeat. The path of its trace is made absolute: the child may run in another directory.
    pub fn of(repeat: &PlannedRepeat) -> Self {
        let mut repeat = repeat.clone();
        if let Some(trace) = &mut repeat.parameters.trace
            && let Ok(path) = std::path::absolute(trace.file.as_given())
        {
            trace.file = path.to_string_lossy().into_owned().into();
        }
        Self { protocol: PROTOCOL_VERSION, repeat }
    }
}

/// What the child says. On the wire: `{"hello":{…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The first message: who speaks.
    Hello(Hello),
    /// The queue is built; the warm-up begins.
    Started,
    /// A few times a second, while the load runs.
    Progress(Progress),
    /// The last message: what was measured.
    Result(Box<Measurement>),
    /// The last message: why there is no measurement.
    Error(Failure),
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The child's [`PROTOCOL_VERSION`].
    pub protocol: u32,
    /// Name of the queue.
    pub name: Untrusted,
    /// Version of the queue; the result must name the same.
    pub version: Untrusted,
    /// What the child can do. A driver of `[queues.NAME]` must say it; our own worker, whose queues are known, does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}

/// Counts so far, within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Time since the window began, in nanoseconds; 0 during the warm-up.
    pub elapsed_ns: u64,
    /// Calls made.
    pub attempted: u64,
    /// Accepted logs.
    pub enqueued: u64,
    /// Logs dropped or sampled out.
    pub rejected: u64,
    /// Records that reached the sink.
    pub delivered: u64,
    /// Mean of `enqueue` so far, in nanoseconds; null if no log was accepted yet.
    pub mean_enqueue_ns: Option<u64>,
    /// Sum of `enqueue` so far, in nanoseconds. The mean of the last second follows from it. Null or left out if
    /// unknown.
    #[serde(default)]
    pub enqueue_sum_ns: Option<u64>,
}

/// Why there is no measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// In words: lower case, one line.
    pub message: Untrusted,
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
    /// What the queue delivers to failed, such as a full disk under a file.
    SinkFailed,
    /// The request could not be read, or asks for something that the child does not have.
    BadRequest,
    /// An error of the child itself.
    Internal,
}
