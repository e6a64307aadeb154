//! A TOML text with the positions of its values. It collects errors with their positions.

use super::readers::Raw;
use super::{Diagnostic, Diagnostics, Position, Problem};
use crate::units::excerpt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Largest scenario file, in bytes.
pub(super) const LARGEST_FILE: usize = 1 << 20;

/// A value with its position.
pub(super) type Placed<'t> = Spanned<DeValue<'t>>;

/// The text that is being validated, and the errors found so far.
pub(super) struct Document<'t> {
    /// The file name as given.
    pub file: &'t str,
    text: &'t str,
    line_starts: Vec<usize>,
    found: Vec<Diagnostic>,
    /// Number of errors beyond [`MOST_KEPT`], which are only counted.
    unplaced: usize,
    notes: Vec<String>,
    unnoted: usize,
}

/// The parser's message for a key that occurs twice. It does not name the key.
const DUPLICATE_KEY: &str = "duplicate key";

/// Largest number of errors, and of notes, that are kept: finding positions costs time, and nobody reads a thousand.
const MOST_KEPT: usize = 1_000;

impl<'t> Document<'t> {
    /// Parses `text` as far as it is valid TOML. Syntax errors are collected.
    pub fn parse(file: &'t str, text: &'t str) -> (Document<'t>, DeTable<'t>) {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let mut document =
            Document { file, text, line_starts, found: Vec::new(), unplaced: 0, unnoted: 0, notes: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            let (mut message, mut fix) = (lower_first(error.message()), "");
            if message == DUPLICATE_KEY {
                message = format!("{message} `{}`", excerpt(document.slice(span.clone())));
                fix = "keep one of them";
            }
            document.error(span, "", Problem::new(message, fix));
        }
        (document, table.into_inner())
    }

    /// The line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts[line - 1];
        let mut end = offset.min(self.text.len());
        // A span of the parser may end inside a character.
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let column = self.text.get(start..end).map_or(0, |before| before.chars().count());
        Position { line, column: column + 1 }
    }

    /// Adds an error at a position.
    pub fn error(&mut self, span: Range<usize>, key: &str, problem: Problem) {
        if self.found.len() < MOST_KEPT {
            self.error_at(self.position(span.start), key, problem);
        } else {
            self.unplaced += 1;
        }
    }

    /// Adds an error at a known line and column.
    pub fn error_at(&mut self, position: Position, key: &str, problem: Problem) {
        self.found.push(Diagnostic::of(self.file, key, problem).at(Some(position)));
    }

    /// Adds an error about the file as a whole.
    pub fn error_of_file(&mut self, key: &str, problem: Problem) {
        self.found.push(Diagnostic::of(self.file, key, problem));
    }

    /// Adds a note at a position.
    pub fn note(&mut self, span: Range<usize>, key: &str, message: impl Into<String>) {
        if self.notes.len() >= MOST_KEPT {
            self.unnoted += 1;
            return;
        }
        let position = self.position(span.start);
        let note = Diagnostic::of(self.file, key, Problem::new(message, "")).at(Some(position));
        self.notes.push(note.to_string());
    }

    /// The value; on an error, `None`, and the error is added at `span`.
    pub fn accept<T>(&mut self, span: Range<usize>, key: &str, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.error(span, key, problem)).ok()
    }

    /// Reads one value of a table; `None` if it is missing or wrong.
    pub fn read<T>(
        &mut self,
        table: &DeTable<'_>,
        path: &str,
        key: &str,
        read: impl FnOnce(Raw<'_>) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = table.get(key)?;
        self.accept(value.span(), &join(path, key), read(Raw::of(value.get_ref())))
    }

    /// Adds an error for every key of the table that is not known.
    pub fn check_keys(&mut self, table: &DeTable<'_>, path: &str, known: &[&str]) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let problem = Problem::unknown("key", name, known.iter().copied());
                self.error(key.span(), path, problem);
            }
        }
    }

    /// The table at `key`; `None` if it is missing or not a table.
    pub fn table<'v, 'x>(&mut self, parent: &'v DeTable<'x>, path: &str, key: &str) -> Option<&'v DeTable<'x>> {
        let value = parent.get(key)?;
        let path = join(path, key);
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            DeValue::Array(_) => {
                let fix = format!("write [{path}] once, in single brackets");
                self.error(value.span(), &path, Problem::new("is a list", fix));
                None
            }
            other => {
                let message = format!("is a table, not {}", kind(other));
                self.error(value.span(), &path, Problem::new(message, format!("write [{path}]")));
                None
            }
        }
    }

    /// The tables of the list at `key`, such as `[[check]]`, at most `most` of them.
    pub fn tables<'v, 'x>(
        &mut self,
        parent: &'v DeTable<'x>,
        key: &str,
        most: usize,
    ) -> Vec<(&'v DeTable<'x>, Range<usize>)> {
        let Some(value) = parent.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(list) = value.get_ref() else {
            let message = format!("is a list of tables, not {}", kind(value.get_ref()));
            let fix = format!("write [[{key}]] in double brackets");
            self.error(value.span(), key, Problem::new(message, fix));
            return Vec::new();
        };
        if list.len() > most {
            let message = format!("{} of them are too many", list.len());
            self.error(value.span(), key, Problem::new(message, format!("at most {most}")));
        }
        let mut tables = Vec::new();
        for element in list.iter().take(most) {
            match element.get_ref() {
                DeValue::Table(table) => tables.push((table, element.span())),
                other => {
                    let message = format!("is a table, not {}", kind(other));
                    let fix = format!("write [[{key}]] in double brackets");
                    self.error(element.span(), key, Problem::new(message, fix));
                }
            }
        }
        tables
    }

    /// The elements of a list, at most `most` of them, or a single value. An empty list is an error.
    pub fn elements<'v, 'x>(&mut self, value: &'v Placed<'x>, key: &str, most: usize) -> Vec<&'v Placed<'x>> {
        let DeValue::Array(list) = value.get_ref() else {
            return vec![value];
        };
        self.check_length(list, value.span(), key, most);
        list.iter().take(most).collect()
    }

    fn check_length(&mut self, list: &DeArray<'_>, span: Range<usize>, key: &str, most: usize) {
        if list.is_empty() {
            let fix = "name at least one value, or leave the key out";
            self.error(span, key, Problem::new("the list is empty", fix));
        } else if list.len() > most {
            let message = format!("a list of {} values is too long", list.len());
            self.error(span, key, Problem::new(message, format!("at most {most}")));
        }
    }

    /// The text between two byte offsets.
    pub fn slice(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or("")
    }

    /// Number of errors so far.
    pub fn errors(&self) -> usize {
        self.found.len() + self.unplaced
    }

    /// Drops errors that a syntax error may have caused. The first `syntax` errors are syntax errors. Of the later
    /// ones, only those are kept that have a position of their own, on a line without a syntax error.
    pub fn distrust_after(&mut self, syntax: usize) {
        if syntax == 0 {
            return;
        }
        let line = |diagnostic: &Diagnostic| diagnostic.position.map(|position| position.line);
        let syntax = syntax.min(self.found.len());
        let broken: Vec<Option<usize>> = self.found[..syntax].iter().map(line).collect();
        let later = self.found.split_off(syntax);
        let kept = later.into_iter().filter(|diagnostic| {
            diagnostic.position.is_some_and(|position| position != Position { line: 1, column: 1 })
                && !broken.contains(&line(diagnostic))
        });
        self.found.extend(kept);
    }

    /// Ends the validation and returns all errors and all notes.
    pub fn finish(mut self) -> (Diagnostics, Vec<String>) {
        if self.unnoted > 0 {
            self.notes.push(format!("{}: {} more notes are not shown", self.file, self.unnoted));
        }
        (Diagnostics::of_text(self.file, self.found, self.unplaced), self.notes)
    }
}

/// The full name of a key.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The kind of a value, as text.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
    first + chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a = 1\nµµ\nlast";
        let (document, _) = Document::parse("f", text);
        for (offset, line, column) in
            [(0, 1, 1), (4, 1, 5), (5, 1, 6), (6, 2, 1), (8, 2, 2), (9, 2, 2), (11, 3, 1), (99, 3, 5)]
        {
            assert_eq!(document.position(offset), Position { line, column }, "byte {offset}");
        }
    }
}
