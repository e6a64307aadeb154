//! Markdown for a pull request or a job's summary: the verdict first, then what did not pass and why, the rest folded.
//!
//! Untrusted text is only put into code spans and fenced blocks, where nothing is a link, a mention, HTML or emphasis.

use crate::render::View;
use crate::render::formats::table;
use crate::render::parts::columns::{all_axes, axes, metrics};
use crate::render::parts::facts::facts;
use crate::render::parts::grid::{Column, draw, fit};
use crate::render::parts::headline::Headline;
use crate::render::parts::marker::marker;
use crate::render::parts::{gating, levels, maxima, reasons, stages, totals};
use crate::report::Report;
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;

/// Largest number of rows of a table: a comment on GitHub has at most 65,536 characters.
const MOST_ROWS: usize = 100;

/// The report as Markdown.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let (axes, same) = axes(report);
    let labels = table::labels(report, &axes);
    let mut columns: Vec<Column> = metrics(report);
    if let Some(verdict) = columns.pop() {
        columns.insert(0, verdict);
    }
    columns.splice(1..1, axes);
    let (open, passed): (Vec<usize>, Vec<usize>) =
        (0..report.cases.len()).partition(|&row| report.cases[row].verdict.outcome != Outcome::Pass);
    let mut open = open;
    open.sort_by_key(|&row| std::cmp::Reverse(report.cases[row].verdict.outcome));

    let mut out = heading(report);
    if report.gate.is_some() {
        out.push_str(&fenced(&(gating::last_line(report, 100) + &gating::evidence(report, View::FILE))));
    }
    if !report.maxima.is_empty() {
        let all: Vec<usize> = (0..report.maxima.len()).collect();
        out.push_str(&format!("{}\n\n{}", maxima::title(), rows(&maxima::columns(report), &all)));
    }
    out.push_str(&rows(&columns, &open));
    let why = reasons::lines(report, &labels, View::FILE);
    if !why.is_empty() {
        out.push_str(&fenced(&why));
    }
    if !passed.is_empty() {
        let title = format!(
            "{} that {}",
            human::counted(passed.len() as u64, "case"),
            if passed.len() == 1 { "passes" } else { "pass" }
        );
        out.push_str(&folded(&title, &rows(&columns, &passed)));
    }
    out.push_str(&levelled(report, &labels));
    out.push_str(&staged(report, &labels));
    out.push_str(&folded("Totals, parameters and environment", &particulars(report, &columns, &same)));
    out
}

/// The levels of each case that has several, folded; empty if none has.
fn levelled(report: &Report, labels: &[String]) -> String {
    let mut lines = String::new();
    for (case, label) in report.cases.iter().zip(labels) {
        let columns = levels::columns(case);
        if !columns.is_empty() {
            lines.push_str(&format!("{label}\n{}\n", draw(&fit(columns, 120).0)));
        }
    }
    if lines.is_empty() { lines } else { folded("Levels", &fenced(&lines)) }
}

/// The stages of each case that has some, folded; empty if none has.
fn staged(report: &Report, labels: &[String]) -> String {
    let mut lines = String::new();
    for (case, label) in report.cases.iter().zip(labels) {
        let columns = stages::columns(case);
        if !columns.is_empty() {
            let recovery = stages::recovery(case).map_or_else(String::new, |words| words + "\n");
            lines.push_str(&format!("{label}\n{}\n{recovery}\n", draw(&fit(columns, 120).0)));
        }
    }
    if lines.is_empty() { lines } else { folded("Stages of the window", &fenced(&lines)) }
}

fn heading(report: &Report) -> String {
    let mut out = marker(report.scenarios.iter().map(|scenario| &scenario.name));
    out.push_str(&format!("## {} queue-load: {}\n\n", Headline::of(report).sign(), table::whole(report)));
    for scenario in &report.scenarios {
        out.push_str(&format!("- {}\n", code(&table::promise(scenario))));
    }
    for reason in &report.verdict.reasons {
        out.push_str(&format!("- **{}**\n", reason.markdown(400)));
    }
    out + "\n"
}

/// The rows with these numbers as a table; empty without any.
fn rows(columns: &[Column], rows: &[usize]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(columns.iter().map(|column| column.header.replace('\n', " ")).collect());
    out.push_str(&line(columns.iter().map(|column| if column.right { "--:".into() } else { ":--".into() }).collect()));
    for &row in rows.iter().take(MOST_ROWS) {
        out.push_str(&line(columns.iter().map(|column| cell(column, row)).collect()));
    }
    if rows.len() > MOST_ROWS {
        out.push_str(&format!("\nand {} more\n", rows.len() - MOST_ROWS));
    }
    out + "\n"
}

/// Numbers and our own words are plain; a cell that may contain untrusted text is code. A `|` would end the cell, and the
/// backslash with which Markdown escapes it could itself be escaped by one in the text. So it is replaced.
fn cell(column: &Column, row: usize) -> String {
    let text = column.cells.get(row).map_or("", String::as_str);
    if column.right || matches!(column.key, "verdict" | "search") {
        text.to_owned()
    } else {
        code(&text.replace('|', "¦"))
    }
}

fn particulars(report: &Report, columns: &[Column], same: &[String]) -> String {
    let mut lines = totals::lines(report.cases.iter().filter_map(|case| case.summary.as_ref()));
    lines.push('\n');
    let parameters =
        if same.is_empty() { report.cases.first().map(all_axes).unwrap_or_default() } else { same.to_vec() };
    lines.push_str(&format!("{}\n\n", parameters.join(" · ")));
    lines.push_str(&format!("{}\n\n", facts(report).join(" · ")));
    lines.push_str(&table::footnotes(columns, 100));
    fenced(&lines)
}

pub(in crate::render) fn folded(title: &str, content: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{content}</details>\n\n")
}

impl Untrusted {
    /// Makes a text safe for Markdown: at most `longest` harmless characters in a code span that they cannot end.
    pub(in crate::render) fn markdown(&self, longest: usize) -> String {
        code(&self.terminal(longest))
    }
}

/// A code span that nothing in it can end.
pub(in crate::render) fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code block that nothing in it can end.
pub(in crate::render) fn fenced(text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n\n", text.trim_end())
}

/// Length of the longest sequence of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cannot_be_left() {
        for (text, span) in [
            ("plain", "`plain`"),
            ("a`b", "``a`b``"),
            ("``", "``` `` ```"),
            ("", "`  `"),
            ("<b>@user</b> [x](y)", "`<b>@user</b> [x](y)`"),
        ] {
            assert_eq!(code(text), span);
        }
        assert_eq!(fenced("a\n````\nb\n"), "`````text\na\n````\nb\n`````\n\n");
    }
}
