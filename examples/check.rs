//! Runs a scenario from a program, tells of every repeat as it ends, and prints the table.
//!
//! `cargo run --release --example check -- scenarios/smoke.toml`
//!
//! The program has the verb `worker` of its own, so that each repeat has a process of its own: `main_with` does that.

use queue_load::session::{Event, OnEvent, Session, SessionError, Workers};
use std::process::ExitCode;

fn run(scenario: &str) -> Result<ExitCode, SessionError> {
    let concluded = Session::builder()
        .scenario(scenario)
        .workers(Workers::of_this_program().map_err(|error| SessionError::Internal(error.to_string()))?)
        .observer(OnEvent::new(|event| {
            if let Event::RepeatFinished { repeat, .. } = event {
                eprintln!("finished: {}, repeat {}", repeat.case_id.as_given(), repeat.repeat);
            }
        }))
        .run()?;
    println!("{}", concluded.text());
    Ok(ExitCode::from(concluded.outcome().code()))
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        // How each repeat is started.
        Some("worker") => queue_load::main_with(|_| {}),
        Some(scenario) => run(scenario).unwrap_or_else(|error| {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }),
        None => {
            eprintln!("usage: check SCENARIO");
            ExitCode::from(2)
        }
    }
}
