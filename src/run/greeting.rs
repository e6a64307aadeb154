//! Hears a program's first message: what it can do, or whether it can carry out a repeat. Then it ends the program.

use super::child::{self, ChildCommand};
use super::conversation::hear_hello;
use super::driver::Interrupt;
use super::errors::{Fault, RepeatError};
use super::leftovers::Mark;
use super::process::Process;
use super::scratch::Scratch;
use crate::plan::PlannedRepeat;
use crate::worker::Patience;
use crate::worker::protocol::{Hello, Request};
use std::time::Duration;

/// Longest time between two checks of the interrupt flag and of whether the program still runs.
const TICK: Duration = Duration::from_millis(50);
/// Time for a program to end after it has closed its output.
const FAREWELL: Duration = Duration::from_secs(1);
/// Longest line, in bytes.
const LINE_BYTES: usize = 64 * 1024;
/// The usual time to wait for the first message.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks a program what it can do. Its stdin is empty and closed at once, so it must speak without a request. Then the
/// program and all that it started are ended.
///
/// # Errors
/// The program cannot be started, says something else than a `hello` of this protocol version, says nothing within
/// `patience`, or the interrupt is raised.
pub fn probe(command: &ChildCommand, patience: Duration, interrupt: &Interrupt) -> Result<Hello, RepeatError> {
    first_message(command, None, patience, interrupt)
}

/// Asks a program whether it can carry out that repeat. After its `hello`, the program and all that it started are ended.
///
/// # Errors
/// As of [`probe`]; or the program refuses the repeat.
pub fn greet(
    command: &ChildCommand,
    repeat: &PlannedRepeat,
    patience: Duration,
    interrupt: &Interrupt,
) -> Result<(), RepeatError> {
    let mut request = serde_json::to_vec(&Request::of(repeat)).map_err(|error| internal(&error).alone())?;
    request.push(b'\n');
    first_message(command, Some(&request), patience, interrupt).map(|_| ())
}

fn internal(error: &dyn std::fmt::Display) -> Fault {
    Fault::Internal { message: error.to_string().into() }
}

/// Starts the program with this on its stdin, or with a closed one, and ends it after its first message.
fn first_message(
    command: &ChildCommand,
    request: Option<&[u8]>,
    patience: Duration,
    interrupt: &Interrupt,
) -> Result<Hello, RepeatError> {
    let mark = Mark::new();
    // Created before the program, so that it is dropped (and removed) after the program has ended.
    let scratch = Scratch::new(&mark);
    let cannot =
        |error| Fault::Spawn { message: format!("cannot start {}: {error}", command.program.display()).into() };
    let mut process =
        Process::spawn(command.to_command(&scratch), mark, LINE_BYTES).map_err(|error| cannot(error).alone())?;
    let asked = match request {
        Some(request) => process.write(request).map_err(|error| internal(&error)),
        None => {
            process.close_stdin();
            Ok(())
        }
    };
    let heard = asked.and_then(|()| listen(&mut process, patience, interrupt));
    let ended = process.end();
    let fault = match heard {
        Ok(Heard::Hello(hello)) => return Ok(hello),
        Ok(Heard::Nothing) => match ended {
            Ok(status) => child::exited(status, false),
            Err(error) => child::no_status(error),
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
    let mut closed = None;
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
        let heard = process.pump(wait).map_err(child::cannot_hear)?;
        // A program that ends closes its output first. Its status says why it said nothing.
        let is_quiet = !process.output_open() && {
            let now = waited.elapsed();
            now - *closed.get_or_insert(now) >= FAREWELL
        };
        if (exited && !heard) || is_quiet {
            return Ok(Heard::Nothing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{HELLO, planned};
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> ChildCommand {
        ChildCommand { args: vec!["-c".into(), script.into()], ..ChildCommand::new("sh") }
    }

    /// What comes of asking a program in both ways. Each must hear the same.
    fn ask(script: &str) -> [Result<(), RepeatError>; 2] {
        let interrupt = Interrupt::new();
        [
            probe(&shell(script), LONG, &interrupt).map(|hello| assert_eq!(hello.name.as_given(), "fake")),
            greet(&shell(script), &planned(0, 0), LONG, &interrupt),
        ]
    }

    #[test]
    fn a_hello_is_enough_whatever_follows() {
        for rest in ["", "; cat", "; sleep 600", "; printf x; exit 3", "; kill -SEGV $$"] {
            assert_eq!(ask(&format!("printf '%s\\n' '{HELLO}'{rest}")), [Ok(()), Ok(())], "{rest}");
        }
    }

    #[test]
    fn only_a_program_that_is_to_carry_out_a_repeat_gets_one() {
        let script = |hello| format!("read request && echo '{hello}'");
        let interrupt = Interrupt::new();
        assert_eq!(greet(&shell(&script(HELLO)), &planned(0, 0), LONG, &interrupt), Ok(()));
        let error = probe(&shell(&script(HELLO)), LONG, &interrupt).expect_err("its stdin is closed");
        assert!(error.fault.sentence().as_given().contains("exited with status 1"), "{error:?}");
    }

    #[test]
    fn everything_else_is_refused_with_the_last_words() {
        for (script, expected) in [
            ("exit 7", "the child exited with status 7 without a result"),
            ("exec >&-; sleep 0.1; exit 7", "the child exited with status 7 without a result"),
            ("read request; exit 7", "the child exited with status 7 without a result"),
            ("echo hi", "not a message"),
            ("echo '\"started\"'", "the child says started where hello or error comes first"),
            (r#"echo '{"hello":{"protocol":9,"name":"q","version":"2"}}'"#, "version 9 of the protocol"),
            (r#"echo '{"error":{"kind":"not_built","message":"no such thing"}}'"#, "no such thing"),
            ("head -c 200000 /dev/zero | tr '\\0' x", "longer than 65536 bytes"),
        ] {
            for asked in ask(&format!("echo sorry >&2; {script}")) {
                let error = asked.expect_err(script);
                assert!(error.fault.sentence().as_given().contains(expected), "{script}: {error:?}");
                assert_eq!(error.stderr_tail, ["sorry"], "{script}");
            }
        }
        let nothing = ChildCommand::new("/no/such/program");
        let error = probe(&nothing, LONG, &Interrupt::new()).expect_err("not there");
        assert!(error.fault.sentence().as_given().contains("/no/such/program"), "{error:?}");
    }

    #[test]
    fn silence_ends() {
        let silent = ChildCommand { args: vec!["600".into()], ..ChildCommand::new("sleep") };
        let error = probe(&silent, Duration::ZERO, &Interrupt::new()).expect_err("says nothing");
        assert!(error.fault.sentence().as_given().contains("not said hello"), "{error:?}");
        let interrupt = Interrupt::new();
        interrupt.raise();
        assert_eq!(probe(&silent, LONG, &interrupt).expect_err("interrupted").fault, Fault::Interrupted);
    }
}
