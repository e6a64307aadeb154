//! Validates a whole text: the result is a [`Scenario`], or all of its errors.

mod checks;
mod gate;
mod load;
mod matrix;
mod queues;
mod selectors;
mod target;
#[cfg(test)]
mod tests;

use super::document::{Document, LARGEST_FILE};
use super::files::{self, SourceFile};
use super::settings::SETTINGS;
use super::{Catalog, Diagnostic, Diagnostics, Include, Overrides, Problem, RunSettings, Scenario, Value, readers};
use crate::units::Nanos;
pub use matrix::{AxisValues, MOST_CASES, Matrix, Origin};
pub use queues::declared as queues_declared_in;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::Path;
use toml::de::DeTable;

/// What the validation of a scenario depends on.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The known queues.
    pub catalog: &'a Catalog,
    /// The values that replace those of the file.
    pub overrides: &'a Overrides,
    /// Number of repeats if the file does not set it: 3, or 10 when a baseline is given.
    pub default_repeats: u32,
}

const SECTIONS: [&str; 11] =
    ["name", "description", "target", "queues", "matrix", "load", "exclude", "include", "run", "check", "gate"];

/// Reads every scenario that the paths and globs name.
///
/// # Errors
/// All errors of all files.
pub fn load(patterns: &[String], context: Context<'_>) -> Result<(Vec<Scenario>, Vec<String>), Diagnostics> {
    let (sources, notes, mut found) = files::read(patterns);
    let mut scenarios: Vec<Scenario> = Vec::new();
    for SourceFile { path, bytes } in &sources {
        match parse(path, bytes, context) {
            Ok(scenario) => scenarios.push(scenario),
            Err(errors) => found.append(errors),
        }
    }
    for (index, scenario) in scenarios.iter().enumerate() {
        if let Some(first) = scenarios[..index].iter().find(|s| s.name == scenario.name) {
            let message = format!("`{}` is the name of {} too", scenario.name.quoted(), first.file.quoted());
            let problem = Problem::new(message, "give one of them another `name`");
            found.push(Diagnostic::of(scenario.file.quoted(), "name", problem));
        }
    }
    found.or((scenarios, notes))
}

/// The names of the queues that the scenarios declare, as far as their files can be read. Overrides and filters may
/// name them. Errors of the files are reported by `load`, not here.
pub fn declared_queues(patterns: &[String]) -> Vec<String> {
    files::read(patterns).0.iter().flat_map(|source| queues_declared_in(&source.bytes)).collect()
}

/// Reads one scenario from the bytes of `file`.
///
/// # Errors
/// All of its errors, in the order of the text.
pub fn parse(file: &str, bytes: &[u8], context: Context<'_>) -> Result<Scenario, Diagnostics> {
    let of_file = |message: String, fix: &str| Diagnostics::from(Diagnostic::of(file, "", Problem::new(message, fix)));
    if bytes.len() > LARGEST_FILE {
        let message = format!("{} bytes are too many for a scenario", bytes.len());
        return Err(of_file(message, "at most 1 MiB"));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let position = Document::parse(file, &good).0.position(good.len());
            let problem = Problem::new("is not UTF-8", "save the file as UTF-8");
            let diagnostic = Diagnostic::of(file, "", problem).at(Some(position));
            return Err(diagnostic.into());
        }
    };
    if text.trim().is_empty() {
        let fix = "write at least [matrix]; see scenarios/default.toml";
        return Err(of_file("the file is empty".to_owned(), fix));
    }
    if is_report(text) {
        let fix = "`show`, `compare` and `gate` read it; `run` takes the scenario, a .toml";
        return Err(of_file("this is a report".to_owned(), fix));
    }
    let (mut document, table) = Document::parse(file, text);
    let syntax = document.errors();
    let scenario = validate(&mut document, &table, context);
    document.distrust_after(syntax);
    let (found, notes) = document.finish();
    match scenario {
        Some(scenario) if found.is_empty() => {
            Ok(Scenario { notes, text: text.to_owned(), sha256: hex(&Sha256::digest(bytes)), ..scenario })
        }
        _ if found.is_empty() => Err(of_file("cannot be read".to_owned(), "see scenarios/default.toml")),
        _ => Err(found),
    }
}

/// Whether a text begins as a saved report does.
fn is_report(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with("\"schema_version\""))
}

/// Everything but the notes and the digest; `None` only if an error was found.
fn validate(document: &mut Document<'_>, table: &DeTable<'_>, context: Context<'_>) -> Option<Scenario> {
    document.check_keys(table, "", &SECTIONS);
    let name = name(document, table);
    let description = document
        .read(table, "", "description", |raw| bounded(readers::text(raw, "description", "what it shows")?, 4000, true));
    let target = target::read(document, table);
    let run = run(document, table, context);
    let queues = queues::read(document, table, context.catalog);
    let catalog = context.catalog.with(&queues);
    let context = Context { catalog: &catalog, ..context };
    let load = load::read(document, table);
    let mut matrix = matrix::read(document, table, context);
    if let (Some(matrix), Some(length)) = (&mut matrix, load.length()) {
        matrix.last(length);
    }
    let excludes = selectors::excludes(document, table, context.catalog);
    let includes = selectors::includes(document, table, context.catalog, matrix.as_ref());
    let checks = checks::read(document, table, context.catalog);
    let gate = gate::read(document, table);
    let matrix = matrix?;
    matrix::check_bounds(document, &matrix, includes.len());
    check_deadline(document, table, &run, longest(&matrix, &includes));
    check_memory_limit(document, table, &run);
    load::check_recovery(document, &checks, load.stages.as_ref());
    load::check_trace(document, load.trace.as_ref(), &matrix);
    if run.steady.window && load.length().is_some() {
        let (message, what) = match load.stages {
            Some(_) => ("a window in stages lasts as long as they do", "stages"),
            None => ("the window of a trace lasts as long as it", "trace"),
        };
        let problem = Problem::new(message, format!("leave out [load] {what}, or write until = \"duration\""));
        error_of_run(document, table, "until", problem);
    }
    Some(Scenario {
        name: name.into(),
        description: description.map(Into::into),
        file: document.file.into(),
        text: String::new(),
        sha256: String::new(),
        target,
        queues,
        matrix,
        stages: load.stages,
        trace: load.trace,
        excludes,
        includes,
        run,
        checks,
        gate,
        overrides: context.overrides.list().to_vec(),
        notes: Vec::new(),
    })
}

fn name(document: &mut Document<'_>, table: &DeTable<'_>) -> String {
    let read = document.read(table, "", "name", |raw| bounded(readers::text(raw, "name", "example")?, 100, false));
    read.unwrap_or_else(|| {
        let stem = Path::new(document.file).file_stem().map(|stem| stem.to_string_lossy());
        let stem = stem.as_deref().unwrap_or("scenario");
        stem.chars().filter(|c| !c.is_control()).take(100).collect()
    })
}

/// Checks a text for people: it must not be empty, longer than `most` characters, or contain control characters. Line
/// breaks and tabs are allowed if `lines` is set.
fn bounded(text: &str, most: usize, lines: bool) -> Result<String, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new("is empty", "leave it out, or fill it in"));
    }
    if text.chars().count() > most {
        return Err(Problem::new("is too long", format!("at most {most} characters")));
    }
    if text.chars().any(|c| c.is_control() && !(lines && (c == '\n' || c == '\t'))) {
        return Err(Problem::new("holds control characters", "take them out"));
    }
    Ok(text.to_owned())
}

fn run(document: &mut Document<'_>, table: &DeTable<'_>, context: Context<'_>) -> RunSettings {
    let mut run = RunSettings { repeats: context.default_repeats, ..RunSettings::default() };
    if let Some(section) = document.table(table, "", "run") {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        document.check_keys(section, "run", &known);
        for setting in &SETTINGS {
            document.read(section, "run", setting.name, |raw| (setting.set)(&mut run, raw));
        }
    }
    context.overrides.apply(&mut run);
    run
}

/// The longest window of any case.
fn longest(matrix: &Matrix, includes: &[Include]) -> Nanos {
    let of_matrix = matrix.values("duration").iter().map(|value| match value {
        Value::Time(time) => *time,
        _ => Nanos::ZERO,
    });
    let of_includes = includes.iter().map(|include| include.parameters.duration);
    of_matrix.chain(of_includes).max().unwrap_or(Nanos::ZERO)
}

/// Reports a deadline that would end repeats before their windows close: each of those would be an error.
fn check_deadline(document: &mut Document<'_>, table: &DeTable<'_>, run: &RunSettings, longest: Nanos) {
    let Some(deadline) = run.deadline else { return };
    let settling = if run.steady.warmup { run.steady.longest_warmup } else { Nanos::ZERO };
    let least = settling.saturating_add(run.warmup).saturating_add(longest);
    if deadline > least {
        return;
    }
    let message = format!("{deadline} is not longer than warm-up and duration, {least}");
    error_of_run(document, table, "deadline", Problem::new(message, "raise it, or leave it out"));
}

/// Nothing ends what runs in this process.
fn check_memory_limit(document: &mut Document<'_>, table: &DeTable<'_>, run: &RunSettings) {
    if run.memory_limit.is_none() || run.isolate {
        return;
    }
    let problem = Problem::new("needs a process for each repeat", "leave out this, or isolate = false");
    error_of_run(document, table, "memory_limit", problem);
}

/// An error about a key of `[run]`: at its place, or about the file where it comes from the command line.
fn error_of_run(document: &mut Document<'_>, table: &DeTable<'_>, key: &str, problem: Problem) {
    let section = table.get("run").and_then(|run| run.get_ref().as_table());
    let name = format!("run.{key}");
    match section.and_then(|section| section.get(key)) {
        Some(value) => document.error(value.span(), &name, problem),
        None => document.error_of_file(&name, problem),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
