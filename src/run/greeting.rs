//! Finds out whether another program can carry out repeats: sends it a real request, waits for its `hello`, and ends
//! it.

use super::child::ChildCommand;
use super::conversation::{Conversation, Said};
use super::driver::Interrupt;
use super::errors::{Fault, RepeatError};
use super::leftovers::Mark;
use super::process::Process;
use super::scratch::Scratch;
use crate::plan::PlannedRepeat;
use crate::worker::Patience;
use crate::worker::protocol::Request;
use std::time::Duration;

/// Longest time between two checks of the interrupt flag and of whether the program still runs.
const TICK: Duration = Duration::from_millis(50);
/// Longest line, in bytes.
const LINE_BYTES: usize = 64 * 1024;
/// The usual time to wait for the first message.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the program for that repeat. After its `hello`, the program and all that it started are ended.
///
/// # Errors
/// The program cannot be started, does not speak the protocol or speaks another version of it, refuses the repeat, or
/// says nothing within `patience`.
pub fn greet(
    command: &ChildCommand,
    repeat: &PlannedRepeat,
    patience: Duration,
    interrupt: &Interrupt,
) -> Result<(), RepeatError> {
    let mark = Mark::new();
    // Created before the program, so that it is dropped (and removed) after the program has ended.
    let scratch = Scratch::new(&mark);
    let cannot =
        |error| Fault::Spawn { message: format!("cannot start {}: {error}", command.program.display()).into() };
    let mut process =
        Process::spawn(command.to_command(&scratch), mark, LINE_BYTES).map_err(|error| cannot(error).alone())?;
    let heard = listen(&mut process, repeat, patience, interrupt);
    let _ = process.end();
    heard.map_err(|fault| RepeatError { fault, stderr_tail: process.take_tail() })
}

fn listen(
    process: &mut Process,
    repeat: &PlannedRepeat,
    patience: Duration,
    interrupt: &Interrupt,
) -> Result<(), Fault> {
    let internal = |error: &dyn std::fmt::Display| Fault::Internal { message: error.to_string().into() };
    let request = Request::of(repeat);
    let mut line = serde_json::to_vec(&request).map_err(|error| internal(&error))?;
    line.push(b'\n');
    process.write(&line).map_err(|error| internal(&error))?;
    let mut conversation = Conversation::new(1);
    let mut waited = Patience::begin();
    loop {
        if interrupt.is_raised() {
            return Err(Fault::Interrupted);
        }
        let long = |_| Fault::protocol(format!("its first line is longer than {LINE_BYTES} bytes"));
        if let Some(line) = process.next_line().map_err(long)? {
            return match conversation.hear(line)? {
                Said::Over(Err(failure)) => Err(failure.into()),
                Said::Onward | Said::Progress(_) | Said::Over(Ok(_)) => Ok(()),
            };
        }
        let left = patience.saturating_sub(waited.elapsed());
        if left.is_zero() {
            return Err(Fault::protocol(format!("it has not said hello within {} s", patience.as_secs_f64())));
        }
        let exited = process.has_exited();
        let heard = process.pump(if exited { Duration::ZERO } else { TICK.min(left) }).map_err(|e| internal(&e))?;
        if !heard && (exited || !process.output_open()) {
            return Err(Fault::protocol("it ended without a hello"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{HELLO, planned};
    use super::*;

    fn ask(script: &str) -> Result<(), RepeatError> {
        let command = ChildCommand { args: vec!["-c".into(), script.into()], ..ChildCommand::new("sh") };
        greet(&command, &planned(0, 0), Duration::from_secs(60), &Interrupt::new())
    }

    #[test]
    fn a_hello_is_enough_whatever_follows() {
        for rest in ["", "; sleep 600", "; printf x; exit 3", "; kill -SEGV $$"] {
            assert_eq!(ask(&format!("read request; printf '%s\\n' '{HELLO}'{rest}")), Ok(()), "{rest}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_the_last_words() {
        for (script, expected) in [
            ("exit 7", "ended without a hello"),
            ("read request", "ended without a hello"),
            ("echo hi", "not a message"),
            ("echo '\"started\"'", "started"),
            (r#"echo '{"hello":{"protocol":9,"name":"q","version":"2"}}'"#, "version 9 of the protocol"),
            (r#"echo '{"error":{"kind":"bad_request","message":"no such queue"}}'"#, "no such queue"),
            ("head -c 200000 /dev/zero | tr '\\0' x", "longer than 65536 bytes"),
        ] {
            let error = ask(&format!("echo sorry >&2; {script}")).expect_err(script);
            assert!(error.fault.sentence().as_given().contains(expected), "{script}: {error:?}");
            assert_eq!(error.stderr_tail, ["sorry"], "{script}");
        }
        let nothing = ChildCommand::new("/no/such/program");
        let error = greet(&nothing, &planned(0, 0), PATIENCE, &Interrupt::new()).expect_err("not there");
        assert!(error.fault.sentence().as_given().contains("/no/such/program"), "{error:?}");
    }

    #[test]
    fn silence_ends() {
        let silent = ChildCommand { args: vec!["600".into()], ..ChildCommand::new("sleep") };
        let error = greet(&silent, &planned(0, 0), Duration::ZERO, &Interrupt::new()).expect_err("says nothing");
        assert!(error.fault.sentence().as_given().contains("not said hello"), "{error:?}");
        let interrupt = Interrupt::new();
        interrupt.raise();
        let error = greet(&silent, &planned(0, 0), PATIENCE, &interrupt).expect_err("interrupted");
        assert_eq!(error.fault, Fault::Interrupted);
    }
}
