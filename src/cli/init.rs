//! `init`: a scenario with comments, and the schema that its first line names. Asks nothing.

use super::args::InitArgs;
use super::error::CliError;
use super::exit::Exit;
use super::{schema, stdio};
use crate::report::{self, is_stdin};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The scenario. A test holds it to the schema, validates it, and runs it.
const SCENARIO: &str = include_str!("init.toml");
/// What its first line names, beside it.
const SCHEMA_FILE: &str = "scenario.schema.json";

/// Writes the scenario, and the schema beside it.
pub fn init(args: &InitArgs) -> Result<Exit, CliError> {
    if is_stdin(&args.file) {
        stdio::result(SCENARIO.as_bytes())?;
        return Ok(Exit::Pass);
    }
    if args.file.extension().is_none_or(|ending| ending != "toml") {
        return Err(refused(&args.file, "a scenario's name ends in .toml"));
    }
    let schema = args.file.with_file_name(SCHEMA_FILE);
    let has_schema = fs::read(&schema).is_ok_and(|there| there == schema::SCENARIO.as_bytes());
    // Both before either is written.
    for path in [&args.file, &schema] {
        let replaces = path.symlink_metadata().is_ok() && !(has_schema && *path == schema);
        if replaces && !args.force {
            return Err(refused(path, "is there already; --force replaces it"));
        }
    }
    // The scenario last: if it is there, all is.
    if !has_schema {
        write(&schema, schema::SCENARIO, args.force)?;
    }
    write(&args.file, SCENARIO, args.force)?;
    stdio::note(&format!("note: next: queue-load run {}", args.file.display()));
    stdio::result(format!("{}\n{}\n", args.file.display(), schema.display()).as_bytes())?;
    Ok(Exit::Pass)
}

/// Writes a file, whole or not at all. Without `force` it must not exist, not even since we looked.
fn write(path: &Path, text: &str, force: bool) -> Result<(), CliError> {
    if force {
        return Ok(report::write_bytes(text.as_bytes(), path)?);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match error.kind() {
            ErrorKind::NotFound => {
                refused(path, &format!("`{}` is no directory; create it first", directory.display()))
            }
            _ => refused(path, &format!("cannot be written: {error}")),
        }
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // It is ours: a part of it would be in the way of the next try.
        let _ = fs::remove_file(path);
        CliError::Internal(format!("{}: cannot be written: {error}", path.display()))
    })
}

fn refused(path: &Path, problem: &str) -> CliError {
    CliError::Init { path: path.to_owned(), problem: problem.to_owned() }
}
