//! `man`: manual pages, made of the command line's own definition.

use super::args::{self, ManArgs};
use super::error::CliError;
use super::exit::Exit;
use super::{near, stdio};
use crate::report;
use clap::Command;
use clap_mangen::Man;
use std::path::Path;

/// Prints a page, or writes all of them.
pub fn man(args: &ManArgs) -> Result<Exit, CliError> {
    let mut command = args::command();
    // Each verb gets its full name, which its page is named after.
    command.build();
    match (&args.dir, &args.verb) {
        (Some(dir), _) => write_all(&command, dir)?,
        (None, None) => stdio::result(&page(&command)?)?,
        (None, Some(verb)) => stdio::result(&page(verb_of(&command, verb)?)?)?,
    }
    Ok(Exit::Pass)
}

fn page(command: &Command) -> Result<Vec<u8>, CliError> {
    let mut roff = Vec::new();
    let man = Man::new(command.clone()).source(concat!("queue-load ", env!("CARGO_PKG_VERSION")));
    man.render(&mut roff).map_err(|error| CliError::Internal(error.to_string()))?;
    Ok(roff)
}

fn write_all(command: &Command, dir: &Path) -> Result<(), CliError> {
    let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help");
    for command in std::iter::once(command).chain(verbs) {
        let path = dir.join(format!("{}.1", command.get_display_name().unwrap_or(command.get_name())));
        report::write_bytes(&page(command)?, &path)?;
    }
    Ok(())
}

fn verb_of<'c>(command: &'c Command, verb: &str) -> Result<&'c Command, CliError> {
    command.find_subcommand(verb).ok_or_else(|| {
        let near = near::nearest(verb, command.get_subcommands().map(Command::get_name));
        CliError::NoVerb { verb: verb.into(), hint: near::question(&near) }
    })
}
