//! Finds the values of the axes to which a change is confined: the shortest condition that holds for every case that
//! changed in this way, and for no case that did not change.

use super::{CaseComparison, Change};
use crate::scenario::{AXES, Axis, Value};
use crate::untrusted::Untrusted;

/// Largest number of parts of a condition. A longer condition explains nothing.
const MOST_PARTS: usize = 3;

/// One line for each change that is confined to a condition, if the condition is shorter than a list of the cases.
pub(super) fn attribution(cases: &[CaseComparison]) -> Vec<Untrusted> {
    [(Change::Regressed, "the regression"), (Change::Improved, "the improvement")]
        .into_iter()
        .filter_map(|(change, words)| Some(format!("{words} is confined to {}", confined_to(cases, change)?).into()))
        .collect()
}

/// A part of a condition, such as `maxsize<=1000`, and the other cases that it excludes.
struct Part {
    text: String,
    excludes: Vec<bool>,
}

fn confined_to(cases: &[CaseComparison], change: Change) -> Option<String> {
    let with = |wanted: &dyn Fn(Change) -> bool| cases.iter().filter(|c| wanted(c.change)).collect::<Vec<_>>();
    let changed = with(&|other| other == change);
    // An inconclusive case may belong to either side, so it must not decide.
    let others =
        with(&|other| other != change && matches!(other, Change::Unchanged | Change::Improved | Change::Regressed));
    if changed.len() < 2 || others.is_empty() {
        return None;
    }
    let parts: Vec<Part> = AXES.iter().flat_map(|axis| parts_of(axis, &changed, &others)).collect();
    let most = MOST_PARTS.min(changed.len());
    let chosen = (1..=most).find_map(|count| choose(&parts, count, &vec![false; others.len()]))?;
    Some(chosen.join(", "))
}

/// The tightest conditions on an axis that hold for every case that changed and exclude some other case; equality
/// first.
fn parts_of(axis: &Axis, changed: &[&CaseComparison], others: &[&CaseComparison]) -> Vec<Part> {
    let values: Vec<Value> = changed.iter().map(|case| axis.get(&case.parameters)).collect();
    let mut parts = Vec::new();
    let mut offer = |sign: &str, value: &Value, holds: &dyn Fn(&Value) -> bool| {
        let excludes: Vec<bool> = others.iter().map(|case| !holds(&axis.get(&case.parameters))).collect();
        if excludes.contains(&true) {
            parts.push(Part { text: format!("{}{sign}{}", axis.name, value.text().as_given()), excludes });
        }
    };
    if values.iter().all(|value| *value == values[0]) {
        offer("=", &values[0], &|other| *other == values[0]);
    }
    let sized = |value: &&Value| size(value);
    let largest = values.iter().max_by(|a, b| sized(a).total_cmp(&sized(b)));
    let smallest = values.iter().min_by(|a, b| sized(a).total_cmp(&sized(b)));
    if let (Some(largest), Some(smallest)) = (largest, smallest)
        && size(largest).is_finite()
    {
        offer("<=", largest, &|other| size(other) <= size(largest));
        offer(">=", smallest, &|other| size(other) >= size(smallest));
    }
    parts
}

/// The size of a value on an axis that has an order; NaN on any other axis.
fn size(value: &Value) -> f64 {
    match value {
        Value::Rate(rate) => rate.per_second(),
        Value::Count(count) => *count as f64,
        Value::Time(time) => time.0 as f64,
        Value::Share(share) => f64::from(share.ppm()),
        _ => f64::NAN,
    }
}

/// `count` parts that together exclude all other cases; the first such choice.
fn choose(parts: &[Part], count: usize, excluded: &[bool]) -> Option<Vec<String>> {
    if count == 0 {
        return (!excluded.contains(&false)).then(Vec::new);
    }
    parts.iter().enumerate().find_map(|(index, part)| {
        let both: Vec<bool> = excluded.iter().zip(&part.excludes).map(|(a, b)| *a || *b).collect();
        let mut chosen = vec![part.text.clone()];
        chosen.extend(choose(&parts[index + 1..], count - 1, &both)?);
        Some(chosen)
    })
}
