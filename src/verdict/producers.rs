//! Did the queue leave its producers the time that they need?

use super::blame::{Blame, blame};
use super::check::Checked;
use super::reason::{Reason, Shortfall, Starvation};
use super::{CheckOrigin, CheckResult, Outcome, Unit};
use crate::measure::Measurement;
use crate::measure::punctuality::{MOST_LATE_NS, Punctuality};

/// The answer from the repeats of a case.
#[derive(Clone, Debug, Default)]
pub(super) struct Producers {
    /// The largest lateness that was judged, in nanoseconds.
    worst_ns: Option<u64>,
    /// How the queue is to blame, in the first repeat in which it is.
    starved: Option<Starvation>,
    /// In how many repeats it is.
    repeats: u64,
    /// Why nobody can be blamed for the first late repeat without a culprit.
    unclear: Option<Reason>,
}

impl Producers {
    /// Adds a repeat.
    pub(super) fn add(&mut self, measurement: &Measurement) {
        let lateness = Punctuality::of_window(measurement).ok().map(|window| window.lateness_ns());
        self.worst_ns = self.worst_ns.max(lateness);
        match blame(measurement) {
            Blame::Nobody => {}
            Blame::Queue(how) => {
                self.starved.get_or_insert(how);
                self.repeats += 1;
            }
            Blame::Instrument(why) => self.unclear = self.unclear.take().or_else(|| why.into_iter().next()),
        }
    }

    /// The check.
    pub(super) fn judge(&self) -> Checked {
        let (outcome, reason) = match (&self.starved, &self.unclear) {
            (Some(first), _) => {
                let first = Box::new(first.clone());
                (Outcome::Fail, Some(Reason::StarvesProducers { first, repeats: self.repeats }))
            }
            (None, Some(unclear)) => (Outcome::Invalid, Some(unclear.clone())),
            (None, None) if self.worst_ns.is_none() => (Outcome::Invalid, None),
            (None, None) => (Outcome::Pass, None),
        };
        let unknown = || (outcome != Outcome::Pass).then(|| Shortfall::NoValidRepeat.to_string().into());
        let result = CheckResult {
            name: CheckOrigin::Producers.word().into(),
            subject: "lateness".into(),
            expression: "lateness <= 10ms".into(),
            observed: self.worst_ns.map(|ns| ns as f64),
            limit: Some(MOST_LATE_NS as f64),
            unit: Unit::Nanoseconds,
            outcome,
            reason: reason.as_ref().map(Reason::sentence).or_else(unknown),
        };
        Checked { result, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy};

    fn judged(measurements: &[Measurement]) -> CheckResult {
        let mut producers = Producers::default();
        measurements.iter().for_each(|measurement| producers.add(measurement));
        producers.judge().result
    }

    #[test]
    fn one_starved_repeat_is_enough() {
        let mut late = healthy(1_000).with_controls(100_000);
        late.latency.lateness = constant(1_000, 20_000_000);
        let one = judged(&[healthy(1_000), late.clone(), healthy(1_000)]);
        assert_eq!((one.outcome, one.observed, one.limit), (Outcome::Fail, Some(20_000_000.0), Some(10_000_000.0)));
        assert!(!one.reason.unwrap().as_given().contains("repeats in all"));
        let three = judged(&[late.clone(), late.clone(), late]);
        assert!(three.reason.unwrap().as_given().ends_with("; the same in 3 repeats in all"));
    }

    #[test]
    fn nothing_is_not_a_pass() {
        assert_eq!((judged(&[]).outcome, judged(&[]).observed), (Outcome::Invalid, None));
        assert_eq!(judged(&[healthy(1_000)]).outcome, Outcome::Pass);
    }
}
