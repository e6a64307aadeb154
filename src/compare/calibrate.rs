//! Compares identical code with itself: how far its repeats spread, and which change could still be found.

use super::Settings;
use super::family::most_tests;
use super::level::Level;
use crate::plan::Side;
use crate::report::{Calibration, CaseRecord, Report};

/// Slow-down that the proposed number of repeats finds in nine of ten gates.
const WANTED: f64 = 0.2;
/// Fewest repeats on each side for a spread.
const LEAST: usize = 3;

/// Fills in the calibration of every case of a report whose plan ran every repeat twice, as [`Side`]s.
pub fn calibrate(report: &mut Report) {
    let settings = Settings::of(report);
    let level = Level::beside_stalls(settings.alpha, most_tests(report.cases.len()));
    for case in &mut report.cases {
        case.calibration = Some(of(case, level));
    }
}

fn of(case: &CaseRecord, level: Level) -> Calibration {
    let side = |side: Side| -> Vec<f64> {
        let repeats = case.repeats.iter().filter(|repeat| Side::of_round(repeat.repeat) == side);
        let means = repeats.filter_map(|repeat| repeat.latency.enqueue.trimmed_mean_ns);
        means.filter(|mean| mean.is_finite() && *mean > 0.0).map(f64::ln).collect()
    };
    let (a, b) = (side(Side::First), side(Side::Second));
    let repeats = a.len().min(b.len());
    let mut calibration = Calibration { repeats: repeats as u64, ..Calibration::default() };
    if repeats < LEAST {
        return calibration;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let all: Vec<f64> = a.iter().chain(&b).copied().collect();
    let middle = mean(&all);
    let variance = all.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (all.len() - 1) as f64;
    let spread = variance.sqrt();
    let standard_error = spread * (2.0 / repeats as f64).sqrt();
    calibration.spread = Some(spread);
    calibration.difference = Some((mean(&a) - mean(&b)).abs().exp_m1());
    calibration.smallest_effect =
        level.can_be_met(repeats, repeats).then(|| (level.found_at() * standard_error).exp_m1());
    calibration.proposed_repeats = level.repeats_at(spread, WANTED);
    calibration
}

#[cfg(test)]
mod tests {
    use super::super::level::STALLS;
    use super::*;
    use crate::report::fixture;

    /// A case whose repeats have these means; they belong to the two sides in turn.
    fn calibrated(means: &[f64]) -> Calibration {
        let mut report = fixture::report();
        report.cases.truncate(2);
        let repeat = report.cases[0].repeats[0].clone();
        report.cases[0].repeats = means
            .iter()
            .zip(0..)
            .map(|(&mean, round)| {
                let mut repeat = repeat.clone();
                repeat.repeat = round;
                repeat.latency.enqueue.trimmed_mean_ns = Some(mean);
                repeat
            })
            .collect();
        calibrate(&mut report);
        report.cases[0].calibration.unwrap()
    }

    #[test]
    fn by_hand() {
        // Both sides have ln 100 and ln 110 in turn: the deviation is (ln 1.1 / 2) sqrt(20/19).
        let means: Vec<f64> = (0..20).map(|n| if n / 2 % 2 == 0 { 100.0 } else { 110.0 }).collect();
        let got = calibrated(&means);
        let spread = 1.1_f64.ln() / 2.0 * (20.0_f64 / 19.0).sqrt();
        assert_eq!(got.repeats, 10);
        assert!((got.spread.unwrap() - spread).abs() < 1e-12, "{got:?}");
        assert!(got.difference.unwrap().abs() < 1e-12, "{got:?}");
        let z = super::super::normal::quantile(1.0 - 0.01 * (1.0 - STALLS) / most_tests(2) as f64) + 1.281_551_6;
        let smallest = (z * spread * 0.2_f64.sqrt()).exp_m1();
        assert!((got.smallest_effect.unwrap() - smallest).abs() < 1e-6, "{got:?}");
        let proposed = (2.0 * (z * spread / 1.2_f64.ln()).powi(2)).ceil();
        assert_eq!(got.proposed_repeats, Some((proposed as u64).max(8)));
    }

    #[test]
    fn a_shift_between_the_sides_is_seen() {
        let got = calibrated(&[100.0, 105.0, 100.0, 105.0, 100.0, 105.0]);
        assert!((got.difference.unwrap() - 0.05).abs() < 1e-12, "{got:?}");
        let other_way = calibrated(&[105.0, 100.0, 105.0, 100.0, 105.0, 100.0]);
        assert!((other_way.difference.unwrap() - 0.05).abs() < 1e-12, "{other_way:?}");
    }

    #[test]
    fn what_cannot_be_told_is_null() {
        let few = calibrated(&[100.0, 100.0, 100.0, 100.0, 100.0]);
        assert_eq!(few, Calibration { repeats: 2, ..Calibration::default() });
        let none = calibrated(&[0.0, f64::NAN, -1.0]);
        assert_eq!(none, Calibration::default());
        let three = calibrated(&[100.0, 101.0, 102.0, 103.0, 104.0, 105.0]);
        assert!(three.smallest_effect.is_none(), "3 against 3 can prove nothing: {three:?}");
        assert_eq!(three.proposed_repeats, Some(8));
        let wild = calibrated(&[1.0, 1e9, 1e9, 1.0, 1.0, 1e9]);
        assert!(wild.proposed_repeats.is_none() && wild.spread.is_some(), "{wild:?}");
    }
}
