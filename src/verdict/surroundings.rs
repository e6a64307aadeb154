//! Can what is said of the machine, of the control and of the runtime's lag be true?

use super::Distributions;
use crate::measure::encoding::{Distribution, MAX_COUNT};
use crate::measure::{Control, Machine, Measurement};

/// Adds every way in which they contradict themselves, one line each.
pub(super) fn faults(measurement: &Measurement, distributions: &Distributions, faults: &mut Vec<String>) {
    machine("", &measurement.machine, faults);
    for (name, found) in [("control", &measurement.control), ("control_after", &measurement.control_after)] {
        if let Some(found) = found {
            control(name, found, faults);
        }
    }
    if measurement.control.is_none() && measurement.control_after.is_some() {
        faults.push("control_after follows from a control, and there is none".to_owned());
    }
    for (name, before, during) in [
        ("lag", &distributions.lag_before, &distributions.lag),
        ("timer_lag", &distributions.timer_lag_before, &distributions.timer_lag),
    ] {
        if before.is_some() != during.is_some() {
            faults.push(format!("{name} and {name}_before are null only together"));
        }
    }
}

fn machine(whose: &str, machine: &Machine, faults: &mut Vec<String>) {
    let shares = [
        ("steal_share", machine.steal_share),
        ("process_share", machine.process_share),
        ("others_share", machine.others_share),
    ];
    for (name, share) in shares.into_iter().filter_map(|(name, share)| Some((name, share?))) {
        if !(0.0..=1.0).contains(&share) {
            faults.push(format!("{whose}{name} = {share} is impossible"));
        }
    }
    let floor = machine.instrument_floor_ns;
    if !floor.is_finite() || floor < 0.0 {
        faults.push(format!("{whose}instrument_floor_ns = {floor} is impossible"));
    }
    if machine.jitter.is_some() != machine.stolen_ns.is_some() {
        faults.push(format!("{whose}jitter and stolen_ns are null only together"));
    }
    if let Some(allowed) = &machine.allowed {
        let shares = [allowed.steal_share, allowed.process_share, allowed.others_share];
        if allowed.cpus == 0 || shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
            faults.push(format!("{whose}allowed = {allowed:?} is impossible"));
        }
    }
    let Some(jitter) = &machine.jitter else { return };
    match Distribution::decode(jitter) {
        Err(error) => faults.push(format!("{whose}jitter: {error}")),
        Ok(jitter) if u128::from(machine.stolen_ns.unwrap_or(0)) > jitter.sum_ns() => {
            faults.push(format!("{whose}stolen_ns is more than the sum of jitter, {} ns", jitter.sum_ns()));
        }
        Ok(_) => {}
    }
}

fn control(name: &str, control: &Control, faults: &mut Vec<String>) {
    let parts = [control.attempted, control.unsent, control.unsent_generator];
    if parts.into_iter().any(|part| part > MAX_COUNT) || parts.iter().sum::<u64>() != control.scheduled {
        faults.push(format!(
            "the {name} does not close: scheduled = {}, attempted + unsent + unsent_generator = {parts:?}",
            control.scheduled
        ));
    }
    match Distribution::decode(&control.lateness) {
        Err(error) => faults.push(format!("{name}.lateness: {error}")),
        Ok(lateness) if lateness.count() != control.attempted => faults.push(format!(
            "the {name} does not close: count(lateness) = {}, attempted = {}",
            lateness.count(),
            control.attempted
        )),
        Ok(_) => {}
    }
    machine(&format!("{name}."), &control.machine, faults);
}

#[cfg(test)]
mod tests {
    use crate::measure::fixture::{constant, healthy};
    use crate::measure::{CpuShares, Measurement};
    use crate::verdict::faults;

    const SHARES: CpuShares = CpuShares { cpus: 2, steal_share: 0.0, process_share: 0.2, others_share: 0.1 };

    fn with_everything() -> Measurement {
        healthy(100).with_controls(100_000).with_lag(25_000)
    }

    #[test]
    fn what_is_complete_or_absent_is_believed() {
        assert_eq!(faults(&with_everything()), [""; 0]);
        let mut bare = healthy(100);
        bare.machine = crate::measure::Machine { clock: "os".into(), ..Default::default() };
        assert_eq!(faults(&bare), [""; 0]);
    }

    #[test]
    fn every_contradiction_is_found() {
        type Lie = fn(&mut Measurement);
        let lies: [(&str, Lie); 20] = [
            ("lag and lag_before", |m| m.latency.lag_before = None),
            ("timer_lag and timer_lag_before", |m| m.latency.timer_lag = None),
            ("lag: histogram", |m| m.latency.lag.as_mut().unwrap().count += 1),
            ("process_share = 1.5", |m| m.machine.process_share = Some(1.5)),
            ("others_share = NaN", |m| m.machine.others_share = Some(f64::NAN)),
            ("jitter and stolen_ns", |m| m.machine.stolen_ns = None),
            ("jitter: histogram", |m| m.machine.jitter.as_mut().unwrap().count += 1),
            ("stolen_ns is more", |m| m.machine.stolen_ns = Some(1_000 * 60_000 + 1)),
            ("control does not close: scheduled", |m| m.control.as_mut().unwrap().scheduled += 1),
            ("control does not close: scheduled", |m| m.control.as_mut().unwrap().unsent = u64::MAX),
            ("control does not close: count(lateness)", |m| {
                m.control.as_mut().unwrap().lateness = constant(1, 1);
            }),
            ("control.lateness: histogram", |m| m.control.as_mut().unwrap().lateness.count += 1),
            ("control_after does not close: scheduled", |m| m.control_after.as_mut().unwrap().scheduled += 1),
            ("control_after does not close: count(lateness)", |m| {
                m.control_after.as_mut().unwrap().lateness = constant(1, 1);
            }),
            ("control_after.steal_share", |m| {
                m.control_after.as_mut().unwrap().machine.steal_share = Some(1.1);
            }),
            ("control_after follows from a control", |m| m.control = None),
            ("allowed = ", |m| m.machine.allowed = Some(CpuShares { cpus: 0, ..SHARES })),
            ("control.allowed = ", |m| {
                m.control.as_mut().unwrap().machine.allowed = Some(CpuShares { others_share: 1.5, ..SHARES });
            }),
            ("control.steal_share", |m| m.control.as_mut().unwrap().machine.steal_share = Some(-0.1)),
            ("control.instrument_floor_ns", |m| {
                m.control.as_mut().unwrap().machine.instrument_floor_ns = f64::INFINITY;
            }),
        ];
        for (expected, lie) in lies {
            let mut measurement = with_everything();
            lie(&mut measurement);
            let found = faults(&measurement);
            assert!(found.iter().any(|fault| fault.contains(expected)), "{expected}: {found:?}");
        }
    }
}
