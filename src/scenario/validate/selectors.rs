//! `[[exclude]]`, `[[include]]`, and the `where` table of a check.

use super::matrix::{Matrix, values};
use crate::scenario::axes::{self, AXES, Axis, TOTAL_RATE, Value};
use crate::scenario::document::{Document, join};
use crate::scenario::readers::Raw;
use crate::scenario::{Catalog, Clause, Exclude, Include, Parameters, Problem, Selector};
use crate::units::human;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Largest number of excludes, and of checks.
pub(super) const MOST_SELECTORS: usize = 200;
/// Largest number of includes.
const MOST_INCLUDES: usize = 10_000;
/// Largest number of values of one key of a selector.
const MOST_VALUES: usize = 1_000;

pub(super) fn excludes(document: &mut Document<'_>, table: &DeTable<'_>, catalog: &Catalog) -> Vec<Exclude> {
    let mut excludes = Vec::new();
    for (section, span) in document.tables(table, "exclude", MOST_SELECTORS) {
        let selector = selector(document, section, "exclude", catalog);
        if section.is_empty() {
            let problem = Problem::new("would leave out every case", "name at least one axis");
            document.error(span.clone(), "exclude", problem);
        }
        excludes.push(Exclude { selector, position: document.position(span.start) });
    }
    excludes
}

/// Reads the clauses of a table whose keys are axes.
pub(super) fn selector(document: &mut Document<'_>, section: &DeTable<'_>, path: &str, catalog: &Catalog) -> Selector {
    let known: Vec<&str> = axes::names().collect();
    document.check_keys(section, path, &known);
    let mut clauses = Vec::new();
    for axis in AXES.iter().chain([&TOTAL_RATE]) {
        let Some(value) = section.get(axis.name) else {
            continue;
        };
        let key = join(path, axis.name);
        let values = values(document, value, axis, &key, MOST_VALUES, catalog);
        clauses.push(Clause { axis, values });
    }
    Selector::new(clauses)
}

pub(super) fn includes(
    document: &mut Document<'_>,
    table: &DeTable<'_>,
    catalog: &Catalog,
    matrix: Option<&Matrix>,
) -> Vec<Include> {
    let mut includes = Vec::new();
    for (section, span) in document.tables(table, "include", MOST_INCLUDES) {
        let errors = document.errors();
        let given = given(document, section, catalog);
        let Some(matrix) = matrix else { continue };
        if document.errors() > errors {
            continue;
        }
        let position = document.position(span.start);
        if let Some(parameters) = complete(document, span, &given, matrix) {
            includes.push(Include { parameters, position });
        }
    }
    includes
}

/// The axes that the include names, with one value each.
fn given(document: &mut Document<'_>, section: &DeTable<'_>, catalog: &Catalog) -> Vec<(&'static Axis, Value)> {
    let known: Vec<&str> = axes::names().collect();
    document.check_keys(section, "include", &known);
    if let (Some(_), Some(rate)) = (section.get("total_rate"), section.get("rate")) {
        let fix = "keep one of them: rate is per task, total_rate is over all tasks";
        document.error(rate.span(), "include.rate", Problem::new("stands beside total_rate", fix));
    }
    let mut given = Vec::new();
    for axis in AXES.iter().chain([&TOTAL_RATE]) {
        let Some(value) = section.get(axis.name) else {
            continue;
        };
        let key = join("include", axis.name);
        if matches!(value.get_ref(), DeValue::Array(_)) {
            let fix = "name one value, and write an [[include]] for each";
            document.error(value.span(), &key, Problem::new("an include is one case", fix));
            continue;
        }
        let read = axis.read(Raw::of(value.get_ref()), catalog);
        if let Some(value) = document.accept(value.span(), &key, read) {
            given.push((axis, value));
        }
    }
    given
}

/// The complete case. Each axis that the include does not name takes the matrix's value, of which there must be only
/// one.
fn complete(
    document: &mut Document<'_>,
    span: Range<usize>,
    given: &[(&'static Axis, Value)],
    matrix: &Matrix,
) -> Option<Parameters> {
    let mut parameters = Parameters::default();
    let mut complete = true;
    for from_matrix in &matrix.axes {
        let slot = from_matrix.axis.slot();
        let named = given.iter().find(|(axis, _)| axis.slot() == slot);
        let set = match (named, from_matrix.values.as_slice()) {
            (Some((axis, value)), _) => axis.set(&mut parameters, value),
            (None, [only]) => from_matrix.axis.set(&mut parameters, only),
            (None, several) => {
                let name = from_matrix.axis.name;
                let count = human::count(several.len() as u64);
                let message = format!("leaves out `{name}`, of which the matrix has {count} values");
                Err(Problem::new(message, "name one of them here"))
            }
        };
        // All axes are checked, so that every missing one is reported.
        complete &= document.accept(span.clone(), "include", set).is_some();
    }
    complete.then_some(parameters)
}
