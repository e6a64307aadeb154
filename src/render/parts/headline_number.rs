//! The one number that stands for a whole report in a list.

use super::totals;
use crate::render::parts::numbers::plain_mean;
use crate::report::{Outcome, Report};
use crate::units::human;

/// The number that stands for a whole report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HeadlineNumber {
    /// Of a run: the mean of `enqueue` over every timed call of the cases that pass or fail, in nanoseconds.
    MeanEnqueue(f64),
    /// Of a search: the lowest of the maxima that were found, in logs/s.
    Maximum(f64),
}

impl HeadlineNumber {
    /// The bare number.
    #[must_use]
    pub const fn value(self) -> f64 {
        match self {
            Self::MeanEnqueue(number) | Self::Maximum(number) => number,
        }
    }

    /// Nanoseconds, of a run.
    #[must_use]
    pub const fn mean_enqueue_ns(self) -> Option<f64> {
        if let Self::MeanEnqueue(ns) = self { Some(ns) } else { None }
    }

    /// Logs/s, of a search.
    #[must_use]
    pub const fn max_per_s(self) -> Option<f64> {
        if let Self::Maximum(rate) = self { Some(rate) } else { None }
    }

    /// With its unit.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::MeanEnqueue(ns) => plain_mean(Some(ns)),
            Self::Maximum(rate) => human::rate(rate),
        }
    }
}

/// The number of a report. `None` if no case was judged, or if a search found no maximum.
#[must_use]
pub fn headline_number(report: &Report) -> Option<HeadlineNumber> {
    if !report.maxima.is_empty() {
        let found: Option<Vec<f64>> = report.maxima.iter().map(|maximum| maximum.max_per_s).collect();
        return found?.into_iter().reduce(f64::min).filter(|rate| rate.is_finite()).map(HeadlineNumber::Maximum);
    }
    let judged = report.cases.iter().filter(|case| matches!(case.verdict.outcome, Outcome::Pass | Outcome::Fail));
    let mean = totals::mean_enqueue_ns(judged.filter_map(|case| case.summary.as_ref()));
    mean.filter(|ns| ns.is_finite()).map(HeadlineNumber::MeanEnqueue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_case_that_is_invalid_gives_no_number() {
        let mut report = fixture::report();
        report.cases.iter_mut().for_each(|case| case.verdict.outcome = Outcome::Pass);
        let all = headline_number(&report).and_then(HeadlineNumber::mean_enqueue_ns);
        assert!(all.is_some_and(|ns| ns > 0.0), "{all:?}");
        report.cases.iter_mut().for_each(|case| case.verdict.outcome = Outcome::Invalid);
        assert_eq!(headline_number(&report), None);
    }

    #[test]
    fn a_search_stands_for_its_lowest_maximum_or_for_none() {
        let mut report = fixture::report();
        let case = report.cases[0].clone();
        report.maxima = vec![fixture::maximum(case.clone(), &[1.0; 12], "a"), fixture::maximum(case, &[1.0; 12], "b")];
        report.maxima[0].max_per_s = Some(72_600.0);
        report.maxima[1].max_per_s = Some(50_000.0);
        assert_eq!(headline_number(&report).map(HeadlineNumber::text), Some("50.0k/s".to_owned()));
        report.maxima[1].max_per_s = None;
        assert_eq!(headline_number(&report), None);
    }
}
