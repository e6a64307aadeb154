//! A child in its own process group: its pipes, how it ends and how it is killed.
//!
//! | file | where |
//! |---|---|
//! | `unix` | Unix: one thread does everything and never blocks on a pipe |
//! | `threads` | other systems: a thread for each pipe, and only the child itself is killed |
//!
//! A stray process that holds a pipe open cannot delay anything. On Unix the child is reaped only after its group was
//! killed. Until then the kernel cannot give the group's number to a new process.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;

#[cfg(any(not(unix), test))]
mod threads;
#[cfg(not(unix))]
use threads as system;

use super::leftovers::{self, Children, Leftover, MARK, Mark};
use super::lines::{LineSplitter, TooLong};
use super::stderr::Tail;
use crate::platform;
use crate::untrusted::Untrusted;
use crate::worker::Patience;
use std::io::{self, ErrorKind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Largest number of bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many times stderr is read before stdout is read again.
const STDERR_READS: usize = 16;
/// Longest time to wait for killed processes to end.
const KILL_WAIT: Duration = Duration::from_secs(5);
/// Time between two checks of whether they have ended.
const KILL_TICK: Duration = Duration::from_millis(2);

/// A running child.
pub(super) struct Process {
    child: Child,
    mark: Mark,
    pipes: system::Pipes,
    lines: LineSplitter,
    tail: Tail,
    reaped: bool,
}

impl Process {
    /// Starts the child. `line_bytes` is the length of the longest line that it may write, in bytes.
    ///
    /// # Errors
    /// The child cannot be started, or its pipes cannot be prepared.
    pub(super) fn spawn(mut command: Command, mark: Mark, line_bytes: usize) -> io::Result<Self> {
        command.env(MARK, mark.as_str()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        system::set_apart(&mut command);
        leftovers::adopt();
        // Held while the child is started: a search for orphans in between would take the new child for one and kill
        // it.
        let mut children = Children::lock();
        let mut child = command.spawn()?;
        children.add(child.id());
        platform::offer_when_memory_runs_out(child.id());
        drop(children);
        let pipes = system::Pipes::of(&mut child);
        let mut process =
            Self { child, mark, pipes, lines: LineSplitter::new(line_bytes), tail: Tail::default(), reaped: false };
        process.pipes.open()?;
        Ok(process)
    }

    /// The child's process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to the child's stdin, which stays open. It is no error here if the child no longer reads: its exit status
    /// will say why.
    ///
    /// # Errors
    /// On Unix the text does not fit into the pipe at once, or writing fails.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match self.pipes.write(text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Closes the child's stdin, which tells the child to stop.
    pub(super) fn close_stdin(&mut self) {
        self.pipes.close_stdin();
    }

    /// Whether its stdin was closed.
    pub(super) fn is_told_to_stop(&self) -> bool {
        !self.pipes.stdin_open()
    }

    /// Waits up to `timeout` for output of the child and takes it in. Returns whether there was any on stdout.
    ///
    /// # Errors
    /// The pipes cannot be waited for or read.
    pub(super) fn pump(&mut self, timeout: Duration) -> io::Result<bool> {
        if !self.pipes.wait(timeout)? {
            return Ok(false);
        }
        self.read_stderr(STDERR_READS)?;
        match self.pipes.read_stdout()? {
            Some(bytes) => {
                self.lines.feed(bytes);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn read_stderr(&mut self, times: usize) -> io::Result<()> {
        for _ in 0..times {
            let Some(bytes) = self.pipes.read_stderr()? else {
                break;
            };
            self.tail.feed(bytes);
        }
        Ok(())
    }

    /// The next line that [`pump`](Self::pump) took in; `None` if there is no complete one.
    ///
    /// # Errors
    /// The line is too long.
    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, TooLong> {
        self.lines.next_line()
    }

    /// The part of an incomplete line that was taken in.
    pub(super) fn unended_line(&self) -> &[u8] {
        self.lines.rest()
    }

    /// Whether anyone can still write to the child's stdout.
    pub(super) fn output_open(&self) -> bool {
        self.pipes.stdout_open()
    }

    /// Whether the child itself has ended. Call this before [`pump`](Self::pump): then the pump takes in all that it
    /// wrote.
    pub(super) fn has_exited(&mut self) -> bool {
        let exited = system::has_exited(&mut self.child);
        if exited {
            self.pipes.expect_the_end();
        }
        exited
    }

    /// The other processes of this repeat that still run.
    pub(super) fn leftovers(&self) -> Vec<Leftover> {
        leftovers::find(self.child.id(), &self.mark)
    }

    /// Kills every process of this repeat that still runs, waits until all have ended, and reads the rest of stderr.
    ///
    /// # Errors
    /// The child's exit status cannot be read, or the child survives being killed.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        self.close_stdin();
        let mut patience = Patience::begin();
        loop {
            // This fails if there is no such group or no process in it that we may kill; nothing can be done about
            // either.
            system::kill_group(&mut self.child);
            // Asked before looking for leftovers: once the child has ended, its orphans are our children.
            let exited = self.has_exited();
            let left = self.leftovers();
            left.iter().for_each(|process| system::kill(process.pid));
            if (left.is_empty() && exited) || patience.elapsed() >= KILL_WAIT {
                break;
            }
            std::thread::sleep(KILL_TICK);
        }
        self.pipes.wait(Duration::ZERO)?;
        self.read_stderr(STDERR_READS * STDERR_READS)?;
        self.pipes.close_outputs();
        self.reaped = true;
        let status = self.child.try_wait()?;
        if status.is_some() {
            Children::lock().remove(self.child.id());
        }
        status.ok_or_else(|| io::Error::new(ErrorKind::TimedOut, "it cannot be killed"))
    }

    /// The last lines of its stderr.
    pub(super) fn take_tail(&mut self) -> Vec<Untrusted> {
        std::mem::take(&mut self.tail).finish()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            // This happens only if the caller panicked, so nobody needs the status.
            let _ = self.end();
        }
    }
}
