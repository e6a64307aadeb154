//! The tested metrics of each case: the shift, its confidence interval, and the margin beyond which it counts.

use super::rows::{self, mark};
use crate::compare::{CaseComparison, Comparison};
use crate::render::View;
use crate::render::parts::grid::{Column, draw_toned, width_of};
use crate::render::parts::paint::Tone;
use crate::render::parts::shift::{self, Shift};
use crate::render::parts::text;

/// Largest number of rows.
const MOST_ROWS: usize = 200;

/// A case's name, and one of its tests.
type Row = (String, Shift);

/// The tests that are shown, each with the name of its case.
fn rows(comparison: &Comparison, names: &[String]) -> Vec<Row> {
    let of = |(case, name): (&CaseComparison, &String)| {
        shift::shown(&case.decision).into_iter().map(|shift| (name.clone(), shift)).collect::<Vec<Row>>()
    };
    comparison.cases.iter().zip(names).flat_map(of).collect()
}

/// The tests as a table, or as a line for each if the table would be too wide; empty if nothing was tested.
pub(super) fn text(comparison: &Comparison, names: &[String], view: View) -> String {
    let rows = rows(comparison, names);
    if rows.is_empty() {
        return String::new();
    }
    let (shown, more) = (&rows[..rows.len().min(MOST_ROWS)], rows.len().saturating_sub(MOST_ROWS));
    let columns = columns(shown);
    let line =
        |row: &Row| view.paint(Tone::of_change(row.1.change), &text::wrap_parts(&parts(row), view.width, 4)) + "\n";
    let mut out = match width_of(&columns) <= view.width {
        true => draw_toned(&columns, view.colour) + "\n",
        false => shown.iter().map(line).collect(),
    };
    if more > 0 {
        out.push_str(&format!("and {more} more\n"));
    }
    out
}

/// One test as the parts of a line.
fn parts((name, shift): &Row) -> Vec<String> {
    let name = format!("{} {name}:", mark(shift.change));
    name.split(' ').map(str::to_owned).chain(shift.parts()).collect()
}

fn columns(rows: &[Row]) -> [Column; 7] {
    let column = |key, right, cell: &dyn Fn(&Row) -> String| Column {
        key,
        header: key,
        right,
        cells: rows.iter().map(cell).collect(),
        ..Column::default()
    };
    let mut columns = [
        column("case", false, &|(name, _)| name.clone()),
        column("tested", false, &|(_, shift)| shift.metric.clone()),
        column("base → new", true, &|(_, shift)| shift.values.clone()),
        column("shift", true, &|(_, shift)| shift.moved.clone()),
        column("interval", false, &|(_, shift)| shift.interval.clone()),
        column("margin", true, &|(_, shift)| shift.margin.clone()),
        column("says", false, &|(_, shift)| format!("{} {}", mark(shift.change), shift.change.word())),
    ];
    columns[6].tones = rows.iter().map(|(_, shift)| Tone::of_change(shift.change)).collect();
    // The name of a case stands only in its first row.
    for row in (1..rows.len()).rev().filter(|row| rows[*row].0 == rows[*row - 1].0) {
        columns[0].cells[row].clear();
    }
    columns
}

/// What the numbers mean.
pub(super) fn footnote(comparison: &Comparison) -> Option<&'static str> {
    let any = comparison.cases.iter().any(|case| !case.decision.tests.is_empty());
    any.then_some(
        "[low, high]: where the shift lies, one-sided at alpha over the whole family; worse than the margin it counts",
    )
}

/// The lines of some cases, for a code block.
pub(super) fn lines(cases: &[&CaseComparison]) -> Vec<String> {
    let of = |case: &&CaseComparison| {
        let name = rows::label(case);
        shift::shown(&case.decision)
            .into_iter()
            .map(|shift| parts(&(name.clone(), shift)).join(" "))
            .collect::<Vec<_>>()
    };
    cases.iter().flat_map(of).take(MOST_ROWS).collect()
}
