//! Complete pairs, as a user would run them: this program against itself, with its command line.

use super::pools::{Failure, REPEATS};
use queue_load::report::{Report, read_verified};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_queue-load");

/// Number of pairs by scenario, exit code, and the final outcome of the gate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealPairs {
    codes: BTreeMap<(String, u8, &'static str), usize>,
}

fn file(place: &Path, pair: usize) -> PathBuf {
    place.join(format!("pair-{pair:03}.json"))
}

/// Runs the pairs that are missing, up to `pairs` in total.
///
/// # Errors
/// A run writes no report, or was interrupted.
pub fn measure(place: &Path, scenario: &Path, pairs: usize) -> Result<(), Failure> {
    std::fs::create_dir_all(place)?;
    for pair in 0..pairs {
        let path = file(place, pair);
        if path.exists() {
            continue;
        }
        let repeats = REPEATS.to_string();
        let mut command = Command::new(PROGRAM);
        command.arg("run").arg(scenario).args(["--ab-exec", PROGRAM, "--repeats", &repeats, "--quiet", "--output"]);
        let ended = command.arg(&path).stdout(Stdio::null()).stdin(Stdio::null()).status()?;
        if !path.exists() {
            return Err(format!("pair {pair} left no report ({ended})").into());
        }
        let report = read_verified(&path)?;
        if report.interrupted {
            std::fs::remove_file(&path)?;
            return Err(format!("pair {pair} was cut short, and is no pair").into());
        }
        eprintln!("pair {} of {pairs}: {ended}, {}", pair + 1, word(&report));
    }
    println!("{}", read(place)?.text());
    Ok(())
}

fn word(report: &Report) -> &'static str {
    report.gate.as_ref().map_or("no gate", |gate| gate.outcome.word())
}

/// Reads all pairs that exist.
///
/// # Errors
/// A report cannot be read.
pub fn read(place: &Path) -> Result<RealPairs, Failure> {
    let mut found = RealPairs::default();
    for path in (0..).map(|pair| file(place, pair)).take_while(|path| path.exists()) {
        let report = read_verified(&path)?;
        let scenario =
            report.scenarios.first().map_or_else(String::new, |scenario| scenario.name.as_given().to_owned());
        *found.codes.entry((scenario, report.verdict.exit.code(), word(&report))).or_default() += 1;
    }
    Ok(found)
}

impl RealPairs {
    /// The results as text; empty if there are no pairs.
    pub fn text(&self) -> String {
        let all: usize = self.codes.values().sum();
        if all == 0 {
            return String::new();
        }
        let counts = self
            .codes
            .iter()
            .map(|((scenario, code, word), count)| format!("- {scenario}: {count} ended {code}, the gate said {word}"));
        let counts: Vec<String> = counts.collect();
        format!(
            "Whole pairs, each measured anew by `run --ab-exec` of this program against itself: {all}\n\n{}\n",
            counts.join("\n")
        )
    }
}
