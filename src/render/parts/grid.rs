//! Columns of text, laid out by `comfy-table`; leaves columns out until they fit.

use crate::render::parts::paint::Tone;
use crate::render::parts::text::split_at_width;
use comfy_table::{Cell, CellAlignment, Table};
use comfy_table::{LineStyle, TableStyle};

/// A column of a table.
#[derive(Clone, Debug, Default)]
pub(in crate::render) struct Column {
    /// Its key, unique within a table.
    pub(in crate::render) key: &'static str,
    /// One or two lines.
    pub(in crate::render) header: &'static str,
    /// Whether it is aligned to the right, as numbers are.
    pub(in crate::render) right: bool,
    /// The lowest are left out first; `None` is never left out.
    pub(in crate::render) dispensable: Option<u8>,
    /// A cell for each row.
    pub(in crate::render) cells: Vec<String>,
    /// What the colour of each cell says; those after the last have no colour.
    pub(in crate::render) tones: Vec<Option<Tone>>,
}

/// The columns that fit. The most dispensable ones are left out one by one, and their headings are returned.
pub(in crate::render) fn fit(mut columns: Vec<Column>, width: usize) -> (Vec<Column>, Vec<String>) {
    let mut left_out = Vec::new();
    while width_of(&columns) > width {
        let most = columns.iter().filter_map(|column| Some((column.dispensable?, column.key))).min();
        let Some(place) = most.and_then(|(_, key)| columns.iter().position(|column| column.key == key)) else {
            break;
        };
        left_out.push(columns.remove(place).header.replace('\n', " "));
    }
    (columns, left_out)
}

/// Width of the table in terminal columns.
pub(in crate::render) fn width_of(columns: &[Column]) -> usize {
    let widths = widths(&table(columns));
    let gaps = GAP * widths.len().saturating_sub(1);
    widths.into_iter().sum::<usize>() + gaps
}

fn widths(table: &Table) -> Vec<usize> {
    table.column_max_content_widths().into_iter().map(usize::from).collect()
}

/// The table as lines without trailing space.
pub(in crate::render) fn draw(columns: &[Column]) -> String {
    table(columns).trim_fmt()
}

/// The same, with cells in the colours of their tones if `colour` is set. A cell must be a single line.
pub(in crate::render) fn draw_toned(columns: &[Column], colour: bool) -> String {
    let table = table(columns);
    let (drawn, widths) = (table.trim_fmt(), widths(&table));
    if !colour {
        return drawn;
    }
    let heading = columns.iter().map(|column| column.header.lines().count()).max().unwrap_or(0);
    let above_the_rows = heading + 1;
    let lines = drawn.lines().enumerate().map(|(index, line)| match index.checked_sub(above_the_rows) {
        Some(row) => toned(line, row, columns, &widths),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A row whose cells have their colours: each cell begins where the widths of those before it say.
fn toned(line: &str, row: usize, columns: &[Column], widths: &[usize]) -> String {
    let (mut out, mut rest) = (String::with_capacity(line.len() + 32), line);
    for (column, width) in columns.iter().zip(widths) {
        let (cell, after) = split_at_width(rest, *width);
        let (gap, after) = split_at_width(after, GAP);
        match column.tones.get(row).copied().flatten() {
            Some(tone) => out.push_str(&tone.paint_within(cell)),
            None => out.push_str(cell),
        }
        out.push_str(gap);
        rest = after;
    }
    out + rest
}

const GAP: usize = 2;

fn table(columns: &[Column]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(columns.iter().map(|column| cell(column, column.header)));
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    for row in 0..rows {
        table.add_row(columns.iter().map(|column| cell(column, column.cells.get(row).map_or("", String::as_str))));
    }
    let last = columns.len().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        // comfy-table itself puts one space between columns.
        column.set_padding((0, if index == last { 0 } else { 1 }));
    }
    table
}

fn cell(column: &Column, text: &str) -> Cell {
    let alignment = if column.right { CellAlignment::Right } else { CellAlignment::Left };
    Cell::new(text).set_alignment(alignment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(header: &'static str, right: bool, cells: &[&str], tones: Vec<Option<Tone>>) -> Column {
        let cells = cells.iter().map(|cell| (*cell).to_owned()).collect();
        Column { key: header, header, right, cells, tones, ..Column::default() }
    }

    #[test]
    fn only_the_cells_with_a_tone_have_colour_whatever_they_say() {
        let columns = [
            column("name", false, &["pass", "✗ 日本", "? c"], Vec::new()),
            column("two\nlines", true, &["1", "✗20  x", "3"], vec![None, Some(Tone::Bad)]),
            column("verdict", false, &["pass", "fail", "? b"], vec![Some(Tone::Good), None, Some(Tone::Doubtful)]),
        ];
        let plain = draw(&columns);
        assert_eq!(draw_toned(&columns, false), plain);
        let colour = draw_toned(&columns, true);
        let rows: Vec<&str> = colour.lines().skip(3).collect();
        assert_eq!(
            rows,
            [
                "pass         1  \x1b[32mpass\x1b[0m",
                "✗ 日本  \x1b[31m✗20  x\x1b[0m  fail",
                "? c          3  \x1b[33m? b\x1b[0m",
            ]
        );
        let without = ["\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"];
        assert_eq!(without.iter().fold(colour, |text, code| text.replace(code, "")), plain);
    }
}
