//! Finds everything that the baseline required and the new report does not require any more, or less strictly.
//! Otherwise a change could pass a gate by removing the case or the check that it breaks.

use super::align::{Found, Pair};
use super::{CoverageChange, CoverageKind, Settings};
use crate::report::{CheckRecord, Report, ScenarioRecord};
use crate::scenario::{Expectation, Target};
use crate::untrusted::Untrusted;
use std::collections::BTreeSet;

/// Everything that is required less strictly, and whether that fails the gate.
pub(super) fn changes(base: &Report, new: &Report, pairs: &[Pair<'_>], settings: &Settings) -> Vec<CoverageChange> {
    let mut changes = removed(pairs, settings);
    for (old, fresh) in scenarios(pairs) {
        let mut say = |kind, base: Option<Untrusted>, new: Option<Untrusted>| {
            let fails = !settings.allowances.changed_checks;
            changes.push(CoverageChange { kind, of: fresh.name.clone(), base, new, fails });
        };
        for (was, is) in looser_targets(&old.target, &fresh.target) {
            say(CoverageKind::TargetLoosened, Some(was), Some(is));
        }
        for check in &old.checks {
            match standing(check, &fresh.checks) {
                Standing::AsStrict => {}
                Standing::Looser(now) => say(CoverageKind::CheckLoosened, Some(text(check)), Some(text(now))),
                Standing::Gone => say(CoverageKind::CheckRemoved, Some(text(check)), None),
            }
        }
    }
    changes.extend(laxer(base, new));
    changes
}

/// Cases of the baseline that the new report does not have. A filter on the command line openly leaves out the cases
/// that it does not match. The cases that it matches must be there.
fn removed(pairs: &[Pair<'_>], settings: &Settings) -> Vec<CoverageChange> {
    let gone = pairs.iter().filter(|pair| pair.new.is_none()).filter_map(|pair| pair.base);
    let change = |found: Found<'_>| CoverageChange {
        kind: CoverageKind::CaseRemoved,
        of: found.case.id.clone(),
        base: Some(found.case.scenario.clone()),
        new: None,
        fails: !settings.allowances.removed && settings.filter.matches(&found.case.parameters),
    };
    gone.map(change).collect()
}

/// The scenarios that belong together because their cases do, whatever their names; each pair once.
fn scenarios<'a>(pairs: &[Pair<'a>]) -> Vec<(&'a ScenarioRecord, &'a ScenarioRecord)> {
    let mut seen = BTreeSet::new();
    let both = pairs.iter().filter_map(Pair::both);
    both.filter_map(|(base, new)| Some((base.scenario?, new.scenario?)))
        .filter(|(base, new)| seen.insert((base.name.clone(), new.name.clone())))
        .collect()
}

/// The parts of a target that allow more than they did.
fn looser_targets(old: &Target, new: &Target) -> Vec<(Untrusted, Untrusted)> {
    let part = |is_looser: bool, was: String, is: String| is_looser.then(|| (was.into(), is.into()));
    let says = |target: &Target| format!("{}(enqueue) < {}", target.statistic, target.latency);
    let accepts = |target: &Target| format!("accepted / offered >= {}", target.min_accepted);
    let offers = |target: &Target| format!("shown at {}", target.throughput);
    let is_slower = new.throughput.per_second() < old.throughput.per_second();
    // A bound of another statistic cannot be compared with the old one.
    let is_higher = new.statistic != old.statistic || new.latency > old.latency;
    [
        part(is_higher, says(old), says(new)),
        part(new.min_accepted < old.min_accepted, accepts(old), accepts(new)),
        part(is_slower, offers(old), offers(new)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

enum Standing<'c> {
    AsStrict,
    Looser(&'c CheckRecord),
    Gone,
}

/// What happened to a check. Another check replaces it if it covers the same cases and is at least as strict.
fn standing<'c>(check: &CheckRecord, now: &'c [CheckRecord]) -> Standing<'c> {
    if now.contains(check) {
        return Standing::AsStrict;
    }
    let Ok(was) = check.expression.as_given().parse::<Expectation>() else { return Standing::Gone };
    let mut looser = None;
    for other in now {
        let Ok(is) = other.expression.as_given().parse::<Expectation>() else { continue };
        // A check for all cases also covers the cases of a check with a condition.
        let covers = other.applies_to.is_none() || other.applies_to == check.applies_to;
        match is.is_as_strict_as(&was) {
            Some(true) if covers => return Standing::AsStrict,
            Some(_) => looser = Some(other),
            None => {}
        }
    }
    looser.map_or(Standing::Gone, Standing::Looser)
}

fn text(check: &CheckRecord) -> Untrusted {
    match &check.applies_to {
        Some(cases) => format!("{} where {}", check.expression.as_given(), cases.as_given()).into(),
        None => check.expression.clone(),
    }
}

/// Settings of the gate that are laxer in the new report. The baseline's settings apply, so these fail nothing.
fn laxer(base: &Report, new: &Report) -> Vec<CoverageChange> {
    let (old, fresh) = (Settings::of(base), Settings::of(new));
    let below = |settings: &Settings| settings.ignore_below_ns.unwrap_or(f64::NAN);
    let shown = |name: &str, value: f64| format!("{name} = {value}").into();
    let change = |name: &str, was: f64, is: f64| CoverageChange {
        kind: CoverageKind::GateLaxer,
        of: "[gate]".into(),
        base: Some(shown(name, was)),
        new: Some(shown(name, is)),
        fails: false,
    };
    let mut changes = Vec::new();
    // A smaller alpha lets fewer alarms through.
    if fresh.alpha < old.alpha {
        changes.push(change("alpha", old.alpha, fresh.alpha));
    }
    if fresh.min_effect > old.min_effect {
        changes.push(change("min_effect", old.min_effect, fresh.min_effect));
    }
    if below(&fresh) > below(&old) || (below(&old).is_nan() && below(&fresh) > of_targets(base)) {
        changes.push(change(
            "ignore_below_ns",
            if below(&old).is_nan() { of_targets(base) } else { below(&old) },
            below(&fresh),
        ));
    }
    changes
}

/// The default of `ignore_below`: 1 % of the smallest target.
fn of_targets(report: &Report) -> f64 {
    let latencies = report.scenarios.iter().map(|scenario| scenario.target.latency.0 as f64);
    latencies.fold(f64::INFINITY, f64::min) / 100.0
}
