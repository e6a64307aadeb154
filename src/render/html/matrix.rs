//! The matrix as a heat map: a table with a column for each value of one axis, and rows for the other axes that vary.
//! It is a table because a screen reader can read it and a cell can link to its case. The colour is a class.

use super::facts::{Metric, shown_metrics};
use crate::render::parts::columns::mark;
use crate::render::parts::grid::Column;
use crate::render::parts::numbers::NONE;
use crate::report::{CaseRecord, Report};
use crate::verdict::Outcome;

/// Steps of colour; the darkest is the worst.
const LEVELS: f64 = 6.0;
/// Largest number of columns.
const MOST_COLUMNS: usize = 24;

/// The heat map of a report, once for each metric.
pub(super) struct Matrix {
    /// The axis of the columns.
    pub across: String,
    /// Its values.
    pub columns: Vec<String>,
    /// The names of all its axes, listed for a sentence.
    pub by: String,
    /// The axes of the rows.
    pub down: Vec<String>,
    /// One for each metric.
    pub layers: Vec<Layer>,
}

/// The heat map for one metric.
pub(super) struct Layer {
    /// The metric.
    pub name: &'static str,
    /// Whether it is shown at first.
    pub chosen: bool,
    /// The best and the worst value, which have the lightest and the darkest colour.
    pub scale: Option<(String, String)>,
    /// A row for each combination of values of the row axes.
    pub rows: Vec<Row>,
}

/// A row of the heat map.
pub(super) struct Row {
    /// The values of the row axes that differ from the row above, and for how many rows they apply.
    pub heads: Vec<(String, usize)>,
    /// A list of cases for each column: more than one if no shown axis distinguishes them.
    pub cells: Vec<Vec<Cell>>,
}

/// A case.
pub(super) struct Cell {
    /// Its number, from 1.
    pub case: usize,
    /// The value.
    pub text: String,
    /// The mark of the verdict.
    pub mark: &'static str,
    /// The verdict.
    pub outcome: &'static str,
    /// The step of colour.
    pub level: u8,
}

/// The mark of a verdict, as text.
pub(super) fn mark_of(outcome: Outcome) -> &'static str {
    match mark(outcome) {
        Some('✗') => "✗",
        Some('?') => "?",
        Some('!') => "!",
        _ => "",
    }
}

/// The heat map over the axes that vary; `None` if there is only one case or nothing varies.
pub(super) fn matrix(report: &Report, axes: &[Column]) -> Option<Matrix> {
    let across = across(axes)?;
    let down: Vec<&Column> =
        axes.iter().filter(|axis| axis.dispensable.is_none() && !follows(axis, &axes[across])).collect();
    let columns = distinct(&axes[across].cells);
    let keys: Vec<Vec<String>> =
        (0..report.cases.len()).map(|case| down.iter().map(|axis| axis.cells[case].clone()).collect()).collect();
    let rows = distinct(&keys);
    let layer = |metric: &Metric, chosen| {
        let values: Vec<Option<f64>> = report.cases.iter().map(|case| metric.badness(case)).collect();
        let range = Range::of(&values);
        let cell = |case: usize| cell(case, &report.cases[case], metric, range.level(values[case]));
        let same = |a: usize, b: usize, head: usize| rows[a][..=head] == rows[b][..=head];
        let span = |row: usize, head: usize| (row..rows.len()).take_while(|other| same(row, *other, head)).count();
        let cells = |(row, heads): (usize, &Vec<String>)| {
            let of = |column: &String| {
                let here = |case: &usize| axes[across].cells[*case] == *column && keys[*case] == *heads;
                (0..report.cases.len()).filter(here).map(cell).collect()
            };
            let new = |head: &usize| row == 0 || !same(row - 1, row, *head);
            let named = (0..heads.len()).filter(new).map(|head| (heads[head].clone(), span(row, head)));
            Row { heads: named.collect(), cells: columns.iter().map(of).collect() }
        };
        Layer {
            name: metric.name,
            chosen,
            scale: scale(report, metric, &values),
            rows: rows.iter().enumerate().map(cells).collect(),
        }
    };
    let metrics = shown_metrics(report);
    let chosen = super::facts::target_metric(report);
    Some(Matrix {
        across: axes[across].key.to_owned(),
        by: listed(down.iter().map(|axis| axis.key).chain([axes[across].key])),
        down: down.iter().map(|axis| axis.key.to_owned()).collect(),
        layers: metrics.iter().map(|metric| layer(metric, metric.name == chosen)).collect(),
        columns,
    })
}

/// The axis of the columns: `tasks` if it varies, else the axis with the most values that fit. `strategy`
/// becomes a row axis, so that the two most important axes are compared directly.
fn across(axes: &[Column]) -> Option<usize> {
    let fits = |(index, axis): (usize, &Column)| {
        let values = distinct(&axis.cells).len();
        (axis.dispensable.is_none() && values <= MOST_COLUMNS).then_some((values, index))
    };
    let candidates = || axes.iter().enumerate().filter_map(fits);
    let named = |key| candidates().map(|(_, index)| index).find(|index| axes[*index].key == key);
    let widest = candidates().filter(|(_, index)| axes[*index].key != "strategy");
    named("tasks").or_else(|| widest.max_by_key(|(values, _)| *values).map(|(_, index)| index)).or(named("strategy"))
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Whether the values of an axis follow from those of another: so does the rate from the tasks if the total rate is
/// fixed.
fn follows(axis: &Column, other: &Column) -> bool {
    let mut known = std::collections::BTreeMap::new();
    other.cells.iter().zip(&axis.cells).all(|(from, to)| *known.entry(from).or_insert(to) == to)
}

/// Each value once, in the order of its first appearance.
fn distinct<T: Clone + Ord>(values: &[T]) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    values.iter().filter(|value| seen.insert(*value)).cloned().collect()
}

fn cell(index: usize, case: &CaseRecord, metric: &Metric, level: u8) -> Cell {
    Cell {
        case: index + 1,
        text: case.summary.as_ref().map_or(NONE.into(), metric.text),
        mark: mark_of(case.verdict.outcome),
        outcome: case.verdict.outcome.word(),
        level,
    }
}

/// The best and the worst of the values, as they are printed.
fn scale(report: &Report, metric: &Metric, values: &[Option<f64>]) -> Option<(String, String)> {
    let known = || values.iter().enumerate().filter_map(|(index, value)| Some(((*value)?, index)));
    let best = known().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let worst = known().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let text = |(_, index): (f64, usize)| report.cases[index].summary.as_ref().map(metric.text);
    Some((text(best)?, text(worst)?))
}

/// The values from the best to the worst.
struct Range {
    best: f64,
    worst: f64,
}

impl Range {
    fn of(values: &[Option<f64>]) -> Self {
        let known = || values.iter().flatten().copied();
        Self { best: known().fold(f64::INFINITY, f64::min), worst: known().fold(f64::NEG_INFINITY, f64::max) }
    }

    /// The step of colour: 0 for the best value and if all are equal; 9 without a value.
    fn level(&self, value: Option<f64>) -> u8 {
        let Some(value) = value else { return 9 };
        let width = self.worst - self.best;
        if width > 0.0 { ((value - self.best) / width * LEVELS).round() as u8 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_the_darkest() {
        let values = [Some(3.0), Some(5.0), Some(9.0), None];
        let range = Range::of(&values);
        assert_eq!(values.map(|value| range.level(value)), [0, 2, 6, 9]);
        assert_eq!(Range::of(&[Some(4.0)]).level(Some(4.0)), 0);
        assert_eq!(Range::of(&[None]).level(None), 9);
    }

    #[test]
    fn a_sentence_lists_whatever_axes_there_are() {
        for (names, text) in [(&["a"][..], "a"), (&["a", "b"], "a and b"), (&["a", "b", "c"], "a, b and c"), (&[], "")]
        {
            assert_eq!(listed(names.iter().copied()), text);
        }
    }

    #[test]
    fn values_keep_their_order() {
        assert_eq!(distinct(&["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    }
}
