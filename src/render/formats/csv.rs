//! Comma-separated values: a row for each repeat, whatever its outcome, and one for a case without repeats. A repeat in
//! stages has a row for each of them, too, after its own, and one of several levels a row for each level that was sent.
//!
//! Quoting follows RFC 4180, and lines end in CR LF. Every heading contains its unit. An unknown value is an empty cell.
//! Numbers have no unit. A text that a spreadsheet would read as a formula begins with an apostrophe.

use crate::measure::levels::several;
use crate::measure::{Cost, Ledger, LevelLedger, MemorySeries, OutcomeSource, Rates};
use crate::observed::{CountName, LatencyName};
use crate::report::{
    CaseRecord, ErrorRecord, LatencySummary, MachineRecord, Maximum, RepeatRecord, Report, StageRecord,
};
use crate::scenario::{AXES, Parameters, Value};
use crate::untrusted::Untrusted;
use std::collections::BTreeMap;

/// Longest text of a cell, in characters.
const LONGEST: usize = 1_000;

/// A number of a record, and its name.
type Named<R, N> = (&'static str, fn(&R) -> N);

/// A row as pairs of heading and cell; every row has the same headings.
type Row = Vec<(String, String)>;

/// The report as CSV.
#[must_use]
pub fn csv(report: &Report) -> String {
    let mut out = String::new();
    let mut heading: Option<Vec<String>> = None;
    for row in evidence(report) {
        let (names, cells): (Vec<String>, Vec<String>) = row.into_iter().unzip();
        if heading.is_none() {
            line(&mut out, &names);
        }
        debug_assert!(heading.as_ref().is_none_or(|first| *first == names), "every row has the same columns");
        heading.get_or_insert(names);
        line(&mut out, &cells);
    }
    if heading.is_none() {
        line(&mut out, &["scenario".to_owned(), "case".to_owned()]);
    }
    out
}

/// The rows of all cases; of a search, those of every rate that was tried, each with the search's result.
fn evidence(report: &Report) -> Vec<Row> {
    let with_result = |case: &CaseRecord, maximum: Option<&Maximum>| {
        let rows = rows(case).into_iter().map(|mut row| {
            result(&mut row, maximum);
            row
        });
        rows.collect::<Vec<Row>>()
    };
    match report.maxima.is_empty() {
        true => report.cases.iter().flat_map(|case| with_result(case, None)).collect(),
        false => {
            let of_search = |maximum: &Maximum| -> Vec<Row> {
                maximum.cases.iter().flat_map(|case| with_result(case, Some(maximum))).collect()
            };
            report.maxima.iter().flat_map(of_search).collect()
        }
    }
}

/// The result of the search that a row belongs to; empty cells for a run.
fn result(row: &mut Row, maximum: Option<&Maximum>) {
    let of = |value: fn(&Maximum) -> Option<f64>| real(maximum.and_then(value));
    let outcome = maximum.map_or("", |maximum| maximum.outcome.word());
    row.push(("search".to_owned(), outcome.to_owned()));
    row.push(("max_per_s".to_owned(), of(|maximum| maximum.max_per_s)));
    row.push(("max_low_per_s".to_owned(), of(|maximum| maximum.low_per_s)));
    row.push(("max_high_per_s".to_owned(), of(|maximum| maximum.high_per_s)));
    row.push(("knee_per_s".to_owned(), of(|maximum| maximum.knee_per_s)));
    row.push(("generator_per_s".to_owned(), of(|maximum| maximum.generator_per_s)));
}

fn line(out: &mut String, cells: &[String]) {
    let quoted: Vec<String> = cells.iter().map(|cell| quote(cell)).collect();
    out.push_str(&quoted.join(","));
    out.push_str("\r\n");
}

/// A cell, quoted by RFC 4180 if it must be.
pub(super) fn quote(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

impl Untrusted {
    /// Makes a text safe for a cell: at most 1,000 harmless characters that no spreadsheet takes for a formula. The
    /// cell is quoted later, if necessary.
    pub(super) fn csv(&self) -> String {
        let shown = self.terminal(LONGEST);
        let formula = |first: char| matches!(first, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\u{fffd}');
        // Some programs skip leading spaces and quotes.
        let begins = shown.trim_start_matches([' ', '"', '\'']).chars().next();
        // A leading tab or line break has become a space by now. A program might strip the space, so the text still
        // needs its apostrophe.
        let was_space = self.as_given().starts_with(['\t', '\r', '\n']);
        if was_space || begins.is_some_and(formula) { format!("'{shown}") } else { shown }
    }
}

fn number<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A number with a fraction, in full and without an exponent.
fn real(value: Option<f64>) -> String {
    number(value.filter(|value| value.is_finite()))
}

fn rows(case: &CaseRecord) -> Vec<Row> {
    let valid =
        case.repeats.iter().map(|repeat| Source { status: "valid", repeat: Some(repeat), note: Untrusted::default() });
    let aside = case.set_aside.iter().map(|aside| Source {
        status: "set aside",
        repeat: Some(&aside.measured),
        note: Untrusted::join(&aside.reasons, "; "),
    });
    let with_parts = |source: Source<'_>| {
        let whole = row(case, &source, None);
        let stages = (0..).zip(source.repeat.map_or(&[][..], |repeat| &repeat.stages));
        let of_stages: Vec<Row> = stages.map(|(index, stage)| of_stage(case, &whole, index, stage)).collect();
        let levels = source.repeat.map(|repeat| several(&repeat.levels)).unwrap_or_default();
        let of_levels: Vec<Row> = levels.into_iter().map(|of| of_level(&whole, of)).collect();
        std::iter::once(whole).chain(of_stages).chain(of_levels)
    };
    let mut rows: Vec<Row> = valid.chain(aside).flat_map(with_parts).collect();
    rows.extend(case.errors.iter().map(|error| {
        let note = format!("{}: {}", error.kind.as_given(), error.message.as_given()).into();
        row(case, &Source { status: "error", repeat: None, note }, Some(error))
    }));
    if rows.is_empty() {
        rows.push(row(case, &Source { status: "not run", repeat: None, note: Untrusted::default() }, None));
    }
    rows
}

/// The origin of a row.
struct Source<'r> {
    status: &'static str,
    repeat: Option<&'r RepeatRecord>,
    note: Untrusted,
}

fn row(case: &CaseRecord, source: &Source<'_>, error: Option<&ErrorRecord>) -> Row {
    let repeat = source.repeat;
    let place =
        repeat.map(|repeat| (repeat.repeat, repeat.attempt)).or(error.map(|error| (error.repeat, error.attempt)));
    let mut row = Row::new();
    let mut cell = |name: &str, value: String| row.push((name.to_owned(), value));
    cell("scenario", case.scenario.csv());
    cell("case", case.id.csv());
    cell("verdict_of_case", case.verdict.outcome.word().to_owned());
    cell("below_target_load", case.verdict.below_target_load.to_string());
    cell("repeat", number(place.map(|(repeat, _)| repeat)));
    cell("attempt", number(place.map(|(_, attempt)| attempt)));
    cell("status", source.status.to_owned());
    cell("note", source.note.csv());
    // Empty for the whole window, and for all levels.
    cell("stage", String::new());
    cell("stage_name", String::new());
    cell("of_level", String::new());
    parameters(&mut row, &case.parameters);
    ledger(&mut row, repeat.map(|repeat| &repeat.ledger));
    rates(&mut row, repeat.map(|repeat| &repeat.rates));
    times(&mut row, repeat);
    costs(&mut row, repeat);
    machine(&mut row, repeat.map(|repeat| &repeat.machine));
    let source = repeat.map(|repeat| match repeat.outcome_source {
        OutcomeSource::Call => "call",
        OutcomeSource::Counter => "counter",
        OutcomeSource::Delivery => "delivery",
    });
    row.push(("outcome_source".to_owned(), source.unwrap_or_default().to_owned()));
    row.push(("queue_version".to_owned(), repeat.map(|repeat| repeat.queue_version.csv()).unwrap_or_default()));
    row
}

/// The first column of what was measured: those before it say of what.
const FIRST_MEASURED: &str = "scheduled_logs";

/// The row of a stage: that of its repeat, with the stage's own numbers. What is not known of a stage is empty.
fn of_stage(case: &CaseRecord, whole: &Row, index: usize, stage: &StageRecord) -> Row {
    let mut known = Row::new();
    for (name, count) in [
        ("scheduled", Some(stage.scheduled)),
        ("attempted", Some(stage.attempted)),
        ("unsent", Some(stage.unsent)),
        ("unsent_generator", Some(stage.unsent_generator)),
        ("enqueued", stage.enqueued),
        ("dropped", stage.dropped),
        ("sampled_out", Some(stage.sampled_out)),
        ("delivered", Some(stage.delivered)),
    ] {
        known.push((format!("{name}_logs"), number(count)));
    }
    for (name, latency) in [
        (LatencyName::Enqueue, &stage.enqueue),
        (LatencyName::Response, &stage.response),
        (LatencyName::Delivery, &stage.delivery),
    ] {
        statistics(&mut known, name.name(), Some(latency));
    }
    let asked = case.parameters.stages.as_ref().and_then(|stages| stages.list().get(index));
    let name = asked.and_then(|stage| stage.name.as_deref()).map(|name| Untrusted::from(name).csv());
    let (number, name) = ((index + 1).to_string(), name.unwrap_or_default());
    part_of(whole, &[("stage", number), ("stage_name", name)], known)
}

/// The row of a level: that of its repeat, with the level's own counts. What is not known of a level is empty.
fn of_level(whole: &Row, level: &LevelLedger) -> Row {
    let mut known = Row::new();
    for name in CountName::BY_LEVEL {
        known.push((format!("{name}_logs"), number(level.count(name))));
    }
    part_of(whole, &[("of_level", level.level.csv())], known)
}

/// The row of a part of a repeat: what identifies the repeat, what identifies the part, and what is known of it.
fn part_of(whole: &Row, part: &[(&str, String)], known: Row) -> Row {
    let mut known: BTreeMap<String, String> = known.into_iter().collect();
    let measured = whole.iter().position(|(column, _)| column == FIRST_MEASURED).unwrap_or(whole.len());
    let of_column = |(place, (column, cell)): (usize, &(String, String))| {
        let own = part.iter().find(|(name, _)| name == column).map(|(_, cell)| cell.clone());
        let cell = match own {
            Some(own) => own,
            None if place < measured => cell.clone(),
            None => known.remove(column).unwrap_or_default(),
        };
        (column.clone(), cell)
    };
    whole.iter().enumerate().map(of_column).collect()
}

fn parameters(row: &mut Row, parameters: &Parameters) {
    for axis in &AXES {
        let (ending, cell) = match axis.get(parameters) {
            Value::Time(time) => ("_ns", time.0.to_string()),
            Value::Rate(rate) => ("_per_task_per_s", rate.per_second().to_string()),
            Value::Share(share) => ("_share", share.as_f64().to_string()),
            Value::Count(count) => ("", count.to_string()),
            other => ("", other.text().csv()),
        };
        row.push((format!("{}{ending}", axis.name), cell));
    }
    let offered = parameters.offered_per_second();
    row.push(("offered_per_s".to_owned(), offered.to_string()));
}

fn ledger(row: &mut Row, ledger: Option<&Ledger>) {
    // `delivered_per_s` has the same information.
    let counts = Ledger::COUNTS.iter().filter(|(name, _)| *name != "delivered_in_window");
    row.extend(counts.map(|(name, of)| (format!("{}_logs", name.replace('.', "_")), number(ledger.map(of)))));
}

fn rates(row: &mut Row, rates: Option<&Rates>) {
    let named: [Named<Rates, f64>; 3] = [
        ("attempted_per_s", |rates| rates.attempted_per_s),
        ("accepted_per_s", |rates| rates.accepted_per_s),
        ("delivered_per_s", |rates| rates.delivered_per_s),
    ];
    row.extend(named.map(|(name, get)| (name.to_owned(), real(rates.map(get)))));
}

fn times(row: &mut Row, repeat: Option<&RepeatRecord>) {
    for name in LatencyName::ALL {
        statistics(row, name.name(), repeat.and_then(|repeat| repeat.latency.get(*name)));
    }
}

fn statistics(row: &mut Row, name: &str, latency: Option<&LatencySummary>) {
    let mut cell = |statistic: &str, value: String| row.push((format!("{name}_{statistic}"), value));
    cell("count", number(latency.map(|latency| latency.count)));
    cell("censored_count", number(latency.map(|latency| latency.censored)));
    cell("mean_ns", real(latency.and_then(|latency| latency.mean_ns)));
    cell("trimmed_mean_ns", real(latency.and_then(|latency| latency.trimmed_mean_ns)));
    cell("stddev_ns", real(latency.and_then(|latency| latency.stddev_ns)));
    cell("min_ns", number(latency.and_then(|latency| latency.min_ns)));
    cell("p50_ns", number(latency.and_then(|latency| latency.p50_ns)));
    cell("p90_ns", number(latency.and_then(|latency| latency.p90_ns)));
    cell("p99_ns", number(latency.and_then(|latency| latency.p99_ns)));
    cell("p99_9_ns", number(latency.and_then(|latency| latency.p99_9_ns)));
    cell("p99_99_ns", number(latency.and_then(|latency| latency.p99_99_ns)));
    cell("max_ns", number(latency.and_then(|latency| latency.max_ns)));
}

fn costs(row: &mut Row, repeat: Option<&RepeatRecord>) {
    let cost: Option<&Cost> = repeat.map(|repeat| &repeat.cost);
    for group in ["producers", "runtime", "queue"] {
        let seconds = cost.and_then(|cost| cost.cpu_s_per_million.get(group).copied());
        row.push((format!("cpu_{group}_s_per_million_logs"), real(seconds)));
    }
    row.push(("peak_memory_bytes".to_owned(), number(cost.and_then(|cost| cost.peak_memory_bytes))));
    let memory = repeat.and_then(|repeat| repeat.memory.as_ref());
    row.push(("memory_slope_bytes_per_s".to_owned(), real(memory.and_then(MemorySeries::slope))));
    row.push(("depth_high_water_records".to_owned(), number(cost.and_then(|cost| cost.depth_high_water))));
    row.push(("drain_ns".to_owned(), number(cost.map(|cost| cost.drain_ns))));
}

fn machine(row: &mut Row, machine: Option<&MachineRecord>) {
    row.push(("cpu_stolen_share".to_owned(), real(machine.and_then(|machine| machine.steal_share))));
    row.push(("cpu_of_others_share".to_owned(), real(machine.and_then(|machine| machine.others_share))));
    row.push(("stolen_ns".to_owned(), number(machine.and_then(|machine| machine.stolen_ns))));
    let apart = machine.and_then(|machine| machine.core_to_core);
    row.push(("core_to_core_ns".to_owned(), number(apart.map(|apart| apart.worst_ns()))));
    row.push(("instrument_floor_ns".to_owned(), real(machine.map(|machine| machine.instrument_floor_ns))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        for (cell, quoted) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" spaced", "\" spaced\""),
            ("", ""),
        ] {
            assert_eq!(quote(cell), quoted);
        }
    }

    #[test]
    fn no_text_is_a_formula_and_no_number_is_touched() {
        for (given, shown) in [
            ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("\rx", "' x"),
            ("  =1", "'  =1"),
            ("\"=1", "'\"=1"),
            ("＝1", "'＝1"),
            ("\0=1", "'\u{fffd}=1"),
            ("strategy=drop", "strategy=drop"),
            ("", ""),
        ] {
            assert_eq!(Untrusted::from(given).csv(), shown);
        }
        assert_eq!(
            (real(Some(-1.5)), real(Some(f64::NAN)), number(Some(7)), number::<u8>(None)),
            ("-1.5".into(), String::new(), "7".into(), String::new())
        );
    }

    proptest! {
        #[test]
        fn whatever_is_said_stays_in_its_cell(given in any::<String>()) {
            let shown = Untrusted::from(given).csv();
            prop_assert!(!shown.contains(['\n', '\r', '\0']));
            prop_assert!(!shown.starts_with(['=', '+', '-', '@', '\t']));
            let quoted = quote(&shown);
            let read = match quoted.strip_prefix('"') {
                Some(rest) => rest.strip_suffix('"').unwrap().replace("\"\"", "\""),
                None => quoted,
            };
            prop_assert_eq!(read, shown);
        }
    }
}
