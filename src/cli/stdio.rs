//! stdout for the result, stderr for everything else.

use super::colour::When;
use super::error::CliError;
use crate::render::View;
use crate::untrusted::Untrusted;
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use std::io::{self, ErrorKind, IsTerminal, Write};
use terminal_size::{Height, Width, terminal_size_of};

/// Writes the result. A reader that has gone away is no error: it has seen enough, as `head` has.
pub fn result(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    printed(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Turns a failed write to stdout into an error, unless the reader has gone away.
///
/// # Errors
/// The write failed although there still is a reader.
pub fn printed(written: io::Result<()>) -> Result<(), CliError> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::Internal(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a message on stderr. It may quote paths and files, so each line is made harmless.
pub fn note(text: &str) {
    const LONGEST_LINE: usize = 10_000;
    let lines: Vec<String> = text.lines().map(|line| Untrusted::from(line).terminal(LONGEST_LINE)).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// Columns for a table on stdout.
pub fn width() -> usize {
    if !io::stdout().is_terminal() {
        return View::FILE.width;
    }
    size_of(terminal_size_of(io::stdout())).map_or(View::FILE.width, |(columns, _)| columns)
}

/// How a report is shown on stdout.
pub fn view(color: When) -> View {
    View { width: width(), colour: color.applies(io::stdout().is_terminal()) }
}

/// Whether messages on stderr have colour.
pub fn colour_of_stderr(color: When) -> bool {
    color.applies(io::stderr().is_terminal())
}

/// Columns and rows of the terminal that stderr is.
pub fn size_of_stderr() -> (usize, usize) {
    const USUAL: (usize, usize) = (80, 24);
    size_of(terminal_size_of(io::stderr())).unwrap_or(USUAL)
}

/// Columns and rows, if the terminal knows both.
fn size_of(said: Option<(Width, Height)>) -> Option<(usize, usize)> {
    said.map(|(Width(columns), Height(rows))| (columns.into(), rows.into()))
}

/// An empty table without frames, as wide as stdout.
pub fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width()).unwrap_or(u16::MAX));
    table
}
