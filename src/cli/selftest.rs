//! `selftest`: is the instrument right? Compares what it claims with what it measures, one row for each claim.

use super::args::SelftestArgs;
use super::error::CliError;
use super::exit::Exit;
use super::run::interrupt_on_signal;
use super::stdio;
use crate::render::Format;
use crate::run::{ChildCommand, ChildDriver, Verify};
use crate::selftest::{
    Bench, ClaimOutcome, Claimed, Counts, Event, Experiment, MOST_TRIES, Measured, Overhead, Row, Stopped, Unit,
    examine, experiments,
};
use crate::units::{Nanos, human};
use crate::verdict;
use serde::Serialize;

/// Longest reason that is shown, in characters.
const LONGEST: usize = 400;

/// What `--format json` prints.
#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    #[serde(rename = "finding")]
    outcome: ClaimOutcome,
    exit_code: u8,
    /// The cost of timing a call, and the limit for it.
    timing: Timing,
    claims: &'a [Row],
}

/// The cost of timing at the last attempt, in nanoseconds.
#[derive(Serialize)]
struct Timing {
    reading_ns: f64,
    call_ns: f64,
    allowed_ns: f64,
}

/// Tests the instrument.
pub fn selftest(args: &SelftestArgs) -> Result<Exit, CliError> {
    let interrupt = interrupt_on_signal()?;
    let worker = ChildCommand::worker().map_err(|error| internal(format!("cannot find this program: {error}")))?;
    let verify = Verify::new(|_, measurement| verdict::faults(measurement));
    let mut driver = ChildDriver::new(worker, verify);
    let experiments = experiments();
    let say = |text: &str| {
        if !args.quiet {
            stdio::note(text);
        }
    };
    if cfg!(debug_assertions) {
        say("note: a debug build is too slow for the claims about short calls; build it with --release");
    }
    say(&opening(&experiments));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut on_event = |Event::Read { row, again }: Event| say(&line(&row, again));
    let mut last = Overhead::default();
    let mut timing = || {
        last = Overhead::measure();
        last
    };
    let bench = Bench { cpus, timing: &mut timing };
    let rows = match examine(&experiments, &mut driver, bench, &interrupt, &mut on_event) {
        Ok(rows) => rows,
        Err(Stopped) => {
            say("interrupted; nothing is proven");
            return Ok(Exit::Interrupted);
        }
    };
    let exit = exit(overall(&rows));
    match args.format {
        Format::Json => stdio::result(&json(&rows, &last, exit)?)?,
        _ => stdio::result(table(&rows, &last).as_bytes())?,
    }
    Ok(exit)
}

fn internal(text: String) -> CliError {
    CliError::Internal(text)
}

/// The worst outcome of any claim: wrong, then cannot tell, then pass.
fn overall(rows: &[Row]) -> ClaimOutcome {
    let any = |outcome| rows.iter().any(|row| row.outcome == outcome);
    match (any(ClaimOutcome::Wrong), any(ClaimOutcome::CannotTell)) {
        (true, _) => ClaimOutcome::Wrong,
        (false, true) => ClaimOutcome::CannotTell,
        (false, false) => ClaimOutcome::Pass,
    }
}

fn exit(outcome: ClaimOutcome) -> Exit {
    match outcome {
        ClaimOutcome::Pass => Exit::Pass,
        ClaimOutcome::Wrong => Exit::Failed,
        ClaimOutcome::CannotTell => Exit::Invalid,
    }
}

fn opening(experiments: &[Experiment]) -> String {
    let claims: usize = experiments.iter().map(|experiment| experiment.claims.len()).sum();
    let estimates = experiments.iter().enumerate().map(|(index, experiment)| experiment.repeat(index).estimate());
    let once = estimates.fold(Nanos::ZERO, Nanos::saturating_add);
    format!(
        "{claims} claims about {} queues of known truth, about {}; each has {MOST_TRIES} tries within a minute",
        experiments.len(),
        human::span(once)
    )
}

/// The progress line of a claim.
fn line(row: &Row, again: bool) -> String {
    let what = format!(
        "{}: {}: claimed {}, measured {}",
        row.queue,
        row.number,
        claimed(&row.claimed),
        measured(row.measured, &row.claimed)
    );
    match (row.outcome, again) {
        (ClaimOutcome::Pass, _) => format!("{what}: pass"),
        (_, true) => format!("{what}: to be tried again if there is time ({})", reason(row)),
        (outcome, false) => format!("{what}: {} ({})", word(outcome), reason(row)),
    }
}

/// Why the last attempt missed the claim.
fn reason(row: &Row) -> String {
    row.reasons.last().map(|reason| reason.terminal(LONGEST)).unwrap_or_default()
}

fn word(outcome: ClaimOutcome) -> &'static str {
    match outcome {
        ClaimOutcome::Pass => "pass",
        ClaimOutcome::Wrong => "wrong",
        ClaimOutcome::CannotTell => "cannot tell just now",
    }
}

fn claimed(claimed: &Claimed) -> String {
    match *claimed {
        Claimed::About { unit, value, tolerance: 0.0, .. } => format!("{} exactly", number(unit, value)),
        Claimed::About { unit, value, tolerance, overhead } if overhead > 0.0 => {
            format!("{} to {}", number(unit, value - tolerance), number(unit, value + tolerance + overhead))
        }
        Claimed::About { unit, value, tolerance, .. } => {
            format!("{} ± {}", number(unit, value), number(unit, tolerance))
        }
        Claimed::AtMost { unit, value } => format!("≤ {}", number(unit, value)),
        Claimed::Counts { counts } => self::counts(&counts),
    }
}

fn measured(measured: Option<Measured>, claimed: &Claimed) -> String {
    match (measured, *claimed) {
        (Some(Measured::Value(value)), Claimed::About { unit, .. } | Claimed::AtMost { unit, .. }) => {
            number(unit, value)
        }
        (Some(Measured::Counts(counts)), _) => self::counts(&counts),
        _ => "–".to_owned(),
    }
}

fn number(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Ns => human::latency(value),
        Unit::PerS => human::rate(value),
        Unit::Share => human::share(value),
        Unit::Logs => human::count(value as u64),
    }
}

/// The counts that are not 0. The delivered logs are left out: they follow from the other counts.
fn counts(counts: &Counts) -> String {
    let named = counts.named().into_iter().skip(1).filter(|(_, count)| *count > 0);
    let texts: Vec<String> = named.map(|(name, count)| format!("{} {name}", human::count(count))).collect();
    if texts.is_empty() { "all delivered once".to_owned() } else { texts.join(", ") }
}

fn json(rows: &[Row], timing: &Overhead, exit: Exit) -> Result<Vec<u8>, CliError> {
    let (version, outcome) = (env!("CARGO_PKG_VERSION"), overall(rows));
    let Overhead { reading_ns, call_ns } = *timing;
    let timing = Timing { reading_ns, call_ns, allowed_ns: timing.allowed_ns() };
    let document = Document { version, outcome, exit_code: exit as u8, timing, claims: rows };
    let mut bytes = serde_json::to_vec_pretty(&document).map_err(|error| internal(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// One line for each claim, below a line for its queue.
fn table(rows: &[Row], timing: &Overhead) -> String {
    let header = ["number", "claimed", "measured", "result", "proves"].map(str::to_owned);
    let lines: Vec<[String; 5]> = std::iter::once(header).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let line = |cells: &[String; 5]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("  {}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&lines[0]);
    let mut before = "";
    for (row, cells) in rows.iter().zip(&lines[1..]) {
        if row.experiment != before {
            text.push_str(&format!("a queue that {}\n", row.queue));
        }
        before = row.experiment;
        text.push_str(&line(cells));
    }
    for row in rows.iter().filter(|row| row.outcome != ClaimOutcome::Pass) {
        text.push_str(&format!("\n{}, {}: {}\n", row.number, row.queue, word(row.outcome)));
        for (index, reason) in row.reasons.iter().enumerate() {
            text.push_str(&format!("  try {}: {}\n", index + 1, reason.terminal(LONGEST)));
        }
    }
    format!("{text}\n{}\n{}", timing.described(), summary(rows))
}

fn cells(row: &Row) -> [String; 5] {
    let result = if row.outcome == ClaimOutcome::CannotTell { "cannot tell" } else { word(row.outcome) };
    [
        row.number.to_owned(),
        claimed(&row.claimed),
        measured(row.measured, &row.claimed),
        result.to_owned(),
        row.proves.to_owned(),
    ]
}

fn summary(rows: &[Row]) -> String {
    let number = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let mut text = format!("{} of {} claims pass", number(ClaimOutcome::Pass), rows.len());
    for (outcome, what) in
        [(ClaimOutcome::Wrong, "wrong"), (ClaimOutcome::CannotTell, "cannot be told just now: the machine is too busy")]
    {
        if number(outcome) > 0 {
            text.push_str(&format!(", {} {what}", number(outcome)));
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(experiment: &'static str, outcome: ClaimOutcome, measured: Option<Measured>) -> Row {
        Row {
            experiment,
            queue: "takes 2 µs for each call",
            number: "enqueue p50",
            claimed: Claimed::About { unit: Unit::Ns, value: 2_000.0, tolerance: 60.0, overhead: 120.0 },
            measured,
            outcome,
            proves: "short calls are timed right",
            tries: 1,
            reasons: if outcome == ClaimOutcome::Pass { vec![] } else { vec!["no\u{1b}ise".into()] },
        }
    }

    const TIMING: Overhead = Overhead { reading_ns: 10.0, call_ns: 40.0 };

    fn rows() -> Vec<Row> {
        let value = |value| Some(Measured::Value(value));
        let lost = Counts { delivered: 9_990, lost: 10, ..Counts::default() };
        let counting = Row {
            number: "ledger",
            queue: "loses",
            claimed: Claimed::Counts { counts: lost },
            ..row("b", ClaimOutcome::Wrong, Some(Measured::Counts(Counts { delivered: 10_000, ..Counts::default() })))
        };
        vec![row("a", ClaimOutcome::Pass, value(2_050.0)), row("a", ClaimOutcome::CannotTell, None), counting]
    }

    #[test]
    fn the_worst_outcome_is_the_exit_code() {
        let exit_of = |rows: &[Row]| exit(overall(rows)) as u8;
        let rows = rows();
        assert_eq!([exit_of(&rows[..1]), exit_of(&rows[..2]), exit_of(&rows)], [0, 5, 3]);
    }

    #[test]
    fn the_table_holds_claimed_against_measured() {
        let expected = "  number       claimed             measured            result       proves
a queue that takes 2 µs for each call
  enqueue p50  1.94 µs to 2.18 µs  2.05 µs             pass         short calls are timed right
  enqueue p50  1.94 µs to 2.18 µs  –                   cannot tell  short calls are timed right
a queue that loses
  ledger       10 lost             all delivered once  wrong        short calls are timed right

enqueue p50, takes 2 µs for each call: cannot tell just now
  try 1: no\u{fffd}ise

ledger, loses: wrong
  try 1: no\u{fffd}ise

a reading of the clock takes 10.0 ns, and timing a call of 2 µs adds 40.0 ns to it: a service time may be up to 120 ns longer
1 of 3 claims pass, 1 wrong, 1 cannot be told just now: the machine is too busy
";
        assert_eq!(table(&rows(), &TIMING), expected);
    }

    #[test]
    fn all_that_is_claimed_fits_a_hundred_columns() {
        let experiments = experiments();
        let rows = experiments.iter().flat_map(|experiment| {
            experiment.claims.iter().map(|claim| Row {
                number: claim.number,
                proves: claim.proves,
                claimed: claim.claimed(experiment.logs(), &TIMING),
                queue: experiment.title,
                ..row(experiment.name, ClaimOutcome::CannotTell, None)
            })
        });
        let rows: Vec<Row> = rows.map(|row| Row { reasons: vec![], ..row }).collect();
        for line in table(&rows, &TIMING).lines().filter(|line| !line.starts_with("a reading")) {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }

    #[test]
    fn the_document_is_json_with_a_claim_each() {
        let document: serde_json::Value =
            serde_json::from_slice(&json(&rows(), &TIMING, Exit::Failed).unwrap()).unwrap();
        assert_eq!((&document["finding"], &document["exit_code"]), (&"wrong".into(), &3.into()));
        assert_eq!(document["timing"]["allowed_ns"], 120.0);
        assert_eq!(document["claims"][0]["claimed"]["unit"], "ns");
        assert_eq!(document["claims"][0]["measured"]["value"], 2_050.0);
        assert_eq!(document["claims"][2]["claimed"]["counts"]["lost"], 10);
    }
}
