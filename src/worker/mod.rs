//! Carries out one repeat, in a process of its own: builds the queue, runs warm-up, window and drain, and speaks the
//! protocol.
//!
//! [`main`] is the hidden verb `worker`. It reads one request, lets `repeat` carry it out, and sends the result. When
//! its stdin ends, the runner is gone, and the worker exits.
//!
//! | folder | job |
//! |---|---|
//! | `repeat` | the course of a repeat |
//! | `send` | the producers |
//! | `patience` | time without the pauses of this process |
//! | `observe` | observes the machine, the runtime's lag and where threads ran; builds the measurement |
//! | `protocol` | the messages |

pub mod protocol;

mod observe;
mod patience;
mod repeat;
mod send;

pub(crate) use observe::machine::Ticks;
pub(crate) use patience::Patience;
pub use repeat::control::span as control_span;
#[cfg(feature = "internals")]
pub use repeat::simulate::simulate;

use crate::adapter::{Host, Queue, Registry};
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::platform::claim_stdout;
use crate::untrusted::Untrusted;
use protocol::{Failure, FailureKind, Hello, Message, PROTOCOL_VERSION, Request};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;

/// The queues that a worker can put under load.
pub type Queues = Registry<RepeatHost>;

/// Longest request that is read, in bytes.
const LONGEST_REQUEST: u64 = 1 << 20;

/// Carries out one repeat in this process, with any queue.
pub struct RepeatHost {
    /// The repeat.
    pub repeat: PlannedRepeat,
    /// Receives the messages `hello`, `started` and `progress` as they are sent.
    pub say: Box<dyn FnMut(Message)>,
}

impl Host for RepeatHost {
    type Output = Result<Measurement, Failure>;

    fn host<Q: Queue>(mut self) -> Self::Output {
        (self.say)(Message::Hello(Hello {
            protocol: PROTOCOL_VERSION,
            name: Q::ABOUT.name.into(),
            version: Q::ABOUT.version.into(),
            capabilities: None,
        }));
        repeat::run::<Q>(&self.repeat, &mut *self.say)
    }
}

/// Carries out one repeat in this process.
///
/// # Errors
/// The reason why there is no measurement.
pub fn carry_out(queues: &Queues, repeat: PlannedRepeat, say: Box<dyn FnMut(Message)>) -> Result<Measurement, Failure> {
    let name = repeat.parameters.queue.clone();
    queues.host(name.as_given(), RepeatHost { repeat, say }).unwrap_or_else(|| {
        Err(Failure::new(FailureKind::BadRequest, format!("there is no queue `{}` in this program", name.quoted())))
    })
}

/// Runs the hidden verb `worker`: [`serve`], with its result as an exit code.
pub fn main(queues: &Queues) -> ExitCode {
    if serve(queues) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads one request from stdin and writes messages to stdout. Returns whether there is a measurement. Anything else
/// that is printed to stdout goes to stderr.
pub fn serve(queues: &Queues) -> bool {
    let Ok(mut out) = claim_stdout() else {
        eprintln!("worker: cannot duplicate stdout");
        return false;
    };
    let last = match read_request(BufReader::new(io::stdin())) {
        Ok(request) => {
            end_with_stdin();
            let mut progress = out.try_clone().ok();
            let say = move |message| {
                if let Some(out) = &mut progress {
                    tell(out, &message);
                }
            };
            with_its_trace(request.repeat).and_then(|repeat| carry_out(queues, repeat, Box::new(say)))
        }
        Err(failure) => Err(failure),
    };
    let measured = last.is_ok();
    tell(&mut out, &last.map_or_else(Message::Error, |measurement| Message::Result(Box::new(measurement))));
    measured
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<Untrusted>) -> Self {
        Self { kind, message: message.into() }
    }
}

fn read_request(input: impl BufRead) -> Result<Request, Failure> {
    let bad = |message: String| Failure::new(FailureKind::BadRequest, message);
    let mut line = String::new();
    input
        .take(LONGEST_REQUEST)
        .read_line(&mut line)
        .map_err(|error| bad(format!("cannot read the request: {error}")))?;
    let request: Request =
        serde_json::from_str(&line).map_err(|error| bad(format!("cannot understand the request: {error}")))?;
    if request.protocol == PROTOCOL_VERSION {
        Ok(request)
    } else {
        Err(bad(format!("the request is in protocol {}, this worker speaks {PROTOCOL_VERSION}", request.protocol)))
    }
}

/// Reads the trace of a repeat, if it has one: the request only names the file.
fn with_its_trace(mut repeat: PlannedRepeat) -> Result<PlannedRepeat, Failure> {
    if let Some(trace) = repeat.parameters.trace.take() {
        let file = trace.file.quoted();
        let trace = trace.reopened().map_err(|error| {
            Failure::new(FailureKind::BadRequest, format!("cannot replay the trace `{file}`: {error}"))
        })?;
        repeat.parameters.trace = Some(trace);
    }
    Ok(repeat)
}

/// Ends this process when its stdin ends: its runner has then ended, and a repeat must not outlive its runner.
fn end_with_stdin() {
    let watch = || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(1);
    };
    if let Err(error) = std::thread::Builder::new().name("ql-stdin".into()).spawn(watch) {
        eprintln!("worker: cannot watch stdin: {error}");
    }
}

/// Sends one message. A write error is ignored: if the runner no longer reads, it is about to end this process.
fn tell(out: &mut File, message: &Message) {
    if let Ok(mut line) = serde_json::to_vec(message) {
        line.push(b'\n');
        let _ = out.write_all(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_cannot_be_served_are_refused_in_words() {
        for (line, expected) in [
            ("", "cannot understand the request"),
            ("{", "cannot understand the request"),
            ("[1]", "cannot understand the request"),
            ("{\"protocol\":1}", "missing field `repeat`"),
        ] {
            let failure = read_request(line.as_bytes()).unwrap_err();
            assert_eq!(failure.kind, FailureKind::BadRequest);
            assert!(failure.message.as_given().contains(expected), "{line}: {}", failure.message.as_given());
        }
    }
}
