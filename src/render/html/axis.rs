//! The axes of the charts.

use crate::render::parts::numbers;
use crate::units::human;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// The pixel for `value`, if `range` is mapped to the pixels between two limits.
fn place(value: f64, range: &Range<f64>, pixels: (i32, i32)) -> i32 {
    let share = ((value - range.start) / (range.end - range.start)).clamp(0.0, 1.0);
    pixels.0 + (f64::from(pixels.1 - pixels.0) * share).round() as i32
}

/// Times in nanoseconds on a logarithmic scale, from one power of ten to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decades {
    /// Exponent of the lowest.
    pub low: i32,
    /// Exponent of the highest; above `low`.
    pub high: i32,
}

impl Decades {
    /// Whether a time lies within the axis.
    pub fn holds(self, ns: f64) -> bool {
        ns >= 10_f64.powi(self.low) * 0.999
    }

    /// The fewest decades that contain all times: at least two, and none below a nanosecond.
    pub fn around(times: impl Iterator<Item = f64> + Clone) -> Self {
        let least = times.clone().fold(f64::INFINITY, f64::min);
        let most = times.fold(0.0, f64::max);
        if !least.is_finite() || most <= 0.0 {
            return Self { low: 2, high: 6 };
        }
        let low = (least.max(1.0).log10().floor() as i32).clamp(0, 12);
        let high = (most.max(1.0).log10().ceil() as i32).clamp(low + 2, 14);
        Self { low, high }
    }
}

impl Ranged for Decades {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, ns: &f64, pixels: (i32, i32)) -> i32 {
        place(ns.max(1.0).log10(), &(f64::from(self.low)..f64::from(self.high)), pixels)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        (self.low..=self.high).map(|exponent| 10_f64.powi(exponent)).collect()
    }

    fn range(&self) -> Range<f64> {
        10_f64.powi(self.low)..10_f64.powi(self.high)
    }
}

impl ValueFormatter<f64> for Decades {
    fn format_ext(&self, ns: &f64) -> String {
        numbers::plain_mean(Some(*ns))
    }
}

/// Logs per second on a logarithmic scale, from one rate to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loads {
    /// The lowest, at least 1.
    pub low: u64,
    /// The highest, above `low`.
    pub high: u64,
}

impl Loads {
    /// A scale that contains all rates.
    pub fn around(rates: impl Iterator<Item = f64> + Clone) -> Self {
        let least = rates.clone().fold(f64::INFINITY, f64::min).max(1.0);
        let most = rates.fold(1.0, f64::max);
        // The casts saturate.
        let low = if least.is_finite() { least as u64 } else { 1 };
        Self { low, high: (most.ceil() as u64).max(low.saturating_mul(2)) }
    }
}

impl Ranged for Loads {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, rate: &f64, pixels: (i32, i32)) -> i32 {
        let [low, high] = [self.low, self.high].map(|rate| (rate as f64).log10());
        place(rate.max(1.0).log10(), &(low..high), pixels)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        let range = self.range();
        let is_wide = range.end / range.start > 200.0;
        let steps = (0..19).flat_map(|exponent| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(exponent)));
        let is_shown = |rate: &f64| range.contains(rate) && (!is_wide || rate.log10().fract().abs() < 1e-9);
        steps.filter(is_shown).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low as f64..self.high as f64
    }
}

impl ValueFormatter<f64> for Loads {
    fn format_ext(&self, rate: &f64) -> String {
        human::rate(*rate)
    }
}

/// Percentiles as HdrHistogram plots them: each further nine takes the same space. A value is a number of nines,
/// `log10(1 / (1 - quantile))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nines {
    /// Tenths of the largest number of nines.
    pub tenths: u32,
}

/// The labelled quantiles, each with its label.
const LABELLED: [(f64, &str); 8] = [
    (0.5, "50%"),
    (0.9, "90%"),
    (0.99, "99%"),
    (0.999, "99.9%"),
    (0.9999, "99.99%"),
    (0.999_99, "99.999%"),
    (0.999_999, "99.9999%"),
    (0.999_999_9, "99.99999%"),
];

/// The number of nines of a quantile below 1.
pub(super) fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

impl Nines {
    fn most(self) -> f64 {
        f64::from(self.tenths) / 10.0
    }
}

impl Ranged for Nines {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, pixels: (i32, i32)) -> i32 {
        place(*value, &(0.0..self.most()), pixels)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        // From six nines on, the labels would touch each other.
        let crowded = self.most() >= 5.5;
        let shown = LABELLED.iter().filter(|(quantile, _)| !crowded || *quantile != 0.5);
        shown.map(|(quantile, _)| nines(*quantile)).filter(|nines| *nines <= self.most() + 1e-6).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.most()
    }
}

impl ValueFormatter<f64> for Nines {
    fn format_ext(&self, value: &f64) -> String {
        let near = |(quantile, _): &&(f64, &str)| (nines(*quantile) - value).abs() < 1e-3;
        LABELLED.iter().find(near).map_or_else(String::new, |(_, label)| (*label).to_owned())
    }
}

/// The quantity on a linear axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Quantity {
    /// Nanoseconds since the window began.
    Time,
    /// Logs per second.
    Rate,
    /// Runs, from 1.
    Runs,
    /// Percent.
    Percent,
}

/// From zero to `most`, in round steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Linear {
    /// The quantity.
    pub quantity: Quantity,
    /// The end of the axis, above 0.
    pub most: u64,
    /// Largest number of steps.
    pub steps: u32,
}

impl Linear {
    /// The smallest of 1, 2, 5, 10, 20 … with which at most `steps` steps are needed.
    fn step(self) -> f64 {
        let least = self.most as f64 / f64::from(self.steps);
        let decade = 10_f64.powf(least.log10().floor());
        [1.0, 2.0, 5.0]
            .map(|step| step * decade)
            .into_iter()
            .find(|step| *step >= least * 0.999)
            .unwrap_or(decade * 10.0)
    }
}

impl Ranged for Linear {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, pixels: (i32, i32)) -> i32 {
        place(*value, &self.range(), pixels)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        let step = self.step();
        let count = (self.most as f64 / step + 1e-9).floor() as u32;
        (0..=count).map(|index| f64::from(index) * step).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.most as f64
    }
}

impl ValueFormatter<f64> for Linear {
    fn format_ext(&self, value: &f64) -> String {
        let text = match self.quantity {
            _ if *value == 0.0 => return "0".into(),
            Quantity::Time => numbers::plain_mean(Some(*value)),
            Quantity::Rate => human::rate(*value),
            Quantity::Runs => format!("{value:.0}"),
            Quantity::Percent => format!("{value:.0}%"),
        };
        // The steps are round, so `10.0k/s` would claim a precision that is not meant.
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        match number.contains('.') {
            true => format!("{}{unit}", number.trim_end_matches('0').trim_end_matches('.')),
            false => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels<R: Ranged<ValueType = f64> + ValueFormatter<f64>>(axis: &R) -> Vec<String> {
        axis.key_points(10).iter().map(|value| axis.format_ext(value)).collect()
    }

    #[test]
    fn times_get_a_label_for_each_decade() {
        assert_eq!(labels(&Decades { low: 2, high: 6 }), ["100 ns", "1 µs", "10 µs", "100 µs", "1 ms"]);
        let around = |times: &[f64]| Decades::around(times.iter().copied());
        assert_eq!(around(&[431.0, 9.87e6]), Decades { low: 2, high: 7 });
        assert_eq!(around(&[1_000.0]), Decades { low: 3, high: 5 });
        assert_eq!(around(&[0.0, 40.0]), Decades { low: 0, high: 2 });
        assert_eq!(around(&[]), Decades { low: 2, high: 6 });
    }

    #[test]
    fn each_nine_takes_the_same_room() {
        let axis = Nines { tenths: 30 };
        assert_eq!(labels(&axis), ["50%", "90%", "99%", "99.9%"]);
        let at: Vec<i32> = [0.9, 0.99, 0.999].iter().map(|q| axis.map(&nines(*q), (0, 300))).collect();
        assert_eq!(at, [100, 200, 300]);
    }

    #[test]
    fn linear_axes_have_round_steps() {
        let axis = |quantity, most, steps| labels(&Linear { quantity, most, steps });
        assert_eq!(axis(Quantity::Time, 2_000_000_000, 5), ["0", "500 ms", "1 s", "1.5 s", "2 s"]);
        assert_eq!(axis(Quantity::Rate, 10_000, 2), ["0", "5k/s", "10k/s"]);
        assert_eq!(axis(Quantity::Rate, 1, 3), ["0", "0.5/s", "1/s"]);
        assert_eq!(axis(Quantity::Time, 30_000_000_000, 5), ["0", "10 s", "20 s", "30 s"]);
    }
}
