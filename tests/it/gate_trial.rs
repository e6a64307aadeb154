//! The trial of the gate: how it draws pairs from its pools, keeps these, asks the gate, and writes its page. A repeat is
//! measured only with `--ignored`.

// Parts of a bench; what only the bench uses is none of the tests' business.
#![allow(dead_code)]

#[path = "../../benches/gate_trial/draw.rs"]
mod draw;
#[path = "../../benches/gate_trial/judge.rs"]
mod judge;
#[path = "../../benches/gate_trial/pools.rs"]
mod pools;
#[path = "../../benches/gate_trial/queues/mod.rs"]
mod queues;
#[path = "../../benches/gate_trial/reports.rs"]
mod reports;
#[path = "../../benches/shared/section.rs"]
mod section;
#[path = "../../benches/gate_trial/store.rs"]
mod store;

use crate::support::{repeat_of, take_the_machine};
use draw::{Draw, Look, Pick, Random, draw};
use pools::{BASE, CONTESTS, Calibration, LANES, Trial};
use queue_load::adapter::noop::Noop;
use queue_load::adapter::{Host, Queue, Registry, Stamp};
use queue_load::compare::{CaseDecision, Change, Finding, FindingKind, GateDecision, GateOutcome, Steadiness};
use queue_load::internals::load::Phase;
use queue_load::internals::measure::Measurement;
use queue_load::internals::plan::PlannedRepeat;
use queue_load::internals::run::{
    CaseRuns, GaugeRecord, Measured, Moment, RepeatOutcome, RepeatRecord, YardstickReading,
};
use queue_load::internals::verdict::Distributions;
use queue_load::internals::worker::{Queues, carry_out, simulate};
use queue_load::report::{Environment, GateRound, Report, Untrusted};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use store::{Pools, Settings, Store};

const ROUNDS: u32 = 20;

fn trial() -> Trial {
    Trial::new(10, None).unwrap()
}

fn measurement() -> Measurement {
    simulate::<Noop>(&repeat_of(Noop::ABOUT.name)).unwrap()
}

fn settings(trial: &Trial) -> Settings {
    Settings {
        created_at: "2026-01-01T00:00:00Z".into(),
        window_ns: None,
        lanes: Vec::new(),
        cases: trial.plan.cases.iter().map(|case| case.id.as_given().to_owned()).collect(),
        calibration: Calibration::default(),
        environment: Environment::default(),
    }
}

fn picks(look: &Look) -> impl Iterator<Item = Pick> {
    look.pairs.iter().flat_map(|(old, new)| [*old, *new])
}

#[test]
fn a_draw_takes_no_repeat_twice_and_pairs_those_of_one_round() {
    let rounds: Vec<u32> = (0..ROUNDS).collect();
    let cases = [0, 3, 7];
    // Case 7 changed, and lane 4 is its new side.
    let lanes = |case: usize| (BASE, (case == 7).then_some(4));
    let (mut in_first, mut swapped) = (BTreeMap::<u32, u32>::new(), 0);
    const DRAWS: u32 = 1_000;
    for seed in 0..DRAWS {
        let draw = draw(&rounds, 10, &cases, &lanes, &mut Random::new(seed.into())).unwrap();
        let all: Vec<Pick> = picks(&draw.first).chain(picks(&draw.fresh)).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 2 * 2 * 10 * cases.len(), "a repeat twice: {draw:?}");
        for (old, new) in draw.first.pairs.iter().chain(&draw.fresh.pairs) {
            assert_eq!((old.case, old.round), (new.case, new.round));
            assert!(BASE.contains(&old.lane));
            assert_eq!(new.lane, if old.case == 7 { 4 } else { 1 - old.lane });
            swapped += u32::from(old.lane == 1);
        }
        assert!(draw.first.rounds.is_sorted() && draw.fresh.rounds.is_sorted(), "in order of time");
        draw.first.rounds.iter().for_each(|round| *in_first.entry(*round).or_default() += 1);
    }
    // Five standard deviations of a fair coin, so often.
    let near = |count: u32, tosses: u32| {
        f64::from(count).mul_add(2.0, -f64::from(tosses)).abs() < 5.0 * f64::from(tosses).sqrt()
    };
    assert!(near(swapped, DRAWS * 60), "{swapped} of {} from the second lane", DRAWS * 60);
    assert_eq!(in_first.len(), rounds.len());
    assert!(in_first.values().all(|count| near(*count, DRAWS)), "each round is in half of the looks: {in_first:?}");
}

#[test]
fn the_same_seed_draws_the_same_and_too_few_rounds_draw_nothing() {
    let take = |rounds: u32, each, seed| {
        let rounds: Vec<u32> = (0..rounds).collect();
        draw(&rounds, each, &[0], &|_| (BASE, None), &mut Random::new(seed))
    };
    assert_eq!(take(20, 10, 7), take(20, 10, 7));
    assert_ne!(take(20, 10, 7), take(20, 10, 8));
    for (rounds, each, enough) in
        [(20, 10, true), (19, 10, false), (4, 2, true), (2, 1, true), (1, 1, false), (9, 0, false)]
    {
        assert_eq!(take(rounds, each, 1).is_some(), enough, "{rounds} rounds, {each} each");
    }
}

#[test]
fn a_round_holds_every_lane_of_a_case_side_by_side() {
    let trial = trial();
    let set = Calibration { to_20_us: 19_000, late: 4_600_000 };
    let round = trial.round(3, &set);
    assert_eq!(round, trial.round(3, &set));
    assert_eq!(round.len(), 2 * 12 + 9 + 6);
    let places: BTreeSet<usize> = round.iter().map(|repeat| repeat.case).collect();
    assert_eq!(places.len(), round.len(), "none twice");
    let cases: Vec<&PlannedRepeat> = round.iter().collect();
    let runs: Vec<&[&PlannedRepeat]> = cases.chunk_by(|a, b| a.case_id == b.case_id).collect();
    assert_eq!(
        runs.iter().map(|run| run[0].case % 12).collect::<BTreeSet<_>>().len(),
        runs.len(),
        "each case in one run"
    );
    assert!(runs.iter().all(|run| run.iter().all(|repeat| (repeat.seed, repeat.repeat) == (run[0].seed, 3))));
    let names: BTreeSet<&str> = round.iter().map(|repeat| repeat.parameters.queue.as_given()).collect();
    let expected = [
        "builtin",
        "burning:1",
        "dropping:100",
        "late:20/4600000",
        "spun:19000",
        "spun:23000",
        "spun:3000",
        "stalled:60000000/10000000000",
    ];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), expected);
    let firsts: BTreeSet<usize> = (0..10).map(|round| trial.round(round, &set)[0].case / 12).collect();
    assert!(firsts.len() > 1, "no lane is always first");
    assert!(CONTESTS.iter().all(|contest| contest.changed.is_none_or(|(_, new)| new < LANES.len())));
}

/// The name of the queue that stands for a lane's.
struct NameOf;

impl Host for NameOf {
    type Output = &'static str;

    fn host<Q: Queue>(self) -> &'static str {
        Q::ABOUT.name
    }
}

#[test]
fn the_worker_knows_every_queue_of_the_lanes() {
    let mut known = Registry::with_own();
    queues::register(&mut known);
    let found = (0..LANES.len()).map(|lane| known.host(&Calibration::default().queue_of(lane), NameOf).unwrap());
    let expected = ["builtin", "builtin", "spun:", "spun:", "spun:", "stalled:", "dropping:", "late:", "burning:"];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_made_worse_is_shared_alike_by_all_tasks() {
    let stamp = |task, sequence| Stamp { phase: Phase::Window, task, sequence, at: 0 };
    for of in [20, 100] {
        let worse: Vec<u64> = (0..10)
            .map(|task| (0..100_000).filter(|sequence| queues::chosen(stamp(task, *sequence), 42, of)).count() as u64)
            .collect();
        let expected = 100_000 / of;
        assert!(worse.iter().all(|count| count.abs_diff(expected) < expected / 5), "1 in {of}: {worse:?}");
    }
}

fn record(place: usize, round: u32, attempt: u32, invalid: bool) -> RepeatRecord {
    let repeat = PlannedRepeat { case: place, repeat: round, attempt, ..repeat_of("noop") };
    let measurement = Box::new(measurement());
    let outcome = match invalid {
        false => RepeatOutcome::Measured(measurement),
        true => RepeatOutcome::SetAside { measurement, reasons: vec!["late".into()], reason_codes: vec![] },
    };
    RepeatRecord { repeat, outcome }
}

#[test]
fn pools_survive_a_torn_line_and_a_repeat_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(folder.path());
    assert!(store.settings().unwrap().is_none() && store.read().unwrap().runs.is_empty());
    let kept = settings(&trial());
    store.keep(&kept).unwrap();
    assert_eq!(store.settings().unwrap(), Some(kept));

    let reading = YardstickReading { spin_ns: Some(1.0), ping_pong_ns: None };
    let mut journal = store.begin().unwrap();
    journal.append_gauge(&GaugeRecord { round: 4, moment: Moment::Middle, reading }).unwrap();
    journal.append(&record(0, 0, 0, false)).unwrap();
    journal.append(&record(1, 0, 0, true)).unwrap();
    let path = journal.path().to_owned();
    drop(journal);
    let whole = std::fs::read(&path).unwrap();
    // The machine went down while a third repeat was being written.
    let torn = &serde_json::to_vec(&record(2, 0, 0, false)).unwrap()[..100];
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(torn).unwrap();

    let pools = store.read().unwrap();
    assert_eq!(pools.runs.keys().collect::<Vec<_>>(), [&(0, 0), &(1, 0)]);
    assert_eq!(pools.yardsticks[&4].middle, Some(reading));
    assert!(pools.settled(0, 0, 2).is_some());
    assert!(pools.settled(1, 0, 2).is_none(), "an invalid repeat is run again");
    assert!(pools.settled(1, 0, 0).is_some(), "unless that was the last try");
    assert!(pools.settled(2, 0, 2).is_none());

    let mut journal = store.begin().unwrap();
    for record in [record(1, 0, 0, true), record(1, 0, 1, false), record(2, 0, 0, false)] {
        journal.append(&record).unwrap();
    }
    let pools = store.read().unwrap();
    let anew = pools.settled(1, 0, 2).unwrap();
    assert_eq!((anew.measured.len(), anew.set_aside.len()), (1, 1), "the first try is not counted twice");
    assert!(pools.settled(2, 0, 2).is_some());
    assert!(std::fs::read(&path).unwrap().starts_with(&whole), "what was measured stays as it is");
}

/// Pools in which every repeat is there.
fn full(trial: &Trial, rounds: u32) -> Pools {
    let measurement = measurement();
    let mut pools = Pools::default();
    for round in 0..rounds {
        for repeat in trial.round(round, &Calibration::default()) {
            let key = (repeat.case, round);
            let measured = vec![Measured { repeat, measurement: measurement.clone() }];
            pools.runs.insert(key, CaseRuns { measured, ..CaseRuns::default() });
        }
    }
    pools
}

#[test]
fn reports_of_a_draw_are_those_of_a_run() {
    let trial = trial();
    let (pools, settings) = (full(&trial, 2), settings(&trial));
    let evidence = reports::Evidence::new(&trial, &pools, &settings).unwrap();
    // Nothing changed; other queues on both sides of one case.
    for number in [1, 2] {
        let contest = &CONTESTS[number];
        let cases = trial.cases(contest);
        let rounds = judge::whole_rounds(&trial, &pools, contest);
        assert_eq!(rounds.len(), 2);
        let draw = draw(&rounds, 1, &cases, &|case| judge::lanes(&trial, contest, case), &mut Random::new(1)).unwrap();
        let (old, new) = evidence.pair(&draw.first, None, &reports::Memo::default());
        assert_eq!(old.cases.len(), if contest.scenario == 0 { 9 } else { 3 });
        for (old, new) in old.cases.iter().zip(&new.cases) {
            assert_eq!((&old.id, &old.parameters), (&new.id, &new.parameters), "{}", contest.name);
            assert_eq!(new.parameters.queue, "builtin");
            let numbers =
                |case: &queue_load::report::CaseRecord| case.repeats.iter().map(|one| one.repeat).collect::<Vec<_>>();
            assert_eq!((numbers(old), numbers(new)), (vec![0], vec![0]));
        }
        assert_eq!((old.environment.rustc, old.tool.version.as_given()), (None, "unknown"));
        let only = BTreeSet::from([new.cases[1].id.clone()]);
        let (old, new) = evidence.pair(&draw.fresh, Some(&only), &reports::Memo::default());
        let ids = [&old, &new].map(|report| report.cases.iter().map(|case| case.id.clone()).collect::<BTreeSet<_>>());
        assert_eq!(ids, [only.clone(), only]);
    }
    let lacking = Pools {
        runs: pools.runs.into_iter().filter(|(key, _)| *key != (trial.place(8, trial.one), 1)).collect(),
        ..Pools::default()
    };
    for (contest, expected) in [(&CONTESTS[0], 2), (&CONTESTS[7], 1)] {
        assert_eq!(judge::whole_rounds(&trial, &lacking, contest).len(), expected, "{}", contest.name);
    }
}

/// What a gate might say of these cases.
fn decision(outcome: GateOutcome, cases: &[(&str, Change, FindingKind)]) -> GateDecision {
    let case = |(id, change, kind): &(&str, Change, FindingKind)| CaseDecision {
        id: (*id).into(),
        change: *change,
        reason: "".into(),
        findings: vec![Finding::new(*kind, "")],
        effect: None,
        tails: Vec::new(),
        tests: Vec::new(),
        repeats_needed: None,
    };
    let regressed = cases.iter().filter(|(_, change, _)| *change == Change::Regressed);
    GateDecision {
        outcome,
        reason: "".into(),
        reason_code: None,
        alpha: 0.01,
        min_effect: 0.1,
        suspects: regressed.map(|(id, ..)| (*id).into()).collect(),
        coverage: Vec::new(),
        failures: Vec::new(),
        family: 0,
        cases: cases.iter().map(case).collect(),
        differences: Vec::new(),
        yardstick: Steadiness::default(),
        notes: Vec::new(),
    }
}

#[test]
fn a_regression_is_looked_at_again_by_fresh_repeats_alone() {
    use Change::{Inconclusive as Open, Regressed as Worse, Unchanged as Same};
    use FindingKind::{Slower, Spread};
    use GateOutcome::{Inconclusive, Pass, Regressed};
    let look = |round| Look { rounds: vec![round], pairs: Vec::new() };
    let draw = Draw { first: look(1), fresh: look(2) };
    let report = || queue_load::report::read(std::path::Path::new("tests/data/report.json")).unwrap().report;
    let changed = BTreeSet::from(["a".into()]);
    let slower = |id| decision(Regressed, &[(id, Worse, Slower), ("c", Same, Slower)]);
    for (name, answers, looks, outcome, caught, found) in [
        ("passes", vec![decision(Pass, &[("a", Same, Slower)])], vec![1], Pass, false, vec![]),
        ("open", vec![decision(Inconclusive, &[("a", Open, Spread)])], vec![1], Inconclusive, false, vec!["spread"]),
        ("confirmed", vec![slower("a"), slower("a")], vec![1, 2], Regressed, true, vec!["slower"]),
        ("a false alarm elsewhere", vec![slower("b"), slower("b")], vec![1, 2], Regressed, false, vec!["slower"]),
        ("not confirmed", vec![slower("a"), decision(Pass, &[("a", Same, Slower)])], vec![1, 2], Pass, false, vec![]),
    ] {
        let (asked, answers) = (RefCell::new(Vec::new()), RefCell::new(answers.into_iter()));
        let pair = |look: &Look, only: Option<&BTreeSet<Untrusted>>| {
            asked.borrow_mut().push((look.rounds[0], only.cloned()));
            (report(), report())
        };
        let gate = |_: &Report, _: &Report, _: u64| answers.borrow_mut().next().unwrap();
        let rounds: Vec<GateRound> = judge::decide(&draw, &pair, &gate, &|_| "a".into());
        let said = judge::said(rounds, &changed);
        assert_eq!((said.outcome, said.caught), (outcome, caught), "{name}");
        assert_eq!(said.found.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(), found, "{name}");
        let asked = asked.into_inner();
        assert_eq!(asked.iter().map(|(round, _)| *round).collect::<Vec<_>>(), looks, "{name}");
        assert!(asked[0].1.is_none(), "the first look is at every case");
        assert!(asked[1..].iter().all(|(_, only)| only.as_ref().is_some_and(|only| only.len() == 1)), "{name}");
    }
}

#[test]
fn an_undecided_case_is_looked_at_again_with_all_its_repeats() {
    use Change::{Inconclusive as Open, Regressed as Worse, Unchanged as Same};
    use FindingKind::{Slower, Spread};
    let pick = |case, round| (Pick { lane: 0, case, round }, Pick { lane: 1, case, round });
    let look = |rounds: [u32; 2]| Look {
        rounds: rounds.to_vec(),
        pairs: [0, 1].into_iter().flat_map(|case| rounds.map(|round| pick(case, round))).collect(),
    };
    let draw = Draw { first: look([1, 4]), fresh: look([2, 3]) };
    let report = || queue_load::report::read(std::path::Path::new("tests/data/report.json")).unwrap().report;
    let mut first = decision(GateOutcome::Regressed, &[("a", Open, Spread), ("b", Worse, Slower)]);
    (first.suspects, first.family) = (vec!["a".into(), "b".into()], 32);
    let answers = RefCell::new([first, decision(GateOutcome::Pass, &[("a", Same, Slower)])].into_iter());
    let (seen, families) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let pair = |look: &Look, _: Option<&BTreeSet<Untrusted>>| {
        seen.borrow_mut().push(look.clone());
        (report(), report())
    };
    let gate = |_: &Report, _: &Report, family: u64| {
        families.borrow_mut().push(family);
        answers.borrow_mut().next().unwrap()
    };
    judge::decide(&draw, &pair, &gate, &|case| ["a", "b"][case].into());
    assert_eq!(*families.borrow(), [0, 32], "the second look corrects for as many tests as the first");
    let second = &seen.borrow()[1];
    let expected = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3)].map(|(case, round)| pick(case, round));
    assert_eq!(second.pairs, expected, "b looked regressed: its fresh repeats alone");
    assert_eq!(second.rounds, [1, 2, 3, 4]);
}

#[test]
fn a_page_has_its_section_replaced_once_and_nothing_else() {
    let (begin, end) = (section::begin("gate-trial"), section::end("gate-trial"));
    let page = format!("# Title\n\n{begin}\nold\n{end}\n\nafter\n");
    let once = section::replace(&page, "gate-trial", "\nnew\n\n").unwrap();
    assert_eq!(once, format!("# Title\n\n{begin}\nnew\n{end}\n\nafter\n"));
    assert_eq!(section::replace(&once, "gate-trial", "new").unwrap(), once, "again changes nothing");
    for (page, expected) in [
        (String::new(), "0 times"),
        (format!("{begin}\n"), "0 times"),
        (format!("{begin}\n{end}\n{begin}\n{end}\n"), "2 times"),
        (format!("{end}\n{begin}\n"), "stands before"),
    ] {
        let why = section::replace(&page, "gate-trial", "new").unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
    let results = include_str!("../../docs/RESULTS.md");
    for name in ["gate-trial", "bench-queues"] {
        assert!(section::replace(results, name, "new").is_ok(), "docs/RESULTS.md has the section {name}");
    }
}

#[test]
#[ignore = "takes real time"]
fn each_change_is_there_to_be_found() {
    let _alone = take_the_machine();
    let mut known = Queues::with_own();
    queues::register(&mut known);
    let measured = |queue: &str| {
        let measurement = carry_out(&known, repeat_of(queue), Box::new(|_| ())).unwrap();
        assert_eq!(queue_load::internals::verdict::faults(&measurement), [], "{queue}");
        assert_eq!((measurement.ledger.lost.silent, measurement.ledger.duplicated), (0, 0), "{queue}");
        assert_eq!(measurement.disagreements, [""; 0], "{queue}");
        measurement
    };

    // What it burns cannot be told here, where the tests' own threads would count as the queue's.
    measured("burning:1");
    let spun = measured("spun:50000");
    assert!(spun.latency.enqueue.min_ns >= Some(50_000), "{:?}", spun.latency.enqueue.min_ns);
    // Once in a nanosecond: in every window, at its beginning.
    let stalled = measured("stalled:60000000/1");
    assert!(stalled.latency.enqueue.max_ns >= Some(60_000_000), "{:?}", stalled.latency.enqueue.max_ns);
    // Never within such a window, since the moment is drawn from 500 years.
    let spared = measured("stalled:60000000000/18000000000000000000");
    assert!(spared.latency.enqueue.max_ns < Some(60_000_000_000));
    let dropping = measured("dropping:10").ledger;
    let share = dropping.dropped as f64 / dropping.attempted as f64;
    assert!((0.05..0.2).contains(&share), "{share} of 0.1");
    let late = measured("late:20/80000000");
    let latencies = Distributions::decode(&late.latency).unwrap();
    let over = latencies.delivery.buckets().filter(|bucket| bucket.low_ns >= 80_000_000);
    let share = over.map(|bucket| bucket.count).sum::<u64>() as f64 / late.ledger.enqueued as f64;
    assert!(share > 0.02, "{share} of 0.05");
}
