//! `[queues.NAME]`: queues that other programs put under load.

use crate::scenario::document::{Document, join, kind};
use crate::scenario::readers::{self, Raw};
use crate::scenario::{Catalog, ExternalQueue, Problem};
use crate::untrusted::Untrusted;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Largest number of queues in one scenario, of words in a command, and of variables.
const MOST: usize = 100;
/// Longest name of a queue, in bytes.
const LONGEST_NAME: usize = 64;
/// Longest word, variable or path, in bytes.
const LONGEST_TEXT: usize = 4096;
const KEYS: [&str; 4] = ["command", "env", "working_dir", "setup"];

/// Reads all of them. `catalog` has the names that are already taken.
pub(super) fn read(document: &mut Document<'_>, table: &DeTable<'_>, catalog: &Catalog) -> Vec<ExternalQueue> {
    let Some(section) = document.table(table, "", "queues") else { return Vec::new() };
    if section.len() > MOST {
        let problem = Problem::new(format!("{} queues are too many", section.len()), format!("at most {MOST}"));
        document.error_of_file("queues", problem);
    }
    let mut queues = Vec::new();
    for (key, value) in section.iter().take(MOST) {
        let name: &str = key.get_ref();
        let path = join("queues", &crate::units::excerpt(name));
        document.accept(key.span(), &path, check_name(name, catalog));
        let span = key.span();
        match value.get_ref() {
            DeValue::Table(queue) => queues.extend(read_one(document, queue, name, &path, span)),
            other => {
                let fix = format!("write [{path}] with `command = [\"program\", \"argument\"]`");
                let problem = Problem::new(format!("is a table, not {}", kind(other)), fix);
                document.error(value.span(), &path, problem);
            }
        }
    }
    queues
}

/// The names of the queues that a text declares, as far as it can be parsed. Errors are reported elsewhere.
pub fn declared(bytes: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let (table, _) = DeTable::parse_recoverable(text);
    let Some(DeValue::Table(queues)) = table.get_ref().get("queues").map(|queues| queues.get_ref()) else {
        return Vec::new();
    };
    queues.keys().map(|key| key.get_ref().to_string()).collect()
}

fn check_name(name: &str, catalog: &Catalog) -> Result<(), Problem> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
        let fix = format!("write letters, digits, `-`, `_` and `.` only, {LONGEST_NAME} at most");
        return Err(Problem::new("is no name for a queue", fix));
    }
    if catalog.find(name).is_some() {
        return Err(Problem::new(format!("`{name}` is a queue of this program already"), "give it another name"));
    }
    Ok(())
}

fn read_one(
    document: &mut Document<'_>,
    queue: &DeTable<'_>,
    name: &str,
    path: &str,
    span: Range<usize>,
) -> Option<ExternalQueue> {
    document.check_keys(queue, path, &KEYS);
    let command = command(document, queue, path, span.clone());
    let env = env(document, queue, path);
    let working_dir = document.read(queue, path, "working_dir", |raw| text(raw, "working_dir", "../drivers"));
    let setup = document.read(queue, path, "setup", |raw| text(raw, "setup", "drivers/python/setup"));
    let position = document.position(span.start);
    Some(ExternalQueue { name: name.into(), command: command?, env, working_dir, setup, position, capabilities: None })
}

fn command(document: &mut Document<'_>, queue: &DeTable<'_>, path: &str, span: Range<usize>) -> Option<Vec<Untrusted>> {
    let key = join(path, "command");
    let fix = "write command = [\"program\", \"argument\"]";
    let Some(value) = queue.get("command") else {
        document.error(span, &key, Problem::new("is missing", fix));
        return None;
    };
    if !matches!(value.get_ref(), DeValue::Array(_)) {
        let problem = Problem::new(format!("is a list of words, not {}", kind(value.get_ref())), fix);
        document.error(value.span(), &key, problem);
        return None;
    }
    let mut words = Vec::new();
    let errors = document.errors();
    for element in document.elements(value, &key, MOST) {
        // An argument may be empty, but not the program.
        let read = match (words.is_empty(), element.get_ref()) {
            (false, DeValue::String(word)) if word.is_empty() => Ok(Untrusted::default()),
            (_, value) => text(Raw::of(value), "word", "python3"),
        };
        words.extend(document.accept(element.span(), &key, read));
    }
    (document.errors() == errors).then_some(words)
}

fn env(document: &mut Document<'_>, queue: &DeTable<'_>, path: &str) -> Vec<(Untrusted, Untrusted)> {
    let Some(section) = document.table(queue, path, "env") else { return Vec::new() };
    let path = join(path, "env");
    if section.len() > MOST {
        let problem = Problem::new(format!("{} variables are too many", section.len()), format!("at most {MOST}"));
        document.error_of_file(&path, problem);
    }
    let mut variables = Vec::new();
    for (key, value) in section.iter().take(MOST) {
        let name: &str = key.get_ref();
        if name.is_empty() || name.len() > LONGEST_TEXT || name.contains(['=', '\0']) {
            let problem = Problem::new("is no name for a variable", "a name is not empty and has no `=`");
            document.error(key.span(), &path, problem);
            continue;
        }
        let read = match value.get_ref() {
            DeValue::String(text) if text.is_empty() => Ok(Untrusted::default()),
            other => text(Raw::of(other), "value", "1"),
        };
        let key = join(&path, &crate::units::excerpt(name));
        variables.extend(document.accept(value.span(), &key, read).map(|text| (name.into(), text)));
    }
    variables
}

/// A text that may be handed to the kernel.
fn text(raw: Raw<'_>, what: &str, example: &str) -> Result<Untrusted, Problem> {
    let text = readers::text(raw, what, example)?;
    if text.trim().is_empty() {
        return Err(Problem::new("is empty", "fill it in, or leave the key out"));
    }
    if text.len() > LONGEST_TEXT || text.contains('\0') {
        return Err(Problem::new("cannot be used", format!("at most {LONGEST_TEXT} bytes, none of them zero")));
    }
    Ok(text.into())
}
