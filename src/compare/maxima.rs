//! Compares the highest rates that two searches found. Their cases run at whatever rates the searches tried, so the
//! intervals are compared, not the repeats.
//!
//! A maximum has regressed if the whole new interval lies below the base's by more than the least effect. Each bound is
//! wrong with at most 2.5 % probability, and a false alarm needs both to be wrong in opposite directions: under 0.07 %.

use super::align::Pair;
use super::decide::one_sided;
use super::{CaseDecision, Change, Finding, FindingKind, Options};
use crate::report::{CaseRecord, CoreToCore, Maximum, Report};
use crate::units::human;
use crate::untrusted::Untrusted;

/// Whether both reports are of searches.
pub(super) fn are_searches(base: &Report, new: &Report) -> bool {
    !base.maxima.is_empty() && !new.maxima.is_empty()
}

/// Why the reports cannot be compared, if only one of them is of a search.
pub(super) fn unlike(base: &Report, new: &Report) -> Option<&'static str> {
    match (base.maxima.is_empty(), new.maxima.is_empty()) {
        (true, false) => Some("the new report is of a search (find-max), the baseline of a run"),
        (false, true) => Some("the baseline is of a search (find-max), the new report of a run"),
        _ => None,
    }
}

/// A decision for each pair, and the number of tests.
pub(super) fn decide(base: &Report, new: &Report, pairs: &[Pair<'_>], options: &Options) -> (Vec<CaseDecision>, usize) {
    let decision = |pair: &Pair<'_>| {
        let both = pair.both().and_then(|(old, fresh)| Some((found(base, old.case)?, found(new, fresh.case)?)));
        match (both, pair.new) {
            (Some((old, fresh)), Some(case)) => judge(case.case, old, fresh, options.settings.min_effect),
            _ => one_sided(pair, options),
        }
    };
    (pairs.iter().map(decision).collect(), pairs.len())
}

/// The search that a case shows the result of.
fn found<'r>(report: &'r Report, case: &CaseRecord) -> Option<&'r Maximum> {
    let shows = |maximum: &&Maximum| maximum.case.as_ref() == Some(&case.id) && maximum.scenario == case.scenario;
    report.maxima.iter().find(shows)
}

fn judge(case: &CaseRecord, old: &Maximum, new: &Maximum, min_effect: f64) -> CaseDecision {
    let is = |bound: Option<f64>, other: Option<f64>, holds: fn(f64, f64) -> bool, share: f64| {
        bound.zip(other).is_some_and(|(bound, other)| holds(bound, other * share))
    };
    let text = format!("maximum {} → {}", told(old), told(new));
    let apart = apart(old, new);
    let text: Untrusted = apart.as_ref().map_or_else(|| text.clone(), |why| format!("{text}; {why}")).into();
    let (change, kind) = if old == new {
        // Whatever a file says, nothing is worse than itself.
        (Change::Unchanged, None)
    } else if is(new.high_per_s, old.low_per_s, |new, old| new < old, 1.0 - min_effect) {
        (Change::Regressed, Some(FindingKind::Worse))
    } else if is(new.low_per_s, old.high_per_s, |new, old| new > old, 1.0 + min_effect) {
        (Change::Improved, Some(FindingKind::Better))
    } else if is(new.low_per_s, old.high_per_s, |new, old| new >= old, 1.0 - min_effect) {
        (Change::Unchanged, None)
    } else {
        (Change::Inconclusive, Some(FindingKind::Spread))
    };
    let moved = matches!(change, Change::Regressed | Change::Improved) && apart.is_some();
    let (change, kind) = if moved { (Change::Inconclusive, Some(FindingKind::Spread)) } else { (change, kind) };
    CaseDecision {
        id: case.id.clone(),
        change,
        reason: if change == Change::Unchanged { Untrusted::default() } else { text.clone() },
        findings: kind.into_iter().map(|kind| Finding::new(kind, text.clone())).collect(),
        effect: None,
        tails: Vec::new(),
        tests: Vec::new(),
        repeats_needed: None,
    }
}

/// What is said if the CPUs were much farther apart in one search than in the other: then the searches are not of the same
/// machine.
fn apart(old: &Maximum, new: &Maximum) -> Option<String> {
    let (before_ns, after_ns) = (old.core_to_core_ns?, new.core_to_core_ns?);
    let is_same = CoreToCore::is_near(before_ns.max(after_ns), before_ns.min(after_ns));
    let [before, after] = [before_ns, after_ns].map(|ns| human::latency(ns as f64));
    (!is_same)
        .then(|| format!("the CPUs moved: a cache line took {before} to another CPU and back, and now takes {after}"))
}

/// Such as `412k/s (405k/s to 420k/s)`.
fn told(maximum: &Maximum) -> String {
    let rate = |rate: Option<f64>, otherwise: &str| rate.map_or_else(|| otherwise.to_owned(), human::rate);
    let (low, high) = (rate(maximum.low_per_s, "nothing"), rate(maximum.high_per_s, "more than can be offered"));
    format!("{} ({low} to {high})", rate(maximum.max_per_s, "not found"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{means, report, sized};
    use super::super::{GateOutcome, Settings, gate};
    use super::*;
    use crate::matrix;
    use crate::report::MaximumOutcome;
    use crate::units::Rate;

    /// A search whose result lies in this interval; the case that shows it ran at the lower bound.
    fn searched(low: Option<f64>, high: Option<f64>) -> Report {
        let mut case = sized(1_000, &means(1, 1_000.0));
        case.parameters.rate = Rate::of_whole(low.or(high).unwrap() as u32);
        case.id = matrix::id(&case.parameters);
        let maximum = Maximum {
            search: matrix::id_without_rate(&case.parameters),
            scenario: case.scenario.clone(),
            case: Some(case.id.clone()),
            outcome: MaximumOutcome::Found,
            max_per_s: low.zip(high).map(|(low, high)| f64::midpoint(low, high)),
            low_per_s: low,
            high_per_s: high,
            knee_per_s: None,
            precision: 0.05,
            limited_by: Vec::new(),
            runs: 8,
            generator_per_s: None,
            core_to_core_ns: None,
            probes: Vec::new(),
            cases: Vec::new(),
        };
        Report { maxima: vec![maximum], ..report(vec![case]) }
    }

    #[test]
    fn a_maximum_may_not_fall_by_more_than_the_least_effect() {
        use GateOutcome::{Inconclusive, Pass, Regressed};
        let base = searched(Some(9_800.0), Some(10_200.0));
        for (low, high, outcome) in [
            (Some(9_800.0), Some(10_200.0), Pass),
            (Some(9_300.0), Some(9_700.0), Pass),
            (Some(9_000.0), Some(9_400.0), Inconclusive),
            (Some(8_500.0), Some(8_830.0), Inconclusive),
            (Some(8_500.0), Some(8_800.0), Regressed),
            (Some(4_000.0), Some(20_000.0), Inconclusive),
            (Some(20_000.0), Some(21_000.0), Pass),
            (Some(20_000.0), None, Pass),
            (Some(5_000.0), None, Inconclusive),
            (None, Some(10.0), Regressed),
        ] {
            let decision = gate(&base, &searched(low, high), &Settings::default());
            assert_eq!(decision.outcome, outcome, "{low:?} {high:?}: {:?}", decision.reason);
        }
        let wider = Settings { min_effect: 0.2, ..Settings::default() };
        assert_eq!(gate(&base, &searched(Some(8_500.0), Some(8_800.0)), &wider).outcome, Pass);
    }

    #[test]
    fn the_reason_has_both_intervals() {
        let decision = gate(
            &searched(Some(9_800.0), Some(10_200.0)),
            &searched(Some(5_000.0), Some(5_100.0)),
            &Settings::default(),
        );
        let reason = decision.reason.as_given();
        assert!(reason.contains("maximum 10.0k/s (9.80k/s to 10.2k/s) → 5.05k/s (5.00k/s to 5.10k/s)"), "{reason}");
    }

    #[test]
    fn what_changes_when_the_cpus_move_is_not_the_queues() {
        use GateOutcome::{Inconclusive, Pass, Regressed};
        for (high, before, after, outcome) in [
            (8_800.0, Some(47), Some(48), Regressed),
            (8_800.0, Some(47), Some(390), Inconclusive),
            (8_800.0, Some(390), Some(47), Inconclusive),
            (8_800.0, None, Some(390), Regressed),
            (9_700.0, Some(47), Some(390), Pass),
        ] {
            let (mut base, mut new) =
                (searched(Some(9_800.0), Some(10_200.0)), searched(Some(high - 300.0), Some(high)));
            base.maxima[0].core_to_core_ns = before;
            new.maxima[0].core_to_core_ns = after;
            let decision = gate(&base, &new, &Settings::default());
            assert_eq!(decision.outcome, outcome, "{high} {before:?} {after:?}: {:?}", decision.reason);
            let told = decision.reason.as_given().contains("the CPUs moved: a cache line took");
            assert_eq!(told, outcome == Inconclusive, "{:?}", decision.reason);
        }
    }

    #[test]
    fn a_search_and_a_run_cannot_be_compared_and_a_lost_search_is_seen() {
        let base = searched(Some(9_800.0), Some(10_200.0));
        let run = Report { maxima: Vec::new(), ..base.clone() };
        for (base, new) in [(&base, &run), (&run, &base)] {
            let decision = gate(base, new, &Settings::default());
            assert_eq!(decision.outcome, GateOutcome::Incomparable);
            assert!(decision.reason.as_given().contains("of a search"), "{:?}", decision.reason);
        }
        let mut two = base.clone();
        two.cases.push(sized(7, &means(1, 1_000.0)));
        two.maxima.push(Maximum { case: Some(two.cases[1].id.clone()), ..two.maxima[0].clone() });
        let decision = gate(&two, &base, &Settings::default());
        assert_eq!(decision.outcome, GateOutcome::Regressed, "{:?}", decision.reason);
        assert_eq!(decision.coverage.len(), 1);
    }
}
