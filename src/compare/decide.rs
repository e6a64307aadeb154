//! Makes one decision for each pair of cases: collects the findings of every rule, and derives the change from them.

use super::align::{Found, Pair, unlike};
use super::answers::{Answered, Shown};
use super::effect::effect;
use super::family::{Examined, Family};
use super::modes::modes;
use super::promises::{ACCEPTED, ENQUEUE, Rule, lacks_counts};
use super::steadiness::SpeedOf;
use super::{CaseDecision, Change, Finding, FindingKind, MetricUnit, Options, exact};
use crate::report::CaseRecord;
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::Outcome;

/// Decides on every pair, in the given order. Also returns the number of tests in the family.
pub(super) fn decide(pairs: &[Pair<'_>], options: &Options, speed: &SpeedOf<'_>) -> (Vec<CaseDecision>, usize) {
    let alike: Vec<Option<(Found<'_>, Found<'_>)>> = pairs
        .iter()
        .map(|pair| pair.both().filter(|(base, new)| reasons_against(*base, *new, options).is_empty()))
        .collect();
    let mut family = Family::examine(&alike, &options.settings, speed);
    let examined = std::mem::take(&mut family.pairs);
    let all = pairs.iter().zip(alike).zip(examined).enumerate();
    let decisions = all.map(|(index, ((pair, alike), examined))| match alike {
        Some((base, new)) => judge((base, new), examined, &mut family, index, options),
        None => one_sided(pair, options),
    });
    let decisions = decisions.collect();
    // The stalls are one test more.
    (decisions, family.level.family + 1)
}

/// Whether both sides are copies of the same measurements, as when a report is compared with itself. Nothing can have
/// changed between copies, so their spread must not make the case inconclusive.
pub(super) fn is_identical(base: &CaseRecord, new: &CaseRecord) -> bool {
    !base.repeats.is_empty() && base.repeats == new.repeats
}

/// The reasons why two cases with the same parameters cannot be compared; empty if they can.
fn reasons_against(base: Found<'_>, new: Found<'_>, options: &Options) -> Vec<Untrusted> {
    let mut reasons = unlike(&base.case.parameters, &new.case.parameters, options);
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

/// Whether any call was refused. Only then does it matter how the outcome is known: without refusals, `enqueue` covers
/// the same calls whatever `outcome_source` says.
fn refuses(case: &CaseRecord) -> bool {
    case.repeats.iter().any(|repeat| repeat.ledger.dropped > 0 || repeat.ledger.sampled_out > 0)
}

/// Decides on a case that only one side has, or that cannot be compared with the other side's.
pub(super) fn one_sided(pair: &Pair<'_>, options: &Options) -> CaseDecision {
    let unfit = pair.new.and_then(|new| unfit(new.case));
    let (change, reason) = match (pair.base, pair.new, &pair.fault) {
        (.., Some(fault)) => (Change::Incomparable, fault.clone()),
        (Some(base), Some(new), None) => {
            (Change::Incomparable, Untrusted::join(&reasons_against(base, new, options), "; "))
        }
        (None, Some(_), None) => match unfit {
            Some(ref text) => {
                (Change::Regressed, format!("only the new report has it, and {}", text.as_given()).into())
            }
            None => (Change::Added, "only the new report has it".into()),
        },
        (_, None, None) => (Change::Removed, "only the baseline has it".into()),
    };
    let mut findings = Vec::new();
    match change {
        Change::Incomparable => findings.push(Finding::new(FindingKind::Unlike, reason.clone())),
        Change::Regressed => findings.push(Finding::new(FindingKind::AddedUnfit, reason.clone())),
        _ => {}
    }
    if let Some(text) = pair.new.and_then(|new| unmeasured(new.case, "")).filter(|_| change == Change::Incomparable) {
        findings.push(Finding::new(FindingKind::Unmeasured, text));
    }
    CaseDecision {
        id: pair.either().map(|case| case.id.clone()).unwrap_or_default(),
        change,
        reason,
        findings,
        effect: None,
        tails: Vec::new(),
        tests: Vec::new(),
        repeats_needed: None,
    }
}

/// A text, followed by the first reason of the case's verdict.
fn because(text: &str, case: &CaseRecord) -> Untrusted {
    match case.verdict.reasons.first() {
        Some(reason) => format!("{text}: {}", reason.as_given()).into(),
        None => text.into(),
    }
}

/// Why the case's measurement is no measure of a change; `None` if it is one. `place` says where it is, after the verb.
fn unmeasured(case: &CaseRecord, place: &str) -> Option<Untrusted> {
    match case.verdict.outcome {
        Outcome::Error => Some(because(&format!("it broke{place}"), case)),
        Outcome::Invalid => Some(because(&format!("it is invalid{place}"), case)),
        Outcome::Pass | Outcome::Fail => None,
    }
}

/// Why a case does not pass by its own verdict; `None` if it passes.
fn unfit(new: &CaseRecord) -> Option<Untrusted> {
    match new.verdict.outcome {
        Outcome::Fail => Some(because("it fails", new)),
        _ => unmeasured(new, ""),
    }
}

/// Decides on a pair whose two sides were measured in the same way.
fn judge(
    (base, new): (Found<'_>, Found<'_>),
    examined: Examined,
    family: &mut Family,
    index: usize,
    options: &Options,
) -> CaseDecision {
    let identical = is_identical(base.case, new.case);
    let answered = examined.answered;
    let effect = effect((base.case, new.case), &answered, &options.settings, family.level, &mut family.tests);
    let mut findings = exact::findings(base, new);
    if !identical {
        // The exact rule on the accepted share comes first. A test finding about the same share would report one change
        // twice.
        let told = findings.iter().any(|found| matches!(found.kind, FindingKind::Accepted | FindingKind::AcceptsMore));
        let open = answered.iter().filter(|answered| !(told && answered.test.metric == ACCEPTED));
        findings.extend(open.filter_map(finding));
        findings.extend(stalls(family, index, options));
        findings.extend(examined.vanished.iter().map(|metric| vanished(metric)));
    }
    // `Broke` already reports an error that the baseline did not have; `Unmeasured` would say the same again.
    let is_broken = findings.iter().any(|finding| finding.kind == FindingKind::Broke);
    match unmeasured(new.case, "") {
        Some(text) if !is_broken => findings.push(Finding::new(FindingKind::Unmeasured, text)),
        None if effect.is_none() => findings.push(no_samples(base.case, new.case)),
        _ => {}
    }
    let before = unmeasured(base.case, " in the baseline");
    findings.extend(before.map(|text| Finding::new(FindingKind::Unmeasured, text)));
    findings.extend(two_groups((base.case, new.case)));
    if new.case.verdict.outcome == Outcome::Fail {
        findings.push(Finding::new(FindingKind::Fails, because("it fails", new.case)));
    }
    // Regressions first: the reason shown is the first finding that implies the change.
    findings.sort_by_key(|finding| (!finding.kind.is_regression(), finding.kind));
    let change = change(&findings);
    let reason = findings.iter().find(|finding| finding.kind.implies() == change).map(|finding| finding.text.clone());
    let needed = answered.iter().filter_map(|answered| answered.repeats_needed).max();
    CaseDecision {
        id: new.case.id.clone(),
        change,
        reason: reason.unwrap_or_default(),
        findings,
        effect,
        tails: Vec::new(),
        tests: answered.into_iter().map(|answered| answered.test).collect(),
        repeats_needed: needed.filter(|_| change == Change::Inconclusive),
    }
}

/// The finding about stalls, if the test over all cases is significant and this pair has a stall itself.
fn stalls(family: &Family, index: usize, options: &Options) -> Option<Finding> {
    let alpha = options.settings.alpha;
    let text = (family.p_stalls <= alpha).then(|| family.stalls.text(index, &chance(family.p_stalls)))??;
    Some(Finding::new(FindingKind::Stalls, text))
}

/// Reports that the repeats of one side form two groups, and what divides them. The new side is looked at first. The
/// sides are never pooled: a regression would look like a second group.
fn two_groups((base, new): (&CaseRecord, &CaseRecord)) -> Option<Finding> {
    let of = |case: &CaseRecord| modes(&case.repeats.iter().collect::<Vec<_>>());
    let found = of(new).or_else(|| of(base))?;
    Some(Finding::new(FindingKind::TwoGroups, found.text()))
}

fn vanished(metric: &str) -> Finding {
    let text = format!("the baseline knows `{metric}` of every repeat, and the new report does not");
    Finding::new(FindingKind::Vanished, text)
}

/// The change that all findings together imply: the worst one. An inconclusive finding outranks an improvement, so a
/// case is never called improved while part of it is undecided.
fn change(findings: &[Finding]) -> Change {
    let worst = [Change::Regressed, Change::Incomparable, Change::Inconclusive, Change::Improved];
    let implied = |change: &Change| findings.iter().any(|finding| finding.kind.implies() == *change);
    worst.into_iter().find(implied).unwrap_or(Change::Unchanged)
}

/// The finding of an answer; `None` if the answer is that nothing changed.
fn finding(answered: &Answered) -> Option<Finding> {
    let test = &answered.test;
    let is_enqueue = test.metric == ENQUEUE;
    let with_p = || format!("{}, p = {}", test_text(answered), chance(test.p_worse_adjusted));
    let needs = || match answered.repeats_needed {
        Some(needed) => format!("it needs about {needed} repeats on each side"),
        None => "no number of repeats would do".to_owned(),
    };
    let open = match test.bound_ns {
        Some(_) => "5 points".to_owned(),
        None => test.unit.show(answered.ruled_out),
    };
    let (kind, text) = match answered.shown {
        Shown::Same => return None,
        Shown::Worse => (worse_kind(answered), with_p()),
        Shown::Better if is_enqueue => (FindingKind::Faster, test_text(answered)),
        Shown::Better => (FindingKind::Better, test_text(answered)),
        Shown::Unconfirmed => (
            FindingKind::Unconfirmed,
            format!("{}, which the repeats do not confirm; {}", test_text(answered), needs()),
        ),
        Shown::Spread => {
            let text = format!("{}; {open} more cannot be ruled out; {}", test_text(answered), needs());
            (FindingKind::Spread, text)
        }
        Shown::TooFew => {
            let text = format!("{}: so few repeats cannot prove anything; {}", test_text(answered), needs());
            (FindingKind::TooFewRepeats, text)
        }
        Shown::Machine => {
            let text = format!(
                "{}: the machine moved by as much; run the baseline again, or both in turn (--ab-exec)",
                test_text(answered)
            );
            (FindingKind::Machine, text)
        }
    };
    Some(Finding { metric: Some(test.metric.clone()), ..Finding::new(kind, text) })
}

fn worse_kind(Answered { test, rule, .. }: &Answered) -> FindingKind {
    match rule {
        Rule::Appeared => FindingKind::Appeared,
        Rule::Moved | Rule::Grown if test.metric == ENQUEUE => FindingKind::Slower,
        Rule::Moved | Rule::Grown if test.bound_ns.is_some() => FindingKind::Tail,
        Rule::Moved | Rule::Grown => FindingKind::Worse,
    }
}

/// A metric on both sides, as text: `enqueue 1.16 µs → 1.56 µs (+400 ns, +34.5%)`.
fn test_text(Answered { test, rule, .. }: &Answered) -> String {
    let (base, new) = (test.unit.show(test.base), test.unit.show(test.new));
    if let Some(bound) = test.bound_ns {
        let bound = human::latency(bound as f64);
        return format!("{}: {new} of the logs over {bound}, {base} before", test.metric.as_given());
    }
    let name = test.metric.as_given().trim_end_matches(".trimmed_mean").trim_end_matches(".appeared");
    if *rule == Rule::Appeared {
        return format!("{name}: {new} logs, in no repeat before");
    }
    let moved = match test.unit {
        MetricUnit::Share | MetricUnit::Index => format!("{:+.2} points", test.shift * 100.0),
        _ if test.base > 0.0 => {
            let sign = if test.shift < 0.0 { "-" } else { "+" };
            format!("{sign}{}, {}", test.unit.show(test.shift.abs()), signed(test.shift / test.base))
        }
        _ => test.unit.show(test.shift),
    };
    format!("{name} {base} → {new} ({moved})")
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
    Finding::new(FindingKind::NoSamples, text)
}

/// A change in percent, with its sign.
pub(super) fn signed(change: f64) -> String {
    format!("{:+.1}%", change * 100.0)
}

/// A p-value: three decimals from 0.001 on, one significant figure below.
fn chance(p: f64) -> String {
    if p >= 0.001 { format!("{p:.3}") } else { format!("{p:.0e}") }
}

/// Whether the tails of some pair could not be compared because a report has no counts of slow calls.
pub(super) fn lacks_tails(pairs: &[Pair<'_>]) -> bool {
    pairs.iter().filter_map(Pair::both).any(|(base, new)| lacks_counts(base.case) || lacks_counts(new.case))
}
