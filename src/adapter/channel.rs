//! A queue as people build it on a plain channel: records that own their content, and a thread that writes them.

use super::{Account, Entry, Sink, Stamp};
use crate::load::payload::Value;
use crate::log_queue::Level;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Time for the writer to stop after its deadline.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A record that owns its content.
#[derive(Debug)]
pub struct Owned {
    stamp: Stamp,
    level: Level,
    message: String,
    fields: Vec<(&'static str, Value)>,
    context: Box<[(&'static str, String)]>,
}

impl Owned {
    /// The record that a service would build at the place where it logs.
    pub fn of(entry: &Entry<'_>) -> Self {
        Self {
            stamp: entry.stamp,
            level: entry.level(),
            message: entry.message().to_owned(),
            fields: entry.fields().to_vec(),
            context: entry.context().iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{} {}", self.level, self.message)?;
        for (name, value) in &self.fields {
            match value {
                Value::U64(value) => write!(out, " {name}={value}")?,
                Value::Str(value) => write!(out, " {name}={value}")?,
                Value::F64(value) => write!(out, " {name}={value}")?,
                Value::Bool(value) => write!(out, " {name}={value}")?,
            }
        }
        self.context.iter().try_for_each(|(name, value)| write!(out, " {name}={value}"))?;
        writeln!(out, " {}={}", Stamp::FIELD, self.stamp)
    }
}

/// The thread that receives from a channel and writes.
#[derive(Debug)]
pub struct Writer {
    time_is_over: Arc<AtomicBool>,
    /// The lock is never contended; it only makes the receiver `Sync`.
    written: Mutex<Receiver<Written>>,
}

/// The outcomes of the records.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    delivered: u64,
    sink_errors: u64,
    abandoned: u64,
}

impl Writer {
    /// Starts the thread. It delivers the records that `next` returns, until `next` returns `None`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(sink: Sink, mut next: impl FnMut() -> Option<Owned> + Send + 'static) -> Result<Self, String> {
        let time_is_over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&time_is_over);
        let (send, written) = mpsc::channel();
        let write = move || {
            let mut count = Written::default();
            while let Some(record) = next() {
                if is_over.load(Ordering::Relaxed) {
                    count.abandoned += 1;
                    continue;
                }
                match sink.deliver(Some(record.stamp), |out| record.write(out)) {
                    Ok(()) => count.delivered += 1,
                    Err(_) => count.sink_errors += 1,
                }
            }
            count.sink_errors += u64::from(sink.flush().is_err());
            let _ = send.send(count);
        };
        let started = thread::Builder::new().name("writer".into()).spawn(write);
        started.map_err(|error| error.to_string())?;
        Ok(Self { time_is_over, written: Mutex::new(written) })
    }

    /// Lets the thread deliver the remaining records for at most `deadline`. The channel must be closed.
    pub fn finish(self, deadline: Duration) -> Account {
        let end = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        let written = end.recv_timeout(deadline).or_else(|_| {
            self.time_is_over.store(true, Ordering::Relaxed);
            end.recv_timeout(LAST_WORD)
        });
        let Ok(Written { delivered, sink_errors, abandoned }) = written else { return Account::default() };
        let named = [("delivered", delivered), ("sink_errors", sink_errors), ("abandoned", abandoned)];
        Account {
            counters: named.map(|(name, count)| (name.to_owned(), count)).into(),
            admitted: sink_errors + abandoned,
            depth_high_water: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{LoadClock, ManualClock};
    use crate::load::{Phase, Template};

    fn sink() -> Sink {
        Sink::new(LoadClock::Manual(ManualClock::at(0)), 1, 0, None)
    }

    fn record(sequence: u64) -> Owned {
        Owned::of(&Entry::new(&Template::new(4, 8), Stamp { phase: Phase::Window, task: 0, sequence, at: 0 }))
    }

    #[test]
    fn all_is_delivered_and_counted() {
        let sink = sink();
        let mut records = (0..7).map(record);
        let writer = Writer::start(sink.clone(), move || records.next()).unwrap();
        let account = writer.finish(Duration::from_secs(60));
        assert_eq!((account.counters["delivered"], account.admitted), (7, 0));
        assert_eq!(sink.so_far(), 7);
    }

    #[test]
    fn what_is_left_when_the_time_is_over_is_admitted() {
        let (sink, (open, gate)) = (sink(), mpsc::channel::<()>());
        let (mut records, mut first) = ((0..7).map(record), true);
        let next = move || {
            if std::mem::take(&mut first) {
                gate.recv().ok();
            }
            records.next()
        };
        let writer = Writer::start(sink.clone(), next).unwrap();
        writer.time_is_over.store(true, Ordering::Relaxed);
        drop(open);
        let account = writer.finish(Duration::from_secs(60));
        assert_eq!((account.counters["abandoned"], account.admitted, sink.so_far()), (7, 7, 0));
    }

    #[test]
    fn a_line_has_all_that_was_logged() {
        let mut line = Vec::new();
        record(3).write(&mut line).unwrap();
        let text = String::from_utf8(line.clone()).unwrap();
        assert!(text.contains("user_id=1000000 route=/api/v1/orders duration_ms=12.75 cached=true"), "{text}");
        assert_eq!(Stamp::find(&line), Some(record(3).stamp));
    }
}
