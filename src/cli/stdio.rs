//! stdout for the result, stderr for everything else.

use super::error::CliError;
use crate::render::{View, sanitise};
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use std::io::{self, ErrorKind, IsTerminal, Write};

/// Writes the result. A reader that has gone away is no error: it has seen what it wanted.
pub fn result(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::Internal(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something to the user that is not the result. It may quote paths and files, so each line is made harmless.
pub fn note(text: &str) {
    const LONGEST_LINE: usize = 10_000;
    let lines: Vec<String> = text.lines().map(|line| sanitise(line, LONGEST_LINE)).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// Columns for a table on stdout.
pub fn width() -> usize {
    if !io::stdout().is_terminal() {
        return View::FILE.width;
    }
    rustix::termios::tcgetwinsize(io::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|&columns| columns > 0)
        .unwrap_or(View::FILE.width)
}

/// How a report is shown on stdout.
pub fn view() -> View {
    View { width: width() }
}

/// An empty table without frames, as wide as stdout.
pub fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width()).unwrap_or(u16::MAX));
    table
}
