//! From the lines of a history to a series for each case and kind of machine, with its change points.

use super::changes::change_points;
use super::entry::Entry;
use crate::compare::{MetricUnit, metric_unit};
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most points of a series, the last ones: the work grows with their square.
pub const MOST_POINTS: usize = 200;

/// What is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Name of a metric of `compare`.
    pub metric: String,
    /// Probability of a change point in a series that has none.
    pub alpha: f64,
}

/// How a metric developed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// Name of the metric.
    pub metric: Untrusted,
    /// Its unit.
    pub unit: MetricUnit,
    /// Whether a larger value is a worse one.
    pub larger_is_worse: bool,
    /// Probability of a change point in a series that has none.
    pub alpha: f64,
    /// A series for each case and kind of machine: those that changed last come first.
    pub series: Vec<Series>,
}

/// A case on one kind of machine. Values of unlike machines are never in one series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// Name of the scenario.
    pub scenario: Untrusted,
    /// Id of the case.
    pub case: Untrusted,
    /// The kind of machine and build, in words.
    pub machine: Untrusted,
    /// The runs in order of time.
    pub points: Vec<Point>,
    /// Runs of which the case could not be trusted, or did not have the metric. They are left out.
    pub without_value: u64,
    /// Earlier runs that are left out, since a series has at most 200 points.
    pub earlier: u64,
    /// Its change points, ascending.
    pub changes: Vec<Change>,
}

/// The value of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// When the run began.
    pub created_at: Untrusted,
    /// The digest of its report.
    pub run: Untrusted,
    /// Commit of the working directory.
    pub commit: Option<Untrusted>,
    /// The median over its repeats.
    pub value: f64,
    #[serde(skip)]
    kernel: Option<Untrusted>,
    #[serde(skip)]
    tool: Untrusted,
    #[serde(skip)]
    queue_version: Option<Untrusted>,
}

/// A change point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Index of the first point after it.
    pub at: usize,
    /// The probability of such a division if the order of the values meant nothing.
    pub p: f64,
    /// Median of the points since the change point before.
    pub before: f64,
    /// Median of the points until the next change point.
    pub after: f64,
    /// Whether the later values are the worse ones.
    pub is_worse: bool,
    /// What else is not the same in the last run before and the first run after it.
    pub with: Vec<Untrusted>,
}

impl Change {
    /// The change as a share of the earlier value; `None` if that is zero.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.before != 0.0).then(|| self.after / self.before - 1.0)
    }
}

/// The trend of a metric; `None` if there is no such metric.
#[must_use]
pub fn trend(entries: &[Entry], options: &Options) -> Option<Trend> {
    let (unit, larger_is_worse) = metric_unit(&options.metric)?;
    let mut by_key: BTreeMap<[&Untrusted; 3], Vec<&Entry>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for entry in entries {
        // A run may have been appended twice.
        if seen.insert((&entry.run, &entry.scenario, &entry.case)) {
            by_key.entry([&entry.scenario, &entry.case, &entry.machine]).or_default().push(entry);
        }
    }
    let mut series: Vec<Series> =
        by_key.into_values().filter_map(|lines| of_case(&lines, options, larger_is_worse)).collect();
    series.sort_by_key(|series| series.changes.last().map_or(usize::MAX, |last| series.points.len() - last.at));
    Some(Trend { metric: options.metric.as_str().into(), unit, larger_is_worse, alpha: options.alpha, series })
}

fn of_case(lines: &[&Entry], options: &Options, larger_is_worse: bool) -> Option<Series> {
    let first = lines.first()?;
    let mut points: Vec<Point> = lines.iter().filter_map(|line| point(line, &options.metric)).collect();
    let without_value = (lines.len() - points.len()) as u64;
    let time = |point: &Point| point.created_at.as_given().parse::<jiff::Timestamp>().ok();
    points.sort_by_key(time);
    let earlier = points.len().saturating_sub(MOST_POINTS);
    points.drain(..earlier);
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    let found = change_points(&values, options.alpha, first.seed(&options.metric));
    let ends: Vec<usize> = found.iter().map(|change| change.at).chain([values.len()]).collect();
    let mut from = 0;
    let mut changes = Vec::new();
    for (change, end) in found.iter().zip(&ends[1..]) {
        let (before, after) = (median(&values[from..change.at])?, median(&values[change.at..*end])?);
        let with = differences(&points[change.at - 1], &points[change.at]);
        let is_worse = (after > before) == larger_is_worse;
        changes.push(Change { at: change.at, p: change.p, before, after, is_worse, with });
        from = change.at;
    }
    Some(Series {
        scenario: first.scenario.clone(),
        case: first.case.clone(),
        machine: first.machine.clone(),
        points,
        without_value,
        earlier: earlier as u64,
        changes,
    })
}

/// The value of a run, if it can be trusted.
fn point(line: &Entry, metric: &str) -> Option<Point> {
    let is_trusted = matches!(line.outcome, Outcome::Pass | Outcome::Fail);
    let value = *line.metrics.get(&Untrusted::from(metric)).filter(|value| is_trusted && value.is_finite())?;
    Some(Point {
        created_at: line.created_at.clone(),
        run: line.run.clone(),
        commit: line.commit.clone(),
        value,
        kernel: line.kernel.clone(),
        tool: line.tool.clone(),
        queue_version: line.queue_version.clone(),
    })
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        even if even.is_multiple_of(2) => Some(sorted[middle - 1].midpoint(sorted[middle])),
        _ => Some(sorted[middle]),
    }
}

fn differences(before: &Point, after: &Point) -> Vec<Untrusted> {
    let short = |commit: &Option<Untrusted>| commit.as_ref().map(|commit| commit.as_given().chars().take(12).collect());
    let text = |text: &Option<Untrusted>| text.as_ref().map(|text| text.as_given().to_owned());
    let tool = |point: &Point| Some(point.tool.as_given().to_owned());
    let all: [(&str, Option<String>, Option<String>); 4] = [
        ("commit", short(&before.commit), short(&after.commit)),
        ("queue", text(&before.queue_version), text(&after.queue_version)),
        ("kernel", text(&before.kernel), text(&after.kernel)),
        ("queue-load", tool(before), tool(after)),
    ];
    let said = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    let differ = all.into_iter().filter(|(_, before, after)| before != after);
    differ.map(|(what, before, after)| format!("{what} {} → {}", said(before), said(after)).into()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::entry::VERSION;
    use super::*;

    fn line(run: usize, case: &str, machine: &str, value: f64) -> Entry {
        Entry {
            version: VERSION,
            run: format!("{run}").into(),
            created_at: format!("2026-01-{:02}T00:00:00Z", run + 1).into(),
            tool: "1".into(),
            commit: Some(format!("commit{run}").into()),
            kernel: Some(if run < 12 { "6.1" } else { "6.2" }.into()),
            machine: machine.into(),
            scenario: "s".into(),
            case: case.into(),
            queue_version: Some("1".into()),
            outcome: Outcome::Pass,
            repeats: 3,
            metrics: BTreeMap::from([("enqueue.trimmed_mean".into(), value)]),
        }
    }

    fn options(metric: &str) -> Options {
        Options { metric: metric.into(), alpha: 0.01 }
    }

    /// Twelve runs around 100, then as many around 150.
    fn stepped(case: &str) -> Vec<Entry> {
        (0..24).map(|run| line(run, case, "here", if run < 12 { 100.0 } else { 150.0 } + (run % 5) as f64)).collect()
    }

    #[test]
    fn a_change_is_told_with_its_size_and_what_else_changed() {
        let mut lines = stepped("a");
        // In whatever order they stand in the file.
        lines.rotate_left(7);
        lines.extend((0..24).map(|run| line(run, "b", "here", 100.0 + (run * 7 % 5) as f64)));
        let trend = trend(&lines, &options("enqueue.trimmed_mean")).unwrap();
        assert_eq!(trend.series.len(), 2);
        let [change] = trend.series[0].changes.as_slice() else { panic!("{:?}", trend.series[0].changes) };
        assert_eq!((trend.series[0].case.as_given(), change.at, change.is_worse), ("a", 12, true));
        assert_eq!((change.before, change.after), (101.5, 152.0));
        assert!((change.share().unwrap() - 0.4975).abs() < 0.001);
        assert_eq!(change.with, ["commit commit11 → commit12", "kernel 6.1 → 6.2"]);
        assert_eq!(trend.series[1].changes, []);
    }

    #[test]
    fn machines_are_not_mixed_and_what_cannot_be_trusted_is_left_out() {
        let mut lines = stepped("a");
        lines.iter_mut().skip(12).for_each(|line| line.machine = "there".into());
        lines[3].outcome = Outcome::Invalid;
        lines[4].metrics.clear();
        lines.push(lines[0].clone());
        let trend = trend(&lines, &options("enqueue.trimmed_mean")).unwrap();
        let counts: Vec<(usize, u64)> =
            trend.series.iter().map(|series| (series.points.len(), series.without_value)).collect();
        assert_eq!(counts, [(10, 2), (12, 0)]);
        assert!(trend.series.iter().all(|series| series.changes.is_empty()), "the step lies between two machines");
        assert_eq!(super::trend(&lines, &options("enqueues")), None);
        assert!(super::trend(&[], &options("memory")).unwrap().series.is_empty());
    }

    #[test]
    fn a_series_has_a_bound() {
        let lines: Vec<Entry> = (0..MOST_POINTS + 30)
            .map(|run| Entry { created_at: "2026-01-01T00:00:00Z".into(), ..line(run, "a", "here", 5.0) })
            .collect();
        let series = &trend(&lines, &options("enqueue.trimmed_mean")).unwrap().series[0];
        assert_eq!((series.points.len(), series.earlier), (MOST_POINTS, 30));
        assert_eq!(series.points[0].run, "30", "the last ones are kept");
    }
}
