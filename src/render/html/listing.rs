//! The table of all cases.

use super::bar::bar;
use super::facts::{shown_metrics, sort_key};
use super::matrix::mark_of;
use crate::measure::Ledger;
use crate::render::parts::columns::{mark, outcome_of_metric};
use crate::render::parts::grid::Column;
use crate::render::parts::numbers::{self, NONE};
use crate::report::{CaseRecord, Report, Summary};

/// The table: the axes that vary, and the metrics.
pub(super) struct Listing {
    /// Headings after the number and the verdict.
    pub heads: Vec<Head>,
    /// A row for each case.
    pub rows: Vec<Row>,
}

/// A heading.
pub(super) struct Head {
    /// Its text.
    pub text: String,
    /// The column is aligned to the right.
    pub right: bool,
}

/// A case.
pub(super) struct Row {
    /// Its number, from 1.
    pub number: usize,
    /// The verdict's word.
    pub outcome: &'static str,
    /// The verdict's mark.
    pub mark: &'static str,
    /// The rank of its verdict; 0 is the best.
    pub rank: u8,
    /// Whether it offers less than the target's load.
    pub below: bool,
    /// Values in the order of the headings.
    pub cells: Vec<Cell>,
    /// The outcomes of its logs as a bar; our own SVG.
    pub bar: String,
}

/// A value.
pub(super) struct Cell {
    /// The value as it is printed.
    pub text: String,
    /// Its sort key, if that is not its text; empty if there is no number.
    pub key: Option<String>,
    /// The column is aligned to the right.
    pub right: bool,
    /// Whether it breaks a limit, or may break it.
    pub bad: bool,
}

/// A column beyond the axes.
struct Measured {
    name: &'static str,
    key: &'static str,
    text: fn(&Summary) -> String,
    value: fn(&Summary) -> Option<f64>,
}

const DROPPED: Measured = Measured {
    name: "dropped",
    key: "dropped",
    text: |summary| numbers::count(summary.ledger.dropped),
    value: |summary| Some(summary.ledger.dropped as f64),
};
const SAMPLED: Measured = Measured {
    name: "sampled out",
    key: "sampled",
    text: |summary| numbers::count(summary.ledger.sampled_out),
    value: |summary| Some(summary.ledger.sampled_out as f64),
};
const EVICTED: Measured = Measured {
    name: "evicted",
    key: "evicted",
    text: |summary| numbers::count(summary.ledger.evicted),
    value: |summary| Some(summary.ledger.evicted as f64),
};
const LOST: Measured = Measured {
    name: "lost",
    key: "lost",
    text: |summary| numbers::count(summary.ledger.lost()),
    value: |summary| Some(summary.ledger.lost() as f64),
};

/// The table of a report.
pub(super) fn listing(report: &Report, axes: &[Column]) -> Listing {
    let mut measured: Vec<Measured> = shown_metrics(report)
        .into_iter()
        .map(|metric| Measured { name: metric.name, key: metric.key, text: metric.text, value: metric.value })
        .collect();
    let any =
        |of: fn(&Ledger) -> u64| report.cases.iter().filter_map(|c| c.summary.as_ref()).any(|s| of(&s.ledger) > 0);
    measured.push(DROPPED);
    measured.extend(any(|ledger| ledger.sampled_out).then_some(SAMPLED));
    measured.extend(any(|ledger| ledger.evicted).then_some(EVICTED));
    measured.push(LOST);
    let heads = axes.iter().map(|axis| Head { text: axis.key.into(), right: axis.right });
    let heads = heads.chain(measured.iter().map(|column| Head { text: column.name.into(), right: true })).collect();
    let row = |(index, case): (usize, &CaseRecord)| {
        let axes = axes.iter().map(|axis| Cell {
            text: axis.cells[index].clone(),
            key: sort_key(&case.parameters, axis.key).map(short).filter(|key| *key != axis.cells[index]),
            right: axis.right,
            bad: false,
        });
        let cells = axes.chain(measured.iter().map(|column| cell(case, column)));
        Row {
            number: index + 1,
            outcome: case.verdict.outcome.word(),
            mark: mark_of(case.verdict.outcome),
            rank: case.verdict.outcome as u8,
            below: case.verdict.below_target_load,
            cells: cells.collect(),
            bar: case.summary.as_ref().map(|summary| bar(&summary.ledger)).unwrap_or_default(),
        }
    };
    Listing { heads, rows: report.cases.iter().enumerate().map(row).collect() }
}

/// A sort key with just enough digits to separate values that are printed differently.
fn short(value: f64) -> String {
    if value.fract() == 0.0 || value >= 1e4 { format!("{value:.0}") } else { format!("{value:.5}") }
}

fn cell(case: &CaseRecord, column: &Measured) -> Cell {
    let text = case.summary.as_ref().map_or(NONE.into(), column.text);
    let mark = outcome_of_metric(case, column.key).and_then(mark);
    let value = case.summary.as_ref().and_then(column.value);
    Cell {
        text: mark.map_or_else(|| text.clone(), |mark| format!("{mark} {text}")),
        key: Some(value.map(short).unwrap_or_default()).filter(|key| *key != text),
        right: true,
        bad: mark.is_some(),
    }
}
