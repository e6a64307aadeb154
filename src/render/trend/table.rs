//! The table for a terminal.

use super::{amount, label, meaning, moment};
use crate::history::{Series, Trend};
use crate::render::parts::grid::{Column, draw, fit};
use crate::render::parts::numbers::NONE;
use crate::render::parts::sparkline::sparkline;
use crate::render::parts::text;

/// Smallest width of the layout.
const NARROWEST: usize = 40;

/// Runs that a sparkline shows, the last ones.
const SPARKS: usize = 20;

/// Most changes that are explained below the table.
const MOST_CHANGES: usize = 40;

/// The trend as text, at most `width` columns wide if that is at least 60.
pub(super) fn table(trend: &Trend, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = text::wrap(&meaning(trend), width, 2) + "\n\n";
    if trend.series.is_empty() {
        return out + "no runs\n";
    }
    let (columns, left_out) = fit(columns(trend), width);
    out.push_str(&draw(&columns));
    out.push_str("\n\n");
    for (number, series) in (1..).zip(&trend.series) {
        out.push_str(&(text::wrap(&format!("#{number}: {}", label(trend, series)), width, 4) + "\n"));
    }
    out.push_str(&changes(trend, width));
    if !left_out.is_empty() {
        out.push_str(&(text::wrap(&format!("left out for lack of room: {}", left_out.join(", ")), width, 2) + "\n"));
    }
    out
}

fn columns(trend: &Trend) -> Vec<Column> {
    let cells = |of: &dyn Fn(usize, &Series) -> String| -> Vec<String> {
        trend.series.iter().enumerate().map(|(index, series)| of(index, series)).collect()
    };
    let column =
        |key, right, dispensable, cells| Column { key, header: key, right, dispensable, cells, ..Column::default() };
    let last = |series: &Series| series.points.last().map(|point| point.value);
    let value = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), |value| trend.unit.show(value));
    vec![
        column("#", true, None, cells(&|index, _| (index + 1).to_string())),
        column("runs", true, Some(2), cells(&|_, series| series.points.len().to_string())),
        column("without value", true, Some(1), cells(&|_, series| series.without_value.to_string())),
        column("latest", true, None, cells(&|_, series| value(last(series)))),
        column(
            "last change",
            false,
            None,
            cells(&|_, series| series.changes.last().map_or_else(|| NONE.to_owned(), |change| amount(trend, change))),
        ),
        column("last runs", false, Some(3), cells(&|_, series| last_runs(series))),
    ]
}

/// The last values as bars that begin at zero.
fn last_runs(series: &Series) -> String {
    let from = series.points.len().saturating_sub(SPARKS);
    let values: Vec<Option<f64>> = series.points[from..].iter().map(|point| Some(point.value)).collect();
    sparkline(&values, values.iter().flatten().copied().fold(0.0, f64::max))
}

fn changes(trend: &Trend, width: usize) -> String {
    let all = (1..).zip(&trend.series).flat_map(|(number, series)| {
        series
            .changes
            .iter()
            .map(move |change| format!("#{number} {} {}", amount(trend, change), moment(series, change)))
    });
    let all: Vec<String> = all.collect();
    if all.is_empty() {
        return "\nno change\n".to_owned();
    }
    let mut out = "\n".to_owned();
    for line in all.iter().take(MOST_CHANGES) {
        out.push_str(&(text::wrap(line, width, 4) + "\n"));
    }
    if all.len() > MOST_CHANGES {
        out.push_str(&format!("and {} more\n", all.len() - MOST_CHANGES));
    }
    out
}
