//! The page of a comparison: two or more reports in the same charts.

use super::axis::{Decades, Nines};
use super::brief::{Extent, Share, left_out, shares, worst};
use super::canvas::Ink;
use super::cases::{Spans, Table, spans};
use super::chart::{Frame, Frames, Legend, Line, chart};
use super::curve::Curve;
use super::page::{PageFrame, moment};
use crate::compare::{CaseComparison, Change, Comparison, Estimate, GateOutcome, MetricComparison, MetricUnit, Side};
use crate::render::parts::headline::Headline;
use crate::render::parts::numbers::NONE;
use crate::render::parts::shift::{self, Shift};
use crate::report::{CaseRecord, LatencySet, LatencySummary, Report};
use crate::units::human;
use crate::untrusted::Untrusted;
use askama::Template;
use std::collections::BTreeMap;

/// Largest number of new reports that are drawn: more lines could not be distinguished.
const MOST: usize = 3;
/// Inks of the baseline and of the new reports.
const INKS: [Ink; MOST + 1] = [Ink::THIRD, Ink::FIRST, Ink::SECOND, Ink::FOURTH];
/// The names of the lines. The reports' own names are at the top of the page.
const LEGENDS: [Legend; MOST] = [
    &[(INKS[0], "base"), (INKS[1], "new")],
    &[(INKS[0], "base"), (INKS[1], "new 1"), (INKS[2], "new 2")],
    &[(INKS[0], "base"), (INKS[1], "new 1"), (INKS[2], "new 2"), (INKS[3], "new 3")],
];
/// Picks a latency.
type Get = fn(&LatencySet) -> &LatencySummary;

/// Latencies that are drawn.
const DRAWN: [(&str, Get); 3] =
    [("enqueue", |set| &set.enqueue), ("response", |set| &set.response), ("delivery", |set| &set.delivery)];
/// Points of a curve.
const POINTS: u32 = 41;
/// Points of a curve of a case whose numbers are text.
const FEW_POINTS: u32 = 16;
/// Longest line of untrusted text, in characters.
const MAX_TEXT: usize = 400;

/// A comparison as a page.
#[derive(Template)]
#[template(path = "comparison.html", escape = "html")]
pub(super) struct Page {
    frame: PageFrame,
    /// The decision of a gate, if there is a single new report: word and mark.
    outcome: Option<(&'static str, &'static str)>,
    sides: Vec<SideView>,
    heads: Vec<String>,
    rows: Vec<Row>,
    cases: Vec<Case>,
    symbols: String,
    /// The kinds of change by which the table is filtered.
    words: Vec<&'static str>,
    /// What is left out of the cases and why; `None` if nothing is.
    left_out: Option<String>,
    /// The cases that did not change, if they have no row: label and numbers.
    lines: Vec<(String, String)>,
    /// The new reports that are not drawn.
    too_many: usize,
    /// Whether there are several new reports, so that each row names its own.
    several: bool,
    /// The metrics that have no column.
    without_column: String,
}

/// A report of the comparison.
struct SideView {
    class: &'static str,
    role: String,
    label: String,
    created_at: String,
    version: String,
    cases: String,
    /// The decision of a gate, and the reason; `None` for the baseline.
    decision: Option<(&'static str, Spans)>,
    counts: String,
    /// Attribution, differences, notes.
    lines: Vec<String>,
}

/// A case of a new report.
struct Row {
    number: usize,
    /// Whether the case is shown in full, and so can be linked to.
    in_full: bool,
    change: &'static str,
    mark: &'static str,
    new: String,
    label: String,
    cells: Vec<(String, String)>,
}

/// A case with everything that is known about it.
struct Case {
    number: usize,
    /// Whether it is open at first.
    open: bool,
    label: String,
    /// A change for each new report.
    changes: Vec<(&'static str, &'static str)>,
    charts: Vec<(&'static str, String)>,
    /// The numbers in each new report.
    numbers: Vec<Numbers>,
}

/// The numbers of a case in a new report.
struct Numbers {
    /// Name of the report.
    name: String,
    /// The reason for its kind of change.
    reason: Spans,
    /// What was tested.
    tested: Table,
    /// All of its metrics.
    metrics: Table,
    /// Both tables as text; empty if they are tables.
    plain: String,
}

/// A case in all reports: its position in each, and its result in each comparison.
struct Group<'c> {
    base: Option<&'c CaseRecord>,
    parts: Vec<(usize, &'c CaseComparison, Option<&'c CaseRecord>)>,
}

/// The index of a case, what is shown of it, and the case.
type Placed<'g> = (usize, Share, &'g Group<'g>);

/// The mark of a change: colour alone must not carry it.
pub(super) fn mark(change: Change) -> &'static str {
    match change {
        Change::Regressed => "▲",
        Change::Improved => "▼",
        Change::Inconclusive => "?",
        Change::Incomparable => "≠",
        Change::Added => "+",
        Change::Removed => "−",
        Change::Unchanged => "~",
    }
}

impl Page {
    /// The baseline and each new report with its comparison, of which the first three are shown.
    pub fn of(base: &Report, others: &[(&Report, &Comparison)], extent: Extent) -> Self {
        let shown = &others[..others.len().min(MOST)];
        let groups = groups(base, shown);
        let changes: Vec<Vec<Change>> = groups.iter().map(Group::changes).collect();
        let shares = shares(&changes, extent);
        let open = worst(&changes).or((groups.len() == 1).then_some(0));
        let placed: Vec<Placed<'_>> =
            groups.iter().zip(&shares).enumerate().map(|(i, (g, share))| (i, *share, g)).collect();
        let (cases, symbols) = cases(&placed, open, shown.len());
        let (heads, without_column, rows) = listing(&placed, shown.len());
        let counts = shown.iter().map(|(_, comparison)| counts(comparison)).collect::<Vec<_>>().join("; ");
        let lines: Vec<(String, String)> =
            placed.iter().filter(|(_, share, _)| *share == Share::Line).map(|(.., group)| line(group)).collect();
        let has_row = |change: &Change| *change != Change::Unchanged || lines.is_empty();
        Self {
            frame: PageFrame::new(format!("comparison: {}{counts}", said(shown)), base),
            outcome: one(shown).map(|gate| (gate.word(), Headline::of_gate(gate).mark())),
            sides: sides(shown),
            heads: heads.iter().map(|head| in_words(head)).collect(),
            rows,
            several: shown.len() > 1,
            without_column: without_column.join(", "),
            cases,
            symbols,
            words: Change::ALL.into_iter().filter(has_row).map(Change::word).collect(),
            left_out: left_out(&shares),
            lines,
            too_many: others.len() - shown.len(),
        }
    }
}

impl Group<'_> {
    fn changes(&self) -> Vec<Change> {
        self.parts.iter().map(|(_, case, _)| case.change).collect()
    }
}

/// The cases of which everything is shown, and the axes of their charts. `open` is the index of the one that is open at
/// first.
fn cases(placed: &[Placed<'_>], open: Option<usize>, reports: usize) -> (Vec<Case>, String) {
    let whole = || placed.iter().filter(|(_, share, _)| matches!(share, Share::Full | Share::Plain));
    let curves: Vec<Vec<Vec<(Ink, Curve)>>> = whole().map(|(_, share, group)| curves(group, points(*share))).collect();
    let scale = scale(&curves);
    let mut frames = Frames::default();
    let mut cases = Vec::with_capacity(curves.len());
    for ((index, share, group), curves) in whole().zip(&curves) {
        let numbers = |(new, case): (usize, &CaseComparison)| numbers(name(new, reports), case, *share == Share::Plain);
        cases.push(Case {
            number: index + 1,
            open: open == Some(*index),
            label: label(group),
            changes: group.parts.iter().map(|(_, case, _)| (case.change.word(), mark(case.change))).collect(),
            charts: charts(curves, scale, reports, &mut frames),
            numbers: group.parts.iter().map(|(new, case, _)| numbers((*new, case))).collect(),
        });
    }
    (cases, frames.symbols())
}

/// A case in one line: its label, and the metric that stands for it in each new report.
fn line(group: &Group<'_>) -> (String, String) {
    let parts = group.parts.iter().map(|(_, case, _)| {
        let stands = case.metrics.iter().find(|metric| metric.confirmatory);
        stands.map_or(NONE.to_owned(), in_short)
    });
    (label(group), parts.collect::<Vec<_>>().join(" · "))
}

/// The decision of a gate, if there is a single new report.
fn one(others: &[(&Report, &Comparison)]) -> Option<GateOutcome> {
    match others {
        [(_, comparison)] => Some(comparison.decision.outcome),
        _ => None,
    }
}

/// The decision in the title, before the counts.
fn said(others: &[(&Report, &Comparison)]) -> String {
    one(others).map_or_else(String::new, |gate| format!("{}: ", gate.word()))
}

/// The name of a new report on the page.
fn name(new: usize, of: usize) -> String {
    if of == 1 { "new".to_owned() } else { format!("new {}", new + 1) }
}

fn label(group: &Group<'_>) -> String {
    group.parts.first().map(|(_, case, _)| case.label.html(MAX_TEXT)).unwrap_or_default()
}

/// The cases of all comparisons. Those that changed in any of them come first. A case of the baseline appears once.
fn groups<'c>(base: &'c Report, others: &[(&'c Report, &'c Comparison)]) -> Vec<Group<'c>> {
    let mut groups: Vec<Group<'c>> = Vec::new();
    let mut of_base: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (new, (report, comparison)) in others.iter().enumerate() {
        for case in &comparison.cases {
            let found = case.new_index.and_then(|index| report.cases.get(index));
            let known = case.base_index.and_then(|index| of_base.get(&index)).into_iter().flatten();
            let open = known.copied().find(|group| groups[*group].parts.iter().all(|(other, ..)| *other != new));
            if let Some(group) = open {
                groups[group].parts.push((new, case, found));
                continue;
            }
            if let Some(index) = case.base_index {
                of_base.entry(index).or_default().push(groups.len());
            }
            let base = case.base_index.and_then(|index| base.cases.get(index));
            groups.push(Group { base, parts: vec![(new, case, found)] });
        }
    }
    groups.sort_by_key(|group| group.parts.iter().map(|(_, case, _)| case.change).min());
    groups
}

fn points(share: Share) -> u32 {
    if share == Share::Plain { FEW_POINTS } else { POINTS }
}

/// The curves of the baseline and of the new reports, for each latency.
fn curves(group: &Group<'_>, points: u32) -> Vec<Vec<(Ink, Curve)>> {
    let of = |ink, case: Option<&CaseRecord>, get: Get| {
        let summary = case.and_then(|case| case.summary.as_ref())?;
        let curve = Curve::of(get(&summary.latency), points);
        (!curve.points.is_empty()).then_some((ink, curve))
    };
    let latency = |get| {
        let new = group.parts.iter().filter_map(move |(new, _, case)| of(INKS[new + 1], *case, get));
        of(INKS[0], group.base, get).into_iter().chain(new).collect()
    };
    DRAWN.iter().map(|(_, get)| latency(*get)).collect()
}

fn scale(curves: &[Vec<Vec<(Ink, Curve)>>]) -> (Nines, Decades) {
    let points = || curves.iter().flatten().flatten().flat_map(|(_, curve)| &curve.points).copied();
    let nines = points().map(|(at, _)| at).fold(2.0, f64::max);
    let times: Vec<f64> = points().filter(|(at, _)| *at >= 0.125).map(|(_, ns)| ns).collect();
    (Nines { tenths: (nines * 10.0).ceil() as u32 }, Decades::around(times.iter().copied()))
}

fn charts(
    curves: &[Vec<(Ink, Curve)>],
    (nines, decades): (Nines, Decades),
    reports: usize,
    frames: &mut Frames,
) -> Vec<(&'static str, String)> {
    let Some(legend) = LEGENDS.get(reports.saturating_sub(1)) else { return Vec::new() };
    let line = |(ink, curve): &(Ink, Curve)| {
        let points = curve.points.iter().copied().filter(|(_, ns)| decades.holds(*ns));
        Line { ink: *ink, points: points.collect() }
    };
    let drawn = DRAWN.iter().zip(curves).filter(|(_, curves)| !curves.is_empty());
    drawn
        .map(|((name, _), curves)| {
            let lines: Vec<Line> = curves.iter().map(line).collect();
            (*name, chart(frames, Frame::Percentiles(nines, decades, legend), "base and new, by percentile", &lines))
        })
        .collect()
}

fn counts(comparison: &Comparison) -> String {
    let counts = &comparison.counts;
    let told = [
        (counts.regressed, Change::Regressed),
        (counts.improved, Change::Improved),
        (counts.inconclusive, Change::Inconclusive),
        (counts.incomparable, Change::Incomparable),
        (counts.added, Change::Added),
        (counts.removed, Change::Removed),
        (counts.unchanged, Change::Unchanged),
    ];
    let told = told.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, change)| format!("{} {}", human::count(*count), change.word())).collect();
    if told.is_empty() { "no cases".to_owned() } else { told.join(", ") }
}

fn sides(others: &[(&Report, &Comparison)]) -> Vec<SideView> {
    let view = |side: &Side, class, role| SideView {
        class,
        role,
        label: side.label.html(120),
        created_at: moment(&side.created_at),
        version: side.tool_version.html(40),
        cases: human::counted(side.cases, "case"),
        decision: None,
        counts: String::new(),
        lines: Vec::new(),
    };
    let base = others.first().map(|(_, comparison)| view(&comparison.base, INKS[0].class(), "base".to_owned()));
    let new = others.iter().enumerate().map(|(index, (_, comparison))| SideView {
        decision: Some((comparison.decision.outcome.word(), spans(&comparison.decision.reason.html(MAX_TEXT)))),
        counts: counts(comparison),
        lines: lines(comparison),
        ..view(&comparison.new, INKS[index + 1].class(), name(index, others.len()))
    });
    base.into_iter().chain(new).collect()
}

/// The conditions to which changes are confined, the differences between the sides, and the notes.
fn lines(comparison: &Comparison) -> Vec<String> {
    const MOST_LINES: usize = 40;
    let known = |value: &Option<Untrusted>| value.as_ref().map_or(NONE.to_owned(), |value| value.html(120));
    let differences = comparison.decision.differences.iter().map(|difference| {
        let what = difference.what.html(120);
        format!("differs: {what}: {} in base, {} in new", known(&difference.base), known(&difference.new))
    });
    let attribution = comparison.attribution.iter().map(|line| line.html(MAX_TEXT));
    let notes = comparison.decision.notes.iter().map(|line| line.html(MAX_TEXT));
    attribution.chain(differences).chain(notes).take(MOST_LINES).collect()
}

/// Largest number of metrics with a column: more do not fit on a usual screen.
const MOST_COLUMNS: usize = 11;

/// The metrics with a column and those without one, in their own order. The one that decides has a column, then those that
/// changed in any case, then those that are not medians.
fn columns(groups: &[&Placed<'_>]) -> (Vec<&'static str>, Vec<&'static str>) {
    let all = || groups.iter().flat_map(|(.., group)| &group.parts).flat_map(|(_, case, _)| &case.metrics);
    let mut names: Vec<&'static str> = Vec::new();
    for metric in all() {
        if !names.contains(&metric.metric) {
            names.push(metric.metric);
        }
    }
    let rank = |name: &str| {
        let of = |wanted: Change| all().any(|metric| metric.metric == name && metric.change == wanted);
        if all().any(|metric| metric.metric == name && metric.confirmatory) {
            0
        } else if of(Change::Regressed) {
            1
        } else if name.ends_with("p50") || name.ends_with("p99.9") {
            4
        } else if of(Change::Improved) {
            2
        } else {
            3
        }
    };
    let mut ranked: Vec<(u8, usize)> = names.iter().enumerate().map(|(place, name)| (rank(name), place)).collect();
    ranked.sort_unstable();
    let shown: Vec<usize> = ranked.iter().take(MOST_COLUMNS).map(|(_, place)| *place).collect();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for (place, name) in names.into_iter().enumerate() {
        if shown.contains(&place) { with.push(name) } else { without.push(name) }
    }
    (with, without)
}

/// The table of the cases that have a row: for each metric the new value and the ratio, by which it is sorted. Also returns the metrics
/// without a column.
fn listing(placed: &[Placed<'_>], reports: usize) -> (Vec<&'static str>, Vec<&'static str>, Vec<Row>) {
    let listed: Vec<&Placed<'_>> = placed.iter().filter(|(_, share, _)| *share != Share::Line).collect();
    let (heads, without) = columns(&listed);
    let mut rows = Vec::new();
    for (index, share, group) in listed {
        for (new, case, _) in &group.parts {
            let cell = |head: &&'static str| {
                let metric = case.metrics.iter().find(|metric| metric.metric == *head);
                metric.map_or((NONE.to_owned(), String::new()), |metric| {
                    let key = metric.ratio.map(|ratio| format!("{ratio:.4}")).unwrap_or_default();
                    (in_short(metric), key)
                })
            };
            rows.push(Row {
                number: index + 1,
                in_full: *share != Share::Row,
                change: case.change.word(),
                mark: mark(case.change),
                new: name(*new, reports),
                label: case.label.html(MAX_TEXT),
                cells: heads.iter().map(cell).collect(),
            });
        }
    }
    (heads, without, rows)
}

/// A metric in a cell: the ratio and the mark. The metric that decides, and one without a ratio, also has its new value.
fn in_short(metric: &MetricComparison) -> String {
    let value = quantity(metric.new.value, metric.unit);
    let mark = mark(metric.change);
    match metric.ratio {
        Some(ratio) if metric.confirmatory => format!("{value}, {} {mark}", times(ratio)),
        Some(ratio) => format!("{} {mark}", times(ratio)),
        None => format!("{value} {mark}"),
    }
}

fn times(ratio: f64) -> String {
    if ratio < 100.0 { format!("{ratio:.2}x") } else { format!("{}x", human::count(ratio.round() as u64)) }
}

fn quantity(value: Option<f64>, unit: MetricUnit) -> String {
    let Some(value) = value else { return NONE.to_owned() };
    unit.show(value)
}

fn estimate(estimate: Estimate, unit: MetricUnit) -> String {
    let value = quantity(estimate.value, unit);
    match estimate.half_width {
        Some(half) if estimate.value.is_some() => format!("{value} ± {}", quantity(Some(half), unit)),
        _ => value,
    }
}

/// Every metric of a case in one new report, and the reason for its kind of change.
fn numbers(name: String, case: &CaseComparison, plain: bool) -> Numbers {
    let head = |text: &str, right| (text.to_owned(), right);
    let heads = ["base", "new", "ratio"].map(|text| head(text, true));
    let row = |metric: &MetricComparison| {
        let mut why = metric.reason.as_ref().map(|reason| reason.html(MAX_TEXT)).unwrap_or_default();
        if let Some(needed) = metric.repeats_needed {
            let more = format!("{} would tell", human::counted(needed, "repeat"));
            why = if why.is_empty() { more } else { format!("{why}; {more}") };
        }
        let decides = if metric.confirmatory { " (stands for the case)" } else { "" };
        vec![
            (format!("{}{decides}", metric.metric), false),
            (estimate(metric.base, metric.unit), true),
            (estimate(metric.new, metric.unit), true),
            (metric.ratio.map_or(NONE.to_owned(), |ratio| format!("{ratio:.3}x")), true),
            (format!("{} {}", mark(metric.change), metric.change.word()), false),
            (why, false),
        ]
    };
    let heads = [vec![head("metric", false)], heads.into(), vec![head("change", false), head("why", false)]].concat();
    let reason = spans(&case.decision.reason.html(MAX_TEXT));
    let metrics = Table { heads, rows: case.metrics.iter().map(row).collect() };
    let numbers = Numbers { name, reason, tested: tested(case), metrics, plain: String::new() };
    if !plain {
        return numbers;
    }
    let tested = if numbers.tested.rows.is_empty() { String::new() } else { numbers.tested.plain() + "\n" };
    Numbers { plain: tested + &numbers.metrics.plain(), ..numbers }
}

/// The tested metrics of a case, and by how much each changed.
fn tested(case: &CaseComparison) -> Table {
    let heads = [
        ("tested", false),
        ("base → new", true),
        ("shift", true),
        ("interval", true),
        ("margin", true),
        ("change", false),
    ];
    let row = |shift: Shift| {
        let says = format!("{} {}", mark(shift.change), shift.change.word());
        vec![
            (shift.metric, false),
            (shift.values, true),
            (shift.moved, true),
            (shift.interval, true),
            (shift.margin, true),
            (says, false),
        ]
    };
    let rows = shift::shown(&case.decision).into_iter().map(row).collect();
    Table { heads: heads.iter().map(|(text, right)| ((*text).to_owned(), *right)).collect(), rows }
}

/// The name of a metric as a heading, which breaks between words.
fn in_words(metric: &str) -> String {
    metric.replace(['.', '_'], " ").replace("p99 9", "p99.9")
}
