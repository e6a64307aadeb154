//! A merged report and the report of one run over the same measurements.

use super::assemble::{self, About, Gathered};
use crate::measure::fixture::healthy;
use crate::plan::{Partition, Plan, PlannedRepeat};
use crate::report::{self, Environment, MergeError, Report};
use crate::run::{CaseRuns, Measured};
use crate::scenario::{Catalog, Context, Overrides, QueueSpec, Selector, Strategy, parse};
use crate::verdict::ExitOutcome;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const SCENARIO: &str = "[target]\nthroughput = \"1k/s\"\n[matrix]\nstrategy = [\"block\", \"drop\"]\nrate = \"1k/s\"\n\
                     concurrency = [1, 2]\nduration = \"1s\"\n";

fn plan(text: &str) -> Plan {
    let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec())]);
    let overrides = Overrides::none();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 2 };
    let scenario = parse("s.toml", text.as_bytes(), context).unwrap();
    Plan::new(vec![scenario], &catalog, &Selector::default()).unwrap()
}

/// What a repeat yields depends on the repeat alone, wherever it runs.
fn measured(repeat: &PlannedRepeat) -> Measured {
    let logs = 1_000 + u64::from(repeat.parameters.concurrency) * 10 + u64::from(repeat.repeat);
    let measurement = match repeat.parameters.strategy {
        Strategy::Drop => healthy(logs).dropping(5),
        _ => healthy(logs),
    };
    Measured { repeat: repeat.clone(), measurement }
}

fn part(index: u32, count: u32, method: &str) -> Partition {
    Partition::read(&format!("{method}:{index}/{count}"), &|_| None).unwrap()
}

fn about(second: u32, cpu: &str) -> About {
    let environment = Environment {
        platform: "linux x86_64".into(),
        cpu_model: Some(cpu.into()),
        cores: Some(2),
        rustc: Some("rustc 1".into()),
        ..Environment::default()
    };
    let created_at = format!("2026-01-02T03:04:{second:02}Z").parse().unwrap();
    About { environment, created_at, program: Some("ab".repeat(32)) }
}

fn report(plan: &Plan, about: &About) -> Report {
    let mut runs: BTreeMap<usize, CaseRuns> = BTreeMap::new();
    for repeat in &plan.repeats {
        let of_case = runs.entry(repeat.case).or_default();
        of_case.case_id = repeat.case_id.clone();
        of_case.measured.push(measured(repeat));
    }
    for of_case in runs.values_mut() {
        of_case.measured.sort_by_key(|measured| measured.repeat.repeat);
    }
    let all: Vec<usize> = (0..plan.cases.len()).collect();
    assemble::reports(plan, about, &all, Gathered { runs, ..Gathered::default() }).own
}

fn shards(text: &str, count: u32, method: &str) -> Vec<(String, Report)> {
    let of = |index| {
        let plan = plan(text).partitioned(part(index, count, method));
        (format!("{index}.json"), report(&plan, &about(index % 60, "one")))
    };
    (1..=count).map(of).collect()
}

/// The report as it is read back.
fn saved(report: &Report) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.json");
    report::write(report, &path).unwrap();
    report::read_verified(&path).unwrap()
}

#[test]
fn a_merged_report_is_that_of_one_run_byte_for_byte() {
    let whole = saved(&report(&plan(SCENARIO), &about(1, "one")));
    for (count, method) in [(1, "hash"), (3, "slice"), (5, "hash")] {
        let mut shards = shards(SCENARIO, count, method);
        // In whatever order the files are named.
        shards.reverse();
        let shards = shards.into_iter().map(|(name, report)| (name, saved(&report))).collect();
        let merged = saved(&report::merge(shards, false).unwrap());
        assert_eq!(merged.digest().unwrap(), whole.digest().unwrap());
        let parts = merged.merged.clone().unwrap();
        assert!(parts.missing.is_empty() && parts.machines() == 1);
        assert_eq!(parts.shards.len(), count as usize);
        // All that is new is where it came from.
        let without = Report { merged: None, ..merged };
        assert_eq!(without.to_bytes().unwrap(), whole.to_bytes().unwrap(), "{count} {method}");
    }
}

/// The three parts of the plan.
fn good() -> Vec<(String, Report)> {
    static GOOD: LazyLock<Vec<(String, Report)>> = LazyLock::new(|| shards(SCENARIO, 3, "slice"));
    GOOD.clone()
}

fn refused(shards: Vec<(String, Report)>) -> String {
    report::merge(shards, false).unwrap_err().to_string()
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let change = |change: fn(&mut Report)| {
        let mut shards = good();
        change(&mut shards[1].1);
        refused(shards)
    };
    let together = "1.json and 2.json do not belong together: ";
    let other_text = SCENARIO.replace("[1, 2]", "[1, 3]");
    let mixed =
        |other: Vec<(String, Report)>| refused(good().into_iter().take(1).chain(other.into_iter().skip(1)).collect());
    for (said, expected) in [
        (refused(Vec::new()), "there is no report to merge".to_owned()),
        (mixed(shards(&other_text, 3, "slice")), format!("{together}the text of the scenario s is not the same")),
        (
            change(|r| r.tool.version = "9.9.9".into()),
            format!("{together}queue-load {} and 9.9.9", env!("CARGO_PKG_VERSION")),
        ),
        (
            change(|r| r.partition.as_mut().unwrap().program_sha256 = Some("cd".into())),
            format!("{together}another program"),
        ),
        (
            change(|r| r.partition.as_mut().unwrap().plan_sha256 = "cd".into()),
            format!("{together}their plans are not the same"),
        ),
        (
            change(|r| r.scenarios[0].run.warmup = crate::units::Nanos(1)),
            format!("{together}the settings or overrides of the scenario s"),
        ),
        (change(|r| r.cases[0].repeats[0].queue_version = "2".into()), "the queue builtin is of version".to_owned()),
        (
            change(|r| r.partition = None),
            "2.json: is not about a part of a plan: run it with --partition K/N".to_owned(),
        ),
        (
            change(|r| r.partition.as_mut().unwrap().places[0] = 99),
            "2.json: its partition does not fit its cases".to_owned(),
        ),
        (change(|r| r.interrupted = true), "2.json: was interrupted; finish it with `run --resume`".to_owned()),
    ] {
        assert!(said.contains(&expected), "{said}\n{expected}");
    }
    let merged = report::merge(good(), false).unwrap();
    assert!(refused(vec![("all.json".into(), merged)]).contains("all.json: is merged already"));
    // The file may lie elsewhere on another machine.
    let mut moved = good();
    moved[1].1.scenarios[0].file = "elsewhere/s.toml".into();
    assert!(report::merge(moved, false).is_ok());
}

#[test]
fn overlaps_and_gaps_are_refused_and_a_partial_report_never_passes() {
    let mut twice = good();
    let (_, again) = twice[1].clone();
    twice.push(("again.json".into(), again));
    let said = refused(twice);
    assert!(
        said.starts_with("2.json and again.json overlap: both have the case concurrency=")
            || said.starts_with("again.json and 2.json"),
        "{said}"
    );
    let mut two = good();
    two.remove(1);
    let gap = report::merge(two.clone(), false).unwrap_err();
    assert!(matches!(gap, MergeError::Gap { missing: 1, cases: 4, .. }), "{gap}");
    assert!(gap.to_string().contains("there is no report on 2/3; --partial"), "{gap}");
    let partial = report::merge(two, true).unwrap();
    assert_eq!((partial.cases.len(), partial.merged.as_ref().unwrap().missing.len()), (3, 1));
    assert_eq!(partial.verdict.reason_codes, ["partial"]);
    assert_eq!(partial.verdict.reasons[0], "partial: 1 of 4 cases of the plan are missing");
    assert_ne!(partial.verdict.exit, ExitOutcome::Pass);
    assert_ne!(partial.verdict.outcome, crate::verdict::Outcome::Pass);
}

#[test]
fn the_promise_of_a_part_is_put_to_the_test_by_another_and_an_empty_part_is_no_failure() {
    // Only one of the two cases offers the target's throughput.
    let text = "[target]\nthroughput = \"2k/s\"\n[matrix]\nrate = \"1k/s\"\nconcurrency = [1, 2]\nstrategy = \"block\"\nduration = \"1s\"\n";
    let three = shards(text, 3, "slice");
    assert!(three.iter().all(|(_, report)| report.verdict.exit == ExitOutcome::Pass), "none is blamed for the others");
    let empty = &three[2].1;
    assert_eq!((empty.cases.len(), empty.verdict.reason_codes.clone()), (0, vec!["empty_partition".into()]));
    assert_eq!(report::merge(three, false).unwrap().verdict.exit, ExitOutcome::Pass);
    let low = text.replace("[1, 2]", "[1]");
    let alone = shards(&low, 2, "slice");
    assert_eq!(report::merge(alone, false).unwrap().verdict.reason_codes, ["target_not_exercised"]);
}

#[test]
fn cases_of_unlike_machines_are_marked_and_never_compared() {
    let of = |index, cpu: &str| {
        let plan = plan(SCENARIO).partitioned(part(index, 2, "slice"));
        (format!("{index}.json"), report(&plan, &about(index, cpu)))
    };
    let merged = saved(&report::merge(vec![of(1, "one"), of(2, "other")], false).unwrap());
    let parts = merged.merged.as_ref().unwrap();
    assert_eq!(parts.shards.iter().map(|shard| shard.machine).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((&merged.environment.cpu_model, merged.environment.cores), (&None, Some(2)), "what all have in common");
    let same = saved(&report::merge(vec![of(1, "one"), of(2, "one")], false).unwrap());
    let settings = crate::compare::Settings::of(&merged);
    let decision = crate::compare::gate(&merged, &same, &settings);
    let unlike = |case: &&report::CaseDecision| case.change == report::Change::Incomparable;
    assert_eq!(decision.cases.iter().filter(unlike).count(), 2, "those of the other machine");
    assert_ne!(decision.outcome, report::GateOutcome::Pass);
    let said = &decision.cases.iter().find(unlike).unwrap().reason;
    assert_eq!(*said, "not the same kind of machine: cpu_model other against one");
    let allowances = crate::compare::Allowances { cross_machine: true, ..Default::default() };
    let allowed = crate::compare::gate(&merged, &same, &crate::compare::Settings { allowances, ..settings });
    assert_eq!(allowed.cases.iter().filter(unlike).count(), 0);
    // Within a report, nothing overrules it.
    let options = crate::compare::Options { across: Some("concurrency".into()), ..Default::default() };
    let across = crate::compare::compare(&merged, &merged, &options);
    assert!(across.cases.iter().any(|case| case.change == report::Change::Incomparable));
    let table = crate::render::render(&merged, crate::render::Format::Table, crate::render::View::FILE).unwrap();
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains("from 2 kinds of machines, whose times must not be compared with each other"), "{table}");
    assert!(table.contains("machine 2: linux x86_64, other, 2 cores"), "{table}");
}
