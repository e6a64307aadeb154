//! The `queue-load` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    queue_load::main_with(|_| {})
}
