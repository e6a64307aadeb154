//! Puts a comparison together from its parts. Cases that changed come first.

use super::align::{Alignment, labels};
use super::attribution::attribution;
use super::metrics::Table;
use super::{CaseComparison, Change, ChangeCounts, Comparison, GateDecision, Options, Side};
use crate::report::{CaseRecord, Report};

/// `decision` holds the cases in the order of the pairs.
pub(super) fn comparison(
    base: &Report,
    new: &Report,
    alignment: &Alignment<'_>,
    mut decision: GateDecision,
    options: &Options,
) -> Comparison {
    let labels = labels(&alignment.pairs);
    let metrics = Table::of(alignment, &decision.cases, options);
    let pairs = alignment.pairs.iter().zip(labels).zip(metrics.rows());
    let mut cases: Vec<CaseComparison> = pairs
        .zip(&decision.cases)
        .filter_map(|(((pair, label), metrics), decision)| {
            let parameters = pair.either()?.parameters.clone();
            let place =
                |report: &Report, case: &CaseRecord| report.cases.iter().position(|one| std::ptr::eq(one, case));
            Some(CaseComparison {
                label,
                parameters,
                base_index: pair.base.and_then(|found| place(base, found.case)),
                new_index: pair.new.and_then(|found| place(new, found.case)),
                change: decision.change,
                decision: decision.clone(),
                metrics,
            })
        })
        .collect();
    let attribution = attribution(&cases);
    cases.sort_by_key(|case| case.change);
    decision.cases.sort_by_key(|case| case.change);
    let name = |label: &str, default: &str| if label.is_empty() { default.to_owned() } else { label.to_owned() };
    Comparison {
        base: Side::of(base, &name(&options.labels.0, "BASE")),
        new: Side::of(new, &name(&options.labels.1, "NEW")),
        across: options.across.clone(),
        ignored: options.ignore.clone(),
        asked: options.metrics.clone(),
        attribution,
        counts: counts(&cases),
        cases,
        decision,
    }
}

fn counts(cases: &[CaseComparison]) -> ChangeCounts {
    let of = |change: Change| cases.iter().filter(|case| case.change == change).count() as u64;
    ChangeCounts {
        regressed: of(Change::Regressed),
        improved: of(Change::Improved),
        inconclusive: of(Change::Inconclusive),
        incomparable: of(Change::Incomparable),
        added: of(Change::Added),
        removed: of(Change::Removed),
        unchanged: of(Change::Unchanged),
    }
}
