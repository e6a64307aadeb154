//! Columns of text, laid out by `comfy-table`; leaves columns out until they fit.

use comfy_table::{Cell, CellAlignment, Table};
use comfy_table::{LineStyle, TableStyle};

/// A column of a table.
#[derive(Clone, Debug)]
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
    let table = table(columns);
    let widths = table.column_max_content_widths();
    let gaps = GAP * widths.len().saturating_sub(1);
    widths.into_iter().map(usize::from).sum::<usize>() + gaps
}

/// The table as lines without trailing space.
pub(in crate::render) fn draw(columns: &[Column]) -> String {
    table(columns).trim_fmt()
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
