//! The knee of a load-latency curve: the load beyond which a little more load costs much more latency.

/// Fewest points that have a knee.
const FEWEST: usize = 4;

/// The highest latency is at least this many times the lowest; else the curve is flat.
const STEEPNESS: f64 = 2.0;

/// The load at the knee, of points (load, latency) with ascending loads: the point that lies farthest below the line from
/// the first point to the last. This is the rule of Kneedle (Satopää, Albrecht, Irwin and Raghavan, "Finding a 'kneedle'
/// in a haystack", ICDCS workshops 2011) for a curve that bends upwards. `None` if there are too few points or the curve
/// is flat.
#[must_use]
pub fn knee(points: &[(f64, f64)]) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        let values = points.iter().map(of);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
    };
    let (least, most) = bounds(|(_, latency)| *latency);
    if points.len() < FEWEST || last.0 <= first.0 || most < least * STEEPNESS {
        return None;
    }
    let distance =
        |(load, latency): &(f64, f64)| (load - first.0) / (last.0 - first.0) - (latency - least) / (most - least);
    let farthest = points.iter().max_by(|one, other| distance(one).total_cmp(&distance(other)))?;
    (distance(farthest) > 0.0).then_some(farthest.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_is_where_the_curve_turns() {
        // The mean response of an M/M/1 queue with a service time of 1 grows as 1 / (1 - load).
        let queue: Vec<(f64, f64)> =
            (1..=49).map(|step| f64::from(step) / 50.0).map(|load| (load, 1.0 / (1.0 - load))).collect();
        // The slope of the chord is (50 - 1.02) / 0.96 = 51: where 1 / (1 - load)² is as much, the load is 0.86.
        assert_eq!(knee(&queue), Some(0.86));
        let wall = [(10.0, 5.0), (20.0, 5.1), (30.0, 5.2), (40.0, 5.4), (50.0, 900.0)];
        assert_eq!(knee(&wall), Some(40.0));
    }

    #[test]
    fn what_has_no_knee_is_said_to_have_none() {
        let flat = [(1.0, 5.0), (2.0, 5.5), (3.0, 5.2), (4.0, 5.9)];
        let falling = [(1.0, 90.0), (2.0, 30.0), (3.0, 10.0), (4.0, 9.0)];
        let line = [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0), (4.0, 40.0)];
        for points in [&[][..], &[(1.0, 1.0); 4], &flat, &line, &line[..3]] {
            assert_eq!(knee(points), None, "{points:?}");
        }
        assert_eq!(knee(&falling), Some(4.0), "a curve that falls turns where it ends");
    }
}
