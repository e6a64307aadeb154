//! The reports on the parts of a plan -> the report on the plan.
//!
//! A part has whole cases, with all of their repeats, so nothing of a case is computed again: its histograms, counts
//! and verdict are what they would be in one run. What depends on several cases (the verdict on the whole, the
//! environment) is made by the code that makes it for a run.

use super::build::complete;
use super::likeness::{in_common, is_other_machine};
use super::model::{CaseRecord, Environment, Report, ScenarioRecord};
use super::partition::{Merged, PartitionRecord, Shard};
use crate::untrusted::Untrusted;
use crate::verdict::{PlanCase, judge_plan, judge_rest};
use std::collections::BTreeMap;

/// A report on a part of a plan, and the name of its file.
pub type NamedShard = (String, Report);

/// Why reports cannot be merged. Every message names the files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("there is no report to merge")]
    Nothing,
    /// A report is about a whole plan.
    #[error("{name}: is not about a part of a plan: run it with --partition K/N")]
    NoPartition {
        /// Its file.
        name: String,
    },
    /// A report has something that belongs to a whole plan.
    #[error("{name}: {problem}")]
    Unfit {
        /// Its file.
        name: String,
        /// What, and the fix.
        problem: String,
    },
    /// Two reports are not about the same plan, or were not measured by the same programs.
    #[error("{first} and {second} do not belong together: {what}")]
    Mixed {
        /// One file.
        first: String,
        /// The other one.
        second: String,
        /// What differs.
        what: String,
    },
    /// Two reports have the same case.
    #[error("{first} and {second} overlap: both have the case {case}; leave one out")]
    Overlap {
        /// One file.
        first: String,
        /// The other one.
        second: String,
        /// The id of the first such case.
        case: String,
    },
    /// Cases of the plan are missing.
    #[error("{missing} of {cases} cases of the plan are missing{parts}; --partial merges what is there")]
    Gap {
        /// How many.
        missing: usize,
        /// Of how many.
        cases: u32,
        /// Which partitions are missing, in words.
        parts: String,
    },
}

/// A case, its place in the plan, and the number of its shard.
type Placed = (u32, usize, CaseRecord);

/// Merges the reports on the parts of one plan. With `partial`, cases may be missing and parts may be unfinished; the
/// report says so, and never passes.
///
/// # Errors
/// Reports that do not belong together, cases that two of them have, cases that none has.
pub fn merge(mut shards: Vec<NamedShard>, partial: bool) -> Result<Report, MergeError> {
    let mut parts = Vec::with_capacity(shards.len());
    for (name, report) in &shards {
        parts.push(part_of(name, report, partial)?.clone());
    }
    together(&shards, &parts)?;
    // The result does not depend on the order in which the files are named.
    let mut order: Vec<usize> = (0..shards.len()).collect();
    order.sort_by(|a, b| key(&parts[*a]).cmp(&key(&parts[*b])));
    let names: Vec<String> = order.iter().map(|at| shards[*at].0.clone()).collect();
    let mut reports: Vec<Report> = Vec::with_capacity(order.len());
    let mut sorted: Vec<Option<NamedShard>> = shards.drain(..).map(Some).collect();
    reports.extend(order.iter().filter_map(|at| sorted[*at].take()).map(|(_, report)| report));
    let parts: Vec<PartitionRecord> = order.iter().map(|at| parts[*at].clone()).collect();
    let placed = placed(&names, &parts, &mut reports)?;
    let missing = missing(&placed, &parts, partial)?;
    one_version_of_each_queue(&placed, &names)?;
    let cases = placed.into_iter().map(|(.., case)| case).collect();
    put_together(reports, parts, cases, missing).ok_or(MergeError::Nothing)
}

/// How parts are ordered.
fn key(part: &PartitionRecord) -> (u32, u32, Option<&u32>) {
    (part.count, part.index, part.places.first())
}

/// The part of the plan that a report is about.
fn part_of<'a>(name: &str, report: &'a Report, partial: bool) -> Result<&'a PartitionRecord, MergeError> {
    let unfit = |problem: &str| Err(MergeError::Unfit { name: name.to_owned(), problem: problem.to_owned() });
    if report.merged.is_some() {
        return unfit("is merged already; merge the reports that it was made of");
    }
    let Some(part) = &report.partition else { return Err(MergeError::NoPartition { name: name.to_owned() }) };
    let ascends = part.places.windows(2).all(|pair| pair[0] < pair[1]);
    let within = part.places.last().is_none_or(|last| *last < part.plan_cases);
    if !ascends || !within || part.places.len() != report.cases.len() {
        return unfit("its partition does not fit its cases");
    }
    if report.gate.is_some() || !report.confirmations.is_empty() || !report.maxima.is_empty() {
        return unfit("has the decision of a gate or a search, which is about a whole plan; merge first");
    }
    if report.interrupted && !partial {
        return unfit("was interrupted; finish it with `run --resume`, or merge what is there with --partial");
    }
    Ok(part)
}

/// Whether all are parts of one plan, measured by one version of the program.
fn together(shards: &[NamedShard], parts: &[PartitionRecord]) -> Result<(), MergeError> {
    let Some(((name, first), part)) = shards.first().zip(parts.first()) else { return Err(MergeError::Nothing) };
    for ((other_name, other), other_part) in shards.iter().zip(parts).skip(1) {
        if let Some(what) = difference((first, part), (other, other_part)) {
            return Err(MergeError::Mixed { first: name.clone(), second: other_name.clone(), what });
        }
    }
    // Another architecture has another binary of the same version.
    let mut programs: BTreeMap<&Untrusted, (&str, &Untrusted)> = BTreeMap::new();
    for ((name, report), part) in shards.iter().zip(parts) {
        let Some(program) = &part.program_sha256 else { continue };
        let (first, known) = programs.entry(&report.environment.platform).or_insert((name, program));
        if *known != program {
            let what = format!("another program measured them: {} and {}", known.quoted(), program.quoted());
            return Err(MergeError::Mixed { first: (*first).to_owned(), second: name.clone(), what });
        }
    }
    Ok(())
}

fn difference(
    (first, part): (&Report, &PartitionRecord),
    (other, other_part): (&Report, &PartitionRecord),
) -> Option<String> {
    if (&first.tool, first.schema_version) != (&other.tool, other.schema_version) {
        let version = |report: &Report| report.tool.version.quoted();
        return Some(format!("queue-load {} and {}", version(first), version(other)));
    }
    if first.scenarios.len() != other.scenarios.len() {
        return Some("their scenarios are not the same".to_owned());
    }
    for (one, another) in first.scenarios.iter().zip(&other.scenarios) {
        // The same text may lie in another place on another machine.
        let another = ScenarioRecord { file: one.file.clone(), ..another.clone() };
        if one.sha256 != another.sha256 {
            return Some(format!("the text of the scenario {} is not the same", one.name.quoted()));
        }
        if *one != another {
            return Some(format!("the settings or overrides of the scenario {} are not the same", one.name.quoted()));
        }
    }
    let same = (part.plan_cases, &part.plan_sha256) == (other_part.plan_cases, &other_part.plan_sha256);
    (!same).then(|| "their plans are not the same: a --filter, or a queue that one of them does not have".to_owned())
}

/// All cases in the order of the plan.
fn placed(names: &[String], parts: &[PartitionRecord], reports: &mut [Report]) -> Result<Vec<Placed>, MergeError> {
    let mut placed: Vec<Placed> = Vec::new();
    for (shard, (part, report)) in parts.iter().zip(reports).enumerate() {
        let cases = std::mem::take(&mut report.cases);
        placed.extend(part.places.iter().zip(cases).map(|(place, case)| (*place, shard, case)));
    }
    placed.sort_by_key(|(place, shard, _)| (*place, *shard));
    match placed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        None => Ok(placed),
        Some(pair) => {
            let name = |placed: &Placed| names.get(placed.1).cloned().unwrap_or_default();
            let (first, second) = (name(&pair[0]), name(&pair[1]));
            Err(MergeError::Overlap { first, second, case: pair[0].2.id.quoted() })
        }
    }
}

/// The places of the cases that no part has.
fn missing(placed: &[Placed], parts: &[PartitionRecord], partial: bool) -> Result<Vec<u32>, MergeError> {
    let cases = parts.first().map_or(0, |part| part.plan_cases);
    let found = placed.len() as u64;
    // Places ascend and lie within the plan, so as many places as cases are all of them.
    if found == u64::from(cases) {
        return Ok(Vec::new());
    }
    let mut found = placed.iter().map(|(place, ..)| *place).peekable();
    let missing: Vec<u32> = (0..cases).filter(|place| found.next_if_eq(place).is_none()).collect();
    match partial {
        true => Ok(missing),
        false => Err(MergeError::Gap { missing: missing.len(), cases, parts: absent(parts) }),
    }
}

/// The partitions that are not there, in words; empty if the plan was not divided in one way.
fn absent(parts: &[PartitionRecord]) -> String {
    const MOST: usize = 20;
    let Some(first) = parts.first() else { return String::new() };
    if parts.iter().any(|part| (part.count, part.method) != (first.count, first.method)) {
        return String::new();
    }
    let there = |index: &u32| parts.iter().any(|part| part.index == *index);
    let absent: Vec<u32> = (1..=first.count).filter(|index| !there(index)).collect();
    let mut named: Vec<String> = absent.iter().take(MOST).map(|index| format!("{index}/{}", first.count)).collect();
    if absent.len() > MOST {
        named.push("…".to_owned());
    }
    if named.is_empty() { String::new() } else { format!(": there is no report on {}", named.join(", ")) }
}

/// A run calls a queue whose version changed an error. Parts with several versions are not one run.
fn one_version_of_each_queue(placed: &[Placed], names: &[String]) -> Result<(), MergeError> {
    let mut versions: BTreeMap<(&Untrusted, &Untrusted), (&Untrusted, usize)> = BTreeMap::new();
    for (_, shard, case) in placed {
        let aside = case.set_aside.iter().map(|aside| &aside.measured);
        for repeat in case.repeats.iter().chain(aside) {
            let version = &repeat.queue_version;
            let key = (&case.scenario, &case.parameters.queue);
            let (known, first) = versions.entry(key).or_insert((version, *shard));
            if *known != version {
                let name = |shard: usize| names.get(shard).cloned().unwrap_or_default();
                let (known, version) = (known.quoted(), version.quoted());
                let what = format!("the queue {} is of version {known} and {version}", case.parameters.queue.quoted());
                return Err(MergeError::Mixed { first: name(*first), second: name(*shard), what });
            }
        }
    }
    Ok(())
}

fn put_together(
    mut reports: Vec<Report>,
    parts: Vec<PartitionRecord>,
    cases: Vec<CaseRecord>,
    missing: Vec<u32>,
) -> Option<Report> {
    let machines = machines(&reports);
    let environment = environment(&reports, &machines, &cases);
    let mut sittings: Vec<_> = reports.iter_mut().flat_map(|report| std::mem::take(&mut report.sittings)).collect();
    sittings.sort_by(|a, b| a.began_at.cmp(&b.began_at));
    let interrupted = reports.iter().any(|report| report.interrupted);
    let plan_cases = parts.first()?.plan_cases;
    let seen: Vec<PlanCase<'_>> = cases.iter().map(PlanCase::from).collect();
    let verdict = match missing.len() as u64 {
        0 => judge_plan(&seen, interrupted),
        missing => judge_rest(&seen, missing, interrupted),
    };
    let shards = reports.iter().zip(parts).zip(machines).map(|((report, partition), machine)| Shard {
        partition,
        created_at: report.created_at.clone(),
        interrupted: report.interrupted,
        machine,
        environment: report.environment.clone(),
        yardstick: report.yardstick,
    });
    let shards: Vec<Shard> = shards.collect();
    let first = reports.iter().min_by(|a, b| time(a).cmp(&time(b)))?;
    Some(Report {
        schema_version: first.schema_version,
        tool: first.tool.clone(),
        created_at: first.created_at.clone(),
        interrupted,
        scenarios: first.scenarios.clone(),
        environment,
        verdict,
        // A yardstick belongs to one machine at one time.
        yardstick: if shards.len() == 1 { first.yardstick } else { None },
        confirmations: Vec::new(),
        gate: None,
        sittings,
        maxima: Vec::new(),
        partition: None,
        merged: Some(Merged { plan_cases, missing, shards }),
        cases,
    })
}

fn time(report: &Report) -> (Option<jiff::Timestamp>, &Untrusted) {
    (report.created_at.as_given().parse().ok(), &report.created_at)
}

/// The number of each report's kind of machine, from 1, in the order in which they appear.
fn machines(reports: &[Report]) -> Vec<u32> {
    let mut kinds: Vec<&Environment> = Vec::new();
    let number = |report| {
        let environment: &Environment = report;
        let known = kinds.iter().position(|kind| !is_other_machine(kind, environment));
        let place = known.unwrap_or_else(|| {
            kinds.push(environment);
            kinds.len() - 1
        });
        u32::try_from(place + 1).unwrap_or(u32::MAX)
    };
    reports.iter().map(|report| &report.environment).map(number).collect()
}

/// What all parts have in common. Of one kind of machine, also what only the repeats know, as in one run.
fn environment(reports: &[Report], machines: &[u32], cases: &[CaseRecord]) -> Environment {
    let mut common = in_common(reports.iter().map(|report| &report.environment));
    (common.clock_source, common.instrument_floor_ns) = (None, None);
    common.queue_versions = BTreeMap::new();
    complete(&mut common, cases);
    if machines.iter().any(|machine| *machine > 1) {
        let clock = reports.first().and_then(|report| report.environment.clock_source.clone());
        let same = reports.iter().all(|report| report.environment.clock_source == clock);
        common.clock_source = clock.filter(|_| same);
        common.instrument_floor_ns = None;
    }
    common
}
