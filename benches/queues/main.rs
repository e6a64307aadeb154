//! The built-in queue against every other that is built in: what a call costs, how fast it goes without loss, what it
//! takes of the CPU, how late it delivers, how long it makes a caller wait.
//!
//! `cargo bench --all-features --bench queues -- measure --minutes 20 --write docs/RESULTS.md`
//!
//! Each measurement has a process of its own. A round measures every setting with every queue in turn, so that all of them
//! meet the same machine; ratios are formed within a round, and their median and range over the rounds are shown.

mod cells;
mod once;
mod page;
mod queues;
mod results;
mod rounds;
#[path = "../shared/section.rs"]
mod section;

use std::path::PathBuf;
use std::process::ExitCode;

/// What goes wrong, in words.
type Failure = Box<dyn std::error::Error>;

/// The section of the page.
const SECTION: &str = "bench-queues";

const USAGE: &str = "usage: queues measure [--minutes 20] [--queues builtin,noop,…] [--write docs/RESULTS.md]";

struct Options {
    minutes: f64,
    /// All that are built in, if empty.
    queues: Vec<String>,
    write: Option<PathBuf>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["worker", ..] => return queue_load::main_with(|_| ()),
        ["once", ref order @ ..] => once::main(order),
        ["measure", ref rest @ ..] => options(rest).and_then(|options| measure(&options)),
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

fn options(words: &[&str]) -> Result<Options, Failure> {
    let mut options = Options { minutes: 20.0, queues: Vec::new(), write: None };
    for pair in words.chunks(2) {
        let [name, value] = *pair else { return Err(USAGE.into()) };
        match name {
            "--minutes" => options.minutes = value.parse()?,
            "--queues" => options.queues = value.split(',').map(str::to_owned).collect(),
            "--write" => options.write = Some(value.into()),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

/// Measures, prints the section, and writes it to the page.
fn measure(options: &Options) -> Result<(), Failure> {
    let results = rounds::measure(options.minutes, &options.queues)?;
    let text = page::page(&results);
    println!("{text}");
    options.write.as_deref().map_or(Ok(()), |path| section::write(path, SECTION, &text))
}
