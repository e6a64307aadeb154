//! Whose doing is it that a repeat was sent late?

use super::disturbance;
use super::punctuality::Punctuality;
use crate::measure::{Control, Measurement};

/// Most lateness that leaves a repeat valid, in nanoseconds.
pub(super) const MAX_LATENESS_NS: u64 = 10_000_000;
/// Most lateness of a control that clears the generator: half of that, so that what the queue is blamed for at least
/// doubled.
const MAX_CONTROL_NS: u64 = MAX_LATENESS_NS / 2;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// It was on time.
    Nobody,
    /// The generator's, the machine's, or it cannot be told: why, one line each.
    Instrument(Vec<String>),
    /// The queue's: how, in one line.
    Queue(String),
}

/// Decides it. The queue is blamed only if the same generator was on time without it, right before, and nothing else
/// that is known of the machine explains the difference.
pub(super) fn blame(measurement: &Measurement) -> Blame {
    let window = match Punctuality::of_window(measurement) {
        Ok(window) => window,
        Err(error) => return Blame::Instrument(vec![error]),
    };
    let late = window.faults(MAX_LATENESS_NS);
    if late.is_empty() {
        return Blame::Nobody;
    }
    let control = measurement.control.as_ref();
    let is_hog = control.is_some_and(|control| disturbance::has_queue_hogged(&measurement.machine, &control.machine));
    let disturbed = disturbance::found(&measurement.machine, window.is_of_single_values(), is_hog)
        .map(|how| format!("the machine was busy during the window: {how}"));
    let excuses: Vec<String> = match control {
        None => {
            let unknown = "the generator had no control, so that nothing tells its lateness from the queue's";
            disturbed.into_iter().chain([unknown.into()]).collect()
        }
        Some(control) => late_control(control).into_iter().chain(disturbed).collect(),
    };
    if excuses.is_empty() {
        return Blame::Queue(accusation(&window, &late, measurement));
    }
    let late = late.into_iter().map(|fault| format!("the generator was late: {fault}"));
    Blame::Instrument(late.chain(excuses).collect())
}

/// Why the control does not clear the generator; nothing if it does.
fn late_control(control: &Control) -> Vec<String> {
    let punctual = match Punctuality::of_control(control) {
        Ok(punctual) => punctual,
        Err(_) => return vec!["the generator sent nothing in its control".into()],
    };
    let faults = punctual.faults(MAX_CONTROL_NS);
    if faults.is_empty() {
        return Vec::new();
    }
    let mut reasons =
        vec![format!("the generator was late in the control too, without the queue: {}", faults.join(", "))];
    let disturbed = disturbance::found(&control.machine, punctual.is_of_single_values(), false);
    reasons.extend(disturbed.map(|how| format!("the machine was busy during the control: {how}")));
    reasons
}

fn accusation(window: &Punctuality, late: &[String], measurement: &Measurement) -> String {
    let control = measurement.control.as_ref().and_then(|control| Punctuality::of_control(control).ok());
    let without =
        control.map_or_else(String::new, |control| format!(", without the queue (control) its {}", control.lateness()));
    let with = match late.len() {
        1 if window.lateness_ns() > MAX_LATENESS_NS => format!("the {}", window.lateness()),
        _ => format!("{}; the {}", late[0], window.lateness()),
    };
    format!("starves its producers: {with}{without}; the machine: {}", disturbance::described(&measurement.machine))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{constant, healthy};
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

    fn who(measurement: &Measurement) -> &'static str {
        match blame(measurement) {
            Blame::Nobody => "nobody",
            Blame::Queue(_) => "queue",
            Blame::Instrument(reasons) => match reasons.iter().any(|reason| reason.starts_with("the machine was busy"))
            {
                true => "machine",
                false => "generator",
            },
        }
    }

    /// (late in the window, lateness of the control in ms, machine busy in the window, in the control, whose doing)
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
            (true, Some(1), true, false, "machine"),
            (true, Some(1), false, true, "queue"),
            (true, Some(1), false, false, "queue"),
        ] {
            let mut measurement = if is_late { late() } else { healthy(1_000) };
            if let Some(ms) = control {
                measurement = measurement.with_control(ms * MS);
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

    #[test]
    fn logs_that_were_not_sent_are_late_too() {
        let unsent = healthy(1_000).with_unsent_generator(11);
        assert_eq!(who(&unsent), "generator");
        let Blame::Queue(reason) = blame(&unsent.with_control(MS)) else { panic!("the control was fine") };
        assert!(reason.starts_with("starves its producers: 11 of 1,000 logs were not sent"), "{reason}");
        let mut control = late().with_control(MS);
        let spoiled = control.control.as_mut().unwrap();
        (spoiled.attempted, spoiled.unsent_generator, spoiled.lateness) = (290, 10, constant(290, MS));
        assert_eq!(who(&control), "generator");
    }

    #[test]
    fn a_control_that_sent_nothing_clears_nobody() {
        let mut measurement = late().with_control(MS);
        measurement.control.as_mut().unwrap().lateness = constant(0, 0);
        assert_eq!(who(&measurement), "generator");
    }

    #[test]
    fn the_accusation_has_the_numbers() {
        let mut measurement = late().with_control(80_000);
        measurement.machine.process_share = Some(0.98);
        let Blame::Queue(reason) = blame(&measurement) else { panic!("everything else was fine") };
        assert_eq!(
            reason,
            "starves its producers: the p99 lateness is 20.0 ms, without the queue (control) its p90 lateness is \
             80.0 µs; the machine: 0% of its CPU time was stolen, 2.00% went to other processes, 98.0% to this one, a \
             thread that only watches the clock lost 0 ns and woke up to 60.0 µs late, the producers were switched out 2 times"
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let broken = Latency { count: 7, ..constant(1, 1) };
        let mut measurement = healthy(1_000);
        measurement.latency.lateness = broken;
        let Blame::Instrument(reasons) = blame(&measurement) else { panic!("nothing is known") };
        assert!(reasons[0].starts_with("the generator's lateness cannot be read"), "{reasons:?}");
    }
}
