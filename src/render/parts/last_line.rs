//! The last line of a run that was compared with a baseline: the decision, the case, by how much it changed, and what
//! to do.

use crate::render::parts::headline::{Headline, gate_word};
use crate::render::parts::shift;
use crate::report::{CaseDecision, Change, GateDecision, GateOutcome, GateRecord, Report};
use crate::verdict::Outcome;

/// Longest untrusted text, in characters.
const LONGEST: usize = 400;
/// Longest name, in characters.
const LONGEST_NAME: usize = 200;

/// The decision of a gate on a run, in one line; `None` if the run was not compared with anything.
#[must_use]
pub fn gate_sentence(report: &Report) -> Option<String> {
    let gate = report.gate.as_ref()?;
    let baseline = gate.baseline.terminal(LONGEST_NAME);
    let word = gate_word(gate.outcome, Headline::of(report));
    let mut parts = vec![format!("gate against {baseline}: {word}: {}", gate.reason.terminal(LONGEST))];
    if let Some(decision) = gate.decision() {
        parts.extend(worst(&decision).and_then(|case| numbers(case, gate.reason.as_given())));
    }
    parts.extend(advice_of_run(report, gate, &baseline));
    Some(parts.join("; "))
}

/// The same for a decision alone.
pub(in crate::render) fn of_decision(decision: &GateDecision) -> String {
    let mut parts = vec![format!("{}: {}", decision.outcome.word(), decision.reason.terminal(LONGEST))];
    parts.extend(worst(decision).and_then(|case| numbers(case, decision.reason.as_given())));
    parts.extend(advice(decision, decision.reason.as_given(), false));
    parts.join("; ")
}

/// The case that decided; `None` if no single case did.
fn worst(decision: &GateDecision) -> Option<&CaseDecision> {
    let wanted: &[Change] = match decision.outcome {
        GateOutcome::Pass | GateOutcome::Failed => &[],
        GateOutcome::Regressed => &[Change::Regressed, Change::Removed],
        GateOutcome::Inconclusive => &[Change::Inconclusive],
        GateOutcome::Incomparable => &[Change::Incomparable],
    };
    wanted.iter().find_map(|change| decision.cases.iter().find(|case| case.change == *change))
}

/// The case and its metric, old and new, without what the reason contains already.
fn numbers(case: &CaseDecision, reason: &str) -> Option<String> {
    let known = |text: &str| reason.contains(text);
    let id = if known(case.id.as_given()) { String::new() } else { case.id.terminal(LONGEST_NAME) };
    let number = shift::open(case).into_iter().next().map(|shift| match known(&shift.values) {
        true => shift.difference(),
        false => format!("{} {}", shift.metric, shift.line()),
    });
    let said: Vec<String> = [Some(id).filter(|id| !id.is_empty()), number].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(": "))
}

fn advice_of_run(report: &Report, gate: &GateRecord, baseline: &str) -> Vec<String> {
    if gate.outcome == GateOutcome::Pass {
        return Vec::new();
    }
    let fails = matches!(report.verdict.outcome, Outcome::Fail | Outcome::Error);
    let mut said = gate.decision().map(|decision| advice(&decision, gate.reason.as_given(), fails)).unwrap_or_default();
    if gate.outcome == GateOutcome::Regressed {
        said.push(format!("look: queue-load compare {baseline} NEW"));
        said.push("accept: run it without --baseline and with --save-baseline NAME".to_owned());
    }
    said
}

/// What to do about a decision that is not a pass: how many repeats would decide, or which option overrules it. `fails`:
/// the new report has a case that fails by itself. What the reason contains already is left out.
fn advice(decision: &GateDecision, reason: &str, fails: bool) -> Vec<String> {
    if decision.outcome == GateOutcome::Pass {
        return Vec::new();
    }
    let any = |change: Change| decision.cases.iter().any(|case| case.change == change);
    let mut said: Vec<String> = Vec::new();
    if decision.outcome == GateOutcome::Inconclusive {
        said.push(match decision.cases.iter().filter_map(|case| case.repeats_needed).max() {
            Some(needed) => format!("decide: --repeats {needed}"),
            None => "decide: run it again on a quiet machine".to_owned(),
        });
    }
    let blocking = decision.differences.iter().any(|difference| difference.blocks_gate);
    let lacking = |flag: &str| {
        let fails = decision.coverage.iter().filter(|change| change.fails);
        fails.filter_map(|change| change.kind.overruled_by()).any(|by| by == flag)
    };
    let fails = fails || !decision.failures.is_empty();
    for (applies, why, flag) in [
        (lacking("--allow-removed"), "gone on purpose", "--allow-removed"),
        (fails && !any(Change::Regressed), "failures that are known", "--allow-known-failures"),
        (lacking("--allow-changed-checks"), "changed on purpose", "--allow-changed-checks"),
        (blocking, "elsewhere on purpose", "--allow-cross-machine"),
    ] {
        if applies && !reason.contains(flag) {
            said.push(format!("{why}: {flag}"));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::parts::gated::{case, decision, record, test};
    use crate::report::{CoverageChange, CoverageKind, Difference, fixture};

    /// The line of a run without cases of its own.
    fn line(decision: GateDecision, outcome: Outcome) -> String {
        let mut report = fixture::report_of(Vec::new());
        (report.verdict.outcome, report.verdict.exit) = (outcome, crate::verdict::ExitOutcome::Pass);
        report.gate = Some(record(decision));
        gate_sentence(&report).unwrap()
    }

    fn differing(what: &str) -> GateDecision {
        let difference =
            Difference { what: what.into(), base: Some("1".into()), new: Some("2".into()), blocks_gate: true };
        GateDecision { differences: vec![difference], ..decision(GateOutcome::Incomparable, Vec::new()) }
    }

    /// A decision on a report that asks for less.
    fn lacking(kind: CoverageKind, cases: Vec<CaseDecision>) -> GateDecision {
        let change = CoverageChange { kind, of: "gone".into(), base: None, new: None, fails: true };
        GateDecision { coverage: vec![change], ..decision(GateOutcome::Regressed, cases) }
    }

    /// Each row: a decision, the outcome of the cases alone, and the line after the name of the baseline.
    fn say(table: Vec<(GateDecision, Outcome, &str)>) {
        for (decision, cases, expected) in table {
            assert_eq!(line(decision, cases), format!("gate against base.json: {expected}"));
        }
    }

    #[test]
    fn a_regression_names_the_case_the_numbers_and_what_to_do() {
        const LOOK: &str =
            "look: queue-load compare base.json NEW; accept: run it without --baseline and with --save-baseline NAME";
        let tests = vec![test("enqueue.trimmed_mean", 1_160.0, 1_560.0, Change::Regressed)];
        let slower = case("a=1", Change::Regressed, tests);
        let regressed = |cases: Vec<CaseDecision>| decision(GateOutcome::Regressed, cases);
        let same = || case("z", Change::Unchanged, Vec::new());
        let mut told = regressed(vec![slower.clone()]);
        told.reason = "a=1: enqueue 1.16 µs → 1.56 µs".into();
        let difference = "+400 ns (+34%) [+310 ns, +520 ns], margin 1 µs";
        let numbers = format!("a=1: enqueue.trimmed_mean 1.16 µs → 1.56 µs  {difference}");
        let whole = "regressed: regressed as a whole";
        say(vec![
            (regressed(vec![same(), slower]), Outcome::Pass, &format!("{whole}; {numbers}; {LOOK}")),
            (told, Outcome::Pass, &format!("regressed: a=1: enqueue 1.16 µs → 1.56 µs; {difference}; {LOOK}")),
            (
                lacking(CoverageKind::CaseRemoved, vec![case("gone", Change::Removed, Vec::new())]),
                Outcome::Pass,
                &format!("{whole}; gone; gone on purpose: --allow-removed; {LOOK}"),
            ),
            (
                lacking(CoverageKind::CheckRemoved, Vec::new()),
                Outcome::Pass,
                &format!("{whole}; changed on purpose: --allow-changed-checks; {LOOK}"),
            ),
            (
                regressed(vec![same()]),
                Outcome::Fail,
                &format!("{whole}; failures that are known: --allow-known-failures; {LOOK}"),
            ),
        ]);
    }

    #[test]
    fn an_undecided_or_incomparable_run_names_what_would_help() {
        let undecided = |needed| {
            let tests = vec![test("cpu", 1_000.0, 2_000.0, Change::Inconclusive)];
            CaseDecision { repeats_needed: needed, ..case("b=2", Change::Inconclusive, tests) }
        };
        let inconclusive = |cases: Vec<CaseDecision>| decision(GateOutcome::Inconclusive, cases);
        let mut flagged = differing("cpu_model");
        flagged.reason = "another machine; --allow-cross-machine overrules this".into();
        let numbers = "cpu 1.00 µs → 2.00 µs  +1.00 µs (+100%) [+910 ns, +1.12 µs], margin 1 µs";
        let (open, unlike) = ("inconclusive: inconclusive as a whole", "incomparable: incomparable as a whole");
        say(vec![
            (
                inconclusive(vec![undecided(Some(1_234)), undecided(Some(7))]),
                Outcome::Pass,
                &format!("{open}; b=2: {numbers}; decide: --repeats 1234"),
            ),
            (inconclusive(Vec::new()), Outcome::Pass, &format!("{open}; decide: run it again on a quiet machine")),
            (differing("cpu_model"), Outcome::Pass, &format!("{unlike}; elsewhere on purpose: --allow-cross-machine")),
            (flagged, Outcome::Pass, "incomparable: another machine; --allow-cross-machine overrules this"),
        ]);
    }

    #[test]
    fn a_pass_asks_for_nothing_and_is_called_pass_only_if_the_run_passes() {
        let gone = || decision(GateOutcome::Pass, vec![case("gone", Change::Removed, Vec::new())]);
        say(vec![
            (gone(), Outcome::Pass, "pass: pass as a whole"),
            (gone(), Outcome::Fail, "no regression: pass as a whole"),
        ]);
        assert_eq!(gate_sentence(&fixture::report()), None);
    }

    #[test]
    fn two_saved_reports_give_one_line_too() {
        let tests = vec![test("cpu", 1_000.0, 2_000.0, Change::Regressed)];
        let decided = decision(GateOutcome::Regressed, vec![case("a\n::error::x", Change::Regressed, tests)]);
        let line = of_decision(&decided);
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains("cpu 1.00 µs → 2.00 µs  +1.00 µs (+100%)"), "{line}");
    }
}
