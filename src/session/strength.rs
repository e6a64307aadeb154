//! Checks whether the repeats can prove anything, before an hour is spent on them.

use super::baseline::Baseline;
use super::error::{SessionError, Unfit};
use super::request::Request;
use crate::compare::{self, Settings};
use crate::plan::{Layout, Plan};
use crate::units::{Nanos, human};

/// Refuses a plan whose repeats are too few for the number of tests, unless the user insists.
///
/// # Errors
/// They are too few. The error says how many are needed, and how long they take.
pub fn check(
    request: &Request,
    plan: &Plan,
    baseline: Option<&Baseline>,
    settings: &Settings,
) -> Result<(), SessionError> {
    let is_held_against = baseline.is_some() || matches!(plan.layout, Layout::Across { .. } | Layout::Programs);
    // A search has intervals in place of repeats.
    if request.insist || request.search.is_some() || !is_held_against {
        return Ok(());
    }
    let cases = plan.own_cases();
    let repeats = plan.scenarios.iter().map(|scenario| u64::from(scenario.run.repeats)).min().unwrap_or(0);
    let old = baseline.map(|baseline| {
        let in_common =
            baseline.report.cases.iter().filter(|old| plan.cases.iter().any(|case| case.parameters == old.parameters));
        in_common.map(|case| case.repeats.len() as u64).min().unwrap_or(0)
    });
    let needed = compare::fewest_repeats(settings.alpha, cases, old);
    if needed.is_some_and(|needed| repeats >= needed) {
        return Ok(());
    }
    let count = human::count(compare::most_tests(cases) as u64);
    let tests = format!("{count} tests of {} at alpha = {}", human::counted(cases as u64, "case"), settings.alpha);
    let Some(needed) = needed else {
        let old = human::counted(old.unwrap_or(0), "repeat");
        return Err(Unfit::BaselineTooSmall { repeats: old, tests }.into());
    };
    let time = plan.estimate().0 as f64 / repeats.max(1) as f64 * needed as f64;
    let (repeats, time) = (human::counted(repeats, "repeat"), human::span(Nanos(time as u64)));
    Err(Unfit::TooFewRepeats { repeats, tests, needed, time }.into())
}
