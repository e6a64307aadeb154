//! A child in a process group of its own: its pipes, its exit and its end.
//!
//! | file | where |
//! |---|---|
//! | `unix` | Unix: one thread does it all and never blocks on a pipe |
//! | `threads` | elsewhere: a thread for each pipe, and the child alone is ended |
//!
//! What a stray process holds open can delay nothing. On Unix the child is waited for only after its group was killed, so
//! that the group's number cannot have passed to a stranger.

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
use std::io::{self, ErrorKind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// How often stderr is read before stdout has its turn again.
const STDERR_READS: usize = 16;
/// Longest time to wait for killed processes to be gone.
const KILL_WAIT: Duration = Duration::from_secs(5);
/// Time between two looks at whether they are.
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
    /// Starts the child with `line_bytes` as the longest line that it may write.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn spawn(mut command: Command, mark: Mark, line_bytes: usize) -> io::Result<Self> {
        command.env(MARK, mark.as_str()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        system::set_apart(&mut command);
        leftovers::adopt();
        let mut children = Children::lock();
        let mut child = command.spawn()?;
        children.add(child.id());
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

    /// Writes to the child's stdin, which stays open. A child that reads no more is no error here: its end tells.
    ///
    /// # Errors
    /// When the text does not fit the pipe at once, or writing fails.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match self.pipes.write(text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Ends the child's stdin: it is to stop.
    pub(super) fn close_stdin(&mut self) {
        self.pipes.close_stdin();
    }

    /// Whether its stdin has ended.
    pub(super) fn is_told_to_stop(&self) -> bool {
        !self.pipes.stdin_open()
    }

    /// Waits up to `timeout` for output of the child and takes in what there is; says whether stdout gave anything.
    ///
    /// # Errors
    /// When the pipes cannot be waited for or read.
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

    /// The next line that [`pump`](Self::pump) took in.
    ///
    /// # Errors
    /// When it is too long.
    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, TooLong> {
        self.lines.next_line()
    }

    /// What was taken in of a line that has not ended.
    pub(super) fn unended_line(&self) -> &[u8] {
        self.lines.rest()
    }

    /// Whether anyone can still write to the child's stdout.
    pub(super) fn output_open(&self) -> bool {
        self.pipes.stdout_open()
    }

    /// Whether the child itself has ended. Ask before [`pump`](Self::pump): what it wrote is then there to be read.
    pub(super) fn has_exited(&mut self) -> bool {
        let exited = system::has_exited(&mut self.child);
        if exited {
            self.pipes.expect_the_end();
        }
        exited
    }

    /// What else runs of this repeat.
    pub(super) fn leftovers(&self) -> Vec<Leftover> {
        leftovers::find(self.child.id(), &self.mark)
    }

    /// Kills whatever still runs of this repeat, waits for it to be gone, and takes the rest of stderr.
    ///
    /// # Errors
    /// When the child's exit status cannot be had, or the child survives being killed.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        self.close_stdin();
        let give_up = Instant::now() + KILL_WAIT;
        loop {
            // No such group, or nobody in it that we may kill: nothing that could be done about it.
            system::kill_group(&mut self.child);
            // Asked first: its orphans are ours once it has ended.
            let exited = self.has_exited();
            let left = self.leftovers();
            left.iter().for_each(|process| system::kill(process.pid));
            if (left.is_empty() && exited) || Instant::now() >= give_up {
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
    pub(super) fn take_tail(&mut self) -> Vec<String> {
        std::mem::take(&mut self.tail).finish()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            // Only when the caller was cut short by a panic: nobody is there to hear how it went.
            let _ = self.end();
        }
    }
}
