//! A child's pipes, exit and end on Unix. One thread does everything, so no reader thread can be left behind.

use super::CHUNK_BYTES;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use std::time::Duration;

/// The child's three pipes. Only [`wait`](Self::wait) ever blocks on them.
pub(super) struct Pipes {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    chunk: Box<[u8]>,
}

impl Pipes {
    /// Takes the pipes from the child.
    pub(super) fn of(child: &mut Child) -> Self {
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            chunk: vec![0; CHUNK_BYTES].into(),
        }
    }

    /// Makes them non-blocking.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn open(&mut self) -> io::Result<()> {
        let pipes = [
            self.stdin.as_ref().map(AsFd::as_fd),
            self.stdout.as_ref().map(AsFd::as_fd),
            self.stderr.as_ref().map(AsFd::as_fd),
        ];
        for pipe in pipes.into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(())
    }

    /// Writes to stdin; does nothing if it was closed.
    ///
    /// # Errors
    /// The text does not fit into the pipe at once, or writing fails.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(text))
    }

    /// Closes stdin.
    pub(super) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Whether stdin is still open.
    pub(super) fn stdin_open(&self) -> bool {
        self.stdin.is_some()
    }

    /// Waits up to `timeout` for something to read. Returns whether there may be something.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn wait(&mut self, timeout: Duration) -> io::Result<bool> {
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        let mut pipes: Vec<PollFd<'_>> = Vec::with_capacity(2);
        pipes.extend(self.stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        pipes.extend(self.stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        match poll(&mut pipes, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(false),
            Ok(_) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// One piece of what the child wrote to stdout; `None` if there is nothing now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read_stdout(&mut self) -> io::Result<Option<&[u8]>> {
        read(&mut self.stdout, &mut self.chunk)
    }

    /// The same for stderr.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read_stderr(&mut self) -> io::Result<Option<&[u8]>> {
        read(&mut self.stderr, &mut self.chunk)
    }

    /// Whether a process can still write to stdout.
    pub(super) fn stdout_open(&self) -> bool {
        self.stdout.is_some()
    }

    /// Does nothing: what a child wrote before it ended is in the pipes already.
    pub(super) fn expect_the_end(&mut self) {}

    /// Stops reading.
    pub(super) fn close_outputs(&mut self) {
        self.stdout = None;
        self.stderr = None;
    }
}

/// Reads once. `None` if there is nothing now, or if the pipe has ended; it is closed then.
fn read<'a, P: Read>(pipe: &mut Option<P>, chunk: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
    let Some(open) = pipe else { return Ok(None) };
    match open.read(chunk) {
        Ok(0) => {
            *pipe = None;
            Ok(None)
        }
        Ok(count) => Ok(Some(&chunk[..count])),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives the child its own process group.
pub(super) fn set_apart(command: &mut Command) {
    command.process_group(0);
}

/// Whether the child has ended. It is not reaped, so the kernel cannot reuse its process id yet.
pub(super) fn has_exited(child: &mut Child) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(Pid::from_child(child)), options) {
        Ok(status) => status.is_some(),
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

/// Kills the child and its whole process group.
pub(super) fn kill_group(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// Kills a process.
pub(super) fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
}
