//! The page of a report: the values for its template.

use super::cases::{Case, MOST_IN_FULL, Spans, case, in_full, spans};
use super::chart::Frames;
use super::charts::{Drawn, Scale};
use super::comparison::mark as change_mark;
use super::listing::{Listing, listing};
use super::matrix::{Matrix, mark_of, matrix};
use super::maxima::{Maxima, maxima};
use crate::render::formats::table;
use crate::render::gate_sentence;
use crate::render::parts::headline::Headline;
use crate::render::parts::numbers::{self, NONE};
use crate::render::parts::{self, columns, shift, totals};
use crate::report::{CaseDecision, Change, Environment, GateOutcome, Report, ScenarioRecord};
use crate::run::{Yardstick, YardstickReading};
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::OutcomeCounts;
use askama::Template;
use base64::Engine as _;
use sha2::{Digest, Sha256};

/// The style sheet.
pub(super) const STYLE: &str = include_str!("style.css");
/// The script: sorting, filtering, opening a case that is linked to.
pub(super) const SCRIPT: &str = include_str!("script.js");

/// Largest number of cases whose reasons are shown at the top.
const MOST_FAILURES: usize = 12;
/// Largest number of reasons of one case at the top.
const MOST_REASONS: usize = 4;
/// Largest number of cases that are opened for printing.
const FEW: usize = 40;

/// A report as a page.
#[derive(Template)]
#[template(path = "page.html", escape = "html")]
pub(super) struct Page {
    pub frame: PageFrame,
    pub created_at: String,
    pub interrupted: bool,
    pub outcome: &'static str,
    pub mark: &'static str,
    pub counts: String,
    /// The report has the decision of a gate, too.
    pub by_themselves: bool,
    pub gate: Option<Spans>,
    pub reasons: Vec<String>,
    pub scenarios: Vec<Scenario>,
    pub same: Vec<String>,
    pub totals: Vec<(&'static str, String)>,
    pub facts: Vec<(&'static str, String)>,
    pub failures: Vec<Failure>,
    pub more_failures: Option<String>,
    pub matrix: Option<Matrix>,
    /// What `find-max` found; `None` for a run.
    pub maxima: Option<Maxima>,
    pub listing: Listing,
    pub cases: Vec<Case>,
    /// The axes of all charts; our own SVG.
    pub symbols: String,
    pub few: bool,
    pub briefly: bool,
    pub shown_in_full: usize,
}

/// The parts that all of our pages share: head, style and script.
pub(super) struct PageFrame {
    pub title: String,
    pub tool: String,
    pub policy: String,
    pub style: &'static str,
    pub script: &'static str,
}

impl PageFrame {
    /// A page with this title. Its security policy allows only its own style and script, and forbids it to load
    /// anything.
    pub fn new(title: String, report: &Report) -> Self {
        Self::by(title, format!("{} {}", report.tool.name.html(40), report.tool.version.html(40)))
    }

    /// The same for a page that is not about a single report.
    pub fn titled(title: String) -> Self {
        Self::by(title, format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")))
    }

    fn by(title: String, tool: String) -> Self {
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
            digest(STYLE),
            digest(SCRIPT)
        );
        Self { title, tool, policy, style: STYLE, script: SCRIPT }
    }
}

/// The digest by which a content security policy allows an inline element.
fn digest(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// A scenario of the report.
pub(super) struct Scenario {
    pub name: String,
    pub description: String,
    pub file: String,
    pub promise: String,
    pub overrides: String,
}

/// A case that did not pass, or that decided the gate.
pub(super) struct Failure {
    /// Its number; `None` for a case that only the baseline has.
    pub number: Option<usize>,
    pub label: String,
    pub outcome: &'static str,
    pub mark: &'static str,
    pub reasons: Vec<Spans>,
    pub more: Option<String>,
}

impl Page {
    /// The page with everything in the report.
    pub fn of(report: &Report) -> Self {
        let (axes, same) = columns::axes(report);
        let labels = table::labels(report, &axes);
        let in_full = in_full(report);
        let drawn = Drawn::of(report, &in_full);
        let scale = Scale::of(report, &drawn);
        let mut frames = Frames::default();
        let one = |(index, drawn): (usize, &Drawn)| {
            let scenario = report.scenarios.iter().find(|scenario| scenario.name == report.cases[index].scenario);
            let target = scenario.map(|scenario| scenario.target.latency.0 as f64);
            let charts = drawn.charts(target, &scale, &mut frames);
            Case { charts, ..case(report, index, &labels[index], in_full[index]) }
        };
        let mut cases: Vec<Case> = drawn.iter().enumerate().map(one).collect();
        let (failures, more_failures) = failures(report, &labels);
        let whole = Headline::of(report);
        let worst = failures.iter().find_map(|failure| failure.number);
        let lone = (cases.len() == 1).then_some(1);
        cases.iter_mut().for_each(|case| case.open = worst.or(lone) == Some(case.number));
        let names: Vec<String> = report.scenarios.iter().take(3).map(|scenario| scenario.name.html(60)).collect();
        let title = format!("{}: {}", names.join(", "), whole.word());
        Self {
            frame: PageFrame::new(title, report),
            created_at: moment(&report.created_at),
            interrupted: report.interrupted,
            outcome: whole.word(),
            mark: whole.mark(),
            counts: counts(&report.verdict.cases),
            by_themselves: report.gate.is_some(),
            gate: gate_sentence(report).map(|line| spans(&line)),
            reasons: report.verdict.reasons.iter().take(20).map(|reason| reason.html(400)).collect(),
            scenarios: report.scenarios.iter().map(scenario).collect(),
            same,
            totals: totals::totals(report.cases.iter().filter_map(|case| case.summary.as_ref())),
            facts: [facts(&report.environment), yardstick(report.yardstick.as_ref()), origin(report)].concat(),
            failures,
            more_failures,
            matrix: matrix(report, &axes),
            maxima: maxima(report, &mut frames),
            listing: listing(report, &axes),
            symbols: frames.symbols(),
            few: cases.len() <= FEW,
            briefly: cases.len() > MOST_IN_FULL,
            shown_in_full: MOST_IN_FULL,
            cases,
        }
    }
}

fn counts(counts: &OutcomeCounts) -> String {
    let OutcomeCounts { pass, fail, invalid, error } = *counts;
    let told = [(pass, "pass"), (fail, "fail"), (invalid, "invalid"), (error, "error")].into_iter();
    let told = told.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{} {word}", human::count(count)));
    let told = told.collect::<Vec<_>>().join(", ");
    let all = human::counted([pass, fail, invalid, error].into_iter().fold(0, u64::saturating_add), "case");
    if told.is_empty() { all } else { format!("{all}: {told}") }
}

fn scenario(scenario: &ScenarioRecord) -> Scenario {
    let overrides: Vec<String> = scenario.overrides.iter().take(40).map(|given| given.sentence().html(120)).collect();
    Scenario {
        name: scenario.name.html(60),
        description: scenario.description.as_ref().map(|text| text.html(400)).unwrap_or_default(),
        file: scenario.file.html(200),
        promise: table::target(scenario),
        overrides: overrides.join(", "),
    }
}

/// The failures, the worst first: cases that broke or fail by themselves, then those of the gate, then invalid ones.
fn failures(report: &Report, labels: &[String]) -> (Vec<Failure>, Option<String>) {
    let mut open: Vec<(Headline, Failure)> =
        (0..report.cases.len()).filter_map(|index| by_itself(report, index, &labels[index])).collect();
    let decision = report.gate.as_ref().and_then(|gate| gate.decision());
    open.extend(decision.iter().flat_map(|decision| {
        decision.cases.iter().filter_map(|case| against_baseline(report, decision.outcome, case, labels))
    }));
    open.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    let more = beyond(open.len(), MOST_FAILURES);
    (open.into_iter().take(MOST_FAILURES).map(|(_, failure)| failure).collect(), more)
}

fn by_itself(report: &Report, index: usize, label: &str) -> Option<(Headline, Failure)> {
    let verdict = &report.cases[index].verdict;
    let rank = Headline::of_case(verdict.outcome);
    let failure = Failure {
        number: Some(index + 1),
        label: label.to_owned(),
        outcome: verdict.outcome.word(),
        mark: mark_of(verdict.outcome),
        reasons: verdict.reasons.iter().take(MOST_REASONS).map(|reason| spans(&reason.html(400))).collect(),
        more: beyond(verdict.reasons.len(), MOST_REASONS),
    };
    (rank != Headline::Pass).then_some((rank, failure))
}

/// A case that is worse than in the baseline, is inconclusive, or is missing although it must not be.
fn against_baseline(
    report: &Report,
    gate: GateOutcome,
    case: &CaseDecision,
    labels: &[String],
) -> Option<(Headline, Failure)> {
    let rank = match case.change {
        Change::Regressed => Headline::Regressed,
        Change::Removed if gate != GateOutcome::Pass => Headline::Regressed,
        Change::Incomparable => Headline::Incomparable,
        Change::Inconclusive => Headline::Inconclusive,
        Change::Removed | Change::Improved | Change::Added | Change::Unchanged => return None,
    };
    let is_here = |index: &usize| case.change != Change::Removed && report.cases[*index].id == case.id;
    let index = (0..report.cases.len()).find(is_here);
    let numbers = shift::open(case).into_iter().map(|shift| format!("{} {}", shift.metric, shift.line()));
    let reasons: Vec<String> = std::iter::once(case.reason.html(400)).chain(numbers).collect();
    let failure = Failure {
        number: index.map(|index| index + 1),
        label: index.map_or_else(|| case.id.html(200), |index| labels[index].clone()),
        outcome: case.change.word(),
        mark: change_mark(case.change),
        reasons: reasons.iter().filter(|text| !text.is_empty()).take(MOST_REASONS).map(|text| spans(text)).collect(),
        more: beyond(reasons.len(), MOST_REASONS),
    };
    Some((rank, failure))
}

/// The part of a plan, or the parts that the report was merged from; empty for the report on a whole plan.
fn origin(report: &Report) -> Vec<(&'static str, String)> {
    let lines = parts::origin::lines(report);
    if lines.is_empty() { Vec::new() } else { vec![("parts", lines.join("; "))] }
}

/// The environment of the run. Unknown values are marked as such.
fn facts(environment: &Environment) -> Vec<(&'static str, String)> {
    let text = |value: &Option<Untrusted>| value.as_ref().map_or(NONE.into(), |value| value.html(120));
    let whether = |value: Option<bool>| value.map_or(NONE, |value| if value { "yes" } else { "no" }).to_owned();
    let commit = environment.git_commit.as_ref().map(|commit| {
        let dirty = if environment.git_dirty == Some(true) { ", with changes" } else { "" };
        format!("{}{dirty}", commit.html(12).trim_end_matches('…'))
    });
    let queues: Vec<String> = environment
        .queue_versions
        .iter()
        .take(40)
        .map(|(name, version)| format!("{} {}", name.html(60), version.html(60)))
        .collect();
    vec![
        ("CPU", text(&environment.cpu_model)),
        ("cores", environment.cores.map_or(NONE.into(), human::count)),
        ("memory", environment.memory_bytes.map_or(NONE.into(), gibibytes)),
        ("system", environment.platform.html(60)),
        ("kernel", text(&environment.kernel)),
        ("virtual machine", whether(environment.virtualised)),
        ("governor", text(&environment.governor)),
        ("clock", text(&environment.clock_source)),
        ("instrument floor", numbers::mean(environment.instrument_floor_ns)),
        ("compiler", text(&environment.rustc)),
        ("profile", text(&environment.profile)),
        ("commit", commit.unwrap_or(NONE.into())),
        ("queues", if queues.is_empty() { NONE.into() } else { queues.join(", ") }),
    ]
}

/// A time without the fraction of its second.
pub(super) fn moment(text: &Untrusted) -> String {
    let text = text.html(40);
    let whole = text.strip_suffix('Z').and_then(|text| text.split_once('.')).map(|(whole, _)| format!("{whole}Z"));
    whole.unwrap_or(text)
}

/// How fast the machine was at the start, in the middle and at the end.
fn yardstick(yardstick: Option<&Yardstick>) -> Vec<(&'static str, String)> {
    let Some(yardstick) = yardstick else { return Vec::new() };
    let over = |value: fn(YardstickReading) -> Option<f64>| {
        yardstick.readings().map(|reading| numbers::mean(value(reading))).collect::<Vec<_>>().join(" → ")
    };
    vec![
        ("yardstick, arithmetic", over(|reading| reading.spin_ns)),
        ("yardstick, wake-up and answer", over(|reading| reading.ping_pong_ns)),
    ]
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64)
}

/// The number of items beyond those that are shown.
fn beyond(count: usize, shown: usize) -> Option<String> {
    (count > shown).then(|| human::count((count - shown) as u64))
}
