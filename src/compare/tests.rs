//! The decision of a gate in each situation, and how often it is wrong.

use super::fixture::{LOGS, case, means, report, sized};
use super::*;
use crate::report::{Calibration, CaseRecord, Report, Yardstick, YardstickReading};
use crate::scenario::{Pacing, Strategy};
use crate::verdict::{CheckResult, Outcome, Unit};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

fn settings() -> Settings {
    Settings::default()
}

fn decide(base: &Report, new: &Report) -> GateDecision {
    gate(base, new, &settings())
}

/// Ten repeats on each side, the new one changed in some way.
fn after(change: impl FnOnce(&mut CaseRecord)) -> GateDecision {
    let mut new = case(&means(10, 10_100.0));
    change(&mut new);
    decide(&report(vec![case(&means(10, 10_000.0))]), &report(vec![new]))
}

fn kinds(decision: &GateDecision) -> Vec<FindingKind> {
    decision.cases[0].findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn the_verdict_of_each_odd_report() {
    use GateOutcome::{Incomparable, Inconclusive, Pass, Regressed};
    let ten = |middle| case(&means(10, middle));
    let table: Vec<(&str, Vec<CaseRecord>, Vec<CaseRecord>, GateOutcome)> = vec![
        ("the same", vec![ten(1e4)], vec![ten(1.01e4)], Pass),
        ("slower", vec![ten(1e4)], vec![ten(1.3e4)], Regressed),
        ("faster", vec![ten(1e4)], vec![ten(0.7e4)], Pass),
        ("slower by less than 10 %", vec![ten(1e4)], vec![ten(1.08e4)], Pass),
        ("both empty", vec![], vec![], Incomparable),
        ("nothing in the baseline", vec![], vec![ten(1e4)], Incomparable),
        ("nothing in the new one", vec![ten(1e4)], vec![], Incomparable),
        ("nothing in common", vec![sized(5, &[1e4; 10])], vec![sized(6, &[1e4; 10])], Incomparable),
        ("one removed", vec![ten(1e4), sized(5, &[1e4; 10])], vec![ten(1e4)], Regressed),
        ("no repeats", vec![ten(1e4)], vec![case(&[])], Incomparable),
        ("no repeats in the baseline", vec![case(&[])], vec![ten(1e4)], Incomparable),
        ("no repeats on either side", vec![case(&[])], vec![case(&[])], Incomparable),
        ("a baseline of zero", vec![case(&[0.0; 10])], vec![ten(1e4)], Incomparable),
        ("zero now", vec![ten(1e4)], vec![case(&[0.0; 10])], Incomparable),
        ("not a number", vec![ten(1e4)], vec![case(&[f64::NAN; 10])], Incomparable),
        ("infinite", vec![case(&[f64::INFINITY; 10])], vec![ten(1e4)], Incomparable),
        ("negative", vec![case(&[-1.0; 10])], vec![ten(1e4)], Incomparable),
        (
            "one of ten not a number",
            vec![ten(1e4)],
            vec![case(&[&means(9, 1e4)[..], &[f64::NAN]].concat())],
            Inconclusive,
        ),
        ("a single repeat", vec![case(&[1e4])], vec![case(&[3e4])], Inconclusive),
        ("a single identical repeat", vec![case(&[1e4])], vec![case(&[1e4])], Pass),
        ("four against four", vec![case(&means(4, 1e4))], vec![case(&means(4, 3e4))], Inconclusive),
        ("five against five", vec![case(&means(5, 1e4))], vec![case(&means(5, 3e4))], Inconclusive),
        ("eight against eight", vec![case(&means(8, 1e4))], vec![case(&means(8, 3e4))], Regressed),
        ("ten against four", vec![ten(1e4)], vec![case(&means(4, 3e4))], Inconclusive),
        ("ten against one", vec![ten(1e4)], vec![case(&[3e4])], Inconclusive),
        ("ten against one, as quick", vec![ten(1e4)], vec![case(&[1e4])], Inconclusive),
        ("sixty against sixty", vec![case(&means(60, 1e4))], vec![case(&means(60, 1.3e4))], Regressed),
        ("all repeats alike", vec![case(&[1e4; 10])], vec![case(&[1.5e4; 10])], Regressed),
        ("all repeats alike on both sides", vec![case(&[1e4; 10])], vec![case(&[1e4; 10])], Pass),
    ];
    for (what, base, new, expected) in table {
        let decision = decide(&report(base), &report(new));
        assert_eq!(decision.outcome, expected, "{what}: {}", decision.reason.as_given());
        assert!(
            !decision.reason.is_empty() && !decision.reason.as_given().contains('\n'),
            "{what}: {}",
            decision.reason.as_given()
        );
        serde_json::to_string(&decision).unwrap();
    }
}

#[test]
fn what_regressed_is_a_suspect_and_said_with_its_numbers() {
    let base = report(vec![case(&means(10, 1e4)), sized(5, &means(10, 1e4))]);
    let new = report(vec![sized(5, &means(10, 1.5e4)), case(&means(10, 1e4))]);
    let decision = decide(&base, &new);
    assert_eq!(decision.suspects, [new.cases[0].id.clone()]);
    assert_eq!(
        decision.reason,
        format!(
            "1 of 2 cases regressed: {}: enqueue 10.0 µs → 15.0 µs (+5.00 µs, +50.0%), p = 3e-4",
            new.cases[0].id.as_given()
        )
    );
    assert_eq!((decision.cases[0].change, decision.cases[1].change), (Change::Regressed, Change::Unchanged));
}

#[test]
fn counts_need_no_statistics() {
    use FindingKind::{Accepted, AcceptsMore, Broke, Duplicated, Fails, Lost, Target, Unconfirmed, Unmeasured};
    use GateOutcome::{Failed, Inconclusive, Pass, Regressed};
    type Row = (&'static str, GateOutcome, &'static [FindingKind], fn(&mut CaseRecord));
    let table: &[Row] = &[
        ("one lost", Regressed, &[Lost], |case| case.repeats[3].ledger.lost.silent = 1),
        ("one admitted", Regressed, &[Lost], |case| case.repeats[3].ledger.lost.admitted = 1),
        ("one twice", Regressed, &[Duplicated], |case| case.repeats[9].ledger.duplicated = 1),
        ("one dropped", Inconclusive, &[Unconfirmed], |case| {
            case.repeats[0].ledger.dropped = 1;
            case.repeats[0].ledger.enqueued_in_window -= 1;
        }),
        ("1 % fewer accepted", Regressed, &[Accepted], |case| {
            case.repeats.iter_mut().for_each(|repeat| repeat.ledger.enqueued_in_window -= LOGS / 100);
        }),
        ("0.9 % fewer accepted", Pass, &[], |case| {
            case.repeats.iter_mut().for_each(|repeat| repeat.ledger.enqueued_in_window -= LOGS * 9 / 1_000);
        }),
        ("one disturbed repeat accepts half", Pass, &[], |case| case.repeats[4].ledger.enqueued_in_window /= 2),
        ("half of the repeats accept 3 % less", Regressed, &[Accepted], |case| {
            case.repeats.iter_mut().step_by(2).for_each(|repeat| repeat.ledger.enqueued_in_window -= LOGS * 3 / 100);
        }),
        ("broke", Regressed, &[Broke], |case| case.verdict.outcome = Outcome::Error),
        ("invalid", Inconclusive, &[Unmeasured], |case| case.verdict.outcome = Outcome::Invalid),
        ("misses its target", Regressed, &[Target], |case| {
            let check = case.verdict.checks.iter_mut().find(|check| check.name == "target.latency").unwrap();
            check.outcome = Outcome::Fail;
        }),
        ("misses a check that is new", Failed, &[Fails], |case| {
            case.verdict.outcome = Outcome::Fail;
            case.verdict.checks.push(failed("check.1"));
        }),
    ];
    for (what, outcome, found, change) in table {
        let decision = after(change);
        assert_eq!(
            (decision.outcome, &kinds(&decision)[..]),
            (*outcome, *found),
            "{what}: {}",
            decision.reason.as_given()
        );
        let may_change = found.contains(&Unconfirmed);
        assert_eq!(decision.suspects.is_empty(), !may_change, "{what}: another run would not change arithmetic");
    }
    let more = |case: &mut CaseRecord| case.repeats.iter_mut().for_each(|r| r.ledger.enqueued_in_window = LOGS / 2);
    let mut base = case(&means(10, 1e4));
    more(&mut base);
    let decision = decide(&report(vec![base]), &report(vec![case(&means(10, 1e4))]));
    assert_eq!(kinds(&decision), [AcceptsMore]);
}

fn failed(name: &str) -> CheckResult {
    CheckResult {
        name: name.into(),
        subject: "p99(response)".into(),
        expression: "p99(response) < 1ms".into(),
        observed: Some(2e6),
        limit: Some(1e6),
        unit: Unit::Nanoseconds,
        outcome: Outcome::Fail,
        reason: None,
    }
}

#[test]
fn a_baseline_that_loses_logs_allows_as_many() {
    let losing = |each: [u64; 2]| {
        let mut case = case(&means(10, 1e4));
        case.repeats.iter_mut().zip(each.into_iter().cycle()).for_each(|(r, lost)| r.ledger.lost.silent = lost);
        report(vec![case])
    };
    assert_eq!(decide(&losing([10, 30]), &losing([25, 30])).outcome, GateOutcome::Pass);
    assert_eq!(decide(&losing([10, 30]), &losing([31, 32])).outcome, GateOutcome::Regressed);
}

/// A case in which this share of each repeat's calls took 1 ms, and the others 10 µs.
fn stalling(shares: &[f64]) -> CaseRecord {
    let mut case = case(&means(shares.len(), 1e4));
    for (repeat, share) in case.repeats.iter_mut().zip(shares) {
        let slow = (share * LOGS as f64) as u64;
        repeat.slow_calls = vec![(11_585, slow), (1_048_576, 0)];
    }
    case.repeats.iter_mut().for_each(|repeat| repeat.latency.enqueue.p99_ns = Some(10_000));
    case
}

#[test]
fn a_tail_that_grows_is_caught_and_one_disturbed_repeat_is_not_a_tail() {
    use GateOutcome::{Inconclusive, Pass, Regressed};
    let mut disturbed = [0.0; 10];
    disturbed[4] = 0.5;
    // One quiet run, and one an hour later: every repeat of the first was lucky.
    let quiet = [0.004, 0.005, 0.006, 0.006, 0.014, 0.013, 0.005, 0.0, 0.002, 0.002];
    let later = [0.029, 0.019, 0.017, 0.017, 0.004, 0.004, 0.012, 0.017, 0.018, 0.035];
    let table: [(&str, &[f64], &[f64], GateOutcome); 9] = [
        ("4 % stall", &[0.0; 10], &[0.04; 10], Regressed),
        ("0.6 % more", &[0.001; 10], &[0.007; 10], Regressed),
        ("a quiet hour, and one that is not", &quiet, &later, Pass),
        ("0.4 % more", &[0.001; 10], &[0.005; 10], Pass),
        ("more, but not twice", &[0.02; 10], &[0.03; 10], Pass),
        ("one disturbed repeat", &[0.0; 10], &disturbed, Pass),
        ("fewer", &[0.04; 10], &[0.0; 10], Pass),
        ("eight repeats", &[0.0; 8], &[0.04; 8], Regressed),
        ("five repeats", &[0.0; 5], &[0.04; 5], Inconclusive),
    ];
    for (what, base, new, expected) in table {
        let decision = decide(&report(vec![stalling(base)]), &report(vec![stalling(new)]));
        assert_eq!(decision.outcome, expected, "{what}: {}", decision.reason.as_given());
    }
    let mut old = stalling(&[0.04; 10]);
    old.repeats.iter_mut().for_each(|repeat| repeat.slow_calls.clear());
    let decision = decide(&report(vec![stalling(&[0.0; 10])]), &report(vec![old]));
    assert_eq!(decision.outcome, GateOutcome::Pass);
    assert!(
        decision.notes.iter().any(|note| note.as_given().contains("not all tails are compared")),
        "{:?}",
        decision.notes
    );
}

#[test]
fn a_broken_or_invalid_case_never_passes_even_where_the_baseline_has_none() {
    for (outcome, both) in [(Outcome::Error, GateOutcome::Failed), (Outcome::Invalid, GateOutcome::Inconclusive)] {
        let mut added = sized(5, &means(10, 1e4));
        added.verdict.outcome = outcome;
        let base = report(vec![case(&means(10, 1e4))]);
        let decision = decide(&base, &report(vec![case(&means(10, 1e4)), added.clone()]));
        assert_eq!(decision.outcome, GateOutcome::Regressed, "{outcome:?}");
        let decision = decide(&report(vec![added.clone()]), &report(vec![added]));
        assert_eq!(decision.outcome, both, "{outcome:?} on both sides");
    }
}

#[test]
fn an_interrupted_report_does_not_pass() {
    let base = report(vec![case(&means(10, 1e4))]);
    let cut = |report: &Report| Report { interrupted: true, ..report.clone() };
    assert_eq!(decide(&base, &cut(&base)).outcome, GateOutcome::Inconclusive);
    let decision = decide(&cut(&base), &base);
    assert_eq!(decision.outcome, GateOutcome::Pass);
    assert!(decision.notes.iter().any(|note| note.as_given().contains("interrupted")));
}

#[test]
fn another_machine_is_refused_unless_allowed() {
    let base = report(vec![case(&means(10, 1e4))]);
    let mut base_here = base.clone();
    base_here.environment.cpu_model = Some("one".into());
    base_here.environment.profile = Some("release".into());
    for change in [
        |r: &mut Report| r.environment.cpu_model = Some("other".into()),
        |r: &mut Report| r.environment.profile = Some("debug".into()),
    ] {
        let mut there = base_here.clone();
        change(&mut there);
        let decision = decide(&base_here, &there);
        assert_eq!(decision.outcome, GateOutcome::Incomparable);
        assert!(
            decision.reason.as_given().contains("one → other")
                || decision.reason.as_given().contains("release → debug")
        );
        let allowed = gate(
            &base_here,
            &there,
            &Settings { allowances: Allowances { cross_machine: true, ..Allowances::default() }, ..settings() },
        );
        assert_eq!((allowed.outcome, allowed.differences.len()), (GateOutcome::Pass, 1));
    }
    // A property that one side does not know is reported, but does not mean another machine.
    let decision = decide(&base, &base_here);
    assert_eq!((decision.outcome, decision.differences.len()), (GateOutcome::Pass, 2));
}

#[test]
fn other_pacing_is_not_comparable() {
    let base = report(vec![case(&means(10, 1e4))]);
    let mut new = base.clone();
    new.cases[0].parameters.pacing = Pacing::Spin;
    let decision = decide(&base, &new);
    assert_eq!((decision.outcome, decision.cases.len()), (GateOutcome::Incomparable, 1));
    assert!(decision.reason.as_given().ends_with("pacing hybrid against spin"), "{:?}", decision.reason);
    let options = Options { ignore: vec!["pacing".into()], ..Options::default() };
    assert_eq!(compare(&base, &new, &options).counts.unchanged, 1, "unless it is asked for");
}

#[test]
fn outcomes_known_in_another_way_matter_only_where_calls_were_refused() {
    let with = |source, dropped| {
        let mut case = case(&means(10, 1e4));
        for repeat in &mut case.repeats {
            repeat.outcome_source = source;
            repeat.ledger.dropped = dropped;
        }
        report(vec![case])
    };
    use crate::measure::OutcomeSource::{Call, Counter};
    assert_eq!(decide(&with(Call, 0), &with(Counter, 0)).outcome, GateOutcome::Pass);
    assert_eq!(decide(&with(Call, 5), &with(Counter, 5)).outcome, GateOutcome::Incomparable);
}

#[test]
fn cases_are_found_by_their_parameters_wherever_they_stand_and_whatever_they_are_called() {
    let base = report(vec![sized(5, &means(10, 1e4)), sized(6, &means(10, 2e4)), sized(7, &means(10, 3e4))]);
    let mut new = report(base.cases.iter().rev().cloned().collect());
    for case in &mut new.cases {
        case.scenario = "renamed".into();
        case.id = "an id of another time".into();
    }
    let decision = decide(&base, &new);
    assert!(decision.cases.iter().all(|case| case.change == Change::Unchanged), "{decision:?}");
}

#[test]
fn cases_that_stand_twice_are_said_and_told_apart_by_scenario() {
    let named = |name: &str, middle: f64| CaseRecord { scenario: name.into(), ..case(&means(10, middle)) };
    let base = report(vec![named("a", 1e4), named("b", 2e4)]);
    let new = report(vec![named("b", 2e4), named("a", 1e4)]);
    let decision = decide(&base, &new);
    assert_eq!(decision.outcome, GateOutcome::Pass);
    assert!(decision.notes.iter().any(|note| note.as_given().contains("more than once")));
    let decision = decide(&report(vec![named("a", 1e4), named("a", 2e4)]), &report(vec![named("c", 1e4)]));
    assert_eq!(decision.outcome, GateOutcome::Incomparable);
    assert!(decision.reason.as_given().contains("2 cases of the baseline match it alike"), "{:?}", decision.reason);
}

#[test]
fn one_value_of_an_axis_is_compared_with_the_others() {
    let of = |queue: &str, maxsize: u64, middle: f64| {
        let mut case = sized(maxsize, &means(10, middle));
        case.parameters.queue = queue.into();
        case
    };
    let all = report(vec![of("a", 1, 1e4), of("b", 1, 2e4), of("a", 2, 1e4), of("b", 2, 1e4), of("c", 1, 0.5e4)]);
    let options = Options { across: Some("queue".into()), ..Options::default() };
    let comparison = compare(&all, &all, &options);
    let changes = comparison.cases.iter().map(|c| (c.parameters.queue.as_given(), c.parameters.maxsize, c.change));
    assert_eq!(
        changes.collect::<Vec<_>>(),
        [("b", 1, Change::Regressed), ("c", 1, Change::Improved), ("b", 2, Change::Unchanged)]
    );
    let (a, b) = (report(vec![of("a", 1, 1e4)]), report(vec![of("b", 1, 2e4)]));
    let ignoring = Options { ignore: vec!["queue".into()], ..Options::default() };
    assert_eq!(compare(&a, &b, &ignoring).counts.regressed, 1);
    assert_eq!(
        compare(&a, &b, &Options::default()).counts,
        ChangeCounts { added: 1, removed: 1, ..Default::default() }
    );
}

#[test]
fn a_change_is_attributed_to_the_axes_that_it_is_confined_to() {
    let all = |slow: &dyn Fn(Strategy, u64) -> bool| {
        let mut cases = Vec::new();
        for strategy in [Strategy::Drop, Strategy::Block] {
            for maxsize in [100, 1_000, 10_000] {
                let mut case = sized(maxsize, &means(10, if slow(strategy, maxsize) { 2e4 } else { 1e4 }));
                case.parameters.strategy = strategy;
                cases.push(case);
            }
        }
        report(cases)
    };
    let base = all(&|_, _| false);
    let attribution =
        |slow: &dyn Fn(Strategy, u64) -> bool| compare(&base, &all(slow), &Options::default()).attribution;
    let block = Strategy::Block;
    for (expected, slow) in [
        (Some("strategy=block"), Box::new(|s, _| s == block) as Box<dyn Fn(Strategy, u64) -> bool>),
        (Some("strategy=block, maxsize<=1000"), Box::new(|s, m| s == block && m <= 1_000)),
        (Some("maxsize>=1000"), Box::new(|_, m| m >= 1_000)),
        (None, Box::new(|s, m| s == block && m == 100)),
        (None, Box::new(|s, m| (s == block) == (m == 100))),
        (None, Box::new(|_, _| true)),
    ] {
        let expected: Vec<String> =
            expected.map(|to| format!("the regression is confined to {to}")).into_iter().collect();
        assert_eq!(attribution(&slow), expected);
    }
}

fn measured(spin: [f64; 3], wake: f64) -> Option<Yardstick> {
    let reading = |spin_ns| Some(YardstickReading { spin_ns: Some(spin_ns), ping_pong_ns: Some(wake) });
    Some(Yardstick { start: reading(spin[0]), middle: reading(spin[1]), end: reading(spin[2]) })
}

#[test]
fn a_machine_that_changed_explains_as_much_as_it_moved() {
    let with = |yardstick, middle| Report { yardstick, ..report(vec![case(&means(10, middle))]) };
    let steady = measured([1e8, 1.01e8, 1.02e8], 5e3);
    for (what, yardstick, middle, expected) in [
        ("steady", measured([1.02e8, 1.0e8, 1.01e8], 5.1e3), 2e4, GateOutcome::Regressed),
        ("slower in all", measured([1.1e8, 1.1e8, 1.1e8], 5e3), 2e4, GateOutcome::Regressed),
        ("slower in all by as much", measured([1.5e8, 1.5e8, 1.5e8], 5e3), 1.4e4, GateOutcome::Inconclusive),
        ("slower in the middle", measured([1e8, 1.5e8, 1e8], 5e3), 1.4e4, GateOutcome::Inconclusive),
        ("slow to wake", measured([1e8, 1e8, 1e8], 7.5e3), 1.4e4, GateOutcome::Inconclusive),
        ("faster, which could hide as much", measured([7e7, 7e7, 7e7], 5e3), 1.001e4, GateOutcome::Inconclusive),
        ("not known", None, 2e4, GateOutcome::Regressed),
        ("without readings", Some(Yardstick::default()), 2e4, GateOutcome::Regressed),
    ] {
        let (base, mut new) = (with(steady, 1e4), with(yardstick, middle));
        new.created_at = "2026-01-03T03:04:05Z".into();
        let decision = decide(&base, &new);
        assert_eq!(decision.outcome, expected, "{what}: {}", decision.reason.as_given());
        let said = decision.notes.iter().any(|note| note.as_given().contains("machine"));
        assert_eq!(said, what != "steady", "{what}: {:?}", decision.notes);
        if expected == GateOutcome::Inconclusive {
            assert_eq!(kinds(&decision), [FindingKind::Machine], "{what}");
            assert!(decision.suspects.is_empty(), "{what}: fresh repeats would meet the same machine");
        }
        new.cases[0].repeats[0].ledger.lost.silent = 1;
        assert_eq!(decide(&base, &new).outcome, GateOutcome::Regressed, "{what}, and a log is lost");
    }
}

#[test]
fn a_report_is_no_other_machine_than_itself() {
    let unsteady = measured([1e8, 1.2e8, 1e8], 5e3);
    let same = Report { yardstick: unsteady, ..report(vec![case(&means(1, 1e4))]) };
    let decision = decide(&same, &same);
    assert_eq!(decision.outcome, GateOutcome::Pass, "{}", decision.reason.as_given());
}

#[test]
fn calibrated_noise_raises_the_bar() {
    let mut base = report(vec![case(&means(10, 1e4))]);
    let new = report(vec![case(&means(10, 1.15e4))]);
    assert_eq!(decide(&base, &new).outcome, GateOutcome::Regressed);
    base.cases[0].calibration = Some(Calibration { difference: Some(-0.2), ..Calibration::default() });
    let decision = decide(&base, &new);
    assert_ne!(decision.outcome, GateOutcome::Regressed);
    assert_eq!(decision.cases[0].effect.as_ref().unwrap().threshold, 0.2);
}

#[test]
fn what_cannot_be_told_names_the_repeats_that_it_takes() {
    let decision = decide(&report(vec![case(&means(3, 1e4))]), &report(vec![case(&means(3, 2e4))]));
    assert_eq!(decision.cases[0].repeats_needed, Some(7));
    assert!(
        decision
            .reason
            .as_given()
            .ends_with("so few repeats cannot prove anything; it needs about 7 repeats on each side"),
        "{:?}",
        decision.reason
    );
    let wide: Vec<f64> = (0..10).map(|n| 1e4 * (1.0 + 0.06 * f64::from(n))).collect();
    let decision =
        decide(&report(vec![case(&wide)]), &report(vec![case(&wide.iter().map(|w| w * 1.01).collect::<Vec<_>>())]));
    assert_eq!(kinds(&decision), [FindingKind::Spread]);
    assert!(decision.cases[0].repeats_needed.unwrap() > 10, "{:?}", decision.reason);
}

/// Repeats around a middle, log-normally distributed.
struct Lab(Xoshiro256PlusPlus);

impl Lab {
    fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn repeats(&mut self, middle: f64, spread: f64) -> Vec<f64> {
        let deviation = (spread * spread).ln_1p().sqrt();
        (0..10).map(|_| middle * (deviation * super::normal::quantile(self.uniform())).exp()).collect()
    }

    /// Of 200 gates over two cases, one of which changed by a factor: how many ended how.
    fn trial(&mut self, spread: f64, factor: f64) -> impl Fn(GateOutcome) -> usize + use<> {
        let mut outcomes = Vec::new();
        for _ in 0..200 {
            let base = report(vec![sized(1, &self.repeats(1e4, spread)), sized(2, &self.repeats(3e5, spread))]);
            let new = report(vec![sized(1, &self.repeats(1e4 * factor, spread)), sized(2, &self.repeats(3e5, spread))]);
            outcomes.push(decide(&base, &new).outcome);
        }
        move |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count()
    }
}

#[test]
fn no_false_alarms_and_no_missed_regressions() {
    let mut lab = Lab(Xoshiro256PlusPlus::seed_from_u64(4));
    let same = lab.trial(0.04, 1.0);
    assert_eq!(same(GateOutcome::Regressed), 0, "false alarms");
    assert!(same(GateOutcome::Pass) >= 195, "{} pass", same(GateOutcome::Pass));
    let slower = lab.trial(0.04, 1.2);
    assert!(slower(GateOutcome::Regressed) >= 198, "{} caught", slower(GateOutcome::Regressed));
    assert_eq!(slower(GateOutcome::Pass), 0, "missed");
    let much_slower = lab.trial(0.08, 1.5);
    assert_eq!(much_slower(GateOutcome::Regressed), 200);
}

#[test]
fn where_the_spread_is_too_wide_it_says_so_instead_of_passing() {
    let mut lab = Lab(Xoshiro256PlusPlus::seed_from_u64(5));
    let slower = lab.trial(0.15, 1.2);
    assert!(slower(GateOutcome::Pass) <= 1, "{} pass", slower(GateOutcome::Pass));
    let same = lab.trial(0.15, 1.0);
    assert!(same(GateOutcome::Regressed) <= 1, "{} false alarms", same(GateOutcome::Regressed));
    let slower = lab.trial(0.15, 1.7);
    assert!(slower(GateOutcome::Regressed) >= 190, "{} caught", slower(GateOutcome::Regressed));
}

#[test]
fn metrics_inform_and_only_the_confirmatory_one_decides() {
    let base = report(vec![case(&means(10, 1e4))]);
    let mut new = report(vec![case(&means(10, 1.01e4))]);
    for repeat in &mut new.cases[0].repeats {
        repeat.latency.enqueue.p50_ns = Some(20_000);
    }
    let comparison = compare(&base, &new, &Options::default());
    assert_eq!((comparison.decision.outcome, comparison.counts.unchanged), (GateOutcome::Pass, 1));
    let metric = |name: &str| comparison.cases[0].metrics.iter().find(|metric| metric.metric == name).unwrap();
    assert_eq!((metric("enqueue.p50").change, metric("enqueue.p50").ratio), (Change::Regressed, Some(2.0)));
    assert_eq!(metric("enqueue.trimmed_mean").change, Change::Unchanged);
    assert_eq!((metric("accepted").change, metric("lost").change), (Change::Unchanged, Change::Unchanged));
    let one = Options { metrics: vec!["enqueue.p99".into(), "response".into()], ..Options::default() };
    let names: Vec<_> = compare(&base, &new, &one).cases[0].metrics.iter().map(|metric| metric.metric).collect();
    assert_eq!(names, ["enqueue.p99", "response.mean", "response.p50", "response.p99"]);
}
