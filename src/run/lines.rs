//! Splits a stream into lines of bounded length, with bounded memory.

/// Splits a stream into lines.
pub(super) struct LineSplitter {
    limit: usize,
    buffer: Vec<u8>,
    /// Where the current line begins.
    start: usize,
    /// The bytes before this position contain no line feed of the current line, so they are not searched again.
    searched: usize,
}

/// The current line is longer than allowed; nothing after it can be trusted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// Its beginning.
    pub(super) head: Vec<u8>,
}

/// Number of bytes that are kept of a line that is too long.
const HEAD_BYTES: usize = 1024;

impl LineSplitter {
    /// A splitter for lines of at most `limit` bytes, not counting the line feed.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, buffer: Vec::new(), start: 0, searched: 0 }
    }

    /// Takes more of the stream. Call [`next_line`](Self::next_line) until it returns `None` before the next call.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete line, without its line feed; `None` if more of the stream is needed.
    ///
    /// # Errors
    /// The current line exceeds the limit, whether or not its end has been read.
    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let found = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n');
        let end = found.map_or(self.buffer.len(), |offset| self.searched + offset);
        if end - self.start > self.limit {
            let head = &self.buffer[self.start..end];
            return Err(TooLong { head: head[..head.len().min(HEAD_BYTES)].to_vec() });
        }
        self.searched = end;
        if found.is_none() {
            return Ok(None);
        }
        let line = self.start..end;
        self.start = end + 1;
        self.searched = self.start;
        Ok(Some(&self.buffer[line]))
    }

    /// The part of the last line that has been read so far; empty if that line is complete.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines_of(splitter: &mut LineSplitter) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| splitter.next_line().expect("within the limit").map(<[u8]>::to_vec)).collect()
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..300),
            piece in 1_usize..50,
        ) {
            let mut splitter = LineSplitter::new(300);
            let mut lines = Vec::new();
            for piece in text.chunks(piece) {
                splitter.feed(piece);
                lines.extend(lines_of(&mut splitter));
            }
            lines.push(splitter.rest().to_vec());
            let expected: Vec<Vec<u8>> = text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
            prop_assert_eq!(lines, expected);
        }
    }

    #[test]
    fn the_limit_is_exact() {
        let mut splitter = LineSplitter::new(4);
        splitter.feed(b"1234\n1234");
        assert_eq!(splitter.next_line(), Ok(Some(&b"1234"[..])));
        assert_eq!(splitter.next_line(), Ok(None));
        splitter.feed(b"5");
        assert_eq!(splitter.next_line(), Err(TooLong { head: b"12345".to_vec() }));
    }

    #[test]
    fn an_ended_line_over_the_limit_is_refused_too() {
        let mut splitter = LineSplitter::new(4);
        splitter.feed(b"12345\nok\n");
        assert_eq!(splitter.next_line(), Err(TooLong { head: b"12345".to_vec() }));
    }
}
