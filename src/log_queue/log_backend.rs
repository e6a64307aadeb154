//! Logs the records of `log` to a queue.
//!
//! ```
//! use queue_load::log_queue::{Config, Guard, LogQueue, QueueLogger, TallySink};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sink = TallySink::new();
//! let queue = LogQueue::start(Config::default(), sink.clone())?;
//! let guard = Guard::new(queue.clone(), Duration::from_secs(5));
//! QueueLogger::new(queue).with_filter("info,noisy::module=warn")?.install()?;
//!
//! log::info!(path = "/", status = 200; "request served");
//! log::debug!("the filter says no");
//! drop(guard);
//! assert_eq!(sink.count(), 1);
//! # Ok(())
//! # }
//! ```

use super::queue::{DROP_DEADLINE, LogQueue};
use super::record::Level;
use super::scratch::{Held, Scratch};
use env_filter::{Builder, Filter};
use log::kv::{self, Key, VisitSource, VisitValue};
use log::{Log, Metadata, SetLoggerError};
use std::env;
use std::thread;
use std::time::{Duration, Instant};

/// A wait for the worker checks this often.
const LOOK: Duration = Duration::from_millis(1);

/// A backend of `log` that logs to a queue.
///
/// - A filter decides which records are logged. It is written like `RUST_LOG`: a level for all targets, and levels for
///   single ones. Without a filter, `info` and above are logged. The filter's most detailed level is also set for
///   `log`'s macros, so a more detailed call costs next to nothing.
/// - The record has the same message, and fields for the key-value pairs: numbers and booleans keep their types,
///   everything else becomes text. The field `target` has the target.
/// - If the queue is full, its strategy decides. Under [`Strategy::Block`](super::Strategy::Block) the call parks its
///   thread until there is room. Only the queue counts the records that it refuses for lack of
///   room. What comes after it was closed is not counted.
/// - `log::logger().flush()` has every record delivered that was accepted before, and waits for that, for at most
///   [`DROP_DEADLINE`](super::DROP_DEADLINE).
/// - The sink of the queue should not log through this backend: each record would make more. The worker never waits for
///   room.
#[derive(Debug)]
pub struct QueueLogger {
    queue: LogQueue,
    filter: Filter,
}

/// The text is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a filter such as `info,my_app::module=debug`: {why}")]
pub struct FilterError {
    text: String,
    why: String,
}

impl QueueLogger {
    /// A backend that logs `info` and above to `queue`.
    #[must_use]
    pub fn new(queue: LogQueue) -> Self {
        Self { queue, filter: Builder::new().filter_level(log::LevelFilter::Info).build() }
    }

    /// The backend with another filter, such as `info,my_app::module=debug`.
    ///
    /// # Errors
    ///
    /// The text is not a filter.
    pub fn with_filter(self, text: &str) -> Result<Self, FilterError> {
        let mut filter = Builder::new();
        let parsed = filter.try_parse(text).map(|builder| builder.build());
        let filter = parsed.map_err(|why| FilterError { text: text.to_owned(), why: why.to_string() })?;
        Ok(Self { filter, ..self })
    }

    /// The backend with the filter from an environment variable such as `RUST_LOG`, if the variable is set.
    ///
    /// # Errors
    ///
    /// Its value is not a filter.
    pub fn with_env(self, variable: &str) -> Result<Self, FilterError> {
        match env::var(variable) {
            Ok(text) => self.with_filter(&text),
            Err(_) => Ok(self),
        }
    }

    /// Makes it the backend of this process, and sets the level of the macros to the most detailed one of its filter.
    ///
    /// # Errors
    ///
    /// The process already has a backend.
    pub fn install(self) -> Result<(), SetLoggerError> {
        let level = self.filter.filter();
        log::set_boxed_logger(Box::new(self))?;
        log::set_max_level(level);
        Ok(())
    }
}

impl Log for QueueLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.enabled(metadata)
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.filter.matches(record) {
            return;
        }
        Scratch::with(|made| {
            made.message(*record.args());
            // Only the visitor can end this early, and `Pairs` never does.
            let _ = record.key_values().visit(&mut Pairs(made));
            made.text("target", record.target());
            made.log(&self.queue, level(record.level()));
        });
    }

    fn flush(&self) {
        settle(&self.queue, DROP_DEADLINE);
    }
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Trace => Level::Trace,
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    }
}

/// Waits until every record accepted before the call is settled, for at most `deadline`. Returns whether all are.
fn settle(queue: &LogQueue, deadline: Duration) -> bool {
    let begin = Instant::now();
    let accepted = queue.counters().enqueued;
    loop {
        let counters = queue.counters();
        if counters.delivered + counters.sink_errors + counters.abandoned + counters.evicted >= accepted {
            return true;
        }
        if begin.elapsed() >= deadline {
            return false;
        }
        queue.hurry();
        thread::sleep(LOOK);
    }
}

/// Takes key-value pairs.
struct Pairs<'s>(&'s mut Scratch);

impl<'a> VisitSource<'a> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'a>, value: kv::Value<'a>) -> Result<(), kv::Error> {
        let mut typed = Typed { record: self.0, value: Held::Bool(false) };
        value.visit(&mut typed)?;
        let value = typed.value;
        self.0.named(key.as_str(), value);
        Ok(())
    }
}

/// A value of a key-value pair, with the type that it will have in the record.
struct Typed<'s> {
    record: &'s mut Scratch,
    value: Held,
}

impl<'v> VisitValue<'v> for Typed<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.value = Held::Text(self.record.keep(format_args!("{value}")));
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.value = Held::Bool(value);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.value = Held::I64(value);
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.value = Held::U64(value);
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.value = Held::F64(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_queue::fixture::delivered;
    use crate::log_queue::{Config, Record, Strategy};

    /// Sets the level of the macros in this process so low that the loggers named in them get everything.
    fn let_through() {
        log::set_max_level(log::LevelFilter::Trace);
    }

    /// What a queue delivers of the records that pass this filter.
    fn logged(filter: &str, log: impl FnOnce(&QueueLogger)) -> Vec<serde_json::Value> {
        let_through();
        delivered(|queue| log(&QueueLogger::new(queue.clone()).with_filter(filter).unwrap()))
    }

    #[test]
    fn a_record_keeps_its_message_its_level_and_the_types_of_its_pairs() {
        let lines = logged("trace", |logger| {
            log::info!(logger: logger, count = 7_u64, change = -7, share = 0.5, hit = true, path = "/a", debug:? = [1]; "served {}", 3);
            log::error!(logger: logger, target: "elsewhere", "a static text");
        });
        let fields = serde_json::json!({
            "count": 7, "change": -7, "share": 0.5, "hit": true, "path": "/a", "debug": "[1]", "target": module_path!(),
        });
        assert_eq!(lines[0], serde_json::json!({"level": "info", "message": "served 3", "fields": fields}));
        let fields = serde_json::json!({"target": "elsewhere"});
        assert_eq!(lines[1], serde_json::json!({"level": "error", "message": "a static text", "fields": fields}));
    }

    #[test]
    fn levels_are_the_same_ones() {
        let lines = logged("trace", |logger| {
            log::Level::iter().for_each(|level| log::log!(logger: logger, level, "one"));
        });
        let levels: Vec<&str> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
        assert_eq!(levels, ["error", "warn", "info", "debug", "trace"]);
    }

    #[test]
    fn a_filter_decides_by_target_and_level() {
        let lines = logged("info,quiet=error,loud::part=debug", |logger| {
            log::debug!(logger: logger, "no");
            log::info!(logger: logger, "yes");
            log::warn!(logger: logger, target: "quiet", "no");
            log::error!(logger: logger, target: "quiet", "yes");
            log::debug!(logger: logger, target: "loud::part::of", "yes");
            log::debug!(logger: logger, target: "loud", "no");
            let metadata = |level| Metadata::builder().level(level).target("quiet").build();
            assert!(!logger.enabled(&metadata(log::Level::Warn)) && logger.enabled(&metadata(log::Level::Error)));
            assert_eq!(logger.filter.filter(), log::LevelFilter::Debug, "what the macros will let through");
        });
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.iter().all(|line| line["message"] == "yes"), "{lines:?}");
    }

    #[test]
    fn without_a_filter_it_is_info_and_above() {
        let queue = LogQueue::start(Config::default(), crate::log_queue::NullSink).unwrap();
        let logger = QueueLogger::new(queue).with_env("QUEUE_LOAD_TEST_NO_SUCH_VARIABLE").unwrap();
        assert_eq!(logger.filter.filter(), log::LevelFilter::Info);
    }

    #[test]
    fn a_text_that_is_no_filter_is_shown() {
        let queue = LogQueue::start(Config::default(), crate::log_queue::NullSink).unwrap();
        let error = QueueLogger::new(queue).with_filter("info,my_crate=loud").unwrap_err().to_string();
        assert!(error.contains("`info,my_crate=loud` is not a filter"), "{error}");
    }

    #[test]
    fn to_flush_is_to_have_it_delivered_although_no_batch_is_due() {
        let sink = crate::log_queue::TallySink::new();
        let config = Config { batch_timeout: Duration::from_secs(3600), ..Config::default() };
        let logger = QueueLogger::new(LogQueue::start(config, sink.clone()).unwrap());
        let_through();
        log::info!(logger: &logger, "one");
        logger.flush();
        assert_eq!(sink.count(), 1);
    }

    #[test]
    fn a_record_that_was_evicted_is_not_waited_for() {
        let config = Config { strategy: Strategy::DropOldest, maxsize: 1, batch_size: 2, ..Config::default() };
        let config = Config { batch_timeout: Duration::from_millis(5), ..config };
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let sink = move |_: &crate::log_queue::RecordRef<'_>| {
            let _ = gate.recv();
            Ok(())
        };
        let queue = LogQueue::start(config, sink).unwrap();
        let logger = QueueLogger::new(queue.clone());
        while queue.counters().evicted == 0 {
            queue.try_log(Record::new(Level::Info, "one")).unwrap();
        }
        drop(go);
        assert!(settle(&logger.queue, Duration::from_secs(60)));
    }

    #[test]
    fn a_wait_for_the_delivery_ends_at_its_deadline() {
        let config = Config { batch_timeout: Duration::from_secs(3600), ..Config::default() };
        let queue = LogQueue::start(config, crate::log_queue::NullSink).unwrap();
        assert!(settle(&queue, Duration::ZERO), "nothing was accepted");
        queue.try_log(Record::new(Level::Info, "one")).unwrap();
        assert!(!settle(&queue, Duration::ZERO), "its batch is not due");
    }
}
