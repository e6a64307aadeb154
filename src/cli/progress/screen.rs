//! Lines at the bottom of a terminal that are drawn anew in place.

use std::io::Write;

/// The lines that stand on the terminal now. The cursor waits below them, so what the terminal itself prints (`^C`)
/// does not damage them.
pub struct Screen<W> {
    out: W,
    /// Width of each drawn line.
    drawn: Vec<usize>,
}

impl<W: Write> Screen<W> {
    /// No lines yet.
    pub fn new(out: W) -> Self {
        Self { out, drawn: Vec::new() }
    }

    /// Replaces the drawn lines by these, each with its width. `columns` is the present width of the terminal: if it
    /// has become narrower, the terminal has broken the old lines into several rows each, and all of these must be
    /// erased.
    pub fn draw(&mut self, lines: &[(String, usize)], columns: usize) {
        let mut text = self.erase(columns);
        for (line, _) in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        self.drawn = lines.iter().map(|(_, width)| *width).collect();
        self.put(&text);
    }

    /// Prints a line that stays. It erases the drawn lines, which must then be drawn again below it.
    pub fn print(&mut self, line: &str, columns: usize) {
        let text = format!("{}{line}\r\n", self.erase(columns));
        self.drawn.clear();
        self.put(&text);
    }

    /// Erases the drawn lines.
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

    /// Writes everything at once, so that no half is ever visible. An error is ignored: if the terminal is gone, nobody
    /// is watching.
    fn put(&mut self, text: &str) {
        if !text.is_empty() {
            let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        }
    }

    /// Everything written so far.
    #[cfg(test)]
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }
}
