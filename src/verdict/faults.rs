//! Can these numbers be true? A measurement that contradicts itself is an error, whoever sent it.

use super::reason::Contradiction;
use super::{Distributions, levels, stages, surroundings};
use crate::measure::encoding::MAX_COUNT;
use crate::measure::{Ledger, Measurement, OutcomeSource};

/// Most points of a series.
const MAX_POINTS: usize = 1_000;

/// Every way in which a measurement contradicts itself; empty if it can be believed.
///
/// A repeat with faults is no evidence of anything: the runner turns it into an error.
#[must_use]
pub fn faults(measurement: &Measurement) -> Vec<Contradiction> {
    match Distributions::decode(&measurement.latency) {
        Ok(distributions) => faults_of(measurement, &distributions),
        Err(error) => vec![error.into()],
    }
}

/// A `response` without the logs that the generator did not send. Journals of older builds have it, so reading them allows
/// it; a program that runs today may not send it.
#[must_use]
pub fn dated(measurement: &Measurement) -> Option<Contradiction> {
    let (count, scheduled) = (measurement.latency.response.count, measurement.ledger.scheduled);
    (count != scheduled).then(|| unequal("count(response)", count, "scheduled", scheduled))
}

/// As [`faults`], for latencies that are decoded already.
pub(super) fn faults_of(measurement: &Measurement, distributions: &Distributions) -> Vec<Contradiction> {
    let mut faults = Vec::new();
    ledger(&measurement.ledger, &mut faults);
    if faults.is_empty() {
        counts(measurement, distributions, &mut faults);
    }
    if faults.is_empty() {
        waits(distributions, &mut faults);
        stages::faults(measurement, distributions, &mut faults);
        levels::faults(measurement, distributions, &mut faults);
    }
    source(measurement, &mut faults);
    numbers(measurement, &mut faults);
    surroundings::faults(measurement, distributions, &mut faults);
    // Those of one kind together; of the same kind, in the order of the rules.
    faults.sort_by_key(Contradiction::code);
    faults
}

fn unequal(what: impl Into<String>, value: u64, other: &'static str, expected: u64) -> Contradiction {
    Contradiction::Unequal { what: what.into(), value, other, expected }
}

fn ledger(ledger: &Ledger, faults: &mut Vec<Contradiction>) {
    let named = Ledger::COUNTS.iter().map(|(name, of)| (*name, of(ledger)));
    for (name, value) in named.filter(|(_, value)| *value > MAX_COUNT) {
        faults.push(Contradiction::Uncountable { name, value });
    }
    if !faults.is_empty() {
        return;
    }
    let lost = ledger.lost();
    let sums = [
        (
            "scheduled",
            ledger.scheduled,
            "attempted + unsent + unsent_generator",
            ledger.attempted + ledger.unsent + ledger.unsent_generator,
        ),
        (
            "attempted",
            ledger.attempted,
            "enqueued + dropped + sampled_out",
            ledger.enqueued + ledger.dropped + ledger.sampled_out,
        ),
        ("enqueued", ledger.enqueued, "delivered + evicted + lost", ledger.delivered + ledger.evicted + lost),
    ];
    for (whole, value, parts, sum) in sums.into_iter().filter(|(_, value, _, sum)| value != sum) {
        faults.push(unequal(whole, value, parts, sum));
    }
    // Repeated and foreign logs may reach the sink inside the window, too: those are failures, not contradictions.
    let arrived = ledger.delivered + ledger.duplicated + ledger.phantom + ledger.undecidable;
    for (part, value, whole, bound) in [
        (
            "enqueued_in_window",
            ledger.enqueued_in_window,
            "enqueued - evicted",
            ledger.enqueued.saturating_sub(ledger.evicted),
        ),
        ("delivered_in_window", ledger.delivered_in_window, "all deliveries", arrived),
    ] {
        if value > bound {
            faults.push(Contradiction::Exceeds { part, value, whole, bound });
        }
    }
}

/// Counts that the stated source of the outcomes cannot tell apart.
fn source(measurement: &Measurement, faults: &mut Vec<Contradiction>) {
    let ledger = &measurement.ledger;
    let silent = ledger.lost.silent;
    let counter = |name: &str| measurement.queue_counters.get(name).copied();
    let (counted, evictions) = (counter("dropped"), counter("evicted"));
    match measurement.outcome_source {
        OutcomeSource::Call | OutcomeSource::Counter if ledger.evicted > evictions.unwrap_or(0) => {
            faults.push(Contradiction::EvictedUncounted { evicted: ledger.evicted, counted: evictions });
        }
        OutcomeSource::Delivery if ledger.evicted > 0 && silent > 0 => {
            faults.push(Contradiction::EvictedOrLost { evicted: ledger.evicted, silent });
        }
        OutcomeSource::Call | OutcomeSource::Counter | OutcomeSource::Delivery => {}
    }
    match measurement.outcome_source {
        OutcomeSource::Counter if ledger.dropped > counted.unwrap_or(0) => {
            faults.push(Contradiction::DroppedUncounted { dropped: ledger.dropped, counted });
        }
        // A log that did not arrive, and that the queue does not admit to have lost, is either dropped or lost. Which
        // one depends on the strategy alone.
        OutcomeSource::Delivery if ledger.dropped > 0 && silent > 0 => {
            faults.push(Contradiction::DroppedOrLost { dropped: ledger.dropped, silent });
        }
        OutcomeSource::Call | OutcomeSource::Counter | OutcomeSource::Delivery => {}
    }
}

/// Each latency has as many values as the ledger says.
fn counts(measurement: &Measurement, distributions: &Distributions, faults: &mut Vec<Contradiction>) {
    let ledger = &measurement.ledger;
    let refused = ledger.dropped + ledger.sampled_out;
    let (accepted, rejected) = match measurement.outcome_source {
        OutcomeSource::Call => (("enqueued", ledger.enqueued), ("dropped + sampled_out", refused)),
        // Nobody knows which calls were accepted, so `enqueue` covers all of them.
        OutcomeSource::Counter | OutcomeSource::Delivery => (("attempted", ledger.attempted), ("0", 0)),
    };
    let sent = ("scheduled - unsent_generator", ledger.scheduled - ledger.unsent_generator);
    let response = distributions.response.count();
    // Older builds left out the logs that the generator had not sent. Their journals can still be read.
    let all = if response == sent.1 { sent } else { ("scheduled", ledger.scheduled) };
    for (name, count, (what, expected)) in [
        ("enqueue", distributions.enqueue.count(), accepted),
        ("rejected", distributions.rejected.count(), rejected),
        ("response", response, all),
        ("response_ideal", distributions.response_ideal.count(), sent),
        ("lateness", distributions.lateness.count(), ("attempted", ledger.attempted)),
    ] {
        if count != expected {
            faults.push(unequal(format!("count({name})"), count, what, expected));
        }
    }
    let timed = distributions.delivery.count();
    let deliveries = ledger.delivered + ledger.phantom + ledger.duplicated + ledger.undecidable;
    // A log may arrive so late that its place in the bitmap is gone. Only the sums tell at the end that it was no
    // repetition. It then counts as delivered and reordered, but its time was not kept.
    if timed + ledger.reordered < ledger.delivered || timed > deliveries {
        faults.push(Contradiction::Deliveries { timed, delivered: ledger.delivered, deliveries });
    }
    if let (Some(unblocked), Some(blocked)) = (&distributions.unblocked, &distributions.blocked) {
        let (sum, whole) = (unblocked.count() + blocked.count(), distributions.enqueue.count());
        if sum != whole {
            faults.push(unequal("count(unblocked) + count(blocked)", sum, "count(enqueue)", whole));
        }
    }
    let given_up = response.saturating_sub(sent.1).min(ledger.unsent_generator);
    for (name, distribution, least) in [
        ("response", &distributions.response, ledger.unsent + given_up),
        ("response_ideal", &distributions.response_ideal, ledger.unsent),
    ] {
        let censored = distribution.censored();
        if censored < least {
            faults.push(unequal(format!("censored({name})"), censored, "unsent", least));
        }
    }
}

/// A log's wait begins when it is due, and includes its own call. So for every time there are at least as many values
/// of `response` that reach it as there are calls that do. Unsent logs only add to them.
fn waits(distributions: &Distributions, faults: &mut Vec<Contradiction>) {
    let calls = [&distributions.enqueue, &distributions.rejected];
    let service_ns: u128 = calls.iter().map(|latency| latency.sum_ns()).sum();
    for (name, waited) in [("response", &distributions.response), ("response_ideal", &distributions.response_ideal)] {
        let sum_ns = waited.sum_ns();
        if sum_ns < service_ns {
            faults.push(Contradiction::SumTooShort { name, sum_ns, service_ns });
        }
        if let Some(ns) = waited.falls_short_of(&calls) {
            faults.push(Contradiction::TooFewLong { name, ns });
        }
    }
}

/// Every rate and cost must be finite and not negative.
fn numbers(measurement: &Measurement, faults: &mut Vec<Contradiction>) {
    let rates = &measurement.rates;
    let mut named = vec![
        ("offered_per_s", rates.offered_per_s),
        ("attempted_per_s", rates.attempted_per_s),
        ("accepted_per_s", rates.accepted_per_s),
        ("delivered_per_s", rates.delivered_per_s),
    ];
    named.extend(measurement.cost.cpu_s_per_million.iter().map(|(name, value)| (name.as_given(), *value)));
    for (name, value) in named {
        if !value.is_finite() || value < 0.0 {
            faults.push(Contradiction::Impossible { name: name.to_owned(), value });
        }
    }
    let readings = measurement.memory.as_ref().map_or(0, |memory| memory.bytes.len());
    let points = measurement.series.points.len().max(readings);
    if points > MAX_POINTS {
        faults.push(Contradiction::SeriesTooLong { points, most: MAX_POINTS });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::MemorySeries;
    use crate::measure::fixture::{constant, healthy, of};

    #[test]
    fn the_fixtures_are_believed() {
        for measurement in [
            healthy(1_000),
            healthy(0),
            healthy(100).dropping(40),
            healthy(100).losing(3),
            healthy(100).evicting(30),
            healthy(100).with_unsent(7, 1_000_000),
            healthy(1_000).with_unsent_generator(5),
        ] {
            assert_eq!(faults(&measurement), []);
        }
    }

    #[test]
    fn every_contradiction_is_found() {
        type Lie = fn(&mut Measurement);
        let lies: [(&str, Lie); 24] = [
            ("count(lateness) = 99", |m| m.latency.lateness = constant(99, 10_000)),
            ("scheduled = 101", |m| m.ledger.scheduled += 1),
            ("attempted = 100", |m| m.ledger.dropped += 1),
            ("enqueued = 100", |m| m.ledger.lost.silent += 1),
            ("unsent_generator", |m| m.ledger.unsent_generator = u64::MAX),
            ("enqueued_in_window = 101", |m| m.ledger.enqueued_in_window += 1),
            ("delivered_in_window = 101", |m| m.ledger.delivered_in_window += 1),
            ("count(enqueue) = 99", |m| m.latency.enqueue = constant(99, 10_000)),
            ("count(rejected) = 1", |m| m.latency.rejected = constant(1, 10_000)),
            ("count(response) = 99", |m| m.latency.response = constant(99, 10_000)),
            ("count(response_ideal) = 99", |m| m.latency.response_ideal = constant(99, 10_000)),
            ("count(delivery) = 101", |m| m.latency.delivery = constant(101, 10_000)),
            ("count(unblocked) + count(blocked) = 101", |m| m.latency.blocked = Some(constant(1, 10_000))),
            ("steal_share", |m| m.machine.steal_share = Some(1.5)),
            ("offered_per_s", |m| m.rates.offered_per_s = f64::NAN),
            ("offered_per_s", |m| m.rates.offered_per_s = -1.0),
            ("queue", |m| *m.cost.cpu_s_per_million.get_mut("queue").unwrap() = f64::INFINITY),
            ("delivery: histogram", |m| m.latency.delivery.count += 1),
            ("series", |m| m.series.points = vec![Default::default(); 1_001]),
            ("series", |m| m.memory = Some(MemorySeries { step_ns: 1, bytes: vec![None; 1_001] })),
            // The wait of a log includes its own call, so it cannot be shorter.
            ("response is below enqueue", |m| m.latency.response = constant(100, 9_000)),
            ("response is below enqueue", |m| m.latency.response = of((0..100).map(|n| n * n * n * 9_000))),
            ("sum(response) = 100000000 is below", |m| {
                m.latency.enqueue = constant(100, 1_000_400);
                m.latency.unblocked = Some(constant(100, 1_000_400));
                m.latency.response = constant(100, 1_000_000);
            }),
            ("response_ideal is below enqueue", |m| m.latency.response_ideal = constant(100, 9_000)),
        ];
        for (expected, lie) in lies {
            let mut measurement = healthy(100);
            lie(&mut measurement);
            let found = faults(&measurement);
            assert!(found.iter().any(|fault| fault.to_string().contains(expected)), "{expected}: {found:?}");
        }
    }

    #[test]
    fn a_queue_that_says_nothing_has_all_its_calls_under_enqueue() {
        let mut measurement = healthy(100).dropping(40);
        measurement.outcome_source = OutcomeSource::Delivery;
        assert!(!faults(&measurement).is_empty());
        measurement.latency.enqueue = constant(100, 10_000);
        measurement.latency.unblocked = None;
        measurement.latency.blocked = None;
        measurement.latency.rejected = constant(0, 0);
        assert_eq!(faults(&measurement), []);
    }

    #[test]
    fn a_drop_that_nobody_counted_is_not_believed() {
        let mut measurement = healthy(100).dropping(40);
        measurement.latency.enqueue = constant(100, 10_000);
        (measurement.latency.unblocked, measurement.latency.blocked) = (None, None);
        measurement.latency.rejected = constant(0, 0);
        measurement.outcome_source = OutcomeSource::Counter;
        for (counted, believed) in [(None, false), (Some(39), false), (Some(40), true), (Some(90), true)] {
            measurement.queue_counters = counted.map(|count| ("dropped".into(), count)).into_iter().collect();
            assert_eq!(faults(&measurement).is_empty(), believed, "{counted:?}: {:?}", faults(&measurement));
        }
        measurement.outcome_source = OutcomeSource::Delivery;
        assert_eq!(faults(&measurement), []);
        (measurement.ledger.dropped, measurement.ledger.enqueued, measurement.ledger.lost.silent) = (30, 70, 10);
        assert!(faults(&measurement)[0].to_string().contains("nothing tells dropped = 30 from lost.silent = 10"));
    }

    #[test]
    fn an_eviction_that_nobody_counted_is_not_believed() {
        let mut measurement = healthy(100).evicting(40);
        for (counted, believed) in [(None, false), (Some(39), false), (Some(40), true), (Some(90), true)] {
            measurement.queue_counters = counted.map(|count| ("evicted".into(), count)).into_iter().collect();
            assert_eq!(faults(&measurement).is_empty(), believed, "{counted:?}: {:?}", faults(&measurement));
        }
        measurement.ledger.enqueued_in_window = 61;
        assert!(faults(&measurement)[0].to_string().contains("enqueued_in_window = 61"), "{:?}", faults(&measurement));
        measurement.ledger.enqueued_in_window = 60;
        measurement.ledger.evicted = 39;
        assert!(faults(&measurement)[0].to_string().contains("enqueued = 100, delivered + evicted + lost = 99"));
        let mut unknown = healthy(100).evicting(40);
        (unknown.outcome_source, unknown.latency.unblocked, unknown.latency.blocked) =
            (OutcomeSource::Delivery, None, None);
        unknown.queue_counters.clear();
        assert_eq!(faults(&unknown), []);
        (unknown.ledger.evicted, unknown.ledger.lost.silent) = (30, 10);
        assert!(faults(&unknown)[0].to_string().contains("nothing tells evicted = 30 from lost.silent = 10"));
    }

    #[test]
    fn a_repetition_inside_the_window_is_no_contradiction() {
        let mut measurement = healthy(100);
        measurement.ledger.duplicated = 5;
        measurement.ledger.delivered_in_window = 105;
        measurement.latency.delivery = constant(105, 500_000);
        assert_eq!(faults(&measurement), []);
        measurement.ledger.delivered_in_window = 106;
        assert!(!faults(&measurement).is_empty());
    }

    #[test]
    fn a_log_that_comes_very_late_needs_no_time() {
        let mut measurement = healthy(100);
        measurement.latency.delivery = constant(97, 500_000);
        measurement.ledger.reordered = 3;
        assert_eq!(faults(&measurement), []);
        measurement.ledger.reordered = 2;
        assert!(faults(&measurement)[0].to_string().contains("count(delivery) = 97"));
    }

    #[test]
    fn what_the_generator_did_not_send_is_in_the_response_but_for_older_builds() {
        let today = healthy(100).with_unsent_generator(5);
        assert_eq!(today.latency.response.count, 100);
        let mut older = today.clone();
        older.latency.response = constant(95, 20_000);
        assert_eq!(faults(&older), []);
        assert_eq!(dated(&older), Some(unequal("count(response)", 95, "scheduled", 100)));
        assert_eq!(dated(&today), None);
        let mut between = today.clone();
        between.latency.response = constant(97, 20_000);
        assert!(faults(&between).contains(&unequal("count(response)", 97, "scheduled", 100)));
        let mut uncensored = today;
        uncensored.latency.response.censored = 4;
        assert!(faults(&uncensored)[0].to_string().contains("censored(response) = 4, unsent = 5"));
    }

    #[test]
    fn unsent_logs_must_be_in_the_response() {
        let mut measurement = healthy(100).with_unsent(10, 5_000_000);
        measurement.latency.response.censored = 0;
        assert!(faults(&measurement)[0].to_string().contains("censored(response) = 0, unsent = 10"));
    }

    proptest::proptest! {
        #[test]
        fn a_ledger_closes_exactly_when_its_sums_agree(
            parts in proptest::array::uniform7(0_u64..1_000_000),
            off in 0_usize..4,
            by in 1_u64..1_000,
        ) {
            let [delivered, evicted, silent, dropped, sampled_out, unsent, unsent_generator] = parts;
            let enqueued = delivered + evicted + silent;
            let attempted = enqueued + dropped + sampled_out;
            let mut closed = Ledger {
                scheduled: attempted + unsent + unsent_generator,
                attempted,
                unsent,
                unsent_generator,
                enqueued,
                dropped,
                sampled_out,
                delivered,
                evicted,
                lost: crate::measure::Lost { admitted: 0, silent },
                ..Ledger::default()
            };
            let mut found = Vec::new();
            ledger(&closed, &mut found);
            proptest::prop_assert_eq!(&found, &Vec::new());
            *[&mut closed.scheduled, &mut closed.dropped, &mut closed.delivered, &mut closed.evicted][off] += by;
            ledger(&closed, &mut found);
            proptest::prop_assert!(!found.is_empty());
        }
    }
}
