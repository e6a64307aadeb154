//! One claim about one number of a measurement.

use super::counts::Counts;
use super::disturbance::Disturbance;
use super::overhead::Overhead;
use super::synthetic::Behaviour;
use crate::measure::encoding::Distribution;
use crate::measure::{Latency, Measurement};
use crate::verdict::has_samples;
use serde::Serialize;

/// The unit of a number.
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

/// The value that must come out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Claimed {
    /// A number from `value - tolerance` to `value + tolerance + overhead`.
    About {
        /// The unit of all three numbers.
        unit: Unit,
        /// The expected value, by arithmetic.
        value: f64,
        /// Half the width of the accepted range.
        tolerance: f64,
        /// How much the timing of calls may add.
        overhead: f64,
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
        /// The expected counts, by arithmetic.
        counts: Counts,
    },
}

/// The value that came out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// A number, in the unit of the claim.
    Value(f64),
    /// Counts.
    Counts(Counts),
}

/// A claim: which number it is about, what that must be, and what it proves.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The number, for example `enqueue p50`.
    pub number: &'static str,
    /// What it proves, in a few words.
    pub proves: &'static str,
    /// Whether it is about the instrument's own lateness. That lateness then cannot excuse it.
    pub(super) is_of_lateness: bool,
    /// Whether it is about a service time, which includes the cost of timing.
    is_of_service: bool,
    truth: Truth,
}

type Read = fn(&Measurement) -> Option<f64>;

#[derive(Clone, Copy, Debug)]
enum Truth {
    Number { read: Read, claimed: Claimed },
    Counts { behaviour: Behaviour },
}

/// The result of one measurement for one claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The value that must come out for the number of logs that were sent.
    pub claimed: Claimed,
    /// The value that came out; `None` if there were too few samples.
    pub measured: Option<Measured>,
    /// Whether the two agree.
    pub holds: bool,
}

impl Claim {
    /// The claim that `read` gives `value`, plus or minus `tolerance`.
    pub(super) const fn about(number: &'static str, read: Read, unit: Unit, value: f64, tolerance: f64) -> Self {
        Self::number(number, read, Claimed::About { unit, value, tolerance, overhead: 0.0 })
    }

    /// The claim that `read` gives at most `value`.
    pub(super) const fn at_most(number: &'static str, read: Read, unit: Unit, value: f64) -> Self {
        Self::number(number, read, Claimed::AtMost { unit, value })
    }

    const fn number(number: &'static str, read: Read, claimed: Claimed) -> Self {
        Self { number, proves: "", is_of_lateness: false, is_of_service: false, truth: Truth::Number { read, claimed } }
    }

    /// The claim that the ledger contains exactly the counts of this behaviour.
    pub(super) const fn ledger(behaviour: Behaviour) -> Self {
        Self {
            number: "ledger",
            proves: "",
            is_of_lateness: false,
            is_of_service: false,
            truth: Truth::Counts { behaviour },
        }
    }

    /// Marks it as a claim about the instrument's own lateness.
    pub(super) const fn of_lateness(self) -> Self {
        Self { is_of_lateness: true, ..self }
    }

    /// Marks it as a claim about a service time.
    pub(super) const fn of_service(self) -> Self {
        Self { is_of_service: true, ..self }
    }

    /// Sets what it proves.
    pub(super) const fn proving(self, proves: &'static str) -> Self {
        Self { proves, ..self }
    }

    /// Whether it has no tolerance. It is then a claim about counts, which no busy machine can excuse.
    pub fn is_exact(&self) -> bool {
        matches!(self.truth, Truth::Counts { .. })
    }

    /// The value that must come out of `sent` logs, with the given cost of timing.
    pub fn claimed(&self, sent: u64, timing: &Overhead) -> Claimed {
        match self.truth {
            Truth::Number { claimed: Claimed::About { unit, value, tolerance, .. }, .. } if self.is_of_service => {
                Claimed::About { unit, value, tolerance, overhead: timing.allowed_ns() }
            }
            Truth::Number { claimed, .. } => claimed,
            Truth::Counts { behaviour } => Claimed::Counts { counts: Counts::after(behaviour, sent) },
        }
    }

    /// Checks the claim on a measurement.
    pub fn read(&self, measurement: &Measurement, timing: &Overhead) -> Reading {
        let claimed = self.claimed(measurement.ledger.attempted, timing);
        let measured = match self.truth {
            Truth::Number { read, .. } => read(measurement).map(Measured::Value),
            Truth::Counts { .. } => Some(Measured::Counts(Counts::from(&measurement.ledger))),
        };
        Reading { claimed, measured, holds: measured.is_some_and(|measured| agrees(claimed, measured)) }
    }

    /// The reasons that can excuse a miss of this claim. Nothing excuses a wrong count.
    pub(super) fn excuses(&self, found: &[Disturbance], timing: &Overhead) -> Vec<String> {
        let counts = |one: &&Disturbance| !(self.is_exact() || self.is_of_lateness && one.is_own_word);
        let costly = (self.is_of_service && timing.is_excessive())
            .then(|| format!("timing costs too much here: {}", timing.described()));
        found.iter().filter(counts).map(|one| one.what.clone()).chain(costly).collect()
    }
}

fn agrees(claimed: Claimed, measured: Measured) -> bool {
    match (claimed, measured) {
        (Claimed::About { value, tolerance, overhead, .. }, Measured::Value(measured)) => {
            (value - tolerance..=value + tolerance + overhead).contains(&measured)
        }
        (Claimed::AtMost { value, .. }, Measured::Value(measured)) => measured <= value,
        (Claimed::Counts { counts }, Measured::Counts(measured)) => counts == measured,
        _ => false,
    }
}

/// The quantile given in percent, in nanoseconds; `None` if fewer than 10 values lie above it.
pub(super) fn percentile(latency: &Latency, percent: u64) -> Option<f64> {
    let parts = percent * 10_000_000;
    let distribution = Distribution::decode(latency).ok()?;
    has_samples(distribution.count(), parts).then_some(distribution.quantile_ns(parts)? as f64)
}

/// The exact mean in nanoseconds; `None` if there are no values.
pub(super) fn mean(latency: &Latency) -> Option<f64> {
    (latency.count > 0).then(|| latency.sum_ns as f64 / latency.count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy};

    const NO_COST: Overhead = Overhead { reading_ns: 0.0, call_ns: 0.0 };

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
            assert_eq!(about.read(&measurement, &NO_COST).holds, is_about, "{ns}");
            assert_eq!(at_most.read(&measurement, &NO_COST).holds, is_at_most, "{ns}");
        }
    }

    /// Each row: the measured time in ns, the cost of timing a call in ns, whether the claim holds.
    #[test]
    fn timing_may_add_to_a_service_time_and_take_nothing_from_it() {
        let claim = Claim::about("x", p50, Unit::Ns, 2_000.0, 60.0).of_service();
        for (ns, call_ns, holds) in [
            (1_930, 0.0, false),
            (1_930, 40.0, false),
            (1_945, 0.0, true),
            (2_055, 0.0, true),
            (2_115, 0.0, false),
            (2_115, 40.0, true),
            (2_175, 40.0, true),
            (2_185, 40.0, false),
            (2_400, 10_000.0, false),
        ] {
            let timing = Overhead { reading_ns: 10.0, call_ns };
            let measurement = healthy(100).enqueue_taking(ns);
            assert_eq!(claim.read(&measurement, &timing).holds, holds, "{ns} {call_ns}");
        }
        let dear = Overhead { reading_ns: 900.0, call_ns: 1_500.0 };
        assert_eq!(claim.excuses(&[], &dear).len(), 1, "where timing costs that much, nothing is proven");
        assert!(Claim::about("x", p50, Unit::Ns, 1.0, 1.0).excuses(&[], &dear).is_empty());
    }

    #[test]
    fn a_claim_is_not_excused_by_its_own_number() {
        let one = |what: &str, is_own_word| Disturbance { what: what.to_owned(), is_own_word };
        let found = [one("theft", false), one("late", true)];
        let claim = Claim::at_most("x", p50, Unit::Ns, 1.0);
        assert_eq!(claim.excuses(&found, &NO_COST), ["theft", "late"]);
        assert_eq!(claim.of_lateness().excuses(&found, &NO_COST), ["theft"]);
        assert!(Claim::ledger(Behaviour::DropsEvery(7)).excuses(&found, &NO_COST).is_empty());
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        let claim = Claim::at_most("x", p50, Unit::Ns, f64::MAX);
        let reading = claim.read(&healthy(19), &NO_COST);
        assert_eq!((reading.measured, reading.holds), (None, false), "p50 needs ten values above it");
        assert_eq!(mean(&constant(0, 0)), None);
    }

    #[test]
    fn counts_are_of_what_was_sent_and_have_no_tolerance() {
        let claim = Claim::ledger(Behaviour::DropsEvery(7));
        assert!(claim.read(&healthy(700).dropping(100), &NO_COST).holds);
        assert!(!claim.read(&healthy(700).dropping(99), &NO_COST).holds);
        assert!(!claim.read(&healthy(700).dropping(100).losing(1), &NO_COST).holds);
        let fewer = healthy(707).with_unsent_generator(7).dropping(100);
        assert!(claim.read(&fewer, &NO_COST).holds, "a hundred of the seven hundred that were sent");
        assert!(claim.is_exact());
    }
}
