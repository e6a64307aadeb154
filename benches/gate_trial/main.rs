//! The trial of the gate: does it cry wolf, and does it catch what is slower?
//!
//! `cargo bench --bench gate_trial -- measure 100` measures a baseline and then pairs of reports, `-- baseline` another
//! baseline in its place, `-- judge` says what the gate makes of all that was measured: of each pair, and of each report
//! that is half an hour younger than the baseline. Measuring goes on where it was stopped; judging takes no measurement,
//! so that a changed rule can be judged on the same evidence.

mod judge;
mod measure;
mod queue;

use std::path::Path;
use std::process::ExitCode;

/// Where the reports are kept.
const PLACE: &str = "target/gate-trial";

const USAGE: &str = "usage: gate_trial baseline | measure PAIRS | judge";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let place = Path::new(PLACE);
    let done = match words[..] {
        ["worker", ..] => return queue_load::cli::main_with(queue::register),
        ["baseline"] => measure::baseline(place),
        ["measure", pairs] => match pairs.parse() {
            Ok(pairs) => measure::pairs(place, pairs),
            Err(_) => Err(USAGE.into()),
        },
        ["judge"] => judge::judge(place),
        // As `cargo bench` starts it among all others.
        [] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
