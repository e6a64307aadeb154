//! Did the queue leave its producers the time that they need?

use super::blame::{Blame, blame};
use super::{CheckResult, Outcome, Unit};
use crate::measure::Measurement;
use crate::measure::punctuality::{MOST_LATE_NS, Punctuality};

/// Name of the check.
pub(super) const NAME: &str = "producers";

/// What the repeats of a case say of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Producers {
    /// The largest lateness that was judged, in nanoseconds.
    worst_ns: Option<u64>,
    /// The repeats in which the queue is to blame, one line each.
    starved: Vec<String>,
    /// The first repeat that was late without anyone to blame it on.
    unclear: Option<String>,
}

impl Producers {
    /// Adds a repeat.
    pub(super) fn add(&mut self, measurement: &Measurement) {
        let lateness = Punctuality::of_window(measurement).ok().map(|window| window.lateness_ns());
        self.worst_ns = self.worst_ns.max(lateness);
        match blame(measurement) {
            Blame::Nobody => {}
            Blame::Queue(how) => self.starved.push(how),
            Blame::Instrument(why) => self.unclear = self.unclear.take().or_else(|| why.into_iter().next()),
        }
    }

    /// The check.
    pub(super) fn judge(&self) -> CheckResult {
        let (outcome, reason) = match (&self.starved[..], &self.unclear) {
            ([first, rest @ ..], _) => {
                let more = match rest.len() {
                    0 => String::new(),
                    more => format!("; the same in {} repeats in all", more + 1),
                };
                (Outcome::Fail, Some(format!("{first}{more}")))
            }
            ([], Some(unclear)) => (Outcome::Invalid, Some(unclear.clone())),
            ([], None) if self.worst_ns.is_none() => (Outcome::Invalid, Some("no valid repeat".into())),
            ([], None) => (Outcome::Pass, None),
        };
        CheckResult {
            name: NAME.into(),
            subject: "lateness".into(),
            expression: "lateness <= 10ms".into(),
            observed: self.worst_ns.map(|ns| ns as f64),
            limit: Some(MOST_LATE_NS as f64),
            unit: Unit::Nanoseconds,
            outcome,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy};

    fn judged(measurements: &[Measurement]) -> CheckResult {
        let mut producers = Producers::default();
        measurements.iter().for_each(|measurement| producers.add(measurement));
        producers.judge()
    }

    #[test]
    fn one_starved_repeat_is_enough() {
        let mut late = healthy(1_000).with_controls(100_000);
        late.latency.lateness = constant(1_000, 20_000_000);
        let one = judged(&[healthy(1_000), late.clone(), healthy(1_000)]);
        assert_eq!((one.outcome, one.observed, one.limit), (Outcome::Fail, Some(20_000_000.0), Some(10_000_000.0)));
        assert!(!one.reason.unwrap().contains("repeats in all"));
        let three = judged(&[late.clone(), late.clone(), late]);
        assert!(three.reason.unwrap().ends_with("; the same in 3 repeats in all"));
    }

    #[test]
    fn nothing_is_not_a_pass() {
        assert_eq!((judged(&[]).outcome, judged(&[]).observed), (Outcome::Invalid, None));
        assert_eq!(judged(&[healthy(1_000)]).outcome, Outcome::Pass);
    }
}
