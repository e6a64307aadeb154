//! Runs each repeat in a child process that speaks the protocol of [`crate::worker::protocol`].

use super::ceiling::{self, Ceiling};
use super::conversation::{Conversation, Said};
use super::driver::{Driver, Interrupt};
use super::errors::{Fault, RepeatError, excerpt};
use super::leftovers::{self, Mark};
use super::process::Process;
use super::scratch::Scratch;
use super::verify::Verify;
use super::witness::{Seen, Watch};
use crate::measure::steady::in_fact;
use crate::measure::{Measurement, Rates};
use crate::plan::PlannedRepeat;
use crate::platform;
use crate::worker::Patience;
use crate::worker::protocol::{Progress, Request};
use std::ffi::OsString;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// Longest time between two checks of the interrupt flag and of whether the child still runs.
const TICK: Duration = Duration::from_millis(50);
/// The same, while the child is expected to end.
const ENDING_TICK: Duration = Duration::from_millis(5);
/// The running binary, even if another file has been put in its place since it started.
const OWN_BINARY: &str = "/proc/self/exe";

/// A program that speaks the protocol, and how to start it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildCommand {
    /// Path, or a name that is looked up in `PATH`.
    pub program: PathBuf,
    /// The name that the program gets as its `argv[0]`; `None`: its path.
    pub name: Option<String>,
    /// Arguments.
    pub args: Vec<OsString>,
    /// Variables that are added to the environment of this process.
    pub env: Vec<(OsString, OsString)>,
    /// The directory that it runs in; `None`: the one of this process.
    pub working_dir: Option<PathBuf>,
    /// Whether it may print other lines before its first message, as a Rust test harness does.
    pub preamble: bool,
}

impl ChildCommand {
    /// A program without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            name: None,
            args: Vec::new(),
            env: Vec::new(),
            working_dir: None,
            preamble: false,
        }
    }

    /// This same binary with the verb `worker`. If the file is rebuilt while a plan runs, the old program still runs.
    ///
    /// # Errors
    /// The path of the running binary cannot be found.
    pub fn worker() -> io::Result<Self> {
        let own = Path::new(OWN_BINARY);
        let program = if own.exists() { own.to_owned() } else { std::env::current_exe()? };
        Ok(Self { name: Some("queue-load".to_owned()), args: vec!["worker".into()], ..Self::new(program) })
    }

    pub(super) fn to_command(&self, scratch: &Scratch) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if let Some(path) = scratch.path() {
            command.envs(platform::TEMPORARY.iter().map(|variable| (variable, path)));
        }
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        if let Some(name) = &self.name {
            platform::call_itself(&mut command, name);
        }
        if let Some(path) = &self.working_dir {
            command.current_dir(path);
        }
        command
    }
}

/// How much a child may write and how long it may take; a child that exceeds a limit is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest line, in bytes.
    pub line_bytes: usize,
    /// Largest number of messages.
    pub messages: u64,
    /// Time for the child to end by itself after its last message. After that its stdin is closed, which tells it to
    /// end.
    pub farewell: Duration,
    /// Time for the child to end after its stdin was closed, or after it has closed its output.
    pub exit_grace: Duration,
    /// Time for the processes that the child started to end after the child has ended.
    pub leftover_grace: Duration,
}

impl Default for Limits {
    /// 16 MiB, 1,000,000 messages (enough for a day with ten messages a second), 0.25 s, 5 s, 0.5 s.
    fn default() -> Self {
        Self {
            line_bytes: 16 * 1024 * 1024,
            messages: 1_000_000,
            farewell: Duration::from_millis(250),
            exit_grace: Duration::from_secs(5),
            leftover_grace: Duration::from_millis(500),
        }
    }
}

/// Runs each repeat as a new child process, in its own process group and with its own directory for temporary files.
/// Both are gone when the repeat is over, whichever way it ended.
///
/// On Linux, processes that a repeat leaves without a parent become children of this process (it becomes a "child
/// subreaper"), so that they can be killed with the repeat. A program that uses this as a library must therefore not
/// start its own process groups during a repeat: they could not be distinguished from those orphans.
pub struct ChildDriver {
    command: ChildCommand,
    limits: Limits,
    verify: Verify,
}

/// What is watched from outside while a child runs.
struct Guard {
    ceiling: Option<Ceiling>,
    /// Since it was started.
    patience: Patience,
    looked: Instant,
    /// For how long the child was seen to be stopped, though this process was not.
    stopped: Duration,
}

impl Guard {
    fn begin() -> Self {
        Self { ceiling: None, patience: Patience::begin(), looked: Instant::now(), stopped: Duration::ZERO }
    }

    /// Looks at whether the child is stopped, and at what it holds, if that is limited.
    fn look(&mut self, child: u32) -> Result<(), Fault> {
        let since = mem::replace(&mut self.looked, Instant::now()).elapsed();
        if platform::is_stopped(child) {
            self.stopped += since;
        }
        self.ceiling.as_mut().map_or(Ok(()), Ceiling::look)
    }

    /// For how long this process, or the child, was stopped until the result came; `None` if neither was.
    fn paused_ns(&self) -> Option<u64> {
        let paused = self.patience.paused().max(self.stopped);
        (!paused.is_zero()).then(|| u64::try_from(paused.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Why a child gave no measurement.
enum Broken {
    Fault(Fault),
    /// The child reported that it failed.
    Failed(Fault),
    /// The child ended before a result; its exit status says how.
    Ended,
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl ChildDriver {
    /// Runs `command` for every repeat. If `verify` finds something untrue in a result, the repeat is an error.
    #[must_use]
    pub fn new(command: ChildCommand, verify: Verify) -> Self {
        Self { command, limits: Limits::default(), verify }
    }

    /// Replaces the limits.
    #[cfg(test)]
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    fn spawn(&self, mark: Mark, scratch: &Scratch) -> Result<Process, Fault> {
        let command = &self.command;
        Process::spawn(command.to_command(scratch), mark, self.limits.line_bytes).map_err(|error| Fault::Spawn {
            message: match &command.working_dir {
                Some(dir) => format!("cannot start {} in {}: {error}", command.program.display(), dir.display()).into(),
                None => format!("cannot start {}: {error}", command.program.display()).into(),
            },
        })
    }

    /// Sends the request and reads messages up to the result or an error.
    fn converse(
        &self,
        process: &mut Process,
        guard: &mut Guard,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Box<Measurement>, Broken> {
        let deadline = Duration::from_nanos(repeat.deadline.0);
        let preamble = self.command.preamble;
        let mut conversation = Conversation::new(self.limits.messages).with_preamble(preamble);
        guard.ceiling = repeat.memory_limit.map(|limit| Ceiling::of(process.id(), limit.0)).transpose()?;
        let tick = if guard.ceiling.is_some() { ceiling::LOOK_EVERY } else { TICK };
        send(process, repeat)?;
        loop {
            if interrupt.is_raised() {
                return Err(Fault::Interrupted.into());
            }
            let left = deadline.saturating_sub(guard.patience.elapsed());
            if left.is_zero() {
                return Err(Fault::TimedOut { deadline_ns: repeat.deadline.0 }.into());
            }
            guard.look(process.id())?;
            if let Some(line) = self.next_line(process)? {
                match conversation.hear(line)? {
                    Said::Onward => {}
                    Said::Progress(progress) => on_progress(progress),
                    Said::Over(Ok(measurement)) => return Ok(measurement),
                    Said::Over(Err(failure)) => return Err(Broken::Failed(failure.into())),
                }
                continue;
            }
            // Asked before the pump: if the child had exited by then, one pump takes in everything that it wrote.
            let exited = process.has_exited();
            let heard = process.pump(if exited { Duration::ZERO } else { tick.min(left) }).map_err(cannot_hear)?;
            if exited && !heard {
                return Err(Broken::Ended);
            }
            if !process.output_open() {
                return Err(self.await_exit(process, guard, interrupt, left));
            }
        }
    }

    fn next_line<'p>(&self, process: &'p mut Process) -> Result<Option<&'p [u8]>, Fault> {
        process.next_line().map_err(|long| {
            let problem = format!("a line of the child is longer than {} bytes", self.limits.line_bytes);
            Fault::bad_line(problem, &long.head)
        })
    }

    /// Waits a bounded time for the end of a child that has closed its output without a result.
    fn await_exit(&self, process: &mut Process, guard: &mut Guard, interrupt: &Interrupt, left: Duration) -> Broken {
        let mut patience = Patience::begin();
        let most = self.limits.exit_grace.min(left);
        while !process.has_exited() {
            if interrupt.is_raised() {
                return Fault::Interrupted.into();
            }
            if let Err(fault) = guard.look(process.id()) {
                return fault.into();
            }
            if patience.elapsed() >= most {
                return Fault::protocol("the child closed its output without a result and ran on").into();
            }
            if let Err(error) = process.pump(ENDING_TICK) {
                return cannot_hear(error).into();
            }
        }
        Broken::Ended
    }

    /// Waits for the end of a child after its last message. It may say nothing more, and all that it started must end
    /// too.
    fn settle(&self, process: &mut Process, guard: &mut Guard, interrupt: &Interrupt) -> Result<(), Fault> {
        let mut patience = Patience::begin();
        let give_up = self.limits.farewell + self.limits.exit_grace;
        let mut exited_at = None;
        loop {
            silence(process)?;
            if interrupt.is_raised() {
                return Err(Fault::Interrupted);
            }
            guard.look(process.id())?;
            let now = patience.elapsed();
            if exited_at.is_none() && process.has_exited() {
                exited_at = Some(now);
            }
            if let Some(at) = exited_at {
                let left = process.leftovers();
                if left.is_empty() && !process.output_open() {
                    return Ok(());
                }
                if now - at >= self.limits.leftover_grace {
                    let what = match left.as_slice() {
                        [] => "a process that holds the child's output".into(),
                        left => leftovers::describe(left).into(),
                    };
                    return Err(Fault::LeftBehind { what });
                }
            } else if now >= give_up {
                return Err(Fault::LeftBehind { what: format!("the child (process {})", process.id()).into() });
            } else if now >= self.limits.farewell {
                process.close_stdin();
            }
            process.pump(ENDING_TICK).map_err(cannot_hear)?;
        }
    }

    /// Ends the child, and decides from its answer and its exit status whether there is a result.
    fn conclude(
        &self,
        process: &mut Process,
        guard: &mut Guard,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        said: Result<Box<Measurement>, Broken>,
        seen: &Seen,
    ) -> Result<Measurement, Fault> {
        let settled = match &said {
            Ok(_) | Err(Broken::Failed(_)) => self.settle(process, guard, interrupt),
            Err(_) => Ok(()),
        };
        let half_line = process.unended_line().to_vec();
        // Asked before `end`, which closes stdin in any case.
        let told_to_stop = process.is_told_to_stop();
        let status = process.end();
        match said {
            Err(Broken::Fault(fault) | Broken::Failed(fault)) => Err(fault),
            Err(Broken::Ended) => {
                let status = status.map_err(no_status)?;
                if status.success() && !half_line.is_empty() {
                    return Err(Fault::bad_line("the child ended in the middle of a line", &half_line));
                }
                Err(exited(status, false))
            }
            Ok(measurement) => {
                settled?;
                let status = status.map_err(no_status)?;
                // A child that was told to stop may exit with any status; only a signal then counts as a crash.
                let crashed = if told_to_stop { platform::signal_of(status).is_some() } else { !status.success() };
                if crashed {
                    return Err(exited(status, true));
                }
                self.believe(repeat, *measurement, seen)
            }
        }
    }

    /// Checks a result against what the runner observed and with `verify`; a result that contradicts either is an
    /// error.
    fn believe(&self, repeat: &PlannedRepeat, mut measurement: Measurement, seen: &Seen) -> Result<Measurement, Fault> {
        // The window may have been shorter than the longest one: everything is held to the one that it was.
        let repeat = &in_fact(repeat, measurement.steadiness);
        if measurement.rates.are_left_out() {
            measurement.rates = Rates::of(&measurement.ledger, repeat.parameters.duration.0);
        }
        let unseen = seen.against(repeat, &measurement);
        if !unseen.is_empty() {
            let unseen: Vec<String> = unseen.iter().map(ToString::to_string).collect();
            let unseen = excerpt(unseen.join("; ").as_bytes());
            return Err(Fault::protocol(format!("the runner saw otherwise: {unseen}")));
        }
        let Some(untrue) = self.verify.problem(repeat, &measurement) else { return Ok(measurement) };
        Err(Fault::protocol(excerpt(untrue.as_bytes())))
    }
}

impl Driver for ChildDriver {
    fn run(
        &mut self,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Measurement, RepeatError> {
        let mark = Mark::new();
        // Created before the child, so that it is dropped (and removed) after the child has ended.
        let scratch = Scratch::new(&mark);
        let mut process = self.spawn(mark, &scratch).map_err(Fault::alone)?;
        let watch = Watch::begin();
        let mut guard = Guard::begin();
        let said = self.converse(&mut process, &mut guard, repeat, interrupt, on_progress);
        let seen = watch.seen();
        let mut outcome = self.conclude(&mut process, &mut guard, repeat, interrupt, said, &seen);
        if let Ok(measurement) = &mut outcome {
            // Whatever it says itself: a program must not excuse itself.
            measurement.machine.paused_ns = guard.paused_ns();
        }
        outcome.map_err(|fault| RepeatError { fault, stderr_tail: process.take_tail() })
    }
}

fn send(process: &mut Process, repeat: &PlannedRepeat) -> Result<(), Fault> {
    let request = Request::of(repeat);
    let cannot =
        |error: io::Error| Fault::Spawn { message: format!("cannot send the child its request: {error}").into() };
    let mut line = serde_json::to_vec(&request).map_err(|error| cannot(error.into()))?;
    line.push(b'\n');
    process.write(&line).map_err(cannot)
}

/// Fails if the child has written anything after its last message.
fn silence(process: &mut Process) -> Result<(), Fault> {
    const PROBLEM: &str = "the child goes on after its last message";
    match process.next_line() {
        Ok(Some(line)) => return Err(Fault::bad_line(PROBLEM, line)),
        Err(long) => return Err(Fault::bad_line(PROBLEM, &long.head)),
        Ok(None) => {}
    }
    let rest = process.unended_line();
    if rest.is_empty() { Ok(()) } else { Err(Fault::bad_line(PROBLEM, rest)) }
}

pub(super) fn exited(status: ExitStatus, after_result: bool) -> Fault {
    Fault::Exited { code: status.code(), signal: platform::signal_of(status), after_result }
}

pub(super) fn cannot_hear(error: io::Error) -> Fault {
    Fault::Spawn { message: format!("cannot read from the child: {error}").into() }
}

pub(super) fn no_status(error: io::Error) -> Fault {
    Fault::Spawn { message: format!("cannot tell how the child ended: {error}").into() }
}
