//! The page of a trend: a curve for each case.

use super::axis::{Linear, Quantity};
use super::canvas::Ink;
use super::chart::{Frame, Frames, Legend, Line, chart};
use super::page::PageFrame;
use crate::history::{Series, Trend};
use crate::render::parts::numbers::NONE;
use crate::render::trend::{amount, label, meaning, moment};
use crate::units::human;
use askama::Template;

/// Largest number of series with a curve; those that changed last come first.
const MOST_CHARTS: usize = 300;

const LINES: Legend = &[(Ink::FIRST, "run"), (Ink::SECOND, "median between change points")];

/// A trend as a page.
#[derive(Template)]
#[template(path = "trend.html", escape = "html")]
pub(super) struct Page {
    frame: PageFrame,
    metric: String,
    meaning: String,
    rows: Vec<Row>,
    symbols: String,
    /// Series without a curve.
    without_curve: usize,
}

/// A series.
struct Row {
    number: usize,
    label: String,
    machine: String,
    runs: usize,
    without_value: String,
    latest: String,
    change: String,
    changes: Vec<String>,
    chart: String,
}

impl Page {
    /// The page of a trend.
    pub fn of(trend: &Trend) -> Self {
        let mut frames = Frames::default();
        let relative: Vec<Vec<f64>> = trend.series.iter().map(relative).collect();
        let most = relative.iter().take(MOST_CHARTS).flatten().copied().fold(1.0, f64::max);
        let longest = trend.series.iter().map(|series| series.points.len()).max().unwrap_or(1).max(2);
        let frame = Frame::Runs(
            Linear { quantity: Quantity::Runs, most: longest as u64, steps: 10 },
            // In percent; an outlier must not press all curves to the floor.
            Linear { quantity: Quantity::Percent, most: ((most * 105.0).ceil() as u64).clamp(120, 400), steps: 6 },
            LINES,
        );
        let rows: Vec<Row> = trend
            .series
            .iter()
            .zip(&relative)
            .enumerate()
            .map(|(index, (series, values))| {
                let drawn = index < MOST_CHARTS && !values.is_empty();
                let chart = drawn.then(|| chart(&mut frames, frame, "value by run", &lines(series, values)));
                row(trend, index, series, chart.unwrap_or_default())
            })
            .collect();
        let metric = trend.metric.html(100);
        Self {
            frame: PageFrame::titled(format!("{metric} · trend")),
            metric,
            meaning: meaning(trend),
            rows,
            symbols: frames.symbols(),
            without_curve: trend.series.len().saturating_sub(MOST_CHARTS),
        }
    }
}

/// The values as shares of the first level; empty if there is nothing to compare with.
fn relative(series: &Series) -> Vec<f64> {
    let first = series.changes.first().map_or_else(|| level(series, 0, series.points.len()), |change| change.before);
    let most = series.points.iter().map(|point| point.value.abs()).fold(0.0, f64::max);
    let base = if first > 0.0 { first } else { most };
    if base <= 0.0 { Vec::new() } else { series.points.iter().map(|point| point.value / base).collect() }
}

/// The median of some points; zero without any.
fn level(series: &Series, from: usize, to: usize) -> f64 {
    let mut values: Vec<f64> = series.points[from..to].iter().map(|point| point.value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn lines(series: &Series, values: &[f64]) -> Vec<Line> {
    let at = |index: usize| (index + 1) as f64;
    let runs = values.iter().enumerate().map(|(index, value)| (at(index), value * 100.0)).collect();
    let mut lines = vec![Line { ink: Ink::FIRST, points: runs }];
    let ends = series.changes.iter().map(|change| change.at).chain([values.len()]);
    let mut from = 0;
    for to in ends {
        let mut part = values[from..to].to_vec();
        part.sort_by(f64::total_cmp);
        if let Some(middle) = part.get(part.len() / 2) {
            let level = middle * 100.0;
            lines.push(Line { ink: Ink::SECOND, points: vec![(at(from), level), (at(to - 1), level)] });
        }
        from = to;
    }
    lines
}

fn row(trend: &Trend, index: usize, series: &Series, chart: String) -> Row {
    let value = |value: f64| trend.unit.show(value);
    let told = |change| format!("{} {}", amount(trend, change), moment(series, change));
    Row {
        number: index + 1,
        label: label(trend, series),
        machine: series.machine.html(300),
        runs: series.points.len(),
        without_value: human::count(series.without_value),
        latest: series.points.last().map_or_else(|| NONE.to_owned(), |point| value(point.value)),
        change: series.changes.last().map_or_else(|| NONE.to_owned(), |change| amount(trend, change)),
        changes: series.changes.iter().map(told).collect(),
        chart,
    }
}
