//! Rules that need no statistics: counts that must be zero, and checks that held before.

use super::align::Found;
use super::{Finding, FindingKind};
use crate::report::{CaseRecord, RepeatRecord};
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::{CheckOrigin, CheckResult, Outcome};

/// Smallest change of the accepted share that counts.
const ACCEPTED_POINT: f64 = 0.01;
/// From this many repeats on, the worst one of each side is left out of the rule on the accepted share: a single bad
/// repeat must not decide alone.
const ENOUGH_TO_SPARE_ONE: usize = 5;

/// The findings about a pair that follow from arithmetic alone.
pub(super) fn findings(base: Found<'_>, new: Found<'_>) -> Vec<Finding> {
    let (base, new) = (base.case, new.case);
    let mut found = Vec::new();
    let mut say = |kind, text: Option<Untrusted>| found.extend(text.map(|text| Finding::new(kind, text)));
    say(FindingKind::Broke, broke(base, new));
    say(FindingKind::Lost, more(base, new, "lost", |r| r.ledger.lost.admitted.saturating_add(r.ledger.lost.silent)));
    say(FindingKind::Duplicated, more(base, new, "duplicated", |repeat| repeat.ledger.duplicated));
    say(FindingKind::Phantom, more(base, new, "delivered that nobody sent", |repeat| repeat.ledger.phantom));
    say(FindingKind::Undecidable, more(base, new, "undecidable", |repeat| repeat.ledger.undecidable));
    say(FindingKind::MeetsTarget, meets_target(base, new));
    say(FindingKind::Accepted, accepted_less(base, new));
    say(FindingKind::AcceptsMore, accepted_less(new, base).map(|_| accepted_text(base, new)));
    found.extend(checks(base, new));
    found
}

fn broke(base: &CaseRecord, new: &CaseRecord) -> Option<Untrusted> {
    let is_new = new.verdict.outcome == Outcome::Error && base.verdict.outcome != Outcome::Error;
    let reason = new.verdict.reasons.first().map_or("", Untrusted::as_given);
    is_new.then(|| format!("it broke: {reason}").into())
}

/// Reports a share that is larger than in the worst repeat of the baseline, or any share if that was zero.
fn more(base: &CaseRecord, new: &CaseRecord, word: &str, of: impl Fn(&RepeatRecord) -> u64) -> Option<Untrusted> {
    if base.repeats.is_empty() {
        return None;
    }
    let share = |count: u64, all: u64| if all == 0 { 0.0 } else { count as f64 / all as f64 };
    let worst = base.repeats.iter().map(|repeat| share(of(repeat), repeat.ledger.enqueued)).fold(0.0, f64::max);
    let sum = |case: &CaseRecord| case.repeats.iter().map(&of).fold(0, u64::saturating_add);
    let all = new.repeats.iter().map(|repeat| repeat.ledger.enqueued).fold(0, u64::saturating_add);
    let (before, now) = (sum(base), sum(new));
    let is_more = now > 0 && (worst == 0.0 || share(now, all) > worst);
    is_more.then(|| format!("{} {word}, {} before", human::counted(now, "log"), human::count(before)).into())
}

/// Whether a check comes from the scenario. Such checks are identified by their expression, since their names only
/// number them; all others are identified by their names.
fn is_own(check: &CheckResult) -> bool {
    check.origin() == Some(CheckOrigin::Scenario)
}

/// The result of the same check on the other side.
fn same<'c>(check: &CheckResult, others: &'c [CheckResult]) -> Option<&'c CheckResult> {
    others.iter().find(|other| match is_own(check) {
        true => is_own(other) && other.expression == check.expression,
        false => other.name == check.name,
    })
}

/// Each check that held before and does not hold now, each one separately: a part of the target that already failed
/// before must not hide another one.
fn checks(base: &CaseRecord, new: &CaseRecord) -> Vec<Finding> {
    let failed = new.verdict.checks.iter().filter(|check| check.outcome == Outcome::Fail);
    let fresh =
        failed.filter(|check| same(check, &base.verdict.checks).is_some_and(|before| before.outcome == Outcome::Pass));
    // The ledger's own rules are reported above, with counts.
    let fresh = fresh.filter(|check| check.origin() != Some(CheckOrigin::Ledger));
    let finding = |check: &CheckResult| {
        let why = check.reason.as_ref().map_or("see its checks", Untrusted::as_given);
        let (kind, what) = match check.origin() {
            Some(CheckOrigin::Target) => (FindingKind::Target, "it met its target, and does not now"),
            _ => (FindingKind::Check, "a check held, and does not now"),
        };
        Finding::new(kind, format!("{what}: `{}`: {why}", check.expression.as_given()))
    };
    fresh.map(finding).collect()
}

/// Whether every check that fails in a case also failed in the baseline.
pub(super) fn is_known_failure(base: &CaseRecord, new: &CaseRecord) -> bool {
    let failed = || new.verdict.checks.iter().filter(|check| check.outcome == Outcome::Fail);
    let known =
        |check: &CheckResult| same(check, &base.verdict.checks).is_some_and(|before| before.outcome == Outcome::Fail);
    new.verdict.outcome == Outcome::Fail && failed().next().is_some() && failed().all(known)
}

/// The worst outcome of the target's checks.
fn target_outcome(case: &CaseRecord) -> Option<Outcome> {
    let of_target = case.verdict.checks.iter().filter(|check| check.origin() == Some(CheckOrigin::Target));
    of_target.map(|check| check.outcome).max()
}

fn meets_target(base: &CaseRecord, new: &CaseRecord) -> Option<Untrusted> {
    let is_new = target_outcome(base) == Some(Outcome::Fail) && target_outcome(new) == Some(Outcome::Pass);
    is_new.then(|| "it meets its target, and did not".into())
}

/// Reports an accepted share that fell by at least a percentage point, to below everything that the baseline showed.
/// With enough repeats, the worst one of each side is left out.
fn accepted_less(base: &CaseRecord, new: &CaseRecord) -> Option<Untrusted> {
    let spare = |case: &CaseRecord| usize::from(case.repeats.len() >= ENOUGH_TO_SPARE_ONE);
    let least = sorted(base).get(spare(base)).copied()?.share();
    let (before, now) = (pooled(&sorted(base), 0)?, pooled(&sorted(new), 0)?);
    let spared = pooled(&sorted(new), spare(new))?;
    let fell = |now: f64| before - now >= ACCEPTED_POINT - 1e-12;
    (fell(now) && fell(spared) && now < least).then(|| accepted_text(base, new))
}

fn accepted_text(base: &CaseRecord, new: &CaseRecord) -> Untrusted {
    let share = |case| pooled(&sorted(case), 0).map_or("–".into(), human::share);
    format!("accepted {} of what was offered, {} before", share(new), share(base)).into()
}

#[derive(Clone, Copy)]
struct Accepted {
    accepted: u64,
    offered: u64,
}

impl Accepted {
    fn share(self) -> f64 {
        self.accepted as f64 / self.offered as f64
    }
}

/// The accepted logs of each repeat, the worst repeat first.
fn sorted(case: &CaseRecord) -> Vec<Accepted> {
    let offered = case.repeats.iter().filter(|repeat| repeat.ledger.scheduled > 0);
    let mut all: Vec<Accepted> = offered
        .map(|repeat| Accepted { accepted: repeat.ledger.enqueued_in_window, offered: repeat.ledger.scheduled })
        .collect();
    all.sort_by(|a, b| a.share().total_cmp(&b.share()));
    all
}

fn pooled(all: &[Accepted], left_out: usize) -> Option<f64> {
    let kept = all.get(left_out..).filter(|kept| !kept.is_empty())?;
    let sum = |of: fn(&Accepted) -> u64| kept.iter().map(of).fold(0, u64::saturating_add) as f64;
    Some(sum(|one| one.accepted) / sum(|one| one.offered))
}
