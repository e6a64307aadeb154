//! A child in a process group of its own: its pipes, its exit and its end.
//!
//! One thread does it all and never blocks on a pipe: what a stray process holds open can delay nothing, and no reader
//! is left behind. The child is waited for only after its group was killed, so that the group's number cannot have
//! passed to a stranger.

use super::leftovers::{self, Children, Leftover, MARK, Mark};
use super::lines::{LineSplitter, TooLong};
use super::stderr::Tail;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
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
    pid: Pid,
    mark: Mark,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    lines: LineSplitter,
    tail: Tail,
    chunk: Box<[u8]>,
    reaped: bool,
}

impl Process {
    /// Starts the child with `line_bytes` as the longest line that it may write.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn spawn(mut command: Command, mark: Mark, line_bytes: usize) -> io::Result<Self> {
        command
            .env(MARK, mark.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        leftovers::adopt();
        let mut children = Children::lock();
        let mut child = command.spawn()?;
        children.add(Pid::from_child(&child));
        drop(children);
        let process = Self {
            pid: Pid::from_child(&child),
            mark,
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            lines: LineSplitter::new(line_bytes),
            tail: Tail::default(),
            chunk: vec![0; CHUNK_BYTES].into(),
            reaped: false,
        };
        process.never_block()?;
        Ok(process)
    }

    fn never_block(&self) -> io::Result<()> {
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

    /// The child's process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to the child's stdin, which stays open. A child that reads no more is no error here: its end tells.
    ///
    /// # Errors
    /// When the text does not fit the pipe at once, or writing fails.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else {
            return Ok(());
        };
        match stdin.write_all(text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Ends the child's stdin: it is to stop.
    pub(super) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Whether its stdin has ended.
    pub(super) fn is_told_to_stop(&self) -> bool {
        self.stdin.is_none()
    }

    /// Waits up to `timeout` for output of the child and takes in what there is; says whether stdout gave anything.
    ///
    /// # Errors
    /// When the pipes cannot be waited for or read.
    pub(super) fn pump(&mut self, timeout: Duration) -> io::Result<bool> {
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        let mut pipes: Vec<PollFd<'_>> = Vec::with_capacity(2);
        pipes.extend(self.stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        pipes.extend(self.stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        match poll(&mut pipes, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        self.read_stderr(STDERR_READS)?;
        match read(&mut self.stdout, &mut self.chunk)? {
            Some(bytes) => {
                self.lines.feed(bytes);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn read_stderr(&mut self, times: usize) -> io::Result<()> {
        for _ in 0..times {
            let Some(bytes) = read(&mut self.stderr, &mut self.chunk)? else {
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
        self.stdout.is_some()
    }

    /// Whether the child itself has ended. Ask before [`pump`](Self::pump): what it wrote is then there to be read.
    pub(super) fn has_exited(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid), options) {
            Ok(status) => status.is_some(),
            Err(error) => error != rustix::io::Errno::INTR,
        }
    }

    /// What else runs of this repeat.
    pub(super) fn leftovers(&self) -> Vec<Leftover> {
        leftovers::find(self.pid, &self.mark)
    }

    /// Kills whatever still runs of this repeat, waits for it to be gone, and takes the rest of stderr.
    ///
    /// # Errors
    /// When the child's exit status cannot be had, or the child survives being killed.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        self.stdin = None;
        let give_up = Instant::now() + KILL_WAIT;
        loop {
            // No such group, or nobody in it that we may kill: nothing that could be done about it.
            let _ = kill_process_group(self.pid, Signal::KILL);
            // Asked first: its orphans are ours once it has ended.
            let exited = self.has_exited();
            let left = self.leftovers();
            for process in &left {
                let _ = kill_process(process.pid, Signal::KILL);
            }
            if (left.is_empty() && exited) || Instant::now() >= give_up {
                break;
            }
            std::thread::sleep(KILL_TICK);
        }
        self.read_stderr(STDERR_READS * STDERR_READS)?;
        self.stdout = None;
        self.stderr = None;
        self.reaped = true;
        let status = self.child.try_wait()?;
        if status.is_some() {
            Children::lock().remove(self.pid);
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

/// Reads once. `None` when there is nothing now; at its end the pipe is closed.
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
