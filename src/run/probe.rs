//! Asks a program for its capabilities: starts it, reads its `hello`, ends it.

use super::child::ChildCommand;
use super::conversation::hear_hello;
use super::driver::Interrupt;
use super::errors::{Fault, RepeatError};
use super::leftovers::Mark;
use super::process::Process;
use super::scratch::Scratch;
use crate::worker::Patience;
use crate::worker::protocol::Hello;
use std::time::Duration;

/// Longest time between two checks of the interrupt flag and of whether the program still runs.
const TICK: Duration = Duration::from_millis(50);
/// Longest line, in bytes.
const LINE_BYTES: usize = 64 * 1024;

/// Returns the first line of the program, which must come within `patience`. Its stdin is empty and closed at once, so
/// it must speak without a request. Then the program and all that it started are ended.
///
/// # Errors
/// The program cannot be started, says something else or nothing in time, or the interrupt is raised.
pub fn probe(command: &ChildCommand, patience: Duration, interrupt: &Interrupt) -> Result<Hello, RepeatError> {
    let mark = Mark::new();
    // Created before the program, so that it is dropped (and removed) after the program has ended.
    let scratch = Scratch::new(&mark);
    let cannot =
        |error| Fault::Spawn { message: format!("cannot start {}: {error}", command.program.display()).into() };
    let mut process =
        Process::spawn(command.to_command(&scratch), mark, LINE_BYTES).map_err(|error| cannot(error).alone())?;
    process.close_stdin();
    let heard = listen(&mut process, patience, interrupt);
    let ended = process.end();
    let fault = match heard {
        Ok(Heard::Hello(hello)) => return Ok(hello),
        Ok(Heard::Nothing) => match ended {
            Ok(status) => super::child::exited(status, false),
            Err(error) => super::child::no_status(error),
        },
        Err(fault) => fault,
    };
    Err(RepeatError { fault, stderr_tail: process.take_tail() })
}

enum Heard {
    Hello(Hello),
    /// It ended or closed its output without a line.
    Nothing,
}

fn listen(process: &mut Process, patience: Duration, interrupt: &Interrupt) -> Result<Heard, Fault> {
    let mut waited = Patience::begin();
    loop {
        if interrupt.is_raised() {
            return Err(Fault::Interrupted);
        }
        let long = |_| Fault::protocol(format!("its first line is longer than {LINE_BYTES} bytes"));
        if let Some(line) = process.next_line().map_err(long)? {
            return match hear_hello(line)? {
                Ok(hello) => Ok(Heard::Hello(hello)),
                Err(failure) => Err(failure.into()),
            };
        }
        let left = patience.saturating_sub(waited.elapsed());
        if left.is_zero() {
            return Err(Fault::protocol(format!("it has not said hello within {} s", patience.as_secs_f64())));
        }
        let exited = process.has_exited();
        let wait = if exited { Duration::ZERO } else { TICK.min(left) };
        let heard = process.pump(wait).map_err(super::child::cannot_hear)?;
        if (exited && !heard) || !process.output_open() {
            // If the program has exited since it was asked, one more round takes in its stderr, which says why it
            // failed.
            if !exited && process.has_exited() {
                continue;
            }
            return Ok(Heard::Nothing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(script: &str, patience: Duration) -> Result<Hello, RepeatError> {
        let command = ChildCommand { args: vec!["-c".into(), script.into()], ..ChildCommand::new("sh") };
        probe(&command, patience, &Interrupt::new())
    }

    const LONG: Duration = Duration::from_secs(60);
    const HELLO: &str = r#"{"hello":{"protocol":1,"name":"q","version":"2","capabilities":{"strategies":["drop"]}}}"#;

    #[test]
    fn a_hello_is_enough_whatever_follows() {
        for rest in ["", "; cat", "; sleep 600", "; printf x; exit 3", "; kill -SEGV $$"] {
            let hello = ask(&format!("printf '%s\\n' '{HELLO}'{rest}"), LONG).expect("said hello");
            assert_eq!((hello.name.as_given(), hello.version.as_given()), ("q", "2"), "{rest}");
            assert_eq!(hello.capabilities.expect("said").strategies.len(), 1);
        }
    }

    #[test]
    fn everything_else_is_refused_with_the_last_words() {
        for (script, expected) in [
            ("exit 7", "the child exited with status 7 without a result"),
            ("cat", "the child exited with status 0 without a result"),
            ("echo hi", "not a message"),
            ("echo '\"started\"'", "the child says started where hello or error comes first"),
            ("echo '{\"hello\":{\"protocol\":9,\"name\":\"q\",\"version\":\"2\"}}'", "version 9 of the protocol"),
            ("echo '{\"error\":{\"kind\":\"not_built\",\"message\":\"no such thing\"}}'", "no such thing"),
            ("head -c 200000 /dev/zero | tr '\\0' x", "longer than 65536 bytes"),
        ] {
            let error = ask(&format!("echo sorry >&2; {script}"), LONG).expect_err(script);
            assert!(error.fault.sentence().as_given().contains(expected), "{script}: {error:?}");
            assert_eq!(error.stderr_tail, ["sorry"], "{script}");
        }
    }

    #[test]
    fn silence_ends() {
        let error = ask("sleep 600", Duration::ZERO).expect_err("says nothing");
        assert!(error.fault.sentence().as_given().contains("not said hello"), "{error:?}");
        let interrupt = Interrupt::new();
        interrupt.raise();
        let command = ChildCommand { args: vec!["600".into()], ..ChildCommand::new("sleep") };
        assert_eq!(probe(&command, LONG, &interrupt).expect_err("interrupted").fault, Fault::Interrupted);
    }
}
