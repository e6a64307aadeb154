//! The context of a case's own numbers: how the load changed the runtime's lag, the machine, the controls.

use crate::measure::{Settled, SteadyEnds};
use crate::render::parts::numbers::NONE;
use crate::render::parts::{numbers, text};
use crate::report::{CaseRecord, ControlRecord, LagRatio, LatencySummary, MachineRecord, RepeatRecord, Summary};
use crate::units::human;

/// A few lines, at most `width` columns wide. Values that no repeat knows are left out.
pub(in crate::render) fn lines(case: &CaseRecord, width: usize) -> String {
    let paragraphs = [
        case.summary.as_ref().map(lag),
        Some(settled(&case.repeats)),
        Some(machine("machine, at worst", case.repeats.iter().map(|repeat| &repeat.machine))),
        Some(controls(&case.repeats)),
    ];
    let paragraphs = paragraphs.into_iter().flatten().filter(|items| items.len() > 1);
    paragraphs
        .map(|mut items| {
            let title = items.remove(0);
            items[0] = format!("{title}: {}", items[0]);
            text::wrap_items(&items, width, 2) + "\n"
        })
        .collect()
}

/// How long what ends when the load is steady lasted.
fn settled(repeats: &[RepeatRecord]) -> Vec<String> {
    type Part = fn(&SteadyEnds) -> Option<Settled>;
    let parts: [(&str, Part); 2] = [("warm-up", |all| all.warmup), ("window", |all| all.window)];
    let items = parts.into_iter().filter_map(|(name, of)| {
        let lengths = || repeats.iter().filter_map(|repeat| Some(of(repeat.steadiness.as_ref()?)?.length_ns));
        let [least, most] = [lengths().min()?, lengths().max()?].map(|ns| numbers::time(Some(ns)));
        Some(if least == most { format!("{name} {least}") } else { format!("{name} {least} to {most}") })
    });
    std::iter::once("until steady".to_owned()).chain(items).collect()
}

fn lag(summary: &Summary) -> Vec<String> {
    let mut items = vec!["lag, during the load over before".to_owned()];
    for (name, ratio) in [("lag", summary.lag_ratio), ("timer_lag", summary.timer_lag_ratio)] {
        items.extend(ratio.map(|LagRatio { p50, p99 }| format!("{name} p50 {}, p99 {}", times(p50), times(p99))));
    }
    items
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or(NONE.into(), |ratio| format!("{ratio:.2}x"))
}

/// The largest value of each number.
fn machine<'r>(title: &str, of: impl Iterator<Item = &'r MachineRecord> + Clone) -> Vec<String> {
    let share = |get: fn(&MachineRecord) -> Option<f64>| of.clone().filter_map(get).reduce(f64::max).map(human::share);
    let jitter = |get: fn(&LatencySummary) -> Option<u64>| of.clone().filter_map(|m| get(m.jitter.as_ref()?)).max();
    let stolen = of.clone().filter_map(|machine| machine.stolen_ns).max();
    let switches = of.clone().filter_map(|machine| machine.producer_switches).max();
    let apart = || of.clone().filter_map(|machine| machine.core_to_core).map(|apart| apart.worst_ns());
    let items = [
        apart().min().zip(apart().max()).map(|(least, most)| {
            let [least, most] = [least, most].map(|ns| numbers::time(Some(ns)));
            format!("core to core and back {least} to {most}")
        }),
        share(|machine| machine.steal_share).map(|share| format!("CPU stolen {share}")),
        share(|machine| machine.others_share).map(|share| format!("used by others {share}")),
        share(|machine| machine.process_share).map(|share| format!("by the repeat {share}")),
        jitter(|jitter| jitter.max_ns).map(|max| {
            let p99 = numbers::time(jitter(|jitter| jitter.p99_ns));
            format!("jitter p99 {p99}, max {}", numbers::time(Some(max)))
        }),
        stolen.map(|ns| format!("over 1 ms {} in all", numbers::time(Some(ns)))),
        switches.map(|count| format!("producers switched out {} times", human::count(count))),
    ];
    std::iter::once(title.to_owned()).chain(items.into_iter().flatten()).collect()
}

fn controls<'r>(repeats: &'r [RepeatRecord]) -> Vec<String> {
    let of =
        |repeat: &'r RepeatRecord| [repeat.control.as_deref(), repeat.control_after.as_deref()].into_iter().flatten();
    let controls: Vec<&ControlRecord> = repeats.iter().flat_map(of).collect();
    let mut items = machine("control, at worst", controls.iter().map(|control| &control.machine));
    if controls.is_empty() {
        return items;
    }
    let lateness = |get: fn(&LatencySummary) -> Option<u64>| {
        numbers::time(controls.iter().filter_map(|control| get(&control.lateness)).max())
    };
    let unsent: u64 = controls.iter().fold(0, |sum, control| sum.saturating_add(control.unsent_generator));
    let own = [
        format!("lateness p50 {}, p99 {}", lateness(|late| late.p50_ns), lateness(|late| late.p99_ns)),
        format!("unsent {}", human::count(unsent)),
    ];
    items.splice(1..1, own);
    items
}
