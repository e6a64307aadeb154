//! Runs that are stopped and continued, and journals that are damaged in between.

use super::errors::{Fault, RepeatError, RunError};
use super::execute::{CaseRuns, Conditions, Ending, Execution, Objections, execute};
use super::fixture;
use super::journal::{Journal, JournalContents};
use super::scripted::ScriptedDriver;
use super::yardstick::YardstickReading;
use super::{Interrupt, RepeatOutcome, RepeatRecord};
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rounds 0 and 1 of three cases: one is valid at its second attempt, one breaks, one is never valid.
fn plan() -> Vec<PlannedRepeat> {
    [(2, 0), (0, 0), (1, 0), (1, 1), (2, 1), (0, 1)].map(|(case, round)| fixture::planned(case, round)).into()
}

const RETRIES: u32 = 2;

fn answer(repeat: &PlannedRepeat) -> Result<Measurement, RepeatError> {
    match repeat.case {
        1 => Err(Fault::Panicked { message: "boom".into() }.alone()),
        _ => Ok(fixture::measurement()),
    }
}

fn validity(repeat: &PlannedRepeat, _: &Measurement) -> Result<(), Objections> {
    match (repeat.case, repeat.attempt) {
        (0, 0) | (2, _) => Err(Objections::uncoded(vec!["late".into()])),
        _ => Ok(()),
    }
}

/// Runs the plan, or the rest of it, up to the `stop`-th repeat that the driver gets. Also returns those repeats.
fn run(journal: &mut Journal, stop: usize) -> (Execution, Vec<PlannedRepeat>) {
    let mut asked = 0;
    let mut driver = ScriptedDriver::new(move |repeat: &PlannedRepeat, interrupt: &Interrupt| {
        if asked == stop {
            interrupt.raise();
            return Err(Fault::Interrupted.alone());
        }
        asked += 1;
        answer(repeat)
    });
    let conditions = Conditions {
        driver: &mut driver,
        validity: &validity,
        invalid_retries: &|_| RETRIES,
        on_event: &mut |_| {},
        gauge: &mut || Some(YardstickReading::default()),
        round: 0,
        journal: Some(journal),
        interrupt: &Interrupt::new(),
    };
    let execution = execute(&plan(), conditions);
    (execution, driver.asked().to_vec())
}

fn fresh(directory: &Path) -> (PathBuf, Journal) {
    let path = directory.join("r.journal");
    let journal = Journal::create(&path, "2026-01-01T00:00:00Z", serde_json::Value::Null).unwrap();
    (path, journal)
}

fn go_on(path: &Path) -> Journal {
    let (mut journal, _) = Journal::reopen(path).unwrap();
    journal.go_on("2026-01-02T00:00:00Z").unwrap();
    journal
}

fn cases_of(contents: JournalContents) -> BTreeMap<usize, CaseRuns> {
    let mut cases = BTreeMap::<usize, CaseRuns>::new();
    for record in contents.records {
        let case_id = record.repeat.case_id.clone();
        cases.entry(record.repeat.case).or_insert_with(|| CaseRuns { case_id, ..CaseRuns::default() }).add(record);
    }
    cases
}

#[test]
fn a_run_that_stops_anywhere_goes_on_to_the_same_results() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut journal) = fresh(directory.path());
    let (undisturbed, all) = run(&mut journal, usize::MAX);
    journal.finish().unwrap();
    assert_eq!(all.len(), 2 * (2 + 1 + 3));
    for first in 0..all.len() {
        for second in [1, usize::MAX] {
            let (_, mut journal) = fresh(directory.path());
            let mut asked = Vec::new();
            for stop in [first, second, usize::MAX] {
                let (execution, mut run_now) = run(&mut journal, stop);
                let complete = matches!(execution.ending, Ending::Complete);
                // The driver got the interrupted repeat, too, but that does not count.
                run_now.truncate(stop);
                asked.append(&mut run_now);
                drop(journal);
                if complete {
                    assert_eq!(execution.cases, undisturbed.cases, "stopped at {first} and {second}");
                    assert!(execution.yardstick.start.is_some() && execution.yardstick.end.is_some());
                }
                journal = go_on(&path);
            }
            drop(journal);
            assert_eq!(asked, all, "each repeat once, with the same seed, in the same order");
            assert_eq!(cases_of(Journal::read(&path).unwrap()), undisturbed.cases);
            std::fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn a_run_that_is_gone_on_with_is_read_by_the_yardstick_again() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut journal) = fresh(directory.path());
    drop((run(&mut journal, 10), journal));
    let mut journal = go_on(&path);
    let (execution, _) = run(&mut journal, usize::MAX);
    drop(journal);
    assert_eq!(execution.yardstick.readings().count(), 3);
    let contents = Journal::read(&path).unwrap();
    let moments: Vec<String> = contents.gauges.iter().map(|gauge| format!("{:?}", gauge.moment)).collect();
    assert_eq!(moments, ["Start", "Middle", "Middle", "End"]);
    assert_eq!(contents.sittings.iter().map(|(_, before)| *before).collect::<Vec<_>>(), [10]);
    // Nothing is left to do, so the yardstick is not read again.
    let mut journal = go_on(&path);
    let (execution, asked) = run(&mut journal, 0);
    assert!(matches!(execution.ending, Ending::Complete) && asked.is_empty());
    drop(journal);
    assert_eq!(Journal::read(&path).unwrap().gauges.len(), 4);
}

#[test]
fn only_one_process_goes_on_with_a_run() {
    let directory = tempfile::tempdir().unwrap();
    let (path, journal) = fresh(directory.path());
    assert!(matches!(Journal::reopen(&path), Err(RunError::JournalInUse { .. })));
    drop(journal);
    let first = go_on(&path);
    assert!(matches!(Journal::reopen(&path), Err(RunError::JournalInUse { .. })));
    assert!(first.is_resumed());
}

/// As a child has it that was forked and has not executed its program yet.
#[test]
fn a_journal_that_was_put_away_is_free_though_a_child_still_has_it_open() {
    let directory = tempfile::tempdir().unwrap();
    let (path, journal) = fresh(directory.path());
    let inherited = journal.inherited();
    drop(journal);
    assert!(go_on(&path).is_resumed());
    drop(inherited);
}

/// The effect of a damage: the number of records left and whether a line is torn, or the line of the error and words of
/// its message.
type Effect = Result<(usize, bool), (u64, &'static str)>;

/// Name of the damage, what it does to the lines, and its effect.
type Damage = (&'static str, fn(&mut Vec<String>), Effect);

/// The lines of a journal: its head, then a reading, (2,0) three times, (0,0) twice, (1,0), …
fn damages() -> Vec<Damage> {
    let all = 12;
    vec![
        ("none", |_| {}, Ok((all, false))),
        ("the last line is cut in its middle", |lines| cut_last(lines, 40), Ok((all - 1, true))),
        ("the last line has lost its end alone", |lines| cut_last(lines, 1), Ok((all - 1, true))),
        ("the last line is of zeros", |lines| lines.push("\0\0\0\0".to_owned()), Ok((all, true))),
        (
            "a line before the last is cut",
            |lines| lines[4] = lines[4][..50].to_owned() + "\n",
            Err((5, "not the record")),
        ),
        ("a line is empty", |lines| lines.insert(3, "\n".to_owned()), Err((4, "not the record"))),
        ("zeros in the middle", |lines| lines[3] = "\0\0\0\n".to_owned(), Err((4, "not the record"))),
        ("two lines have become one", |lines| lines[3] = lines[3].replace('\n', ""), Err((4, "not the record"))),
        ("a line is lost", |lines| drop(lines.remove(3)), Err((4, "try 2 stands where 1 is due"))),
        ("a line stands twice", |lines| lines.insert(6, lines[6].clone()), Err((8, "stands twice"))),
        ("two lines have changed places", |lines| lines.swap(2, 3), Err((3, "try 1 stands where 0 is due"))),
        ("a name is misspelt", |lines| lines[3] = lines[3].replace("case_id", "case_ib"), Err((4, "case_ib"))),
        ("the head is lost", |lines| drop(lines.remove(0)), Err((1, "not the head"))),
        (
            "the head is cut",
            |lines| {
                lines.truncate(1);
                cut_last(lines, 9);
            },
            Err((1, "no head")),
        ),
        ("nothing is left", |lines| lines.clear(), Err((1, "no head"))),
        (
            "another version",
            |lines| lines[0] = lines[0].replace("\"journal\":1", "\"journal\":7"),
            Err((1, "version 7")),
        ),
    ]
}

fn cut_last(lines: &mut [String], bytes: usize) {
    let last = lines.last_mut().unwrap();
    last.truncate(last.len() - bytes);
}

#[test]
fn a_torn_last_line_is_dropped_and_any_other_damage_is_an_error_at_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut journal) = fresh(directory.path());
    let (undisturbed, _) = run(&mut journal, usize::MAX);
    drop(journal);
    let text = std::fs::read_to_string(&path).unwrap();
    // Without the last reading, so that the last line is a repeat.
    let whole: Vec<String> =
        text.lines().filter(|line| !line.contains("\"end\"")).map(|line| format!("{line}\n")).collect();
    for (damage, harm, effect) in damages() {
        let mut lines = whole.clone();
        harm(&mut lines);
        std::fs::write(&path, lines.concat()).unwrap();
        match (Journal::reopen(&path), effect) {
            (Ok((journal, contents)), Ok((records, torn))) => {
                assert_eq!((journal.earlier().count(), contents.torn.is_some()), (records, torn), "{damage}");
                drop(journal);
                assert_eq!(std::fs::read_to_string(&path).unwrap(), lines.concat(), "{damage}: nothing is changed yet");
                let mut journal = go_on(&path);
                let (execution, asked) = run(&mut journal, usize::MAX);
                drop(journal);
                assert_eq!(asked.len(), 12 - records, "{damage}");
                assert_eq!(execution.cases, undisturbed.cases, "{damage}");
                assert_eq!(Journal::read(&path).unwrap().torn, None, "{damage}");
            }
            (Err(RunError::JournalFormat { line, problem, .. }), Err((at, words))) => {
                assert_eq!(line, at, "{damage}: {problem}");
                assert!(problem.contains(words), "{damage}: {problem}");
            }
            (other, _) => panic!("{damage}: {other:?}"),
        }
    }
}

#[test]
fn a_record_that_fits_is_kept_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut journal) = fresh(directory.path());
    let record =
        RepeatRecord { repeat: plan()[1].clone(), outcome: RepeatOutcome::Measured(Box::new(fixture::measurement())) };
    journal.append(&record).unwrap();
    drop(journal);
    let mut journal = go_on(&path);
    assert!(journal.has_repeats());
    let (execution, asked) = run(&mut journal, usize::MAX);
    assert!(asked.iter().all(|repeat| (repeat.case, repeat.repeat) != (0, 0)), "not run again");
    assert_eq!(execution.cases[&0].measured[0].measurement, fixture::measurement());
}
