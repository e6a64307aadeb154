//! The trial of the selftest: how far from its bounds is a healthy machine, and how often is it judged wrong?
//!
//! `cargo bench --bench selftest_trial -- 20` runs the selftest 20 times. For each claim it prints the findings, the
//! spread of the measured values, and the distance of the nearest bound in standard deviations.

use queue_load::internals::run::{ChildCommand, ChildDriver, Interrupt, Verify};
use queue_load::internals::selftest::{Bench, ClaimOutcome, Claimed, Measured, Overhead, Row, examine, experiments};
use queue_load::internals::verdict;
use std::process::ExitCode;

/// Any error, with its message.
type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "usage: selftest_trial RUNS";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["worker", ..] => return queue_load::main_with(|_| {}),
        [runs] => runs.parse().map_err(|_| USAGE.into()).and_then(trial),
        // This happens when `cargo bench` starts all benchmarks.
        _ => {
            println!("{USAGE}");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn trial(runs: u32) -> Result<(), Failure> {
    let experiments = experiments();
    let verify = Verify::new(|_, measurement| verdict::faults(measurement));
    let mut driver = ChildDriver::new(ChildCommand::worker()?, verify);
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut timings = Vec::new();
    let mut found: Vec<Vec<Row>> = Vec::new();
    for run in 1..=runs {
        let mut timing = || {
            let overhead = Overhead::measure();
            timings.push(overhead);
            overhead
        };
        let bench = Bench { cpus, timing: &mut timing };
        let rows = examine(&experiments, &mut driver, bench, &Interrupt::new(), &mut |_| {})
            .map_err(|stopped| format!("{stopped:?}"))?;
        let open = rows.iter().filter(|row| row.outcome != ClaimOutcome::Pass);
        let open: Vec<String> =
            open.map(|row| format!("{} {}: {:?}", row.experiment, row.number, row.reasons)).collect();
        eprintln!("selftest {run} of {runs}: {}", if open.is_empty() { "pass".to_owned() } else { open.join("; ") });
        found.push(rows);
    }
    report(&found, &timings);
    Ok(())
}

fn report(found: &[Vec<Row>], timings: &[Overhead]) {
    let numbers = |get: fn(&Overhead) -> f64| Spread::of(timings.iter().map(get));
    let (reading, call) = (numbers(|timing| timing.reading_ns), numbers(|timing| timing.call_ns));
    println!(
        "a reading of the clock: {:.1} ns (± {:.1}); a call of 2 µs: {:.1} ns more (± {:.1})\n",
        reading.mean, reading.deviation, call.mean, call.deviation
    );
    println!("| claim | tries | measured | spread | nearest bound, in spreads | pass | cannot tell | wrong |");
    println!("|---|---|---|---|---|---|---|---|");
    for claim in 0..found.first().map_or(0, Vec::len) {
        let rows: Vec<&Row> = found.iter().map(|rows| &rows[claim]).collect();
        let count = |finding| rows.iter().filter(|row| row.outcome == finding).count();
        let findings = [ClaimOutcome::Pass, ClaimOutcome::CannotTell, ClaimOutcome::Wrong]
            .map(|finding| count(finding).to_string());
        let tries: u32 = rows.iter().map(|row| row.tries).sum();
        let (measured, spread, margin) = numbers_of(&rows);
        let name = format!("{}: {}", rows[0].experiment, rows[0].number);
        println!("| {name} | {tries} | {measured} | {spread} | {margin} | {} |", findings.join(" | "));
    }
    let wrong = found.iter().filter(|rows| rows.iter().any(|row| row.outcome == ClaimOutcome::Wrong)).count();
    let open = found.iter().filter(|rows| rows.iter().any(|row| row.outcome == ClaimOutcome::CannotTell)).count();
    println!("\n{} selftests: {wrong} wrong, {open} that cannot tell", found.len());
}

/// The measured mean, its spread, and the distance of the nearest bound in spreads; dashes for counts, which have no
/// spread.
fn numbers_of(rows: &[&Row]) -> (String, String, String) {
    let none = || "–".to_owned();
    let values = rows.iter().filter_map(|row| match row.measured {
        Some(Measured::Value(value)) => Some(value),
        _ => None,
    });
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return ("counts".to_owned(), none(), none());
    }
    let spread = Spread::of(values.iter().copied());
    let margins = rows.iter().filter_map(|row| match row.claimed {
        Claimed::About { value, tolerance, overhead, .. } => {
            Some((spread.mean - (value - tolerance)).min(value + tolerance + overhead - spread.mean))
        }
        Claimed::AtMost { value, .. } => Some(value - spread.mean),
        Claimed::Counts { .. } => None,
    });
    let margin = margins.fold(f64::INFINITY, f64::min);
    let in_spreads = if spread.deviation > 0.0 { format!("{:.1}", margin / spread.deviation) } else { none() };
    (format!("{:.4e}", spread.mean), format!("{:.2}%", spread.deviation / spread.mean * 100.0), in_spreads)
}

struct Spread {
    mean: f64,
    /// Standard deviation of a single value.
    deviation: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
        Self { mean, deviation: (squares / (count - 1.0).max(1.0)).sqrt() }
    }
}
