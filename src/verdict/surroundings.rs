//! Can the claims about the machine, the controls and the runtime's lag be true?

use super::Distributions;
use super::reason::Contradiction;
use crate::measure::encoding::{Distribution, MAX_COUNT};
use crate::measure::{Control, Machine, Measurement};

/// Largest number of CPUs in a list.
const MOST_CPUS: usize = 4_096;

/// How far a share may be off through rounding.
const ROUNDING: f64 = 1e-6;

/// Adds every contradiction in them.
pub(super) fn faults(measurement: &Measurement, distributions: &Distributions, faults: &mut Vec<Contradiction>) {
    machine("", &measurement.machine, faults);
    for (name, found) in [("control", &measurement.control), ("control_after", &measurement.control_after)] {
        if let Some(found) = found {
            control(name, found, faults);
        }
    }
    if measurement.control.is_none() && measurement.control_after.is_some() {
        faults.push(Contradiction::NoFirstControl);
    }
    fairness(measurement, faults);
    threads(measurement, faults);
    for (one, during, other, before) in [
        ("lag", &distributions.lag, "lag_before", &distributions.lag_before),
        ("timer_lag", &distributions.timer_lag, "timer_lag_before", &distributions.timer_lag_before),
    ] {
        if before.is_some() != during.is_some() {
            faults.push(Contradiction::OneMissing { whose: String::new(), one, other });
        }
    }
}

fn machine(whose: &str, machine: &Machine, faults: &mut Vec<Contradiction>) {
    let named = |name: &str| format!("{whose}{name}");
    let whose = || whose.to_owned();
    let shares = [
        ("steal_share", machine.steal_share),
        ("process_share", machine.process_share),
        ("others_share", machine.others_share),
    ];
    for (name, share) in shares.into_iter().filter_map(|(name, share)| Some((name, share?))) {
        if !(0.0..=1.0).contains(&share) {
            faults.push(Contradiction::Impossible { name: named(name), value: share });
        }
    }
    let floor = machine.instrument_floor_ns;
    if !floor.is_finite() || floor < 0.0 {
        faults.push(Contradiction::Impossible { name: named("instrument_floor_ns"), value: floor });
    }
    if machine.jitter.is_some() != machine.stolen_ns.is_some() {
        faults.push(Contradiction::OneMissing { whose: whose(), one: "jitter", other: "stolen_ns" });
    }
    for allowed in machine.allowed.into_iter().chain(machine.drain) {
        let shares = [allowed.steal_share, allowed.process_share, allowed.others_share];
        if allowed.cpus == 0 || shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
            faults.push(Contradiction::ImpossibleShares { whose: whose(), allowed });
        }
    }
    let Some(jitter) = &machine.jitter else { return };
    match Distribution::decode(jitter) {
        Err(error) => faults.push(Contradiction::Unreadable { name: named("jitter"), error }),
        Ok(jitter) if u128::from(machine.stolen_ns.unwrap_or(0)) > jitter.sum_ns() => {
            faults.push(Contradiction::StolenUnseen { whose: whose(), sum_ns: jitter.sum_ns() });
        }
        Ok(_) => {}
    }
}

fn fairness(measurement: &Measurement, faults: &mut Vec<Contradiction>) {
    let (Some(found), ledger) = (&measurement.fairness, &measurement.ledger) else { return };
    if found.tasks < 2 || found.tasks > ledger.scheduled {
        faults.push(Contradiction::ImpossibleTasks { tasks: found.tasks });
        return;
    }
    if !(1.0 / found.tasks as f64 - ROUNDING..=1.0 + ROUNDING).contains(&found.jain) {
        faults.push(Contradiction::ImpossibleJain { jain: found.jain, tasks: found.tasks });
    }
    // The smallest share is at most the share of all tasks together: a minimum is never above the mean.
    let sent = ledger.scheduled.saturating_sub(ledger.unsent_generator).max(1);
    let most = (ledger.enqueued_in_window as f64 / sent as f64).min(1.0);
    if !(0.0..=most + ROUNDING).contains(&found.least_share) {
        faults.push(Contradiction::ImpossibleLeastShare { least: found.least_share, most });
    }
}

fn threads(measurement: &Measurement, faults: &mut Vec<Contradiction>) {
    let Some(found) = &measurement.threads else { return };
    for (name, cpus) in [("producer_cpus", &found.producer_cpus), ("queue_cpus", &found.queue_cpus)] {
        let in_order = cpus.windows(2).all(|pair| pair[0].cpu < pair[1].cpu) && cpus.len() <= MOST_CPUS;
        let sum: f64 = cpus.iter().map(|cpu| cpu.share).sum();
        let whole = cpus.is_empty() || (sum - 1.0).abs() <= ROUNDING;
        if !in_order || !whole || cpus.iter().any(|cpu| cpu.share < 0.0) {
            faults.push(Contradiction::NoWhole { name });
        }
    }
    let share = found.shared_cpu_share.filter(|share| !(0.0..=1.0).contains(share));
    let switches = found.queue_switches_per_log.filter(|count| !count.is_finite() || *count < 0.0);
    for (name, value) in [("shared_cpu_share", share), ("queue_switches_per_log", switches)] {
        faults.extend(value.map(|value| Contradiction::Impossible { name: format!("threads.{name}"), value }));
    }
}

fn control(name: &'static str, control: &Control, faults: &mut Vec<Contradiction>) {
    let parts = [control.attempted, control.unsent, control.unsent_generator];
    if parts.into_iter().any(|part| part > MAX_COUNT) || parts.iter().sum::<u64>() != control.scheduled {
        faults.push(Contradiction::ControlParts { name, scheduled: control.scheduled, parts });
    }
    match Distribution::decode(&control.lateness) {
        Err(error) => faults.push(Contradiction::Unreadable { name: format!("{name}.lateness"), error }),
        Ok(lateness) if lateness.count() != control.attempted => {
            let (timed, attempted) = (lateness.count(), control.attempted);
            faults.push(Contradiction::ControlTimes { name, timed, attempted });
        }
        Ok(_) => {}
    }
    machine(&format!("{name}."), &control.machine, faults);
}

#[cfg(test)]
mod tests {
    use crate::measure::fixture::{constant, healthy};
    use crate::measure::{CpuShare, CpuShares, Fairness, Measurement, Threads};
    use crate::verdict::faults;

    const SHARES: CpuShares = CpuShares { cpus: 2, steal_share: 0.0, process_share: 0.2, others_share: 0.1 };

    fn with_everything() -> Measurement {
        let mut all = healthy(100).with_controls(100_000).with_lag(25_000);
        all.fairness = Some(Fairness { tasks: 4, jain: 0.98, least_share: 0.9 });
        let share = |cpu, share| CpuShare { cpu, share };
        all.threads = Some(Threads {
            producer_cpus: vec![share(0, 0.25), share(3, 0.75)],
            queue_cpus: vec![share(1, 1.0)],
            shared_cpu_share: Some(0.0),
            queue_switches_per_log: Some(1.2),
        });
        all
    }

    fn threads(m: &mut Measurement) -> &mut Threads {
        m.threads.as_mut().unwrap()
    }

    #[test]
    fn what_is_complete_or_absent_is_believed() {
        assert_eq!(faults(&with_everything()), []);
        let mut bare = healthy(100);
        bare.machine = crate::measure::Machine { clock: "os".into(), ..Default::default() };
        assert_eq!(faults(&bare), []);
    }

    #[test]
    fn every_contradiction_is_found() {
        type Lie = fn(&mut Measurement);
        let lies: [(&str, Lie); 33] = [
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
            ("fairness.tasks = 1 ", |m| m.fairness.as_mut().unwrap().tasks = 1),
            ("fairness.tasks = 101 ", |m| m.fairness.as_mut().unwrap().tasks = 101),
            ("fairness.jain = 0.2 ", |m| m.fairness.as_mut().unwrap().jain = 0.2),
            ("fairness.jain = NaN ", |m| m.fairness.as_mut().unwrap().jain = f64::NAN),
            ("fairness.least_share = 1.5 ", |m| m.fairness.as_mut().unwrap().least_share = 1.5),
            ("fairness.least_share = 0.9 ", |m| *m = m.clone().dropping(20)),
            ("threads.producer_cpus", |m| threads(m).producer_cpus[0].share = 0.3),
            ("threads.producer_cpus", |m| threads(m).producer_cpus.swap(0, 1)),
            ("threads.producer_cpus", |m| {
                (0..2).for_each(|n| threads(m).producer_cpus[n].share = 2.0 * n as f64 - 0.5)
            }),
            ("threads.queue_cpus", |m| threads(m).queue_cpus[0].share = f64::NAN),
            ("threads.shared_cpu_share = 1.5", |m| threads(m).shared_cpu_share = Some(1.5)),
            ("threads.queue_switches_per_log = -1", |m| threads(m).queue_switches_per_log = Some(-1.0)),
            ("threads.queue_switches_per_log = inf", |m| threads(m).queue_switches_per_log = Some(f64::INFINITY)),
            ("control.steal_share", |m| m.control.as_mut().unwrap().machine.steal_share = Some(-0.1)),
            ("control.instrument_floor_ns", |m| {
                m.control.as_mut().unwrap().machine.instrument_floor_ns = f64::INFINITY;
            }),
        ];
        for (expected, lie) in lies {
            let mut measurement = with_everything();
            lie(&mut measurement);
            let found = faults(&measurement);
            assert!(found.iter().any(|fault| fault.to_string().contains(expected)), "{expected}: {found:?}");
        }
    }
}
