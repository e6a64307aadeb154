//! JUnit's XML: a test suite for each case of the matrix, a test case for each of its checks, and one for its run.
//!
//! `fail` is a `<failure>`. `invalid` and `error` are `<error>`s, of type `invalid` and of the kind of the error: what
//! cannot be trusted must not be taken for a pass, and most readers of the format show what is skipped as one. What is to
//! be said of the whole beyond its cases (interrupted, target not exercised) is the suite `plan`; what a gate said of the
//! run, the suite `gate`.

use super::{RenderError, sanitise};
use crate::report::{CaseRecord, Change, GateDecision, GateOutcome, Report};
use crate::scenario::AXES;
use crate::verdict::{CheckResult, Outcome};
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite, XmlString};

/// Longest text from outside, in characters.
const LONGEST: usize = 1_000;
/// Most lines of a child's stderr.
const MAX_STDERR: usize = 20;

/// The report as JUnit's XML.
///
/// # Errors
/// When the XML cannot be written.
pub fn junit(report: &Report) -> Result<Vec<u8>, RenderError> {
    let mut document = quick_junit::Report::new(text(&report.tool.name));
    document.add_test_suite(plan(report));
    document.add_test_suites(report.cases.iter().map(suite));
    document.add_test_suites(report.gate.as_ref().and_then(|gate| gate.decision()).map(|decision| gate(&decision)));
    let mut bytes = Vec::new();
    document.serialize(&mut bytes).map_err(|error| RenderError::Xml(error.to_string()))?;
    Ok(bytes)
}

/// Harmless, and in XML's own set of characters.
fn text(text: &str) -> XmlString {
    XmlString::new(sanitise(text, LONGEST))
}

fn plan(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new("plan");
    for (name, value) in [
        ("tool", format!("{} {}", report.tool.name, report.tool.version)),
        ("created_at", report.created_at.clone()),
        ("outcome", report.verdict.outcome.word().to_owned()),
        ("exit_code", report.verdict.exit.code().to_string()),
    ] {
        suite.add_property(Property::new(name, text(&value)));
    }
    let reasons = &report.verdict.reasons;
    let status = if reasons.is_empty() {
        TestCaseStatus::success()
    } else {
        status(Outcome::Invalid, "invalid", &reasons.join("; "))
    };
    suite.add_test_case(test_case("the plan was carried out and exercises its targets", "plan", status));
    suite
}

fn suite(case: &CaseRecord) -> TestSuite {
    let name = format!("{}: {}", sanitise(&case.scenario, LONGEST), sanitise(&case.id, LONGEST));
    let mut suite = TestSuite::new(&name);
    for axis in &AXES {
        suite.add_property(Property::new(axis.name, text(&axis.get(&case.parameters).to_string())));
    }
    let mut cases: Vec<TestCase> = Vec::new();
    let mut run = test_case("the repeats were carried out", &name, carried_out(case));
    let stderr: Vec<String> = case
        .errors
        .iter()
        .flat_map(|error| &error.stderr_tail)
        .map(|line| sanitise(line, LONGEST))
        .take(MAX_STDERR)
        .collect();
    if !stderr.is_empty() {
        run.set_system_err(stderr.join("\n"));
    }
    cases.push(run);
    cases.extend(case.verdict.checks.iter().map(|check| of_check(check, &name)));
    suite.add_test_cases(cases);
    suite
}

/// What a gate said of the run: of the whole, and of each case.
fn gate(decision: &GateDecision) -> TestSuite {
    let mut suite = TestSuite::new("gate");
    let whole = match decision.outcome {
        GateOutcome::Pass => Outcome::Pass,
        GateOutcome::Regressed | GateOutcome::Failed => Outcome::Fail,
        GateOutcome::Inconclusive | GateOutcome::Incomparable => Outcome::Invalid,
    };
    let whole = status(whole, decision.outcome.word(), &decision.reason);
    suite.add_test_case(test_case("the run holds against its baseline", "gate", whole));
    suite.add_test_cases(decision.cases.iter().map(|case| {
        let outcome = match case.change {
            Change::Regressed => Outcome::Fail,
            Change::Inconclusive | Change::Incomparable => Outcome::Invalid,
            Change::Improved | Change::Added | Change::Removed | Change::Unchanged => Outcome::Pass,
        };
        test_case(&case.id, "gate", status(outcome, case.change.word(), &case.reason))
    }));
    suite
}

fn test_case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(text(name), status);
    case.set_classname(XmlString::new(class));
    case
}

/// What kept the case from being measured, and whatever else none of its checks says.
fn carried_out(case: &CaseRecord) -> TestCaseStatus {
    let by_a_check = case.verdict.checks.iter().map(|check| check.outcome).max().unwrap_or(Outcome::Pass);
    if case.summary.is_some() && case.verdict.outcome <= by_a_check {
        return TestCaseStatus::success();
    }
    let kind = case.errors.first().map_or(case.verdict.outcome.word(), |error| error.kind.as_str());
    status(case.verdict.outcome, kind, &case.verdict.reasons.join("; "))
}

fn of_check(check: &CheckResult, class: &str) -> TestCase {
    let name = format!("{}: {}", check.name, check.expression);
    if check.outcome == Outcome::Pass {
        return test_case(&name, class, TestCaseStatus::success());
    }
    let mut status = status(check.outcome, check.outcome.word(), check.reason.as_deref().unwrap_or(&check.expression));
    let number = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value} {}", check.unit.name()));
    status.set_description(text(&format!("observed: {}, limit: {}", number(check.observed), number(check.limit))));
    test_case(&name, class, status)
}

fn status(outcome: Outcome, kind: &str, message: &str) -> TestCaseStatus {
    let mut status = match outcome {
        Outcome::Pass => return TestCaseStatus::success(),
        Outcome::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Invalid | Outcome::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_type(text(kind)).set_message(text(message));
    status
}
