//! How much of the load is due by each time, where the rate changes over the window, and the inverse.
//!
//! The load is counted in nanoseconds of the case's own rate: a second at twice the rate is a load of 2 s. A log of the
//! plain schedule that is due after `u` is due, in stages, when a load of `u` has come. So stages work with every
//! arrival: bursts stay bursts, and a Poisson process becomes one whose rate changes.

use super::schedule::Time;
use crate::scenario::Stages;

/// Parts of a nanosecond in which the load is counted: thousandths of the rate, and a half for the mean of a ramp. With
/// these, the load at the end of every piece is whole.
pub(super) const PARTS: u64 = 2_000;

/// The load of a window in stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pieces: Vec<Piece>,
    /// The load by the end of each stage.
    loads: Vec<u64>,
    /// Length of the window, in nanoseconds.
    span: u64,
    /// The highest rate, in thousandths.
    peak: u32,
}

/// A part of the window with one rate, or one ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// When it begins, in nanoseconds.
    start: u64,
    length: u64,
    /// The load before it.
    load: u64,
    /// The rates at both ends, in thousandths.
    from: u64,
    to: u64,
}

impl Profile {
    pub(super) fn of(stages: &Stages) -> Self {
        let mut pieces = Vec::new();
        let mut loads = vec![0; stages.list().len()];
        let (mut start, mut load) = (0, 0);
        for piece in stages.pieces() {
            let (from, to) = (u64::from(piece.from), u64::from(piece.to));
            pieces.push(Piece { start, length: piece.length, load, from, to });
            start += piece.length;
            load += (from + to) * piece.length;
            // A later piece of the same stage writes it again.
            loads[piece.stage] = load;
        }
        Self { pieces, loads, span: start, peak: stages.peak().thousandths() }
    }

    /// Length of the window, in nanoseconds.
    pub(super) fn span(&self) -> u64 {
        self.span
    }

    /// The whole load.
    pub(super) fn load(&self) -> u64 {
        self.loads.last().copied().unwrap_or(0)
    }

    /// The load by the end of each stage.
    pub(super) fn loads(&self) -> &[u64] {
        &self.loads
    }

    /// The highest multiple of the rate.
    pub(super) fn peak(&self) -> f64 {
        f64::from(self.peak) / 1e3
    }

    /// The time at which a load of `at` has come: the last nanosecond by which no more than that was due. So a log
    /// belongs to the stage in which the load passes it, and none to a stage without a load. `at` has a fraction, in
    /// parts of `denominator`. Beyond the whole load, it is the end of the window.
    ///
    /// `piece` is where the last time was found. It only moves on, so times must be asked for in their order.
    #[inline]
    pub(super) fn due(&self, at: Time, denominator: u128, piece: &mut usize) -> u64 {
        while self.pieces.get(*piece + 1).is_some_and(|next| next.load <= at.ns) {
            *piece += 1;
        }
        if at.ns >= self.load() {
            return self.span;
        }
        let piece = &self.pieces[*piece];
        let inside = at.ns - piece.load;
        piece.start
            + match piece.from == piece.to {
                // The load at a whole nanosecond is whole, so the fraction does not matter.
                true => inside / (2 * piece.from),
                false => piece.ramp(inside, at.remainder, denominator),
            }
    }
}

impl Piece {
    /// The last nanosecond `s` of a ramp by which its load, `2 from s + (to - from) s² / length`, is no more than
    /// `inside + remainder / denominator`. It is estimated as a float and then found exactly: an estimate alone may be
    /// wrong by a nanosecond, and where the rate is near 0 by more.
    fn ramp(&self, inside: u64, remainder: u128, denominator: u128) -> u64 {
        // Both sides are multiplied by the length. The load is whole then, so the rest of the division does not matter.
        let length = u128::from(self.length);
        let most = u128::from(inside) * length + remainder * length / denominator;
        let is_due = |s: u64| {
            let (s, from, to) = (u128::from(s), u128::from(self.from), u128::from(self.to));
            // Added before it is subtracted: it never falls below 0.
            2 * from * s * length + to * s * s - from * s * s <= most
        };
        let (from, slope) = (self.from as f64 * self.length as f64, self.to as f64 - self.from as f64);
        let root = (from * from + slope * most as f64).max(0.0).sqrt();
        // The cast saturates, and makes 0 of what is no number.
        let estimate = ((most as f64 / (from + root)) as u64).min(self.length - 1);
        let (low, high) = around(estimate, self.length, &is_due);
        bisect(low, high, is_due)
    }
}

/// Widens an estimate to a pair between which `is_due` changes: it holds for the first, and not for the second, which
/// may be the end.
fn around(estimate: u64, end: u64, is_due: &impl Fn(u64) -> bool) -> (u64, u64) {
    let mut step = 1;
    if is_due(estimate) {
        let mut low = estimate;
        while low + step < end && is_due(low + step) {
            low += step;
            step *= 2;
        }
        return (low, end.min(low + step));
    }
    let mut high = estimate;
    while high > step && !is_due(high - step) {
        high -= step;
        step *= 2;
    }
    (high.saturating_sub(step), high)
}

/// The last time from `low` on, and before `high`, for which `is_due` holds. It holds for `low`.
fn bisect(mut low: u64, mut high: u64, is_due: impl Fn(u64) -> bool) -> u64 {
    while high - low > 1 {
        let middle = low.midpoint(high);
        if is_due(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn profile(stages: &str) -> Profile {
        Profile::of(&stages.parse().unwrap())
    }

    /// When a load of `parts` has come.
    fn due(profile: &Profile, parts: u64) -> u64 {
        profile.due(Time { ns: parts, remainder: 0 }, 1, &mut 0)
    }

    const S: u64 = 1_000_000_000;

    #[test]
    fn a_step_is_passed_at_its_rate() {
        let spike = profile("2s@1x,1s@5x,2s@1x");
        assert_eq!((spike.span(), spike.load(), spike.peak()), (5 * S, 9 * S * PARTS, 5.0));
        assert_eq!(spike.loads(), [2 * S * PARTS, 7 * S * PARTS, 9 * S * PARTS]);
        for (load, time) in [(0, 0), (1_500, 1_500), (2_000, 2_000), (2_500, 2_100), (7_000, 3_000), (8_999, 4_999)] {
            assert_eq!(due(&spike, load * 1_000_000 * PARTS), time * 1_000_000, "{load} ms");
        }
        assert_eq!(due(&spike, 9 * S * PARTS), 5 * S, "beyond the last log");
        assert_eq!(due(&spike, u64::MAX), 5 * S);
    }

    #[test]
    fn what_a_pause_would_hold_comes_after_it() {
        let pause = profile("1s@1x,1s@0x,1s@1x");
        assert_eq!([S - 1, S, S + 1].map(|load| due(&pause, load * PARTS)), [S - 1, 2 * S, 2 * S + 1]);
    }

    #[test]
    fn a_ramp_is_a_square_root() {
        // From 0 to 2x in 2 s: after s seconds a load of s²/2.
        let up = profile("2s@0x..2x");
        assert_eq!(up.load(), 2 * S * PARTS);
        for (load, time) in [(0, 0), (S / 2, S), (S * 9 / 8, S * 3 / 2), (S / 8, S / 2)] {
            assert_eq!(due(&up, load * PARTS), time, "{load}");
        }
        // In parts of a nanosecond: s² / 1,000,000.
        assert_eq!([1, 2, 3, 4].map(|parts| due(&up, parts)), [1_000, 1_414, 1_732, 2_000]);
        let down = profile("2s@2x..0x");
        assert_eq!(due(&down, S * 3 / 2 * PARTS), S);
        assert!(due(&down, down.load() - 1) < 2 * S);
    }

    fn any_stages() -> impl Strategy<Value = String> {
        let rate = 0u32..4_000;
        let stage = (1u64..5_000_000_000, rate.clone(), rate, any::<bool>()).prop_map(|(length, from, to, is_ramp)| {
            let [from, to] = [from, to].map(|rate| format!("{}.{:03}x", rate / 1_000, rate % 1_000));
            if is_ramp { format!("{length}ns@{from}..{to}") } else { format!("{length}ns@{from}") }
        });
        prop::collection::vec(stage, 1..6).prop_map(|stages| stages.join(","))
    }

    /// The load by `time`, multiplied by `length`, which makes it whole.
    fn load_at(piece: &Piece, time: u64) -> u128 {
        let [s, length, from, to] = [time - piece.start, piece.length, piece.from, piece.to].map(u128::from);
        u128::from(piece.load) * length + 2 * from * s * length + to * s * s - from * s * s
    }

    proptest! {
        /// The definition: the load by the due time is no more than that, and a nanosecond later it is more.
        #[test]
        fn a_due_time_is_the_last_at_which_no_more_was_due(stages in any_stages(), share in 0.0..1.0) {
            prop_assume!(stages.parse::<Stages>().is_ok());
            let profile = profile(&stages);
            let parts = (profile.load() as f64 * share) as u64;
            prop_assume!(parts < profile.load());
            let due = due(&profile, parts);
            prop_assert!(due < profile.span());
            let piece = profile.pieces.iter().find(|piece| due < piece.start + piece.length).unwrap();
            let bound = u128::from(parts) * u128::from(piece.length);
            prop_assert!(load_at(piece, due) <= bound);
            prop_assert!(load_at(piece, due + 1) > bound);
        }

        #[test]
        fn due_times_ascend_however_they_are_asked_for(stages in any_stages(), mut shares in prop::collection::vec(0.0..1.0, 2..50)) {
            prop_assume!(stages.parse::<Stages>().is_ok());
            let profile = profile(&stages);
            shares.sort_by(f64::total_cmp);
            let mut piece = 0;
            let mut last = 0;
            for share in shares {
                let at = Time { ns: (profile.load() as f64 * share) as u64, remainder: 0 };
                let walked = profile.due(at, 1, &mut piece);
                prop_assert_eq!(walked, due(&profile, at.ns));
                prop_assert!(walked >= last);
                last = walked;
            }
        }
    }
}
