//! Decides who is to blame for a repeat that was sent late.

use super::disturbance::{self, Lateness};
use super::reason::{Reason, Starvation, When};
use crate::measure::punctuality::{LONGEST_CONTROL_NS, Late, Punctuality, Unmeasured, window_ns};
use crate::measure::{Control, Measurement};

/// Who is to blame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Blame {
    /// It was on time.
    Nobody,
    /// The generator or the machine is, or nobody can tell: why.
    Instrument(Vec<Reason>),
    /// The queue is: how it held up its producers.
    Queue(Starvation),
}

/// Decides who is to blame. The queue is blamed only if two conditions hold: the same generator under the same load was
/// clearly more punctual without the queue, both before the window and for as long as the window; and nothing that is
/// known about the machine explains the lateness. In doubt the instrument is blamed: a false accusation would fail a
/// good queue, while an invalid repeat is only run again.
pub(super) fn blame(measurement: &Measurement) -> Blame {
    let window = match Punctuality::of_window(measurement) {
        Ok(window) => window,
        Err(unmeasured) => return Blame::Instrument(vec![unmeasured.into()]),
    };
    let late = window.faults();
    if late.is_empty() {
        return Blame::Nobody;
    }
    // Every excuse is collected, not only the first one: whoever reads that a repeat was discarded can see all that was wrong.
    let mut excuses: Vec<Reason> = during(measurement, &window).into_iter().collect();
    match controls(measurement) {
        // Without a control, a queue that starves its producers looks like a generator that is slow.
        [None, None] => excuses.push(Reason::NoControl),
        controls => excuses.splice(0..0, uncleared(measurement, &window, controls)).for_each(drop),
    }
    if excuses.is_empty() {
        return Blame::Queue(accusation(&window, &late, measurement));
    }
    Blame::Instrument(late.into_iter().map(Reason::GeneratorLate).chain(excuses).collect())
}

/// The controls, each with when it was run.
fn controls(measurement: &Measurement) -> [Option<(When, &Control)>; 2] {
    let (before, after) = (measurement.control.as_ref(), measurement.control_after.as_ref());
    [before.map(|control| (When::Before, control)), after.map(|control| (When::After, control))]
}

/// What the machine did during the window, if that explains the lateness.
fn during(measurement: &Measurement, window: &Punctuality) -> Option<Reason> {
    let machine = &measurement.machine;
    let control = measurement.control.as_ref();
    let is_hog = control.is_some_and(|control| disturbance::has_queue_hogged(machine, &control.machine));
    if let Some(busy) = disturbance::found(machine, window.is_of_single_values(), is_hog) {
        return Some(Reason::MachineBusy(busy));
    }
    let lateness = Lateness {
        ns: window.blamed_ns(),
        share: window.late_share(),
        window_ns: window_ns(measurement).unwrap_or(0.0),
    };
    disturbance::explains(machine, &lateness, is_hog).map(Reason::MachineMayExplain)
}

/// Why the controls do not clear the generator; empty if they do. Each must be clearly more punctual than a window has
/// to be, and one must be as long as the window: a short control can miss a disturbance that a long window meets.
fn uncleared(measurement: &Measurement, window: &Punctuality, controls: [Option<(When, &Control)>; 2]) -> Vec<Reason> {
    let found = controls.into_iter().flatten();
    let mut reasons: Vec<Reason> =
        found.clone().flat_map(|(when, control)| late_control(when, control, window)).collect();
    let longest = found.map(|(_, control)| control.span_ns).max().unwrap_or(0);
    // A window of unknown length wants the longest control. Read as zero, it would be satisfied with any, and a queue that sends
    // no rate would be blamed too easily.
    let wanted = window_ns(measurement).unwrap_or(f64::INFINITY).min(LONGEST_CONTROL_NS as f64);
    // The window's length is computed from a rate, and is off by some nanoseconds.
    if reasons.is_empty() && (longest as f64) < wanted * 0.999 {
        reasons.push(Reason::ControlTooShort);
    }
    reasons
}

/// Why a control does not clear the generator; empty if it does.
fn late_control(when: When, control: &Control, window: &Punctuality) -> Vec<Reason> {
    let Ok(punctual) = judged(when, control, window) else {
        return vec![Reason::ControlEmpty { when }];
    };
    let late = punctual.faults_of_control();
    if late.is_empty() {
        return Vec::new();
    }
    // The machine during a control excuses nothing by itself: a punctual control clears the generator even on a busy machine.
    // It is said only to explain a late one.
    let mut reasons = vec![Reason::ControlLate { when, late }];
    let disturbed = disturbance::found(&control.machine, punctual.is_of_single_values(), false);
    reasons.extend(disturbed.map(|machine| Reason::MachineBusyInControl { when, machine }));
    reasons
}

/// The first control is short and is judged by the statistic that its logs allow. The second one is judged by the
/// statistic of the window, so that like is compared with like.
fn judged(when: When, control: &Control, window: &Punctuality) -> Result<Punctuality, Unmeasured> {
    match when {
        When::Before => Punctuality::of_control(control),
        When::After => window.like_this(control),
    }
}

fn accusation(window: &Punctuality, late: &[Late], measurement: &Measurement) -> Starvation {
    let shown = |(when, control)| Some((when, judged(when, control, window).ok()?.lateness()));
    Starvation {
        unsent: late.iter().copied().find(|late| matches!(late, Late::Unsent { .. })),
        lateness: window.lateness(),
        controls: controls(measurement).into_iter().flatten().filter_map(shown).collect(),
        machine: disturbance::state(&measurement.machine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy, of};
    use crate::measure::{Latency, Machine};

    const MS: u64 = 1_000_000;

    fn late() -> Measurement {
        let mut late = healthy(1_000);
        late.latency.lateness = constant(1_000, 20 * MS);
        late
    }

    fn busy(machine: &mut Machine) {
        (machine.others_share, machine.process_share) = (Some(0.6), Some(0.3));
    }

    fn is_of_machine(reason: &Reason) -> bool {
        use Reason::{MachineBusy, MachineBusyInControl, MachineMayExplain};
        matches!(reason, MachineBusy(_) | MachineMayExplain(_) | MachineBusyInControl { .. })
    }

    fn who(measurement: &Measurement) -> &'static str {
        match blame(measurement) {
            Blame::Nobody => "nobody",
            Blame::Queue(_) => "queue",
            Blame::Instrument(reasons) if reasons.iter().any(is_of_machine) => "machine",
            Blame::Instrument(_) => "generator",
        }
    }

    /// (late in the window, lateness of both controls in ms, machine busy in the window, in the control, who is blamed)
    #[test]
    fn who_is_to_blame() {
        for (is_late, control, window_busy, control_busy, expected) in [
            (false, None, false, false, "nobody"),
            (false, Some(20), true, true, "nobody"),
            (true, None, false, false, "generator"),
            (true, None, true, false, "machine"),
            (true, Some(20), false, false, "generator"),
            (true, Some(20), false, true, "machine"),
            (true, Some(20), true, false, "machine"),
            (true, Some(6), false, false, "generator"),
            (true, Some(3), false, false, "generator"),
            (true, Some(1), true, false, "machine"),
            (true, Some(1), false, true, "queue"),
            (true, Some(1), false, false, "queue"),
        ] {
            let mut measurement = if is_late { late() } else { healthy(1_000) };
            if let Some(ms) = control {
                measurement = measurement.with_controls(ms * MS);
            }
            if window_busy {
                busy(&mut measurement.machine);
            }
            if let (true, Some(control)) = (control_busy, &mut measurement.control) {
                busy(&mut control.machine);
            }
            let found = who(&measurement);
            assert_eq!(
                found,
                expected,
                "{is_late} {control:?} {window_busy} {control_busy}: {:?}",
                blame(&measurement)
            );
        }
    }

    /// A real repeat of `noop` at 10 million logs/s that was wrongly blamed once: its control was just under half of
    /// the bound, and the watching thread had lost 13.8 ms, 5.2 of them at once.
    #[test]
    fn noop_is_not_blamed_for_what_the_machine_took() {
        let mut noop = healthy(100_000).with_control(4_980_000);
        noop.latency.lateness = of((0..100_000).map(|n| if n < 1_500 { 31_800_000 } else { 900_000 }));
        let lost = [5_200_000, 4_600_000, 4_000_000];
        noop.machine.jitter = Some(of((0..1_987).map(|n| *lost.get(n).unwrap_or(&50_000))));
        // A window of 2 s, so that less than 1 % of it was lost.
        noop.rates.offered_per_s /= 2.0;
        noop.machine.stolen_ns = Some(lost.iter().sum());
        assert_eq!(who(&noop), "machine", "{:?}", blame(&noop));
        // Each of the two excuses is enough.
        let quiet = Measurement { machine: healthy(1).machine, ..noop.clone() };
        assert_eq!(who(&quiet), "generator");
        let mut punctual = Measurement { control: None, ..noop }.with_controls(MS);
        punctual.control_after.as_mut().unwrap().span_ns = 2_000 * MS;
        assert_eq!(who(&punctual), "machine");
        punctual.machine = healthy(1).machine;
        assert_eq!(who(&punctual), "queue");
    }

    #[test]
    fn logs_that_were_not_sent_are_late_too() {
        let unsent = healthy(1_000).with_unsent_generator(11);
        assert_eq!(who(&unsent), "generator");
        let Blame::Queue(reason) = blame(&unsent.with_controls(MS)) else { panic!("the controls were fine") };
        assert!(matches!(reason.unsent, Some(Late::Unsent { unsent: 11, scheduled: 1_000, .. })), "{reason}");
        let mut control = late().with_controls(MS);
        let spoiled = control.control.as_mut().unwrap();
        (spoiled.attempted, spoiled.unsent_generator, spoiled.lateness) = (299, 1, constant(299, MS));
        assert_eq!(who(&control), "generator");
    }

    #[test]
    fn a_control_that_sent_nothing_clears_nobody() {
        for spoil in [(|m| m.control.as_mut().unwrap().lateness = constant(0, 0)) as fn(&mut Measurement), |m| {
            m.control_after.as_mut().unwrap().lateness = constant(0, 0)
        }] {
            let mut measurement = late().with_controls(MS);
            spoil(&mut measurement);
            assert_eq!(who(&measurement), "generator");
        }
    }

    /// (length of the control after it in ms, logs in it, of these 5 ms late, who is blamed)
    #[test]
    fn a_control_must_be_as_long_and_is_judged_by_the_same_statistic() {
        for (span, logs, spoiled, expected) in [
            (1_000, 1_000, 0, "queue"),
            (1_000, 1_000, 10, "queue"),
            (1_000, 1_000, 11, "generator"),
            (998, 1_000, 0, "generator"),
            (300, 300, 0, "generator"),
            // It has too few for a p99, so that its largest value counts.
            (1_000, 999, 1, "generator"),
            (1_000, 999, 0, "queue"),
        ] {
            let mut measurement = late().with_controls(MS);
            let after = measurement.control_after.as_mut().unwrap();
            (after.span_ns, after.scheduled, after.attempted) = (span * MS, logs, logs);
            after.lateness = of((0..logs).map(|n| if n < spoiled { 5 * MS } else { MS }));
            assert_eq!(who(&measurement), expected, "{span} {logs} {spoiled}: {:?}", blame(&measurement));
        }
        assert_eq!(who(&late().with_control(MS)), "generator", "300 ms are not as long as a second");
        let mut only = late().with_control(MS);
        only.control.as_mut().unwrap().span_ns = 1_000 * MS;
        assert_eq!(who(&only), "queue", "one control that is as long is enough");
    }

    #[test]
    fn the_accusation_has_the_numbers() {
        let mut measurement = late().with_controls(80_000);
        measurement.machine.process_share = Some(0.98);
        let Blame::Queue(reason) = blame(&measurement) else { panic!("everything else was fine") };
        assert_eq!(
            reason.to_string(),
            "starves its producers: the p99 lateness is 20.0 ms; without the queue (control) before it, the p90 lateness \
             is 80.0 µs, after it, the p99 lateness is 80.0 µs; the machine: 0% of its CPU time was stolen, 2.00% went to other processes, 98.0% to this one, a \
             thread that only watches the clock lost 0 ns and woke up to 60.0 µs late, the producers were switched out 2 times"
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let broken = Latency { count: 7, ..constant(1, 1) };
        let mut measurement = healthy(1_000);
        measurement.latency.lateness = broken;
        let Blame::Instrument(reasons) = blame(&measurement) else { panic!("nothing is known") };
        assert!(matches!(reasons[..], [Reason::LatenessUnreadable(_)]), "{reasons:?}");
    }
}
