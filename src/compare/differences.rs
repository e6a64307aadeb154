//! What differs between the two sides besides the numbers.

use super::Difference;
use super::align::{Found, Pair};
use crate::report::{Environment, Report};
use crate::untrusted::Untrusted;
use std::collections::BTreeMap;

/// Memory that differs by less is the same: kernels keep a little for themselves.
const SAME_MEMORY: f64 = 0.05;

/// A property of the environment of a report, and whether a difference in it means another machine.
type Property = (&'static str, bool, fn(&Environment) -> Option<Untrusted>);

const PROPERTIES: [Property; 9] = [
    ("platform", true, |e| Some(e.platform.clone()).filter(|platform| !platform.is_empty())),
    ("cpu_model", true, |e| e.cpu_model.clone()),
    ("cores", true, |e| e.cores.map(|cores| cores.to_string().into())),
    ("kernel", true, |e| e.kernel.clone()),
    ("profile", true, |e| e.profile.clone()),
    ("governor", true, |e| e.governor.clone()),
    ("virtualised", true, |e| e.virtualised.map(|yes| yes.to_string().into())),
    ("clock_source", true, |e| e.clock_source.clone()),
    ("rustc", false, |e| e.rustc.clone()),
];

/// Everything that differs. A property that neither side knows does not differ.
pub(super) fn differences(base: &Report, new: &Report, pairs: &[Pair<'_>]) -> Vec<Difference> {
    let (old, fresh) = (&base.environment, &new.environment);
    let mut found = Vec::new();
    for (what, other_machine, of) in PROPERTIES {
        // A property that one side does not know may be the same.
        let blocks_gate = other_machine && of(old).is_some() && of(fresh).is_some();
        add(&mut found, what, of(old), of(fresh), blocks_gate);
    }
    memory(&mut found, old.memory_bytes, fresh.memory_bytes);
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
    found
}

fn add(found: &mut Vec<Difference>, what: &str, base: Option<Untrusted>, new: Option<Untrusted>, blocks_gate: bool) {
    if base != new {
        found.push(Difference { what: what.into(), base, new, blocks_gate });
    }
}

fn memory(found: &mut Vec<Difference>, base: Option<u64>, new: Option<u64>) {
    let (Some(old), Some(fresh)) = (base, new) else { return };
    if old.abs_diff(fresh) as f64 > SAME_MEMORY * old.max(fresh) as f64 {
        let text = |bytes: u64| Some(format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64).into());
        add(found, "memory", text(old), text(fresh), true);
    }
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
