//! The last line of a run that was compared with a baseline: the decision, the case, by how much it changed, and what
//! to do.

use crate::render::parts::headline::{Headline, gate_word};
use crate::render::parts::paint::Tone;
use crate::render::parts::shift::{self, Shift};
use crate::report::{CaseDecision, Change, GateDecision, GateOutcome, GateReason, GateRecord, Report};

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
        parts.extend(worst(&decision).and_then(|case| numbers(case, &decision)));
    }
    parts.extend(advice_of_run(gate, &baseline));
    Some(parts.join("; "))
}

/// The same for a decision alone.
pub(in crate::render) fn of_decision(decision: &GateDecision) -> String {
    beginning_with(decision.outcome.word(), decision)
}

/// The same, with the decision itself in colour.
pub(in crate::render) fn of_decision_in_colour(decision: &GateDecision) -> String {
    beginning_with(&Tone::of(Headline::of_gate(decision.outcome)).paint(decision.outcome.word()), decision)
}

fn beginning_with(word: &str, decision: &GateDecision) -> String {
    let mut parts = vec![format!("{word}: {}", decision.reason.terminal(LONGEST))];
    parts.extend(worst(decision).and_then(|case| numbers(case, decision)));
    parts.extend(advice(decision));
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

/// The case and its metric, old and new, without what the reason says already.
fn numbers(case: &CaseDecision, decision: &GateDecision) -> Option<String> {
    let id = (!names(decision, case)).then(|| case.id.terminal(LONGEST_NAME));
    let number = shift::open(case).into_iter().next().map(|shift| match gives_numbers(decision, case, &shift) {
        true => shift.difference(),
        false => format!("{} {}", shift.metric, shift.line()),
    });
    let said: Vec<String> = [id, number].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(": "))
}

/// Whether the reason of the decision is that of its first such case, as [`worst`] finds it.
const fn is_of_first(code: GateReason) -> bool {
    matches!(code, GateReason::CasesRegressed | GateReason::CasesIncomparable | GateReason::CasesInconclusive)
}

/// Whether the reason names the case. Of a report that is older than the codes nobody knows, so its case is named twice.
fn names(decision: &GateDecision, case: &CaseDecision) -> bool {
    match decision.reason_code {
        Some(GateReason::CoverageReduced) => {
            decision.coverage.iter().find(|change| change.fails).is_some_and(|change| change.of == case.id)
        }
        Some(code) => is_of_first(code),
        None => false,
    }
}

/// Whether the reason gives both sides of this shift.
fn gives_numbers(decision: &GateDecision, case: &CaseDecision, shift: &Shift) -> bool {
    let metric = case.cause().and_then(|cause| cause.metric.as_ref());
    decision.reason_code.is_some_and(is_of_first) && metric.is_some_and(|metric| shift.is_of(metric))
}

fn advice_of_run(gate: &GateRecord, baseline: &str) -> Vec<String> {
    if gate.outcome == GateOutcome::Pass {
        return Vec::new();
    }
    let mut said = gate.decision().map(|decision| advice(&decision)).unwrap_or_default();
    if gate.outcome == GateOutcome::Regressed {
        said.push(format!("look: queue-load compare {baseline} NEW"));
        said.push("accept: run it without --baseline and with --save-baseline NAME".to_owned());
    }
    said
}

/// What to do about a decision that is not a pass: how many repeats would decide, or which option overrules it. The
/// option that the reason names is left out.
fn advice(decision: &GateDecision) -> Vec<String> {
    if decision.outcome == GateOutcome::Pass {
        return Vec::new();
    }
    let any = |change: Change| decision.cases.iter().any(|case| case.change == change);
    let mut said: Vec<String> = Vec::new();
    if decision.outcome == GateOutcome::Inconclusive {
        let open = decision.cases.iter().filter(|case| case.change == Change::Inconclusive).count();
        said.extend(match (decision.reason_code, decision.cases.iter().filter_map(|case| case.repeats_needed).max()) {
            (Some(GateReason::NewReportInvalid), _) => None,
            (Some(GateReason::NewReportInterrupted), _) => Some("decide: run the rest of it".to_owned()),
            (_, Some(needed)) if open > 1 => Some(format!("decide all: --repeats {needed}")),
            (_, Some(needed)) => Some(format!("decide: --repeats {needed}")),
            (_, None) => Some("decide: run it again on a quiet machine".to_owned()),
        });
    }
    let blocking = decision.differences.iter().any(|difference| difference.blocks_gate);
    let is_nothing_left = decision.reason_code == Some(GateReason::NothingInCommon);
    let lacking = |flag: &str| {
        let fails = decision.coverage.iter().filter(|change| change.fails);
        fails.filter_map(|change| change.kind.overruled_by()).any(|by| by == flag)
    };
    let fails = !decision.failures.is_empty();
    let named = decision.reason_code.and_then(|code| code.overruled_by(&decision.coverage));
    for (applies, why, flag) in [
        (lacking("--allow-removed") && !is_nothing_left, "gone on purpose", "--allow-removed"),
        (fails && !any(Change::Regressed), "failures that are known", "--allow-known-failures"),
        (lacking("--allow-changed-checks"), "changed on purpose", "--allow-changed-checks"),
        (blocking, "elsewhere on purpose", "--allow-cross-machine"),
    ] {
        if applies && named != Some(flag) {
            said.push(format!("{why}: {flag}"));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::parts::gating_fixture::{case, decision, record, test};
    use crate::report::{CoverageChange, CoverageKind, Difference, Finding, FindingKind, fixture};
    use crate::verdict::Outcome;

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
        let coded = |case: CaseDecision| {
            let reason_code = Some(GateReason::CasesRegressed);
            GateDecision { reason: "told".into(), reason_code, ..regressed(vec![case]) }
        };
        let metric = |name: &str| Finding { metric: Some(name.into()), ..Finding::new(FindingKind::Slower, "slower") };
        let because = |name| coded(CaseDecision { findings: vec![metric(name)], ..slower.clone() });
        let difference = "+400 ns (+34%) [+310 ns, +520 ns], margin 1 µs";
        let numbers = format!("a=1: enqueue.trimmed_mean 1.16 µs → 1.56 µs  {difference}");
        let whole = "regressed: regressed as a whole";
        say(vec![
            (regressed(vec![same(), slower.clone()]), Outcome::Pass, &format!("{whole}; {numbers}; {LOOK}")),
            // The reason names the case; it gives the numbers of the metric that was found.
            (because("enqueue.trimmed_mean"), Outcome::Pass, &format!("regressed: told; {difference}; {LOOK}")),
            (
                because("cpu"),
                Outcome::Pass,
                &format!("regressed: told; {}; {LOOK}", numbers.trim_start_matches("a=1: ")),
            ),
            (
                GateDecision {
                    reason_code: Some(GateReason::CoverageReduced),
                    ..lacking(CoverageKind::CaseRemoved, vec![case("gone", Change::Removed, Vec::new())])
                },
                Outcome::Pass,
                &format!("{whole}; {LOOK}"),
            ),
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
                GateDecision { failures: vec!["a=1: slow".into()], ..regressed(vec![same()]) },
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
        flagged.reason_code = Some(GateReason::EnvironmentDiffers);
        let numbers = "cpu 1.00 µs → 2.00 µs  +1.00 µs (+100%) [+910 ns, +1.12 µs], margin 1 µs";
        let (open, unlike) = ("inconclusive: inconclusive as a whole", "incomparable: incomparable as a whole");
        say(vec![
            (
                inconclusive(vec![undecided(Some(1_234)), undecided(Some(7))]),
                Outcome::Pass,
                &format!("{open}; b=2: {numbers}; decide all: --repeats 1234"),
            ),
            (
                inconclusive(vec![undecided(Some(7))]),
                Outcome::Pass,
                &format!("{open}; b=2: {numbers}; decide: --repeats 7"),
            ),
            (inconclusive(Vec::new()), Outcome::Pass, &format!("{open}; decide: run it again on a quiet machine")),
            (
                GateDecision { reason_code: Some(GateReason::NewReportInterrupted), ..inconclusive(Vec::new()) },
                Outcome::Pass,
                &format!("{open}; decide: run the rest of it"),
            ),
            (
                GateDecision { reason_code: Some(GateReason::NewReportInvalid), ..inconclusive(Vec::new()) },
                Outcome::Pass,
                open,
            ),
            (
                GateDecision {
                    outcome: GateOutcome::Incomparable,
                    reason: "incomparable as a whole".into(),
                    reason_code: Some(GateReason::NothingInCommon),
                    ..lacking(CoverageKind::CaseRemoved, Vec::new())
                },
                Outcome::Pass,
                unlike,
            ),
            (differing("cpu_model"), Outcome::Pass, &format!("{unlike}; elsewhere on purpose: --allow-cross-machine")),
            (flagged, Outcome::Pass, unlike),
        ]);
    }

    #[test]
    fn a_pass_asks_for_nothing_and_is_called_pass_only_if_the_run_passes() {
        let gone = || decision(GateOutcome::Pass, vec![case("gone", Change::Removed, Vec::new())]);
        say(vec![
            (gone(), Outcome::Pass, "pass: pass as a whole"),
            // The whole passes over a case that fails, if it is a known failure that is allowed.
            (gone(), Outcome::Fail, "pass: pass as a whole"),
            (gone(), Outcome::Error, "no regression: pass as a whole"),
        ]);
        assert_eq!(gate_sentence(&fixture::report()), None);
    }

    #[test]
    fn two_saved_reports_give_one_line_too() {
        let tests = vec![test("cpu", 1_000.0, 2_000.0, Change::Regressed)];
        let decided = decision(GateOutcome::Regressed, vec![case("a\n::error::x", Change::Regressed, tests)]);
        let line = of_decision(&decided);
        assert_eq!(line.lines().count(), 1);
        let rest = line.strip_prefix("regressed").unwrap();
        assert_eq!(of_decision_in_colour(&decided), format!("\u{1b}[31mregressed\u{1b}[0m{rest}"));
        assert!(line.contains("cpu 1.00 µs → 2.00 µs  +1.00 µs (+100%)"), "{line}");
    }
}
