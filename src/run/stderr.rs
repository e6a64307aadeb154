//! Keeps the last lines of a stream, in memory that does not grow with the stream.

use super::errors::{EXCERPT_BYTES, excerpt};
use crate::untrusted::Untrusted;
use std::collections::VecDeque;

/// Number of lines that are kept.
pub(super) const LINES: usize = 20;

/// Keeps the last [`LINES`] lines of a stream, and of each the first [`EXCERPT_BYTES`] bytes.
#[derive(Default)]
pub(super) struct Tail {
    lines: VecDeque<Untrusted>,
    /// The beginning of the current line. It has at most one byte more than is kept of a line: that byte tells that the
    /// line was cut.
    current: Vec<u8>,
    in_line: bool,
}

impl Tail {
    /// Takes more of the stream.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = match piece {
                [text @ .., b'\n'] => (text, true),
                text => (text, false),
            };
            self.in_line = true;
            let room = (EXCERPT_BYTES + 1).saturating_sub(self.current.len());
            self.current.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.end_line();
            }
        }
    }

    /// The last lines, oldest first, including the current one.
    pub(super) fn finish(mut self) -> Vec<Untrusted> {
        if self.in_line {
            self.end_line();
        }
        self.lines.into()
    }

    fn end_line(&mut self) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        let line = self.current.strip_suffix(b"\r").unwrap_or(&self.current);
        self.lines.push_back(excerpt(line).into());
        self.current.clear();
        self.in_line = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(pieces: &[&[u8]]) -> Vec<Untrusted> {
        let mut tail = Tail::default();
        for piece in pieces {
            tail.feed(piece);
        }
        tail.finish()
    }

    #[test]
    fn keeps_the_last_lines_in_order() {
        let text: String = (0..50).map(|n| format!("line {n}\n")).collect();
        let kept = tail_of(&[text.as_bytes()]);
        assert_eq!(kept.len(), LINES);
        assert_eq!(kept[0], "line 30");
        assert_eq!(kept[LINES - 1], "line 49");
    }

    #[test]
    fn joins_pieces_and_keeps_an_unfinished_line() {
        assert_eq!(tail_of(&[b"on", b"e\r\ntw", b"o"]), ["one", "two"]);
        assert_eq!(tail_of(&[b"\n\n"]), ["", ""]);
        assert!(tail_of(&[]).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_and_shown_to_be() {
        let kept = tail_of(&[&[b'x'; 300], &[b'y'; 300], b"\nend"]);
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[0].as_given().len(), EXCERPT_BYTES + '…'.len_utf8());
        assert!(kept[0].as_given().ends_with("y…"));
        assert_eq!(kept[1], "end");
    }
}
