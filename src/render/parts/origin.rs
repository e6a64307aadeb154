//! Which part of a plan a report is about, and what a merged report was made of.

use crate::report::{Environment, Merged, PartitionRecord, Report};
use crate::units::human;
use crate::untrusted::Untrusted;

/// Longest untrusted text, in characters.
const LONGEST: usize = 80;

/// In words; empty for the report on a whole plan that ran in one place.
pub(in crate::render) fn lines(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report.partition.iter().map(part).collect();
    if let Some(merged) = &report.merged {
        lines.push(parts(merged, report.cases.len()));
        lines.extend(machines(merged));
    }
    lines
}

fn part(part: &PartitionRecord) -> String {
    let (own, whole) = (human::count(part.places.len() as u64), human::counted(u64::from(part.plan_cases), "case"));
    let (method, source) = (part.method.word(), part.source.terminal(LONGEST));
    format!("partition {}/{} ({method}, from {source}): {own} of {whole}", part.index, part.count)
}

fn parts(merged: &Merged, cases: usize) -> String {
    let (parts, whole) = (merged.shards.len() as u64, human::counted(u64::from(merged.plan_cases), "case"));
    format!("merged from {}: {} of {whole}", human::counted(parts, "part"), human::count(cases as u64))
}

/// The kinds of machines, if there are several.
fn machines(merged: &Merged) -> Vec<String> {
    let kinds = merged.machines();
    if kinds < 2 {
        return Vec::new();
    }
    let mut lines = vec![format!("from {kinds} kinds of machines, whose times must not be compared with each other")];
    for kind in 1..=kinds {
        let own = || merged.shards.iter().filter(move |shard| shard.machine == kind);
        let parts: Vec<String> =
            own().map(|shard| format!("{}/{}", shard.partition.index, shard.partition.count)).collect();
        let what = own().next().map(|shard| machine(&shard.environment)).unwrap_or_default();
        lines.push(format!("machine {kind}: {what} ({})", parts.join(", ")));
    }
    lines
}

fn machine(environment: &Environment) -> String {
    let text = |text: &Untrusted| text.terminal(LONGEST);
    let known = [
        Some(text(&environment.platform)),
        environment.cpu_model.as_ref().map(text),
        environment.cores.map(|cores| human::counted(cores, "core")),
        environment.kernel.as_ref().map(|kernel| format!("kernel {}", text(kernel))),
        environment.profile.as_ref().map(|profile| format!("profile {}", text(profile))),
    ];
    known.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
