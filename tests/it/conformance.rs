//! What every queue that is built in must keep to, whatever is inside it. Counts are judged, never times: the machine may
//! be busy.

use queue_load::Queues;
use queue_load::adapter::{About, OutcomeSource, Strategy};
use queue_load::internals::adapter::catalogue;
use queue_load::internals::measure::Measurement;
use queue_load::internals::plan::PlannedRepeat;
use queue_load::internals::units::Nanos;
use queue_load::internals::verdict::faults;
use queue_load::internals::worker::protocol::{Message, PROTOCOL_VERSION, Request};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::thread;

use crate::support::{Place, repeat_of, share_the_machine};

const MS: u64 = 1_000_000;

fn abouts() -> Vec<About> {
    Queues::with_own().abouts().copied().collect()
}

/// 500 logs in 250 ms, to a queue of `maxsize` records before a sink that takes `sink_delay` nanoseconds a record.
fn repeat(about: &About, strategy: Strategy, maxsize: u64, sink_delay: u64) -> PlannedRepeat {
    let mut repeat = repeat_of(about.name);
    repeat.parameters.strategy = strategy;
    repeat.parameters.maxsize = maxsize;
    repeat.parameters.sink_delay = Nanos(sink_delay);
    repeat.parameters.batch_size = 4;
    repeat.parameters.batch_timeout = Nanos::from_millis(50);
    repeat
}

/// Carries it out in a process of its own, as a run does.
fn measure(repeat: PlannedRepeat) -> Measurement {
    let name = repeat.parameters.queue.clone();
    let place = Place::new();
    let mut command = place.command(&["worker"]);
    let mut worker = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // The end of its stdin would be the order to stop.
    let mut order = worker.stdin.take().unwrap();
    let request = serde_json::to_string(&Request { protocol: PROTOCOL_VERSION, repeat }).unwrap();
    writeln!(order, "{request}").unwrap();
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    let last = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).last();
    worker.wait().unwrap();
    let Some(Message::Result(measurement)) = last else { panic!("{name:?}: {last:?}") };
    assert_eq!(faults(&measurement), [], "{name:?}: the ledger closes");
    let ledger = &measurement.ledger;
    let suspicion = (ledger.duplicated, ledger.phantom, ledger.undecidable);
    assert_eq!(suspicion, (0, 0, 0), "{name:?}: nothing arrives that was not accepted, and nothing twice: {ledger:?}");
    *measurement
}

/// Does it with every queue that has the strategy, all at once: a repeat mostly waits.
fn with_each(strategy: Strategy, test: impl Fn(&About) + Sync) {
    let _shared = share_the_machine();
    let abouts = abouts();
    thread::scope(|scope| {
        let test = &test;
        for about in abouts.iter().filter(|about| about.strategies.contains(&strategy)) {
            scope.spawn(move || test(about));
        }
    });
}

#[test]
fn what_is_built_in_is_in_the_catalogue_as_it_says() {
    for about in abouts() {
        let entry = catalogue::OPTIONAL.iter().find(|optional| optional.about.name == about.name);
        match entry {
            Some(optional) => assert_eq!(optional.about, about),
            None => assert!(["builtin", "noop"].contains(&about.name), "{} has no feature", about.name),
        }
        assert!(about.blocks_caller.iter().all(|strategy| about.strategies.contains(strategy)), "{about:?}");
        assert_ne!(about.version, "unknown", "{}", about.name);
    }
}

#[test]
#[ignore = "takes real time"]
fn with_a_quick_sink_and_room_for_all_everything_arrives() {
    for strategy in [Strategy::Drop, Strategy::Block] {
        with_each(strategy, |about| {
            let ledger = measure(repeat(about, strategy, 10_000, 0)).ledger;
            assert!(ledger.attempted > 0, "{}: {ledger:?}", about.name);
            let found = (ledger.dropped, ledger.lost.admitted, ledger.lost.silent, ledger.delivered);
            assert_eq!(found, (0, 0, 0, ledger.attempted), "{}, {strategy}", about.name);
        });
    }
}

#[test]
#[ignore = "takes real time"]
fn a_queue_that_blocks_drops_nothing_however_slow_the_sink() {
    with_each(Strategy::Block, |about| {
        let ledger = measure(repeat(about, Strategy::Block, 8, 5 * MS)).ledger;
        // 500 records take 2.5 s. Whose doing it was that the rest was not sent is the business of other tests.
        let unsent = ledger.unsent + ledger.unsent_generator;
        assert!(unsent > 0 || !about.keeps_maxsize, "{}: callers had to wait: {ledger:?}", about.name);
        let found = (ledger.dropped, ledger.lost.admitted, ledger.lost.silent, ledger.delivered);
        assert_eq!(found, (0, 0, 0, ledger.attempted), "{}", about.name);
    });
}

#[test]
#[ignore = "takes real time"]
fn drops_under_overload_are_seen_and_nothing_is_lost() {
    with_each(Strategy::Drop, |about| {
        let measurement = measure(repeat(about, Strategy::Drop, 8, 5 * MS));
        let ledger = &measurement.ledger;
        assert_eq!((ledger.lost.admitted, ledger.lost.silent), (0, 0), "{}: {ledger:?}", about.name);
        assert_eq!(ledger.delivered, ledger.enqueued, "{}", about.name);
        assert_eq!(measurement.disagreements, [""; 0], "{}", about.name);
        // `noop` delivers inside the call, and is never full. What has a bound of its own holds these 500.
        let fills = about.name != "noop" && about.keeps_maxsize;
        assert_eq!(ledger.dropped > 0, fills, "{}: {ledger:?}", about.name);
        let rejected = if about.outcome_source == OutcomeSource::Call { ledger.dropped } else { 0 };
        assert_eq!(measurement.latency.rejected.count, rejected, "{}", about.name);
    });
}

#[test]
#[ignore = "takes real time"]
fn what_is_evicted_is_in_the_ledger_and_is_not_accepted() {
    with_each(Strategy::DropOldest, |about| {
        let measurement = measure(repeat(about, Strategy::DropOldest, 8, 5 * MS));
        let ledger = &measurement.ledger;
        assert_eq!((ledger.lost.admitted, ledger.lost.silent), (0, 0), "{}: {ledger:?}", about.name);
        assert_eq!(ledger.delivered + ledger.evicted, ledger.enqueued, "{}", about.name);
        assert!(ledger.enqueued_in_window <= ledger.delivered, "{}: {ledger:?}", about.name);
        assert_eq!(measurement.disagreements, [""; 0], "{}", about.name);
        assert_eq!(ledger.evicted > 0, about.name != "noop", "{}: {ledger:?}", about.name);
    });
}

#[test]
#[ignore = "takes real time"]
fn what_a_shutdown_leaves_behind_is_shown() {
    with_each(Strategy::Drop, |about| {
        // 200 records at 50 ms take 10 s; there is one.
        let mut repeat = repeat(about, Strategy::Drop, 200, 50 * MS);
        repeat.drain_timeout = Nanos::from_secs(1);
        if about.name == "noop" {
            return;
        }
        let ledger = measure(repeat).ledger;
        assert!(ledger.delivered < ledger.attempted, "{}: {ledger:?}", about.name);
        let lost = ledger.lost.admitted + ledger.lost.silent;
        match about.outcome_source {
            // It cannot be told from what was dropped.
            OutcomeSource::Delivery => assert_eq!((lost, ledger.dropped > 0), (0, true), "{}", about.name),
            OutcomeSource::Call | OutcomeSource::Counter => assert!(lost > 100, "{}: {ledger:?}", about.name),
        }
    });
}

#[test]
#[ignore = "takes real time"]
fn what_is_logged_inside_spans_arrives() {
    with_each(Strategy::Drop, |about| {
        for context in ["1f+1B", "4x16f+32B"] {
            let mut repeat = repeat(about, Strategy::Drop, 10_000, 0);
            repeat.parameters.context = context.parse().unwrap();
            repeat.parameters.duration = Nanos::from_millis(50);
            let ledger = measure(repeat).ledger;
            assert_eq!(ledger.delivered, ledger.attempted, "{}, {context}", about.name);
        }
    });
}

#[cfg(feature = "tracing-appender")]
#[test]
#[ignore = "takes real time"]
fn what_the_guard_of_tracing_appender_gives_up_after_a_second_is_a_silent_loss() {
    let _shared = share_the_machine();
    let measurement = measure(repeat(&catalogue::TRACING_APPENDER, Strategy::Block, 200, 20 * MS));
    let ledger = &measurement.ledger;
    // About 200 records are left for the guard's second, in which 50 can be written.
    assert_eq!((ledger.dropped, ledger.lost.admitted), (0, 0), "{ledger:?}");
    assert!(ledger.lost.silent > 100, "{ledger:?}");
    assert_eq!(measurement.queue_counters["dropped"], 0, "its own counter says nothing");
}

#[cfg(feature = "ticklog")]
#[test]
#[ignore = "takes real time"]
fn a_full_ring_of_ticklog_drops_what_no_counter_tells() {
    let _shared = share_the_machine();
    // 50,000 records within a quarter of a second, of which two rings of 1 MB hold some 8,000.
    let mut repeat = repeat(&catalogue::TICKLOG, Strategy::Drop, 1_000_000, MS / 10);
    repeat.parameters.rate = queue_load::internals::units::Rate::of_whole(20_000);
    let measurement = measure(repeat);
    let ledger = &measurement.ledger;
    assert!(ledger.dropped > 1_000, "far below `maxsize`: {ledger:?}");
    assert_eq!((ledger.lost.admitted, ledger.lost.silent), (0, 0), "{ledger:?}");
    assert!(measurement.queue_counters.is_empty(), "{:?}", measurement.queue_counters);
}

#[test]
#[ignore = "takes real time"]
fn fewer_fields_than_the_macros_have_are_no_trouble() {
    with_each(Strategy::Drop, |about| {
        for fields in 0..4 {
            let mut repeat = repeat(about, Strategy::Drop, 10_000, 0);
            repeat.parameters.payload.fields = fields;
            repeat.parameters.duration = Nanos::from_millis(50);
            let ledger = measure(repeat).ledger;
            assert_eq!(ledger.delivered, ledger.attempted, "{}, {fields} fields", about.name);
        }
    });
}
