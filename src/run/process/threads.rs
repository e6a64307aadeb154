//! The pipes, the exit and the end of a child where pipes cannot be polled: a thread for each, with the standard library
//! alone. There are no process groups, so that the child itself is ended, and what it started is not.

use super::CHUNK_BYTES;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Pieces that the readers keep ready; what the child writes beyond that has to wait, and so has the child.
const READY: usize = 16;
/// Pieces of stderr that are kept here while stdout is waited for. More than a child can leave behind when it ends.
const MOST_OF_STDERR: usize = 4 * READY;
/// Time for the readers to hand over what a child wrote before it ended.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A piece of what the child wrote, or the end of it.
struct Piece {
    of_stdout: bool,
    /// None at the end.
    bytes: Vec<u8>,
}

/// What has come of a stream and was not asked for yet.
#[derive(Default)]
struct Inbox {
    pieces: VecDeque<Vec<u8>>,
    current: Vec<u8>,
    ended: bool,
}

/// The child's three pipes, each in the hands of a thread.
pub(super) struct Pipes {
    taken: Option<Taken>,
    stdin: Option<Sender<Vec<u8>>>,
    pieces: Option<Receiver<Piece>>,
    stdout: Inbox,
    stderr: Inbox,
    /// The child has ended.
    hurry: bool,
}

/// The ends of the pipes, before they have their threads.
struct Taken {
    stdin: Box<dyn Write + Send>,
    stdout: Box<dyn Read + Send>,
    stderr: Box<dyn Read + Send>,
}

impl Pipes {
    /// Takes them from the child.
    pub(super) fn of(child: &mut Child) -> Self {
        let taken = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let taken = taken.map(|((stdin, stdout), stderr)| Taken {
            stdin: Box::new(stdin),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
        });
        let (stdout, stderr) = (Inbox::default(), Inbox::default());
        Self { taken, stdin: None, pieces: None, stdout, stderr, hurry: false }
    }

    /// Makes them ready.
    ///
    /// # Errors
    /// When a thread cannot be started, or a pipe is not there.
    pub(super) fn open(&mut self) -> io::Result<()> {
        let Taken { mut stdin, stdout, stderr } =
            self.taken.take().ok_or_else(|| io::Error::new(ErrorKind::BrokenPipe, "the child has no pipes"))?;
        let (send, pieces) = sync_channel(READY);
        let (say, texts) = channel::<Vec<u8>>();
        (self.stdin, self.pieces) = (Some(say), Some(pieces));
        let write = move || {
            // Whoever reads no more has ended, and that is seen elsewhere.
            let _ = texts.into_iter().try_for_each(|text| stdin.write_all(&text));
        };
        thread::Builder::new().name("ql-stdin".into()).spawn(write)?;
        for (of_stdout, pipe, name) in [(true, stdout, "ql-stdout"), (false, stderr, "ql-stderr")] {
            let send = send.clone();
            thread::Builder::new().name(name.into()).spawn(move || hand_over(pipe, of_stdout, &send))?;
        }
        Ok(())
    }

    /// Writes to stdin; nothing happens where that has ended.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let sent = self.stdin.as_ref().map_or(Ok(()), |stdin| stdin.send(text.to_vec()));
        sent.map_err(|_| ErrorKind::BrokenPipe.into())
    }

    /// Ends stdin, once what was written is through.
    pub(super) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Whether stdin has not ended.
    pub(super) fn stdin_open(&self) -> bool {
        self.stdin.is_some()
    }

    /// Waits up to `timeout` for something to read, a little longer for the last words of a child that has ended; says
    /// whether there is.
    ///
    /// # Errors
    /// None.
    pub(super) fn wait(&mut self, timeout: Duration) -> io::Result<bool> {
        let until = Instant::now() + if self.hurry { timeout.max(LAST_WORDS) } else { timeout };
        let mut left = until.saturating_duration_since(Instant::now());
        while self.stdout.pieces.is_empty() && self.stderr.pieces.len() < MOST_OF_STDERR {
            let Some(pieces) = &self.pieces else { break };
            match pieces.recv_timeout(left) {
                Ok(piece) => {
                    let inbox = if piece.of_stdout { &mut self.stdout } else { &mut self.stderr };
                    inbox.ended = piece.bytes.is_empty();
                    inbox.pieces.extend(Some(piece.bytes).filter(|bytes| !bytes.is_empty()));
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    if !self.hurry {
                        // Both pipes are closed and the child runs on: whoever waits for its end must not spin.
                        thread::sleep(left);
                    }
                    break;
                }
            }
            // Beyond the first piece only what is there already is taken, unless nothing follows these.
            left = if self.hurry { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
        }
        Ok(!self.stdout.pieces.is_empty() || !self.stderr.pieces.is_empty())
    }

    /// What the child wrote to stdout, one piece of it; `None` when there is nothing now.
    ///
    /// # Errors
    /// None.
    pub(super) fn read_stdout(&mut self) -> io::Result<Option<&[u8]>> {
        Ok(self.stdout.next())
    }

    /// The same of stderr.
    ///
    /// # Errors
    /// None.
    pub(super) fn read_stderr(&mut self) -> io::Result<Option<&[u8]>> {
        Ok(self.stderr.next())
    }

    /// Whether anyone can still write to stdout, or what was written has not been read yet.
    pub(super) fn stdout_open(&self) -> bool {
        self.pieces.is_some() && !(self.stdout.ended && self.stdout.pieces.is_empty())
    }

    /// The child has ended: what it wrote may still be on its way through the readers.
    pub(super) fn expect_the_end(&mut self) {
        self.hurry = true;
    }

    /// Reads no more. A reader that still waits for a stray process ends with it.
    pub(super) fn close_outputs(&mut self) {
        self.pieces = None;
        (self.stdout, self.stderr) = (Inbox::default(), Inbox::default());
    }
}

impl Inbox {
    fn next(&mut self) -> Option<&[u8]> {
        self.current = self.pieces.pop_front()?;
        Some(&self.current)
    }
}

/// Reads a pipe to its end, piece by piece.
fn hand_over(mut pipe: Box<dyn Read + Send>, of_stdout: bool, send: &SyncSender<Piece>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = match pipe.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // What cannot be read has ended.
            read => read.unwrap_or(0),
        };
        let sent = send.send(Piece { of_stdout, bytes: chunk[..count].to_vec() });
        if count == 0 || sent.is_err() {
            return;
        }
    }
}

/// There are no process groups.
pub(super) fn set_apart(_command: &mut Command) {}

/// Whether the child has ended.
pub(super) fn has_exited(child: &mut Child) -> bool {
    // What cannot be asked is not there any more.
    child.try_wait().map_or(true, |status| status.is_some())
}

/// Kills a process: none is ever found.
pub(super) fn kill(_pid: u32) {}

/// Kills the child; what it started is not known.
pub(super) fn kill_group(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    /// A shell that runs a script, and its pipes.
    fn start(script: &str) -> (Child, Pipes) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        set_apart(&mut command);
        let mut child = command.spawn().unwrap();
        let mut pipes = Pipes::of(&mut child);
        pipes.open().unwrap();
        (child, pipes)
    }

    /// Everything that a child wrote to stdout and to stderr until both were closed.
    fn all_of(pipes: &mut Pipes) -> (Vec<u8>, Vec<u8>) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while pipes.stdout_open() || !pipes.stderr.ended || !pipes.stderr.pieces.is_empty() {
            pipes.wait(Duration::from_secs(60)).unwrap();
            out.extend(pipes.read_stdout().unwrap().unwrap_or_default());
            err.extend(pipes.read_stderr().unwrap().unwrap_or_default());
        }
        (out, err)
    }

    #[test]
    fn a_child_is_spoken_to_and_heard() {
        let (mut child, mut pipes) = start("read -r line; echo \"$line\" >&2; head -c 300000 /dev/zero; cat");
        assert!(!pipes.wait(Duration::ZERO).unwrap() && pipes.stdin_open() && !has_exited(&mut child));
        pipes.write(b"hello\nmore").unwrap();
        pipes.close_stdin();
        let (out, err) = all_of(&mut pipes);
        assert_eq!((out.len(), out.ends_with(b"\0more"), err), (300_004, true, b"hello\n".to_vec()));
        assert!(child.wait().unwrap().success() && has_exited(&mut child) && !pipes.stdin_open());
        kill(child.id());
    }

    #[test]
    fn last_words_are_heard_after_the_end() {
        for _ in 0..20 {
            let (mut child, mut pipes) = start("echo oh >&2; echo no");
            child.wait().unwrap();
            assert!(has_exited(&mut child));
            pipes.expect_the_end();
            assert!(pipes.wait(Duration::ZERO).unwrap());
            assert_eq!(pipes.read_stdout().unwrap(), Some(&b"no\n"[..]));
        }
    }

    #[test]
    fn a_stray_process_that_holds_the_pipes_delays_little() {
        let (mut child, mut pipes) = start("sleep 600 & echo $!");
        child.wait().unwrap();
        pipes.expect_the_end();
        assert!(pipes.wait(Duration::ZERO).unwrap());
        let stray = String::from_utf8(pipes.read_stdout().unwrap().unwrap().to_vec()).unwrap();
        assert!(!pipes.wait(Duration::ZERO).unwrap() && pipes.stdout_open());
        pipes.close_outputs();
        assert!(!pipes.stdout_open() && !pipes.wait(Duration::ZERO).unwrap());
        assert!(Command::new("sh").args(["-c", &format!("kill {stray}")]).status().unwrap().success());
    }

    #[test]
    fn a_child_that_is_killed_reads_no_more() {
        let (mut child, mut pipes) = start("exec sleep 600");
        kill_group(&mut child);
        child.wait().unwrap();
        // When the writer notices is a matter of time.
        let mut writes = std::iter::repeat_with(|| {
            thread::yield_now();
            pipes.write(b"hello")
        });
        assert_eq!(writes.find_map(Result::err).map(|error| error.kind()), Some(ErrorKind::BrokenPipe));
    }
}
