//! Views of a history's trend.

mod table;

use super::{Format, RenderError, View};
use crate::history::{Change, Series, Trend};
use crate::report::ReportError;
use crate::units::human;
use crate::untrusted::Untrusted;

/// Formats in which a trend can be shown.
pub const TREND_FORMATS: [Format; 3] = [Format::Table, Format::Json, Format::Html];

/// Longest untrusted text of a cell, in characters.
const LONGEST: usize = 120;

/// Renders a trend in a format.
///
/// # Errors
/// A format that is not one of [`TREND_FORMATS`], a number that cannot be written as JSON.
pub fn trend(trend: &Trend, format: Format, view: View) -> Result<Vec<u8>, RenderError> {
    match format {
        Format::Table => Ok(table::table(trend, view.width).into_bytes()),
        Format::Json => {
            let mut bytes = serde_json::to_vec_pretty(trend).map_err(ReportError::from)?;
            bytes.push(b'\n');
            Ok(bytes)
        }
        Format::Html => Ok(super::html_trend(trend).into_bytes()),
        other => Err(RenderError::NotATrend { format: other }),
    }
}

/// What a change amounts to: `▲ +23% (1.00 µs → 1.23 µs)`, or without the share if the earlier value is zero.
pub(super) fn amount(trend: &Trend, change: &Change) -> String {
    let mark = if change.is_worse { "▲" } else { "▼" };
    let share = change.share().map_or_else(String::new, |share| format!("{share:+.0}% ", share = share * 100.0));
    format!("{mark} {share}({} → {})", trend.unit.show(change.before), trend.unit.show(change.after))
}

/// When a change happened, and what else changed then.
pub(super) fn moment(series: &Series, change: &Change) -> String {
    let first = series.points.get(change.at).map_or_else(String::new, |point| second(&point.created_at));
    let with: Vec<String> = change.with.iter().map(|what| what.terminal(LONGEST)).collect();
    let with = if with.is_empty() { String::new() } else { format!("; {}", with.join(", ")) };
    format!("from {first} on (run {} of {}), p = {:.3}{with}", change.at + 1, series.points.len(), change.p)
}

/// A time up to its second.
fn second(time: &Untrusted) -> String {
    Untrusted::from(time.as_given().chars().take(19).collect::<String>()).terminal(19)
}

/// What the numbers mean: how many series, and how often one is called changed that is not.
pub(super) fn meaning(trend: &Trend) -> String {
    let series = human::count(trend.series.len() as u64);
    let metric = trend.metric.terminal(LONGEST);
    let share = trend.alpha * 100.0;
    format!(
        "{metric}: the median over the repeats of each run; {series} series, of which at most {share}% change without a cause"
    )
}

/// The name of a series: its case, and what it is needed for to tell it from others.
pub(super) fn label(trend: &Trend, series: &Series) -> String {
    let several = |of: fn(&Series) -> &Untrusted| trend.series.iter().any(|one| of(one) != of(series));
    let mut parts = vec![series.case.terminal(300)];
    if several(|series| &series.scenario) {
        parts.insert(0, series.scenario.terminal(LONGEST));
    }
    if several(|series| &series.machine) {
        parts.push(format!("on {}", series.machine.terminal(LONGEST)));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests;
