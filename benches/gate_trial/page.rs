//! The results of the trial, as Markdown.

use super::judge::Tally;
use super::pairs::RealPairs;
use super::pools::{Contest, LANES};
use super::store::{Pools, Settings};
use queue_load::compare::{Change, GateOutcome};
use queue_load::internals::run::YardstickReading;
use queue_load::internals::units::human;
use queue_load::report::Untrusted;
use std::fmt::Write;

/// Largest accepted share of false alarms.
const FALSE_ALARMS: f64 = 0.01;
/// Largest accepted share of inconclusive answers.
const INCONCLUSIVE: f64 = 0.05;
/// Smallest accepted share of changes that are found.
const CAUGHT: f64 = 0.95;

/// A contest, its results, and the measured effect of the change.
pub struct Row<'a> {
    /// The contest.
    pub contest: &'a Contest,
    /// Its results.
    pub tally: Tally,
    /// The effect of the change, in one line.
    pub effect: String,
}

/// The whole section.
pub fn page(settings: &Settings, pools: &Pools, rows: &[Row<'_>], real: &RealPairs) -> String {
    let [same, changed] = [false, true]
        .map(|wanted| rows.iter().filter(|row| row.contest.changed.is_some() == wanted).collect::<Vec<_>>());
    let mut text = machine(settings, pools);
    text += &method(pools, rows);
    text += &identical(&same);
    text += &caught(&changed);
    text += &findings(rows);
    text += &real.text();
    text
}

fn known(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

fn machine(settings: &Settings, pools: &Pools) -> String {
    let e = &settings.environment;
    let memory = e.memory_bytes.map(|bytes| format!("{:.0} GiB", bytes as f64 / f64::from(1 << 30)));
    let kind = match e.virtualised {
        Some(true) => "a virtual machine",
        Some(false) => "no virtual machine",
        None => "virtual or not: unknown",
    };
    let of = |read: fn(&YardstickReading) -> Option<f64>| {
        let readings = pools.yardsticks.values().flat_map(|yardstick| yardstick.readings());
        let mut values: Vec<f64> = readings.filter_map(|reading| read(&reading)).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values.get(((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1)));
        match (at(0.0), at(0.5), at(1.0)) {
            (Some(least), Some(middle), Some(most)) => {
                format!("{} ({} to {})", human::latency(*middle), human::latency(*least), human::latency(*most))
            }
            _ => "unknown".to_owned(),
        }
    };
    format!(
        "The machine: {}, {} cores, {} of memory, Linux {}, {kind}; {}, profile {}, commit {}{}; begun {}.\n\
         The yardstick over all rounds: spinning {}, a wake-up and its answer {}.\n\n",
        known(e.cpu_model.as_ref().map(Untrusted::quoted).as_ref()),
        known(e.cores.as_ref()),
        known(memory.as_ref()),
        known(e.kernel.as_ref().map(Untrusted::quoted).as_ref()),
        known(e.rustc.as_ref().map(Untrusted::quoted).as_ref()),
        known(e.profile.as_ref().map(Untrusted::quoted).as_ref()),
        known(e.git_commit.as_ref().map(|commit| commit.quoted().chars().take(12).collect::<String>()).as_ref()),
        if e.git_dirty == Some(true) { " with changes" } else { "" },
        settings.created_at.get(..10).unwrap_or(&settings.created_at),
        of(|reading| reading.spin_ns),
        of(|reading| reading.ping_pong_ns),
    )
}

/// Explains what a draw is, and what the pools contain.
fn method(pools: &Pools, rows: &[Row<'_>]) -> String {
    let valid: usize = pools.runs.values().map(|runs| runs.measured.len()).sum();
    let aside: usize = pools.runs.values().map(|runs| runs.set_aside.len()).sum();
    let broken: usize = pools.runs.values().map(|runs| runs.errors.len()).sum();
    let rounds = rows.iter().map(|row| row.tally.rounds).max().unwrap_or(0);
    let each = rows.iter().map(|row| row.tally.each).max().unwrap_or(0);
    format!(
        "The pools hold {} valid repeats of {} queues in {rounds} rounds ({aside} invalid ones discarded, {broken} broken), \
         each in a process of its own. A draw takes {each} rounds at random for a pair of reports, {each} against {each}, and \
         {each} others for the confirmation: of what looked regressed, alone; of what could not be told, together with the first. \
         These rounds are spread over all the time of measuring, where those of a run follow \
         each other. The cases that a change leaves alone are those of the draw with nothing changed. **Draws are not independent:** they overlap, since {rounds} rounds hold no more \
         than {} that share no repeat. Their shares say what the gate makes of these repeats, less surely than as many pairs \
         measured anew would.\n\n",
        human::count(valid as u64),
        LANES.len() - 1,
        if each == 0 { 0 } else { rounds / (2 * each) },
    )
}

/// A count and its share.
fn of(count: usize, all: usize) -> String {
    format!("{count} ({:.1} %)", 100.0 * count as f64 / all as f64)
}

fn bar(holds: bool, what: &str) -> String {
    if holds { format!("{what}: met") } else { format!("{what}: **missed**") }
}

fn identical(rows: &[&Row<'_>]) -> String {
    let mut text = "| identical code | draws | repeats | pass | regressed | inconclusive | first look: regressed, inconclusive | bars |\n\
                    |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for Row { contest, tally, .. } in rows {
        let [pass, regressed, open] = ended(tally);
        let share = |count: usize| count as f64 / tally.draws as f64;
        let bars = [
            bar(share(regressed) <= FALSE_ALARMS, "false alarms ≤ 1 %"),
            bar(share(open) <= INCONCLUSIVE, "inconclusive ≤ 5 %"),
        ];
        let all = tally.draws;
        let _ = writeln!(
            text,
            "| {} | {all} | {} | {} | {} | {} | {} | {} |",
            contest.name,
            human::count(tally.repeats as u64),
            of(pass, all),
            of(regressed, all),
            of(open, all),
            first(tally),
            bars.join("; "),
        );
    }
    text + "\n"
}

fn caught(rows: &[&Row<'_>]) -> String {
    let mut text = "| changed code | what the change did | draws | caught | regressed by another case alone | inconclusive | pass | \
                    first look: regressed, inconclusive | bar |\n|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for Row { contest, tally, effect } in rows {
        let [pass, regressed, open] = ended(tally);
        let all = tally.draws;
        let _ = writeln!(
            text,
            "| {} | {effect} | {all} | {} | {} | {} | {} | {} | {} |",
            contest.name,
            of(tally.caught, all),
            regressed - tally.caught,
            of(open, all),
            of(pass, all),
            first(tally),
            bar(tally.caught as f64 / all as f64 >= CAUGHT, "caught ≥ 95 %"),
        );
    }
    text + "\n"
}

/// The counts of pass, of regressed, and of all other outcomes.
fn ended(tally: &Tally) -> [usize; 3] {
    let [pass, regressed] = [GateOutcome::Pass, GateOutcome::Regressed].map(|outcome| tally.ended(outcome));
    [pass, regressed, tally.draws - pass - regressed]
}

fn first(tally: &Tally) -> String {
    let said = |outcome: GateOutcome| tally.first.get(outcome.word()).copied().unwrap_or(0);
    format!("{}, {}", said(GateOutcome::Regressed), said(GateOutcome::Inconclusive))
}

/// The rules and metrics that the findings name.
fn findings(rows: &[Row<'_>]) -> String {
    let mut text =
        "What was found of cases that regressed or could not be told, and in how many of the draws:\n\n".to_owned();
    for Row { contest, tally, .. } in rows {
        let of_change = |change: Change| {
            let mut found: Vec<(&String, usize)> = tally
                .found
                .iter()
                .filter(|((of, _), _)| *of == change)
                .map(|((_, label), count)| (label, *count))
                .collect();
            found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let words: Vec<String> = found.iter().map(|(label, count)| format!("`{label}` {count}")).collect();
            (!words.is_empty()).then(|| format!("{}: {}", change.word(), words.join(", ")))
        };
        let said: Vec<String> = [Change::Regressed, Change::Inconclusive].into_iter().filter_map(of_change).collect();
        let said = if said.is_empty() { "nothing".to_owned() } else { said.join("; ") };
        let _ = writeln!(text, "- {}: {said}", contest.name);
    }
    text + "\n"
}
