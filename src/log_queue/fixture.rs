//! What a queue delivers, for the tests of the front ends.

use super::{Config, LogQueue, RecordRef, Strategy};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The records that `log` gives to a queue, as JSON without their times, which no test knows.
pub(super) fn delivered(log: impl FnOnce(&LogQueue)) -> Vec<serde_json::Value> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let sink = move |record: &RecordRef<'_>| record.write_json(&mut *kept.lock().unwrap());
    let queue = LogQueue::start(Config { strategy: Strategy::Block, maxsize: 2, ..Config::default() }, sink).unwrap();
    log(&queue);
    assert!(queue.shutdown(Duration::from_secs(60)).completed);
    let lines = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    let without_time = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line.as_object_mut().unwrap().remove("timestamp").unwrap().is_string());
        line
    };
    lines.lines().map(without_time).collect()
}
