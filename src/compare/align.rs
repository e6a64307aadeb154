//! Aligns the cases of two reports, by all their parameters and never by position or name.

use super::{Options, machines, maxima};
use crate::report::{CaseRecord, Report, ScenarioRecord};
use crate::scenario::{AXES, Axis, Parameters, axes};
use crate::untrusted::Untrusted;
use std::collections::HashMap;

/// Axes that say how the load is generated. They change the latency of the same queue many times over, so cases that
/// differ in them are never compared silently.
const GENERATOR: [&str; 3] = ["producers", "pacing", "placement"];

/// A case of both sides, or of one.
#[derive(Clone, Debug)]
pub(super) struct Pair<'a> {
    pub(super) base: Option<Found<'a>>,
    pub(super) new: Option<Found<'a>>,
    /// Why the two cannot be compared, although they belong together.
    pub(super) fault: Option<Untrusted>,
}

/// A case and its scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) case: &'a CaseRecord,
    /// Its place in its report.
    pub(super) index: usize,
    pub(super) scenario: Option<&'a ScenarioRecord>,
}

impl<'a> Pair<'a> {
    /// Both sides, if there are both and they can be compared.
    pub(super) fn both(&self) -> Option<(Found<'a>, Found<'a>)> {
        if self.fault.is_some() { None } else { Some((self.base?, self.new?)) }
    }

    /// The new side, or the base if there is no new one.
    pub(super) fn either(&self) -> Option<&'a CaseRecord> {
        self.new.or(self.base).map(|found| found.case)
    }
}

/// All pairs, and notes on how they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Alignment<'a> {
    pub(super) pairs: Vec<Pair<'a>>,
    pub(super) notes: Vec<Untrusted>,
}

/// Pairs the cases of two reports, in the order of the new one. Cases that only the baseline has come last.
pub(super) fn align<'a>(base: &'a Report, new: &'a Report, options: &Options) -> Alignment<'a> {
    let mut free: Vec<&'static Axis> =
        options.ignore.iter().chain(&options.across).filter_map(|name| slot(name)).collect();
    // The rate of a search is its result.
    free.extend(slot("rate").filter(|_| maxima::are_searches(base, new)));
    let mut alignment = Alignment::default();
    let mut olds = found(base, options);
    let mut news = found(new, options);
    if let Some(axis) = options.across.as_deref().and_then(slot) {
        keep_across(axis, &mut olds, &mut news, std::ptr::eq(base, new), &mut alignment.notes);
    }
    say_duplicates(&olds, "the baseline", &mut alignment.notes);
    say_duplicates(&news, "the new report", &mut alignment.notes);
    let mut by_key: HashMap<Parameters, Vec<usize>> = HashMap::new();
    for (index, old) in olds.iter().enumerate() {
        by_key.entry(without(&old.case.parameters, &free)).or_default().push(index);
    }
    let mut used = vec![false; olds.len()];
    for found in news {
        let candidates = by_key.get(&without(&found.case.parameters, &free)).map_or(&[][..], Vec::as_slice);
        candidates.iter().for_each(|index| used[*index] = true);
        alignment.pairs.push(match partner(found, candidates, &olds) {
            Ok(base) => Pair { base, new: Some(found), fault: None },
            Err(base) => Pair { base: Some(base), new: Some(found), fault: Some(ambiguous(candidates.len())) },
        });
    }
    let left = olds.iter().zip(used).filter(|(_, used)| !used).map(|(old, _)| *old);
    alignment.pairs.extend(left.map(|old| Pair { base: Some(old), new: None, fault: None }));
    if options.across.is_none() {
        join_unlike(&mut alignment.pairs);
    }
    machines::mark_unlike(base, new, &mut alignment.pairs, options);
    alignment
}

/// The axis of that name; the total rate stands for the rate.
fn slot(name: &str) -> Option<&'static Axis> {
    axes::find(axes::find(name)?.slot())
}

fn found<'a>(report: &'a Report, options: &Options) -> Vec<Found<'a>> {
    let scenario = |case: &CaseRecord| report.scenarios.iter().find(|scenario| scenario.name == case.scenario);
    let kept = report.cases.iter().enumerate().filter(|(_, case)| options.filter.matches(&case.parameters));
    kept.map(|(index, case)| Found { case, index, scenario: scenario(case) }).collect()
}

/// The parameters, with some axes set to the same value.
fn without(parameters: &Parameters, free: &[&Axis]) -> Parameters {
    let (mut key, default) = (parameters.clone(), Parameters::default());
    for axis in free {
        // A value that was read from parameters goes back into them.
        let _ = axis.set(&mut key, &axis.get(&default));
    }
    key
}

/// Keeps only the first value of the axis in the base. If the new report is the same one, keeps only the other values
/// in it.
fn keep_across(
    axis: &Axis,
    olds: &mut Vec<Found<'_>>,
    news: &mut Vec<Found<'_>>,
    same: bool,
    notes: &mut Vec<Untrusted>,
) {
    let Some(first) = olds.first().map(|old| axis.get(&old.case.parameters)) else { return };
    olds.retain(|old| axis.get(&old.case.parameters) == first);
    if same {
        news.retain(|new| axis.get(&new.case.parameters) != first);
    }
    let (axis, first) = (axis.name, first.text());
    notes.push(format!("{axis}={} is the base; its other values are compared with it", first.as_given()).into());
}

/// The base's case for a new one: the one with the very same parameters, of the same scenario if there are several.
/// An error contains one of several cases that cannot be distinguished.
fn partner<'a>(new: Found<'a>, candidates: &[usize], olds: &[Found<'a>]) -> Result<Option<Found<'a>>, Found<'a>> {
    let all: Vec<Found<'a>> = candidates.iter().map(|index| olds[*index]).collect();
    let narrowed = |from: Vec<Found<'a>>, by: &dyn Fn(&Found<'a>) -> bool| {
        let kept: Vec<Found<'a>> = from.iter().filter(|old| by(old)).copied().collect();
        if kept.is_empty() { from } else { kept }
    };
    let left = narrowed(all, &|old| old.case.parameters == new.case.parameters);
    let left = narrowed(left, &|old| old.case.scenario == new.case.scenario);
    match left.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        [first, ..] => Err(*first),
    }
}

fn ambiguous(candidates: usize) -> Untrusted {
    format!("{candidates} cases of the baseline match it alike").into()
}

fn say_duplicates(cases: &[Found<'_>], side: &str, notes: &mut Vec<Untrusted>) {
    let mut seen: HashMap<&Parameters, usize> = HashMap::new();
    cases.iter().for_each(|found| *seen.entry(&found.case.parameters).or_default() += 1);
    let twice = seen.values().filter(|count| **count > 1).count();
    if twice > 0 {
        let cases = if twice == 1 { "1 case stands".into() } else { format!("{twice} cases stand") };
        notes.push(
            format!(
                "{cases} in {side} more than once; they are told apart by the names of their scenarios, if these differ"
            )
            .into(),
        );
    }
}

/// Joins an added case with a removed one if they differ only in how the load is generated: that is one incomparable
/// case, and not a removal that `--allow-removed` would accept.
fn join_unlike(pairs: &mut Vec<Pair<'_>>) {
    let generator: Vec<&'static Axis> = AXES.iter().filter(|axis| GENERATOR.contains(&axis.name)).collect();
    let mut removed: HashMap<Parameters, Vec<usize>> = HashMap::new();
    for (index, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.new.is_none()) {
        if let Some(base) = pair.base {
            removed.entry(without(&base.case.parameters, &generator)).or_default().push(index);
        }
    }
    let mut joined = Vec::new();
    for index in 0..pairs.len() {
        let (None, Some(new)) = (pairs[index].base, pairs[index].new) else { continue };
        if let Some([old]) = removed.get(&without(&new.case.parameters, &generator)).map(Vec::as_slice)
            && !joined.contains(old)
        {
            pairs[index].base = pairs[*old].base;
            joined.push(*old);
        }
    }
    let mut index = 0;
    pairs.retain(|_| {
        index += 1;
        !joined.contains(&(index - 1))
    });
}

/// The axes in which a pair was measured differently, except those that the user named.
pub(super) fn unlike(base: &Parameters, new: &Parameters, options: &Options) -> Vec<Untrusted> {
    let asked = |axis: &&Axis| !options.ignore.iter().chain(&options.across).any(|name| name == axis.name);
    let generator = AXES.iter().filter(|axis| GENERATOR.contains(&axis.name)).filter(asked);
    let differing = generator.filter(|axis| axis.get(base) != axis.get(new));
    let text = |axis: &Axis| {
        let [base, new] = [base, new].map(|side| axis.get(side).text());
        format!("{} {} against {}", axis.name, base.as_given(), new.as_given()).into()
    };
    differing.map(text).collect()
}

/// The label that distinguishes each case from the others: the axes that vary, as `axis=value` pairs. A single case has
/// its id.
pub(super) fn labels(pairs: &[Pair<'_>]) -> Vec<Untrusted> {
    let cases: Vec<&CaseRecord> = pairs.iter().filter_map(Pair::either).collect();
    let varying: Vec<&Axis> = AXES
        .iter()
        .filter(|axis| {
            let mut values = cases.iter().map(|case| axis.get(&case.parameters));
            values.next().is_some_and(|first| values.any(|value| value != first))
        })
        .collect();
    let label = |case: &CaseRecord| {
        let pair = |axis: &&Axis| format!("{}={}", axis.name, axis.get(&case.parameters).text().as_given());
        let told: Vec<String> = varying.iter().map(pair).collect();
        if told.is_empty() { case.id.clone() } else { told.join(" ").into() }
    };
    pairs.iter().map(|pair| pair.either().map(label).unwrap_or_default()).collect()
}
