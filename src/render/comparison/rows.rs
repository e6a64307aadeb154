//! The rows of a comparison as text: which metrics of a case are shown, and numbers with their uncertainty.

use crate::compare::{CaseComparison, Change, Comparison, Estimate, MetricComparison, MetricUnit};
pub(super) use crate::render::parts::change::mark;
use crate::render::parts::grid::Column;
use crate::render::parts::numbers::NONE;
use crate::render::parts::paint::Tone;

/// Largest number of cases in a table.
pub(super) const MOST_CASES: usize = 200;
/// Longest label of a case, in characters.
const LONGEST_LABEL: usize = 200;

/// The label of a case, made harmless.
pub(super) fn label(case: &CaseComparison) -> String {
    case.label.terminal(LONGEST_LABEL)
}

/// The metrics of a case that have a row: the one that decides, and those that changed. If the user requested metrics,
/// all of these.
pub(super) fn shown(case: &CaseComparison, asked: bool) -> impl Iterator<Item = &MetricComparison> {
    case.metrics.iter().filter(move |metric| {
        let changed = matches!(metric.change, Change::Regressed | Change::Improved);
        asked || metric.confirmatory || changed
    })
}

/// The columns of the table. `names` are the names of the cases in it.
pub(super) fn columns(comparison: &Comparison, names: &[String], header: &'static str) -> Vec<Column> {
    let asked = !comparison.asked.is_empty();
    let mut texts: [Vec<String>; 8] = Default::default();
    let (mut of_changes, mut of_words) = (Vec::new(), Vec::new());
    for (case, name) in comparison.cases.iter().zip(names).take(MOST_CASES) {
        let mut metrics = shown(case, asked).peekable();
        if metrics.peek().is_none() {
            let none = || NONE.to_owned();
            let cells = [name.clone(), none(), none(), none(), none(), none(), none(), word(case.change)];
            texts.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
            of_changes.push(None);
            of_words.push(Tone::of_change(case.change));
        }
        for (place, metric) in metrics.enumerate() {
            let name = if place == 0 { name.clone() } else { String::new() };
            texts.iter_mut().zip(cells(name, case, metric)).for_each(|(column, cell)| column.push(cell));
            of_changes.push(Tone::of_change(metric.change));
            of_words.push(Tone::of_change(said(case, metric)));
        }
    }
    let [name, metric, base, base_width, new, new_width, change, word] = texts;
    let column =
        |key, header, right, dispensable, cells| Column { key, header, right, dispensable, cells, ..Column::default() };
    vec![
        column("case", header, header == "#", None, name),
        column("metric", "metric", false, None, metric),
        column("base", "base", true, None, base),
        column("base ±", "±", true, Some(1), base_width),
        column("new", "new", true, None, new),
        column("new ±", "±", true, Some(1), new_width),
        Column { tones: of_changes, ..column("change", "change", true, None, change) },
        Column { tones: of_words, ..column("verdict", "verdict", false, Some(2), word) },
    ]
}

fn cells(name: String, case: &CaseComparison, metric: &MetricComparison) -> [String; 8] {
    let said = said(case, metric);
    [
        name,
        metric.metric.into(),
        value(metric.unit, metric.base.value),
        uncertainty(metric.base),
        value(metric.unit, metric.new.value),
        uncertainty(metric.new),
        format!("{}{}", mark_of(metric.change), moved(metric)),
        if metric.confirmatory || said != Change::Unchanged { word(said) } else { String::new() },
    ]
}

/// The row of the metric that decides shows the change of the case. The other rows only inform.
const fn said(case: &CaseComparison, metric: &MetricComparison) -> Change {
    if metric.confirmatory { case.change } else { metric.change }
}

fn word(change: Change) -> String {
    format!("{} {}", mark(change), change.word())
}

fn mark_of(change: Change) -> String {
    match change {
        Change::Unchanged => String::new(),
        other => format!("{} ", mark(other)),
    }
}

/// A value in its unit.
pub(super) fn value(unit: MetricUnit, value: Option<f64>) -> String {
    let Some(value) = value else { return NONE.into() };
    unit.show(value)
}

/// Half of the 95 % interval as a share of the value.
fn uncertainty(estimate: Estimate) -> String {
    match (estimate.value, estimate.half_width) {
        (Some(value), Some(half)) if value > 0.0 => format!("{:.0}%", (half / value * 100.0).min(999.0)),
        (Some(_), Some(0.0)) => "0%".into(),
        _ => NONE.into(),
    }
}

/// The change in percent, for shares in percentage points; `~` if no change counts.
pub(super) fn moved(metric: &MetricComparison) -> String {
    if metric.change == Change::Unchanged {
        return "~".into();
    }
    match (metric.unit, metric.base.value, metric.new.value, metric.ratio) {
        (MetricUnit::Share, Some(base), Some(new), _) => format!("{:+.2} pp", (new - base) * 100.0),
        (MetricUnit::Logs, Some(base), Some(new), _) => format!("{:+.0}", new - base),
        (.., Some(ratio)) if ratio < 100.0 => format!("{:+.1}%", (ratio - 1.0) * 100.0),
        (.., Some(ratio)) => format!("{ratio:.0}x"),
        _ => NONE.into(),
    }
}
