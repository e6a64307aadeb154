//! `reports`: what is saved in the reports directory, the newest first.

mod saved;

use super::args::ReportsArgs;
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use super::stdio::plain_table;
use crate::render::{Format, HeadlineNumber, Tone, sparkline};
use crate::session::SessionError;
use crate::untrusted::Untrusted;
use comfy_table::ColumnConstraint;
use saved::{Content, Listed, Saved};
use serde::Serialize;

/// Longest line of bars.
const MOST_BARS: usize = 12;

/// A file, as the JSON has it.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a Untrusted,
    /// RFC 3339, UTC.
    when: String,
    scenario: Option<&'a Untrusted>,
    /// One word for the whole report; also `damaged` and `unfinished`.
    verdict: &'a str,
    cases: Option<usize>,
    mean_enqueue_ns: Option<f64>,
    max_per_s: Option<f64>,
    /// Whether the report was altered after it was saved.
    altered: bool,
    problem: Option<&'a Untrusted>,
}

/// Lists the reports.
pub fn reports(args: &ReportsArgs) -> Result<Exit, CliError> {
    let (files, older) = saved::files(&args.reports_dir, args.last as usize).map_err(|error| {
        let problem = format!("cannot be read: {error}; name another directory with --reports-dir");
        SessionError::NoReport { path: args.reports_dir.clone(), problem }
    })?;
    if files.is_empty() {
        stdio::note(&format!("note: no reports in {}", args.reports_dir.display()));
    }
    if older > 0 {
        stdio::note(&format!("note: {older} older files are left out; --last N reads more"));
    }
    match args.format {
        Format::Json => {
            let entries: Vec<Entry<'_>> = files.iter().rev().map(entry).collect();
            let json = serde_json::to_vec_pretty(&entries).map_err(|error| CliError::Internal(error.to_string()))?;
            stdio::result(&[json, b"\n".to_vec()].concat())?;
        }
        _ if files.is_empty() => {}
        _ => stdio::result(table(&files, stdio::view(args.color).colour).as_bytes())?,
    }
    Ok(Exit::Pass)
}

fn entry(saved: &Saved) -> Entry<'_> {
    let report = saved.report();
    let number = |of: fn(HeadlineNumber) -> Option<f64>| of(report?.number?);
    Entry {
        name: &saved.name,
        when: saved.when.to_string(),
        scenario: report.map(|report| &report.scenario),
        verdict: saved.word(),
        cases: report.map(|report| report.cases.len()),
        mean_enqueue_ns: number(HeadlineNumber::mean_enqueue_ns),
        max_per_s: number(HeadlineNumber::max_per_s),
        altered: report.is_some_and(|report| report.altered),
        problem: match &saved.content {
            Content::Damaged(problem) => Some(problem),
            Content::Report(_) | Content::Unfinished => None,
        },
    }
}

impl Saved {
    fn report(&self) -> Option<&Listed> {
        match &self.content {
            Content::Report(listed) => Some(listed),
            Content::Unfinished | Content::Damaged(_) => None,
        }
    }

    fn word(&self) -> &str {
        match &self.content {
            Content::Report(listed) => listed.verdict,
            Content::Unfinished => "unfinished",
            Content::Damaged(_) => "damaged",
        }
    }

    fn tone(&self) -> Tone {
        match &self.content {
            Content::Report(listed) if listed.altered && listed.tone == Tone::Good => Tone::Doubtful,
            Content::Report(listed) => listed.tone,
            Content::Unfinished => Tone::Doubtful,
            Content::Damaged(_) => Tone::Bad,
        }
    }

    /// Whether the numbers of two reports mean the same: they have the same scenarios and cases.
    fn is_like(&self, other: &Self) -> bool {
        let (Some(one), Some(other)) = (self.report(), other.report()) else { return false };
        one.scenario == other.scenario && one.cases == other.cases
    }
}

/// The bars of a report: the numbers of those like it, up to its own.
fn bars(files: &[Saved], index: usize) -> String {
    let number = |saved: &Saved| Some(saved.report()?.number?.value());
    let like: Vec<(usize, Option<f64>)> = files
        .iter()
        .enumerate()
        .filter(|(_, other)| other.is_like(&files[index]))
        .map(|(at, other)| (at, number(other)))
        .collect();
    let highest = like.iter().filter_map(|(_, number)| *number).fold(0.0, f64::max);
    let until: Vec<Option<f64>> = like.iter().filter(|(at, _)| *at <= index).map(|(_, number)| *number).collect();
    sparkline(&until[until.len().saturating_sub(MOST_BARS)..], highest)
}

fn table(files: &[Saved], colour: bool) -> String {
    let mut table = plain_table();
    table.set_header(["report", "begun (UTC)", "scenario", "cases", "number", "until then", "verdict"]);
    let mut problems = String::new();
    let mut verdicts = Vec::new();
    for (index, saved) in files.iter().enumerate().rev() {
        let report = saved.report();
        let when = saved.when.strftime("%Y-%m-%d %H:%M").to_string();
        let number = report.and_then(|report| report.number).map_or("–".to_owned(), HeadlineNumber::text);
        let altered = report.is_some_and(|report| report.altered);
        if altered {
            problems.push_str(&format!("{}: altered since it was saved\n", saved.name.terminal(100)));
        } else if let Content::Damaged(problem) = &saved.content {
            problems.push_str(&format!("{}: {}\n", saved.name.terminal(100), problem.terminal(300)));
        }
        let verdict = if altered { format!("{}, altered", saved.word()) } else { saved.word().to_owned() };
        verdicts.push((verdict.clone(), saved.tone()));
        table.add_row([
            saved.name.terminal(100),
            when,
            report.map_or("–".to_owned(), |report| report.scenario.terminal(24)),
            report.map_or("–".to_owned(), |report| report.cases.len().to_string()),
            number,
            bars(files, index),
            verdict,
        ]);
    }
    // A name is copied from here, so it stays on one line, and so do the time and the verdict.
    for column in [0, 1, 6] {
        if let Some(whole) = table.column_mut(column) {
            whole.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let legend = "number: mean of enqueue over the cases that pass or fail; of find-max, the lowest maximum. Bars begin at zero.";
    let problems = if problems.is_empty() { problems } else { format!("\n{problems}") };
    let drawn = if colour { toned(&table.trim_fmt(), &verdicts) } else { table.trim_fmt() };
    format!("{drawn}\n{problems}\n{legend}\n")
}

/// The table with its verdicts, the last cells of the rows, in colour. Each column begins with a space. So the first line of a
/// row has its name after one, and what is wrapped after more.
fn toned(drawn: &str, verdicts: &[(String, Tone)]) -> String {
    let mut left = verdicts.iter();
    let mut is_in_rows = false;
    let lines = drawn.lines().map(|line| {
        let verdict = if is_in_rows && !line.starts_with("  ") { left.next() } else { None };
        is_in_rows |= line.starts_with('─');
        let before = verdict.and_then(|(word, tone)| Some((line.strip_suffix(word.as_str())?, tone.paint(word))));
        before.map_or_else(|| line.to_owned(), |(before, painted)| format!("{before}{painted}"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_of_each_row_has_its_own_colour() {
        let listed = |verdict, tone, altered| Listed {
            scenario: "pass, and so long a name that it does not fit".into(),
            cases: Vec::new(),
            verdict,
            tone,
            altered,
            number: None,
        };
        let saved = |content| Saved { name: "pass.json".into(), when: jiff::Timestamp::UNIX_EPOCH, content };
        let report = |verdict, tone, altered| saved(Content::Report(Box::new(listed(verdict, tone, altered))));
        let files = [
            report("pass", Tone::Good, false),
            report("pass", Tone::Good, true),
            report("fail", Tone::Bad, false),
            saved(Content::Unfinished),
            saved(Content::Damaged("it is torn".into())),
        ];
        let coloured = table(&files, true);
        let verdicts: Vec<&str> = coloured.lines().filter_map(|line| Some(&line[line.find('\u{1b}')?..])).collect();
        assert_eq!(
            verdicts,
            [
                "\u{1b}[31mdamaged\u{1b}[0m",
                "\u{1b}[33munfinished\u{1b}[0m",
                "\u{1b}[31mfail\u{1b}[0m",
                "\u{1b}[33mpass, altered\u{1b}[0m",
                "\u{1b}[32mpass\u{1b}[0m",
            ]
        );
        let codes = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"];
        assert_eq!(codes.iter().fold(coloured, |text, code| text.replace(code, "")), table(&files, false));
    }
}
