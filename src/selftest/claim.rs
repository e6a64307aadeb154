//! One claim about one number of a measurement.

use super::counts::Counts;
use super::disturbance::Disturbance;
use super::synthetic::Behaviour;
use crate::measure::encoding::Distribution;
use crate::measure::{Latency, Measurement};
use crate::verdict::has_samples;
use serde::Serialize;

/// What a number is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Logs per second.
    PerS,
    /// A fraction of 1.
    Share,
    /// Logs.
    Logs,
}

/// What must come out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Claimed {
    /// A number from `value - tolerance` to `value + tolerance`.
    About {
        /// The unit of both.
        unit: Unit,
        /// By arithmetic.
        value: f64,
        /// Half the width of what is right.
        tolerance: f64,
    },
    /// A number up to `value`.
    AtMost {
        /// Its unit.
        unit: Unit,
        /// The bound.
        value: f64,
    },
    /// Exactly these counts.
    Counts {
        /// By arithmetic.
        counts: Counts,
    },
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// A number, in the unit of the claim.
    Value(f64),
    /// Counts.
    Counts(Counts),
}

/// A claim: what number, what it must be, and what that proves.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What is measured, as `enqueue p50`.
    pub number: &'static str,
    /// What it proves, in a few words.
    pub proves: &'static str,
    /// Whether it is about the instrument's own lateness, which then is no excuse for missing it.
    pub(super) is_of_lateness: bool,
    truth: Truth,
}

type Read = fn(&Measurement) -> Option<f64>;

#[derive(Clone, Copy, Debug)]
enum Truth {
    Number { read: Read, claimed: Claimed },
    Counts { behaviour: Behaviour },
}

/// What one measurement says of one claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// What must come out, given how many logs were sent.
    pub claimed: Claimed,
    /// What came out; `None` where there were too few samples.
    pub measured: Option<Measured>,
    /// Whether the one agrees with the other.
    pub holds: bool,
}

impl Claim {
    /// That `read` gives `value`, give or take `tolerance`.
    pub(super) const fn about(number: &'static str, read: Read, unit: Unit, value: f64, tolerance: f64) -> Self {
        Self::number(number, read, Claimed::About { unit, value, tolerance })
    }

    /// That `read` gives at most `value`.
    pub(super) const fn at_most(number: &'static str, read: Read, unit: Unit, value: f64) -> Self {
        Self::number(number, read, Claimed::AtMost { unit, value })
    }

    const fn number(number: &'static str, read: Read, claimed: Claimed) -> Self {
        Self { number, proves: "", is_of_lateness: false, truth: Truth::Number { read, claimed } }
    }

    /// That the ledger holds what a queue that behaves so leaves in it.
    pub(super) const fn ledger(behaviour: Behaviour) -> Self {
        Self { number: "ledger", proves: "", is_of_lateness: false, truth: Truth::Counts { behaviour } }
    }

    /// Says that it is about the instrument's own lateness.
    pub(super) const fn of_lateness(self) -> Self {
        Self { is_of_lateness: true, ..self }
    }

    /// Says what it proves.
    pub(super) const fn proving(self, proves: &'static str) -> Self {
        Self { proves, ..self }
    }

    /// Whether it has no tolerance: no machine, however busy, is an excuse for a wrong count.
    pub fn is_exact(&self) -> bool {
        matches!(self.truth, Truth::Counts { .. })
    }

    /// What must come out of `sent` logs.
    pub fn claimed(&self, sent: u64) -> Claimed {
        match self.truth {
            Truth::Number { claimed, .. } => claimed,
            Truth::Counts { behaviour } => Claimed::Counts { counts: Counts::after(behaviour, sent) },
        }
    }

    /// Holds it against a measurement.
    pub fn read(&self, measurement: &Measurement) -> Reading {
        let claimed = self.claimed(measurement.ledger.attempted);
        let measured = match self.truth {
            Truth::Number { read, .. } => read(measurement).map(Measured::Value),
            Truth::Counts { .. } => Some(Measured::Counts(Counts::from(&measurement.ledger))),
        };
        Reading { claimed, measured, holds: measured.is_some_and(|measured| agrees(claimed, measured)) }
    }

    /// What can excuse it if it is missed: nothing excuses a count.
    pub(super) fn excuses(&self, found: &[Disturbance]) -> Vec<String> {
        let counts = |one: &&Disturbance| !(self.is_exact() || self.is_of_lateness && one.is_own_word);
        found.iter().filter(counts).map(|one| one.what.clone()).collect()
    }
}

fn agrees(claimed: Claimed, measured: Measured) -> bool {
    match (claimed, measured) {
        (Claimed::About { value, tolerance, .. }, Measured::Value(measured)) => (measured - value).abs() <= tolerance,
        (Claimed::AtMost { value, .. }, Measured::Value(measured)) => measured <= value,
        (Claimed::Counts { counts }, Measured::Counts(measured)) => counts == measured,
        _ => false,
    }
}

/// The quantile given in percent, in nanoseconds; `None` where fewer than 10 values lie above it.
pub(super) fn percentile(latency: &Latency, percent: u64) -> Option<f64> {
    let parts = percent * 10_000_000;
    let distribution = Distribution::decode(latency).ok()?;
    has_samples(distribution.count(), parts).then_some(distribution.quantile_ns(parts)? as f64)
}

/// The mean in nanoseconds, exact; `None` where there are no values.
pub(super) fn mean(latency: &Latency) -> Option<f64> {
    (latency.count > 0).then(|| latency.sum_ns as f64 / latency.count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy};

    fn p50(measurement: &Measurement) -> Option<f64> {
        percentile(&measurement.latency.enqueue, 50)
    }

    #[test]
    fn a_tolerance_has_two_ends_and_a_bound_has_one() {
        let about = Claim::about("x", p50, Unit::Ns, 10_000.0, 300.0);
        let at_most = Claim::at_most("x", p50, Unit::Ns, 10_000.0);
        for (ns, is_about, is_at_most) in [
            (9_690, false, true),
            (9_710, true, true),
            (10_000, true, true),
            (10_290, true, false),
            (10_310, false, false),
        ] {
            let measurement = healthy(100).enqueue_taking(ns);
            assert_eq!(about.read(&measurement).holds, is_about, "{ns}");
            assert_eq!(at_most.read(&measurement).holds, is_at_most, "{ns}");
        }
    }

    #[test]
    fn a_claim_is_not_excused_by_its_own_number() {
        let one = |what: &str, is_own_word| Disturbance { what: what.to_owned(), is_own_word };
        let found = [one("theft", false), one("late", true)];
        let claim = Claim::at_most("x", p50, Unit::Ns, 1.0);
        assert_eq!(claim.excuses(&found), ["theft", "late"]);
        assert_eq!(claim.of_lateness().excuses(&found), ["theft"]);
        assert!(Claim::ledger(Behaviour::DropsEvery(7)).excuses(&found).is_empty());
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        let claim = Claim::at_most("x", p50, Unit::Ns, f64::MAX);
        let reading = claim.read(&healthy(19));
        assert_eq!((reading.measured, reading.holds), (None, false), "p50 needs ten values above it");
        assert_eq!(mean(&constant(0, 0)), None);
    }

    #[test]
    fn counts_are_of_what_was_sent_and_have_no_tolerance() {
        let claim = Claim::ledger(Behaviour::DropsEvery(7));
        assert!(claim.read(&healthy(700).dropping(100)).holds);
        assert!(!claim.read(&healthy(700).dropping(99)).holds);
        assert!(!claim.read(&healthy(700).dropping(100).losing(1)).holds);
        let fewer = healthy(707).with_unsent_generator(7).dropping(100);
        assert!(claim.read(&fewer).holds, "a hundred of the seven hundred that were sent");
        assert!(claim.is_exact());
    }
}
