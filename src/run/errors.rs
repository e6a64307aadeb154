//! Why a repeat gave no measurement, and why a run stopped.

use crate::units::Bytes;
use crate::untrusted::Untrusted;
use crate::worker::protocol::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Longest piece of text from another program that is kept, in bytes.
pub const EXCERPT_BYTES: usize = 500;

/// Why a repeat gave no measurement. Part of the evidence: it goes into the journal and the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatError {
    /// What went wrong.
    pub fault: Fault,
    /// The last lines that the child wrote to stderr, oldest first; each cut to [`EXCERPT_BYTES`].
    pub stderr_tail: Vec<Untrusted>,
}

/// What went wrong with a repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The driver said that the queue could not be built.
    NotBuilt {
        /// The driver's words.
        message: Untrusted,
    },
    /// The driver said that the queue panicked inside a call.
    Panicked {
        /// The driver's words.
        message: Untrusted,
    },
    /// The driver said that calls or the shutdown had not returned when the drain ran out of time.
    Hung {
        /// The driver's words.
        message: Untrusted,
    },
    /// The driver said that what the queue delivers to failed.
    SinkFailed {
        /// The driver's words.
        message: Untrusted,
    },
    /// The driver said that it cannot do what the request says.
    BadRequest {
        /// The driver's words.
        message: Untrusted,
    },
    /// The driver said that it is at fault itself.
    Internal {
        /// The driver's words.
        message: Untrusted,
    },
    /// The repeat was not over at its deadline and was ended.
    TimedOut {
        /// The deadline, counted from the start of the child, in nanoseconds.
        deadline_ns: u64,
    },
    /// The repeat held more memory than it may and was ended.
    MemoryExceeded {
        /// The limit, in bytes.
        limit_bytes: u64,
        /// What its processes held, in bytes.
        seen_bytes: u64,
    },
    /// The child ended before it gave a result, or badly after it had given one.
    Exited {
        /// Exit status; null when a signal ended the child.
        code: Option<i32>,
        /// The signal that ended the child; null if it exited by itself.
        signal: Option<i32>,
        /// Whether it had sent a result before.
        after_result: bool,
    },
    /// The child did not keep to the protocol, or its result cannot be true.
    Protocol {
        /// What is wrong.
        problem: Untrusted,
        /// The beginning of the offending line, cut to [`EXCERPT_BYTES`]; empty when it is not about a line.
        excerpt: Untrusted,
    },
    /// The child gave its result, but it or a process that it started did not end and was killed.
    LeftBehind {
        /// Which processes.
        what: Untrusted,
    },
    /// The run was interrupted while this repeat was running.
    Interrupted,
    /// The child could not be started, or communication with it failed.
    Spawn {
        /// What failed, with the name of the program.
        message: Untrusted,
    },
}

impl Fault {
    /// The name of its kind, in one word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotBuilt { .. } => "not_built",
            Self::Panicked { .. } => "panicked",
            Self::Hung { .. } => "hung",
            Self::SinkFailed { .. } => "sink_failed",
            Self::BadRequest { .. } => "bad_request",
            Self::Internal { .. } => "internal",
            Self::TimedOut { .. } => "timed_out",
            Self::MemoryExceeded { .. } => "memory_exceeded",
            Self::Exited { .. } => "exited",
            Self::Protocol { .. } => "protocol",
            Self::LeftBehind { .. } => "left_behind",
            Self::Interrupted => "interrupted",
            Self::Spawn { .. } => "spawn",
        }
    }

    /// What went wrong, in one sentence. It quotes what the driver said.
    #[must_use]
    pub fn sentence(&self) -> Untrusted {
        let quoting = |what: &str, message: &Untrusted| format!("{what}: {}", message.as_given()).into();
        match self {
            Self::NotBuilt { message } => quoting("the queue could not be built", message),
            Self::Panicked { message } => quoting("the queue panicked", message),
            Self::Hung { message } => quoting("the queue hung", message),
            Self::SinkFailed { message } => quoting("the sink of the queue failed", message),
            Self::BadRequest { message } => quoting("the driver refused the request", message),
            Self::Internal { message } => quoting("the driver failed", message),
            Self::TimedOut { deadline_ns } => {
                format!("not finished at its deadline of {:.1} s", seconds(*deadline_ns)).into()
            }
            Self::MemoryExceeded { limit_bytes, seen_bytes } => {
                let (seen, limit) = (Bytes(*seen_bytes), Bytes(*limit_bytes));
                format!("ended at {seen} of memory, over memory_limit = {limit}").into()
            }
            Self::Exited { code, signal, after_result } => {
                let when = if *after_result { "after its result" } else { "without a result" };
                format!("the child {} {when}", ended(*code, *signal)).into()
            }
            Self::Protocol { problem, excerpt } if excerpt.is_empty() => problem.clone(),
            Self::Protocol { problem, excerpt } => format!("{}: `{}`", problem.as_given(), excerpt.as_given()).into(),
            Self::LeftBehind { what } => format!("{} still ran after the result", what.as_given()).into(),
            Self::Interrupted => "interrupted".into(),
            Self::Spawn { message } => message.clone(),
        }
    }

    /// This fault, of a repeat without a stderr.
    #[must_use]
    pub fn alone(self) -> RepeatError {
        RepeatError { fault: self, stderr_tail: Vec::new() }
    }

    pub(super) fn protocol(problem: impl Into<Untrusted>) -> Self {
        Self::Protocol { problem: problem.into(), excerpt: Untrusted::default() }
    }

    pub(super) fn bad_line(problem: impl Into<Untrusted>, line: &[u8]) -> Self {
        Self::Protocol { problem: problem.into(), excerpt: excerpt(line).into() }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let message = excerpt(failure.message.as_given().as_bytes()).into();
        match failure.kind {
            FailureKind::NotBuilt => Self::NotBuilt { message },
            FailureKind::Panicked => Self::Panicked { message },
            FailureKind::Hung => Self::Hung { message },
            FailureKind::SinkFailed => Self::SinkFailed { message },
            FailureKind::BadRequest => Self::BadRequest { message },
            FailureKind::Internal => Self::Internal { message },
        }
    }
}

/// Why a run stopped before its plan was finished, or why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A journal of that name exists already.
    #[error("{}: a journal of an earlier run; remove it, or move it away to keep its content", path.display())]
    JournalExists {
        /// The journal.
        path: PathBuf,
    },
    /// Another process writes the journal.
    #[error("{}: the run that writes this journal is still running", path.display())]
    JournalInUse {
        /// The journal.
        path: PathBuf,
    },
    /// The journal cannot be written, read or removed.
    #[error("{}: cannot {action} the journal: {source}", path.display())]
    JournalIo {
        /// The journal.
        path: PathBuf,
        /// What was tried: `create`, `open`, `write`, `read`, `cut` or `remove`.
        action: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not a valid journal.
    #[error("{}:{line}: {problem}", path.display())]
    JournalFormat {
        /// The journal.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}

/// Bytes of another program as text that is safe to print: valid UTF-8, no control characters, cut to
/// [`EXCERPT_BYTES`].
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(EXCERPT_BYTES)];
    let mut text = String::with_capacity(head.len());
    let mut cut = head.len() < bytes.len();
    for character in String::from_utf8_lossy(head).chars() {
        let before = text.len();
        if character.is_control() && character != '\t' {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
        if text.len() > EXCERPT_BYTES {
            text.truncate(before);
            cut = true;
            break;
        }
    }
    if cut {
        text.push('…');
    }
    text
}

fn seconds(nanos: u64) -> f64 {
    std::time::Duration::from_nanos(nanos).as_secs_f64()
}

fn ended(code: Option<i32>, signal: Option<i32>) -> impl fmt::Display {
    match (code, signal) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt(b"plain\ttext"), "plain\ttext");
        assert_eq!(excerpt(b"\x1b[31mred\xff"), "\\u{1b}[31mred\u{fffd}");
        let long = excerpt(&[0; 10_000]);
        assert!(long.len() <= EXCERPT_BYTES + '…'.len_utf8(), "{}", long.len());
        assert!(long.ends_with('…'));
        assert_eq!(excerpt(&[b'x'; EXCERPT_BYTES]).len(), EXCERPT_BYTES);
    }

    #[test]
    fn messages_are_lower_case_and_say_what_happened() {
        let killed = Fault::Exited { code: None, signal: Some(9), after_result: false };
        assert_eq!(killed.sentence(), "the child was killed by signal 9 without a result");
        let late = Fault::Exited { code: Some(3), signal: None, after_result: true };
        assert_eq!(late.sentence(), "the child exited with status 3 after its result");
        let slow = Fault::TimedOut { deadline_ns: 32_500_000_000 };
        assert_eq!(slow.sentence(), "not finished at its deadline of 32.5 s");
        assert_eq!(Fault::bad_line("not a message", b"hm").sentence(), "not a message: `hm`");
    }

    #[test]
    fn an_error_survives_json() {
        let error = RepeatError {
            fault: Fault::Exited { code: Some(101), signal: None, after_result: false },
            stderr_tail: vec!["thread panicked".into()],
        };
        let text = serde_json::to_string(&error).expect("serialises");
        assert_eq!(serde_json::from_str::<RepeatError>(&text).expect("parses"), error);
    }
}
