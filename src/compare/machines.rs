//! Cases that were measured on different kinds of machines, in reports that were merged from several kinds. They are
//! never compared with each other: a gate refuses unlike machines, and a merged report has some inside.

use super::Options;
use super::align::Pair;
use crate::report::{self, Environment, Report, Shard};
use crate::untrusted::Untrusted;

/// Marks the pairs whose sides ran on different kinds of machines. Of two reports of one kind each, the gate refuses the
/// whole.
pub(super) fn mark_unlike(base: &Report, new: &Report, pairs: &mut [Pair<'_>], options: &Options) {
    let (olds, news) = (base.shard_of_each_case(), new.shard_of_each_case());
    // Within a report, nobody may overrule it.
    let overruled = options.settings.allowances.cross_machine && !std::ptr::eq(base, new);
    if (olds.is_none() && news.is_none()) || overruled {
        return;
    }
    for pair in pairs {
        let (Some(old), Some(fresh), None) = (pair.base, pair.new, &pair.fault) else { continue };
        let (old, fresh) =
            (environment(base, olds.as_deref(), old.index), environment(new, news.as_deref(), fresh.index));
        pair.fault = fault(old, fresh);
    }
}

/// Where a case ran.
fn environment<'a>(report: &'a Report, shards: Option<&[&'a Shard]>, case: usize) -> &'a Environment {
    shards.and_then(|shards| shards.get(case)).map_or(&report.environment, |shard| &shard.environment)
}

fn fault(base: &Environment, new: &Environment) -> Option<Untrusted> {
    let differences = report::environment_differences(base, new);
    let mut told = Vec::new();
    for difference in differences.iter().filter(|difference| difference.blocks_gate) {
        if let (Some(base), Some(new)) = (&difference.base, &difference.new) {
            told.push(format!("{} {} against {}", difference.what.as_given(), base.as_given(), new.as_given()));
        }
    }
    (!told.is_empty()).then(|| format!("not the same kind of machine: {}", told.join(", ")).into())
}
