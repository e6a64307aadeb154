//! Decides whether a load was sent on time, with the numbers by which the window and its controls are compared.

use super::encoding::{Distribution, EncodingError, WHOLE};
use super::{Control, Latency, Measurement};
use crate::load::producer::GRACE;

/// Largest lateness of a valid repeat, in nanoseconds.
pub const MOST_LATE_NS: u64 = 10_000_000;

/// Largest share of the logs that the generator may leave unsent, in parts of a million.
const MOST_UNSENT_PPM: u64 = 10_000;

/// The number of parts of a million in a whole.
const MILLION: u128 = 1_000_000;

/// The divisor that defines "clearly less", a quarter. The limits of a control are this part of those of a window, and
/// the machine is to blame for a lateness if it took at least this part of it.
pub const CLEARLY: u64 = 4;

/// Longest control, in nanoseconds. A longer window is compared with a control of this length.
pub const LONGEST_CONTROL_NS: u64 = 30_000_000_000;

/// A quantile is judged only with at least this many values above it.
const SAMPLES_ABOVE: u64 = 10;

/// The quantiles of the lateness, in parts of [`WHOLE`]. The first one with enough samples is judged. None is above p99: a
/// single short pause of the machine would spoil a long window, in which up to 1 % of the logs may even be unsent.
const QUANTILES: [Judged; 3] = [
    Judged { name: "p99", parts: 990_000_000 },
    Judged { name: "p90", parts: 900_000_000 },
    Judged { name: "p50", parts: 500_000_000 },
];

/// The largest value. It is judged if there are fewer than 20 values: among so few, a single late log is a large share,
/// which a quantile would hide.
const LARGEST: Judged = Judged { name: "largest", parts: WHOLE };

/// A statistic of the lateness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Judged {
    name: &'static str,
    parts: u64,
}

/// A lateness, and the statistic that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedLateness {
    /// `p99`, `p90`, `p50` or `largest`.
    pub statistic: &'static str,
    /// The lateness, in nanoseconds.
    pub ns: u64,
}

/// A fault in the punctuality of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Too many of its logs were not sent.
    Unsent {
        /// Logs that were not sent.
        unsent: u64,
        /// Logs that were due.
        scheduled: u64,
        /// Largest share that may be unsent, in parts of a million.
        most_ppm: u64,
    },
    /// Its logs were sent too late.
    Sent {
        /// The lateness.
        lateness: JudgedLateness,
        /// Largest allowed lateness, in nanoseconds.
        most_ns: u64,
    },
}

/// Why the lateness of a load is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmeasured {
    /// The histogram cannot be read.
    Unreadable(EncodingError),
    /// The histogram is empty.
    Empty,
}

/// The lateness of the generator, as the numbers that are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Punctuality {
    scheduled: u64,
    unsent: u64,
    /// Number of logs that were sent more than [`MOST_LATE_NS`] late.
    late: u64,
    judged: Judged,
    lateness_ns: u64,
}

impl Punctuality {
    /// The punctuality of the window.
    ///
    /// # Errors
    /// The reason why its lateness is unknown.
    pub fn of_window(measurement: &Measurement) -> Result<Self, Unmeasured> {
        let ledger = &measurement.ledger;
        Self::of(ledger.scheduled, ledger.unsent_generator, &measurement.latency.lateness, None)
    }

    /// The punctuality of a control by itself.
    ///
    /// # Errors
    /// The reason why its lateness is unknown.
    pub fn of_control(control: &Control) -> Result<Self, Unmeasured> {
        Self::of(control.scheduled, control.unsent_generator, &control.lateness, None)
    }

    /// The punctuality of a control that is compared with this window: by the same statistic. If the control has too
    /// few logs for it, by its largest value, so that it is never judged more leniently.
    ///
    /// # Errors
    /// The reason why its lateness is unknown.
    pub fn like_this(&self, control: &Control) -> Result<Self, Unmeasured> {
        Self::of(control.scheduled, control.unsent_generator, &control.lateness, Some(self.judged))
    }

    fn of(scheduled: u64, unsent: u64, lateness: &Latency, like: Option<Judged>) -> Result<Self, Unmeasured> {
        let lateness = Distribution::decode(lateness).map_err(Unmeasured::Unreadable)?;
        let max = lateness.max_ns().ok_or(Unmeasured::Empty)?;
        let wanted: &[Judged] = match &like {
            Some(judged) => std::slice::from_ref(judged),
            None => &QUANTILES,
        };
        let judged = wanted.iter().find(|judged| has_samples(lateness.count(), judged.parts));
        let (judged, lateness_ns) =
            judged.and_then(|judged| Some((*judged, lateness.quantile_ns(judged.parts)?))).unwrap_or((LARGEST, max));
        // By the lower end of a bucket: a log counts as late only if it certainly was.
        let late = lateness.buckets().filter(|bucket| bucket.low_ns > MOST_LATE_NS).map(|bucket| bucket.count).sum();
        Ok(Self { scheduled, unsent, late, judged, lateness_ns })
    }

    /// The lateness that is judged, in nanoseconds.
    #[must_use]
    pub fn lateness_ns(&self) -> u64 {
        self.lateness_ns
    }

    /// The lateness for which somebody is to blame, in nanoseconds: the judged lateness. If only unsent logs are late,
    /// it is the shortest time that such a log has waited.
    #[must_use]
    pub fn blamed_ns(&self) -> u64 {
        if self.lateness_ns > MOST_LATE_NS { self.lateness_ns } else { GRACE }
    }

    /// Whether the largest single value is judged, because there are too few values for a quantile.
    #[must_use]
    pub fn is_of_single_values(&self) -> bool {
        self.judged == LARGEST
    }

    /// Share of the logs that were sent more than [`MOST_LATE_NS`] late or not at all, 0 to 1.
    #[must_use]
    pub fn late_share(&self) -> f64 {
        (self.late + self.unsent) as f64 / self.scheduled.max(1) as f64
    }

    /// The judged lateness and the name of its statistic.
    #[must_use]
    pub fn lateness(&self) -> JudgedLateness {
        JudgedLateness { statistic: self.judged.name, ns: self.lateness_ns }
    }

    /// The faults of a window: more than 1 % of the logs not sent, or a lateness of more than [`MOST_LATE_NS`].
    #[must_use]
    pub fn faults(&self) -> Vec<Late> {
        self.faults_beyond(1)
    }

    /// The faults of a control: its limits are a [`CLEARLY`]th part of those of a window.
    #[must_use]
    pub fn faults_of_control(&self) -> Vec<Late> {
        self.faults_beyond(CLEARLY)
    }

    fn faults_beyond(&self, part: u64) -> Vec<Late> {
        let mut faults = Vec::new();
        // In integers: as a fraction, exactly 1 % may be a little more than 1 % on one machine and a little less on another.
        if u128::from(self.unsent) * MILLION > u128::from(self.scheduled) * u128::from(MOST_UNSENT_PPM / part) {
            let (unsent, scheduled) = (self.unsent, self.scheduled);
            faults.push(Late::Unsent { unsent, scheduled, most_ppm: MOST_UNSENT_PPM / part });
        }
        let most_ns = MOST_LATE_NS / part;
        if self.lateness_ns > most_ns {
            faults.push(Late::Sent { lateness: self.lateness(), most_ns });
        }
        faults
    }
}

/// Whether a quantile has [`SAMPLES_ABOVE`] values above it.
fn has_samples(count: u64, parts: u64) -> bool {
    u128::from(count) * u128::from(WHOLE - parts) >= u128::from(SAMPLES_ABOVE) * u128::from(WHOLE)
}

/// Length of the window in nanoseconds, computed from its rate; `None` if nothing was offered, since 0 / 0 is NaN.
#[must_use]
pub fn window_ns(measurement: &Measurement) -> Option<f64> {
    let (scheduled, offered) = (measurement.ledger.scheduled as f64, measurement.rates.offered_per_s);
    Some(scheduled / offered * 1e9).filter(|ns| ns.is_finite() && *ns > 0.0)
}

/// Whether a second control could change the verdict on the generator: the window was late, and the control before it
/// was not.
#[must_use]
pub fn is_second_control_wanted(measurement: &Measurement) -> bool {
    let is_late = Punctuality::of_window(measurement).is_ok_and(|window| !window.faults().is_empty());
    // What cannot be read counts as late, so nothing is run: the repeat is invalid in any case.
    let control = measurement.control.as_ref().map(Punctuality::of_control);
    is_late && control.is_some_and(|control| control.is_ok_and(|control| control.faults_of_control().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{constant, healthy, of};
    use super::*;

    const MS: u64 = 1_000_000;

    fn late(logs: u64, late: u64, ns: u64) -> Measurement {
        let mut measurement = healthy(logs);
        measurement.latency.lateness = of((0..logs).map(|n| if n < late { ns } else { 5_000 }));
        measurement
    }

    #[test]
    fn a_control_is_judged_as_its_window_or_more_strictly() {
        // logs of the window, logs of the control, expected statistic of the control
        for (window, control, expected) in [
            (1_000, 1_000, "p99"),
            (1_000, 999, "largest"),
            (999, 1_000, "p90"),
            (100, 100, "p90"),
            (100, 99, "largest"),
            (20, 20, "p50"),
            (19, 10_000, "largest"),
        ] {
            let window = Punctuality::of_window(&healthy(window)).unwrap();
            let mut beside = healthy(1).with_control(0).control.unwrap();
            (beside.scheduled, beside.attempted, beside.lateness) = (control, control, constant(control, MS));
            let control = window.like_this(&beside).unwrap();
            assert_eq!(control.lateness().statistic, expected, "{window:?} {control:?}");
        }
    }

    #[test]
    fn a_control_may_show_a_quarter_of_what_a_window_may() {
        for (ns, window, control) in [(2_500_000, 0, 0), (2_600_000, 0, 1), (10 * MS, 0, 1), (10_100_000, 1, 1)] {
            let found = Punctuality::of_window(&late(1_000, 1_000, ns)).unwrap();
            assert_eq!((found.faults().len(), found.faults_of_control().len()), (window, control), "{ns}");
        }
        for (unsent, window, control) in [(2, 0, 0), (3, 0, 1), (10, 0, 1), (11, 1, 1)] {
            let found = Punctuality::of_window(&healthy(1_000).with_unsent_generator(unsent)).unwrap();
            assert_eq!((found.faults().len(), found.faults_of_control().len()), (window, control), "{unsent}");
        }
        let said = Punctuality::of_window(&late(1_000, 1_000, 3 * MS)).unwrap().faults_of_control();
        let [Late::Sent { lateness: JudgedLateness { statistic: "p99", ns }, most_ns: 2_500_000 }] = said[..] else {
            panic!("{said:?}")
        };
        assert!((2_990_000..3_010_000).contains(&ns), "{ns}");
    }

    #[test]
    fn the_share_of_late_logs_has_the_unsent_in_it() {
        assert_eq!(Punctuality::of_window(&late(1_000, 30, 11 * MS)).unwrap().late_share(), 0.03);
        let unsent = Punctuality::of_window(&healthy(1_000).with_unsent_generator(20)).unwrap();
        assert_eq!((unsent.late_share(), unsent.blamed_ns()), (0.02, GRACE));
        assert!(Punctuality::of_window(&late(1_000, 30, 11 * MS)).unwrap().blamed_ns() > MOST_LATE_NS);
    }

    #[test]
    fn a_second_control_is_for_late_repeats_that_the_first_one_does_not_excuse() {
        let (late, on_time) = (late(1_000, 1_000, 20 * MS), healthy(1_000));
        assert!(is_second_control_wanted(&late.clone().with_control(MS)));
        assert!(!is_second_control_wanted(&late.clone().with_control(3 * MS)), "the generator is the cause");
        assert!(!is_second_control_wanted(&late), "none was wanted");
        assert!(!is_second_control_wanted(&on_time.with_control(MS)), "nobody is to blame");
    }

    #[test]
    fn the_window_is_as_long_as_what_was_offered_says() {
        assert_eq!(window_ns(&healthy(1_000)), Some(1e9));
        assert_eq!(window_ns(&healthy(0)), None);
    }
}
