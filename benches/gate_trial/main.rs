//! The trial of the gate: how often does it raise a false alarm, how often is it inconclusive, and how often does it
//! find a real change?
//!
//! `cargo bench --bench gate_trial -- measure` fills pools of repeats: of the code as it is, and of one variant for
//! each change that a gate must find. `-- judge` draws many pairs of reports from the pools and counts the gate's
//! answers. Measuring continues where it was stopped. Judging measures nothing, so a changed rule can be judged on the
//! same evidence. `-- measure-pairs N` runs N complete pairs instead, which takes hours.

mod draw;
mod effect;
mod judge;
mod measure;
mod page;
mod pairs;
mod pools;
mod queues;
mod reports;
#[path = "../shared/section.rs"]
mod section;
mod store;

use measure::Wanted;
use pools::{CONTESTS, Failure, REPEATS, Trial};
use queue_load::internals::units::Nanos;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use store::Store;

/// The section of the page.
const SECTION: &str = "gate-trial";

const USAGE: &str = "usage: gate_trial measure [--rounds 20] [--minutes N] [--without smoke,stall] | judge [--draws 200] [--write docs/RESULTS.md] \
                     | measure-pairs N [--scenario scenarios/smoke.toml]; each: [--place target/gate-trial]";

/// The options of all verbs.
struct Options {
    place: PathBuf,
    rounds: u32,
    minutes: Option<f64>,
    /// Length of the windows, to try out the trial itself; `None`: as the scenarios say.
    window: Option<Nanos>,
    without: Vec<String>,
    draws: usize,
    write: Option<PathBuf>,
    scenario: PathBuf,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["worker", ..] => return queue_load::main_with(queues::register),
        // This happens when `cargo bench` starts all benchmarks.
        [] => {
            println!("{USAGE}");
            Ok(())
        }
        [verb, ref rest @ ..] => carry_out(verb, rest),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(verb: &str, rest: &[&str]) -> Result<(), Failure> {
    match (verb, rest) {
        ("measure", rest) => {
            let Options { place, rounds, minutes, window, without, .. } = options(rest)?;
            let limit = minutes.map(|minutes| Duration::try_from_secs_f64(minutes * 60.0)).transpose()?;
            measure::measure(&Store::at(&place), Wanted { rounds, limit, window, without })
        }
        ("judge", rest) => judge(&options(rest)?),
        ("measure-pairs", [pairs, rest @ ..]) => {
            let Options { place, scenario, .. } = options(rest)?;
            pairs::measure(&place, &scenario, pairs.parse()?)
        }
        _ => Err(USAGE.into()),
    }
}

fn options(words: &[&str]) -> Result<Options, Failure> {
    let mut options = Options {
        place: "target/gate-trial".into(),
        // Enough for one look and one confirmation that share no repeat.
        rounds: 2 * REPEATS as u32,
        minutes: None,
        window: None,
        without: Vec::new(),
        draws: 200,
        write: None,
        scenario: "scenarios/smoke.toml".into(),
    };
    for pair in words.chunks(2) {
        let [name, value] = *pair else { return Err(USAGE.into()) };
        match name {
            "--place" => options.place = value.into(),
            "--rounds" => options.rounds = value.parse()?,
            "--minutes" => options.minutes = Some(value.parse()?),
            "--window" => options.window = Some(value.parse()?),
            "--without" => options.without = value.split(',').map(str::to_owned).collect(),
            "--draws" => options.draws = value.parse()?,
            "--write" => options.write = Some(value.into()),
            "--scenario" => options.scenario = value.into(),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

/// Draws pairs, runs the gate on them, and prints the results.
fn judge(options: &Options) -> Result<(), Failure> {
    let store = Store::at(&options.place);
    let settings = store.settings()?.ok_or("nothing is measured yet")?;
    let pools = store.read()?;
    // The report of a run with this many repeats says so.
    let trial = Trial::new(REPEATS as u32, settings.window_ns.map(Nanos))?;
    if trial.plan.cases.iter().map(|case| &case.id).ne(&settings.cases) {
        return Err("the scenarios have other cases than the pools; measure anew".into());
    }
    let evidence = reports::Evidence::new(&trial, &pools, &settings)?;
    let row = |(contest, tally)| {
        let effect = effect::effects(&evidence, &judge::whole_rounds(&trial, &pools, contest), contest);
        page::Row { contest, tally, effect }
    };
    let rows: Vec<_> = CONTESTS.iter().zip(judge::contests(&evidence, options.draws)?).map(row).collect();
    let text = page::page(&settings, &pools, &rows, &pairs::read(&options.place)?);
    println!("{text}");
    options.write.as_deref().map_or(Ok(()), |path| section::write(path, SECTION, &text))
}
