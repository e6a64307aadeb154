//! A child's pipes, exit and end on systems where pipes cannot be polled: a thread for each pipe, with the standard
//! library alone. There are no process groups, so only the child itself is killed, and not what it started.

use super::CHUNK_BYTES;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Number of pieces that the readers keep ready. When there are more, the reader waits, and then the child does.
const READY: usize = 16;
/// Largest number of pieces of stderr that are kept while stdout is waited for. It is more than a child can leave
/// behind when it ends.
const MOST_OF_STDERR: usize = 4 * READY;
/// Time for the readers to deliver what a child wrote before it ended.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A piece of what the child wrote, or the end of the stream.
struct Piece {
    of_stdout: bool,
    /// Empty at the end.
    bytes: Vec<u8>,
}

/// The pieces of a stream that have arrived and were not asked for yet.
#[derive(Default)]
struct Inbox {
    pieces: VecDeque<Vec<u8>>,
    current: Vec<u8>,
    ended: bool,
}

/// The child's three pipes, each with its own thread.
pub(super) struct Pipes {
    taken: Option<Taken>,
    stdin: Option<Sender<Vec<u8>>>,
    pieces: Option<Receiver<Piece>>,
    stdout: Inbox,
    stderr: Inbox,
    /// Whether the child has ended.
    hurry: bool,
}

/// Our ends of the pipes, before they are given to threads.
struct Taken {
    stdin: Box<dyn Write + Send>,
    stdout: Box<dyn Read + Send>,
    stderr: Box<dyn Read + Send>,
}

impl Pipes {
    /// Takes the pipes from the child.
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

    /// Starts the threads.
    ///
    /// # Errors
    /// A thread cannot be started, or a pipe is missing.
    pub(super) fn open(&mut self) -> io::Result<()> {
        let Taken { mut stdin, stdout, stderr } =
            self.taken.take().ok_or_else(|| io::Error::new(ErrorKind::BrokenPipe, "the child has no pipes"))?;
        let (send, pieces) = sync_channel(READY);
        let (say, texts) = channel::<Vec<u8>>();
        (self.stdin, self.pieces) = (Some(say), Some(pieces));
        let write = move || {
            // If nobody reads any more, the child has ended, and that is noticed elsewhere.
            let _ = texts.into_iter().try_for_each(|text| stdin.write_all(&text));
        };
        thread::Builder::new().name("ql-stdin".into()).spawn(write)?;
        for (of_stdout, pipe, name) in [(true, stdout, "ql-stdout"), (false, stderr, "ql-stderr")] {
            let send = send.clone();
            thread::Builder::new().name(name.into()).spawn(move || hand_over(pipe, of_stdout, &send))?;
        }
        Ok(())
    }

    /// Writes to stdin; does nothing if it was closed.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let sent = self.stdin.as_ref().map_or(Ok(()), |stdin| stdin.send(text.to_vec()));
        sent.map_err(|_| ErrorKind::BrokenPipe.into())
    }

    /// Closes stdin, after everything written before has been passed on.
    pub(super) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Whether stdin is still open.
    pub(super) fn stdin_open(&self) -> bool {
        self.stdin.is_some()
    }

    /// Waits up to `timeout` for something to read, and a little longer if the child has ended, for its last output.
    /// Returns whether there is something.
    ///
    /// # Errors
    /// Never.
    pub(super) fn wait(&mut self, timeout: Duration) -> io::Result<bool> {
        let until = Instant::now() + if self.hurry { timeout.max(LAST_WORDS) } else { timeout };
        let mut left = until.saturating_duration_since(Instant::now());
        while self.stdout.pieces.is_empty() && self.stderr.pieces.len() < MOST_OF_STDERR {
            let Some(pieces) = &self.pieces else { break };
            match pieces.recv_timeout(left) {
                Ok(piece) => {
                    let inbox = if piece.of_stdout { &mut self.stdout } else { &mut self.stderr };
                    // A reader sends an empty piece when its pipe has ended.
                    inbox.ended = piece.bytes.is_empty();
                    inbox.pieces.extend(Some(piece.bytes).filter(|bytes| !bytes.is_empty()));
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    if !self.hurry {
                        // Both pipes are closed and the child still runs: without this sleep, a caller that waits for
                        // its end would keep a CPU busy.
                        thread::sleep(left);
                    }
                    break;
                }
            }
            // After the first piece, only pieces that are there already are taken. Once the child has ended, nothing
            // else will follow, so the readers get the rest of the time to deliver what it wrote.
            left = if self.hurry { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
        }
        Ok(!self.stdout.pieces.is_empty() || !self.stderr.pieces.is_empty())
    }

    /// One piece of what the child wrote to stdout; `None` if there is nothing now.
    ///
    /// # Errors
    /// Never.
    pub(super) fn read_stdout(&mut self) -> io::Result<Option<&[u8]>> {
        Ok(self.stdout.next())
    }

    /// The same for stderr.
    ///
    /// # Errors
    /// Never.
    pub(super) fn read_stderr(&mut self) -> io::Result<Option<&[u8]>> {
        Ok(self.stderr.next())
    }

    /// Whether a process can still write to stdout, or something written has not been read yet.
    pub(super) fn stdout_open(&self) -> bool {
        self.pieces.is_some() && !(self.stdout.ended && self.stdout.pieces.is_empty())
    }

    /// Notes that the child has ended. The readers may not have delivered all that it wrote yet.
    pub(super) fn expect_the_end(&mut self) {
        self.hurry = true;
    }

    /// Stops reading. A reader that still waits for a stray process ends with that process.
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

/// Reads a pipe to its end and sends its pieces.
fn hand_over(mut pipe: Box<dyn Read + Send>, of_stdout: bool, send: &SyncSender<Piece>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = match pipe.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // A pipe that cannot be read counts as ended.
            read => read.unwrap_or(0),
        };
        let sent = send.send(Piece { of_stdout, bytes: chunk[..count].to_vec() });
        if count == 0 || sent.is_err() {
            return;
        }
    }
}

/// Does nothing: there are no process groups.
pub(super) fn set_apart(_command: &mut Command) {}

/// Whether the child has ended.
pub(super) fn has_exited(child: &mut Child) -> bool {
    // A child whose state cannot be read counts as ended.
    child.try_wait().map_or(true, |status| status.is_some())
}

/// Does nothing: leftover processes are never found on these systems.
pub(super) fn kill(_pid: u32) {}

/// Kills the child; the processes that it started are not known.
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
        // It is not defined when the writer notices, so it is tried until it does.
        let mut writes = std::iter::repeat_with(|| {
            thread::yield_now();
            pipes.write(b"hello")
        });
        assert_eq!(writes.find_map(Result::err).map(|error| error.kind()), Some(ErrorKind::BrokenPipe));
    }
}
