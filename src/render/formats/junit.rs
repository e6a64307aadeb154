//! JUnit's XML: a test suite for each case of the matrix, a test case for each of its checks, and one for its run.
//!
//! `fail` is a `<failure>`. `invalid` and `error` are `<error>`s; their type is `invalid`, or the kind of the error. A
//! skipped test would not do for `invalid`: most tools show it like a pass. A known failure that is allowed is skipped.
//! The suite `plan` has the verdict on the whole beyond its cases (interrupted, target not exercised). The suite `gate`
//! has the decision of a gate, with a test case for each case of either report: a failure if the case regressed or was
//! removed, an error if it is inconclusive.

use crate::render::RenderError;
use crate::render::parts::headline::{Headline, allows_failures};
use crate::render::parts::shift;
use crate::report::{CaseDecision, CaseRecord, Change, GateOutcome, GateRecord, Report};
use crate::scenario::AXES;
use crate::untrusted::Untrusted;
use crate::verdict::{CheckResult, Outcome};
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite, XmlString};
use std::time::Duration;

/// Longest untrusted text, in characters.
const LONGEST: usize = 1_000;
/// Largest number of lines of a child's stderr.
const MAX_STDERR: usize = 20;

/// The report as JUnit's XML.
///
/// # Errors
/// The XML cannot be written.
pub fn junit(report: &Report) -> Result<Vec<u8>, RenderError> {
    let mut document = quick_junit::Report::new(report.tool.name.junit());
    // A report from elsewhere may have an invalid time, which is left out.
    document.timestamp = report.created_at.as_given().parse().ok();
    document.time = Some(report.cases.iter().map(measured_time).sum());
    document.add_test_suite(plan(report));
    let began = document.timestamp;
    let allowed = allows_failures(report);
    document.add_test_suites(report.cases.iter().map(|case| {
        let mut suite = suite(case, allowed);
        suite.timestamp = began;
        suite
    }));
    document.add_test_suites(report.gate.as_ref().map(gate));
    let mut bytes = Vec::new();
    document.serialize(&mut bytes).map_err(|error| RenderError::Xml(error.to_string()))?;
    Ok(bytes)
}

impl Untrusted {
    /// Makes a text safe for XML: at most 1,000 harmless characters on one line. The writer escapes them.
    fn junit(&self) -> XmlString {
        XmlString::new(self.terminal(LONGEST))
    }
}

fn plan(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new("plan");
    for (name, value) in [
        ("tool", Untrusted::join([&report.tool.name, &report.tool.version], " ")),
        ("created_at", report.created_at.clone()),
        ("outcome", Headline::of(report).word().into()),
        ("exit_code", report.verdict.exit.code().to_string().into()),
    ] {
        suite.add_property(Property::new(name, value.junit()));
    }
    let reasons = &report.verdict.reasons;
    let status = if reasons.is_empty() {
        TestCaseStatus::success()
    } else {
        status(Outcome::Invalid, "invalid", &Untrusted::join(reasons, "; "))
    };
    suite.add_test_case(test_case(&"the plan was carried out and exercises its targets".into(), "plan", status));
    suite
}

/// The checks of a case; `allowed`: those that fail are known failures, which are allowed.
fn suite(case: &CaseRecord, allowed: bool) -> TestSuite {
    let name = format!("{}: {}", case.scenario.terminal(LONGEST), case.id.terminal(LONGEST));
    let mut suite = TestSuite::new(&name);
    for axis in &AXES {
        suite.add_property(Property::new(axis.name, axis.get(&case.parameters).text().junit()));
    }
    let mut cases: Vec<TestCase> = Vec::new();
    let mut run = test_case(&"the repeats were carried out".into(), &name, carried_out(case));
    let stderr: Vec<String> = case
        .errors
        .iter()
        .flat_map(|error| &error.stderr_tail)
        .map(|line| line.terminal(LONGEST))
        .take(MAX_STDERR)
        .collect();
    if !stderr.is_empty() {
        run.set_system_err(stderr.join("\n"));
    }
    run.time = Some(measured_time(case));
    suite.time = run.time;
    cases.push(run);
    cases.extend(case.verdict.checks.iter().map(|check| of_check(check, &name, allowed)));
    suite.add_test_cases(cases);
    suite
}

/// The decision of a gate on the whole, and on each case.
fn gate(gate: &GateRecord) -> TestSuite {
    let mut suite = TestSuite::new("gate");
    let word = gate.outcome.word().into();
    for (name, value) in [("gate", &word), ("reason", &gate.reason), ("baseline", &gate.baseline)] {
        suite.add_property(Property::new(name, value.junit()));
    }
    let whole = match gate.outcome {
        GateOutcome::Pass => Outcome::Pass,
        GateOutcome::Regressed | GateOutcome::Failed => Outcome::Fail,
        GateOutcome::Inconclusive | GateOutcome::Incomparable => Outcome::Invalid,
    };
    let whole = status(whole, gate.outcome.word(), &gate.reason);
    suite.add_test_case(test_case(&"the run holds against its baseline".into(), "gate", whole));
    let cases = gate.decision().map(|decision| decision.cases).unwrap_or_default();
    suite.add_test_cases(cases.iter().map(|case| test_case(&case.id, "gate", of_change(case, gate.outcome))));
    suite
}

/// How a case changed since the baseline. A removed case was not tested: it fails, or is skipped if its removal was
/// allowed.
fn of_change(case: &CaseDecision, gate: GateOutcome) -> TestCaseStatus {
    let word = case.change.word();
    let outcome = match case.change {
        Change::Regressed => Outcome::Fail,
        Change::Inconclusive | Change::Incomparable => Outcome::Invalid,
        Change::Removed if gate == GateOutcome::Pass => {
            return skipped(word, &case.reason);
        }
        Change::Removed => Outcome::Fail,
        // A new case cannot be worse than before, but its measurement may be invalid.
        Change::Added if !case.findings.is_empty() => Outcome::Invalid,
        Change::Improved | Change::Added | Change::Unchanged => Outcome::Pass,
    };
    let mut status = status(outcome, word, &case.reason);
    let numbers: Vec<String> =
        shift::open(case).iter().map(|shift| format!("{} {}", shift.metric, shift.line())).collect();
    if outcome != Outcome::Pass && !numbers.is_empty() {
        status.set_description(XmlString::new(numbers.join("\n")));
    }
    status
}

/// How long a case was measured: the windows of its repeats, including the discarded ones.
fn measured_time(case: &CaseRecord) -> Duration {
    let aside = case.set_aside.iter().map(|aside| &aside.measured);
    let windows = case.repeats.iter().chain(aside).map(|repeat| repeat.window_ns(case.parameters.duration));
    Duration::from_nanos(windows.fold(0, u64::saturating_add))
}

fn test_case(name: &Untrusted, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name.junit(), status);
    case.set_classname(XmlString::new(class));
    case
}

/// Why the case was not measured, and every other problem that none of its checks reports.
fn carried_out(case: &CaseRecord) -> TestCaseStatus {
    let by_a_check = case.verdict.checks.iter().map(|check| check.outcome).max().unwrap_or(Outcome::Pass);
    if case.summary.is_some() && case.verdict.outcome <= by_a_check {
        return TestCaseStatus::success();
    }
    let kind = case.errors.first().map_or_else(|| case.verdict.outcome.word().into(), |error| error.kind.junit());
    status(case.verdict.outcome, kind, &Untrusted::join(&case.verdict.reasons, "; "))
}

fn of_check(check: &CheckResult, class: &str, allowed: bool) -> TestCase {
    let name = Untrusted::join([&check.name, &check.expression], ": ");
    if check.outcome == Outcome::Pass {
        return test_case(&name, class, TestCaseStatus::success());
    }
    let reason = check.reason.as_ref().unwrap_or(&check.expression);
    let mut status = match check.outcome {
        Outcome::Fail if allowed => skipped("known_failure", &Untrusted::join([&"allowed".into(), reason], ": ")),
        outcome => status(outcome, outcome.word(), reason),
    };
    let number = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value} {}", check.unit.name()));
    status.set_description(format!("observed: {}, limit: {}", number(check.observed), number(check.limit)));
    test_case(&name, class, status)
}

fn skipped(kind: &str, message: &Untrusted) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_type(kind).set_message(message.junit());
    status
}

fn status(outcome: Outcome, kind: impl Into<XmlString>, message: &Untrusted) -> TestCaseStatus {
    let mut status = match outcome {
        Outcome::Pass => return TestCaseStatus::success(),
        Outcome::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Invalid | Outcome::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_type(kind).set_message(message.junit());
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::parts::gating_fixture::{case, decision, record, test};
    use crate::report::{Finding, FindingKind, fixture};
    use crate::verdict::ExitOutcome;

    fn shown(outcome: GateOutcome, case: CaseDecision) -> String {
        let mut report = fixture::report_of(Vec::new());
        report.gate = Some(record(decision(outcome, vec![case])));
        let xml = String::from_utf8(junit(&report).unwrap()).unwrap();
        xml[xml.find("<testsuite name=\"gate\"").unwrap()..].to_owned()
    }

    #[test]
    fn a_test_passes_only_if_its_case_did_not_become_worse() {
        use Change::{Added, Improved, Incomparable, Inconclusive, Regressed, Removed, Unchanged};
        let unmeasured = || vec![Finding::new(FindingKind::Unmeasured, "it is invalid")];
        for (gate, change, findings, ended) in [
            (GateOutcome::Regressed, Regressed, Vec::new(), "failure"),
            (GateOutcome::Regressed, Removed, Vec::new(), "failure"),
            (GateOutcome::Incomparable, Removed, Vec::new(), "failure"),
            (GateOutcome::Pass, Removed, Vec::new(), "skipped"),
            (GateOutcome::Inconclusive, Inconclusive, Vec::new(), "error"),
            (GateOutcome::Incomparable, Incomparable, Vec::new(), "error"),
            (GateOutcome::Inconclusive, Added, unmeasured(), "error"),
            (GateOutcome::Pass, Added, Vec::new(), ""),
            (GateOutcome::Pass, Improved, Vec::new(), ""),
            (GateOutcome::Pass, Unchanged, Vec::new(), ""),
        ] {
            let decided = CaseDecision { findings, ..case("the case", change, Vec::new()) };
            let xml = shown(gate, decided);
            let mut of_case = xml[xml.find("<testcase name=\"the case\"").unwrap()..].lines();
            let (start, next) = (of_case.next().unwrap(), of_case.next().unwrap().trim());
            match ended {
                "" => assert!(start.ends_with("/>"), "{change:?}: {xml}"),
                _ => assert_eq!(
                    next,
                    format!("<{ended} message=\"{word} for a reason\" type=\"{word}\"/>", word = change.word()),
                    "{change:?}"
                ),
            }
        }
    }

    #[test]
    fn the_gate_and_its_numbers_are_told() {
        let tests = vec![test("cpu", 1e3, 2e3, Change::Regressed)];
        let xml = shown(GateOutcome::Regressed, case("the case", Change::Regressed, tests));
        for property in [
            "<property name=\"gate\" value=\"regressed\"/>",
            "<property name=\"reason\" value=\"regressed as a whole\"/>",
            "<property name=\"baseline\" value=\"base.json\"/>",
        ] {
            assert!(xml.contains(property), "{property}: {xml}");
        }
        assert!(xml.contains("cpu 1.00 µs → 2.00 µs"), "{xml}");
    }

    #[test]
    fn a_known_failure_that_is_allowed_is_skipped_and_only_then() {
        for (gate, exit, ended) in [
            (GateOutcome::Pass, ExitOutcome::Pass, "skipped"),
            (GateOutcome::Failed, ExitOutcome::Failed, "failure"),
            (GateOutcome::Inconclusive, ExitOutcome::Invalid, "failure"),
        ] {
            let mut report = fixture::report();
            report.cases.truncate(1);
            let case = &mut report.cases[0];
            (case.verdict.outcome, report.verdict.outcome, report.verdict.exit) = (Outcome::Fail, Outcome::Fail, exit);
            case.verdict.checks[0].outcome = Outcome::Fail;
            report.gate = Some(record(decision(gate, Vec::new())));
            let xml = String::from_utf8(junit(&report).unwrap()).unwrap();
            let ends = |xml: &str, word: &str| xml.matches(&format!("<{word} ")).count();
            let of_cases = &xml[..xml.find("<testsuite name=\"gate\"").unwrap()];
            assert_eq!(
                [ends(of_cases, "skipped"), ends(of_cases, "failure")],
                [usize::from(ended == "skipped"), usize::from(ended != "skipped")],
                "{xml}"
            );
            let told = crate::render::formats::github::github(&report);
            assert_eq!(told.contains(",title=known failure%2C allowed"), ended == "skipped", "{told}");
        }
    }
}
