//! The results of `find-max` as a table: what varies between the searches, the maximum with its interval, what limits it.

use crate::capacity::CONFIDENCE;
use crate::render::View;
use crate::render::parts::columns::{axes, metrics};
use crate::render::parts::grid::{Column, draw_toned, fit};
use crate::render::parts::numbers::NONE;
use crate::render::parts::paint::Tone;
use crate::render::parts::text;
use crate::report::{Maximum, MaximumOutcome, Report};
use crate::units::human;

/// Longest text of others in a cell, in characters.
const MAX_CELL: usize = 24;

/// Most searches whose single rates are shown in a terminal.
const MOST_IN_FULL: usize = 6;

/// A column for each axis in which the searches differ, and one for each part of a result.
pub(in crate::render) fn columns(report: &Report) -> Vec<Column> {
    let (axes, _) = axes(report);
    let subjects = axes.into_iter().filter(|axis| !matches!(axis.key, "rate" | "offered"));
    let mut columns: Vec<Column> = subjects.collect();
    let mut add = |key, header, dispensable, cell: &dyn Fn(&Maximum) -> String| {
        let cells = report.maxima.iter().map(cell).collect();
        let right = key != "limited by";
        columns.push(Column { key, header, right, dispensable, cells, ..Column::default() });
    };
    add("maximum", "maximum", None, &|maximum| rate(maximum.max_per_s));
    add("from", "from", None, &|maximum| rate(maximum.low_per_s));
    add("to", "to", None, &|maximum| rate(maximum.high_per_s));
    add("knee", "knee", Some(2), &|maximum| rate(maximum.knee_per_s));
    add("generator", "generator", Some(1), &|maximum| rate(maximum.generator_per_s));
    add("runs", "runs", Some(0), &|maximum| human::count(maximum.runs));
    add("limited by", "limited by", Some(3), &limited_by);
    let ends = report.maxima.iter().map(|maximum| maximum.outcome);
    columns.push(Column {
        key: "search",
        header: "search",
        cells: ends.clone().map(|end| word(end).to_owned()).collect(),
        tones: ends.map(Tone::of_search).collect(),
        ..Column::default()
    });
    columns
}

/// The table of results, and below it every rate of each search; empty for a run.
pub(in crate::render) fn lines(report: &Report, view: View) -> String {
    let width = view.width;
    if report.maxima.is_empty() {
        return String::new();
    }
    let mut out = text::wrap(&title(), width, 2) + "\n\n" + &results(report, view);
    for (index, maximum) in report.maxima.iter().enumerate().take(MOST_IN_FULL) {
        out.push_str(&format!("\n{}\n\n", text::wrap(&maximum.search.terminal(200), width, 2)));
        out.push_str(&by_rate(report, index, view));
    }
    if report.maxima.len() > MOST_IN_FULL {
        let more = human::count((report.maxima.len() - MOST_IN_FULL) as u64);
        out.push_str(&format!("\nand {more} more: see the page (--output FILE.html) or the report\n"));
    }
    out
}

/// What the table shows, in a line.
pub(in crate::render) fn title() -> String {
    format!("Highest rate over all tasks at which target and checks hold ({} intervals):", human::share(CONFIDENCE))
}

fn results(report: &Report, view: View) -> String {
    draw_toned(&fit(columns(report), view.width).0, view.colour) + "\n"
}

/// Every rate of a search, ascending, with what was measured there.
fn by_rate(report: &Report, index: usize, view: View) -> String {
    let of_search = of_search(report, index);
    let rates = of_search.cases.iter().map(|case| rate(Some(case.parameters.offered_per_second())));
    let offered =
        Column { key: "offered", header: "offered", right: true, cells: rates.collect(), ..Column::default() };
    let others = metrics(&of_search).into_iter().filter(|column| column.key != "offered");
    draw_toned(&fit(std::iter::once(offered).chain(others).collect(), view.width).0, view.colour) + "\n"
}

/// The evidence of a search as a report of its own.
pub(in crate::render) fn of_search(report: &Report, index: usize) -> Report {
    let cases = report.maxima.get(index).map_or_else(Vec::new, |maximum| maximum.cases.clone());
    let mut of_search = report.clone();
    of_search.cases = cases;
    of_search.maxima.clear();
    of_search
}

fn rate(per_second: Option<f64>) -> String {
    per_second.map_or_else(|| NONE.to_owned(), human::rate)
}

fn limited_by(maximum: &Maximum) -> String {
    match (&maximum.limited_by[..], maximum.outcome) {
        (_, MaximumOutcome::GeneratorLimited) => "the generator".to_owned(),
        ([], _) => NONE.to_owned(),
        ([only], _) => only.terminal(MAX_CELL),
        ([first, more @ ..], _) => format!("{} and {} more", first.terminal(MAX_CELL), more.len()),
    }
}

/// The word for how a search ended, with its mark.
pub(in crate::render) const fn word(outcome: MaximumOutcome) -> &'static str {
    match outcome {
        MaximumOutcome::Found => "found",
        MaximumOutcome::Wide => "found, wide",
        MaximumOutcome::GeneratorLimited => "? generator's limit",
        MaximumOutcome::NothingHolds => "✗ nothing holds",
        MaximumOutcome::Unknown => "? not found",
        MaximumOutcome::Unfinished => "! interrupted",
    }
}
