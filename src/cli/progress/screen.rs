//! Lines that are drawn over, at the bottom of a terminal.

use std::io::Write;

/// The lines that stand on the terminal now. The cursor waits below them, so that what the terminal itself prints (`^C`)
/// spoils none.
pub struct Screen<W> {
    out: W,
    /// Width of each line that stands there.
    drawn: Vec<usize>,
}

impl<W: Write> Screen<W> {
    /// Nothing yet.
    pub fn new(out: W) -> Self {
        Self { out, drawn: Vec::new() }
    }

    /// Replaces what stands there by these lines, each with its width. `columns` are those of the terminal now: where it
    /// has become narrower, it has broken the old lines into several rows each.
    pub fn draw(&mut self, lines: &[(String, usize)], columns: usize) {
        let mut text = self.erase(columns);
        for (line, _) in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        self.drawn = lines.iter().map(|(_, width)| *width).collect();
        self.put(&text);
    }

    /// Prints a line that stays, above the others, which are to be drawn again.
    pub fn print(&mut self, line: &str, columns: usize) {
        let text = format!("{}{line}\r\n", self.erase(columns));
        self.drawn.clear();
        self.put(&text);
    }

    /// Takes everything away that is not to stay.
    pub fn clear(&mut self, columns: usize) {
        let text = self.erase(columns);
        self.drawn.clear();
        self.put(&text);
    }

    fn erase(&self, columns: usize) -> String {
        let columns = columns.max(1);
        let rows: usize = self.drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        if rows == 0 { String::new() } else { format!("\r\x1b[{rows}A\x1b[J") }
    }

    /// One write, so that no half of it is seen. A terminal that has gone away is nobody's loss.
    fn put(&mut self, text: &str) {
        if !text.is_empty() {
            let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        }
    }

    /// What was written so far.
    #[cfg(test)]
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }
}
