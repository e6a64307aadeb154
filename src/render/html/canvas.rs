//! The canvas of plotters: SVG elements with classes instead of colours, so that one style sheet serves light, dark
//! and print. The elements are short, because a report may contain thousands of charts.

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;
use std::fmt::Write as _;

/// A class of the style sheet to draw with. Plotters only knows colours, so each class is passed through it as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ink(pub u8);

/// The classes by number. `style.css` defines what they look like.
const CLASSES: [&str; 12] = ["ax", "gr", "tx", "c1", "c2", "c3", "c4", "tg", "mx", "ra", "rr", "c5"];

impl Ink {
    /// Axes.
    pub const AXIS: Self = Self(0);
    /// Grid.
    pub const GRID: Self = Self(1);
    /// Labels.
    pub const TEXT: Self = Self(2);
    /// `enqueue`; the first of several.
    pub const FIRST: Self = Self(3);
    /// `response`; the second of several.
    pub const SECOND: Self = Self(4);
    /// `delivery`; the third of several.
    pub const THIRD: Self = Self(5);
    /// The fourth of several.
    pub const FOURTH: Self = Self(6);
    /// The target.
    pub const TARGET: Self = Self(7);
    /// Logs accepted over time.
    pub const ACCEPTED: Self = Self(9);
    /// Logs refused over time.
    pub const REFUSED: Self = Self(10);
    /// Largest values over time.
    pub const LARGEST: Self = Self(8);

    /// The colour that stands for it inside plotters.
    pub fn color(self) -> plotters::style::RGBColor {
        plotters::style::RGBColor(0, 0, self.0)
    }

    /// Its class.
    pub fn class(self) -> &'static str {
        CLASSES.get(usize::from(self.0)).copied().unwrap_or(CLASSES[0])
    }
}

/// Height of a label in units of the canvas.
pub(super) const FONT: i32 = 22;

/// An SVG under construction.
pub(super) struct Canvas<'o> {
    /// Where the elements go.
    pub out: &'o mut String,
    /// Size in units.
    pub size: (u32, u32),
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

fn class_of(color: BackendColor) -> &'static str {
    Ink(color.rgb.2).class()
}

impl Canvas<'_> {
    fn put(&mut self, text: std::fmt::Arguments<'_>) -> Drawn {
        self.out.write_fmt(text).expect("writing into memory does not fail");
        Ok(())
    }
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.put(format_args!("<path class={} d=\"M{x} {y}h1\"/>", class_of(color)))
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: BackendCoord, b: BackendCoord, style: &S, _fill: bool) -> Drawn {
        let (width, height) = (b.0 - a.0, b.1 - a.1);
        let class = class_of(style.color());
        self.put(format_args!("<rect class={class} x={} y={} width={width} height={height} />", a.0, a.1))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        // Plotters draws strokes of width zero if it is told to draw none.
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let (class, data) = (class_of(style.color()), path_data(&simplified(path.into_iter())));
        // The lines of a grid become one path: axes are cloned into every chart, and each element costs a browser time.
        let joins = class == Ink::GRID.class() && self.out.ends_with("\"/>");
        if joins && self.out.rfind("<path").is_some_and(|at| self.out[at..].starts_with("<path class=gr ")) {
            self.out.truncate(self.out.len() - "\"/>".len());
            return self.put(format_args!("{data}\"/>"));
        }
        self.put(format_args!("<path class={class} d=\"{data}\"/>"))
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, style: &S, _fill: bool) -> Drawn {
        self.put(format_args!("<circle class={} cx={x} cy={y} r={radius} />", class_of(style.color())))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let points = simplified(path.into_iter());
        self.put(format_args!("<path class={} d=\"{}z\"/>", class_of(style.color()), path_data(&points)))
    }

    /// Only labels of axes are written, which are our own numbers.
    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        // Plotters puts labels directly at the axis. They are moved away from it by a third of a letter.
        let (anchor, x) = match style.anchor().h_pos {
            HPos::Left => ("ts", x),
            HPos::Center => ("tm", x),
            HPos::Right => ("te", x - FONT / 3),
        };
        let y = y + match style.anchor().v_pos {
            VPos::Top => FONT * 5 / 4,
            VPos::Center => FONT / 3,
            VPos::Bottom => 0,
        };
        self.put(format_args!("<text class={anchor} x={x} y={y}>{text}</text>"))
    }

    /// An estimate that is good enough to leave room: digits are about half as wide as they are high.
    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        _style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        Ok((characters.saturating_mul(12), FONT.unsigned_abs()))
    }
}

/// Without the points that lie on the straight line between their neighbours.
fn simplified(points: impl Iterator<Item = BackendCoord>) -> Vec<BackendCoord> {
    let mut kept: Vec<BackendCoord> = Vec::new();
    for point in points {
        if kept.last() == Some(&point) {
            continue;
        }
        if let [.., a, b] = kept[..] {
            let (first, second) = ((b.0 - a.0, b.1 - a.1), (point.0 - b.0, point.1 - b.1));
            let straight = i64::from(first.0) * i64::from(second.1) == i64::from(first.1) * i64::from(second.0);
            let onward = i64::from(first.0) * i64::from(second.0) + i64::from(first.1) * i64::from(second.1) > 0;
            if straight && onward {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}

/// An absolute start and relative steps, the shortest form of a path.
fn path_data(points: &[BackendCoord]) -> String {
    let mut data = String::new();
    let mut last = None;
    for &(x, y) in points {
        let step = match last {
            None => format!("M{x} {y}"),
            Some((_, last_y)) if last_y == y => format!("h{}", x - last.map_or(0, |(x, _)| x)),
            Some((last_x, last_y)) if last_x == x => format!("v{}", y - last_y),
            Some((last_x, last_y)) => format!("l{} {}", x - last_x, y - last_y),
        };
        data.push_str(&step);
        last = Some((x, y));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_only_where_it_bends() {
        for (points, data) in [
            (vec![(0, 0), (1, 1), (2, 2), (5, 2)], "M0 0l2 2h3"),
            (vec![(4, 4), (4, 4), (4, 9), (4, 2)], "M4 4v5v-7"),
            (vec![(7, 7)], "M7 7"),
            (vec![], ""),
        ] {
            assert_eq!(path_data(&simplified(points.into_iter())), data);
        }
    }
}
