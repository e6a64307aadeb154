//! Whether two environments are of one kind of machine, so that times measured in them may be compared.

use super::decision::Difference;
use super::model::Environment;
use crate::untrusted::Untrusted;

/// Memory that differs by less is the same: kernels keep a little for themselves.
const SAME_MEMORY: f64 = 0.05;

/// A property of an environment, and whether a difference in it means another machine.
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

/// Everything in which two environments differ. A property that neither side knows does not differ. One that a single
/// side does not know may be the same, so it blocks no gate.
#[must_use]
pub fn environment_differences(base: &Environment, new: &Environment) -> Vec<Difference> {
    let mut found = Vec::new();
    for (what, other_machine, of) in PROPERTIES {
        let (base, new) = (of(base), of(new));
        if base != new {
            let blocks_gate = other_machine && base.is_some() && new.is_some();
            found.push(Difference { what: what.into(), base, new, blocks_gate });
        }
    }
    found.extend(memory(base.memory_bytes, new.memory_bytes));
    found
}

/// Whether they are known to be of different kinds.
#[must_use]
pub(super) fn is_other_machine(one: &Environment, other: &Environment) -> bool {
    environment_differences(one, other).iter().any(|difference| difference.blocks_gate)
}

fn memory(base: Option<u64>, new: Option<u64>) -> Option<Difference> {
    let (old, fresh) = (base?, new?);
    let differs = old.abs_diff(fresh) as f64 > SAME_MEMORY * old.max(fresh) as f64;
    let text = |bytes: u64| Some(format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64).into());
    differs.then(|| Difference { what: "memory".into(), base: text(old), new: text(fresh), blocks_gate: true })
}

/// What all of these environments agree on; everything else is null. What only the repeats know is left out.
pub(super) fn in_common<'a>(mut environments: impl Iterator<Item = &'a Environment>) -> Environment {
    let Some(mut common) = environments.next().cloned() else { return Environment::default() };
    fn keep<T: PartialEq + Default>(common: &mut T, other: &T) {
        if common != other {
            *common = T::default();
        }
    }
    for other in environments {
        keep(&mut common.platform, &other.platform);
        keep(&mut common.cpu_model, &other.cpu_model);
        keep(&mut common.cores, &other.cores);
        keep(&mut common.kernel, &other.kernel);
        keep(&mut common.rustc, &other.rustc);
        keep(&mut common.profile, &other.profile);
        keep(&mut common.governor, &other.governor);
        keep(&mut common.virtualised, &other.virtualised);
        keep(&mut common.git_commit, &other.git_commit);
        keep(&mut common.git_dirty, &other.git_dirty);
        if memory(common.memory_bytes, other.memory_bytes).is_some() || other.memory_bytes.is_none() {
            common.memory_bytes = None;
        }
    }
    common
}
