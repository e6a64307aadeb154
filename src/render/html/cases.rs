//! A case in full: tables of its numbers, its charts, and its discarded and broken repeats.

use super::bar::{bar, parts};
use super::charts::Charts;
use super::matrix::mark_of;
use crate::measure::Ledger;
use crate::render::formats::case as text;
use crate::render::parts::grid::Column;
use crate::render::parts::text::width_of;
use crate::render::parts::{levels, numbers, stages, surroundings};
use crate::report::{CaseRecord, Report};
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;

/// Longest line of untrusted text, in characters.
const MAX_TEXT: usize = 400;
/// Largest number of discarded or broken repeats, and of lines of a child's stderr, that are shown for a case.
const MOST: usize = 20;

/// A case.
pub(super) struct Case {
    /// Its number, from 1.
    pub number: usize,
    /// Whether it is open at first.
    pub open: bool,
    /// The label that distinguishes it from the other cases.
    pub label: String,
    /// Its canonical id.
    pub id: String,
    /// The verdict's word.
    pub outcome: &'static str,
    /// The verdict's mark.
    pub mark: &'static str,
    /// Why it is not `pass`.
    pub reasons: Vec<Spans>,
    /// Whether everything is shown.
    pub in_full: bool,
    /// How many repeats are valid, were discarded, and broke.
    pub repeats: String,
    /// The outcomes of its logs as a bar; our own SVG.
    pub bar: String,
    /// The parts of the bar: class, name, count, share.
    pub parts: Vec<(&'static str, &'static str, String, String)>,
    /// The ledger.
    pub ledger: Vec<(String, String)>,
    /// Statistics of each latency.
    pub latencies: Table,
    /// Each level of its logs.
    pub levels: Table,
    /// Each stage of the window.
    pub stages: Table,
    /// How long a spike among them was felt.
    pub recovery: Option<String>,
    /// Each check.
    pub checks: Table,
    /// Each repeat.
    pub each: Table,
    /// Its charts.
    pub charts: Charts,
    /// The machine, the control, lag ratios.
    pub notes: Vec<String>,
    /// Its discarded and its broken repeats.
    pub spoiled: Vec<Spoiled>,
}

/// A repeat that was discarded or broke.
pub(super) struct Spoiled {
    /// Which repeat, and what happened to it.
    pub title: String,
    /// Why.
    pub lines: Vec<String>,
}

/// A table: headings, and rows of cells.
#[derive(Default)]
pub(super) struct Table {
    /// Heading, and whether the column is aligned to the right.
    pub heads: Vec<(String, bool)>,
    /// The first cell of a row is its heading.
    pub rows: Vec<Vec<(String, bool)>>,
}

impl Table {
    fn of(columns: &[Column]) -> Self {
        let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
        let row = |row: usize| {
            let cell = |column: &Column| (column.cells.get(row).cloned().unwrap_or_default(), column.right);
            columns.iter().map(cell).collect()
        };
        Self {
            heads: columns.iter().map(|column| (column.header.replace('\n', " "), column.right)).collect(),
            rows: (0..rows).map(row).collect(),
        }
    }

    /// The table as lines of text, for a typeface of a single width.
    pub(super) fn plain(&self) -> String {
        let heads: Vec<&str> = self.heads.iter().map(|(head, _)| head.as_str()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(|(cell, _)| cell.as_str()).collect());
        let lines: Vec<Vec<&str>> = std::iter::once(heads).chain(rows).collect();
        let widest = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| width_of(cell)).max();
        let widths: Vec<usize> = (0..self.heads.len()).map(|column| widest(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for line in &lines {
            for ((cell, width), (_, right)) in line.iter().zip(&widths).zip(&self.heads) {
                let gap = " ".repeat(width - width_of(cell));
                let parts = if *right { [gap.as_str(), cell] } else { [cell, gap.as_str()] };
                parts.iter().for_each(|part| text.push_str(part));
                text.push_str("  ");
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }

    /// Leaves out the columns in which no row has a number.
    fn keep_columns_with_numbers(&mut self) {
        let known = |column: usize| self.rows.iter().any(|row| row[column].0 != numbers::NONE && row[column].0 != "0");
        let kept: Vec<bool> = (0..self.heads.len()).map(known).collect();
        let only_kept = |cells: &mut Vec<(String, bool)>| {
            let mut kept = kept.iter();
            cells.retain(|_| kept.next() == Some(&true));
        };
        only_kept(&mut self.heads);
        self.rows.iter_mut().for_each(only_kept);
    }
}

/// Largest number of cases that are shown in full: a browser does not open a much larger page at once.
pub(super) const MOST_IN_FULL: usize = 50;
/// The latencies of a case that is not shown in full.
const BRIEF: [&str; 5] = ["enqueue", "response", "delivery", "lateness", "lag"];

/// Which cases are shown in full: all, or first those that did not pass.
pub(super) fn in_full(report: &Report) -> Vec<bool> {
    let mut order: Vec<usize> = (0..report.cases.len()).collect();
    order.sort_by_key(|index| report.cases[*index].verdict.outcome == Outcome::Pass);
    let mut full = vec![false; order.len()];
    order.iter().take(MOST_IN_FULL).for_each(|index| full[*index] = true);
    full
}

/// A case of the page, without its charts.
pub(super) fn case(report: &Report, index: usize, label: &str, in_full: bool) -> Case {
    let case = &report.cases[index];
    let summary = case.summary.as_ref();
    let mut latencies = summary.map(|summary| Table::of(&text::times(&summary.latency))).unwrap_or_default();
    let mut ledger = summary.map(|summary| text::counts(&summary.ledger)).unwrap_or_default();
    if !in_full {
        latencies.rows.retain(|row| BRIEF.contains(&row[0].0.as_str()));
        latencies.keep_columns_with_numbers();
        ledger.retain(|(_, count)| count != "0");
    }
    let checks = || Table::of(&text::checks(&case.verdict.checks));
    let notes = || surroundings::lines(case, usize::MAX).lines().map(str::to_owned).collect();
    Case {
        number: index + 1,
        open: false,
        label: label.to_owned(),
        id: case.id.html(MAX_TEXT),
        outcome: case.verdict.outcome.word(),
        mark: mark_of(case.verdict.outcome),
        reasons: reasons(case, in_full),
        in_full,
        repeats: repeats(case),
        bar: summary.map(|summary| bar(&summary.ledger)).unwrap_or_default(),
        parts: summary.map(|summary| told(&summary.ledger)).unwrap_or_default(),
        ledger,
        latencies,
        levels: if in_full { Table::of(&levels::columns(case)) } else { Table::default() },
        stages: if in_full { Table::of(&stages::columns(case)) } else { Table::default() },
        recovery: if in_full { stages::recovery(case) } else { None },
        checks: if in_full { checks() } else { Table::default() },
        each: if in_full { each(case) } else { Table::default() },
        charts: Charts::default(),
        notes: if in_full { notes() } else { Vec::new() },
        spoiled: if in_full { spoiled(case) } else { Vec::new() },
    }
}

/// Why it does not pass, and its notes. If the case is not shown in full, only the first few, shortened.
fn reasons(case: &CaseRecord, in_full: bool) -> Vec<Spans> {
    let (most, longest) = if in_full { (MOST, MAX_TEXT) } else { (3, 120) };
    let notes = case.verdict.notes.iter().map(|note| format!("note: {}", note.as_given()).into());
    let all = case.verdict.reasons.iter().cloned().chain(notes);
    all.take(most).map(|reason| spans(&reason.html(longest))).collect()
}

/// The parts of the bar that are not empty: class, name, count, share.
fn told(ledger: &Ledger) -> Vec<(&'static str, &'static str, String, String)> {
    let seen = parts(ledger).into_iter().filter(|(.., count)| *count > 0);
    let of = |count| (numbers::count(count), numbers::share(count, ledger.scheduled));
    seen.map(|(name, class, count)| (class, name, of(count).0, of(count).1)).collect()
}

/// A text as spans; `true` marks a span of code.
pub(super) type Spans = Vec<(bool, String)>;

/// Splits a text into spans. Text between backticks is code.
pub(super) fn spans(text: &str) -> Spans {
    let closed = text.matches('`').count().is_multiple_of(2);
    let spans = text.split('`').enumerate().map(|(index, span)| (index % 2 == 1, span.to_owned()));
    if closed { spans.filter(|(_, span)| !span.is_empty()).collect() } else { vec![(false, text.to_owned())] }
}

fn repeats(case: &CaseRecord) -> String {
    let mut text = human::counted(case.repeats.len() as u64, "valid repeat");
    for (count, word) in [(case.set_aside.len(), "discarded"), (case.errors.len(), "broken")] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text
}

/// The table of the repeats, if there are several.
fn each(case: &CaseRecord) -> Table {
    if case.repeats.len() < 2 {
        return Table::default();
    }
    let column = |key: &'static str, value: fn(&crate::report::RepeatRecord) -> String| Column {
        key,
        header: key,
        right: true,
        cells: case.repeats.iter().map(value).collect(),
        ..Column::default()
    };
    Table::of(&[
        column("repeat", |repeat| (repeat.repeat + 1).to_string()),
        column("accepted", |repeat| numbers::share(repeat.ledger.enqueued_in_window, repeat.ledger.scheduled)),
        column("enqueue mean", |repeat| numbers::mean(repeat.latency.enqueue.mean_ns)),
        column("enqueue p99", |repeat| numbers::time(repeat.latency.enqueue.p99_ns)),
        column("lateness p99", |repeat| numbers::time(repeat.latency.lateness.p99_ns)),
        column("drain", |repeat| numbers::time(Some(repeat.cost.drain_ns))),
    ])
}

/// The repeats that do not count, the broken ones first.
fn spoiled(case: &CaseRecord) -> Vec<Spoiled> {
    let clean = |lines: &[Untrusted]| lines.iter().map(|line| line.html(MAX_TEXT)).collect::<Vec<_>>();
    let broken = case.errors.iter().map(|error| {
        let skipped = error.stderr_tail.len().saturating_sub(MOST);
        let mut lines = vec![error.message.html(MAX_TEXT)];
        lines.extend(clean(&error.stderr_tail[skipped..]).iter().map(|line| format!("stderr: {line}")));
        let kind = error.kind.html(40);
        Spoiled { title: format!("repeat {}, try {}: {kind}", error.repeat + 1, error.attempt + 1), lines }
    });
    let aside = case.set_aside.iter().map(|aside| {
        let measured = &aside.measured;
        let title = format!("repeat {}, try {}: discarded", measured.repeat + 1, measured.attempt + 1);
        Spoiled { title, lines: clean(&aside.reasons) }
    });
    broken.chain(aside).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_as_text_has_its_columns_below_each_other() {
        let cells = |texts: [&str; 3]| texts.iter().map(|text| ((*text).to_owned(), *text == "12 µs")).collect();
        let table = Table {
            heads: [("metric", false), ("new", true), ("why", false)]
                .map(|(head, right)| (head.to_owned(), right))
                .into(),
            rows: vec![cells(["enqueue.p99", "12 µs", ""]), cells(["日", "–", "so few"])],
        };
        let expected = "metric         new  why\nenqueue.p99  12 µs\n日               –  so few\n";
        assert_eq!(table.plain(), expected);
        assert_eq!(Table::default().plain(), "\n");
    }
}
