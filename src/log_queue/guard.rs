//! The end of a process: a guard that delivers the remaining records, and a hook that logs panics before they end
//! anything.

use super::counters::Shutdown;
use super::queue::LogQueue;
use super::record::{Level, Record};
use std::panic::{self, PanicHookInfo};
use std::thread;
use std::time::Duration;

/// Shuts a queue down when it is dropped: closes it, and waits until everything is delivered, for at most a deadline.
///
/// Keep it in `main` until the service has ended. It is dropped when `main` returns, and when a panic unwinds through it.
/// `std::process::exit`, an abort, and a signal whose action is to end the process drop nothing: the records of at most
/// the last `batch_timeout` are then lost (see the [module](super)).
///
/// Dropping it blocks the thread. If not everything was delivered, it says so on standard error.
#[derive(Debug)]
#[must_use = "dropped at once, it closes the queue at once"]
pub struct Guard {
    queue: LogQueue,
    deadline: Duration,
    is_over: bool,
}

impl Guard {
    /// A guard of `queue` that waits for at most `deadline`.
    pub fn new(queue: LogQueue, deadline: Duration) -> Self {
        Self { queue, deadline, is_over: false }
    }

    /// Shuts the queue down now. How that ended is returned instead of being printed.
    pub fn finish(mut self) -> Shutdown {
        self.is_over = true;
        self.queue.shutdown(self.deadline)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let Shutdown { abandoned, sink_errors, .. } = self.queue.shutdown(self.deadline);
        if abandoned + sink_errors > 0 {
            eprintln!("log queue: {abandoned} records were not delivered in time, {sink_errors} could not be written");
        }
    }
}

/// Logs every panic of this process as an error, with the fields `thread` and `location`, before the hook that was
/// installed so far is called.
///
/// Where panics abort (`panic = "abort"`), nothing runs after the hooks. There it also shuts the queue down, and waits for
/// at most `deadline`. Where they unwind, a [`Guard`] does that if the panic ends the process.
///
/// The hook never waits for room. If the queue is full, or the panic is that of the queue's own sink, the panic is only on
/// standard error, where the usual hook puts it.
pub fn log_panics(queue: LogQueue, deadline: Duration) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // A record of a panic of the sink would make it panic again, and so on. And the worker cannot wait for its own end.
        if !queue.is_worker() {
            enter(&queue, info);
            if cfg!(panic = "abort") {
                let _ = queue.shutdown(deadline);
            }
        }
        before(info);
    }));
}

fn enter(queue: &LogQueue, info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let thread = thread::current();
    let location = info.location().map_or_else(String::new, ToString::to_string);
    let record = Record::new(Level::Error, message).with("thread", thread.name().unwrap_or("<unnamed>"));
    // A refusal is counted by the queue.
    let _ = queue.try_log(record.with("location", &location));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_queue::{Config, TallySink};

    fn queue(sink: TallySink) -> LogQueue {
        // No batch is ever due by time, so only the shutdown delivers.
        let config = Config { batch_size: 100, batch_timeout: Duration::from_secs(3600), ..Config::default() };
        LogQueue::start(config, sink).unwrap()
    }

    #[test]
    fn a_guard_delivers_what_is_left_when_it_is_dropped() {
        let sink = TallySink::new();
        let queue = queue(sink.clone());
        let guard = Guard::new(queue.clone(), Duration::from_secs(60));
        (0..7).for_each(|_| assert!(queue.try_log(Record::new(Level::Info, "one")).is_ok()));
        drop(guard);
        assert_eq!((sink.count(), queue.is_closed()), (7, true));
    }

    #[test]
    fn a_guard_delivers_when_a_panic_unwinds_through_it() {
        let sink = TallySink::new();
        let queue = queue(sink.clone());
        let service = thread::spawn(move || {
            let _guard = Guard::new(queue.clone(), Duration::from_secs(60));
            queue.try_log(Record::new(Level::Info, "one")).unwrap();
            panic!("as it is meant to");
        });
        assert!(service.join().is_err());
        assert_eq!(sink.count(), 1);
    }

    #[test]
    fn finish_says_how_it_ended() {
        let sink = TallySink::new();
        let queue = queue(sink.clone());
        queue.try_log(Record::new(Level::Info, "one")).unwrap();
        let end = Guard::new(queue, Duration::from_secs(60)).finish();
        assert_eq!((end.delivered, end.abandoned, end.completed), (1, 0, true));
    }
}
