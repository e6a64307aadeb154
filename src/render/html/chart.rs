//! The charts. All charts of a kind share one scale, so that cases can be compared by eye; its axes are drawn once, as a
//! symbol that each chart refers to.

use super::axis::{Decades, Linear, Loads, Nines};
use super::canvas::{Canvas, FONT, Ink};
use plotters::chart::ChartBuilder;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::drawing::IntoDrawingArea;
use plotters::element::Circle;
use plotters::series::LineSeries;
use plotters::style::{Color, IntoFont, TRANSPARENT};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Width of every chart in units; two to a pixel at its usual size.
const WIDTH: u32 = 960;
/// Room for the labels of the vertical axis.
const LEFT: u32 = 108;

/// Height of a legend in units.
const LEGEND: u32 = 40;

/// The frame of a chart: two axes and a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Frame {
    /// Latency by percentile.
    Percentiles(Nines, Decades, Legend),
    /// Latency over time.
    Times(Linear, Decades, Legend),
    /// Logs per second over time.
    Rates(Linear, Linear, Legend),
    /// Latency by offered load.
    Loads(Loads, Decades, Legend),
    /// Shares by run.
    Runs(Linear, Linear, Legend),
}

/// Ink and name of each line of a chart.
pub(super) type Legend = &'static [(Ink, &'static str)];

impl Frame {
    /// Height without the legend.
    fn inner_height(self) -> u32 {
        match self {
            Self::Percentiles(..) => 580,
            Self::Times(..) => 370,
            Self::Rates(..) => 170,
            Self::Loads(..) => 480,
            Self::Runs(..) => 300,
        }
    }

    fn height(self) -> u32 {
        self.inner_height() + LEGEND
    }

    fn legend(self) -> Legend {
        match self {
            Self::Percentiles(.., legend)
            | Self::Times(.., legend)
            | Self::Rates(.., legend)
            | Self::Loads(.., legend)
            | Self::Runs(.., legend) => legend,
        }
    }

    /// Draws its axes, or the lines that go into it.
    fn draw(self, out: &mut String, content: Content<'_>) {
        let canvas = Canvas { out, size: (WIDTH, self.inner_height()) };
        match self {
            Self::Percentiles(x, y, _) => draw(canvas, x, y, content),
            Self::Times(x, y, _) => draw(canvas, x, y, content),
            Self::Rates(x, y, _) => draw(canvas, x, y, content),
            Self::Loads(x, y, _) => draw(canvas, x, y, content),
            Self::Runs(x, y, _) => draw(canvas, x, y, content),
        }
    }

    /// Draws the legend below the axes.
    fn draw_legend(self, out: &mut String) {
        let y = self.inner_height() + LEGEND - 12;
        let mut x = LEFT;
        for (ink, name) in self.legend() {
            let class = ink.class();
            write!(out, "<path class={class} d=\"M{x} {}h44\"/><text x={} y={y}>{name}</text>", y - 7, x + 54)
                .expect("in memory");
            x += 54 + 12 * u32::try_from(name.len()).unwrap_or(0) + 28;
        }
    }
}

/// The frames of a page, by number in the order of their first use.
#[derive(Debug, Default)]
pub(super) struct Frames {
    numbers: BTreeMap<Frame, usize>,
}

impl Frames {
    fn number(&mut self, frame: Frame) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(frame).or_insert(next)
    }

    /// The axes of all frames that were used.
    pub fn symbols(&self) -> String {
        let mut out = String::new();
        for (frame, number) in &self.numbers {
            write!(out, "<symbol id=f{number} viewBox=\"0 0 {WIDTH} {}\">", frame.height()).expect("in memory");
            frame.draw(&mut out, Content::Axes);
            frame.draw_legend(&mut out);
            out.push_str("</symbol>");
        }
        out
    }
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its ink.
    pub ink: Ink,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

#[derive(Clone, Copy)]
enum Content<'l> {
    Axes,
    Lines(&'l [Line]),
}

fn draw<X, Y>(canvas: Canvas<'_>, x: X, y: Y, content: Content<'_>)
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    const FITS: &str = "drawing into memory does not fail";
    let area = canvas.into_drawing_area();
    let mut builder = ChartBuilder::on(&area);
    builder.margin_top(14).margin_right(34).x_label_area_size(44).y_label_area_size(LEFT);
    let mut chart = builder.build_cartesian_2d(x, y).expect(FITS);
    match content {
        Content::Axes => {
            let label = ("sans-serif", FONT).into_font().color(&Ink::TEXT.color());
            let mut mesh = chart.configure_mesh();
            mesh.light_line_style(TRANSPARENT).bold_line_style(Ink::GRID.color()).axis_style(Ink::AXIS.color());
            mesh.label_style(label).x_labels(20).y_labels(20).set_all_tick_mark_size(0).draw().expect(FITS);
        }
        Content::Lines(lines) => {
            for line in lines {
                let color = line.ink.color();
                match line.points[..] {
                    [only] => chart.draw_series([Circle::new(only, 5, color.filled())]).map(drop).expect(FITS),
                    _ => {
                        let series = LineSeries::new(line.points.iter().copied(), color);
                        chart.draw_series(series).map(drop).expect(FITS);
                    }
                }
            }
        }
    }
}

/// One chart. `title` is our own text.
pub(super) fn chart(frames: &mut Frames, frame: Frame, title: &str, lines: &[Line]) -> String {
    let number = frames.number(frame);
    let height = frame.height();
    let mut out = format!(
        "<svg class=ch viewBox=\"0 0 {WIDTH} {height}\" role=img><title>{title}</title><use href=#f{number} />"
    );
    frame.draw(&mut out, Content::Lines(lines));
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::html::axis::Quantity;

    #[test]
    fn charts_share_their_axes() {
        let mut frames = Frames::default();
        let seconds = Linear { quantity: Quantity::Time, most: 1_000_000_000, steps: 5 };
        let frame = Frame::Times(seconds, Decades { low: 2, high: 6 }, &[(Ink::FIRST, "p50")]);
        let line = |ink| Line { ink, points: vec![(0.0, 1e2), (1e9, 1e6)] };
        let one = chart(&mut frames, frame, "over time", &[line(Ink::FIRST), line(Ink::SECOND)]);
        let same = chart(&mut frames, frame, "over time", &[line(Ink::FIRST)]);
        assert!(one.contains("<use href=#f0 />") && same.contains("<use href=#f0 />"));
        assert_eq!(one.matches("<path").count(), 2);
        assert_eq!(frames.symbols().matches("<symbol").count(), 1);
        assert!(frames.symbols().contains(">10 µs</text>") && frames.symbols().contains(">p50</text>"));
    }
}
