//! The numbers of a report that programs follow from run to run: one value for each quantity and each case.
//!
//! Only a case that passes or fails has numbers. One that is invalid or broke has none: a 0 would be taken for a
//! measurement. Of a search there is the maximum, since the rates that were tried differ from search to search.

use crate::measure::{Ledger, Rates};
use crate::report::{CaseRecord, LatencySet, LatencySummary, Maximum, Outcome, RepeatRecord, Report, Summary};
use crate::untrusted::Untrusted;
use std::collections::{BTreeMap, HashSet};

/// Longest part of a name, in characters.
const LONGEST: usize = 400;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Unit {
    /// A time.
    Nanoseconds,
    /// Logs in a second.
    LogsPerSecond,
    /// A part of the whole, 0 to 1.
    Share,
    /// CPU time for a million logs.
    SecondsPerMillionLogs,
    /// Memory.
    Bytes,
}

impl Unit {
    /// As the end of a name.
    pub(in crate::render) const fn ending(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::LogsPerSecond => "per_s",
            Self::Share => "share",
            Self::SecondsPerMillionLogs => "s_per_million_logs",
            Self::Bytes => "bytes",
        }
    }

    /// By itself.
    pub(in crate::render) const fn text(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::LogsPerSecond => "logs/s",
            Self::Share => "share",
            Self::SecondsPerMillionLogs => "s/million logs",
            Self::Bytes => "bytes",
        }
    }
}

/// A quantity.
#[derive(Debug)]
pub(in crate::render) struct Quantity {
    /// Its name without its unit.
    pub(in crate::render) name: &'static str,
    /// Its unit.
    pub(in crate::render) unit: Unit,
    /// Whether less of it is better.
    pub(in crate::render) smaller_is_better: bool,
    /// One sentence.
    pub(in crate::render) help: &'static str,
    of: fn(&Observed<'_>) -> Option<f64>,
}

impl Quantity {
    /// Its name with its unit: `enqueue_mean_ns`.
    pub(in crate::render) fn full_name(&self) -> String {
        format!("{}_{}", self.name, self.unit.ending())
    }
}

/// What the repeats of a case or one of them have seen.
struct Observed<'r> {
    ledger: &'r Ledger,
    latency: &'r LatencySet,
    rates: &'r Rates,
    cpu_s_per_million: &'r BTreeMap<Untrusted, f64>,
    peak_memory_bytes: Option<u64>,
}

impl<'r> From<&'r Summary> for Observed<'r> {
    fn from(of: &'r Summary) -> Self {
        Self {
            ledger: &of.ledger,
            latency: &of.latency,
            rates: &of.rates,
            cpu_s_per_million: &of.cost.cpu_s_per_million,
            peak_memory_bytes: of.cost.peak_memory_bytes,
        }
    }
}

impl<'r> From<&'r RepeatRecord> for Observed<'r> {
    fn from(of: &'r RepeatRecord) -> Self {
        Self {
            ledger: &of.ledger,
            latency: &of.latency,
            rates: &of.rates,
            cpu_s_per_million: &of.cost.cpu_s_per_million,
            peak_memory_bytes: of.cost.peak_memory_bytes,
        }
    }
}

const fn smaller(name: &'static str, unit: Unit, help: &'static str, of: fn(&Observed<'_>) -> Option<f64>) -> Quantity {
    Quantity { name, unit, smaller_is_better: true, help, of }
}

const fn larger(name: &'static str, unit: Unit, help: &'static str, of: fn(&Observed<'_>) -> Option<f64>) -> Quantity {
    Quantity { name, unit, smaller_is_better: false, help, of }
}

fn whole(ns: Option<u64>) -> Option<f64> {
    ns.map(|ns| ns as f64)
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The quantities of a case, in the order in which they are written.
pub(in crate::render) const QUANTITIES: [Quantity; 13] = [
    smaller("enqueue_mean", Unit::Nanoseconds, "Mean time of a call, accepted logs.", |of| of.latency.enqueue.mean_ns),
    smaller("enqueue_p50", Unit::Nanoseconds, "Median time of a call, accepted logs.", |of| {
        whole(of.latency.enqueue.p50_ns)
    }),
    smaller("enqueue_p99", Unit::Nanoseconds, "99 % of the calls take at most this, accepted logs.", |of| {
        whole(of.latency.enqueue.p99_ns)
    }),
    smaller("enqueue_p99_9", Unit::Nanoseconds, "99.9 % of the calls take at most this, accepted logs.", |of| {
        whole(of.latency.enqueue.p99_9_ns)
    }),
    smaller("response_mean", Unit::Nanoseconds, "Mean time from when a log was due to the end of its call.", |of| {
        of.latency.response.mean_ns
    }),
    smaller("response_p99", Unit::Nanoseconds, "99 % of the logs are through this long after they were due.", |of| {
        whole(of.latency.response.p99_ns)
    }),
    smaller(
        "delivery_p99",
        Unit::Nanoseconds,
        "99 % of the delivered logs reach the sink this long after the call.",
        |of| whole(p99(Some(&of.latency.delivery))),
    ),
    larger("accepted", Unit::LogsPerSecond, "Logs accepted in a second of the window.", |of| {
        Some(of.rates.accepted_per_s)
    }),
    larger("accepted", Unit::Share, "Share of the scheduled logs that was accepted in the window.", |of| {
        share(of.ledger.enqueued_in_window, of.ledger.scheduled)
    }),
    smaller(
        "dropped",
        Unit::Share,
        "Share of the attempted logs that was dropped, or accepted and later evicted.",
        |of| share(of.ledger.discarded(), of.ledger.attempted),
    ),
    smaller("lost", Unit::Share, "Share of the accepted logs that was never delivered.", |of| {
        share(of.ledger.lost(), of.ledger.enqueued)
    }),
    smaller("cpu", Unit::SecondsPerMillionLogs, "CPU time for a million logs, all threads.", |of| {
        (!of.cpu_s_per_million.is_empty()).then(|| of.cpu_s_per_million.values().sum())
    }),
    smaller("peak_memory", Unit::Bytes, "Largest memory of a repeat.", |of| whole(of.peak_memory_bytes)),
];

/// The quantities of a search.
pub(in crate::render) const MAXIMUM: Quantity =
    larger("max", Unit::LogsPerSecond, "Highest rate at which target and checks hold.", |_| None);

fn p99(latency: Option<&LatencySummary>) -> Option<u64> {
    latency?.p99_ns
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::render) struct Exported {
    /// What it is.
    pub(in crate::render) quantity: &'static Quantity,
    /// The number; it is finite.
    pub(in crate::render) value: f64,
    /// The least and the largest over the repeats; of a search, the interval. Only if there are at least two, around the
    /// value.
    pub(in crate::render) range: Option<(f64, f64)>,
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.unit) == (other.name, other.unit)
    }
}

/// A case or a search, and its values.
#[derive(Debug)]
pub(in crate::render) struct Subject<'r> {
    /// Scenario and case, harmless; no two are equal.
    pub(in crate::render) name: String,
    /// Name of the scenario.
    pub(in crate::render) scenario: &'r Untrusted,
    /// Id of the case; of a search, without its rate.
    pub(in crate::render) case: &'r Untrusted,
    /// What is known of the case beyond its id.
    pub(in crate::render) record: Option<&'r CaseRecord>,
    /// How it ended.
    pub(in crate::render) outcome: &'static str,
    /// Its values; none if it was not judged.
    pub(in crate::render) values: Vec<Exported>,
}

/// The cases of a run, or the searches of a search.
pub(in crate::render) fn subjects(report: &Report) -> Vec<Subject<'_>> {
    let mut subjects: Vec<Subject<'_>> = match report.maxima.is_empty() {
        true => report.cases.iter().map(of_case).collect(),
        false => report.maxima.iter().map(|maximum| of_search(report, maximum)).collect(),
    };
    let mut taken = HashSet::new();
    for (index, subject) in subjects.iter_mut().enumerate() {
        if !taken.insert(subject.name.clone()) {
            // Names that differ only in what was made harmless.
            subject.name.push_str(&format!(" #{}", index + 1));
            taken.insert(subject.name.clone());
        }
    }
    subjects
}

fn name(scenario: &Untrusted, case: &Untrusted) -> String {
    format!("{}: {}", scenario.terminal(LONGEST), case.terminal(LONGEST))
}

fn of_case(case: &CaseRecord) -> Subject<'_> {
    let judged = matches!(case.verdict.outcome, Outcome::Pass | Outcome::Fail);
    let values = case.summary.as_ref().filter(|_| judged).map_or_else(Vec::new, |summary| {
        let pooled = Observed::from(summary);
        QUANTITIES.iter().filter_map(|quantity| value(quantity, &pooled, &case.repeats)).collect()
    });
    Subject {
        name: name(&case.scenario, &case.id),
        scenario: &case.scenario,
        case: &case.id,
        record: Some(case),
        outcome: case.verdict.outcome.word(),
        values,
    }
}

fn value(quantity: &'static Quantity, pooled: &Observed<'_>, repeats: &[RepeatRecord]) -> Option<Exported> {
    let value = (quantity.of)(pooled).filter(|value| value.is_finite())?;
    let each: Vec<f64> = repeats.iter().filter_map(|repeat| (quantity.of)(&Observed::from(repeat))).collect();
    let (least, largest) = each.iter().fold((value, value), |(low, high), of| (low.min(*of), high.max(*of)));
    let known = each.len() >= 2 && each.len() == repeats.len() && least.is_finite() && largest.is_finite();
    Some(Exported { quantity, value, range: known.then_some((least, largest)) })
}

fn of_search<'r>(report: &'r Report, maximum: &'r Maximum) -> Subject<'r> {
    let found = maximum.max_per_s.filter(|value| value.is_finite());
    let around = |value: &f64| match (maximum.low_per_s, maximum.high_per_s) {
        (Some(low), Some(high)) if low.is_finite() && high.is_finite() && low <= *value && *value <= high => {
            Some((low, high))
        }
        _ => None,
    };
    let values = found.map(|value| Exported { quantity: &MAXIMUM, value, range: around(&value) });
    Subject {
        name: name(&maximum.scenario, &maximum.search),
        scenario: &maximum.scenario,
        case: &maximum.search,
        record: report.cases.iter().find(|case| Some(&case.id) == maximum.case.as_ref()),
        outcome: maximum.outcome.word(),
        values: values.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn only_a_case_that_was_judged_has_numbers() {
        let mut report = fixture::report();
        for (outcome, has_numbers) in
            [(Outcome::Pass, true), (Outcome::Fail, true), (Outcome::Invalid, false), (Outcome::Error, false)]
        {
            report.cases[0].verdict.outcome = outcome;
            let subject = &subjects(&report)[0];
            assert_eq!((subject.values.is_empty(), subject.outcome), (!has_numbers, outcome.word()));
        }
        report.cases[0].verdict.outcome = Outcome::Pass;
        report.cases[0].summary = None;
        assert_eq!(subjects(&report)[0].values, []);
    }

    #[test]
    fn a_number_that_is_not_one_is_absent() {
        let mut report = fixture::report();
        let case = &mut report.cases[0];
        case.verdict.outcome = Outcome::Pass;
        let summary = case.summary.as_mut().unwrap();
        summary.latency.enqueue.mean_ns = Some(f64::NAN);
        summary.latency.enqueue.p99_ns = None;
        summary.ledger.attempted = 0;
        let names: Vec<String> = subjects(&report)[0].values.iter().map(|value| value.quantity.full_name()).collect();
        for absent in ["enqueue_mean_ns", "enqueue_p99_ns", "dropped_share"] {
            assert!(!names.contains(&absent.to_owned()), "{absent} in {names:?}");
        }
        assert!(names.contains(&"accepted_share".to_owned()), "{names:?}");
    }

    #[test]
    fn names_differ_though_their_harmless_forms_are_equal() {
        let mut report = fixture::report();
        report.cases = vec![report.cases[0].clone(), report.cases[0].clone(), report.cases[0].clone()];
        for (case, id) in report.cases.iter_mut().zip(["a\u{1b}", "a\u{1}", "a\u{2}"]) {
            case.id = id.into();
        }
        let names: HashSet<String> = subjects(&report).into_iter().map(|subject| subject.name).collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }

    #[test]
    fn of_a_search_there_is_the_maximum_if_it_was_found() {
        let mut report = fixture::report();
        let mut maximum = fixture::maximum(report.cases[0].clone(), &[1.0; 12], "search");
        (maximum.max_per_s, maximum.low_per_s, maximum.high_per_s) = (Some(70.0), Some(60.0), Some(90.0));
        report.maxima = vec![maximum];
        let expected = Exported { quantity: &MAXIMUM, value: 70.0, range: Some((60.0, 90.0)) };
        assert_eq!(subjects(&report)[0].values, [expected]);
        report.maxima[0].max_per_s = None;
        assert_eq!(subjects(&report)[0].values, []);
    }
}
