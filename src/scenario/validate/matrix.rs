//! `[matrix]`

use super::Context;
use crate::scenario::axes::{self, AXES, Axis, TOTAL_RATE, Value, share_of_total};
use crate::scenario::document::{Document, Placed, join};
use crate::scenario::readers::Raw;
use crate::scenario::{Catalog, Position, Problem};
use crate::units::{Nanos, human};
use std::collections::HashSet;
use toml::de::DeTable;

/// Largest number of cases of one plan, and so of values of one axis.
pub const MOST_CASES: usize = 100_000;

/// The values of each axis; the cases are their product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// One entry for each axis, in the order of [`AXES`]. If `total_rate` was given, [`TOTAL_RATE`] takes the place of
    /// `rate`.
    pub axes: Vec<AxisValues>,
}

/// The values of one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisValues {
    /// The axis.
    pub axis: &'static Axis,
    /// Its values: at least one, without repetitions.
    pub values: Vec<Value>,
    /// Where they come from.
    pub origin: Origin,
}

/// Where the values of an axis come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file, at this position.
    File(Position),
    /// The command line or the environment.
    Override,
    /// Neither: it is the default.
    Default,
}

impl Matrix {
    /// The values of the axis with this name. Empty for `rate` if `total_rate` was given, and for `total_rate` if not.
    pub fn values(&self, name: &str) -> &[Value] {
        let found = self.axes.iter().find(|values| values.axis.name == name);
        found.map_or(&[], |values| &values.values)
    }

    /// Makes the windows as long as the load, if nothing else says how long they are.
    pub(super) fn last(&mut self, length: Nanos) {
        let duration = self.axes.iter_mut().find(|axis| axis.axis.name == "duration" && axis.origin == Origin::Default);
        if let Some(duration) = duration {
            duration.values = vec![Value::Time(length)];
        }
    }

    /// Number of cases in the product; it saturates.
    pub fn product(&self) -> u128 {
        self.axes.iter().fold(1u128, |product, axis| product.saturating_mul(axis.values.len() as u128))
    }
}

/// Reads `[matrix]` with its overrides; `None` only if an error was found.
pub(super) fn read(document: &mut Document<'_>, table: &DeTable<'_>, context: Context<'_>) -> Option<Matrix> {
    let errors = document.errors();
    if table.get("matrix").is_none() {
        let fix = "add [matrix], with a value or a list per axis";
        document.error_of_file("matrix", Problem::new("is missing", fix));
        return None;
    }
    let section = document.table(table, "", "matrix")?;
    let known: Vec<&str> = axes::names().collect();
    document.check_keys(section, "matrix", &known);
    let has_total = section.get("total_rate").is_some();
    if let (true, Some(rate)) = (has_total, section.get("rate")) {
        let fix = "keep one of them: rate is per task, total_rate is over all tasks";
        document.error(rate.span(), "matrix.rate", Problem::new("stands beside total_rate", fix));
        if let Some(axis) = axes::find("rate") {
            // The user will keep one of the two. Its errors are reported now already.
            values(document, rate, axis, "matrix.rate", MOST_CASES, context.catalog);
        }
    }
    let mut all = Vec::with_capacity(AXES.len());
    for axis in &AXES {
        let axis = if axis.is_rate() && has_total { &TOTAL_RATE } else { axis };
        all.extend(read_axis(document, section, axis, context));
    }
    (document.errors() == errors).then_some(Matrix { axes: all })
}

/// Reads one axis: its override, otherwise the file's values, otherwise the default. The file's values are always
/// checked.
fn read_axis(
    document: &mut Document<'_>,
    section: &DeTable<'_>,
    axis: &'static Axis,
    context: Context<'_>,
) -> Option<AxisValues> {
    let from_file = section.get(axis.name).map(|value| {
        let key = join("matrix", axis.name);
        let values = values(document, value, axis, &key, MOST_CASES, context.catalog);
        (values, document.position(value.span().start))
    });
    if let Some((axis, values)) = context.overrides.of_slot(axis.slot()) {
        check_overridden_queues(document, values, context.catalog);
        return Some(AxisValues { axis, values: values.clone(), origin: Origin::Override });
    }
    match from_file {
        Some((values, position)) => Some(AxisValues { axis, values, origin: Origin::File(position) }),
        None => Some(AxisValues { axis, values: vec![axis.default()?], origin: Origin::Default }),
    }
}

/// Reports queues of an override that this scenario does not have: another scenario may declare them.
fn check_overridden_queues(document: &mut Document<'_>, values: &[Value], catalog: &Catalog) {
    for value in values {
        if let Value::Queue(name) = value
            && catalog.find(name.as_given()).is_none()
        {
            let problem = Problem::unknown("queue", name.as_given(), catalog.names());
            document.error_of_file("matrix.queue", problem);
        }
    }
}

/// Reads a value or a list of values. Repetitions are removed and noted.
pub(super) fn values(
    document: &mut Document<'_>,
    value: &Placed<'_>,
    axis: &'static Axis,
    key: &str,
    most: usize,
    catalog: &Catalog,
) -> Vec<Value> {
    let mut seen = HashSet::new();
    let mut values = Vec::new();
    for element in document.elements(value, key, most) {
        let read = axis.read(Raw::of(element.get_ref()), catalog);
        let Some(read) = document.accept(element.span(), key, read) else {
            continue;
        };
        if seen.insert(read.clone()) {
            values.push(read);
        } else {
            document.note(element.span(), key, format!("{} stands twice and counts once", read.text().quoted()));
        }
    }
    values
}

/// Checks what depends on several axes: the number of cases, and the rate of each task under a total rate.
pub(super) fn check_bounds(document: &mut Document<'_>, matrix: &Matrix, includes: usize) {
    let cases = matrix.product().saturating_add(includes as u128);
    if cases > MOST_CASES as u128 {
        let factors: Vec<String> = matrix
            .axes
            .iter()
            .filter(|axis| axis.values.len() > 1)
            .map(|axis| format!("{} {}", human::count(axis.values.len() as u64), axis.axis.name))
            .collect();
        let cases = u64::try_from(cases).map_or("far too many".to_owned(), human::count);
        let message = format!("{cases} cases are too many: {}", factors.join(" x "));
        let fix = format!("at most {}", human::count(MOST_CASES as u64));
        document.error_of_file("matrix", Problem::new(message, fix));
    }
    if let Some(problem) = bad_total(matrix) {
        let total = matrix.axes.iter().find(|axis| axis.axis.is_total_rate());
        match total.map(|axis| axis.origin) {
            Some(Origin::File(position)) => {
                document.error_at(position, "matrix.total_rate", problem);
            }
            _ => document.error_of_file("matrix.total_rate", problem),
        }
    }
}

/// The problem of the first total rate that gives a task a rate out of range; `None` if all are fine.
fn bad_total(matrix: &Matrix) -> Option<Problem> {
    let totals = matrix.values("total_rate");
    let tasks = matrix.values("concurrency");
    let tasks = tasks.iter().filter_map(|value| match value {
        Value::Count(tasks) => u32::try_from(*tasks).ok(),
        _ => None,
    });
    let fewest = tasks.clone().min()?;
    let highest = totals.iter().filter_map(|value| match value {
        Value::Rate(total) => Some(*total),
        _ => None,
    });
    highest.clone().max().and_then(|total| share_of_total(total, fewest).err()).or_else(|| {
        // Whether a rate is too fine depends on each pair. The limit bounds the number of pairs that are tried.
        let mut pairs = highest.flat_map(|total| tasks.clone().map(move |tasks| (total, tasks)));
        pairs.by_ref().take(MOST_CASES).find_map(|(total, tasks)| share_of_total(total, tasks).err())
    })
}
