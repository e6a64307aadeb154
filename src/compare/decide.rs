//! One decision for each pair: the findings of every rule, and what follows from them together.

use super::align::{Found, Pair, unlike};
use super::family::Demand;
use super::samples::{Samples, effects};
use super::tails::{has_counts, tails};
use super::{CaseDecision, Change, Effect, Finding, FindingKind, Options, Tail, TailBound, exact};
use crate::report::CaseRecord;
use crate::units::human;
use crate::verdict::Outcome;

/// A spread is far too wide where what could be found is so many times what is just too much.
const FAR: f64 = 1.25;

/// Decides on every pair, in their order.
pub(super) fn decide(pairs: &[Pair<'_>], options: &Options) -> Vec<CaseDecision> {
    let alike: Vec<Option<(Found<'_>, Found<'_>)>> = pairs
        .iter()
        .map(|pair| pair.both().filter(|(base, new)| reasons_against(*base, *new, options).is_empty()))
        .collect();
    let settings = &options.settings;
    let samples: Vec<(Samples, Option<f64>, bool)> =
        alike.iter().map(|pair| pair.map_or_else(Default::default, of)).collect();
    let (demand, effects) = effects(&samples, settings.alpha, settings.min_effect);
    let tails = tails(&alike, settings.alpha);
    let all = pairs.iter().zip(alike).zip(effects).zip(tails);
    all.map(|(((pair, alike), effect), tails)| match alike {
        Some((base, new)) => judge(base, new, effect, tails, demand),
        None => one_sided(pair, options),
    })
    .collect()
}

fn of((base, new): (Found<'_>, Found<'_>)) -> (Samples, Option<f64>, bool) {
    let samples = Samples::logarithms(base.case, new.case, |repeat| repeat.latency.enqueue.trimmed_mean_ns);
    // A base that was calibrated knows by how much it can differ from itself.
    let noise = base.case.calibration.and_then(|calibration| calibration.difference);
    (samples, noise, is_identical(base.case, new.case))
}

fn is_identical(base: &CaseRecord, new: &CaseRecord) -> bool {
    !base.repeats.is_empty() && base.repeats == new.repeats
}

/// Why two cases with the same parameters cannot be held against each other.
fn reasons_against(base: Found<'_>, new: Found<'_>, options: &Options) -> Vec<String> {
    let mut reasons = unlike(&base.case.parameters, &new.case.parameters, options);
    if let (Some(old), Some(fresh)) = (base.scenario, new.scenario)
        && old.target != fresh.target
    {
        reasons.push("their targets differ".into());
    }
    let source = |case: &CaseRecord| case.repeats.first().map(|repeat| repeat.outcome_source);
    if let (Some(old), Some(fresh)) = (source(base.case), source(new.case))
        && old != fresh
        && (refuses(base.case) || refuses(new.case))
    {
        let text = "the outcome of a call is known in another way, so that `enqueue` does not cover the same calls";
        reasons.push(text.into());
    }
    reasons
}

/// Whether any call was refused: then it matters whether refused calls can be told from accepted ones.
fn refuses(case: &CaseRecord) -> bool {
    case.repeats.iter().any(|repeat| repeat.ledger.dropped > 0 || repeat.ledger.sampled_out > 0)
}

/// A case that only one side has, or that cannot be held against the other side's.
fn one_sided(pair: &Pair<'_>, options: &Options) -> CaseDecision {
    let (change, reason) = match (pair.base, pair.new, &pair.fault) {
        (.., Some(fault)) => (Change::Incomparable, fault.clone()),
        (Some(base), Some(new), None) => (Change::Incomparable, reasons_against(base, new, options).join("; ")),
        (None, Some(new), None) => match unmeasured(new.case) {
            Some(text) => (Change::Added, text),
            None => (Change::Added, "only the new report has it".into()),
        },
        (_, None, None) => (Change::Removed, "only the baseline has it".into()),
    };
    let mut findings = Vec::new();
    if change == Change::Incomparable {
        findings.push(Finding { kind: FindingKind::Unlike, text: reason.clone() });
    }
    if let Some(text) = pair.new.and_then(|new| unmeasured(new.case)) {
        findings.push(Finding { kind: FindingKind::Unmeasured, text });
    }
    CaseDecision {
        id: pair.either().map_or_else(String::new, |case| case.id.clone()),
        change,
        reason,
        findings,
        effect: None,
        tails: Vec::new(),
        tests: Vec::new(),
        repeats_needed: None,
    }
}

fn unmeasured(new: &CaseRecord) -> Option<String> {
    let why = new.verdict.reasons.first().map_or_else(String::new, |reason| format!(": {reason}"));
    match new.verdict.outcome {
        Outcome::Error => Some(format!("it broke{why}")),
        Outcome::Invalid => Some(format!("it is invalid{why}")),
        Outcome::Pass | Outcome::Fail => None,
    }
}

fn judge(base: Found<'_>, new: Found<'_>, effect: Option<Effect>, tails: Vec<Tail>, demand: Demand) -> CaseDecision {
    let mut findings = exact::findings(base, new);
    let mut repeats_needed = None;
    match &effect {
        Some(effect) => {
            findings.extend(slower_or_faster(effect, demand));
            if let Some((finding, needed)) = undecided(effect, &findings, demand) {
                findings.push(finding);
                repeats_needed = needed;
            }
        }
        None => findings.push(no_samples(base.case, new.case)),
    }
    findings.extend(tails.iter().filter(|tail| tail.regressed).map(tail_finding));
    if let Some(tail) = tails.iter().find(|tail| tail.grew && !tail.regressed && !tail.confirmable) {
        let text = format!("{}; so few repeats cannot confirm it", tail_text(tail));
        findings.push(Finding { kind: FindingKind::Unconfirmed, text });
    }
    let text = unmeasured(new.case).filter(|_| !findings.iter().any(|finding| finding.kind == FindingKind::Broke));
    findings.extend(text.map(|text| Finding { kind: FindingKind::Unmeasured, text }));
    findings.sort_by_key(|finding| (!finding.kind.is_regression(), finding.kind));
    let change = change(&findings);
    let reason = findings.iter().find(|finding| implies(finding.kind) == change).map(|finding| finding.text.clone());
    CaseDecision {
        id: new.case.id.clone(),
        change,
        reason: reason.unwrap_or_default(),
        findings,
        effect,
        tails,
        tests: Vec::new(),
        repeats_needed: repeats_needed.filter(|_| change == Change::Inconclusive),
    }
}

/// What a finding alone would make of a case.
fn implies(kind: FindingKind) -> Change {
    match kind {
        kind if kind.is_regression() => Change::Regressed,
        FindingKind::Unlike | FindingKind::NoSamples => Change::Incomparable,
        FindingKind::Faster | FindingKind::AcceptsMore | FindingKind::MeetsTarget => Change::Improved,
        _ => Change::Inconclusive,
    }
}

/// What all findings together make of a case: the worst first, and nothing is improved that cannot be told.
fn change(findings: &[Finding]) -> Change {
    let worst = [Change::Regressed, Change::Incomparable, Change::Inconclusive, Change::Improved];
    let implied = |change: &Change| findings.iter().any(|finding| implies(finding.kind) == *change);
    worst.into_iter().find(implied).unwrap_or(Change::Unchanged)
}

fn slower_or_faster(effect: &Effect, demand: Demand) -> Option<Finding> {
    let threshold = 1.0 + effect.threshold;
    let found = |kind, p: f64| Some(Finding { kind, text: format!("{}, p = {}", effect_text(effect), chance(p)) });
    // Where the repeats spread far too much for small changes to be found, a change must lie beyond the least one with its
    // whole interval: what stands out of such noise by a little is mostly noise.
    let far_too_wide = effect.detectable.is_none_or(|detectable| demand.is_too_wide(detectable.ln_1p() / FAR));
    let (least, most) = match far_too_wide {
        true => (effect.ratio_low.unwrap_or(0.0), effect.ratio_high.unwrap_or(f64::INFINITY)),
        false => (effect.ratio, effect.ratio),
    };
    if effect.p_slower_adjusted <= demand.alpha && least > threshold {
        found(FindingKind::Slower, effect.p_slower_adjusted)
    } else if effect.p_faster_adjusted <= demand.alpha && most < 1.0 / threshold {
        found(FindingKind::Faster, effect.p_faster_adjusted)
    } else {
        None
    }
}

/// Whether the repeats spread so far that what could be found is no longer of use.
fn is_wide(effect: &Effect, demand: Demand) -> bool {
    effect.detectable.is_none_or(|detectable| demand.is_too_wide(detectable.ln_1p()))
}

/// Why the repeats cannot tell, and how many could; `None` where they can.
fn undecided(effect: &Effect, found: &[Finding], demand: Demand) -> Option<(Finding, Option<u64>)> {
    let decided = |finding: &Finding| matches!(finding.kind, FindingKind::Slower | FindingKind::Faster);
    if effect.identical || found.iter().any(decided) {
        return None;
    }
    let (base, new) = (effect.base_repeats, effect.new_repeats);
    let by_spread = effect.spread.and_then(|spread| demand.repeats_at(spread.ln_1p()));
    let say = |kind, what: String, needed: Option<u64>| {
        let advice = match needed {
            Some(needed) => format!("{what}; it needs about {needed} repeats on each side"),
            None => format!("{what}; no number of repeats would do"),
        };
        Some((Finding { kind, text: advice }, needed))
    };
    if !demand.can_be_met(base as usize, new as usize) {
        let cases = human::counted(demand.family as u64, "case");
        let what = format!("{base} against {new} repeats cannot prove anything among {cases}");
        // The spread of so few repeats says little, but more than nothing.
        let needed = demand.fewest_repeats().map(|fewest| fewest.max(by_spread.unwrap_or(0)));
        return say(FindingKind::TooFewRepeats, what, needed);
    }
    let more = by_spread.map(|needed| needed.max(base.min(new) + 1));
    if is_wide(effect, demand) {
        let spread = effect.spread.map_or("–".into(), human::share);
        let detectable = effect.detectable.map_or("–".into(), percent);
        let what = format!("the repeats spread by {spread}, and only a slow-down of {detectable} would show");
        return say(FindingKind::Spread, what, more);
    }
    (effect.ratio > 1.0 + effect.threshold).then(|| {
        say(FindingKind::Unconfirmed, format!("{}, which the repeats do not confirm", effect_text(effect)), more)
    })?
}

fn no_samples(base: &CaseRecord, new: &CaseRecord) -> Finding {
    let lacking = |case: &CaseRecord| {
        !case.repeats.iter().any(|repeat| repeat.latency.enqueue.trimmed_mean_ns.is_some_and(|mean| mean > 0.0))
    };
    let side = match (lacking(base), lacking(new)) {
        (true, true) => "neither side has",
        (true, false) => "the baseline does not have",
        _ => "the new report does not have",
    };
    let text = format!("{side} a repeat with enough accepted logs for a mean of `enqueue`");
    Finding { kind: FindingKind::NoSamples, text }
}

fn effect_text(effect: &Effect) -> String {
    let ratio = effect.ratio - 1.0;
    let (base, new) = (human::latency(effect.base_ns), human::latency(effect.new_ns));
    format!("enqueue {base} → {new} ({})", signed(ratio))
}

fn tail_finding(tail: &Tail) -> Finding {
    let p = chance(tail.p_adjusted.unwrap_or(1.0));
    Finding { kind: FindingKind::Tail, text: format!("{}, p = {p}", tail_text(tail)) }
}

fn tail_text(tail: &Tail) -> String {
    let bound = human::latency(tail.bound_ns as f64);
    let which = match tail.bound {
        TailBound::BaselineP99 => "about the baseline's p99",
        TailBound::Target => "the target",
    };
    let (base, new) = (human::share(tail.base_share), human::share(tail.new_share));
    format!("{new} of the calls take over {bound} ({which}), {base} before")
}

/// A share as percent, to a tenth.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// A change as percent with its sign.
pub(super) fn signed(change: f64) -> String {
    format!("{:+.1}%", change * 100.0)
}

/// A chance with two figures.
fn chance(p: f64) -> String {
    if p >= 0.001 { format!("{p:.3}") } else { format!("{p:.0e}") }
}

/// Whether the tails of some pair were not compared for want of counts.
pub(super) fn lacks_tails(pairs: &[Pair<'_>]) -> bool {
    let lacks = |found: Found<'_>| !found.case.repeats.is_empty() && !has_counts(found.case);
    pairs.iter().filter_map(Pair::both).any(|(base, new)| lacks(base) || lacks(new))
}
