//! A case in full: its numbers as tables, its charts, what was set aside and what broke.

use super::axis::{Decades, Nines};
use super::bar::{bar, parts};
use super::canvas::Ink;
use super::chart::{Frame, Frames, Legend, Line, chart};
use super::curve::Curve;
use super::matrix::mark_of;
use super::series::OverTime;
use crate::render::grid::Column;
use crate::render::{case as text, numbers, sanitise, surroundings};
use crate::report::{CaseRecord, LatencySummary, Report};
use crate::units::human;
use crate::verdict::Outcome;

/// Longest line that comes from outside, in characters.
const MAX_TEXT: usize = 400;
/// Most repeats that were set aside or broke, and most lines of a child's stderr, that are shown of a case.
const MOST: usize = 20;

/// A case.
pub(super) struct Case {
    /// Its number, from 1.
    pub number: usize,
    /// What tells it apart.
    pub label: String,
    /// Its canonical id.
    pub id: String,
    /// The verdict's word.
    pub outcome: &'static str,
    /// The verdict's mark.
    pub mark: &'static str,
    /// Why it is not `pass`.
    pub reasons: Vec<String>,
    /// How many repeats count, were set aside, broke.
    pub repeats: String,
    /// What became of its logs; our own SVG.
    pub bar: String,
    /// The parts of the bar: class, name, count, share.
    pub parts: Vec<(&'static str, &'static str, String, String)>,
    /// The ledger.
    pub ledger: Vec<(&'static str, String)>,
    /// Statistics of each latency.
    pub latencies: Table,
    /// Each check.
    pub checks: Table,
    /// Each repeat.
    pub each: Table,
    /// Latency by percentile; our own SVG.
    pub curve: String,
    /// Over time; our own SVG.
    pub series: String,
    /// Lag before and during; our own SVG.
    pub lag: String,
    /// The machine, the control, lag ratios.
    pub notes: Vec<String>,
    /// What was set aside, and what broke.
    pub spoiled: Vec<Spoiled>,
}

/// A repeat that does not count.
pub(super) struct Spoiled {
    /// What happened to which.
    pub title: String,
    /// Why.
    pub lines: Vec<String>,
}

/// A table: headings, and rows of cells.
#[derive(Default)]
pub(super) struct Table {
    /// Heading, and whether numbers stand to the right.
    pub heads: Vec<(String, bool)>,
    /// The first cell of a row is its heading.
    pub rows: Vec<Vec<(String, bool)>>,
}

impl Table {
    fn of(columns: &[Column]) -> Self {
        let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
        let row = |row: usize| {
            let cell = |column: &Column| (column.cells.get(row).cloned().unwrap_or_default(), column.right);
            columns.iter().map(cell).collect()
        };
        Self {
            heads: columns.iter().map(|column| (column.header.replace('\n', " "), column.right)).collect(),
            rows: (0..rows).map(row).collect(),
        }
    }
}

const LATENCIES: Legend = &[
    (Ink::FIRST, "enqueue"),
    (Ink::SECOND, "response"),
    (Ink::THIRD, "delivery"),
    (Ink::TARGET, "target of enqueue"),
];
const LAGS: Legend = &[
    (Ink::THIRD, "lag before"),
    (Ink::FIRST, "lag"),
    (Ink::FOURTH, "timer before"),
    (Ink::SECOND, "timer lag"),
];

/// What all charts of a page share.
pub(super) struct Scale {
    decades: Decades,
    nines: Nines,
    lag: Decades,
    time: Decades,
    points: u32,
}

/// The curves and the series of a case, before their scale is known.
pub(super) struct Drawn {
    latency: Vec<(Ink, Curve)>,
    lag: Vec<(Ink, Curve)>,
    series: OverTime,
}

/// Cases from which on charts have fewer points, so that the page stays small.
const MANY: usize = 200;

impl Drawn {
    /// Reads the histograms of each case.
    pub fn of(report: &Report) -> Vec<Self> {
        let (points, steps) = detail(report.cases.len());
        let one = |case: &CaseRecord| {
            let set = case.summary.as_ref().map(|summary| &summary.latency);
            let curve = |ink, latency: Option<&LatencySummary>| Some((ink, Curve::of(latency?, points)));
            let latency = [
                curve(Ink::FIRST, set.map(|set| &set.enqueue)),
                curve(Ink::SECOND, set.map(|set| &set.response)),
                curve(Ink::THIRD, set.map(|set| &set.delivery)),
            ];
            let lag = [
                curve(Ink::THIRD, set.and_then(|set| set.lag_before.as_ref())),
                curve(Ink::FIRST, set.and_then(|set| set.lag.as_ref())),
                curve(Ink::FOURTH, set.and_then(|set| set.timer_lag_before.as_ref())),
                curve(Ink::SECOND, set.and_then(|set| set.timer_lag.as_ref())),
            ];
            let some = |curves: Vec<Option<(Ink, Curve)>>| {
                curves.into_iter().flatten().filter(|(_, curve)| !curve.points.is_empty()).collect()
            };
            Self { latency: some(latency.into()), lag: some(lag.into()), series: OverTime::of(case, steps) }
        };
        report.cases.iter().map(one).collect()
    }
}

/// Points of a curve and steps of a series.
fn detail(cases: usize) -> (u32, usize) {
    if cases > MANY { (28, 24) } else { (61, 80) }
}

impl Scale {
    /// The scale that holds everything.
    pub fn of(report: &Report, drawn: &[Drawn]) -> Self {
        let points = |curves: fn(&Drawn) -> &Vec<(Ink, Curve)>| {
            drawn.iter().flat_map(curves).flat_map(|(_, curve)| &curve.points).copied()
        };
        let targets = report.scenarios.iter().map(|scenario| scenario.target.latency.0 as f64);
        // The very shortest times would stretch the axis by decades that nobody looks at.
        let usual = |(at, _): &(f64, f64)| *at >= 0.125;
        let most = points(|drawn| &drawn.latency).chain(points(|drawn| &drawn.lag)).map(|(at, _)| at);
        let nines = most.fold(2.0, f64::max);
        Self {
            decades: Decades::around(points(|drawn| &drawn.latency).filter(usual).map(|(_, ns)| ns).chain(targets)),
            nines: Nines { tenths: (nines * 10.0).ceil() as u32 },
            lag: Decades::around(points(|drawn| &drawn.lag).filter(usual).map(|(_, ns)| ns)),
            time: Decades::around(drawn.iter().flat_map(|drawn| drawn.series.times())),
            points: detail(report.cases.len()).0,
        }
    }

    /// How many points a curve has at most.
    pub fn points(&self) -> u32 {
        self.points
    }
}

/// A case of the page.
pub(super) fn case(
    report: &Report,
    index: usize,
    label: &str,
    drawn: &Drawn,
    scale: &Scale,
    frames: &mut Frames,
) -> Case {
    let case = &report.cases[index];
    let summary = case.summary.as_ref();
    let share = |count, ledger: &crate::measure::Ledger| numbers::share(count, ledger.scheduled);
    let parts = summary.map(|summary| {
        let told = parts(&summary.ledger).into_iter().filter(|(.., count)| *count > 0);
        told.map(|(name, class, count)| (class, name, numbers::count(count), share(count, &summary.ledger))).collect()
    });
    Case {
        number: index + 1,
        label: label.to_owned(),
        id: sanitise(&case.id, MAX_TEXT),
        outcome: case.verdict.outcome.word(),
        mark: mark_of(case.verdict.outcome),
        reasons: case.verdict.reasons.iter().take(MOST).map(|reason| sanitise(reason, MAX_TEXT)).collect(),
        repeats: repeats(case),
        bar: summary.map(|summary| bar(&summary.ledger)).unwrap_or_default(),
        parts: parts.unwrap_or_default(),
        ledger: summary.map(|summary| text::counts(&summary.ledger)).unwrap_or_default(),
        latencies: summary.map(|summary| Table::of(&text::latencies(&summary.latency))).unwrap_or_default(),
        checks: Table::of(&text::checks(&case.verdict.checks)),
        each: each(case),
        curve: curve_chart(report, case, drawn, scale, frames),
        series: drawn.series.charts(frames, scale.time),
        lag: lag_chart(drawn, scale, frames),
        notes: surroundings::lines(case, usize::MAX).lines().map(str::to_owned).collect(),
        spoiled: spoiled(case),
    }
}

fn repeats(case: &CaseRecord) -> String {
    let mut text = human::counted(case.repeats.len() as u64, "valid repeat");
    for (count, word) in [(case.set_aside.len(), "set aside"), (case.errors.len(), "broken")] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text
}

/// The repeats, where there are several.
fn each(case: &CaseRecord) -> Table {
    if case.repeats.len() < 2 {
        return Table::default();
    }
    let column = |key: &'static str, value: fn(&crate::report::RepeatRecord) -> String| Column {
        key,
        header: key,
        right: true,
        dispensable: None,
        cells: case.repeats.iter().map(value).collect(),
    };
    Table::of(&[
        column("repeat", |repeat| (repeat.repeat + 1).to_string()),
        column("accepted", |repeat| numbers::share(repeat.ledger.enqueued_in_window, repeat.ledger.scheduled)),
        column("enqueue mean", |repeat| numbers::mean(repeat.latency.enqueue.mean_ns)),
        column("enqueue p99", |repeat| numbers::time(repeat.latency.enqueue.p99_ns)),
        column("lateness p99", |repeat| numbers::time(repeat.latency.lateness.p99_ns)),
        column("drain", |repeat| numbers::time(Some(repeat.cost.drain_ns))),
    ])
}

fn lines(curves: &[(Ink, Curve)], decades: Decades) -> Vec<Line> {
    let line = |(ink, curve): &(Ink, Curve)| {
        let points = curve.points.iter().copied().filter(|(_, ns)| decades.holds(*ns));
        Line { ink: *ink, points: points.collect() }
    };
    curves.iter().map(line).collect()
}

fn curve_chart(report: &Report, case: &CaseRecord, drawn: &Drawn, scale: &Scale, frames: &mut Frames) -> String {
    if drawn.latency.is_empty() {
        return String::new();
    }
    let mut lines = lines(&drawn.latency, scale.decades);
    let target = report.scenarios.iter().find(|scenario| scenario.name == case.scenario);
    lines.extend(target.map(|scenario| {
        let ns = scenario.target.latency.0 as f64;
        Line { ink: Ink::TARGET, points: vec![(0.0, ns), (f64::from(scale.nines.tenths) / 10.0, ns)] }
    }));
    let frame = Frame::Percentiles(scale.nines, scale.decades, LATENCIES);
    chart(frames, frame, "Latency by percentile: enqueue, response, delivery, and the target", &lines)
}

fn lag_chart(drawn: &Drawn, scale: &Scale, frames: &mut Frames) -> String {
    if drawn.lag.is_empty() {
        return String::new();
    }
    let frame = Frame::Percentiles(scale.nines, scale.lag, LAGS);
    chart(frames, frame, "Lag by percentile, before the load and during it", &lines(&drawn.lag, scale.lag))
}

/// What did not count, the broken ones first.
fn spoiled(case: &CaseRecord) -> Vec<Spoiled> {
    let clean = |lines: &[String]| lines.iter().map(|line| sanitise(line, MAX_TEXT)).collect::<Vec<_>>();
    let broken = case.errors.iter().map(|error| {
        let skipped = error.stderr_tail.len().saturating_sub(MOST);
        let mut lines = vec![sanitise(&error.message, MAX_TEXT)];
        lines.extend(clean(&error.stderr_tail[skipped..]).iter().map(|line| format!("stderr: {line}")));
        let kind = sanitise(&error.kind, 40);
        Spoiled { title: format!("repeat {}, try {}: {kind}", error.repeat + 1, error.attempt + 1), lines }
    });
    let aside = case.set_aside.iter().map(|aside| {
        let measured = &aside.measured;
        let title = format!("repeat {}, try {}: set aside", measured.repeat + 1, measured.attempt + 1);
        Spoiled { title, lines: clean(&aside.reasons) }
    });
    broken.chain(aside).take(MOST).collect()
}

/// Whether a case is one that a reader must look at.
pub(super) fn is_open(case: &CaseRecord) -> bool {
    case.verdict.outcome != Outcome::Pass
}
