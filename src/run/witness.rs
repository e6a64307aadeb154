//! What the runner observes of a repeat itself, and the claims of a result that contradict it.
//!
//! A program measures itself, and its times cannot be checked from outside, with two exceptions: a repeat cannot take
//! less time than its window, and a program cannot have lost time that the machine did not lose. Only repeats in a
//! process of their own are watched. A scripted repeat, or one that is simulated on a manual clock, has neither real
//! time nor a machine.

use crate::measure::{Latency, Measurement};
use crate::plan::PlannedRepeat;
use crate::units::human;
use crate::worker::Ticks;
use std::time::{Duration, Instant};

/// How much a claim may exceed the observation, in nanoseconds. The kernel counts CPU time in ticks of 10 ms, and each
/// end of a span can be wrong by one tick.
const SLACK_NS: f64 = 20e6;
/// Relative tolerance: two clocks, and two readings of the same counters, differ by about this share.
const PRECISION: f64 = 0.01;
/// With at least this many values, a coarse clock cannot be the reason why all of them are 0.
const MANY: u64 = 10;

/// Observes a repeat; it must begin before the request is sent.
pub(super) struct Watch {
    begun: Instant,
    ticks: Option<Ticks>,
}

/// The observation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// How long the repeat took, from before the request until after the result. A busy runner makes this longer, which
    /// can only make a false claim look true, never a true one false.
    elapsed: Duration,
    /// CPU time of all CPUs in that span, in nanoseconds: stolen, and busy. `None` if the kernel does not report it.
    cpu_ns: Option<(f64, f64)>,
}

/// A claim of a result that contradicts the observation.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum Unseen {
    /// The result came before warm-up and window can have been over.
    #[error("the result came {} after the request; warm-up and window alone take {}", shown(*took), shown(*needed))]
    TooSoon {
        /// How long the repeat took.
        took: Duration,
        /// Length of warm-up and window.
        needed: Duration,
    },
    /// No call took any time.
    #[error("{latency}: all {calls} calls took 0 ns, so that nothing was timed")]
    Untimed {
        /// Which latency.
        latency: &'static str,
        /// Number of calls.
        calls: u64,
    },
    /// More CPU time went elsewhere than the whole machine saw.
    #[error(
        "{share} says that at least {} of CPU time went elsewhere, the machine says {}",
        human::latency(*claimed_ns),
        human::latency(*seen_ns)
    )]
    Elsewhere {
        /// Which share claims it.
        share: &'static str,
        /// The claim, in nanoseconds.
        claimed_ns: f64,
        /// The observation, in nanoseconds.
        seen_ns: f64,
    },
}

fn shown(time: Duration) -> String {
    human::latency(time.as_nanos() as f64)
}

impl Watch {
    /// Starts to observe.
    pub(super) fn begin() -> Self {
        Self { ticks: Ticks::now(), begun: Instant::now() }
    }

    /// The observation so far.
    pub(super) fn seen(&self) -> Seen {
        let elapsed = self.begun.elapsed();
        let cpus = Ticks::now().zip(self.ticks).and_then(|(now, before)| now.cpus_since(before));
        let ns = |cpus: f64| cpus * elapsed.as_nanos() as f64;
        Seen { elapsed, cpu_ns: cpus.map(|(stolen, busy)| (ns(stolen), ns(busy))) }
    }
}

impl Seen {
    /// The claims of a result that cannot be true.
    pub(super) fn against(&self, repeat: &PlannedRepeat, measurement: &Measurement) -> Vec<Unseen> {
        let mut untrue: Vec<Unseen> = self.too_soon(repeat).into_iter().collect();
        let latency = &measurement.latency;
        untrue
            .extend([("enqueue", &latency.enqueue), ("rejected", &latency.rejected)].into_iter().filter_map(timeless));
        if let Some((stolen, busy)) = self.cpu_ns {
            let window = repeat.parameters.duration;
            let machine = &measurement.machine;
            let allowed = machine.allowed;
            let drain_ns = measurement.cost.drain_ns;
            for (name, share, span_ns, seen) in [
                ("steal_share", machine.steal_share, window.0, stolen),
                ("others_share", machine.others_share, window.0, busy),
                ("allowed.steal_share", allowed.map(|shares| shares.steal_share), window.0, stolen),
                ("allowed.others_share", allowed.map(|shares| shares.others_share), window.0, busy),
                ("drain.steal_share", machine.drain.map(|shares| shares.steal_share), drain_ns, stolen),
                ("drain.others_share", machine.drain.map(|shares| shares.others_share), drain_ns, busy),
            ] {
                // The share may refer to only those CPUs that the program may use: at least one. So it is read as a
                // share of one CPU's time, which is the smallest time that it can mean.
                let claimed = share.unwrap_or(0.0) * span_ns as f64;
                if claimed * (1.0 - PRECISION) > seen + SLACK_NS {
                    untrue.push(Unseen::Elsewhere { share: name, claimed_ns: claimed, seen_ns: seen });
                }
            }
        }
        untrue
    }

    /// Warm-up and window always take their full time, so a result cannot come earlier. A window that ends when the load is
    /// steady has the length that the result says.
    fn too_soon(&self, repeat: &PlannedRepeat) -> Option<Unseen> {
        let needed = Duration::from_nanos(repeat.warmup.0.saturating_add(repeat.parameters.duration.0));
        let is_soon = self.elapsed < needed.mul_f64(1.0 - PRECISION);
        is_soon.then_some(Unseen::TooSoon { took: self.elapsed, needed })
    }
}

/// Every call takes time: if all calls took 0 ns, the program has not measured them.
fn timeless((name, latency): (&'static str, &Latency)) -> Option<Unseen> {
    let is_timeless = latency.count >= MANY && latency.max_ns == Some(0);
    is_timeless.then_some(Unseen::Untimed { latency: name, calls: latency.count })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::measure::CpuShares;
    use crate::units::Nanos;

    const SECOND: Duration = Duration::from_secs(1);

    /// The contradictions found for a repeat with a warm-up of 0.5 s and a window of 1 s.
    fn said(seen: Seen, claim: impl Fn(&mut Measurement)) -> Vec<String> {
        let mut repeat = fixture::planned(0, 0);
        (repeat.warmup, repeat.parameters.duration) = (Nanos::from_millis(500), Nanos::from_secs(1));
        let mut measurement = fixture::measurement();
        claim(&mut measurement);
        seen.against(&repeat, &measurement).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_result_cannot_come_before_its_window_is_over() {
        for (elapsed, expected) in [
            (SECOND * 2, None),
            (SECOND * 3 / 2, None),
            // Two clocks differ slightly.
            (Duration::from_millis(1_490), None),
            (SECOND, Some("the result came 1.00 s after the request; warm-up and window alone take 1.50 s")),
            (Duration::ZERO, Some("the result came 0 ns after the request; warm-up and window alone take 1.50 s")),
        ] {
            let found = said(Seen { elapsed, cpu_ns: None }, |_| {});
            assert_eq!(found.first().map(String::as_str), expected, "{elapsed:?}");
        }
    }

    #[test]
    fn calls_that_take_no_time_were_not_timed() {
        let seen = Seen { elapsed: SECOND * 2, cpu_ns: None };
        for (enqueue, rejected, count, expected) in [
            (50, 50, 900, vec![]),
            (0, 50, 9, vec![]),
            (0, 50, 10, vec!["enqueue: all 10 calls took 0 ns, so that nothing was timed"]),
            (50, 0, 900, vec!["rejected: all 100 calls took 0 ns, so that nothing was timed"]),
        ] {
            let found = said(seen, |measurement| {
                measurement.latency.enqueue.count = count;
                measurement.latency.enqueue.max_ns = Some(enqueue);
                measurement.latency.rejected.max_ns = Some(rejected);
            });
            assert_eq!(found, expected);
        }
    }

    /// Each row: the machine's stolen and busy CPU time over all CPUs; the program's claims about one second; the
    /// number of contradictions.
    #[test]
    fn time_that_the_machine_did_not_lose_was_not_lost() {
        let ms = 1e6;
        for (cpu_ns, steal, others, lies) in [
            (None, Some(1.0), Some(1.0), 0),
            (Some((0.0, 0.0)), None, None, 0),
            (Some((0.0, 0.0)), Some(0.0), Some(0.0), 0),
            // The kernel's ticks are coarse, so small claims are accepted.
            (Some((0.0, 0.0)), Some(0.02), Some(0.02), 0),
            (Some((0.0, 0.0)), Some(0.06), None, 1),
            (Some((50.0 * ms, 0.0)), Some(0.06), None, 0),
            (Some((50.0 * ms, 2_000.0 * ms)), Some(0.5), Some(0.5), 1),
            (Some((0.0, 100.0 * ms)), None, Some(0.5), 1),
            (Some((1_000.0 * ms, 1_000.0 * ms)), Some(1.0), Some(1.0), 0),
        ] {
            let found = said(Seen { elapsed: SECOND * 2, cpu_ns }, |measurement| {
                (measurement.machine.steal_share, measurement.machine.others_share) = (steal, others);
            });
            assert_eq!(found.len(), lies, "{cpu_ns:?} {steal:?} {others:?}: {found:?}");
            // The same claims of the CPUs that it may use, and of them in a drain of a second.
            let (steal_share, others_share) = (steal.unwrap_or(0.0), others.unwrap_or(0.0));
            let shares = Some(CpuShares { cpus: 1, steal_share, process_share: 0.0, others_share });
            let of_window =
                said(Seen { elapsed: SECOND * 2, cpu_ns }, |measurement| measurement.machine.allowed = shares);
            let of_drain = said(Seen { elapsed: SECOND * 2, cpu_ns }, |measurement| {
                (measurement.machine.drain, measurement.cost.drain_ns) = (shares, 1_000_000_000);
            });
            assert_eq!([of_window.len(), of_drain.len()], [lies; 2], "{cpu_ns:?} {steal:?} {others:?}: {of_drain:?}");
        }
    }

    #[test]
    fn a_watch_sees_time_pass() {
        let seen = Watch::begin().seen();
        assert!(seen.elapsed < Duration::from_secs(60));
        assert!(seen.cpu_ns.is_none_or(|(stolen, busy)| stolen >= 0.0 && busy >= 0.0));
    }
}
