//! The charts of a case: its curves and its series, on scales that all cases of a page share.

use super::axis::{Decades, Nines};
use super::canvas::Ink;
use super::chart::{Frame, Frames, Legend, Line, chart};
use super::curve::Curve;
use super::series::OverTime;
use crate::report::{CaseRecord, LatencySummary, Report};

const LATENCIES: Legend =
    &[(Ink::FIRST, "enqueue"), (Ink::SECOND, "response"), (Ink::THIRD, "delivery"), (Ink::TARGET, "target")];
const LAGS: Legend =
    &[(Ink::THIRD, "lag before"), (Ink::FIRST, "lag"), (Ink::FOURTH, "timer before"), (Ink::SECOND, "timer lag")];

/// The charts of a case, each our own SVG; empty if there is nothing to draw.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Charts {
    /// Latency by percentile.
    pub curve: String,
    /// Over time.
    pub series: String,
    /// Lag before and during.
    pub lag: String,
}

/// What all charts of a page share.
pub(super) struct Scale {
    decades: Decades,
    nines: Nines,
    lag: Decades,
    time: Decades,
}

/// The curves and the series of a case, before their scale is known.
pub(super) struct Drawn {
    latency: Vec<(Ink, Curve)>,
    lag: Vec<(Ink, Curve)>,
    series: OverTime,
}

impl Drawn {
    /// Reads the histograms of each case.
    pub fn of(report: &Report, in_full: &[bool]) -> Vec<Self> {
        let one = |(case, in_full): (&CaseRecord, &bool)| {
            let (points, steps, timer) = if *in_full { (61, 80, true) } else { (15, 12, false) };
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
                curve(Ink::FOURTH, set.filter(|_| timer).and_then(|set| set.timer_lag_before.as_ref())),
                curve(Ink::SECOND, set.filter(|_| timer).and_then(|set| set.timer_lag.as_ref())),
            ];
            let some = |curves: Vec<Option<(Ink, Curve)>>| {
                curves.into_iter().flatten().filter(|(_, curve)| !curve.points.is_empty()).collect()
            };
            Self { latency: some(latency.into()), lag: some(lag.into()), series: OverTime::of(case, steps) }
        };
        report.cases.iter().zip(in_full).map(one).collect()
    }
}

impl Scale {
    /// The scale that contains all values.
    pub fn of(report: &Report, drawn: &[Drawn]) -> Self {
        let points = |curves: fn(&Drawn) -> &Vec<(Ink, Curve)>| {
            drawn.iter().flat_map(curves).flat_map(|(_, curve)| &curve.points).copied()
        };
        let targets = report.scenarios.iter().map(|scenario| scenario.target.latency.0 as f64);
        // The very shortest times would add decades to the axis that nobody looks at.
        let usual = |(at, _): &(f64, f64)| *at >= 0.125;
        let most = points(|drawn| &drawn.latency).chain(points(|drawn| &drawn.lag)).map(|(at, _)| at);
        let nines = most.fold(2.0, f64::max);
        Self {
            decades: Decades::around(points(|drawn| &drawn.latency).filter(usual).map(|(_, ns)| ns).chain(targets)),
            nines: Nines { tenths: (nines * 10.0).ceil() as u32 },
            lag: Decades::around(points(|drawn| &drawn.lag).filter(usual).map(|(_, ns)| ns)),
            time: Decades::around(drawn.iter().flat_map(|drawn| drawn.series.times())),
        }
    }
}

fn lines(curves: &[(Ink, Curve)], decades: Decades) -> Vec<Line> {
    let line = |(ink, curve): &(Ink, Curve)| {
        let points = curve.points.iter().copied().filter(|(_, ns)| decades.holds(*ns));
        Line { ink: *ink, points: points.collect() }
    };
    curves.iter().map(line).collect()
}

impl Drawn {
    /// The charts; `target` is the case's own, in nanoseconds.
    pub fn charts(&self, target: Option<f64>, scale: &Scale, frames: &mut Frames) -> Charts {
        Charts {
            curve: self.curve(target, scale, frames),
            series: self.series.charts(frames, scale.time),
            lag: self.lag(scale, frames),
        }
    }

    fn curve(&self, target: Option<f64>, scale: &Scale, frames: &mut Frames) -> String {
        if self.latency.is_empty() {
            return String::new();
        }
        let mut lines = lines(&self.latency, scale.decades);
        let whole = |ns| vec![(0.0, ns), (f64::from(scale.nines.tenths) / 10.0, ns)];
        lines.extend(target.map(|ns| Line { ink: Ink::TARGET, points: whole(ns) }));
        let frame = Frame::Percentiles(scale.nines, scale.decades, LATENCIES);
        chart(frames, frame, "enqueue, response, delivery by percentile", &lines)
    }

    fn lag(&self, scale: &Scale, frames: &mut Frames) -> String {
        if self.lag.is_empty() {
            return String::new();
        }
        let frame = Frame::Percentiles(scale.nines, scale.lag, LAGS);
        chart(frames, frame, "lag before and during the load, by percentile", &lines(&self.lag, scale.lag))
    }
}
