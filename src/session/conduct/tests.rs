//! Runs without processes and without waiting: the driver is scripted, the test provides the yardstick, and also the
//! decision if the statistics do not matter.

use super::super::error::SessionError;
use super::super::observer::Observer;
use super::super::stage::Stage;
use super::super::{baseline, recover, resume};
use super::*;
use crate::compare::Allowances;
use crate::measure::Measurement;
use crate::measure::fixture::healthy;
use crate::plan::Plan;
use crate::report::{BaselineName, CaseDecision, Change, Finding, FindingKind, Steadiness, save_baseline};
use crate::run::{Fault, Interrupt, Journal, RepeatError, ScriptedDriver, YardstickReading};
use crate::scenario::{Catalog, Context, Overrides, QueueSpec, Selector, Strategy, parse};
use std::cell::RefCell;
use std::collections::VecDeque;

const SCENARIO: &str = "[target]\nthroughput = \"1k/s\"\n[matrix]\nstrategy = [\"block\", \"drop\"]\nrate = \"1k/s\"\nconcurrency = 1\nduration = \"1s\"\n";

fn plan(layout: &Layout) -> Plan {
    let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec())]);
    let overrides = Overrides::none();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 4 };
    let scenario = parse("s.toml", SCENARIO.as_bytes(), context).unwrap();
    Plan::new(vec![scenario], &catalog, &Selector::default()).unwrap().laid_out(layout).unwrap()
}

/// Keeps every note and warning.
#[derive(Default)]
struct Notes(RefCell<Vec<String>>);

impl Observer for Notes {
    fn note(&self, text: &str) {
        self.0.borrow_mut().push(text.to_owned());
    }
}

/// A run, and everything that a test looks at.
struct Run {
    layout: Layout,
    driver: ScriptedDriver,
    confirm: u32,
    /// The decisions of the judge, in order.
    decisions: RefCell<VecDeque<GateDecision>>,
    /// For each decision, the numbers of cases and of repeats on both sides.
    judged: RefCell<Vec<[(usize, usize); 2]>>,
    /// For each decision, the least number of tests that it had to correct for.
    families: RefCell<Vec<u64>>,
    said: Notes,
    interrupt: Interrupt,
}

fn good(_: &crate::plan::PlannedRepeat, _: &Interrupt) -> Result<Measurement, RepeatError> {
    Ok(healthy(1_000))
}

impl Run {
    fn new(decisions: impl IntoIterator<Item = GateDecision>) -> Self {
        Self {
            layout: Layout::Plain,
            driver: ScriptedDriver::new(good),
            confirm: 1,
            decisions: RefCell::new(decisions.into_iter().collect()),
            judged: RefCell::default(),
            families: RefCell::default(),
            said: Notes::default(),
            interrupt: Interrupt::new(),
        }
    }

    fn about(&self) -> About {
        let created_at = "2026-01-02T03:04:05Z".parse().unwrap();
        About { environment: crate::report::Environment::default(), created_at, program: None }
    }

    /// Against a baseline that was run before, or against the other program.
    fn conduct(&mut self, journal: Option<&mut Journal>) -> Conducted {
        let plan = plan(&self.layout);
        let about = self.about();
        let baseline = fixture_of(&plan, &about);
        let reference = match self.layout {
            Layout::Programs => Reference::OtherProgram,
            _ => Reference::Saved { file: "base.json".into(), digest: "abc".into(), report: &baseline },
        };
        let size =
            |report: &Report| (report.cases.len(), report.cases.iter().map(|case| case.repeats.len()).sum::<usize>());
        let judge = |base: &Report, new: &Report, settings: &Settings| {
            self.families.borrow_mut().push(settings.least_family);
            self.judged.borrow_mut().push([size(base), size(new)]);
            self.decisions.borrow_mut().pop_front().expect("one more decision than the script has")
        };
        let gating = Gating { reference, settings: Settings::default(), confirm: self.confirm, judge: &judge };
        let gated = !matches!(self.layout, Layout::Twice | Layout::Across { .. });
        conduct(
            &mut Stage {
                plan: &plan,
                driver: &mut self.driver,
                gauge: &mut || Some(YardstickReading { spin_ns: Some(20_000.0), ping_pong_ns: None }),
                observer: &self.said,
                journal,
                interrupt: &self.interrupt,
            },
            &about,
            gated.then_some(&gating),
        )
    }

    /// The cases and rounds that were run, in order.
    fn asked(&self) -> Vec<(String, u32)> {
        let asked = self.driver.asked().iter();
        asked.map(|repeat| (repeat.parameters.strategy.name().to_owned(), repeat.repeat)).collect()
    }
}

/// A report of the plan with one healthy repeat for each round.
fn fixture_of(plan: &Plan, about: &About) -> Report {
    let plan = &Plan { layout: Layout::Plain, ..plan.clone() };
    let mut driver = ScriptedDriver::new(good);
    let conducted = conduct(
        &mut Stage {
            plan,
            driver: &mut driver,
            gauge: &mut || None,
            observer: &(),
            journal: None,
            interrupt: &Interrupt::new(),
        },
        about,
        None,
    );
    conducted.reports.own
}

fn decision(outcome: GateOutcome, changes: &[(&str, Change, FindingKind)]) -> GateDecision {
    let id = |strategy: &str| {
        let plan = plan(&Layout::Plain);
        plan.cases.into_iter().find(|case| case.parameters.strategy.name() == strategy).unwrap().id
    };
    let cases = changes.iter().map(|&(strategy, change, kind)| CaseDecision {
        id: id(strategy),
        change,
        reason: "as scripted".into(),
        findings: vec![Finding::new(kind, Untrusted::default())],
        effect: None,
        tails: Vec::new(),
        tests: Vec::new(),
        repeats_needed: None,
    });
    let by_test = |(_, change, kind): &&(&str, Change, FindingKind)| {
        matches!(change, Change::Regressed | Change::Inconclusive) && !kind.is_exact()
    };
    GateDecision {
        outcome,
        reason: format!("{} as scripted", outcome.word()).into(),
        reason_code: None,
        alpha: 0.01,
        min_effect: 0.1,
        cases: cases.collect(),
        suspects: changes.iter().filter(by_test).map(|(strategy, ..)| id(strategy)).collect(),
        coverage: Vec::new(),
        failures: Vec::new(),
        family: 0,
        differences: Vec::new(),
        yardstick: Steadiness::default(),
        notes: Vec::new(),
    }
}

fn passes() -> GateDecision {
    decision(
        GateOutcome::Pass,
        &[("block", Change::Unchanged, FindingKind::TwoGroups), ("drop", Change::Unchanged, FindingKind::TwoGroups)],
    )
}

fn suspects() -> GateDecision {
    decision(GateOutcome::Regressed, &[("drop", Change::Regressed, FindingKind::Slower)])
}

#[test]
fn exit_codes_of_a_gate() {
    let inconclusive = || decision(GateOutcome::Inconclusive, &[("drop", Change::Inconclusive, FindingKind::Spread)]);
    let incomparable = || decision(GateOutcome::Incomparable, &[]);
    let lost = || decision(GateOutcome::Regressed, &[("drop", Change::Regressed, FindingKind::Lost)]);
    for (decisions, confirm, code, rounds) in [
        (vec![passes()], 1, 0, 1),
        (vec![inconclusive()], 0, 5, 1),
        (vec![inconclusive(), passes()], 1, 0, 2),
        (vec![inconclusive(), inconclusive()], 1, 5, 2),
        (vec![inconclusive(), suspects()], 1, 4, 2),
        (vec![incomparable()], 1, 6, 1),
        (vec![suspects(), suspects()], 1, 4, 2),
        (vec![suspects(), passes()], 1, 0, 2),
        (vec![suspects(), inconclusive()], 1, 5, 2),
        (vec![suspects()], 0, 4, 1),
        (vec![suspects(), suspects(), passes()], 2, 0, 3),
        (vec![suspects(), suspects(), suspects()], 2, 4, 3),
        (vec![lost()], 1, 4, 1),
    ] {
        let mut run = Run::new(decisions.clone());
        run.confirm = confirm;
        let report = run.conduct(None).reports.own;
        let gate = report.gate.expect("it was compared with a baseline");
        assert_eq!((report.verdict.exit.code(), gate.rounds.len()), (code, rounds), "{decisions:#?}");
        assert_eq!((gate.baseline.as_given(), gate.digest.as_given()), ("base.json", "abc"));
        assert_eq!(report.confirmations.len(), rounds - 1);
        assert_eq!(run.said.0.borrow().len(), rounds - 1, "{:?}", run.said.0);
    }
}

#[test]
fn failed_cases_come_before_a_regression_and_a_regression_before_an_invalid_case() {
    use ExitOutcome::{Failed, Incomparable, Interrupted, Invalid, Pass, Regressed};
    for (cases, gate, allowed, expected) in [
        (Pass, GateOutcome::Pass, false, Pass),
        (Failed, GateOutcome::Regressed, false, Failed),
        (Failed, GateOutcome::Pass, false, Failed),
        (Failed, GateOutcome::Failed, false, Failed),
        (Failed, GateOutcome::Failed, true, Failed),
        (Failed, GateOutcome::Pass, true, Pass),
        (Failed, GateOutcome::Regressed, true, Regressed),
        (Failed, GateOutcome::Inconclusive, true, Invalid),
        (Invalid, GateOutcome::Regressed, false, Regressed),
        (Invalid, GateOutcome::Pass, false, Invalid),
        (Invalid, GateOutcome::Pass, true, Invalid),
        (Invalid, GateOutcome::Inconclusive, false, Invalid),
        (Pass, GateOutcome::Incomparable, false, Incomparable),
        (Pass, GateOutcome::Inconclusive, false, Invalid),
        (Interrupted, GateOutcome::Regressed, true, Interrupted),
    ] {
        assert_eq!(exit(cases, gate, allowed), expected, "{cases:?} {gate:?} {allowed}");
    }
}

#[test]
fn only_what_looks_regressed_is_run_again_and_judged_on_fresh_repeats_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.journal");
    let mut journal = Journal::create(&path, "2026-01-02T03:04:05Z", serde_json::Value::Null).unwrap();
    let mut run = Run::new([suspects(), suspects()]);
    let conducted = run.conduct(Some(&mut journal));
    let again: Vec<(String, u32)> = run.asked().split_off(8);
    assert_eq!(again, [4, 5, 6, 7].map(|round| ("drop".to_owned(), round)));
    assert_eq!(*run.judged.borrow(), [[(2, 8), (2, 8)], [(1, 4), (1, 4)]]);
    assert_eq!(
        *run.said.0.borrow(),
        ["1 case looked regressed or could not be decided; running again, 1 of at most 1"]
    );
    let report = conducted.reports.own;
    let repeats = |cases: &[CaseRecord]| -> Vec<usize> { cases.iter().map(|case| case.repeats.len()).collect() };
    assert_eq!(repeats(&report.cases), [4, 4], "the suspicion's evidence stays");
    assert_eq!(repeats(&report.confirmations[0].cases), [4]);
    assert!(report.yardstick.is_some_and(|yardstick| yardstick.readings().count() == 3));
    assert!(report.confirmations[0].yardstick.is_some_and(|yardstick| yardstick.readings().count() == 3));

    // The journal gives the same report, except for the decision.
    let contents = Journal::read(&path).unwrap();
    let about = run.about();
    let recovered = recover::report(&plan(&Layout::Plain), &about, contents.records, &contents.gauges);
    assert_eq!(recovered.confirmations, report.confirmations);
    assert_eq!((recovered.cases, recovered.yardstick), (report.cases, report.yardstick));
    assert!(!recovered.interrupted);
}

/// Interrupts the run at this repeat, counted from 1.
fn interrupting_at(number: usize) -> ScriptedDriver {
    let mut asked = 0;
    ScriptedDriver::new(move |_, interrupt| {
        asked += 1;
        if asked == number {
            interrupt.raise();
            return Err(Fault::Interrupted.alone());
        }
        Ok(healthy(1_000))
    })
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_decision() {
    let undisturbed = Run::new([suspects(), passes()]).conduct(None).reports.own;
    let dir = tempfile::tempdir().unwrap();
    // In the plan, at its end, and in the confirmation, each at the first decision that is due.
    for (stop, decisions) in [(3, vec![]), (9, vec![suspects()]), (10, vec![suspects()])] {
        let path = dir.path().join(format!("{stop}.journal"));
        let mut journal = Journal::create(&path, "2026-01-02T03:04:05Z", serde_json::Value::Null).unwrap();
        let mut run = Run::new(decisions);
        run.driver = interrupting_at(stop);
        assert!(run.conduct(Some(&mut journal)).reports.own.interrupted);
        drop(journal);
        let (mut journal, _) = Journal::reopen(&path).unwrap();
        journal.go_on("2026-01-03T03:04:05Z").unwrap();
        let mut run = Run::new([suspects(), passes()]);
        let report = run.conduct(Some(&mut journal)).reports.own;
        assert_eq!(run.asked().len(), 12 - (stop - 1), "what was finished is not run again");
        assert_eq!(report, undisturbed);
        let sittings = resume::sittings(&plan(&Layout::Plain), &Journal::read(&path).unwrap());
        assert_eq!(sittings.iter().map(|sitting| sitting.repeats.len()).collect::<Vec<_>>(), [stop - 1, 13 - stop]);
        assert_eq!(sittings[1].began_at, "2026-01-03T03:04:05Z");
    }
}

#[test]
fn an_undecided_case_is_judged_on_all_of_its_repeats() {
    use Change::{Inconclusive, Regressed};
    let decided = |outcome, block, drop| {
        let decision = decision(outcome, &[("block", block, FindingKind::Spread), ("drop", drop, FindingKind::Slower)]);
        GateDecision { family: 20, ..decision }
    };
    let first = decided(GateOutcome::Regressed, Inconclusive, Regressed);
    let second = decided(GateOutcome::Inconclusive, Inconclusive, Inconclusive);
    for layout in [Layout::Plain, Layout::Programs] {
        let mut run = Run::new([first.clone(), second.clone(), passes()]);
        (run.layout, run.confirm) = (layout, 2);
        let report = run.conduct(None).reports.own;
        let judged = run.judged.borrow();
        let new: Vec<(usize, usize)> = judged.iter().map(|[_, new]| *new).collect();
        // `block`: 4, then 8, then 12; `drop`, which looked regressed: 4, then the fresh 4, then these and 4 more.
        assert_eq!(new, [(2, 8), (2, 12), (2, 20)]);
        let base: Vec<usize> = judged.iter().map(|[base, _]| base.1).collect();
        assert_eq!(base, if run.layout == Layout::Plain { [8, 8, 8] } else { [8, 12, 20] });
        assert_eq!(*run.families.borrow(), [0, 20, 20], "which cases are looked at again is no matter of chance alone");
        let confirmed: Vec<usize> =
            report.confirmations.iter().flat_map(|round| &round.cases).map(|case| case.repeats.len()).collect();
        assert_eq!(confirmed, [4, 4, 4, 4], "the report keeps each round by itself");
    }
}

#[test]
fn a_case_that_looked_regressed_is_no_reason_to_correct_for_more() {
    let mut run = Run::new([GateDecision { family: 20, ..suspects() }, suspects()]);
    run.conduct(None);
    assert_eq!(*run.families.borrow(), [0, 0]);
}

#[test]
fn an_interrupt_keeps_what_there_is_and_decides_nothing() {
    // In the plan itself.
    let mut run = Run::new([]);
    run.driver = interrupting_at(3);
    let conducted = run.conduct(None);
    assert!(matches!(conducted.ending, Ending::Interrupted));
    let report = conducted.reports.own;
    assert_eq!((report.verdict.exit.code(), report.gate, report.interrupted), (130, None, true));
    // In its confirmation: a suspicion is no verdict.
    let mut run = Run::new([suspects()]);
    run.driver = interrupting_at(10);
    let conducted = run.conduct(None);
    assert!(matches!(conducted.ending, Ending::Interrupted));
    let report = conducted.reports.own;
    assert_eq!((report.verdict.exit.code(), report.interrupted), (130, true));
    assert_eq!(report.confirmations[0].cases[0].repeats.len(), 1);
    let gate = report.gate.unwrap();
    assert_eq!((gate.outcome, gate.rounds.len()), (GateOutcome::Inconclusive, 1));
    assert!(gate.reason.as_given().contains("before what looked regressed was confirmed"), "{:?}", gate.reason);
}

#[test]
fn two_programs_give_two_reports_and_are_confirmed_together() {
    let mut run = Run::new([suspects(), passes()]);
    run.layout = Layout::Programs;
    // The other program drops.
    run.driver =
        ScriptedDriver::new(|repeat, _| Ok(if repeat.case < 2 { healthy(1_000) } else { healthy(1_000).dropping(5) }));
    let conducted = run.conduct(None);
    let asked = run.driver.asked();
    assert_eq!(asked.len(), 16 + 8);
    for pair in asked.chunks(2) {
        assert_eq!(pair[0].case % 2, pair[1].case % 2, "side by side");
        assert_ne!(pair[0].case, pair[1].case);
        assert_eq!((pair[0].seed, pair[0].repeat), (pair[1].seed, pair[1].repeat), "the same load");
    }
    assert_eq!(*run.judged.borrow(), [[(2, 8), (2, 8)], [(1, 4), (1, 4)]]);
    let Reports { own, other } = conducted.reports;
    let other = other.expect("two programs");
    let dropped = |report: &Report| report.cases[0].repeats[0].ledger.dropped;
    assert_eq!((dropped(&own), dropped(&other)), (0, 5));
    assert_eq!((own.confirmations.len(), other.confirmations.len()), (1, 1));
    assert_eq!(other.confirmations[0].cases[0].repeats[0].ledger.dropped, 5);
    assert_eq!(other.gate, None);
    assert_eq!(own.verdict.exit.code(), 0);
}

#[test]
fn a_calibration_stands_in_the_report() {
    let mut run = Run::new([]);
    run.layout = Layout::Twice;
    let mut mean = 0;
    run.driver = ScriptedDriver::new(move |_, _| {
        mean += 1;
        Ok(healthy(1_000 + mean % 3))
    });
    let report = run.conduct(None).reports.own;
    for case in &report.cases {
        let calibration = case.calibration.expect("calibrated");
        assert_eq!((case.repeats.len(), calibration.repeats), (8, 4));
        assert!(calibration.spread.is_some());
    }
    assert_eq!(report.gate, None);
}

/// Whether the baseline is unfit and not merely unreadable, and the message.
fn said(error: SessionError) -> (bool, String) {
    (matches!(error, SessionError::Baseline { .. }), error.to_string())
}

#[test]
fn a_missing_or_unfit_baseline_is_refused_before_anything_runs() {
    let reports = tempfile::tempdir().unwrap();
    let open = |given: &str| baseline::open(given, reports.path()).map_err(said);
    let (unfit, text) = open("main").unwrap_err();
    assert!(unfit);
    assert!(text.contains("there are no baselines"), "{text}");

    let run = Run::new([]);
    let (plain, about) = (plan(&Layout::Plain), run.about());
    let mut report = fixture_of(&plain, &about);
    report.environment.cpu_model = Some("one".into());
    let name: BaselineName = "main".parse().unwrap();
    let path = save_baseline(&report, reports.path(), &name).unwrap();
    assert_eq!(open("main").unwrap().report, report);
    assert_eq!(open(path.to_str().unwrap()).unwrap().digest, report.digest().unwrap());
    assert!(open("other").unwrap_err().1.contains("there are main"));
    let altered = std::fs::read_to_string(&path).unwrap().replacen("\"scheduled\":1000", "\"scheduled\":1001", 1);
    for (text, expected) in [(altered.as_str(), "digest"), ("{\"schema_version\": 2}", "newer"), ("{", "truncated")] {
        std::fs::write(reports.path().join("x.json"), text).unwrap();
        let (unfit, message) = open(reports.path().join("x.json").to_str().unwrap()).unwrap_err();
        assert!(!unfit, "{message}");
        assert!(message.contains(expected), "{message}");
    }

    let opened = open("main").unwrap();
    let check = |change: &dyn Fn(&mut Report), settings: &Settings| {
        let mut expected = assemble::reports(&plain, &about, &[0, 1], Gathered::default()).own;
        expected.environment = opened.report.environment.clone();
        change(&mut expected);
        baseline::check("main", &opened, &expected, settings).map_err(said)
    };
    let settings = Settings::default();
    assert_eq!(check(&|_| {}, &settings), Ok(()));
    let (unfit, text) = check(&|report| report.environment.cpu_model = Some("two".into()), &settings).unwrap_err();
    assert!(unfit);
    assert!(text.contains("cpu_model was one and is two"), "{text}");
    let across =
        Settings { allowances: Allowances { cross_machine: true, ..Allowances::default() }, ..settings.clone() };
    assert_eq!(check(&|report| report.environment.cpu_model = Some("two".into()), &across), Ok(()));
    let elsewhere = |report: &mut Report| report.cases.iter_mut().for_each(|case| case.parameters.maxsize += 1);
    let (unfit, text) = check(&elsewhere, &across).unwrap_err();
    assert!(unfit);
    assert!(text.contains("no case in common"), "{text}");
}

#[test]
fn the_real_decision_lets_the_same_code_pass_and_finds_a_lost_log() {
    let mut run = Run::new([]);
    let plain = plan(&Layout::Plain);
    let about = run.about();
    let baseline = fixture_of(&plain, &about);
    for (lost, code) in [(0, 0), (1, 3)] {
        run.driver = ScriptedDriver::new(move |_, _| Ok(healthy(1_000).losing(lost)));
        let gating = Gating {
            reference: Reference::Saved { file: "b".into(), digest: Untrusted::default(), report: &baseline },
            settings: Settings::default(),
            confirm: 1,
            judge: &compare::gate,
        };
        let conducted = conduct(
            &mut Stage {
                plan: &plain,
                driver: &mut run.driver,
                gauge: &mut || None,
                observer: &(),
                journal: None,
                interrupt: &Interrupt::new(),
            },
            &about,
            Some(&gating),
        );
        let report = conducted.reports.own;
        let gate = report.gate.unwrap();
        assert_eq!(report.verdict.exit.code(), code, "{}", gate.reason.as_given());
        assert_eq!(gate.outcome == GateOutcome::Regressed, lost > 0, "{}", gate.reason.as_given());
    }
}
