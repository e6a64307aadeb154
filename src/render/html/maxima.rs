//! The results of `find-max`: a table, and for each search the latency by offered load, with the maximum and the knee.

use super::axis::{Decades, Loads};
use super::canvas::Ink;
use super::chart::{Frame, Frames, Legend, Line, chart};
use crate::observed::LatencyName;
use crate::render::parts::grid::Column;
use crate::render::parts::maxima::{columns, title};
use crate::report::{CaseRecord, LatencySummary, Maximum, Report};
use crate::units::human;

/// Largest number of searches with a chart.
const MOST_CHARTS: usize = 40;

const LINES: Legend = &[
    (Ink::FIRST, "enqueue p99"),
    (Ink::SECOND, "response p99"),
    (Ink::THIRD, "knee"),
    (Ink::FOURTH, "maximum"),
    (Ink::TARGET, "target"),
];

/// Text, and whether it is aligned to the right.
type Cell = (String, bool);

/// What `find-max` found.
pub(super) struct Maxima {
    /// What the table shows.
    pub title: String,
    /// The headings.
    pub heads: Vec<Cell>,
    /// A row for each search.
    pub rows: Vec<Vec<Cell>>,
    /// Caption and SVG of each search.
    pub charts: Vec<(String, String)>,
}

/// The section; `None` for a run.
pub(super) fn maxima(report: &Report, frames: &mut Frames) -> Option<Maxima> {
    if report.maxima.is_empty() {
        return None;
    }
    let columns = columns(report);
    let cell = |column: &Column, row: usize| column.cells.get(row).cloned().unwrap_or_default();
    let row = |row: usize| columns.iter().map(|column| (cell(column, row), column.right)).collect();
    let all = || report.maxima.iter().take(MOST_CHARTS);
    let loads = Loads::around(all().flat_map(rates));
    let times = all().flat_map(|maximum| &maximum.cases).flat_map(|case| [enqueue(case), response(case)]).flatten();
    let targets = report.scenarios.iter().map(|scenario| scenario.target.latency.0 as f64);
    let decades = Decades::around(times.chain(targets));
    let drawn = |maximum: &Maximum| (caption(maximum), of_search(report, maximum, (loads, decades), frames));
    Some(Maxima {
        title: title(),
        heads: columns.iter().map(|column| (column.header.replace('\n', " "), column.right)).collect(),
        rows: (0..report.maxima.len()).map(row).collect(),
        charts: all().map(drawn).collect(),
    })
}

/// The rates that were tried, but for those far beyond the maximum: they would press the curve to the edge.
fn rates(maximum: &Maximum) -> impl Iterator<Item = f64> + Clone {
    const BEYOND: f64 = 2.0;
    let most = maximum.high_per_s.map_or(f64::INFINITY, |high| high * BEYOND);
    maximum.probes.iter().map(|probe| probe.rate_per_s).filter(move |rate| *rate <= most)
}

fn caption(maximum: &Maximum) -> String {
    let found = maximum.max_per_s.map_or_else(|| "not found".to_owned(), human::rate);
    format!("{}: {found}", maximum.search.html(200))
}

fn p99(latency: Option<&LatencySummary>) -> Option<f64> {
    latency?.p99_ns.map(|ns| ns as f64)
}

fn enqueue(case: &CaseRecord) -> Option<f64> {
    p99(case.summary.as_ref().and_then(|summary| summary.latency.get(LatencyName::Enqueue)))
}

fn response(case: &CaseRecord) -> Option<f64> {
    p99(case.summary.as_ref().and_then(|summary| summary.latency.get(LatencyName::Response)))
}

fn of_search(report: &Report, maximum: &Maximum, (loads, decades): (Loads, Decades), frames: &mut Frames) -> String {
    let [left, right] = [loads.low, loads.high].map(|rate| rate as f64);
    let [bottom, top] = [decades.low, decades.high].map(|exponent| 10_f64.powi(exponent));
    let curve = |ink, value: fn(&CaseRecord) -> Option<f64>| {
        let points = maximum.cases.iter().filter_map(|case| Some((case.parameters.offered_per_second(), value(case)?)));
        Line { ink, points: points.filter(|(rate, _)| *rate <= right).collect() }
    };
    let upright = |ink, rate: Option<f64>| rate.map(|rate| Line { ink, points: vec![(rate, bottom), (rate, top)] });
    let scenario = report.scenarios.iter().find(|scenario| scenario.name == maximum.scenario);
    let target = scenario.map(|scenario| scenario.target.latency.0 as f64);
    let mut lines = vec![curve(Ink::FIRST, enqueue), curve(Ink::SECOND, response)];
    lines.retain(|line| !line.points.is_empty());
    lines.extend(upright(Ink::THIRD, maximum.knee_per_s));
    lines.extend(upright(Ink::FOURTH, maximum.max_per_s));
    lines.extend(target.map(|ns| Line { ink: Ink::TARGET, points: vec![(left, ns), (right, ns)] }));
    chart(frames, Frame::Loads(loads, decades, LINES), "latency by offered load", &lines)
}
