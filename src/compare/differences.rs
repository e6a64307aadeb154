//! What differs between the two sides besides the numbers.

use super::Difference;
use super::align::{Found, Pair};
use crate::report::{self, Report};
use crate::untrusted::Untrusted;
use std::collections::BTreeMap;

/// Everything that differs. A property that neither side knows does not differ.
pub(super) fn differences(base: &Report, new: &Report, pairs: &[Pair<'_>]) -> Vec<Difference> {
    let (old, fresh) = (&base.environment, &new.environment);
    let mut found = report::environment_differences(old, fresh);
    add(&mut found, "queue-load", Some(base.tool.version.clone()), Some(new.tool.version.clone()), false);
    for (queue, version) in &old.queue_versions {
        if let Some(other) = fresh.queue_versions.get(queue) {
            add(
                &mut found,
                &format!("version of {}", queue.as_given()),
                Some(version.clone()),
                Some(other.clone()),
                false,
            );
        }
    }
    found.extend(warm_ups(pairs));
    found.extend(until_steady(pairs));
    found
}

fn add(found: &mut Vec<Difference>, what: &str, base: Option<Untrusted>, new: Option<Untrusted>, blocks_gate: bool) {
    if base != new {
        found.push(Difference { what: what.into(), base, new, blocks_gate });
    }
}

/// Whether windows or warm-ups end when the load is steady, where that differs, each difference once.
fn until_steady(pairs: &[Pair<'_>]) -> Vec<Difference> {
    let mut seen = BTreeMap::new();
    for (old, fresh) in pairs.iter().filter_map(Pair::both) {
        let ends =
            |found: Found<'_>| found.scenario.map(|scenario| scenario.run.steady).map(|all| (all.window, all.warmup));
        if let (Some(base), Some(new)) = (ends(old), ends(fresh))
            && base != new
        {
            seen.insert((base, new), ());
        }
    }
    let text = |ends: (bool, bool)| match ends {
        (false, false) => "nothing",
        (true, false) => "window",
        (false, true) => "warm-up",
        (true, true) => "window and warm-up",
    };
    let difference = |(base, new): ((bool, bool), (bool, bool))| Difference {
        what: "until steady".into(),
        base: Some(text(base).into()),
        new: Some(text(new).into()),
        blocks_gate: false,
    };
    seen.into_keys().map(difference).collect()
}

/// Warm-ups that differ, each difference once.
fn warm_ups(pairs: &[Pair<'_>]) -> Vec<Difference> {
    let mut seen = BTreeMap::new();
    for (old, fresh) in pairs.iter().filter_map(Pair::both) {
        let warm_up = |found: Found<'_>| found.scenario.map(|scenario| scenario.run.warmup);
        if let (Some(base), Some(new)) = (warm_up(old), warm_up(fresh))
            && base != new
        {
            seen.insert((base, new), ());
        }
    }
    let difference = |(base, new): (crate::units::Nanos, crate::units::Nanos)| Difference {
        what: "warm-up".into(),
        base: Some(base.to_string().into()),
        new: Some(new.to_string().into()),
        blocks_gate: false,
    };
    seen.into_keys().map(difference).collect()
}
