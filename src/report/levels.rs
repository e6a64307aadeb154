//! Whether the ledgers of the levels in a report close.

use super::error::ReportError;
use super::maximum::Maximum;
use super::model::CaseRecord;
use crate::measure::levels::{Open, open};
use std::path::Path;

/// Looks at every ledger of the levels in a report.
///
/// # Errors
/// The first one that does not add up, or is not that of its window.
pub(super) fn check(path: &Path, cases: &[CaseRecord], maxima: &[Maximum]) -> Result<(), ReportError> {
    for case in cases.iter().chain(maxima.iter().flat_map(|maximum| &maximum.cases)) {
        if let Some(fault) = first_open(case) {
            let fault = format!("in case `{}`, {fault}", case.id.quoted());
            return Err(ReportError::Open { path: path.to_owned(), fault });
        }
    }
    Ok(())
}

fn first_open(case: &CaseRecord) -> Option<Open> {
    let repeats = case.repeats.iter().chain(case.set_aside.iter().map(|aside| &aside.measured));
    let of_repeats = repeats.map(|repeat| (&repeat.levels, &repeat.ledger, repeat.latency.delivery.count));
    let of_all = case.summary.iter().map(|summary| (&summary.levels, &summary.ledger, summary.latency.delivery.count));
    of_repeats.chain(of_all).find_map(|(levels, ledger, timed)| open(levels, ledger, timed).into_iter().next())
}
