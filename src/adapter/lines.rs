//! The place that a queue writes its text to: each line, in one piece, goes to the sink.

use super::{Sink, Stamp};
use std::io::{self, Write};

/// Takes the lines. Its writer must pass each line in one call.
pub(super) struct Lines {
    /// Where they go.
    pub sink: Sink,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.sink.deliver(Stamp::find(line), |out| out.write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
