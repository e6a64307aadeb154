//! `completions`: a script for a shell, made of the command line's own definition.

use super::args::{self, CompletionsArgs, Shell};
use super::error::CliError;
use super::exit::Exit;
use super::stdio;

/// Prints the script.
pub fn completions(args: &CompletionsArgs) -> Result<Exit, CliError> {
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), env!("CARGO_PKG_NAME"), &mut script);
    let script = match args.shell {
        Shell::Bash => repaired(&String::from_utf8_lossy(&script)),
        Shell::Zsh | Shell::Fish => String::from_utf8_lossy(&script).into_owned(),
    };
    stdio::result(script.as_bytes())?;
    Ok(Exit::Pass)
}

/// In a program's name, clap_complete writes a hyphen in two ways, and so finds no verb
/// (<https://github.com/clap-rs/clap/issues/6421>). Once that is fixed, this changes nothing.
fn repaired(script: &str) -> String {
    script.replace("queue__subcmd__load", "queue__load")
}
