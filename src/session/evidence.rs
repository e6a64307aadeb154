//! The results that each look of a gate is based on.

use super::assemble::Gathered;
use crate::plan::{Plan, Program};
use crate::run::{CaseRuns, Yardstick};
use crate::untrusted::Untrusted;
use std::collections::{BTreeMap, BTreeSet};

/// The results for the next look at these cases. `undecided` cases are judged on the results of the last look and the
/// fresh repeats together; the others on the fresh repeats alone.
pub(super) fn next(
    plan: &Plan,
    cases: &[usize],
    undecided: &BTreeSet<Untrusted>,
    before: &mut Gathered,
    fresh: Gathered,
) -> Gathered {
    let mut runs = BTreeMap::new();
    for (index, fresh) in fresh.runs {
        runs.insert(index, vec![fresh]);
    }
    let again = cases.iter().filter(|case| undecided.contains(&plan.cases[**case].id));
    for index in again.flat_map(|case| Program::ALL.map(|program| plan.index_of(*case, program))) {
        if let (Some(earlier), Some(parts)) = (before.runs.remove(&index), runs.get_mut(&index)) {
            parts.insert(0, earlier);
        }
    }
    let yardstick = match undecided.is_empty() {
        true => fresh.yardstick,
        false => joined(before.yardstick, fresh.yardstick),
    };
    let runs = runs.into_iter().map(|(index, parts)| (index, together(parts))).collect();
    Gathered { runs, yardstick, interrupted: fresh.interrupted }
}

/// Appends the results of one case to each other.
fn together(parts: Vec<CaseRuns>) -> CaseRuns {
    let mut all = CaseRuns::default();
    for part in parts {
        all.case_id = part.case_id;
        all.measured.extend(part.measured);
        all.set_aside.extend(part.set_aside);
        all.errors.extend(part.errors);
    }
    all
}

/// The yardstick of two phases as if they were one: the start of the first, the end of the last, and the readings
/// between them.
fn joined(first: Option<Yardstick>, last: Option<Yardstick>) -> Option<Yardstick> {
    let (Some(first), Some(last)) = (first, last) else { return last.or(first) };
    Some(Yardstick { start: first.start, middle: last.start.or(first.end), end: last.end })
}
