//! The queue under load, as tests.

use in_a_test::Mine;
use queue_load::report::Outcome;
use queue_load::session::{Session, SessionError};

/// The shortest form: a scenario and the queues that come with `queue-load`.
#[test]
fn the_built_in_queue_keeps_its_promise() -> Result<(), SessionError> {
    queue_load::check("load.toml")?.assert();
    Ok(())
}

/// A queue of one's own.
#[test]
fn our_queue_keeps_its_promise() -> Result<(), SessionError> {
    let session = Session::builder().scenario("load.toml").set("queue", "mine");
    session.queues(|queues| queues.add::<Mine>()).run()?.assert();
    Ok(())
}

/// A test that can only pass proves nothing: a queue without room has to fail.
#[test]
fn a_queue_without_room_fails() -> Result<(), SessionError> {
    let session = Session::builder().scenario("load.toml").set("sink_delay", "10ms").set("maxsize", "1");
    let concluded = session.run()?;
    assert_ne!(concluded.report.verdict.outcome, Outcome::Pass, "{}", concluded.text());
    assert!(concluded.report.cases[0].repeats.iter().all(|repeat| repeat.ledger.dropped > 0), "{}", concluded.text());
    Ok(())
}
