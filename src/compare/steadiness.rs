//! Whether the machine stayed the same: the fixed piece of work that every report carries.

use super::Steadiness;
use super::rank::median;
use crate::report::{Report, Yardstick, YardstickReading};
use crate::units::human;

/// A part of the work.
type Part = (&'static str, fn(&YardstickReading) -> Option<f64>);

const PARTS: [Part; 2] = [("spinning", |reading| reading.spin_ns), ("waking a thread", |reading| reading.ping_pong_ns)];

/// Holds the readings of both reports against each other, and against themselves.
pub(super) fn steadiness(base: &Report, new: &Report, bound: f64) -> Steadiness {
    let (Some(old), Some(fresh)) = (&base.yardstick, &new.yardstick) else {
        let side = if base.yardstick.is_none() { "the baseline" } else { "the new report" };
        let reason = format!("{side} has no yardstick: whether the machine was the same is not known");
        return Steadiness { reason: Some(reason), ..Steadiness::default() };
    };
    // What only one side has read says nothing of the other.
    let moves = PARTS.iter().filter_map(|part| movements(old, fresh, part)).flatten();
    let Some((largest, text)) = moves.max_by(|a, b| a.0.total_cmp(&b.0)) else {
        let reason = "a yardstick holds no reading: whether the machine was the same is not known";
        return Steadiness { reason: Some(reason.into()), ..Steadiness::default() };
    };
    let moved = largest > bound;
    let reason = moved.then(|| format!("the machine changed: {text}, over the {} allowed", human::share(bound)));
    Steadiness { known: true, moved, largest: Some(largest), reason }
}

/// By how much a part moved, and where: within the baseline, within the new report, between the two; `None` where a side
/// has no reading of it.
fn movements(base: &Yardstick, new: &Yardstick, (name, of): &Part) -> Option<[(f64, String); 3]> {
    let values = |yardstick: &Yardstick| {
        let readings = yardstick.readings().filter_map(|reading| of(&reading));
        let mut values: Vec<f64> = readings.filter(|value| value.is_finite() && *value > 0.0).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (old, fresh) = (values(base), values(new));
    let within = |values: &[f64]| Some(values.last()? / values.first()? - 1.0);
    let (middle, other) = (median(&old)?, median(&fresh)?);
    let between = middle.max(other) / middle.min(other) - 1.0;
    let say = |moved: f64, place: &str| (moved, format!("{name} moved by {} {place}", human::share(moved)));
    Some([
        say(within(&old)?, "within the baseline"),
        say(within(&fresh)?, "within the new report"),
        say(between, "between the two"),
    ])
}
