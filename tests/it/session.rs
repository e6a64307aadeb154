//! Scenarios that are run by a call, as somebody's test or program does. Each test here is itself started again for every
//! repeat, and then gets no further than its session.

use crate::support::{Place, share_the_machine};
use queue_load::report::{self, ExitOutcome};
use queue_load::session::{Builder, Event, OnEvent, Place as Destination, Session, SessionError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// 200 logs in 100 ms into the queue that does nothing.
const QUICK: &str = r#"
[target]
throughput = "2k/s"
[matrix]
queue = "noop"
strategy = ["drop", "block"]
concurrency = 2
total_rate = "2k/s"
duration = "100ms"
[run]
warmup = "0s"
control = "50ms"
repeats = 2
invalid_retries = 0
"#;

fn session(place: &Place) -> Builder {
    let scenario = place.write("quick.toml", QUICK);
    Session::builder().scenario(scenario.display().to_string())
}

#[test]
fn a_session_tells_of_every_repeat_and_saves_what_it_returns() {
    let place = Place::new();
    let finished = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&finished);
    let _machine = share_the_machine();
    let concluded = session(&place)
        .reports_directory(place.path())
        .save(Destination::ReportsDirectory)
        .observer(OnEvent::new(move |event| {
            if matches!(event, Event::RepeatFinished { .. }) {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        }))
        .run()
        .unwrap();
    assert_eq!(finished.load(Ordering::Relaxed), 4);
    assert!(concluded.failure.is_none(), "{:?}", concluded.failure);
    let saved = report::read_verified(concluded.path.as_deref().unwrap()).unwrap();
    assert_eq!(saved, concluded.report);
    for case in &saved.cases {
        assert!(case.errors.is_empty(), "{:?}", case.errors);
        assert_eq!(case.repeats.len() + case.set_aside.len(), 2);
        for repeat in case.repeats.iter().chain(case.set_aside.iter().map(|aside| &aside.measured)) {
            assert_eq!(repeat.ledger.scheduled, 200);
        }
    }
    let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".journal")), "{left:?}");
}

#[test]
fn what_is_wrong_is_an_error_before_anything_runs() {
    let place = Place::new();
    let wrong = place.write("wrong.toml", "[matrix]\nqueu = \"noop\"\n");
    for (builder, said) in [
        (Session::builder().scenario(wrong.display().to_string()), "queue"),
        (Session::builder().scenario("nowhere.toml"), "nowhere.toml"),
        (session(&place).set("concurrency", "0"), "concurrency"),
        (session(&place).filter("strategy=sample"), "strategy"),
    ] {
        let error = builder.run().unwrap_err();
        assert!(matches!(error, SessionError::Input(_)), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn an_assertion_fails_with_the_table_where_a_check_does_not_hold() {
    let place = Place::new();
    let text = format!("{QUICK}[[check]]\nexpect = \"enqueued == 0\"\n");
    let scenario = place.write("fails.toml", text);
    let _machine = share_the_machine();
    let concluded = Session::builder().scenario(scenario.display().to_string()).run().unwrap();
    assert_ne!(concluded.outcome(), ExitOutcome::Pass);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| concluded.assert())).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("queue=noop") || message.contains("noop"), "{message}");
    assert!(message.contains("the queue did not pass"), "{message}");
}
